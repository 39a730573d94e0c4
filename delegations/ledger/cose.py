"""Inclusion proofs as COSE Receipts, for whoever speaks SCITT rather than signed notes.

The entry and the tree are the same as in a proof file; what the log's key signs is the root in a COSE_Sign1, with the
proof beside it. Needs the extra `cose`.

Source: RFC 9942, COSE Receipts with the verifiable data structure RFC9162_SHA256; RFC 9943 for the claims of a receipt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from caveats.errors import EncodingError, VerificationError, abbreviate
from delegations.ledger.extras import load_extra
from delegations.ledger.note import VerifierKey
from delegations.ledger.tree import Head, hash_leaf, verify_inclusion

MAX_COSE_BYTES: Final = 1 << 16
_KEY_ID, _CLAIMS, _STRUCTURE, _PROOFS = 4, 15, 395, 396
_ISSUER, _SUBJECT, _ISSUED_AT = 1, 2, 6
_RFC9162_SHA256, _INCLUSION = 1, -1


@dataclass(frozen=True, slots=True)
class CoseProof:
    """What a COSE Receipt shows once it holds.

    Attributes:
        index: place of the entry in the log, from 0.
        size: how many entries the log had.
        root: the root of its tree.
        issued_at: unix seconds by the log's clock; None when it does not say.
        subject: what the entry is about, as the log says.
    """

    index: int
    size: int
    root: bytes
    issued_at: int | None
    subject: str | None


def make_cose_receipt(
    entry: bytes,
    index: int,
    head: Head,
    hashes: Sequence[bytes],
    private_key: Ed25519PrivateKey,
    *,
    origin: str,
    subject: str,
    issued_at: int,
) -> bytes:
    """Return the COSE Receipt that the log holds the entry. As with a checkpoint, sign only what is committed.

    Args:
        entry: the bytes that were logged, from `entry_of`.
        index: its place in the log.
        head: the tree that is committed.
        hashes: the inclusion proof.
        private_key: the log's.
        origin: the log's name: the issuer.
        subject: what the entry is about, such as the hash of the receipt.
        issued_at: unix seconds now.

    Raises:
        VerificationError: the hashes do not lead from the entry to the root.
        UnsupportedError: the extra `cose` is not installed.
    """
    cose = load_extra("scitt_cose", extra="cose", what="COSE receipt")
    cbor = load_extra("cbor2", extra="cose", what="COSE receipt")
    verify_inclusion(hash_leaf(entry), index, head.size, hashes, head.root)
    key = VerifierKey(origin, private_key.public_key().public_bytes_raw())
    claims = {_ISSUER: origin, _SUBJECT: subject, _ISSUED_AT: issued_at}
    signed: bytes = cose.sign_sign1(
        head.root,
        alg="EdDSA",
        private_key_pem=private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        protected={_STRUCTURE: _RFC9162_SHA256, _CLAIMS: claims, _KEY_ID: key.key_id},
        unprotected={_PROOFS: {_INCLUSION: [cbor.dumps([head.size, index, list(hashes)])]}},
        detached=True,
    )
    return signed


def verify_cose_receipt(data: bytes, entry: bytes, log_key: VerifierKey) -> CoseProof:
    """Return what the COSE Receipt shows, when it holds for the entry.

    Raises:
        VerificationError: it does not, or it is of another log.
        EncodingError: too long to be one.
        UnsupportedError: the extra `cose` is not installed.
    """
    cose = load_extra("scitt_cose", extra="cose", what="COSE receipt")
    if len(data) > MAX_COSE_BYTES:
        raise EncodingError.of("COSE receipt", expected=f"up to {MAX_COSE_BYTES} bytes", got=len(data))
    found: Any = cose.verify_receipt(data, leaf_entry_hex=entry.hex(), log_public_key_pem=_public_pem(log_key))
    if not found.ok:
        raise VerificationError(f"COSE receipt: it does not hold: {abbreviate(found.errors[0])}")
    if found.issuer != log_key.name:
        raise VerificationError(
            f"COSE receipt: expected one of the log {abbreviate(log_key.name)}, got one of {abbreviate(found.issuer)}"
        )
    return CoseProof(found.leaf_index, found.tree_size, bytes.fromhex(found.root), found.iat, found.subject)


def _public_pem(key: VerifierKey) -> bytes:
    try:
        public = Ed25519PublicKey.from_public_bytes(key.public)
    except ValueError as error:
        raise VerificationError(f"COSE receipt: the key {abbreviate(key.name)} is no Ed25519 key") from error
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
