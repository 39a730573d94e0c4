"""Numbers where some type or language ends, and every place a number has in the terms of a class."""

from __future__ import annotations

from typing import Any, NamedTuple

from caveats import ENFORCERS, RETIRED_ENFORCERS, EnforcerTerms
from caveats.types import Uint128, Uint256, parse_hex
from tests.strategies import fields_of
from tests.vectors.tables import load_enforcer_tables

EDGES = {
    "0": 0,
    "1": 1,
    "2^53-1": 2**53 - 1,
    "2^53": 2**53,
    "2^53+1": 2**53 + 1,
    "2^63-1": 2**63 - 1,
    "2^63": 2**63,
    "2^63+1": 2**63 + 1,
    "2^64": 2**64,
    "2^128-1": 2**128 - 1,
    "2^128": 2**128,
    "2^255": 2**255,
    "2^256-1": 2**256 - 1,
}
UNSIGNED = {"Uint256": Uint256, "Uint128": Uint128}


class Place(NamedTuple):
    """A number in the terms of a class: the way to it through the JSON, and its bits."""

    cls: type[EnforcerTerms]
    path: tuple[str | int, ...]
    bits: int

    def read(self, wire: dict[str, Any]) -> Any:
        """Return what stands in this place of the JSON."""
        found: Any = wire
        for step in self.path:
            found = found[step]
        return found

    def terms(self, value: int) -> EnforcerTerms:
        """Return terms with this value, as a decoder hands them out: what a builder thinks does not count."""
        table = load_enforcer_tables()[self.cls.__name__]
        row = (table["valid"] or table["unwise"])[0]
        return _put(self.cls.decode_terms(parse_hex(row["terms"])), self.path, value)


def _put(holder: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """Return a copy with another value at the end of the path."""
    if not path:
        return value
    step, *rest = path
    if isinstance(step, int):
        return (*holder[:step], _put(holder[step], tuple(rest), value), *holder[step + 1 :])
    return holder.model_copy(update={step: _put(getattr(holder, step), tuple(rest), value)})


def places() -> list[Place]:
    """Return every place of a number in every class."""
    found = []
    for cls in (*ENFORCERS, *RETIRED_ENFORCERS):
        for name, hint in fields_of(cls).items():
            found += [Place(cls, (name,), int(kind[4:])) for kind, known in UNSIGNED.items() if hint == known]
    for cls in ENFORCERS:
        if cls.__name__ in ("ExactCalldataBatch", "ExactExecutionBatch"):
            found.append(Place(cls, ("executions", 0, "value"), 256))
        if cls.__name__ == "ExactExecution":
            found.append(Place(cls, ("execution", "value"), 256))
        if cls.__name__ == "MultiTokenPeriod":
            found += [Place(cls, ("records", 0, n), 256) for n in ("period_amount", "period_seconds", "start_at")]
    return found


PLACES = places()
