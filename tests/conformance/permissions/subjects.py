"""Seeded random permissions, with rules, parties and a nonce: the same ones on every run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from caveats.seconds import LATEST_SECOND
from caveats.types import Address
from delegations.delegation import Delegation
from delegations.framework import deployment
from delegations.permissions import (
    LIVE_PERMISSIONS,
    LONGEST_PERIOD,
    ExpiryRule,
    PayeeRule,
    Permission,
    PermissionRequest,
    RedeemerRule,
    Rule,
    TokenApprovalRevocation,
    to_delegation,
)
from tests.conformance.source import Source

CASES = 60
"""Subjects for each type."""
_FLAGS = tuple(name for name in TokenApprovalRevocation.data_fields() if name != "justification")


@dataclass(frozen=True)
class Subject:
    """A request that can be granted, and what it takes to grant it."""

    request: PermissionRequest
    delegator: Address
    nonce: int
    salt: int

    @property
    def delegation(self) -> Delegation:
        """The delegation that grants it."""
        return to_delegation(self.request, delegator=self.delegator, nonce=self.nonce, salt=self.salt, on=deployment(1))

    @property
    def asked(self) -> dict[str, Any]:
        """What the package is told."""
        wire = self.request.to_wire()
        return {
            "type": wire["permission"]["type"],
            "data": wire["permission"]["data"],
            "rules": wire["rules"],
            "nonce": "0x" + self.nonce.to_bytes(32, "big").hex(),
            "delegator": str(self.delegator),
            "delegate": wire["to"],
            "salt": "0x" + self.salt.to_bytes(32, "big").hex(),
        }


def subjects_of(cls: type[Permission]) -> list[Subject]:
    """Return the subjects of one type."""
    return list(_generate(cls, Source(f"permissions/{cls.__name__}")))


def all_subjects() -> dict[str, list[Subject]]:
    """Return the subjects of every type, by wire string."""
    return {cls.model_fields["type"].default: subjects_of(cls) for cls in LIVE_PERMISSIONS}


def _generate(cls: type[Permission], source: Source) -> Iterator[Subject]:
    for _ in range(CASES):
        request = PermissionRequest(
            chain_id=1,
            to=source.address(),
            from_=source.address() if source.one_in(2) else None,
            permission=draw_permission(cls, source),
            rules=draw_rules(cls, source),
        )
        yield Subject(request, request.from_ or source.address(), source.uint(), source.uint())


def draw_permission(cls: type[Permission], source: Source) -> Permission:
    """Return a populated permission within the package's checks."""
    values: dict[str, Any] = {"is_adjustment_allowed": source.one_in(2)}
    fields = cls.data_fields()
    for name in fields:
        if name in ("period_amount", "allowance_amount", "amount_per_second"):
            values[name] = source.uint(least=1)
    if "max_amount" in fields:
        initial, most = sorted((source.uint(), source.uint()))
        values |= (
            {"initial_amount": initial, "max_amount": most}
            if initial < most
            else {"initial_amount": 0, "max_amount": 1}
        )
    if "start_time" in fields:
        values["start_time"] = source.uint(LATEST_SECOND, least=1)
    if "period_duration" in fields:
        often = source.random.choice((3600, 86_400, 604_800, 2_592_000, 31_536_000))
        values["period_duration"] = often if source.one_in(2) else source.uint(LONGEST_PERIOD, least=1)
    if "token_address" in fields:
        values["token_address"] = source.any_address()
    if cls is TokenApprovalRevocation:
        on = source.random.sample(_FLAGS, source.random.randint(1, len(_FLAGS)))
        values |= dict.fromkeys(on, True)
    if source.one_in(2):
        values["justification"] = source.random.choice(("rent", "für die Miete", "zero\u200bwidth", "<b>"))
    return cls(**values)


def draw_rules(cls: type[Permission], source: Source) -> tuple[Rule, ...]:
    """Return rules the type takes, each at most once, in any order."""
    rules: list[Rule] = []
    if source.one_in(2):
        rules.append(ExpiryRule(timestamp=source.uint(LATEST_SECOND, least=1)))
    if source.one_in(2):
        rules.append(RedeemerRule(addresses=_addresses(source, 4)))
    if source.one_in(2) and cls is not TokenApprovalRevocation:
        rules.append(PayeeRule(addresses=_addresses(source, 1 if "token_address" in cls.data_fields() else 4)))
    source.random.shuffle(rules)
    return tuple(rules)


def _addresses(source: Source, most: int) -> tuple[Address, ...]:
    return tuple(source.any_address() for _ in range(source.random.randint(1, most)))
