"""What counters in storage leave over: the arithmetic of every stateful enforcer, over words that were read before.

Caveats of one enforcer in one delegation share one counter. `level_of` takes all that draw on it in one redemption,
in the order of their hooks: the limits of the first use may rule the rest, and an amount is counted once by each.

Source: framework 1.3.0, the enforcers' _validateAndConsume functions and _getAvailableAmount.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from caveats.attempt import StateKey
from caveats.enforcer import NATIVE_TOKEN, EnforcerTerms
from caveats.revocation.id import Id
from caveats.revocation.limited_calls import LimitedCalls
from caveats.revocation.nonce import Nonce
from caveats.seconds import LATEST_SECOND
from caveats.spend._budget import Budget
from caveats.spend._stream import OVERFLOW, Stream
from caveats.spend.erc20_period_transfer import ERC20PeriodTransfer
from caveats.spend.erc20_streaming import ERC20Streaming
from caveats.spend.erc20_transfer_amount import ERC20TransferAmount
from caveats.spend.multi_token_period import MultiTokenPeriod, TokenPeriod
from caveats.spend.native_token_payment import NativeTokenPayment
from caveats.spend.native_token_period_transfer import NativeTokenPeriodTransfer
from caveats.spend.native_token_streaming import NativeTokenStreaming
from caveats.spend.native_token_transfer_amount import NativeTokenTransferAmount
from caveats.spend.value_lte import ValueLte
from caveats.targets.specific_action_erc20_transfer_batch import (
    SpecificActionERC20TransferBatch,
    SpecificActionERC20TransferBatchV1,
)
from caveats.types import MAX_UINT256, Address, Model
from delegations.simulation.state import Slot, Snapshot

Kind = Literal["amount", "period", "stream", "calls", "id", "nonce", "payment", "per_call"]

_KINDS: tuple[tuple[Kind, tuple[type[EnforcerTerms], ...]], ...] = (
    ("amount", (ERC20TransferAmount, NativeTokenTransferAmount)),
    ("period", (ERC20PeriodTransfer, NativeTokenPeriodTransfer, MultiTokenPeriod)),
    ("stream", (ERC20Streaming, NativeTokenStreaming)),
    ("calls", (LimitedCalls, SpecificActionERC20TransferBatch, SpecificActionERC20TransferBatchV1)),
    ("id", (Id,)),
    ("nonce", (Nonce,)),
    ("payment", (NativeTokenPayment,)),
    ("per_call", (ValueLte,)),
)
_TOKEN_TERMS = (ERC20TransferAmount, ERC20PeriodTransfer, ERC20Streaming)
_WORDS: dict[Kind, int] = {"amount": 1, "period": 5, "stream": 5, "calls": 1, "id": 1, "nonce": 1}


class Place(Model):
    """Where a caveat stands.

    Attributes:
        link: index of the delegation in its chain, leaf 0.
        caveat: index in the delegation.
        group: of a LogicalOrWrapper, when it stands inside one.
        inner: index in that group.
        record: of a MultiTokenPeriod.
    """

    link: int
    caveat: int
    group: int | None = None
    inner: int | None = None
    record: int | None = None

    def __str__(self) -> str:
        parts = [f"link {self.link}", f"caveat {self.caveat}"]
        if self.group is not None:
            parts.append(f"group {self.group}")
        if self.inner is not None:
            parts.append(f"caveat {self.inner} in it")
        return ", ".join(parts if self.record is None else [*parts, f"record {self.record}"])


@dataclass(frozen=True, slots=True)
class Item:
    """One caveat, or one record of one, that something can be said about.

    Attributes:
        name: the class's name, or the enforcer's address.
        key: under which the enforcer keeps its state.
        refused: the revert reason with which it refuses whatever is tried; None when it can be read.
        is_opaque: whether the enforcer is unknown.
    """

    place: Place
    enforcer: Address
    name: str
    key: StateKey
    terms: EnforcerTerms | None = None
    refused: str | None = None
    is_opaque: bool = False

    @property
    def kind(self) -> Kind | None:
        """What it counts; None when it counts nothing that could run out."""
        return next((kind for kind, classes in _KINDS if isinstance(self.terms, classes)), None)

    @property
    def record(self) -> TokenPeriod | None:
        """The record of a MultiTokenPeriod."""
        if isinstance(self.terms, MultiTokenPeriod) and self.place.record is not None:
            return self.terms.records[self.place.record]
        return None

    @property
    def asset(self) -> Address | None:
        """What it bounds: a token, or NATIVE_TOKEN; None when no asset."""
        if self.record is not None:
            return self.record.token
        if isinstance(self.terms, _TOKEN_TERMS):
            return self.terms.token
        return NATIVE_TOKEN if self.kind in ("amount", "period", "stream", "payment", "per_call") else None

    @property
    def budget(self) -> Budget:
        """The terms of a period."""
        if self.record is not None:
            return self.record.budget
        return cast("ERC20PeriodTransfer | NativeTokenPeriodTransfer", self.terms).budget

    @property
    def stream(self) -> Stream:
        """The terms of a stream."""
        return cast("ERC20Streaming | NativeTokenStreaming", self.terms).stream

    @property
    def cap(self) -> int:
        """The one number of an amount, a count or a price."""
        terms = self.terms
        if isinstance(terms, ERC20TransferAmount):
            return terms.max_amount
        if isinstance(terms, NativeTokenTransferAmount):
            return terms.max_amount_wei
        if isinstance(terms, NativeTokenPayment):
            return terms.amount_wei
        if isinstance(terms, ValueLte):
            return terms.max_value_wei
        return terms.limit if isinstance(terms, LimitedCalls) else 1

    @property
    def slot(self) -> int | None:
        """The first slot of its counter."""
        if isinstance(self.terms, MultiTokenPeriod) and self.place.record is not None:
            return self.terms.state_slot(self.key, index=self.place.record)
        return self.terms.state_slot(self.key) if self.terms is not None and self.kind in _WORDS else None

    @property
    def counter(self) -> tuple[object, ...]:
        """What it draws on: two items that give the same share it."""
        if self.slot is None:
            return (self.place.link, self.place.caveat, self.place.group, self.place.inner)
        return bytes(self.enforcer), self.slot, self.terms.id if isinstance(self.terms, Id) else None

    def slots(self) -> Iterator[Slot]:
        """Yield every slot of its counter."""
        if self.slot is not None and self.kind is not None:
            for i in range(_WORDS[self.kind]):
                yield bytes(self.enforcer), self.slot + i

    def admits(self, asset: Address) -> bool:
        """Return whether a call under it can move that asset at all."""
        if self.record is not None:
            return self.record.token == asset
        return not isinstance(self.terms, _TOKEN_TERMS) or asset in (self.terms.token, NATIVE_TOKEN)

    def denies(self, reason: str) -> str:
        """Return the enforcer's revert string for a reason."""
        return self.terms.revert_of(reason) if self.terms is not None else reason


