"""RLP: the same as the library's, and nothing but the one form of each value."""

from __future__ import annotations

from typing import Any

import pytest
import rlp as library
from hypothesis import given
from hypothesis import strategies as st

from caveats.errors import EncodingError
from delegations.receipts.evidence import rlp

ITEMS = st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=5), max_leaves=12)


@given(ITEMS)
def test_encoding_is_that_of_the_library(item: Any) -> None:
    assert rlp.encode(item) == library.encode(item)


@given(ITEMS)
def test_what_is_encoded_is_read_back(item: Any) -> None:
    assert rlp.decode(rlp.encode(item)) == item


@given(st.integers(min_value=0, max_value=2**256 - 1))
def test_numbers_are_written_as_the_library_writes_them(value: int) -> None:
    encoded = rlp.encode(rlp.encode_int(value))
    assert encoded == library.encode(value)
    assert rlp.read_int(rlp.decode(encoded), "number") == value


@given(st.binary(max_size=80))
def test_any_bytes_are_read_as_the_library_reads_them_or_refused_as_it_does(data: bytes) -> None:
    try:
        expected = library.decode(data)
    except library.DecodingError:
        with pytest.raises(EncodingError):
            rlp.decode(data)
    else:
        assert rlp.decode(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        "8101",  # a small byte with a prefix
        "b80161",  # a length of one in the long form
        "b900386161",  # a length with a leading zero
        "c10101",  # something trails
        "c2",  # nothing follows
        "b8",  # not even the length
        "",
    ],
)
def test_another_form_of_a_value_is_refused(data: str) -> None:
    with pytest.raises(EncodingError):
        rlp.decode(bytes.fromhex(data))


def nested(lists: int) -> bytes:
    """That many lists, each the only item of the next."""
    data = b""
    for _ in range(lists):
        size = len(data)
        head = (
            bytes([0xC0 + size])
            if size < 56
            else bytes([0xF8, size])
            if size < 256
            else b"\xf9" + size.to_bytes(2, "big")
        )
        data = head + data
    return data


def test_nesting_is_bounded() -> None:
    assert rlp.encode(rlp.decode(nested(rlp.MAX_DEPTH))) == nested(rlp.MAX_DEPTH)
    with pytest.raises(EncodingError, match="nested deeper"):
        rlp.decode(nested(rlp.MAX_DEPTH + 1))


def test_a_list_nested_by_the_thousand_is_refused_and_nothing_else_happens() -> None:
    with pytest.raises(EncodingError, match="nested deeper"):
        rlp.decode(nested(5_000))


@pytest.mark.parametrize(("item", "sizes"), [([], ()), (b"ab", (1,)), (b"", (20,))])
def test_bytes_of_another_size_are_refused(item: rlp.Item, sizes: tuple[int, ...]) -> None:
    with pytest.raises(EncodingError, match="expected"):
        rlp.read_bytes(item, "field", *sizes)


@pytest.mark.parametrize("item", [b"\0", b"\0\1", b"\1" * 33, []])
def test_a_number_in_another_form_is_refused(item: rlp.Item) -> None:
    with pytest.raises(EncodingError, match="without leading zeroes"):
        rlp.read_int(item, "number")


@pytest.mark.parametrize(("item", "sizes"), [(b"", ()), ([b""], (2,))])
def test_what_is_no_list_of_that_length_is_refused(item: rlp.Item, sizes: tuple[int, ...]) -> None:
    with pytest.raises(EncodingError, match="a list"):
        rlp.read_list(item, "fields", *sizes)


def test_a_string_is_no_list() -> None:
    with pytest.raises(EncodingError, match="a list"):
        rlp.decode_list(b"\x80")
