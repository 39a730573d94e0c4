"""A denial in one sentence with numbers: what is left, until when, what was asked, and what would work instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caveats.compose.logical_or_wrapper import LogicalOrWrapper
from caveats.enforcer import NATIVE_TOKEN, TRANSFER_LENGTH, TRANSFER_SELECTOR, Tokens, format_utc
from caveats.errors import EncodingError
from caveats.execution import Execution
from caveats.expiry.block_number import BlockNumber
from caveats.expiry.timestamp import Timestamp
from caveats.registry import EnforcerRegistry
from caveats.revocation.id import Id
from caveats.revocation.nonce import Nonce
from caveats.spend.multi_token_period import MultiTokenPeriod
from caveats.types import MAX_UINT256, Address
from delegations.evm.chain import LocalChain
from delegations.framework.reverts import decode_revert
from delegations.redemption import Redemption
from delegations.simulation.advice import WHOLE_CALL, advise_on_caveat, advise_on_link
from delegations.simulation.allowance import Item, Level, unlocks_at
from delegations.simulation.plan import Alternative, Picture, look
from delegations.simulation.remaining import caveat_level, most_of
from delegations.simulation.state import StateReader
from delegations.simulation.verdict import Denial, Verdict
from delegations.simulation.wording import name_budget, show_asset, until


def explain_denial(
    source: LocalChain | StateReader,
    redemptions: Redemption | Sequence[Redemption],
    verdict: Verdict | Denial,
    *,
    tokens: Tokens | None = None,
    at: int | None = None,
    registry: EnforcerRegistry | None = None,
) -> str:
    """Return one or two sentences that say why, with the numbers the state holds.

    "The daily budget has 12.5 USDC left until 2027-01-16 00:00:00 UTC; asked 40 USDC. ..."

    Args:
        source: the state the verdict was given on, before the redemption.
        redemptions: what was asked, as it was given to `simulate`.
        verdict: what came of it.
        tokens: names and decimals.
        at: the unix second; the state's own time when None.
        registry: reads enforcers of your own.

    Raises:
        EncodingError: the redemption was allowed, so there is nothing to explain.
        TransportError, EngineError: the state could not be read.
    """
    denial = verdict.denial if isinstance(verdict, Verdict) else verdict
    if denial is None:
        raise EncodingError.of("verdict", expected="a denial", got="an allowed redemption")
    if denial.reason == "EnforcedPause()":
        return "The delegation manager is paused. Nothing is wrong with the delegation: ask again once that is lifted."
    asked = (redemptions,) if isinstance(redemptions, Redemption) else tuple(redemptions)
    if denial.stage == "execution":
        return f"{denial.explanation} {decode_revert(denial.revert_data).hint}".rstrip()
    if denial.reason in WHOLE_CALL and denial.stage == "manager":
        return f"{denial.explanation} {WHOLE_CALL[denial.reason]}"
    if denial.context is None or denial.context >= len(asked) or not asked[denial.context].context:
        return denial.explanation
    picture = look(source, asked[denial.context].context, at=at, registry=registry)
    return hint(denial, picture, asked, tokens=tokens) or denial.explanation


def hint(
    denial: Denial, picture: Picture, redemptions: Sequence[Redemption], *, tokens: Tokens | None = None
) -> str | None:
    """Return the sentences for a picture of the denied context; None when there is nothing to add to it."""
    if denial.stage in ("manager", "signature"):
        advice = advise_on_link(denial, picture.plan.context, str(picture.manager))
        return f"{denial.explanation} {advice}" if advice else None
    if denial.stage != "hook" or denial.context is None or denial.link is None or denial.caveat is None:
        return None
    item = _culprit(denial, picture)
    said = None if item is None else _Hint(denial, picture, redemptions, item, tokens).sentence()
    if said is not None:
        return said
    advice = advise_on_caveat(denial)
    return None if advice is None else f"{denial.explanation} {advice}"


def taken_way(redemption: Redemption, picture: Picture) -> Alternative:
    """Return the items that a redemption meets, given the groups and records its args choose."""
    way: list[Item] = []
    for part in picture.plan.parts:
        args = redemption.context[part.place.link].caveats[part.place.caveat].args
        for alternative in part.alternatives:
            if _is_chosen(alternative, args):
                way += alternative
                break
    return tuple(way)


def _is_chosen(alternative: Alternative, args: bytes) -> bool:
    for item in alternative:
        inner = args
        if item.place.group is not None:
            chosen = _selected(args)
            if chosen is None or chosen[0] != item.place.group:
                return False
            if item.place.inner is not None:
                if item.place.inner >= len(chosen[1]):
                    return False
                inner = chosen[1][item.place.inner]
        if item.place.record is not None and (
            len(inner) < 32 or MultiTokenPeriod.decode_args(inner) != item.place.record
        ):
            return False
    return True


def _selected(args: bytes) -> tuple[int, tuple[bytes, ...]] | None:
    try:
        return LogicalOrWrapper.decode_args(args)
    except EncodingError:
        return None


def _culprit(denial: Denial, picture: Picture) -> Item | None:
    """Return the caveat that denied; of a wrapper, the one of the chosen group whose enforcer's reason it is."""
    redemption = Redemption.model_construct(context=picture.plan.context, executions=())
    at = (denial.link, denial.caveat)
    found = [i for i in taken_way(redemption, picture) if (i.place.link, i.place.caveat) == at]
    if len(found) > 1 or (found and isinstance(found[0].terms, LogicalOrWrapper)):
        owner = denial.reason.partition(":")[0]
        found = [item for item in found if item.terms is not None and owner == item.terms.ENFORCER]
    return found[0] if found else None


