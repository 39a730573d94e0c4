"""Asked and granted, side by side: what differs, and whether the grant admits anything that was not asked for.

Each difference is judged as if it were the only one. The whole is judged by what it admits: a smaller amount in shorter
periods can be more or less than what was asked, and only the two together tell.

Source: ERC-7715, isAdjustmentAllowed; framework 1.3.0 for what each field admits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from caveats.enforcer import format_utc
from caveats.errors import abbreviate
from caveats.types import MAX_UINT256, Address, Listed, Model
from delegations.permissions.budgets import Excess, Periods, Stream, exceeds
from delegations.permissions.rules import ExpiryRule, PayeeRule, RedeemerRule, Rule
from delegations.permissions.types import (
    Erc20TokenAllowance,
    Erc20TokenPeriodic,
    Erc20TokenStream,
    NativeTokenAllowance,
    NativeTokenPeriodic,
    NativeTokenStream,
    Permission,
    TokenApprovalRevocation,
    UnknownPermission,
)
from delegations.permissions.wire import to_camel

_WORDS = {
    (True, True): "other than was asked",
    (True, False): "more than was asked",
    (False, True): "less than was asked",
    (False, False): "without effect on what can be done",
}
_FILLED_IN = {"initial_amount": 0, "max_amount": MAX_UINT256}
"""What an optional amount means when it is not given."""
_ADDRESS_RULES: tuple[type[RedeemerRule | PayeeRule], ...] = (RedeemerRule, PayeeRule)


class Bounded(Protocol):
    """A permission under rules: a request, a response, or what a context was decoded to."""

    @property
    def permission(self) -> Permission:
        """The permission."""

    @property
    def rules(self) -> Sequence[Rule]:
        """Its rules."""


class Difference(Model):
    """One field that is not as it was asked.

    Attributes:
        field: by wire names, such as `permission.data.periodAmount` or `rules.expiry`.
        asked: what was asked, in words; None for nothing.
        granted: what was granted instead; None for nothing.
        widens: whether this alone would admit something that was not asked for.
        narrows: whether this alone would deny something that was asked for.
    """

    field: str
    asked: str | None
    granted: str | None
    widens: bool
    narrows: bool

    @property
    def sentence(self) -> str:
        """The difference in words."""
        asked, granted = ("nothing" if value is None else value for value in (self.asked, self.granted))
        return f"{self.field}: asked {asked}, granted {granted}: {_WORDS[self.widens, self.narrows]}"


class Comparison(Model):
    """What became of what was asked.

    Attributes:
        differences: every field that differs; none when granted as asked.
        is_wider: whether the grant as a whole admits something that was not asked for.
        is_narrower: whether it denies something that was asked for.
        excess: what it admits too much, in words; None when nothing.
    """

    differences: Listed[Difference] = ()
    is_wider: bool = False
    is_narrower: bool = False
    excess: str | None = None

    @property
    def is_equal(self) -> bool:
        """Whether it was granted as asked."""
        return not self.differences

    @property
    def sentence(self) -> str:
        """The whole in words."""
        if self.is_equal:
            return "granted as asked"
        said = _WORDS[self.is_wider, self.is_narrower]
        return said if self.excess is None else f"{said}: {self.excess}"


@dataclass(frozen=True, slots=True)
class _Reach:
    """What a permission under its rules admits. `key` is what cannot be ordered; addresses that are None are all."""

    key: tuple[str, ...]
    budget: Periods | Stream | None
    kinds: frozenset[str]
    end_at: int | None
    addresses: tuple[frozenset[Address] | None, ...]
    others: frozenset[str]

    @property
    def is_nothing(self) -> bool:
        if any(named == frozenset() for named in self.addresses) or self.end_at == 0:
            return True
        if isinstance(self.budget, Periods):
            return exceeds(self.budget, Periods(0, 1, 0)) is None
        if isinstance(self.budget, Stream):
            return exceeds(self.budget, Stream(0, 0, 0, 0)) is None
        return self.key[0] == "token-approval-revocation" and not self.kinds


def compare(asked: Bounded, granted: Bounded) -> Comparison:
    """Return how `granted` differs from `asked`, in permission and rules.

    A time of start that was not asked for is the wallet's to choose. An amount that was not asked for is its default:
    nothing at the start of a stream, no bound in all. A justification bounds nothing and is not compared. Rules that
    are not known are compared as they stand.

    Nothing is said of chain, accounts and what the signed bytes hold: `verify_response` looks at those.
    """
    ours, theirs = _with_start(asked.permission, granted.permission), _with_start(granted.permission, asked.permission)
    differences = (*_in_permission(ours, theirs, asked.rules), *_in_rules(ours, asked.rules, granted.rules))
    wanted, given = _reach(ours, asked.rules), _reach(theirs, granted.rules)
    excess = _beyond(given, wanted) if differences else None
    return Comparison(
        differences=differences,
        is_wider=excess is not None,
        is_narrower=bool(differences) and _beyond(wanted, given) is not None,
        excess=excess,
    )


def _with_start(permission: Permission, other: Permission) -> Permission:
    if getattr(permission, "start_time", 0) is not None:
        return permission
    return permission.model_copy(update={"start_time": getattr(other, "start_time", None) or 0})


# one field at a time


def _in_permission(asked: Permission, granted: Permission, rules: Sequence[Rule]) -> Iterator[Difference]:
    if asked.type != granted.type:
        ours, theirs = abbreviate(asked.type), abbreviate(granted.type)
        yield Difference(field="permission.type", asked=ours, granted=theirs, widens=True, narrows=True)
        return
    if isinstance(asked, UnknownPermission) or isinstance(granted, UnknownPermission):
        ours, theirs = _canonical(asked.write_data()), _canonical(granted.write_data())
        if ours != theirs:
            ours, theirs = abbreviate(ours), abbreviate(theirs)
            yield Difference(field="permission.data", asked=ours, granted=theirs, widens=True, narrows=True)
        return
    for name in asked.data_fields():
        ours, theirs = (_value(permission, name) for permission in (asked, granted))
        if name == "justification" or ours == theirs:
            continue
        changed = asked.model_copy(update={name: theirs})
        yield _difference(
            f"permission.data.{to_camel(name)}",
            _show(name, ours),
            _show(name, theirs),
            _reach(asked, rules),
            _reach(changed, rules),
        )


def _in_rules(permission: Permission, asked: Sequence[Rule], granted: Sequence[Rule]) -> Iterator[Difference]:
    kinds = dict.fromkeys(rule.type for rule in (*asked, *granted))
    for kind in kinds:
        ours, theirs = ([rule for rule in rules if rule.type == kind] for rules in (asked, granted))
        before, after = _reach(permission, asked), _reach(permission, [r for r in asked if r.type != kind] + theirs)
        if before != after:
            yield _difference(f"rules.{abbreviate(kind)}", _show_rules(ours), _show_rules(theirs), before, after)


def _difference(field: str, asked: str | None, granted: str | None, before: _Reach, after: _Reach) -> Difference:
    widens, narrows = _beyond(after, before) is not None, _beyond(before, after) is not None
    return Difference(field=field, asked=asked, granted=granted, widens=widens, narrows=narrows)


def _value(permission: Permission, name: str) -> Any:
    value = getattr(permission, name)
    return _FILLED_IN.get(name) if value is None else value


def _show(name: str, value: Any) -> str:
    if name == "start_time":
        return format_utc(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "no bound" if name == "max_amount" and value == MAX_UINT256 else str(value)


def _show_rules(rules: Sequence[Rule]) -> str | None:
    shown = []
    for rule in rules:
        if isinstance(rule, ExpiryRule):
            shown.append(format_utc(rule.timestamp))
        elif isinstance(rule, _ADDRESS_RULES):
            shown.append(", ".join(map(str, rule.addresses)) or "nobody")
        else:
            shown.append(abbreviate(_canonical(rule.write_data())))
    return " and ".join(shown) or None


def _canonical(data: Any) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


# the whole


def _reach(permission: Permission, rules: Sequence[Rule]) -> _Reach:
    ends = [rule.timestamp for rule in rules if isinstance(rule, ExpiryRule)]
    end_at = min(ends, default=None)
    key = (permission.type, str(getattr(permission, "token_address", "")))
    if isinstance(permission, UnknownPermission):
        key = (permission.type, _canonical(permission.write_data()))
    kinds: frozenset[str] = frozenset()
    if isinstance(permission, TokenApprovalRevocation):
        kinds = frozenset(name for name in permission.data_fields() if getattr(permission, name) is True)
    return _Reach(
        key=key,
        budget=_budget(permission, end_at),
        kinds=kinds,
        end_at=end_at,
        addresses=tuple(_named(rules, cls) for cls in _ADDRESS_RULES),
        others=frozenset(
            f"{rule.type} {_canonical(rule.write_data())}"
            for rule in rules
            if not isinstance(rule, (ExpiryRule, *_ADDRESS_RULES))
        ),
    )


def _named(rules: Sequence[Rule], cls: type[RedeemerRule | PayeeRule]) -> frozenset[Address] | None:
    sets = [frozenset(rule.addresses) for rule in rules if isinstance(rule, cls)]
    return frozenset.intersection(*sets) if sets else None


def _budget(permission: Permission, end_at: int | None) -> Periods | Stream | None:
    if isinstance(permission, NativeTokenStream | Erc20TokenStream):
        return Stream(
            _value(permission, "initial_amount"),
            _value(permission, "max_amount"),
            permission.amount_per_second,
            permission.start_time or 0,
            end_at,
        )
    if isinstance(permission, NativeTokenPeriodic | Erc20TokenPeriodic):
        # a period of no length is refused by every builder; it is read as the shortest
        seconds = max(permission.period_duration, 1)
        return Periods(permission.period_amount, seconds, permission.start_time or 0, end_at)
    if isinstance(permission, NativeTokenAllowance | Erc20TokenAllowance):
        return Periods(permission.allowance_amount, MAX_UINT256, permission.start_time or 0, end_at)
    return None


def _beyond(granted: _Reach, asked: _Reach) -> str | None:
    """Return what `granted` admits and `asked` does not, in words; None when nothing."""
    if granted.is_nothing:
        return None
    if granted.key != asked.key:
        return "another permission" if granted.key[0] != asked.key[0] else "another token or other data"
    more = sorted(granted.kinds - asked.kinds)
    if more:
        return f"also {', '.join(map(to_camel, more))}"
    for who, given, wanted in zip(("redeem", "be paid"), granted.addresses, asked.addresses, strict=True):
        if wanted is not None and (given is None or given - wanted):
            whom = "anybody" if given is None else ", ".join(sorted(map(str, given - wanted)))
            return f"{whom} could {who}"
    if asked.others - granted.others:
        return "a rule was left out"
    if granted.budget is not None and asked.budget is not None:
        excess = exceeds(granted.budget, asked.budget)
        return None if excess is None else _show_excess(excess, asked.budget)
    if asked.end_at is not None and (granted.end_at is None or granted.end_at > asked.end_at):
        return f"usable at {format_utc(asked.end_at)} and after"
    return None


def _show_excess(excess: Excess, asked: Periods | Stream) -> str:
    if excess.at < asked.start_at:
        return f"usable at {format_utc(excess.at)}, before the start"
    if asked.end_at is not None and excess.at >= asked.end_at:
        return f"usable at {format_utc(excess.at)}, after the end"
    where = " in one of the asked periods" if isinstance(asked, Periods) and asked.seconds != MAX_UINT256 else ""
    return f"by {format_utc(excess.at)} {excess.granted} could be moved{where}, not {excess.asked}"
