"""Receipts: how fast they are read, and what came out of the corpus."""

from __future__ import annotations

from scripts.figures.harness import Measured, Missing, Parts, figure


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
    """The corpus of mined transactions: what was expected of each and what was read; the redemptions in each case."""
    from collections import Counter

    from delegations.receipts.decode import decode_redemptions
    from tests.receipts_corpus.make import make_corpus
    from tests.receipts_corpus.reading import expected, line

    cases: Parts = []
    found: Counter[str] = Counter()
    corpus = make_corpus()
    for case in corpus:
        redemptions = decode_redemptions(case.mined.tx, case.mined.receipt, trace=case.mined.trace).redemptions
        found.update(redemption.status for redemption in redemptions)
        cases.append(_compared(case.name, expected(case), tuple(map(line, redemptions))))
    wrong = sum(isinstance(case, Missing) for case in cases)
    return [
        *cases,
        Measured(len(corpus), of="transactions mined"),
        Measured(wrong, of="transactions other than expected", is_fault=True),
        *(Measured(count, of=f"all that were {status}") for status, count in sorted(found.items())),
    ]


def _compared(name: str, expected: tuple[str, ...], got: tuple[str, ...]) -> Measured | Missing:
    said = f"expected {_said(expected)}, got {_said(got)}"
    return Measured(len(got), of=f"{name}: {said}") if got == expected else Missing(name, said)


def _said(lines: tuple[str, ...]) -> str:
    return " + ".join(map(str.strip, lines)) or "no redemption"
