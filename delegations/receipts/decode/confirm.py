"""Denials that need no trace: where what was asked shows by itself that it had to be refused, for the reason given.

The reason a failed user operation is logged with may have been written by whoever was called last, so alone it proves
nothing. But where the manager's own rules, or terms that bind whatever the state, refuse the first entry of a call,
its execution is never reached: then nobody but the manager and the enforcers before it can have spoken.

Source: framework 1.3.0, DelegationManager.redeemDelegations, order of checks and hooks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from caveats.attempt import Attempt
from caveats.errors import EncodingError
from caveats.registry import EnforcerRegistry
from caveats.types import Address
from delegations.framework.reverts import RevertReason
from delegations.redemption import Redemption
from delegations.simulation.replay import manager_refusals
from delegations.simulation.verdict import Denial
from delegations.simulation.wording import say_refusal

# they ask the clock, which neither transaction nor receipt tells
_BY_THE_CLOCK: Final = ("TimestampEnforcer", "BlockNumberEnforcer")


def confirmed_denial(
    redemptions: tuple[Redemption, ...], redeemer: Address, revert: RevertReason | None, registry: EnforcerRegistry
) -> Denial | None:
    """Return the denial that the calldata itself proves, or None: also where it only looks like one."""
    if revert is None or not redemptions:
        return None
    first = next(manager_refusals(redemptions[:1], redeemer, lambda _digest: False), None)
    if first is not None:
        # a revoked link is refused at the same point of the order, by another error
        if first.error != revert.name:
            return None
        link = redemptions[0].context[first.link]
        return Denial(
            stage="manager",
            context=0,
            link=first.link,
            delegation=link.hash,
            reason=revert.onchain,
            explanation=revert.text,
            revert_data=revert.raw,
        )
    return next(_by_terms(redemptions[0], redeemer, revert, registry), None)


def _by_terms(
    redemption: Redemption, redeemer: Address, revert: RevertReason, registry: EnforcerRegistry
) -> Iterator[Denial]:
    if not redemption.executions:
        return
    for depth, link in enumerate(redemption.context):
        for index, caveat in enumerate(link.caveats):
            decoded = registry.decode(caveat)
            terms = decoded.terms
            if (
                terms is None
                or not terms.JUDGED_ALONE
                or terms.HOOKS != ("before",)
                or decoded.enforcer_name in _BY_THE_CLOCK
            ):
                continue
            attempt = Attempt(
                executions=redemption.executions,
                is_batch=redemption.mode.is_batch,
                is_try=redemption.mode.is_try,
                redeemer=redeemer,
                delegator=link.delegator,
                args=caveat.args,
            )
            try:
                reason = terms.denies(attempt)
            except EncodingError:
                continue
            if not reason or reason != revert.reason or revert.enforcer != decoded.enforcer_name:
                continue
            yield Denial(
                stage="hook",
                context=0,
                link=depth,
                delegation=link.hash,
                caveat=index,
                enforcer=caveat.enforcer,
                enforcer_name=decoded.enforcer_name,
                hook="before",
                reason=reason,
                explanation=say_refusal(decoded, reason),
                revert_data=revert.raw,
            )
