"""Value types: the one place where bytes, addresses and numbers are parsed.

In memory everything is `bytes` and `int`; on the wire it is `0x` hex and decimal strings. Hex must match
`0x([0-9a-fA-F]{2})*` as a whole; a mixed-case address must carry its EIP-55 checksum.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    PlainSerializer,
    ValidationError,
    WrapValidator,
)
from pydantic_core import core_schema
from sha3 import keccak_256

from caveats.errors import EncodingError, abbreviate

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_UINT256 = 2**256 - 1
MAX_UINT128 = 2**128 - 1

_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*\Z")
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]*)\Z")
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}\Z")
_AMOUNT = re.compile(r"[0-9]+(?:_[0-9]+)*(?:\.[0-9]+)?\Z")
# Python refuses to parse decimal integers beyond some thousands of digits; nothing here has over 78.
_MAX_DECIMAL_DIGITS = 78


def keccak(data: bytes) -> bytes:
    """Return the 32-byte Keccak-256 of `data`."""
    return keccak_256(data).digest()  # type: ignore[no-any-return]  # sha3 is untyped


def parse_hex(text: object, *, what: str = "hex") -> bytes:
    """Return the bytes of a `0x` hex string.

    Raises:
        EncodingError: not a string, no `0x`, an odd number of digits, or a character that is not a digit.
    """
    if not isinstance(text, str):
        raise EncodingError.of(what, expected="a 0x hex string", got=text)
    if not _HEX.match(text):
        if not text.startswith("0x"):
            hint = "prefix it with 0x"
        elif len(text) % 2:
            hint = "it has an odd number of digits; each byte takes two"
        else:
            hint = "only the digits 0-9 and a-f may follow 0x"
        raise EncodingError.of(what, expected="0x and pairs of hex digits", got=text, hint=hint)
    return bytes.fromhex(text[2:])


def format_hex(data: bytes) -> str:
    """Return `data` as lower-case `0x` hex."""
    return "0x" + data.hex()


def to_checksum(address: bytes) -> str:
    """Return the EIP-55 form of a 20-byte address. Source: EIP-55."""
    digits = address.hex()
    digest = keccak(digits.encode()).hex()
    return "0x" + "".join(d.upper() if int(h, 16) >= 8 else d for d, h in zip(digits, digest, strict=False))


class _Fixed(bytes):
    """Bytes of one exact length, parsed from `0x` hex, shown as `0x` hex."""

    # no __dict__ and nothing for the garbage collector to visit: there are many of these
    __slots__ = ()
    SIZE: ClassVar[int] = 0

    def __new__(cls, value: str | bytes) -> Self:
        """Parse `value`: `0x` hex text or raw bytes of exactly `SIZE` bytes. Raises EncodingError otherwise."""
        raw = value if isinstance(value, bytes) else parse_hex(value, what=cls.__name__)
        if len(raw) != cls.SIZE:
            raise EncodingError.of(
                cls.__name__, expected=f"{cls.SIZE} bytes", got=f"{len(raw)} bytes: {abbreviate(value)}"
            )
        return super().__new__(cls, raw)

    def __str__(self) -> str:
        return format_hex(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self}')"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _seam(cls),
            serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="json"),
            json_schema_input_schema=core_schema.str_schema(pattern=f"^0x[0-9a-fA-F]{{{2 * cls.SIZE}}}$"),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (bytes(self),)


class Address(_Fixed):
    """A 20-byte account address; shown with its EIP-55 checksum.

    Raises:
        EncodingError: wrong length, not hex, or mixed case whose checksum does not hold.
    """

    __slots__ = ()
    SIZE = 20

    def __new__(cls, value: str | bytes) -> Self:
        self = super().__new__(cls, value)
        if isinstance(value, str):
            digits = value[2:]
            if digits not in (digits.lower(), digits.upper()) and to_checksum(self) != value:
                raise EncodingError.of(
                    "Address",
                    expected="a valid EIP-55 checksum",
                    got=value,
                    hint="copy the address again; write it all in lower case only if you are sure of it",
                )
        return self

    def __str__(self) -> str:
        return to_checksum(self)


class Bytes32(_Fixed):
    """32 bytes, such as a hash."""

    __slots__ = ()
    SIZE = 32


class Bytes4(_Fixed):
    """4 bytes: a function selector."""

    __slots__ = ()
    SIZE = 4


ZERO_ADDRESS = Address(bytes(20))


def _seam(parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return `parse` with our errors turned into the ValueError pydantic collects places for."""

    def inner(value: Any) -> Any:
        try:
            return parse(value)
        except EncodingError as error:
            raise ValueError(str(error)) from error

    return inner


def _unsigned(bits: int) -> Callable[[Any], int]:
    top = (1 << bits) - 1
    name = f"uint{bits}"

    def parse(value: Any) -> int:
        if isinstance(value, str) and len(value) <= _MAX_DECIMAL_DIGITS:
            if _DECIMAL.match(value):
                value = int(value)
            elif _QUANTITY.match(value):
                value = int(value, 16)
        if type(value) is not int:
            raise EncodingError.of(
                name, expected=f"a whole number from 0 to 2^{bits}-1 (int, decimal or 0x text)", got=value
            )
        if not 0 <= value <= top:
            raise EncodingError.of(name, expected=f"a whole number from 0 to 2^{bits}-1", got=value)
        return value

    return parse


