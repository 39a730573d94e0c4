"""Is anything left of a delegation? Every answer stands beside what the official bytecode makes of a redemption."""

from __future__ import annotations

import pytest

from caveats import (
    Caveat,
    ERC20PeriodTransfer,
    ERC20Streaming,
    ERC20TransferAmount,
    Execution,
    Id,
    LimitedCalls,
    LogicalOrWrapper,
    MultiTokenPeriod,
    NativeTokenTransferAmount,
    Nonce,
    Timestamp,
    TokenPeriod,
)
from caveats.abi import encode_uint
from caveats.enforcer import NATIVE_TOKEN, TokenInfo
from caveats.errors import EncodingError
from delegations.manager import MetaMaskManager
from delegations.redemption import redeem
from delegations.simulation import Status, execute, status
from tests.enforcers.harness import SHOP, START_AT, transfer
from tests.simulation.held import DAY, expect, expect_active, hold, hold_two, increment, root, send

# used up


@pytest.mark.parametrize("terms", [LimitedCalls(limit=1), Id(id=9)], ids=["calls", "id"])
def test_a_used_up_count_is_final(stage, terms):
    held = hold(stage, terms)
    expect_active(held)
    assert execute(stage.chain, redeem(held.context, Execution(target=SHOP))).verdict.allowed
    finding = expect(held, "exhausted")
    assert (finding.until, finding.place.caveat) == (None, 0)


def test_a_spent_cap_is_final(stage):
    held = hold(stage, ERC20TransferAmount(token=stage.token, max_amount=5))
    call = transfer(stage.token, 1)
    expect_active(held, execution=call)
    assert execute(stage.chain, redeem(held.context, transfer(stage.token, 5))).verdict.allowed
    finding = expect(held, "exhausted", execution=call)
    assert finding.until is None
    assert held.status(tokens={stage.token: TokenInfo("USDC", 0)}).sentence == "0 USDC is left in total."


def test_a_spent_budget_says_when_it_is_full_again(stage):
    held = hold(stage, ERC20PeriodTransfer(token=stage.token, period_amount=5, period_seconds=DAY, start_at=START_AT))
    call = transfer(stage.token, 1)
    assert execute(stage.chain, redeem(held.context, transfer(stage.token, 5))).verdict.allowed
    assert expect(held, "exhausted", execution=call).until == START_AT + DAY
    stage.chain.timestamp = START_AT + DAY
    expect_active(held, execution=call)


def test_a_spent_stream_says_when_more_is_unlocked(stage):
    terms = ERC20Streaming(token=stage.token, initial_amount=5, max_amount=6, amount_per_second=1, start_at=START_AT)
    held, call = hold(stage, terms), transfer(stage.token, 1)
    assert execute(stage.chain, redeem(held.context, transfer(stage.token, 5))).verdict.allowed
    assert expect(held, "exhausted", execution=call).until == START_AT + 1
    stage.chain.timestamp += 1
    expect_active(held, execution=call)
    assert execute(stage.chain, redeem(held.context, call)).verdict.allowed
    assert expect(held, "exhausted", execution=call).until is None


def test_one_asset_that_is_left_keeps_it_active(stage):
    records = tuple(
        TokenPeriod(token=token, period_amount=5, period_seconds=DAY, start_at=START_AT)
        for token in (stage.token, NATIVE_TOKEN)
    )
    link = root(MultiTokenPeriod(records=records))
    first, second = (link.with_args({0: encode_uint(i)}) for i in (0, 1))
    assert execute(stage.chain, redeem(first, transfer(stage.token, 5))).verdict.allowed
    assert status(stage.chain, link).is_active
    assert execute(stage.chain, redeem(second, Execution(target=SHOP, value=5))).verdict.allowed
    assert status(stage.chain, link).state == "exhausted"


def test_a_cap_of_nothing_is_a_guard_and_not_used_up(stage):
    held = hold(stage, NativeTokenTransferAmount(max_amount_wei=0))
    expect_active(held)


def test_what_is_waiting_for_a_reset_is_less_final_than_what_is_spent(stage):
    daily = ERC20PeriodTransfer(token=stage.token, period_amount=5, period_seconds=DAY, start_at=START_AT)
    held = hold_two(stage, [daily], [ERC20TransferAmount(token=stage.token, max_amount=5)])
    assert execute(stage.chain, redeem(held.context, transfer(stage.token, 5))).verdict.allowed
    finding = expect(held, "exhausted", execution=transfer(stage.token, 1))
    assert (finding.until, finding.link) == (None, 1)


