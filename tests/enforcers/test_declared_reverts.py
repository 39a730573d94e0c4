"""The revert reasons a class declares, held against every answer its code gives to the generated questions."""

from __future__ import annotations

from functools import cache

import pytest

from caveats import ENFORCERS, BlockNumber, LogicalOrWrapper, NativeTokenPayment, Redeemer
from delegations.framework import load_framework
from delegations.framework.constants import DELEGATION_MANAGER
from tests.enforcers.agreement import declared
from tests.enforcers.generated import SWEEPS

CLASSES = sorted({sweep.cls for sweep in SWEEPS}, key=lambda cls: cls.__name__)


def reasons_of_the_called(cls):
    """Return the reasons that pass through an enforcer from the contracts it calls in the sweeps."""
    if cls is LogicalOrWrapper:
        return declared(BlockNumber) | declared(Redeemer)
    if cls is NativeTokenPayment:
        manager = load_framework().by_address(DELEGATION_MANAGER)
        errors = [entry for entry in manager.abi if entry["type"] == "error"]
        return {f"{entry['name']}({','.join(p['type'] for p in entry['inputs'])})" for entry in errors}
    return set()


@cache
def told_of(enforcer):
    """Return the answers of an enforcer's code; the two deployments of one name answer the same, byte for byte."""
    return {asked.told for sweep in SWEEPS if enforcer == sweep.cls.ENFORCER for asked in sweep.ask()}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_reason_the_code_gives_is_declared(cls):
    # a pass has no reason, nor has a revert without data
    told = told_of(cls.ENFORCER) - {None, ""}
    assert told <= declared(cls) | reasons_of_the_called(cls)
    assert told & declared(cls)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_panic_or_an_error_is_declared_only_where_the_code_gives_it(cls):
    assert {reason for reason in cls.REVERTS if reason.endswith(")")} <= told_of(cls.ENFORCER)


def test_all_enforcers_are_asked():
    assert set(ENFORCERS) <= set(CLASSES)
