"""What of a chain of delegations counts, where its counters lie, and all of that read at once.

A wrapper of groups and a caveat of several records leave the redeemer a choice: each caveat of a chain is a list of
alternatives, and one redemption takes one alternative of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain as concat
from itertools import islice, product

from caveats.attempt import StateKey
from caveats.caveat import Caveat
from caveats.compose.args_equality_check import ArgsEqualityCheck
from caveats.compose.logical_or_wrapper import LogicalOrWrapper
from caveats.errors import EncodingError, UnsupportedError
from caveats.registry import EnforcerRegistry
from caveats.spend.multi_token_period import MultiTokenPeriod
from caveats.spend.native_token_payment import NativeTokenPayment
from caveats.types import Address
from delegations.delegation import Delegation, decode_context
from delegations.evm.chain import LocalChain
from delegations.simulation.allowance import Item, Level, Place, level_of
from delegations.simulation.replay import disabled_slot
from delegations.simulation.state import Slot, Snapshot, StateReader, reader_of

Alternative = tuple[Item, ...]
MOST_CHOICES = 512
_MOST_ITEMS = 500  # as many uses of storage as a block has the gas for
PAUSED_SLOT = 1
"""The manager's slot of pendingOwner, low 20 bytes, and the paused flag above it. Source: framework 1.3.0 storage."""
IMPLEMENTATION_SLOT = 0x360894A13BA1A3210667C828492DB98DCA3E2076CC3735A920A3CA505D382BBC
"""Where a proxy keeps its implementation. Source: ERC-1967."""


@dataclass(frozen=True, slots=True)
class Part:
    """One caveat of a link.

    Attributes:
        place: of the caveat itself.
        alternatives: what the redeemer chooses from; one for a plain caveat, none where nothing can be chosen.
        is_wrapper: whether it is a LogicalOrWrapper, whose alternatives are groups.
    """

    place: Place
    alternatives: tuple[Alternative, ...]
    is_wrapper: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A chain, caveat by caveat.

    Attributes:
        context: the chain, leaf first.
        parts: every caveat of every link, in the order of the before hooks.
        allowances: the chain that a NativeTokenPayment's args bring along, by the caveat's place.
    """

    context: tuple[Delegation, ...]
    parts: tuple[Part, ...]
    allowances: dict[Place, Plan]

    def items(self) -> Iterator[Item]:
        """Yield every item once, whatever is chosen."""
        seen = set()
        for part in self.parts:
            for item in concat.from_iterable(part.alternatives):
                if item.place not in seen:
                    seen.add(item.place)
                    yield item

    def slots(self, manager: Address) -> Iterator[Slot]:
        """Yield every storage slot that an answer depends on."""
        yield bytes(manager), PAUSED_SLOT
        for link in self.context:
            yield bytes(manager), disabled_slot(link.hash)
            yield bytes(link.delegator), IMPLEMENTATION_SLOT
        for item in self.items():
            yield from item.slots()
        for inner in self.allowances.values():
            yield from inner.slots(manager)

    def codes(self) -> Iterator[bytes]:
        """Yield every account whose code an answer depends on."""
        for link in self.context:
            yield bytes(link.delegator)
            yield from (bytes(caveat.enforcer) for caveat in link.caveats)
        yield from (bytes(item.enforcer) for item in self.items())
        for inner in self.allowances.values():
            yield from inner.codes()

    def choices(self, asset: Address | None = None) -> list[Alternative] | None:
        """Return every way one redemption can go, as the items it meets; None when there are too many.

        Args:
            asset: only ways by which that asset can move; with None, ways that differ in more than the record.
        """
        kept = []
        for part in self.parts:
            if asset is not None:
                kept.append([way for way in part.alternatives if all(item.admits(asset) for item in way)])
            else:
                without = {tuple(i.place for i in way if i.record is None): way for way in reversed(part.alternatives)}
                kept.append(list(without.values()))
        found = list(islice(product(*kept), MOST_CHOICES + 1))
        return None if len(found) > MOST_CHOICES else [tuple(concat.from_iterable(way)) for way in found]


@dataclass(frozen=True, slots=True)
class Picture:
    """A chain of delegations together with the state it depends on.

    Attributes:
        plan: the chain.
        snapshot: what was read.
        at: the unix second that is asked about.
        manager: the delegation manager.
    """

    plan: Plan
    snapshot: Snapshot
    at: int
    manager: Address
    _levels: dict[tuple[Place, ...], Level] = field(default_factory=dict, init=False, repr=False, compare=False)

    def level(self, *items: Item) -> Level:
        """Return what the counter that `items` share leaves to one redemption."""
        places = tuple(item.place for item in items)
        if places not in self._levels:
            self._levels[places] = level_of(items, self.snapshot, self.at)
        return self._levels[places]

    def of_allowance(self, place: Place) -> Picture | None:
        """Return the picture of the allowance a payment's args bring; None when they bring none that can be read."""
        inner = self.plan.allowances.get(place)
        return None if inner is None else replace(self, plan=inner)


