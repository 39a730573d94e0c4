"""Which class reads which enforcer; the unknown is shown as such."""

import pytest

from caveats import (
    ENFORCERS,
    Address,
    Caveat,
    EncodingError,
    EnforcerRegistry,
    LimitedCalls,
    Timestamp,
    decode_caveat,
)

ELSEWHERE = Address("0x" + "42" * 20)


@pytest.mark.parametrize("cls", ENFORCERS, ids=lambda cls: cls.__name__)
def test_every_enforcer_is_read_at_its_address(cls):
    assert EnforcerRegistry().by_address[cls.ADDRESS] is cls


def test_an_unknown_enforcer_comes_back_opaque_and_is_never_called_safe():
    caveat = Caveat(enforcer=ELSEWHERE, terms=b"\x01\x02\x03")
    decoded = decode_caveat(caveat)
    assert decoded.is_opaque
    assert (decoded.caveat, decoded.terms, decoded.enforcer_name, decoded.would_revert) == (caveat, None, None, None)
    assert decoded.name == str(ELSEWHERE)
    assert decoded.describe() == (
        f"Unknown enforcer {ELSEWHERE} with 3 bytes of terms: what it bounds is not known, it may bound nothing."
    )


def test_a_registry_can_be_told_of_another_address():
    registry = EnforcerRegistry().with_enforcer(LimitedCalls, ELSEWHERE)
    caveat = LimitedCalls(limit=3).to_caveat(enforcer=ELSEWHERE)
    assert registry.decode(caveat).terms == LimitedCalls(limit=3)
    assert registry.decode(LimitedCalls(limit=3).to_caveat()).terms == LimitedCalls(limit=3)


def test_telling_a_registry_leaves_the_old_one_and_the_standard_one_alone():
    old = EnforcerRegistry()
    old.with_enforcer(LimitedCalls, ELSEWHERE)
    caveat = LimitedCalls(limit=3).to_caveat(enforcer=ELSEWHERE)
    assert old.decode(caveat).is_opaque
    assert decode_caveat(caveat).is_opaque


def test_the_same_class_may_be_told_again():
    once = EnforcerRegistry().with_enforcer(LimitedCalls, ELSEWHERE)
    assert once.with_enforcer(LimitedCalls, ELSEWHERE) == once


def test_an_address_is_not_taken_from_another_class():
    with pytest.raises(EncodingError) as refusal:
        EnforcerRegistry().with_enforcer(Timestamp, LimitedCalls.ADDRESS)
    assert str(refusal.value) == (
        f"enforcer {LimitedCalls.ADDRESS} is already registered as LimitedCallsEnforcer (use another address)"
    )


def test_a_caveat_is_made_for_the_framework_address_unless_told_otherwise():
    terms = LimitedCalls(limit=3)
    assert terms.to_caveat() == Caveat(enforcer=LimitedCalls.ADDRESS, terms=terms.encode_terms())
    assert terms.to_caveat(enforcer=ELSEWHERE, args=b"\x01").with_args(b"") == Caveat(
        enforcer=ELSEWHERE, terms=terms.encode_terms()
    )
