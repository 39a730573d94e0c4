"""Who said no, where the culprit was put there: chains of five links, several contexts, batches, groups, nesting."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from tests.differential.test_hook_by_hook import Blind, is_less
from tests.simulation.denials import KINDS, Place, draw_cases

EACH = 8


@cache
def drawn():
    return tuple(draw_cases(EACH * len(KINDS)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_denial_names_what_was_put_there_and_nothing_else(kind):
    cases = [case for case in drawn() if case.kind == kind]
    assert [case.ask() for case in cases] == [case.expected for case in cases]
    assert len(cases) == EACH


def test_the_places_are_many():
    places = Counter((c.expected.context, c.expected.link, c.expected.caveat, c.expected.execution) for c in drawn())
    assert len(places) > 40
    assert max(len(redemption.context) for case in drawn() for redemption in case.redemptions) == 5
    assert max(len(case.redemptions) for case in drawn()) == 3


@pytest.mark.parametrize("carries", [True, False], ids=["carrying", "each alone"])
def test_an_engine_without_a_tree_names_the_same_or_less_and_never_another(carries):
    exact = 0
    for case in draw_cases(3 * len(KINDS), seed=11):
        truth = case.denial()
        case.chain.engine = Blind(carries=carries)
        guess = case.denial()
        exact += Place.of(guess) == case.expected
        assert Place.of(guess) == case.expected or is_less(guess, truth), case.kind
    assert exact > 2 * len(KINDS)
