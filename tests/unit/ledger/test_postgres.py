"""The ledger in PostgreSQL: several writers, lost connections, killed clients, and damage."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from caveats.errors import (
    DelegationsError,
    EncodingError,
    EngineError,
    TransportError,
    UnsupportedError,
    VerificationError,
)
from delegations.ledger.damage import find_damage
from delegations.ledger.entry import prepare
from delegations.ledger.ledger import Ledger, make_identity
from delegations.ledger.postgres import PostgresStore
from delegations.ledger.postgres_audit import PostgresAudit
from tests.unit.ledger.notes import ORIGIN
from tests.unit.ledger.papers import envelope_number
from tests.unit.ledger.postgres_server import postgres_server, running_server

ROOT = Path(__file__).parents[3]


@pytest.fixture
def namespace() -> str:
    return f"ledger_{secrets.token_hex(8)}"


@pytest.fixture
def store(postgres: str, namespace: str) -> Iterator[PostgresStore]:
    """A new store with five entries."""
    with closing(PostgresStore.create(postgres, make_identity(ORIGIN), namespace=namespace)) as made:
        made.append([prepare(envelope_number(number)) for number in range(5)])
        yield made


def open_again(postgres: str, namespace: str, *, is_writer: bool = True) -> PostgresStore:
    return PostgresStore(postgres, is_writer=is_writer, namespace=namespace)


def run_as_owner(postgres: str, namespace: str, *statements: str) -> None:
    """What somebody with all rights does behind the ledger's back."""
    with psycopg.connect(postgres) as connection:
        connection.execute(f"SET search_path = {namespace}")
        connection.execute("SET session_replication_role = replica")  # triggers are passed over
        for statement in statements:
            connection.execute(statement)


def test_writers_take_turns_and_go_on_from_each_other(postgres: str, namespace: str, store: PostgresStore) -> None:
    with closing(open_again(postgres, namespace)) as other:
        for number in range(5, 15):
            writer = store if number % 2 else other
            assert writer.append([prepare(envelope_number(number))]).size == number + 1
        assert store.head() == other.head()
    with Ledger(open_again(postgres, namespace)) as ledger:
        assert [record.envelope for record in ledger.records()] == [envelope_number(n) for n in range(15)]
        assert ledger.find_damage() == ()


def test_many_writers_at_once_lose_nothing_and_give_no_index_twice(
    postgres: str, namespace: str, store: PostgresStore
) -> None:
    def write(worker: int) -> list[tuple[int, int]]:
        with Ledger(open_again(postgres, namespace)) as ledger:
            numbers = range(100 * worker, 100 * worker + 20)
            return [(ledger.append(envelope_number(number)).index, number) for number in numbers]

    with ThreadPoolExecutor(6) as threads:
        done = [pair for pairs in threads.map(write, range(1, 7)) for pair in pairs]
    assert sorted(index for index, _ in done) == list(range(5, 125))
    with Ledger(open_again(postgres, namespace, is_writer=False)) as ledger:
        for index, number in done:
            assert ledger.read(index).envelope == envelope_number(number)
        assert ledger.find_damage() == ()


def test_of_several_writers_with_the_same_receipts_each_finds_what_the_others_appended(
    postgres: str, namespace: str, store: PostgresStore
) -> None:
    numbers = range(40)

    def write(_: int) -> list[tuple[int, bool]]:
        with Ledger(open_again(postgres, namespace)) as ledger:
            made = [ledger.append(envelope_number(number), is_once=True) for number in numbers]
            return [(entry.index, entry.is_new) for entry in made]

    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(write, range(4)))
    assert len({tuple(index for index, _ in each) for each in done}) == 1  # all are told the same places
    assert sum(is_new for each in done for _, is_new in each) == 35  # five were there before
    assert store.head().size == 40


def test_a_writer_far_behind_reads_the_edge_anew(postgres: str, namespace: str, store: PostgresStore) -> None:
    with closing(open_again(postgres, namespace)) as other:
        for number, writer in enumerate((other, store, other), start=10):
            writer.append([prepare(envelope_number(number))])
        store.append([prepare(envelope_number(20 + number)) for number in range(400)])  # some 800 hashes
        assert other.append([prepare(envelope_number(9))]).size == 409
    assert find_damage(store.audit()) == ()


