"""The ledger in PostgreSQL, for several writers on several machines.

The tables are those of the SQLite file. Writers take turns: each transaction first takes an advisory lock, then reads
the last head, so that an index is given once and the tree goes on from where it is. The lock goes with the transaction:
a writer that dies in it leaves nothing behind, and the next one has its turn at once. Should the lock ever fail, the
primary keys refuse a second entry of the same index.

Needs the extra `postgres`.

Source: PostgreSQL documentation, "Advisory Locks", "Read Committed Isolation Level", "synchronous_commit".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from caveats.errors import EngineError, TransportError, VerificationError
from delegations.ledger.entry import Prepared, StoredEnvelope
from delegations.ledger.postgres_audit import LAST_HEAD, PostgresAudit, head_of, read_identity
from delegations.ledger.postgres_link import FORMAT, NAMESPACE, Link, statements
from delegations.ledger.store import Audit, Identity, Kept, Wanted, find_fresh
from delegations.ledger.tree import EMPTY_ROOT, HASH_SIZE, Frontier, Head, Node, advance, count_nodes, cover, position

if TYPE_CHECKING:
    from psycopg import Connection

_LOCKS: Final = 0x37373130
"""The class of our advisory locks: "7710", as in the header of the SQLite file."""
_NEWER: Final = 512
"""So many hashes of other writers are read in passing; after more, the edge is read anew."""


class PostgresStore:
    """A ledger in a schema of a PostgreSQL database. The interface is `Store`'s."""

    def __init__(self, conninfo: str, *, is_writer: bool, namespace: str = NAMESPACE) -> None:
        """Open it; reads a few rows, however long the ledger is.

        Args:
            conninfo: a connection string or URL, as libpq takes it; what it leaves out comes from PGHOST and the like.
            is_writer: whether entries are going to be appended.
            namespace: the schema that the ledger is in.

        Raises:
            TransportError: the server cannot be reached.
            EngineError: it runs so that what it acknowledges can be lost.
            VerificationError: no ledger is there, or it is damaged.
            EncodingError, UnsupportedError: no connection string, or the extra is not installed.
        """
        self._is_writer = is_writer
        self._frontier: Frontier | None = None
        turn = int.from_bytes(hashlib.sha256(namespace.encode()).digest()[:4], signed=True)
        self._begin = (
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
            f"SELECT pg_advisory_xact_lock({_LOCKS}, {turn});{LAST_HEAD};"
        )
        self._writing, self._reading = Link(conninfo, namespace), Link(conninfo, namespace)
        self.name = self._reading.name
        try:
            with self._reading.use() as connection:
                self._identity = read_identity(connection, self._reading)
                self._load(connection)
                if is_writer:
                    self._reading.require_durable(connection)
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, conninfo: str, identity: Identity, *, namespace: str = NAMESPACE) -> Self:
        """Return the store of a new ledger, open for writing. Raises EngineError when there is one already."""
        link = Link(conninfo, namespace)
        try:
            with link.use() as connection:
                if connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (namespace,)).fetchone():
                    raise EngineError(
                        f"{link.name}: there is a schema {namespace} already", hint="open it, or name another"
                    )
                with connection.transaction():
                    for statement in statements(namespace):
                        connection.execute(statement)
                    for row in (("format", FORMAT), *identity._asdict().items()):
                        connection.execute("INSERT INTO ledger VALUES (%s, %s)", row)
                    connection.execute("INSERT INTO head VALUES (0, %s)", (EMPTY_ROOT,))
        finally:
            link.close()
        return cls(conninfo, is_writer=True, namespace=namespace)

    @property
    def identity(self) -> Identity:
        """Which ledger it is."""
        return self._identity

    def head(self) -> Head:
        """Return the size and the root that were committed last."""
        with self._reading.use() as connection:
            return head_of(connection.execute(LAST_HEAD).fetchone(), self._reading)

    def append(self, entries: Sequence[Prepared]) -> Head:
        """Keep the entries; return the head after them, once the server's disk has them. See `Store.append`."""
        with self._turn() as (connection, frontier):
            self._insert(connection, frontier, entries)
        return frontier.head

    def append_new(self, entries: Sequence[Prepared]) -> list[Kept]:
        """Keep those of the entries that are not there yet; return where each is. See `Store.append_new`."""
        with self._turn() as (connection, frontier):
            fresh, kept = find_fresh(entries, self._places_of(connection, entries), frontier.size)
            self._insert(connection, frontier, fresh)
        return kept

    @contextmanager
    def _turn(self) -> Iterator[tuple[Connection[Any], Frontier]]:
        """Give the tree's edge once it is this writer's turn; `_insert` ends the turn."""
        if not self._is_writer:
            raise EngineError(f"{self.name}: it is open for reading only")
        try:
            with self._writing.use() as connection:
                known, self._frontier = self._frontier, None  # a commit that fails may be there or not
                frontier = self._follow(connection, known)
                yield connection, frontier
                self._frontier = frontier
        except TransportError as error:
            # the answer to a commit may be what was lost
            raise TransportError(str(error), hint="look for the entries before they are appended again") from error

    def _follow(self, connection: Connection[Any], known: Frontier | None) -> Frontier:
        """Wait for the turn and return the tree's edge; what others have added since is read with the same question."""
        start = 0 if known is None else count_nodes(known.size)
        newer = f"SELECT id, hash FROM node WHERE id >= {start} ORDER BY id LIMIT {_NEWER if known else 0}"  # noqa: S608  # numbers
        cursor = connection.execute(self._begin + newer)
        cursor.nextset()
        cursor.nextset()
        head = head_of(cursor.fetchone(), self._writing)
        cursor.nextset()
        frontier = known and advance(known, dict(cursor.fetchall()), head.size)
        return frontier if frontier and frontier.head == head else self._load(connection)

    def _places_of(self, connection: Connection[Any], entries: Sequence[Prepared]) -> list[int | None]:
        """Return the index under which each very same envelope is kept, the first if there are several."""
        rows = connection.execute(
            "SELECT place - 1, min(entry.id) FROM"
            " unnest(%b::bigint[], %b::bytea[], %b::bytea[]) WITH ORDINALITY AS wanted (key, digest, signatures, place)"
            " JOIN term ON term.key = wanted.key JOIN entry ON entry.id = term.entry"
            " WHERE entry.signatures = wanted.signatures AND sha256(entry.payload) = wanted.digest GROUP BY place",
            (
                [entry.keys[0] for entry in entries],
                [hashlib.sha256(entry.payload).digest() for entry in entries],
                [entry.signatures for entry in entries],
            ),
        ).fetchall()
        found: dict[int, int] = dict(rows)
        leaves = self._fetch(connection, [Node(0, index) for index in found.values()])
        for (place, index), leaf in zip(found.items(), leaves, strict=True):
            if leaf != entries[place].leaf:
                raise VerificationError(f"{self.name}: entry {index}: its bytes do not hash to its leaf")
        return [found.get(place) for place in range(len(entries))]

    def _insert(self, connection: Connection[Any], frontier: Frontier, entries: Sequence[Prepared]) -> None:
        first, first_node = frontier.size, count_nodes(frontier.size)
        hashes = [digest for entry in entries for digest in frontier.append(entry.leaf)]
        terms = [(key, index) for index, entry in enumerate(entries, start=first) for key in entry.keys]
        with connection.pipeline():
            if entries:
                connection.execute(
                    "WITH entries AS (INSERT INTO entry SELECT * FROM"
                    " unnest(%b::bigint[], %b::bytea[], %b::bytea[], %b::bigint[])),"
                    " nodes AS (INSERT INTO node SELECT * FROM unnest(%b::bigint[], %b::bytea[])),"
                    " terms AS (INSERT INTO term SELECT * FROM unnest(%b::bigint[], %b::bigint[]))"
                    " INSERT INTO head VALUES (%b, %b)",
                    (
                        list(range(first, first + len(entries))),
                        [entry.payload for entry in entries],
                        [entry.signatures for entry in entries],
                        [entry.time for entry in entries],
                        list(range(first_node, first_node + len(hashes))),
                        hashes,
                        [key for key, _ in terms],
                        [index for _, index in terms],
                        *frontier.head,
                    ),
                )
            connection.execute("COMMIT")

    def read(self, start: int, stop: int) -> list[StoredEnvelope]:
        """Return the entries from start up to stop, as far as they exist, in order."""
        return self._stored(
            "SELECT id, payload, signatures FROM entry WHERE id >= %s AND id < %s ORDER BY id",
            (start, stop),
        )

    def fetch(self, nodes: Sequence[Node]) -> list[bytes]:
        """Return the hashes of complete subtrees, in the order they are asked for."""
        with self._reading.use() as connection:
            return self._fetch(connection, nodes)

    def find(self, wanted: Wanted) -> list[StoredEnvelope]:
        """Return the entries that are filed under all that is wanted, in order of their index."""
        clauses, values = ["entry.id >= %s"], [wanted.start]
        for key in wanted.keys:
            clauses.append("EXISTS (SELECT 1 FROM term WHERE term.key = %s AND term.entry = entry.id)")
            values.append(key)
        for bound, comparison in ((wanted.since, ">="), (wanted.until, "<")):
            if bound is not None:
                clauses.append(f"entry.time {comparison} %s")
                values.append(bound)
        where = " AND ".join(clauses)
        statement = f"SELECT id, payload, signatures FROM entry WHERE {where} ORDER BY id LIMIT %s"  # noqa: S608  # no foreign text
        return self._stored(statement, (*values, wanted.limit))

    def close(self) -> None:
        """Let go of everything; a second time does nothing."""
        self._writing.close()
        self._reading.close()

    @contextmanager
    def audit(self) -> Iterator[Audit]:
        """Give everything that is kept, as it is now, for verification."""
        with self._reading.separate() as connection:
            yield PostgresAudit(connection, self._reading)

    def _load(self, connection: Connection[Any]) -> Frontier:
        """Return the right edge of the tree, and see that it is that of the last head."""
        row = connection.execute(  # one statement: one moment, whoever else is writing
            "SELECT size, root, (SELECT coalesce(max(id) + 1, 0) FROM entry),"
            " (SELECT coalesce(max(id) + 1, 0) FROM node) FROM head ORDER BY size DESC LIMIT 1"
        ).fetchone()
        head = head_of(row and row[:2], self._reading)
        entries, nodes = row[2:] if row else (0, 0)
        if (entries, nodes) != (head.size, count_nodes(head.size)):
            raise VerificationError(
                f"{self.name}: expected {head.size} entries and {count_nodes(head.size)} hashes, "
                f"got {entries} and {nodes}"
            )
        frontier = Frontier(head.size, self._fetch(connection, cover(0, head.size)))
        if frontier.root != head.root:
            raise VerificationError(f"{self.name}: its hashes do not lead to the root that was committed")
        return frontier

    def _fetch(self, connection: Connection[Any], nodes: Sequence[Node]) -> list[bytes]:
        places = [position(node) for node in nodes]
        rows = connection.execute("SELECT id, hash FROM node WHERE id = ANY(%s)", (places,)).fetchall()
        found = dict(rows)
        for node, place in zip(nodes, places, strict=True):
            if len(found.get(place, b"")) != HASH_SIZE:
                raise VerificationError(f"{self.name}: the hash of {node} is missing or damaged")
        return [found[place] for place in places]

    def _stored(self, statement: str, values: Sequence[Any]) -> list[StoredEnvelope]:
        with self._reading.use() as connection:
            return [StoredEnvelope(*row) for row in connection.execute(statement, values, binary=True).fetchall()]
