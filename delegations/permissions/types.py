"""The permission types: seven live ones, one deprecated, and any other, kept as it came.

`read_permission` reads any of them. Amounts are base units (wei for the native token), times unix seconds, durations
seconds. An optional field that is None was not given: `populate` fills it in.

Source: npm @metamask/7715-permission-types 2.0.0, types; ERC-7715, Permission Request Interface.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Self

from pydantic import model_validator

from caveats.errors import abbreviate
from caveats.types import Address, Uint256
from delegations.permissions.wire import (
    Fields,
    KeptData,
    PermissionFieldError,
    WireModel,
    join_path,
    read_address,
    read_flag,
    read_quantity,
    read_seconds,
    read_text,
    read_type,
    to_camel,
)


class _Kind(NamedTuple):
    """How a field of the data travels."""

    read: Callable[[object, str], Any]
    write: Callable[[Any], Any]


_AMOUNT = _Kind(read_quantity, hex)
_SECONDS = _Kind(read_seconds, int)
_ADDRESS = _Kind(read_address, str)
_FLAG = _Kind(read_flag, bool)
_TEXT = _Kind(read_text, str)
_KINDS: Mapping[str, _Kind] = {
    "token_address": _ADDRESS,
    "initial_amount": _AMOUNT,
    "max_amount": _AMOUNT,
    "amount_per_second": _AMOUNT,
    "period_amount": _AMOUNT,
    "allowance_amount": _AMOUNT,
    "period_duration": _SECONDS,
    "start_time": _SECONDS,
    "erc20_approve": _FLAG,
    "erc721_approve": _FLAG,
    "erc721_set_approval_for_all": _FLAG,
    "permit2_approve": _FLAG,
    "permit2_lockdown": _FLAG,
    "permit2_invalidate_nonces": _FLAG,
    "justification": _TEXT,
}
_OTHER_NAMES = {"allowance_amount": "allowance"}
"""A name the ERC's example has for a field."""


class Permission(WireModel):
    """Base of every permission type.

    Attributes:
        type: the wire string.
        is_adjustment_allowed: whether the wallet's user may change what was asked; exactly this or nothing by default.
    """

    # the fields of the data that may be absent on the wire
    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"justification"})

    type: str
    is_adjustment_allowed: bool = False

    @model_validator(mode="after")
    def _has_a_class(self) -> Self:
        known = PERMISSION_TYPES.get(self.type, UnknownPermission)
        if type(self) is not known:
            raise ValueError(f"{abbreviate(self.type)} is the type of {known.__name__}, not of this class")
        return self

    @classmethod
    def data_fields(cls) -> tuple[str, ...]:
        """Return the names of the fields that travel inside `data`."""
        return tuple(name for name in cls.model_fields if name not in Permission.model_fields)

    @classmethod
    def _read(cls, value: object, path: str) -> Self:
        found = read_permission(value, path)
        if not isinstance(found, cls):
            raise PermissionFieldError.at(join_path(path, "type"), expected=_type_of(cls), got=found.type)
        return found

    @classmethod
    def read_data(cls, value: object, path: str) -> dict[str, Any]:
        """Return the fields of `data` by their names here."""
        fields = Fields(value, path)
        data = {}
        for name in cls.data_fields():
            take = fields.optional if name in cls.OPTIONAL else fields.take
            data[name] = take(to_camel(name), _KINDS[name].read, also=_OTHER_NAMES.get(name))
        fields.refuse_others()
        return data

    def write_data(self) -> dict[str, Any]:
        """Return `data` as it travels; what is None is left out."""
        given = ((name, getattr(self, name)) for name in self.data_fields())
        return {to_camel(name): _KINDS[name].write(value) for name, value in given if value is not None}

    def to_wire(self) -> dict[str, Any]:
        """Return {"type", "isAdjustmentAllowed", "data"}."""
        return {"type": self.type, "isAdjustmentAllowed": self.is_adjustment_allowed, "data": self.write_data()}


class NativeTokenStream(Permission):
    """Native value that unlocks second by second: `initial_amount` at `start_time`, never more than `max_amount`."""

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"justification", "initial_amount", "max_amount", "start_time"})

    type: Literal["native-token-stream"] = "native-token-stream"
    amount_per_second: Uint256
    initial_amount: Uint256 | None = None
    max_amount: Uint256 | None = None
    start_time: Uint256 | None = None
    justification: str | None = None


