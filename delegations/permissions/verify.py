"""What came back from a wallet, looked at before it is believed: one report, every check by name.

    report = verify_answer([request], answer, chain=chain)
    for check in report.checks: print(check.name, check.standing, check.sentence)
    granted = report.require()

A check holds, is broken, or is unknown because it could not be asked. Nothing a wallet answers makes this raise; what
is not a yes is never taken for one.

Source: ERC-7715, Specification; ERC-7710; framework 1.3.0, DelegationManager.redeemDelegations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from caveats.depth import DEEPEST, is_deep
from caveats.errors import EncodingError, EngineError, VerificationError, abbreviate
from delegations.delegation import Delegation
from delegations.evm.chain import LocalChain
from delegations.framework.deployments import Deployment, Registry
from delegations.framework.enforcers import enforcer_registry
from delegations.permissions.checks_on_chain import check_dependencies, check_signatures, check_state
from delegations.permissions.checks_on_paper import (
    check_account,
    check_authority,
    check_chain,
    check_declared,
    check_delegate,
    check_distinct,
    check_links,
    check_manager,
    find_place,
    no_place,
    read_context,
)
from delegations.permissions.compare import Comparison, compare
from delegations.permissions.decode import DecodedPermission, decode_permission
from delegations.permissions.granted import Granted
from delegations.permissions.model import PermissionRequest, PermissionResponse
from delegations.permissions.sources import Chains, Terms, find_source, make_terms, require_arguments
from delegations.permissions.standing import Check, Standing, broken, holds, unknown
from delegations.permissions.usable import check_usable

CheckName = Literal[
    "form",
    "number",
    "order",
    "distinct",
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
    "usable",
]
"""Every check there is, in the order they are made; `docs/permissions-dapp.md` says what each asks."""


_ABOUT_NOW_SECONDS = 86_400
"""How far from now a start may lie that nobody asked for: clocks differ, and wallets begin with the local day."""


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
    is_new: bool = True,
    asked_at: int | None = None,
    held: Sequence[Granted] = (),
) -> AnswerReport:
    """Return what is to be said of a wallet's answer to wallet_requestExecutionPermissions.

    Args:
        requests: what was asked, in order.
        answer: as it came: parsed JSON, or responses already read.
        chain: where the accounts are; without it their signatures are checked by key only, and their state not at all.
            A fork holds what stood at its block: make it after the answer came, or in a function.
        registry: the deployments to go by; the published ones when None.
        is_new: whether the answer came just now. What was used of a new grant, or how late it begins, nobody asked
            for; with False both are taken as they are.
        asked_at: unix seconds when it was asked, or before. With it a stream that began a day earlier, though no start
            was asked for, is more than was asked.
        held: grants that were verified before; one that rests on the same delegation gives nothing new.

    Raises:
        EncodingError: no requests, or arguments of other types: mistakes of the caller, never of the wallet.
    """
    require_arguments(requests, chain, registry)
    terms = make_terms(chain, registry, is_new, asked_at)
    if not isinstance(answer, list | tuple):
        return AnswerReport((broken("form", f"expected a list of responses, got {abbreviate(answer)}"),))
    read = [_read(item, index) for index, item in enumerate(answer)]
    checks = [holds("form", "a list of responses")]
    if len(answer) == len(requests):
        checks.append(holds("number", f"as many responses as requests, {len(requests)}"))
    else:
        checks.append(broken("number", f"expected {len(requests)} responses, got {len(answer)}"))
    checks.append(_check_order(requests, read))
    contexts = [_delegations(response) for response in read]
    checks.append(check_distinct(contexts, [granted.context for granted in held]))
    grants = [
        _report(index, request, read[index] if index < len(read) else None, terms)
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
    is_new: bool = True,
    asked_at: int | None = None,
) -> GrantReport:
    """Return what is to be said of one response. Arguments and errors as `verify_answer`."""
    require_arguments([request], chain, registry)
    if not isinstance(response, PermissionResponse):
        raise EncodingError.of(
            "response", expected="a PermissionResponse", got=type(response).__name__, hint="read it with from_wire"
        )
    return _report(0, request, response, make_terms(chain, registry, is_new, asked_at))


_Read = PermissionResponse | EncodingError


def _read(item: object, index: int) -> _Read:
    if isinstance(item, PermissionResponse):
        return item
    if is_deep(item):
        return EncodingError(
            f"result[{index}]: expected a response, got values more than {DEEPEST} deep in one another"
        )
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


def _delegations(response: _Read) -> tuple[Delegation, ...]:
    return () if isinstance(response, EncodingError) else read_context(response)[0] or ()


def _report(index: int, request: PermissionRequest, response: _Read | None, terms: Terms) -> GrantReport:
    if response is None:
        return GrantReport(index, request, None, (broken("form", "there is no response to this request"),))
    if isinstance(response, EncodingError):
        return GrantReport(index, request, None, (broken("form", str(response)),))
    unread = abbreviate(", ".join(response.unread))
    more = f"; fields that are not known: {unread}" if response.unread else ""
    checks = [holds("form", f"a response as ERC-7715 has it{more}")]
    context, check = read_context(response)
    checks.append(check)
    place = find_place(terms.registry, request.chain_id)
    checks += [check_manager(response, place, request.chain_id), check_chain(request, response)]
    if context is None:
        return GrantReport(index, request, response, tuple(checks))
    checks += [check_delegate(request, response, context), check_account(request, response, context)]
    asked_of_chain, stage = _ask_chain(request, response, context, place, terms)
    checks += asked_of_chain
    if place is None:
        why = no_place(request.chain_id)
        checks += [unknown(name, why) for name in ("declared", "authority", "usable")]
        return GrantReport(index, request, response, tuple(checks))
    granted = decode_permission(context, chain_id=request.chain_id, on=place)
    if not isinstance(granted, DecodedPermission):
        said = f"what the context allows cannot be said: {granted.reason}"
        checks += [broken(name, said) for name in ("declared", "authority", "usable")]
        return GrantReport(index, request, response, tuple(checks))
    comparison = compare(_with_start(request, granted, stage, terms), granted)
    checks += [
        check_declared(response, granted),
        check_authority(request, granted, comparison),
        check_usable(request, granted, enforcer_registry(place), stage),
    ]
    return GrantReport(index, request, response, tuple(checks), granted, comparison)


def _ask_chain(
    request: PermissionRequest,
    response: PermissionResponse,
    context: tuple[Delegation, ...],
    place: Deployment | None,
    terms: Terms,
) -> tuple[list[Check], LocalChain | None]:
    source, why = find_source(terms, request.chain_id)
    manager = response.delegation_manager if place is None else place.manager
    dependencies, stage = check_dependencies(response, context, place, source, why)
    if stage is not None:
        stage.manager = manager
    elif source is not None:
        why = dependencies.sentence
    signatures = check_signatures(context, request.chain_id, manager, stage, why)
    state = check_state(context, stage, why, is_new=terms.is_new)
    return [check_links(context), signatures, dependencies, state], stage


def _with_start(
    request: PermissionRequest, granted: DecodedPermission, stage: LocalChain | None, terms: Terms
) -> PermissionRequest:
    """Return the request with a start, where none was asked for and the one granted is not that of about now."""
    start, given = (getattr(each, "start_time", None) for each in (request.permission, granted.permission))
    if start is not None or given is None or "start_time" not in type(request.permission).model_fields:
        return request
    now = terms.asked_at if stage is None else stage.timestamp
    if terms.is_new and now is not None and given > now + _ABOUT_NOW_SECONDS:
        start = now
    elif terms.asked_at is not None and given < terms.asked_at - _ABOUT_NOW_SECONDS:
        start = terms.asked_at
    return request.model_copy(update={"permission": request.permission.model_copy(update={"start_time": start})})


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
