"""Redemptions read from a call trace: who called, what was asked, what came of it, and what it moved."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from caveats.errors import EncodingError
from caveats.registry import EnforcerRegistry
from caveats.types import Address, Bytes32
from delegations.evm.engine import CallFrame
from delegations.framework.reverts import RevertReason, decode_revert
from delegations.receipts.decode.calls import Entry, read_entries
from delegations.receipts.decode.inputs import LogEntry, TxEntry, to_bytes, to_int
from delegations.receipts.decode.known import Known
from delegations.receipts.decode.logs import Group
from delegations.receipts.decode.model import DecodedRedemption, Source, Status, UserOperation
from delegations.receipts.decode.statuses import attempted, status_of_results, swallowed
from delegations.receipts.decode.tree import (
    ManagerCall,
    Node,
    Tree,
    accounts_between,
    effects_below,
    frame_for_attribution,
)
from delegations.redemption import Redemption
from delegations.simulation.attribution import Attribution, ChainFacts
from delegations.simulation.replay import ECRECOVER, Step, expected_steps
from delegations.simulation.verdict import Denial, ExecutionResult, Movement

_DISABLED: Final = "CannotUseADisabledDelegation()"
_SELECTORS: Final = {
    "before_all": "0x414c3e33",
    "before": "0xa145832a",
    "after": "0xd3eddcc5",
    "after_all": "0xed463367",
    "execution": "0xd691c964",
    "signature": "0x1626ba7e",
}
_TRACED: Final[Mapping[str, Source]] = MappingProxyType(
    dict.fromkeys(("lineage", "request", "outcome", "redeemer", "movements", "enforcer_events"), "traced")
)


@dataclass(frozen=True, slots=True)
class _Read:
    """One manager call with its entries and the manager's calls matched to them."""

    call: ManagerCall
    redeemer: Address
    entries: tuple[Entry, ...]
    redemptions: tuple[Redemption, ...]
    pairs: tuple[tuple[Step, int], ...]
    fits: bool
    facts: ChainFacts

    @property
    def failed(self) -> bool:
        return self.call.node.get("error") is not None

    @property
    def stands(self) -> bool:
        return not self.failed and self.call.undone_at is None


def traced_redemptions(
    tree: Tree,
    tx: TxEntry,
    groups: Sequence[Group],
    operations: Sequence[UserOperation],
    known: Known,
    registry: EnforcerRegistry,
    has_logs: bool,
    disabled: Collection[bytes],
) -> tuple[list[DecodedRedemption], list[str]]:
    """Return the redemptions in call order, and warnings.

    Raises:
        EncodingError: the logs of the receipt are not those of the trace.
    """
    warnings: list[str] = []
    reads: list[_Read] = []
    for call in tree.calls:
        try:
            reads.append(_read(call))
        except EncodingError as error:
            reason = decode_revert(to_bytes(call.node.get("output") or "0x", "trace.output"))
            warnings.append(f"call {list(call.path)} of the manager cannot be read: {error}; it said: {reason.text}")
    places = _log_places(reads, groups, complete=len(reads) == len(tree.calls))
    boundaries = tree.boundaries
    hashes = _operation_hashes(tree, operations)
    redemptions = []
    for read in reads:
        told = _outcome(read, registry, disabled)
        via = accounts_between(tree.top, read.call.path)
        operation = next((h for path, h in hashes.items() if read.call.path[: len(path)] == path), None)
        for index, entry in enumerate(read.entries):
            status, denial, results = told.of(index)
            moved, events = _effects(read, index, boundaries, known, has_logs)
            redemptions.append(
                DecodedRedemption(
                    chain_id=tx.chain_id,
                    manager=Address(read.call.manager),
                    version=known.managers[read.call.manager],
                    entry=index,
                    call_path=read.call.path,
                    via=via,
                    redeemer=read.redeemer,
                    submitter=Address(tx.sender),
                    chain=entry.chain,
                    mode_word=entry.mode,
                    blob=entry.blob,
                    status=status,
                    stands=read.stands,
                    denial=denial,
                    revert=told.revert,
                    undone_at=None if read.failed else read.call.undone_at,
                    results=results,
                    movements=moved,
                    event_logs=events,
                    log_indexes=places.get((read.call.path, index), ()),
                    user_operation=operation,
                    sources=_sources(status, moved),
                    known=known,
                )
            )
    return redemptions, warnings


