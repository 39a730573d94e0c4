"""The page about receipts: its code runs, and what it names is there."""

from __future__ import annotations

import re
from typing import Any

import pytest

from delegations.receipts import KINDS, SCHEMA, Receipt, find_problems
from delegations.receipts.envelope import PAYLOAD_TYPE
from delegations.receipts.ethereum_key import RECEIPT_TYPE
from delegations.receipts.page_words import STANDINGS
from tests.cli.command import run
from tests.docs.pages import read_page, run_page

PAGE = read_page("receipts.md")


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    return run_page("receipts.md")


def test_the_code_makes_receipts_that_hold(names: dict[str, Any]) -> None:
    for name in ("granted", "denial"):
        receipt = names[name]
        assert isinstance(receipt, Receipt)
        assert find_problems(receipt) == ()
    assert names["denial"].prev == names["granted"].hash


@pytest.mark.parametrize("word", [*KINDS, *STANDINGS, SCHEMA, PAYLOAD_TYPE, RECEIPT_TYPE])
def test_the_page_names_every_kind_standing_and_form(word: str) -> None:
    assert f"`{word}`" in PAGE


def test_the_commands_of_the_page_exist() -> None:
    commands = set(re.findall(r"^delegations receipt (\w+)", PAGE, re.MULTILINE))
    assert commands == {"show", "sign", "verify"}
    for command in commands:
        told = run("receipt", command, "--help").out
        assert all(option in told for option in {"show": ["--html", "--key"]}.get(command, ["--key"]))
