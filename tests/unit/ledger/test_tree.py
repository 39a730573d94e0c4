"""The Merkle tree: against its definition, against test data of Certificate Transparency, against another library."""

from __future__ import annotations

import hashlib
from random import Random

import pytest
import scitt_cose

from caveats.errors import DelegationsError, EncodingError, VerificationError
from delegations.ledger.tree import (
    EMPTY_ROOT,
    Frontier,
    Node,
    advance,
    count_nodes,
    cover,
    fetch_root,
    hash_leaf,
    hash_node,
    position,
    prove_consistency,
    prove_inclusion,
    root_of_inclusion,
    verify_consistency,
    verify_inclusion,
)

LIMIT = 70
# the leaves and roots that implementations of Certificate Transparency have been held against since RFC 6962
CT_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def defined(leaves: list[bytes]) -> bytes:
    """The root as RFC 9162 section 2.1.1 defines it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    return hashlib.sha256(b"\x01" + defined(leaves[:middle]) + defined(leaves[middle:])).digest()


class Grown:
    """A tree in memory, with all its complete subtrees in the order of their positions."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.leaves = leaves
        self.frontier = Frontier()
        self.hashes: list[bytes] = []
        for leaf in leaves:
            self.hashes += self.frontier.append(hash_leaf(leaf))

    def fetch(self, nodes: list[Node]) -> list[bytes]:
        return [self.hashes[position(node)] for node in nodes]


@pytest.fixture(scope="module")
def grown() -> Grown:
    random = Random(9162)  # noqa: S311  # the same draws every time
    return Grown([random.randbytes(random.randrange(40)) for _ in range(LIMIT)])


@pytest.fixture(scope="module")
def roots(grown: Grown) -> list[bytes]:
    return [defined(grown.leaves[:size]) for size in range(LIMIT + 1)]


def test_the_roots_of_the_known_leaves_are_the_known_ones() -> None:
    frontier = Frontier()
    found = []
    for leaf in CT_LEAVES:
        frontier.append(hash_leaf(leaf))
        found.append(frontier.root.hex())

    assert tuple(found) == CT_ROOTS


def test_the_empty_tree_has_the_root_of_nothing() -> None:
    assert Frontier().root == EMPTY_ROOT == hashlib.sha256(b"").digest()


def test_every_root_is_the_defined_one(grown: Grown, roots: list[bytes]) -> None:
    assert [fetch_root(grown.fetch, size) for size in range(LIMIT + 1)] == roots


def test_a_frontier_has_the_defined_root_at_every_size(grown: Grown, roots: list[bytes]) -> None:
    frontier = Frontier()
    for size, leaf in enumerate(grown.leaves, start=1):
        frontier.append(hash_leaf(leaf))
        assert frontier.head == (size, roots[size])


def test_a_frontier_goes_on_from_what_was_stored(grown: Grown) -> None:
    for size in range(LIMIT):
        resumed = Frontier(size, grown.fetch(cover(0, size)))
        resumed.append(hash_leaf(grown.leaves[size]))
        assert resumed.root == fetch_root(grown.fetch, size + 1)


def test_a_frontier_follows_a_tree_that_grew(grown: Grown, roots: list[bytes]) -> None:
    hashes = dict(enumerate(grown.hashes))
    for size in range(0, LIMIT, 7):
        before = Frontier(size, grown.fetch(cover(0, size)))
        for later in range(size, LIMIT + 1, 5):
            ahead = advance(before, hashes, later)
            assert ahead is not None
            assert ahead.root == roots[later]
            assert before.size == size


@pytest.mark.parametrize("place", range(count_nodes(3), count_nodes(9)))
def test_a_frontier_does_not_follow_hashes_that_are_missing_or_others(grown: Grown, place: int) -> None:
    before, hashes = Frontier(3, grown.fetch(cover(0, 3))), dict(enumerate(grown.hashes))
    assert advance(before, hashes, 9) is not None
    made = advance(before, hashes | {place: bytes(32)}, 9)
    assert made is None or made.root != fetch_root(grown.fetch, 9)
    del hashes[place]
    assert advance(before, hashes, 9) is None
    assert advance(before, hashes, 2) is None


