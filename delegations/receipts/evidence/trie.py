"""Merkle Patricia tries: built from their items, walked from a root, with inclusion and absence proven alike.

A walk takes nodes by their hash from wherever the caller keeps them. It ends at a value, or at the place where the key
would have to be and is not: both are proven by the same nodes. A node that is not there is never read as absence.

    branch     [child 0 .. child 15, value]
    extension  [hex-prefix(path, even 0x00 / odd 0x1n), child]
    leaf       [hex-prefix(path, even 0x20 / odd 0x3n), value]

A child is the hash of its encoding, or the node itself where that is shorter than 32 bytes.

Source: Ethereum yellow paper, appendices C and D.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from caveats.errors import EncodingError
from caveats.types import Bytes32, keccak
from delegations.receipts.evidence import rlp
from delegations.receipts.evidence.refusal import EvidenceError

EMPTY_ROOT: Final = Bytes32(keccak(rlp.encode(b"")))
"""The root of a trie that holds nothing."""
_BRANCH: Final = 17
_Pair = tuple[bytes, bytes]  # a key as one nibble to a byte, and its value
Lookup = Callable[[bytes], bytes]
"""Returns the node with a hash. Raises EvidenceError (missing-node) where there is none."""


def walk(root: bytes, key: bytes, lookup: Lookup) -> bytes | None:
    """Return the value under `key` in the trie with that root, or None where its absence is proven.

    Args:
        root: the trie's root hash.
        key: the key as it stands in the trie: hashed, in the state's tries.
        lookup: gives the node with a hash, whose bytes it has checked.

    Raises:
        EvidenceError: a node is missing, or is no trie node.
    """
    if root == EMPTY_ROOT:
        return None
    path = _nibbles(key)
    at = 0
    node = _load(root, lookup)
    while True:
        if len(node) == _BRANCH:
            if at == len(path):
                return _value(node[16])
            child = node[path[at]]
            at += 1
        else:
            part, is_leaf = _read_path(node[0])
            if is_leaf:
                return _value(node[1]) if path[at:] == part else None
            if path[at : at + len(part)] != part:
                return None
            at += len(part)
            child = node[1]
        if child == b"":
            return None
        node = _load(child, lookup)


def verify_proof(root: bytes, key: bytes, nodes: Sequence[bytes]) -> bytes | None:
    """Return the value under `key`, or None where its absence is proven, by nodes from the root downwards.

    Raises:
        EvidenceError: a node is missing, stands in another place than the walk takes it, or is not needed.
    """
    rest = iter(nodes)
    used = 0

    def next_node(digest: bytes) -> bytes:
        nonlocal used
        raw = next(rest, None)
        if raw is None or keccak(raw) != digest:
            raise EvidenceError("missing-node", f"there is no node 0x{digest.hex()} where the proof needs it")
        used += 1
        return raw

    found = walk(root, key, next_node)
    if used != len(nodes):
        raise EvidenceError("unused-node", f"the proof needs {used} nodes, got {len(nodes)}")
    return found


@dataclass(frozen=True)
class Trie:
    """A trie with all its nodes.

    Attributes:
        root: its root hash.
        nodes: every node that is referred to by hash, the root among them.
    """

    root: Bytes32
    nodes: Mapping[bytes, bytes]

    def prove(self, key: bytes) -> tuple[bytes, ...]:
        """Return the nodes, root first, that prove what stands under `key`, or that nothing does."""
        passed: list[bytes] = []

        def remembered(digest: bytes) -> bytes:
            passed.append(self.nodes[digest])
            return passed[-1]

        walk(self.root, key, remembered)
        return tuple(passed)

    def get(self, key: bytes) -> bytes | None:
        """Return the value under `key`, None where there is none."""
        return walk(self.root, key, self.nodes.__getitem__)


def build_trie(items: Mapping[bytes, bytes] | Iterable[tuple[bytes, bytes]]) -> Trie:
    """Return the trie that holds `items`.

    Raises:
        EncodingError: an empty value, which a trie cannot hold, or a key that stands twice.
    """
    pairs = sorted((_nibbles(k), v) for k, v in (items.items() if isinstance(items, Mapping) else items))
    if not all(value for _, value in pairs):
        raise EncodingError("trie: an empty value cannot be held")
    if any(one[0] == other[0] for one, other in itertools.pairwise(pairs)):
        raise EncodingError("trie: a key stands twice")
    if not pairs:
        return Trie(EMPTY_ROOT, {})
    nodes: dict[bytes, bytes] = {}
    raw = rlp.encode(_build(pairs, 0, nodes))
    root = keccak(raw)
    nodes[root] = raw
    return Trie(Bytes32(root), nodes)


def build_index_trie(values: Sequence[bytes]) -> Trie:
    """Return the trie of a block's transactions or receipts: keys are the RLP of their places."""
    return build_trie((index_key(place), value) for place, value in enumerate(values))


