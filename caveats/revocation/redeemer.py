"""Who may redeem."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.attempt import Attempt
from caveats.enforcer import BOTH, EnforcerTerms, Tokens, join_names
from caveats.types import ZERO_ADDRESS, Address, Listed


class Redeemer(EnforcerTerms):
    """Only the listed addresses may redeem: whoever calls the delegation manager, on whichever link this stands.

    List accounts that nobody else can drive: a smart account that delegates its own authority lets others redeem
    through it.

        n x [20] redeemer, n >= 1

    Source: framework 1.3.0, RedeemerEnforcer.getTermsInfo and beforeHook.
    """

    ENFORCER: ClassVar[str] = "RedeemerEnforcer"
    ADDRESS: ClassVar[Address] = Address("0xE144b0b2618071B4E56f746313528a669c7E65c5")
    CALL_TYPES = BOTH
    LAYOUT: ClassVar[str] = "n x [20] redeemer"
    BOUNDS: ClassVar[str] = "the address that calls the delegation manager"
    LEAVES_FREE: ClassVar[str] = "what is called, and who makes the redeemer call"
    REVERTS: ClassVar[tuple[str, ...]] = ("unauthorized-redeemer", "invalid-terms-length")

    redeemers: Listed[Address]

    def problems(self) -> Iterator[str]:
        if not self.redeemers:
            yield "redeemers is empty; list at least one address"
        if len(set(self.redeemers)) != len(self.redeemers):
            yield "redeemers lists an address twice; each entry costs the redeemer gas, remove the copy"
        if ZERO_ADDRESS in self.redeemers:
            yield "redeemers lists the zero address, which can never call; name the redeemer"

    def encode_terms(self) -> bytes:
        return b"".join(self.redeemers)

    @classmethod
    def decode_terms(cls, terms: bytes) -> Redeemer:
        if not terms or len(terms) % 20:
            raise cls.bad_length("a positive multiple of 20 bytes", terms)
        return cls.unchecked(redeemers=tuple(Address(terms[i : i + 20]) for i in range(0, len(terms), 20)))

    def _denies(self, attempt: Attempt) -> str | None:
        return None if attempt.redeemer in self.redeemers else self.revert_of("unauthorized-redeemer")

    def describe(self, tokens: Tokens | None = None) -> str:
        return f"Only {join_names([str(r) for r in self.redeemers])} may redeem."
