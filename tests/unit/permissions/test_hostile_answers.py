"""Answers of any size and shape, dapps that give them on unread, and grants drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caveats import Caveat
from caveats.errors import EncodingError, TransportError
from delegations.delegation import decode_context
from delegations.evm import LocalChain
from delegations.permissions.verify import verify_answer, verify_response
from tests.unit.permissions.dapp import CHAIN_ID, PLACE, REGISTRY, changed, fresh_chain, usd_a_day
from tests.unit.permissions.hostile import HONEST, look

# sizes and depths


def test_a_context_no_transaction_can_carry_is_a_breach() -> None:
    assert look(HONEST.but(signs=lambda d: d.with_args({0: b"\xff" * 100}))).standing == "holds"
    for size in (2**17, 300_000):
        report = look(HONEST.but(signs=lambda d, size=size: d.with_args({0: b"\xff" * size})))  # type: ignore[misc]  # a lambda with a default
        assert "a transaction can have" in report.check("context").sentence


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [100, 200_000])
def test_values_nested_without_end_are_reported_not_followed(depth: int) -> None:
    wire = HONEST.respond(usd_a_day()).to_wire()
    fine = verify_answer([usd_a_day()], [{**wire, "extra": nested(20)}], chain=fresh_chain(), registry=REGISTRY)
    assert fine.standing == "holds"
    deep = {**wire, "rules": [{"type": "novel", "data": {"a": nested(depth)}}]}
    report = verify_answer([usd_a_day()], [deep], registry=REGISTRY)
    assert "deep in one another" in report.grants[0].check("form").sentence


def test_what_holds_itself_is_reported_not_followed() -> None:
    circle: list[Any] = []
    circle.append(circle)
    report = verify_answer([usd_a_day()], [{"context": circle}], registry=REGISTRY)
    assert "deep in one another" in report.grants[0].check("form").sentence


def test_no_sentence_repeats_a_megabyte() -> None:
    wire = HONEST.respond(usd_a_day()).to_wire()
    long = "x" * 10**6
    spoilt = [
        {**wire, long: 1},
        {**wire, "permission": {"type": long, "isAdjustmentAllowed": False, "data": {}}},
        {**wire, "rules": [{"type": long, "data": {"a": long}}]},
    ]
    for answer in spoilt:
        report = verify_answer([usd_a_day()], [answer], chain=fresh_chain(), registry=REGISTRY)
        assert max(len(check.sentence) for check in report.grants[0].checks) < 2_000


# careless dapps


def test_nothing_asked_is_no_success() -> None:
    with pytest.raises(EncodingError, match="requests: expected at least one, got none"):
        verify_answer([], [])


@pytest.mark.parametrize(
    ("requests", "options", "words"),
    [
        (usd_a_day(), {}, "requests: expected a list of PermissionRequest, got PermissionRequest"),
        ([usd_a_day().to_wire()], {}, "requests: expected a list of PermissionRequest"),
        ([usd_a_day()], {"chain": "http://127.0.0.1:1"}, "chain: expected a LocalChain.*got str"),
        ([usd_a_day()], {"chain": {CHAIN_ID: "http://127.0.0.1:1"}}, "chain: expected a LocalChain.*got dict"),
        ([usd_a_day()], {"registry": PLACE}, "registry: expected a Registry, got Deployment"),
    ],
)
def test_arguments_of_another_kind_are_refused_in_one_line(requests: Any, options: Any, words: str) -> None:
    with pytest.raises(EncodingError, match=words):
        verify_answer(requests, [], **options)


def test_a_response_that_was_not_read_is_refused() -> None:
    with pytest.raises(EncodingError, match="expected a PermissionResponse, got dict"):
        verify_response(usd_a_day(), HONEST.respond(usd_a_day()).to_wire())  # type: ignore[arg-type]  # what is wrong is what is tested


def test_a_chain_given_as_a_function_is_opened_when_it_is_needed() -> None:
    assert look(HONEST, chain=fresh_chain).standing == "holds"

    def fails() -> LocalChain:
        raise TransportError("could not ask the node")

    assert "returned str" in look(HONEST, chain=lambda: "http://127.0.0.1:1").check("state").sentence
    report = look(HONEST, chain=fails)
    assert report.check("state").standing == "unknown"
    assert "could not ask the node" in report.check("state").sentence


# at random

ENFORCERS = [address for name, address in PLACE.addresses.items() if name.endswith("Enforcer")]


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_no_other_caveats_than_those_asked_for_hold(data: st.DataObject) -> None:
    (unsigned,) = decode_context(HONEST.respond(usd_a_day()).context)
    caveats = list(unsigned.caveats)
    at = data.draw(st.integers(0, len(caveats) - 1))
    caveat, enforcer = caveats[at], data.draw(st.sampled_from(ENFORCERS))
    flipped = bytearray(caveat.terms)
    flipped[data.draw(st.integers(0, len(flipped) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    changes = {
        "flip": [Caveat(enforcer=caveat.enforcer, terms=bytes(flipped))],
        "cut": [Caveat(enforcer=caveat.enforcer, terms=caveat.terms[:-1])],
        "longer": [Caveat(enforcer=caveat.enforcer, terms=caveat.terms + bytes(32))],
        "another enforcer": [Caveat(enforcer=enforcer, terms=caveat.terms)],
        "one more": [caveat, Caveat(enforcer=enforcer, terms=caveat.terms)],
        "gone": [],
        "as it was": [caveat],
    }
    caveats[at : at + 1] = changes[data.draw(st.sampled_from(sorted(changes)))]
    order = data.draw(st.permutations(caveats))
    report = look(HONEST.but(draws=changed(caveats=tuple(order))))
    assert (report.standing == "holds") == (_signed(order) == _signed(unsigned.caveats))


def _signed(caveats: Sequence[Caveat]) -> list[tuple[bytes, bytes]]:
    return sorted((bytes(caveat.enforcer), caveat.terms) for caveat in caveats)
