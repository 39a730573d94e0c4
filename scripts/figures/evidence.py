"""Evidence: how large a bundle is, how long it takes to collect and to verify, by the size of the block."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from scripts.figures.harness import FigureError, Measured, Parts, against, figure

_Proofs = list[tuple[bytes, bytes, list[bytes]]]
TRANSACTIONS = (1, 10, 200, 1000)
CROWD = 10_000
ROUNDS = 15
_CROWDED = f"200 transactions, {CROWD} accounts and {CROWD} slots in each contract that counts"


@figure("bytes")
def evidence_size() -> Parts:
    """The bundle of a token payment through three links, compressed, in blocks of more and more transactions."""
    from delegations.receipts.evidence import prove

    return [
        Measured(
            len(bundle.compressed()),
            of=_named(count),
            beside={
                "uncompressed": len(bundle.canonical()),
                "nodes": len(bundle.nodes),
                "bytes_of_nodes": sum(map(len, bundle.nodes)),
                "header": len(bundle.headers[0]),
                "without_state": len(prove(receipt, client, state="none").compressed()),
            },
        )
        for count, receipt, bundle, client in _proven()
    ] + [_size_in_a_crowd()]


def _size_in_a_crowd() -> Measured:
    """Return the size where the state is not a development chain's: what is proven of it lies deeper."""
    from delegations.receipts.evidence import prove

    with _chain(crowd=CROWD) as live:
        receipt = live.three_link_redemption(others=199)
        bundle = prove(receipt, live.client)
        lean = prove(receipt, live.client, state="none")
        acting = prove(receipt, live.client, state="accounts")
    return Measured(
        len(bundle.compressed()),
        of=_CROWDED,
        beside={
            "nodes": len(bundle.nodes),
            "of_state_only_acting_accounts": len(acting.compressed()),
            "without_state": len(lean.compressed()),
        },
    )


@figure("ms")
def evidence_collected() -> Parts:
    """Collecting that bundle from anvil, its own verification included; median, with the quickest beside it."""
    from delegations.receipts.evidence import prove

    parts: Parts = [_ms(_named(count), partial(prove, receipt, client)) for count, receipt, _, client in _proven()]
    with _chain(crowd=CROWD) as live:
        receipt = live.three_link_redemption(others=199)
        return [*parts, _ms(_CROWDED, partial(prove, receipt, live.client))]


@figure("ms")
def evidence_verified() -> Parts:
    """Verifying it from its compressed file; median, with the quickest beside it."""
    from delegations.receipts.evidence import Bundle, attach, prove, verify

    def whole(receipt: Any, file: bytes, trusted: bytes) -> None:
        if not verify(receipt, Bundle.from_bytes(file), trusted).holds:
            raise FigureError("the receipt does not hold")

    parts: Parts = []
    for count, receipt, bundle, _ in _proven():
        trusted = bytes(bundle.block_hash)
        honest = attach(receipt, bundle, trusted)
        parts.append(_ms(_named(count), partial(whole, honest, bundle.compressed(), trusted)))
    with _chain(crowd=CROWD) as live:
        receipt = live.three_link_redemption(others=199)
        bundle = prove(receipt, live.client)
        trusted = bytes(bundle.block_hash)
        honest = attach(receipt, bundle, trusted)
        parts.append(_ms(_CROWDED, partial(whole, honest, bundle.compressed(), trusted)))
    return parts


@figure("us")
def evidence_proofs() -> Parts:
    """Inclusion of a transaction and of its receipt, from the nodes to the value, beside the `trie` library."""
    from trie import HexaryTrie

    from delegations.receipts.evidence import rlp
    from delegations.receipts.evidence.opened import open_bundle
    from delegations.receipts.evidence.trie import index_key, verify_proof, walk

    def ours(proofs: _Proofs) -> list[Any]:
        return [verify_proof(root, key, nodes) for root, key, nodes in proofs]

    def theirs(proofs: _Proofs) -> list[Any]:
        return [
            HexaryTrie.get_from_proof(root, key, [rlp.decode(node) for node in nodes]) for root, key, nodes in proofs
        ]

    parts: Parts = []
    for count, _, bundle, _ in _proven():
        opened = open_bundle(bundle, bytes(bundle.block_hash))
        header, key = opened.headers[0], index_key(bundle.transaction.index)
        proofs: _Proofs = []
        for root in (header.transactions_root, header.receipts_root):
            passed: list[bytes] = []
            walk(root, key, partial(_remembered, opened, passed))
            proofs.append((root, key, passed))
        measured = against("trie", partial(ours, proofs), partial(theirs, proofs))
        parts.append(Measured(measured.value, measured.peer, measured.ratio, of=_named(count)))
    return parts


def _remembered(opened: Any, passed: list[bytes], digest: bytes) -> bytes:
    passed.append(opened.node(digest))
    return passed[-1]


@figure("count")
def evidence_of_corpus() -> Parts:
    """The corpus of mined transactions: facts by the standing their evidence gives them, and what it contradicts."""
    from collections import Counter

    from caveats.errors import UnsupportedError
    from delegations.receipts.evidence import examine
    from tests.receipts_corpus.make import make_corpus
    from tests.unit.receipts.evidence.one_block import block_of

    found: Counter[str] = Counter()
    receipts = refused = 0
    for case in make_corpus():
        block = block_of(case)
        try:
            made = block.redemptions()
        except UnsupportedError:
            continue
        for receipt in made:
            report = examine(receipt, block.bundle(receipt), block.header.hash)
            receipts, refused = receipts + 1, refused + bool(report.refusals)
            found.update(finding.standing for finding in report.findings)
    parts: Parts = [Measured(receipts, of="receipts"), Measured(refused, of="receipts that do not hold", is_fault=True)]
    return parts + [Measured(found[name], of=f"facts {name}") for name in ("proven", "traced", "attested")]


def _proven() -> Iterator[tuple[int, Any, Any, Any]]:
    """Yield size of the block, receipt, bundle and client, each while its chain is up."""
    from delegations.receipts.evidence import prove

    with _chain() as live:
        for count in TRANSACTIONS:
            receipt = live.three_link_redemption(salt=count, others=count - 1)
            yield count, receipt, prove(receipt, live.client), live.client


@contextmanager
def _chain(*, crowd: int = 0) -> Iterator[Any]:
    from tests.unit.receipts.evidence.live_chain import LiveChain

    live = LiveChain(crowd=crowd)
    try:
        yield live
    finally:
        live.close()


def _ms(of: str, call: Callable[[], object]) -> Measured:
    call()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e3)
    return Measured(
        statistics.median(times), of=of, beside={"quickest": round(min(times), 3), "slowest": round(max(times), 3)}
    )


def _named(count: int) -> str:
    return "1 transaction" if count == 1 else f"{count} transactions"
