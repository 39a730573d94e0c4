"""Reading and writing the JSON of ERC-7715: what is tolerated on the way in never leaves on the way out.

Wire forms: amounts and chain ids are 0x hex without leading zeros, times and durations are numbers of seconds, bytes
are 0x hex, addresses carry their EIP-55 checksum. Tolerated: hex with leading zeros or upper-case digits, a type given
as {"name", "description"}, `null` where a field may be absent, bytes that begin with "0x0x". Nothing else: a decimal
string, a number in the place of an amount, a field that is not known, one field under two names are refused, since
each has more than one reading.

Source: ERC-7715, Specification; npm @metamask/7715-permission-types 2.0.0, types.
"""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

from pydantic import field_validator

from caveats.depth import DEEPEST, is_deep
from caveats.errors import EncodingError, abbreviate
from caveats.strict_json import parse_json
from caveats.types import MAX_UINT256, Address, Model, parse_hex

T = TypeVar("T")
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}\Z")


class Problem(NamedTuple):
    """One thing that is wrong: where, and what.

    Attributes:
        path: of the field, by wire names, such as `permission.data.periodAmount` or `rules[0].data.timestamp`.
        text: one sentence or clause: what was expected, what was found.
    """

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


class PermissionFieldError(EncodingError):
    """Fields of an ERC-7715 request or response are not acceptable.

    Attributes:
        problems: all that were found, the first of which the message states; at least one.
    """

    code = "encoding.permission"

    def __init__(self, *problems: Problem, hint: str | None = None) -> None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{problems[0]}{more}", hint=hint)
        self.problems = problems

    @property
    def path(self) -> str:
        """The field of the first problem."""
        return self.problems[0].path

    @classmethod
    def at(cls, path: str, *, expected: str, got: object, hint: str | None = None) -> PermissionFieldError:
        """Return the error in the house form for one field."""
        return cls(Problem(path, f"expected {expected}, got {abbreviate(got)}"), hint=hint)


Read = Callable[[object, str], T]
"""Reads the value at a path; raises PermissionFieldError."""


def join_path(path: str, name: str) -> str:
    """Return the path of a field of the object at `path`."""
    return f"{path}.{name}" if path else name


def read_quantity(value: object, path: str) -> int:
    """Return an amount from 0x hex: 0 to 2^256-1."""
    if not isinstance(value, str) or not _QUANTITY.match(value):
        hint = "a number or decimal text has two readings where hex is due" if not _is_hex_like(value) else None
        raise PermissionFieldError.at(path, expected="0x and 1 to 64 hex digits", got=value, hint=hint)
    return int(value, 16)


def _is_hex_like(value: object) -> bool:
    return isinstance(value, str) and value.startswith("0x")


def read_chain_id(value: object, path: str) -> int:
    """Return a chain id from 0x hex; it is above 0."""
    chain_id = read_quantity(value, path)
    if chain_id == 0:
        raise PermissionFieldError.at(path, expected="a chain id above 0", got=value)
    return chain_id


def read_seconds(value: object, path: str) -> int:
    """Return a time or duration in seconds from a JSON number without a fraction."""
    if type(value) is not int or not 0 <= value <= MAX_UINT256:
        raise PermissionFieldError.at(path, expected="a whole number of seconds, not below 0", got=value)
    return value


def read_flag(value: object, path: str) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise PermissionFieldError.at(path, expected="true or false", got=value)
    return value


def read_text(value: object, path: str) -> str:
    """Return text as it stands."""
    if not isinstance(value, str):
        raise PermissionFieldError.at(path, expected="text", got=value)
    return value


def read_address(value: object, path: str) -> Address:
    """Return an address from 0x hex; the checksum must hold when the case is mixed."""
    text = read_text(value, path)
    try:
        return Address(text)
    except EncodingError as error:
        raise PermissionFieldError(Problem(path, str(error))) from error


def read_bytes(value: object, path: str) -> bytes:
    """Return bytes from 0x hex."""
    text = read_text(value, path)
    try:
        return parse_hex(text, what="bytes")
    except EncodingError as error:
        raise PermissionFieldError(Problem(path, str(error))) from error


def read_context(value: object, path: str = "permissionContext") -> bytes:
    """Return a permission context from 0x hex; a prefix that stands twice, as in the ERC's example, counts once."""
    text = read_text(value, path)
    return read_bytes(text[2:] if text.startswith("0x0x") else text, path)


