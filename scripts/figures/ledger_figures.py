"""The ledger: how fast it takes receipts in, how fast it proves them, and what faults it has stood."""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scripts.figures.harness import ROOT, Measured, Parts, figure, median_call

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope

    from delegations.ledger.ledger import Ledger
    from delegations.receipts import Receipt

_RUNS = 5
_MANY, _FEW = 12_000, 2_000
_BATCH = 1_000
_MILLION = 1_000_000


class _Pile(NamedTuple):
    """Signed receipts that are all different, and how long one envelope is as JSON."""

    receipts: list[Receipt]
    envelopes: list[Envelope]
    length: int


def _pile(count: int) -> _Pile:
    from delegations.receipts.envelope import format_envelope, sign_receipt
    from tests.unit.ledger.makers import ISSUER
    from tests.unit.receipts.makers import executed

    base = executed()
    receipts = [base.model_copy(update={"prev": f"{number:064x}"[::-1]}) for number in range(count)]
    envelopes = [sign_receipt(receipt, ISSUER) for receipt in receipts]
    return _Pile(receipts, envelopes, len(format_envelope(envelopes[0])))


@contextmanager
def _new_path() -> Iterator[Path]:
    """A path on the disk of the checkout: a temporary directory may lie in memory, where durable is cheap."""
    place = ROOT / ".make"
    place.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place) as directory:
        yield Path(directory) / "receipts.ledger"


@contextmanager
def _new_ledger() -> Iterator[Ledger]:
    from delegations.ledger.ledger import Ledger

    with _new_path() as path, Ledger.create(path, origin="ledger.example/figures") as ledger:
        yield ledger


def _rate(of: str, count: int, append: Callable[[Ledger], object], length: int) -> Measured:
    """Return the best of several runs, all of them beside it, and the processor time of one receipt in the best."""
    rates, cpu = [], []
    for _ in range(_RUNS):
        with _new_ledger() as ledger:
            start, start_cpu = time.perf_counter(), time.process_time()
            append(ledger)
            rates.append(count / (time.perf_counter() - start))
            cpu.append((time.process_time() - start_cpu) / count)
            assert ledger.size == count
    runs = {f"run {number}": rate for number, rate in enumerate(rates, start=1)}
    return Measured(max(rates), of=of, beside={**runs, "cpu_us": min(cpu) * 1e6, "envelope_bytes": length})


