"""A denial in one sentence with numbers, and what it says would work does work."""

from __future__ import annotations

import pytest

from caveats import (
    AllowedTargets,
    BlockNumber,
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
    NativeTokenTransferAmount,
    Nonce,
    Timestamp,
    TokenPeriod,
    ValueLte,
)
from caveats.abi import encode_bytes, encode_uint
from caveats.enforcer import NATIVE_TOKEN, TokenInfo
from caveats.errors import EncodingError
from caveats.spend.native_token_payment import ARGS_EQUALITY_CHECK
from caveats.types import MAX_UINT256, Address, keccak
from delegations.delegation import create_delegation, encode_context, redelegate, sign_delegation
from delegations.evm import dev_account
from delegations.manager import MetaMaskManager
from delegations.redemption import Redemption, redeem
from delegations.simulation import execute, explain_denial, simulate
from tests.enforcers.harness import AGENT, ALICE, CHAIN_ID, SHOP, START_AT, START_BLOCK, grant, transfer

USDC = 10**6
DAY = 86_400
MIDNIGHT = 1_800_057_600  # 2027-01-16 00:00:00 UTC
NOTHING = Execution(target=SHOP)


def grant_of(*terms):
    return grant([each if isinstance(each, Caveat) else each.to_caveat() for each in terms])


def why(stage, redemptions, **options) -> str:
    """Why it is denied, in words."""
    asked = list(redemptions) if isinstance(redemptions, list) else redemptions
    verdict = simulate(stage.chain, asked, redeemer=AGENT)
    assert not verdict.allowed
    tokens = {stage.token: TokenInfo("USDC", 6)}
    return explain_denial(stage.chain, asked, verdict, tokens=tokens, **options)


def passes(stage, link, execution) -> bool:
    return simulate(stage.chain, redeem(link, execution), redeemer=AGENT).allowed


def spend(stage, link, amount):
    assert execute(stage.chain, redeem(link, transfer(stage.token, amount)), redeemer=AGENT).verdict.allowed


def daily(stage, amount=50 * USDC):
    return ERC20PeriodTransfer(token=stage.token, period_amount=amount, period_seconds=DAY, start_at=MIDNIGHT - DAY)


# periods


def test_a_budget_tells_what_is_left_until_when_and_what_would_pass(stage):
    link = grant_of(daily(stage))
    spend(stage, link, 37_500_000)
    assert why(stage, redeem(link, transfer(stage.token, 40 * USDC))) == (
        "The daily budget has 12.5 USDC left until 2027-01-16 00:00:00 UTC; asked 40 USDC."
        " At most 12.5 USDC would pass now. From 2027-01-16 00:00:00 UTC on the budget is full again."
    )
    assert passes(stage, link, transfer(stage.token, 12_500_000))
    stage.chain.timestamp = MIDNIGHT
    assert passes(stage, link, transfer(stage.token, 40 * USDC))


def test_more_than_any_period_has_is_told(stage):
    said = why(stage, redeem(grant_of(daily(stage)), transfer(stage.token, 51 * USDC)))
    assert said.endswith("No period has more than 50 USDC.")
    assert "full again" not in said


def test_a_budget_that_never_fills_again_promises_nothing(stage):
    terms = NativeTokenPeriodTransfer(period_amount_wei=10**18, period_seconds=MAX_UINT256, start_at=START_AT)
    link = grant_of(terms)
    assert execute(stage.chain, redeem(link, Execution(target=SHOP, value=10**18))).verdict.allowed
    said = why(stage, redeem(link, Execution(target=SHOP, value=1)))
    assert said == "The total budget has 0 ETH left; asked 0.000000000000000001 ETH."


def test_a_budget_that_has_not_begun_says_when(stage):
    terms = ERC20PeriodTransfer(token=stage.token, period_amount=5, period_seconds=DAY, start_at=MIDNIGHT)
    said = why(stage, redeem(grant_of(terms), transfer(stage.token, 1)))
    assert said == "The daily budget begins at 2027-01-16 00:00:00 UTC; asked at 2027-01-15 08:00:00 UTC."


def test_the_tighter_link_is_named_when_the_denying_one_leaves_more(stage):
    top = grant_of(ERC20TransferAmount(token=stage.token, max_amount=10 * USDC))
    leaf = redelegate(top, delegate=AGENT, delegator=AGENT, caveats=[daily(stage)])
    leaf = sign_delegation(leaf, dev_account(1), chain_id=CHAIN_ID, manager=stage.chain.manager)
    said = why(stage, redeem((leaf, top), transfer(stage.token, 60 * USDC)))
    assert "has 50 USDC left" in said
    assert "At most 10 USDC would pass now, as ERC20TransferAmount (link 1, caveat 0) leaves no more." in said
    assert passes(stage, (leaf, top), transfer(stage.token, 10 * USDC))


