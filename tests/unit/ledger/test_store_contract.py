"""What every store must do, asked of each of them alike."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from caveats.errors import EngineError, VerificationError
from delegations.ledger.entry import Prepared, prepare
from delegations.ledger.ledger import Ledger, make_identity
from delegations.ledger.postgres import PostgresStore
from delegations.ledger.sqlite import SqliteStore
from delegations.ledger.store import Store, Wanted
from delegations.ledger.tree import EMPTY_ROOT, Frontier, Head, Node, count_nodes, position
from tests.unit.ledger.notes import ORIGIN
from tests.unit.ledger.papers import envelope_number

IDENTITY = make_identity(ORIGIN, "ab" * 16)
NOTHING = Wanted(keys=(), since=None, until=None, start=0, limit=1000)


class Place(Protocol):
    """Where a ledger can be made and opened."""

    def create(self) -> Store: ...

    def open(self, *, is_writer: bool = True) -> Store: ...


@dataclass(frozen=True)
class SqlitePlace:
    path: Path

    def create(self) -> Store:
        return SqliteStore.create(self.path, IDENTITY)

    def open(self, *, is_writer: bool = True) -> Store:
        return SqliteStore(self.path, is_writer=is_writer)


@dataclass(frozen=True)
class PostgresPlace:
    conninfo: str
    namespace: str

    def create(self) -> Store:
        return PostgresStore.create(self.conninfo, IDENTITY, namespace=self.namespace)

    def open(self, *, is_writer: bool = True) -> Store:
        return PostgresStore(self.conninfo, is_writer=is_writer, namespace=self.namespace)


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place where no ledger is yet."""
    if request.param == "SQLite":
        return SqlitePlace(tmp_path / "receipts.db")
    return PostgresPlace(request.getfixturevalue("postgres"), f"ledger_{secrets.token_hex(8)}")


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    """A new store, open for writing."""
    with closing(place.create()) as made:
        yield made


def entries(count: int, first: int = 0) -> list[Prepared]:
    """Entries to append, each another."""
    return [prepare(envelope_number(number)) for number in range(first, first + count)]


def head_of(appended: list[Prepared]) -> Head:
    """The head of a tree over these entries."""
    frontier = Frontier()
    for entry in appended:
        frontier.append(entry.leaf)
    return frontier.head


def bytes_of(found: list[Any]) -> list[tuple[int, bytes, bytes]]:
    return [(stored.index, stored.payload, stored.signatures) for stored in found]


def kept(appended: list[Prepared]) -> list[tuple[int, bytes, bytes]]:
    return [(index, entry.payload, entry.signatures) for index, entry in enumerate(appended)]


def test_a_new_store_is_empty_and_knows_which_it_is(store: Store) -> None:
    assert store.head() == Head(0, EMPTY_ROOT)
    assert store.identity == IDENTITY
    assert store.read(0, 10) == []
    assert store.find(NOTHING) == []


def test_what_is_appended_is_read_back_in_its_order_under_the_root_it_leads_to(store: Store) -> None:
    given = entries(7)
    assert store.append(given[:1]) == head_of(given[:1])
    assert store.append(given[1:]) == head_of(given)
    assert store.head() == head_of(given)
    assert bytes_of(store.read(0, 7)) == kept(given)
    assert bytes_of(store.read(2, 4)) == kept(given)[2:4]
    assert bytes_of(store.read(5, 100)) == kept(given)[5:]
    assert store.read(7, 9) == []


def test_nothing_appended_is_nothing_changed(store: Store) -> None:
    store.append(entries(2))
    assert store.append([]) == head_of(entries(2))


def test_every_hash_of_the_tree_can_be_asked_for_in_any_order(store: Store) -> None:
    given, frontier = entries(9), Frontier()
    hashes = [digest for entry in given for digest in frontier.append(entry.leaf)]
    store.append(given)
    nodes = [Node(level, index) for level in range(4) for index in range(9 >> level)]
    assert len(nodes) == count_nodes(9)
    for asked in (nodes, nodes[::-1], [nodes[3], nodes[3]], []):
        assert store.fetch(asked) == [hashes[position(node)] for node in asked]