def _sources(status: Status, moved: tuple[Movement, ...] | None) -> Mapping[str, Source]:
    if status != "unknown" and moved is not None:
        return _TRACED
    changed: dict[str, Source] = dict(_TRACED)
    if status == "unknown":
        changed["outcome"] = "unknown"
    if moved is None:
        changed["movements"] = changed["enforcer_events"] = "unknown"
    return MappingProxyType(changed)


def _read(call: ManagerCall) -> _Read:
    entries = read_entries(to_bytes(call.node.get("input"), "trace.input"))
    redeemer = Address(to_bytes(call.node.get("from"), "trace.from"))
    redemptions = tuple(attempted(entry) for entry in entries)
    children: Sequence[Node] = call.node.get("calls") or ()
    targets = [to_bytes(child.get("to"), "trace.to") for child in children]
    facts = ChainFacts(has_code=_code_seen(children, targets), is_disabled=lambda _digest: False)
    pairs, fits = _align(expected_steps(redemptions, redeemer, facts.has_code), children, targets)
    return _Read(call, redeemer, entries, redemptions, pairs, fits, facts)


def _code_seen(children: Sequence[Node], targets: Sequence[bytes]) -> Callable[[bytes], bool]:
    """Return who has code, as the manager's calls show it.

    It asks a delegator for its signature only where there is code, and so the compiler does for hooks, which return
    nothing: what it should have called but did not has none. An execution is called either way; without code it takes
    no gas. When the last answer is one the manager could not read, that ended the call, and nothing follows from the
    call that did not come.
    """
    seen = {
        target
        for child, target in zip(children, targets, strict=True)
        if _selector(child) != _SELECTORS["execution"] or to_int(child.get("gasUsed") or 0, "trace.gasUsed")
    }
    garbled = targets[-1] if children and _is_garbled(children[-1]) else None
    return lambda address: address in seen or (garbled is not None and address != garbled)


def _is_garbled(child: Node) -> bool:
    """Whether an answer is not of the type the manager decodes: bytes4 for a signature, bytes[] for an execution."""
    if child.get("error") is not None:
        return False
    output = to_bytes(child.get("output") or "0x", "trace.output")
    if _selector(child) == _SELECTORS["signature"]:
        return len(output) < 32 or any(output[4:32])
    return _selector(child) == _SELECTORS["execution"] and len(output) < 64


def _selector(child: Node) -> str:
    return str(child.get("input"))[:10].lower()


def _align(
    steps: Iterator[Step], children: Sequence[Node], targets: Sequence[bytes]
) -> tuple[tuple[tuple[Step, int], ...], bool]:
    """Return each call with its step, and whether every call fits the manager's order to the selector."""
    pairs: list[tuple[Step, int]] = []
    for index, child in enumerate(children):
        step = next(steps, None)
        while step is not None and step.kind == "signature" and step.target != targets[index]:
            step = next(steps, None)
        if step is None or step.target != targets[index]:
            return tuple(pairs), False
        wanted = _SELECTORS[step.hook or step.kind]
        if step.target != ECRECOVER and _selector(child) != wanted:
            return tuple(pairs), False
        pairs.append((step, index))
    return tuple(pairs), True


