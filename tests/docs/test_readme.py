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


def test_the_readmes_own_test_passes(delegator, agent, stranger, token, allows, denies):
    from caveats import ERC20TransferAmount
    from delegations import redeem

    block = next(b for b in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "def test_" in b)
    names: dict = {"ERC20TransferAmount": ERC20TransferAmount, "redeem": redeem}
    exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - the page is ours
    names["test_the_agent_stays_within_its_budget"](delegator, agent, stranger, token, allows, denies)


def test_every_command_it_shows_exists():
    commands = set(re.findall(r"`delegations (\w+)", README))
    assert commands == {
        *("demo", "inspect", "hash", "sign", "simulate", "status", "redeem", "receipt"),
        *("ledger", "permissions", "wallet"),
    }
