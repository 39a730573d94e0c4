"""What the streaming enforcers share: an amount that unlocks second by second, up to a cap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from caveats.enforcer import format_utc
from caveats.seconds import LATEST_SECOND, start_problems
from caveats.types import MAX_UINT256

STATE_FIELDS = ("initial_amount", "max_amount", "amount_per_second", "start_at", "spent")
OVERFLOW = "Panic(0x11)"
"""What an unlocked amount beyond 2^256-1 reverts with."""


class Stream(NamedTuple):
    """`initial` at unix second `start_at`, `rate` more each second, never above `maximum` in total.

    Source: framework 1.3.0, _getAvailableAmount of the streaming enforcers.
    """

    initial: int
    maximum: int
    rate: int
    start_at: int

    def refuses_terms(self) -> str | None:
        """Return the reason without its prefix that these terms are denied with whatever is tried."""
        if self.maximum < self.initial:
            return "invalid-max-amount"
        return "invalid-zero-start-time" if self.start_at == 0 else None

    def unlocked(self, timestamp: int) -> int | None:
        """Return what is unlocked in total; None when the sum overflows and the contract panics."""
        if timestamp < self.start_at:
            return 0
        total = self.initial + self.rate * (timestamp - self.start_at)
        return None if total > MAX_UINT256 else min(total, self.maximum)

    def problems(self, suffix: str, *, instead: str) -> Iterator[str]:
        """Yield what a builder refuses; `suffix` ends the names of the amounts, `instead` names the plain cap."""
        if self.maximum == 0:
            yield f"max_amount{suffix} is 0, which unlocks nothing; give the cap, or 2^256-1 for none"
        if self.maximum < self.initial:
            yield (
                f"max_amount{suffix} {self.maximum} is under initial_amount{suffix} {self.initial}, which the"
                " contract refuses; the cap includes the initial amount"
            )
        if self.rate == 0:
            yield f"amount_per_second{suffix} is 0, so nothing ever flows; use {instead} for a fixed amount"
        yield from start_problems("start_at", self.start_at)
        if self.start_at <= LATEST_SECOND and self.unlocked(LATEST_SECOND) is None:
            last = self.start_at + (MAX_UINT256 - self.initial) // self.rate
            yield (
                f"amount_per_second{suffix} {self.rate} overflows 2^256-1 after {format_utc(last)}, and every"
                " redemption reverts from then on; give a lower rate, in base units"
            )

    def describe(self, verb: str, initial: str, maximum: str, rate: str) -> str:
        """Return the sentence's main clause, given the three amounts as they are shown."""
        reason = self.refuses_terms()
        if reason is not None:
            why = "a maximum under the initial amount" if reason == "invalid-max-amount" else "start 0"
            return f"Nothing can be {verb}: the contract refuses {why}"
        cap = "without a maximum" if self.maximum == MAX_UINT256 else f"at most {maximum} in total"
        start = format_utc(self.start_at)
        if self.initial == 0:
            return f"Each second from {start} on, {rate} more may be {verb}, {cap}"
        return f"From {start} on {initial}, and each second {rate} more, may be {verb}, {cap}"
