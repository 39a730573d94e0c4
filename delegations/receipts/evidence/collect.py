"""Collects the evidence for a receipt from a node, now that the node still has it.

Proofs of the state are best asked for right after the block: many nodes keep the state of a hundred blocks and no more.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from caveats.errors import EncodingError, EngineError, UnsupportedError
from caveats.registry import EnforcerRegistry
from caveats.types import Bytes32
from delegations.evm.engine import DEFAULT_GAS
from delegations.framework.deployments import Registry
from delegations.receipts.decode.inputs import to_bytes
from delegations.receipts.evidence.builder import BundleBuilder
from delegations.receipts.evidence.bundle import EVIDENCE_TYPE, AccountProof, Bundle
from delegations.receipts.evidence.node import FetchedBlock, Node
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.report import Report
from delegations.receipts.evidence.state import Scope, manager_of, planned_state
from delegations.receipts.evidence.verify import examine, verify
from delegations.receipts.evidence.witness import position_of
from delegations.receipts.evidence.witness_mined import BlockTries, with_replay
from delegations.receipts.evidence.witness_of import client_of, witness_denial, witness_signature
from delegations.receipts.model import EscalationReceipt, GrantReceipt, Receipt, RedemptionReceipt, RevocationReceipt
from delegations.receipts.model_parts import BlockRef, Evidence, Provenance

AnyReceipt = TypeVar("AnyReceipt", bound=Receipt)


def prove(
    receipt: Receipt,
    client: Any,
    *,
    block: bytes | int | None = None,
    state: Scope = "all",
    replay: bool | None = None,
    calldata: bytes | None = None,
    gas: int = DEFAULT_GAS,
    registry: EnforcerRegistry | None = None,
    deployments: Registry | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Bundle:
    """Return the evidence for a receipt: all that a node can prove of it, checked against the block it is of.

    A redemption, a mined denial and a revocation are proven at their own block; a denial before the deed by running it
    again on the state it was tried on; a grant by the state at `block`.

    Args:
        receipt: of anything but an escalation, which nothing on a chain tells of.
        client: a web3 instance, or an RpcClient.
        block: hash or number; of a grant the block at which it is shown not to be revoked, the latest by default.
        state: how much of the state is proven; "none" for a node without eth_getProof.
        replay: also prove what the transaction and those before it in its block read, so that a verifier can run it
            again and needs no trace. By default only where nothing else shows why it failed, and it can be done.
        calldata: of a denial before the deed, the whole redeemDelegations calldata: the receipt has only its hash.
        gas: of a denial before the deed, the gas limit it was tried with.
        registry: reads enforcers of your own.
        deployments: managers and enforcers beside the published ones.
        sleep: waits between two looks for receipts that are not there yet.

    Raises:
        UnsupportedError: an escalation, something on a local chain, or a node that does not offer what is needed.
        EvidenceError: the block's roots cannot be reproduced, or what the chain holds is not what the receipt says.
        TransportError, EngineError: the node could not be asked, or its answers do not hold.
    """
    _refuse_unprovable(receipt, block)
    node = Node(client_of(client), sleep)
    _check_chain(receipt, node)
    if isinstance(receipt, RedemptionReceipt) and receipt.subject.phase == "preflight":
        builder = _tried_on(receipt, node, block)
        if calldata is None:
            raise EncodingError("calldata: expected that of the denied call", hint="the receipt has only its hash")
        witness_denial(builder, node.client, receipt, calldata, gas=gas, registry=registry)
    else:
        # a node without eth_getProof cannot prove what a transaction reads either
        builder = _prove_done(receipt, node, block, False if replay is None and state == "none" else replay)
        add_state(builder, node, planned_state(receipt, registry, state))
        if isinstance(receipt, GrantReceipt) and receipt.granted.scheme == "erc1271" and replay is not False:
            witness_signature(builder, node.client, receipt)
    bundle: Bundle = builder.build()
    trusted = builder.headers[0].hash
    # nothing is handed out that contradicts the receipt; what it claims, and names, so far is no matter yet
    bare = receipt.model_copy(update={"evidence": None})
    report = examine(bare, bundle, trusted, registry=registry, deployments=deployments)
    report.require("receipt-contradicted")
    return bundle


def add_state(builder: BundleBuilder, node: Node, planned: tuple[AccountProof, ...], place: int = 0) -> None:
    """Add proofs of accounts and slots at the end of the block at a place. Raises as `Node.proofs`, `add_state`."""
    answers = node.proofs(builder.headers[place], [(proof.address, proof.slots) for proof in planned])
    for proof, answer in zip(planned, answers, strict=True):
        builder.add_state(place, proof.address, proof.slots, answer)


def _refuse_unprovable(receipt: Receipt, block: bytes | int | None) -> None:
    if isinstance(receipt, EscalationReceipt):
        raise UnsupportedError(
            "an escalation: what a person decided leaves nothing on a chain", hint="sign the receipt instead"
        )
    network = "live"
    if isinstance(receipt, RedemptionReceipt):
        network = receipt.subject.network
    elif isinstance(receipt, RevocationReceipt):
        network = receipt.revocation.network
    if network == "local":
        raise UnsupportedError("this receipt is of a local chain: no node has a block with it")
    if block is not None and not isinstance(receipt, GrantReceipt):
        phase = receipt.subject.phase if isinstance(receipt, RedemptionReceipt) else None
        if phase is None:
            raise EncodingError("block: the receipt says which block it is proven at", hint="leave it out")


def _check_chain(receipt: Receipt, node: Node) -> None:
    about = manager_of(receipt)
    expected = None if about is None else about[1]
    got = node.chain_id()
    if got != expected:
        raise EncodingError.of("node", expected=f"chain {expected}", got=got, hint="ask a node of the receipt's chain")


def _tried_on(receipt: RedemptionReceipt, node: Node, block: bytes | int | None) -> BundleBuilder:
    """Return a builder over the block a denial was tried on: the one it names, or the one a forked chain stands on."""
    at = receipt.subject.block
    named = [block] if block is not None else [bytes(at.hash)] if at.hash is not None else [at.number - 1, at.number]
    for which in named:
        if isinstance(which, int) and which < 0:
            continue
        try:
            header = node.block(which).header
        except EngineError:
            # the block a denial was tried in need not exist: only the one before it does
            if which == named[-1]:
                raise
            continue
        if position_of(at, header) is not None:
            return BundleBuilder(header)
    raise EvidenceError(
        "wrong-block",
        f"no block of the node is the one the denial was tried on: number {at.number} at {at.timestamp}",
        path="subject.block",
        hint="name it with block",
    )


def _prove_done(receipt: Receipt, node: Node, block: bytes | int | None, replay: bool | None) -> BundleBuilder:
    """Return the proofs of what was mined; of a grant only the block."""
    mined = _mined(receipt)
    if mined is None:
        return BundleBuilder(node.block(block).header)
    at, digest = mined
    if at.hash is None or digest is None:
        raise EncodingError("receipt: it names no transaction and no block hash, so there is nothing to look for")
    fetched = node.block(bytes(at.hash))
    builder = BundleBuilder(fetched.header)
    place = _place_of(digest, fetched)
    transactions, receipts = node.contents(fetched)
    builder.add_transaction(transactions, receipts, place)
    if isinstance(receipt, RedemptionReceipt):
        return with_replay(builder, node, receipt, BlockTries(fetched, transactions, receipts), place, replay)
    return builder


def _mined(receipt: Receipt) -> tuple[BlockRef, Bytes32 | None] | None:
    if isinstance(receipt, RedemptionReceipt):
        return receipt.subject.block, receipt.subject.transaction
    if isinstance(receipt, RevocationReceipt):
        return receipt.revocation.block, receipt.revocation.transaction
    return None


def _place_of(digest: Bytes32, fetched: FetchedBlock) -> int:
    for place, tx in enumerate(fetched.transactions):
        if to_bytes(tx.get("hash"), "hash") == digest:
            return place
    raise EvidenceError(
        "wrong-transaction",
        f"block {fetched.header.number} does not hold the transaction {digest}",
        path="subject.transaction",
    )


def attach(
    receipt: AnyReceipt,
    bundle: Bundle,
    trusted_block_hash: bytes,
    *,
    uri: str | None = None,
    registry: EnforcerRegistry | None = None,
    deployments: Registry | None = None,
) -> AnyReceipt:
    """Return the receipt with the bundle among its evidence, and each claim as strong as the bundle makes it.

    It is another receipt, with another hash: attach before it is signed.

    Args:
        receipt: that the bundle is of.
        bundle: what `prove` returned.
        trusted_block_hash: of the block it is checked against.
        uri: a hint where the bundle lies.
        registry: reads enforcers of your own.
        deployments: managers and enforcers beside the published ones.

    Raises:
        EvidenceError: the bundle is not sound, or contradicts the receipt.
    """
    others = tuple(e for e in receipt.evidence or () if e.type != EVIDENCE_TYPE)
    named = receipt.model_copy(
        update={"evidence": (*others, Evidence(type=EVIDENCE_TYPE, sha256=bundle.sha256, uri=uri))}
    )
    report = examine(named, bundle, trusted_block_hash, registry=registry, deployments=deployments)
    report.require("receipt-contradicted")
    claims = _claims(named, report)
    attached = named.from_wire(named.model_copy(update={"claims": claims}).to_wire())
    verify(attached, bundle, trusted_block_hash, registry=registry, deployments=deployments)
    return attached


def _claims(receipt: Receipt, report: Report) -> dict[str, Provenance]:
    """Return the fewest claims that say of each fact what the report says."""
    standings: dict[str, Provenance] = {f.path: f.standing for f in report.findings if f.standing != "contradicted"}
    claims: dict[str, Provenance] = {}
    for part in receipt.PARTS:
        own = {path: s for path, s in standings.items() if path == part or path.startswith(f"{part}.")}
        if not own:
            continue
        usual = own.get(part) or Counter(own.values()).most_common(1)[0][0]
        claims[part] = usual
        for path, standing in sorted(own.items(), key=lambda item: item[0].count(".")):
            if receipt.model_copy(update={"claims": claims}).standing(path) != standing:
                claims[path] = standing
    return claims
