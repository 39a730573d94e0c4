"""The store keeps all of a request or nothing, and says so when it cannot."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caveats.errors import EncodingError
from caveats.types import Address, Bytes32
from delegations.permissions.wallet import ProviderError, SqliteStore, StoredGrant, StoreError
from tests.unit.permissions.wallet.stage import ALICE, ORIGIN, OTHER, Wallet


def kept(number: int, **changes: Any) -> StoredGrant:
    given = {
        "origin": ORIGIN,
        "chain_id": 1,
        "delegator": Address(bytes([number]) * 20),
        "hash": Bytes32(bytes([number]) * 32),
        "response": {"context": "0x", "said": 'a "quote", a \U0001f600 and \x00'},
        "granted_at": number,
    }
    return StoredGrant(**{**given, **changes})


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path / "grants.db" if request.param == "file" else None)
    yield made
    made.close()


def test_what_is_kept_comes_back_in_order(store: SqliteStore) -> None:
    grants = [kept(2), kept(1)]
    store.add(grants)
    assert store.list_grants() == grants


def test_grants_are_found_by_site_and_by_hash(store: SqliteStore) -> None:
    store.add([kept(1), kept(2, origin=OTHER)])
    assert [grant.hash[0] for grant in store.list_grants(origin=OTHER)] == [2]
    assert [grant.origin for grant in store.list_grants(delegation_hash=kept(1).hash)] == [ORIGIN]
    assert store.list_grants(origin=OTHER, delegation_hash=kept(1).hash) == []


def test_a_chain_id_of_64_bits_is_kept_exactly(store: SqliteStore) -> None:
    store.add([kept(1, chain_id=2**64 - 1)])
    assert store.list_grants()[0].chain_id == 2**64 - 1


def test_of_a_request_all_is_kept_or_nothing(store: SqliteStore) -> None:
    store.add([kept(1)])
    with pytest.raises(StoreError, match="kept already"):
        store.add([kept(2), kept(1)])
    assert [grant.hash[0] for grant in store.list_grants()] == [1]
    store.add([kept(2)])


def test_what_could_not_be_read_again_is_not_kept(store: SqliteStore) -> None:
    with pytest.raises(StoreError, match="could not be read again"):
        store.add([kept(1), kept(2, response={"said": "half a character: \ud800"})])
    assert store.list_grants() == []


def test_a_revocation_goes_forward_only(store: SqliteStore) -> None:
    store.add([kept(1)])
    digest = kept(1).hash
    store.update(digest, state="revoking", revocation="0x12", failure="no gas")
    (grant,) = store.list_grants()
    assert (grant.state, grant.revocation, grant.failure) == ("revoking", "0x12", "no gas")
    store.update(digest, state="revoked")
    (grant,) = store.list_grants()
    assert (grant.state, grant.revocation, grant.failure) == ("revoked", "0x12", None)
    store.update(digest, state="granted")
    assert store.list_grants()[0].state == "revoked"


def test_a_slower_attempt_that_failed_says_nothing_of_a_revoked_grant(store: SqliteStore) -> None:
    store.add([kept(1)])
    digest = kept(1).hash
    store.update(digest, state="revoking", failure="the node did not answer")
    assert store.list_grants()[0].failure == "the node did not answer"
    store.update(digest, state="revoked", revocation="0xab")
    store.update(digest, state="revoking", failure="AlreadyDisabled()")
    (grant,) = store.list_grants()
    assert (grant.state, grant.revocation, grant.failure) == ("revoked", "0xab", None)


def test_a_grant_that_is_not_there_cannot_change(store: SqliteStore) -> None:
    with pytest.raises(EncodingError, match="there is none"):
        store.update(kept(1).hash, state="revoked")


def test_a_closed_store_says_so(store: SqliteStore) -> None:
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.list_grants()
    store.close()


def test_another_process_finds_what_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "grants.db"
    first = SqliteStore(path)
    first.add([kept(1)])
    second = SqliteStore(path)
    assert second.list_grants() == first.list_grants() == [kept(1)]
    second.add([kept(2)])
    assert len(first.list_grants()) == 2
    first.close()
    second.close()


def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "grants.db"
    SqliteStore(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_commit_reaches_the_disk(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "grants.db")
    with store._using() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    store.close()


@pytest.mark.parametrize("content", [b"not a database, but long enough to be looked at" * 40, b"\x00" * 4096])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "grants.db"
    path.write_bytes(content)
    with pytest.raises(EncodingError, match="not a store of grants"):
        SqliteStore(path)
    assert path.read_bytes() == content


def test_a_database_of_somebody_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    theirs = sqlite3.connect(path)
    theirs.execute("CREATE TABLE notes (text)")
    theirs.commit()
    with pytest.raises(EncodingError, match="not a store of grants"):
        SqliteStore(path)
    assert theirs.execute("SELECT name FROM sqlite_master").fetchall() == [("notes",)]
    theirs.close()


def test_a_store_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "grants.db"
    store = SqliteStore(path)
    with store._using() as connection:
        connection.execute("PRAGMA user_version = 2")
    store.close()
    with pytest.raises(EncodingError, match="expected version 1, got 2"):
        SqliteStore(path)


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o602, 0o777])
def test_a_store_others_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "grants.db"
    SqliteStore(path).close()
    path.chmod(mode)
    with pytest.raises(EncodingError, match="chmod 600"):
        SqliteStore(path)
    path.chmod(0o600)
    SqliteStore(path).close()


def test_a_link_is_as_private_as_what_it_points_to(tmp_path: Path) -> None:
    target, link = tmp_path / "elsewhere.db", tmp_path / "grants.db"
    target.touch(mode=0o644)
    target.chmod(0o644)
    link.symlink_to(target)
    with pytest.raises(EncodingError, match="chmod 600"):
        SqliteStore(link)
    target.chmod(0o600)
    SqliteStore(link).close()


def test_a_store_somebody_else_holds_is_no_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    from delegations.permissions.wallet import store as module

    path = tmp_path / "grants.db"
    monkeypatch.setattr(module, "_BUSY_SECONDS", 0.01)
    kept = SqliteStore(path)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="locked"):
        kept.update(Bytes32(bytes(32)), state="revoking")
    with pytest.raises(StoreError, match="locked"):
        SqliteStore(path)
    holder.close()
    assert kept.list_grants() == []
    kept.close()


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        SqliteStore(tmp_path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be made"):
        SqliteStore(tmp_path / "nowhere" / "grants.db")


def test_a_row_somebody_spoilt_is_no_grant_and_no_absence(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "grants.db")
    store.add([kept(1)])
    with store._using() as connection:
        connection.execute("UPDATE grants SET response = '{'")
    with pytest.raises(StoreError, match="something it was not given"):
        store.list_grants()
    store.close()


def test_a_store_that_cannot_write_grants_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "grants.db")
    wallet = Wallet(options={"store": store})
    with store._using() as connection:
        connection.execute("PRAGMA query_only = 1")
    with pytest.raises(ProviderError, match="nothing was granted") as caught:
        wallet.request()
    assert caught.value.rpc_code == -32002
    assert store.list_grants() == []
    store.close()


def test_grants_survive_a_restart(tmp_path: Path) -> None:
    first = Wallet(options={"store": SqliteStore(tmp_path / "grants.db")})
    responses = first.request()
    first.provider.store.close()
    again = Wallet(chain=first.chain, options={"store": SqliteStore(tmp_path / "grants.db")})
    assert again.granted() == responses
    assert responses[0]["from"] == str(ALICE)
    again.provider.store.close()


def test_threads_write_one_after_another(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "grants.db")
    barrier = threading.Barrier(8)

    def add(number: int) -> None:
        barrier.wait()
        store.add([kept(number)])

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(grant.hash[0] for grant in store.list_grants()) == list(range(8))
    store.close()
