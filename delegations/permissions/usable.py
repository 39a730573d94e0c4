"""Can who asked use the grant at all? It may hold in every other way and still be worth nothing.

A wallet that may adjust may give less; less that nobody can use, or that costs who uses it, is no grant.

Source: framework 1.3.0, RedeemerEnforcer, TimestampEnforcer, NativeTokenPaymentEnforcer.
"""

from __future__ import annotations

from collections.abc import Iterator

from caveats.abi import ADDRESS_PAD, encode_uint
from caveats.compose.args_equality_check import ArgsEqualityCheck
from caveats.compose.logical_or_wrapper import LogicalOrWrapper
from caveats.enforcer import EnforcerTerms, format_utc
from caveats.errors import EngineError, ExecutionError, UnsupportedError
from caveats.execution import Execution
from caveats.expiry.timestamp import Timestamp
from caveats.registry import EnforcerRegistry
from caveats.revocation.redeemer import Redeemer
from caveats.spend.native_token_payment import NativeTokenPayment
from caveats.types import Address
from delegations.delegation import ANY_DELEGATE
from delegations.evm.chain import LocalChain
from delegations.evm.engine import Capability
from delegations.permissions.decode import DecodedPermission
from delegations.permissions.model import PermissionRequest
from delegations.permissions.rules import PayeeRule
from delegations.permissions.standing import Check, broken, holds, unknown
from delegations.redemption import redeem
from delegations.simulation import simulate

_TRANSFER = bytes.fromhex("a9059cbb")


def check_usable(
    request: PermissionRequest, granted: DecodedPermission, registry: EnforcerRegistry, stage: LocalChain | None
) -> Check:
    """Return whether `to` can use the grant, at some time, for nothing but gas.

    Args:
        request: what was asked.
        granted: what the signed context grants.
        registry: reads the enforcers of that chain.
        stage: the chain with the accounts deployed, where the smallest use is tried; None when there is none.
    """
    terms = [found for link in granted.context for c in link.caveats if (found := registry.decode(c).terms)]
    willing = _willing(request, terms)
    for why in (*_of_window(granted, terms), *_of_demands(terms)):
        return broken("usable", why)
    if not willing:
        return broken("usable", f"{request.to}, who was to redeem, is not among those who may")
    if stage is None or request.to not in willing:
        return holds("usable", f"{', '.join(sorted(map(str, willing)))} may redeem it, within its times")
    try:
        return _try_least(request, granted, _begins(granted, terms), stage)
    except (EngineError, ExecutionError, UnsupportedError) as error:
        return unknown("usable", str(error))


def _willing(request: PermissionRequest, terms: list[EnforcerTerms]) -> set[Address]:
    """Return who may redeem it of those it was asked for: `to`, or whom it is to pass it on to."""
    if request.to == ANY_DELEGATE:
        return {ANY_DELEGATE}
    asked = request.redeemers
    willing = {request.to} if asked is None or request.to in asked else set(asked)
    for each in terms:
        if isinstance(each, Redeemer):
            willing &= set(each.redeemers)
    return willing


def _begins(granted: DecodedPermission, terms: list[EnforcerTerms]) -> int:
    later = [each.after_at + 1 for each in terms if isinstance(each, Timestamp) and each.after_at]
    return max([getattr(granted.permission, "start_time", None) or 0, *later])


def _of_window(granted: DecodedPermission, terms: list[EnforcerTerms]) -> Iterator[str]:
    begins = _begins(granted, terms)
    ends = min((each.before_at for each in terms if isinstance(each, Timestamp) and each.before_at), default=None)
    if ends is not None and begins >= ends:
        yield f"it is never valid: it ends at {format_utc(ends)} and would begin at {format_utc(begins)}"


def _of_demands(terms: list[EnforcerTerms]) -> Iterator[str]:
    for each in terms:
        if isinstance(each, NativeTokenPayment):
            yield f"each use costs the redeemer {each.amount_wei} wei, paid to {each.recipient}"
        elif isinstance(each, LogicalOrWrapper | ArgsEqualityCheck):
            yield f"{each.ENFORCER} wants args of the redeemer, which no permission tells of"


def _try_least(request: PermissionRequest, granted: DecodedPermission, begins: int, stage: LocalChain) -> Check:
    """One unit, a second after it begins, when a stream has it. What fails in the account itself is no fault of it."""
    least = _least(granted, request.to)
    ahead = begins >= stage.timestamp
    if least is None or request.to == ANY_DELEGATE or (ahead and Capability.BLOCK not in stage.engine.capabilities):
        return holds("usable", f"{request.to} may redeem it, within its times")
    trial = stage.copy()
    trial.manager = stage.manager
    if ahead:
        trial.timestamp = begins + 1
    ends = granted.request.expiry
    if ends is not None and trial.timestamp >= ends:
        trial.timestamp = begins
    denial = simulate(trial, redeem(granted.context, least), redeemer=request.to).denial
    if denial is None or not denial.is_policy:
        return holds("usable", f"{request.to} may redeem it, within its times")
    where = "the manager" if denial.link is None else f"link {denial.link}"
    return unknown("usable", f"the least use of it, one unit, is denied by {where}: {denial.explanation}")


def _least(granted: DecodedPermission, to: Address) -> Execution | None:
    """Return the smallest use there is; None for a permission that depends on approvals that are there."""
    token: Address | None = getattr(granted.permission, "token_address", None)
    payees = [address for rule in granted.rules if isinstance(rule, PayeeRule) for address in rule.addresses]
    payee = payees[0] if payees else to
    if token is not None:
        return Execution(target=token, call_data=_TRANSFER + ADDRESS_PAD + payee + encode_uint(1))
    return Execution(target=payee, value=1) if granted.permission.type.startswith("native-") else None
