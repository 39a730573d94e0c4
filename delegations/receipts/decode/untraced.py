"""Redemptions read from the transaction and its logs alone. What these do not tell stays unknown.

A RedeemedDelegation log says that the manager and every caveat agreed and that the call stands. It says neither what
was executed nor that it was: a try mode swallows failures, and an account that is none of the framework's may do
nothing at all. So `executed` is only said of accounts the caller vouches for, in a mode that cannot swallow.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

from caveats.errors import EncodingError
from caveats.registry import EnforcerRegistry
from delegations.framework.abi import decode_canonical, topic
from delegations.framework.reverts import decode_revert
from delegations.receipts.decode.calls import Entry, PlannedCall, planned_calls, read_entries
from delegations.receipts.decode.confirm import confirmed_denial
from delegations.receipts.decode.inputs import LogEntry, TxEntry, address_of
from delegations.receipts.decode.known import Known
from delegations.receipts.decode.logs import Group
from delegations.receipts.decode.model import DecodedRedemption, Source, Status, UserOperation
from delegations.receipts.decode.raw import RawDelegation
from delegations.receipts.decode.records import record
from delegations.receipts.decode.statuses import attempted, execution_count, status_of_results, swallowed
from delegations.simulation.verdict import Denial, ExecutionResult

_TRY_FAILED: Final = bytes(topic("TryExecuteUnsuccessful(uint256,bytes)"))
_TRY_DATA: Final = ({"type": "uint256", "name": "index"}, {"type": "bytes", "name": "result"})
_TRY: Final = 1
_PAD: Final = bytes(12)


class _Place(NamedTuple):
    """An entry, as calldata and logs know of it."""

    manager: bytes
    redeemer: bytes
    chain: tuple[RawDelegation, ...]
    entry: int | None
    asked: Entry | None
    group: Group | None
    stands: bool | None
    operation: UserOperation | None
    call: PlannedCall | None
    is_direct: bool
    denial: Denial | None = None

    @property
    def account(self) -> bytes:
        """The account that executes."""
        return self.chain[-1].delegator if self.chain else self.redeemer


def untraced_redemptions(
    tx: TxEntry,
    logs: Sequence[LogEntry],
    groups: Sequence[Group],
    operations: tuple[Sequence[UserOperation], Sequence[int]],
    known: Known,
    accounts: Collection[bytes],
    registry: EnforcerRegistry,
) -> tuple[list[DecodedRedemption], list[str]]:
    """Return the redemptions in order of their logs, then those the calldata tells of without logs; and warnings."""
    warnings: list[str] = []
    places = _places(tx, groups, operations, known, warnings)
    if not all(operation.success for operation in operations[0]):
        places = [_confirmed(place, accounts, registry) for place in places]
    events = _event_logs(logs, groups, known)
    redemptions = []
    for place in places:
        status, denial, results = _status(place, logs, places, known, accounts, operations[0])
        group = place.group
        fields = {
            "chain_id": tx.chain_id,
            "manager": address_of(place.manager),
            "version": known.managers[place.manager],
            "entry": place.entry,
            "call_path": () if place.is_direct else None,
            "via": () if place.is_direct else None,
            "redeemer": address_of(place.redeemer),
            "submitter": address_of(tx.sender),
            "chain": place.chain,
            "mode_word": None if place.asked is None else place.asked.mode,
            "blob": None if place.asked is None else place.asked.blob,
            "status": status,
            "stands": place.stands,
            "denial": denial,
            "revert": None if place.operation is None else place.operation.revert,
            "undone_at": None,
            "results": results,
            "movements": () if place.stands is False else None,
            "event_logs": () if place.stands is False else events.get(group.positions) if group else None,
            "log_indexes": group.indexes if group else (),
            "user_operation": place.operation.hash if place.operation else None,
            "sources": _sources(place, status, group is not None and group.positions in events),
            "known": known,
        }
        redemptions.append(record(DecodedRedemption, fields))
    return redemptions, warnings


def _places(
    tx: TxEntry,
    groups: Sequence[Group],
    operations: tuple[Sequence[UserOperation], Sequence[int]],
    known: Known,
    warnings: list[str],
) -> list[_Place]:
    """Return the entries the logs tell of in their order, then those only the calldata tells of."""
    by_group: dict[tuple[int, ...], _Place] = {}
    rest: list[_Place] = []
    end = len(groups)
    # from the last to the first: a call's own logs come after those of the calls within it
    for call in reversed(planned_calls(tx.sender, tx.to, tx.data, known.managers)):
        stands, operation, window = _window(tx, call, groups, operations)
        try:
            at = _last_run(groups, range(window[0], min(window[1], end)), call) if stands else None
            if stands and at is None and call.operation is not None:
                # the operation's account did something else with what it was asked
                continue
            if stands and at is None:
                warnings.append("the logs do not hold the RedeemedDelegation logs of the transaction's own call")
            found = _of_call(call, groups[at:] if at is not None else (), stands, operation)
        except EncodingError as error:
            warnings.append(f"a call of the manager cannot be read: {error}")
            continue
        by_group |= {place.group.positions: place for place in found if place.group is not None}
        rest[:0] = [place for place in found if place.group is None]
        end = end if at is None else at
    logged = [
        by_group.get(g.positions) or _Place(g.manager, g.redeemer, g.chain, None, None, g, True, None, None, False)
        for g in groups
    ]
    return logged + rest


def _confirmed(place: _Place, accounts: Collection[bytes], registry: EnforcerRegistry) -> _Place:
    """Return a failed operation's entry with the denial its calldata proves, if the operation's account is known to
    pass on what it is asked."""
    call, operation = place.call, place.operation
    if place.stands is not False or call is None or operation is None or call.redeemer not in accounts:
        return place
    if not call.is_first:
        return place
    redemptions = tuple(attempted(entry) for entry in call.entries)
    denial = confirmed_denial(redemptions, address_of(call.redeemer), operation.revert, registry)
    return place._replace(denial=denial)


def _of_call(
    call: PlannedCall, groups: Sequence[Group], stands: bool | None, operation: UserOperation | None
) -> list[_Place]:
    """Return the entries of a call, each with its group; the first of `groups` are the call's own."""
    own = iter(groups)
    places = []
    if call.operation is not None and all(entry.is_self_authorised for entry in call.entries):
        # no log can show that the operation's account passed it on
        stands = stands and None
    for index, entry in enumerate(call.entries):
        group = None if entry.is_self_authorised else next(own, None)
        chain = entry.chain if group is None else group.chain
        is_direct = call.operation is None
        places.append(
            _Place(call.manager, call.redeemer, chain, index, entry, group, stands, operation, call, is_direct)
        )
    return places


