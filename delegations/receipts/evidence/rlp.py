"""RLP as the chain commits to it: one encoding for each value, and never deeper than any block is.

A reader of evidence meets bytes a stranger wrote. So every non-canonical form is refused (a length in more bytes than
it needs, a small byte with a prefix, bytes that trail) and nesting is bounded.

Source: Ethereum yellow paper, appendix B.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from caveats.errors import EncodingError

Item: TypeAlias = "bytes | list[Item]"
MAX_DEPTH: Final = 16
"""Deeper than any transaction, receipt or header: access lists and logs are four deep."""
_INT: Final = int.from_bytes
_SHORT: Final = 56
_STRING_HEADS: Final = tuple(bytes([0x80 + size]) for size in range(_SHORT))
_LIST_HEADS: Final = tuple(bytes([0xC0 + size]) for size in range(_SHORT))


def encode(item: Item | tuple[Item, ...]) -> bytes:
    """Return the RLP encoding of bytes or of lists of them."""
    if isinstance(item, bytes):
        size = len(item)
        if size == 1 and item[0] < 0x80:
            return item
        return _STRING_HEADS[size] + item if size < _SHORT else _long_head(size, 0x80) + item
    body = b"".join([encode(part) for part in item])
    size = len(body)
    return _LIST_HEADS[size] + body if size < _SHORT else _long_head(size, 0xC0) + body


def encode_int(value: int) -> bytes:
    """Return the bytes RLP holds a number as: big-endian without leading zeroes, empty for zero."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def decode(data: bytes, *, what: str = "RLP", depth: int = MAX_DEPTH) -> Item:
    """Return the one item `data` encodes. Raises EncodingError for any other bytes than `encode` gives."""
    item, end = _item(data, 0, len(data), what, depth)
    if end != len(data):
        raise EncodingError(f"{what}: {len(data) - end} bytes trail")
    return item


def decode_list(data: bytes, *, what: str = "RLP", depth: int = MAX_DEPTH) -> list[Item]:
    """Return the list `data` encodes. Raises EncodingError as `decode`, and for a string."""
    item = decode(data, what=what, depth=depth)
    if not isinstance(item, list):
        raise EncodingError.of(what, expected="a list", got=item)
    return item


def read_int(item: Item, what: str, *, size: int = 32) -> int:
    """Return the number an item stands for. Raises EncodingError for a list, a leading zero, or too many bytes."""
    if not isinstance(item, bytes) or len(item) > size or item[:1] == b"\0":
        raise EncodingError.of(what, expected=f"a number of at most {size} bytes without leading zeroes", got=item)
    return _INT(item, "big")


def read_bytes(item: Item, what: str, *sizes: int) -> bytes:
    """Return the bytes of an item, of one of `sizes` when any are given. Raises EncodingError."""
    if not isinstance(item, bytes) or (sizes and len(item) not in sizes):
        expected = " or ".join(map(str, sizes)) + " bytes" if sizes else "bytes"
        raise EncodingError.of(what, expected=expected, got=item)
    return item


def read_list(item: Item, what: str, *sizes: int) -> list[Item]:
    """Return the items of a list, as many as one of `sizes` when any are given. Raises EncodingError."""
    if not isinstance(item, list) or (sizes and len(item) not in sizes):
        expected = "a list" + (f" of {' or '.join(map(str, sizes))}" if sizes else "")
        raise EncodingError.of(what, expected=expected, got=item)
    return item


def _long_head(size: int, base: int) -> bytes:
    length = encode_int(size)
    return bytes([base + 55 + len(length)]) + length


def _item(data: bytes, at: int, end: int, what: str, depth: int) -> tuple[Item, int]:
    """Return the item that starts at `at` and where it ends; nothing past `end` is read."""
    if at >= end:
        raise EncodingError(f"{what}: the data ends at byte {end}, where an item should begin")
    first = data[at]
    if first < 0x80:
        return data[at : at + 1], at + 1
    base = 0x80 if first < 0xC0 else 0xC0
    start = at + 1
    size = first - base
    if size > 55:
        width = size - 55
        start += width
        size = _INT(data[at + 1 : start], "big")
        if size < 56 or data[at + 1] == 0 or start > end:
            raise EncodingError(f"{what}: the length at byte {at} is not in its shortest form")
    stop = start + size
    if stop > end:
        raise EncodingError(f"{what}: {size} bytes are announced at byte {at}, only {max(end - start, 0)} follow")
    if base == 0x80:
        if size == 1 and data[start] < 0x80:
            raise EncodingError(f"{what}: the byte at {at} is not in its shortest form")
        return data[start:stop], stop
    if depth == 0:
        raise EncodingError(f"{what}: nested deeper than anything of a block is")
    items: list[Item] = []
    while start < stop:
        item, start = _item(data, start, stop, what, depth - 1)
        items.append(item)
    return items, stop
