"""The Merkle tree of the ledger: hashes, proofs and their verification, as pure functions over SHA-256.

Entry i of the tree is a leaf; the root of the first n leaves stands for all of them in their order. An inclusion
proof shows that an entry is among them, a consistency proof that a shorter tree is the beginning of a longer one.

Subtrees that are complete (2^level leaves, the index-th of their level) never change once they exist. They are numbered
in the order in which they become complete, which is post-order, so a store that keeps them only ever appends:

    position   2        5               leaf 0 is 0, leaf 1 is 1, the node over both is 2,
              / \\      / \\              leaf 2 is 3, leaf 3 is 4, the node over both is 5,
             0   1    3   4             and 6 is the node over 2 and 5.

Source: RFC 9162 sections 2.1.1 (hashes), 2.1.3 (inclusion), 2.1.4 (consistency).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from caveats.errors import EncodingError, VerificationError

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
_MAX_SIZE: Final = 2**63 - 1

_sha256 = hashlib.sha256


@dataclass(frozen=True, slots=True)
class Node:
    """A complete subtree: it covers the leaves from `index << level` up to `(index + 1) << level`."""

    level: int
    index: int


class Head(NamedTuple):
    """A tree in two values: how many leaves it has, and their root."""

    size: int
    root: bytes


Fetch = Callable[[Sequence[Node]], Sequence[bytes]]
"""Returns the hashes of complete subtrees, in the order they are asked for."""


def hash_leaf(data: bytes) -> bytes:
    """Return the hash of a leaf. The prefix keeps a leaf from passing for a node."""
    return _sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two subtrees."""
    return _sha256(b"\x01" + left + right).digest()


def position(node: Node) -> int:
    """Return the place of a complete subtree among all, in the order in which they become complete."""
    last = ((node.index + 1) << node.level) - 1  # the leaf that completes it
    return count_nodes(last) + node.level


def count_nodes(size: int) -> int:
    """Return how many complete subtrees a tree of this size has, leaves among them."""
    return 2 * size - size.bit_count()


def cover(start: int, stop: int) -> list[Node]:
    """Return the complete subtrees that make up the leaves from start to stop, largest first.

    `start` must be a multiple of the largest power of two within the range, as it is wherever a tree is split.
    """
    nodes = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        nodes.append(Node(level, start >> level))
        start += 1 << level
    return nodes


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the hash over the subtrees that `cover` named."""
    if not hashes:
        return EMPTY_ROOT
    folded = hashes[-1]
    for left in reversed(hashes[:-1]):
        folded = hash_node(left, folded)
    return folded


class Frontier:
    """The right edge of a tree: all that is needed to append to it and to know its root.

    Attributes:
        size: how many leaves the tree has.
        peaks: hashes of the complete subtrees that make it up, largest first, as `cover(0, size)` names them.
    """

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        if len(self.peaks) != size.bit_count():
            raise EncodingError.of("frontier", expected=f"{size.bit_count()} peaks", got=len(self.peaks))

    def copy(self) -> Frontier:
        """Return another frontier of the same tree."""
        return Frontier(self.size, self.peaks)

    def append(self, leaf: bytes) -> list[bytes]:
        """Take a leaf hash in, and return the hashes of the subtrees that are complete with it, the leaf first."""
        made = [leaf]
        rest = self.size
        while rest & 1:
            made.append(hash_node(self.peaks.pop(), made[-1]))
            rest >>= 1
        self.peaks.append(made[-1])
        self.size += 1
        return made

    @property
    def root(self) -> bytes:
        """The root of the tree."""
        return fold(self.peaks)

    @property
    def head(self) -> Head:
        """The size and the root."""
        return Head(self.size, self.root)


def advance(frontier: Frontier, hashes: Mapping[int, bytes], size: int) -> Frontier | None:
    """Return the frontier of the tree of a larger size, from the hashes of the subtrees that were added to it.

    Args:
        frontier: of the smaller tree; stays as it is.
        hashes: by their position; None is returned when one is missing or is not what the leaves lead to.
        size: of the larger tree.
    """
    ahead = frontier.copy()
    while ahead.size < size:
        place = count_nodes(ahead.size)
        leaf = hashes.get(place)
        if leaf is None or any(hashes.get(above) != made for above, made in enumerate(ahead.append(leaf), start=place)):
            return None
    return ahead if ahead.size == size else None


def fetch_root(fetch: Fetch, size: int) -> bytes:
    """Return the root of the first `size` leaves."""
    return fold(fetch(cover(0, size)))


def prove_inclusion(fetch: Fetch, index: int, size: int) -> list[bytes]:
    """Return the proof that the leaf at `index` is in the tree of `size` leaves, from the leaf up.

    Raises:
        EncodingError: there is no such leaf in a tree of that size.
    """
    _require_leaf(index, size)
    siblings = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            siblings.append((middle, stop))
            stop = middle
        else:
            siblings.append((start, middle))
            start = middle
    return _fetch_ranges(fetch, siblings[::-1])


def prove_consistency(fetch: Fetch, first: int, second: int) -> list[bytes]:
    """Return the proof that the tree of `first` leaves is the beginning of that of `second`; empty when either is all.

    Raises:
        EncodingError: `first` is larger than `second`, or a size is negative.
    """
    _require_sizes(first, second)
    if first in (0, second):
        return []
    ranges = []
    start, stop = 0, second
    while first != stop:
        middle = start + _split(stop - start)
        if first <= middle:
            ranges.append((middle, stop))
            stop = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # otherwise it is the first tree itself, whose root the verifier has
        ranges.append((start, stop))
    return _fetch_ranges(fetch, ranges[::-1])


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Return when the proof shows the leaf hash at its index in the tree; raise otherwise.

    Raises:
        VerificationError: it leads to another root, or has more or fewer hashes than such a tree needs.
        EncodingError: there is no such leaf in a tree of that size, or a hash is not 32 bytes.
    """
    _require_hashes((root,))
    rebuilt = root_of_inclusion(leaf, index, size, proof)
    if rebuilt != root:
        raise VerificationError(
            f"inclusion proof: it leads to the root {rebuilt.hex()}, not to {root.hex()}",
            hint="the entry, its index, the proof or the root is another",
        )


