"""Receipts: how fast they are read, and what came out of the corpus."""

from __future__ import annotations

from scripts.figures.harness import Measured, Parts, figure


@figure("redemptions/s")
def receipt_decoding() -> Parts:
    """Mined redemptions read from logs alone and with traces (transactions a second), on one core."""
    from scripts.bench_decode import measure

    parts: Parts = []
    for row in measure():
        for peer, rate in (("eth_abi", row.eth_abi), ("the TypeScript kit in node", row.kit)):
            if rate is not None:
                parts.append(Measured(row.logs, peer, row.logs / rate, of=f"logs, {row.label}, beside {peer}"))
        parts.append(Measured(row.traced, of=f"traced transactions, {row.label}"))
    return parts


@figure("count")
def receipt_corpus() -> Parts:
    """The corpus of mined transactions: how many redemptions came out how, and how many other than expected."""
    from collections import Counter

    from delegations.receipts.decode import decode_redemptions
    from tests.receipts_corpus.make import make_corpus
    from tests.receipts_corpus.reading import line

    found: Counter[str] = Counter()
    wrong = 0
    corpus = make_corpus()
    for case in corpus:
        redemptions = decode_redemptions(case.mined.tx, case.mined.receipt, trace=case.mined.trace).redemptions
        found.update(redemption.status for redemption in redemptions)
        wrong += case.expect is not None and tuple(map(line, redemptions)) != case.expect
    parts: Parts = [
        Measured(len(corpus), of="transactions mined"),
        Measured(wrong, of="transactions other than expected", is_fault=True),
    ]
    return parts + [Measured(count, of=f"redemptions {status}") for status, count in sorted(found.items())]
