"""The page about who could lie: its numbers, names and links are those of the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from delegations.receipts.evidence import DEFAULT_BUDGET, bundle, replay
from delegations.receipts.evidence.refusal import REASONS
from delegations.receipts.evidence.transactions import TYPES
from delegations.receipts.model_parts import Provenance
from scripts.figures import evidence_mutations, evidence_replay
from scripts.figures.harness import FIGURES
from tests.unit.receipts.evidence.denials import DENIALS

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "receipts-threat-model.md").read_text()


@pytest.mark.parametrize(
    "text",
    [
        f"{bundle.MAX_BUNDLE // 2**20} MiB a bundle",
        f"{bundle.MAX_HEADERS} headers",
        f"{bundle.MAX_ITEMS:,} of anything",
        f"{replay.MOST_GAS:,} gas",
        f"{DEFAULT_BUDGET.transactions:,} transactions",
        f"{DEFAULT_BUDGET.gas:,} gas",
        f"{DEFAULT_BUDGET.work:,} units",
    ],
)
def test_a_bound_is_the_codes(text):
    assert text in PAGE


def test_numbers_in_words_are_the_codes():
    assert ("twelve thousand" in PAGE, evidence_mutations.RANDOM_LIES) == (True, 12_000)
    assert ("fifteen kinds of\ndenial" in PAGE, len(DENIALS)) == (True, 15)


def test_every_standing_is_explained():
    for standing in get_args(Provenance):
        assert f"| `{standing}` |" in PAGE


def test_every_reason_named_exists():
    named = set(re.findall(r"`((?:witness|claim|receipt|replay)-[a-z-]+)`", PAGE))
    assert named
    assert named <= set(REASONS)


def test_every_figure_named_exists():
    named = {"evidence_mutations", "denial_omissions", "block_omissions", "replay_work"}
    assert all(f"`{name}`" in PAGE for name in named)
    assert named <= set(FIGURES)
    assert FIGURES["block_omissions"].measure is evidence_replay.block_omissions


def test_the_types_are_those_that_can_be_read():
    assert sorted(TYPES) == [0, 1, 2, 3, 4, 0x7E]
    assert "types 0 to 4 and the OP stack's deposit 0x7e" in PAGE


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([a-z-]+\.md)\)", PAGE)
    assert links
    assert all((DOCS / link).is_file() for link in links)
