"""Signing and recovering, by the rules the contracts apply."""

import pytest

from caveats import Address, EncodingError, LimitedCalls, VerificationError
from delegations.delegation import (
    create_delegation,
    hash_to_sign,
    recover_delegation_signer,
    sign_delegation,
    verify_signature,
)
from delegations.eip712 import hash_domain, recover_signer, sign_digest

KEY = b"\x01" * 32
ALICE = Address("0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1")
BOB, MANAGER = Address(b"\x02" * 20), Address(b"\x09" * 20)
WHERE = {"chain_id": 1, "manager": MANAGER}
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class Account:
    key = KEY


GRANT = create_delegation(delegator=ALICE, delegate=BOB, caveats=[LimitedCalls(limit=1)], salt=0)
SIGNED = sign_delegation(GRANT, Account, **WHERE)
R, S, V = SIGNED.signature[:32], SIGNED.signature[32:64], SIGNED.signature[64:]
HIGH_S = (N - int.from_bytes(S, "big")).to_bytes(32, "big")
OTHER_V = bytes([27 + 28 - V[0]])

MALFORMED = {
    "none": (b"", "expected 65 bytes (r, s, v), got 0 bytes", "ECDSAInvalidSignatureLength(uint256)"),
    "64 bytes": (R + S, "expected 65 bytes (r, s, v), got 64 bytes", "ECDSAInvalidSignatureLength(uint256)"),
    "66 bytes": (R + S + V + V, "expected 65 bytes (r, s, v), got 66 bytes", "ECDSAInvalidSignatureLength(uint256)"),
    "v 0": (R + S + b"\x00", "expected v 27 or 28, got 0", "ECDSAInvalidSignature()"),
    "v 1": (R + S + b"\x01", "expected v 27 or 28, got 1", "ECDSAInvalidSignature()"),
    "v 26": (R + S + b"\x1a", "expected v 27 or 28, got 26", "ECDSAInvalidSignature()"),
    "v 29": (R + S + b"\x1d", "expected v 27 or 28, got 29", "ECDSAInvalidSignature()"),
    "high s": (R + HIGH_S + OTHER_V, "s is in the upper half", "ECDSAInvalidSignatureS(bytes32)"),
    "all zero": (bytes(65), "expected v 27 or 28, got 0", "ECDSAInvalidSignature()"),
    "r and s zero": (bytes(64) + V, "no key can be recovered", "ECDSAInvalidSignature()"),
    "r zero": (bytes(32) + S + V, "no key can be recovered", "ECDSAInvalidSignature()"),
    "s zero": (R + bytes(32) + V, "no key can be recovered", "ECDSAInvalidSignature()"),
    "r of the curve order": (N.to_bytes(32, "big") + S + V, "no key can be recovered", "ECDSAInvalidSignature()"),
    "all ones": (b"\xff" * 65, "s is in the upper half", "ECDSAInvalidSignatureS(bytes32)"),
}


def test_a_signature_is_the_delegators_on_its_chain_and_manager():
    verify_signature(SIGNED, **WHERE)
    assert recover_delegation_signer(SIGNED, **WHERE) == ALICE


@pytest.mark.parametrize("elsewhere", [{"chain_id": 2}, {"manager": BOB}], ids=["chain", "manager"])
def test_a_signature_for_elsewhere_is_refused_with_what_to_check(elsewhere):
    with pytest.raises(VerificationError) as refusal:
        verify_signature(SIGNED, **{**WHERE, **elsewhere})
    message = str(refusal.value)
    assert message.startswith(f"signature: expected the key of the delegator {ALICE}, got that of 0x")
    assert "check the chain id and the delegation manager" in message
    assert refusal.value.onchain == "InvalidEOASignature()"


@pytest.mark.parametrize(("signature", "piece", "onchain"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_signature_is_refused_as_the_contract_refuses_it(signature, piece, onchain):
    with pytest.raises(VerificationError) as refusal:
        verify_signature(SIGNED.with_signature(signature), **WHERE)
    message = str(refusal.value)
    assert message.startswith("signature: ")
    assert piece in message
    assert message.isprintable()
    assert refusal.value.onchain == onchain


def test_half_the_order_is_the_largest_s_that_is_read():
    half = N // 2
    digest = hash_to_sign(GRANT, **WHERE)
    assert len(recover_signer(digest, R + half.to_bytes(32, "big") + V)) == 20
    with pytest.raises(VerificationError, match="s is in the upper half"):
        recover_signer(digest, R + (half + 1).to_bytes(32, "big") + V)


def test_the_same_delegation_is_signed_the_same_every_time():
    assert sign_delegation(GRANT, Account, **WHERE) == SIGNED


@pytest.mark.parametrize(
    "key",
    [b"", bytes(32), b"\x01" * 31, b"\x01" * 33, b"\x00" + KEY, N.to_bytes(32, "big"), b"\xff" * 32],
    ids=["none", "zero", "31 bytes", "33 bytes", "padded", "the order", "all ones"],
)
def test_what_is_no_private_key_is_refused_without_showing_it(key):
    assert len(sign_digest(bytes(32), (N - 1).to_bytes(32, "big"))) == 65
    with pytest.raises(EncodingError) as refusal:
        sign_digest(bytes(32), key)
    assert str(refusal.value) == "private key: expected 32 bytes between 1 and the curve order minus 1"
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_digest_of_another_length_is_refused_both_ways(size):
    for action in (lambda: sign_digest(bytes(size), KEY), lambda: recover_signer(bytes(size), SIGNED.signature)):
        with pytest.raises(EncodingError, match="digest: expected 32 bytes, got 0x"):
            action()


@pytest.mark.parametrize("chain_id", [-1, 2**256, True, None, 1.0], ids=repr)
def test_a_chain_id_that_is_no_number_is_refused(chain_id):
    assert hash_domain(2**256 - 1, MANAGER) != hash_domain(0, MANAGER)
    with pytest.raises(EncodingError, match="uint256: expected a whole number from 0 to 2"):
        hash_domain(chain_id, MANAGER)


@pytest.mark.parametrize("manager", [b"\x09" * 19, "0x09", None], ids=repr)
def test_a_manager_that_is_no_address_is_refused(manager):
    with pytest.raises(EncodingError, match="Address: expected "):
        hash_domain(1, manager)
