"""How often the delegation may be redeemed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.abi import encode_uint
from caveats.attempt import Attempt, StateKey
from caveats.enforcer import BOTH, EnforcerTerms, Tokens, hash_keyed_slot
from caveats.types import Address, Uint256


class LimitedCalls(EnforcerTerms):
    """At most `limit` redemptions, ever. A batch counts once; a reverted redemption does not count.

        [0:32] uint256 limit

    Source: framework 1.3.0, LimitedCallsEnforcer.getTermsInfo and beforeHook.
    """

    ENFORCER: ClassVar[str] = "LimitedCallsEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x04658B29F6b82ed55274221a06Fc97D318E25416")
    CALL_TYPES = BOTH
    LAYOUT: ClassVar[str] = "[0:32] limit"
    BOUNDS: ClassVar[str] = "the number of redemptions over the life of the delegation"
    LEAVES_FREE: ClassVar[str] = "what each redemption does; a batch of many calls counts once"
    REVERTS: ClassVar[tuple[str, ...]] = ("limit-exceeded", "invalid-terms-length")
    EVENTS: ClassVar[tuple[str, ...]] = (
        "IncreasedCount(address indexed sender, address indexed redeemer,"
        " bytes32 indexed delegationHash, uint256 limit, uint256 callCount)",
    )
    STATE: ClassVar[str] = "callCounts(address delegationManager, bytes32 delegationHash) -> uint256"
    STATE_FIELDS: ClassVar[tuple[str, ...]] = ("calls",)
    JUDGED_ALONE: ClassVar[bool] = False

    limit: Uint256

    def problems(self) -> Iterator[str]:
        if self.limit == 0:
            yield "limit is 0, which can never be redeemed; give at least 1"

    def encode_terms(self) -> bytes:
        return encode_uint(self.limit)

    @classmethod
    def decode_terms(cls, terms: bytes) -> LimitedCalls:
        if len(terms) != 32:
            raise cls.bad_length("exactly 32 bytes", terms)
        return cls.unchecked(limit=int.from_bytes(terms, "big"))

    def _denies(self, attempt: Attempt) -> str | None:
        return self.revert_of("limit-exceeded") if self.limit == 0 else None

    def state_slot(self, key: StateKey) -> int:
        return hash_keyed_slot(key)

    def describe(self, tokens: Tokens | None = None) -> str:
        return "Usable once." if self.limit == 1 else f"Usable at most {self.limit} times."