def moved(redemption: Redemption, asset: Address | None) -> int:
    """Return how much of an asset the executions of a redemption ask for."""
    return sum(_amount(execution, asset) for execution in redemption.executions)


def _amount(execution: Execution, asset: Address | None) -> int:
    if asset == NATIVE_TOKEN:
        return execution.value
    data = execution.call_data
    is_transfer = execution.target == asset and len(data) == TRANSFER_LENGTH and data[:4] == TRANSFER_SELECTOR
    return int.from_bytes(data[36:], "big") if is_transfer else 0


class _Hint:
    """One denial by one caveat, and the numbers around it."""

    def __init__(
        self,
        denial: Denial,
        picture: Picture,
        redemptions: Sequence[Redemption],
        item: Item,
        tokens: Tokens | None,
    ) -> None:
        self.picture, self.item, self.tokens = picture, item, tokens
        self.reason = denial.reason.partition(":")[2]
        self.context = denial.context or 0
        self.redemptions = redemptions
        self.level = caveat_level(picture, item)
        self.asked = moved(redemptions[self.context], item.asset)
        self.said = denial.reason
        self.drawn, self.times = self._earlier()
        own = [each.place for each in self._way(redemptions[self.context]) if each.counter == item.counter]
        self.copies = max(len(own), 1)
        self.before_it = own.index(item.place) if item.place in own else 0

    def _earlier(self) -> tuple[int, int]:
        """Return how much, and how often, the same counter was drawn on by redemptions before in the same call."""
        drawn = times = 0
        if self.item.slot is not None:
            for redemption in self.redemptions[: self.context]:
                count = sum(item.counter == self.item.counter for item in self._way(redemption))
                drawn += count * moved(redemption, self.item.asset)
                times += count
        return drawn, times

    def _way(self, redemption: Redemption) -> Iterator[Item]:
        if redemption.context != self.picture.plan.context:
            # another chain shares the counter only through links it has in common
            hashes = {link.hash for link in redemption.context}
            own = self.picture.plan.context
            way = taken_way(Redemption.model_construct(context=own, executions=()), self.picture)
            yield from (item for item in way if own[item.place.link].hash in hashes)
            return
        yield from taken_way(redemption, self.picture)

    def sentence(self) -> str | None:
        """Return the sentence; None when this denial is not about a number."""
        item, level = self.item, self.level
        if isinstance(item.terms, Timestamp | BlockNumber):
            return self._window(item.terms)
        if not level.has_code or item.refused is not None or (item.asset is None and item.kind is None):
            return None
        if item.kind == "period" and self.reason == "transfer-not-started" and level.opens_at is not None:
            now = format_utc(self.picture.at)
            return f"The {name_budget(level)} begins at {format_utc(level.opens_at)}; asked at {now}."
        if item.kind == "period" and self.reason == "transfer-amount-exceeded":
            return self._period(level)
        if item.kind in ("amount", "stream") and self.reason == "allowance-exceeded":
            return self._amount(level) if item.kind == "amount" else self._stream(level)
        if item.kind == "per_call" and self.reason == "value-too-high":
            return f"Each call may carry {self._show(level.total)}; asked {self._show(self.asked)}."
        if item.kind == "payment":
            return self._payment(level)
        return self._counted(level)

    def _show(self, amount: int | None) -> str:
        return show_asset(self.item.asset or NATIVE_TOKEN, amount or 0, self.tokens)

    def _left_here(self, level: Level) -> tuple[int, str]:
        """Return what was left when the caveat was asked, and the words for what was counted before in the call."""
        before = self.drawn + self.before_it * self.asked
        words = f" after {self._show(self.drawn)} drawn before in the same call" if self.drawn else ""
        if self.before_it:
            words += f" after a copy of this caveat counted the same {self._show(self.asked)}"
        return max((level.left or 0) - before, 0), words

    def _would_work(self, level: Level) -> str:
        """Return what amount would pass, by the whole chain."""
        here = max((level.left or 0) - self.drawn, 0) // self.copies
        most = None if self.drawn else most_of(self.picture, self.item.asset or NATIVE_TOKEN)
        passes = here if most is None or most.left is None else min(here, most.left)
        if not passes:
            return ""
        other = ""
        if most is not None and most.item is not None and passes < here:
            other = f", as {most.item.name} ({most.item.place}) leaves no more"
        return f" At most {self._show(passes)} would pass now{other}."

    def _period(self, level: Level) -> str:
        left, before = self._left_here(level)
        text = (
            f"The {name_budget(level)} has {self._show(left)} left{until(level.resets_at)}{before};"
            f" asked {self._show(self.asked)}."
        )
        if self.asked > (level.total or 0):
            return f"{text}{self._would_work(level)} No period has more than {self._show(level.total)}."
        later = f" From {format_utc(level.resets_at)} on the budget is full again." if level.resets_at else ""
        return f"{text}{self._would_work(level)}{later}"

    def _amount(self, level: Level) -> str:
        left, before = self._left_here(level)
        text = f"The cap of {self._show(level.total)} in total has {self._show(left)} left{before}"
        never = "" if left else " Nothing refills it: a new delegation is needed."
        return f"{text}; asked {self._show(self.asked)}.{self._would_work(level)}{never}"

    def _stream(self, level: Level) -> str:
        item, asked = self.item, self._show(self.asked)
        if level.opens_at is not None:
            return f"The stream begins at {format_utc(level.opens_at)}; asked {asked} at {format_utc(self.picture.at)}."
        left, before = self._left_here(level)
        text = f"The stream has {self._show(left)} unlocked and not spent{before}; asked {asked}."
        spent = (level.used or 0) + self.drawn + self.before_it * self.asked
        stream = item.stream
        if level.by_first_use:
            first, *rest = (self.picture.snapshot.word(*slot) for slot in item.slots())
            stream = stream._replace(initial=first, maximum=rest[0], rate=rest[1], start_at=rest[2])
        ready = unlocks_at(stream, spent + self.asked)
        if ready is not None:
            return f"{text}{self._would_work(level)} That much is unlocked from {format_utc(ready)} on."
        most = stream.maximum - spent
        never = "It never unlocks that much" + (
            f", at most {self._show(most)} more in all." if stream.maximum < MAX_UINT256 else "."
        )
        return f"{text}{self._would_work(level)} {never}"

    def _payment(self, level: Level) -> str:
        price = self._show(level.total)
        if level.left is None:
            return f"Each redemption costs {price}, and the allowance brought along did not pay it ({self.said})."
        pays = "no payment more" if level.left == 0 else f"{level.left} more"
        return f"Each redemption costs {price}; the allowance brought along is good for {pays} ({self.said})."

    def _counted(self, level: Level) -> str | None:
        item = self.item
        if isinstance(item.terms, Nonce) and self.reason == "invalid-nonce":
            demanded = item.terms.nonce
            if level.current is not None and level.current > demanded:
                end = "That cannot be undone: a new delegation is needed."
            else:
                end = "It holds once the delegator has raised the nonce that far."
            return f"The delegator's nonce is {level.current}, and this delegation holds only at {demanded}. {end}"
        if isinstance(item.terms, Id) and self.reason == "id-already-used":
            how = "is used" if level.used else "is used earlier in the same call"
            return f"Id {item.terms.id} {how}, and each id passes once: a new delegation with another id is needed."
        if item.kind != "calls" or self.reason not in ("limit-exceeded", "delegation-already-used"):
            return None
        more = self.times + self.before_it
        times = f", {more} more earlier in the same call" if more else ""
        used = level.used or 0
        return (
            f"{used} of {level.total} {'redemption' if level.total == 1 else 'redemptions'} "
            f"{'is' if used == 1 else 'are'} used{times}: a new delegation is needed for more."
        )

    def _window(self, terms: Timestamp | BlockNumber) -> str | None:
        is_late = self.reason == "expired-delegation"
        if self.reason not in ("expired-delegation", "early-delegation"):
            return None
        if isinstance(terms, Timestamp):
            now = format_utc(self.picture.at)
            if is_late:
                return f"It expired at {format_utc(terms.before_at)}; asked at {now}. A new delegation is needed."
            return f"It is valid from {format_utc(terms.after_at + 1)} on; asked at {now}."
        number = self.picture.snapshot.block_number
        if is_late:
            return f"It expired with block {terms.before_block}; asked in block {number}. A new delegation is needed."
        return f"It is valid from block {terms.after_block + 1} on; asked in block {number}."
