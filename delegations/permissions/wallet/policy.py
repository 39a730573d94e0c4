"""A written policy: what is granted without asking anybody. What it does not name is refused.

Each `[[allow]]` is looked at by itself; a permission is granted when one of them admits all of it. Revoking a grant, or
letting it expire, does not give its budget back before the limit's time has passed.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from caveats.errors import EncodingError, abbreviate
from caveats.strict_json import parse_json
from caveats.types import ZERO_ADDRESS, Address, Listed, Model, Uint256
from delegations.permissions.model import PermissionRequest
from delegations.permissions.rules import RULE_TYPES, ExpiryRule
from delegations.permissions.types import (
    LIVE_PERMISSIONS,
    Erc20TokenStream,
    NativeTokenStream,
    Permission,
    TokenApprovalRevocation,
)
from delegations.permissions.wallet.approver import Approver, Decision, grant, refuse
from delegations.permissions.wallet.plain import parse_origin
from delegations.permissions.wallet.question import Asked, Earlier, Question

NATIVE = "native"
"""Names the chain's own token in a policy."""
_MAX_POLICY_BYTES = 1_048_576
_LIVE = frozenset(str(cls.model_fields["type"].default) for cls in LIVE_PERMISSIONS)
Seconds = Annotated[int, Field(gt=0, le=2**63 - 1)]
Count = Annotated[int, Field(gt=0, le=2**31 - 1)]


class TokenLimit(Model):
    """How much of one token one grant may reach.

    Attributes:
        max_amount: base units in every `per_seconds`, counted from the start of the grant; in all without it.
        per_seconds: see there.
        max_total: base units until the grant expires. A stream needs it: what it leaves over, it carries on.
    """

    max_amount: Uint256
    per_seconds: Seconds | None = None
    max_total: Uint256 | None = None


class Allow(Model):
    """What one paragraph of the policy admits. Whatever is not listed is not admitted.

    Attributes:
        origins: the sites.
        chain_ids: the chains.
        types: the permission types.
        delegates: the accounts that may receive, and that a redeemer rule may name; "any" for every account.
        accounts: the wallet's accounts that may grant; None for all of them.
        tokens: limits by token address, or "native".
        max_duration_seconds: from now to the expiry, which is then required.
        required_rules: rules that must be there: expiry, redeemer, payee.
        payees: the accounts that may be paid, which a payee rule must then name; None for anybody.
        max_grants: grants a site may hold under this paragraph.
        adjust: an expiry that is missing or too late is set, where the site allows adjusting.
    """

    origins: Listed[str]
    chain_ids: Listed[Annotated[int, Field(gt=0)]]
    types: Listed[str]
    delegates: Listed[Address] | Literal["any"]
    accounts: Listed[Address] | None = None
    tokens: dict[str, TokenLimit] = Field(default_factory=dict)
    max_duration_seconds: Seconds | None = None
    required_rules: Listed[str] = ()
    payees: Listed[Address] | None = None
    max_grants: Count = 1
    adjust: bool = False

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            try:
                parse_origin(origin)
            except EncodingError as error:
                raise ValueError(str(error)) from error
        return value

    @field_validator("tokens")
    @classmethod
    def _are_tokens(cls, value: dict[str, TokenLimit]) -> dict[str, TokenLimit]:
        try:
            if any(token != NATIVE and Address(token) == ZERO_ADDRESS for token in value):
                raise ValueError(f'the zero address is no token: the chain\'s own is "{NATIVE}"')
            named = {token if token == NATIVE else str(Address(token)): limit for token, limit in value.items()}
        except EncodingError as error:
            raise ValueError(f'a token is "{NATIVE}" or an address: {error}') from error
        if len(named) != len(value):
            raise ValueError("a token stands twice")
        return named

    @model_validator(mode="after")
    def _are_known(self) -> Self:
        for what, given, known in (
            ("permission type", self.types, _LIVE),
            ("rule type", self.required_rules, frozenset(RULE_TYPES)),
        ):
            for name in given:
                if name not in known:
                    raise ValueError(f"{abbreviate(name)} is no {what}: expected one of {', '.join(sorted(known))}")
        if self.adjust and self.max_duration_seconds is None:
            raise ValueError("adjust sets an expiry, so max_duration_seconds must be given")
        return self

    @property
    def memory_seconds(self) -> int | None:
        """How long after its end a grant still counts; None for ever."""
        spans = [limit.per_seconds for limit in self.tokens.values()]
        return None if None in spans else max((span for span in spans if span is not None), default=0)