def _log_places(
    reads: Sequence[_Read], groups: Sequence[Group], *, complete: bool
) -> dict[tuple[tuple[int, ...], int], tuple[int, ...]]:
    """Return the log indexes of each (call path, entry): calls end inner first, and log at their end."""
    ended = sorted((r for r in reads if r.stands), key=lambda r: (*r.call.path, float("inf")))
    expected = [(r, i, entry) for r in ended for i, entry in enumerate(r.entries) if entry.chain]
    fits = len(expected) == len(groups) and all(
        group.manager == r.call.manager and group.redeemer == r.redeemer and group.is_of(entry)
        for (r, _, entry), group in zip(expected, groups, strict=True)
    )
    if fits:
        return {(r.call.path, i): group.indexes for (r, i, _), group in zip(expected, groups, strict=True)}
    if complete:
        raise EncodingError(
            f"trace: it tells of {len(expected)} delegated redemptions that went through, the logs of"
            f" {len(groups)} or of others",
            hint="give the logs and the trace of one and the same transaction",
        )
    return {}


def _operation_hashes(tree: Tree, operations: Sequence[UserOperation]) -> dict[tuple[int, ...], Bytes32]:
    if len(tree.operations) != len(operations):
        return {}
    return {path: operation.hash for path, operation in zip(tree.operations, operations, strict=True)}


@dataclass(frozen=True, slots=True)
class _Told:
    """What came of a call; `results` by entry when it stands."""

    status: Status | None
    denial: Denial | None
    revert: RevertReason | None
    results: tuple[ExecutionResult, ...] | None

    def of(self, entry: int) -> tuple[Status, Denial | None, tuple[ExecutionResult, ...] | None]:
        if self.status is not None:
            return self.status, self.denial, None if self.status == "unknown" else ()
        own = tuple(r for r in self.results or () if r.context == entry)
        status = status_of_results(own)
        return status, swallowed(own) if status == "failed" else None, own


def _outcome(read: _Read, registry: EnforcerRegistry, disabled: Collection[bytes]) -> _Told:
    revert = None
    if read.failed:
        revert = decode_revert(to_bytes(read.call.node.get("output") or "0x", "trace.output"))
    if not read.fits:
        return _Told("unknown", None, revert, None)
    if revert is not None:
        denial = _denial(read, registry, disabled, frame_for_attribution(read.call.node))
        return _Told("denied" if denial.is_policy else "failed", denial, revert, None)
    if read.call.undone_at is not None:
        return _Told("failed", None, None, None)
    attribution = Attribution(read.redemptions, read.redeemer, read.facts, registry)
    return _Told(None, None, None, attribution.executions(frame_for_attribution(read.call.node)))


def _denial(read: _Read, registry: EnforcerRegistry, disabled: Collection[bytes], frame: CallFrame) -> Denial:
    """Return why the call failed. Which link of several is disabled the manager does not say and a trace does not show:
    then the entry alone is named."""
    reached = max((step.context for step, _ in read.pairs if step.kind == "signature"), default=None)
    lone: bytes | None = None
    if reached is not None and len(read.redemptions[reached].context) == 1:
        lone = read.redemptions[reached].context[0].hash
    facts = ChainFacts(read.facts.has_code, lambda digest: digest == lone or digest in disabled)
    denial = Attribution(read.redemptions, read.redeemer, facts, registry).denial(frame)
    if denial.reason == _DISABLED and denial.stage == "manager" and denial.context is None:
        return denial.model_copy(update={"context": reached})
    return denial


def _effects(
    read: _Read, entry: int, boundaries: frozenset[int], known: Known, has_logs: bool
) -> tuple[tuple[Movement, ...] | None, tuple[LogEntry, ...] | None]:
    if not read.stands:
        return (), ()
    if not read.fits or not has_logs:
        return None, None
    children = read.call.node.get("calls") or ()
    roots = [children[index] for step, index in read.pairs if step.context == entry]
    moved, logs = effects_below(roots, boundaries)
    return moved, tuple(log for log in logs if log.address in known.enforcers)
