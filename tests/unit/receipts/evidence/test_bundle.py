"""The bundle's file: one form, one name, bounded, and nothing in it that nobody asked for."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import Any

import pytest
import rfc8785

from caveats.errors import EncodingError, UnsupportedError
from caveats.types import Address, keccak
from delegations.receipts.evidence import Bundle, EvidenceError, verify
from delegations.receipts.evidence.bundle import MAX_BUNDLE, MAX_HEADERS, AccountProof, decompress
from delegations.receipts.evidence.opened import open_bundle
from tests.unit.receipts.evidence.conftest import Proven


def refused(data: bytes) -> str:
    with pytest.raises(EvidenceError) as error:
        Bundle.from_bytes(data)
    return error.value.reason


def changed(bundle: Bundle, **more: Any) -> bytes:
    """The file of another bundle, whatever a bundle may be."""
    return rfc8785.dumps({**bundle.to_wire(), **more})


def test_a_bundle_is_read_back_from_its_file_and_from_its_compressed_file(payment: Proven) -> None:
    bundle = payment.bundle
    assert Bundle.from_bytes(bundle.canonical()) == Bundle.from_bytes(bundle.compressed()) == bundle


def test_its_name_is_the_hash_of_its_file(payment: Proven) -> None:
    assert payment.bundle.sha256 == hashlib.sha256(payment.bundle.canonical()).hexdigest()
    assert payment.bundle.canonical() == rfc8785.dumps(json.loads(payment.bundle.canonical()))


def test_the_compressed_file_is_always_the_same(payment: Proven) -> None:
    assert payment.bundle.compressed() == payment.bundle.compressed()
    assert payment.bundle.compressed()[4:8] == bytes(4)  # no time


def test_a_three_link_redemption_takes_less_than_ten_kilobytes(payment: Proven) -> None:
    assert len(payment.bundle.compressed()) < 10_000


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: b" " + text, "not-canonical"),
        (lambda text: text + b"\n", "not-canonical"),
        (lambda text: text.replace(b'"index":', b'"index": '), "not-canonical"),
        (lambda text: text.replace(b'"0xf9', b'"0xF9', 1), "not-canonical"),
        (lambda text: text[:-1], "malformed-bundle"),
        (lambda text: text[:-1] + b',"more":1}', "malformed-bundle"),
        (lambda text: text[:-1] + b',"schema_":"urn:delegations:evidence:1"}', "malformed-bundle"),
        (lambda text: text.replace(b'"header":0', b'"header":0,"header":0', 1), "malformed-bundle"),
        (lambda text: text.replace(b'"header":0', b'"header":0.0', 1), "malformed-bundle"),
        (lambda text: text.replace(b'"header":0', b'"header":7', 1), "malformed-bundle"),
        (lambda text: text.replace(b'"header":0', b'"header":-1', 1), "malformed-bundle"),
        (lambda text: b"[]", "malformed-bundle"),
        (lambda text: b"", "malformed-bundle"),
        (lambda text: b"[" * 100_000, "malformed-bundle"),
        (lambda text: b"\xff\xfe", "malformed-bundle"),
    ],
)
def test_a_file_of_another_form_is_refused(payment: Proven, change: Any, reason: str) -> None:
    text = payment.bundle.canonical()
    assert change(text) != text
    assert refused(change(text)) == reason


def test_another_schema_is_refused(payment: Proven) -> None:
    with pytest.raises(UnsupportedError, match="schema"):
        Bundle.from_bytes(changed(payment.bundle, schema="urn:delegations:evidence:2"))


def test_what_there_is_none_of_is_left_out_and_never_null(payment: Proven) -> None:
    assert "witness" not in payment.bundle.to_wire()
    assert refused(changed(payment.bundle, witness=None)) == "not-canonical"


def test_an_account_that_stands_twice_or_out_of_order_is_refused(payment: Proven) -> None:
    (state,) = payment.bundle.to_wire()["states"]
    accounts = state["accounts"]
    for bad in (accounts[::-1], [*accounts, accounts[-1]], [accounts[0], *accounts], []):
        assert refused(changed(payment.bundle, states=[{**state, "accounts": bad}])) == "malformed-bundle"
    assert refused(changed(payment.bundle, states=[state, state])) == "malformed-bundle"
    several = next(account for account in accounts if len(account["slots"]) > 1)
    turned = {**several, "slots": several["slots"][::-1]}
    listed = [turned if account is several else account for account in accounts]
    assert refused(changed(payment.bundle, states=[{**state, "accounts": listed}])) == "malformed-bundle"


def test_a_bundle_has_a_header_and_not_thousands(payment: Proven) -> None:
    (header,) = payment.bundle.to_wire()["headers"]
    assert refused(changed(payment.bundle, headers=[])) == "malformed-bundle"
    assert refused(changed(payment.bundle, headers=[header] * (MAX_HEADERS + 1))) == "malformed-bundle"


def test_more_of_anything_than_a_block_holds_is_refused(payment: Proven) -> None:
    assert refused(changed(payment.bundle, nodes=["0x"] * 20_001)) == "malformed-bundle"


def test_a_file_larger_than_any_bundle_is_refused_before_it_is_read() -> None:
    assert refused(b"[" + b" " * MAX_BUNDLE) == "too-large"


def test_a_small_file_that_unpacks_into_a_large_one_is_refused_before_it_fills_the_memory() -> None:
    bomb = gzip.compress(bytes(64 * MAX_BUNDLE // 8), 9)
    assert len(bomb) < 200_000
    assert refused(bomb) == "too-large"


@pytest.mark.parametrize(
    "change", [lambda d: d[:-4], lambda d: d + b"\0", lambda d: d + d, lambda d: d[:9] + b"\xff" * 9]
)
def test_a_compressed_file_that_is_cut_off_or_followed_by_something_is_refused(payment: Proven, change: Any) -> None:
    assert refused(change(payment.bundle.compressed())) == "malformed-bundle"


def test_a_member_larger_than_the_limit_is_refused_to_the_byte() -> None:
    assert decompress(gzip.compress(b"12345"), limit=5) == b"12345"
    with pytest.raises(EvidenceError):
        decompress(gzip.compress(b"123456"), limit=5)


# opened


def reason_of(bundle: Bundle, proven: Proven) -> str:
    """Why the bundle is refused for the receipt, whatever bundle the receipt names."""
    receipt = proven.receipt.model_copy(update={"evidence": None})
    with pytest.raises(EvidenceError) as error:
        verify(receipt, bundle, proven.block_hash)
    return error.value.reason


def test_the_bundle_is_checked_against_the_hash_the_verifier_gives_and_no_other(payment: Proven) -> None:
    assert verify(payment.receipt, payment.bundle, payment.block_hash).holds
    with pytest.raises(EvidenceError) as error:
        verify(payment.receipt, payment.bundle, keccak(b"another block"))
    assert error.value.reason == "header-hash-mismatch"


def test_a_node_that_stands_twice_is_refused(payment: Proven) -> None:
    nodes = payment.bundle.nodes
    twice = payment.bundle.model_copy(update={"nodes": (*nodes[:3], nodes[2], *nodes[3:])})
    assert reason_of(twice, payment) == "duplicate-node"


def test_nodes_in_another_order_are_refused(payment: Proven) -> None:
    nodes = payment.bundle.nodes
    turned = payment.bundle.model_copy(update={"nodes": (nodes[1], nodes[0], *nodes[2:])})
    assert reason_of(turned, payment) == "reordered-nodes"


def test_each_node_is_needed(payment: Proven) -> None:
    nodes = payment.bundle.nodes
    for place in range(len(nodes)):
        without = payment.bundle.model_copy(update={"nodes": nodes[:place] + nodes[place + 1 :]})
        assert reason_of(without, payment) == "missing-node"


def test_a_node_more_is_refused(payment: Proven) -> None:
    more = payment.bundle.model_copy(update={"nodes": tuple(sorted((*payment.bundle.nodes, b"\xc0"), key=keccak))})
    assert reason_of(more, payment) == "unused-node"


def test_a_code_nobody_needs_is_refused(payment: Proven) -> None:
    assert reason_of(payment.bundle.model_copy(update={"codes": (b"\x60",)}), payment) == "unused-code"
    twice = payment.bundle.model_copy(update={"codes": (b"\x60", b"\x60")})
    assert reason_of(twice, payment) == "duplicate-code"
    turned = payment.bundle.model_copy(update={"codes": tuple(sorted((b"\x60", b"\x61"), key=keccak, reverse=True))})
    assert reason_of(turned, payment) == "reordered-codes"


def test_a_header_that_is_no_parent_is_refused_and_so_is_one_that_nobody_needs(payment: Proven, live: Any) -> None:
    from delegations.receipts.evidence.node import Node

    own = payment.bundle.headers[0]
    assert reason_of(payment.bundle.model_copy(update={"headers": (own, own)}), payment) == "header-chain-broken"
    parent = Node(live.client).block(bytes(open_bundle(payment.bundle, payment.block_hash).headers[0].parent_hash))
    with_parent = payment.bundle.model_copy(update={"headers": (own, parent.header.encode())})
    assert reason_of(with_parent, payment) == "unused-header"


def test_the_state_that_is_proven_is_exactly_what_belongs_to_the_receipt(payment: Proven) -> None:
    (state,) = payment.bundle.states
    more = (AccountProof(address=Address(bytes(20)), slots=()), *state.accounts)
    added = state.model_copy(update={"accounts": more})
    assert reason_of(payment.bundle.model_copy(update={"states": (added,)}), payment) == "unasked-proof"
    fewer = state.model_copy(update={"accounts": state.accounts[1:]})
    assert reason_of(payment.bundle.model_copy(update={"states": (fewer,)}), payment) == "missing-proof"


def test_the_transaction_of_another_place_is_not_the_receipts(payment: Proven) -> None:
    proof = payment.bundle.transaction
    assert proof is not None
    for place, reason in ((proof.index + 1, "missing-node"), (99, "not-included")):
        moved = payment.bundle.model_copy(update={"transaction": proof.model_copy(update={"index": place})})
        assert reason_of(moved, payment) in (reason, "missing-node", "wrong-transaction")
    without = payment.bundle.model_copy(update={"transaction": None})
    assert reason_of(without, payment) == "missing-evidence"


def test_a_bundle_without_a_hash_to_check_it_against_is_refused(payment: Proven) -> None:
    with pytest.raises(EncodingError, match="against a block hash"):
        verify(payment.receipt, payment.bundle)
    with pytest.raises(EncodingError, match="against a block hash"):
        verify(payment.receipt, None, payment.block_hash)
