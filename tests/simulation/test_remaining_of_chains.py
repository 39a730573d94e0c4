"""What is left of chains, groups and payments, in numbers and in words."""

from __future__ import annotations

import pytest

from caveats import (
    AllowedTargets,
    Caveat,
    ERC20TransferAmount,
    Execution,
    LimitedCalls,
    LogicalOrWrapper,
    MultiTokenPeriod,
    NativeTokenPayment,
    NativeTokenTransferAmount,
    Nonce,
    TokenPeriod,
    ValueLte,
)
from caveats.abi import encode_uint
from caveats.attempt import Attempt
from caveats.caveat import hash_caveats
from caveats.enforcer import NATIVE_TOKEN
from caveats.errors import EncodingError, UnsupportedError
from caveats.registry import EnforcerRegistry
from caveats.spend.native_token_payment import ARGS_EQUALITY_CHECK
from caveats.types import Address, keccak
from delegations.delegation import create_delegation, encode_context, redelegate
from delegations.redemption import redeem
from delegations.simulation import Remaining, execute, remaining, simulate
from tests.enforcers.harness import AGENT, ALICE, SHOP, START_AT, attempt_on, grant, transfer
from tests.simulation.budgets import DAY, MIDNIGHT, USDC, again, daily, only, pay, signed

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
