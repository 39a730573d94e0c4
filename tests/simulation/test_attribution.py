"""Who said no, on the official bytecode: every stage, several links, several contexts."""

from __future__ import annotations

import pytest

from caveats import AllowedTargets, Caveat, ERC20TransferAmount, Execution, LimitedCalls, Timestamp
from caveats.abi import encode_uint
from caveats.errors import EncodingError, UnsupportedError
from caveats.types import Address, keccak
from delegations.delegation import (
    ANY_DELEGATE,
    Delegation,
    create_delegation,
    encode_delegation,
    redelegate,
    sign_delegation,
)
from delegations.evm import LocalChain, dev_account
from delegations.execution import ExecutionMode
from delegations.redemption import Redemption, redeem
from delegations.simulation import execute, simulate
from tests.enforcers.harness import AGENT, ALICE, CHAIN_ID, SHOP, Stage, transfer

HELPER = Address(dev_account(3).address)
NOTHING = Execution(target=SHOP)


def sign(delegation: Delegation, key: int, stage: Stage) -> Delegation:
    return sign_delegation(
        delegation, dev_account(key), chain_id=CHAIN_ID, manager=stage.chain.manager, unsafe_unrestricted=True
    )


def root(stage: Stage, *caveats, delegate: Address = AGENT) -> Delegation:
    unsigned = create_delegation(delegator=ALICE, delegate=delegate, caveats=caveats, unsafe_unrestricted=not caveats)
    return sign(unsigned, 0, stage)


def chain_of_two(stage: Stage, own: list, parent: list) -> list[Delegation]:
    top = root(stage, *parent)
    leaf = sign(redelegate(top, delegate=HELPER, caveats=own), 1, stage)
    return [leaf, top]


def denied(stage: Stage, redemption, **options):
    verdict = simulate(stage.chain, redemption, **options)
    assert not verdict.allowed
    assert verdict.effects is None
    return verdict.denial


def test_an_allowed_redemption_tells_what_moves(stage):
    verdict = simulate(stage.chain, redeem(root(stage, LimitedCalls(limit=1)), Execution(target=SHOP, value=7)))
    assert verdict.allowed
    assert [(m.sender, m.recipient, m.token, m.amount) for m in verdict.effects.movements] == [(ALICE, SHOP, None, 7)]
    assert [e.values["callCount"] for e in verdict.effects.enforcer_events] == ["1"]


def test_a_simulation_keeps_nothing(stage):
    grant = root(stage, LimitedCalls(limit=1))
    assert simulate(stage.chain, redeem(grant, NOTHING)).allowed
    assert execute(stage.chain, redeem(grant, NOTHING)).verdict.allowed
    assert not simulate(stage.chain, redeem(grant, NOTHING)).allowed


def test_the_same_answer_when_simulated_and_when_executed(stage):
    grant = root(stage, ERC20TransferAmount(token=stage.token, max_amount=5))
    for amount in (5, 6):
        redemption = redeem(grant, transfer(stage.token, amount))
        mark = stage.chain.snapshot()
        asked = simulate(stage.chain, redemption)
        assert execute(stage.chain, redemption).verdict == asked
        stage.chain.revert(mark)


def test_the_second_caveat_of_the_parent_is_named(stage):
    chain = chain_of_two(stage, [LimitedCalls(limit=9)], [LimitedCalls(limit=9), AllowedTargets(targets=(ALICE,))])
    denial = denied(stage, redeem(chain, NOTHING))
    assert (denial.stage, denial.link, denial.caveat, denial.hook) == ("hook", 1, 1, "before")
    assert denial.enforcer_name == "AllowedTargetsEnforcer"
    assert denial.reason == "AllowedTargetsEnforcer:target-address-not-allowed"
    assert denial.delegation == chain[1].hash


def test_the_same_enforcer_twice_is_told_apart_by_position(stage):
    grant = root(stage, AllowedTargets(targets=(SHOP, ALICE)), AllowedTargets(targets=(ALICE,)))
    assert denied(stage, redeem(grant, NOTHING)).caveat == 1


def test_the_second_context_is_named(stage):
    good, bad = root(stage, LimitedCalls(limit=1)), root(stage, Timestamp(before_at=2))
    denial = denied(stage, [redeem(good, NOTHING), redeem(bad, NOTHING)])
    assert (denial.context, denial.link, denial.caveat) == (1, 0, 0)


def test_five_links_down_the_right_one_is_named(stage):
    links = [root(stage, LimitedCalls(limit=9))]
    for depth in range(4):
        caveats = [AllowedTargets(targets=(ALICE,))] if depth == 1 else [LimitedCalls(limit=9)]
        to = Address(dev_account(2 + depth).address)
        links.insert(0, sign(redelegate(links[0], delegate=to, caveats=caveats), 1 + depth, stage))
    denial = denied(stage, redeem(links, NOTHING))
    assert (denial.link, denial.enforcer_name) == (2, "AllowedTargetsEnforcer")


