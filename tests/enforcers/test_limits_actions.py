"""Single actions, ownership, revocation and deployment at their limits, on the official bytecode."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from caveats import Address, Bytes32, Caveat, Execution
from caveats.abi import encode_address, encode_uint
from caveats.attempt import Attempt, StateKey
from caveats.registry import decode_caveat
from caveats.targets.approval_revocation import APPROVE, PERMIT2, PERMIT2_LOCKDOWN, ApprovalRevocation
from caveats.targets.deployed import Deployed
from caveats.targets.ownership_transfer import TRANSFER_OWNERSHIP, OwnershipTransfer
from caveats.targets.specific_action_erc20_transfer_batch import (
    SpecificActionERC20TransferBatch,
    SpecificActionERC20TransferBatchV1,
)
from caveats.types import keccak
from tests.enforcers.harness import (
    ALICE,
    SHOP,
    Stage,
    attempt_on,
    check_steps,
    grant,
    said,
    set_stage,
    transfer,
)

Build = Callable[[Stage], Attempt]
SINGLE_OR_BATCH = "CaveatEnforcer:invalid-call-type"
TRY = "CaveatEnforcer:invalid-execution-type"
ACTION = SpecificActionERC20TransferBatchV1.ENFORCER
REVOKE = ApprovalRevocation.ENFORCER
PING = keccak(b"ping(uint256)")[:4] + encode_uint(5)


def call(data: bytes, *, value: int = 0) -> Build:
    return lambda stage: Attempt((Execution(target=stage.target, value=value, call_data=data),))


def on_token(data: bytes, *, value: int = 0) -> Build:
    return lambda stage: Attempt((Execution(target=stage.token, value=value, call_data=data),))


def revoke(amount: int, spender: Address = SHOP) -> Build:
    return on_token(APPROVE + encode_address(spender) + encode_uint(amount))


def batch(*builds: Build) -> Build:
    return lambda stage: Attempt(tuple(e for build in builds for e in build(stage).executions), is_batch=True)


def trying(build: Build) -> Build:
    return lambda stage: Attempt(build(stage).executions, is_batch=build(stage).is_batch, is_try=True)


def pay(amount: int, **changes: int) -> Build:
    return lambda stage: Attempt((transfer(stage.token, amount, **changes),))


def action(stage: Stage) -> SpecificActionERC20TransferBatchV1:
    return SpecificActionERC20TransferBatchV1.unchecked(
        token=stage.token, recipient=SHOP, amount=7, first_target=stage.target, first_call_data=PING
    )


FIRST = call(PING)


def test_the_retired_specific_action_lets_one_batch_pass_once():
    first_wrong, second_wrong = (f"{ACTION}:invalid-{which}-transaction" for which in ("first", "second"))
    check_steps(
        action,
        [
            (FIRST, SINGLE_OR_BATCH),
            (trying(batch(FIRST, pay(7))), TRY),
            (batch(FIRST), f"{ACTION}:invalid-batch-size"),
            (batch(FIRST, pay(7), pay(7)), f"{ACTION}:invalid-batch-size"),
            (batch(pay(7), FIRST), first_wrong),
            (batch(call(PING[:-1] + b"\x06"), pay(7)), first_wrong),
            (batch(call(PING, value=1), pay(7)), first_wrong),
            (batch(FIRST, pay(8)), second_wrong),
            (batch(FIRST, pay(7, value=1)), second_wrong),
            (batch(FIRST, pay(7)), None),
            (batch(FIRST, pay(7)), f"{ACTION}:delegation-already-used"),
        ],
    )


def test_the_use_of_the_specific_action_stands_in_the_declared_slot():
    stage = set_stage()
    terms = action(stage)
    delegation = grant([terms.to_caveat()])
    slot = terms.state_slot(StateKey(stage.chain.manager, delegation.hash, ALICE))
    assert stage.chain.world.storage(terms.ADDRESS, slot) == 0
    assert said(attempt_on(stage.chain, delegation, batch(FIRST, pay(7))(stage))) is None
    assert stage.chain.world.storage(terms.ADDRESS, slot) == 1


def test_an_address_tells_which_layout_the_same_terms_have():
    stage = set_stage()
    terms = action(stage).encode_terms() + bytes(40)
    old = decode_caveat(Caveat(enforcer=SpecificActionERC20TransferBatchV1.ADDRESS, terms=terms)).terms
    new = decode_caveat(Caveat(enforcer=SpecificActionERC20TransferBatch.ADDRESS, terms=terms)).terms
    assert isinstance(old, SpecificActionERC20TransferBatchV1)
    assert isinstance(new, SpecificActionERC20TransferBatch)
    assert (old.first_call_data, new.first_call_data) == (PING + bytes(40), PING[32:] + bytes(40))
    assert new.first_value_wei == int.from_bytes(PING[:32], "big")


def test_only_the_ownership_of_one_contract_changes_hands():
    enforcer = OwnershipTransfer.ENFORCER
    check_steps(
        lambda s: OwnershipTransfer(target=s.target),
        [
            (call(TRANSFER_OWNERSHIP + encode_address(SHOP)), None),
            (call(TRANSFER_OWNERSHIP + bytes(32)), None),
            (call(TRANSFER_OWNERSHIP + encode_address(SHOP), value=1), None),
            (call(TRANSFER_OWNERSHIP + encode_address(SHOP)[1:]), f"{enforcer}:invalid-execution-length"),
            (call(TRANSFER_OWNERSHIP + encode_address(SHOP) + b"\0"), f"{enforcer}:invalid-execution-length"),
            (call(b"\0\0\0\0" + encode_address(SHOP)), f"{enforcer}:invalid-method"),
            (on_token(TRANSFER_OWNERSHIP + encode_address(SHOP)), f"{enforcer}:invalid-contract"),
            (batch(call(TRANSFER_OWNERSHIP + encode_address(SHOP))), SINGLE_OR_BATCH),
            (trying(call(TRANSFER_OWNERSHIP + encode_address(SHOP))), TRY),
        ],
    )


def approved_stage() -> Stage:
    """Return a stage on which the shop may spend five base units of Alice's."""
    stage = set_stage()
    outcome = stage.chain.send(ALICE, stage.token, APPROVE + encode_address(SHOP) + encode_uint(5))
    assert outcome.success
    return stage


