"""What is left: of every caveat, of every asset, and of the number of redemptions, for one delegation or a chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from caveats.enforcer import NATIVE_TOKEN, Tokens
from caveats.registry import ENFORCERS, RETIRED_ENFORCERS, EnforcerRegistry
from caveats.types import Address, Bytes32, Listed, Model, Uint256
from delegations.delegation import Delegation
from delegations.evm.chain import LocalChain
from delegations.simulation.allowance import Item, Kind, Level, Place
from delegations.simulation.plan import Alternative, Picture, is_bound_to, look
from delegations.simulation.state import StateReader
from delegations.simulation.wording import describe_level, name_asset, name_budget, show_asset, until

_AMOUNTS: tuple[Kind, ...] = ("amount", "period", "stream")


class CaveatLeft(Model):
    """What one caveat leaves, looked at alone.

    Attributes:
        place: where it stands.
        enforcer: its address.
        name: its short name.
        kind: what it counts.
        asset: what it bounds; the zero address is the native token; None when no asset.
        total: the limit: of a period the budget, of a stream the maximum, of a payment the price.
        used: of it so far; of a period, in this period.
        left: the most one redemption may take now; of a count, how many are left. None for a nonce, and for a payment
            whose allowance is not at hand.
        denied: the revert reason every redemption gets whatever it asks for; None when there is none.
        opens_at: when it begins, in unix seconds, where it has not begun.
        resets_at: when the budget of a period is full again; None when never.
        rate_per_second: of a stream.
        full_at: when a stream has unlocked its maximum; None when never.
        current_nonce: of the link's delegator.
        sentence: all of it in words.
    """

    place: Place
    enforcer: Address
    name: str
    kind: Kind
    asset: Address | None = None
    total: Uint256 | None = None
    used: Uint256 | None = None
    left: Uint256 | None = None
    denied: str | None = None
    opens_at: int | None = None
    resets_at: int | None = None
    rate_per_second: Uint256 | None = None
    full_at: int | None = None
    current_nonce: Uint256 | None = None
    sentence: str


class AssetLeft(Model):
    """What the whole chain leaves of one asset. The tightest link decides.

    Attributes:
        asset: the token; the zero address is the native token.
        left: the most one redemption may move now; None when a choice of the redeemer leaves it unbounded, or when it
            cannot be worked out (`unknown` says so).
        tightest: where the caveat stands that decides.
        more_at: when there will be more, in unix seconds; None when never by itself.
        sentence: all of it in words.
    """

    asset: Address
    left: Uint256 | None = None
    tightest: Place | None = None
    more_at: int | None = None
    sentence: str


class Remaining(Model):
    """What is left of a delegation or a chain, at one moment.

    Attributes:
        at: the unix second it holds at.
        block_number: of the state.
        delegations: the hashes of the chain, leaf first.
        caveats: every caveat that counts something.
        assets: every asset that a caveat counts.
        calls_left: how many redemptions are left; None when they are not counted.
        calls_tightest: where the caveat stands that decides `calls_left`.
        notes: what is surprising, one sentence each.
        unknown: what cannot be said, one sentence each; when not empty, less may be left than stands here.
    """

    at: int
    block_number: int
    delegations: Listed[Bytes32]
    caveats: Listed[CaveatLeft] = ()
    assets: Listed[AssetLeft] = ()
    calls_left: Uint256 | None = None
    calls_tightest: Place | None = None
    notes: Listed[str] = ()
    unknown: Listed[str] = ()

    def of(self, link: int, caveat: int) -> tuple[CaveatLeft, ...]:
        """Return what one caveat leaves: several entries for a wrapper or a caveat of several records."""
        return tuple(c for c in self.caveats if (c.place.link, c.place.caveat) == (link, caveat))

    def of_asset(self, asset: Address) -> AssetLeft | None:
        """Return what the chain leaves of one asset; None when no caveat counts it."""
        return next((a for a in self.assets if a.asset == asset), None)


def remaining(
    source: LocalChain | StateReader,
    context: Sequence[Delegation] | Delegation,
    *,
    at: int | None = None,
    tokens: Tokens | None = None,
    registry: EnforcerRegistry | None = None,
) -> Remaining:
    """Return what is left of a chain (leaf first) or of one delegation, read from state; nothing is executed.

    Balances, time windows, revocation and who redeems are not looked at: `status` does that. What one caveat leaves is
    exactly what one redemption may take; the next asks again.

    Args:
        source: a local chain, or a reader of a node.
        context: the delegations.
        at: the unix second asked about, on the state as it is now; the state's own time when None.
        tokens: names and decimals for the sentences.
        registry: reads enforcers of your own.

    Raises:
        EncodingError: no delegation at all.
        TransportError, EngineError: the state could not be read. That never means that nothing is left.

    Source: framework 1.3.0, storage layouts and _getAvailableAmount of the enforcers.
    """
    return remaining_of(look(source, context, at=at, registry=registry), tokens)


def remaining_of(picture: Picture, tokens: Tokens | None = None) -> Remaining:
    """Return what is left in a picture that was taken before."""
    items = list(picture.plan.items())
    counting = [(item, item.kind) for item in items if item.kind is not None and item.kind != "per_call"]
    assets = dict.fromkeys(i.asset for i, kind in counting if i.asset is not None and kind != "payment")
    ways = picture.plan.choices()
    calls = (
        None if ways is None else max((_calls(picture, way) for way in ways), key=_by_calls, default=_Calls(0, None))
    )
    return Remaining(
        at=picture.at,
        block_number=picture.snapshot.block_number,
        delegations=tuple(link.hash for link in picture.plan.context),
        caveats=tuple(_caveat_left(picture, item, kind, tokens) for item, kind in counting),
        assets=tuple(_asset_left(picture, asset, tokens) for asset in assets),
        calls_left=None if calls is None else calls.left,
        calls_tightest=None if calls is None else calls.place,
        notes=tuple(_notes(picture)),
        unknown=tuple(_unknown(picture, too_many=ways is None)),
    )


def caveat_level(picture: Picture, item: Item) -> Level:
    """Return what one caveat leaves alone; of a payment, how often the allowance at hand pays for it."""
    level = picture.level(item)
    brought = picture.of_allowance(item.place) if item.kind == "payment" else None
    if brought is None or not level.has_code:
        return level
    payer = picture.plan.context[item.place.link]
    if not is_bound_to(brought.plan.context, payer, item.enforcer):
        return replace(level, left=0)
    of_it = remaining_of(brought)
    bounds = [of_it.calls_left] if of_it.calls_left is not None else []
    native = of_it.of_asset(NATIVE_TOKEN)
    if native is not None and native.left is not None and level.total:
        bounds.append(native.left // level.total)
    return replace(level, left=min(bounds, default=None))


def _caveat_left(picture: Picture, item: Item, kind: Kind, tokens: Tokens | None) -> CaveatLeft:
    level = caveat_level(picture, item)
    return CaveatLeft(
        place=item.place,
        enforcer=item.enforcer,
        name=item.name,
        kind=kind,
        asset=item.asset,
        total=level.total,
        used=level.used,
        left=level.left,
        denied=level.denied,
        opens_at=level.opens_at,
        resets_at=level.resets_at,
        rate_per_second=level.rate,
        full_at=level.full_at,
        current_nonce=level.current,
        sentence=describe_level(item, level, tokens),
    )


@dataclass(frozen=True, slots=True)
class Most:
    """What one way of redeeming leaves of an asset.

    Attributes:
        left: the most one redemption may move; None when nothing bounds it.
        item: the caveat that decides.
        level: of that caveat.
        per_call: the cap on the value of each call, for the native token.
    """

    left: int | None
    item: Item | None = None
    level: Level | None = None
    per_call: int | None = None

    @property
    def more_at(self) -> int | None:
        """When there will be more than nothing."""
        return None if self.level is None else self.level.more_at

    @property
    def rank(self) -> tuple[bool, int, bool, int]:
        """How good a choice it is for the redeemer: without a bound first, then more, then sooner. Exact integers."""
        return (self.left is None, self.left or 0, self.more_at is not None, -(self.more_at or 0))


def most_of(picture: Picture, asset: Address) -> Most | None:
    """Return what the best choice leaves of an asset; None when there are too many choices to look at."""
    ways = picture.plan.choices(asset)
    if ways is None:
        return None
    return max((_most(picture, way, asset) for way in ways), key=lambda most: most.rank, default=Most(0))


def shared(way: Alternative) -> Iterator[tuple[Item, ...]]:
    """Yield the items of one way of redeeming by the counter they draw on, in the order of their hooks."""
    groups: dict[tuple[object, ...], list[Item]] = {}
    for item in way:
        groups.setdefault(item.counter, []).append(item)
    yield from map(tuple, groups.values())


def _most(picture: Picture, way: Alternative, asset: Address) -> Most:
    per_call = min((item.cap for item in way if item.kind == "per_call"), default=None)
    bounds = []
    for group in shared(way):
        level = picture.level(*group)
        if level.denied is not None:
            bounds.append(Most(0, group[0], level))
        elif group[0].asset == asset and group[0].kind in _AMOUNTS:
            bounds.append(Most(level.left, group[0], level))
    pins = [item for item in way if item.record is None and item.asset not in (None, NATIVE_TOKEN)]
    if pins and any(item.record is not None and item.record.token == NATIVE_TOKEN for item in way):
        # one wants the calldata of a transfer, the other none at all
        bounds.append(Most(0, pins[0], Level(left=0)))
    tightest = min(bounds, key=lambda most: most.rank, default=Most(None))
    return Most(tightest.left, tightest.item, tightest.level, per_call if asset == NATIVE_TOKEN else None)


def _asset_left(picture: Picture, asset: Address, tokens: Tokens | None) -> AssetLeft:
    most = most_of(picture, asset)
    name = name_asset(asset, tokens)
    if most is None:
        return AssetLeft(asset=asset, sentence=f"How much {name} is left is not known: there are too many choices.")
    if most.left is None:
        return AssetLeft(asset=asset, sentence=f"{name} is not bounded: the redeemer may choose a group without a cap.")
    if most.item is None or most.level is None:
        sentence = f"No {name} can be moved: other caveats of the chain admit only other calls."
        return AssetLeft(asset=asset, left=0, sentence=sentence)
    sentence = _asset_sentence(picture, asset, most, most.item, most.level, tokens)
    resets = most.level.resets_at if most.left else most.more_at
    return AssetLeft(asset=asset, left=most.left, tightest=most.item.place, more_at=resets, sentence=sentence)


def _asset_sentence(
    picture: Picture, asset: Address, most: Most, item: Item, level: Level, tokens: Tokens | None
) -> str:
    where = f"{item.name} ({item.place})"
    if most.left == 0 and (level.denied is not None or level.opens_at is not None or item.asset != asset):
        why = level.denied or "it admits only other calls"
        return f"No {name_asset(asset, tokens)} can be moved{until(level.opens_at)}: {where} denies it ({why})."
    left = show_asset(asset, most.left or 0, tokens)
    if item.kind == "period":
        text = f"{left} is left of the {name_budget(level)}{until(level.resets_at)}"
    else:
        text = f"{left} is left {'now' if item.kind == 'stream' else 'in total'}"
    if most.per_call is not None:
        text += f", at most {show_asset(asset, most.per_call, tokens)} in each call"
    is_only = sum(i.asset == asset and i.kind in _AMOUNTS for i in picture.plan.items()) == 1
    return f"{text}." if is_only else f"{text}; the tightest is {where}."


@dataclass(frozen=True, slots=True)
class _Calls:
    left: int | None
    place: Place | None


def _by_calls(calls: _Calls) -> tuple[bool, int]:
    return (calls.left is None, calls.left or 0)


def _calls(picture: Picture, way: Alternative) -> _Calls:
    found = [_Calls(None, None)]
    for group in shared(way):
        level = picture.level(*group)
        if group[0].refused is not None or not level.has_code:
            found.append(_Calls(0, group[0].place))
        elif group[0].kind in ("calls", "id"):
            found.append(_Calls(level.left, group[0].place))
    return min(found, key=_by_calls)


def _notes(picture: Picture) -> Iterator[str]:
    seen = set()
    for way in picture.plan.choices() or ():
        for group in shared(way):
            places = tuple(str(item.place) for item in group)
            if len(group) > 1 and places not in seen and group[0].kind not in (None, "nonce", "per_call"):
                seen.add(places)
                yield (
                    f"{group[0].name} stands {len(group)} times on one counter ({'; '.join(places)}): each use counts"
                    f" {len(group)} times, and where the limits are kept those of the first rule."
                )
    yield from _pooled(picture)
    for item in picture.plan.items():
        if item.refused is not None or not picture.level(item).has_code:
            yield f"{item.place}: {describe_level(item, picture.level(item), None)}"


def _pooled(picture: Picture) -> Iterator[str]:
    for part in picture.plan.parts:
        groups: dict[tuple[object, ...], dict[int, Item]] = {}
        for item in (item for way in part.alternatives for item in way if part.is_wrapper and item.slot is not None):
            groups.setdefault(item.counter, {})[item.place.group or 0] = item
        for members in groups.values():
            if len(members) > 1:
                name = next(iter(members.values())).name
                listed = " and ".join(map(str, sorted(members)))
                yield (
                    f"{part.place}: groups {listed} share one counter of {name}: what is used in one is used in the"
                    " others, and where the limits are kept those of the group that is used first rule."
                )


def _unknown(picture: Picture, *, too_many: bool) -> Iterator[str]:
    if too_many:
        yield "The groups can be chosen in too many ways to look at each: what the chain leaves is not known."
    if not picture.snapshot.code(picture.manager):
        yield f"There is no delegation manager at {picture.manager}: is this the right chain?"
    for item in picture.plan.items():
        if is_unknown(item):
            yield f"{item.place}: what {item.name} decides by is not known, it may leave less."


def is_unknown(item: Item) -> bool:
    """Return whether a caveat may decide by something that nobody here knows."""
    if item.is_opaque:
        return True
    # the official ones without a kind keep state only while a redemption runs
    is_own = type(item.terms) not in ENFORCERS + RETIRED_ENFORCERS
    return item.terms is not None and not item.terms.JUDGED_ALONE and item.kind is None and is_own
