"""ABI values as the framework's own contracts write them: events and errors, read strictly.

What Solidity encodes is canonical: each tail follows the one before it, nothing overlaps, nothing is left
over. Only that form is read, so that the work is linear in the data, however hostile its offsets.

Source: Solidity ABI specification, "formal specification of the encoding".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from caveats.abi import WORD, Reader
from caveats.errors import EncodingError
from caveats.types import Address, Bytes32, keccak

Parameter = Mapping[str, Any]
"""An ABI parameter: `type`, `name` and, for tuples, `components`."""

_ARRAY = re.compile(r"(.+)\[([0-9]*)\]\Z")
_NUMBER = re.compile(r"(u?)int([0-9]+)\Z")
_FIXED_BYTES = re.compile(r"bytes([0-9]+)\Z")


def canonical_type(parameter: Parameter) -> str:
    """Return the type as it stands in a signature: tuples written out."""
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(canonical_type(part) for part in parameter["components"])
    return f"({inner}){kind[5:]}"


def signature(entry: Mapping[str, Any]) -> str:
    """Return `Name(type,type)` of a function, event or error."""
    return f"{entry['name']}({','.join(canonical_type(parameter) for parameter in entry['inputs'])})"


def selector(text: str) -> bytes:
    """Return the 4-byte selector of a function or error signature."""
    return keccak(text.encode())[:4]


def topic(text: str) -> Bytes32:
    """Return topic 0 of an event signature."""
    return Bytes32(keccak(text.encode()))


def decode_canonical(parameters: Sequence[Parameter], data: bytes, *, what: str = "ABI data") -> tuple[Any, ...]:
    """Return the values of canonically encoded data.

    Integers are int, addresses Address, bytes32 Bytes32, other bytes bytes, arrays tuples, structs dicts by
    name.

    Raises:
        EncodingError: the data is not the canonical encoding of such values.
    """
    reader = Reader(data, what)
    values, end = _sequence(parameters, reader, 0)
    if end != len(data):
        raise reader.fail(f"{len(data) - end} bytes are left over")
    return tuple(values)


def is_dynamic(parameter: Parameter) -> bool:
    """Whether the value stands in the tail, and only its offset in the head."""
    kind = parameter["type"]
    if array := _ARRAY.match(kind):
        return not array[2] or is_dynamic({**parameter, "type": array[1]})
    if kind == "tuple":
        return any(is_dynamic(part) for part in parameter["components"])
    return kind in ("bytes", "string")


def _head_size(parameter: Parameter) -> int:
    if is_dynamic(parameter):
        return WORD
    kind = parameter["type"]
    if array := _ARRAY.match(kind):
        return int(array[2]) * _head_size({**parameter, "type": array[1]})
    if kind == "tuple":
        return sum(_head_size(part) for part in parameter["components"])
    return WORD


def _sequence(parameters: Sequence[Parameter], reader: Reader, base: int) -> tuple[list[Any], int]:
    """Return the values whose heads start at `base`, and where their tails end."""
    head = base
    tail = base + sum(_head_size(parameter) for parameter in parameters)
    reader.need(base, tail - base)
    values = []
    for parameter in parameters:
        if is_dynamic(parameter):
            if reader.pointer(head, base) != tail:
                raise reader.fail(f"the offset at byte {head} does not point to byte {tail}, where its value belongs")
            value, tail = _dynamic(parameter, reader, tail)
            head += WORD
        else:
            value, head = _static(parameter, reader, head)
        values.append(value)
    return values, tail


def _dynamic(parameter: Parameter, reader: Reader, at: int) -> tuple[Any, int]:
    kind = parameter["type"]
    if array := _ARRAY.match(kind):
        item = {**parameter, "type": array[1]}
        if array[2]:
            count, start = int(array[2]), at
        else:
            count, start = reader.length(at), at + WORD
        # bounds the count by the data before anything of that size is made
        reader.need(start, count * max(_head_size(item), WORD))
        values, end = _sequence([item] * count, reader, start)
        return tuple(values), end
    if kind == "tuple":
        values, end = _sequence(parameter["components"], reader, at)
        return _struct(parameter, values), end
    raw = reader.bytes_at(at)
    end = at + WORD + len(raw) + -len(raw) % WORD
    reader.need(at, end - at)
    if kind == "bytes":
        return raw, end
    try:
        return raw.decode("utf-8"), end
    except UnicodeDecodeError as error:
        raise reader.fail(f"the string at byte {at} is not UTF-8") from error


def _static(parameter: Parameter, reader: Reader, at: int) -> tuple[Any, int]:
    kind = parameter["type"]
    if array := _ARRAY.match(kind):
        values, end = _sequence([{**parameter, "type": array[1]}] * int(array[2]), reader, at)
        return tuple(values), end
    if kind == "tuple":
        values, end = _sequence(parameter["components"], reader, at)
        return _struct(parameter, values), end
    return _elementary(kind, reader, at), at + WORD


def _struct(parameter: Parameter, values: Sequence[Any]) -> dict[str, Any]:
    return named(parameter["components"], values)


def named(parameters: Sequence[Parameter], values: Sequence[Any]) -> dict[str, Any]:
    """Return values by parameter name; one without a name goes by its place."""
    return {
        str(parameter.get("name") or index): value
        for index, (parameter, value) in enumerate(zip(parameters, values, strict=True))
    }


def _elementary(kind: str, reader: Reader, at: int) -> int | bool | bytes:
    if kind == "address":
        return Address(reader.address(at))
    value = reader.uint(at)
    if kind == "bool":
        if value > 1:
            raise reader.fail(f"the word at byte {at} is not a bool")
        return bool(value)
    if number := _NUMBER.match(kind):
        bits = int(number[2])
        if not number[1] and value >> 255:
            value -= 1 << 256
        low, high = (0, (1 << bits) - 1) if number[1] else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        if not low <= value <= high:
            raise reader.fail(f"the word at byte {at} does not fit {kind}")
        return value
    if fixed := _FIXED_BYTES.match(kind):
        size = int(fixed[1])
        word = reader.word(at)
        if any(word[size:]):
            raise reader.fail(f"the word at byte {at} is longer than {kind}")
        return Bytes32(word) if size == WORD else word[:size]
    raise EncodingError.of("ABI type", expected="one the framework uses", got=kind)
