"""What is left, in numbers and in words: single caveats, chains, groups, payments."""

from __future__ import annotations

import pytest

from caveats import (
    AllowedTargets,
    Caveat,
    ERC20PeriodTransfer,
    ERC20Streaming,
    ERC20TransferAmount,
    Execution,
    Id,
    LimitedCalls,
    LogicalOrWrapper,
    MultiTokenPeriod,
    NativeTokenPayment,
    NativeTokenPeriodTransfer,
    NativeTokenStreaming,
    NativeTokenTransferAmount,
    Nonce,
    TokenPeriod,
    ValueLte,
)
from caveats.abi import encode_uint
from caveats.attempt import Attempt
from caveats.caveat import hash_caveats
from caveats.enforcer import NATIVE_TOKEN, TokenInfo
from caveats.errors import EncodingError, UnsupportedError
from caveats.registry import EnforcerRegistry
from caveats.spend.native_token_payment import ARGS_EQUALITY_CHECK
from caveats.targets.specific_action_erc20_transfer_batch import SpecificActionERC20TransferBatchV1
from caveats.types import MAX_UINT256, Address, keccak
from delegations.delegation import create_delegation, encode_context, redelegate, sign_delegation
from delegations.evm import dev_account
from delegations.redemption import redeem
from delegations.simulation import Remaining, execute, remaining, simulate
from tests.enforcers.harness import (
    AGENT,
    ALICE,
    CHAIN_ID,
    SHOP,
    START_AT,
    Stage,
    attempt_on,
    grant,
    set_stage,
    transfer,
)

USDC = 10**6
MIDNIGHT = 1_800_057_600  # 2027-01-16 00:00:00 UTC
DAY = 86_400


@pytest.fixture
def stage() -> Stage:
    return set_stage()


def only(stage, *terms, at=None):
    """The entry of the one caveat, and the whole answer."""
    link = grant([each.to_caveat() for each in terms])
    return link, remaining(stage.chain, link, at=at, tokens={stage.token: TokenInfo("USDC", 6)})


def again(stage, link, at=None):
    return remaining(stage.chain, link, at=at, tokens={stage.token: TokenInfo("USDC", 6)})


def pay(stage, link, amount):
    assert attempt_on(stage.chain, link, Attempt((transfer(stage.token, amount),))).allowed


def daily(stage, amount=50 * USDC, start_at=MIDNIGHT - DAY):
    return ERC20PeriodTransfer(token=stage.token, period_amount=amount, period_seconds=DAY, start_at=start_at)


def signed(delegation, key):
    return sign_delegation(delegation, dev_account(key), chain_id=CHAIN_ID, manager=set_stage().chain.manager)


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


# a whole chain


def test_the_tightest_link_decides_and_is_named(stage):
    top = grant([ERC20TransferAmount(token=stage.token, max_amount=100 * USDC).to_caveat()])
    leaf = signed(redelegate(top, delegate=SHOP, caveats=[daily(stage), LimitedCalls(limit=2)]), 1)
    left = again(stage, (leaf, top))
    assert [entry.place.link for entry in left.caveats] == [0, 0, 1]
    asset = left.of_asset(stage.token)
    assert (asset.left, asset.tightest.link, asset.tightest.caveat, asset.more_at) == (50 * USDC, 0, 0, MIDNIGHT)
    assert asset.sentence == (
        "50 USDC is left of the daily budget until 2027-01-16 00:00:00 UTC; the tightest is ERC20PeriodTransfer"
        " (link 0, caveat 0)."
    )
    assert (left.calls_left, left.calls_tightest.caveat) == (2, 1)
    pay(stage, top, 70 * USDC)
    asset = again(stage, (leaf, top)).of_asset(stage.token)
    assert (asset.left, asset.tightest.link, asset.more_at) == (30 * USDC, 1, None)


def test_a_link_for_another_token_leaves_nothing(stage):
    top = grant([ERC20TransferAmount(token=stage.token, max_amount=5).to_caveat()])
    leaf = signed(redelegate(top, delegate=SHOP, caveats=[ERC20TransferAmount(token=SHOP, max_amount=5)]), 1)
    assert again(stage, top).of_asset(stage.token).left == 5
    left = again(stage, (leaf, top))
    assert [asset.left for asset in left.assets] == [0, 0]
    assert "admit only other calls" in left.assets[0].sentence


def test_a_native_record_and_a_token_cap_leave_no_native_value(stage):
    record = TokenPeriod(token=NATIVE_TOKEN, period_amount=7, period_seconds=DAY, start_at=START_AT)
    records = MultiTokenPeriod(records=(record,))
    cap = ERC20TransferAmount(token=stage.token, max_amount=5)
    _, alone = only(stage, records)
    assert alone.of_asset(NATIVE_TOKEN).left == 7
    link, left = only(stage, records, cap)
    assert (left.of_asset(NATIVE_TOKEN).left, left.of_asset(stage.token).left) == (0, 0)
    chosen = link.with_args({0: encode_uint(0)})
    for call in (Execution(target=SHOP, value=1), transfer(stage.token, 0, value=1), transfer(stage.token, 1)):
        assert not simulate(stage.chain, redeem(chosen, call)).allowed


