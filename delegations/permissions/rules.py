"""The rules beside a permission: when it ends, who redeems, who is paid; and any other, kept as it came.

Source: ERC-7715, Rules (expiry); npm @metamask/7715-permission-types 2.0.0, rules (expiry, redeemer, payee).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import model_validator

from caveats.errors import UnsupportedError, abbreviate
from caveats.types import Address, Listed, Uint256
from delegations.permissions.wire import (
    Fields,
    KeptData,
    PermissionFieldError,
    WireModel,
    join_path,
    read_addresses,
    read_seconds,
    read_type,
)


class Rule(WireModel):
    """Base of every rule.

    Attributes:
        type: the wire string.
    """

    type: str

    @model_validator(mode="after")
    def _has_a_class(self) -> Self:
        known = RULE_TYPES.get(self.type, UnknownRule)
        if type(self) is not known:
            raise ValueError(f"{abbreviate(self.type)} is the type of {known.__name__}, not of this class")
        return self

    @classmethod
    def _read(cls, value: object, path: str) -> Self:
        found = read_rule(value, path)
        if not isinstance(found, cls):
            expected = str(cls.model_fields["type"].default) if cls is not UnknownRule else "a type that is not known"
            raise PermissionFieldError.at(join_path(path, "type"), expected=expected, got=found.type)
        return found

    @classmethod
    def read_data(cls, value: object, path: str) -> dict[str, Any]:
        """Return the fields of `data` by their names here. Each type has its own; no rule is of this class itself."""
        raise UnsupportedError(f"{cls.__name__}: it reads no data")

    def write_data(self) -> dict[str, Any]:
        """Return `data` as it travels. Each type has its own; no rule is of this class itself."""
        raise UnsupportedError(f"{type(self).__name__}: it writes no data")

    def to_wire(self) -> dict[str, Any]:
        """Return {"type", "data"}."""
        return {"type": self.type, "data": self.write_data()}


class ExpiryRule(Rule):
    """Redeemable strictly before `timestamp`, in unix seconds."""

    type: Literal["expiry"] = "expiry"
    timestamp: Uint256

    @classmethod
    def read_data(cls, value: object, path: str) -> dict[str, Any]:
        fields = Fields(value, path)
        timestamp = fields.take("timestamp", read_seconds)
        fields.refuse_others()
        return {"timestamp": timestamp}

    def write_data(self) -> dict[str, Any]:
        return {"timestamp": self.timestamp}


class _AddressesRule(Rule):
    addresses: Listed[Address]

    @classmethod
    def read_data(cls, value: object, path: str) -> dict[str, Any]:
        fields = Fields(value, path)
        addresses = fields.take("addresses", read_addresses)
        fields.refuse_others()
        return {"addresses": addresses}

    def write_data(self) -> dict[str, Any]:
        return {"addresses": [str(address) for address in self.addresses]}


class RedeemerRule(_AddressesRule):
    """Redeemable by these accounts only, whatever is delegated on."""

    type: Literal["redeemer"] = "redeemer"


class PayeeRule(_AddressesRule):
    """Only these accounts may be paid: one for an ERC-20, one or several for the native token."""

    type: Literal["payee"] = "payee"


class UnknownRule(KeptData, Rule):
    """A rule of a type that is not known: kept as it came, never compiled."""


RULE_TYPES: Mapping[str, type[Rule]] = {"expiry": ExpiryRule, "redeemer": RedeemerRule, "payee": PayeeRule}
"""Every known wire string and its class, in the order the wallet compiles them."""


def read_rule(value: object, path: str = "rule") -> Rule:
    """Return the rule of any type; one that is not known comes back as UnknownRule.

    Raises:
        PermissionFieldError: naming the field at fault.
    """
    fields = Fields(value, path)
    kind = fields.take("type", read_type)
    cls = RULE_TYPES.get(kind, UnknownRule)
    data = fields.take("data", cls.read_data)
    fields.refuse_others()
    return cls(type=kind, **data)
