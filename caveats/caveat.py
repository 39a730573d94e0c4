"""The caveat as the framework stores it: an enforcer, its terms (signed) and its args (not signed)."""

from __future__ import annotations

from caveats.abi import encode_address
from caveats.types import Address, HexBytes, Model, keccak

CAVEAT_TYPEHASH = bytes.fromhex("80ad7e1b04ee6d994a125f4714ca0720908bd80ed16063ec8aee4b88e9253e2d")
"""keccak256("Caveat(address enforcer,bytes terms)")"""


class Caveat(Model):
    """One condition on a delegation, as bytes.

    Attributes:
        enforcer: the contract that checks the condition.
        terms: what the delegator signed. Covered by the delegation hash.
        args: what the redeemer supplies at redemption. Not covered: anyone may change it after signing.

    Source: framework 1.3.0, `Caveat` struct in utils/Types.sol.
    """

    enforcer: Address
    terms: HexBytes = b""
    args: HexBytes = b""

    def with_args(self, args: bytes) -> Caveat:
        """Return the same caveat with the redeemer's `args`."""
        return Caveat(enforcer=self.enforcer, terms=self.terms, args=args)


def hash_caveat(caveat: Caveat) -> bytes:
    """Return the EIP-712 struct hash of a caveat (32 bytes); args are not covered.

    Source: framework 1.3.0, EncoderLib._getCaveatPacketHash.
    """
    return keccak(CAVEAT_TYPEHASH + encode_address(caveat.enforcer) + keccak(caveat.terms))


def hash_caveats(caveats: tuple[Caveat, ...]) -> bytes:
    """Return the hash of an ordered list of caveats (32 bytes): order is covered.

    Source: framework 1.3.0, EncoderLib._getCaveatArrayPacketHash.
    """
    return keccak(b"".join(map(hash_caveat, caveats)))