def test_a_redemption_before_in_the_same_call_is_counted(stage):
    link = grant_of(daily(stage))
    asked = [redeem(link, transfer(stage.token, amount * USDC)) for amount in (30, 25)]
    said = why(stage, asked)
    assert "has 20 USDC left until 2027-01-16 00:00:00 UTC after 30 USDC drawn before in the same call" in said
    assert "asked 25 USDC. At most 20 USDC would pass now." in said
    asked[1] = redeem(link, transfer(stage.token, 20 * USDC))
    assert simulate(stage.chain, asked).allowed


def test_another_chain_under_the_same_root_draws_on_the_same_counter(stage):
    top = grant_of(daily(stage))
    leaf = redelegate(top, delegate=AGENT, delegator=AGENT, caveats=[LimitedCalls(limit=9)])
    leaf = sign_delegation(leaf, dev_account(1), chain_id=CHAIN_ID, manager=stage.chain.manager)
    asked = [redeem((leaf, top), transfer(stage.token, 30 * USDC)), redeem(top, transfer(stage.token, 25 * USDC))]
    said = why(stage, asked)
    assert "has 20 USDC left until 2027-01-16 00:00:00 UTC after 30 USDC drawn before in the same call" in said


def test_a_copy_of_the_caveat_counts_twice(stage):
    link = grant_of(daily(stage), daily(stage))
    said = why(stage, redeem(link, transfer(stage.token, 30 * USDC)))
    assert "has 20 USDC left" in said
    assert "a copy of this caveat counted the same 30 USDC" in said
    assert "At most 25 USDC would pass now." in said
    assert passes(stage, link, transfer(stage.token, 25 * USDC))
    assert not passes(stage, link, transfer(stage.token, 25 * USDC + 1))


def test_the_record_the_args_choose_is_the_one_told_about(stage):
    records = tuple(
        TokenPeriod(token=token, period_amount=amount, period_seconds=DAY, start_at=MIDNIGHT - DAY)
        for token, amount in ((stage.token, 10 * USDC), (NATIVE_TOKEN, 10**18), (stage.token, 20 * USDC))
    )
    link = grant_of(MultiTokenPeriod.unchecked(records=records))
    said = why(stage, redeem(link.with_args({0: encode_uint(0)}), transfer(stage.token, 30 * USDC)))
    assert said.startswith("The daily budget has 10 USDC left")
    said = why(stage, redeem(link.with_args({0: encode_uint(1)}), Execution(target=SHOP, value=2 * 10**18)))
    assert said.startswith("The daily budget has 1 ETH left")


def test_the_group_the_args_choose_is_the_one_told_about(stage):
    groups = tuple((ERC20TransferAmount(token=stage.token, max_amount=n * USDC).to_caveat(),) for n in (10, 20))
    link = grant_of(LogicalOrWrapper(groups=groups))
    for index, cap in enumerate((10, 20)):
        chosen = link.with_args({0: LogicalOrWrapper.encode_args(index, [b""])})
        said = why(stage, redeem(chosen, transfer(stage.token, 30 * USDC)))
        assert said.startswith(f"The cap of {cap} USDC in total has {cap} USDC left; asked 30 USDC.")


def test_a_group_beside_one_without_caveats_is_told_about(stage):
    capped = (ERC20TransferAmount(token=stage.token, max_amount=5 * USDC).to_caveat(),)
    link = grant_of(LogicalOrWrapper.unchecked(groups=((), capped)))
    assert passes(stage, link.with_args({0: LogicalOrWrapper.encode_args(0, [])}), transfer(stage.token, 6 * USDC))
    said = why(
        stage, redeem(link.with_args({0: LogicalOrWrapper.encode_args(1, [b""])}), transfer(stage.token, 6 * USDC))
    )
    assert said.startswith("The cap of 5 USDC in total has 5 USDC left; asked 6 USDC.")


# amounts, streams, values


def test_a_cap_that_is_spent_needs_a_new_delegation(stage):
    link = grant_of(ERC20TransferAmount(token=stage.token, max_amount=50 * USDC))
    assert why(stage, redeem(link, transfer(stage.token, 60 * USDC))) == (
        "The cap of 50 USDC in total has 50 USDC left; asked 60 USDC. At most 50 USDC would pass now."
    )
    spend(stage, link, 50 * USDC)
    assert why(stage, redeem(link, transfer(stage.token, USDC))) == (
        "The cap of 50 USDC in total has 0 USDC left; asked 1 USDC. Nothing refills it: a new delegation is needed."
    )


def stream(stage, **changed):
    values = {"initial_amount": 0, "max_amount": 100, "amount_per_second": 2, "start_at": START_AT - 10, **changed}
    return ERC20Streaming(token=stage.token, **values)