def _in_threads(count: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _one_by_one(ledger: Ledger, pile: _Pile, count: int) -> None:
    for envelope, receipt in zip(pile.envelopes[:count], pile.receipts, strict=False):
        ledger.append(envelope, receipt)


def _one_by_one_in_threads(ledger: Ledger, pile: _Pile, threads: int) -> None:
    def work(number: int) -> None:
        for at in range(number, len(pile.envelopes), threads):
            ledger.append(pile.envelopes[at], pile.receipts[at])

    _in_threads(threads, work)


def _in_batches(ledger: Ledger, pile: _Pile, how: str, threads: int = 1) -> None:
    def work(number: int) -> None:
        for at in range(number * _BATCH, len(pile.envelopes), threads * _BATCH):
            part = pile.envelopes[at : at + _BATCH]
            receipts = pile.receipts[at : at + _BATCH] if how == "given" else None
            ledger.append_many(part, receipts, is_strict=how != "form")

    _in_threads(threads, work) if threads > 1 else work(0)


@figure("receipts/s")
def ledger_appends() -> Parts:
    """Signed receipts that become durable in SQLite in a second, reading and indexing them included.

    "Receipts at hand" is a caller that signed or verified them: they are compared with the envelopes. "Form" checks the
    statement, the receipt's hash and what it is filed by; "read in full" checks every field of every receipt anew.
    """
    pile = _pile(_MANY)
    few = _Pile(pile.receipts[:_FEW], pile.envelopes[:_FEW], pile.length)
    plans: Sequence[tuple[str, int, Callable[[Ledger], object]]] = (
        ("one at a time, receipts at hand, 1 thread", _FEW, lambda ledger: _one_by_one(ledger, pile, _FEW)),
        *(
            (
                f"one at a time, receipts at hand, {threads} threads",
                _MANY,
                lambda ledger, threads=threads: _one_by_one_in_threads(ledger, pile, threads),
            )
            for threads in (16, 64, 128)
        ),
        (f"batches of {_BATCH}, form", _MANY, lambda ledger: _in_batches(ledger, pile, "form")),
        (f"batches of {_BATCH}, form, 2 threads", _MANY, lambda ledger: _in_batches(ledger, pile, "form", 2)),
        (f"batches of {_BATCH}, receipts at hand", _MANY, lambda ledger: _in_batches(ledger, pile, "given")),
        (f"batches of {_BATCH}, read in full", _FEW, lambda ledger: _in_batches(ledger, few, "full")),
    )
    return [_rate(of, count, append, pile.length) for of, count, append in plans]


@figure("us")
def ledger_verification() -> Parts:
    """Computing everything again from what was appended, for one receipt: the best of several runs over all."""
    pile = _pile(_FEW)
    parts: Parts = []
    with _new_ledger() as ledger:
        ledger.append_many(pile.envelopes, pile.receipts)
        for of, is_strict in (("bytes, tree and index", False), ("and every receipt read in full", True)):
            times = []
            for _ in range(_RUNS):
                start = time.perf_counter()
                assert ledger.verify(is_strict=is_strict).size == _FEW
                times.append(time.perf_counter() - start)
            parts.append(Measured(min(times) / _FEW * 1e6, of=of, beside={"receipts": _FEW}))
    return parts


def _fill(ledger: Ledger, count: int) -> None:
    """Put entries into the store itself, with bytes too short to be receipts: the tree does not see what is hashed."""
    from delegations.ledger.entry import Prepared
    from delegations.ledger.tree import hash_leaf

    for start in range(0, count, 20_000):
        ledger._store.append(
            [
                Prepared(b"", b"", hash_leaf(number.to_bytes(8)), (number % 1000,), number)
                for number in range(start, start + 20_000)
            ]
        )


@figure("us")
def ledger_at_a_million() -> Parts:
    """Proofs over a ledger of a million entries, from its file: medians, of entries all over it."""
    from delegations.ledger.ledger import Ledger
    from delegations.ledger.tree import verify_consistency, verify_inclusion

    with _new_path() as path:
        with Ledger.create(path, origin="ledger.example/figures") as ledger:
            start = time.perf_counter()
            _fill(ledger, _MILLION)
            filled = time.perf_counter() - start
        opens = []
        for _ in range(5):
            start = time.perf_counter()
            Ledger.open(path).close()
            opens.append(time.perf_counter() - start)
        with Ledger.open(path, read_only=True) as ledger:
            head, first = ledger.head, ledger.root_at(654_321)
            indexes = iter(range(0, _MILLION, 997))
            inclusion = median_call(lambda: ledger.prove_inclusion(next(indexes)), warm_up=0, count=1_000)
            consistency = median_call(lambda: ledger.prove_consistency(654_321), warm_up=1, count=500)
            proof, between, leaf = ledger.prove_inclusion(777), ledger.prove_consistency(654_321), ledger.leaf_hash(777)
            verified = median_call(
                lambda: verify_inclusion(leaf, 777, head.size, proof, head.root), warm_up=10, count=500
            )
            continued = median_call(
                lambda: verify_consistency(654_321, first, head.size, head.root, between), warm_up=10, count=500
            )
    return [
        Measured(inclusion * 1e6, of="inclusion proof made and checked", beside={"hashes": len(proof)}),
        Measured(verified * 1e6, of="inclusion proof verified"),
        Measured(consistency * 1e6, of="consistency proof made and checked", beside={"hashes": len(between)}),
        Measured(continued * 1e6, of="consistency proof verified"),
        Measured(statistics.median(opens) * 1e6, of="open, with its tree's edge checked"),
        Measured(filled / _MILLION * 1e6, of="hashes and rows of one entry appended, in batches of 20000"),
    ]


@figure("faults")
def ledger_faults() -> Parts:
    """Faults that struck a ledger, each tried; acknowledged entries lost, and wrong or half-written ones shown."""
    from tests.e2e.ledger_crash import FAULTS, strike
    from tests.unit.ledger.damaged import cut_short, flip_bits, overwrite
    from tests.unit.ledger.makers import make_ledger

    parts: Parts = []
    tried = lost = wrong = 0
    for name in FAULTS:
        with tempfile.TemporaryDirectory() as directory:
            tally = strike(name, Path(directory))
        counted = {"acknowledged": tally.acknowledged, "lost": tally.lost, "wrong": tally.wrong}
        if tally.refused:
            counted["refused"] = tally.refused
        parts.append(Measured(tally.tried, of=name.replace("_", " "), beside=counted))
        tried, lost, wrong = tried + tally.tried, lost + tally.lost, wrong + tally.wrong
    with tempfile.TemporaryDirectory() as directory:
        original = Path(directory) / "original"
        make_ledger(original, 12)
        seed = int.from_bytes(os.urandom(4))
        for damage, count in ((flip_bits, 2000), (overwrite, 1000), (cut_short, 500)):
            seen = damage(original, Path(directory) / "damaged", count, seed=seed)
            counted = {"named": seen.named, "wrong": seen.wrong, "seed": seed}
            parts.append(Measured(seen.tried, of=f"files damaged: {damage.__name__.replace('_', ' ')}", beside=counted))
            tried, wrong = tried + seen.tried, wrong + seen.wrong
    parts.append(Measured(tried, of="all", beside={"lost": lost, "wrong": wrong}))
    return parts
