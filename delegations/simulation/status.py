"""Does a delegation still hold? Read from state alone: nothing is executed, and no redeemer and no call is assumed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, cast

from caveats.enforcer import Tokens, format_utc
from caveats.errors import VerificationError
from caveats.expiry.block_number import BlockNumber
from caveats.expiry.timestamp import Timestamp
from caveats.registry import EnforcerRegistry
from caveats.revocation.nonce import Nonce
from caveats.types import Address, Bytes32, Listed, Model
from delegations.delegation import ROOT_AUTHORITY, Delegation, recover_delegation_signer, verify_chain
from delegations.evm.chain import LocalChain
from delegations.framework.artifact import load_framework
from delegations.framework.constants import (
    EIP7702_PREFIX,
    EIP7702_STATELESS_DELEGATOR,
    HYBRID_DELEGATOR,
    MULTISIG_DELEGATOR,
)
from delegations.simulation.allowance import Item, Place
from delegations.simulation.plan import IMPLEMENTATION_SLOT, PAUSED_SLOT, Picture, look
from delegations.simulation.remaining import Remaining, is_unknown, most_of, remaining_of
from delegations.simulation.replay import disabled_slot
from delegations.simulation.state import StateReader
from delegations.simulation.wording import describe_level

State = Literal[
    "invalid",
    "expired",
    "exhausted",
    "nonce_bumped",
    "disabled",
    "delegator_code_changed",
    "not_yet_valid",
    "manager_paused",
    "unknown",
    "active",
]
"""What a delegation can be, the most final first; an exhausted one that fills up again stands after disabled."""

_FINALITY: dict[State, int] = {
    "invalid": 0,
    "expired": 1,
    "exhausted": 2,
    "nonce_bumped": 3,
    "disabled": 4,
    "delegator_code_changed": 5,
    "not_yet_valid": 7,
    "manager_paused": 8,
    "unknown": 9,
    "active": 10,
}
_EXHAUSTED_FOR_NOW = 6
OFFICIAL_IMPLEMENTATIONS = frozenset({EIP7702_STATELESS_DELEGATOR, HYBRID_DELEGATOR, MULTISIG_DELEGATOR})
"""The account implementations of framework 1.3.0."""


class Finding(Model):
    """One thing that stands in the way.

    Attributes:
        state: what it makes of the delegation.
        place: the caveat; None when none is at fault.
        link: index of the delegation in its chain, leaf 0; None when the manager is at fault.
        since: since when, in unix seconds, where a time decides.
        until: when it ends by itself, in unix seconds; None when never, or when that cannot be told.
        sentence: in words.
    """

    state: State
    place: Place | None = None
    link: int | None = None
    since: int | None = None
    until: int | None = None
    sentence: str

    @property
    def finality(self) -> int:
        """How hard it is to undo: 0 for what can never be undone."""
        return _EXHAUSTED_FOR_NOW if self.state == "exhausted" and self.until is not None else _FINALITY[self.state]


class Status(Model):
    """Whether a chain of delegations holds at one moment.

    Attributes:
        state: the most final of what was found; "active" when nothing stands in the way.
        at: the unix second it holds at.
        delegations: the hashes of the chain, leaf first.
        findings: everything found, the most final first.
        sentence: of the first finding.
        remaining: what is left at the same moment.
    """

    state: State
    at: int
    delegations: Listed[Bytes32]
    findings: Listed[Finding] = ()
    sentence: str
    remaining: Remaining

    @property
    def is_active(self) -> bool:
        """Whether nothing known stands in the way of a redemption that its caveats admit."""
        return self.state == "active"

    def has(self, state: State) -> bool:
        """Return whether this was found, be it the most final or not."""
        return any(finding.state == state for finding in self.findings)


def status(
    source: LocalChain | StateReader,
    context: Sequence[Delegation] | Delegation,
    *,
    at: int | None = None,
    tokens: Tokens | None = None,
    registry: EnforcerRegistry | None = None,
    implementations: frozenset[Address] = OFFICIAL_IMPLEMENTATIONS,
) -> Status:
    """Return whether a chain (leaf first) or one delegation still holds, with everything that stands in the way.

    "active" says that nothing in the state stands in the way, not that any given call passes: ask `simulate`. An
    enforcer nobody knows makes it "unknown". Signatures of keys are checked; those of contracts cannot be without
    executing, and a known implementation is trusted with its own. It is known behind the framework's own account proxy
    alone: what other code makes of its storage cannot be read.

    Args:
        source: a local chain, or a reader of a node.
        context: the delegations.
        at: the unix second asked about, on the state as it is now; the state's own time when None.
        tokens: names and decimals for the sentences.
        registry: reads enforcers of your own.
        implementations: the account code that is expected behind EIP-7702 accounts and proxies.

    Raises:
        EncodingError: no delegation at all.
        TransportError, EngineError: the state could not be read.

    Source: framework 1.3.0, DelegationManager.redeemDelegations; EIP-7702; ERC-1967.
    """
    picture = look(source, context, at=at, registry=registry)
    left = remaining_of(picture, tokens)
    found = [
        *_of_manager(picture),
        *_of_links(picture),
        *_of_accounts(picture, implementations),
        *_of_caveats(picture, tokens),
        *_of_amounts(picture, left),
    ]
    found += _of_counts(left, found)
    found.sort(key=lambda finding: finding.finality)
    first = found[0] if found else Finding(state="active", sentence="Nothing in the state stands in the way.")
    return Status(
        state=first.state,
        at=picture.at,
        delegations=left.delegations,
        findings=tuple(found),
        sentence=first.sentence,
        remaining=left,
    )


def _of_manager(picture: Picture) -> Iterator[Finding]:
    if not picture.snapshot.code(picture.manager):
        yield Finding(
            state="unknown", sentence=f"There is no delegation manager at {picture.manager}: is this the right chain?"
        )
    if picture.snapshot.word(picture.manager, PAUSED_SLOT) >> 160 & 0xFF:
        yield Finding(
            state="manager_paused",
            sentence="The delegation manager is paused: nothing can be redeemed until its owner lifts that.",
        )


def _of_links(picture: Picture) -> Iterator[Finding]:
    context = picture.plan.context
    try:
        # a redelegation looked at without its parents says nothing about them
        verify_chain(context if context[-1].is_root else (*context[:-1], _as_root(context[-1])))
    except VerificationError as error:
        yield Finding(state="invalid", sentence=f"The links do not fit together: {error}.")
    for depth, link in enumerate(context):
        if picture.snapshot.word(picture.manager, disabled_slot(link.hash)):
            yield Finding(
                state="disabled",
                link=depth,
                sentence=f"Link {depth} was disabled by its delegator {link.delegator}, who can enable it again.",
            )


def _as_root(link: Delegation) -> Delegation:
    return link.model_copy(update={"authority": ROOT_AUTHORITY})


# accounts


def _of_accounts(picture: Picture, implementations: frozenset[Address]) -> Iterator[Finding]:
    for depth, link in enumerate(picture.plan.context):
        code = picture.snapshot.code(link.delegator)
        behind = _implementation(picture, link.delegator, code)
        if not code and link.is_root:
            sentence = f"The delegator {link.delegator} has no code, so it cannot execute for a delegate."
            yield Finding(state="delegator_code_changed", link=depth, sentence=f"{sentence} Upgrade or deploy it.")
        if not code or behind == EIP7702_STATELESS_DELEGATOR:
            yield from _of_signature(picture, depth, link)
        elif behind not in implementations:
            yield _foreign(picture, depth, link, code, behind)


def _is_upgraded(code: bytes) -> bool:
    return len(code) == 23 and code.startswith(EIP7702_PREFIX)


def _implementation(picture: Picture, account: Address, code: bytes) -> Address | None:
    if _is_upgraded(code):
        return Address(code[3:])
    # storage is the account's own to write: only the framework's proxy is known to go by it
    return _told(picture, account) if code and code == load_framework().proxy_code else None


def _told(picture: Picture, account: Address) -> Address | None:
    """Return the implementation that an account's storage names, whatever its code makes of that."""
    word = picture.snapshot.word(account, IMPLEMENTATION_SLOT)
    return Address(word.to_bytes(32, "big")[12:]) if word else None


def _foreign(picture: Picture, depth: int, link: Delegation, code: bytes, behind: Address | None) -> Finding:
    whose = f"Link {depth}: the delegator {link.delegator}"
    if _is_upgraded(code):
        sentence = f"{whose} points its code at {behind}, which is not the account code that is expected."
        return Finding(state="delegator_code_changed", link=depth, sentence=sentence)
    if _signed_by_key(picture, link):
        sentence = f"{whose} signed with its key and now has other code, which judges the signature instead."
        return Finding(state="delegator_code_changed", link=depth, sentence=sentence)
    which = "a contract of a kind that is not known"
    if behind is not None:
        which = f"a proxy for {behind}"
    elif (told := _told(picture, link.delegator)) is not None:
        which = f"a contract whose storage names {told}, but whose code is not the framework's proxy"
    sentence = f"{whose} is {which}: whether it accepts the signature and the call cannot be read from state."
    return Finding(state="unknown", link=depth, sentence=sentence)


def _signer(picture: Picture, link: Delegation) -> Address:
    return recover_delegation_signer(link, chain_id=picture.snapshot.chain_id, manager=picture.manager)


def _signed_by_key(picture: Picture, link: Delegation) -> bool:
    try:
        return _signer(picture, link) == link.delegator
    except VerificationError:
        return False


def _of_signature(picture: Picture, depth: int, link: Delegation) -> Iterator[Finding]:
    if not link.signature:
        yield Finding(state="invalid", link=depth, sentence=f"Link {depth} is not signed.")
    elif not _signed_by_key(picture, link):
        yield Finding(
            state="invalid",
            link=depth,
            sentence=f"Link {depth} is not signed by its delegator {link.delegator} for chain"
            f" {picture.snapshot.chain_id} and this manager.",
        )