def test_a_hash_that_is_not_there_is_never_made_up(store: Store) -> None:
    store.append(entries(2))
    with pytest.raises(VerificationError, match=r"the hash of Node\(level=0, index=2\) is missing"):
        store.fetch([Node(0, 0), Node(0, 2)])


def test_opened_again_it_goes_on_where_it_was(place: Place) -> None:
    given = entries(5)
    for part in (given[:2], given[2:3], given[3:]):
        with closing(place.create() if part is given[:2] else _open_or_create(place)) as store:
            store.append(part)
    with closing(place.open(is_writer=False)) as store:
        assert store.head() == head_of(given)
        assert store.identity == IDENTITY
        assert bytes_of(store.read(0, 5)) == kept(given)


def _open_or_create(place: Place) -> Store:
    try:
        return place.open()
    except (EngineError, VerificationError):
        return place.create()


def test_a_reader_sees_what_a_writer_appends_afterwards(place: Place, store: Store) -> None:
    with closing(place.open(is_writer=False)) as reader:
        assert reader.head().size == 0
        store.append(entries(3))
        assert reader.head() == head_of(entries(3))
        assert bytes_of(reader.read(0, 3)) == kept(entries(3))


def test_a_reader_appends_nothing(place: Place, store: Store) -> None:
    with closing(place.open(is_writer=False)) as reader:
        with pytest.raises(EngineError, match="it is open for reading only"):
            reader.append(entries(1))
        assert reader.head().size == 0


def test_there_is_one_ledger_in_a_place(place: Place, store: Store) -> None:
    with pytest.raises(EngineError, match=r"already|another writer"):
        place.create()
    assert store.append(entries(1)).size == 1


def test_what_is_closed_is_closed(store: Store) -> None:
    store.append(entries(1))
    store.close()
    store.close()
    for ask in (store.head, lambda: store.append(entries(1)), lambda: store.read(0, 1), lambda: store.fetch([])):
        with pytest.raises(EngineError, match="it is closed"):
            ask()


def test_a_place_without_a_ledger_is_not_opened(place: Place) -> None:
    with pytest.raises((EngineError, VerificationError), match=r"no such file|no ledger there"):
        place.open()


TIMES = (None, 0, 1_000, 1_000, 2_000, 2**63 - 1, None, 1_500)


def filed(count: int) -> list[Prepared]:
    """Entries under chosen keys and times."""
    made = entries(count)
    return [
        entry._replace(keys=tuple(sorted({index % 2, -(index % 3) - 1, 2**63 - 1 - index})), time=TIMES[index % 8])
        for index, entry in enumerate(made)
    ]


def test_a_search_finds_what_has_all_keys_in_the_range_of_time_from_the_start_up_to_the_limit(store: Store) -> None:
    given = filed(24)
    store.append(given[:10])
    store.append(given[10:])
    for keys in ((), (0,), (-1,), (1, -2), (0, -1, 2**63 - 1), (2**63 - 1 - 23,), (77,), (0, 77)):
        for since, until in itertools.product((None, 0, 1_000, 2**63 - 1), (None, 0, 1_500, 2**63 - 1)):
            for start, limit in ((0, 1000), (5, 3), (24, 1)):
                found = store.find(Wanted(keys, since, until, start, limit))
                expected = [
                    index
                    for index, entry in enumerate(given)
                    if index >= start
                    and set(keys) <= set(entry.keys)
                    and (since is None or (entry.time is not None and entry.time >= since))
                    and (until is None or (entry.time is not None and entry.time < until))
                ][:limit]
                assert [stored.index for stored in found] == expected
                assert bytes_of(found) == [kept(given)[index] for index in expected]


