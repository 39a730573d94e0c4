"""From a permission context back to the permission it grants.

    match decode_permission(response.context, chain_id=8453):
        case DecodedPermission(permission=permission, rules=rules): ...
        case NotAPermission(reason=reason): ...

The root decides the type, by the rules MetaMask's own decoder matches by: each required enforcer exactly once, each
optional one at most once, nothing else, in any order. What is accepted here compiles back to the same caveats, so
nothing that is signed goes unsaid: terms are read to the last byte, the payee's word and the nonce included.

It reads three things MetaMask's decoder does not: the nonce, a redeemer rule beside token-approval-revocation, and
contexts that were delegated on. It refuses one that decoder lets pass: a payee word with more than an address in it.

Source: npm @metamask/7715-permission-types 2.0.0, makePermissionDecoderConfigs; MetaMask's gator-permissions-controller
(how the configurations are matched).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from caveats.caveat import Caveat
from caveats.enforcer import EnforcerTerms
from caveats.errors import EncodingError, UnsupportedError, VerificationError
from caveats.registry import EnforcerRegistry
from caveats.revocation.nonce import Nonce
from caveats.types import format_hex, parse_bytes
from delegations.delegation import Delegation, decode_context, verify_chain
from delegations.framework.deployments import Deployment, deployment
from delegations.framework.enforcers import enforcer_registry
from delegations.permissions.check import find_compile_problems
from delegations.permissions.compile import compile_permission, find_enforcer
from delegations.permissions.model import PermissionRequest
from delegations.permissions.rules import Rule
from delegations.permissions.shapes import FOREVER, SHAPES, Shape, rule_of_terms
from delegations.permissions.types import Permission

_SAFE_INTEGER = 2**53 - 1
"""The largest number JavaScript holds exactly; a wallet written in it cannot say a time beyond."""


class Note(NamedTuple):
    """Something true of a decoded context that its permission does not say.

    Attributes:
        code: "redelegated", "args", "order" or "beyond-json".
        text: one sentence.
    """

    code: str
    text: str


@dataclass(frozen=True)
class DecodedPermission:
    """What a context grants.

    Attributes:
        permission: what the root delegation grants. Its `is_adjustment_allowed` is False and its justification None:
            neither is signed.
        rules: what bounds it, in the order expiry, redeemer, payee.
        nonce: the delegator's nonce it holds under.
        chain_id: of the chain it was decoded for.
        context: the delegations, leaf first.
        notes: what else is to be known; empty for a grant as the wallet makes it.
    """

    permission: Permission
    rules: tuple[Rule, ...]
    nonce: int
    chain_id: int
    context: tuple[Delegation, ...]
    notes: tuple[Note, ...] = ()

    @property
    def delegation(self) -> Delegation:
        """The root delegation, which the delegator signed."""
        return self.context[-1]

    @property
    def redelegations(self) -> tuple[Delegation, ...]:
        """The links that pass it on, leaf first; empty for a grant as the wallet makes it."""
        return self.context[:-1]

    @property
    def request(self) -> PermissionRequest:
        """The request this grants to the letter: from the root's delegator to the root's delegate."""
        return PermissionRequest(
            chain_id=self.chain_id,
            to=self.delegation.delegate,
            from_=self.delegation.delegator,
            permission=self.permission,
            rules=self.rules,
        )


@dataclass(frozen=True)
class NotAPermission:
    """Why a context grants no permission of a known type.

    Attributes:
        reason: one sentence: what is wrong with the context, or with its fit to the nearest type.
        reasons: permission type -> why it is not of that type; empty when the context is no single chain.
        chain_id: of the chain it was decoded for.
        context: the delegations, leaf first; empty when the bytes are none.
    """

    reason: str
    chain_id: int
    reasons: dict[str, str] = field(default_factory=dict)
    context: tuple[Delegation, ...] = ()


class _Match(NamedTuple):
    """What caveats hold as one type, and what that compiles to."""

    permission: Permission
    rules: tuple[Rule, ...]
    nonce: int
    compiled: tuple[Caveat, ...]


class _MisfitError(Exception):
    """Why caveats are not those of one type."""


def decode_permission(
    context: bytes | str | Sequence[Delegation], *, chain_id: int, on: Deployment | None = None
) -> DecodedPermission | NotAPermission:
    """Return what a context grants, or why it grants no permission. Signatures are not looked at.

    Args:
        context: as it came: bytes, 0x hex, or its delegations leaf first.
        chain_id: of the chain it is for; a context does not name it.
        on: the deployment whose enforcers to know; the published one of the chain when None.
    """
    try:
        chain = _read_context(context)
    except EncodingError as error:
        return NotAPermission(str(error), chain_id)
    try:
        place = deployment(chain_id) if on is None else on
        _require_chain(chain)
        find_enforcer(place, Nonce)
    except (UnsupportedError, VerificationError) as error:
        return NotAPermission(str(error), chain_id, context=chain)
    registry = enforcer_registry(place)
    reasons = {}
    for shape in SHAPES:
        try:
            match = _match(shape, chain[-1].caveats, registry, place)
        except _MisfitError as misfit:
            reasons[shape.name] = str(misfit)
            continue
        found = DecodedPermission(match.permission, match.rules, match.nonce, chain_id, chain)
        return replace(found, notes=_notes(found, match.compiled, registry))
    return NotAPermission(_nearest(chain[-1], reasons, registry), chain_id, reasons, chain)


def _read_context(context: bytes | str | Sequence[Delegation]) -> tuple[Delegation, ...]:
    if isinstance(context, bytes | str):
        return decode_context(parse_bytes(context))
    return tuple(context)


def _require_chain(chain: tuple[Delegation, ...]) -> None:
    if not chain:
        raise VerificationError("the context is empty: the caller acts with its own account, and nothing is granted")
    verify_chain(chain)


def _match(shape: Shape, caveats: tuple[Caveat, ...], registry: EnforcerRegistry, place: Deployment) -> _Match:
    """Return what the caveats hold as this type. Raises _MisfitError."""
    held = _sort_out(shape, caveats, registry)
    data: dict[str, Any] = shape.data_of(held[shape.main])
    if "allowance_amount" in data and getattr(held[shape.main], "period_seconds", None) != FOREVER:
        raise _MisfitError(f"{shape.main.ENFORCER}: its period ends, and an allowance's is 2^256-1 seconds")
    permission = shape.permission(**data)
    rules = []
    for cls in shape.optional:
        if cls in held:
            rule = rule_of_terms(held[cls])
            if isinstance(rule, str):
                raise _MisfitError(f"{cls.ENFORCER}: {rule}")
            rules.append(rule)
    if shape.guard is not None and held[type(shape.guard)] != shape.guard:
        terms = format_hex(shape.guard.encode_terms())
        raise _MisfitError(f"{shape.guard.ENFORCER}: expected the terms {terms}, got others")
    for problem in find_compile_problems(permission, rules):
        raise _MisfitError(str(problem))
    nonce = held[Nonce]
    assert isinstance(nonce, Nonce)  # noqa: S101 - it is what this class decodes to
    compiled = compile_permission(permission, rules, nonce=nonce.nonce, on=place)
    if _signed(compiled) != _signed(caveats):
        # nothing read so far may have lost a byte of what is signed: a reader that does is caught here
        raise _MisfitError("its caveats say more than the permission does")
    return _Match(permission, tuple(rules), nonce.nonce, compiled)


def _sort_out(
    shape: Shape, caveats: tuple[Caveat, ...], registry: EnforcerRegistry
) -> dict[type[EnforcerTerms], EnforcerTerms]:
    """Return the terms by class: every required one, optional ones, nothing else. Raises _MisfitError."""
    held: dict[type[EnforcerTerms], EnforcerTerms] = {}
    for index, caveat in enumerate(caveats):
        decoded = registry.decode(caveat)
        cls = registry.by_address.get(caveat.enforcer)
        if cls is None or cls not in (*shape.required, *shape.optional):
            raise _MisfitError(f"caveat {index}, {decoded.name}: the type has no place for it")
        if decoded.terms is None:
            raise _MisfitError(f"caveat {index}, {decoded.name}: the enforcer would not read its terms")
        if cls in held:
            raise _MisfitError(f"caveat {index}, {decoded.name}: it stands twice")
        held[cls] = decoded.terms
    for cls in shape.required:
        if cls not in held:
            raise _MisfitError(f"{cls.ENFORCER}: it is missing")
    return held


def _signed(caveats: Sequence[Caveat]) -> list[tuple[bytes, bytes]]:
    return sorted((bytes(caveat.enforcer), caveat.terms) for caveat in caveats)


def _nearest(root: Delegation, reasons: dict[str, str], registry: EnforcerRegistry) -> str:
    """Return why the types with the root's main enforcer do not fit; a general sentence when there is none."""
    present = {registry.by_address.get(caveat.enforcer) for caveat in root.caveats}
    near = [shape.name for shape in SHAPES if shape.main in present]
    if not near:
        return "no caveat of the root delegation is the main one of a permission type"
    return "; ".join(f"not {name}: {reasons[name]}" for name in near)


