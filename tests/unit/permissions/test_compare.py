"""Asked against granted: each difference by itself, and the whole by what it admits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caveats.types import MAX_UINT256, Address
from delegations.permissions import (
    Erc20TokenPeriodic,
    Erc20TokenStream,
    ExpiryRule,
    NativeTokenAllowance,
    NativeTokenPeriodic,
    NativeTokenStream,
    PayeeRule,
    PermissionRequest,
    RedeemerRule,
    TokenApprovalRevocation,
    UnknownPermission,
    UnknownRule,
)
from delegations.permissions.compare import compare

AGENT, SHOP, OTHER, TOKEN, COIN = (Address(bytes([n]) * 20) for n in range(1, 6))
NOW, DAY = 1_800_000_000, 86_400


def ask(permission: Any, *rules: Any) -> PermissionRequest:
    return PermissionRequest(chain_id=1, to=AGENT, permission=permission, rules=rules)


def periodic(amount: int = 10, days: int = 1, start: int | None = NOW, **more: Any) -> Erc20TokenPeriodic:
    fields = {"token_address": TOKEN, "period_amount": amount, "period_duration": days * DAY, "start_time": start}
    return Erc20TokenPeriodic(**{**fields, **more})


ASKED = ask(periodic(), ExpiryRule(timestamp=NOW + 30 * DAY), PayeeRule(addresses=(SHOP,)))
END, PAYEE = ASKED.rules
STREAM = NativeTokenStream(initial_amount=5, max_amount=100, amount_per_second=1, start_time=NOW)
REVOKE = TokenApprovalRevocation(erc20_approve=True)
NOVEL = UnknownRule(type="novel", data={"a": 1})

CHANGES: dict[str, tuple[PermissionRequest, PermissionRequest, str, bool, bool]] = {
    "a larger amount": (ASKED, ask(periodic(11), END, PAYEE), "permission.data.periodAmount", True, False),
    "a smaller amount": (ASKED, ask(periodic(9), END, PAYEE), "permission.data.periodAmount", False, True),
    "a longer period": (ASKED, ask(periodic(days=2), END, PAYEE), "permission.data.periodDuration", False, True),
    "another token": (
        ASKED,
        ask(periodic(token_address=COIN), END, PAYEE),
        "permission.data.tokenAddress",
        True,
        True,
    ),
    "a later end": (
        ASKED,
        ask(periodic(), ExpiryRule(timestamp=NOW + 31 * DAY), PAYEE),
        "rules.expiry",
        True,
        False,
    ),
    "an earlier end": (
        ASKED,
        ask(periodic(), ExpiryRule(timestamp=NOW + DAY), PAYEE),
        "rules.expiry",
        False,
        True,
    ),
    "no end": (ASKED, ask(periodic(), PAYEE), "rules.expiry", True, False),
    "an end that was not asked for": (ask(periodic()), ask(periodic(), END), "rules.expiry", False, True),
    "any payee": (ASKED, ask(periodic(), END), "rules.payee", True, False),
    "another payee": (ASKED, ask(periodic(), END, PayeeRule(addresses=(OTHER,))), "rules.payee", True, True),
    "one payee more": (ASKED, ask(periodic(), END, PayeeRule(addresses=(SHOP, OTHER))), "rules.payee", True, False),
    "redeemers that were not asked for": (
        ASKED,
        ask(periodic(), END, PAYEE, RedeemerRule(addresses=(AGENT,))),
        "rules.redeemer",
        False,
        True,
    ),
    "a later start, whole periods on": (
        ASKED,
        ask(periodic(start=NOW + 2 * DAY), END, PAYEE),
        "permission.data.startTime",
        False,
        True,
    ),
    "an earlier start": (
        ASKED,
        ask(periodic(start=NOW - DAY), END, PAYEE),
        "permission.data.startTime",
        True,
        False,
    ),
    "a start within a period": (
        ASKED,
        ask(periodic(start=NOW + 3600), END, PAYEE),
        "permission.data.startTime",
        True,
        True,
    ),
    "a faster stream": (
        ask(STREAM),
        ask(STREAM.model_copy(update={"amount_per_second": 2})),
        "permission.data.amountPerSecond",
        True,
        False,
    ),
    "a stream with less at first": (
        ask(STREAM),
        ask(STREAM.model_copy(update={"initial_amount": 0})),
        "permission.data.initialAmount",
        False,
        True,
    ),
    "a stream with a most where none was asked": (
        ask(STREAM.model_copy(update={"max_amount": None})),
        ask(STREAM),
        "permission.data.maxAmount",
        False,
        True,
    ),
    "something at first where nothing was asked": (
        ask(STREAM.model_copy(update={"initial_amount": None})),
        ask(STREAM),
        "permission.data.initialAmount",
        True,
        False,
    ),
    "one more kind of approval": (
        ask(REVOKE),
        ask(REVOKE.model_copy(update={"permit2_lockdown": True})),
        "permission.data.permit2Lockdown",
        True,
        False,
    ),
    "an end of a revocation": (ask(REVOKE), ask(REVOKE, END), "rules.expiry", False, True),
    "another type": (ASKED, ask(NativeTokenAllowance(allowance_amount=1), END, PAYEE), "permission.type", True, True),
    "a rule nobody knows left out": (ask(REVOKE, NOVEL), ask(REVOKE), "rules.novel", True, False),
    "a rule nobody knows added": (ask(REVOKE), ask(REVOKE, NOVEL), "rules.novel", False, True),
    "a rule nobody knows with other data": (
        ask(REVOKE, NOVEL),
        ask(REVOKE, NOVEL.model_copy(update={"data": {"a": 2}})),
        "rules.novel",
        True,
        True,
    ),
    "other data of a type nobody knows": (
        ask(UnknownPermission(type="novel", data={"a": 1})),
        ask(UnknownPermission(type="novel", data={"a": 2})),
        "permission.data",
        True,
        True,
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_one_change_is_named_with_what_it_does(name: str) -> None:
    asked, granted, field, widens, narrows = CHANGES[name]
    found = compare(asked, granted)
    (difference,) = found.differences
    assert (difference.field, difference.widens, difference.narrows) == (field, widens, narrows)
    assert (found.is_wider, found.is_narrower) == (widens, narrows)
    assert (found.excess is not None) == widens
    assert field in difference.sentence


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_granted_as_asked_has_no_differences(name: str) -> None:
    for request in CHANGES[name][:2]:
        found = compare(request, request)
        assert found.is_equal
        assert (found.is_wider, found.is_narrower, found.excess) == (False, False, None)


@pytest.mark.parametrize("name", CHANGES)
def test_seen_from_the_other_side_more_is_less(name: str) -> None:
    asked, granted, _field, widens, narrows = CHANGES[name]
    found = compare(granted, asked)
    assert (found.is_wider, found.is_narrower) == (narrows, widens)


def test_a_smaller_amount_in_shorter_periods_is_judged_by_both_together() -> None:
    month = ask(NativeTokenPeriodic(period_amount=100, period_duration=30 * DAY, start_time=NOW))
    day = ask(NativeTokenPeriodic(period_amount=3, period_duration=DAY, start_time=NOW))
    found = compare(month, day)
    assert [(d.widens, d.narrows) for d in found.differences] == [(False, True), (True, False)]
    assert not found.is_wider
    assert found.is_narrower


def test_one_unit_more_each_day_is_more_in_the_month() -> None:
    month = ask(NativeTokenPeriodic(period_amount=100, period_duration=30 * DAY, start_time=NOW))
    found = compare(month, ask(NativeTokenPeriodic(period_amount=4, period_duration=DAY, start_time=NOW)))
    assert found.is_wider
    assert found.excess is not None
    assert "120 could be moved in one of the asked periods, not 100" in found.excess


def test_a_start_that_was_not_asked_for_is_the_wallets_to_choose() -> None:
    assert compare(ask(periodic(start=None)), ask(periodic(start=NOW))).is_equal


def test_defaults_of_a_stream_are_what_the_wallet_fills_in() -> None:
    bare = NativeTokenStream(amount_per_second=1)
    filled = NativeTokenStream(amount_per_second=1, initial_amount=0, max_amount=MAX_UINT256, start_time=NOW)
    assert compare(ask(bare), ask(filled)).is_equal


def test_a_justification_bounds_nothing() -> None:
    assert compare(ASKED, ask(periodic(justification="other words"), END, PAYEE)).is_equal


def test_payees_in_another_order_are_the_same() -> None:
    one, two = ask(REVOKE, PayeeRule(addresses=(SHOP, OTHER))), ask(REVOKE, PayeeRule(addresses=(OTHER, SHOP)))
    assert compare(one, two).is_equal


def test_what_admits_nothing_is_never_wider() -> None:
    over = ask(periodic(amount=1000), ExpiryRule(timestamp=NOW))
    found = compare(ASKED, over)
    assert not found.is_wider
    assert found.is_narrower


# what is said of the whole, beside a play of calls

SMALL = st.integers(0, 6)
TOKENS = st.sampled_from([TOKEN, COIN])
RULES = st.tuples(
    st.none() | st.builds(ExpiryRule, timestamp=st.integers(0, 24)),
    st.none() | st.builds(PayeeRule, addresses=st.sets(st.sampled_from([SHOP, OTHER]), min_size=1).map(tuple)),
    st.none() | st.builds(RedeemerRule, addresses=st.sets(st.sampled_from([AGENT, OTHER]), min_size=1).map(tuple)),
).map(lambda rules: tuple(rule for rule in rules if rule is not None))
PERMISSIONS = st.builds(
    Erc20TokenPeriodic,
    token_address=TOKENS,
    period_amount=SMALL,
    period_duration=st.integers(1, 8),
    start_time=st.integers(1, 9),
) | st.builds(
    Erc20TokenStream,
    token_address=TOKENS,
    initial_amount=st.none() | SMALL,
    max_amount=st.none() | st.integers(0, 20),
    amount_per_second=st.integers(0, 3),
    start_time=st.integers(1, 9),
)
REQUESTS = st.builds(lambda p, rules: ask(p, *rules), PERMISSIONS, RULES)
HORIZON = 24
STRANGER = Address(bytes([9]) * 20)


class Wallet:
    """Plays a request: says of each transfer whether it passes, and how much would."""

    def __init__(self, request: PermissionRequest) -> None:
        self.request = request
        self.moved: dict[int, int] = {}

    def left(self, at: int, token: Address, payee: Address, redeemer: Address) -> int:
        p, request = self.request.permission, self.request
        assert isinstance(p, Erc20TokenPeriodic | Erc20TokenStream)
        assert p.start_time is not None
        closed = request.expiry is not None and at >= request.expiry
        barred = request.payees is not None and payee not in request.payees
        foreign = request.redeemers is not None and redeemer not in request.redeemers
        if at < p.start_time or closed or barred or foreign or token != p.token_address:
            return 0
        if isinstance(p, Erc20TokenPeriodic):
            return p.period_amount - self.moved.get((at - p.start_time) // p.period_duration, 0)
        unlocked = (p.initial_amount or 0) + p.amount_per_second * (at - p.start_time)
        most = MAX_UINT256 if p.max_amount is None else p.max_amount
        return min(unlocked, most) - self.moved.get(0, 0)

    def move(self, at: int, amount: int) -> None:
        p = self.request.permission
        assert isinstance(p, Erc20TokenPeriodic | Erc20TokenStream)
        key = (at - p.start_time) // p.period_duration if isinstance(p, Erc20TokenPeriodic) else 0
        self.moved[key] = self.moved.get(key, 0) + amount


def admits_more(granted: PermissionRequest, asked: PermissionRequest) -> bool:
    """Whether some sequence of transfers passes the one and not the other."""
    people = [(t, p, r) for t in (TOKEN, COIN) for p in (SHOP, OTHER, STRANGER) for r in (AGENT, OTHER, STRANGER)]
    return any(plays_beyond(granted, asked, begin, *who) for who in people for begin in range(HORIZON))


def plays_beyond(
    granted: PermissionRequest, asked: PermissionRequest, begin: int, token: Address, payee: Address, redeemer: Address
) -> bool:
    giving, taking = Wallet(granted), Wallet(asked)
    for at in range(begin, HORIZON):
        amount = giving.left(at, token, payee, redeemer)
        if amount <= 0:
            continue
        giving.move(at, amount)
        if amount > taking.left(at, token, payee, redeemer):
            return True
        taking.move(at, amount)
    return False


@settings(max_examples=60, deadline=None)
@given(asked=REQUESTS, granted=REQUESTS)
def test_a_grant_is_called_wider_exactly_when_some_sequence_of_calls_is(
    asked: PermissionRequest, granted: PermissionRequest
) -> None:
    found = compare(asked, granted)
    if asked.permission.type != granted.permission.type:
        assert found.differences[0].field == "permission.type"
        return
    if granted.expiry is None:  # the play ends, so the grant must too
        granted = granted.with_rules(ExpiryRule(timestamp=HORIZON))
        found = compare(asked, granted)
    assert found.is_wider == admits_more(granted, asked)


@settings(max_examples=100, deadline=None)
@given(one=REQUESTS, other=REQUESTS)
def test_wider_and_narrower_change_places_with_the_sides(one: PermissionRequest, other: PermissionRequest) -> None:
    there, back = compare(one, other), compare(other, one)
    assert (there.is_wider, there.is_narrower) == (back.is_narrower, back.is_wider)


@settings(max_examples=100, deadline=None)
@given(one=REQUESTS, rules=RULES)
def test_more_rules_never_widen(one: PermissionRequest, rules: tuple[Any, ...]) -> None:
    assert not compare(one, one.with_rules(*rules)).is_wider
