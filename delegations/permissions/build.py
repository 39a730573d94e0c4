"""Permissions in the user's words: "10 USDC a day until Friday, to this shop, redeemed by this agent".

    request = ask(
        periodic_permission(usdc, "10", "day", decimals=6),
        chain_id=8453, to=agent, now=now, expires_at=friday, payees=[shop], redeemers=[agent],
    )

What a wallet would refuse is refused here first, with every field at fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeVar

from caveats.constraints.amounts import (
    NATIVE_DECIMALS,
    Amount,
    CalendarName,
    Moment,
    base_units,
    period_seconds,
    unix_seconds,
)
from caveats.enforcer import NATIVE_TOKEN
from caveats.errors import EncodingError
from caveats.types import Address
from delegations.permissions.check import (
    LONGEST_JUSTIFICATION,
    find_request_problems,
    populate_permission,
    require_no_problems,
)
from delegations.permissions.model import PermissionRequest
from delegations.permissions.rules import ExpiryRule, PayeeRule, RedeemerRule, Rule
from delegations.permissions.shapes import find_shape
from delegations.permissions.types import (
    Erc20TokenAllowance,
    Erc20TokenPeriodic,
    Erc20TokenStream,
    NativeTokenAllowance,
    NativeTokenPeriodic,
    NativeTokenStream,
    Permission,
    TokenApprovalRevocation,
)

_AnyPermission = TypeVar("_AnyPermission", bound=Permission)
NATIVE = NATIVE_TOKEN
"""Stands for the chain's native token where a token is asked for."""

Revocation = Literal[
    "erc20_approve",
    "erc721_approve",
    "erc721_set_approval_for_all",
    "permit2_approve",
    "permit2_lockdown",
    "permit2_invalidate_nonces",
]


def stream_permission(
    token: Address,
    per_second: Amount,
    *,
    initial: Amount | None = None,
    at_most: Amount | None = None,
    start_at: Moment | None = None,
    decimals: int | None = None,
    adjustable: bool = False,
    justification: str | None = None,
) -> NativeTokenStream | Erc20TokenStream:
    """Return the permission to spend `initial` at the start, then `per_second`, never more than `at_most` in all.

    Args:
        token: an ERC-20, or NATIVE.
        per_second: base units, or text with `decimals` (18 for NATIVE).
        initial: unlocked at once; the wallet takes 0 when None.
        at_most: cap on everything, the initial amount included; the wallet takes none when None.
        start_at: unix seconds or a datetime with a zone; the wallet takes the moment of the grant when None.
        decimals: of the token, when amounts are text.
        adjustable: whether the wallet's user may change what is asked.
        justification: shown to the wallet's user.

    Raises:
        EncodingError: an amount or moment that cannot be read, or terms that no caveat is built from.
    """
    amounts = {"amount_per_second": per_second, "initial_amount": initial, "max_amount": at_most}
    data = _data(token, amounts, decimals, start_at, adjustable, justification)
    return _checked(NativeTokenStream(**data) if token == NATIVE else Erc20TokenStream(**data))


def periodic_permission(
    token: Address,
    amount: Amount,
    per: CalendarName | int,
    *,
    start_at: Moment | None = None,
    decimals: int | None = None,
    adjustable: bool = False,
    justification: str | None = None,
) -> NativeTokenPeriodic | Erc20TokenPeriodic:
    """Return the permission to spend at most `amount` in each period, counted from the start.

    MetaMask rounds the period to the nearest of an hour, a day, a week, two weeks, 30 days and 365 days.

    Args:
        token: an ERC-20, or NATIVE.
        amount: base units, or text with `decimals` (18 for NATIVE).
        per: seconds, or "hour", "day", "week", "two weeks", "month" (30 days), "quarter" (90), "year" (365).
        start_at: as in `stream_permission`, as are the others.

    Raises:
        EncodingError: as `stream_permission`, or a period that cannot be read.
    """
    data = _data(token, {"period_amount": amount}, decimals, start_at, adjustable, justification)
    data["period_duration"] = period_seconds(per)
    return _checked(NativeTokenPeriodic(**data) if token == NATIVE else Erc20TokenPeriodic(**data))


