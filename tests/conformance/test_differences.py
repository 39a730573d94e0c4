"""Where the kit and this toolkit differ on purpose, each difference with the kit's own bytes."""

from __future__ import annotations

from typing import Any

import pytest

from caveats import Address, Execution, LimitedCalls
from caveats.abi import encode_address
from caveats.errors import EncodingError, VerificationError
from caveats.targets.ownership_transfer import TRANSFER_OWNERSHIP
from caveats.types import parse_hex
from delegations.delegation import Delegation, create_delegation, encode_context, redelegate, sign_delegation
from delegations.evm import LocalChain, dev_account
from delegations.execution import ExecutionMode, decode_executions, encode_executions
from delegations.framework import DELEGATION_MANAGER, decode_revert
from delegations.redemption import (
    Redemption,
    decode_redeem_delegations,
    encode_raw_redeem_delegations,
    encode_redeem_delegations,
)
from delegations.simulation import execute
from tests.conformance.families.executions import ask_execution
from tests.conformance.node import Kit, ask_kit

CALL = Execution(target=Address(b"\xaa" * 20), value=7, call_data=b"\x01\x02\x03\x04")
OTHER_CALL = Execution(target=Address(b"\xbb" * 20), value=9, call_data=b"")
PACKED = "aa" * 20 + f"{7:064x}" + "01020304"
"""target, value, call data: what the kit writes for any list of one execution."""
EMPTY_CONTEXT = bytes(31) + b"\x20" + bytes(32)

ALICE, BOB, TOKEN = Address(b"\xa1" * 20), Address(b"\xb0" * 20), Address(b"\x5c" * 20)


def _redemption(*executions: Execution, mode: ExecutionMode = ExecutionMode.BATCH_DEFAULT) -> dict[str, Any]:
    return {
        "op": "redemption",
        "delegations": [[]],
        "modes": ["0x" + mode.value.hex()],
        "executions": [[ask_execution(execution) for execution in executions]],
    }


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    """The kit's answers to what the tests here need, by name; one process for all."""
    create = {"op": "createDelegation", "caveats": [{"type": "limitedCalls", "config": {"limit": 1}}], "open": False}
    options = {
        "from": str(ALICE),
        "to": str(BOB),
        "scope": {"type": "ownershipTransfer", "contractAddress": str(TOKEN)},
    }
    requests = {
        "batch of one": _redemption(CALL),
        "batch of two": _redemption(CALL, OTHER_CALL),
        "batch of none": _redemption(),
        "single of two": _redemption(CALL, OTHER_CALL, mode=ExecutionMode.SINGLE_DEFAULT),
        "without a salt": {**create, "options": options},
        "decoded": {
            "op": "context",
            "delegations": [],
            "encoded": "0x" + _context_with_salt(10).hex(),
        },
    }
    return dict(zip(requests, ask_kit(requests.values()), strict=True))


def _context_with_salt(salt: int) -> bytes:
    return encode_context([Delegation(delegate=BOB, delegator=ALICE, salt=salt)])


def _ours(mode: ExecutionMode, *executions: Execution) -> bytes:
    return encode_redeem_delegations([Redemption(context=(), mode=mode, executions=executions)])


def test_the_kit_packs_a_batch_of_one_as_if_it_were_single(answers: dict[str, dict[str, Any]]) -> None:
    kits = parse_hex(answers["batch of one"]["calldata"])
    packed = encode_raw_redeem_delegations(
        [EMPTY_CONTEXT], [ExecutionMode.BATCH_DEFAULT.value], [bytes.fromhex(PACKED)]
    )
    assert kits == packed
    assert kits != _ours(ExecutionMode.BATCH_DEFAULT, CALL)


def test_a_batch_of_two_is_the_same_in_both(answers: dict[str, dict[str, Any]]) -> None:
    assert parse_hex(answers["batch of two"]["calldata"]) == _ours(ExecutionMode.BATCH_DEFAULT, CALL, OTHER_CALL)


def test_the_bytes_of_the_kits_batch_of_one_do_not_decode_as_a_batch() -> None:
    with pytest.raises(EncodingError, match="batch execution: the offset at byte 0 points outside the data"):
        decode_executions(ExecutionMode.BATCH_DEFAULT, bytes.fromhex(PACKED))
    assert decode_executions(ExecutionMode.BATCH_DEFAULT, encode_executions(ExecutionMode.BATCH_DEFAULT, [CALL])) == (
        CALL,
    )


def test_the_kits_calldata_of_a_batch_of_one_is_refused_when_read(answers: dict[str, dict[str, Any]]) -> None:
    with pytest.raises(EncodingError, match="batch execution"):
        decode_redeem_delegations(parse_hex(answers["batch of one"]["calldata"]))


def test_the_kit_refuses_an_empty_batch_and_ours_writes_it(answers: dict[str, dict[str, Any]]) -> None:
    assert "executions is empty" in answers["batch of none"]["error"]
    (read,) = decode_redeem_delegations(_ours(ExecutionMode.BATCH_DEFAULT))
    assert read.executions == ()


def test_the_kit_writes_two_executions_in_a_single_mode_and_they_read_as_one_other_call(
    answers: dict[str, dict[str, Any]],
) -> None:
    (read,) = decode_redeem_delegations(parse_hex(answers["single of two"]["calldata"]))
    (execution,) = read.executions
    assert execution.target == Address(bytes(20))
    assert execution not in (CALL, OTHER_CALL)


def test_ours_refuses_two_executions_in_a_single_mode() -> None:
    with pytest.raises(EncodingError, match="mode SINGLE_DEFAULT carries exactly one execution, got 2"):
        Redemption(context=(), mode=ExecutionMode.SINGLE_DEFAULT, executions=(CALL, OTHER_CALL))