def test_an_approval_is_taken_back_once_for_then_there_is_none():
    stage = approved_stage()
    terms = ApprovalRevocation(erc20_approve=True)
    delegation = grant([terms.to_caveat()])
    for build, expected in (
        (revoke(1), f"{REVOKE}:non-zero-amount"),
        (revoke(0, stage.target), f"{REVOKE}:no-approval-to-revoke"),
        (batch(revoke(0)), SINGLE_OR_BATCH),
        (trying(revoke(0)), TRY),
        (on_token(APPROVE + encode_address(SHOP) + bytes(32), value=1), f"{REVOKE}:invalid-value"),
        (revoke(0), None),
        (revoke(0), f"{REVOKE}:no-approval-to-revoke"),
    ):
        attempt = build(stage)
        assert said(attempt_on(stage.chain, delegation, attempt)) == expected
        assert terms.denies(attempt) in (None, expected)


def test_a_kind_of_revocation_that_is_off_is_refused():
    stage = approved_stage()
    delegation = grant([ApprovalRevocation(permit2_lockdown=True).to_caveat()])
    assert said(attempt_on(stage.chain, delegation, revoke(0)(stage))) == f"{REVOKE}:erc20-approve-not-allowed"
    lockdown = PERMIT2_LOCKDOWN + encode_uint(32) + encode_uint(0)
    assert said(attempt_on(stage.chain, delegation, call(lockdown)(stage))) == f"{REVOKE}:invalid-permit2-target"
    # no code stands at Permit2's address here, and the call to it succeeds without doing anything
    attempt = Attempt((Execution(target=PERMIT2, call_data=lockdown),))
    assert said(attempt_on(stage.chain, delegation, attempt)) is None


INIT_CODE = bytes.fromhex("60015f5260205ff3")
SALT = Bytes32(encode_uint(7))


@pytest.mark.parametrize("is_batch", [False, True])
def test_a_missing_contract_is_deployed_and_one_that_stands_is_left(is_batch):
    stage = set_stage()
    where = Deployed.compute_address(SALT, INIT_CODE)
    delegation = grant([Deployed(expected_address=where, salt=SALT, init_code=INIT_CODE).to_caveat()])
    attempt = Attempt((Execution(target=SHOP, value=1),), is_batch=is_batch)
    assert stage.chain.world.code(where) == b""
    assert said(attempt_on(stage.chain, delegation, attempt)) is None
    deployed = stage.chain.world.code(where)
    assert deployed == encode_uint(1)
    assert said(attempt_on(stage.chain, delegation, attempt)) is None
    assert stage.chain.world.code(where) == deployed


def test_a_deployment_to_another_address_is_refused_unless_any_code_stands_there():
    stage = set_stage()
    terms = Deployed.unchecked(expected_address=SHOP, salt=SALT, init_code=INIT_CODE)
    attempt = Attempt((Execution(target=SHOP),))
    delegation = grant([terms.to_caveat()])
    assert said(attempt_on(stage.chain, delegation, attempt)) == terms.revert_of("deployed-address-mismatch")
    stage.chain.world.set_code(SHOP, b"\0")
    assert said(attempt_on(stage.chain, delegation, attempt)) is None


@pytest.mark.parametrize(
    ("init_code", "error"), [(b"\0", "DeployedEmptyContract(address)"), (b"\xfd", "Create2FailedDeployment()")]
)
def test_creation_code_that_leaves_no_contract_is_refused(init_code, error):
    stage = set_stage()
    terms = Deployed(expected_address=Deployed.compute_address(SALT, init_code), salt=SALT, init_code=init_code)
    attempt = Attempt((Execution(target=SHOP),))
    assert said(attempt_on(stage.chain, grant([terms.to_caveat()]), attempt)) == error
