"""The value types: what they read, how they show it, and what they refuse."""

import copy
import pickle

import pytest

from caveats import Address, Bytes4, Bytes32, EncodingError
from caveats.types import (
    MAX_UINT128,
    MAX_UINT256,
    ZERO_ADDRESS,
    format_hex,
    keccak,
    parse_bytes,
    parse_hex,
    parse_uint128,
    parse_uint256,
    to_checksum,
)

# Source: EIP-55, test cases
EIP55 = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]


def test_keccak_of_nothing_is_the_known_hash():
    assert keccak(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


@pytest.mark.parametrize(("text", "data"), [("0x", b""), ("0x00", b"\0"), ("0xAbcD", b"\xab\xcd")])
def test_hex_is_read(text, data):
    assert parse_hex(text) == data
    assert format_hex(data) == text.lower()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "prefix it with 0x"),
        ("ab", "prefix it with 0x"),
        ("0Xab", "prefix it with 0x"),
        (" 0xab", "prefix it with 0x"),
        ("0xabc", "odd number of digits"),
        ("0xzz", "only the digits 0-9 and a-f"),
        ("0x ab", "odd number of digits"),
        ("0xab\n", "odd number of digits"),
        ("0xab\r\n", "only the digits 0-9 and a-f"),
        ("0xa_b0", "only the digits 0-9 and a-f"),
        ("0x\u0661\u0661", "only the digits 0-9 and a-f"),
    ],
)
def test_hex_that_is_not_hex_is_refused_with_what_to_do(text, hint):
    with pytest.raises(EncodingError, match="expected 0x and pairs of hex digits, got") as refusal:
        parse_hex(text)
    assert hint in str(refusal.value)
    assert hint in (refusal.value.hint or "")


@pytest.mark.parametrize("value", [None, 5, 1.5, True, b"0x00", ["0x"]], ids=repr)
def test_hex_that_is_not_text_is_refused(value):
    with pytest.raises(EncodingError, match="expected a 0x hex string, got"):
        parse_hex(value)


@pytest.mark.parametrize(
    "value", [b"\x01\x02", bytearray(b"\x01\x02"), memoryview(b"\x01\x02"), "0x0102"], ids=lambda v: type(v).__name__
)
def test_bytes_are_read_from_every_form_of_bytes_and_from_hex(value):
    assert parse_bytes(value) == b"\x01\x02"
    assert type(parse_bytes(value)) is bytes


@pytest.mark.parametrize("value", [2, None, True, "ab", [1, 2]], ids=repr)
def test_bytes_are_not_made_of_anything_else(value):
    with pytest.raises(EncodingError, match="bytes: expected "):
        parse_bytes(value)


@pytest.mark.parametrize("text", EIP55)
def test_an_address_shows_its_checksum(text):
    assert str(Address(text.lower())) == to_checksum(bytes.fromhex(text[2:])) == text
    assert repr(Address(text)) == f"Address('{text}')"


@pytest.mark.parametrize("text", EIP55)
def test_an_address_is_read_in_lower_upper_and_checksummed_form(text):
    digits = text[2:]
    assert Address(text) == Address("0x" + digits.lower()) == Address("0x" + digits.upper())


def test_an_address_with_one_letter_of_the_wrong_case_is_refused():
    with pytest.raises(EncodingError, match=r"expected a valid EIP-55 checksum, got 0x5aaeb6.*copy the address again"):
        Address("0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed")


@pytest.mark.parametrize("cls", [Address, Bytes32, Bytes4])
def test_fixed_bytes_are_read_from_bytes_and_hex_of_the_exact_length(cls):
    raw = bytes(range(cls.SIZE))
    assert cls(raw) == cls(format_hex(raw)) == raw


@pytest.mark.parametrize("off", [-1, 1])
@pytest.mark.parametrize("cls", [Address, Bytes32, Bytes4])
def test_fixed_bytes_of_another_length_are_refused(cls, off):
    size = cls.SIZE + off
    for value in (bytes(size), "0x" + "00" * size):
        with pytest.raises(EncodingError, match=f"{cls.__name__}: expected {cls.SIZE} bytes, got {size} bytes"):
            cls(value)


@pytest.mark.parametrize("value", [None, 5, True, 1.0, [], bytearray(20)], ids=repr)
def test_an_address_of_another_type_is_refused(value):
    with pytest.raises(EncodingError, match="Address: expected a 0x hex string, got"):
        Address(value)


@pytest.mark.parametrize("value", [Address(b"\x0a" * 20), Bytes32(b"\x0b" * 32), Bytes4(b"\x0c" * 4)], ids=repr)
def test_fixed_bytes_survive_copy_and_pickle(value):
    for twin in (copy.deepcopy(value), pickle.loads(pickle.dumps(value))):  # noqa: S301  # our own bytes
        assert twin == value
        assert type(twin) is type(value)


def test_fixed_bytes_are_written_out_as_they_are_read():
    assert eval(repr(Bytes4("0xa9059cbb"))) == Bytes4("0xa9059cbb")  # noqa: S307  # our own text
    assert str(Bytes32(bytes(32))) == "0x" + "00" * 32
    assert str(ZERO_ADDRESS) == "0x" + "00" * 20


@pytest.mark.parametrize(
    ("value", "number"),
    [(0, 0), ("0", 0), ("0x0", 0), ("0x00", 0), ("0xfF", 255), (2**53 + 1, 2**53 + 1), ("9007199254740993", 2**53 + 1)],
)
def test_a_number_is_read_exactly(value, number):
    assert parse_uint256(value) == parse_uint128(value) == number


@pytest.mark.parametrize(("parse", "top"), [(parse_uint256, MAX_UINT256), (parse_uint128, MAX_UINT128)])
def test_a_number_reaches_its_top_and_not_beyond(parse, top):
    assert parse(top) == parse(str(top)) == parse(hex(top)) == top
    for value in (top + 1, str(top + 1), hex(top + 1)):
        with pytest.raises(EncodingError, match="expected a whole number from 0 to 2"):
            parse(value)


@pytest.mark.parametrize(
    "value",
    [
        *(-1, "-1", "+1", "", " 1", "1 ", "1\n", "01", "1_000", "1,000", "1.0", "1e3", "0x", "0xg", "\u0663"),
        *("1" * 79, None, True, False, 1.0, float("nan"), b"\x01", [1], {}, 10**5000, "9" * 5000),
    ],
    ids=lambda value: repr(value)[:20] if not isinstance(value, int) or value < 10**100 else "huge",
)
def test_what_is_no_unsigned_number_is_refused_on_one_line(value):
    with pytest.raises(EncodingError, match="uint256: expected a whole number from 0 to 2") as refusal:
        parse_uint256(value)
    assert ", got " in str(refusal.value)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 220