def test_a_denial_anywhere_leaves_nothing_of_any_asset(stage):
    _, left = only(stage, ERC20TransferAmount(token=stage.token, max_amount=5), Nonce(nonce=0))
    assert left.of_asset(stage.token).left == 5
    _, left = only(stage, ERC20TransferAmount(token=stage.token, max_amount=5), Nonce(nonce=1))
    assert left.of_asset(stage.token).left == 0
    assert "NonceEnforcer:invalid-nonce" in left.of_asset(stage.token).sentence


def test_the_cap_of_each_call_is_told_beside_what_is_left(stage):
    _, left = only(stage, NativeTokenTransferAmount(max_amount_wei=10**18), ValueLte(max_value_wei=10**17))
    assert left.of_asset(NATIVE_TOKEN).left == 10**18
    assert left.of_asset(NATIVE_TOKEN).sentence == "1 ETH is left in total, at most 0.1 ETH in each call."


def test_two_caveats_on_one_counter_are_told(stage):
    _, left = only(stage, daily(stage, 10), daily(stage, 50))
    assert left.of_asset(stage.token).left == 5
    assert len(left.notes) == 1
    assert left.notes[0].startswith("ERC20PeriodTransfer stands 2 times on one counter")
    _, single = only(stage, daily(stage, 10))
    assert single.notes == ()


def test_groups_on_one_counter_are_told(stage):
    same = LogicalOrWrapper(groups=((daily(stage, 10).to_caveat(),), (daily(stage, 50).to_caveat(),)))
    apart = LogicalOrWrapper(groups=((daily(stage, 10).to_caveat(),), (LimitedCalls(limit=1).to_caveat(),)))
    assert len(again(stage, grant([same.to_caveat()])).notes) == 1
    left = again(stage, grant([apart.to_caveat()]))
    assert left.notes == ()
    assert left.of_asset(stage.token).left is None, "the second group bounds no amount"
    assert left.calls_left is None, "the first group bounds no count"


def test_a_pooled_cap_below_what_is_spent_denies_even_an_empty_transfer(stage):
    caps = [ERC20TransferAmount(token=stage.token, max_amount=amount).to_caveat() for amount in (50, 10)]
    link = grant([LogicalOrWrapper(groups=((caps[0],), (caps[1],))).to_caveat()])
    args = LogicalOrWrapper.encode_args(0, [b""])
    assert attempt_on(stage.chain, link, Attempt((transfer(stage.token, 20),), args=args)).allowed
    first, second = again(stage, link).caveats
    assert (first.left, first.denied) == (30, None)
    assert (second.left, second.denied) == (0, "ERC20TransferAmountEnforcer:allowance-exceeded")
    chosen = link.with_args({0: LogicalOrWrapper.encode_args(1, [b""])})
    assert not simulate(stage.chain, redeem(chosen, transfer(stage.token, 0))).allowed


def test_a_nonce_and_an_id_in_a_group_are_the_wrappers_own(stage):
    call = keccak(b"incrementNonce(address)")[:4]
    link = grant([LogicalOrWrapper(groups=((Nonce(nonce=0).to_caveat(),),)).to_caveat()])
    assert stage.chain.send(ALICE, Nonce.ADDRESS, call + bytes(12) + stage.chain.manager).success
    assert again(stage, link).caveats[0].current_nonce == 0
    assert stage.chain.send(ALICE, Nonce.ADDRESS, call + bytes(12) + LogicalOrWrapper.ADDRESS).success
    assert again(stage, link).caveats[0].current_nonce == 1


def test_a_wrapper_without_groups_leaves_nothing(stage):
    _, left = only(stage, LogicalOrWrapper.unchecked(groups=()), ERC20TransferAmount(token=stage.token, max_amount=5))
    assert (left.calls_left, left.of_asset(stage.token).left) == (0, 0)


def test_a_payment_in_a_group_never_passes(stage):
    price = NativeTokenPayment(recipient=SHOP, amount_wei=5)
    wrapped = LogicalOrWrapper.unchecked(groups=((price.to_caveat(),),))
    _, left = only(stage, wrapped)
    assert left.calls_left == 0
    assert "NativeTokenPaymentEnforcer:only-delegation-manager" in left.notes[0]


# payments


def allowance(stage, payer, *, wei, calls, binds=None):
    """Alice's allowance to the payment enforcer, bound to what is paid for and to the agent."""
    check = Caveat(enforcer=ARGS_EQUALITY_CHECK, terms=(binds or payer.hash) + AGENT)
    own = [check, NativeTokenTransferAmount(max_amount_wei=wei), LimitedCalls(limit=calls)]
    unsigned = create_delegation(delegator=ALICE, delegate=NativeTokenPayment.ADDRESS, caveats=own, salt=9)
    return signed(unsigned, 0)


