"""Receipts of redemptions that were mined, from what was decoded of their transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from caveats.errors import EncodingError, UnsupportedError
from caveats.registry import EnforcerRegistry
from caveats.types import Address, Bytes32, keccak
from delegations.receipts.build import Notes, denial_of, lineage_of, noted
from delegations.receipts.decode.fetch import FetchedTransaction
from delegations.receipts.decode.inputs import to_bytes, to_int
from delegations.receipts.decode.model import DecodedRedemption, DecodedTransaction, Status
from delegations.receipts.model import SCHEMA, RedemptionReceipt
from delegations.receipts.model_parts import (
    Actor,
    BlockRef,
    Provenance,
    ReceiptDenial,
    ReceiptEvent,
    ReceiptExecution,
    ReceiptMovement,
    ReceiptOutcome,
    Request,
    Subject,
)

_TELLABLE: dict[Status, Literal["executed", "partially_executed", "denied", "failed"]] = {
    "executed": "executed",
    "partially_executed": "partially_executed",
    "denied": "denied",
    "failed": "failed",
}


def receipts_of(
    decoded: DecodedTransaction,
    fetched: FetchedTransaction,
    *,
    timestamp: int,
    finality: Literal["latest", "safe", "finalized"] | None = None,
    prev: Mapping[Address, str] | None = None,
    registry: EnforcerRegistry | None = None,
    notes: Notes | None = None,
) -> tuple[RedemptionReceipt, ...]:
    """Return one receipt per redemption of a mined transaction, each linked to its redeemer's one before.

    What a trace told is traced, what a node merely said is attested; nothing is proven here.

    Args:
        decoded: what `fetched.decode()` returned.
        fetched: the transaction as the node gave it.
        timestamp: of its block, in unix seconds.
        finality: how settled the block is.
        prev: for each redeemer the hash of its previous receipt, if there is one.
        registry: reads enforcers of your own.
        notes: links, names and evidence to put into each.

    Raises:
        UnsupportedError: a redemption of which the request, the outcome or the movements are not known. A receipt says
            what happened or is not made.
        EncodingError: a part of the transaction that cannot be read.
    """
    last = dict(prev or {})
    receipts = []
    for redemption in decoded.redemptions:
        receipt = RedemptionReceipt(
            schema_=SCHEMA,
            kind="denial" if redemption.status == "denied" else "redemption",
            subject=_subject(redemption, fetched, timestamp, finality),
            lineage=lineage_of(redemption.context, registry),
            actor=Actor(
                redeemer=redemption.redeemer,
                submitter=redemption.submitter,
                via=redemption.via or None,
            ),
            request=_request(redemption),
            outcome=_outcome(redemption, decoded, to_int(fetched.receipt.get("gasUsed"), "gasUsed")),
            claims=_claims(redemption),
            prev=last.get(redemption.redeemer),
            **noted(notes),
        )
        last[redemption.redeemer] = receipt.hash
        receipts.append(receipt)
    return tuple(receipts)


def _unknown(redemption: DecodedRedemption, what: str) -> UnsupportedError:
    place = "?" if redemption.entry is None else redemption.entry
    is_traced = "traced" in redemption.sources.values()
    return UnsupportedError(
        f"receipt: {what} of redemption {place} by {redemption.redeemer} is not known",
        hint=None if is_traced else "decode it with a trace",
    )


def _subject(
    redemption: DecodedRedemption,
    fetched: FetchedTransaction,
    timestamp: int,
    finality: Literal["latest", "safe", "finalized"] | None,
) -> Subject:
    if redemption.entry is None:
        raise _unknown(redemption, "the place")
    told, tx = fetched.receipt, fetched.tx
    return Subject(
        chain=f"eip155:{fetched.chain_id}",
        manager=redemption.manager,
        calldata_hash=Bytes32(keccak(_calldata(redemption, fetched))),
        entry=redemption.entry,
        block=block_of(fetched, timestamp),
        network="live",
        transaction=Bytes32(to_bytes(tx.get("hash"), "hash")),
        transaction_index=to_int(told.get("transactionIndex"), "transactionIndex"),
        log_index=min(redemption.log_indexes, default=None),
        call_path=redemption.call_path,
        finality=finality,
    )


def block_of(fetched: FetchedTransaction, timestamp: int) -> BlockRef:
    """Return the block a transaction was mined in, as its receipt names it."""
    return BlockRef(
        number=to_int(fetched.receipt.get("blockNumber"), "blockNumber"),
        timestamp=timestamp,
        hash=Bytes32(to_bytes(fetched.receipt.get("blockHash"), "blockHash")),
    )


def _calldata(redemption: DecodedRedemption, fetched: FetchedTransaction) -> bytes:
    """Return the calldata the manager was called with."""
    if redemption.call_path == ():
        return to_bytes(fetched.tx.get("input", fetched.tx.get("data")), "input")
    if redemption.call_path is None or fetched.trace is None:
        raise _unknown(redemption, "the calldata")
    node: Any = fetched.trace
    for step in redemption.call_path:
        try:
            node = node["calls"][step]
        except (KeyError, IndexError, TypeError) as error:
            raise EncodingError(f"trace: there is no call {list(redemption.call_path)}") from error
    return to_bytes(node.get("input"), "trace.input")


def _request(redemption: DecodedRedemption) -> Request:
    executions = redemption.executions
    if executions is None or redemption.mode_word is None:
        raise _unknown(redemption, "the request")
    return Request(
        mode=Bytes32(redemption.mode_word),
        executions=tuple(ReceiptExecution(target=e.target, value=e.value, call_data=e.call_data) for e in executions),
    )


def _outcome(redemption: DecodedRedemption, decoded: DecodedTransaction, gas_used: int) -> ReceiptOutcome:
    status = _TELLABLE.get(redemption.status)
    if status is None:
        raise _unknown(redemption, "the outcome")
    if status in ("denied", "failed"):
        return ReceiptOutcome(status=status, gas_used=gas_used, denial=_denial(redemption, decoded))
    if redemption.movements is None:
        raise _unknown(redemption, "what moved")
    if redemption.enforcer_events is None:
        raise _unknown(redemption, "what the enforcers logged")
    if redemption.results is None and status == "partially_executed":
        raise _unknown(redemption, "which execution failed")
    return ReceiptOutcome(
        status=status,
        gas_used=gas_used,
        movements=tuple(ReceiptMovement(**dict(move)) for move in redemption.movements),
        enforcer_events=tuple(ReceiptEvent(**dict(event)) for event in redemption.enforcer_events),
        failed_executions=tuple(result.index for result in redemption.results or () if not result.success),
    )


def _denial(redemption: DecodedRedemption, decoded: DecodedTransaction) -> ReceiptDenial:
    if redemption.denial is not None:
        lengths = {
            other.entry: len(other.chain)
            for other in decoded.redemptions
            if (other.manager, other.call_path) == (redemption.manager, redemption.call_path)
            and other.entry is not None
        }
        return denial_of(redemption.denial, lengths)
    revert = redemption.revert
    undone = redemption.undone_at is not None
    return ReceiptDenial(
        stage="manager" if redemption.status == "denied" else "execution",
        reason="" if revert is None else revert.onchain,
        explanation="A call around it failed and undid it." if undone else "What failed cannot be told from the trace.",
        revert_data=b"" if revert is None else revert.raw,
    )


def _claims(redemption: DecodedRedemption) -> dict[str, Provenance]:
    sources = redemption.sources

    def of(fact: str) -> Provenance:
        return "traced" if sources.get(fact) == "traced" else "attested"

    return {
        "subject": "attested",
        "lineage": of("lineage"),
        "actor": of("redeemer"),
        "request": of("request"),
        "outcome": of("outcome"),
        "outcome.movements": of("movements"),
        "outcome.enforcer_events": of("enforcer_events"),
    }
