"""A window of time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.attempt import Attempt
from caveats.enforcer import BOTH, EnforcerTerms, Tokens, format_utc
from caveats.types import Address, Uint128

# Ten thousand years of seconds: beyond it somebody counted milliseconds.
_LATEST_SECOND = 253_402_300_799


class Timestamp(EnforcerTerms):
    """Redeemable only when `after_at < block.timestamp < before_at`, both unix seconds; 0 leaves a side open.

        [0:16] uint128 after_at, [16:32] uint128 before_at

    Source: framework 1.3.0, TimestampEnforcer.getTermsInfo and beforeHook (both comparisons are strict).
    """

    ENFORCER: ClassVar[str] = "TimestampEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x1046bb45C8d673d4ea75321280DB34899413c069")
    CALL_TYPES = BOTH
    LAYOUT: ClassVar[str] = "[0:16] after_at, [16:32] before_at"
    BOUNDS: ClassVar[str] = "the time of redemption, by the block's timestamp"
    LEAVES_FREE: ClassVar[str] = "everything else"
    REVERTS: ClassVar[tuple[str, ...]] = ("early-delegation", "expired-delegation", "invalid-terms-length")

    after_at: Uint128 = 0
    before_at: Uint128 = 0

    def problems(self) -> Iterator[str]:
        if self.after_at == 0 and self.before_at == 0:
            yield "after_at and before_at are both 0, which bounds nothing; give at least one, in unix seconds"
        if self.before_at and self.before_at < self.after_at + 2:
            yield (
                f"no second lies between after_at {self.after_at} and before_at {self.before_at}: both bounds are"
                " exclusive, so before_at must be at least after_at + 2"
            )
        for name, at in (("after_at", self.after_at), ("before_at", self.before_at)):
            if at > _LATEST_SECOND:
                yield f"{name} {at} is past the year 9999; give seconds, not milliseconds"

    def encode_terms(self) -> bytes:
        return self.after_at.to_bytes(16, "big") + self.before_at.to_bytes(16, "big")

    @classmethod
    def decode_terms(cls, terms: bytes) -> Timestamp:
        if len(terms) != 32:
            raise cls.bad_length("exactly 32 bytes", terms)
        return cls.unchecked(after_at=int.from_bytes(terms[:16], "big"), before_at=int.from_bytes(terms[16:], "big"))

    def _denies(self, attempt: Attempt) -> str | None:
        if self.after_at and attempt.timestamp <= self.after_at:
            return self.revert_of("early-delegation")
        if self.before_at and attempt.timestamp >= self.before_at:
            return self.revert_of("expired-delegation")
        return None

    def describe(self, tokens: Tokens | None = None) -> str:
        after, before = format_utc(self.after_at), format_utc(self.before_at)
        if self.after_at and self.before_at:
            return f"Usable only after {after} and before {before}."
        if self.before_at:
            return f"Usable only before {before}."
        return f"Usable only after {after}." if self.after_at else "Usable at any time."
