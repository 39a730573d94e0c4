"""The ledger as static files: C2SP tiles, from which anybody can compute every root and every proof.

    <directory>/tile/<level>/<index>          256 hashes of 32 bytes: the roots of 256^level leaves each
    <directory>/tile/<level>/<index>.p/<n>    the rightmost tile, when it has n hashes, 1 to 255
    <directory>/tile/entries/<index>[.p/<n>]  as many entries, each after its length in two bytes, big-endian

An index is written in groups of three digits, all but the last after an x: 1234067 is x001/x234/067. A full tile never
changes. The checkpoint that goes with the tiles is `checkpoint`'s; what the entries are is `entry`'s.

Source: C2SP tlog-tiles.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from caveats.errors import EncodingError, EngineError, VerificationError
from delegations.ledger.tree import HASH_SIZE, Frontier, Head, Node, cover, fold, hash_leaf

if TYPE_CHECKING:
    from delegations.ledger.ledger import Ledger

WIDTH: Final = 256
_HEIGHT: Final = 8
_MAX_LEVEL: Final = 63
MAX_ENTRY: Final = 0xFFFF
"""The longest entry that a bundle holds, in bytes."""


class Tile(NamedTuple):
    """A tile of hashes, or with level "entries" the bundle of entries below a tile of level 0.

    Attributes:
        level: 0 for leaves; each level above covers 256 times as much.
        number: the place of the tile in its level.
        width: how many hashes or entries it has; 256 when it is full.
    """

    level: int | str
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it lies, from the directory of the log."""
        full = f"tile/{self.level}/{format_number(self.number)}"
        return full if self.width == WIDTH else f"{full}.p/{self.width}"


def format_number(number: int) -> str:
    """Return the number of a tile as a path. Raises EncodingError when it is negative."""
    if number < 0:
        raise EncodingError.of("tile", expected="a number from 0", got=number)
    last = f"{number % 1000:03}"
    groups = []
    while number := number // 1000:
        groups.append(f"x{number % 1000:03}")
    return "/".join([*reversed(groups), last])


def tiles_of(size: int, start: int = 0) -> Iterator[Tile]:
    """Yield the tiles of hashes of a tree, without those that were full when it had `start` leaves."""
    for level in range(_MAX_LEVEL + 1):
        count, before = size >> (_HEIGHT * level), start >> (_HEIGHT * level)
        if not count:
            return
        yield from _row(level, count, before)


def bundles_of(size: int, start: int = 0) -> Iterator[Tile]:
    """Yield the bundles of entries of a tree, without those that were full when it had `start` leaves."""
    return _row("entries", size, start)


