"""Seconds as builders take them and as people read them. Money over time is where milliseconds cost most."""

from __future__ import annotations

from collections.abc import Iterator

from caveats.types import MAX_UINT256

LATEST_SECOND = 253_402_300_799
"""9999-12-31 23:59:59 UTC in unix seconds: beyond it somebody counted milliseconds."""

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_HOUR_IN_MILLISECONDS = 3_600_000
_DAY_IN_MILLISECONDS = 86_400_000
_THOUSAND_YEARS = 1_000 * 31_556_952


def start_problems(name: str, at: int) -> Iterator[str]:
    """Yield what a builder refuses about a start in unix seconds that must be given."""
    if at == 0:
        yield f"{name} is 0, which the contract refuses; give the start in unix seconds"
    elif at > LATEST_SECOND:
        yield f"{name} {at} is past the year 9999; give seconds, not milliseconds"


def duration_problems(name: str, seconds: int) -> Iterator[str]:
    """Yield what a builder refuses about a duration; 2^256-1 stands for "for ever" and is fine."""
    if seconds == 0:
        yield f"{name} is 0, which the contract refuses; give the length of a period in seconds"
    elif seconds == _HOUR_IN_MILLISECONDS or (seconds % _DAY_IN_MILLISECONDS == 0 and seconds < MAX_UINT256):
        yield f"{name} {seconds} looks like milliseconds; give seconds: a day is 86400"
    elif _THOUSAND_YEARS < seconds < MAX_UINT256:
        yield f"{name} {seconds} is over a thousand years; give seconds, or 2^256-1 for one period that never ends"


def format_seconds(seconds: int) -> str:
    """Return a duration exactly, in the largest unit that divides it: "7 days", "90 seconds"; one is "day"."""
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    count = seconds // size
    return unit if count == 1 else f"{count} {unit}s"