def read_object(value: object, path: str) -> dict[str, Any]:
    """Return an object whose names are text: a dict, or a mapping of another kind, as a dict."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise PermissionFieldError.at(path, expected="an object with named fields", got=value)
    return dict(value)


def read_any_object(value: object, path: str) -> dict[str, Any]:
    """Return an object whose fields are not known, and which is not too deep to be copied."""
    named = read_object(value, path)
    if is_deep(named):
        raise PermissionFieldError.at(path, expected=f"values nested at most {DEEPEST} deep", got=named)
    return named


def read_list(value: object, path: str, read: Read[T]) -> tuple[T, ...]:
    """Return the items of a list."""
    if not isinstance(value, list | tuple):
        raise PermissionFieldError.at(path, expected="a list", got=value)
    return tuple(read(item, f"{path}[{index}]") for index, item in enumerate(value))


def read_addresses(value: object, path: str) -> tuple[Address, ...]:
    """Return a list of addresses."""
    return read_list(value, path, read_address)


def read_type(value: object, path: str) -> str:
    """Return the name of a permission or rule type from text or from {"name", "description"}."""
    if isinstance(value, Mapping):
        fields = Fields(value, path)
        name = fields.take("name", read_type_name)
        fields.optional("description", read_text)
        fields.refuse_others()
        return name
    return read_type_name(value, path)


def read_type_name(value: object, path: str) -> str:
    """Return the name of a type: text that is not empty."""
    text = read_text(value, path)
    if not text:
        raise PermissionFieldError.at(path, expected="the name of a type", got='""')
    return text


class Fields:
    """The fields of one JSON object, taken one by one."""

    def __init__(self, value: object, path: str) -> None:
        self.path = path
        self._left = read_object(value, path)

    def take(self, name: str, read: Read[T], *, also: str | None = None) -> T:
        """Return a field that must be there. `also` is another name it is read under."""
        given = [key for key in (name, also) if key in self._left]
        if len(given) == 1:
            return read(self._left.pop(str(given[0])), join_path(self.path, str(given[0])))
        text = f"expected it once, got it as {name} and as {also} too" if given else "this field is required"
        raise PermissionFieldError(Problem(join_path(self.path, name), text))

    def optional(self, name: str, read: Read[T], *, also: str | None = None) -> T | None:
        """Return a field, or None when it is absent or null."""
        for key in (name, also):
            if key in self._left and self._left[key] is None:
                del self._left[key]
        return self.take(name, read, also=also) if name in self._left or also in self._left else None

    def left(self) -> tuple[str, ...]:
        """Return the names that were not taken."""
        return tuple(self._left)

    def refuse_others(self) -> None:
        """Raise for a field nobody took: it would say something that is not heard."""
        for name in self._left:
            raise PermissionFieldError(
                Problem(join_path(self.path, abbreviate(name)), "there is no such field"),
                hint="remove it or check its spelling",
            )


class WireModel(Model):
    """Base of what travels in ERC-7715's JSON: read by `from_wire`, written by `to_wire`, in memory plain values."""

    WIRE_NAME: ClassVar[str] = ""

    @classmethod
    def from_wire(cls, value: object, *, path: str = "") -> Self:
        """Return the model read from parsed JSON.

        Args:
            value: mappings, lists, text and numbers.
            path: where the value stands, for errors, such as "params[0]".

        Raises:
            PermissionFieldError: naming the field at fault.
        """
        return cls._read(value, path)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the model read from its JSON text. Raises EncodingError, as `from_wire` or because it is no JSON."""
        return cls.from_wire(parse_json(text, what=cls.__name__))

    @classmethod
    @abstractmethod
    def _read(cls, value: object, path: str) -> Self:
        """Return the model read from parsed JSON that stands at a path."""

    @abstractmethod
    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form as plain dicts, lists, text and numbers."""

    def to_json(self) -> str:
        """Return the JSON text, indented by two."""
        return json.dumps(self.to_wire(), indent=2)


class KeptData(WireModel):
    """What a type that is not known carries: kept as it came, never compiled.

    Attributes:
        data: as it stands in the JSON.
    """

    data: dict[str, Any]

    @field_validator("data")
    @classmethod
    def _own_copy(cls, value: dict[str, Any]) -> dict[str, Any]:
        return copy_json(value)

    @classmethod
    def read_data(cls, value: object, path: str) -> dict[str, Any]:
        """Return the data, whatever it holds."""
        return {"data": read_any_object(value, path)}

    def write_data(self) -> dict[str, Any]:
        """Return the data as it came."""
        return copy_json(self.data)


def to_camel(name: str) -> str:
    """Return the wire name of a field: start_time is startTime."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def copy_json(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of parsed JSON that shares nothing with it. Raises ValueError when it is no JSON, or too deep."""
    if is_deep(value):
        raise ValueError(f"data: expected values nested at most {DEEPEST} deep, got {abbreviate(value)}")
    try:
        copied: dict[str, Any] = json.loads(json.dumps(value, allow_nan=False, default=_to_dict))
    except TypeError as error:
        raise ValueError(f"data: expected what JSON can hold, got {abbreviate(value)}") from error
    return copied


def _to_dict(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError
