"""A signature gives its signer, and no changed signature gives the same one."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from caveats import Address, VerificationError
from caveats.types import keccak
from delegations.delegation import (
    recover_delegation_signer,
    sign_delegation,
    verify_signature,
)
from delegations.eip712 import recover_signer, sign_digest
from tests import strategies


class Account:
    def __init__(self, key):
        self.key = key


KEY = b"\x01" * 32
SIGNER = Address("0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1")
DIGEST = keccak(b"a digest")
SIGNATURE = sign_digest(DIGEST, KEY)


def recover_or_none(digest, signature):
    try:
        return recover_signer(digest, signature)
    except VerificationError:
        return None


@given(strategies.delegations(), strategies.uints(), strategies.addresses())
def test_a_signed_delegation_gives_its_signer(delegation, chain_id, manager):
    where = {"chain_id": chain_id, "manager": manager}
    signed = sign_delegation(
        delegation.model_copy(update={"delegator": SIGNER}), Account(KEY), **where, unsafe_unrestricted=True
    )
    assert recover_delegation_signer(signed, **where) == SIGNER
    verify_signature(signed, **where)


@given(strategies.private_keys(), strategies.words())
def test_a_signature_is_of_the_form_the_contracts_take(key, digest):
    signature = sign_digest(digest, key)
    assert len(signature) == 65
    assert signature[64] in (27, 28)
    assert 0 < int.from_bytes(signature[32:64], "big") <= strategies.SECP256K1_N // 2
    assert sign_digest(digest, key) == signature


@given(strategies.private_keys(), strategies.words(), strategies.words())
def test_a_signature_over_one_digest_is_nobodys_over_another(key, one, other):
    assume(one != other)
    signature = sign_digest(one, key)
    assert recover_or_none(other, signature) != recover_signer(one, signature)


@pytest.mark.parametrize("byte", range(65))
def test_no_bit_of_a_signature_can_be_flipped(byte):
    assert recover_signer(DIGEST, SIGNATURE) == SIGNER
    for bit in range(8):
        changed = bytearray(SIGNATURE)
        changed[byte] ^= 1 << bit
        assert recover_or_none(DIGEST, bytes(changed)) != SIGNER


@given(st.integers(0, 65), st.binary(max_size=4), st.binary(max_size=4))
def test_no_piece_of_a_signature_can_be_replaced(at, gone, put):
    changed = SIGNATURE[:at] + put + SIGNATURE[at + len(gone) :]
    assume(changed != SIGNATURE)
    assert recover_or_none(DIGEST, changed) != SIGNER


@given(st.binary(min_size=64, max_size=64), st.sampled_from([27, 28]), strategies.words())
def test_random_signatures_give_somebody_or_a_refusal_of_ours(body, v, digest):
    assert recover_or_none(digest, body + bytes([v])) != SIGNER


@given(strategies.blobs(130), strategies.words())
def test_bytes_in_the_place_of_a_signature_are_refused_by_our_error_alone(signature, digest):
    assert recover_or_none(digest, signature) != SIGNER
