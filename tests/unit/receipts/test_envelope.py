"""Receipts in envelopes: what is signed, by whom, and everything that is refused."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from eth_account import Account
from eth_account.messages import encode_typed_data
from securesystemslib.dsse import Envelope
from securesystemslib.signer import Key, Signature, SSlibKey

from caveats.errors import DelegationsError, EncodingError, UnsupportedError, VerificationError
from delegations.evm import dev_account
from delegations.receipts import KINDS, SCHEMA, Receipt
from delegations.receipts.envelope import (
    PAYLOAD_TYPE,
    format_envelope,
    public_key_of,
    read_envelope,
    sign_receipt,
    statement_bytes,
    unsafe_read_receipt,
    verify_envelope,
)
from delegations.receipts.ethereum_key import EthereumKey, hash_receipt_to_sign
from tests.unit.receipts.makers import AGENT, ALICE

ISSUER = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
STRANGER = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
HYBRID = MLDSA65PrivateKey.from_seed_bytes(b"\x03" * 32)
ISSUER_KEY, STRANGER_KEY, HYBRID_KEY = (public_key_of(key) for key in (ISSUER, STRANGER, HYBRID))
ALICE_KEY = EthereumKey.of(ALICE)
ALL_KEYS: list[Key] = [ISSUER_KEY, HYBRID_KEY, ALICE_KEY]


@dataclass(frozen=True)
class Sealed:
    """An envelope with all three signatures, as JSON."""

    receipt: Receipt
    text: str

    def wire(self) -> Any:
        return json.loads(self.text)


@pytest.fixture(scope="module")
def sealed(receipt: Receipt) -> Sealed:
    envelope = sign_receipt(receipt, ISSUER, ml_dsa_key=HYBRID, ethereum_account=dev_account(0))
    return Sealed(receipt, format_envelope(envelope))


def verify(wire: Any, keys: list[Key] | None = None, **options: Any) -> Receipt:
    return verify_envelope(read_envelope(json.dumps(wire)), ALL_KEYS if keys is None else keys, **options).receipt


def resealed(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> Envelope:
    """Any payload, honestly signed by the issuer."""
    from securesystemslib.signer import CryptoSigner

    envelope = Envelope(payload, payload_type, {})
    envelope.sign(CryptoSigner(ISSUER))
    return envelope


def statement(receipt: Receipt, **fields: Any) -> bytes:
    return rfc8785.dumps({**json.loads(statement_bytes(receipt)), **fields})


# what is signed


def test_the_payload_is_an_in_toto_statement_about_the_hash(receipt: Receipt) -> None:
    assert json.loads(statement_bytes(receipt)) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "receipt", "digest": {"sha256": hashlib.sha256(receipt.canonical()).hexdigest()}}],
        "predicateType": SCHEMA,
        "predicate": receipt.to_wire(),
    }


def test_the_library_verifies_the_envelope_without_us(sealed: Sealed) -> None:
    foreign = Envelope.from_dict(sealed.wire())
    assert set(foreign.verify([ISSUER_KEY, HYBRID_KEY], threshold=2)) == {ISSUER_KEY.keyid, HYBRID_KEY.keyid}


def test_the_signed_bytes_are_those_dsse_prescribes(receipt: Receipt) -> None:
    envelope, payload = sign_receipt(receipt, ISSUER), statement_bytes(receipt)
    encoded = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
    ISSUER.public_key().verify(bytes.fromhex(envelope.signatures[ISSUER_KEY.keyid].signature), encoded)


def test_a_wallet_signs_typed_data_with_the_hash(sealed: Sealed) -> None:
    message = encode_typed_data(
        full_message={
            "types": {
                "EIP712Domain": [{"name": "name", "type": "string"}, {"name": "version", "type": "string"}],
                "Receipt": [{"name": "schema", "type": "string"}, {"name": "contentHash", "type": "bytes32"}],
            },
            "primaryType": "Receipt",
            "domain": {"name": "delegations receipt", "version": "1"},
            "message": {"schema": SCHEMA, "contentHash": bytes.fromhex(sealed.receipt.hash)},
        }
    )
    signature = bytes.fromhex(read_envelope(sealed.text).signatures[ALICE_KEY.keyid].signature)
    assert Account.recover_message(message, signature=signature) == str(ALICE)
    assert len(hash_receipt_to_sign(sealed.receipt.hash)) == 32


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_signed_and_verified(every_kind: dict[str, Receipt], kind: str) -> None:
    envelope = read_envelope(format_envelope(sign_receipt(every_kind[kind], ISSUER)))
    verified = verify_envelope(envelope, [ISSUER_KEY])
    assert (verified.receipt, verified.signers) == (every_kind[kind], (ISSUER_KEY,))


def test_three_signatures_are_verified_together(sealed: Sealed) -> None:
    verified = verify_envelope(read_envelope(sealed.text), ALL_KEYS)
    assert verified.receipt == sealed.receipt
    assert {key.keytype for key in verified.signers} == {"ed25519", "ml-dsa", "ethereum"}


def test_a_receipt_that_contradicts_itself_is_not_signed(receipt: Receipt) -> None:
    wire = receipt.to_wire()
    wire["lineage"][0]["salt"] = "1"
    with pytest.raises(VerificationError, match="contradicts itself is not signed"):
        sign_receipt(Receipt.from_wire(wire), ISSUER)


def test_a_receipt_that_contradicts_itself_is_refused_though_it_is_signed(receipt: Receipt) -> None:
    wire = receipt.to_wire()
    wire["lineage"][0]["salt"] = "1"
    envelope = resealed(statement_bytes(Receipt.from_wire(wire)))
    with pytest.raises(VerificationError, match="it is signed, and it contradicts itself"):
        verify_envelope(envelope, [ISSUER_KEY])


# whose signatures


def test_a_key_that_is_not_trusted_is_refused(receipt: Receipt) -> None:
    envelope = sign_receipt(receipt, STRANGER)
    assert verify_envelope(envelope, [STRANGER_KEY]).receipt == receipt
    with pytest.raises(VerificationError, match="which is not among the keys to trust"):
        verify_envelope(envelope, [ISSUER_KEY])


def test_a_strangers_signature_beside_ours_is_refused(sealed: Sealed) -> None:
    envelope = read_envelope(sealed.text)
    envelope.signatures |= sign_receipt(sealed.receipt, STRANGER).signatures
    with pytest.raises(VerificationError, match="which is not among the keys to trust"):
        verify_envelope(envelope, ALL_KEYS)


def test_a_strangers_signature_under_our_name_is_refused(receipt: Receipt) -> None:
    envelope = sign_receipt(receipt, STRANGER)
    forged = envelope.signatures[STRANGER_KEY.keyid].signature
    envelope.signatures = {ISSUER_KEY.keyid: Signature(ISSUER_KEY.keyid, forged)}
    with pytest.raises(VerificationError, match="does not hold"):
        verify_envelope(envelope, [ISSUER_KEY])


@pytest.mark.parametrize("index", range(3))
def test_a_signature_that_was_taken_away_is_missed(sealed: Sealed, index: int) -> None:
    wire = sealed.wire()
    del wire["signatures"][index]
    with pytest.raises(VerificationError, match="expected the signatures of 3 of the keys, got 2"):
        verify(wire)
    assert verify(wire, threshold=2) == sealed.receipt


def test_any_of_several_keys_will_do_where_that_is_asked_for(receipt: Receipt) -> None:
    keys: list[Key] = [ISSUER_KEY, STRANGER_KEY]
    assert verify_envelope(sign_receipt(receipt, STRANGER), keys, threshold=1).signers == (STRANGER_KEY,)


@pytest.mark.parametrize("threshold", [0, -1, 2])
def test_a_threshold_that_asks_for_nothing_or_too_much_is_refused(receipt: Receipt, threshold: int) -> None:
    with pytest.raises(VerificationError, match="keys: expected at least one and a threshold within them"):
        verify_envelope(sign_receipt(receipt, ISSUER), [ISSUER_KEY], threshold=threshold)


def test_no_keys_verify_nothing(receipt: Receipt) -> None:
    with pytest.raises(VerificationError, match="expected at least one"):
        verify_envelope(sign_receipt(receipt, ISSUER), [])


def test_one_key_under_two_names_counts_once(receipt: Receipt) -> None:
    again = SSlibKey.from_crypto(ISSUER.public_key(), keyid="another name")
    for keys in ([ISSUER_KEY, ISSUER_KEY], [ISSUER_KEY, again]):
        with pytest.raises(VerificationError, match="is given twice"):
            verify_envelope(sign_receipt(receipt, ISSUER), keys, threshold=1)


def test_keys_of_other_sorts_are_not_taken(receipt: Receipt) -> None:
    other = SSlibKey.from_crypto(generate_private_key(SECP256R1()).public_key())
    with pytest.raises(UnsupportedError, match="expected Ed25519, ML-DSA-65 or an Ethereum address"):
        verify_envelope(sign_receipt(receipt, ISSUER), [ISSUER_KEY, other], threshold=1)


def test_an_accounts_signature_of_another_receipt_is_refused(receipts: dict[str, Receipt]) -> None:
    one, other = (
        sign_receipt(receipts[status], ISSUER, ethereum_account=dev_account(0)) for status in ("executed", "denied")
    )
    one.signatures[ALICE_KEY.keyid] = other.signatures[ALICE_KEY.keyid]
    with pytest.raises(VerificationError, match=f"expected the signature of {ALICE}"):
        verify_envelope(one, [ISSUER_KEY, ALICE_KEY])


def test_another_accounts_signature_is_refused(receipt: Receipt) -> None:
    envelope = sign_receipt(receipt, ISSUER, ethereum_account=dev_account(1))
    agent_key = EthereumKey.of(AGENT)
    assert verify_envelope(envelope, [ISSUER_KEY, agent_key]).receipt == receipt
    taken = envelope.signatures.pop(agent_key.keyid).signature
    envelope.signatures[ALICE_KEY.keyid] = Signature(ALICE_KEY.keyid, taken)
    with pytest.raises(VerificationError, match=f"expected the signature of {ALICE}, got that of {AGENT}"):
        verify_envelope(envelope, [ISSUER_KEY, ALICE_KEY])


def test_an_accounts_signature_alone_is_verified_and_its_twin_refused(receipt: Receipt) -> None:
    envelope = sign_receipt(receipt, ISSUER, ethereum_account=dev_account(0))
    del envelope.signatures[ISSUER_KEY.keyid]
    assert verify_envelope(envelope, [ALICE_KEY]).signers == (ALICE_KEY,)
    raw = bytes.fromhex(envelope.signatures[ALICE_KEY.keyid].signature)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    twin = raw[:32] + (order - int.from_bytes(raw[32:64], "big")).to_bytes(32, "big") + bytes([55 - raw[64]])
    envelope.signatures[ALICE_KEY.keyid] = Signature(ALICE_KEY.keyid, twin.hex())
    with pytest.raises(VerificationError, match="upper half of the curve order"):
        verify_envelope(envelope, [ALICE_KEY])


def test_an_ethereum_key_is_written_and_read() -> None:
    assert EthereumKey.from_dict(ALICE_KEY.keyid, ALICE_KEY.to_dict()) == ALICE_KEY
    assert ALICE_KEY.address == ALICE
    with pytest.raises(EncodingError, match="keyid: expected ethereum:"):
        EthereumKey.from_dict("ethereum:other", ALICE_KEY.to_dict())


# a byte here and there


def flipped(data: bytes, index: int) -> bytes:
    return data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]


def test_every_byte_of_the_payload_is_under_the_signature(receipt: Receipt) -> None:
    envelope = sign_receipt(receipt, ISSUER)
    for index in range(0, len(envelope.payload), 7):
        tampered = Envelope(flipped(envelope.payload, index), PAYLOAD_TYPE, envelope.signatures)
        with pytest.raises(VerificationError, match="does not hold"):
            verify_envelope(tampered, [ISSUER_KEY])


def test_every_byte_of_the_payload_is_under_an_accounts_signature_alone(receipt: Receipt) -> None:
    envelope = sign_receipt(receipt, ISSUER, ethereum_account=dev_account(0))
    only = {ALICE_KEY.keyid: envelope.signatures[ALICE_KEY.keyid]}
    for index in range(0, len(envelope.payload), 7):
        tampered = Envelope(flipped(envelope.payload, index), PAYLOAD_TYPE, only)
        with pytest.raises(DelegationsError):
            verify_envelope(tampered, [ALICE_KEY])


@pytest.mark.parametrize("index", range(3))
def test_a_changed_signature_does_not_hold(sealed: Sealed, index: int) -> None:
    wire = sealed.wire()
    for place in (0, 10, 31, 40, 63):
        changed = json.loads(json.dumps(wire))
        raw = base64.b64decode(changed["signatures"][index]["sig"])
        changed["signatures"][index]["sig"] = base64.b64encode(flipped(raw, place)).decode()
        with pytest.raises(VerificationError):
            verify(changed)


@pytest.mark.parametrize("signature", ["", "AA==", base64.b64encode(bytes(64)).decode()])
@pytest.mark.parametrize("index", range(3))
def test_a_signature_of_another_length_does_not_hold(sealed: Sealed, index: int, signature: str) -> None:
    wire = sealed.wire()
    wire["signatures"][index]["sig"] = signature
    with pytest.raises(VerificationError):
        verify(wire)


# another content, honestly signed


def test_another_payload_type_is_refused(receipt: Receipt) -> None:
    for envelope in (resealed(statement_bytes(receipt), "application/json"), resealed(statement_bytes(receipt), "")):
        with pytest.raises(VerificationError, match="expected the payload type"):
            verify_envelope(envelope, [ISSUER_KEY])
        with pytest.raises(UnsupportedError, match="expected the payload type"):
            unsafe_read_receipt(envelope)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"_type": "https://in-toto.io/Statement/v2"}, UnsupportedError, "statement._type: expected"),
        ({"predicateType": "urn:delegations:receipt:2"}, UnsupportedError, "statement.predicateType: expected"),
        ({"comment": 1}, EncodingError, "expected exactly _type, subject"),
        ({"subject": []}, VerificationError, "statement.subject: expected the receipt"),
        (
            {"subject": [{"name": "receipt", "digest": {"sha256": "00" * 32}}]},
            VerificationError,
            "statement.subject: expected the receipt",
        ),
        ({"predicate": {"schema": SCHEMA}}, EncodingError, "Receipt.kind: this field is required"),
        ({"predicate": {"schema": "urn:delegations:receipt:2"}}, UnsupportedError, "expected schema"),
        ({"predicate": []}, EncodingError, "receipt: expected an object"),
    ],
    ids=str,
)
def test_another_statement_is_refused(
    receipt: Receipt, fields: dict[str, Any], error: type[DelegationsError], message: str
) -> None:
    with pytest.raises(error, match=message):
        verify_envelope(resealed(statement(receipt, **fields)), [ISSUER_KEY])


def test_a_statement_in_another_spelling_is_refused(receipt: Receipt) -> None:
    spaced = json.dumps(json.loads(statement_bytes(receipt))).encode()
    with pytest.raises(EncodingError, match="not in its RFC 8785 form"):
        verify_envelope(resealed(spaced), [ISSUER_KEY])


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"[]", b"null", b'{"a":1.5}', b"[" * 100_000])
def test_what_is_no_statement_is_refused(payload: bytes) -> None:
    with pytest.raises(EncodingError, match="statement"):
        verify_envelope(resealed(payload), [ISSUER_KEY])


# reading


def test_an_envelope_is_read_back_the_same(sealed: Sealed) -> None:
    assert format_envelope(read_envelope(sealed.text)) == sealed.text
    assert unsafe_read_receipt(read_envelope(sealed.text)) == sealed.receipt


def broken(sealed: Sealed, **fields: Any) -> str:
    return json.dumps({**sealed.wire(), **fields})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"comment": 1}, "envelope.comment: there is no such field"),
        ({"payload": 5}, "envelope.payload: expected base64 text, got 5"),
        ({"payload": "A"}, "envelope.payload: expected base64 text"),
        ({"payload": "AA=\n="}, "envelope.payload: expected base64 text"),
        ({"payload": "AB=="}, "expected base64 in its one spelling"),
        ({"payload": "_-=="}, "envelope.payload: expected base64 text"),
        ({"payloadType": 1}, "envelope.payloadType: expected text"),
        ({"signatures": []}, "envelope.signatures: expected 1 to 16 of them"),
        ({"signatures": {}}, "envelope.signatures: expected 1 to 16 of them"),
        ({"signatures": [1]}, "envelope.signatures.0: expected an object"),
        ({"signatures": [{"keyid": "a"}]}, "envelope.signatures.0.sig: this field is required"),
        ({"signatures": [{"sig": "AA=="}]}, "envelope.signatures.0.keyid: this field is required"),
        ({"signatures": [{"keyid": 1, "sig": "AA=="}]}, "envelope.signatures.0.keyid: expected the name"),
        ({"signatures": [{"keyid": "a", "sig": "AA==", "cert": ""}]}, "signatures.0.cert: there is no such field"),
        ({"signatures": [{"keyid": "a", "sig": "AA=="}] * 2}, "a key that has not signed yet, got a"),
        ({"signatures": [{"keyid": str(i), "sig": "AA=="} for i in range(17)]}, "expected 1 to 16 of them"),
    ],
    ids=str,
)
def test_another_form_of_envelope_is_refused(sealed: Sealed, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(EncodingError) as refused:
        read_envelope(broken(sealed, **fields))
    assert message in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "null", '"x"', "{}", '{"payload":"","payload":""}'])
def test_what_is_no_envelope_is_refused(text: str) -> None:
    with pytest.raises(EncodingError, match="envelope"):
        read_envelope(text)
