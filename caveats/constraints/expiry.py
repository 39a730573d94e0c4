"""When it may be used. Time and block are explicit: nothing here reads a clock."""

from __future__ import annotations

from caveats.constraints.amounts import Moment, unix_seconds
from caveats.enforcer import EnforcerTerms
from caveats.errors import EncodingError
from caveats.expiry.block_number import BlockNumber
from caveats.expiry.timestamp import Timestamp

Terms = tuple[EnforcerTerms, ...]


def expires_at(moment: Moment) -> Terms:
    """Return the caveat for use strictly before a moment, by the block's timestamp."""
    return (Timestamp(before_at=unix_seconds(moment, what="expires_at")),)


def expires_in(*, now: Moment, days: int = 0, hours: int = 0, minutes: int = 0, seconds: int = 0) -> Terms:
    """Return the caveat for use until a span after `now`, which you give.

    Raises:
        EncodingError: the span is not positive.
    """
    span = days * 86_400 + hours * 3_600 + minutes * 60 + seconds
    if span <= 0:
        raise EncodingError.of("expires_in", expected="a positive span of time", got=f"{span} seconds")
    return expires_at(unix_seconds(now, what="now") + span)


def not_before(moment: Moment) -> Terms:
    """Return the caveat for use from a moment on, that second included."""
    at = unix_seconds(moment, what="not_before")
    if at <= 1:
        raise EncodingError.of("not_before", expected="a moment after 1970 began", got=at)
    # the enforcer compares strictly: from a second on means after the one before it
    return (Timestamp(after_at=at - 1),)


def usable_between(start: Moment, end: Moment) -> Terms:
    """Return the one caveat for use from `start` on, that second included, and strictly before `end`."""
    first, last = unix_seconds(start, what="start"), unix_seconds(end, what="end")
    if first >= last:
        raise EncodingError(f"usable_between: expected start before end, got {first} and {last}")
    return (Timestamp(after_at=max(first - 1, 0), before_at=last),)


def expires_at_block(block_number: int) -> Terms:
    """Return the caveat for use strictly before a block. Some chains count blocks of another chain: prefer time."""
    return (BlockNumber(before_block=block_number),)
