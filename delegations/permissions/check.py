"""What is wrong with a request: what no compiler can express, and what a wallet refuses besides.

Source: npm @metamask/7715-permission-types 2.0.0, createXCaveats (the first); MetaMask's permissions snap (the second).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from caveats.seconds import LATEST_SECOND
from caveats.types import MAX_UINT128, MAX_UINT256, ZERO_ADDRESS, parse_uint256
from delegations.delegation import ANY_DELEGATE
from delegations.permissions.model import PermissionRequest, SupportedPermission
from delegations.permissions.rules import ExpiryRule, PayeeRule, RedeemerRule, Rule
from delegations.permissions.shapes import SHAPES, Shape, find_shape
from delegations.permissions.types import PERMISSION_TYPES, Permission
from delegations.permissions.wire import PermissionFieldError, Problem, to_camel

LONGEST_PERIOD = 315_360_000
"""Ten years of seconds, the longest period MetaMask's compiler and decoder take."""
LONGEST_JUSTIFICATION = 300
"""Characters of a justification, as MetaMask takes them."""
_DAY = 86_400
_DEFAULTS = {"initial_amount": 0, "max_amount": MAX_UINT256}


def populate(request: PermissionRequest, *, now: int) -> PermissionRequest:
    """Return the request with the optional fields filled in as the wallet fills them in.

    The start is `now`, the initial amount of a stream 0, its maximum 2^256-1 (none). What was given stays.

    Args:
        request: of any type; one that is not known comes back as it is.
        now: unix seconds.
    """
    permission = populate_permission(request.permission, now=now)
    return request if permission is request.permission else request.model_copy(update={"permission": permission})


def populate_permission(permission: Permission, *, now: int) -> Permission:
    """Return the permission with its optional fields filled in, as `populate` does for a request."""
    missing = {
        name: value
        for name, value in {**_DEFAULTS, "start_time": parse_uint256(now)}.items()
        if name in type(permission).model_fields and getattr(permission, name) is None
    }
    return permission.model_copy(update=missing) if missing else permission


def supported_by(chain_ids: Sequence[int]) -> dict[str, SupportedPermission]:
    """Return what this compiler can grant on the given chains: every live type, with the rules it takes."""
    return {
        shape.name: SupportedPermission(chain_ids=tuple(chain_ids), rule_types=shape.rule_types) for shape in SHAPES
    }


def find_request_problems(
    request: PermissionRequest,
    *,
    now: int,
    day_start_at: int | None = None,
    supported: Mapping[str, SupportedPermission] | None = None,
) -> tuple[Problem, ...]:
    """Return everything a wallet refuses about a request; empty when it can be put to its user.

    Args:
        request: as it came, populated or not.
        now: unix seconds.
        day_start_at: the earliest start taken: the user's local midnight; the midnight of `now` in UTC when None.
        supported: what the wallet grants, by type; every live type on any chain when None.
    """
    filled = populate(request, now=now)
    problems = [*_problems_of_support(filled, supported), *find_compile_problems(filled.permission, filled.rules)]
    problems += _problems_of_parties(filled)
    problems += _problems_of_times(filled, now, now - now % _DAY if day_start_at is None else day_start_at)
    if getattr(filled.permission, "token_address", None) == ZERO_ADDRESS:
        problems.append(_data_problem("token_address", "expected an ERC-20, got the zero address"))
    justification = getattr(filled.permission, "justification", None) or ""
    if len(justification) > LONGEST_JUSTIFICATION:
        text = f"expected at most {LONGEST_JUSTIFICATION} characters, got {len(justification)}"
        problems.append(_data_problem("justification", text))
    return tuple(problems)


def find_compile_problems(permission: Permission, rules: Sequence[Rule]) -> Iterator[Problem]:
    """Yield what keeps a populated permission and its rules from being compiled."""
    shape = find_shape(permission)
    if shape is None:
        known = permission.type in PERMISSION_TYPES
        why = "the type is deprecated; ask for token-approval-revocation" if known else "no such type is known"
        yield Problem("permission.type", f"{permission.type}: {why}")
    else:
        yield from _problems_of_data(permission)
    yield from _problems_of_rules(shape, rules)


def _data_problem(name: str, text: str) -> Problem:
    return Problem(f"permission.data.{to_camel(name)}", text)


_POSITIVE = ("amount_per_second", "period_amount", "allowance_amount", "start_time")


def _problems_of_data(permission: Permission) -> Iterator[Problem]:
    values: dict[str, Any] = {name: getattr(permission, name) for name in permission.data_fields()}
    for name, value in values.items():
        if value is None and name != "justification":
            yield _data_problem(name, "it was not given; populate the request first")
        elif name in _POSITIVE and value == 0:
            yield _data_problem(name, "expected more than 0, got 0")
    duration = values.get("period_duration")
    if duration is not None and not 1 <= duration <= LONGEST_PERIOD:
        yield _data_problem("period_duration", f"expected 1 to {LONGEST_PERIOD} seconds, got {duration}")
    initial, most = values.get("initial_amount"), values.get("max_amount")
    if initial is not None and most is not None and most <= initial:
        yield _data_problem("max_amount", f"expected more than the initial amount {initial}, got {most}")
    if "permit2_approve" in values and not any(value is True for value in values.values()):
        yield Problem("permission.data", "no kind of revocation is switched on; set at least one to true")