def _notes(found: DecodedPermission, compiled: tuple[Caveat, ...], registry: EnforcerRegistry) -> tuple[Note, ...]:
    notes = []
    root = found.delegation
    if [caveat.enforcer for caveat in compiled] != [caveat.enforcer for caveat in root.caveats]:
        notes.append(Note("order", "The caveats do not stand in the wallet's order, so the hash is not the wallet's."))
    if any(caveat.args for caveat in root.caveats):
        notes.append(
            Note("args", "Caveats carry args. They are not signed, and no enforcer of a permission reads them.")
        )
    for where, at in _times(found):
        if at > _SAFE_INTEGER:
            notes.append(Note("beyond-json", f"{where} {at} is beyond 2^53: a wallet in JavaScript cannot say it."))
    for depth, link in reversed(list(enumerate(found.redelegations))):
        bounds = " ".join(registry.decode(caveat).describe() for caveat in link.caveats) or "It adds no caveats."
        text = f"Link {depth} passes it on from {link.delegator} to {link.delegate}. {bounds}"
        notes.append(Note("redelegated", text))
    return tuple(notes)


def _times(found: DecodedPermission) -> list[tuple[str, int]]:
    start = getattr(found.permission, "start_time", None)
    listed = [("startTime", start), ("expiry", found.request.expiry)]
    return [(where, at) for where, at in listed if at is not None]
