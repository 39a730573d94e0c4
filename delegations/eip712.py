"""EIP-712 for delegations: domain, digest, signing and recovery over native secp256k1 and keccak.

The schema is written out as a literal that can be compared with the contract; models are hashed, never dicts.
Source: framework 1.3.0, EncoderLib and DelegationManager (OpenZeppelin EIP712, name and version below).
"""

from __future__ import annotations

from typing import Protocol

from caveats.abi import encode_address, encode_uint
from caveats.errors import EncodingError, VerificationError
from caveats.types import Address, Bytes32, keccak, parse_uint256

DOMAIN_NAME = "DelegationManager"
DOMAIN_VERSION = "1"

DELEGATION_TYPE = (
    "Delegation(address delegate,address delegator,bytes32 authority,Caveat[] caveats,uint256 salt)"
    "Caveat(address enforcer,bytes terms)"
)
DELEGATION_TYPEHASH = bytes.fromhex("88c1d2ecf185adf710588203a5f263f0ff61be0d33da39792cde19ba9aa4331e")
"""keccak256(DELEGATION_TYPE)"""
_DOMAIN_TYPEHASH = bytes.fromhex("8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f")
"""keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")"""

_SECP256K1_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class SigningAccount(Protocol):
    """Anything that holds a private key, such as eth-account's LocalAccount."""

    @property
    def key(self) -> bytes:
        """The 32-byte private key."""


def hash_domain(chain_id: int, manager: Address) -> Bytes32:
    """Return the domain separator of a delegation manager on a chain.

    Raises:
        EncodingError: the chain id is not a uint256, or the manager is not an address.
    """
    return Bytes32(
        keccak(
            _DOMAIN_TYPEHASH
            + keccak(DOMAIN_NAME.encode())
            + keccak(DOMAIN_VERSION.encode())
            + encode_uint(parse_uint256(chain_id))
            + encode_address(Address(manager))
        )
    )


def hash_typed_data(domain_hash: bytes, struct_hash: bytes) -> Bytes32:
    """Return the digest that is signed: keccak256(0x1901, domain, struct). Source: EIP-712."""
    return Bytes32(keccak(b"\x19\x01" + domain_hash + struct_hash))


def sign_digest(digest: bytes, key: bytes) -> bytes:
    """Return the 65-byte signature r, s, v over a digest; v is 27 or 28, s is low, the nonce is RFC 6979's.

    Args:
        digest: 32 bytes.
        key: 32-byte private key.

    Raises:
        EncodingError: the key is not a valid private key. The key is never part of the message.
    """
    from coincurve import PrivateKey

    if len(digest) != 32:
        raise EncodingError.of("digest", expected="32 bytes", got=digest)
    refusal = EncodingError("private key: expected 32 bytes between 1 and the curve order minus 1")
    if len(key) != 32:  # coincurve would pad it
        raise refusal
    try:
        raw = PrivateKey(bytes(key)).sign_recoverable(bytes(digest), hasher=None)
    except ValueError:
        raise refusal from None
    return raw[:64] + bytes([27 + raw[64]])


def recover_signer(digest: bytes, signature: bytes) -> Address:
    """Return the address whose key made `signature` over `digest`, by the rules the framework applies on chain.

    Raises:
        EncodingError: the digest is not 32 bytes.
        VerificationError: not 65 bytes, v not 27 or 28, high s, or a point that is not on the curve; `onchain`
            carries the OpenZeppelin ECDSA error the manager would give.

    Source: OpenZeppelin 5.0.2 ECDSA.tryRecover.
    """
    from coincurve import PublicKey

    if len(digest) != 32:
        raise EncodingError.of("digest", expected="32 bytes", got=digest)
    if len(signature) != 65:
        raise VerificationError(
            f"signature: expected 65 bytes (r, s, v), got {len(signature)} bytes",
            onchain="ECDSAInvalidSignatureLength(uint256)",
        )
    s = int.from_bytes(signature[32:64], "big")
    if s > _SECP256K1_N // 2:
        raise VerificationError(
            "signature: s is in the upper half of the curve order, which the contracts refuse",
            onchain="ECDSAInvalidSignatureS(bytes32)",
        )
    if signature[64] not in (27, 28):
        raise VerificationError(
            f"signature: expected v 27 or 28, got {signature[64]}", onchain="ECDSAInvalidSignature()"
        )
    try:
        recovered = PublicKey.from_signature_and_message(
            bytes(signature[:64]) + bytes([signature[64] - 27]), bytes(digest), hasher=None
        )
        point = recovered.format(compressed=False)
    except Exception as error:  # coincurve raises a bare Exception when no key can be recovered
        if type(error) not in (Exception, ValueError):
            raise
        raise VerificationError(
            "signature: no key can be recovered from it", onchain="ECDSAInvalidSignature()"
        ) from error
    return Address(keccak(point[1:])[12:])
