"""When does one budget let more be moved than another? Exact for every time and every order of calls.

A budget over time is taken as the whole of the call sequences it admits. One exceeds another when it admits a sequence
that the other does not: more in all, more at one moment, earlier, later, or more within one of the other's periods.

Source: framework 1.3.0, ERC20PeriodTransferEnforcer and ERC20StreamingEnforcer (the native ones count alike),
TimestampEnforcer.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Excess:
    """A moment at which one budget admits more than the other.

    Attributes:
        at: unix seconds.
        granted: what can have been moved by then, within the other's period that holds the moment.
        asked: what the other admits; 0 before it starts and after it ends.
    """

    at: int
    granted: int
    asked: int


@dataclass(frozen=True, slots=True)
class Periods:
    """The same amount in each period, nothing carried over. An allowance is one period that never ends.

    Attributes:
        amount: base units for each period.
        seconds: length of a period.
        start_at: when the first begins.
        end_at: nothing from then on; None for never.
    """

    amount: int
    seconds: int
    start_at: int
    end_at: int | None = None

    def index(self, at: int) -> int:
        """Return the number of the period that holds a moment, counted from 0."""
        return (at - self.start_at) // self.seconds


@dataclass(frozen=True, slots=True)
class Stream:
    """An amount that grows by the second, up to a most.

    Attributes:
        initial: there at the start.
        most: in all.
        per_second: accrued.
        start_at: when it begins.
        end_at: nothing from then on; None for never.
    """

    initial: int
    most: int
    per_second: int
    start_at: int
    end_at: int | None = None

    def total(self, at: int) -> int:
        """Return what can have been moved in all at a moment, when something can be moved at it; else 0."""
        if at < self.start_at or (self.end_at is not None and at >= self.end_at):
            return 0
        return min(self.initial + self.per_second * (at - self.start_at), self.most)

    @property
    def full_at(self) -> int:
        """The first moment at which it grows no more."""
        if self.per_second == 0 or self.most <= self.initial:
            return self.start_at
        return self.start_at - (self.initial - self.most) // self.per_second


def exceeds(granted: Periods | Stream, asked: Periods | Stream) -> Excess | None:
    """Return a moment at which `granted` admits what `asked` does not; None when it never does.

    A stream and periods are told apart by their first moment of use only where neither can hold the other; they are
    never held to be equal.
    """
    if granted.end_at is not None and granted.end_at <= granted.start_at:
        return None
    if isinstance(granted, Periods) and isinstance(asked, Periods):
        return _periods_exceed(granted, asked)
    if isinstance(granted, Stream) and isinstance(asked, Stream):
        return _stream_exceeds(granted, asked)
    most = granted.amount if isinstance(granted, Periods) else granted.most
    return Excess(granted.start_at, most, 0)


def _stream_exceeds(granted: Stream, asked: Stream) -> Excess | None:
    # between two of these moments both totals are straight lines, so the difference is greatest at one of them
    turns = {
        moment
        for stream in (granted, asked)
        for at in (stream.start_at, stream.full_at, stream.end_at)
        if at is not None
        for moment in (at - 1, at, at + 1)
    }
    for at in sorted(turns):
        more, allowed = granted.total(at), asked.total(at)
        if more > allowed:
            return Excess(at, more, allowed)
    return None


def _periods_exceed(granted: Periods, asked: Periods) -> Excess | None:
    first, last = granted.start_at, None if granted.end_at is None else granted.end_at - 1
    if granted.amount == 0:
        return None
    if first < asked.start_at:
        return Excess(first, granted.amount, 0)
    if asked.end_at is not None and (last is None or last >= asked.end_at):
        return Excess(max(first, asked.end_at), granted.amount, 0)
    # how many of the granted periods may touch one of the asked
    fitting = asked.amount // granted.amount
    k = asked.index(first)
    final = None if last is None else asked.index(last)
    ends = [k] if final is None else [k, final]
    full = _first_crowded(granted, asked, fitting, k + 1, None if final is None else final - 1)
    for period in ends if full is None else [*ends, full]:
        begins = max(first, asked.start_at + period * asked.seconds)
        ceases = asked.start_at + (period + 1) * asked.seconds - 1
        ceases = ceases if last is None else min(ceases, last)
        touched = granted.index(ceases) - granted.index(begins) + 1
        if touched > fitting:
            return Excess(ceases, touched * granted.amount, asked.amount)
    return None


def _first_crowded(granted: Periods, asked: Periods, fitting: int, k: int, final: int | None) -> int | None:
    """Return the first of the asked periods k to final, all within the grant, that more than `fitting` of the granted
    periods touch; None when there is none.

    A period that begins `offset` into a granted one touches (offset + its seconds - 1) // granted seconds + 1 of them.
    """
    if final is not None and k > final:
        return None
    least = fitting * granted.seconds - asked.seconds + 1
    if least >= granted.seconds:
        return None
    offset = (asked.start_at + k * asked.seconds - granted.start_at) % granted.seconds
    if offset >= least:
        return k
    steps = _first_step(asked.seconds, granted.seconds, least - offset, granted.seconds - 1 - offset)
    return None if steps is None or (final is not None and k + steps > final) else k + steps


def _first_step(step: int, modulus: int, low: int, high: int) -> int | None:
    """Return the least n >= 0 with low <= n * step % modulus <= high, in the steps of Euclid's algorithm; or None."""
    if low == 0:
        return 0
    step %= modulus
    if step == 0:
        return None
    n = -(-low // step)
    if n * step <= high:
        return n
    wraps = _first_step(modulus, step, -high % step, -low % step)
    return None if wraps is None else -(-(low + modulus * wraps) // step)
