"""The ledger outside its file: in PostgreSQL, as proof files, as COSE, as Parquet."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.figures.harness import Measured, Parts, figure, median_call

if TYPE_CHECKING:
    from delegations.ledger.entry import Prepared
    from delegations.ledger.postgres import PostgresStore

_SECONDS = 3.0


def _rate(append: Callable[[Sequence[Prepared]], object], entries: Sequence[Prepared], batch: int) -> float:
    """Return entries a second, over batches that are each durable before the next."""
    done, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < _SECONDS:
        append([entries[(done + place) % len(entries)] for place in range(batch)])
        done += batch
    return done / spent


@figure("receipts/s")
def ledger_postgres_appends() -> Parts:
    """Durable appends to PostgreSQL on this machine, server and clients together, fsync on; then all of it verified."""
    from delegations.ledger.damage import find_damage
    from delegations.ledger.entry import prepare
    from delegations.ledger.ledger import make_identity
    from delegations.ledger.postgres import PostgresStore
    from tests.unit.ledger.papers import envelope_number
    from tests.unit.ledger.postgres_server import postgres_server

    entries = [prepare(envelope_number(number)) for number in range(2_000)]
    size = sum(len(entry.payload) + len(entry.signatures) for entry in entries) / len(entries)
    parts: Parts = []
    with postgres_server(is_on_disk=True) as conninfo:
        parts.append(Measured(_bare_commits(conninfo), of="a bare commit of one row, for comparison"))
        store = PostgresStore.create(conninfo, make_identity("figures.example/ledger"))
        for batch in (1, 10, 100, 1_000):
            rate = _rate(store.append, entries, batch)
            parts.append(Measured(rate, of=f"one writer, {batch} at a time", beside={"bytes_each": round(size)}))
        rate, writers = _several(conninfo, entries)
        parts.append(Measured(rate, of=f"{writers} writers, 1 at a time"))
        start = time.perf_counter()
        damage = find_damage(store.audit())
        parts.append(
            Measured(store.head().size / (time.perf_counter() - start), of="verified", beside={"damage": len(damage)})
        )
        store.close()
    return parts


def _bare_commits(conninfo: str) -> float:
    """Return how many commits of one small row the server and its disk do in a second."""
    import psycopg

    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (place int)")
        count, start = 0, time.perf_counter()
        while (spent := time.perf_counter() - start) < _SECONDS:
            connection.execute("INSERT INTO bare VALUES (1)")
            count += 1
        return count / spent


def _several(conninfo: str, entries: Sequence[Prepared], writers: int = 4) -> tuple[float, int]:
    from delegations.ledger.postgres import PostgresStore

    def write(store: PostgresStore) -> float:
        return _rate(store.append, entries, 1)

    stores = [PostgresStore(conninfo, is_writer=True) for _ in range(writers)]
    with ThreadPoolExecutor(writers) as threads:
        rate = sum(threads.map(write, stores))
    for store in stores:
        store.close()
    return rate, writers


@figure("bytes")
def ledger_proof_files() -> Parts:
    """What stands in a proof file beside the envelope, in a ledger of 10,000, and how long one takes to check (ms)."""
    from delegations.ledger.checkpoint import Checkpoint, sign_checkpoint
    from delegations.ledger.cose import make_cose_receipt, verify_cose_receipt
    from delegations.ledger.ledger import Ledger
    from delegations.ledger.proof_file import ProofFile, make_proof_file, verify_proof_file
    from tests.unit.ledger.notes import LOG, ORIGIN, private_key
    from tests.unit.ledger.papers import envelope_number

    envelopes = [envelope_number(number) for number in range(100)]
    with tempfile.TemporaryDirectory() as folder, Ledger.create(Path(folder) / "log.db", origin=ORIGIN) as ledger:
        for _ in range(100):
            ledger.append_many(envelopes, is_strict=False)
        record, head = ledger.read(4_321), ledger.head
        hashes = ledger.prove_inclusion(record.index)
    text = make_proof_file(record, hashes, sign_checkpoint(Checkpoint(ORIGIN, *head), LOG)).to_text()
    cose = make_cose_receipt(
        record.entry_bytes,
        record.index,
        head,
        hashes,
        private_key(1),
        origin=ORIGIN,
        subject=record.receipt_hash,
        issued_at=0,
    )
    checked = median_call(lambda: verify_proof_file(ProofFile.from_text(text), LOG.key), warm_up=20, count=200)
    cose_checked = median_call(lambda: verify_cose_receipt(cose, record.entry_bytes, LOG.key), warm_up=20, count=200)
    envelope = len(record.envelope_bytes)
    return [
        Measured(
            len(text) - -(-envelope // 3) * 4,
            of="a proof file",
            beside={"envelope": envelope, "check_ms": round(checked * 1e3, 3)},
        ),
        Measured(len(cose), of="a COSE Receipt", beside={"check_ms": round(cose_checked * 1e3, 3)}),
    ]


@figure("receipts/s")
def ledger_parquet_export() -> Measured:
    """Receipts written from a ledger to a Parquet file, each held against the tree on the way."""
    from delegations.ledger.ledger import Ledger
    from delegations.ledger.parquet import export_parquet
    from tests.unit.ledger.notes import ORIGIN
    from tests.unit.ledger.papers import envelope_number

    with tempfile.TemporaryDirectory() as folder, Ledger.create(Path(folder) / "log.db", origin=ORIGIN) as ledger:
        for first in range(0, 10_000, 1_000):
            ledger.append_many([envelope_number(number) for number in range(first, first + 1_000)], is_strict=False)
        target = Path(folder) / "out.parquet"
        start = time.perf_counter()
        count = export_parquet(ledger.records(), target, identity=ledger.identity, head=ledger.head)
        return Measured(
            count / (time.perf_counter() - start), beside={"bytes_each": round(target.stat().st_size / count)}
        )
