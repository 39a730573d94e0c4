"""Signed receipts to fill a ledger with, and ways around its triggers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope

from delegations.ledger.ledger import Ledger
from delegations.receipts import Receipt
from delegations.receipts.envelope import sign_receipt
from tests.unit.receipts import makers as deeds

ORIGIN = "ledger.example/agents"
LEDGER_ID = "0123456789abcdef" * 2
ISSUER = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)


class Sealed(NamedTuple):
    """A receipt and the envelope it is signed in."""

    receipt: Receipt
    envelope: Envelope


def seal(receipt: Receipt) -> Sealed:
    """The receipt, signed."""
    return Sealed(receipt, sign_receipt(receipt, ISSUER))


@cache
def every_kind() -> dict[str, Sealed]:
    """A signed receipt of each kind, by its kind."""
    return {kind: seal(receipt) for kind, receipt in deeds.every_kind().items()}


@cache
def _base() -> Receipt:
    return deeds.executed()


@cache
def chained(count: int) -> tuple[Sealed, ...]:
    """So many signed receipts of one agent, each naming the one before."""
    made: list[Sealed] = []
    for _ in range(count):
        prev = made[-1].receipt.hash if made else None
        made.append(seal(_base().model_copy(update={"prev": prev})))
    return tuple(made)


def make_ledger(path: Path, count: int, *, group: int = 3) -> None:
    """A closed ledger of `count` chained receipts, committed in groups."""
    sealed = chained(count)
    with Ledger.create(path, origin=ORIGIN, ledger_id=LEDGER_ID) as ledger:
        for start in range(0, count, group):
            part = sealed[start : start + group]
            ledger.append_many([s.envelope for s in part], [s.receipt for s in part])


@contextmanager
def around_the_triggers(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection on which rows can be changed; the triggers are there again in the end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, statement in triggers:
            connection.execute(statement)
