"""Runs the command: in this process, where a process of its own adds nothing, or for real."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from delegations.cli.main import main

SCRIPT = Path(sys.executable).with_name("delegations")
KEY_VARIABLES = ("DELEGATIONS_PRIVATE_KEY", "DELEGATIONS_KEYSTORE_PASSWORD")


@dataclass(frozen=True)
class Ran:
    """What a run of the command left behind."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


def run(*arguments: object, stdin: str | bytes = b"", env: Mapping[str, str] | None = None) -> Ran:
    """Run `delegations` with these arguments in this process."""
    given = stdin.encode() if isinstance(stdin, str) else stdin
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with ExitStack() as stack:
        stack.enter_context(patch.object(sys, "argv", ["delegations", *map(str, arguments)]))
        stack.enter_context(patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(given), encoding="utf-8")))
        stack.enter_context(patch.dict(os.environ, dict(env or {})))
        for name in KEY_VARIABLES:
            if name not in (env or {}):
                os.environ.pop(name, None)
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        try:
            main()
        except SystemExit as leaving:
            code = 0 if leaving.code is None else int(leaving.code)
    return Ran(code, out.getvalue(), err.getvalue())


def run_process(
    *arguments: object, stdin: str | bytes = b"", env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Ran:
    """Run the installed `delegations` in a process of its own."""
    given = stdin.encode() if isinstance(stdin, str) else stdin
    clean = {name: value for name, value in os.environ.items() if name not in KEY_VARIABLES}
    done = subprocess.run(
        [SCRIPT, *map(str, arguments)],
        input=given,
        capture_output=True,
        env={**clean, **(env or {})},
        cwd=cwd,
        check=False,
        timeout=120,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
