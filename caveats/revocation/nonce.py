"""A delegator's counter that ends all delegations given under its old value."""

from __future__ import annotations

from typing import ClassVar

from caveats.abi import encode_uint
from caveats.attempt import StateKey
from caveats.enforcer import BOTH, EnforcerTerms, Tokens, mapping_slot
from caveats.types import Address, Uint256


class Nonce(EnforcerTerms):
    """Redeemable only while the delegator's current nonce is exactly `nonce`; redeeming does not use it up.

    The delegator raises the nonce by calling `incrementNonce(delegationManager)` on the enforcer, and so ends every
    delegation that carries the old one. The nonce starts at 0; a future one is valid once it is reached. In a
    redelegation it is the nonce of the link's own delegator.

        [0:32] uint256 nonce

    Source: framework 1.3.0, NonceEnforcer.getTermsInfo, beforeHook and incrementNonce.
    """

    ENFORCER: ClassVar[str] = "NonceEnforcer"
    ADDRESS: ClassVar[Address] = Address("0xDE4f2FAC4B3D87A1d9953Ca5FC09FCa7F366254f")
    CALL_TYPES = BOTH
    LAYOUT: ClassVar[str] = "[0:32] nonce"
    BOUNDS: ClassVar[str] = "until when the delegation holds: the delegator's next increment of the nonce"
    LEAVES_FREE: ClassVar[str] = "everything else, and how often it is redeemed"
    REVERTS: ClassVar[tuple[str, ...]] = ("invalid-nonce", "invalid-terms-length")
    EVENTS: ClassVar[tuple[str, ...]] = (
        "UsedNonce(address indexed delegationManager, address indexed delegator, uint256 nonce)",
    )
    STATE: ClassVar[str] = "currentNonce(address delegationManager, address delegator) -> uint256"
    STATE_FIELDS: ClassVar[tuple[str, ...]] = ("current_nonce",)
    JUDGED_ALONE: ClassVar[bool] = False

    nonce: Uint256

    def encode_terms(self) -> bytes:
        return encode_uint(self.nonce)

    @classmethod
    def decode_terms(cls, terms: bytes) -> Nonce:
        if len(terms) != 32:
            raise cls.bad_length("exactly 32 bytes", terms)
        return cls.unchecked(nonce=int.from_bytes(terms, "big"))

    def state_slot(self, key: StateKey) -> int:
        """Return the slot of the link's delegator's nonce; it does not depend on the delegation."""
        return int.from_bytes(mapping_slot(key.delegator, mapping_slot(key.caller, b"")), "big")

    def describe(self, tokens: Tokens | None = None) -> str:
        return f"Usable only while the delegator's nonce is {self.nonce}."
