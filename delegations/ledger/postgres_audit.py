"""Everything in the PostgreSQL of a ledger, for verification: also of one that nothing else can open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, LiteralString, Self

from caveats.errors import VerificationError
from delegations.ledger.postgres_link import COLUMNS, FORMAT, NAMESPACE, Link
from delegations.ledger.store import Filed, Identity
from delegations.ledger.tree import HASH_SIZE, Head

if TYPE_CHECKING:
    from psycopg import Connection

LAST_HEAD: Final = "SELECT size, root FROM head ORDER BY size DESC LIMIT 1"
_SCAN_ROWS: Final = 500


class PostgresAudit:
    """A ledger as it was when this was made, even while it is written to. The interface is `Audit`'s."""

    def __init__(self, connection: Connection[Any], link: Link) -> None:
        """Begin the transaction that sees one moment; it ends with the connection."""
        self._connection = connection
        self._link = link
        self._scans = 0
        self._terms: Iterator[Any] | None = None
        self._terms_from = 0
        self._next_term: Any = None
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute("SELECT 1")  # from here on, one moment

    @classmethod
    @contextmanager
    def at(cls, conninfo: str, namespace: str = NAMESPACE) -> Iterator[Self]:
        """Give what a database has, whether or not it opens as a ledger. Raises as `PostgresStore`."""
        link = Link(conninfo, namespace)
        with link.separate() as connection:
            yield cls(connection, link)

    def identity(self) -> Identity:
        """Return which ledger it is."""
        with self._link.mapped():
            return read_identity(self._connection, self._link)

    def find_faults(self) -> Iterator[str]:
        """Yield what is not as it was made: a guard that is gone, a table of other columns."""
        self.identity()
        guarded = self._rows(
            "SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
            " WHERE relnamespace = current_schema::regnamespace"
            " AND tgname = 'append_only' AND tgenabled IN ('O', 'A')"
        )
        columns = self._rows(
            "SELECT table_name, column_name || ' ' || data_type FROM information_schema.columns"
            " WHERE table_schema = current_schema ORDER BY table_name, ordinal_position"
        )
        for table, made in COLUMNS.items():
            if (table,) not in guarded:
                yield f"the table {table} lacks the trigger that refuses changes, or it is switched off"
            found = [column for name, column in columns if name == table]
            if found != [f"{name} {kind}" for name, kind in made.items()]:
                yield f"the table {table} has other columns: {', '.join(found) or 'none'}"

    def head(self) -> Head:
        """Return the size and the root that were committed last."""
        return head_of(next(iter(self._rows(LAST_HEAD)), None), self._link)

    def heads(self) -> Iterator[Head]:
        """Yield every head that was ever committed, the smallest first."""
        for row in self._scan("heads", "SELECT size, root FROM head ORDER BY size"):
            yield Head(*row)

    def filed(self) -> Iterator[Filed]:
        """Yield every entry with what it is filed under, in order of its index, whatever is missing between."""
        for row in self._scan("filed", "SELECT id, payload, signatures, time FROM entry ORDER BY id"):
            yield Filed(*row)

    def hashes(self) -> Iterator[tuple[int, object]]:
        """Yield position and hash of every complete subtree, in order of the position."""
        yield from self._scan("hashes", "SELECT id, hash FROM node ORDER BY id")

    def missing_keys(self, index: int, keys: Sequence[int]) -> list[int]:
        """Return those of the keys that the entry is not filed under."""
        found = self._keys_of(index)
        return [key for key in keys if key not in found]

    def _keys_of(self, index: int) -> set[int]:
        """Return what an entry is filed under; asked for one entry after the other, all of it is read once."""
        if self._terms is None or index < self._terms_from:
            self._scans += 1
            self._terms = self._scan(f"terms{self._scans}", "SELECT entry, key FROM term ORDER BY entry")
            self._next_term = next(self._terms, None)
        self._terms_from = index + 1
        found = set()
        while self._next_term is not None and self._next_term[0] <= index:
            if self._next_term[0] == index:
                found.add(self._next_term[1])
            self._next_term = next(self._terms, None)
        return found

    def count_keys(self) -> int:
        """Return how many keys are filed, over all entries."""
        ((count,),) = self._rows("SELECT count(*) FROM term")
        return int(count)

    def _rows(self, statement: LiteralString, values: Sequence[Any] = ()) -> list[Any]:
        with self._link.mapped():
            return self._connection.execute(statement, values).fetchall()

    def _scan(self, name: str, statement: LiteralString) -> Iterator[Any]:
        # a cursor on the server: all rows at once would not fit
        with self._link.mapped(), self._connection.cursor(name) as cursor:
            cursor.itersize = _SCAN_ROWS
            yield from cursor.execute(statement, binary=True)


def read_identity(connection: Connection[Any], link: Link) -> Identity:
    """Return which ledger it is. Raises VerificationError for another format."""
    values = dict(connection.execute("SELECT name, value FROM ledger").fetchall())
    if values.get("format") != FORMAT or not {"origin", "ledger_id"} <= set(values):
        raise VerificationError(f"{link.name}: expected a ledger of format {FORMAT}")
    return Identity(values["origin"], values["ledger_id"])


def head_of(row: Any, link: Link) -> Head:
    """Return the head that a row tells. Raises VerificationError when there is no row, or it tells none."""
    if row is None or len(row[1]) != HASH_SIZE:
        raise VerificationError(f"{link.name}: its last head is missing or damaged")
    return Head(*row)
