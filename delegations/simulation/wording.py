"""What is left, in words. Numbers come in human units for the tokens that are named."""

from __future__ import annotations

from caveats.enforcer import NATIVE_TOKEN, Tokens, format_utc, name_token, show_native, show_token
from caveats.registry import DecodedCaveat
from caveats.revocation.id import Id
from caveats.revocation.limited_calls import LimitedCalls
from caveats.revocation.nonce import Nonce
from caveats.seconds import LATEST_SECOND, format_seconds
from caveats.types import MAX_UINT256, Address
from delegations.simulation.allowance import Item, Level

_NAMES = {3_600: "hourly", 86_400: "daily", 604_800: "weekly"}


def show_asset(asset: Address, amount: int, tokens: Tokens | None) -> str:
    """Return "12.5 USDC", or base units with the token's address."""
    return show_native(amount, tokens) if asset == NATIVE_TOKEN else show_token(asset, amount, tokens)


def name_asset(asset: Address, tokens: Tokens | None) -> str:
    """Return "USDC", "ETH", or the token's address."""
    if asset != NATIVE_TOKEN:
        return name_token(asset, tokens)
    known = (tokens or {}).get(NATIVE_TOKEN)
    return known.symbol if known else "ETH"


def name_budget(level: Level) -> str:
    """Return "daily budget", "budget of 90 seconds" or, where the period never ends, "total budget"."""
    seconds = level.seconds or 0
    if seconds > LATEST_SECOND:
        return "total budget"
    return f"{_NAMES[seconds]} budget" if seconds in _NAMES else f"budget of {format_seconds(seconds)}"


def until(at: int | None) -> str:
    """Return " until 2027-01-16 00:00:00 UTC", or nothing for never."""
    return "" if at is None else f" until {format_utc(at)}"


def say_refusal(caveat: DecodedCaveat, reason: str) -> str:
    """Return that a caveat said no in one of its hooks, and why; `reason` is "" when it gave none."""
    return f"{caveat.name} said no ({reason or 'no reason given'}). Its terms: {caveat.describe()}"


def describe_level(item: Item, level: Level, tokens: Tokens | None) -> str:
    """Return one sentence: what this caveat leaves over."""
    if item.refused is not None:
        return f"{item.name} refuses every redemption ({item.refused or 'no reason given'})."
    if not level.has_code:
        return f"There is no contract at the address of {item.name}, {item.enforcer}: every redemption reverts."
    if item.kind in ("amount", "payment") and item.asset is not None:
        return _capped(item, level, item.asset, tokens)
    if item.kind == "period" and item.asset is not None:
        return _period(item, level, item.asset, tokens)
    if item.kind == "stream" and item.asset is not None:
        return _stream(item, level, item.asset, tokens)
    return _counted(item, level)


def _capped(item: Item, level: Level, asset: Address, tokens: Tokens | None) -> str:
    total = show_asset(asset, level.total or 0, tokens)
    if item.kind == "payment":
        if level.left is None:
            return f"Each redemption costs {total}, for which the redeemer must bring an allowance."
        return f"Each redemption costs {total}; the allowance brought along pays for {level.left} more."
    if level.total == MAX_UINT256:
        return f"{show_asset(asset, level.used or 0, tokens)} is spent, and there is no cap to speak of."
    over = ", less than is spent already, so that even an empty call is denied" if level.denied is not None else ""
    return f"{show_asset(asset, level.left or 0, tokens)} of {total} is left in total{over}."


def _period(item: Item, level: Level, asset: Address, tokens: Tokens | None) -> str:
    total = show_asset(asset, level.total or 0, tokens)
    if level.opens_at is not None:
        return f"Nothing yet: the {name_budget(level)} of {total} begins at {format_utc(level.opens_at)}."
    if level.denied is not None:
        return f"Nothing, ever: the contract refuses {item.budget.why_dead()}."
    left = show_asset(asset, level.left or 0, tokens)
    ruled = ", by the limits of its first use" if level.by_first_use else ""
    return f"{left} of the {name_budget(level)} of {total} is left{until(level.resets_at)}{ruled}."


def _stream(item: Item, level: Level, asset: Address, tokens: Tokens | None) -> str:
    total = "without a maximum" if level.total == MAX_UINT256 else f"of {show_asset(asset, level.total or 0, tokens)}"
    if level.denied is not None:
        return f"Nothing, ever: every redemption under this stream {total} reverts ({level.denied})."
    rate = show_asset(asset, level.rate or 0, tokens)
    if level.opens_at is not None:
        return f"Nothing yet: the stream {total}, {rate} each second, begins at {format_utc(level.opens_at)}."
    text = f"{show_asset(asset, level.left or 0, tokens)} is unlocked and not spent of a stream {total}"
    if level.total is not None and level.used == level.total:
        return f"{text}, all of which is spent."
    full = f" until all is unlocked at {format_utc(level.full_at)}" if level.full_at is not None else ""
    broken = f"; from {format_utc(level.breaks_at)} on it overflows and reverts" if level.breaks_at else ""
    ruled = ", by the limits of its first use" if level.by_first_use else ""
    return f"{text}; {rate} more unlocks each second{full}{ruled}{broken}."


def _counted(item: Item, level: Level) -> str:
    if isinstance(item.terms, Nonce):
        demanded = item.terms.nonce
        if level.current == demanded:
            return f"The delegator's nonce is {demanded}, as demanded."
        return f"The delegator's nonce is {level.current} and {demanded} is demanded."
    if isinstance(item.terms, Id):
        return f"Id {item.terms.id} {'is used' if level.used else 'is not used yet'}."
    if isinstance(item.terms, LimitedCalls):
        return f"{level.left} of {level.total} {'redemption' if level.total == 1 else 'redemptions'} left."
    return "Its one use is still to come." if level.left else "Its one use has been made."
