"""The ledger's file: who may write to it, and every way in which it can be damaged."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from shutil import copyfile

import pytest

from caveats.errors import EngineError, VerificationError
from delegations.ledger.group import GroupCommit, _Ticket
from delegations.ledger.ledger import Ledger, find_damage_in_file
from delegations.ledger.lock import WriterLock
from delegations.ledger.sqlite import SqliteStore
from delegations.ledger.sqlite_file import connect
from delegations.ledger.store import Kept
from delegations.ledger.tree import Head
from tests.unit.ledger.damaged import cut_short, flip_bits, overwrite
from tests.unit.ledger.makers import ORIGIN, around_the_triggers, chained, every_kind, make_ledger

COUNT = 12


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("original") / "receipts.ledger"
    make_ledger(path, COUNT)
    return path


@pytest.fixture
def path(original: Path, tmp_path: Path) -> Path:
    """A ledger of twelve receipts, to be damaged."""
    return Path(copyfile(original, tmp_path / "receipts.ledger"))


# who may write


def test_a_second_writer_is_told_who_the_first_is_and_a_reader_reads_on(path: Path) -> None:
    with Ledger.open(path) as writer:
        with pytest.raises(EngineError, match=f"another writer has it: process {os.getpid()} on"):
            Ledger.open(path)
        with Ledger.open(path, read_only=True) as reader:
            writer.append(chained(13)[12].envelope)
            assert reader.size == 13
    with Ledger.open(path) as next_one:
        assert next_one.size == 13


def test_a_reader_cannot_append(path: Path) -> None:
    with Ledger.open(path, read_only=True) as ledger:
        with pytest.raises(EngineError, match="open for reading only"):
            ledger.append(chained(1)[0].envelope)
        assert ledger.size == COUNT


def test_a_closed_ledger_says_so(path: Path) -> None:
    ledger = Ledger.open(path)
    ledger.close()
    ledger.close()

    for ask in (lambda: ledger.size, lambda: ledger.append(chained(1)[0].envelope)):
        with pytest.raises(EngineError, match="it is closed"):
            ask()


def test_a_lock_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.lock").mkdir()

    with pytest.raises(EngineError, match=r"cannot open its lock x\.lock"):
        WriterLock(tmp_path / "x")


def test_somebody_who_writes_past_the_lock_is_noticed_before_anything_is_overwritten(path: Path) -> None:
    with Ledger.open(path) as ledger:
        with closing(sqlite3.connect(path, isolation_level=None)) as stranger:
            stranger.execute("INSERT INTO head VALUES (13, zeroblob(32))")
        with pytest.raises(EngineError, match="somebody else has written to it"):
            ledger.append(chained(1)[0].envelope)
        with pytest.raises(VerificationError, match="expected 13 entries"):
            ledger.append(chained(1)[0].envelope)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entry",
        "UPDATE entry SET time = 1",
        "DELETE FROM node",
        "UPDATE node SET hash = zeroblob(32)",
        "DELETE FROM head",
        "UPDATE head SET size = 1",
        "DELETE FROM term",
        "UPDATE term SET key = 1",
        "DELETE FROM ledger",
        "UPDATE ledger SET value = ''",
    ],
)
def test_rows_are_added_and_neither_changed_nor_removed(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO node VALUES (1000, zeroblob(32))")
        with pytest.raises(sqlite3.IntegrityError, match="a ledger is only appended to"):
            connection.execute(statement)


def test_a_commit_waits_for_the_disk_and_readers_do_not_wait_for_it(path: Path) -> None:
    with closing(connect(path, True)) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == (b"wal",)


# when it cannot be kept


def test_when_the_file_is_full_nothing_is_kept_and_what_was_there_stays(path: Path) -> None:
    def small(path: Path, is_writer: bool) -> sqlite3.Connection:
        connection = connect(path, is_writer)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")
        return connection

    store = SqliteStore(path, is_writer=True, connect=small)
    with Ledger(store) as ledger:
        before = ledger.head
        with pytest.raises(EngineError, match="is full; nothing of this was kept"):
            ledger.append_many([s.envelope for s in chained(COUNT)])
        assert ledger.head == before == ledger.verify()
        entry = ledger.append(chained(1)[0].envelope)
        assert entry.index == COUNT


def test_every_thread_of_a_group_that_fails_is_told(path: Path) -> None:
    failures = []

    class Failing(sqlite3.Connection):
        def executemany(self, *_: object) -> sqlite3.Cursor:
            raise sqlite3.OperationalError("disk I/O error")

    def failing(path: Path, is_writer: bool) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Failing)
        connection.text_factory = bytes
        return connection

    def work() -> None:
        try:
            ledger.append(chained(1)[0].envelope)
        except EngineError as error:
            failures.append(str(error))

    with Ledger(SqliteStore(path, is_writer=True, connect=failing)) as ledger:
        threads = [threading.Thread(target=work) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(failures) == 5
        assert all("disk I/O error" in failure for failure in failures)
        assert ledger.size == COUNT


def test_a_process_that_was_forked_off_does_not_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger.open(path) as ledger:
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with pytest.raises(EngineError, match="before this process was forked off"):
            ledger.append(chained(1)[0].envelope)


# rows that were changed around the triggers

Change = Callable[[sqlite3.Connection], object]


def sql(*statements: str) -> Change:
    return lambda connection: [connection.execute(statement) for statement in statements]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (sql("UPDATE entry SET payload = zeroblob(100) WHERE id = 7"), "entry 7: its bytes are not those of a receipt"),
        (sql("UPDATE entry SET payload = (SELECT payload FROM entry WHERE id = 3) WHERE id = 7"), "entry 7: its bytes"),
        (sql("UPDATE entry SET payload = 'text' WHERE id = 7"), "entry 7: its bytes are not those"),
        (
            sql("UPDATE entry SET signatures = CAST('[]' AS BLOB) WHERE id = 7"),
            "entry 7: its bytes do not hash to its leaf",
        ),
        (sql("DELETE FROM entry WHERE id = 5"), "entry 5: it is missing"),
        (sql("DELETE FROM entry WHERE id >= 10"), "head: expected 12 entries, as was committed, got 10"),
        (
            sql("UPDATE entry SET id = -2 WHERE id = 2", "UPDATE entry SET id = 2 WHERE id = 4"),
            "entry 2: its bytes do not hash to its leaf",
        ),
        (
            sql(
                "UPDATE entry SET id = 99 WHERE id = 2",
                "UPDATE entry SET id = 2 WHERE id = 4",
                "UPDATE entry SET id = 4 WHERE id = 99",
            ),
            "entry 4: its bytes do not hash to its leaf",
        ),
        (sql("UPDATE entry SET id = 99 WHERE id = 11"), "entry 11: it is missing"),
        (sql("UPDATE entry SET time = time + 1 WHERE id = 6"), "entry 6: it is filed under another time"),
        (sql("UPDATE entry SET time = NULL WHERE id = 6"), "entry 6: it is filed under another time"),
        (sql("UPDATE entry SET time = 'noon' WHERE id = 6"), "entry 6: it is filed under another time"),
        (sql("UPDATE term SET key = key + 1 WHERE entry = 6"), "entry 6: it is not filed under all"),
        (sql("DELETE FROM term WHERE entry = 6"), "entry 6: it is not filed under all"),
        (sql("INSERT INTO term VALUES (1, 6)"), "index: expected"),
        (sql("UPDATE node SET hash = zeroblob(32) WHERE id = 0"), "entry 0: its bytes do not hash to its leaf"),
        (sql("UPDATE node SET hash = zeroblob(32) WHERE id = 2"), "tree: the hash of level 1 above entry 1"),
        (sql("UPDATE node SET hash = 5 WHERE id = 2"), "tree: the hash of level 1 above entry 1"),
        (sql("DELETE FROM node WHERE id = 2"), "tree: the hash of level 1 above entry 1"),
        (sql("INSERT INTO node VALUES (100, zeroblob(32))"), "tree: a hash at position 100"),
        (sql("UPDATE head SET root = zeroblob(32) WHERE size = 6"), "head 6: the root that was committed is another"),
        (sql("UPDATE head SET root = zeroblob(3) WHERE size = 12"), "its last head is damaged"),
        (sql("UPDATE head SET size = 20 WHERE size = 12"), "head 20: there are only 12 entries"),
        (sql("DELETE FROM head"), "a row that every ledger has is missing"),
        (sql("UPDATE ledger SET value = 'other.example' WHERE name = 'origin'"), "its origin or its id"),
        (sql("DROP TABLE term"), "the file lacks or has altered: CREATE TABLE term"),
        (sql("DROP INDEX entry_time"), "the file lacks or has altered: CREATE INDEX entry_time"),
        (sql("CREATE TABLE more (x)"), "tables, indexes or triggers that no ledger has"),
        (sql("PRAGMA application_id = 1"), "expected a ledger of format 1"),
        (sql("PRAGMA user_version = 9"), "version 9"),
    ],
)
def test_a_changed_row_is_found_and_named(path: Path, change: Change, says: str) -> None:
    assert find_damage_in_file(path) == ()
    with around_the_triggers(path) as connection:
        change(connection)
        if connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'term'").fetchone() == (0,):
            connection.execute("CREATE TABLE term (x)")  # for its triggers to have something to stand on

    found = find_damage_in_file(path)
    assert any(says in str(damage) for damage in found), found


def test_dropped_triggers_are_found(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER entry_delete")

    (damage,) = find_damage_in_file(path)
    assert "the file lacks or has altered: CREATE TRIGGER entry_delete" in str(damage)


def test_a_damaged_entry_is_not_shown(path: Path) -> None:
    with around_the_triggers(path) as connection:
        connection.execute("UPDATE entry SET payload = (SELECT payload FROM entry WHERE id = 3) WHERE id = 7")
        connection.execute("DELETE FROM entry WHERE id = 9")
        connection.execute("UPDATE entry SET payload = zeroblob(900) WHERE id = 10")
    with Ledger.open(path, read_only=True) as ledger:
        assert ledger.read(6).index == 6
        for index in (7, 10):
            with pytest.raises(VerificationError, match=f"entry {index}: its bytes do not hash to its leaf"):
                ledger.read(index)
        with pytest.raises(VerificationError, match="entry 9 is missing"):
            ledger.read(9)
        with pytest.raises(VerificationError, match="entry 7"):
            ledger.search(kind="redemption")
        with pytest.raises(VerificationError, match="entry 7"):
            ledger.verify()


def test_no_proof_is_given_over_a_damaged_hash(path: Path) -> None:
    with around_the_triggers(path) as connection:
        connection.execute("UPDATE node SET hash = zeroblob(32) WHERE id = 2")
    with Ledger.open(path, read_only=True) as ledger:
        with pytest.raises(VerificationError, match="leads to the root"):
            ledger.prove_inclusion(3)
        with pytest.raises(VerificationError, match="leads to the"):
            ledger.prove_consistency(3)


def test_a_ledger_whose_edge_is_damaged_does_not_open(path: Path) -> None:
    with around_the_triggers(path) as connection:
        connection.execute("UPDATE head SET root = zeroblob(32) WHERE size = 12")

    with pytest.raises(VerificationError, match="do not lead to the root that was committed"):
        Ledger.open(path)
    (damage,) = find_damage_in_file(path)
    assert str(damage) == "head 12: the root that was committed is another"


def test_a_ledger_cut_back_as_a_whole_is_told_by_what_is_known_of_it(path: Path) -> None:
    with Ledger.open(path, read_only=True) as ledger:
        known = ledger.head
    with around_the_triggers(path) as connection:
        for statement in (
            "DELETE FROM entry WHERE id >= 9",
            "DELETE FROM node WHERE id >= 16",
            "DELETE FROM term WHERE entry >= 9",
            "DELETE FROM head WHERE size > 9",
        ):
            connection.execute(statement)

    assert find_damage_in_file(path) == ()
    (damage,) = find_damage_in_file(path, known)
    assert str(damage) == "ledger: expected to continue a head of 12 entries, got 9"


def test_a_ledger_made_anew_is_told_by_what_is_known_of_it(path: Path, tmp_path: Path) -> None:
    with Ledger.open(path, read_only=True) as ledger:
        known = Head(6, ledger.root_at(6))
    with Ledger.create(tmp_path / "anew", origin=ORIGIN) as anew:
        anew.append_many([s.envelope for s in chained(COUNT)[::-1]])

    (damage,) = find_damage_in_file(tmp_path / "anew", known)
    assert str(damage) == "ledger: its root over 6 entries is not the one that is expected"


def test_many_damages_are_told_up_to_a_limit(path: Path) -> None:
    with around_the_triggers(path) as connection:
        connection.execute("UPDATE entry SET time = 1")

    assert len(find_damage_in_file(path)) == COUNT
    assert len(find_damage_in_file(path, limit=5)) == 5


def test_a_receipt_that_was_let_in_unread_is_named_when_all_are_read(tmp_path: Path) -> None:
    from tests.unit.ledger.test_ledger import envelope_of, statement

    with Ledger.create(tmp_path / "x", origin=ORIGIN) as ledger:
        ledger.append(envelope_of(statement(extra="1")), is_strict=False)
        assert ledger.find_damage() == ()
        (damage,) = ledger.find_damage(is_strict=True)
        assert "entry 0: its bytes are not those of a receipt" in str(damage)


# bytes that were changed under the file


def test_a_flipped_bit_is_named_or_changes_nothing(original: Path, tmp_path: Path) -> None:
    tally = flip_bits(original, tmp_path / "flipped", 250)

    assert tally.wrong == 0
    assert tally.named > 100


def test_what_is_written_over_is_named_or_changes_nothing(original: Path, tmp_path: Path) -> None:
    tally = overwrite(original, tmp_path / "overwritten", 150)

    assert tally.wrong == 0
    assert tally.named > 100


def test_a_truncated_file_is_named(original: Path, tmp_path: Path) -> None:
    tally = cut_short(original, tmp_path / "cut", 40)

    assert (tally.wrong, tally.tried - tally.named) == (0, 0)


def test_a_file_that_is_something_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "letter"
    path.write_text("Dear all,\n" * 2000)

    (damage,) = find_damage_in_file(path)
    assert "the file is damaged: file is not a database" in str(damage)
    with pytest.raises(VerificationError, match="the file is damaged"):
        Ledger.open(path)


def test_a_file_that_is_not_there_is_not_reported_as_damaged(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="there is no such file"):
        find_damage_in_file(tmp_path / "none")


# group commit


class Gate:
    """An `append` that waits to be let through, and counts."""

    def __init__(self) -> None:
        self.entered, self.go_on = threading.Semaphore(0), threading.Semaphore(0)
        self.groups: list[int] = []
        self.size = 0

    def append(self, entries) -> Head:
        self.entered.release()
        self.go_on.acquire()
        self.groups.append(len(entries))
        self.size += len(entries)
        return Head(self.size, bytes(32))

    def append_new(self, entries) -> list[Kept]:
        head = self.append(entries)
        return [Kept(place, True) for place in range(head.size - len(entries), head.size)]


def test_what_comes_while_a_group_is_committed_is_the_next_group() -> None:
    gate = Gate()
    group = GroupCommit(gate.append, gate.append_new)
    places: list[int] = []
    threads = [threading.Thread(target=lambda: places.append(group.submit(["entry"])[0].place)) for _ in range(9)]
    threads[0].start()
    gate.entered.acquire()  # the first is committing
    for thread in threads[1:]:
        thread.start()
    while len(group._waiting) < 8:
        pass
    gate.go_on.release(2)
    for thread in threads:
        thread.join()

    assert gate.groups == [1, 8]
    assert sorted(places) == list(range(9))


def test_a_thread_that_is_interrupted_while_it_waits_holds_up_nobody() -> None:
    gate = Gate()
    group = GroupCommit(gate.append, gate.append_new)
    places: list[int] = []

    def submit() -> None:
        places.append(group.submit(["entry"])[0].place)

    class Interrupted:
        def acquire(self) -> None:
            raise KeyboardInterrupt

        def release(self) -> None:
            raise AssertionError("nobody waits here")

    first, last = threading.Thread(target=submit), threading.Thread(target=submit)
    first.start()
    gate.entered.acquire()
    ticket = _Ticket(["entry"], False)
    ticket.called = Interrupted()
    group._waiting.append(ticket)
    with pytest.raises(KeyboardInterrupt):
        group._wait(ticket)
    last.start()
    gate.go_on.release(2)
    for thread in (first, last):
        thread.join()

    assert gate.groups == [1, 1]
    assert sorted(places) == [0, 1]


def test_a_commit_that_is_interrupted_is_told_to_all_who_waited_for_it() -> None:
    def interrupted(_: object) -> Head:
        raise KeyboardInterrupt

    group = GroupCommit(interrupted, interrupted)
    for _ in range(2):  # and the next one has its turn
        with pytest.raises(KeyboardInterrupt):
            group.submit(["entry"])


# copies


def test_a_copy_of_an_open_ledger_needs_its_log_and_a_backup_does_not(path: Path, tmp_path: Path) -> None:
    with Ledger.open(path) as ledger:
        size = ledger.size
        ledger.append(every_kind()["denial"].envelope)
        shutil.copy(path, tmp_path / "bare")
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(tmp_path / "backup")) as target:
            source.backup(target)
        head = ledger.head
    shutil.copy(path, tmp_path / "closed")
    for name in ("backup", "closed"):
        with Ledger.open(tmp_path / name) as copy:
            assert copy.verify(head) == head
    with Ledger.open(tmp_path / "bare") as copy:
        assert copy.verify().size == size  # whole, and not all: only what is known from elsewhere tells
        with pytest.raises(VerificationError, match="expected to continue a head of"):
            copy.verify(head)
