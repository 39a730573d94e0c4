"""Permissions in the user's words, and what is refused before a wallet would."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from caveats.errors import EncodingError
from caveats.types import ZERO_ADDRESS
from delegations.permissions import (
    NATIVE,
    Erc20TokenAllowance,
    Erc20TokenPeriodic,
    Erc20TokenStream,
    ExpiryRule,
    NativeTokenAllowance,
    NativeTokenPeriodic,
    NativeTokenStream,
    PayeeRule,
    PermissionFieldError,
    PermissionRequest,
    RedeemerRule,
    TokenApprovalRevocation,
    allowance_permission,
    ask,
    periodic_permission,
    revocation_permission,
    stream_permission,
)
from tests.unit.permissions.wires import AGENT, ALICE, NOW, OTHER, SHOP, TOKEN

FRIDAY = datetime(2027, 1, 15, 18, tzinfo=UTC)


def test_ten_usdc_a_day_until_friday_to_this_shop_redeemed_by_this_agent() -> None:
    request = ask(
        periodic_permission(TOKEN, "10", "day", decimals=6, justification="lunch"),
        chain_id=8453,
        to=AGENT,
        from_=ALICE,
        now=FRIDAY.replace(day=11),
        expires_at=FRIDAY,
        payees=[SHOP],
        redeemers=[AGENT],
    )
    assert request == PermissionRequest(
        chain_id=8453,
        to=AGENT,
        from_=ALICE,
        permission=Erc20TokenPeriodic(
            token_address=TOKEN, period_amount=10_000_000, period_duration=86_400, justification="lunch"
        ),
        rules=(
            ExpiryRule(timestamp=int(FRIDAY.timestamp())),
            RedeemerRule(addresses=(AGENT,)),
            PayeeRule(addresses=(SHOP,)),
        ),
    )
    assert PermissionRequest.from_wire(request.to_wire()) == request


BUILT = [
    (
        allowance_permission(NATIVE, 1, justification="x" * 300),
        NativeTokenAllowance(allowance_amount=1, justification="x" * 300),
    ),
    (
        periodic_permission(NATIVE, "0.5", "week"),
        NativeTokenPeriodic(period_amount=5 * 10**17, period_duration=604_800),
    ),
    (
        periodic_permission(NATIVE, 7, 90, start_at=NOW, adjustable=True),
        NativeTokenPeriodic(period_amount=7, period_duration=90, start_time=NOW, is_adjustment_allowed=True),
    ),
    (allowance_permission(NATIVE, "1"), NativeTokenAllowance(allowance_amount=10**18)),
    (
        allowance_permission(TOKEN, "1.5", decimals=6, start_at=FRIDAY),
        Erc20TokenAllowance(token_address=TOKEN, allowance_amount=1_500_000, start_time=int(FRIDAY.timestamp())),
    ),
    (stream_permission(NATIVE, 3), NativeTokenStream(amount_per_second=3)),
    (
        stream_permission(TOKEN, "0.01", initial="1", at_most="100", decimals=2),
        Erc20TokenStream(token_address=TOKEN, amount_per_second=1, initial_amount=100, max_amount=10_000),
    ),
    (
        revocation_permission("erc20_approve", "permit2_lockdown", justification="tidy"),
        TokenApprovalRevocation(erc20_approve=True, permit2_lockdown=True, justification="tidy"),
    ),
]


@pytest.mark.parametrize(("built", "expected"), BUILT)
def test_every_builder_makes_what_it_says(built: Any, expected: Any) -> None:
    assert built == expected
    assert ask(built, chain_id=1, to=AGENT, now=NOW).permission == expected


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: periodic_permission(TOKEN, "10", "day"), "period_amount: expected base units as an int"),
        (lambda: periodic_permission(TOKEN, "0.1234567", "day", decimals=6), "at most 6 decimal places"),
        (lambda: periodic_permission(TOKEN, 1.5, "day"), "^period_amount: expected base units as an int"),
        (lambda: periodic_permission(TOKEN, True, "day"), "^period_amount: "),
        (lambda: periodic_permission(TOKEN, "1,5", "day", decimals=6), "^period_amount: amount: expected a plain"),
        (lambda: stream_permission(TOKEN, 1, at_most=-1), "^max_amount: uint256: expected a whole number"),
        (lambda: periodic_permission(TOKEN, 1, "day", start_at=1.5), "^start_at: uint256: expected a whole number"),
        (lambda: periodic_permission(TOKEN, 1, "fortnight"), "period: expected seconds, or one of"),
        (lambda: periodic_permission(TOKEN, 1, 0), "period: expected a positive number"),
        (lambda: periodic_permission(TOKEN, 1, 86_400_000), "looks like milliseconds"),
        (lambda: periodic_permission(TOKEN, 0, "day"), "period_amount is 0"),
        (lambda: periodic_permission(TOKEN, 1, "day", start_at=NOW * 1000), "past the year 9999"),
        (lambda: periodic_permission(TOKEN, 1, "day", start_at=FRIDAY.replace(tzinfo=None)), "with a time zone"),
        (lambda: allowance_permission(TOKEN, 2**256), "^allowance_amount: uint256: expected a whole number"),
        (lambda: allowance_permission(TOKEN, 1, justification="x" * 301), "justification: expected at most 300"),
        (lambda: allowance_permission(TOKEN, 1, justification=5), "^justification: expected text, got 5"),
        (lambda: stream_permission(TOKEN, 0), "amount_per_second is 0"),
        (lambda: stream_permission(TOKEN, 1, initial=5, at_most=4), "max_amount 4 is under initial_amount 5"),
        (lambda: stream_permission(NATIVE, 2**255), "overflows"),
        (lambda: revocation_permission(), "kinds: expected at least one of erc20_approve"),
        (lambda: revocation_permission("is_adjustment_allowed"), "kinds: expected at least one of"),
    ],
)
def test_what_no_caveat_is_built_from_is_refused(make: Any, message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        make()


def _ask(**changed: Any) -> PermissionRequest:
    values: dict[str, Any] = {"chain_id": 1, "to": AGENT, "now": NOW, **changed}
    return ask(values.pop("permission", periodic_permission(TOKEN, 1, "day")), **values)


REFUSED = {
    "to": {"to": ZERO_ADDRESS},
    "rules[0].data.timestamp": {"expires_at": NOW},
    "rules[0].data.addresses": {"redeemers": []},
    "rules[1].data.addresses": {"redeemers": [AGENT], "payees": [SHOP, OTHER]},
    "permission.data.periodDuration": {"permission": periodic_permission(TOKEN, 1, 315_360_001)},
    "permission.data.startTime": {"permission": periodic_permission(TOKEN, 1, "day", start_at=NOW - 86_400)},
    "permission.data.maxAmount": {"permission": stream_permission(TOKEN, 1, initial=4, at_most=4)},
}


@pytest.mark.parametrize(("path", "changed"), REFUSED.items(), ids=REFUSED)
def test_what_a_wallet_would_refuse_is_refused_before_it_is_asked(path: str, changed: dict[str, Any]) -> None:
    _ask()
    with pytest.raises(PermissionFieldError) as refused:
        _ask(**changed)
    assert refused.value.path == path


def test_a_chain_that_is_none_is_refused() -> None:
    with pytest.raises(EncodingError, match="chain id"):
        _ask(chain_id=0)
