"""How much may be spent: in total, per period, as a stream, per call; of the native token or of an ERC-20.

Each function returns what belongs together and closes the holes the enforcers leave: an ERC-20 spend admits no native
value, a native spend admits no calldata unless it is named.

Order of the caveats: "kit" is that of the TypeScript kit's scopes, "wallet" that of MetaMask's ERC-7715 grants. It is
signed, but changes nothing in what is allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from caveats.constraints.amounts import (
    NATIVE_DECIMALS,
    Amount,
    CalendarName,
    Moment,
    base_units,
    period_seconds,
    unix_seconds,
)
from caveats.enforcer import NATIVE_TOKEN, EnforcerTerms
from caveats.errors import EncodingError
from caveats.outcome.erc20_balance_change import ERC20BalanceChange
from caveats.spend.erc20_period_transfer import ERC20PeriodTransfer
from caveats.spend.erc20_streaming import ERC20Streaming
from caveats.spend.erc20_transfer_amount import ERC20TransferAmount
from caveats.spend.erc721_transfer import ERC721Transfer
from caveats.spend.native_token_period_transfer import NativeTokenPeriodTransfer
from caveats.spend.native_token_streaming import NativeTokenStreaming
from caveats.spend.native_token_transfer_amount import NativeTokenTransferAmount
from caveats.spend.value_lte import ValueLte
from caveats.targets.allowed_calldata import AllowedCalldata
from caveats.targets.exact_calldata import ExactCalldata
from caveats.types import MAX_UINT256, Address

Order = Literal["kit", "wallet"]
Terms = tuple[EnforcerTerms, ...]

NATIVE = NATIVE_TOKEN
"""Stands for the chain's native token where a token is asked for."""


def spend_total(
    token: Address,
    amount: Amount,
    *,
    decimals: int | None = None,
    call_data: bytes | Sequence[AllowedCalldata] = b"",
    order: Order = "kit",
) -> Terms:
    """Return the caveats for spending at most `amount` of `token` over the life of the delegation.

    Args:
        token: an ERC-20, or NATIVE.
        amount: base units, or text with `decimals` (18 for NATIVE).
        call_data: for NATIVE only: the exact calldata the call must carry, or windows of it; none by default.

    Raises:
        EncodingError: an amount that cannot be read, or calldata named for an ERC-20.
    """
    if token == NATIVE:
        cap = base_units(amount, _native_places(decimals), what="amount")
        return _native(NativeTokenTransferAmount(max_amount_wei=cap), call_data, order)
    cap = base_units(amount, decimals, what="amount")
    return _erc20(ERC20TransferAmount(token=token, max_amount=cap), call_data, order)


def spend_per_period(
    token: Address,
    amount: Amount,
    period: CalendarName | int,
    *,
    start_at: Moment,
    decimals: int | None = None,
    call_data: bytes | Sequence[AllowedCalldata] = b"",
    order: Order = "kit",
) -> Terms:
    """Return the caveats for spending at most `amount` of `token` in each period, counted from `start_at`.

    Unused budget is forfeited at the boundary, and around one up to twice the amount can leave within seconds. A start
    in the past gives a full budget at once. There is no end: add an expiry.

    Args:
        period: seconds, or "hour", "day", "week", "two weeks", "month" (30 days), "quarter" (90), "year" (365).
        start_at: unix seconds or a datetime with a zone; nothing may be spent before.

    Raises:
        EncodingError: as `spend_total`, or a period or start that cannot be read.
    """
    seconds, start = period_seconds(period), unix_seconds(start_at, what="start_at")
    if token == NATIVE:
        wei = base_units(amount, _native_places(decimals), what="amount")
        terms = NativeTokenPeriodTransfer(period_amount_wei=wei, period_seconds=seconds, start_at=start)
        return _native(terms, call_data, order)
    units = base_units(amount, decimals, what="amount")
    return _erc20(
        ERC20PeriodTransfer(token=token, period_amount=units, period_seconds=seconds, start_at=start), call_data, order
    )


def spend_stream(
    token: Address,
    per_second: Amount,
    *,
    start_at: Moment,
    initial: Amount = 0,
    at_most: Amount | None = None,
    decimals: int | None = None,
    call_data: bytes | Sequence[AllowedCalldata] = b"",
    order: Order = "kit",
) -> Terms:
    """Return the caveats for a stream: `initial` at `start_at`, then `per_second`, never more than `at_most` in all.

    Args:
        at_most: cap on everything, the initial amount included; None for no cap.

    Raises:
        EncodingError: as `spend_total`, or a cap below the initial amount.
    """
    places = _native_places(decimals) if token == NATIVE else decimals
    rate, first = base_units(per_second, places, what="per_second"), base_units(initial, places, what="initial")
    cap = MAX_UINT256 if at_most is None else base_units(at_most, places, what="at_most")
    start = unix_seconds(start_at, what="start_at")
    if token == NATIVE:
        native = NativeTokenStreaming(
            initial_amount_wei=first, max_amount_wei=cap, amount_per_second_wei=rate, start_at=start
        )
        return _native(native, call_data, order)
    stream = ERC20Streaming(token=token, initial_amount=first, max_amount=cap, amount_per_second=rate, start_at=start)
    return _erc20(stream, call_data, order)


def spend_per_call(
    token: Address, amount: Amount, *, decimals: int | None = None, holder: Address | None = None
) -> Terms:
    """Return the caveats for spending at most `amount` of `token` in one redemption, however often.

    It is no budget: combine it with a total, a period or a call limit. For an ERC-20 no enforcer reads the amount of
    one transfer, so the balance of `holder` (the root delegator) is compared before and after; the redemption
    reverts while that balance is below `amount`.

    Raises:
        EncodingError: an ERC-20 without `holder`, or an amount that cannot be read.
    """
    if token == NATIVE:
        return (ValueLte(max_value_wei=base_units(amount, _native_places(decimals), what="amount")),)
    if holder is None:
        raise EncodingError("spend_per_call: an ERC-20 needs holder=, the account whose balance is watched")
    units = base_units(amount, decimals, what="amount")
    return (ERC20BalanceChange(enforce_decrease=True, token=token, recipient=holder, amount=units),)


def transfer_nft(token: Address, token_id: int, *, order: Order = "kit") -> Terms:
    """Return the caveats for transferring one ERC-721 token and no native value; its recipient is free.

    The TypeScript kit's scope leaves native value free; here it is closed.
    """
    return _erc20(ERC721Transfer(token=token, token_id=token_id), b"", order)


def _native_places(decimals: int | None) -> int:
    return NATIVE_DECIMALS if decimals is None else decimals


def _erc20(terms: EnforcerTerms, call_data: bytes | Sequence[AllowedCalldata], order: Order) -> Terms:
    if call_data:
        raise EncodingError("call_data: a token spend fixes the call itself", hint="use payee to fix the recipient")
    guard = ValueLte(max_value_wei=0)
    return (guard, terms) if order == "kit" else (terms, guard)


def _native(terms: EnforcerTerms, call_data: bytes | Sequence[AllowedCalldata], order: Order) -> Terms:
    rules: Terms
    rules = (ExactCalldata(call_data=call_data),) if isinstance(call_data, bytes) else tuple(call_data)
    if not rules:
        raise EncodingError("call_data: an empty list fixes nothing", hint="leave it out to admit no calldata")
    return (*rules, terms) if order == "kit" else (terms, *rules)
