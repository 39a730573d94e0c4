from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from caveats import ENFORCERS, RETIRED_ENFORCERS, ApprovalRevocation, EnforcerTerms, Timestamp
from caveats.types import MAX_UINT256
from delegations.delegation import Delegation
from delegations.execution import ExecutionMode
from delegations.redemption import Redemption
from tests.conformance.draws import DRAWERS, IN_THE_KIT, LATEST_SECOND, NOT_IN_THE_KIT, SAFE_INTEGER
from tests.conformance.families import FAMILIES
from tests.conformance.families.terms import KINDS, Drawn
from tests.conformance.family import Family
from tests.conformance.source import EDGES

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


def test_every_enforcer_class_is_compared_or_named_as_not_in_the_kit() -> None:
    assert set(KINDS) - set(RETIRED_ENFORCERS) == set(ENFORCERS) - set(NOT_IN_THE_KIT) == set(IN_THE_KIT)
    assert set(DRAWERS) == set(ENFORCERS) | set(KINDS)


def test_every_builder_scope_and_encoder_of_the_packages_is_compared(asked: Asked) -> None:
    (constants,) = asked["constants"][1]
    families = [family.name for family in FAMILIES]
    by_kind = {head: {_name_of(name) for name in families if name.startswith(f"{head}/")} for head in HEADS}
    assert by_kind["terms"] == {*constants["caveatTypes"], "logicalOrWrapper"}
    assert by_kind["scope"] == set(constants["scopeTypes"])
    assert {f"create{name}Caveats" for name in by_kind["permission"]} == set(constants["permissionTypes"])
    stems = {kind.core for kind in KINDS.values()} | {"LogicalOrWrapper"}
    for verb, found in (("create", constants["coreEncoders"]), ("decode", constants["coreDecoders"])):
        assert set(found) == {f"{verb}{stem}Terms" for stem in stems} | {f"{verb}LogicalOrWrapperArgs"}


HEADS = ("terms", "args", "scope", "permission")


def _name_of(family: str) -> str:
    return family.partition("/")[2].partition(" ")[0]


@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)
def test_forty_cases_of_a_kind_are_taken_by_both_builders(cls: type[EnforcerTerms], asked: Asked) -> None:
    subjects = _drawn(cls, asked)
    assert len(subjects) >= 40
    for subject in subjects:
        if subject.strict:
            assert not list(subject.terms.problems())
    # nobody builds terms of a retired contract
    assert sum(subject.strict for subject in subjects) >= (0 if cls.RETIRED else 40)


def _drawn(cls: type[EnforcerTerms], asked: Asked) -> list[Drawn]:
    return [
        subject
        for name, (subjects, _answers) in asked.items()
        if name.startswith("terms/") and name != "terms/logicalOrWrapper"
        for subject in subjects
        if type(subject.terms) is cls
    ]


@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)
def test_the_numbers_of_a_kind_reach_every_edge_the_kit_takes(cls: type[EnforcerTerms], asked: Asked) -> None:
    numbers = {n for subject in _drawn(cls, asked) for n in _numbers(KINDS[cls].configure(subject.terms))}
    top = max(numbers, default=0)
    assert numbers >= {edge for edge in EDGES if 2 <= edge <= top}
    assert not numbers or top in (SAFE_INTEGER, LATEST_SECOND, 2**128 - 1, MAX_UINT256) or cls in SMALL


SMALL = (Timestamp, ApprovalRevocation)


def _numbers(config: object) -> Iterator[int]:
    if isinstance(config, dict):
        config = list(config.values())
    if isinstance(config, list):
        for item in config:
            yield from _numbers(item)
    elif isinstance(config, str) and config.removesuffix("n").isdecimal():
        yield int(config.removesuffix("n"))
    elif type(config) is int:
        yield config