# caveats


def _of_caveats(picture: Picture, tokens: Tokens | None) -> Iterator[Finding]:
    for part in picture.plan.parts:
        found = [[f for item in way for f in _of_item(picture, item, tokens)] for way in part.alternatives]
        if part.is_wrapper and not found:
            sentence = f"LogicalOrWrapper ({part.place}): there is no group to choose."
            yield Finding(state="invalid", place=part.place, link=part.place.link, sentence=sentence)
        elif len(found) == 1:
            yield from found[0]
        elif all(found):
            best = _best(found)
            which = "Every group of the LogicalOrWrapper" if part.is_wrapper else "Every record of the MultiTokenPeriod"
            sentence = f"{which} ({part.place}) is closed, the best of them by this: {best.sentence}"
            yield best.model_copy(update={"sentence": sentence})


def _of_item(picture: Picture, item: Item, tokens: Tokens | None) -> Iterator[Finding]:
    """Yield what one caveat has against every redemption, whatever is asked."""
    link, level = item.place.link, picture.level(item)
    if level.denied is None:
        if isinstance(item.terms, Timestamp | BlockNumber):
            yield from _of_window(picture, item)
        elif is_unknown(item):
            sentence = f"{item.place}: what {item.name} decides by is not known, and it may deny everything."
            yield Finding(state="unknown", place=item.place, link=link, sentence=sentence)
        return
    state: State = "invalid"
    if level.opens_at is not None:
        state = "not_yet_valid"
    elif isinstance(item.terms, Nonce) and level.has_code and level.current is not None:
        state = "nonce_bumped" if level.current > item.terms.nonce else "not_yet_valid"
    elif level.has_code and item.refused is None and level.used:
        state = "exhausted"
    yield Finding(
        state=state,
        place=item.place,
        link=link,
        until=level.opens_at,
        sentence=f"{item.name} ({item.place}): {describe_level(item, level, tokens)}",
    )


def _of_window(picture: Picture, item: Item) -> Iterator[Finding]:
    where, terms = f"{item.name} ({item.place})", cast("Timestamp | BlockNumber", item.terms)
    since = until = None
    if isinstance(terms, Timestamp):
        now, after, before = picture.at, terms.after_at, terms.before_at
        since, until = before, after + 1
        early, late = f"not valid before {format_utc(until)}", f"expired at {format_utc(before)}"
    else:
        now, after, before = picture.snapshot.block_number, terms.after_block, terms.before_block
        early, late = f"not valid before block {after + 1}", f"expired with block {before}"
        early, late = f"{early}; it is block {now}", f"{late}; it is block {now}"
    place, link = item.place, item.place.link
    if before and now >= before:
        yield Finding(state="expired", place=place, link=link, since=since, sentence=f"{where}: {late}.")
    elif after and now <= after:
        yield Finding(state="not_yet_valid", place=place, link=link, until=until, sentence=f"{where}: {early}.")


def _best(found: list[list[Finding]]) -> Finding:
    """Return what decides when the redeemer chooses among several: of each the most final, of these the least."""
    return max((min(each, key=lambda f: f.finality) for each in found), key=lambda f: f.finality)


# amounts


def _of_counts(left: Remaining, found: Sequence[Finding]) -> Iterator[Finding]:
    """Yield that no redemption is left, unless the count itself said so."""
    place = left.calls_tightest
    if left.calls_left != 0 or place is None:
        return
    if any(f.place is not None and (f.link, f.place.caveat) == (place.link, place.caveat) for f in found):
        return
    was_used = any(each.used for each in left.of(place.link, place.caveat))
    yield Finding(
        state="exhausted" if was_used else "invalid",
        place=place,
        link=place.link,
        sentence=f"No redemption is left: the tightest count is at {place}.",
    )


def _of_amounts(picture: Picture, left: Remaining) -> Iterator[Finding]:
    """Yield that nothing can be moved, when that is so of every asset: used up, or not begun."""
    spent, waiting = [], []
    for asset in left.assets:
        most = most_of(picture, asset.asset)
        if most is None or most.left != 0:
            return
        if most.item is None or most.level is None or most.item.asset != asset.asset or most.level.denied is not None:
            continue  # shut by something else, which is a finding of its own
        if most.level.used:
            spent.append(most)
        elif most.level.opens_at is not None:
            waiting.append(most)
    if not spent and not waiting:
        return
    decisive = spent or waiting
    times = [most.more_at for most in decisive if most.more_at is not None]
    item = decisive[0].item
    yield Finding(
        state="exhausted" if spent else "not_yet_valid",
        place=item.place if item else None,
        link=item.place.link if item else None,
        until=min(times, default=None),
        sentence=" ".join(asset.sentence for asset in left.assets),
    )