def test_a_frontier_with_too_few_peaks_is_refused() -> None:
    with pytest.raises(EncodingError, match="expected 2 peaks, got 1"):
        Frontier(3, [bytes(32)])


def test_positions_are_taken_one_after_the_other(grown: Grown) -> None:
    nodes = [Node(level, i) for level in range(8) for i in range(LIMIT >> level)]

    assert sorted(position(node) for node in nodes) == list(range(count_nodes(LIMIT)))
    assert len(grown.hashes) == count_nodes(LIMIT)


def test_every_inclusion_proof_holds(grown: Grown, roots: list[bytes]) -> None:
    for size in range(1, LIMIT + 1):
        for index in range(size):
            proof = prove_inclusion(grown.fetch, index, size)
            verify_inclusion(hash_leaf(grown.leaves[index]), index, size, proof, roots[size])


def test_every_consistency_proof_holds(grown: Grown, roots: list[bytes]) -> None:
    for second in range(LIMIT + 1):
        for first in range(second + 1):
            proof = prove_consistency(grown.fetch, first, second)
            verify_consistency(first, roots[first], second, roots[second], proof)


def test_proofs_are_those_of_another_library(grown: Grown) -> None:
    texts = [leaf.hex() for leaf in grown.leaves]
    random = Random(1)  # noqa: S311  # the same draws every time
    for _ in range(60):
        size = random.randrange(1, LIMIT + 1)
        index, first = random.randrange(size), random.randrange(1, size + 1)

        assert fetch_root(grown.fetch, size).hex() == scitt_cose.merkle_root(texts[:size])
        ours = [h.hex() for h in prove_inclusion(grown.fetch, index, size)]
        assert ours == scitt_cose.inclusion_proof(texts[:size], index)
        ours = [h.hex() for h in prove_consistency(grown.fetch, first, size)]
        assert ours == scitt_cose.consistency_proof(texts, first, size)


def test_another_library_accepts_what_is_proved_here(grown: Grown, roots: list[bytes]) -> None:
    texts = [leaf.hex() for leaf in grown.leaves]
    hexes = [root.hex() for root in roots]
    for size in range(1, LIMIT + 1, 3):
        for index in range(0, size, 5):
            proof = [h.hex() for h in prove_inclusion(grown.fetch, index, size)]
            assert scitt_cose.verify_inclusion(texts[index], index, size, proof, hexes[size])
            proof = [h.hex() for h in prove_consistency(grown.fetch, index + 1, size)]
            assert scitt_cose.verify_consistency(hexes[index + 1], hexes[size], index + 1, size, proof)


def test_both_verifiers_agree_about_mutated_proofs(grown: Grown, roots: list[bytes]) -> None:
    random = Random(2)  # noqa: S311  # the same draws every time
    texts, hexes = [leaf.hex() for leaf in grown.leaves], [root.hex() for root in roots]
    refused = 0
    for _ in range(1500):
        size = random.randrange(2, LIMIT + 1)
        first = random.randrange(1, size)
        inclusion = mutated(prove_inclusion(grown.fetch, first, size), random)
        consistency = mutated(prove_consistency(grown.fetch, first, size), random)
        claimed = random.choice((size, size + 1, max(first + 1, size - 1)))
        theirs = scitt_cose.verify_inclusion(texts[first], first, claimed, [h.hex() for h in inclusion], hexes[size])
        ours = holds(verify_inclusion, hash_leaf(grown.leaves[first]), first, claimed, inclusion, roots[size])
        assert ours == theirs
        refused += not ours
        proof = [h.hex() for h in consistency]
        theirs = scitt_cose.verify_consistency(hexes[first], hexes[size], first, claimed, proof)
        ours = holds(verify_consistency, first, roots[first], claimed, roots[size], consistency)
        assert ours == theirs
        refused += not ours

    assert refused > 1500


