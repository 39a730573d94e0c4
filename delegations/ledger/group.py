"""Group commit: what several threads append at the same time becomes durable together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from caveats.errors import DelegationsError, EngineError
from delegations.ledger.entry import Prepared
from delegations.ledger.tree import Head

_MAX_GROUP = 4096


class _Ticket:
    """Somebody's entries, and what came of them."""

    __slots__ = ("entries", "error", "first")

    def __init__(self, entries: Sequence[Prepared]) -> None:
        self.entries = entries
        self.first: int | None = None
        self.error: DelegationsError | None = None

    @property
    def is_done(self) -> bool:
        return self.first is not None or self.error is not None


class GroupCommit:
    """Hands entries to a store's `append`, one group after the other.

    Whoever finds nobody committing commits for all who wait; the others queue up meanwhile and are the next group. So
    there is one writer at any time and no thread of its own, and a lone caller pays for no hand-over.
    """

    def __init__(self, append: Callable[[Sequence[Prepared]], Head]) -> None:
        self._append = append
        self._waiting: deque[_Ticket] = deque()
        self._turn = threading.Lock()

    def submit(self, entries: Sequence[Prepared]) -> int:
        """Return the index of the first of the entries, once all of them are durable. They stay together.

        Raises:
            EngineError, VerificationError: as the store's `append`; none of the entries was acknowledged.
        """
        ticket = _Ticket(entries)
        self._waiting.append(ticket)
        with self._turn:
            while not ticket.is_done:
                self._commit(self._next_group())
        if ticket.error is not None:
            raise ticket.error
        assert ticket.first is not None  # noqa: S101  # is_done, and no error
        return ticket.first

    def _next_group(self) -> list[_Ticket]:
        group = [self._waiting.popleft()]
        count = len(group[0].entries)
        while self._waiting and count + len(self._waiting[0].entries) <= _MAX_GROUP:
            group.append(self._waiting.popleft())
            count += len(group[-1].entries)
        return group

    def _commit(self, group: list[_Ticket]) -> None:
        try:
            head = self._append([entry for ticket in group for entry in ticket.entries])
        except DelegationsError as error:
            for ticket in group:  # an error of its own for each: they are raised in different threads
                ticket.error = type(error)(str(error))
                ticket.error.__cause__ = error
        except BaseException:
            for ticket in group:
                ticket.error = EngineError("ledger: the append was interrupted", hint="look whether it is there")
            raise
        else:
            first = head.size - sum(len(ticket.entries) for ticket in group)
            for ticket in group:
                ticket.first = first
                first += len(ticket.entries)
