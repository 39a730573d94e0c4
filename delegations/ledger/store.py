"""What the ledger asks of the place that keeps it. SQLite and PostgreSQL stand behind this one interface."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from delegations.ledger.entry import Prepared, StoredEnvelope
from delegations.ledger.tree import Head, Node


class Identity(NamedTuple):
    """Which ledger it is.

    Attributes:
        origin: the name under which its checkpoints are signed, such as "ledger.example/agents".
        ledger_id: 32 hex digits, drawn when it was made: tells two ledgers of one origin apart.
    """

    origin: str
    ledger_id: str


class Wanted(NamedTuple):
    """What to look for: entries that have all of the keys and a time in the range.

    Attributes:
        keys: from `search_key`.
        since: the earliest time, included.
        until: the latest time, excluded.
        start: the first index to look at.
        limit: at most this many.
    """

    keys: tuple[int, ...]
    since: int | None
    until: int | None
    start: int
    limit: int


class Kept(NamedTuple):
    """Where an envelope is.

    Attributes:
        place: its index, from 0.
        is_new: whether it was not there before.
    """

    place: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class Filed:
    """All that a store has of one entry, as it lies there: damage may have changed even the types.

    Attributes:
        index: place in the ledger.
        payload: as in Prepared.
        signatures: as in Prepared.
        time: as in Prepared.
    """

    index: object
    payload: object
    signatures: object
    time: object


class Store(Protocol):
    """A place that keeps a ledger. All of it may be called from several threads.

    What `append` has returned for is durable, and is shown as a whole or not at all, to every reader, after any crash.

    Raises, everywhere:
        EngineError: the store cannot be asked, or could not keep what it was given; nothing of that is then shown.
        VerificationError: what is kept there is damaged.
    """

    @property
    def identity(self) -> Identity:
        """Which ledger it is."""

    def head(self) -> Head:
        """Return the size and the root that were committed last."""

    def append(self, entries: Sequence[Prepared]) -> Head:
        """Keep the entries, in this order, and the tree over them; return the head after them, once it is durable.

        The first of them gets the index `head.size - len(entries)`.
        """

    def append_new(self, entries: Sequence[Prepared]) -> list[Kept]:
        """Keep those of the entries that are not there yet, as `append` does; return where each is, in their order.

        Whether an envelope is there is decided within the commit: no other writer comes between.
        """

    def read(self, start: int, stop: int) -> list[StoredEnvelope]:
        """Return the entries from start up to stop, as far as they exist, in order."""

    def fetch(self, nodes: Sequence[Node]) -> list[bytes]:
        """Return the hashes of complete subtrees, in the order they are asked for."""

    def find(self, wanted: Wanted) -> list[StoredEnvelope]:
        """Return the entries that are filed under all that is wanted, in order of their index."""

    def close(self) -> None:
        """Let go of everything; a second time does nothing."""

    def audit(self) -> AbstractContextManager[Audit]:
        """Give everything that is kept, as it is now, for verification."""


class Audit(Protocol):
    """All that a store keeps at one moment, whatever state it is in. Raises as Store, at any step."""

    def identity(self) -> Identity:
        """Return which ledger it is."""

    def find_faults(self) -> Iterator[str]:
        """Yield what the store itself finds wrong with what it keeps it in, one line each."""

    def head(self) -> Head:
        """Return the size and the root that were committed last."""

    def heads(self) -> Iterator[Head]:
        """Yield every head that was ever committed, the smallest first."""

    def filed(self) -> Iterator[Filed]:
        """Yield every entry with what it is filed under, in order of its index, whatever is missing between."""

    def hashes(self) -> Iterator[tuple[int, object]]:
        """Yield position and hash of every complete subtree, in order of the position."""

    def missing_keys(self, index: int, keys: Sequence[int]) -> list[int]:
        """Return those of the keys that the entry is not filed under."""

    def count_keys(self) -> int:
        """Return how many keys are filed, over all entries."""


def find_fresh(
    entries: Sequence[Prepared], places: Sequence[int | None], size: int
) -> tuple[list[Prepared], list[Kept]]:
    """Return those of the entries that are to be kept, each once, and where every one of them is then.

    Args:
        entries: what was given.
        places: where they are already, one each; None for what is nowhere yet.
        size: how many entries there are.
    """
    fresh: list[Prepared] = []
    given: dict[tuple[bytes, bytes], int] = {}
    kept = []
    for entry, place in zip(entries, places, strict=True):
        what = (entry.payload, entry.signatures)
        known = given.get(what) if place is None else place
        if known is None:
            given[what] = size + len(fresh)
            fresh.append(entry)
        kept.append(Kept(given[what] if known is None else known, known is None))
    return fresh, kept