@dataclass(frozen=True, slots=True)
class Level:
    """What a counter leaves to one redemption.

    Attributes:
        total: the limit; of a stream its maximum, of a payment its price.
        used: of the limit so far, in this period.
        left: the most one redemption may take; of a count, how many redemptions are left. None when it bounds none.
        denied: the revert reason every redemption gets whatever it asks for; None when there is none.
        opens_at: when it begins, where it has not begun.
        resets_at: when the period ends and the budget is full again; None when never.
        more_at: the second from which there is more than nothing, where nothing is left; None when never.
        seconds: the length of a period.
        rate: of a stream, per second.
        full_at: when a stream reaches its maximum.
        breaks_at: when a stream overflows and reverts from then on.
        current: the delegator's nonce.
        by_first_use: whether the limits are those of the first use, and not those of the terms.
        has_code: whether there is a contract at the enforcer's address.
    """

    total: int | None = None
    used: int | None = None
    left: int | None = None
    denied: str | None = None
    opens_at: int | None = None
    resets_at: int | None = None
    more_at: int | None = None
    seconds: int | None = None
    rate: int | None = None
    full_at: int | None = None
    breaks_at: int | None = None
    current: int | None = None
    by_first_use: bool = False
    has_code: bool = True


def level_of(items: Sequence[Item], snapshot: Snapshot, now: int) -> Level:
    """Return what the counter that all `items` share leaves to one redemption at unix second `now`."""
    first = items[0]
    if first.refused is not None:
        return Level(left=0, denied=first.refused)
    if first.kind is None:
        return _coded(Level(), first, snapshot)
    words = tuple(snapshot.word(*slot) for slot in first.slots())
    return _coded(_LEVELS[first.kind](items, words, now), first, snapshot)


def _coded(level: Level, item: Item, snapshot: Snapshot) -> Level:
    # the manager reverts, without a reason, on calling an address without code
    if snapshot.code(item.enforcer):
        return level
    return replace(level, left=0, denied="", more_at=None, has_code=False)


