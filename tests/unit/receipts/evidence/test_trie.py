"""Tries: the same roots and proofs as the `trie` library, and nothing accepted that does not prove."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie
from trie.exceptions import BadTrieProof

from caveats.errors import EncodingError
from caveats.types import keccak
from delegations.receipts.evidence import rlp
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.trie import (
    EMPTY_ROOT,
    build_index_trie,
    build_trie,
    index_key,
    verify_proof,
    walk,
)

KEYS = st.binary(min_size=1, max_size=4) | st.binary(min_size=32, max_size=32)
ITEMS = st.dictionaries(KEYS, st.binary(min_size=1, max_size=40), max_size=30)


def library_trie(items: dict[bytes, bytes]) -> HexaryTrie:
    trie = HexaryTrie({})
    for key, value in items.items():
        trie[key] = value
    return trie


def by_hash(nodes: tuple[bytes, ...]) -> dict[bytes, bytes]:
    return {keccak(node): node for node in nodes}


@given(ITEMS)
def test_the_root_is_that_of_the_library(items: dict[bytes, bytes]) -> None:
    assert build_trie(items).root == library_trie(items).root_hash


@given(ITEMS, KEYS)
def test_our_proofs_hold_for_the_library(items: dict[bytes, bytes], other: bytes) -> None:
    trie = build_trie(items)
    for key in [*items, other]:
        proof = [rlp.decode(node) for node in trie.prove(key)]
        assert HexaryTrie.get_from_proof(trie.root, key, proof) == items.get(key, b"")


@given(ITEMS, KEYS)
def test_the_librarys_proofs_hold_for_us(items: dict[bytes, bytes], other: bytes) -> None:
    trie = library_trie(items)
    for key in [*items, other]:
        nodes = by_hash(tuple(rlp.encode(node) for node in trie.get_proof(key)))
        found = walk(trie.root_hash, key, nodes.__getitem__)
        assert found == items.get(key)


@given(ITEMS.filter(bool), KEYS, st.data())
def test_a_proof_without_one_of_its_nodes_proves_nothing(
    items: dict[bytes, bytes], key: bytes, data: st.DataObject
) -> None:
    proof = list(build_trie(items).prove(key))
    del proof[data.draw(st.integers(0, len(proof) - 1))]
    with pytest.raises(EvidenceError) as refused:
        verify_proof(build_trie(items).root, key, proof)
    assert refused.value.reason == "missing-node"


@given(ITEMS.filter(bool), st.data())
def test_a_proof_with_one_bit_flipped_proves_nothing(items: dict[bytes, bytes], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(items)))
    proof = list(build_trie(items).prove(key))
    place = data.draw(st.integers(0, len(proof) - 1))
    bit = data.draw(st.integers(0, 8 * len(proof[place]) - 1))
    flipped = bytearray(proof[place])
    flipped[bit // 8] ^= 1 << bit % 8
    proof[place] = bytes(flipped)
    with pytest.raises(EvidenceError):
        verify_proof(build_trie(items).root, key, proof)


def test_one_node_more_than_is_needed_is_refused_though_the_library_accepts_it() -> None:
    trie = build_index_trie([bytes([n]) * 40 for n in range(20)])
    proof = trie.prove(index_key(3))
    assert verify_proof(trie.root, index_key(3), proof)
    more = (*proof, trie.prove(index_key(17))[-1])
    assert HexaryTrie.get_from_proof(trie.root, index_key(3), [rlp.decode(node) for node in more])
    with pytest.raises(EvidenceError) as refused:
        verify_proof(trie.root, index_key(3), more)
    assert refused.value.reason == "unused-node"


def test_the_proof_of_another_key_proves_nothing_as_the_library_says() -> None:
    trie = build_index_trie([bytes([n]) * 40 for n in range(20)])
    other = trie.prove(index_key(17))
    with pytest.raises(EvidenceError):
        verify_proof(trie.root, index_key(3), other)
    with pytest.raises(BadTrieProof):
        HexaryTrie.get_from_proof(trie.root, index_key(3), [rlp.decode(node) for node in other])


def test_nothing_is_in_an_empty_trie_and_no_node_is_needed_to_prove_it() -> None:
    assert build_trie({}).root == EMPTY_ROOT == HexaryTrie({}).root_hash
    assert verify_proof(EMPTY_ROOT, b"key", ()) is None
    with pytest.raises(EvidenceError):
        verify_proof(EMPTY_ROOT, b"key", (b"\x80",))


@settings(max_examples=8)
@given(st.integers(1, 300))
def test_every_place_of_a_block_is_proven_and_the_one_after_the_last_is_proven_to_be_empty(count: int) -> None:
    values = [place.to_bytes(2, "big") * 20 for place in range(count)]
    trie = build_index_trie(values)
    for place in (0, count // 2, count - 1):
        assert verify_proof(trie.root, index_key(place), trie.prove(index_key(place))) == values[place]
    assert verify_proof(trie.root, index_key(count), trie.prove(index_key(count))) is None


def test_an_empty_value_cannot_be_held() -> None:
    with pytest.raises(EncodingError, match="empty value"):
        build_trie({b"key": b""})


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(EncodingError, match="twice"):
        build_trie([(b"key", b"1"), (b"key", b"2")])


LONG = b"v" * 40
HASH = keccak(b"child")
MALFORMED: dict[str, rlp.Item] = {
    "a node of three": [b"", b"", b""],
    "a node that is no list": b"node",
    "a path without a prefix": [b"", LONG],
    "a path with an unknown prefix": [b"\x40", LONG],
    "a path whose padding is not zero": [b"\x21"[:0] + b"\x01", LONG],
    "an extension that leads nowhere": [b"\x00", HASH],
    "a child that is no hash": [b"\x11", LONG],
    "a value that is a list": [b"\x20" + b"\x11", [b"value"]],
    "a large node inside another": [b"\x11", [b"\x20" + b"\x11", LONG]],
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_trie_node_is_refused(name: str) -> None:
    raw = rlp.encode(MALFORMED[name])
    with pytest.raises(EvidenceError) as refused:
        walk(keccak(raw), b"\x11", {keccak(raw): raw}.__getitem__)
    assert refused.value.reason == "node-malformed"