def test_a_stranger_is_refused_by_the_manager(stage):
    denial = denied(stage, redeem(root(stage, LimitedCalls(limit=1)), NOTHING), redeemer=SHOP)
    assert (denial.stage, denial.link, denial.reason) == ("manager", 0, "InvalidDelegate()")


def test_anyone_may_redeem_an_open_delegation(stage):
    grant = root(stage, LimitedCalls(limit=1), delegate=ANY_DELEGATE)
    assert simulate(stage.chain, redeem(grant, NOTHING), redeemer=SHOP).allowed
    with pytest.raises(EncodingError, match=r"open.*say who redeems"):
        simulate(stage.chain, redeem(grant, NOTHING))


def test_a_forged_root_signature_names_the_root(stage):
    chain = chain_of_two(stage, [], [LimitedCalls(limit=1)])
    chain[1] = sign(chain[1].with_signature(b""), 2, stage)
    denial = denied(stage, redeem(chain, NOTHING))
    assert (denial.stage, denial.link, denial.reason) == ("signature", 1, "InvalidERC1271Signature()")


def test_a_forged_eoa_signature_names_the_link(stage):
    chain = chain_of_two(stage, [], [LimitedCalls(limit=1)])
    chain[0] = sign(chain[0].with_signature(b""), 2, stage)
    denial = denied(stage, redeem(chain, NOTHING))
    assert (denial.stage, denial.link, denial.reason) == ("signature", 0, "InvalidEOASignature()")


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (b"", "ECDSAInvalidSignatureLength(uint256)"),
        (bytes(64), "ECDSAInvalidSignatureLength(uint256)"),
        (bytes(32) + b"\xff" * 32 + b"\x1b", "ECDSAInvalidSignatureS(bytes32)"),
        (bytes(65), "ECDSAInvalidSignature()"),
    ],
)
@pytest.mark.parametrize("link", [0, 1])
def test_a_malformed_signature_names_its_link(stage, link, signature, reason):
    chain = chain_of_two(stage, [], [LimitedCalls(limit=1)])
    chain[link] = chain[link].with_signature(signature)
    denial = denied(stage, redeem(chain, NOTHING))
    assert (denial.stage, denial.link, denial.reason) == ("signature", link, reason)


def test_a_disabled_parent_is_named(stage):
    chain = chain_of_two(stage, [], [LimitedCalls(limit=1)])
    selector = keccak(b"disableDelegation((address,address,bytes32,(address,bytes,bytes)[],uint256,bytes))")[:4]
    assert stage.chain.send(ALICE, stage.chain.manager, selector + encode_delegation(chain[1])).success
    denial = denied(stage, redeem(chain, NOTHING))
    assert (denial.stage, denial.link, denial.reason) == ("manager", 1, "CannotUseADisabledDelegation()")


def test_a_leaf_without_its_root_has_no_authority(stage):
    leaf = chain_of_two(stage, [], [LimitedCalls(limit=1)])[0]
    denial = denied(stage, redeem(leaf, NOTHING))
    assert (denial.stage, denial.link, denial.reason) == ("manager", 0, "InvalidAuthority()")


def test_an_account_without_code_cannot_execute(stage):
    stage.chain.world.set_code(ALICE, b"")
    denial = denied(stage, redeem(root(stage, LimitedCalls(limit=1)), NOTHING))
    assert denial.stage == "execution"
    assert "no code" in denial.explanation


def test_an_enforcer_that_is_no_contract_is_named(stage):
    stranger = Caveat(enforcer=Address(b"\x77" * 20), terms=b"\x01")
    denial = denied(stage, redeem(root(stage, LimitedCalls(limit=1), stranger), NOTHING))
    assert (denial.stage, denial.caveat, denial.enforcer) == ("hook", 1, stranger.enforcer)
    assert "no contract" in denial.explanation


def test_an_enforcer_whose_code_is_not_bundled_is_said_so(stage):
    unbundled = Caveat(enforcer=Address("0xeaA1bE91F0ea417820a765df9C5BE542286BFfDC"), terms=bytes(72))
    redemption = redeem(root(stage, unbundled), NOTHING)
    without = LocalChain(CHAIN_ID, stand_ins=False)
    with pytest.raises(
        UnsupportedError, match=r"code not bundled: ERC20MultiOperationIncreaseBalanceEnforcer.*own code"
    ):
        simulate(without, redemption)
    assert denied(stage, redemption).enforcer == unbundled.enforcer


def test_a_retired_enforcer_without_code_has_no_stand_in_either(stage):
    retired = Caveat(enforcer=Address("0x54e17146b9CCE2642881E0879e06e9D63F7d7606"), terms=bytes(52))
    with pytest.raises(UnsupportedError, match=r"code not bundled: NativeBalanceGteEnforcer") as refusal:
        simulate(stage.chain, redeem(root(stage, retired), NOTHING))
    assert "own code" not in str(refusal.value)


