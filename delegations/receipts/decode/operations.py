"""What the ERC-4337 EntryPoint logs: an operation that failed inside a transaction that did not.

Source: ERC-4337, EntryPoint v0.7 IEntryPoint events.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from caveats.errors import EncodingError
from caveats.types import Address, Bytes32
from delegations.framework.abi import decode_canonical, topic
from delegations.framework.constants import ENTRY_POINT
from delegations.framework.reverts import RevertReason, decode_revert
from delegations.receipts.decode.inputs import LogEntry
from delegations.receipts.decode.model import UserOperation

OPERATION_EVENT: Final = bytes(topic("UserOperationEvent(bytes32,address,address,uint256,bool,uint256,uint256)"))
_REVERT: Final = bytes(topic("UserOperationRevertReason(bytes32,address,uint256,bytes)"))
_EVENT_DATA: Final = tuple({"type": kind, "name": ""} for kind in ("uint256", "bool", "uint256", "uint256"))
_REVERT_DATA: Final = tuple({"type": kind, "name": ""} for kind in ("uint256", "bytes"))


def user_operations(logs: Sequence[LogEntry]) -> tuple[tuple[UserOperation, ...], tuple[int, ...]]:
    """Return the operations in the order they ran, and where their events stand in the receipt."""
    found: list[UserOperation] = []
    positions: list[int] = []
    reverts: dict[bytes, RevertReason] = {}
    for log in logs:
        if log.address != ENTRY_POINT or not log.topics:
            continue
        try:
            if log.topics[0] == _REVERT and len(log.topics) == 3:
                reverts[log.topics[1]] = decode_revert(decode_canonical(_REVERT_DATA, log.data)[1])
            elif log.topics[0] == OPERATION_EVENT and len(log.topics) == 4:
                success = bool(decode_canonical(_EVENT_DATA, log.data)[1])
                digest, sender = Bytes32(log.topics[1]), Address(log.topics[2][12:])
                found.append(UserOperation(digest, sender, success, reverts.pop(log.topics[1], None), log.log_index))
                positions.append(log.position)
        except EncodingError:
            continue
    return tuple(found), tuple(positions)
