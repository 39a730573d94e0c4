"""Group commit: what several threads append at the same time becomes durable together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import repeat

from caveats.errors import DelegationsError, EngineError
from delegations.ledger.entry import Prepared
from delegations.ledger.store import Kept
from delegations.ledger.tree import Head

_MAX_GROUP = 4096


class _Ticket:
    """Somebody's entries, and what came of them."""

    __slots__ = ("called", "entries", "error", "is_next", "is_once", "places")

    def __init__(self, entries: Sequence[Prepared], is_once: bool) -> None:
        self.entries = entries
        self.is_once = is_once
        self.places: Sequence[Kept] | None = None
        self.error: DelegationsError | None = None
        self.is_next = False
        self.called = threading.Lock()  # held until something has come of them, or it is their turn to commit
        self.called.acquire()

    @property
    def is_done(self) -> bool:
        return self.places is not None or self.error is not None


class GroupCommit:
    """Hands entries to a store's `append` or `append_new`, one group after the other.

    Whoever finds nobody committing commits for all who wait; the others queue up meanwhile, and the first of them
    commits the next group. So there is one writer at any time and no thread of its own, and a lone caller pays for no
    hand-over.
    """

    def __init__(
        self,
        append: Callable[[Sequence[Prepared]], Head],
        append_new: Callable[[Sequence[Prepared]], Sequence[Kept]],
    ) -> None:
        self._append = append
        self._append_new = append_new
        self._waiting: deque[_Ticket] = deque()
        self._is_busy = False
        self._guard = threading.Lock()

    def submit(self, entries: Sequence[Prepared], *, is_once: bool = False) -> Sequence[Kept]:
        """Return where the entries are, once all of them are durable. They stay together, but for what was there.

        Args:
            entries: what to keep.
            is_once: leave out what is there already.

        Raises:
            EngineError, VerificationError: as the store's `append`; none of the entries was acknowledged.
        """
        ticket = _Ticket(entries, is_once)
        with self._guard:
            self._waiting.append(ticket)
            must_wait, self._is_busy = self._is_busy, True
        if must_wait:
            self._wait(ticket)
        if not ticket.is_done:  # it is this thread's turn, and its ticket is the first in the queue
            self._commit(self._next_group(), ticket)
        if ticket.error is not None:
            raise ticket.error
        assert ticket.places is not None  # noqa: S101  # is_done, and no error
        return ticket.places

    def _wait(self, ticket: _Ticket) -> None:
        try:
            ticket.called.acquire()
        except BaseException:  # interrupted: whoever waits behind must not wait for this thread
            with self._guard:
                if ticket in self._waiting:
                    self._waiting.remove(ticket)
                    if ticket.is_next:
                        self._call_next()
            raise

    def _next_group(self) -> list[_Ticket]:
        with self._guard:
            group = [self._waiting.popleft()]
            count = len(group[0].entries)
            while (
                self._waiting
                and self._waiting[0].is_once == group[0].is_once
                and count + len(self._waiting[0].entries) <= _MAX_GROUP
            ):
                group.append(self._waiting.popleft())
                count += len(group[-1].entries)
            return group

    def _commit(self, group: list[_Ticket], own: _Ticket) -> None:
        try:
            places = self._keep([entry for ticket in group for entry in ticket.entries], group[0].is_once)
        except DelegationsError as error:
            for ticket in group:  # an error of its own for each: they are raised in different threads
                ticket.error = type(error)(str(error))
                ticket.error.__cause__ = error
        except BaseException:
            for ticket in group:
                ticket.error = EngineError("ledger: the append was interrupted", hint="look whether it is there")
            raise
        else:
            start = 0
            for ticket in group:
                ticket.places = places[start : start + len(ticket.entries)]
                start += len(ticket.entries)
        finally:
            with self._guard:
                self._call_next()
            for ticket in group:
                if ticket is not own:
                    ticket.called.release()

    def _keep(self, entries: list[Prepared], is_once: bool) -> Sequence[Kept]:
        if is_once:
            return self._append_new(entries)
        head = self._append(entries)
        return list(map(Kept, range(head.size - len(entries), head.size), repeat(True)))

    def _call_next(self) -> None:
        """Let the first who waits commit. Only under the guard."""
        if self._waiting:
            self._waiting[0].is_next = True
            self._waiting[0].called.release()
        else:
            self._is_busy = False
