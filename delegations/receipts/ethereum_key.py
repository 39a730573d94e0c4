"""An Ethereum account as a signer of receipts: EIP-712 over the receipt's hash.

    EIP712Domain(string name,string version)   name "delegations receipt", version "1"
    Receipt(string schema,bytes32 contentHash) schema "urn:delegations:receipt:1", contentHash the SHA-256

No chain id: a receipt of any chain is signed alike, and the chain stands in the receipt. What is signed is the content,
not the envelope, so that a wallet shows it and a contract can check it. Only keys of accounts are known here; what a
contract account would accept can only its chain tell.

Source: EIP-712; OpenZeppelin ECDSA for the form of the signature.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer

from caveats.errors import EncodingError, VerificationError
from caveats.types import Address, Bytes32, format_hex, keccak
from delegations.eip712 import SigningAccount, hash_typed_data, recover_signer, sign_digest
from delegations.receipts.model import SCHEMA

_DOMAIN = keccak(keccak(b"EIP712Domain(string name,string version)") + keccak(b"delegations receipt") + keccak(b"1"))
RECEIPT_TYPE = "Receipt(string schema,bytes32 contentHash)"
_RECEIPT_TYPEHASH = keccak(RECEIPT_TYPE.encode())


def hash_receipt_to_sign(content_hash: str) -> Bytes32:
    """Return the EIP-712 digest an account signs for the receipt with this hash (64 hex digits)."""
    content = Bytes32("0x" + content_hash)
    return hash_typed_data(_DOMAIN, keccak(_RECEIPT_TYPEHASH + keccak(SCHEMA.encode()) + content))


class EthereumKey(Key):
    """The public half: an address. Its keyid is "ethereum:" and the address in lower case."""

    KEYTYPE: ClassVar[str] = "ethereum"
    SCHEME: ClassVar[str] = "eip712-receipt/1"

    @classmethod
    def of(cls, address: Address) -> Self:
        """Return the key of an account. Raises EncodingError when it is not an address."""
        text = format_hex(Address(address))
        return cls(f"ethereum:{text}", cls.KEYTYPE, cls.SCHEME, {"public": text})

    @property
    def address(self) -> Address:
        """The account."""
        return Address(self.keyval["public"])

    def verify_hash(self, signature: Signature, content_hash: str) -> None:
        """Return when the account signed the receipt with this hash. Raises VerificationError otherwise."""
        signer = recover_signer(hash_receipt_to_sign(content_hash), _bytes_of(signature))
        if signer != self.address:
            raise VerificationError(f"envelope: expected the signature of {self.address}, got that of {signer}")

    def verify_signature(self, signature: Signature, data: bytes) -> None:
        """Raise: the envelope's bytes are not what an account signs. `verify_envelope` knows what is."""
        raise UnverifiedSignatureError("an Ethereum account signs the receipt's hash: verify with verify_envelope")

    @classmethod
    def from_dict(cls, keyid: str, key_dict: dict[str, Any]) -> Self:
        """Return the key of `to_dict`. Raises EncodingError when the keyid is not that of the address."""
        made = cls.of(Address(key_dict["keyval"]["public"]))
        if made.keyid != keyid:
            raise EncodingError.of("keyid", expected=made.keyid, got=keyid)
        return made

    def to_dict(self) -> dict[str, Any]:
        """Return the key as securesystemslib's other keys are written."""
        return self._to_dict()


def _bytes_of(signature: Signature) -> bytes:
    try:
        return bytes.fromhex(signature.signature)
    except ValueError as error:
        raise VerificationError("signature: expected hex digits") from error


class EthereumSigner(Signer):
    """The private half, for one receipt."""

    def __init__(self, account: SigningAccount, content_hash: str) -> None:
        self._key = bytes(account.key)
        self._digest = hash_receipt_to_sign(content_hash)
        signed = sign_digest(self._digest, self._key)
        self._public = EthereumKey.of(recover_signer(self._digest, signed))

    @property
    def public_key(self) -> EthereumKey:
        """The account that signs."""
        return self._public

    def sign(self, payload: bytes) -> Signature:
        """Return the account's signature of the receipt; `payload`, the envelope's bytes, is not what it signs."""
        return Signature(self._public.keyid, sign_digest(self._digest, self._key).hex())

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> EthereumSigner:
        """Raise: keys are handed over as accounts."""
        raise EncodingError("Ethereum keys are not read from URIs", hint="give the account")
