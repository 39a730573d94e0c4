"""What is left of single caveats, in numbers and in words."""

from __future__ import annotations

import pytest

from caveats import (
    ERC20PeriodTransfer,
    ERC20Streaming,
    ERC20TransferAmount,
    Execution,
    Id,
    LimitedCalls,
    LogicalOrWrapper,
    MultiTokenPeriod,
    NativeTokenPeriodTransfer,
    NativeTokenStreaming,
    Nonce,
    TokenPeriod,
)
from caveats.abi import encode_uint
from caveats.attempt import Attempt
from caveats.enforcer import NATIVE_TOKEN
from caveats.targets.specific_action_erc20_transfer_batch import SpecificActionERC20TransferBatchV1
from caveats.types import MAX_UINT256, keccak
from delegations.redemption import redeem
from delegations.simulation import execute, simulate
from tests.enforcers.harness import ALICE, SHOP, START_AT, attempt_on, grant, transfer
from tests.simulation.budgets import DAY, MIDNIGHT, USDC, again, daily, only, pay

# one caveat


def test_a_cap_tells_total_used_and_left(stage):
    link, before = only(stage, ERC20TransferAmount(token=stage.token, max_amount=100 * USDC))
    assert (before.caveats[0].total, before.caveats[0].used, before.caveats[0].left) == (100 * USDC, 0, 100 * USDC)
    pay(stage, link, 87_500_000)
    (entry,) = again(stage, link).caveats
    assert (entry.kind, entry.asset, entry.used, entry.left) == ("amount", stage.token, 87_500_000, 12_500_000)
    assert entry.sentence == "12.5 USDC of 100 USDC is left in total."


def test_a_period_tells_when_it_is_full_again(stage):
    link, _ = only(stage, daily(stage))
    pay(stage, link, 37_500_000)
    (entry,) = again(stage, link).caveats
    assert (entry.left, entry.resets_at) == (12_500_000, MIDNIGHT)
    assert entry.sentence == "12.5 USDC of the daily budget of 50 USDC is left until 2027-01-16 00:00:00 UTC."
    (later,) = again(stage, link, at=MIDNIGHT).caveats
    assert (later.left, later.used, later.resets_at) == (50 * USDC, 0, MIDNIGHT + DAY)


def test_a_period_that_has_not_begun_denies_everything(stage):
    link, before = only(stage, daily(stage, start_at=MIDNIGHT))
    (entry,) = before.caveats
    assert (entry.left, entry.opens_at) == (0, MIDNIGHT)
    assert entry.denied == "ERC20PeriodTransferEnforcer:transfer-not-started"
    assert entry.sentence == "Nothing yet: the daily budget of 50 USDC begins at 2027-01-16 00:00:00 UTC."
    assert again(stage, link, at=MIDNIGHT).caveats[0].denied is None


def test_a_period_that_never_ends_has_no_reset(stage):
    terms = NativeTokenPeriodTransfer(period_amount_wei=5, period_seconds=MAX_UINT256, start_at=START_AT)
    _, left = only(stage, terms)
    assert left.caveats[0].resets_at is None
    assert (
        left.caveats[0].sentence == "0.000000000000000005 ETH of the total budget of 0.000000000000000005 ETH is left."
    )


@pytest.mark.parametrize("field", ["period_amount", "period_seconds", "start_at"])
def test_a_budget_the_contract_refuses_leaves_nothing_ever(stage, field):
    terms = ERC20PeriodTransfer.unchecked(
        **{"token": stage.token, "period_amount": 5, "period_seconds": 5, "start_at": 5, field: 0}
    )
    link, left = only(stage, terms)
    assert left.caveats[0].left == 0
    assert left.caveats[0].sentence.startswith("Nothing, ever")
    denied = simulate(stage.chain, redeem(link, transfer(stage.token, 0))).denial
    assert denied.reason == left.caveats[0].denied


