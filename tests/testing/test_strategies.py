"""The strategy pack: every enforcer class can be drawn, what is drawn can be built, and own classes can too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from caveats import ENFORCERS, Address, EncodingError, Execution, LimitedCalls, NativeTokenTransferAmount
from caveats.enforcer import EnforcerTerms, Tokens
from delegations.delegation import ANY_DELEGATE, verify_chain
from delegations.redemption import decode_redeem_delegations, encode_redeem_delegations, redeem
from delegations.testing import strategies

ALICE = Address("0x" + "a1" * 20)


class Colours(EnforcerTerms):
    """An enforcer of one's own, with a field of a type nothing is known of."""

    ENFORCER: ClassVar[str] = "ColoursEnforcer"
    ADDRESS: ClassVar[Address] = ALICE
    colour: str
    count: int

    def encode_terms(self) -> bytes:
        return self.colour.encode()

    @classmethod
    def decode_terms(cls, terms: bytes) -> Colours:
        return cls(colour=terms.decode(), count=0)

    def describe(self, tokens: Tokens | None = None) -> str:
        return self.colour

    def problems(self) -> Iterator[str]:
        if not self.colour:
            yield "no colour"


@pytest.mark.parametrize("cls", ENFORCERS)
def test_terms_of_every_enforcer_are_drawn_and_read_back(cls):
    @settings(max_examples=20)
    @given(strategies.terms_of(cls))
    def check(terms):
        assert type(terms) is cls
        assert cls.decode_terms(terms.encode_terms()) == terms

    check()


def test_a_field_can_be_held_to_what_a_test_needs():
    @given(strategies.caveats_of(LimitedCalls, limit=st.integers(1, 3), args=st.just(b"\x01")))
    def check(caveat):
        assert 1 <= LimitedCalls.decode_terms(caveat.terms).limit <= 3
        assert caveat.args == b"\x01"

    check()


def test_a_field_that_is_not_there_is_refused():
    with pytest.raises(EncodingError, match="fields of LimitedCalls: expected limit, got limits"):
        strategies.terms_of(LimitedCalls, limits=st.just(1))


def test_an_own_class_needs_strategies_only_for_types_nothing_is_known_of():
    colours = st.sampled_from(["", "red"])
    with pytest.raises(
        EncodingError, match=r"Colours.count: expected a type with known values, .*give count=a strategy"
    ):
        strategies.terms_of(Colours, colour=colours)

    @given(strategies.terms_of(Colours, colour=colours, count=st.just(1)))
    def check(terms):
        assert terms.colour == "red", "what the builder refuses is never drawn"

    check()


@pytest.mark.parametrize("edge", [0, 1, 255, 256, 2**53, 2**64 - 1, 2**128, 2**255, 2**256 - 1])
def test_boundaries_of_numbers_are_drawn(edge):
    assert find(strategies.uints(), lambda number: number == edge) == edge


def test_numbers_stay_in_their_bounds():
    @given(strategies.uints(8, min_value=1))
    def check(number):
        assert 1 <= number <= 255

    check()


def test_special_addresses_are_drawn_but_are_no_parties():
    assert find(strategies.addresses(), lambda address: address == ANY_DELEGATE)

    @given(strategies.parties())
    def check(address):
        assert address not in (Address(bytes(20)), ANY_DELEGATE)

    check()


@given(strategies.chains(min_size=2, max_size=3, caveats=strategies.caveats_of(LimitedCalls)))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_chains_link_and_carry_the_caveats_asked_for(chain):
    verify_chain(chain)
    assert 2 <= len(chain) <= 3
    assert {caveat.enforcer for link in chain for caveat in link.caveats} <= {LimitedCalls.ADDRESS}


@given(strategies.delegations(delegator=st.just(ALICE), max_caveats=0))
def test_delegations_are_held_to_what_a_test_needs(delegation):
    assert delegation.delegator == ALICE
    assert delegation.caveats == ()


@given(strategies.redemptions(context=st.just(()), execution=strategies.executions(value=st.just(0))))
def test_redemptions_are_encoded_and_read_back(redemption):
    assert decode_redeem_delegations(encode_redeem_delegations([redemption])) == (redemption,)
    assert all(execution.value == 0 for execution in redemption.executions)


@settings(max_examples=15)
@given(limit=strategies.uints(64), value=st.integers(0, 10**18))
def test_a_property_is_checked_on_a_fresh_chain_each_time(new_scene, limit, value):
    scene = new_scene()
    grant = scene.delegator.grant(scene.agent, NativeTokenTransferAmount(max_amount_wei=limit))
    attempt = redeem(grant, Execution(target=scene.stranger.address, value=value))
    if value <= limit:
        scene.allows(attempt, keep=True)
        assert scene.stranger.balance() == 10**19 + value
    else:
        scene.denies(attempt, by=NativeTokenTransferAmount)