def index_key(place: int) -> bytes:
    """Return the key of the transaction or receipt at a place of its block."""
    return rlp.encode(rlp.encode_int(place))


def _build(pairs: list[_Pair], depth: int, nodes: dict[bytes, bytes]) -> rlp.Item:
    """Return the node over `pairs`, sorted, which agree in their first `depth` nibbles."""
    first, last = pairs[0][0], pairs[-1][0]
    if len(pairs) == 1:
        return [_write_path(first[depth:], is_leaf=True), pairs[0][1]]
    shared = depth
    while shared < len(first) and shared < len(last) and first[shared] == last[shared]:
        shared += 1
    if shared > depth:
        return [_write_path(first[depth:shared], is_leaf=False), _child(pairs, shared, nodes)]
    branch: list[rlp.Item] = [b""] * _BRANCH
    start = 0
    if len(first) == depth:
        branch[16] = pairs[0][1]
        start = 1
    while start < len(pairs):
        nibble = pairs[start][0][depth]
        stop = start
        while stop < len(pairs) and pairs[stop][0][depth] == nibble:
            stop += 1
        branch[nibble] = _child(pairs[start:stop], depth + 1, nodes)
        start = stop
    return branch


def _child(pairs: list[_Pair], depth: int, nodes: dict[bytes, bytes]) -> rlp.Item:
    node = _build(pairs, depth, nodes)
    raw = rlp.encode(node)
    if len(raw) < 32:
        return node
    digest = keccak(raw)
    nodes[digest] = raw
    return digest


def _load(reference: rlp.Item, lookup: Lookup) -> list[rlp.Item]:
    """Return the node a reference leads to. Raises EvidenceError (node-malformed)."""
    if isinstance(reference, list):
        node = reference
        if len(rlp.encode(node)) >= 32:
            raise EvidenceError("node-malformed", "a node of 32 bytes or more stands inside another")
    else:
        if len(reference) != 32:
            raise EvidenceError("node-malformed", f"a child is neither a hash nor a node: 0x{reference.hex()}")
        raw = lookup(reference)
        try:
            # an embedded node may hold embedded nodes, each shorter than its parent
            node = rlp.decode_list(raw, what="trie node")
        except EncodingError as error:
            raise EvidenceError("node-malformed", str(error)) from error
    if len(node) not in (2, _BRANCH):
        raise EvidenceError("node-malformed", f"a trie node has 2 or {_BRANCH} items, got {len(node)}")
    return node


def _value(item: rlp.Item) -> bytes | None:
    if not isinstance(item, bytes):
        raise EvidenceError("node-malformed", "a value is a list")
    return item or None


def _nibbles(key: bytes) -> bytes:
    return bytes.fromhex("".join([f"0{digit}" for digit in key.hex()]))


def _read_path(item: rlp.Item) -> tuple[bytes, bool]:
    """Return the nibbles of a hex-prefix path and whether it is a leaf's."""
    if not isinstance(item, bytes) or not item or item[0] >= 0x40:
        raise EvidenceError("node-malformed", "a path has no valid prefix")
    nibbles = _nibbles(item)
    flag = nibbles[0]
    if not flag & 1 and nibbles[1]:
        raise EvidenceError("node-malformed", "the padding of a path is not zero")
    path = nibbles[1:] if flag & 1 else nibbles[2:]
    if not flag & 2 and not path:
        raise EvidenceError("node-malformed", "an extension leads nowhere")
    return path, bool(flag & 2)


def _write_path(path: bytes, *, is_leaf: bool) -> bytes:
    flag = 2 if is_leaf else 0
    nibbles = bytes([flag | 1]) + path if len(path) % 2 else bytes([flag, 0]) + path
    return bytes.fromhex("".join([f"{nibble:x}" for nibble in nibbles]))