def test_a_stream_says_when_enough_is_unlocked(stage):
    link = grant_of(stream(stage))
    spend(stage, link, 5)
    said = why(stage, redeem(link, transfer(stage.token, 20)))
    assert "has 0.000015 USDC unlocked and not spent; asked 0.00002 USDC." in said
    assert said.endswith("That much is unlocked from 2027-01-15 08:00:03 UTC on.")
    stage.chain.timestamp += 2
    assert not passes(stage, link, transfer(stage.token, 20))
    stage.chain.timestamp += 1
    assert passes(stage, link, transfer(stage.token, 20))


def test_a_stream_that_never_unlocks_that_much_says_so(stage):
    link = grant_of(stream(stage))
    spend(stage, link, 5)
    said = why(stage, redeem(link, transfer(stage.token, 96)))
    assert said.endswith("It never unlocks that much, at most 0.000095 USDC more in all.")


def test_a_stream_that_has_not_begun_says_when(stage):
    said = why(stage, redeem(grant_of(stream(stage, start_at=MIDNIGHT)), transfer(stage.token, 1)))
    assert said.startswith("The stream begins at 2027-01-16 00:00:00 UTC; asked 0.000001 USDC at")


def test_a_stream_goes_by_the_limits_of_its_first_use(stage):
    fast, slow = stream(stage, amount_per_second=3), stream(stage, amount_per_second=1)
    link = grant_of(LogicalOrWrapper(groups=((fast.to_caveat(),), (slow.to_caveat(),))))
    choices = [link.with_args({0: LogicalOrWrapper.encode_args(i, [b""])}) for i in (0, 1)]
    spend(stage, choices[0], 1)
    said = why(stage, redeem(choices[1], transfer(stage.token, 35)))
    assert said.endswith("That much is unlocked from 2027-01-15 08:00:02 UTC on.")
    stage.chain.timestamp += 1
    assert not passes(stage, choices[1], transfer(stage.token, 35))
    stage.chain.timestamp += 1
    assert passes(stage, choices[1], transfer(stage.token, 35))


def test_too_much_value_tells_the_cap_of_a_call(stage):
    said = why(stage, redeem(grant_of(ValueLte(max_value_wei=10**17)), Execution(target=SHOP, value=10**18)))
    assert said == "Each call may carry 0.1 ETH; asked 1 ETH."


# counts, ids, nonces


def test_used_up_calls_are_counted(stage):
    link = grant_of(LimitedCalls(limit=2))
    assert execute(stage.chain, redeem(link, NOTHING)).verdict.allowed
    assert why(stage, [redeem(link, NOTHING), redeem(link, NOTHING)]) == (
        "1 of 2 redemptions is used, 1 more earlier in the same call: a new delegation is needed for more."
    )
    assert execute(stage.chain, redeem(link, NOTHING)).verdict.allowed
    assert why(stage, redeem(link, NOTHING)) == "2 of 2 redemptions are used: a new delegation is needed for more."


def test_a_used_id_is_told(stage):
    link = grant_of(Id(id=7))
    assert "Id 7 is used earlier in the same call" in why(stage, [redeem(link, NOTHING)] * 2)
    assert execute(stage.chain, redeem(link, NOTHING)).verdict.allowed
    assert why(stage, redeem(link, NOTHING)).startswith("Id 7 is used, and each id passes once")


@pytest.mark.parametrize(("nonce", "end"), [(0, "a new delegation is needed."), (2, "raised the nonce that far.")])
def test_a_nonce_tells_both_numbers_and_which_way_it_is_off(stage, nonce, end):
    call = keccak(b"incrementNonce(address)")[:4] + bytes(12) + stage.chain.manager
    assert stage.chain.send(ALICE, Nonce.ADDRESS, call).success
    said = why(stage, redeem(grant_of(Nonce(nonce=nonce)), NOTHING))
    assert said.startswith(f"The delegator's nonce is 1, and this delegation holds only at {nonce}.")
    assert said.endswith(end)


# time


def test_a_window_tells_its_edge_and_the_time(stage):
    late = why(stage, redeem(grant_of(Timestamp(before_at=START_AT)), NOTHING))
    assert late.startswith("It expired at 2027-01-15 08:00:00 UTC; asked at 2027-01-15 08:00:00 UTC.")
    early = why(stage, redeem(grant_of(Timestamp(after_at=START_AT)), NOTHING))
    assert early == "It is valid from 2027-01-15 08:00:01 UTC on; asked at 2027-01-15 08:00:00 UTC."