def _row(level: int | str, count: int, before: int) -> Iterator[Tile]:
    for number in range(before // WIDTH, -(-count // WIDTH)):
        yield Tile(level, number, min(WIDTH, count - number * WIDTH))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Return a bundle. Raises EncodingError for an entry over 65,535 bytes."""
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise EncodingError.of("entry", expected=f"up to {MAX_ENTRY} bytes", got=f"{len(entry)} bytes")
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def decode_bundle(data: bytes) -> list[bytes]:
    """Return the entries of a bundle. Raises EncodingError when it ends within one."""
    entries, at = [], 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start])
        if start > len(data) or at > len(data):
            raise EncodingError.of("bundle", expected="whole entries", got=f"{len(data)} bytes, {at} wanted")
        entries.append(data[start:at])
    return entries


def write_tiles(ledger: Ledger, directory: str | Path, *, start: int = 0, size: int | None = None) -> Head:
    """Write the tiles and bundles of a ledger; return the head that they are for.

    A file appears as a whole or not at all, and the bundles before the hashes over them. Publish a checkpoint of that
    head only afterwards.

    Args:
        ledger: what is written.
        directory: the directory of the log, made when it is not there.
        start: the size at the last time, whose full tiles are there already.
        size: how many entries; all by default.

    Raises:
        EncodingError: the ledger has fewer entries.
        EngineError: a file cannot be written.
        VerificationError: an entry is damaged.
    """
    head = ledger.head if size is None else Head(size, ledger.root_at(size))
    root = Path(directory)
    for bundle in bundles_of(head.size, start):
        first = bundle.number * WIDTH
        entries = [record.entry_bytes for record in ledger.records(first, first + bundle.width)]
        _write(root / bundle.path, encode_bundle(entries))
    for tile in tiles_of(head.size, start):
        level, first = int(tile.level) * _HEIGHT, tile.number * WIDTH
        nodes = [Node(level, first + offset) for offset in range(tile.width)]
        _write(root / tile.path, b"".join(ledger.fetch(nodes)))
    return head


def _write(path: Path, data: bytes) -> None:
    made = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with made.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        made.replace(path)
    except OSError as error:
        raise EngineError(f"tile {path}: cannot write it: {error.strerror}") from error


Read = Callable[[str], bytes | None]
"""Returns the bytes that lie under a path such as `Tile.path`, or None when nothing does."""


def read_from(directory: str | Path) -> Read:
    """Return what reads tiles from a directory. Raises EngineError when a file is there and cannot be read."""
    root = Path(directory)

    def read(path: str) -> bytes | None:
        try:
            return (root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise EngineError(f"tile {root / path}: cannot read it: {error.strerror}") from error

    return read


class TiledTree:
    """A tree of which only its tiles are at hand. `fetch` serves `prove_inclusion` and `prove_consistency`.

    Nothing that is read is believed: `verify` computes everything again, and a proof made from tiles is worth something
    only against a root that is known, such as a signed checkpoint's.
    """

    def __init__(self, read: Read, size: int) -> None:
        """Take what reads the tiles, such as `read_from(directory)`, and the size that a checkpoint names."""
        self.size = size
        self._read = read
        # a proof goes through one tile a level, and the next one through mostly the same
        self._hashes = lru_cache(maxsize=64)(self._read_hashes)

    def root(self) -> bytes:
        """Return the root that the tiles lead to. Raises as `fetch`."""
        return fold(self.fetch(cover(0, self.size)))

    def fetch(self, nodes: Sequence[Node]) -> list[bytes]:
        """Return the hashes of complete subtrees, in the order they are asked for.

        Raises:
            EngineError: a tile is missing.
            VerificationError: a tile is of another length.
        """
        return [self._fetch(node) for node in nodes]

    def _fetch(self, node: Node) -> bytes:
        level, within = divmod(node.level, _HEIGHT)
        first = node.index << within  # in hashes of the tile's level
        hashes = self._hashes(self._tile(level, first // WIDTH))
        subtree = Frontier()
        for digest in hashes[first % WIDTH : first % WIDTH + (1 << within)]:
            subtree.append(digest)
        if subtree.size != 1 << within:
            raise EncodingError.of("tree", expected=f"a subtree of one with {self.size} leaves", got=node)
        return subtree.root

    def verify(self, head: Head) -> None:
        """Return when the bundles and tiles are those of the head, all of them, down to the entries; raise otherwise.

        Raises:
            EngineError: a file is missing.
            EncodingError: a bundle is malformed.
            VerificationError: entries that do not hash to their tile, a tile that does not hash to the one above, or
                another root.
        """
        if head.size != self.size:
            raise EncodingError.of("head", expected=f"{self.size} entries, as the tiles", got=head.size)
        for bundle in bundles_of(self.size):
            leaves = [hash_leaf(entry) for entry in self.entries(bundle)]
            if leaves != self._hashes(self._tile(0, bundle.number)):
                raise VerificationError(f"tile {bundle.path}: its entries do not hash to the tile of level 0")
        for tile in tiles_of(self.size):
            self._require_parent(int(tile.level), tile)
        if self.root() != head.root:
            raise VerificationError(f"tiles: they lead to the root {self.root().hex()}, not to {head.root.hex()}")

    def _require_parent(self, level: int, tile: Tile) -> None:
        if tile.width != WIDTH:
            return
        made = Frontier()
        for digest in self._hashes(tile):
            made.append(digest)
        above = self._hashes(self._tile(level + 1, tile.number // WIDTH))
        if above[tile.number % WIDTH] != made.root:
            raise VerificationError(f"tile {tile.path}: it does not hash to what stands above it")

    def entries(self, bundle: Tile) -> list[bytes]:
        """Return the entries of a bundle; not held against the tree. Raises as `verify`."""
        entries = decode_bundle(self._bytes(bundle))
        if len(entries) < bundle.width:
            raise VerificationError(f"tile {bundle.path}: expected {bundle.width} entries, got {len(entries)}")
        return entries[: bundle.width]

    def _tile(self, level: int, number: int) -> Tile:
        return Tile(level, number, max(0, min(WIDTH, (self.size >> (_HEIGHT * level)) - number * WIDTH)))

    def _read_hashes(self, tile: Tile) -> list[bytes]:
        data = self._bytes(tile)
        if len(data) not in (tile.width * HASH_SIZE, WIDTH * HASH_SIZE):
            raise VerificationError(f"tile {tile.path}: expected {tile.width} hashes, got {len(data)} bytes")
        return [data[at : at + HASH_SIZE] for at in range(0, tile.width * HASH_SIZE, HASH_SIZE)]

    def _bytes(self, tile: Tile) -> bytes:
        data = self._read(tile.path)
        if data is None and tile.width != WIDTH:  # a partial one may go when the full one is there
            data = self._read(tile._replace(width=WIDTH).path)
        if data is None:
            raise EngineError(f"tile {tile.path}: it is missing")
        return data
