"""Connections to the PostgreSQL of a ledger: its tables, and what its errors mean in our words."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from caveats.errors import DelegationsError, EncodingError, EngineError, TransportError, VerificationError, abbreviate
from delegations.ledger.extras import load_extra

if TYPE_CHECKING:
    from psycopg import Connection

NAMESPACE: Final = "delegations_ledger"
"""The schema of the database that a ledger is in, unless another is named."""
FORMAT: Final = "1"
COLUMNS: Final = {
    "ledger": {"name": "text", "value": "text"},
    "entry": {"id": "bigint", "payload": "bytea", "signatures": "bytea", "time": "bigint"},
    "node": {"id": "bigint", "hash": "bytea"},
    "head": {"size": "bigint", "root": "bytea"},
    "term": {"key": "bigint", "entry": "bigint"},
}
_KEYS = {"term": "key, entry"}
_NAMESPACE = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")
_TURN_SECONDS: Final = 60
_CONNECT_SECONDS: Final = 10
# a class of SQLSTATE each; see the appendix "PostgreSQL Error Codes"
_DAMAGE = ("XX001", "XX002")
_FULL = ("53100",)
_UNKNOWN_PLACE = ("42P01", "3F000", "42703")
_WAITED = ("55P03",)


def statements(namespace: str) -> list[str]:
    """Return what makes the tables of a ledger, and keeps them from being changed."""
    made = [f"CREATE SCHEMA {namespace}"]
    for table, kinds in COLUMNS.items():
        columns = ", ".join(f"{name} {kind} {'' if name == 'time' else 'NOT NULL'}" for name, kind in kinds.items())
        made.append(f"CREATE TABLE {table} ({columns}, PRIMARY KEY ({_KEYS.get(table, next(iter(kinds)))}))")
    made += [
        # receipts are larger than a row may be, and compressing each costs more than the disk it saves
        "ALTER TABLE entry ALTER payload SET STORAGE EXTERNAL",
        "CREATE INDEX entry_time ON entry (time) WHERE time IS NOT NULL",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'a ledger is only appended to'; END $$",
    ]
    made += [
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} EXECUTE FUNCTION refuse()"
        for table in COLUMNS
    ]
    return made


def require_namespace(namespace: str) -> str:
    """Return the name of a schema. Raises EncodingError for one that would have to be quoted."""
    if not _NAMESPACE.match(namespace):
        raise EncodingError.of(
            "ledger's schema", expected="lower-case letters, digits and _, a letter first", got=namespace
        )
    return namespace


class Link:
    """One connection, made when it is first used and again after it was lost. One thread uses it at a time."""

    def __init__(self, conninfo: str, namespace: str) -> None:
        """Take the connection string and the schema in which names are looked up.

        Raises:
            EncodingError: it is none, or the name of the schema would have to be quoted.
            UnsupportedError: the extra `postgres` is not installed.
        """
        self._namespace = require_namespace(namespace)
        self._psycopg = load_extra("psycopg", extra="postgres", what="PostgreSQL ledger")
        try:
            parts = self._psycopg.conninfo.conninfo_to_dict(conninfo)
        except self._psycopg.Error as error:
            # what the library says quotes the string, and a password may be in it
            raise EncodingError(
                "PostgreSQL ledger: expected a connection string such as postgresql:///mydata"
            ) from error
        self._conninfo = self._psycopg.conninfo.make_conninfo(
            conninfo,
            **{"connect_timeout": _CONNECT_SECONDS, "application_name": "delegations ledger", **parts},
        )
        self.name = f"ledger in PostgreSQL {parts.get('host', 'localhost')}/{parts.get('dbname', '')}"
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._connection: Connection[Any] | None = None
        self._is_closed = False

    @contextmanager
    def use(self) -> Iterator[Connection[Any]]:
        """Yield the connection, outside any transaction; nobody else has it meanwhile.

        Raises:
            TransportError: the server cannot be reached, or the connection was lost.
            EngineError: closed, opened before a fork, or the server could not do it.
            VerificationError: what the server has is damaged, or is no ledger.
        """
        with self._lock:
            if self._process != os.getpid():
                raise EngineError(f"{self.name}: it was opened before this process was forked off")
            if self._is_closed:
                raise EngineError(f"{self.name}: it is closed")
            try:
                if self._connection is None:
                    self._connection = self.connect()
                yield self._connection
            except self._psycopg.Error as error:
                self._settle()
                raise self.in_our_words(error) from error
            except BaseException:
                self._settle()
                raise

    def connect(self) -> Connection[Any]:
        """Return a connection of its own, which leaves transactions to us. Raises psycopg's errors."""
        connection: Connection[Any] = self._psycopg.connect(self._conninfo, autocommit=True)
        try:
            connection.execute(f"SET search_path = {self._namespace}")
            connection.execute(f"SET lock_timeout = '{_TURN_SECONDS}s'")
            connection.execute(f"SET idle_in_transaction_session_timeout = '{_TURN_SECONDS}s'")
            if connection.execute("SHOW synchronous_commit").fetchone() == ("off",):
                connection.execute("SET synchronous_commit = on")
        except BaseException:
            connection.close()
            raise
        return connection

    def require_durable(self, connection: Connection[Any]) -> None:
        """Raise EngineError when the server acknowledges what its disk does not have yet."""
        if connection.execute("SHOW fsync").fetchone() != ("on",):
            raise EngineError(f"{self.name}: the server runs with fsync off: what it acknowledges can be lost")

    @contextmanager
    def separate(self) -> Iterator[Connection[Any]]:
        """Yield a connection of its own, and close it. Raises as `use`."""
        with self.mapped(), self.connect() as connection:
            yield connection

    @contextmanager
    def mapped(self) -> Iterator[None]:
        """Turn what psycopg raises into the house's errors."""
        try:
            yield
        except self._psycopg.Error as error:
            raise self.in_our_words(error) from error

    def close(self) -> None:
        """Let go of the connection; a second time does nothing."""
        with self._lock:
            self._is_closed = True
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def in_our_words(self, error: Any) -> DelegationsError:
        """Return the error of the house for one of psycopg's."""
        code = error.sqlstate or ""
        # for a connection, the addresses that were tried come first
        text = abbreviate(str(error).partition("\n")[0].rpartition(" failed: ")[2])
        if code in _UNKNOWN_PLACE:
            return VerificationError(f"{self.name}: no ledger there, or one that lacks a part: {text}")
        if code in _DAMAGE:
            return VerificationError(f"{self.name}: the data is damaged: {text}")
        if code in _FULL:
            return EngineError(f"{self.name}: the disk is full; nothing of this was kept")
        if code in _WAITED:
            return EngineError(f"{self.name}: another writer has been at it for over {_TURN_SECONDS} seconds")
        is_lost = isinstance(error, self._psycopg.OperationalError) and (
            not code or code.startswith(("08", "57P", "25P"))
        )
        if is_lost or isinstance(error, self._psycopg.InterfaceError):
            return TransportError(f"{self.name}: cannot be reached: {text}")
        return EngineError(f"{self.name}: {text} ({code})")

    def _settle(self) -> None:
        """Leave no transaction open behind a failure; a connection that cannot promise that is let go."""
        connection = self._connection
        if connection is None:
            return
        try:
            connection.rollback()
        except self._psycopg.Error:
            connection.close()
        if connection.closed:
            self._connection = None
