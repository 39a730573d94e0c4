"""What was granted to whom: one SQLite file that is whole at every moment, whatever ends the process.

A request's grants enter in one transaction, before they are answered. So what was answered is there; what is there and
was never answered can be listed and revoked.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

from caveats.errors import DelegationsError, EncodingError, EngineError, abbreviate
from caveats.strict_json import parse_json
from caveats.types import Address, Bytes32, Model, format_hex

_VERSION = 1
_APPLICATION = 0x44454C47  # "DELG": tells our files from those of others
_BUSY_SECONDS = 10.0
_SCHEMA = """
CREATE TABLE grants (
    number INTEGER PRIMARY KEY,
    origin TEXT NOT NULL,
    chain_id TEXT NOT NULL,
    delegator TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    response TEXT NOT NULL,
    granted_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'granted' CHECK (state IN ('granted', 'revoking', 'revoked')),
    revocation TEXT,
    failure TEXT
);
CREATE INDEX grants_by_origin ON grants (origin, chain_id);
"""
_COLUMNS = "origin, chain_id, delegator, hash, response, granted_at, state, revocation, failure"

GrantState = Literal["granted", "revoking", "revoked"]
"""`revoking`: no longer listed, but the chain may still honour it. `revoked`: the chain was seen to refuse it."""


class StoreError(EngineError):
    """The store could not be read or written. Nothing was granted, and nothing is known to be absent."""

    code = "engine.store"


class StoredGrant(Model):
    """One grant as it is kept.

    Attributes:
        origin: of the site it was granted to.
        chain_id: of the chain it holds on.
        delegator: whose authority it is.
        hash: of the delegation.
        response: what the site was answered, in wire form.
        granted_at: unix seconds.
        state: see GrantState.
        revocation: hash of the newest revoking transaction that was sent.
        failure: why the newest attempt to revoke on chain did not succeed; None when it did or none was made.
    """

    origin: str
    chain_id: int
    delegator: Address
    hash: Bytes32
    response: dict[str, Any]
    granted_at: int
    state: GrantState = "granted"
    revocation: str | None = None
    failure: str | None = None


class GrantStore(Protocol):
    """Keeps grants. Every method is one step: it happened or it did not."""

    def add(self, grants: Sequence[StoredGrant], *, earlier: int | None = None) -> None:
        """Keep all of them or none, durably once this returns.

        Args:
            grants: to one site.
            earlier: how many the site had when these were decided on; None when that does not matter.

        Raises:
            StoreError: it could not be done, one of them is kept already, or the site has other grants by now: another
                wallet over the same store granted meanwhile, and what was counted does not hold.
        """

    def list_grants(self, *, origin: str | None = None, delegation_hash: bytes | None = None) -> list[StoredGrant]:
        """Return the grants in the order they were made, those of one origin or of one hash when given.

        Raises:
            StoreError: they could not be read.
        """

    def update(
        self,
        delegation_hash: Bytes32,
        *,
        state: GrantState,
        revocation: str | None = None,
        failure: str | None = None,
    ) -> None:
        """Change how far the revocation of a grant has come; `revocation` stays as it was when it is None.

        A revoked grant stays revoked.

        Raises:
            EncodingError: there is no such grant.
            StoreError: it could not be done.
        """

    def close(self) -> None:
        """Give up the store."""


class SqliteStore:
    """The store in a file, used from several threads and, with some patience, by several processes.

    Args:
        path: of the file; made when there is none, readable by this user only. None keeps everything in memory.

    Raises:
        EncodingError: the file is not a store of grants, one of a later version, or others may read or write it.
        StoreError: it cannot be opened.
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._what = "the store in memory" if path is None else f"the store {abbreviate(str(path))}"
        if path is not None:
            self._make_private(path)
        self._connection: sqlite3.Connection | None = None
        try:
            self._connection = sqlite3.connect(
                ":memory:" if path is None else path,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            # a store that is dropped closes its file, whoever forgot to
            weakref.finalize(self, self._connection.close)
            self._prepare(self._connection)
            if path is not None:
                self._require_private(path)
        except sqlite3.Error as error:
            self.close()
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
                raise EncodingError(f"{self._what}: not a store of grants ({error})") from error
            raise StoreError(f"{self._what} cannot be opened: {error}") from error
        except DelegationsError:
            self.close()
            raise

    def _make_private(self, path: Path) -> None:
        try:
            path.touch(mode=0o600, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self._what} cannot be made: {error.strerror or error}") from error

    def _require_private(self, path: Path) -> None:
        # who may write it could grant in our name, who may read it sees what was granted to whom
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise EncodingError(f"{self._what}: others may read or write it", hint=f"chmod 600 {abbreviate(str(path))}")

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if (version, application, tables) == (0, 0, 0):
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        elif application != _APPLICATION:
            raise EncodingError(f"{self._what}: not a store of grants", hint="give another --store FILE")
        elif version != _VERSION:
            raise EncodingError.of(self._what, expected=f"version {_VERSION}", got=version)
        connection.execute("COMMIT")

    def add(self, grants: Sequence[StoredGrant], *, earlier: int | None = None) -> None:
        """Keep all of them or none. See GrantStore.add."""
        rows = [_row(grant) for grant in grants]
        with self._writing() as connection:
            for origin in {grant.origin for grant in grants} if earlier is not None else ():
                (now,) = connection.execute("SELECT count(*) FROM grants WHERE origin = ?", (origin,)).fetchone()
                if now != earlier:
                    raise StoreError(
                        f"{self._what}: {origin} had {earlier} grants when it was decided and has {now} now",
                        hint="ask again; another wallet uses this store",
                    )
            try:
                marks = ", ".join("?" * len(_COLUMNS.split(",")))
                connection.executemany(f"INSERT INTO grants ({_COLUMNS}) VALUES ({marks})", rows)  # noqa: S608 - our own columns
            except sqlite3.IntegrityError as error:
                raise StoreError("grant: one of the same hash is kept already", hint="give it another salt") from error

    def list_grants(self, *, origin: str | None = None, delegation_hash: bytes | None = None) -> list[StoredGrant]:
        """Return the grants. See GrantStore.list_grants."""
        wanted = {"origin": origin, "hash": None if delegation_hash is None else format_hex(delegation_hash)}
        given = {name: value for name, value in wanted.items() if value is not None}
        where = " AND ".join(f"{name} = :{name}" for name in given) or "1"
        with self._using() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM grants WHERE {where} ORDER BY number",  # noqa: S608 - our own names
                given,
            ).fetchall()
        try:
            return [_grant(row) for row in rows]
        except (EncodingError, ValueError) as error:
            raise StoreError(f"{self._what} holds something it was not given: {error}") from error

    def update(
        self,
        delegation_hash: Bytes32,
        *,
        state: GrantState,
        revocation: str | None = None,
        failure: str | None = None,
    ) -> None:
        """Change how far a revocation has come. See GrantStore.update."""
        with self._writing() as connection:
            cursor = connection.execute(
                "UPDATE grants SET state = CASE state WHEN 'revoked' THEN state ELSE ? END,"
                " revocation = coalesce(?, revocation),"
                " failure = CASE state WHEN 'revoked' THEN NULL ELSE ? END WHERE hash = ?",
                (state, revocation, failure, str(delegation_hash)),
            )
            if cursor.rowcount != 1:
                raise EncodingError(f"grant {delegation_hash}: there is none of that hash")

    def close(self) -> None:
        """Give up the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._connection is None:
                raise StoreError(f"{self._what} is closed")
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise StoreError(f"{self._what} did not answer: {error}") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._using() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")


def _row(grant: StoredGrant) -> tuple[object, ...]:
    response = json.dumps(grant.response)
    try:
        parse_json(response, what="response")
    except EncodingError as error:
        # half a character, say: kept, it would keep every grant from being listed
        raise StoreError(f"grant: it could not be read again ({error})") from error
    return (
        grant.origin,
        str(grant.chain_id),
        str(grant.delegator),
        str(grant.hash),
        response,
        grant.granted_at,
        grant.state,
        grant.revocation,
        grant.failure,
    )


def _grant(row: Sequence[Any]) -> StoredGrant:
    origin, chain_id, delegator, digest, response, granted_at, state, revocation, failure = row
    return StoredGrant(
        origin=origin,
        chain_id=int(chain_id),
        delegator=Address(delegator),
        hash=Bytes32(digest),
        response=parse_json(response, what="stored response"),
        granted_at=granted_at,
        state=state,
        revocation=revocation,
        failure=failure,
    )
