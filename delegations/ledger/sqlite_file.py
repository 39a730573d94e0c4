"""The SQLite file of a ledger: its tables, how it is made and opened, and what its errors mean in our words."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from caveats.errors import EngineError, VerificationError, abbreviate
from delegations.ledger.lock import WriterLock, sync_file
from delegations.ledger.store import Identity
from delegations.ledger.tree import EMPTY_ROOT

Connect = Callable[[Path, bool], sqlite3.Connection]
"""Opens a connection to a file, for writing or not."""
APPLICATION_ID: Final = 0x37373130
"""In the file's header, where `file` and the like look for it: "7710"."""
FORMAT: Final = 1
_TABLES: Final = ("ledger", "entry", "node", "head", "term")
SCHEMA: Final = (
    "CREATE TABLE ledger (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE entry (id INTEGER PRIMARY KEY, payload BLOB NOT NULL, signatures BLOB NOT NULL, time INTEGER)",
    "CREATE INDEX entry_time ON entry (time) WHERE time IS NOT NULL",
    "CREATE TABLE node (id INTEGER PRIMARY KEY, hash BLOB NOT NULL)",
    "CREATE TABLE head (size INTEGER PRIMARY KEY, root BLOB NOT NULL)",
    "CREATE TABLE term (key INTEGER NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (key, entry)) WITHOUT ROWID",
    *(
        f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'a ledger is only appended to'); END"
        for table in _TABLES
        for verb in ("UPDATE", "DELETE")
    ),
)
_PAGE_SIZE = 8192
# pages of the write-ahead log after which it is carried over into the file: 32 MiB
_CHECKPOINT = 4096
# a batch that does not fit is written twice
_CACHE_KIB = 65_536
_BUSY_SECONDS = 10
# variables in a statement: any SQLite takes 999
_MANY: Final = 960
_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_SHORT_READ", "SQLITE_FORMAT", "SQLITE_TOOBIG")


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into the house's errors."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorname", type(error).__name__)  # what the module raises itself has none
        text = abbreviate(str(error))
        if code.startswith(_DAMAGE) or "malformed" in text or "no such table" in text or "no such column" in text:
            raise VerificationError(f"ledger {path}: the file is damaged: {text} ({code})") from error
        if code == "SQLITE_FULL":
            raise EngineError(f"ledger {path}: the disk or the file is full; nothing of this was kept") from error
        raise EngineError(f"ledger {path}: {text} ({code})") from error
    except (OverflowError, MemoryError, UnicodeDecodeError) as error:  # a length or a text that damage made up
        raise VerificationError(f"ledger {path}: the file is damaged: {type(error).__name__}") from error


def connect(path: Path, is_writer: bool) -> sqlite3.Connection:
    """Return a connection that leaves transactions to us and gives text as bytes: damage need not be UTF-8."""
    mode = "rw" if is_writer else "ro"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.text_factory = bytes
    if is_writer:
        try:
            for pragma in (
                "synchronous = FULL",
                "fullfsync = ON",
                f"wal_autocheckpoint = {_CHECKPOINT}",
                f"cache_size = -{_CACHE_KIB}",
                "secure_delete = OFF",  # on in some builds; it overwrites what is deleted, and nothing ever is
            ):
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            connection.close()
            raise
    return connection


def create_file(path: Path, identity: Identity) -> None:
    """Make the file of a new ledger: as a whole, or not at all.

    Raises:
        EngineError: there is a file already, or it cannot be made.
    """
    try:
        lock = WriterLock(path)
    except EngineError:
        if not path.parent.is_dir():
            raise EngineError(f"ledger {path}: there is no directory {path.parent}") from None
        raise
    made = path.with_name(path.name + ".new")
    try:
        for there in (path, *_beside(path)):  # a log without its file would be read into the new one
            if there.exists():
                hint = "open it, or choose another path" if there == path else "it was left over: move it away"
                raise EngineError(f"ledger {path}: there is such a file already: {there.name}", hint=hint)
        _remove(made)
        with mapped(path), closing(sqlite3.connect(made, isolation_level=None)) as connection:
            _fill(connection, identity)
        made.replace(path)
        sync_file(path)
    except OSError as error:
        raise EngineError(f"ledger {path}: cannot make it: {error.strerror}") from error
    finally:
        with suppress(OSError):
            _remove(made)
        lock.release()


def _beside(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", "-journal"))


def _remove(path: Path) -> None:
    for file in (path, *_beside(path)):
        file.unlink(missing_ok=True)


def _fill(connection: sqlite3.Connection, identity: Identity) -> None:
    for pragma in (f"page_size = {_PAGE_SIZE}", "journal_mode = WAL", "synchronous = FULL", "fullfsync = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN IMMEDIATE")
    for statement in SCHEMA:
        connection.execute(statement)
    values = {**identity._asdict(), "sha256": _digest(identity)}
    connection.executemany("INSERT INTO ledger VALUES (?, ?)", values.items())
    connection.execute("INSERT INTO head VALUES (0, ?)", (EMPTY_ROOT,))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def require_ledger(connection: sqlite3.Connection, path: Path) -> None:
    """Raise VerificationError unless the file is a ledger of this format."""
    (application,) = one_row(connection, "PRAGMA application_id")
    (version,) = one_row(connection, "PRAGMA user_version")
    if (application, version) != (APPLICATION_ID, FORMAT):
        raise VerificationError(
            f"ledger {path}: expected a ledger of format {FORMAT}, got an SQLite file of application {application}, "
            f"version {version}"
        )
    (journal,) = one_row(connection, "PRAGMA journal_mode")
    if journal != b"wal":
        raise VerificationError(f"ledger {path}: expected journal mode wal, got {abbreviate(journal)}")


def read_identity(connection: sqlite3.Connection, path: Path) -> Identity:
    """Return which ledger the file holds."""
    values = dict(all_rows(connection, "SELECT name, value FROM ledger"))
    try:
        identity = Identity(values[b"origin"].decode(), values[b"ledger_id"].decode())
        is_whole = values[b"sha256"] == _digest(identity).encode() and len(values) == 3
    except (KeyError, AttributeError, UnicodeDecodeError):
        is_whole = False
    if not is_whole:
        raise VerificationError(f"ledger {path}: its origin or its id is missing or damaged")
    return identity


def _digest(identity: Identity) -> str:
    return hashlib.sha256("\n".join(identity).encode()).hexdigest()


def one_row(connection: sqlite3.Connection, statement: str) -> tuple[Any, ...]:
    """Return the one row of a statement."""
    row: tuple[Any, ...] | None = connection.execute(statement).fetchone()
    if row is None:
        raise sqlite3.DatabaseError("malformed: a row that every ledger has is missing")
    return row


def all_rows(connection: sqlite3.Connection, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Return all rows of a statement."""
    return connection.execute(statement, values).fetchall()


def insert_rows(connection: sqlite3.Connection, table: str, width: int, values: Sequence[Any]) -> None:
    """Insert rows of so many columns, their values given one after the other.

    Many rows go in a statement: between two statements the interpreter may turn to another thread, and a writer that
    had to wait for it after each row would hardly get on.
    """
    row = f"({', '.join('?' * width)})"
    at, size = 0, _MANY // width * width
    many = f"INSERT INTO {table} VALUES {', '.join([row] * (_MANY // width))}"  # noqa: S608  # only question marks
    while len(values) - at >= size:
        connection.execute(many, values[at : at + size])
        at += size
    rest = (values[start : start + width] for start in range(at, len(values), width))
    connection.executemany(f"INSERT INTO {table} VALUES {row}", rest)  # noqa: S608  # the same