def test_a_failing_call_is_not_a_policy_denial(stage):
    call = Execution(target=stage.target, call_data=keccak(b"fail()")[:4])
    denial = denied(stage, redeem(root(stage, LimitedCalls(limit=1)), call))
    assert (denial.stage, denial.execution, denial.is_policy) == ("execution", 0, False)


def test_the_failing_call_of_a_batch_is_named(stage):
    bad = Execution(target=stage.target, call_data=keccak(b"failWithReason()")[:4])
    denial = denied(stage, redeem(root(stage, LimitedCalls(limit=1)), [NOTHING, NOTHING, bad, NOTHING]))
    assert (denial.stage, denial.execution) == ("execution", 2)


def test_more_value_than_the_account_holds_is_an_execution_failure(stage):
    denial = denied(stage, redeem(root(stage, LimitedCalls(limit=1)), Execution(target=SHOP, value=10**24)))
    assert (denial.stage, denial.execution, denial.reason) == ("execution", 0, "")


def test_out_of_gas_is_never_policy(stage):
    grant = root(stage, LimitedCalls(limit=1), AllowedTargets(targets=(SHOP,)))
    needed = simulate(stage.chain, redeem(grant, NOTHING)).gas_used
    stages = set()
    for gas in range(50_000, needed, 4_999):
        denial = denied(stage, redeem(grant, NOTHING), gas=gas)
        stages.add(denial.stage)
        assert not denial.is_policy
    assert stages == {"gas"}


def test_try_mode_does_not_hide_a_failed_execution(stage):
    bad = Execution(target=stage.target, call_data=keccak(b"fail()")[:4])
    redemption = redeem(root(stage), [NOTHING, bad], mode=ExecutionMode.BATCH_TRY)
    verdict = simulate(stage.chain, redemption)
    assert verdict.allowed
    assert verdict.is_partial
    assert [result.success for result in verdict.effects.executions] == [True, False]


def test_a_self_authorised_context_acts_for_the_caller(stage):
    redemption = Redemption(context=(), executions=(Execution(target=SHOP, value=3),))
    verdict = simulate(stage.chain, redemption, redeemer=ALICE)
    assert verdict.allowed
    assert verdict.effects.movements[0].amount == 3


def test_a_paused_manager_refuses_everything(stage):
    slot = 1
    stage.chain.world.set_storage(stage.chain.manager, slot, 1 << 160)
    denial = denied(stage, redeem(root(stage, LimitedCalls(limit=1)), NOTHING))
    assert (denial.stage, denial.reason) == ("manager", "EnforcedPause()")


def test_value_that_only_passes_through_is_told_once_per_hop(stage):
    grant = root(stage, LimitedCalls(limit=1))
    data = keccak(b"ping(uint256)")[:4] + encode_uint(1)
    verdict = simulate(stage.chain, redeem(grant, Execution(target=stage.target, value=5, call_data=data)))
    assert [(m.sender, m.recipient, m.amount) for m in verdict.effects.movements] == [(ALICE, stage.target, 5)]


def test_a_call_that_could_not_start_is_not_a_success(stage):
    too_much = Execution(target=SHOP, value=101 * 10**18)
    verdict = simulate(stage.chain, redeem(root(stage), too_much, mode=ExecutionMode.SINGLE_TRY))
    assert verdict.allowed
    assert verdict.is_partial
    assert [(r.index, r.success) for r in verdict.effects.executions] == [(0, False)]


def test_in_a_batch_it_does_not_lend_its_index_to_the_next(stage):
    batch = [Execution(target=SHOP, value=101 * 10**18), Execution(target=SHOP, value=1)]
    verdict = simulate(stage.chain, redeem(root(stage), batch, mode=ExecutionMode.BATCH_TRY))
    assert [(r.index, r.success) for r in verdict.effects.executions] == [(0, False), (1, True)]


def test_an_account_that_ignores_what_it_is_asked_has_done_nothing(stage):
    # It accepts every signature and answers every other call with an empty bytes[]: caveats count, nothing is executed.
    code = bytes.fromhex(
        "60003560e01c"
        "631626ba7e14601e57"  # selector == isValidSignature ? jump to 0x1e
        "6020600052"
        "6000602052"
        "60406000f3"  # return abi.encode(new bytes[](0))
        "5b"
        "631626ba7e60e01b600052"
        "60206000f3"  # return the ERC-1271 magic value
    )
    stage.chain.world.set_code(ALICE, code)
    verdict = simulate(stage.chain, redeem(root(stage, LimitedCalls(limit=1)), Execution(target=SHOP, value=1)))
    assert verdict.allowed
    assert verdict.is_partial
    assert verdict.effects.movements == ()
