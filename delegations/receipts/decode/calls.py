"""Calldata: the entries of redeemDelegations, however malformed one of them is, and executions read by an ABI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from caveats.abi import WORD, Reader
from caveats.errors import EncodingError, UnsupportedError
from caveats.execution import Execution, decode_execution_batch, decode_packed_execution
from caveats.types import Address
from delegations.execution import parse_mode
from delegations.framework.abi import decode_canonical, named, selector, signature
from delegations.framework.constants import ENTRY_POINT
from delegations.receipts.decode.raw import RawDelegation, is_empty_context, read_context
from delegations.receipts.decode.records import record
from delegations.redemption import REDEEM_DELEGATIONS

AbiBook = Mapping[Address, Sequence[Mapping[str, Any]]]
"""Contract address -> its ABI, as in Solidity's JSON."""

_SLACK_BYTES: Final = 2**20
_int: Final = int.from_bytes  # big-endian unless told otherwise
_HANDLE_OPS: Final = selector("handleOps((address,uint256,bytes,bytes,bytes32,uint256,bytes32,bytes,bytes)[],address)")
_EXECUTE: Final = selector("execute((address,uint256,bytes))")
_EXECUTE_MODE: Final = selector("execute(bytes32,bytes)")


@dataclass(frozen=True)
class Entry:
    """One context, mode and execution blob of a call."""

    context: bytes
    mode: bytes
    blob: bytes

    @cached_property
    def chain(self) -> tuple[RawDelegation, ...]:
        """The context read, leaf first. Raises EncodingError where the manager would revert."""
        return read_context(self.context)

    @property
    def is_self_authorised(self) -> bool:
        """Whether the context holds no delegation. Raises as `chain`."""
        return is_empty_context(self.context)


@dataclass(frozen=True, slots=True)
class DecodedCall:
    """One execution read by an ABI."""

    target: Address
    signature: str
    args: Mapping[str, Any] = field(hash=False)


class PlannedCall(NamedTuple):
    """A redeemDelegations call that the transaction's own calldata shows.

    Attributes:
        operation: index of the user operation it is in; None when the transaction calls the manager itself.
        is_first: whether nothing else is asked for before it that could fail.
    """

    manager: bytes
    redeemer: bytes
    entries: tuple[Entry, ...]
    operation: int | None
    is_first: bool


def read_entries(calldata: bytes) -> tuple[Entry, ...]:
    """Return the entries of redeemDelegations calldata; contexts, modes and blobs stay bytes.

    Raises:
        EncodingError: another function, or unequal lengths.
    """
    if calldata[:4] != REDEEM_DELEGATIONS:
        raise EncodingError.of("calldata", expected=f"redeemDelegations ({REDEEM_DELEGATIONS})", got=calldata[:4])
    data = calldata[4:]
    if len(data) < 3 * WORD:
        raise EncodingError(f"redeemDelegations: expected three offsets, the data ends after {len(data)} bytes")
    contexts = _bytes_array(data, 0)
    count, at = _array(data, _int(data[WORD : 2 * WORD]))
    blobs = _bytes_array(data, 2 * WORD)
    if not len(contexts) == count == len(blobs):
        raise EncodingError(
            "redeemDelegations: expected as many contexts as modes and executions, got"
            f" {len(contexts)}, {count} and {len(blobs)} (on chain: BatchDataLengthMismatch())"
        )
    return tuple(
        [
            record(Entry, {"context": contexts[i], "mode": data[at + WORD * i : at + WORD * (i + 1)], "blob": blobs[i]})
            for i in range(count)
        ]
    )


def _bytes_array(data: bytes, head: int) -> list[bytes]:
    """Return the items of the bytes[] whose offset stands at `head`."""
    size, left = len(data), len(data) + _SLACK_BYTES
    count, heads = _array(data, _int(data[head : head + WORD]))
    items = []
    for place in range(heads, heads + WORD * count, WORD):
        start = heads + _int(data[place : place + WORD]) + WORD
        if start > size or (end := start + _int(data[start - WORD : start])) > size:
            raise EncodingError(f"redeemDelegations: the data ends inside the bytes announced at byte {place}")
        left -= end - start
        if left < 0:
            raise EncodingError("redeemDelegations: its parts overlap, it unpacks into far more than it holds")
        items.append(data[start:end])
    return items


