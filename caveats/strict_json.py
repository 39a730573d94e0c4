"""JSON as a stranger may hand it over: one meaning or none, and never deep enough to exhaust the stack."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import from_json

from caveats.errors import EncodingError


def parse_json(text: str | bytes, *, what: str, exact: bool = False) -> Any:
    """Return the value of a JSON text.

    Args:
        text: UTF-8 when bytes.
        what: names the input in errors.
        exact: also refuse numbers with a fraction or an exponent.

    Raises:
        EncodingError: not JSON, nested some hundred deep, a key that stands twice in one object, or NaN or Infinity.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            raise EncodingError(f"{what}: a key stands twice in one object")
        return made

    def no_constant(name: str) -> Any:
        raise EncodingError(f"{what}: not JSON ({name} is no number)")

    def no_float(number: str) -> Any:
        raise EncodingError.of(what, expected="whole numbers and strings", got=number)

    if not isinstance(text, str | bytes):
        raise EncodingError.of(what, expected="JSON text", got=text)
    try:
        # json's own limit is Python's recursion limit, which py-evm raises past what the C stack holds: a crash, not
        # an error. This parser counts.
        from_json(text, cache_strings="none")
        return json.loads(
            text, object_pairs_hook=unique, parse_constant=no_constant, parse_float=no_float if exact else None
        )
    except ValueError as error:
        raise EncodingError(f"{what}: not JSON ({error})") from error