def test_the_kit_gives_every_delegation_the_salt_zero_unless_told(answers: dict[str, dict[str, Any]]) -> None:
    wire = answers["without a salt"]["delegation"]
    assert wire["salt"] == "0x00"
    assert Delegation.from_wire(wire).salt == 0


def test_the_kit_gives_a_caveat_one_byte_of_args_which_are_not_signed(answers: dict[str, dict[str, Any]]) -> None:
    answer = answers["without a salt"]
    theirs = Delegation.from_wire(answer["delegation"])
    assert [caveat.args for caveat in theirs.caveats] == [b"\0", b"\0"]
    bare = theirs.with_args({0: b"", 1: b""})
    assert bare.caveats[1] == LimitedCalls(limit=1).to_caveat()
    assert bare.hash == parse_hex(answer["hash"])


def test_the_kit_reads_a_salt_back_with_an_odd_number_of_digits_and_ours_takes_it(
    answers: dict[str, dict[str, Any]],
) -> None:
    (wire,) = answers["decoded"]["decoded"]
    assert wire["salt"] == "0xa"
    assert Delegation.from_wire(wire).salt == 10


def test_the_kit_copies_checksummed_addresses_into_terms_and_ours_writes_lower_case(
    answers: dict[str, dict[str, Any]],
) -> None:
    wire = answers["without a salt"]["delegation"]
    assert wire["caveats"][0]["terms"] == str(TOKEN) != str(TOKEN).lower()
    assert Delegation.from_wire(wire).to_wire()["caveats"][0]["terms"] == str(TOKEN).lower()


# --- chains and lists that do not fit: what the kit writes, and what the official bytecode says of it ----------------

GIVER, AGENT, STRANGER = (Address(dev_account(i).address) for i in range(3))
HAND_OVER = Execution(target=TOKEN, call_data=TRANSFER_OWNERSHIP + encode_address(BOB))
"""The one call the scope of the kit's delegations below admits; nothing stands at TOKEN, so it passes."""


def _created(
    kit: Kit, giver: Address, taker: Address, *, parent: Delegation | None = None, limit: int = 1
) -> Delegation:
    options: dict[str, Any] = {"from": str(giver), "to": str(taker)}
    if parent is None:
        options["scope"] = {"type": "ownershipTransfer", "contractAddress": str(TOKEN)}
    else:
        options["parentDelegation"] = parent.to_wire()
    caveats = [{"type": "limitedCalls", "config": {"limit": 1}}]
    answer = kit.ask("createDelegation", options=options, caveats=caveats, open=False)
    return Delegation.from_wire(answer["delegation"])


def _signed(delegation: Delegation, account: int) -> Delegation:
    return sign_delegation(delegation, dev_account(account), chain_id=1, manager=DELEGATION_MANAGER)


def _chain() -> LocalChain:
    chain = LocalChain(1)
    for delegator in (GIVER, AGENT, STRANGER):
        chain.add_delegator(delegator)
    return chain


def test_the_kit_lets_a_stranger_pass_a_delegation_on_and_the_manager_does_not(kit: Kit) -> None:
    root = _signed(_created(kit, GIVER, AGENT), 0)
    leaf = _signed(_created(kit, STRANGER, STRANGER, parent=root), 2)
    assert leaf.authority == root.hash
    redemption = Redemption(context=(leaf, root), mode=ExecutionMode.SINGLE_DEFAULT, executions=(HAND_OVER,))
    denial = execute(_chain(), redemption, redeemer=STRANGER).verdict.denial
    assert denial is not None
    assert (denial.stage, denial.reason) == ("manager", "InvalidDelegate()")


def test_ours_refuses_to_let_a_stranger_pass_a_delegation_on() -> None:
    root = create_delegation(delegator=GIVER, delegate=AGENT, caveats=[LimitedCalls(limit=1)])
    with pytest.raises(VerificationError, match="cannot pass on a delegation made to"):
        redelegate(root, delegator=STRANGER, delegate=STRANGER)
    assert redelegate(root, delegate=STRANGER).delegator == AGENT


def test_two_delegations_alike_of_the_kit_are_one_and_share_one_budget(kit: Kit) -> None:
    first, second = (_signed(_created(kit, GIVER, AGENT), 0) for _ in range(2))
    assert first.hash == second.hash
    chain = _chain()
    reasons = []
    for delegation in (first, second):
        redemption = Redemption(context=(delegation,), mode=ExecutionMode.SINGLE_DEFAULT, executions=(HAND_OVER,))
        denial = execute(chain, redemption, redeemer=AGENT).verdict.denial
        reasons.append(denial and denial.reason)
    assert reasons == [None, "LimitedCallsEnforcer:limit-exceeded"]


def test_two_delegations_alike_of_ours_are_two() -> None:
    wanted: dict[str, Any] = {"delegator": GIVER, "delegate": AGENT, "caveats": [LimitedCalls(limit=1)]}
    assert create_delegation(**wanted).hash != create_delegation(**wanted).hash
    assert create_delegation(**wanted, salt=1).hash == create_delegation(**wanted, salt=1).hash


def test_the_kit_writes_lists_of_unequal_length_which_the_manager_and_ours_refuse(kit: Kit) -> None:
    asked = _redemption(CALL, mode=ExecutionMode.SINGLE_DEFAULT)
    asked["modes"] *= 2
    calldata = parse_hex(kit.ask(**asked)["calldata"])
    outcome = _chain().call(DELEGATION_MANAGER, calldata, sender=AGENT)
    assert decode_revert(outcome.output).name == "BatchDataLengthMismatch()"
    with pytest.raises(EncodingError, match="got 1, 2 and 1"):
        decode_redeem_delegations(calldata)
