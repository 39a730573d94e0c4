"""A family: one kind of thing to compare. It makes subjects, asks the kit about each, and says what must be equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from caveats.errors import DelegationsError, abbreviate
from tests.conformance.source import Source

Subject = TypeVar("Subject")
Answer = Mapping[str, Any]


class Pair(NamedTuple):
    """Two things that must be equal: what they are, ours, and the kit's."""

    what: str
    ours: object
    kits: object


@dataclass(frozen=True)
class Family(Generic[Subject]):
    """One row of the table of families (`families/__init__.py`).

    Attributes:
        name: unique; seeds the family's own randomness, so that a new family leaves the others' cases alone.
        operation: the key in kit.mjs's OPERATIONS that answers for it.
        generate: the subjects, from a seeded source; always the same ones.
        ask: what the kit is told about a subject, beside the operation.
        compare: the pairs that must be equal. Several are good; none is an error.
    """

    name: str
    operation: str
    generate: Callable[[Source], Iterator[Subject]]
    ask: Callable[[Subject], dict[str, Any]]
    compare: Callable[[Subject, Answer], Iterator[Pair]]

    def subjects(self) -> list[Subject]:
        """Return the family's subjects; at least one."""
        subjects = list(self.generate(Source(self.name)))
        assert subjects, f"{self.name}: expected at least one case, got none"
        return subjects

    def requests(self, subjects: list[Subject]) -> list[dict[str, Any]]:
        """Return the request for each subject."""
        return [{"op": self.operation, **self.ask(subject)} for subject in subjects]

    def check(self, subjects: list[Subject], answers: list[dict[str, Any]]) -> int:
        """Return the number of cases compared. Raises AssertionError at the first difference."""
        for index, (subject, answer) in enumerate(zip(subjects, answers, strict=True)):
            place = f"{self.name}, case {index}"
            assert "error" not in answer, f"{place}: the kit refused it: {abbreviate(answer['error'])}"
            try:
                pairs = list(self.compare(subject, answer))
            except DelegationsError as error:
                raise AssertionError(f"{place}: ours refused what the kit wrote: {error}") from error
            assert pairs, f"{place}: nothing was compared"
            for pair in pairs:
                assert pair.ours == pair.kits, f"{place}: {describe_difference(pair)}"
        return len(subjects)


def describe_difference(pair: Pair) -> str:
    """Return one line on a pair that is not equal; bytes are shown short, from where they part."""
    what, ours, kits = pair
    if not (isinstance(ours, bytes) and isinstance(kits, bytes)):
        return f"{what}: ours {abbreviate(ours)}, the kit's {abbreviate(kits)}"
    parting = next((i for i, (a, b) in enumerate(zip(ours, kits, strict=False)) if a != b), min(len(ours), len(kits)))
    return f"{what} differs from byte {parting} on: ours {_excerpt(ours, parting)}, the kit's {_excerpt(kits, parting)}"


def _excerpt(data: bytes, at: int) -> str:
    shown = data[at : at + 16]
    return f"{shown.hex() or 'ends there'} (of {len(data)} bytes)"