class Policy(Model):
    """What a wallet grants by itself.

    Attributes:
        version: of this form.
        allow: the paragraphs.
    """

    version: Literal[1]
    allow: Listed[Allow]

    @classmethod
    def from_text(cls, text: str, *, toml: bool) -> Policy:
        """Return the policy of a TOML or JSON text. Raises EncodingError naming the field at fault."""
        if not toml:
            return cls.from_wire(parse_json(text, what="policy", exact=True))
        try:
            return cls.from_wire(tomllib.loads(text))
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise EncodingError(f"policy: not TOML ({error})") from error


def read_policy(path: Path) -> Policy:
    """Return the policy of a .toml or .json file.

    Raises:
        EncodingError: it cannot be read, is of another kind, or is no policy.
    """
    if path.suffix not in (".toml", ".json"):
        raise EncodingError.of("policy", expected="a .toml or .json file", got=str(path))
    try:
        with path.open("rb") as file:
            is_open = os.name == "posix" and bool(os.fstat(file.fileno()).st_mode & stat.S_IWOTH)
            raw = file.read(_MAX_POLICY_BYTES + 1)
        text = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EncodingError(f"policy: {abbreviate(str(path))} cannot be read: {error}") from error
    if is_open:
        raise EncodingError(
            f"policy: everybody may write {abbreviate(str(path))}", hint=f"chmod o-w {abbreviate(str(path))}"
        )
    if len(raw) > _MAX_POLICY_BYTES:
        raise EncodingError(f"policy: larger than {_MAX_POLICY_BYTES} bytes")
    return Policy.from_text(text, toml=path.suffix == ".toml")


@dataclass(frozen=True)
class PolicyApprover:
    """Grants what a written policy allows.

    Args:
        policy: it.
        otherwise: decides on what the policy does not allow; a refusal when None.
    """

    policy: Policy
    otherwise: Approver | None = None

    def decide(self, question: Question) -> Decision:
        """Return a yes when every permission asked for is allowed, each counting as a grant for those after it."""
        count = _Count(question.earlier, question.at)
        adjusted: list[PermissionRequest] = []
        for number, asked in enumerate(question.asked, 1):
            given = self._allowed(question, asked, count)
            if isinstance(given, str):
                if self.otherwise is not None:
                    return self.otherwise.decide(question)
                return refuse(f"permission {number}: {given}")
            adjusted.append(given)
        return grant(tuple(adjusted))

    def _allowed(self, question: Question, asked: Asked, count: _Count) -> PermissionRequest | str:
        """Return what is granted, or why nothing is."""
        whys: list[str] = []
        for number, allow in enumerate(self.policy.allow, 1):
            request = _fitted(allow, asked.request, question.at)
            why = next(_objections(allow, question, asked, request), None)
            if why is None and count.of(allow) >= allow.max_grants:
                why = f"{allow.max_grants} grants are out already"
            if why is None:
                count.add(request.expiry)
                return request
            whys.append(f"allow {number}: {why}")
        return "; ".join(whys) or "the policy allows nothing"


@dataclass
class _Count:
    """How many grants a site has that count against a paragraph."""

    earlier: tuple[Earlier, ...]
    at: int
    now: list[Earlier] = field(default_factory=list)

    def of(self, allow: Allow) -> int:
        memory = allow.memory_seconds
        return sum(
            1
            for each in (*self.earlier, *self.now)
            if memory is None or each.expiry is None or each.expiry + memory > self.at
        )

    def add(self, expiry: int | None) -> None:
        self.now.append(Earlier(self.at, expiry))


