"""Collects what it takes to run a mined transaction again: those before it in its block, and all that they read.

Where nothing else shows why a redemption failed this is done unasked; where it cannot be done, the receipt keeps what a
trace told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from caveats.errors import EncodingError, UnsupportedError
from caveats.registry import EnforcerRegistry
from delegations.evm.engine import Transaction
from delegations.evm.rpc import RpcClient, RpcError
from delegations.receipts.decode.inputs import to_bytes, to_int
from delegations.receipts.evidence.budget import DEFAULT_BUDGET, Budget, refuse_over_budget
from delegations.receipts.evidence.builder import BundleBuilder
from delegations.receipts.evidence.header import Header
from delegations.receipts.evidence.mined_redemption import Mined, check_mined_redemption, read_included
from delegations.receipts.evidence.node import FetchedBlock, Node
from delegations.receipts.evidence.opened import Included
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.replay_mined import (
    MinedRun,
    Step,
    read_step,
    refuse_unrunnable,
    run_block,
)
from delegations.receipts.evidence.report import Findings
from delegations.receipts.evidence.trie import Trie, index_key
from delegations.receipts.evidence.witness import add_witness
from delegations.receipts.model import RedemptionReceipt

_PRESTATE = {"tracer": "prestateTracer"}


class BlockTries(NamedTuple):
    """What a block commits to of its transactions."""

    block: FetchedBlock
    transactions: Trie
    receipts: Trie

    def included(self, place: int) -> Included:
        """Return the transaction at a place. Raises EvidenceError (not-included)."""
        key = index_key(place)
        transaction, receipt = self.transactions.get(key), self.receipts.get(key)
        if transaction is None or receipt is None:
            raise EvidenceError("not-included", f"block {self.block.header.number} has no transaction {place}")
        return Included(self.block.header, place, transaction, receipt)


def with_replay(
    builder: BundleBuilder,
    node: Node,
    receipt: RedemptionReceipt,
    tries: BlockTries,
    place: int,
    wanted: bool | None,
    *,
    budget: Budget = DEFAULT_BUDGET,
) -> BundleBuilder:
    """Return the builder with what it takes to run the receipt's transaction again, or as it is.

    Args:
        builder: that proves the transaction.
        node: that has the state of the block before.
        receipt: of a redemption in that transaction.
        tries: of its block.
        place: of the transaction in its block.
        wanted: whether to; None for where nothing else shows how it ended and it can be done.
        budget: how much a verifier will run.

    Raises:
        EvidenceError, UnsupportedError: it was asked for and cannot be done: replay-over-budget, unsupported-type and
            the rest of `run_block`; too-large.
        EncodingError, TransportError, EngineError: the node could not be asked, or its answers do not hold.
    """
    if wanted is False or (wanted is None and not _is_only_traced(receipt, tries.included(place))):
        return builder
    attempt = builder.copy()
    try:
        refuse_over_budget(place, budget)
        steps = [read_step(tries.included(each)) for each in range(place + 1)]
        refuse_unrunnable(steps, budget)
        attempt.add_transactions_before(tries.transactions, tries.receipts)
        parent = node.block(bytes(tries.block.header.parent_hash)).header
        chain_id = int(receipt.subject.chain.removeprefix("eip155:"))
        witness_mined(attempt, node.client, steps, parent, chain_id=chain_id, budget=budget)
        attempt.refuse_too_large()
    except (EvidenceError, UnsupportedError):
        if wanted:
            raise
        return builder
    return attempt


def witness_mined(
    builder: BundleBuilder,
    client: RpcClient,
    steps: Sequence[Step],
    parent: Header,
    *,
    chain_id: int,
    budget: Budget = DEFAULT_BUDGET,
) -> MinedRun:
    """Add the witness of the last of a block's first transactions to the bundle that proves them.

    Args:
        builder: a bundle with the block's header, and the transactions.
        client: asks the node.
        steps: the block's transactions from its first on.
        parent: the header of the block before, which is added to the bundle.
        chain_id: of the chain.
        budget: how much a verifier will run.

    Raises:
        UnsupportedError: one of them reads the hash of an old block.
        EvidenceError: as `run_block`.
        EncodingError, TransportError, EngineError: as `add_witness`.
    """
    header, last = builder.headers[0], steps[-1].transaction
    place = builder.add_parent(parent)
    fields = last.fields
    call = Transaction(last.sender, last.to, last.data, fields["value"], fields["gas"])
    return add_witness(
        builder,
        place,
        client,
        call,
        lambda world, _call: run_block(budget.engine(), world.node, header, chain_id, steps),
        chain_id=chain_id,
        hints=None if len(steps) == 1 else lambda: _read_by_block(client, header, steps),
    )


def _is_only_traced(receipt: RedemptionReceipt, included: Included) -> bool:
    """Return whether a redemption failed in a way that neither transaction nor logs show."""
    mined = read_included(included, receipt.subject.transaction)
    if mined.receipt.success is False:
        return True
    return receipt.outcome.status in ("denied", "failed") and not _is_shown(receipt, mined)


def _is_shown(receipt: RedemptionReceipt, mined: Mined) -> bool:
    findings, registry = Findings(receipt), EnforcerRegistry()
    decoded = mined.decode(int(receipt.subject.chain.removeprefix("eip155:")), frozenset(), None, None)
    check_mined_redemption(receipt, mined, decoded, findings, registry)
    return any(finding.path == "outcome.status" and finding.standing == "proven" for finding in findings.listed())


def _read_by_block(client: RpcClient, header: Header, steps: Sequence[Step]) -> Mapping[bytes, list[int]]:
    """Return what the node says the transactions read: to have it at hand, and nothing rests on it."""
    found: dict[bytes, set[int]] = {bytes(header.coinbase): set()}
    for transaction, _ in steps:
        found.setdefault(bytes(transaction.sender), set())
        if transaction.to is not None:
            found.setdefault(bytes(transaction.to), set())
    try:
        answer: Any = client.call("debug_traceBlockByNumber", hex(header.number), _PRESTATE)
        for traced in answer[: len(steps)]:
            for address, held in traced["result"].items():
                slots = found.setdefault(to_bytes(address, "address"), set())
                slots.update(to_int(slot, "slot") for slot in held.get("storage", {}))
    except (RpcError, EncodingError, TypeError, KeyError, AttributeError):
        pass  # a node that does not trace, or otherwise: then it is asked as it is read
    return {address: sorted(slots) for address, slots in found.items()}
