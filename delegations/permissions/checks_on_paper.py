"""The checks that need no chain: what the bytes of a response say, beside what was asked.

Source: ERC-7715, Specification; ERC-7710; framework 1.3.0, DelegationManager.redeemDelegations.
"""

from __future__ import annotations

from collections.abc import Sequence

from caveats.errors import EncodingError, UnsupportedError, VerificationError
from caveats.types import Bytes32
from delegations.delegation import ANY_DELEGATE, Delegation, decode_context, encode_context, verify_chain
from delegations.framework.deployments import Deployment, Registry
from delegations.permissions.compare import Comparison, compare
from delegations.permissions.decode import DecodedPermission
from delegations.permissions.model import PermissionRequest, PermissionResponse
from delegations.permissions.standing import Check, broken, holds, unknown

_LARGEST_BYTES = 2**17
"""No node passes on a larger transaction. Source: go-ethereum, core/txpool, txMaxSize."""


def check_distinct(grants: Sequence[Sequence[Delegation]], held: Sequence[Sequence[Delegation]]) -> Check:
    """Return whether each grant rests on delegations of its own: budgets and fates are kept by hash.

    Args:
        grants: the contexts of one answer; an empty one for what could not be read.
        held: contexts of grants that came before.
    """
    owners: dict[Bytes32, str] = {link.hash: "a grant that is held already" for context in held for link in context}
    for index, context in enumerate(grants):
        hashes = [link.hash for link in context]
        for found in hashes:
            if found in owners:
                said = (
                    f"response {index} rests on the same delegation as {owners[found]}: what one uses the other lacks"
                )
                return broken("distinct", said)
        owners.update(dict.fromkeys(hashes, f"response {index}"))
    return holds("distinct", "no two grants rest on the same delegation")


def read_context(response: PermissionResponse) -> tuple[tuple[Delegation, ...] | None, Check]:
    """Return the delegations of a response, and whether its context is their bytes and nothing else."""
    try:
        context = decode_context(response.context)
    except EncodingError as error:
        return None, broken("context", f"not a permission context: {error}")
    if not context:
        return None, broken("context", "it is empty: it would make the redeemer's own account execute")
    if encode_context(context) != response.context:
        return context, broken("context", "it holds bytes that are no part of its delegations")
    size, count = len(response.context), len(context)
    if size > _LARGEST_BYTES:
        return context, broken("context", f"its {size} bytes are more than the {_LARGEST_BYTES} a transaction can have")
    args = " with args, which are not signed" if any(c.args for link in context for c in link.caveats) else ""
    chain = "one delegation" if count == 1 else f"a chain of {count} delegations"
    return context, holds("context", f"{chain}{args}")


def find_place(registry: Registry, chain_id: int) -> Deployment | None:
    """Return the framework on a chain; None when it is not known."""
    try:
        return registry.deployment(chain_id)
    except UnsupportedError:
        return None


def no_place(chain_id: int) -> str:
    """Return why what rests on the framework's addresses is unknown."""
    return f"no deployment of the framework on chain {chain_id} is known; register one with Registry.with_deployment"


def check_manager(response: PermissionResponse, place: Deployment | None, chain_id: int) -> Check:
    """Return whether the manager named is the framework's."""
    if place is None:
        return unknown("manager", no_place(chain_id))
    got = response.delegation_manager
    if got != place.manager:
        return broken("manager", f"expected the framework's manager {place.manager} on chain {chain_id}, got {got}")
    return holds("manager", f"{got}, the framework's on chain {chain_id}")


def check_chain(request: PermissionRequest, response: PermissionResponse) -> Check:
    """Return whether the grant is for the chain that was asked for."""
    if response.chain_id != request.chain_id:
        return broken("chain", f"expected {request.chain_id}, got {response.chain_id}")
    return holds("chain", f"{request.chain_id}, as asked")


def check_delegate(request: PermissionRequest, response: PermissionResponse, context: Sequence[Delegation]) -> Check:
    """Return whether the grant is for `to`, and no link on the way to it is open to strangers."""
    leaf = context[0]
    if leaf.is_open and leaf.delegate != request.to:
        return broken("delegate", f"open to anybody who holds the context, not to {request.to} alone: wider than asked")
    if leaf.delegate != request.to:
        return broken("delegate", f"expected {request.to}, who was to redeem, got {leaf.delegate}")
    if response.to != request.to:
        return broken("delegate", f"the context is for {request.to}, but the response says it is for {response.to}")
    for depth, link in enumerate(context):
        if link.is_open and request.to != ANY_DELEGATE:
            said = "whoever sees the context can redeem it first, or pass it to anybody: wider than asked"
            return broken("delegate", f"link {depth} is open: {said}")
    others = dict.fromkeys(str(link.delegate) for link in context[1:])
    beside = f"; {', '.join(others)} could redeem it too, from the same budget" if others else ""
    return holds("delegate", f"{request.to}, as asked{beside}")


def check_account(request: PermissionRequest, response: PermissionResponse, context: Sequence[Delegation]) -> Check:
    """Return whether the grant is of the account asked for, and of the one the response names."""
    account = context[-1].delegator
    if request.from_ is not None and account != request.from_:
        return broken("account", f"expected a grant of {request.from_}, got one of {account}")
    if response.from_ is not None and account != response.from_:
        return broken("account", f"the response says it is a grant of {response.from_}, its context is of {account}")
    if account == request.to:
        return broken("account", f"{account} grants to itself, of which the redeemer has nothing")
    return holds("account", f"a grant of {account}")


def check_links(context: Sequence[Delegation]) -> Check:
    """Return whether the links fit together."""
    try:
        verify_chain(context)
    except VerificationError as error:
        return broken("links", str(error))
    return holds("links", "each link names the next as its authority, and the last is a root")


def check_declared(response: PermissionResponse, granted: DecodedPermission) -> Check:
    """Return whether the response says what its context holds."""
    said = compare(response, granted)
    if said.is_equal:
        return holds("declared", "the response says what its context holds")
    first = said.differences[0]
    lie = f"{first.field}: the response says {first.asked or 'nothing'}, its context holds {first.granted or 'nothing'}"
    more = f" (and {len(said.differences) - 1} more)" if len(said.differences) > 1 else ""
    return broken("declared", lie + more)


def check_authority(request: PermissionRequest, granted: DecodedPermission, comparison: Comparison) -> Check:
    """Return whether what is signed is what was asked for, or within it where that was allowed."""
    differences = "; ".join(difference.sentence for difference in comparison.differences)
    passed_on = [note.text for note in granted.notes if note.code == "redelegated"]
    adjusted = not comparison.is_equal or any(link.caveats for link in granted.redelegations)
    if comparison.is_wider:
        return broken("authority", f"{comparison.sentence} ({differences})")
    if adjusted and not request.permission.is_adjustment_allowed:
        return broken("authority", f"no adjustment was allowed, and it was adjusted: {differences or passed_on[0]}")
    if adjusted:
        return holds("authority", f"within what was asked: {'; '.join([differences, *passed_on]).strip('; ')}")
    return holds("authority", " ".join([comparison.sentence, *passed_on]))
