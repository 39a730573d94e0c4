"""The README's Python runs as it stands, from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()


def test_the_readme_runs_as_a_new_user_would_run_it(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) >= 2
    names: dict = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - the page is ours
    shown = capsys.readouterr().out
    assert "ERC20TransferAmountEnforcer:allowance-exceeded" in shown
    assert "No native value may be sent along." in shown


def test_every_command_it_shows_exists():
    commands = set(re.findall(r"`delegations (\w+)", README))
    assert commands == {"demo", "inspect", "hash", "sign", "simulate", "status", "redeem"}
