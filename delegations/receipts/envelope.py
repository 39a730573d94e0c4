"""Receipts signed and sealed: an in-toto Statement in a DSSE envelope.

The signatures are over DSSE's encoding of the payload type and of the payload, which is the RFC 8785 form of

    {"_type": "https://in-toto.io/Statement/v1",
     "subject": [{"name": "receipt", "digest": {"sha256": <hash of the receipt>}}],
     "predicateType": "urn:delegations:receipt:1", "predicate": <the receipt>}

The version stands in `predicateType` and again in the receipt: in-toto fixes the payload type. Signing and verifying
are securesystemslib's; the Ethereum key (`ethereum_key`) signs typed data that names the receipt's hash.

Source: DSSE 1.0.2 protocol and envelope; in-toto attestation framework v1, envelope and statement.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.exceptions import VerificationError as LibraryVerificationError
from securesystemslib.signer import CryptoSigner, Key, Signature, SSlibKey

from caveats.errors import EncodingError, UnsupportedError, VerificationError, abbreviate
from caveats.strict_json import parse_json
from delegations.receipts.check import find_problems
from delegations.receipts.ethereum_key import EthereumKey, EthereumSigner
from delegations.receipts.model import SCHEMA, Receipt

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

    from delegations.eip712 import SigningAccount

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
STATEMENT_BEFORE: Final = f'{{"_type":"{STATEMENT_TYPE}","predicate":'.encode()
"""What a statement begins with in its RFC 8785 form; the receipt follows."""
STATEMENT_BETWEEN: Final = f',"predicateType":"{SCHEMA}","subject":[{{"digest":{{"sha256":"'.encode()
"""What follows the receipt; its hash is next."""
STATEMENT_AFTER: Final = b'"},"name":"receipt"}]}'
"""What a statement ends with."""
_MAX_SIGNATURES = 16
_SCHEMES = {("ed25519", "ed25519"), ("ml-dsa", "ml-dsa-65/1"), (EthereumKey.KEYTYPE, EthereumKey.SCHEME)}


class VerifiedReceipt(NamedTuple):
    """A receipt whose every signature holds.

    Attributes:
        receipt: what was signed.
        signers: the keys that signed it, in the order of their signatures.
    """

    receipt: Receipt
    signers: tuple[Key, ...]


def statement_bytes(receipt: Receipt) -> bytes:
    """Return the payload: the in-toto Statement about the receipt, in RFC 8785 form."""
    body = receipt.canonical()
    return _statement_about(body, hashlib.sha256(body).hexdigest())


def _statement_about(body: bytes, digest: str) -> bytes:
    return b"".join((STATEMENT_BEFORE, body, STATEMENT_BETWEEN, digest.encode(), STATEMENT_AFTER))


def sign_receipt(
    receipt: Receipt,
    ed25519_key: Ed25519PrivateKey,
    *,
    ethereum_account: SigningAccount | None = None,
    ml_dsa_key: MLDSA65PrivateKey | None = None,
) -> Envelope:
    """Return the receipt in an envelope, signed by the key and by those given beside it.

    Args:
        receipt: what is signed.
        ed25519_key: the issuer's key.
        ethereum_account: also signs the receipt's hash, as EIP-712 typed data, so that a wallet or a contract can tell.
        ml_dsa_key: an ML-DSA-65 key that signs the same bytes, for the time when Ed25519 can be forged.

    Raises:
        VerificationError: the receipt contradicts itself.
        EncodingError: a key of another sort.
    """
    problems = find_problems(receipt)
    if problems:
        path, text = problems[0]
        raise VerificationError(f"receipt.{path}: {text}", hint="a receipt that contradicts itself is not signed")
    if not isinstance(ed25519_key, Ed25519PrivateKey):
        raise EncodingError("ed25519_key: expected an Ed25519 private key")
    envelope = Envelope(statement_bytes(receipt), PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(ed25519_key))
    if ml_dsa_key is not None:
        signer = CryptoSigner(ml_dsa_key)
        _require_supported(signer.public_key)
        envelope.sign(signer)
    if ethereum_account is not None:
        envelope.sign(EthereumSigner(ethereum_account, receipt.hash))
    return envelope


def verify_envelope(envelope: Envelope, keys: Sequence[Key], *, threshold: int | None = None) -> VerifiedReceipt:
    """Return the receipt of an envelope whose every signature is by one of the keys and holds; raise otherwise.

    Args:
        envelope: from `read_envelope` or `sign_receipt`.
        keys: the keys to trust, from `public_key_of`, `read_public_key` or `EthereumKey.of`.
        threshold: how many of the keys must have signed. All of them by default: where two signatures are expected,
            an envelope from which one was taken away is refused.

    Raises:
        VerificationError: another payload type, a key that is not among these, a signature that does not hold, too
            few of them, or a statement or a receipt that contradicts itself.
        EncodingError: the payload is not the one spelling of a statement about a receipt.
        UnsupportedError: another version of the statement or of the receipt, or a key of a sort that is not taken.
    """
    signers = _verify_signatures(envelope, keys, threshold)
    receipt = _read_statement(envelope.payload)
    for signer in signers:
        if isinstance(signer, EthereumKey):
            signer.verify_hash(envelope.signatures[signer.keyid], receipt.hash)
    problems = find_problems(receipt)
    if problems:
        path, text = problems[0]
        raise VerificationError(f"receipt.{path}: {text}", hint="it is signed, and it contradicts itself")
    return VerifiedReceipt(receipt, signers)


def _verify_signatures(envelope: Envelope, keys: Sequence[Key], threshold: int | None) -> tuple[Key, ...]:
    trusted: dict[str, Key] = {}
    for key in keys:
        _require_supported(key)
        # the same key under two names would count twice
        if key.keyid in trusted or any(key.keyval == other.keyval for other in trusted.values()):
            raise VerificationError(f"keys: {abbreviate(key.keyid)} is given twice")
        trusted[key.keyid] = key
    needed = len(trusted) if threshold is None else threshold
    if not 1 <= needed <= len(trusted):
        raise VerificationError(
            f"keys: expected at least one and a threshold within them, got {needed} of {len(trusted)}"
        )
    if envelope.payload_type != PAYLOAD_TYPE:
        raise VerificationError(
            f"envelope: expected the payload type {PAYLOAD_TYPE}, got {abbreviate(envelope.payload_type)}"
        )
    signers = []
    encoded = envelope.pae()
    for keyid, signature in envelope.signatures.items():
        if keyid not in trusted or signature.keyid != keyid:
            raise VerificationError(
                f"envelope: signed by the key {abbreviate(keyid)}, which is not among the keys to trust",
                hint="add it if you trust it",
            )
        key = trusted[keyid]
        if not isinstance(key, EthereumKey):  # that one signs the receipt's hash, which is known once all of this holds
            _verify_bytes(key, signature, encoded)
        signers.append(key)
    if len(signers) < needed:
        raise VerificationError(f"envelope: expected the signatures of {needed} of the keys, got {len(signers)}")
    return tuple(signers)


def _verify_bytes(key: Key, signature: Signature, encoded: bytes) -> None:
    try:
        key.verify_signature(signature, encoded)
    except (UnverifiedSignatureError, LibraryVerificationError) as error:
        raise VerificationError(f"envelope: the signature by {abbreviate(key.keyid)} does not hold") from error


def _require_supported(key: Key) -> None:
    if (key.keytype, key.scheme) not in _SCHEMES:
        raise UnsupportedError(
            f"key: expected Ed25519, ML-DSA-65 or an Ethereum address, got {abbreviate(f'{key.keytype}/{key.scheme}')}"
        )


def _read_statement(payload: bytes) -> Receipt:
    value = parse_json(payload, what="statement", exact=True)
    if not isinstance(value, dict) or set(value) != {"_type", "subject", "predicateType", "predicate"}:
        raise EncodingError("statement: expected exactly _type, subject, predicateType and predicate")
    for name, known in (("_type", STATEMENT_TYPE), ("predicateType", SCHEMA)):
        if value[name] != known:
            raise UnsupportedError(f"statement.{name}: expected {known}, got {abbreviate(value[name])}")
    receipt = Receipt.from_wire(value["predicate"])
    body = receipt.canonical()
    digest = hashlib.sha256(body).hexdigest()
    if value["subject"] != [{"name": "receipt", "digest": {"sha256": digest}}]:
        raise VerificationError(f"statement.subject: expected the receipt with the SHA-256 {digest}")
    if _statement_about(body, digest) != payload:
        raise EncodingError("statement: not in its RFC 8785 form")
    return receipt


def format_envelope(envelope: Envelope) -> str:
    """Return the envelope as JSON."""
    return json.dumps(envelope.to_dict(), indent=2)


def read_envelope(text: str | bytes) -> Envelope:
    """Return the envelope read from JSON. Nothing is verified yet.

    Raises:
        EncodingError: not JSON, an unknown or missing field, base64 of another spelling than the usual one, no
            signature, over 16 of them, or two by one key.
    """
    value = parse_json(text, what="envelope", exact=True)
    _require_fields(value, {"payload", "payloadType", "signatures"}, "envelope")
    if not isinstance(value["payloadType"], str):
        raise EncodingError.of("envelope.payloadType", expected="text", got=value["payloadType"])
    listed = value["signatures"]
    if not isinstance(listed, list) or not 1 <= len(listed) <= _MAX_SIGNATURES:
        raise EncodingError.of("envelope.signatures", expected=f"1 to {_MAX_SIGNATURES} of them", got=listed)
    signatures: dict[str, Signature] = {}
    for index, item in enumerate(listed):
        place = f"envelope.signatures.{index}"
        _require_fields(item, {"keyid", "sig"}, place)
        keyid = item["keyid"]
        if not isinstance(keyid, str) or keyid in signatures:
            raise EncodingError.of(f"{place}.keyid", expected="the name of a key that has not signed yet", got=keyid)
        signatures[keyid] = Signature(keyid, _from_base64(item["sig"], f"{place}.sig").hex())
    return Envelope(_from_base64(value["payload"], "envelope.payload"), value["payloadType"], signatures)


def unsafe_read_receipt(envelope: Envelope) -> Receipt:
    """Return the receipt of an envelope without looking at its signatures: anybody may have written it."""
    if envelope.payload_type != PAYLOAD_TYPE:
        raise UnsupportedError(
            f"envelope: expected the payload type {PAYLOAD_TYPE}, got {abbreviate(envelope.payload_type)}"
        )
    return _read_statement(envelope.payload)


def _require_fields(value: Any, names: set[str], place: str) -> None:
    if not isinstance(value, dict):
        raise EncodingError.of(place, expected="an object", got=value)
    for name in value:
        if name not in names:
            raise EncodingError(f"{place}.{abbreviate(name)}: there is no such field")
    for name in sorted(names - set(value)):
        raise EncodingError(f"{place}.{name}: this field is required")


def _from_base64(text: object, place: str) -> bytes:
    if not isinstance(text, str):
        raise EncodingError.of(place, expected="base64 text", got=text)
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EncodingError.of(place, expected="base64 text", got=text) from error
    if base64.b64encode(data).decode() != text:  # bits that say nothing would give one envelope many spellings
        raise EncodingError.of(place, expected="base64 in its one spelling", got=text)
    return data


def public_key_of(private_key: Ed25519PrivateKey | MLDSA65PrivateKey) -> SSlibKey:
    """Return the public key to verify with; its keyid is the SHA-256 of the key."""
    return SSlibKey.from_crypto(private_key.public_key())