@pytest.mark.parametrize(("wei", "calls", "payments"), [(10, 9, 2), (99, 3, 3), (4, 1, 0)])
def test_a_payment_counts_what_the_allowance_still_pays_for(stage, wei, calls, payments):
    payer = grant([NativeTokenPayment(recipient=SHOP, amount_wei=5).to_caveat()])
    assert again(stage, payer).caveats[0].left is None
    ready = payer.with_args({0: encode_context([allowance(stage, payer, wei=wei, calls=calls)])})
    for left in range(payments, -1, -1):
        entry = again(stage, ready).caveats[0]
        assert (entry.kind, entry.total, entry.left) == ("payment", 5, left)
        assert execute(stage.chain, redeem(ready, Execution(target=AGENT))).verdict.allowed == (left > 0)


def test_an_allowance_for_another_delegation_pays_for_nothing(stage):
    payer = grant([NativeTokenPayment(recipient=SHOP, amount_wei=5).to_caveat()])
    foreign = allowance(stage, payer, wei=50, calls=5, binds=hash_caveats(()))
    ready = payer.with_args({0: encode_context([foreign])})
    assert again(stage, ready).caveats[0].left == 0
    assert not simulate(stage.chain, redeem(ready, Execution(target=AGENT))).allowed


# what cannot be said


def test_an_unknown_enforcer_is_said_to_be_unknown(stage):
    stranger = Caveat(enforcer=stage.target, terms=b"\x01")
    known = ERC20TransferAmount(token=stage.token, max_amount=5).to_caveat()
    left = again(stage, grant([known, stranger]))
    assert left.of_asset(stage.token).left == 5
    assert len(left.unknown) == 1
    assert str(stage.target) in left.unknown[0]
    assert again(stage, grant([known])).unknown == ()


def test_an_enforcer_without_code_leaves_nothing_rather_than_everything(stage):
    link, before = only(stage, LimitedCalls(limit=3))
    assert before.calls_left == 3
    stage.chain.world.set_code(LimitedCalls.ADDRESS, b"")
    left = again(stage, link)
    assert (left.calls_left, left.caveats[0].left) == (0, 0)
    assert "no contract at the address of LimitedCalls" in left.caveats[0].sentence


def test_a_chain_without_a_manager_is_not_taken_for_an_unused_one(stage):
    link, before = only(stage, LimitedCalls(limit=3))
    assert before.unknown == ()
    stage.chain.world.set_code(stage.chain.manager, b"")
    assert "is this the right chain?" in again(stage, link).unknown[0]


def test_terms_that_cannot_be_read_leave_nothing(stage):
    broken = Caveat(enforcer=LimitedCalls.ADDRESS, terms=b"\x01")
    left = again(stage, grant([broken]))
    assert left.calls_left == 0
    assert "LimitedCallsEnforcer:invalid-terms-length" in left.notes[0]


def test_an_enforcer_of_ones_own_is_read_by_its_class(stage):
    class HouseCalls(LimitedCalls):
        pass

    at = Address(b"\x42" * 20)
    stage.chain.world.set_code(at, stage.chain.world.code(LimitedCalls.ADDRESS))
    link = grant([HouseCalls(limit=2).to_caveat(enforcer=at)])
    assert remaining(stage.chain, link).unknown
    registry = EnforcerRegistry().with_enforcer(HouseCalls, at)
    assert remaining(stage.chain, link, registry=registry).calls_left == 2
    assert attempt_on(stage.chain, link, Attempt((Execution(target=SHOP),))).allowed
    assert remaining(stage.chain, link, registry=registry).calls_left == 1


def test_stateless_caveats_are_not_listed(stage):
    _, left = only(stage, AllowedTargets(targets=(SHOP,)))
    assert (left.caveats, left.assets, left.calls_left) == ((), (), None)


def test_too_many_choices_are_said_to_be_too_many(stage):
    groups = tuple((LimitedCalls(limit=limit).to_caveat(),) for limit in range(1, 8))
    few = grant([LogicalOrWrapper(groups=groups).to_caveat()])
    assert again(stage, few).calls_left == 7
    cap = ERC20TransferAmount(token=stage.token, max_amount=5).to_caveat()
    left = again(stage, grant([LogicalOrWrapper(groups=groups).to_caveat()] * 4 + [cap]))
    assert left.calls_left is None
    assert "too many ways" in left.unknown[0]
    assert left.of_asset(stage.token).left is None


def test_more_caveats_than_a_block_can_pay_for_are_refused(stage):
    group = (LimitedCalls(limit=1).to_caveat(),) * 501
    hostile = LogicalOrWrapper.unchecked(groups=(group,))
    with pytest.raises(UnsupportedError, match="at most 500 caveats"):
        only(stage, hostile)
    record = TokenPeriod(token=stage.token, period_amount=5, period_seconds=DAY, start_at=START_AT)
    with pytest.raises(UnsupportedError, match="at most 500 caveats"):
        only(stage, MultiTokenPeriod.unchecked(records=(record,) * 501))


def test_no_delegation_at_all_is_refused(stage):
    with pytest.raises(EncodingError, match="at least one delegation"):
        remaining(stage.chain, ())


def test_the_answer_travels_as_json(stage):
    _, left = only(stage, daily(stage), LimitedCalls(limit=2))
    assert Remaining.from_json(left.to_json()) == left
    assert left.to_wire()["assets"][0]["left"] == "50000000"
