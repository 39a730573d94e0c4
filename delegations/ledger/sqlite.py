"""The ledger in one SQLite file.

    entry  id = index, payload, signatures, time    what was appended
    node   id = position, hash                      the complete subtrees, leaves among them
    head   size, root                               one row a commit
    term   key, entry                               what entries are found by
    ledger name, value                              origin and id

A commit writes all of them in one transaction, in WAL mode with synchronous=FULL: when it has returned, the disk has
it. Nothing is ever updated or deleted, and triggers say so; what goes around them is found by verification.

Source: SQLite documentation, "Write-Ahead Logging" and "PRAGMA synchronous".
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from caveats.errors import EngineError, VerificationError
from delegations.ledger.entry import Prepared, StoredEnvelope
from delegations.ledger.lock import WriterLock
from delegations.ledger.sqlite_audit import SqliteAudit, read_head, stored_envelope
from delegations.ledger.sqlite_file import (
    Connect,
    all_rows,
    connect,
    create_file,
    insert_rows,
    mapped,
    one_row,
    read_identity,
    require_ledger,
)
from delegations.ledger.store import Audit, Identity, Kept, Wanted, find_fresh
from delegations.ledger.tree import HASH_SIZE, Frontier, Head, Node, count_nodes, cover, position

_CHUNK: Final = 400  # below the least number of variables a statement may have in any SQLite


class SqliteStore:
    """A ledger's file, open. The interface is `Store`'s."""

    def __init__(self, path: Path, *, is_writer: bool, connect: Connect = connect) -> None:
        """Open the file; a restart reads a few rows, however long the ledger is.

        Args:
            path: made by `create_file`.
            is_writer: whether entries are going to be appended.
            connect: opens a connection, for writing or not; tests put a faulty one here.

        Raises:
            EngineError: there is no such file, it cannot be read, or another writer has it.
            VerificationError: it is damaged, or no ledger.
        """
        self.path = path
        self._connect = connect
        self._process = os.getpid()
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._frontier: Frontier | None = None
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        if not path.is_file():
            raise EngineError(f"ledger {path}: there is no such file", hint="make one first")
        self._lock = WriterLock(path) if is_writer else None
        try:
            with mapped(path):
                if is_writer:  # first: it recovers what a crash left behind
                    self._writer = connect(path, True)
                    require_ledger(self._writer, path)
                    self._frontier = self._load(self._writer)
                self._reader = connect(path, False)
                require_ledger(self._reader, path)
                self._identity = read_identity(self._reader, path)
                self._reader.execute("BEGIN")  # one moment of a file that another process may be writing to
                self._load(self._reader)
                self._reader.execute("COMMIT")
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, path: Path, identity: Identity) -> Self:
        """Return the store of a new file, open for writing. Raises EngineError when there is a file already."""
        create_file(path, identity)
        return cls(path, is_writer=True)

    @property
    def identity(self) -> Identity:
        """Which ledger it is."""
        return self._identity

    def head(self) -> Head:
        """Return the size and the root that were committed last."""
        with self._reading, mapped(self.path):
            return read_head(self._open_reader(), self.path)

    def append(self, entries: Sequence[Prepared]) -> Head:
        """Keep the entries; return the head after them, once the disk has them. See `Store.append`."""
        with self._turn() as (writer, frontier):
            self._insert(writer, frontier, entries)
        return frontier.head

    def append_new(self, entries: Sequence[Prepared]) -> list[Kept]:
        """Keep those of the entries that are not there yet; return where each is. See `Store.append_new`."""
        with self._turn() as (writer, frontier):
            fresh, kept = find_fresh(entries, [self._place_of(writer, entry) for entry in entries], frontier.size)
            self._insert(writer, frontier, fresh)
        return kept

    @contextmanager
    def _turn(self) -> Iterator[tuple[sqlite3.Connection, Frontier]]:
        """Give the tree's edge, to insert what follows it; all of it is durable afterwards, or none is there."""
        with self._writing, mapped(self.path):
            writer = self._open_writer()
            try:
                writer.execute("BEGIN IMMEDIATE")
                frontier = self._frontier.copy() if self._frontier is not None else self._load(writer)
                self._require_alone(writer, frontier)
                yield writer, frontier
                writer.execute("COMMIT")
                self._frontier = frontier
            except BaseException:
                self._frontier = None  # what is there is read again: a failed commit may be there or not
                with suppress(sqlite3.Error):
                    writer.rollback()
                raise

    def _place_of(self, writer: sqlite3.Connection, entry: Prepared) -> int | None:
        """Return the index under which the very same envelope is kept, the first if there are several."""
        row = writer.execute(
            "SELECT entry.id FROM term JOIN entry ON entry.id = term.entry"
            " WHERE term.key = ? AND entry.signatures = ? AND entry.payload = ? ORDER BY term.entry LIMIT 1",
            (entry.keys[0], entry.signatures, entry.payload),
        ).fetchone()
        if row is None:
            return None
        if self._fetch(writer, [Node(0, row[0])]) != [entry.leaf]:
            raise VerificationError(f"ledger {self.path}: entry {row[0]}: its bytes do not hash to its leaf")
        return int(row[0])

    def _require_alone(self, writer: sqlite3.Connection, frontier: Frontier) -> None:
        if read_head(writer, self.path).size != frontier.size:
            raise EngineError(f"ledger {self.path}: somebody else has written to it", hint="open it again")

    def _insert(self, writer: sqlite3.Connection, frontier: Frontier, entries: Sequence[Prepared]) -> None:
        first, first_node = frontier.size, count_nodes(frontier.size)
        rows: list[object] = []
        terms: list[object] = []
        nodes: list[object] = []
        for index, entry in enumerate(entries, start=first):
            rows += (index, entry.payload, entry.signatures, entry.time)
            for key in entry.keys:
                terms += (key, index)
            for digest in frontier.append(entry.leaf):
                nodes += (first_node, digest)
                first_node += 1
        insert_rows(writer, "entry", 4, rows)
        insert_rows(writer, "node", 2, nodes)
        insert_rows(writer, "term", 2, terms)
        if entries:
            writer.execute("INSERT INTO head VALUES (?, ?)", frontier.head)

    def read(self, start: int, stop: int) -> list[StoredEnvelope]:
        """Return the entries from start up to stop, as far as they exist, in order."""
        with self._reading, mapped(self.path):
            rows = all_rows(
                self._open_reader(),
                "SELECT id, payload, signatures FROM entry WHERE id >= ? AND id < ? ORDER BY id",
                (start, stop),
            )
            return [stored_envelope(row, self.path) for row in rows]

    def fetch(self, nodes: Sequence[Node]) -> list[bytes]:
        """Return the hashes of complete subtrees, in the order they are asked for."""
        with self._reading, mapped(self.path):
            return self._fetch(self._open_reader(), nodes)

    def find(self, wanted: Wanted) -> list[StoredEnvelope]:
        """Return the entries that are filed under all that is wanted, in order of their index."""
        statement, values = _search(wanted)
        with self._reading, mapped(self.path):
            return [stored_envelope(row, self.path) for row in all_rows(self._open_reader(), statement, values)]

    def close(self) -> None:
        """Let go of everything; a second time does nothing."""
        with self._writing, self._reading:
            for connection in (self._reader, self._writer):
                if connection is not None:
                    with suppress(sqlite3.Error):  # a damaged file cannot be checkpointed, and need not be
                        connection.close()
            self._reader = self._writer = None
            if self._lock is not None:
                self._lock.release()

    @contextmanager
    def audit(self) -> Iterator[Audit]:
        """Give everything that is kept, as it is now, for verification."""
        with SqliteAudit(self.path, self._connect) as audit:
            yield audit

    def _load(self, connection: sqlite3.Connection) -> Frontier:
        """Return the right edge of the tree, and see that it is that of the last head."""
        head = read_head(connection, self.path)
        (entries,) = one_row(connection, "SELECT coalesce(max(id), -1) + 1 FROM entry")
        (nodes,) = one_row(connection, "SELECT coalesce(max(id), -1) + 1 FROM node")
        if (entries, nodes) != (head.size, count_nodes(head.size)):
            raise VerificationError(
                f"ledger {self.path}: expected {head.size} entries and {count_nodes(head.size)} hashes, "
                f"got {entries} and {nodes}"
            )
        frontier = Frontier(head.size, self._fetch(connection, cover(0, head.size)))
        if frontier.root != head.root:
            raise VerificationError(f"ledger {self.path}: its hashes do not lead to the root that was committed")
        return frontier

    def _fetch(self, connection: sqlite3.Connection, nodes: Sequence[Node]) -> list[bytes]:
        places = [position(node) for node in nodes]
        found: dict[int, bytes] = {}
        for start in range(0, len(places), _CHUNK):
            chunk = places[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            statement = f"SELECT id, hash FROM node WHERE id IN ({marks})"  # noqa: S608  # only question marks
            found.update(all_rows(connection, statement, chunk))
        for node, place in zip(nodes, places, strict=True):
            digest = found.get(place)
            if not isinstance(digest, bytes) or len(digest) != HASH_SIZE:
                raise VerificationError(f"ledger {self.path}: the hash of {node} is missing or damaged")
        return [found[place] for place in places]

    def _open_reader(self) -> sqlite3.Connection:
        if self._reader is None:
            raise EngineError(f"ledger {self.path}: it is closed")
        return self._reader

    def _open_writer(self) -> sqlite3.Connection:
        if self._process != os.getpid():
            raise EngineError(f"ledger {self.path}: it was opened before this process was forked off")
        if self._writer is None:
            text = "it is closed" if self._reader is None else "it is open for reading only"
            raise EngineError(f"ledger {self.path}: {text}")
        return self._writer


def _search(wanted: Wanted) -> tuple[str, list[int]]:
    """Return the statement for a search, and its values."""
    values: list[int] = []
    if wanted.keys:
        first, *others = wanted.keys
        clauses = ["term.key = ?", "term.entry >= ?"]
        values += [first, wanted.start]
        for key in others:
            clauses.append("EXISTS (SELECT 1 FROM term AS other WHERE other.key = ? AND other.entry = term.entry)")
            values.append(key)
        source, column = "term JOIN entry ON entry.id = term.entry", "term.entry"
    else:
        # by the index on the time, if that is asked for: the entries themselves are large
        by_time = wanted.since is not None or wanted.until is not None
        source, column = "entry INDEXED BY entry_time" if by_time else "entry", "entry.id"
        clauses = ["entry.id >= ?"]
        values.append(wanted.start)
        if by_time:
            clauses.append("entry.time IS NOT NULL")
    for bound, comparison in ((wanted.since, ">="), (wanted.until, "<")):
        if bound is not None:
            clauses.append(f"entry.time {comparison} ?")
            values.append(bound)
    where = " AND ".join(clauses)
    chosen = f"SELECT {column} FROM {source} WHERE {where} ORDER BY {column} LIMIT ?"  # noqa: S608  # no foreign text
    statement = f"SELECT id, payload, signatures FROM entry WHERE id IN ({chosen}) ORDER BY id"  # noqa: S608  # the same
    return statement, [*values, wanted.limit]
