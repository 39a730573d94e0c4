"""Numbers where some type or language ends, in the caveats of one delegation: `inspect` shows them digit by digit."""

from __future__ import annotations

import pytest

from caveats import Address
from delegations.delegation import Delegation, encode_context
from tests.boundaries import EDGES, PLACES
from tests.cli.command import run

ALICE, AGENT = Address(b"\xa1" * 20), Address(b"\xb0" * 20)


def grant_with(value: int) -> Delegation:
    """Return a delegation with one caveat for every place a number has in terms, each with this value there."""
    caveats = tuple(place.terms(value).to_caveat() for place in PLACES if value < 2**place.bits)
    return Delegation(delegator=ALICE, delegate=AGENT, caveats=caveats, salt=value)


def check_shown(answer: dict[str, object], value: int) -> None:
    (shown,) = answer["delegations"]
    places = [place for place in PLACES if value < 2**place.bits]
    assert len(shown["caveats"]) == len(places)
    for place, caveat in zip(places, shown["caveats"], strict=True):
        assert place.read(caveat["decoded"]) == str(value), place
        assert caveat["name"] == place.cls.ENFORCER.removesuffix("Enforcer")


@pytest.mark.parametrize("value", EDGES.values(), ids=EDGES)
def test_inspect_shows_a_delegation_with_every_number_as_an_exact_decimal(value):
    ran = run("inspect", "-", "--json", stdin=grant_with(value).to_json())
    assert (ran.code, ran.err) == (0, "")
    check_shown(ran.json(), value)


@pytest.mark.parametrize("value", EDGES.values(), ids=EDGES)
def test_inspect_shows_the_same_of_its_bytes(value):
    grant = grant_with(value)
    ran = run("inspect", "-", "--json", stdin="0x" + encode_context([grant]).hex())
    assert ran.code == 0
    check_shown(ran.json(), value)
    (shown,) = ran.json()["delegations"]
    assert shown["salt"] == grant.to_wire()["salt"]
    assert int(shown["salt"], 16) == value


def test_inspect_in_words_shows_the_largest_number_to_its_last_digit():
    ran = run("inspect", "-", stdin=grant_with(2**256 - 1).to_json(), env={"COLUMNS": "400"})
    assert ran.code == 0
    assert str(2**256 - 1) in ran.out