WRITER = textwrap.dedent(
    """
    import sys
    from delegations.ledger.ledger import Ledger
    from delegations.ledger.postgres import PostgresStore
    from tests.unit.ledger.papers import envelope_number

    conninfo, namespace, first = sys.argv[1:]
    with Ledger(PostgresStore(conninfo, is_writer=True, namespace=namespace)) as ledger:
        for number in range(int(first), int(first) + 1_000):
            print(number, ledger.append(envelope_number(number)).index, flush=True)
    """
)


def start_writer(postgres: str, namespace: str, first: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, postgres, namespace, str(first)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def test_writers_that_are_killed_lose_nothing_they_acknowledged(
    postgres: str, namespace: str, store: PostgresStore
) -> None:
    writers = [start_writer(postgres, namespace, first) for first in (1_000, 3_000)]
    acknowledged = []
    for writer in writers:
        assert writer.stdout is not None
        acknowledged += [writer.stdout.readline() for _ in range(15)]
    for writer in writers:
        writer.kill()
        assert writer.stdout is not None
        acknowledged += writer.stdout.read().splitlines()  # what it said before it died
        writer.wait()
        writer.stdout.close()
    pairs = [tuple(map(int, line.split())) for line in acknowledged if len(line.split()) == 2]
    assert len({index for _, index in pairs}) == len(pairs) >= 30
    with Ledger(open_again(postgres, namespace)) as ledger:
        for number, index in pairs:
            assert ledger.read(index).envelope == envelope_number(number)
        assert ledger.find_damage() == ()
        assert ledger.append(envelope_number(9_999)).index == ledger.size - 1  # nobody holds the turn any more


HOLDER = textwrap.dedent(
    """
    import sys, threading
    from delegations.ledger.entry import prepare
    from delegations.ledger.postgres import PostgresStore
    from tests.unit.ledger.papers import envelope_number

    class Stopped(PostgresStore):
        def _insert(self, connection, frontier, entries):
            connection.execute("INSERT INTO entry VALUES (5, 'half', 'written', 0)")
            print("inside", flush=True)
            threading.Event().wait()

    Stopped(sys.argv[1], is_writer=True, namespace=sys.argv[2]).append([prepare(envelope_number(77))])
    """
)


def test_a_writer_killed_inside_its_transaction_leaves_nothing_behind(
    postgres: str, namespace: str, store: PostgresStore
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, postgres, namespace], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "inside\n"
    assert store.head().size == 5  # readers do not wait, and see nothing of it
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(store.append, [prepare(envelope_number(8))])
        assert not waiting.done()
        holder.kill()
        holder.wait()
        holder.stdout.close()
        assert waiting.result(timeout=30).size == 6
    with Ledger(open_again(postgres, namespace)) as ledger:
        assert ledger.read(5).envelope == envelope_number(8)
        assert ledger.find_damage() == ()


def test_a_server_that_crashes_has_kept_what_was_acknowledged(namespace: str) -> None:
    with running_server() as server:
        with closing(PostgresStore.create(server.conninfo, make_identity(ORIGIN), namespace=namespace)) as store:
            for number in range(10):
                store.append([prepare(envelope_number(number))])
            server.crash()
            with pytest.raises(TransportError, match="look for the entries before they are appended again"):
                store.append([prepare(envelope_number(10))])
            assert store.append([prepare(envelope_number(10))]).size == 11
        with Ledger(open_again(server.conninfo, namespace)) as ledger:
            assert [record.envelope for record in ledger.records()] == [envelope_number(n) for n in range(11)]
            assert ledger.find_damage() == ()


@pytest.mark.parametrize(
    ("code", "family", "message"),
    [
        ("53100", EngineError, "the disk is full; nothing of this was kept"),
        ("55P03", EngineError, "another writer has been at it for over 60 seconds"),
        ("42501", EngineError, r"some words of the server \(42501\)"),
        ("57P01", TransportError, "cannot be reached: some words of the server"),
        ("08006", TransportError, "cannot be reached"),
        ("XX001", VerificationError, "the data is damaged"),
        ("42P01", VerificationError, "no ledger there, or one that lacks a part"),
    ],
)
def test_what_the_server_says_is_told_by_whose_fault_it_is(
    store: PostgresStore, code: str, family: type[DelegationsError], message: str
) -> None:
    with pytest.raises(family, match=message) as refusal, store._reading.use():
        raise psycopg.errors.lookup(code)("some words of the server\nDETAIL: and more")
    assert type(refusal.value) is family
    assert store.head().size == 5


def test_a_lost_connection_is_told_and_made_anew(postgres: str, namespace: str, store: PostgresStore) -> None:
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'delegations ledger'"
    run_as_owner(postgres, namespace, end)
    with pytest.raises(TransportError, match=r"cannot be reached: .*look for the entries before they are appended"):
        store.append([prepare(envelope_number(5))])
    with pytest.raises(TransportError, match="cannot be reached"):
        store.head()
    assert store.head().size == 5
    assert store.append([prepare(envelope_number(5))]).size == 6


def test_an_append_that_fails_keeps_nothing_and_the_next_one_works(store: PostgresStore) -> None:
    good = prepare(envelope_number(5))
    with pytest.raises(EngineError, match="duplicate key"):
        store.append([good, good._replace(keys=(1, 1))])
    assert store.head().size == 5
    assert store.append([good]).size == 6


def test_a_server_that_cannot_be_reached_is_could_not_ask(tmp_path: Path) -> None:
    for conninfo in (f"host={tmp_path}", "postgresql://127.0.0.1:9/x", "host=/nowhere user=a password=secret"):
        with pytest.raises(TransportError, match=r"ledger in PostgreSQL .*: cannot be reached") as refusal:
            PostgresStore(conninfo, is_writer=True)
        assert str(refusal.value).isprintable()
        assert "secret" not in str(refusal.value)


def test_what_the_connection_string_leaves_out_comes_from_the_environment(
    postgres: str, namespace: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(postgres)
    monkeypatch.setenv("PGHOST", str(parts["host"]))
    monkeypatch.setenv("PGUSER", str(parts["user"]))
    with closing(open_again(f"postgresql:///{parts['dbname']}", namespace)) as opened:
        assert opened.head() == store.head()


def test_what_is_no_connection_string_is_refused_without_repeating_it() -> None:
    for wrong in ("password=secret user", "postgresql://user:secret@[", "secret"):
        with pytest.raises(EncodingError, match="expected a connection string") as refusal:
            PostgresStore(wrong, is_writer=True)
        assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("wrong", ["", "Ledger", "a b", 'a"; DROP TABLE entry; --', "1st", "x" * 64, "ä"])
def test_a_schema_that_would_have_to_be_quoted_is_refused(postgres: str, wrong: str) -> None:
    with pytest.raises(EncodingError, match="lower-case letters, digits and _"):
        PostgresStore(postgres, is_writer=True, namespace=wrong)


def test_a_database_without_a_ledger_is_told(postgres: str, namespace: str) -> None:
    with pytest.raises(VerificationError, match="no ledger there"):
        open_again(postgres, namespace)


def test_a_schema_that_is_there_is_left_alone(postgres: str, namespace: str, store: PostgresStore) -> None:
    with pytest.raises(EngineError, match=f"there is a schema {namespace} already"):
        PostgresStore.create(postgres, make_identity(ORIGIN), namespace=namespace)
    assert store.head().size == 5


def test_a_database_that_is_not_there_is_told(postgres: str, namespace: str) -> None:
    with pytest.raises(EngineError, match='database "nothing" does not exist'):
        open_again(f"{postgres} dbname=nothing", namespace)


def test_a_server_that_forgets_what_it_acknowledged_is_not_written_to(namespace: str) -> None:
    with postgres_server(is_durable=False) as careless:
        with pytest.raises(EngineError, match="the server runs with fsync off"):
            PostgresStore.create(careless, make_identity(ORIGIN), namespace=namespace)
        with closing(open_again(careless, namespace, is_writer=False)) as reader:
            assert reader.head().size == 0


def test_a_session_set_to_acknowledge_early_is_set_right(postgres: str, namespace: str, store: PostgresStore) -> None:
    early = f"{postgres} options='-c synchronous_commit=off'"
    with closing(open_again(early, namespace)) as careful, careful._writing.use() as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_a_store_is_not_used_across_a_fork(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 0)
    with pytest.raises(EngineError, match="before this process was forked off"):
        store.head()


@pytest.mark.parametrize("statement", ["UPDATE head SET root = ''", "DELETE FROM entry", "TRUNCATE node"])
def test_the_server_refuses_changes(postgres: str, namespace: str, store: PostgresStore, statement: str) -> None:
    with psycopg.connect(postgres) as connection:
        connection.execute(f"SET search_path = {namespace}")
        with pytest.raises(psycopg.errors.RaiseException, match="a ledger is only appended to"):
            connection.execute(statement)


DAMAGES = {
    "UPDATE entry SET payload = 'x' WHERE id = 2": "entry 2: its bytes are not those of a receipt",
    "UPDATE entry SET signatures = (SELECT signatures FROM entry WHERE id = 1)": "entry 2: its bytes do not",
    "UPDATE entry SET time = 5 WHERE id = 3": "entry 3: it is filed under another time",
    "UPDATE entry SET id = 7 WHERE id = 4": "entry 4: it is missing",
    "DELETE FROM entry WHERE id = 0": "entry 0: it is missing",
    "DELETE FROM entry WHERE id = 4": "head: expected 5 entries, as was committed, got 4",
    "UPDATE node SET hash = decode(repeat('00', 32), 'hex') WHERE id = 2": "tree: the hash of level 1 above entry 1",
    "UPDATE node SET hash = 'short' WHERE id = 0": "entry 0: its bytes do not hash to its leaf",
    "DELETE FROM node WHERE id = 2": "tree: the hash of level 1 above entry 1",
    "DELETE FROM head WHERE size = 5": "head: expected 0 entries, as was committed, got 5",
    "UPDATE head SET root = decode(repeat('00', 32), 'hex') WHERE size = 5": "head 5: the root that was committed",
    "DELETE FROM term WHERE entry = 1": "entry 1: it is not filed under all that its receipt says",
    "INSERT INTO term VALUES (1, 1)": "index: expected",
    "DELETE FROM ledger WHERE name = 'origin'": "file: ledger in PostgreSQL",
    "ALTER TABLE entry DISABLE TRIGGER append_only": "file: the table entry lacks the trigger",
    "DROP TRIGGER append_only ON term": "file: the table term lacks the trigger",
    "ALTER TABLE head ADD extra text": "file: the table head has other columns",
    "DROP TABLE term": "file: the table term has other columns: none",
    "DROP TABLE head": "no ledger there, or one that lacks a part",
}


@pytest.mark.parametrize(("statement", "named"), DAMAGES.items(), ids=DAMAGES)
def test_damage_done_behind_its_back_is_found_and_named(
    postgres: str, namespace: str, store: PostgresStore, statement: str, named: str
) -> None:
    assert find_damage(store.audit()) == ()
    run_as_owner(postgres, namespace, statement)
    found = [str(damage) for damage in find_damage(PostgresAudit.at(postgres, namespace))]
    assert any(named in damage for damage in found), found


OPENED: dict[str, Callable[[PostgresStore], object]] = {
    "DELETE FROM entry WHERE id = 4": PostgresStore.head,
    "DELETE FROM head": PostgresStore.head,
    "UPDATE head SET root = 'short'": PostgresStore.head,
    "UPDATE node SET hash = decode(repeat('00', 32), 'hex') WHERE id = 7": PostgresStore.head,
}


@pytest.mark.parametrize("statement", OPENED)
def test_damage_at_the_end_of_the_tree_keeps_it_from_being_opened(
    postgres: str, namespace: str, store: PostgresStore, statement: str
) -> None:
    run_as_owner(postgres, namespace, statement)
    with pytest.raises(VerificationError, match="ledger in PostgreSQL"):
        open_again(postgres, namespace)


def test_without_the_extra_the_refusal_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UnsupportedError, match=r"psycopg is not installed \(pip install 'delegations\[postgres\]'\)"):
        PostgresStore("dbname=x", is_writer=True)


def test_errors_of_the_server_are_one_line_of_ours(store: PostgresStore) -> None:
    with pytest.raises(DelegationsError) as refusal, store._reading.use() as connection:
        connection.execute("SELECT 1/0;\nSELECT nothing")
    assert str(refusal.value).isprintable()
    assert store.head().size == 5