def test_verification_is_given_all_that_is_kept(store: Store) -> None:
    given, frontier = filed(9), Frontier()
    hashes = [digest for entry in given for digest in frontier.append(entry.leaf)]
    heads = [Head(0, EMPTY_ROOT), store.append(given[:4]), store.append(given[4:])]
    with store.audit() as audit:
        assert list(audit.find_faults()) == []
        assert audit.head() == heads[-1]
        assert list(audit.heads()) == heads
        assert list(audit.hashes()) == list(enumerate(hashes))
        found = [(row.index, row.payload, row.signatures, row.time) for row in audit.filed()]
        assert found == [(*row, entry.time) for row, entry in zip(kept(given), given, strict=True)]
        assert audit.missing_keys(3, (*given[3].keys, 99)) == [99]
        assert audit.count_keys() == sum(len(entry.keys) for entry in given)


def test_verification_sees_one_moment_while_others_write(store: Store) -> None:
    store.append(entries(3))
    with store.audit() as audit:
        assert audit.head().size == 3
        store.append(entries(2, first=3))
        assert audit.head().size == 3
        assert len(list(audit.filed())) == 3
        assert len(list(audit.hashes())) == count_nodes(3)
    assert store.head().size == 5


def test_threads_that_append_at_once_get_every_index_once(place: Place) -> None:
    with Ledger(place.create()) as ledger, ThreadPoolExecutor(8) as threads:
        given = list(range(80))
        places = list(threads.map(lambda number: ledger.append(envelope_number(number)).index, given))
        assert sorted(places) == given
        for number, index in zip(given, places, strict=True):
            assert ledger.read(index).envelope == envelope_number(number)
        assert ledger.find_damage() == ()


def test_a_ledger_over_it_proves_and_verifies(place: Place) -> None:
    with Ledger(place.create()) as ledger:
        ledger.append_many([envelope_number(number) for number in range(11)])
        for index in range(11):
            ledger.prove_inclusion(index)  # held against the root before it is given
        for size in range(12):
            ledger.prove_consistency(size)
        assert ledger.verify() == ledger.head


# once


def test_what_is_there_already_stays_where_it_is(store: Store) -> None:
    given = entries(6)
    store.append(given[:3])
    assert store.append_new([given[4], given[1], given[5], given[0]]) == [(3, True), (1, False), (4, True), (0, False)]
    assert bytes_of(store.read(0, 9)) == kept([*given[:3], given[4], given[5]])
    assert store.head() == head_of([*given[:3], given[4], given[5]])


def test_what_is_given_twice_is_kept_once(store: Store) -> None:
    first, second = entries(2)
    assert store.append_new([first, second, first]) == [(0, True), (1, True), (0, False)]
    assert store.head() == head_of([first, second])


def test_when_all_of_it_is_there_nothing_is_added(store: Store) -> None:
    given = entries(2)
    store.append(given)
    assert store.append_new(given) == [(0, False), (1, False)]
    assert store.append_new([]) == []
    assert store.head() == head_of(given)


def test_the_same_receipt_in_another_envelope_is_another_entry(store: Store) -> None:
    (entry,) = entries(1)
    other = entry._replace(signatures=entry.signatures.replace(b'"sig":"', b'"sig":"AAAA'))
    assert store.append_new([entry, other]) == [(0, True), (1, True)]
    assert store.append_new([other, entry]) == [(1, False), (0, False)]


def test_of_many_who_append_the_same_at_once_one_does(place: Place) -> None:
    with Ledger(place.create()) as ledger, ThreadPoolExecutor(8) as threads:
        made = list(
            threads.map(lambda number: ledger.append(envelope_number(number % 10), is_once=True), range(80), timeout=60)
        )
        assert ledger.size == 10
        assert sum(entry.is_new for entry in made) == 10
        for number, entry in enumerate(made):
            assert ledger.read(entry.index).envelope == envelope_number(number % 10)
        assert ledger.find_damage() == ()


def test_an_entry_whose_hash_was_changed_does_not_pass_for_there(place: Place, store: Store) -> None:
    (entry,) = entries(1)
    store.append([entry])
    with pytest.raises(VerificationError, match="entry 0: its bytes do not hash to its leaf"):
        store.append_new([entry._replace(leaf=bytes(32))])
    assert store.append_new([entry]) == [(0, False)]
