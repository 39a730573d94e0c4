"""A callTracer trace as it comes, walked without recursion: the calls of managers in it, and what moved below a frame.

Only the part of a tree that attribution reads is turned into our own frames; the rest is read as JSON.
Source: geth's callTracer with withLog.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

from caveats.errors import EncodingError, TransportError
from caveats.types import Address, format_hex
from delegations.evm.engine import CallFrame
from delegations.evm.wire import traced_outcome
from delegations.evm.world import World
from delegations.framework.constants import ENTRY_POINT
from delegations.receipts.decode.inputs import LogEntry, TxEntry, to_bytes, to_int
from delegations.receipts.decode.moves import token_movements
from delegations.redemption import REDEEM_DELEGATIONS
from delegations.simulation.verdict import Movement

Node = Mapping[str, Any]
_REDEEM: Final = format_hex(REDEEM_DELEGATIONS)
_ENTRY_POINT: Final = format_hex(ENTRY_POINT)
_MOVES_VALUE: Final = frozenset(("CALL", "CREATE", "CREATE2", "SELFDESTRUCT"))
_NOTHING: Final = frozenset((None, "0x", "0x0"))
_DEEPEST: Final = 200


@dataclass(frozen=True, slots=True)
class ManagerCall:
    """One call of redeemDelegations in a tree.

    Attributes:
        undone_at: path of the innermost frame around it that failed, and took it along.
    """

    node: Node
    path: tuple[int, ...]
    manager: bytes
    undone_at: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Tree:
    """A trace, its manager calls in call order, and the frames of ERC-4337 operations."""

    top: Node
    calls: tuple[ManagerCall, ...]
    operations: tuple[tuple[int, ...], ...]
    standing_logs: int

    @property
    def boundaries(self) -> frozenset[int]:
        """Identities of the manager's frames, where the effects of a redemption end and another's begin."""
        return frozenset(id(call.node) for call in self.calls)


def read_tree(trace: object, tx: TxEntry, managers: Mapping[bytes, str]) -> Tree:
    """Return the tree of a transaction's trace.

    Raises:
        EncodingError: it is no call trace, or that of another transaction.
    """
    if not isinstance(trace, Mapping) or "type" not in trace or "from" not in trace:
        raise EncodingError.of("trace", expected="an object as callTracer gives one", got=trace)
    _check_top(trace, tx)
    known = {format_hex(manager): manager for manager in managers}
    calls: list[ManagerCall] = []
    operations: list[tuple[int, ...]] = []
    logs = 0
    waiting: list[tuple[Node, tuple[int, ...], tuple[int, ...] | None]] = [(trace, (), None)]
    while waiting:
        node, path, undone = waiting.pop()
        failed = node.get("error") is not None
        if not failed and undone is None:
            logs += len(node.get("logs") or ())
        if node.get("type") == "CALL":
            to = str(node.get("to")).lower()
            if to in known and str(node.get("input"))[:10].lower() == _REDEEM:
                calls.append(ManagerCall(node, path, known[to], undone))
            elif to == _ENTRY_POINT and str(node.get("from")).lower() == _ENTRY_POINT and undone is None:
                operations.append(path)
        below = path if failed else undone
        children = node.get("calls")
        if children:
            for index in range(len(children) - 1, -1, -1):
                waiting.append((children[index], (*path, index), below))
    return Tree(trace, tuple(calls), tuple(operations), logs)


def _check_top(trace: Node, tx: TxEntry) -> None:
    same = (
        to_bytes(trace.get("from"), "trace.from") == tx.sender
        and to_bytes(trace.get("input") or "0x", "trace.input") == tx.data
        and (tx.to is None or to_bytes(trace.get("to"), "trace.to") == tx.to)
        and (trace.get("error") is None) == tx.success
    )
    if not same:
        named = "the transaction given" if tx.hash is None else format_hex(to_bytes(tx.hash, "hash"))
        raise EncodingError(f"trace: it is not that of {named}: sender, receiver, input or outcome differ")


def accounts_between(top: Node, path: Sequence[int]) -> tuple[Address, ...]:
    """Return the accounts from the one the transaction called to the one that made the call at `path`."""
    accounts: list[Address] = []
    node = top
    for index in path:
        if node.get("type") not in ("DELEGATECALL", "CALLCODE"):
            accounts.append(Address(to_bytes(node.get("to"), "trace.to")))
        node = node["calls"][index]
    return tuple(accounts)


def frame_for_attribution(node: Node) -> CallFrame:
    """Return the manager's frame with what attribution looks at: its calls, what accounts called, and the way to the
    first failure."""
    try:
        return traced_outcome(_pruned(node, 0, 0), World()).frame
    except TransportError as error:
        raise EncodingError(f"trace: {error}") from error


def _pruned(node: Node, level: int, depth: int) -> dict[str, Any]:
    copy = {key: value for key, value in node.items() if key not in ("calls", "logs")}
    calls = node.get("calls")
    if not calls or depth > _DEEPEST:
        return copy
    if level == 2:
        # below an account's own calls only the failure that bubbled up matters
        calls = calls[-1:] if node.get("error") is not None else ()
    elif len(calls) == 1 and calls[0].get("type") == "DELEGATECALL" and level == 1:
        return {**copy, "calls": [_pruned(calls[0], 1, depth + 1)]}
    copy["calls"] = [_pruned(call, min(level + 1, 2), depth + 1) for call in calls]
    return copy


def logs_of(node: Node) -> list[LogEntry]:
    """Return the logs of one frame."""
    return [
        LogEntry(
            to_bytes(log.get("address"), "log address"),
            tuple([to_bytes(topic, "topic") for topic in log.get("topics") or ()]),
            to_bytes(log.get("data") or "0x", "log data"),
            0,
            0,
        )
        for log in node.get("logs") or ()
    ]


def standing(roots: Sequence[Node], boundaries: AbstractSet[int]) -> Iterator[Node]:
    """Yield the frames at and below the roots that were not undone and belong to no other redemption, in call order."""
    waiting = list(reversed(roots))
    while waiting:
        node = waiting.pop()
        if node.get("error") is not None or id(node) in boundaries:
            continue
        yield node
        children = node.get("calls")
        if children:
            waiting.extend(reversed(children))


def effects_below(roots: Sequence[Node], boundaries: AbstractSet[int]) -> tuple[tuple[Movement, ...], list[LogEntry]]:
    """Return what moved at and below the roots, native value first, and their logs."""
    native: list[Movement] = []
    logs: list[LogEntry] = []
    for node in standing(roots, boundaries):
        value = node.get("value")
        if value not in _NOTHING and node.get("type") in _MOVES_VALUE:
            amount = to_int(value, "trace.value")
            if amount:
                sender, to = to_bytes(node.get("from"), "trace.from"), to_bytes(node.get("to"), "trace.to")
                native.append(Movement(sender=Address(sender), recipient=Address(to), amount=amount))
        if node.get("logs"):
            logs += logs_of(node)
    return (*native, *token_movements(logs)), logs
