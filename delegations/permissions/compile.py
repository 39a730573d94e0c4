"""From a permission to the caveats that hold it, in the order MetaMask's wallet signs them.

    filled = populate(request, now=now)
    delegation = to_delegation(filled, delegator=account, nonce=nonce)

The order: the caveats of the type, then expiry, redeemer and payee where a rule asks for them, and the nonce last. It
is signed, so a grant of equal content from this compiler and from the wallet has one hash.

Source: npm @metamask/7715-permission-types 2.0.0, createXCaveats; MetaMask's permissions snap (order, salt, nonce).
"""

from __future__ import annotations

from collections.abc import Sequence

from caveats.caveat import Caveat
from caveats.enforcer import EnforcerTerms
from caveats.errors import EncodingError, UnsupportedError
from caveats.revocation.nonce import Nonce
from caveats.types import Address, parse_uint256
from delegations.delegation import Delegation, create_delegation
from delegations.framework.constants import FRAMEWORK_VERSION
from delegations.framework.deployments import Deployment, deployment
from delegations.permissions.check import find_compile_problems, require_no_problems
from delegations.permissions.model import PermissionRequest
from delegations.permissions.rules import RULE_TYPES, Rule
from delegations.permissions.shapes import find_shape, terms_of_rule
from delegations.permissions.types import Permission


def compile_permission(
    permission: Permission, rules: Sequence[Rule] = (), *, nonce: int, on: Deployment
) -> tuple[Caveat, ...]:
    """Return the caveats that hold a permission and its rules, in the wallet's order, with empty args.

    Args:
        permission: of a live type, populated.
        rules: in any order, one of a type at most.
        nonce: the delegator's current nonce at the NonceEnforcer; raising it ends the grant.
        on: the deployment whose enforcers to name.

    Raises:
        PermissionFieldError: with every field that cannot be compiled.
        UnsupportedError: the deployment has none of an enforcer, or is not of framework 1.3.0.
    """
    require_no_problems(tuple(find_compile_problems(permission, rules)))
    shape = find_shape(permission)
    assert shape is not None  # noqa: S101 - an unknown type is a problem of the above
    listed: list[EnforcerTerms] = [shape.terms_of(permission)]
    if shape.guard is not None:
        listed.append(shape.guard)
    for rule in sorted(rules, key=lambda rule: list(RULE_TYPES).index(rule.type)):
        terms = terms_of_rule(shape, rule)
        assert terms is not None  # noqa: S101 - a rule the type does not take is a problem of the above
        listed.append(terms)
    listed.append(Nonce(nonce=parse_uint256(nonce)))
    return tuple(terms.to_caveat(enforcer=find_enforcer(on, type(terms))) for terms in listed)


def to_delegation(
    request: PermissionRequest,
    *,
    delegator: Address,
    nonce: int,
    salt: int | None = None,
    on: Deployment | None = None,
) -> Delegation:
    """Return the unsigned root delegation that grants a populated request as it stands.

    Args:
        request: what to grant; `populate` it first.
        delegator: whose account it is; the request's `from` when it names one.
        nonce: the delegator's current nonce at the NonceEnforcer.
        salt: 256 random bits when None.
        on: the deployment to grant on; the published one of the request's chain when None.

    Raises:
        PermissionFieldError: with every field that cannot be compiled.
        EncodingError: another delegator than the request's `from`, or a deployment of another chain.
        UnsupportedError: no deployment of the chain is known.
    """
    place = deployment(request.chain_id) if on is None else on
    if place.chain_id != request.chain_id:
        raise EncodingError.of("deployment", expected=f"one on chain {request.chain_id}", got=place.chain_id)
    if request.from_ is not None and request.from_ != delegator:
        raise EncodingError.of("delegator", expected=f"the request's from, {request.from_}", got=str(delegator))
    caveats = compile_permission(request.permission, request.rules, nonce=nonce, on=place)
    return create_delegation(delegator=delegator, delegate=request.to, caveats=caveats, salt=salt)


def find_enforcer(on: Deployment, cls: type[EnforcerTerms]) -> Address:
    """Return where a deployment has an enforcer.

    Raises:
        UnsupportedError: it has none, or is of a version whose terms may be laid out otherwise.
    """
    found = on.addresses.get(cls.ENFORCER)
    if found is None or on.version != FRAMEWORK_VERSION:
        raise UnsupportedError(
            f"{cls.ENFORCER}: framework {on.version} on chain {on.chain_id} has none that permissions compile to",
            hint=f"permissions are compiled for framework {FRAMEWORK_VERSION}",
        )
    return found
