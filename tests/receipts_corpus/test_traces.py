"""Traces that are another transaction's, incomplete or malformed."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import pytest

from caveats.errors import EncodingError
from delegations.receipts.decode import decode_redemptions
from tests.receipts_corpus.make import Case

Corpus = dict[str, Case]


def frames(trace: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield trace
    for call in trace.get("calls", ()):
        yield from frames(call)


def test_the_trace_of_another_transaction_is_refused(corpus: Corpus) -> None:
    one, two = corpus["a multicall of two"].mined, corpus["a batch"].mined
    with pytest.raises(EncodingError, match="it is not that of 0x"):
        decode_redemptions(one.tx, one.receipt, trace=two.trace)


def test_logs_that_are_not_the_traces_are_refused(corpus: Corpus) -> None:
    mined = corpus["a multicall of two"].mined
    with pytest.raises(EncodingError, match="the logs"):
        decode_redemptions(mined.tx, mined.receipt, mined.receipt["logs"][:-1], mined.trace)


def test_a_trace_without_logs_leaves_movements_unknown_and_outcomes_known(corpus: Corpus) -> None:
    mined = corpus["a multicall of two"].mined
    trace = copy.deepcopy(mined.trace)
    for frame in frames(trace):
        frame.pop("logs", None)
    decoded = decode_redemptions(mined.tx, mined.receipt, trace=trace)
    assert [r.status for r in decoded.redemptions] == ["executed", "executed"]
    assert [r.movements for r in decoded.redemptions] == [None, None]
    assert any("withLog" in text for text in decoded.warnings)


def test_a_manager_whose_calls_come_in_another_order_is_not_guessed_at(corpus: Corpus) -> None:
    mined = corpus["an older manager refuses"].mined
    trace = copy.deepcopy(mined.trace)
    calls = trace["calls"]
    # as if that version had no hook before all
    calls[:] = [c for c in calls if not c["input"].startswith("0x414c3e33")]
    (redemption,) = decode_redemptions(mined.tx, mined.receipt, trace=trace).redemptions
    assert (redemption.status, redemption.denial, redemption.stands) == ("unknown", None, False)
    assert redemption.revert is not None


@pytest.mark.parametrize("trace", [{}, [], "0x", {"type": "CALL", "from": "0x12"}])
def test_what_is_no_trace_is_refused(corpus: Corpus, trace: Any) -> None:
    mined = corpus["a batch"].mined
    with pytest.raises(EncodingError):
        decode_redemptions(mined.tx, mined.receipt, trace=trace)


def test_fields_that_are_broken_are_refused_or_change_nothing(corpus: Corpus) -> None:
    mined = corpus["a redemption within a redemption is denied"].mined
    places = len(list(frames(mined.trace)))
    for place in range(places):
        for field, value in (("to", "0xzz"), ("from", "0x12"), ("input", "0x123"), ("value", "x"), ("type", "?")):
            trace = copy.deepcopy(mined.trace)
            list(frames(trace))[place][field] = value
            with contextlib.suppress(EncodingError):
                decode_redemptions(mined.tx, mined.receipt, trace=trace)
