"""How much a verifier does for a stranger: a bound on what is run again, counted and not timed.

Counted, so that the same receipt, bundle and block hash give the same report on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caveats.errors import EncodingError
from delegations.receipts.evidence.refusal import EvidenceError

if TYPE_CHECKING:
    from delegations.evm.metered import MeteredEngine


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that may be run again for one receipt. A replay that needs more is refused: `replay-over-budget`.

    Attributes:
        transactions: of a block, those before the one in question.
        gas: of a block, up to and with that one; no transaction of them may have a higher limit.
        work: units of about a tenth of a microsecond, for calls and precompiles; see `delegations.evm.metered`.
    """

    transactions: int = 500
    gas: int = 2**25
    work: int = 100_000_000

    def __post_init__(self) -> None:
        for name in ("transactions", "gas", "work"):
            if getattr(self, name) < 0:
                raise EncodingError.of(f"budget.{name}", expected="a number from 0 on", got=getattr(self, name))

    def engine(self) -> MeteredEngine:
        """Return an engine that does no more than this in all, over every execution it is asked for."""
        from delegations.evm.metered import MeteredEngine

        return MeteredEngine(Meter(self.work))


class Meter:
    """What is left of the work. Once too much was asked for, nothing more is given.

    Args:
        work: units to begin with.
    """

    def __init__(self, work: int) -> None:
        self.work, self.left = work, work

    def spend(self, units: int) -> None:
        """Take units of work. Raises EvidenceError (replay-over-budget)."""
        self.left -= units
        if self.left < 0:
            raise over_budget(f"running it again takes more than {self.work} units of work")


def over_budget(text: str) -> EvidenceError:
    """Return the refusal of a replay that takes too much."""
    return EvidenceError(
        "replay-over-budget", text, path="witness", hint="give a larger budget if you trust the bundle"
    )


def refuse_over_budget(places: int, budget: Budget) -> None:
    """Raise EvidenceError (replay-over-budget) where too many transactions stand before the one in question."""
    if places > budget.transactions:
        raise over_budget(f"{places} transactions stand before it in its block, expected at most {budget.transactions}")


DEFAULT_BUDGET: Final = Budget()