class NativeTokenPeriodic(Permission):
    """Native value up to `period_amount` in each period of `period_duration` seconds, counted from `start_time`."""

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"justification", "start_time"})

    type: Literal["native-token-periodic"] = "native-token-periodic"
    period_amount: Uint256
    period_duration: Uint256
    start_time: Uint256 | None = None
    justification: str | None = None


class NativeTokenAllowance(Permission):
    """Native value up to `allowance_amount` in all, from `start_time` on."""

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"justification", "start_time"})

    type: Literal["native-token-allowance"] = "native-token-allowance"
    allowance_amount: Uint256
    start_time: Uint256 | None = None
    justification: str | None = None


class Erc20TokenStream(Permission):
    """As NativeTokenStream, for transfers of one ERC-20."""

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"justification", "initial_amount", "max_amount", "start_time"})

    type: Literal["erc20-token-stream"] = "erc20-token-stream"
    token_address: Address
    amount_per_second: Uint256
    initial_amount: Uint256 | None = None
    max_amount: Uint256 | None = None
    start_time: Uint256 | None = None
    justification: str | None = None


class Erc20TokenPeriodic(Permission):
    """As NativeTokenPeriodic, for transfers of one ERC-20."""

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"justification", "start_time"})

    type: Literal["erc20-token-periodic"] = "erc20-token-periodic"
    token_address: Address
    period_amount: Uint256
    period_duration: Uint256
    start_time: Uint256 | None = None
    justification: str | None = None


class Erc20TokenAllowance(Permission):
    """As NativeTokenAllowance, for transfers of one ERC-20."""

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"justification", "start_time"})

    type: Literal["erc20-token-allowance"] = "erc20-token-allowance"
    token_address: Address
    allowance_amount: Uint256
    start_time: Uint256 | None = None
    justification: str | None = None


class TokenApprovalRevocation(Permission):
    """Taking approvals back, of the kinds that are switched on."""

    type: Literal["token-approval-revocation"] = "token-approval-revocation"
    erc20_approve: bool = False
    erc721_approve: bool = False
    erc721_set_approval_for_all: bool = False
    permit2_approve: bool = False
    permit2_lockdown: bool = False
    permit2_invalidate_nonces: bool = False
    justification: str | None = None


class Erc20TokenRevocation(Permission):
    """Deprecated, replaced by TokenApprovalRevocation: read so that it can be named; nothing compiles it."""

    type: Literal["erc20-token-revocation"] = "erc20-token-revocation"
    justification: str | None = None


class UnknownPermission(KeptData, Permission):
    """A type that is not known: kept as it came, never compiled."""

    @property
    def justification(self) -> str | None:
        """The data's justification when it has one that is text."""
        found = self.data.get("justification")
        return found if isinstance(found, str) else None


NativePermission = NativeTokenStream | NativeTokenPeriodic | NativeTokenAllowance
Erc20Permission = Erc20TokenStream | Erc20TokenPeriodic | Erc20TokenAllowance
SpendPermission = NativePermission | Erc20Permission
LivePermission = SpendPermission | TokenApprovalRevocation

LIVE_PERMISSIONS: tuple[type[Permission], ...] = (
    NativeTokenStream,
    NativeTokenPeriodic,
    NativeTokenAllowance,
    Erc20TokenStream,
    Erc20TokenPeriodic,
    Erc20TokenAllowance,
    TokenApprovalRevocation,
)
"""The types a wallet can grant, in the order MetaMask lists them."""
DEPRECATED_PERMISSIONS: tuple[type[Permission], ...] = (Erc20TokenRevocation,)


def _type_of(cls: type[Permission]) -> str:
    return str(cls.model_fields["type"].default) if "data" not in cls.model_fields else "a type that is not known"


PERMISSION_TYPES: Mapping[str, type[Permission]] = {
    _type_of(cls): cls for cls in (*LIVE_PERMISSIONS, *DEPRECATED_PERMISSIONS)
}
"""Every known wire string and its class."""


def read_permission(value: object, path: str = "permission") -> Permission:
    """Return the permission of any type; one that is not known comes back as UnknownPermission.

    Raises:
        PermissionFieldError: naming the field at fault.
    """
    fields = Fields(value, path)
    kind = fields.take("type", read_type)
    allowed = fields.take("isAdjustmentAllowed", read_flag)
    cls = PERMISSION_TYPES.get(kind, UnknownPermission)
    data = fields.take("data", cls.read_data)
    fields.refuse_others()
    return cls(type=kind, is_adjustment_allowed=allowed, **data)