def root_of_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root that the proof leads to from the leaf hash. Raises as `verify_inclusion`."""
    _require_leaf(index, size)
    _require_hashes((leaf, *proof))
    climb = _Climb("inclusion proof", index, size)
    rebuilt = leaf
    for sibling in proof:
        rebuilt = hash_node(sibling, rebuilt) if climb.step() else hash_node(rebuilt, sibling)
    climb.require_top()
    return rebuilt


def verify_consistency(
    first_size: int, first_root: bytes, second_size: int, second_root: bytes, proof: Sequence[bytes]
) -> None:
    """Return when the proof shows that the first tree is the beginning of the second; raise otherwise.

    Raises:
        VerificationError: it leads to another root, or has more or fewer hashes than such trees need.
        EncodingError: the first tree is the larger one, or a hash is not 32 bytes.
    """
    _require_sizes(first_size, second_size)
    _require_hashes((first_root, second_root, *proof))
    if first_size in (0, second_size):
        if proof:
            raise VerificationError("consistency proof: expected no hashes between these sizes")
        if first_root != (second_root if first_size else EMPTY_ROOT):
            raise VerificationError(f"consistency proof: two trees of {first_size} entries have different roots")
        return
    if not proof:
        raise VerificationError("consistency proof: expected at least one hash between these sizes")
    # a first tree that is one complete subtree stands in the second as it is
    start, *rest = (first_root, *proof) if first_size.bit_count() == 1 else proof
    climb = _Climb("consistency proof", first_size - 1, second_size)
    climb.skip_right()
    first = second = start
    for sibling in rest:
        if climb.step():
            first, second = hash_node(sibling, first), hash_node(sibling, second)
        else:
            second = hash_node(second, sibling)
    climb.require_top()
    for name, rebuilt, root in (("first", first, first_root), ("second", second, second_root)):
        if rebuilt != root:
            raise VerificationError(
                f"consistency proof: it leads to the {name} root {rebuilt.hex()}, not to {root.hex()}",
                hint="the one is not the beginning of the other, or the proof is for other trees",
            )


class _Climb:
    """The way from a place at the bottom of a tree to its root, with the right edge beside it."""

    def __init__(self, what: str, index: int, size: int) -> None:
        self.what = what
        self.at = index
        self.edge = size - 1

    def skip_right(self) -> None:
        """Go up for as long as the way comes from the right: those subtrees are complete in both trees."""
        while self.at & 1:
            self._up()

    def step(self) -> bool:
        """Go one level up, and return whether the sibling stands to the left."""
        if not self.edge:
            raise VerificationError(f"{self.what}: expected fewer hashes for these sizes")
        is_left = bool(self.at & 1) or self.at == self.edge
        if is_left:
            while self.at and not self.at & 1:  # levels on which the right edge has no sibling
                self._up()
        self._up()
        return is_left

    def require_top(self) -> None:
        """Raise unless this is the root."""
        if self.edge:
            raise VerificationError(f"{self.what}: expected more hashes for these sizes")

    def _up(self) -> None:
        self.at >>= 1
        self.edge >>= 1


def _fetch_ranges(fetch: Fetch, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
    covers = [cover(start, stop) for start, stop in ranges]
    found = iter(fetch([node for nodes in covers for node in nodes]))
    return [fold([next(found) for _ in nodes]) for nodes in covers]


def _split(count: int) -> int:
    """Return the largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _require_leaf(index: int, size: int) -> None:
    if not 0 <= index < size <= _MAX_SIZE:
        raise EncodingError.of("proof", expected="an entry of a tree", got=f"entry {index} of {size}")


def _require_sizes(first: int, second: int) -> None:
    if not 0 <= first <= second <= _MAX_SIZE:
        raise EncodingError.of("proof", expected="a size and one not smaller", got=f"{first} and {second}")


def _require_hashes(hashes: Iterable[bytes]) -> None:
    for value in hashes:
        if not isinstance(value, bytes) or len(value) != HASH_SIZE:
            raise EncodingError.of("proof", expected=f"hashes of {HASH_SIZE} bytes", got=value)