def mutated(proof: list[bytes], random: Random) -> list[bytes]:
    """The proof with one thing about it changed, or as it is."""
    changed = list(proof)
    what = random.randrange(6)
    if what == 0:
        changed.insert(random.randrange(len(changed) + 1), random.randbytes(32))
    elif what == 1 and changed:
        del changed[random.randrange(len(changed))]
    elif what == 2 and changed:
        at = random.randrange(len(changed))
        changed[at] = bytes([changed[at][0] ^ 1]) + changed[at][1:]
    elif what == 3:
        random.shuffle(changed)
    elif what == 4:
        changed = changed[:-1]
    return changed


def holds(verify, *args: object) -> bool:
    """Whether a verification accepts."""
    try:
        verify(*args)
    except DelegationsError:
        return False
    return True


def test_a_proof_for_another_index_is_refused(grown: Grown, roots: list[bytes]) -> None:
    proof = prove_inclusion(grown.fetch, 5, LIMIT)

    with pytest.raises(VerificationError, match="leads to the root"):
        verify_inclusion(hash_leaf(grown.leaves[5]), 7, LIMIT, proof, roots[LIMIT])


@pytest.mark.parametrize("change", ["one more", "one less"])
def test_a_proof_of_another_length_is_refused(grown: Grown, roots: list[bytes], change: str) -> None:
    proof = prove_inclusion(grown.fetch, 5, LIMIT)
    other = [*proof, bytes(32)] if change == "one more" else proof[:-1]

    with pytest.raises(VerificationError, match=r"expected (fewer|more) hashes"):
        verify_inclusion(hash_leaf(grown.leaves[5]), 5, LIMIT, other, roots[LIMIT])


def test_a_node_does_not_pass_for_a_leaf(grown: Grown, roots: list[bytes]) -> None:
    left, right = hash_leaf(grown.leaves[0]), hash_leaf(grown.leaves[1])
    assert roots[2] == hash_node(left, right)

    with pytest.raises(VerificationError, match="leads to the root"):
        verify_inclusion(hash_leaf(left + right), 0, 1, [], roots[2])


def test_a_tree_that_was_rewritten_is_not_the_beginning_of_it(grown: Grown, roots: list[bytes]) -> None:
    other = Grown([b"another", *grown.leaves[1:]])
    proof = prove_consistency(other.fetch, 10, 20)

    with pytest.raises(VerificationError, match="leads to the first root"):
        verify_consistency(10, roots[10], 20, other_root(other, 20), proof)


def other_root(tree: Grown, size: int) -> bytes:
    """The root of a tree at a size."""
    return fetch_root(tree.fetch, size)


@pytest.mark.parametrize(("first", "second"), [(3, 3), (0, 3)])
def test_trees_that_need_no_proof_take_none(roots: list[bytes], first: int, second: int) -> None:
    verify_consistency(first, roots[first], second, roots[second], [])

    with pytest.raises(VerificationError, match="expected no hashes"):
        verify_consistency(first, roots[first], second, roots[second], [bytes(32)])


@pytest.mark.parametrize(("first", "second"), [(3, 3), (0, 3)])
def test_another_root_at_the_same_size_is_refused(roots: list[bytes], first: int, second: int) -> None:
    with pytest.raises(VerificationError, match="have different roots"):
        verify_consistency(first, roots[5], second, roots[second], [])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3), (0, 2**63)])
def test_a_leaf_outside_the_tree_has_no_proof(grown: Grown, index: int, size: int) -> None:
    with pytest.raises(EncodingError, match="expected an entry of a tree"):
        prove_inclusion(grown.fetch, index, size)
    with pytest.raises(EncodingError, match="expected an entry of a tree"):
        root_of_inclusion(bytes(32), index, size, [])


def test_a_larger_tree_is_not_the_beginning_of_a_smaller(grown: Grown, roots: list[bytes]) -> None:
    with pytest.raises(EncodingError, match="a size and one not smaller"):
        verify_consistency(4, roots[4], 3, roots[3], [])


def test_a_hash_of_31_bytes_is_refused(roots: list[bytes]) -> None:
    with pytest.raises(EncodingError, match="hashes of 32 bytes"):
        verify_inclusion(bytes(31), 0, 1, [], roots[1])