parse_uint256 = _unsigned(256)
parse_uint128 = _unsigned(128)


def _plain(parse: Callable[[Any], Any]) -> WrapValidator:
    check = _seam(parse)
    return WrapValidator(lambda value, _handler: check(value))


def parse_bytes(value: Any) -> bytes:
    """Return bytes of any length from bytes or `0x` hex. Raises EncodingError for anything else."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    return parse_hex(value, what="bytes")


Uint256 = Annotated[int, _plain(parse_uint256), PlainSerializer(str, return_type=str, when_used="json")]
"""An integer from 0 to 2^256-1; a decimal string on the wire; read from int, decimal or `0x` text."""

Uint128 = Annotated[int, _plain(parse_uint128), PlainSerializer(str, return_type=str, when_used="json")]
"""An integer from 0 to 2^128-1; otherwise as Uint256."""

HexBytes = Annotated[bytes, _plain(parse_bytes), PlainSerializer(format_hex, return_type=str, when_used="json")]
"""Bytes of any length; `0x` hex on the wire."""


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


_T = TypeVar("_T")
Listed = Annotated[tuple[_T, ...], BeforeValidator(_as_tuple)]
"""A tuple; a list is taken too, as JSON gives one."""


def parse_amount(text: object, decimals: int) -> int:
    """Return a human amount in base units, exactly.

    Args:
        text: such as "12.5" or "1_000"; no sign, no exponent, no thousands comma.
        decimals: of the token, 0 to 255.

    Raises:
        EncodingError: not a plain number, more decimal places than the token has, beyond 2^256-1, or decimals
            that no token has.
    """
    if type(decimals) is not int or not 0 <= decimals <= 255:
        raise EncodingError.of("decimals", expected="a whole number from 0 to 255", got=decimals)
    if not isinstance(text, str) or len(text) > 400 or not _AMOUNT.match(text):
        raise EncodingError.of("amount", expected='a plain decimal number such as "12.5"', got=text)
    whole, _, fraction = text.replace("_", "").partition(".")
    if len(fraction.rstrip("0")) > decimals:
        raise EncodingError.of("amount", expected=f"at most {decimals} decimal places", got=text)
    return parse_uint256(int(whole + fraction.rstrip("0").ljust(decimals, "0")))


def format_amount(value: int, decimals: int) -> str:
    """Return base units as the shortest exact human amount: 12500000 with 6 decimals is "12.5"."""
    if value < 0:
        return "-" + format_amount(-value, decimals)
    digits = str(value).rjust(decimals + 1, "0")
    whole, fraction = (digits[:-decimals], digits[-decimals:].rstrip("0")) if decimals else (digits, "")
    return f"{whole}.{fraction}" if fraction else whole


if TYPE_CHECKING:
    _Base = BaseModel
else:

    class _OurErrors(type(BaseModel)):
        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            try:
                return super().__call__(*args, **kwargs)
            except ValidationError as error:
                raise EncodingError.from_pydantic(cls.__name__, error) from error

    class _Base(BaseModel, metaclass=_OurErrors):
        pass


class Model(_Base):
    """Base of every value: frozen, closed, strict; failures are EncodingError, never pydantic's own."""

    # defer_build: a program pays for the validators of the models it uses, not for all of them at import
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the model read from its JSON.

        Raises:
            EncodingError: not JSON, a key that stands twice, or the field at fault.
        """
        from caveats.strict_json import parse_json

        return cls.from_wire(parse_json(text, what=cls.__name__))

    @classmethod
    def from_wire(cls, value: object) -> Self:
        """Return the model read from parsed JSON (dicts, lists, strings). Raises EncodingError."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise EncodingError.from_pydantic(cls.__name__, error) from error

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form as plain dicts, lists and strings, by wire names."""
        return self.model_dump(mode="json", by_alias=True)

    def to_json(self) -> str:
        """Return the JSON text, by wire names, indented by two."""
        return self.model_dump_json(by_alias=True, indent=2)


_AnyModel = TypeVar("_AnyModel", bound=Model)
# A frozen model refuses assignment; its slots take it.
_new = object.__new__
_set_values, _set_given, _set_extra, _set_private = (
    BaseModel.__dict__[slot].__set__
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)


def trusted(cls: type[_AnyModel], values: dict[str, Any], given: set[str] | None = None) -> _AnyModel:
    """Return the model of values that are already what its fields hold. Nothing is checked.

    For decoders, which have just cut them out of bytes they did check: what model_construct does, without its walk over
    aliases and private fields.

    Args:
        cls: the model's class.
        values: every field, by name; the dictionary becomes the model's own.
        given: the fields that are not defaults, and may be shared by models; all when None.
    """
    model = _new(cls)
    _set_values(model, values)
    _set_given(model, set(values) if given is None else given)
    _set_extra(model, None)
    _set_private(model, None)
    return model


def trusted_all(cls: type[_AnyModel], rows: list[dict[str, Any]], given: set[str]) -> tuple[_AnyModel, ...]:
    """Return a model for each row of values, as `trusted` does, without a call for each."""
    new, values_of, given_of, extra_of, private_of = _new, _set_values, _set_given, _set_extra, _set_private
    models = []
    for values in rows:
        model = new(cls)
        values_of(model, values)
        given_of(model, given)
        extra_of(model, None)
        private_of(model, None)
        models.append(model)
    return tuple(models)
