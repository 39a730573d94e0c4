"""One use for a whole family of delegations."""

from __future__ import annotations

from typing import ClassVar

from caveats.abi import encode_uint
from caveats.attempt import StateKey
from caveats.enforcer import BOTH, EnforcerTerms, Tokens, mapping_slot
from caveats.types import Address, Uint256


class Id(EnforcerTerms):
    """The first redemption of any delegation of this delegator with this `id` ends all the others, and itself.

    Choose ids at random, or unrelated delegations cancel each other. Another delegator may use the same id.

        [0:32] uint256 id

    The used ids are a private bitmap: word `id >> 8`, bit `id & 255`.

    Source: framework 1.3.0, IdEnforcer.getTermsInfo and beforeHook.
    """

    ENFORCER: ClassVar[str] = "IdEnforcer"
    ADDRESS: ClassVar[Address] = Address("0xC8B5D93463c893401094cc70e66A206fb5987997")
    CALL_TYPES = BOTH
    LAYOUT: ClassVar[str] = "[0:32] id"
    BOUNDS: ClassVar[str] = "the number of redemptions to one, for all delegations of the delegator with this id"
    LEAVES_FREE: ClassVar[str] = "what the one redemption does"
    REVERTS: ClassVar[tuple[str, ...]] = ("id-already-used", "invalid-terms-length")
    EVENTS: ClassVar[tuple[str, ...]] = (
        "UsedId(address indexed sender, address indexed delegator, address indexed redeemer, uint256 id)",
    )
    STATE: ClassVar[str] = "getIsUsed(address delegationManager, address delegator, uint256 id) -> bool"
    STATE_FIELDS: ClassVar[tuple[str, ...]] = ("used_bits",)
    JUDGED_ALONE: ClassVar[bool] = False

    id: Uint256

    def encode_terms(self) -> bytes:
        return encode_uint(self.id)

    @classmethod
    def decode_terms(cls, terms: bytes) -> Id:
        if len(terms) != 32:
            raise cls.bad_length("exactly 32 bytes", terms)
        return cls.unchecked(id=int.from_bytes(terms, "big"))

    def state_slot(self, key: StateKey) -> int:
        """Return the slot of the bitmap word that holds this id for the link's delegator; see `is_used`."""
        bitmap = mapping_slot(key.delegator, mapping_slot(key.caller, b""))
        return int.from_bytes(mapping_slot(encode_uint(self.id >> 8), bitmap), "big")

    def is_used(self, used_bits: int) -> bool:
        """Return whether this id is used, given the word at `state_slot`."""
        return bool(used_bits >> (self.id & 0xFF) & 1)

    def describe(self, tokens: Tokens | None = None) -> str:
        return f"Usable once, together with every other delegation of the same delegator with id {self.id}."