def _array(data: bytes, at: int) -> tuple[int, int]:
    """Return how many items the array at `at` has, and where the first one's word stands."""
    start = at + WORD
    if start > len(data) or start + (count := _int(data[at:start])) * WORD > len(data):
        raise EncodingError(f"redeemDelegations: the data ends inside the array at byte {min(at, 2**64)}")
    return count, start


def decode_call(execution: Execution, abis: AbiBook) -> DecodedCall | None:
    """Return the call read by the ABI given for its target; None when there is none, or its bytes do not fit."""
    for entry in abis.get(execution.target, ()):
        if entry.get("type") != "function":
            continue
        text = signature(entry)
        if selector(text) != execution.call_data[:4]:
            continue
        try:
            values = decode_canonical(entry["inputs"], execution.call_data[4:], what=text)
        except EncodingError:
            return None
        return DecodedCall(execution.target, text, MappingProxyType(named(entry["inputs"], values)))
    return None


def planned_calls(sender: bytes, to: bytes | None, data: bytes, managers: Mapping[bytes, str]) -> list[PlannedCall]:
    """Return the redeemDelegations calls the calldata of a transaction shows: its own, or those of its operations.

    Calls made in any other way are not looked for: what a contract does with its calldata only a trace tells.
    Source: ERC-4337, EntryPoint v0.7 handleOps; framework 1.3.0, DeleGatorCore.
    """
    try:
        if to in managers and data[:4] == REDEEM_DELEGATIONS:
            return [PlannedCall(bytes(to or b""), sender, read_entries(data), None, True)]
        if to == ENTRY_POINT and data[:4] == _HANDLE_OPS:
            return _of_operations(data, managers)
    except EncodingError:
        return []
    return []


def _of_operations(data: bytes, managers: Mapping[bytes, str]) -> list[PlannedCall]:
    reader = Reader(data[4:], "handleOps")
    count, heads = reader.array(reader.pointer(0, 0))
    calls = []
    for index in range(count):
        at = reader.pointer(heads + WORD * index, heads)
        account, call_data = bytes(reader.address(at)), reader.bytes_at(reader.pointer(at + 3 * WORD, at))
        try:
            calls += [
                PlannedCall(manager, account, read_entries(inner), index, is_first)
                for manager, inner, is_first in _asked_of_account(call_data, managers)
            ]
        except (EncodingError, UnsupportedError):
            continue
    return calls


def _asked_of_account(data: bytes, managers: Mapping[bytes, str]) -> list[tuple[bytes, bytes, bool]]:
    """Return (manager, calldata, whether it comes first) of what an account is asked to call; empty where that is not
    certain."""
    head, reader = data[:4], Reader(data[4:], "account call")
    if head == REDEEM_DELEGATIONS:
        # the account passes it to the one manager it is wired to; the toolkit knows that of 1.3.0
        known = [manager for manager, version in managers.items() if version == "1.3.0"]
        return [(known[0], data, True)] if len(known) == 1 else []
    if head == _EXECUTE:
        at = reader.pointer(0, 0)
        executions: tuple[Execution, ...] = (
            Execution(
                target=reader.address(at),
                value=reader.uint(at + WORD),
                call_data=reader.bytes_at(reader.pointer(at + 2 * WORD, at)),
            ),
        )
    elif head == _EXECUTE_MODE:
        mode = parse_mode(reader.word(0))
        if mode.is_try:
            return []
        blob = reader.bytes_at(reader.pointer(WORD, 0))
        executions = decode_execution_batch(blob) if mode.is_batch else (decode_packed_execution(blob),)
    else:
        return []
    return [
        (bytes(e.target), e.call_data, index == 0)
        for index, e in enumerate(executions)
        if bytes(e.target) in managers and e.call_data[:4] == REDEEM_DELEGATIONS
    ]
