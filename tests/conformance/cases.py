"""Compares every case of every family with the kit, in one node process.

from tests.conformance.cases import run_conformance
sum(run_conformance().values())
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.conformance.families import FAMILIES
from tests.conformance.family import Family
from tests.conformance.node import ask_kit


def ask_all(families: Sequence[Family[Any]] = FAMILIES) -> dict[str, tuple[list[Any], list[dict[str, Any]]]]:
    """Return subjects and answers by family name."""
    subjects = {family.name: family.subjects() for family in families}
    assert len(subjects) == len(families), "two families share a name"
    answers = iter(ask_kit(request for family in families for request in family.requests(subjects[family.name])))
    return {name: (listed, [next(answers) for _ in listed]) for name, listed in subjects.items()}


def run_conformance(families: Sequence[Family[Any]] = FAMILIES) -> dict[str, int]:
    """Return the number of cases compared, by family name.

    Raises:
        AssertionError: naming the first case that differs, with both sides; or the kit could not be asked.
    """
    asked = ask_all(families)
    return {family.name: family.check(*asked[family.name]) for family in families}
