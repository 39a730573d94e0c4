"""COSE Receipts: scitt-cose verifies ours, and refuses them once anything is another."""

from __future__ import annotations

import sys
from typing import Any

import cbor2
import pytest
import scitt_cose
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from caveats.errors import EncodingError, UnsupportedError, VerificationError
from delegations.ledger.cose import CoseProof, make_cose_receipt, verify_cose_receipt
from delegations.ledger.note import VerifierKey
from delegations.ledger.tree import Head, hash_leaf, hash_node
from tests.unit.ledger.notes import LOG, ORIGIN, OTHER_LOG, private_key

ENTRIES = [b"first", b"second", b"third"]
LEAVES = [hash_leaf(entry) for entry in ENTRIES]
PAIR = hash_node(LEAVES[0], LEAVES[1])
HEAD = Head(3, hash_node(PAIR, LEAVES[2]))
PROOFS = ([LEAVES[1], LEAVES[2]], [LEAVES[0], LEAVES[2]], [PAIR])
NOW = 1_800_000_000


def made(index: int = 1, **other: Any) -> bytes:
    given: dict[str, Any] = {"origin": ORIGIN, "subject": "some receipt", "issued_at": NOW, **other}
    return make_cose_receipt(ENTRIES[index], index, HEAD, PROOFS[index], private_key(1), **given)


def public_pem(number: int) -> bytes:
    return private_key(number).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("index", range(3))
def test_scitt_cose_verifies_ours(index: int) -> None:
    found = scitt_cose.verify_receipt(
        made(index), leaf_entry_hex=ENTRIES[index].hex(), log_public_key_pem=public_pem(1)
    )
    assert found.ok, found.errors
    assert (found.root, found.tree_size, found.leaf_index) == (HEAD.root.hex(), 3, index)
    assert (found.issuer, found.subject, found.iat) == (ORIGIN, "some receipt", NOW)
    assert found.protected_header_ext == {4: LOG.key.key_id}


def test_scitt_cose_makes_the_same_tree_of_the_entries() -> None:
    hexes = [entry.hex() for entry in ENTRIES]
    assert scitt_cose.merkle_root(hexes) == HEAD.root.hex()
    for index, proof in enumerate(PROOFS):
        assert scitt_cose.inclusion_proof(hexes, index) == [digest.hex() for digest in proof]


def test_ours_is_byte_for_byte_what_scitt_cose_would_mint_from_all_entries() -> None:
    pem = private_key(1).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    hexes = [entry.hex() for entry in ENTRIES]
    theirs = scitt_cose.build_receipt(
        leaf_entry_hex=hexes[1], leaf_index=1, tree_entries_hex=hexes, alg="EdDSA", log_private_key_pem=pem,
        iss=ORIGIN, sub="some receipt", iat=NOW, kid=LOG.key.key_id,
    )  # fmt: skip
    assert made(1) == theirs


def test_what_ours_shows_is_told() -> None:
    found = verify_cose_receipt(made(), ENTRIES[1], LOG.key)
    assert found == CoseProof(1, 3, HEAD.root, NOW, "some receipt")


@pytest.mark.parametrize(
    ("data", "entry", "key", "message"),
    [
        (made(), b"another", LOG.key, "signature did not verify"),
        (made(), ENTRIES[0], LOG.key, "signature did not verify"),
        (made(), ENTRIES[1], OTHER_LOG.key, "signature did not verify"),
        (made()[:-1], ENTRIES[1], LOG.key, "receipt rejected"),
        (made() + b"\0", ENTRIES[1], LOG.key, "receipt rejected"),
        (b"", ENTRIES[1], LOG.key, "receipt rejected"),
        (made(origin="example.org/else"), ENTRIES[1], LOG.key, "expected one of the log example.org/agents"),
        (made(), ENTRIES[1], VerifierKey(ORIGIN, b"\xff" * 32), "does not hold|no Ed25519 key"),
    ],
)
def test_what_does_not_hold_is_refused(data: bytes, entry: bytes, key: VerifierKey, message: str) -> None:
    with pytest.raises(VerificationError, match=message):
        verify_cose_receipt(data, entry, key)


def test_no_bit_of_it_can_be_another() -> None:
    good = made()
    for place in range(len(good)):
        changed = bytearray(good)
        changed[place] ^= 1
        with pytest.raises(VerificationError):
            verify_cose_receipt(bytes(changed), ENTRIES[1], LOG.key)


def test_what_is_too_long_is_not_read() -> None:
    with pytest.raises(EncodingError, match="up to 65536 bytes"):
        verify_cose_receipt(bytes(70_000), ENTRIES[1], LOG.key)


def test_a_proof_that_does_not_lead_to_the_root_is_not_signed() -> None:
    with pytest.raises(VerificationError, match="inclusion proof"):
        make_cose_receipt(b"another", 1, HEAD, PROOFS[1], private_key(1), origin=ORIGIN, subject="x", issued_at=NOW)


def test_a_proof_under_another_structure_is_refused() -> None:
    outer = cbor2.loads(made())
    protected = {**cbor2.loads(outer.value[0]), 395: 7}
    changed = cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps(protected), *outer.value[1:]]))
    with pytest.raises(VerificationError, match="unsupported verifiable data structure"):
        verify_cose_receipt(changed, ENTRIES[1], LOG.key)


def test_without_the_extra_the_refusal_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scitt_cose", None)
    with pytest.raises(UnsupportedError, match=r"scitt_cose is not installed \(pip install 'delegations\[cose\]'\)"):
        made()