def allowance_permission(
    token: Address,
    amount: Amount,
    *,
    start_at: Moment | None = None,
    decimals: int | None = None,
    adjustable: bool = False,
    justification: str | None = None,
) -> NativeTokenAllowance | Erc20TokenAllowance:
    """Return the permission to spend at most `amount` in all. Arguments and errors as `stream_permission`."""
    data = _data(token, {"allowance_amount": amount}, decimals, start_at, adjustable, justification)
    return _checked(NativeTokenAllowance(**data) if token == NATIVE else Erc20TokenAllowance(**data))


def revocation_permission(
    *kinds: Revocation, adjustable: bool = False, justification: str | None = None
) -> TokenApprovalRevocation:
    """Return the permission to take approvals back, of the kinds named.

    Raises:
        EncodingError: no kind, or one that is not known.
    """
    known = [name for name in TokenApprovalRevocation.data_fields() if name != "justification"]
    unknown = [kind for kind in kinds if kind not in known]
    if unknown or not kinds:
        got = ", ".join(map(str, unknown)) or "none"
        raise EncodingError.of("kinds", expected=f"at least one of {', '.join(known)}", got=got)
    flags: dict[str, Any] = dict.fromkeys(kinds, True)
    return TokenApprovalRevocation(is_adjustment_allowed=adjustable, justification=justification, **flags)


def ask(
    permission: Permission,
    *,
    chain_id: int,
    to: Address,
    now: Moment,
    from_: Address | None = None,
    expires_at: Moment | None = None,
    redeemers: Sequence[Address] | None = None,
    payees: Sequence[Address] | None = None,
) -> PermissionRequest:
    """Return the request for a permission.

    Args:
        permission: what is asked.
        chain_id: of the chain it is for.
        to: the account that will redeem.
        now: the time of asking, which the times in the request are compared with.
        from_: whose account; None leaves the choice to the wallet's user.
        expires_at: it ends strictly before; None for no end of its own.
        redeemers: who may redeem, whatever is delegated on; None for no such rule.
        payees: who may be paid: one for an ERC-20, one or several for the native token; None for no such rule.

    Raises:
        PermissionFieldError: with every field a wallet would refuse.
    """
    rules: list[Rule] = []
    if expires_at is not None:
        rules.append(ExpiryRule(timestamp=unix_seconds(expires_at, what="expires_at")))
    if redeemers is not None:
        rules.append(RedeemerRule(addresses=tuple(redeemers)))
    if payees is not None:
        rules.append(PayeeRule(addresses=tuple(payees)))
    request = PermissionRequest(chain_id=chain_id, to=to, permission=permission, from_=from_, rules=tuple(rules))
    require_no_problems(find_request_problems(request, now=unix_seconds(now, what="now")))
    return request


def _data(
    token: Address,
    amounts: dict[str, Amount | None],
    decimals: int | None,
    start_at: Moment | None,
    adjustable: bool,
    justification: str | None,
) -> dict[str, Any]:
    is_native = token == NATIVE
    places = NATIVE_DECIMALS if is_native and decimals is None else decimals
    if justification is not None and not isinstance(justification, str):
        raise EncodingError.of("justification", expected="text", got=justification)
    if justification is not None and len(justification) > LONGEST_JUSTIFICATION:
        expected = f"at most {LONGEST_JUSTIFICATION} characters"
        raise EncodingError.of("justification", expected=expected, got=f"{len(justification)}")
    return {
        **({} if is_native else {"token_address": token}),
        **{name: base_units(given, places, what=name) for name, given in amounts.items() if given is not None},
        "start_time": None if start_at is None else unix_seconds(start_at, what="start_at"),
        "is_adjustment_allowed": adjustable,
        "justification": justification,
    }


def _checked(permission: _AnyPermission) -> _AnyPermission:
    """Return the permission when the builder of its caveat takes it. Raises EncodingError otherwise."""
    filled = populate_permission(permission, now=1)
    shape = find_shape(filled)
    for problem in shape.terms_of(filled).problems() if shape else ():
        raise EncodingError(f"{permission.type}: {problem}")
    return permission
