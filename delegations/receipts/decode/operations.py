"""ERC-4337 operations in a receipt's logs: one may have failed inside a transaction that did not."""

from __future__ import annotations

from collections.abc import Sequence

from delegations.accounts.entry_point import OPERATION_EVENT, walk_operations
from delegations.receipts.decode.inputs import LogEntry
from delegations.receipts.decode.model import UserOperation

__all__ = ["OPERATION_EVENT", "user_operations"]


def user_operations(logs: Sequence[LogEntry]) -> tuple[tuple[UserOperation, ...], tuple[int, ...]]:
    """Return the operations in the order they ran, and where their events stand in the receipt."""
    found = tuple(walk_operations(logs))
    operations = tuple(
        UserOperation(told.hash, told.sender, told.success, told.revert, log.log_index) for log, told in found
    )
    return operations, tuple(log.position for log, _ in found)
