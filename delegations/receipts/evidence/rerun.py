"""A mined transaction that was run again: its call tree tells the rest, which neither transaction nor logs do."""

from __future__ import annotations

from dataclasses import dataclass

from caveats.errors import UnsupportedError
from caveats.registry import EnforcerRegistry
from delegations.framework.deployments import Registry
from delegations.receipts.build_mined import receipts_of
from delegations.receipts.decode.fetch import FetchedTransaction
from delegations.receipts.evidence.budget import Budget
from delegations.receipts.evidence.mined_redemption import Mined
from delegations.receipts.evidence.opened import OpenBundle
from delegations.receipts.evidence.replay_mined import MinedReplay, replay_mined
from delegations.receipts.evidence.report import Findings
from delegations.receipts.model import RedemptionReceipt
from delegations.receipts.words import in_words_of, other_denial_words
from delegations.simulation.replay import disabled_slot


@dataclass(frozen=True, slots=True)
class Reading:
    """What a verifier was given to read with.

    Attributes:
        registry: reads enforcers.
        deployments: managers and enforcers beside the published ones.
        budget: how much may be run again.
    """

    registry: EnforcerRegistry
    deployments: Registry | None
    budget: Budget

    def deployments_for(self, mined: Mined, chain_id: int) -> Registry | None:
        """Return the deployments that count for a transaction: none of one's own where it names no chain.

        A deployment is of one chain, and which this is would be the word of whoever made the receipt.
        """
        return self.deployments if mined.transaction.chain_id == chain_id else None


def check_rerun(
    receipt: RedemptionReceipt, opened: OpenBundle, mined: Mined, findings: Findings, reading: Reading
) -> None:
    """Run the transaction again and compare every part of the receipt with one made of what it did.

    Raises:
        EvidenceError: as `replay_mined`.
    """
    again = replay_mined(opened, int(receipt.subject.chain[7:]), budget=reading.budget)
    disabled = _disabled_before(receipt, opened, again)
    try:
        made = _made(opened, mined, again, disabled, reading)
        denied = receipt.outcome.denial
        if disabled and denied not in [in_words_of(denied, other.outcome.denial) for other in made]:
            # who made the receipt may not have known which link was disabled, and says less then
            made = _made(opened, mined, again, frozenset(), reading)
    except UnsupportedError as error:
        findings.leave("outcome", f"run again, but not told apart: {error}")
        return
    places = [(other.subject.call_path, other.subject.entry) for other in made]
    place = (receipt.subject.call_path, receipt.subject.entry)
    if place not in places:
        findings.contradict("subject.call_path", "run again, there is no redemption at this place")
        return
    own = made[places.index(place)]
    basis = "the transaction, run again on the state of the block before"
    if mined.place:
        basis = f"the transaction, run again after the {mined.place} before it, on the state of the block before"
    for part in receipt.PARTS:
        value = getattr(receipt, part)
        if part in ("lineage", "request"):
            findings.compare(part, value, getattr(own, part), "reexecuted", basis)
            continue
        for name in type(value).__pydantic_fields__:
            # absent, these say that there is none; which chain it is on the run itself was told
            is_told = getattr(value, name) is not None or name in ("via", "log_index")
            if is_told and name not in ("block", "chain", "finality", "network"):
                path, shown = f"{part}.{name}", getattr(getattr(own, part), name)
                if name == "denial":
                    shown = in_words_of(denied, shown)
                findings.compare(path, getattr(value, name), shown, "reexecuted", basis)
    for words in other_denial_words(denied, own.outcome.denial):
        findings.leave_words(words)
    for index in range(len(receipt.outcome.movements)):
        findings.establish(f"outcome.movements.{index}", "reexecuted", basis)


def _made(
    opened: OpenBundle, mined: Mined, again: MinedReplay, disabled: frozenset[bytes], reading: Reading
) -> tuple[RedemptionReceipt, ...]:
    """Return the receipts that are made of the call tree. Raises UnsupportedError for what cannot be told apart."""
    header, chain_id = opened.headers[0], opened.bundle.witness.chain_id if opened.bundle.witness else 0
    decoded = mined.decode(
        chain_id,
        frozenset(),
        reading.registry,
        reading.deployments_for(mined, chain_id),
        trace=again.trace,
        disabled=disabled,
    )
    tx = mined.transaction.as_wire()
    told = {
        **mined.receipt.as_wire(tx["hash"], mined.first_log),
        "gasUsed": again.gas_used,
        "blockNumber": header.number,
        "blockHash": bytes(header.hash),
        "transactionIndex": mined.place,
    }
    fetched = FetchedTransaction(tx, told, again.trace, frozenset(), disabled, chain_id)
    return receipts_of(decoded, fetched, timestamp=header.timestamp, registry=reading.registry)


def _disabled_before(receipt: RedemptionReceipt, opened: OpenBundle, again: MinedReplay) -> frozenset[bytes]:
    """Return which links were disabled when the transaction began, as far as the run asked."""
    witness, manager = opened.bundle.witness, receipt.subject.manager
    if witness is None:
        return frozenset()
    asked = {slot for account in witness.accounts if account.address == manager for slot in account.slots}
    found = set()
    for link in receipt.lineage:
        slot = disabled_slot(link.hash)
        if slot.to_bytes(32, "big") in asked and again.before.storage(manager, slot):
            found.add(bytes(link.hash))
    return frozenset(found)
