"""The bounds-checked reader: what a Solidity decoder accepts, and what it reverts on."""

import pytest

from caveats import Address, EncodingError
from caveats.abi import Reader, encode_address, encode_bytes, encode_dynamic_array, encode_uint


def refusal_of(action, *args):
    with pytest.raises(EncodingError) as refusal:
        action(*args)
    message = str(refusal.value)
    assert message.startswith("blob: ")
    assert message.isprintable()
    return message


@pytest.mark.parametrize(("data", "size"), [(b"", 32), (b"\x01", 64), (bytes(32), 64), (bytes(33), 96)])
def test_bytes_are_padded_to_whole_words(data, size):
    encoded = encode_bytes(data)
    assert len(encoded) == size
    assert Reader(encoded, "blob").bytes_at(0) == data


def test_bytes_may_lack_their_padding_as_on_chain():
    assert Reader(encode_uint(3) + b"abc", "blob").bytes_at(0) == b"abc"


def test_bytes_may_be_padded_with_anything_as_on_chain():
    assert Reader(encode_uint(3) + b"abc" + b"\xff" * 29, "blob").bytes_at(0) == b"abc"


def test_bytes_that_end_early_are_refused():
    assert refusal_of(Reader(encode_uint(3) + b"ab", "blob").bytes_at, 0) == (
        "blob: 3 bytes are announced at byte 0, only 2 follow"
    )


def test_a_word_that_ends_early_is_refused():
    assert Reader(bytes(32), "blob").uint(0) == 0
    assert refusal_of(Reader(bytes(32), "blob").uint, 1) == "blob: the data ends at byte 32, inside the word at byte 1"


def test_an_address_with_dirty_high_bytes_is_refused():
    address = Address("0x" + "11" * 20)
    assert Reader(encode_address(address), "blob").address(0) == address
    dirty = b"\x01" + encode_address(address)[1:]
    assert "its first 12 bytes are not zero" in refusal_of(Reader(dirty, "blob").address, 0)


@pytest.mark.parametrize("offset", [2**64, 2**255, 2**256 - 1])
def test_an_offset_no_decoder_follows_is_refused(offset):
    assert "points outside the data" in refusal_of(Reader(encode_uint(offset), "blob").pointer, 0, 0)


@pytest.mark.parametrize("count", [1, 2**32, 2**64, 2**256 - 1])
def test_an_array_that_announces_more_than_there_is_is_refused(count):
    assert Reader(encode_uint(0), "blob").array(0) == (0, 32)
    refusal_of(Reader(encode_uint(count), "blob").array, 0)


def test_offsets_of_an_array_count_from_its_first_head():
    items = [encode_bytes(b"one"), encode_bytes(b"two")]
    reader = Reader(encode_dynamic_array(items), "blob")
    count, heads = reader.array(0)
    assert [reader.bytes_at(reader.pointer(heads + 32 * i, heads)) for i in range(count)] == [b"one", b"two"]


def test_a_head_that_ends_early_is_refused():
    Reader(bytes(96), "blob").need(0, 96)
    assert "inside the 96-byte head" in refusal_of(Reader(bytes(95), "blob").need, 0, 96)
