"""User operations: what is hashed, what is packed, and what the EntryPoint says of them."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode

from caveats.errors import EncodingError
from caveats.types import Address, keccak
from delegations.accounts import (
    AccountKind,
    OperationResult,
    UserOperation,
    encode_handle_ops,
    explain_refusal,
    hash_user_operation,
    read_operation_results,
)
from delegations.accounts.entry_point import OPERATION_EVENT, REVERT_EVENT
from delegations.accounts.user_operation import OPERATION_TYPE, OPERATION_TYPEHASH
from delegations.evm.engine import Log
from delegations.framework.constants import ENTRY_POINT

SENDER, OTHER = Address(b"\x11" * 20), Address(b"\x22" * 20)
OPERATION = UserOperation(
    sender=SENDER,
    nonce=7,
    init_code=b"\x01",
    call_data=b"\x02",
    verification_gas_limit=3,
    call_gas_limit=4,
    pre_verification_gas=5,
    max_priority_fee_wei=6,
    max_fee_wei=8,
)


def digest(operation: UserOperation = OPERATION, **more: Any) -> bytes:
    return hash_user_operation(operation, **{"kind": AccountKind.HYBRID, "chain_id": 1, **more})


def test_the_type_hash_is_that_of_the_type() -> None:
    assert keccak(OPERATION_TYPE.encode()) == OPERATION_TYPEHASH


@pytest.mark.parametrize("field", [name for name in UserOperation.model_fields if name != "signature"])
def test_another_field_is_another_digest(field: str) -> None:
    value = getattr(OPERATION, field)
    other = OTHER if field == "sender" else value + b"\0" if isinstance(value, bytes) else value + 1
    assert digest(OPERATION.model_copy(update={field: other})) != digest()


def test_another_signature_is_not() -> None:
    assert digest(OPERATION.with_signature(b"\x01")) == digest()


@pytest.mark.parametrize("more", [{"kind": AccountKind.MULTISIG}, {"chain_id": 2}, {"entry_point": OTHER}])
def test_another_account_chain_or_entry_point_is_another_digest(more: dict[str, Any]) -> None:
    assert digest(**more) != digest()


def test_what_an_account_must_have_is_all_its_gas_at_the_highest_fee() -> None:
    assert OPERATION.prefund_wei == (3 + 4 + 5) * 8
    assert OPERATION.model_copy(update={"paymaster_and_data": bytes(52)}).prefund_wei == 0


def test_gas_beyond_its_field_is_refused() -> None:
    with pytest.raises(EncodingError, match="call_gas_limit"):
        UserOperation(sender=SENDER, nonce=0, call_data=b"", verification_gas_limit=0, call_gas_limit=2**128)


def test_no_operations_are_refused() -> None:
    with pytest.raises(EncodingError, match="at least one"):
        encode_handle_ops([], beneficiary=SENDER)


# what the EntryPoint says


def event(success: bool = True, *, emitter: Address = ENTRY_POINT, data: bytes | None = None) -> Log:
    body = encode(["uint256", "bool", "uint256", "uint256"], [7, success, 9, 10]) if data is None else data
    return Log(emitter, (OPERATION_EVENT, b"\x01" * 32, bytes(12) + SENDER, bytes(32)), body)


def revert(reason: bytes) -> Log:
    return Log(ENTRY_POINT, (REVERT_EVENT, b"\x01" * 32, bytes(12) + SENDER), encode(["uint256", "bytes"], [7, reason]))


def test_an_operation_that_succeeded_is_read() -> None:
    (result,) = read_operation_results([event()])
    assert result == OperationResult(result.hash, SENDER, 7, True, 9, None)
    assert result.hash == b"\x01" * 32


def test_one_that_failed_says_why() -> None:
    reason = keccak(b"AlreadyDisabled()")[:4]
    (result,) = read_operation_results([revert(reason), event(success=False)])
    assert not result.success
    assert result.revert is not None
    assert result.revert.name == "AlreadyDisabled()"


@pytest.mark.parametrize(
    "log", [event(emitter=OTHER), event(data=b"\x01"), Log(ENTRY_POINT, (), b""), Log(ENTRY_POINT, (bytes(32),), b"")]
)
def test_a_log_that_is_none_of_its_events_is_passed_over(log: Log) -> None:
    assert read_operation_results([log]) == ()


def test_a_refusal_is_told_in_words() -> None:
    data = keccak(b"FailedOp(uint256,string)")[:4] + encode(["uint256", "string"], [0, "AA24 signature error\n\x1b"])
    assert explain_refusal(data) == "AA24 signature error\\n\\x1b"


def test_a_refusal_of_the_account_is_told_with_its_reason() -> None:
    inner = keccak(b"AlreadyDisabled()")[:4]
    values = encode(["uint256", "string", "bytes"], [0, "AA23 reverted", inner])
    said = explain_refusal(keccak(b"FailedOpWithRevert(uint256,string,bytes)")[:4] + values)
    assert str(said).startswith("AA23 reverted: The delegation is disabled already.")


@pytest.mark.parametrize("data", [b"", b"\x12\x34\x56\x78", keccak(b"FailedOp(uint256,string)")[:4] + b"\xff" * 64])
def test_what_is_no_refusal_of_it_is_left_alone(data: bytes) -> None:
    assert explain_refusal(data) is None
