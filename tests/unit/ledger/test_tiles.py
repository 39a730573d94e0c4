"""Tiles: where they lie, what is in them, and that everything can be computed from them alone."""

from __future__ import annotations

import hashlib
from pathlib import Path
from shutil import copytree

import pytest

from caveats.errors import DelegationsError, EncodingError, EngineError, VerificationError
from delegations.ledger.ledger import Ledger
from delegations.ledger.tiles import (
    TiledTree,
    bundles_of,
    decode_bundle,
    encode_bundle,
    format_number,
    read_from,
    tiles_of,
    write_tiles,
)
from delegations.ledger.tree import (
    EMPTY_ROOT,
    Frontier,
    Head,
    Node,
    hash_leaf,
    position,
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)
from tests.unit.ledger.makers import ORIGIN, chained

SIZE = 300


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory):
    sealed = chained(12)
    with Ledger.create(tmp_path_factory.mktemp("ledger") / "x", origin=ORIGIN) as made:
        for _ in range(SIZE // 12):
            made.append_many([s.envelope for s in sealed], [s.receipt for s in sealed])
        yield made


@pytest.fixture(scope="module")
def written(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("written") / "log"
    write_tiles(ledger, directory)
    return directory


@pytest.fixture
def directory(written: Path, tmp_path: Path) -> Path:
    """The tiles of 300 entries, to be damaged."""
    return Path(copytree(written, tmp_path / "log"))


@pytest.mark.parametrize(
    ("number", "text"), [(0, "000"), (5, "005"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067")]
)
def test_the_number_of_a_tile_is_written_in_groups_of_three(number: int, text: str) -> None:
    assert format_number(number) == text


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(EncodingError, match="a number from 0"):
        format_number(-1)


def test_the_tiles_of_70000_entries_are_those_the_specification_counts() -> None:
    tiles = list(tiles_of(70_000))

    widths = {level: [t.width for t in tiles if t.level == level] for level in (0, 1, 2)}
    assert widths == {0: [256] * 273 + [112], 1: [256, 17], 2: [1]}
    assert [t.path for t in tiles[-4:]] == ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]


def test_a_tree_of_256_has_one_full_tile_and_one_hash_above() -> None:
    assert [tile.path for tile in tiles_of(256)] == ["tile/0/000", "tile/1/000.p/1"]


def test_only_what_is_new_is_told_when_something_is_there() -> None:
    assert [tile.path for tile in tiles_of(600, 513)] == ["tile/0/002.p/88", "tile/1/000.p/2"]
    assert [tile.path for tile in bundles_of(600, 512)] == ["tile/entries/002.p/88"]


def test_an_empty_tree_has_no_tiles() -> None:
    assert not list(tiles_of(0))
    assert not list(bundles_of(0))
    assert TiledTree(lambda _: None, 0).root() == EMPTY_ROOT


def test_a_bundle_is_read_as_it_was_written() -> None:
    entries = [b"", b"a", b"b" * 65_535]

    assert encode_bundle([b"", b"a"]) == b"\x00\x00\x00\x01a"
    assert decode_bundle(encode_bundle(entries)) == entries


def test_an_entry_that_is_too_long_for_a_bundle_is_refused() -> None:
    with pytest.raises(EncodingError, match="up to 65535 bytes"):
        encode_bundle([b"b" * 65_536])


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x02a", b"\x00\x01a\x00"])
def test_a_bundle_that_ends_within_an_entry_is_refused(data: bytes) -> None:
    with pytest.raises(EncodingError, match="expected whole entries"):
        decode_bundle(data)


def test_what_is_written_are_the_hashes_of_the_entries(ledger: Ledger, written: Path) -> None:
    files = sorted(str(path.relative_to(written)) for path in written.rglob("*") if path.is_file())

    assert files == [
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
    ]
    entries = decode_bundle((written / "tile/entries/001.p/44").read_bytes())
    assert entries == [record.entry_bytes for record in ledger.records(256)]
    hashes = b"".join(hashlib.sha256(b"\x00" + entry).digest() for entry in entries)
    assert (written / "tile/0/001.p/44").read_bytes() == hashes
    assert (written / "tile/1/000.p/1").read_bytes() == ledger.root_at(256)


def test_the_root_is_computed_from_tiles_alone(ledger: Ledger, written: Path) -> None:
    tree = TiledTree(read_from(written), SIZE)

    tree.verify(ledger.head)
    assert tree.root() == ledger.root


def test_proofs_are_made_from_tiles_alone(ledger: Ledger, written: Path) -> None:
    tree = TiledTree(read_from(written), SIZE)
    for index in (0, 1, 100, 255, 256, 299):
        proof = prove_inclusion(tree.fetch, index, SIZE)
        assert proof == ledger.prove_inclusion(index)
        verify_inclusion(ledger.leaf_hash(index), index, SIZE, proof, ledger.root)
        proof = prove_consistency(tree.fetch, index + 1, SIZE)
        verify_consistency(index + 1, ledger.root_at(index + 1), SIZE, ledger.root, proof)


def test_a_tree_of_three_levels_is_fetched_from_its_tiles() -> None:
    frontier, hashes = Frontier(), []
    for number in range(66_000):
        hashes += frontier.append(hash_leaf(number.to_bytes(4)))
    files = {
        tile.path: b"".join(
            hashes[position(Node(int(tile.level) * 8, tile.number * 256 + i))] for i in range(tile.width)
        )
        for tile in tiles_of(frontier.size)
    }
    tree = TiledTree(files.get, frontier.size)

    assert tree.root() == frontier.root
    proof = prove_inclusion(tree.fetch, 65_535, frontier.size)
    verify_inclusion(hash_leaf((65_535).to_bytes(4)), 65_535, frontier.size, proof, frontier.root)


def test_tiles_are_added_to_those_that_are_there(ledger: Ledger, tmp_path: Path) -> None:
    first = write_tiles(ledger, tmp_path, size=260)
    full = (tmp_path / "tile/0/000").stat().st_mtime_ns
    write_tiles(ledger, tmp_path, start=260)

    assert (tmp_path / "tile/0/000").stat().st_mtime_ns == full
    TiledTree(read_from(tmp_path), SIZE).verify(ledger.head)
    TiledTree(read_from(tmp_path), 260).verify(first)


def test_a_full_tile_stands_in_for_a_partial_one(ledger: Ledger, directory: Path) -> None:
    old = Head(200, ledger.root_at(200))
    assert not (directory / "tile/0/000.p").exists()

    TiledTree(read_from(directory), 200).verify(old)


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000"])
def test_a_missing_file_is_named(ledger: Ledger, directory: Path, path: str) -> None:
    (directory / path).unlink()

    with pytest.raises(EngineError, match=f"tile {path}: it is missing"):
        TiledTree(read_from(directory), SIZE).verify(ledger.head)


@pytest.mark.parametrize(
    "path", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"]
)
@pytest.mark.parametrize("at", [0, 20, -1])
def test_a_flipped_bit_in_any_file_is_found(ledger: Ledger, directory: Path, path: str, at: int) -> None:
    data = bytearray((directory / path).read_bytes())
    data[at] ^= 1
    (directory / path).write_bytes(data)

    with pytest.raises(DelegationsError):
        TiledTree(read_from(directory), SIZE).verify(ledger.head)


@pytest.mark.parametrize("path", ["tile/0/000", "tile/entries/000"])
def test_a_cut_file_is_found(ledger: Ledger, directory: Path, path: str) -> None:
    data = (directory / path).read_bytes()
    (directory / path).write_bytes(data[: len(data) // 2])

    with pytest.raises((VerificationError, EncodingError)):
        TiledTree(read_from(directory), SIZE).verify(ledger.head)


def test_tiles_of_another_ledger_are_refused(ledger: Ledger, written: Path) -> None:
    with pytest.raises(VerificationError, match="they lead to the root"):
        TiledTree(read_from(written), SIZE).verify(Head(SIZE, bytes(32)))
    with pytest.raises(EncodingError, match="expected 300 entries, as the tiles"):
        TiledTree(read_from(written), SIZE).verify(Head(299, ledger.root_at(299)))


def test_a_subtree_that_is_not_complete_is_not_fetched(written: Path) -> None:
    with pytest.raises(EncodingError, match="expected a subtree of one with 300 leaves"):
        TiledTree(read_from(written), SIZE).fetch([Node(8, 1)])


def test_what_cannot_be_written_or_read_is_named(ledger: Ledger, directory: Path) -> None:
    (directory / "tile/1/000.p/1").unlink()
    (directory / "tile/1/000.p/1").mkdir()

    with pytest.raises(EngineError, match="cannot write it"):
        write_tiles(ledger, directory)
    with pytest.raises(EngineError, match="cannot read it"):
        TiledTree(read_from(directory), SIZE).verify(ledger.head)
