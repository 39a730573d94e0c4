"""What the classes declare of their contracts, held against the official ABIs."""

from __future__ import annotations

import re

import pytest

from caveats import ENFORCERS, RETIRED_ENFORCERS
from delegations.framework import load_framework

WITH_ABI = [
    cls
    for cls in (*ENFORCERS, *RETIRED_ENFORCERS)
    if (contract := load_framework().by_address(cls.ADDRESS)) is not None and contract.bundled
]


def abi_of(cls, kind):
    contract = load_framework().by_address(cls.ADDRESS)
    return [entry for entry in contract.abi if entry["type"] == kind]


def show_event(event):
    fields = [f"{p['type']}{' indexed' if p['indexed'] else ''} {p['name'].removeprefix('_')}" for p in event["inputs"]]
    return f"{event['name']}({', '.join(fields)})"


def types_of(parameters):
    return re.findall(r"(?:^|[(,])\s*(\w+)", parameters)


@pytest.mark.parametrize("cls", WITH_ABI, ids=lambda cls: cls.__name__)
def test_the_declared_events_are_those_of_the_contract(cls):
    assert sorted(cls.EVENTS) == sorted(map(show_event, abi_of(cls, "event")))


@pytest.mark.parametrize("cls", [c for c in WITH_ABI if c.STATE], ids=lambda cls: cls.__name__)
def test_the_declared_getter_is_one_of_the_contract(cls):
    name, inputs, outputs = re.fullmatch(r"(\w+)(\(.*?\)) -> (.*)", cls.STATE).groups()
    (getter,) = [entry for entry in abi_of(cls, "function") if entry["name"] == name]
    assert types_of(inputs) == [p["type"] for p in getter["inputs"]]
    assert types_of(outputs) == [p["type"] for p in getter["outputs"]]


@pytest.mark.parametrize("cls", WITH_ABI, ids=lambda cls: cls.__name__)
def test_state_is_declared_whole_or_not_at_all(cls):
    assert bool(cls.STATE) == bool(cls.STATE_FIELDS)
