"""What the period enforcers share: a budget that is full again at the start of every period."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from caveats.enforcer import format_utc, join_names
from caveats.seconds import LATEST_SECOND, duration_problems, format_seconds, start_problems

STATE_FIELDS = ("period_amount", "period_seconds", "start_at", "last_transfer_period", "transferred_in_period")
REVERTS = (
    "invalid-zero-start-date",
    "invalid-zero-period-amount",
    "invalid-zero-period-duration",
    "transfer-not-started",
    "transfer-amount-exceeded",
)


class Budget(NamedTuple):
    """At most `amount` in each period of `seconds`, the first of which begins at unix second `start_at`.

    The start belongs to the first period, the second at which a period ends to the next one.

    Source: framework 1.3.0, _validateAndConsumeTransfer and _getAvailableAmount of the period enforcers.
    """

    amount: int
    seconds: int
    start_at: int

    def denies(self, amount: int, timestamp: int) -> str | None:
        """Return the reason without its prefix that the first transfer is denied with; None when it is not."""
        if self.start_at == 0:
            return "invalid-zero-start-date"
        if self.amount == 0:
            return "invalid-zero-period-amount"
        if self.seconds == 0:
            return "invalid-zero-period-duration"
        if timestamp < self.start_at:
            return "transfer-not-started"
        return "transfer-amount-exceeded" if amount > self.amount else None

    def problems(self, amount_name: str, *, of: str = "") -> Iterator[str]:
        """Yield what a builder refuses; `of` stands before the names of the fields."""
        if self.amount == 0:
            yield f"{of}{amount_name} is 0, which the contract refuses; give the amount of one period"
        yield from duration_problems(f"{of}period_seconds", self.seconds)
        yield from start_problems(f"{of}start_at", self.start_at)

    def describe(self, shown: str) -> str | None:
        """Return "10 USDC per day from ... on" for the shown amount; None when no transfer can ever pass."""
        if not (self.amount and self.seconds and self.start_at):
            return None
        per = "in total" if self.start_at + self.seconds > LATEST_SECOND else f"per {format_seconds(self.seconds)}"
        return f"{shown} {per} from {format_utc(self.start_at)} on"

    def why_dead(self) -> str:
        """Return why no transfer can ever pass: "period amount 0 and start 0"."""
        parts = {"period amount": self.amount, "period length": self.seconds, "start": self.start_at}
        return join_names([f"{name} 0" for name, value in parts.items() if value == 0], last="and")
