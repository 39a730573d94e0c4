from __future__ import annotations

from typing import Any

import pytest

from caveats import ENFORCERS
from caveats.types import MAX_UINT256
from delegations.delegation import Delegation
from delegations.execution import ExecutionMode
from delegations.redemption import Redemption
from tests.conformance.families import FAMILIES
from tests.conformance.families.terms import KINDS
from tests.conformance.family import Family

Asked = dict[str, tuple[list[Any], list[dict[str, Any]]]]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_case_agrees_with_the_kit(family: Family[Any], asked: Asked) -> None:
    subjects, answers = asked[family.name]
    assert family.check(subjects, answers) == len(subjects) > 0


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_run_compares_the_same_cases(family: Family[Any], asked: Asked) -> None:
    assert family.requests(family.subjects()) == family.requests(asked[family.name][0])


def test_several_hundred_delegations_and_redemptions_are_compared(asked: Asked) -> None:
    counts = {name: len(subjects) for name, (subjects, _answers) in asked.items()}
    assert counts["delegations"] >= 300
    assert counts["contexts"] >= 200
    assert counts["redemptions"] >= 200


def test_the_delegations_reach_the_edges(asked: Asked) -> None:
    drawn: list[Delegation] = [subject.delegation for subject in asked["delegations"][0]]
    caveats = [caveat for delegation in drawn for caveat in delegation.caveats]
    assert {delegation.salt for delegation in drawn} >= {0, 1, MAX_UINT256}
    assert {delegation.is_open for delegation in drawn} == {delegation.is_root for delegation in drawn} == {True, False}
    assert any(not delegation.caveats for delegation in drawn)
    assert {cls.ADDRESS for cls in ENFORCERS} < {caveat.enforcer for caveat in caveats}
    assert {len(caveat.terms) for caveat in caveats} >= {0, 31, 32, 33, 200}
    assert {len(caveat.args) for caveat in caveats} >= {0, 31, 32, 33, 200}


def test_the_contexts_have_none_to_four_links(asked: Asked) -> None:
    assert {len(chain) for chain in asked["contexts"][0]} == {0, 1, 2, 3, 4}


def test_the_redemptions_take_every_mode_and_every_length(asked: Asked) -> None:
    subjects: list[tuple[Redemption, ...]] = asked["redemptions"][0]
    drawn = [redemption for subject in subjects for redemption in subject]
    assert {len(subject) for subject in subjects} == {1, 2, 3, 4}
    assert {redemption.mode for redemption in drawn} == set(ExecutionMode)
    assert {len(redemption.context) for redemption in drawn} == {0, 1, 2, 3}
    assert {len(r.executions) for r in drawn if r.mode.is_batch} == {2, 3, 4, 5}


def test_every_enforcer_class_is_compared() -> None:
    assert set(KINDS) == set(ENFORCERS)
