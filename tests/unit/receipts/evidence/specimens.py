"""One receipt of every kind with its evidence: what is mutated to see whether anything false passes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from caveats import LimitedCalls, NativeTokenTransferAmount
from caveats.types import Bytes32, keccak
from delegations.evm import LocalChain
from delegations.manager import MetaMaskManager
from delegations.receipts import (
    Answers,
    Label,
    Notes,
    Receipt,
    hash_proposal,
    make_escalation_receipt,
    make_grant_receipt,
    revocations_of,
)
from delegations.receipts.evidence.bundle import Bundle
from delegations.receipts.evidence.collect import attach, prove
from delegations.receipts.evidence.opened import open_bundle
from delegations.receipts.model_parts import Escalation
from delegations.redemption import redeem
from tests.receipts_corpus import accounts
from tests.receipts_corpus.make import Case, _send
from tests.receipts_corpus.recorder import Recorder
from tests.receipts_corpus.table import Script, scene
from tests.receipts_corpus.ways_in import (
    an_operation_that_is_denied_in_a_transaction_that_succeeds as an_operation_that_is_denied,
)
from tests.receipts_corpus.ways_in import an_operation_that_redeems
from tests.unit.receipts.evidence.crowded import Queue
from tests.unit.receipts.evidence.live_chain import AGENT, ALICE, CHAIN_ID, SHOP, LiveChain
from tests.unit.receipts.evidence.one_block import block_of
from tests.unit.receipts.evidence.staged import above_the_allowance, chain, grant, pay
from tests.unit.receipts.evidence.still_node import StillNode
from tests.unit.receipts.evidence.test_replay_signature import granted_by

NAMES = (
    "a redemption through three links",
    "a redemption that was run again",
    "a denial before the deed",
    "a denial that was mined",
    "a denial mined behind others",
    "a denial in a user operation",
    "a redemption in a user operation",
    "a revocation",
    "a grant of a key",
    "a grant of a contract",
    "an escalation",
)


@dataclass(frozen=True)
class Specimen:
    """A receipt that names its bundle and claims as much as it shows.

    Attributes:
        bundle: None for an escalation, which nothing on a chain tells of.
        trusted: the block hash the verifier is sure of.
    """

    name: str
    receipt: Receipt
    bundle: Bundle | None
    trusted: bytes | None

    @cached_property
    def told(self) -> dict[str, Any]:
        """The receipt as JSON."""
        return self.receipt.to_wire()

    @cached_property
    def file(self) -> bytes | None:
        """The file of the bundle."""
        return None if self.bundle is None else self.bundle.canonical()


def notes() -> Notes:
    """What stands in a receipt beside the deed: words of the issuer."""
    return Notes(
        grant="ab" * 32,
        answers=Answers(proposal=hash_proposal({"tool": "pay"}), kind="tool_call"),
        labels=(Label(address=AGENT, role="agent", name="Shopping agent"),),
        issuer="did:web:shop.example",
        issued_at=1_790_000_000,
        ext={"ticket": "42"},
    )


@contextmanager
def collect_specimens() -> Iterator[dict[str, Specimen]]:
    """Yield them by name; the chain they were mined on ends with the context."""
    live = LiveChain()
    try:
        live.mine()  # what was put into the state by hand is in a block's state from here on
        yield {specimen.name: specimen for specimen in _collect(live)}
    finally:
        live.close()


def _collect(live: LiveChain) -> Iterator[Specimen]:
    yield _proven(NAMES[0], live.three_link_redemption(others=4), live.client)
    paid = live.redeem(1, redeem(live.grant(NativeTokenTransferAmount(max_amount_wei=9), salt=2), pay(3)))
    live.mine()
    yield _proven(NAMES[1], live.receipts(paid)[0], live.client, replay=True)
    staged = above_the_allowance()
    yield _proven(NAMES[2], staged.receipt, staged.node.client, calldata=staged.call_data)
    refused = live.redeem(1, redeem(live.grant(NativeTokenTransferAmount(max_amount_wei=5), salt=3), pay(6)))
    live.mine()
    yield _proven(NAMES[3], live.receipts(refused)[0], live.client)
    queue = Queue(live)
    queue.send(3, SHOP, value=1)
    behind = queue.redeem(1, redeem(live.grant(NativeTokenTransferAmount(max_amount_wei=5), salt=5), pay(6)))
    live.mine()
    yield _proven(NAMES[4], live.receipts(behind)[0], live.client)
    for name, script in zip(NAMES[5:7], (an_operation_that_is_denied, an_operation_that_redeems), strict=True):
        yield _of_the_corpus(name, script)
    yield _proven(NAMES[7], _revocation(live), live.client)
    local = chain()
    given = grant([LimitedCalls(limit=2)])
    granted = make_grant_receipt(given, chain_id=CHAIN_ID, manager=local.manager, notes=notes())
    yield _proven(NAMES[8], granted, StillNode(local.world, local.block).client)
    contract = granted_by(accounts.owned())
    yield _proven(NAMES[9], contract.receipt, contract.node.client)
    yield Specimen(NAMES[10], _escalation(local), None, None)


def _of_the_corpus(name: str, script: Script) -> Specimen:
    """A redemption that was reached through the EntryPoint, as the only transaction of a block of ours."""
    recorder, stage = Recorder(1), scene()
    try:
        (sent,) = script(stage)
        block, mined = _send(recorder, stage, sent.transaction)
    finally:
        recorder.close()
    alone = block_of(Case(name, mined, block, sent.transaction, sent.expect, None, 0, None))
    (receipt,) = alone.redemptions()
    noted = receipt.model_copy(update=dict(notes()))
    bundle, trusted = alone.bundle(noted), alone.header.hash
    return Specimen(name, attach(noted, bundle, trusted), bundle, bytes(trusted))


def _proven(name: str, receipt: Receipt, client, **more) -> Specimen:
    noted = receipt.model_copy(update=dict(notes()))
    bundle = prove(noted, client, **more)
    trusted = open_bundle(bundle, _hash(bundle)).headers[0].hash
    return Specimen(name, attach(noted, bundle, trusted), bundle, bytes(trusted))


def _hash(bundle: Bundle) -> bytes:
    return keccak(bundle.headers[0])


def _revocation(live: LiveChain) -> Receipt:
    ended = live.grant(LimitedCalls(limit=2), salt=4)
    digest = live.send(0, live.manager, MetaMaskManager().encode_disable(ended))
    block = live.mine()
    fetched = live.fetch(digest)
    (receipt,) = revocations_of(fetched.decode(), fetched, timestamp=int(block["timestamp"], 16))
    return receipt


def _escalation(local: LocalChain) -> Receipt:
    bounded = grant([NativeTokenTransferAmount(max_amount_wei=5)])
    return make_escalation_receipt(
        Escalation(
            asks=("send 6 wei to the shop, once",),
            approver=f"eip155:{CHAIN_ID}:{ALICE}",
            decision="approved",
            asked_at=1_790_000_000,
            decided_at=1_790_000_060,
            expires_at=1_790_003_600,
            grant=Bytes32(b"\xef" * 32),
        ),
        chain_id=CHAIN_ID,
        redemption=redeem(bounded, pay(6)),
        notes=notes(),
    )