def _fitted(allow: Allow, request: PermissionRequest, at: int) -> PermissionRequest:
    """Return the request with an expiry the paragraph takes, where both sides allow to change it."""
    if not allow.adjust or not request.permission.is_adjustment_allowed or allow.max_duration_seconds is None:
        return request
    latest = at + allow.max_duration_seconds
    if request.expiry is not None and request.expiry <= latest:
        return request
    others = tuple(rule for rule in request.rules if not isinstance(rule, ExpiryRule))
    return request.model_copy(update={"rules": (ExpiryRule(timestamp=latest), *others)})


def _objections(allow: Allow, question: Question, asked: Asked, request: PermissionRequest) -> Iterator[str]:
    permission = request.permission
    if question.origin not in allow.origins:
        yield "the origin is not listed"
    if request.chain_id not in allow.chain_ids:
        yield f"chain {request.chain_id} is not listed"
    if permission.type not in allow.types:
        yield f"{permission.type} is not listed"
    if allow.accounts is not None and asked.account not in allow.accounts:
        yield f"account {asked.account} is not listed"
    if allow.delegates != "any" and request.to not in allow.delegates:
        yield f"delegate {request.to} is not listed"
    for redeemer in request.redeemers or ():
        if allow.delegates != "any" and redeemer not in allow.delegates:
            yield f"redeemer {redeemer} is not listed"
    start = getattr(permission, "start_time", None)
    if start is not None and request.expiry is not None and start >= request.expiry:
        yield "it would begin when it has ended"
    present = {rule.type for rule in request.rules}
    for needed in allow.required_rules:
        if needed not in present:
            yield f"the rule {needed} is missing"
    if allow.payees is not None and not (request.payees and set(request.payees) <= set(allow.payees)):
        yield "a payee is missing or not listed"
    if allow.max_duration_seconds is not None and (
        request.expiry is None or request.expiry > question.at + allow.max_duration_seconds
    ):
        yield f"it would hold for more than {allow.max_duration_seconds} seconds"
    if not isinstance(permission, TokenApprovalRevocation):
        yield from _objections_to_amount(allow.tokens, permission, request.expiry)


def _objections_to_amount(
    tokens: Mapping[str, TokenLimit], permission: Permission, expiry: int | None
) -> Iterator[str]:
    token = str(getattr(permission, "token_address", NATIVE))
    limit = tokens.get(token)
    if limit is None:
        yield f"token {token} is not listed"
        return
    most = _amount_within(permission, limit.per_seconds, expiry)
    span = "in all" if limit.per_seconds is None else f"in {limit.per_seconds} seconds"
    if most is None or most > limit.max_amount:
        yield f"{'no bound' if most is None else most} {span} is more than {limit.max_amount}"
    if limit.max_total is None:
        if isinstance(permission, NativeTokenStream | Erc20TokenStream) and limit.per_seconds is not None:
            yield "a stream needs max_total: what it leaves over, it carries on"
        return
    total = _amount_within(permission, None, expiry)
    if total is None or total > limit.max_total:
        yield f"{'no bound' if total is None else total} until it expires is more than {limit.max_total}"


def _amount_within(permission: Permission, seconds: int | None, expiry: int | None) -> int | None:
    """Return what a grant reaches in any of the spans counted from its start, or until it expires; None if unbounded.

    What a stream carries over from one span to the next is not in it. The permission is populated.
    """
    values: Any = permission
    life = None if expiry is None else max(expiry - values.start_time, 0)
    span = life if seconds is None or (life is not None and life <= seconds) else seconds
    if hasattr(values, "allowance_amount"):
        return int(values.allowance_amount)
    if hasattr(values, "period_amount"):
        if span is None:
            return None
        touched = -(-span // values.period_duration) if span == life else _most_touched(span, values.period_duration)
        return int(values.period_amount * touched)
    most = int(values.max_amount)
    return most if span is None else min(most, int(values.initial_amount + values.amount_per_second * span))


def _most_touched(span: int, period: int) -> int:
    """Return how many periods one span can touch, where both are counted from the same second, over and over."""
    if period % span == 0:
        return 1
    if span % period == 0:
        return span // period
    # the first span begins with a period; a later one may begin with the last second of one
    return (span - 2) // period + 2