def _window(
    tx: TxEntry,
    call: PlannedCall,
    groups: Sequence[Group],
    operations: tuple[Sequence[UserOperation], Sequence[int]],
) -> tuple[bool | None, UserOperation | None, tuple[int, int]]:
    """Return whether the call went through as far as is known, its operation, and which groups may be its own."""
    if not tx.success:
        return False, None, (0, 0)
    if call.operation is None:
        return True, None, (0, len(groups))
    listed, positions = operations
    if call.operation >= len(listed) or listed[call.operation].sender != call.redeemer:
        return None, None, (0, 0)
    operation = listed[call.operation]
    start = positions[call.operation - 1] if call.operation else -1
    own = [i for i, g in enumerate(groups) if start < g.positions[0] < positions[call.operation]]
    return operation.success, operation, (own[0], own[-1] + 1) if own else (0, 0)


def _last_run(groups: Sequence[Group], window: range, call: PlannedCall) -> int | None:
    """Return where the call's groups begin: the last place in the window where all of them stand in order."""
    entries = [entry for entry in call.entries if not entry.is_self_authorised]
    for at in range(window.stop - len(entries), window.start - 1, -1):
        if all(
            group.manager == call.manager and group.redeemer == call.redeemer and group.is_of(entry)
            for group, entry in zip(groups[at : at + len(entries)], entries, strict=True)
        ):
            return at
    return None


