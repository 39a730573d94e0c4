"""How often, by whom and to whom it may be used, and what ends it early."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from caveats.abi import encode_address
from caveats.enforcer import NATIVE_TOKEN, EnforcerTerms
from caveats.errors import EncodingError, UnsupportedError
from caveats.revocation.id import Id
from caveats.revocation.limited_calls import LimitedCalls
from caveats.revocation.nonce import Nonce
from caveats.revocation.redeemer import Redeemer
from caveats.targets.allowed_calldata import AllowedCalldata
from caveats.targets.allowed_targets import AllowedTargets
from caveats.types import Address

Terms = tuple[EnforcerTerms, ...]

_RECIPIENT_START = 4
"""Where transfer(address to, uint256) holds the recipient."""


def at_most_calls(limit: int) -> Terms:
    """Return the caveat for at most `limit` redemptions. A batch counts once."""
    return (LimitedCalls(limit=limit),)


def single_use(use_id: int | None = None) -> Terms:
    """Return the caveat for one use among all delegations of this delegator that carry the same id.

    Args:
        use_id: 256 random bits when None, so that unrelated delegations never share one.
    """
    return (Id(id=secrets.randbits(256) if use_id is None else use_id),)


def revocable_by_nonce(nonce: int) -> Terms:
    """Return the caveat that ends with the delegator's nonce: one increment revokes all that carry the old one.

    Args:
        nonce: the delegator's current nonce at the NonceEnforcer; 0 for an account that never incremented it.
    """
    return (Nonce(nonce=nonce),)


def redeemable_by(redeemers: Sequence[Address]) -> Terms:
    """Return the caveat for use by these redeemers only, whatever is delegated on. Sound for plain EOAs."""
    return (Redeemer(redeemers=tuple(redeemers)),)


def payee(token: Address, payees: Sequence[Address]) -> Terms:
    """Return the caveat for paying these accounts only: one for an ERC-20, one or several for NATIVE.

    Pair it with a spend of the same token: for an ERC-20 it fixes the first argument of transfer.

    Raises:
        EncodingError: no payee.
        UnsupportedError: several payees of an ERC-20, which no single caveat can hold.
    """
    if not payees:
        raise EncodingError("payee: expected at least one account")
    if token == NATIVE_TOKEN:
        return (AllowedTargets(targets=tuple(payees)),)
    if len(payees) != 1:
        raise UnsupportedError(
            f"payee: an ERC-20 spend can be bound to one payee, got {len(payees)}",
            hint="grant one delegation per payee, or put one group per payee into LogicalOrWrapper",
        )
    return (AllowedCalldata(data_start=_RECIPIENT_START, value=encode_address(payees[0])),)
