"""Keys that sign receipts, from PEM text. A private key never becomes part of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from securesystemslib.signer import SSlibKey

from caveats.errors import EncodingError, UnsupportedError

if TYPE_CHECKING:
    from securesystemslib.signer import Key


def read_ed25519_key(pem: str, *, password: str | None = None) -> Ed25519PrivateKey:
    """Return the private key of PEM text (PKCS #8).

    Raises:
        EncodingError: not such a key, or an encrypted one without its password, or with a wrong one.
    """
    key = _private(pem, password, "Ed25519")
    if not isinstance(key, Ed25519PrivateKey):
        raise _another_sort("Ed25519")
    return key


def read_ml_dsa_key(pem: str, *, password: str | None = None) -> MLDSA65PrivateKey:
    """Return the ML-DSA-65 private key of PEM text (PKCS #8). Raises as `read_ed25519_key`."""
    key = _private(pem, password, "ML-DSA-65")
    if not isinstance(key, MLDSA65PrivateKey):
        raise _another_sort("ML-DSA-65")
    return key


def _private(pem: str, password: str | None, name: str) -> object:
    encrypted = "ENCRYPTED" in pem
    if encrypted and password is None:
        raise EncodingError("private key: it is encrypted, and no password is given")
    try:
        return load_pem_private_key(pem.encode(), password.encode() if encrypted and password is not None else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # what the library says may quote the input
        raise EncodingError(f"private key: expected the PEM text (PKCS #8) of an {name} key") from None


def _another_sort(name: str) -> EncodingError:
    return EncodingError(f"private key: expected an {name} key, got another sort of key")


def read_public_key(pem: str) -> SSlibKey:
    """Return the public key of PEM text (SubjectPublicKeyInfo), Ed25519 or ML-DSA-65.

    Raises:
        EncodingError: not a public key.
        UnsupportedError: a key of another sort.
    """
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise EncodingError("public key: expected the PEM text of a public key") from error
    if not isinstance(key, Ed25519PublicKey | MLDSA65PublicKey):
        raise UnsupportedError("public key: expected an Ed25519 or an ML-DSA-65 key, got another sort of key")
    return SSlibKey.from_crypto(key)


def name_key(key: Key) -> str:
    """Return a key in words: its sort and its keyid."""
    return key.keyid if key.keytype == "ethereum" else f"{key.keytype} {key.keyid}"
