"""What came back from a wallet, looked at before it is believed: one report, every check by name.

    report = verify_answer([request], answer, chain=chain)
    for check in report.checks: print(check.name, check.standing, check.sentence)
    granted = report.require()

A check holds, is broken, or is unknown because it could not be asked. Nothing a wallet answers makes this raise; what
is not a yes is never taken for one.

Source: ERC-7715, Specification; ERC-7710; framework 1.3.0, DelegationManager.redeemDelegations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from caveats.errors import EncodingError, EngineError, UnsupportedError, VerificationError, abbreviate
from delegations.delegation import Delegation, decode_context, encode_context, verify_chain
from delegations.evm.chain import LocalChain
from delegations.framework.deployments import Deployment, Registry
from delegations.permissions.checks_on_chain import check_dependencies, check_signatures, check_state
from delegations.permissions.compare import Comparison, compare
from delegations.permissions.decode import DecodedPermission, decode_permission
from delegations.permissions.granted import Granted
from delegations.permissions.model import PermissionRequest, PermissionResponse
from delegations.permissions.standing import Check, Standing, broken, holds, unknown

Chains = LocalChain | Mapping[int, LocalChain] | None
"""Where to ask: a chain, local or forked; one for each chain id; or nowhere, and what only a chain knows is unknown."""

CheckName = Literal[
    "form",
    "number",
    "order",
    "context",
    "manager",
    "chain",
    "delegate",
    "account",
    "links",
    "signatures",
    "dependencies",
    "state",
    "declared",
    "authority",
]
"""Every check there is, in the order they are made; `docs/permissions-dapp.md` says what each asks."""


class NotVerifiedError(EngineError):
    """A grant is not known to be broken, but something about it could not be asked."""

    code = "engine.not_verified"


@dataclass(frozen=True)
class GrantReport:
    """What was found out about one response.

    Attributes:
        index: of the response in the answer, and of the request it answers.
        request: what was asked; None for a response to nothing.
        response: as it came; None when it could not be read, or there is none.
        checks: every check, in order.
        granted: what the signed context grants; None when that cannot be said.
        comparison: how that differs from what was asked; None when that cannot be said.
    """

    index: int
    request: PermissionRequest | None
    response: PermissionResponse | None
    checks: tuple[Check, ...]
    granted: DecodedPermission | None = None
    comparison: Comparison | None = None

    @property
    def standing(self) -> Standing:
        """Broken when any check is; else unknown when any is; else it holds."""
        return _worst(self.checks)

    def check(self, name: CheckName) -> Check:
        """Return a check by its name. Raises EncodingError when it was not made."""
        return _find(self.checks, name)

    def require(self) -> Granted:
        """Return the grant, ready to redeem.

        Raises:
            VerificationError: a check is broken.
            NotVerifiedError: none is, but one could not be asked.
        """
        _refuse(f"grant {self.index}", self.checks)
        assert self.response is not None  # noqa: S101 - a report without them has a broken check
        assert self.granted is not None  # noqa: S101
        return Granted(self.response, self.granted, self.granted.context)

    def to_wire(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {
            "index": self.index,
            "standing": self.standing,
            "checks": [check.model_dump(mode="json") for check in self.checks],
            "comparison": None if self.comparison is None else self.comparison.model_dump(mode="json"),
        }


@dataclass(frozen=True)
class AnswerReport:
    """What was found out about a wallet's whole answer.

    Attributes:
        checks: of the answer as such: its form, number and order.
        grants: a report for each request, then for each response nobody asked for.
    """

    checks: tuple[Check, ...]
    grants: tuple[GrantReport, ...] = ()

    @property
    def standing(self) -> Standing:
        """The worst of the answer and all of its grants."""
        return _worst([*self.checks, *(check for grant in self.grants for check in grant.checks)])

    def check(self, name: CheckName) -> Check:
        """Return a check of the answer by its name. Raises EncodingError when it was not made."""
        return _find(self.checks, name)

    def require(self) -> tuple[Granted, ...]:
        """Return all grants, ready to redeem, in the order they were asked for. Raises as GrantReport.require."""
        _refuse("answer", self.checks)
        return tuple(grant.require() for grant in self.grants)

    def to_wire(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {
            "standing": self.standing,
            "checks": [check.model_dump(mode="json") for check in self.checks],
            "grants": [grant.to_wire() for grant in self.grants],
        }


def verify_answer(
    requests: Sequence[PermissionRequest],
    answer: object,
    *,
    chain: Chains = None,
    registry: Registry | None = None,
) -> AnswerReport:
    """Return what is to be said of a wallet's answer to wallet_requestExecutionPermissions.

    Args:
        requests: what was asked, in order.
        answer: as it came: parsed JSON, or responses already read.
        chain: where the accounts are; without it their signatures are checked by key only, and their state not at all.
        registry: the deployments to go by; the published ones when None.
    """
    if not isinstance(answer, list | tuple):
        return AnswerReport((broken("form", f"expected a list of responses, got {abbreviate(answer)}"),))
    places = Registry.official() if registry is None else registry
    read = [_read(item, index) for index, item in enumerate(answer)]
    checks = [holds("form", "a list of responses")]
    if len(answer) == len(requests):
        checks.append(holds("number", f"as many responses as requests, {len(requests)}"))
    else:
        checks.append(broken("number", f"expected {len(requests)} responses, got {len(answer)}"))
    checks.append(_check_order(requests, read))
    grants = [
        _report(index, request, read[index] if index < len(read) else None, chain, places)
        for index, request in enumerate(requests)
    ]
    grants += [_unasked(index, read[index]) for index in range(len(requests), len(read))]
    return AnswerReport(tuple(checks), tuple(grants))


def verify_response(
    request: PermissionRequest,
    response: PermissionResponse,
    *,
    chain: Chains = None,
    registry: Registry | None = None,
) -> GrantReport:
    """Return what is to be said of one response. Arguments as `verify_answer`."""
    return _report(0, request, response, chain, Registry.official() if registry is None else registry)


_Read = PermissionResponse | EncodingError


def _read(item: object, index: int) -> _Read:
    if isinstance(item, PermissionResponse):
        return item
    try:
        return PermissionResponse.from_wire(item, path=f"result[{index}]")
    except EncodingError as error:
        return error


def _check_order(requests: Sequence[PermissionRequest], read: Sequence[_Read]) -> Check:
    """A response that says what another request asked, and not what its own did, stands in the wrong place."""
    asked = [_identity(request) for request in requests]
    for index, response in enumerate(read[: len(requests)]):
        if isinstance(response, PermissionResponse) and _identity(response) != asked[index]:
            others = [place for place, other in enumerate(asked) if other == _identity(response)]
            if others:
                return broken("order", f"response {index} answers request {others[0]}")
    return holds("order", "the responses stand in the order of the requests")


def _identity(request: PermissionRequest) -> tuple[object, ...]:
    token = getattr(request.permission, "token_address", None)
    return request.chain_id, request.to, request.permission.type, token


def _unasked(index: int, response: _Read) -> GrantReport:
    said = "a response to nothing that was asked"
    if isinstance(response, EncodingError):
        return GrantReport(index, None, None, (broken("form", f"{said}: {response}"),))
    return GrantReport(index, None, response, (broken("form", said),))


def _report(
    index: int, request: PermissionRequest, response: _Read | None, chain: Chains, registry: Registry
) -> GrantReport:
    if response is None:
        return GrantReport(index, request, None, (broken("form", "there is no response to this request"),))
    if isinstance(response, EncodingError):
        return GrantReport(index, request, None, (broken("form", str(response)),))
    more = f"; fields that are not known: {', '.join(map(abbreviate, response.unread))}" if response.unread else ""
    checks = [holds("form", f"a response as ERC-7715 has it{more}")]
    context, check = _read_context(response)
    checks.append(check)
    place = _place(registry, request.chain_id)
    checks += [_check_manager(response, place, request.chain_id), _check_chain(request, response)]
    if context is None:
        return GrantReport(index, request, response, tuple(checks))
    checks += [_check_delegate(request, response, context), _check_account(request, response, context)]
    checks += _checks_on_chain(request, response, context, place, chain)
    if place is None:
        checks += [unknown(name, _no_place(request.chain_id)) for name in ("declared", "authority")]
        return GrantReport(index, request, response, tuple(checks))
    granted = decode_permission(context, chain_id=request.chain_id, on=place)
    if not isinstance(granted, DecodedPermission):
        said = f"what the context allows cannot be said: {granted.reason}"
        checks += [broken(name, said) for name in ("declared", "authority")]
        return GrantReport(index, request, response, tuple(checks))
    comparison = compare(request, granted)
    checks += [_check_declared(response, granted), _check_authority(request, granted, comparison)]
    return GrantReport(index, request, response, tuple(checks), granted, comparison)


# one check at a time


def _read_context(response: PermissionResponse) -> tuple[tuple[Delegation, ...] | None, Check]:
    try:
        context = decode_context(response.context)
    except EncodingError as error:
        return None, broken("context", f"not a permission context: {error}")
    if not context:
        return None, broken("context", "it is empty: it would make the redeemer's own account execute")
    if encode_context(context) != response.context:
        return context, broken("context", "it holds bytes that are no part of its delegations")
    count = len(context)
    return context, holds("context", "one delegation" if count == 1 else f"a chain of {count} delegations")


def _place(registry: Registry, chain_id: int) -> Deployment | None:
    try:
        return registry.deployment(chain_id)
    except UnsupportedError:
        return None


def _no_place(chain_id: int) -> str:
    return f"no deployment of the framework on chain {chain_id} is known; register one with Registry.with_deployment"


def _check_manager(response: PermissionResponse, place: Deployment | None, chain_id: int) -> Check:
    if place is None:
        return unknown("manager", _no_place(chain_id))
    got = response.delegation_manager
    if got != place.manager:
        return broken("manager", f"expected the framework's manager {place.manager} on chain {chain_id}, got {got}")
    return holds("manager", f"{got}, the framework's on chain {chain_id}")


def _check_chain(request: PermissionRequest, response: PermissionResponse) -> Check:
    if response.chain_id != request.chain_id:
        return broken("chain", f"expected {request.chain_id}, got {response.chain_id}")
    return holds("chain", f"{request.chain_id}, as asked")


def _check_delegate(request: PermissionRequest, response: PermissionResponse, context: Sequence[Delegation]) -> Check:
    leaf = context[0]
    if leaf.is_open and leaf.delegate != request.to:
        return broken("delegate", f"open to anybody who holds the context, not to {request.to} alone: wider than asked")
    if leaf.delegate != request.to:
        return broken("delegate", f"expected {request.to}, who was to redeem, got {leaf.delegate}")
    if response.to != request.to:
        return broken("delegate", f"the context is for {request.to}, but the response says it is for {response.to}")
    return holds("delegate", f"{request.to}, as asked")


def _check_account(request: PermissionRequest, response: PermissionResponse, context: Sequence[Delegation]) -> Check:
    account = context[-1].delegator
    if request.from_ is not None and account != request.from_:
        return broken("account", f"expected a grant of {request.from_}, got one of {account}")
    if response.from_ is not None and account != response.from_:
        return broken("account", f"the response says it is a grant of {response.from_}, its context is of {account}")
    if account == request.to:
        return broken("account", f"{account} grants to itself, of which the redeemer has nothing")
    return holds("account", f"a grant of {account}")


def _checks_on_chain(
    request: PermissionRequest,
    response: PermissionResponse,
    context: tuple[Delegation, ...],
    place: Deployment | None,
    chain: Chains,
) -> list[Check]:
    links = _check_links(context)
    source, why = _source(chain, request.chain_id)
    manager = response.delegation_manager if place is None else place.manager
    dependencies, stage = check_dependencies(response, context, place, source, why)
    if stage is not None:
        stage.manager = manager
    signatures = check_signatures(context, request.chain_id, manager, stage, why)
    return [links, signatures, dependencies, check_state(context, stage, why)]


def _check_links(context: Sequence[Delegation]) -> Check:
    try:
        verify_chain(context)
    except VerificationError as error:
        return broken("links", str(error))
    return holds("links", "each link names the next as its authority, and the last is a root")


def _source(chain: Chains, chain_id: int) -> tuple[LocalChain | None, str]:
    if chain is None:
        return None, "no chain was given to ask"
    found = chain if isinstance(chain, LocalChain) else chain.get(chain_id)
    if found is None:
        return None, f"no chain was given to ask about chain {chain_id}"
    if found.chain_id != chain_id:
        return None, f"the chain given is {found.chain_id}, not {chain_id}"
    return found, ""


def _check_declared(response: PermissionResponse, granted: DecodedPermission) -> Check:
    said = compare(response, granted)
    if said.is_equal:
        return holds("declared", "the response says what its context holds")
    first = said.differences[0]
    lie = f"{first.field}: the response says {first.asked or 'nothing'}, its context holds {first.granted or 'nothing'}"
    more = f" (and {len(said.differences) - 1} more)" if len(said.differences) > 1 else ""
    return broken("declared", lie + more)


def _check_authority(request: PermissionRequest, granted: DecodedPermission, comparison: Comparison) -> Check:
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


# the whole


def _worst(checks: Sequence[Check]) -> Standing:
    found = {check.standing for check in checks}
    return "broken" if "broken" in found else "unknown" if "unknown" in found else "holds"


def _find(checks: Sequence[Check], name: str) -> Check:
    for check in checks:
        if check.name == name:
            return check
    raise EncodingError.of("check", expected=f"one that was made: {', '.join(c.name for c in checks)}", got=name)


def _refuse(what: str, checks: Sequence[Check]) -> None:
    for standing, error in (("broken", VerificationError), ("unknown", NotVerifiedError)):
        found = [check for check in checks if check.standing == standing]
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise error(f"{what}: {found[0].name} {standing}: {found[0].sentence}{more}")
