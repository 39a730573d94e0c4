"""Everything in the SQLite file of a ledger, for verification: also of a file that nothing else can open."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from caveats.errors import EngineError, VerificationError
from delegations.ledger.entry import StoredEnvelope
from delegations.ledger.sqlite_file import SCHEMA, Connect, connect, mapped, one_row, read_identity, require_ledger
from delegations.ledger.store import Filed, Identity
from delegations.ledger.tree import HASH_SIZE, Head

_AT_ONCE = 64  # rows of some kB each


class SqliteAudit:
    """A file as it was when this was entered, even while it is written to. The interface is `Audit`'s."""

    def __init__(self, path: Path, connect: Connect = connect) -> None:
        """Take note of the file; it is opened on entry."""
        self._path = path
        self._connect = connect
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        """Open the file. Raises EngineError when there is none, VerificationError when it is no ledger's."""
        if not self._path.is_file():
            raise EngineError(f"ledger {self._path}: there is no such file")
        with mapped(self._path):
            self._connection = self._connect(self._path, False)
            try:
                require_ledger(self._connection, self._path)
                self._connection.execute("BEGIN")
                self._connection.execute("SELECT 1 FROM sqlite_master LIMIT 1")  # from here on, one moment
            except BaseException:
                self._connection.close()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()

    def identity(self) -> Identity:
        """Return which ledger it is."""
        with mapped(self._path):
            return read_identity(self._opened, self._path)

    def find_faults(self) -> Iterator[str]:
        """Yield what SQLite finds wrong with its file, and whatever is not as it was made."""
        self.identity()
        found = {row[0] for row in self._rows("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
        known = {statement.encode() for statement in SCHEMA}
        for statement in sorted(known - found):
            yield f"the file lacks or has altered: {statement.decode()}"
        if found - known:
            yield "the file has tables, indexes or triggers that no ledger has"
        for (text,) in self._rows("PRAGMA integrity_check(20)"):
            if text != b"ok":
                yield f"SQLite: {text.decode(errors='replace')}"

    def head(self) -> Head:
        """Return the size and the root that were committed last."""
        with mapped(self._path):
            return read_head(self._opened, self._path)

    def heads(self) -> Iterator[Head]:
        """Yield every head that was ever committed, the smallest first."""
        for size, root in self._rows("SELECT size, root FROM head ORDER BY size"):
            yield Head(self._number(size, "head"), root)

    def filed(self) -> Iterator[Filed]:
        """Yield every entry with what it is filed under, in order of its index, whatever is missing between."""
        for row in self._rows("SELECT id, payload, signatures, time FROM entry ORDER BY id"):
            yield Filed(*row)

    def hashes(self) -> Iterator[tuple[int, object]]:
        """Yield position and hash of every complete subtree, in order of the position."""
        for place, digest in self._rows("SELECT id, hash FROM node ORDER BY id"):
            yield self._number(place, "node"), digest

    def missing_keys(self, index: int, keys: Sequence[int]) -> list[int]:
        """Return those of the keys that the entry is not filed under."""
        with mapped(self._path):
            find = "SELECT 1 FROM term WHERE key = ? AND entry = ?"
            return [key for key in keys if self._opened.execute(find, (key, index)).fetchone() is None]

    def count_keys(self) -> int:
        """Return how many keys are filed, over all entries."""
        with mapped(self._path):
            return int(one_row(self._opened, "SELECT count(*) FROM term")[0])

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise EngineError(f"ledger {self._path}: it is not open")
        return self._connection

    def _number(self, value: object, table: str) -> int:
        if not isinstance(value, int):  # a key can only be anything else when the table itself was altered
            raise VerificationError(f"ledger {self._path}: a row of {table} has no number")
        return value

    def _rows(self, statement: str) -> Iterator[Any]:
        with mapped(self._path):
            cursor = self._opened.execute(statement)
            while rows := cursor.fetchmany(_AT_ONCE):
                yield from rows


def read_head(connection: sqlite3.Connection, path: Path) -> Head:
    """Return the last head of a file. Raises VerificationError when it is not of the form."""
    size, root = one_row(connection, "SELECT size, root FROM head ORDER BY size DESC LIMIT 1")
    if not isinstance(size, int) or not isinstance(root, bytes) or len(root) != HASH_SIZE:
        raise VerificationError(f"ledger {path}: its last head is damaged")
    return Head(size, root)


def stored_envelope(row: Sequence[Any], path: Path) -> StoredEnvelope:
    """Return an entry from a row that begins with its index, payload and signatures."""
    index, payload, signatures = row[:3]
    if not isinstance(index, int) or not isinstance(payload, bytes) or not isinstance(signatures, bytes):
        raise VerificationError(f"ledger {path}: entry {index}: its bytes are damaged")
    return StoredEnvelope(index, payload, signatures)
