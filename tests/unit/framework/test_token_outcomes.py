"""What tokens say when they refuse is named, in one sentence with a hint, whichever words a token has for it."""

from __future__ import annotations

from typing import get_args

import pytest
from eth_abi import encode

from delegations.framework import decode_revert
from delegations.framework.abi import selector
from delegations.framework.meanings import TOKENS
from delegations.framework.token_outcomes import CUSTOM, OUTCOMES, TEXTS, Outcome

ERROR = bytes.fromhex("08c379a0")


def said(text: str) -> bytes:
    return ERROR + encode(["string"], [text])


@pytest.mark.parametrize(("text", "outcome"), TEXTS.items())
def test_a_token_s_text_is_named_explained_and_hinted_at(text: str, outcome: Outcome) -> None:
    reason = decode_revert(said(text))
    meaning, hint = OUTCOMES[outcome]
    assert (reason.outcome, reason.hint, reason.onchain) == (outcome, hint, text)
    assert reason.text == f"The call reverted with the reason '{text}': {meaning}."


@pytest.mark.parametrize("text", ["ERC20: transfer amount exceeds balance ", "erc20: insufficient allowance", "paused"])
def test_a_text_that_only_resembles_one_is_left_as_it_is(text: str) -> None:
    reason = decode_revert(said(text))
    assert (reason.outcome, reason.hint) == (None, "")
    assert reason.text == f"The call reverted with the reason '{text}'."


@pytest.mark.parametrize(("name", "outcome"), CUSTOM.items())
def test_a_custom_error_comes_to_the_same_outcomes(name: str, outcome: Outcome) -> None:
    kinds = name[name.index("(") + 1 : -1].split(",")
    values = ["0x" + "11" * 20 if kind == "address" else 1 for kind in kinds]
    reason = decode_revert(selector(name) + encode(kinds, values))
    assert (reason.outcome, reason.hint) == (outcome, OUTCOMES[outcome][1])


def test_a_text_that_spells_a_custom_error_is_not_that_error() -> None:
    assert decode_revert(said("ERC20InvalidSender(address)")).outcome is None


def test_every_error_of_a_token_standard_has_an_outcome() -> None:
    assert TOKENS.keys() <= CUSTOM.keys()


def test_every_outcome_is_used_and_worded() -> None:
    assert set(get_args(Outcome)) == OUTCOMES.keys() == {*TEXTS.values(), *CUSTOM.values()}
    assert all(meaning[0].islower() and meaning[-1] != "." for meaning, _ in OUTCOMES.values())
    assert all(hint[0].isupper() and hint.endswith(".") for _, hint in OUTCOMES.values())


def test_an_enforcer_s_refusal_is_no_token_s() -> None:
    assert decode_revert(said("LimitedCallsEnforcer:limit-exceeded")).outcome is None