def _amount(items: Sequence[Item], words: tuple[int, ...], now: int) -> Level:
    (spent,) = words
    room = [(item.cap - spent) // count for count, item in enumerate(items, 1)]
    over = next((item for item in items if item.cap < spent), None)
    return Level(
        total=min(item.cap for item in items),
        used=spent,
        left=max(min(room), 0),
        denied=None if over is None else over.denies("allowance-exceeded"),
    )


def _period(items: Sequence[Item], words: tuple[int, ...], now: int) -> Level:
    stored, (last, transferred) = Budget(*words[:3]), words[3:]
    is_new = stored.start_at == 0
    budget = items[0].budget if is_new else stored
    level = Level(
        total=budget.amount,
        used=0,
        left=0,
        seconds=budget.seconds,
        by_first_use=stored != items[0].budget and not is_new,
    )
    reason = budget.denies(0, now)
    if reason is not None:
        opens = budget.start_at if reason == "transfer-not-started" else None
        # a stored budget is asked for what is available, and zero of nothing passes
        denied = items[0].denies(reason) if is_new else None
        return replace(level, denied=denied, opens_at=opens, more_at=opens)
    number = (now - budget.start_at) // budget.seconds + 1
    used = transferred if last == number else 0
    left = max(budget.amount - used, 0) // len(items)
    resets = _reachable(budget.start_at + number * budget.seconds)
    return replace(level, used=used, left=left, resets_at=resets, more_at=None if left else resets)


def _stream(items: Sequence[Item], words: tuple[int, ...], now: int) -> Level:
    terms = [item.stream for item in items]
    for item, one in zip(items, terms, strict=True):
        reason = one.refuses_terms()
        if reason is not None:
            return Level(total=one.maximum, used=words[4], left=0, rate=one.rate, denied=item.denies(reason))
    spent = words[4]
    stream = Stream(*words[:4]) if spent else terms[0]
    level = Level(
        total=stream.maximum,
        used=spent,
        left=0,
        rate=stream.rate,
        opens_at=stream.start_at if now < stream.start_at else None,
        full_at=_full_at(stream),
        breaks_at=_reachable(stream.start_at + (MAX_UINT256 - stream.initial) // stream.rate + 1)
        if stream.rate
        else None,
        by_first_use=stream != terms[0],
    )
    unlocked = stream.unlocked(now)
    if unlocked is None:
        return replace(level, denied=OVERFLOW)
    left = max(unlocked - spent, 0) // len(items)
    return replace(level, left=left, more_at=None if left else unlocks_at(stream, spent + 1))


def unlocks_at(stream: Stream, amount: int) -> int | None:
    """Return the first second at which `amount` is unlocked in total; None when it never is."""
    if amount > stream.maximum:
        return None
    if amount <= stream.initial:
        return stream.start_at
    if stream.rate == 0:
        return None
    at = stream.start_at + -(-(amount - stream.initial) // stream.rate)
    return None if stream.unlocked(at) is None else _reachable(at)


def _full_at(stream: Stream) -> int | None:
    return None if stream.maximum == MAX_UINT256 else unlocks_at(stream, stream.maximum)


def _calls(items: Sequence[Item], words: tuple[int, ...], now: int) -> Level:
    is_counter = isinstance(items[0].terms, LimitedCalls)
    used = words[0] if is_counter else min(words[0], 1)
    rest = [(item.cap - used - place) // len(items) + 1 for place, item in enumerate(items, 1)]
    left = max(min(rest), 0)
    reason = "limit-exceeded" if is_counter else "delegation-already-used"
    denied = None if left else items[0].denies(reason)
    return Level(total=min(item.cap for item in items), used=used, left=left, denied=denied)


def _id(items: Sequence[Item], words: tuple[int, ...], now: int) -> Level:
    used = int(cast("Id", items[0].terms).is_used(words[0]))
    left = 1 if not used and len(items) == 1 else 0
    return Level(total=1, used=used, left=left, denied=None if left else items[0].denies("id-already-used"))


def _nonce(items: Sequence[Item], words: tuple[int, ...], now: int) -> Level:
    differs = any(isinstance(item.terms, Nonce) and item.terms.nonce != words[0] for item in items)
    return Level(current=words[0], denied=items[0].denies("invalid-nonce") if differs else None)


def _plain(items: Sequence[Item], words: tuple[int, ...], now: int) -> Level:
    return Level(total=min(item.cap for item in items))


def _reachable(at: int) -> int | None:
    return at if at <= LATEST_SECOND else None


_LEVELS: dict[Kind, Callable[[Sequence[Item], tuple[int, ...], int], Level]] = {
    "amount": _amount,
    "period": _period,
    "stream": _stream,
    "calls": _calls,
    "id": _id,
    "nonce": _nonce,
    "payment": _plain,
    "per_call": _plain,
}
