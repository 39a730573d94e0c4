"""What is asked of the EntryPoint, and what it says: nonces, deposits, why it refused, what came of operations.

A transaction that carries operations succeeds although an operation in it fails: its event says so.
Source: ERC-4337, EntryPoint v0.7 (IEntryPoint, INonceManager, IStakeManager).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Protocol, TypeVar

from caveats.abi import encode_address, encode_uint
from caveats.errors import EncodingError
from caveats.types import Address, Bytes32, keccak
from delegations.framework.abi import decode_canonical, topic
from delegations.framework.constants import ENTRY_POINT
from delegations.framework.reverts import RevertReason, decode_revert

OPERATION_EVENT: Final = bytes(topic("UserOperationEvent(bytes32,address,address,uint256,bool,uint256,uint256)"))
REVERT_EVENT: Final = bytes(topic("UserOperationRevertReason(bytes32,address,uint256,bytes)"))
_EVENT_DATA: Final = tuple({"type": kind, "name": ""} for kind in ("uint256", "bool", "uint256", "uint256"))
_REVERT_DATA: Final = tuple({"type": kind, "name": ""} for kind in ("uint256", "bytes"))
_FAILED: Final = keccak(b"FailedOp(uint256,string)")[:4]
_FAILED_WITH: Final = keccak(b"FailedOpWithRevert(uint256,string,bytes)")[:4]
_FAILED_DATA: Final = tuple({"type": kind, "name": ""} for kind in ("uint256", "string"))
_FAILED_WITH_DATA: Final = (*_FAILED_DATA, {"type": "bytes", "name": ""})


class Log(Protocol):
    """A log, whoever tells of it."""

    @property
    def address(self) -> bytes:
        """The emitter."""

    @property
    def topics(self) -> tuple[bytes, ...]:
        """Topic 0 first."""

    @property
    def data(self) -> bytes:
        """What is not indexed."""


AnyLog = TypeVar("AnyLog", bound=Log)


class OperationResult(NamedTuple):
    """What came of one operation.

    Attributes:
        hash: the EntryPoint's own hash of it.
        sender: the account.
        nonce: of it.
        success: whether its call succeeded.
        cost_wei: what the account paid.
        revert: why the call failed, where it said so.
    """

    hash: Bytes32
    sender: Address
    nonce: int
    success: bool
    cost_wei: int
    revert: RevertReason | None


def encode_get_nonce(account: Address, *, key: int = 0) -> bytes:
    """Return the calldata that asks for the next nonce of an account's operations; each key counts by itself."""
    return keccak(b"getNonce(address,uint192)")[:4] + encode_address(account) + encode_uint(key)


def encode_get_deposit(account: Address) -> bytes:
    """Return the calldata that asks what an account has deposited, in wei."""
    return keccak(b"balanceOf(address)")[:4] + encode_address(account)


def read_operation_results(logs: Iterable[Log]) -> tuple[OperationResult, ...]:
    """Return what came of the operations of a transaction, in the order they ran. Logs of others are passed over."""
    return tuple(result for _, result in walk_operations(logs))


def walk_operations(logs: Iterable[AnyLog]) -> Iterator[tuple[AnyLog, OperationResult]]:
    """Yield each operation's event with what it says, in the order they ran. Logs of others are passed over."""
    reverts: dict[bytes, RevertReason] = {}
    for log in logs:
        if log.address != ENTRY_POINT or not log.topics:
            continue
        try:
            if log.topics[0] == REVERT_EVENT and len(log.topics) == 3:
                reverts[log.topics[1]] = decode_revert(decode_canonical(_REVERT_DATA, log.data)[1])
            elif log.topics[0] == OPERATION_EVENT and len(log.topics) == 4:
                nonce, success, cost, _gas = decode_canonical(_EVENT_DATA, log.data)
                digest, sender = Bytes32(log.topics[1]), Address(log.topics[2][12:])
                yield log, OperationResult(digest, sender, nonce, success, cost, reverts.pop(digest, None))
        except EncodingError:
            continue


def explain_refusal(data: bytes) -> str | None:
    """Return why the EntryPoint did not carry out an operation, in words; None when this is none of its refusals.

    Never raises: the words are the account's as often as its own.
    """
    try:
        if data[:4] == _FAILED:
            _index, reason = decode_canonical(_FAILED_DATA, data[4:])
            return ascii(reason)[1:-1]
        if data[:4] == _FAILED_WITH:
            _index, reason, inner = decode_canonical(_FAILED_WITH_DATA, data[4:])
            return f"{ascii(reason)[1:-1]}: {decode_revert(inner).text}"
    except EncodingError:
        return None
    return None
