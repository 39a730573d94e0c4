"""Amounts and spans of time as people say them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from caveats.errors import EncodingError
from caveats.types import parse_amount, parse_uint256

Amount = int | str
"""Base units as an int, or a human amount as text ("12.5") when the token's decimals are given."""

Moment = int | datetime
"""Unix seconds, or a datetime with a time zone."""

CalendarName = Literal["hour", "day", "week", "two weeks", "month", "quarter", "year"]
PERIODS: dict[str, int] = {
    "hour": 3_600,
    "day": 86_400,
    "week": 604_800,
    "two weeks": 1_209_600,
    "month": 2_592_000,
    "quarter": 7_776_000,
    "year": 31_536_000,
}
"""Seconds per named period: a month is 30 days, a quarter 90, a year 365, as in the TypeScript kit."""

NATIVE_DECIMALS = 18


def base_units(amount: Amount, decimals: int | None, *, what: str) -> int:
    """Return an amount in base units, exactly.

    Raises:
        EncodingError: text without decimals, more decimal places than the token has, negative, or beyond 2^256-1.
    """
    is_text = isinstance(amount, str)
    if (is_text and decimals is None) or not isinstance(amount, int | str):
        raise EncodingError.of(
            what,
            expected="base units as an int, or text together with decimals",
            got=amount,
            hint="give decimals=, such as 6 for USDC" if is_text else None,
        )
    if is_text:
        return _named(what, parse_amount, amount, decimals)
    return _named(what, parse_uint256, amount)


def _named(what: str, parse: Callable[..., int], *given: object) -> int:
    """Return what is parsed; an error says of which argument it speaks."""
    try:
        return parse(*given)
    except EncodingError as error:
        said = str(error)
        raise EncodingError(said if said.startswith(f"{what}: ") else f"{what}: {said}") from error


def unix_seconds(moment: Moment, *, what: str) -> int:
    """Return a moment in unix seconds.

    Raises:
        EncodingError: a datetime without a time zone, a fraction of a second, or a negative number.
    """
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise EncodingError.of(what, expected="a datetime with a time zone", got=str(moment), hint="add tzinfo=UTC")
        if moment.microsecond:
            raise EncodingError.of(what, expected="whole seconds", got=str(moment))
        return _named(what, parse_uint256, int(moment.timestamp()))
    return _named(what, parse_uint256, moment)


def period_seconds(period: CalendarName | int) -> int:
    """Return the seconds of a period given by name or in seconds. Raises EncodingError for an unknown name or zero."""
    if isinstance(period, str):
        if period not in PERIODS:
            raise EncodingError.of("period", expected=f"seconds, or one of {', '.join(PERIODS)}", got=period)
        return PERIODS[period]
    if type(period) is not int or period <= 0:
        raise EncodingError.of("period", expected="a positive number of seconds, or a name such as day", got=period)
    return period
