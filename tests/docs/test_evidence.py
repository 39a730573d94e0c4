"""The page about evidence: its code runs against a chain, and what it names is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from delegations.evm.metered import FRAME_WORK, PRECOMPILE_WORK
from delegations.receipts.evidence import BUNDLE_SCHEMA, DEFAULT_BUDGET, EVIDENCE_TYPE, REASONS, Bundle
from delegations.receipts.evidence.transactions import TYPES
from tests.cli.command import run
from tests.unit.receipts.evidence.live_chain import LiveChain

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "evidence.md").read_text()


@pytest.fixture(scope="module")
def names() -> Iterator[dict[str, Any]]:
    """What the page's code leaves behind, run as one program with a receipt and a client at hand."""
    live = LiveChain()
    made: dict[str, Any] = {"client": live.client, "receipt": live.three_link_redemption(others=2)}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "docs/evidence.md", "exec"), made)  # noqa: S102 - the page is ours
    yield made
    live.close()


def test_the_code_proves_and_verifies(names: dict[str, Any]) -> None:
    assert names["report"].holds
    assert names["receipt"].evidence[0].sha256 == names["bundle"].sha256


@pytest.mark.parametrize("word", [*REASONS, BUNDLE_SCHEMA, EVIDENCE_TYPE])
def test_the_page_names_every_reason_and_form(word: str) -> None:
    assert f"`{word}`" in PAGE


def test_the_page_names_every_field_of_the_file() -> None:
    for name in Bundle.__pydantic_fields__:
        assert name == "schema_" or f"| `{name}` |" in PAGE


def test_the_types_of_the_page_are_those_that_are_known() -> None:
    assert sorted(TYPES) == [0, 1, 2, 3, 4, 0x7E]


def test_the_options_of_the_page_exist() -> None:
    for command, options in re.findall(r"^delegations receipt (\w+)(.*)$", PAGE, re.MULTILINE):
        told = run("receipt", command, "--help").out
        assert all(option in told for option in re.findall(r"--[a-z-]+", options))


@pytest.mark.parametrize(
    "text",
    [
        f"more than {DEFAULT_BUDGET.transactions} transactions",
        f"more than {DEFAULT_BUDGET.gas:,} gas",
        f"{DEFAULT_BUDGET.work:,} units",
        f"{FRAME_WORK} units for a call",
        f"{PRECOMPILE_WORK[bytes(19) + bytes([9])]} for a round of blake2f",
        f"{PRECOMPILE_WORK[bytes(19) + bytes([8])]} for a gas of a pairing",
    ],
)
def test_a_bound_of_the_page_is_the_codes(text: str) -> None:
    assert text in PAGE
