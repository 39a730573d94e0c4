"""The page about the ledger: its commands and its code run as they stand, from top to bottom."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import run

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "ledger.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_commands_run_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told: dict[str, str] = {}
    for line in "".join(blocks("sh")).splitlines():
        command, _, file = line.partition(" > ")
        words = shlex.split(command)
        if words[0] == "openssl":
            subprocess.run(words, check=True, capture_output=True)
            continue
        ran = run(*words[1:])
        assert (ran.code, ran.err) == (0, ""), f"{line}: {ran}"
        told[line] = ran.out
        if file:
            Path(file).write_text(ran.out)
    assert told
    first, last = (out for line, out in told.items() if line.startswith("delegations ledger check "))
    assert first.splitlines()[1:] == ["entry 1 of 2 in example.org/agents", first.splitlines()[2]]
    assert first.splitlines()[2].startswith("signed by ed25519 ")
    assert "cosigned by witness.example.net/w at " in last
    (found,) = (out for line, out in told.items() if "--outcome denied" in line)
    assert found.startswith("1 ")
    assert len(found.splitlines()) == 1


def test_the_code_makes_a_proof_that_holds() -> None:
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(compile(block, "docs/ledger.md", "exec"), names)  # noqa: S102 - the page is ours
    assert names["receipt"].hash == names["denial"].hash


def test_every_command_of_the_group_is_on_the_page() -> None:
    listed = run("ledger", "--help").out.partition("Commands:")[2]
    commands = set(re.findall(r"^  (\w+)", listed, re.MULTILINE))
    assert commands - {"consistency"} == set(re.findall(r"delegations ledger (\w+)", PAGE))