# what never held, and what cannot be told


@pytest.mark.parametrize(
    "caveats",
    [
        [LimitedCalls.unchecked(limit=0)],
        [Id(id=1), Id(id=1)],
        [LimitedCalls(limit=1), LimitedCalls(limit=1)],
        [Caveat(enforcer=LimitedCalls.ADDRESS, terms=b"\x01")],
        [Caveat(enforcer=Timestamp.ADDRESS, terms=b"\x01")],
        [LogicalOrWrapper.unchecked(groups=())],
    ],
    ids=["limit 0", "an id twice", "a count twice", "malformed", "malformed window", "no groups"],
)
def test_what_no_redemption_ever_passes_is_invalid(stage, caveats):
    expect(hold(stage, *caveats), "invalid")


@pytest.mark.parametrize("terms", [Timestamp(before_at=START_AT + DAY), LimitedCalls(limit=1)], ids=["window", "count"])
def test_an_enforcer_without_code_makes_it_invalid(stage, terms):
    held = hold(stage, terms)
    expect_active(held)
    stage.chain.world.set_code(terms.ADDRESS, b"")
    assert "no contract at the address" in expect(held, "invalid").sentence


def test_an_unknown_enforcer_makes_it_unknown(stage):
    held = hold(stage, Caveat(enforcer=stage.target, terms=b"\x01"))
    found = held.status()
    assert (found.state, found.findings[0].place.caveat) == ("unknown", 0)
    assert hold(stage).status().is_active


# groups


def groups(*each):
    return LogicalOrWrapper(groups=tuple(tuple(terms.to_caveat() for terms in group) for group in each))


def test_one_open_group_keeps_it_active(stage):
    late, fine = Timestamp(before_at=START_AT), LimitedCalls(limit=1)
    link = root(groups([late], [fine]))
    assert status(stage.chain, link).is_active
    chosen = link.with_args({0: LogicalOrWrapper.encode_args(1, [b""])})
    assert execute(stage.chain, redeem(chosen, Execution(target=SHOP))).verdict.allowed
    assert status(stage.chain, link).state == "exhausted"


def test_of_closed_groups_the_one_that_may_open_again_counts(stage):
    link = root(groups([Timestamp(before_at=START_AT)], [Timestamp(after_at=START_AT + 9)]))
    found = status(stage.chain, link)
    assert (found.state, found.findings[0].until) == ("not_yet_valid", START_AT + 10)
    assert found.sentence.startswith("Every group of the LogicalOrWrapper")


def test_records_that_are_all_still_to_begin_are_not_yet_valid(stage):
    def of(*starts):
        records = tuple(
            TokenPeriod(token=stage.token, period_amount=5, period_seconds=DAY, start_at=at) for at in starts
        )
        return status(stage.chain, root(MultiTokenPeriod.unchecked(records=records)))

    assert of(START_AT, START_AT + 5).is_active
    assert of(START_AT + 9, START_AT + 5).state == "not_yet_valid"


# several things at once


def test_everything_found_is_listed_the_most_final_first(stage):
    held = hold_two(stage, [Timestamp(after_at=START_AT + 50)], [Nonce(nonce=0), Timestamp(before_at=START_AT)])
    increment(stage)
    send(stage, stage.chain.manager, MetaMaskManager().encode_disable(held.context[1]))
    stage.chain.world.set_storage(stage.chain.manager, 1, 1 << 160)
    found = held.status()
    states = ["expired", "nonce_bumped", "disabled", "not_yet_valid", "manager_paused"]
    assert [finding.state for finding in found.findings] == states
    assert [finding.finality for finding in found.findings] == sorted(finding.finality for finding in found.findings)
    assert found.has("manager_paused")
    assert not found.has("exhausted")


def test_the_answer_travels_as_json(stage):
    found = hold(stage, Timestamp(before_at=START_AT), LimitedCalls(limit=2)).status()
    assert Status.from_json(found.to_json()) == found
    assert found.remaining.calls_left == 2


def test_no_delegation_at_all_is_refused(stage):
    with pytest.raises(EncodingError, match="at least one delegation"):
        status(stage.chain, ())
