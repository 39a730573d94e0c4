"""The page about the wallet: its code runs, its policy is one, and what it names is there."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest

from delegations.permissions.wallet import Limits, Policy, RpcCode
from delegations.permissions.wallet.store import GrantState
from tests.cli.command import run
from tests.docs.pages import read_page, run_page
from tests.unit.permissions.wallet.bad_requests import BAD_REQUESTS
from tests.unit.permissions.wallet.situations import SITUATIONS

PAGE = read_page("wallet.md")


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    return run_page("wallet.md")


def test_the_code_grants_one_permission_and_refuses_two(names: dict[str, Any]) -> None:
    assert names["granted"]["context"].startswith("0x")
    assert names["refused"]["code"] == 4001


def test_the_policy_is_one() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (allow,) = Policy.from_text(text, toml=True).allow
    assert allow.max_grants == 3


@pytest.mark.parametrize("code", list(RpcCode))
def test_every_code_is_explained(code: RpcCode) -> None:
    assert re.search(rf"^\| {code.value} \|", PAGE, re.MULTILINE)


def test_every_status_and_state_is_named() -> None:
    statuses = {row.status for row in (*BAD_REQUESTS, *SITUATIONS)} - {200}
    assert all(str(status) in PAGE.splitlines()[-1] for status in statuses)
    assert all(f"| `{state}` |" in PAGE for state in get_args(GrantState))


def test_the_limits_are_those_of_the_server() -> None:
    limits = Limits()
    assert f"{limits.body_bytes // 1024} KiB, be nested {limits.depth} deep, and hold {limits.batch} requests" in PAGE


def test_every_option_of_the_server_is_explained() -> None:
    offered = set(re.findall(r"^\s+(--[a-z-]+)", run("wallet", "serve", "--help").out, re.MULTILINE)) - {"--help"}
    assert all(f"`{option}`" in PAGE for option in offered)
