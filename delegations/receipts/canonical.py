"""The RFC 8785 bytes of JSON, quickly where that is exact.

The standard library's encoder writes what RFC 8785 demands of text, whole numbers below 2^53, true, false and null; it
differs in other numbers, and in the order of keys with characters beyond the basic plane (RFC 8785 orders UTF-16 code
units, Python code points). Whatever may hold one of these is left to `rfc8785`, which also has the last word on
what no canonical form is defined for.

Source: RFC 8785 sections 3.2.2 (primitive values) and 3.2.3 (order of keys).
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import rfc8785

_LARGEST: Final = 2**53 - 1
_BEYOND_THE_BASIC_PLANE = re.compile("[\U00010000-\U0010ffff]")

sorted_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False).encode
"""Writes JSON without spaces, its keys in the order of their code points."""


def canonical_bytes(value: Any) -> bytes:
    """Return the RFC 8785 form of a JSON value. Raises what `rfc8785.dumps` raises where there is none."""
    if type(value) in (dict, list) and _is_plain(value):
        text = sorted_json(value)
        if text.isascii() or not _BEYOND_THE_BASIC_PLANE.search(text):
            try:
                return text.encode()
            except UnicodeEncodeError:
                pass  # half a pair of surrogates: rfc8785 says so in its own words
    return rfc8785.dumps(value)


def _is_plain(value: Any) -> bool:
    """Whether all of it is text, small whole numbers, truth values, lists and objects with text as keys."""
    is_object = type(value) is dict
    for item in value.values() if is_object else value:
        kind = type(item)
        if kind is str or kind is bool:
            continue
        if kind is dict or kind is list:
            if not _is_plain(item):
                return False
        elif kind is not int or not -_LARGEST <= item <= _LARGEST:
            return False
    return not is_object or all(type(key) is str for key in value)
