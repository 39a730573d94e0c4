"""The kinds of fields transactions are made of: each read from RLP, from a node's JSON, and written to RLP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple

from caveats.errors import EncodingError
from delegations.receipts.decode.inputs import to_bytes, to_int
from delegations.receipts.evidence import rlp

Kind = Literal["number", "flag", "recipient", "address", "word", "words", "data", "access", "authorizations"]


class Field(NamedTuple):
    """A field of a transaction.

    Attributes:
        name: in the JSON of a node.
        other: another name some nodes give it.
        or_zero: whether nodes leave it out where it is zero.
    """

    name: str
    kind: Kind
    other: str = ""
    or_zero: bool = False


class _Form(NamedTuple):
    read: Callable[[rlp.Item, str], Any]
    parse: Callable[[Any, str], rlp.Item]


def read_field(field: Field, item: rlp.Item) -> Any:
    """Return the value of an item. Raises EncodingError for one of another form."""
    return _FORMS[field.kind].read(item, field.name)


def parse_field(field: Field, values: Mapping[str, Any]) -> rlp.Item:
    """Return the item of a field as a node's JSON tells of it. Raises EncodingError."""
    value = values.get(field.name)
    if value is None and field.other:
        value = values.get(field.other)
    if value is None and field.or_zero:
        value = 0
    if value is None and field.kind not in ("recipient", "access"):
        raise EncodingError(f"transaction: it has no {field.name}")
    item = _FORMS[field.kind].parse(value, field.name)
    read_field(field, item)
    return item


def _read_flag(item: rlp.Item, what: str) -> bool:
    value = rlp.read_int(item, what, size=1)
    if value > 1:
        raise EncodingError.of(what, expected="0 or 1", got=value)
    return bool(value)


def _read_recipient(item: rlp.Item, what: str) -> bytes | None:
    return rlp.read_bytes(item, what, 0, 20) or None


def _read_words(item: rlp.Item, what: str) -> tuple[bytes, ...]:
    return tuple(rlp.read_bytes(word, what, 32) for word in rlp.read_list(item, what))


def _read_access(item: rlp.Item, what: str) -> tuple[tuple[bytes, tuple[bytes, ...]], ...]:
    entries = [rlp.read_list(entry, what, 2) for entry in rlp.read_list(item, what)]
    return tuple((rlp.read_bytes(address, what, 20), _read_words(words, what)) for address, words in entries)


def _read_authorizations(item: rlp.Item, what: str) -> tuple[tuple[Any, ...], ...]:
    entries = []
    for entry in rlp.read_list(item, what):
        chain, address, *numbers = rlp.read_list(entry, what, 6)
        values = [rlp.read_int(number, what) for number in numbers]
        entries.append((rlp.read_int(chain, what), rlp.read_bytes(address, what, 20), *values))
    return tuple(entries)


def _number(value: Any, what: str) -> bytes:
    return rlp.encode_int(to_int(value, what))


def _flag(value: Any, what: str) -> bytes:
    return rlp.encode_int(int(value) if isinstance(value, bool) else to_int(value, what))


def _optional(value: Any, what: str) -> bytes:
    return b"" if value is None else to_bytes(value, what)


def _words(values: Any, what: str) -> list[rlp.Item]:
    return [to_bytes(value, what) for value in _listed(values, what)]


def _access(values: Any, what: str) -> list[rlp.Item]:
    return [
        [to_bytes(entry["address"], what), _words(entry["storageKeys"], what)]
        for entry in _objects(values or [], what, "address", "storageKeys")
    ]


def _authorizations(values: Any, what: str) -> list[rlp.Item]:
    return [
        [
            _number(entry["chainId"], what),
            to_bytes(entry["address"], what),
            _number(entry["nonce"], what),
            _number(entry.get("yParity", entry.get("v")), what),
            _number(entry["r"], what),
            _number(entry["s"], what),
        ]
        for entry in _objects(values, what, "chainId", "address", "nonce", "r", "s")
    ]


def _listed(values: Any, what: str) -> list[Any]:
    if not isinstance(values, list | tuple):
        raise EncodingError.of(what, expected="a list", got=values)
    return list(values)


def _objects(values: Any, what: str, *keys: str) -> list[Mapping[str, Any]]:
    entries = _listed(values, what)
    for entry in entries:
        if not isinstance(entry, Mapping) or not all(key in entry for key in keys):
            raise EncodingError.of(what, expected=f"objects with {', '.join(keys)}", got=entry)
    return entries


_FORMS: Final[dict[Kind, _Form]] = {
    "number": _Form(rlp.read_int, _number),
    "flag": _Form(_read_flag, _flag),
    "recipient": _Form(_read_recipient, _optional),
    "address": _Form(lambda item, what: rlp.read_bytes(item, what, 20), to_bytes),
    "word": _Form(lambda item, what: rlp.read_bytes(item, what, 32), to_bytes),
    "words": _Form(_read_words, _words),
    "data": _Form(rlp.read_bytes, to_bytes),
    "access": _Form(_read_access, _access),
    "authorizations": _Form(_read_authorizations, _authorizations),
}
