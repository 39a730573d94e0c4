"""The page about asking a wallet: its code runs, and what it names is there."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest

from delegations.permissions import asking
from delegations.permissions.asking import _MEANINGS, UnavailableError
from delegations.permissions.verify import CheckName
from tests.cli.command import run
from tests.docs.pages import read_page, run_page

PAGE = read_page("permissions-dapp.md")
COMMANDS = ("supported", "request", "check", "decode", "granted", "revoke")


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    return run_page("permissions-dapp.md")


def test_the_grant_holds_and_is_denied_beyond_its_bounds(names: dict[str, Any]) -> None:
    assert names["report"].standing == "holds"
    assert names["over"].reason == "ERC20PeriodTransferEnforcer:transfer-amount-exceeded"


def test_less_is_called_less(names: dict[str, Any]) -> None:
    assert (names["comparison"].is_wider, names["comparison"].is_narrower) == (False, True)
    assert "less than was asked" in names["difference"].sentence


def test_the_page_names_every_check() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(get_args(CheckName))


def test_the_page_names_every_code_beside_what_it_raises() -> None:
    rows = dict(re.findall(r"^\| ([-0-9, ]+)[^|]* \| `(\w+)` \|", PAGE, re.MULTILINE))
    told = {int(code): getattr(asking, name) for codes, name in rows.items() for code in re.findall(r"-?\d+", codes)}
    assert told == {code: kind for code, (kind, _, _) in _MEANINGS.items()}
    assert UnavailableError in told.values()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_page_exist(command: str) -> None:
    assert f"delegations permissions {command} " in PAGE
    assert run("permissions", command, "--help").code == 0
