"""Receipts of redemptions executed on a local chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from caveats.caveat import Caveat
from caveats.registry import EnforcerRegistry
from caveats.types import Bytes32, Listed, Model, keccak
from delegations.delegation import Delegation
from delegations.framework.artifact import load_framework
from delegations.receipts.model import SCHEMA, RedemptionReceipt
from delegations.receipts.model_parts import (
    Actor,
    Amount,
    Answers,
    BlockRef,
    Evidence,
    Identity,
    Label,
    Link,
    Prose,
    Provenance,
    ReceiptCaveat,
    ReceiptDenial,
    ReceiptEvent,
    ReceiptExecution,
    ReceiptMovement,
    ReceiptOutcome,
    Request,
    Sha256,
    Subject,
)
from delegations.redemption import Redemption, encode_redeem_delegations
from delegations.simulation.attribution import Attribution
from delegations.simulation.effects import enforcer_events, movements, standing_frames
from delegations.simulation.execute import ExecutedRedemption
from delegations.simulation.simulate import chain_facts
from delegations.simulation.verdict import Denial


class Notes(Model):
    """What goes into a receipt beside the deed; absent by default. Fields as in `Receipt`.

    Attributes:
        grant: hash of the receipt of the grant that was used.
        answers: the agent's proposal this answers; see `hash_proposal`.
    """

    grant: Sha256 | None = None
    answers: Answers | None = None
    labels: Listed[Label] | None = None
    evidence: Listed[Evidence] | None = None
    issuer: Identity | None = None
    issued_at: Amount | None = None
    ext: dict[str, Prose] | None = None


def make_receipts(
    executed: ExecutedRedemption,
    *,
    prev: str | None = None,
    registry: EnforcerRegistry | None = None,
    notes: Notes | None = None,
) -> tuple[RedemptionReceipt, ...]:
    """Return one receipt per redemption of the call, each linked to the one before it.

    Args:
        executed: what `execute` returned.
        prev: hash of the redeemer's previous receipt, if there is one.
        registry: reads enforcers of your own.
        notes: links, names and evidence to put into each.
    """
    known = registry or EnforcerRegistry()
    digest = Bytes32(keccak(encode_redeem_delegations(executed.redemptions)))
    receipts = []
    for entry, redemption in enumerate(executed.redemptions):
        denial = executed.verdict.denial
        lineage = lineage_of(redemption.context, known)
        receipt = RedemptionReceipt(
            schema_=SCHEMA,
            kind="denial" if denial is not None and denial.is_policy else "redemption",
            subject=Subject(
                chain=f"eip155:{executed.block.chain_id}",
                manager=executed.manager,
                calldata_hash=digest,
                entry=entry,
                block=BlockRef(number=executed.block.number, timestamp=executed.block.timestamp),
                network="local",
            ),
            lineage=lineage,
            actor=Actor(redeemer=executed.redeemer, submitter=executed.redeemer),
            request=request_of(redemption),
            outcome=_outcome(executed, entry, known),
            claims={
                "subject": "attested",
                **claims_of_lineage(lineage),
                "actor": "traced",
                "request": "attested",
                "outcome": "traced",
            },
            prev=prev,
            **noted(notes),
        )
        receipts.append(receipt)
        prev = receipt.hash
    return tuple(receipts)


def noted(notes: Notes | None) -> dict[str, Any]:
    """Return the fields of the notes that are there."""
    return {} if notes is None else {name: value for name, value in notes if value is not None}


def lineage_of(context: Sequence[Delegation], registry: EnforcerRegistry | None = None) -> tuple[Link, ...]:
    """Return the links of a context, which runs from the leaf, in a receipt's order: from the root."""
    known = registry or EnforcerRegistry()
    return tuple(_link(depth, delegation, known) for depth, delegation in enumerate(reversed(context)))


def claims_of_lineage(lineage: Sequence[Link]) -> dict[str, Provenance]:
    """Return how a lineage is known from itself: by its hashes, but for the args, which no hash covers."""
    claims: dict[str, Provenance] = {"lineage": "reexecuted"} if lineage else {}
    for link in lineage:
        for place, caveat in enumerate(link.caveats):
            if caveat.args:
                claims[f"lineage.{link.depth}.caveats.{place}.args"] = "attested"
    return claims


def _link(depth: int, delegation: Delegation, registry: EnforcerRegistry) -> Link:
    return Link(
        depth=depth,
        hash=delegation.hash,
        delegator=delegation.delegator,
        delegate=delegation.delegate,
        authority=delegation.authority,
        salt=delegation.salt,
        caveats=tuple(_caveat(c, registry) for c in delegation.caveats),
    )


def _caveat(caveat: Caveat, registry: EnforcerRegistry) -> ReceiptCaveat:
    decoded = registry.decode(caveat)
    return ReceiptCaveat(
        enforcer=caveat.enforcer,
        name=decoded.name,
        terms=caveat.terms,
        args=caveat.args,
        says=decoded.describe(),
    )


def request_of(redemption: Redemption) -> Request:
    """Return what a redemption asks for."""
    return Request(
        mode=redemption.mode.value,
        executions=tuple(
            ReceiptExecution(target=e.target, value=e.value, call_data=e.call_data) for e in redemption.executions
        ),
    )


def _outcome(executed: ExecutedRedemption, entry: int, registry: EnforcerRegistry) -> ReceiptOutcome:
    verdict = executed.verdict
    if verdict.denial is not None:
        return ReceiptOutcome(
            status="denied" if verdict.denial.is_policy else "failed",
            gas_used=executed.outcome.gas_used,
            denial=denial_of(verdict.denial, lengths_of(executed.redemptions)),
            warnings=verdict.warnings or None,
        )
    attribution = Attribution(
        executed.redemptions, executed.redeemer, chain_facts(executed.before, executed.manager), registry
    )
    frames = attribution.frames_of(entry, executed.outcome.frame)
    logs = [log for top in frames for frame in standing_frames(top) for log in frame.logs]
    results = [r for r in attribution.executions(executed.outcome.frame) if r.context == entry]
    failed = tuple(r.index for r in results if not r.success)
    return ReceiptOutcome(
        status="partially_executed" if failed else "executed",
        gas_used=executed.outcome.gas_used,
        movements=tuple(ReceiptMovement(**dict(move)) for move in movements(frames)),
        enforcer_events=tuple(ReceiptEvent(**dict(event)) for event in enforcer_events(logs, load_framework())),
        failed_executions=failed,
        warnings=verdict.warnings or None,
    )


def lengths_of(redemptions: Sequence[Redemption]) -> dict[int, int]:
    """Return how many delegations each redemption of a call has, by its place."""
    return {entry: len(redemption.context) for entry, redemption in enumerate(redemptions)}


def denial_of(denial: Denial, lengths: Mapping[int, int]) -> ReceiptDenial:
    """Return a verdict's denial with its place counted from the root; `lengths` as from `lengths_of`."""
    fields = dict(denial)
    context, link = fields.pop("context"), fields.pop("link")
    depth = None
    if context in lengths and link is not None:
        depth = lengths[context] - 1 - link
    return ReceiptDenial(entry=context, depth=depth, **fields)
