"""The manager's fixed order of calls, replayed: which call of the tree belongs to which caveat.

For every context, leaf to root, one signature check a link; then before_all for all contexts; then per context the
before hooks leaf to root, the execution on the root's account, the after hooks root to leaf with caveats reversed;
then after_all root to leaf, reversed.

Source: framework 1.3.0, DelegationManager.redeemDelegations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from caveats.types import Address, Bytes32, keccak
from delegations.delegation import ANY_DELEGATE, ROOT_AUTHORITY, Delegation
from delegations.redemption import Redemption
from delegations.simulation.verdict import HookName

ECRECOVER = Address((1).to_bytes(20, "big"))
StepKind = Literal["signature", "hook", "execution"]
_DISABLED_SLOT = 4


@dataclass(frozen=True, slots=True)
class Step:
    """One call the manager is expected to make."""

    kind: StepKind
    context: int
    target: Address
    link: int | None = None
    caveat: int | None = None
    hook: HookName | None = None


def expected_steps(
    redemptions: Sequence[Redemption], redeemer: Address, has_code: Callable[[Address], bool]
) -> Iterator[Step]:
    """Yield the calls the manager makes when nothing fails, in order."""
    for i, redemption in enumerate(redemptions):
        for depth, link in enumerate(redemption.context):
            target = link.delegator if has_code(link.delegator) else ECRECOVER
            yield Step("signature", i, target, link=depth)
    for i, redemption in enumerate(redemptions):
        yield from _hooks(i, redemption, "before_all")
    for i, redemption in enumerate(redemptions):
        yield from _hooks(i, redemption, "before")
        root = redemption.root
        yield Step("execution", i, root.delegator if root else redeemer)
        yield from _hooks(i, redemption, "after")
    for i, redemption in enumerate(redemptions):
        yield from _hooks(i, redemption, "after_all")


def _hooks(context: int, redemption: Redemption, hook: HookName) -> Iterator[Step]:
    links = list(enumerate(redemption.context))
    is_after = hook in ("after", "after_all")
    for depth, link in reversed(links) if is_after else links:
        caveats = list(enumerate(link.caveats))
        for index, caveat in reversed(caveats) if is_after else caveats:
            yield Step("hook", context, caveat.enforcer, link=depth, caveat=index, hook=hook)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A check the manager makes without a call, and that does not hold."""

    context: int
    link: int
    error: str


def manager_refusals(
    redemptions: Sequence[Redemption], redeemer: Address, is_disabled: Callable[[bytes], bool]
) -> Iterator[Refusal]:
    """Yield what the manager itself refuses, in the order it would find it."""
    for i, redemption in enumerate(redemptions):
        chain = redemption.context
        if chain and chain[0].delegate not in (redeemer, ANY_DELEGATE):
            yield Refusal(i, 0, "InvalidDelegate()")
        for depth, link in enumerate(chain):
            if is_disabled(link.hash):
                yield Refusal(i, depth, "CannotUseADisabledDelegation()")
            yield from _broken_link(i, depth, chain)


def _broken_link(context: int, depth: int, chain: Sequence[Delegation]) -> Iterator[Refusal]:
    link = chain[depth]
    if depth == len(chain) - 1:
        if link.authority != ROOT_AUTHORITY:
            yield Refusal(context, depth, "InvalidAuthority()")
        return
    above = chain[depth + 1]
    if link.authority != above.hash:
        yield Refusal(context, depth, "InvalidAuthority()")
    if above.delegate not in (link.delegator, ANY_DELEGATE):
        yield Refusal(context, depth, "InvalidDelegate()")


def disabled_slot(delegation_hash: bytes) -> int:
    """Return the manager's storage slot that is 1 when a delegation is disabled.

    Source: framework 1.3.0 storage layout, disabledDelegations at slot 4.
    """
    return int.from_bytes(keccak(delegation_hash + _DISABLED_SLOT.to_bytes(32, "big")), "big")


def link_hash(redemptions: Sequence[Redemption], context: int, link: int) -> Bytes32:
    """Return the hash of one delegation of a call."""
    return redemptions[context].context[link].hash