def _problems_of_rules(shape: Shape | None, rules: Sequence[Rule]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        path = f"rules[{index}]"
        if rule.type in seen:
            yield Problem(f"{path}.type", f"a rule of the type {rule.type} stands before it; one is enough")
        seen.add(rule.type)
        if shape is not None and rule.type not in shape.rule_types:
            taken = ", ".join(shape.rule_types)
            yield Problem(f"{path}.type", f"expected one that {shape.name} takes ({taken}), got {rule.type}")
            continue
        if isinstance(rule, ExpiryRule) and not 0 < rule.timestamp <= MAX_UINT128:
            text = f"expected unix seconds above 0 and below 2^128, got {rule.timestamp}"
            yield Problem(f"{path}.data.timestamp", text)
        if isinstance(rule, RedeemerRule | PayeeRule):
            yield from _problems_of_addresses(shape, rule, f"{path}.data.addresses")


def _problems_of_addresses(shape: Shape | None, rule: RedeemerRule | PayeeRule, path: str) -> Iterator[Problem]:
    if not rule.addresses:
        yield Problem(path, "expected at least one address, got none")
    is_erc20 = shape is not None and "token_address" in shape.names
    if isinstance(rule, PayeeRule) and is_erc20 and len(rule.addresses) > 1:
        yield Problem(path, f"expected exactly one payee of an ERC-20, got {len(rule.addresses)}")


def _problems_of_support(
    request: PermissionRequest, supported: Mapping[str, SupportedPermission] | None
) -> Iterator[Problem]:
    if supported is None or find_shape(request.permission) is None:
        return
    granted = supported.get(request.permission.type)
    if granted is None:
        yield Problem("permission.type", f"{request.permission.type}: this wallet does not grant it")
        return
    if request.chain_id not in granted.chain_ids:
        chains = ", ".join(map(hex, granted.chain_ids)) or "none"
        text = f"expected a chain this wallet grants it on ({chains}), got {hex(request.chain_id)}"
        yield Problem("chainId", text)
    for index, rule in enumerate(request.rules):
        if rule.type not in granted.rule_types:
            yield Problem(f"rules[{index}].type", f"{rule.type}: this wallet does not bound the permission by it")


def _problems_of_parties(request: PermissionRequest) -> Iterator[Problem]:
    if request.to == ZERO_ADDRESS:
        yield Problem("to", "expected the account that redeems, got the zero address, which never can")
    if request.to == ANY_DELEGATE and request.redeemers is None:
        text = f"{ANY_DELEGATE} stands for anyone; name the account that redeems, or add a redeemer rule"
        yield Problem("to", text)
    if request.from_ == ZERO_ADDRESS:
        yield Problem("from", "expected the account that grants, got the zero address")
    for index, rule in enumerate(request.rules):
        if not isinstance(rule, RedeemerRule | PayeeRule):
            continue
        path = f"rules[{index}].data.addresses"
        if ZERO_ADDRESS in rule.addresses:
            yield Problem(path, "it lists the zero address; name the account")
        if len(set(rule.addresses)) != len(rule.addresses):
            yield Problem(path, "it lists an address twice")


def _problems_of_times(request: PermissionRequest, now: int, earliest: int) -> Iterator[Problem]:
    start = getattr(request.permission, "start_time", None)
    if start is not None and start > LATEST_SECOND:
        yield _data_problem("start_time", f"{start} is past the year 9999; give seconds, not milliseconds")
    elif start is not None and 0 < start < earliest:
        yield _data_problem("start_time", f"expected today or later ({earliest} on), got {start}")
    for index, rule in enumerate(request.rules):
        if not isinstance(rule, ExpiryRule):
            continue
        path = f"rules[{index}].data.timestamp"
        if not 0 < rule.timestamp <= MAX_UINT128:
            continue  # no compiler takes it, which is told already
        if rule.timestamp > LATEST_SECOND:
            yield Problem(path, f"{rule.timestamp} is past the year 9999; give seconds, not milliseconds")
        elif rule.timestamp <= now:
            yield Problem(path, f"expected a moment after now ({now}), got {rule.timestamp}")
        elif start is not None and start >= rule.timestamp:
            yield Problem(path, f"expected a moment after the start {start}, got {rule.timestamp}")


def require_no_problems(problems: Sequence[Problem]) -> None:
    """Return when there are none. Raises PermissionFieldError with all of them otherwise."""
    if problems:
        raise PermissionFieldError(*problems)
