"""Numbers where some type or language ends, through every field that holds a whole number: exact on every surface."""

from __future__ import annotations

import json

import pytest

from caveats import EncodingError, Execution, LogicalOrWrapper
from tests.boundaries import EDGES, PLACES

CASES = [
    pytest.param(place, value, id=f"{place.cls.__name__}.{'.'.join(map(str, place.path))}={name}")
    for place in PLACES
    for name, value in EDGES.items()
    if value < 2**place.bits
]


def test_numbers_stand_in_most_classes():
    assert len({place.cls for place in PLACES}) >= 28


@pytest.mark.parametrize(("place", "value"), CASES)
def test_terms_come_back_the_same_from_bytes_and_json(place, value):
    terms = place.terms(value)
    assert type(terms).decode_terms(terms.encode_terms()) == terms
    assert place.read(terms.to_wire()) == str(value)
    assert place.read(json.loads(terms.to_json())) == str(value)


@pytest.mark.parametrize(("place", "value"), CASES)
def test_what_a_builder_takes_is_the_same_from_json_and_what_it_refuses_is_refused_there(place, value):
    terms = place.terms(value)
    if list(terms.problems()):
        with pytest.raises(EncodingError):
            place.cls.from_wire(terms.to_wire())
        return
    assert place.cls.from_wire(terms.to_wire()) == terms
    assert place.cls.from_json(terms.to_json()) == terms


@pytest.mark.parametrize("cls", dict.fromkeys(place.cls for place in PLACES), ids=lambda cls: cls.__name__)
def test_the_builder_of_every_class_takes_some_of_the_edges(cls):
    taken = {
        value
        for place in PLACES
        for value in EDGES.values()
        if place.cls is cls and value < 2**place.bits and not list(place.terms(value).problems())
    }
    assert taken or cls.RETIRED


@pytest.mark.parametrize(("name", "value"), EDGES.items(), ids=EDGES)
def test_an_execution_comes_back_the_same(name, value):
    execution = Execution(target="0x" + "11" * 20, value=value)
    assert execution.to_wire()["value"] == str(value)
    assert Execution.from_wire(execution.to_wire()) == execution
    assert Execution.from_json(execution.to_json()) == execution


@pytest.mark.parametrize(("name", "value"), EDGES.items(), ids=EDGES)
def test_the_index_of_a_group_comes_back_the_same(name, value):
    assert LogicalOrWrapper.decode_args(LogicalOrWrapper.encode_args(value, [b"\x01"])).group_index == value
