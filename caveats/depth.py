"""How deep a stranger's value goes, told without going down by recursion.

JSON text has passed a parser that counts. A value that code of this process hands over has passed none, and printing it
or writing it as JSON would exhaust the C stack where the recursion limit was raised: a crash, not an error.
"""

from __future__ import annotations

from collections.abc import Mapping

DEEPEST = 64
"""Levels of lists and objects; a wallet's answer has six, and what is not known inside it may have the rest."""


def is_deep(value: object) -> bool:
    """Return whether lists and objects stand inside one another more than `DEEPEST` deep, or for ever."""
    level = [value]
    for _ in range(DEEPEST):
        level = list({id(part): part for each in level for part in _parts(each)}.values())
        if not level:
            return False
    return True


def _parts(value: object) -> list[object]:
    if isinstance(value, Mapping):
        value = list(value.values())
    return (
        [part for part in value if isinstance(part, Mapping | list | tuple)] if isinstance(value, list | tuple) else []
    )