def _event_logs(
    logs: Sequence[LogEntry], groups: Sequence[Group], known: Known
) -> dict[tuple[int, ...], tuple[LogEntry, ...]]:
    """Return the enforcers' logs of each group; a group is left out where they cannot be told apart.

    A log belongs to the one delegation whose hash it carries. Anybody may call an enforcer's hooks and make it log, so
    only what it did for the manager counts.
    """
    events = [log for log in logs if log.address in known.enforcers]
    if not events:
        return {group.positions: () for group in groups}
    if len(groups) == 1 and all(log.topics[1:2] == (_PAD + groups[0].manager,) for log in events):
        return {groups[0].positions: tuple(events)}
    owners: dict[tuple[bytes, bytes], list[tuple[int, ...]]] = {}
    for group in groups:
        for link in group.chain:
            owners.setdefault((group.manager, link.hash), []).append(group.positions)
    found: dict[tuple[int, ...], list[LogEntry]] = {group.positions: [] for group in groups}
    for log in events:
        caller = log.topics[1][12:] if len(log.topics) > 1 else b""
        if caller not in known.managers and caller not in known.enforcers:
            continue
        own = next((owners[caller, t] for t in log.topics[2:] if (caller, t) in owners), None)
        if own is None:
            # told by an enforcer that names no delegation in its topics, or asked by another enforcer
            return {}
        for positions in own if len(own) > 1 else ():
            found.pop(positions, None)
        if len(own) == 1 and own[0] in found:
            found[own[0]].append(log)
    return {positions: tuple(listed) for positions, listed in found.items()}


def _status(
    place: _Place,
    logs: Sequence[LogEntry],
    places: Sequence[_Place],
    known: Known,
    accounts: Collection[bytes],
    operations: Sequence[UserOperation],
) -> tuple[Status, Denial | None, tuple[ExecutionResult, ...] | None]:
    if place.denial is not None:
        return "denied", place.denial, ()
    if not place.stands or place.account not in accounts:
        return "unknown", None, None
    # what an operation asks of an account that may do something else says nothing
    if place.asked is None or not (place.is_direct or place.redeemer in accounts):
        return ("executed", None, None) if _refuses_try(place.chain, known) else ("unknown", None, None)
    count = execution_count(place.asked)
    context = place.entry or 0
    if place.asked.mode[1] != _TRY:
        return "executed", None, _results(context, count, {})
    failures = [log for log in logs if log.address == place.account and log.topics and log.topics[0] == _TRY_FAILED]
    alone = sum(p.account == place.account for p in places if p.stands is not False) == 1
    if failures and not (alone and _acts_only_here(place, known, operations)):
        return "unknown", None, None
    try:
        said = dict(decode_canonical(_TRY_DATA, log.data) for log in failures)
    except (EncodingError, ValueError):
        return "unknown", None, None
    results = _results(context, count, {i: decode_revert(data).text for i, data in said.items()})
    status = status_of_results(results)
    return status, swallowed(results) if status == "failed" else None, results


def _acts_only_here(place: _Place, known: Known, operations: Sequence[UserOperation]) -> bool:
    """Whether nothing but this redemption can have made the account try something, and log that it failed.

    An account acts for a manager, which logs it; for the EntryPoint, which does so too; and for itself: where an
    execution of the redemption calls it, or calls a manager in its own name, which leaves no log.
    Source: framework 1.3.0, DeleGatorCore.execute and executeFromExecutor.
    """
    if any(operation.sender == place.account for operation in operations) or place.asked is None:
        return False
    for execution in attempted(place.asked).executions:
        target = bytes(execution.target)
        if target == place.account or (target in known.managers and _may_be_self_authorised(execution.call_data)):
            return False
    return True


def _may_be_self_authorised(calldata: bytes) -> bool:
    try:
        return any(entry.is_self_authorised for entry in read_entries(calldata))
    except EncodingError:
        return True


def _results(context: int, count: int, failures: Mapping[int, str]) -> tuple[ExecutionResult, ...]:
    return tuple(
        ExecutionResult(context=context, index=i, success=i not in failures, reason=failures.get(i))
        for i in range(count)
    )


def _refuses_try(chain: Sequence[RawDelegation], known: Known) -> bool:
    """Whether a caveat of the chain can only have agreed to the default mode. Every official enforcer does so.

    Source: framework 1.3.0, CaveatEnforcer.onlyDefaultExecutionMode.
    """
    return any(known.framework.by_address(c.enforcer) is not None for link in chain for c in link.caveats)


def _sources(place: _Place, status: Status, has_events: bool) -> Mapping[str, Source]:
    return _source_table(place.asked is not None, status != "unknown", place.stands is False, has_events)


@cache
def _source_table(request: bool, outcome: bool, undone: bool, events: bool) -> Mapping[str, Source]:
    return MappingProxyType(
        {
            "lineage": "attested",
            "request": "attested" if request else "unknown",
            "outcome": "attested" if outcome else "unknown",
            "redeemer": "attested",
            "movements": "attested" if undone else "unknown",
            "enforcer_events": "attested" if undone or events else "unknown",
        }
    )
