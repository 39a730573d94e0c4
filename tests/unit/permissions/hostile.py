"""How a grant that a wallet gave is looked at, and whether the chain honours it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caveats.types import Address
from delegations.delegation import Delegation, decode_context, encode_context, redelegate, sign_delegation
from delegations.evm import LocalChain, dev_account
from delegations.permissions import PermissionRequest, PermissionResponse
from delegations.permissions.verify import GrantReport, verify_response
from delegations.redemption import redeem
from delegations.simulation import simulate
from tests.unit.permissions.dapp import (
    AGENT,
    CHAIN_ID,
    OTHER,
    PLACE,
    REGISTRY,
    Grantor,
    changed,
    fresh_chain,
    pay,
    usd_a_day,
)

HONEST = Grantor()
ADJUSTABLE = usd_a_day(adjustable=True)


def look(
    given: Grantor | PermissionResponse, asked: PermissionRequest | None = None, chain: Any = None, **options: Any
) -> GrantReport:
    request = usd_a_day() if asked is None else asked
    response = given.respond(request) if isinstance(given, Grantor) else given
    source = fresh_chain() if chain is None else chain
    return verify_response(request, response, chain=source, registry=REGISTRY, **options)


def passed_on(
    *caveats: Any, by: Address = OTHER, to: Address | None = None, asked: PermissionRequest = ADJUSTABLE
) -> PermissionResponse:
    """A response whose context runs from Alice over `by` (or anybody) to the agent."""
    (parent,) = decode_context(HONEST.but(draws=changed(delegate=by if to is None else to)).respond(asked).context)
    leaf = redelegate(parent, delegate=AGENT, delegator=by, caveats=caveats, salt=1)
    signed = sign_delegation(leaf, dev_account(3), chain_id=CHAIN_ID, manager=PLACE.manager)
    return HONEST.respond(asked).model_copy(update={"context": encode_context([signed, parent])})


def redeems(chain: LocalChain, context: bytes | Sequence[Delegation], amount: int = 1, **options: Any) -> bool:
    links = decode_context(context) if isinstance(context, bytes) else context
    return simulate(chain, redeem(links, pay(amount)), **options).allowed