def look(
    source: LocalChain | StateReader,
    context: Sequence[Delegation] | Delegation,
    *,
    at: int | None = None,
    registry: EnforcerRegistry | None = None,
) -> Picture:
    """Return the chain with everything its state depends on, read at once.

    Raises:
        EncodingError: no delegation at all.
        UnsupportedError: more caveats than any block has the gas for.
        TransportError, EngineError: the state could not be read.
    """
    reader = reader_of(source)
    links = (context,) if isinstance(context, Delegation) else tuple(context)
    if not links:
        raise EncodingError.of("permission context", expected="at least one delegation", got="none")
    plan = plan_of(links, reader.manager, registry or EnforcerRegistry())
    slots = list(dict.fromkeys(plan.slots(reader.manager)))
    codes = list(dict.fromkeys([bytes(reader.manager), *plan.codes()]))
    snapshot = reader.read(slots, codes)
    return Picture(plan, snapshot, snapshot.timestamp if at is None else at, reader.manager)


def plan_of(
    context: tuple[Delegation, ...], manager: Address, registry: EnforcerRegistry, *, nested: bool = False
) -> Plan:
    """Return the chain, caveat by caveat; the allowance of a payment is followed one step, not further."""
    parts = []
    allowances: dict[Place, Plan] = {}
    count = 0
    for depth, link in enumerate(context):
        key = StateKey(caller=manager, delegation_hash=link.hash, delegator=link.delegator)
        for index, caveat in enumerate(link.caveats):
            place = Place(link=depth, caveat=index)
            part = _part(caveat, place, key, registry)
            parts.append(part)
            count += sum(map(len, part.alternatives))
            if count > _MOST_ITEMS:
                raise UnsupportedError(f"remaining: expected at most {_MOST_ITEMS} caveats and records, got more")
            if not nested and any(isinstance(i.terms, NativeTokenPayment) for way in part.alternatives for i in way):
                brought = _allowance_of(caveat.args)
                if brought:
                    allowances[place] = plan_of(brought, manager, registry, nested=True)
    return Plan(context, tuple(parts), allowances)


def is_bound_to(allowance: Sequence[Delegation], payer: Delegation, enforcer: Address) -> bool:
    """Return whether an allowance can pay for redemptions of `payer`, as far as its leaf tells.

    Source: framework 1.3.0, NativeTokenPaymentEnforcer.afterAllHook.
    """
    leaf = allowance[0]
    first = leaf.caveats[0] if leaf.caveats else None
    return (
        (leaf.is_open or leaf.delegate == enforcer)
        and first is not None
        and first.enforcer == ArgsEqualityCheck.ADDRESS
        and len(first.terms) == 52
        and first.terms[:32] == payer.hash
    )


def _allowance_of(args: bytes) -> tuple[Delegation, ...]:
    try:
        return decode_context(args)
    except EncodingError:
        return ()


def _part(caveat: Caveat, place: Place, key: StateKey, registry: EnforcerRegistry) -> Part:
    decoded = registry.decode(caveat)
    if not isinstance(decoded.terms, LogicalOrWrapper):
        return Part(place, _alternatives(caveat, place, key, registry))
    inner_key = replace(key, caller=caveat.enforcer)
    ways: list[Alternative] = []
    for number, group in enumerate(decoded.terms.groups):
        if sum(map(len, ways)) + len(group) > _MOST_ITEMS:
            raise UnsupportedError(f"remaining: expected at most {_MOST_ITEMS} caveats in groups, got more")
        inner = [
            _alternatives(each, place.model_copy(update={"group": number, "inner": at}), inner_key, registry)
            for at, each in enumerate(group)
        ]
        wrapper = Item(place.model_copy(update={"group": number}), caveat.enforcer, decoded.name, key, decoded.terms)
        ways += [(wrapper, *concat.from_iterable(way)) for way in islice(product(*inner), MOST_CHOICES + 1)]
    return Part(place, tuple(ways), is_wrapper=True)


def _alternatives(caveat: Caveat, place: Place, key: StateKey, registry: EnforcerRegistry) -> tuple[Alternative, ...]:
    decoded = registry.decode(caveat)
    item = Item(
        place, caveat.enforcer, decoded.name, key, decoded.terms, decoded.would_revert, is_opaque=decoded.is_opaque
    )
    if place.group is not None and isinstance(decoded.terms, LogicalOrWrapper | NativeTokenPayment):
        # its hook demands the manager as its caller, and in a group the wrapper calls
        refused = decoded.terms.revert_of("only-delegation-manager")
        return ((replace(item, terms=None, refused=refused),),)
    if isinstance(decoded.terms, MultiTokenPeriod):
        records = range(len(decoded.terms.records))
        return tuple((replace(item, place=place.model_copy(update={"record": n})),) for n in records)
    return ((item,),)