def test_a_window_of_blocks_tells_numbers(stage):
    late = why(stage, redeem(grant_of(BlockNumber(before_block=START_BLOCK)), NOTHING))
    assert late.startswith("It expired with block 1000; asked in block 1000.")
    early = why(stage, redeem(grant_of(BlockNumber(after_block=START_BLOCK)), NOTHING))
    assert early == "It is valid from block 1001 on; asked in block 1000."


# payments


def test_a_payment_tells_its_price_and_what_the_allowance_is_good_for(stage):
    payer = grant_of(NativeTokenPayment(recipient=SHOP, amount_wei=10**18))
    check = Caveat(enforcer=ARGS_EQUALITY_CHECK, terms=payer.hash + AGENT)
    unsigned = create_delegation(
        delegator=ALICE,
        delegate=NativeTokenPayment.ADDRESS,
        caveats=[check, NativeTokenTransferAmount(max_amount_wei=10**17)],
    )
    allowance = sign_delegation(unsigned, dev_account(0), chain_id=CHAIN_ID, manager=stage.chain.manager)
    said = why(stage, redeem(payer.with_args({0: encode_context([allowance])}), Execution(target=AGENT)))
    assert said.startswith("Each redemption costs 1 ETH; the allowance brought along is good for no payment more")
    assert "NativeTokenTransferAmountEnforcer:allowance-exceeded" in said
    assert why(stage, redeem(payer, Execution(target=AGENT))).startswith("Each redemption costs 1 ETH, and the")


# the manager, and what is no matter of numbers


def test_a_disabled_link_names_who_can_enable_it(stage):
    link = grant_of(LimitedCalls(limit=1))
    assert passes(stage, link, NOTHING)
    assert stage.chain.send(ALICE, stage.chain.manager, MetaMaskManager().encode_disable(link)).success
    assert f" Link 0 is disabled. Its delegator {ALICE} can enable it" in why(stage, redeem(link, NOTHING))


def test_a_paused_manager_is_no_fault_of_the_delegation(stage):
    stage.chain.world.set_storage(stage.chain.manager, 1, 1 << 160)
    assert why(stage, redeem(grant_of(LimitedCalls(limit=1)), NOTHING)).startswith("The delegation manager is paused.")


def test_what_no_number_explains_begins_with_its_own_explanation(stage):
    for asked in (
        redeem(grant_of(AllowedTargets(targets=(ALICE,))), NOTHING),
        redeem(grant_of(ERC20TransferAmount(token=stage.token, max_amount=5)), NOTHING),
        redeem(grant_of(LimitedCalls(limit=1)).with_signature(b""), NOTHING),
        redeem(grant_of(Caveat(enforcer=stage.target, terms=b"")), Execution(target=stage.target, value=10**30)),
        redeem(grant_of(MultiTokenPeriod(records=(_record(stage),))), NOTHING),
        redeem(_one_of_two_groups().with_args({0: LogicalOrWrapper.encode_args(0, [])}), NOTHING),
        redeem(_one_of_two_groups().with_args({0: b""}), NOTHING),
        redeem(_one_of_two_groups().with_args({0: LogicalOrWrapper.encode_args(2, [])}), NOTHING),
        Redemption(context=(), executions=(NOTHING,)),
    ):
        verdict = simulate(stage.chain, asked, redeemer=AGENT)
        assert explain_denial(stage.chain, asked, verdict).startswith(verdict.denial.explanation)


def _one_of_two_groups():
    return grant_of(LogicalOrWrapper(groups=tuple((LimitedCalls(limit=n).to_caveat(),) for n in (1, 2))))


def _record(stage):
    return TokenPeriod(token=stage.token, period_amount=5, period_seconds=DAY, start_at=START_AT)


# tokens


def test_a_token_that_refuses_is_explained_with_what_would_work(stage):
    said = bytes.fromhex("08c379a0") + encode_uint(32) + encode_bytes(b"Blacklistable: account is blacklisted")
    refusing, size = Address(b"\x77" * 20), len(said)
    code = bytes((0x60, size, 0x60, 10, 0x5F, 0x39, 0x60, size, 0x5F, 0xFD)) + said
    stage.chain.world.set_code(refusing, code)
    assert why(stage, redeem(grant_of(LimitedCalls(limit=1)), transfer(refusing, 1))) == (
        "The call itself failed: The call reverted with the reason 'Blacklistable: account is blacklisted':"
        " the token's issuer has blocked an account that takes part."
        " Only the issuer can lift that: use other accounts, or another token."
    )


def test_an_allowed_redemption_has_nothing_to_explain(stage):
    asked = redeem(grant_of(LimitedCalls(limit=1)), NOTHING)
    verdict = simulate(stage.chain, asked)
    with pytest.raises(EncodingError, match="an allowed redemption"):
        explain_denial(stage.chain, asked, verdict)