def test_a_stream_tells_what_is_unlocked_its_rate_and_when_it_is_full(stage):
    terms = ERC20Streaming(
        token=stage.token, initial_amount=10, max_amount=110, amount_per_second=2, start_at=START_AT - 20
    )
    link, before = only(stage, terms)
    assert (before.caveats[0].left, before.caveats[0].rate_per_second) == (50, 2)
    assert before.caveats[0].full_at == START_AT + 30
    pay(stage, link, 45)
    assert again(stage, link).caveats[0].left == 5
    assert again(stage, link, at=START_AT + 29).caveats[0].left == 63
    assert again(stage, link, at=START_AT + 30).caveats[0].left == 65
    assert again(stage, link, at=START_AT + 9_999).caveats[0].left == 65


def test_a_stream_that_has_not_begun_leaves_nothing_and_says_when(stage):
    terms = NativeTokenStreaming(
        initial_amount_wei=10, max_amount_wei=20, amount_per_second_wei=1, start_at=START_AT + 5
    )
    link, left = only(stage, terms)
    assert (left.caveats[0].left, left.caveats[0].opens_at, left.caveats[0].denied) == (0, START_AT + 5, None)
    assert simulate(stage.chain, redeem(link, Execution(target=SHOP))).allowed
    assert again(stage, link, at=START_AT + 5).caveats[0].left == 10


def test_a_stream_that_overflows_denies_everything_from_that_second_on(stage):
    terms = NativeTokenStreaming.unchecked(
        initial_amount_wei=0, max_amount_wei=20, amount_per_second_wei=2**255, start_at=START_AT - 1
    )
    link, left = only(stage, terms)
    assert (left.caveats[0].left, left.caveats[0].denied) == (20, None)
    assert simulate(stage.chain, redeem(link, Execution(target=SHOP, value=20))).allowed
    stage.chain.timestamp += 1
    assert (again(stage, link).caveats[0].left, again(stage, link).caveats[0].denied) == (0, "Panic(0x11)")
    assert not simulate(stage.chain, redeem(link, Execution(target=SHOP))).allowed


@pytest.mark.parametrize(
    ("changed", "reason"), [({"max_amount": 4}, "invalid-max-amount"), ({"start_at": 0}, "invalid-zero-start-time")]
)
def test_a_stream_the_contract_refuses_leaves_nothing_ever(stage, changed, reason):
    values = {"initial_amount": 5, "max_amount": 9, "amount_per_second": 1, "start_at": START_AT}
    link, before = only(stage, ERC20Streaming.unchecked(token=stage.token, **values))
    assert before.caveats[0].left == 5
    link, left = only(stage, ERC20Streaming.unchecked(token=stage.token, **{**values, **changed}))
    assert (left.caveats[0].left, left.caveats[0].denied) == (0, f"ERC20StreamingEnforcer:{reason}")
    assert left.caveats[0].sentence.startswith("Nothing, ever")
    assert simulate(stage.chain, redeem(link, transfer(stage.token, 0))).denial.reason == left.caveats[0].denied


def test_a_stream_that_does_not_flow_is_never_full(stage):
    terms = ERC20Streaming.unchecked(
        token=stage.token, initial_amount=5, max_amount=9, amount_per_second=0, start_at=START_AT
    )
    link, before = only(stage, terms)
    assert (before.caveats[0].left, before.caveats[0].full_at) == (5, None)
    pay(stage, link, 5)
    assert again(stage, link).of_asset(stage.token).more_at is None


def test_a_cap_without_an_end_tells_what_is_spent(stage):
    link, _ = only(stage, ERC20TransferAmount(token=stage.token, max_amount=MAX_UINT256))
    pay(stage, link, 5 * USDC)
    assert again(stage, link).caveats[0].sentence == "5 USDC is spent, and there is no cap to speak of."


