"""A check and how it stands."""

from __future__ import annotations

from typing import Literal

from caveats.types import Model

Standing = Literal["holds", "broken", "unknown"]
"""Yes, no, or: it could not be asked."""


class Check(Model):
    """One thing that was looked at.

    Attributes:
        name: stable, for programs.
        standing: how it stands.
        sentence: what was found, in words.
    """

    name: str
    standing: Standing
    sentence: str


def holds(name: str, sentence: str) -> Check:
    """Return a check that holds."""
    return Check(name=name, standing="holds", sentence=sentence)


def broken(name: str, sentence: str) -> Check:
    """Return a check that does not hold."""
    return Check(name=name, standing="broken", sentence=sentence)


def unknown(name: str, sentence: str) -> Check:
    """Return a check that could not be asked."""
    return Check(name=name, standing="unknown", sentence=sentence)
