"""Frozen dataclasses made at once, for what is made millions of times."""

from __future__ import annotations

from typing import Any, Final, TypeVar

_AnyRecord = TypeVar("_AnyRecord")
_new: Final = object.__new__
_set: Final = object.__setattr__


def record(cls: type[_AnyRecord], fields: dict[str, Any]) -> _AnyRecord:
    """Return the frozen dataclass of these fields: what its constructor does with a call for each of them.

    Args:
        cls: a dataclass without slots, defaults or `__post_init__`.
        fields: all of its fields, by name; the dictionary becomes the record's own.
    """
    made = _new(cls)
    _set(made, "__dict__", fields)
    return made