def test_a_specific_action_is_used_once(stage):
    terms = SpecificActionERC20TransferBatchV1.unchecked(
        token=stage.token, recipient=SHOP, amount=5, first_target=SHOP, first_call_data=b""
    )
    link, before = only(stage, terms)
    assert before.caveats[0].sentence == "Its one use is still to come."
    assert execute(stage.chain, redeem(link, terms.executions())).verdict.allowed
    assert again(stage, link).caveats[0].sentence == "Its one use has been made."


def test_a_spent_stream_says_so(stage):
    terms = ERC20Streaming(
        token=stage.token, initial_amount=9, max_amount=10, amount_per_second=1, start_at=START_AT - 9
    )
    link, _ = only(stage, terms)
    pay(stage, link, 10)
    assert "all of which is spent" in again(stage, link).caveats[0].sentence


def test_the_limits_of_the_first_use_stay_when_the_terms_say_otherwise(stage):
    loose, strict = daily(stage, 100 * USDC), daily(stage, 10 * USDC)
    groups = LogicalOrWrapper(groups=((loose.to_caveat(),), (strict.to_caveat(),)))
    link = grant([groups.to_caveat()])
    first, second = again(stage, link).caveats
    assert (first.left, second.left) == (100 * USDC, 10 * USDC)
    args = LogicalOrWrapper.encode_args(0, [b""])
    assert attempt_on(stage.chain, link, Attempt((transfer(stage.token, 0),), args=args)).allowed
    first, second = again(stage, link).caveats
    assert (first.left, second.left) == (100 * USDC, 100 * USDC)
    assert second.sentence.endswith("by the limits of its first use.")
    chosen = link.with_args({0: LogicalOrWrapper.encode_args(1, [b""])})
    assert simulate(stage.chain, redeem(chosen, transfer(stage.token, 100 * USDC))).allowed
    assert not simulate(stage.chain, redeem(chosen, transfer(stage.token, 100 * USDC + 1))).allowed


def test_counts_ids_and_nonces_are_told_in_words(stage):
    link, before = only(stage, LimitedCalls(limit=3), Id(id=7), Nonce(nonce=0))
    assert [entry.sentence for entry in before.caveats] == [
        "3 of 3 redemptions left.",
        "Id 7 is not used yet.",
        "The delegator's nonce is 0, as demanded.",
    ]
    assert attempt_on(stage.chain, link, Attempt((Execution(target=SHOP),))).allowed
    assert [entry.left for entry in again(stage, link).caveats] == [2, 0, None]
    assert again(stage, link).caveats[1].sentence == "Id 7 is used."


def test_a_raised_nonce_is_told(stage):
    link, before = only(stage, Nonce(nonce=0))
    assert before.caveats[0].denied is None
    call = keccak(b"incrementNonce(address)")[:4] + bytes(12) + stage.chain.manager
    assert stage.chain.send(ALICE, Nonce.ADDRESS, call).success
    (entry,) = again(stage, link).caveats
    assert (entry.current_nonce, entry.denied) == (1, "NonceEnforcer:invalid-nonce")


def test_each_record_has_its_own_budget(stage):
    records = tuple(
        TokenPeriod(token=token, period_amount=amount, period_seconds=DAY, start_at=MIDNIGHT - DAY)
        for token, amount in ((stage.token, 10), (NATIVE_TOKEN, 30), (stage.token, 20))
    )
    link = grant([MultiTokenPeriod.unchecked(records=records).to_caveat()])
    before = again(stage, link)
    assert [(entry.place.record, entry.left) for entry in before.of(0, 0)] == [(0, 10), (1, 30), (2, 20)]
    assert before.of_asset(stage.token).left == 20, "one redemption draws on one record"
    attempt = Attempt((transfer(stage.token, 15),), args=encode_uint(2))
    assert attempt_on(stage.chain, link, attempt).allowed
    assert [entry.left for entry in again(stage, link).caveats] == [10, 30, 5]
    assert again(stage, link).of_asset(stage.token).left == 10
    assert again(stage, link).of_asset(NATIVE_TOKEN).left == 30
