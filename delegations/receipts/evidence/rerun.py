"""A mined transaction that was run again: its call tree tells the rest, which neither transaction nor logs do."""

from __future__ import annotations

from caveats.errors import UnsupportedError
from caveats.registry import EnforcerRegistry
from delegations.framework.deployments import Registry
from delegations.receipts.build_mined import receipts_of
from delegations.receipts.decode.fetch import FetchedTransaction
from delegations.receipts.evidence.mined_redemption import Mined
from delegations.receipts.evidence.opened import OpenBundle
from delegations.receipts.evidence.report import Findings
from delegations.receipts.model import RedemptionReceipt
from delegations.simulation.replay import disabled_slot


def check_rerun(
    receipt: RedemptionReceipt,
    opened: OpenBundle,
    mined: Mined,
    findings: Findings,
    registry: EnforcerRegistry,
    deployments: Registry | None,
) -> None:
    """Run the transaction again and compare every part of the receipt with one made of what it did.

    Raises:
        EvidenceError: as `replay_mined`.
    """
    from delegations.receipts.evidence.replay_mined import replay_mined

    chain_id = int(receipt.subject.chain[7:])
    again = replay_mined(opened, chain_id)
    disabled = _disabled_before(receipt, opened)
    decoded = mined.decode(chain_id, frozenset(), registry, deployments, trace=again.trace, disabled=disabled)
    tx = mined.transaction.as_wire()
    told = {
        **mined.receipt.as_wire(tx["hash"]),
        "gasUsed": mined.receipt.cumulative_gas,
        "blockNumber": opened.headers[0].number,
        "blockHash": bytes(opened.headers[0].hash),
        "transactionIndex": mined.place,
    }
    fetched = FetchedTransaction(tx, told, again.trace, frozenset(), disabled, chain_id)
    try:
        made = receipts_of(decoded, fetched, timestamp=opened.headers[0].timestamp, registry=registry)
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
    for part in receipt.PARTS:
        value = getattr(receipt, part)
        if part in ("lineage", "request"):
            findings.compare(part, value, getattr(own, part), "reexecuted", basis)
            continue
        for name in type(value).__pydantic_fields__:
            if getattr(value, name) is not None and name not in ("block", "finality", "network"):
                path, shown = f"{part}.{name}", getattr(getattr(own, part), name)
                findings.compare(path, getattr(value, name), shown, "reexecuted", basis)
    for index in range(len(receipt.outcome.movements)):
        findings.establish(f"outcome.movements.{index}", "reexecuted", basis)


def _disabled_before(receipt: RedemptionReceipt, opened: OpenBundle) -> frozenset[bytes]:
    """Return which links were disabled before the block, as far as the run asked."""
    witness = opened.bundle.witness
    if witness is None:
        return frozenset()
    asked = {
        slot for account in witness.accounts if account.address == receipt.subject.manager for slot in account.slots
    }
    found = set()
    for link in receipt.lineage:
        slot = disabled_slot(link.hash).to_bytes(32, "big")
        if slot in asked and opened.slot(witness.header, receipt.subject.manager, slot):
            found.add(bytes(link.hash))
    return frozenset(found)
