"""What every enforcer class refuses in a field, by the field's type alone. No table needs to repeat it."""

import pytest

from caveats import Address, EncodingError
from caveats.types import Uint128, Uint256
from tests.strategies import fields_of
from tests.vectors.tables import list_buildable, load_enforcer_tables

NOT_UNSIGNED = {
    "a negative number": -1,
    "a negative decimal": "-1",
    "a decimal beyond 78 digits": "9" * 79,
    "a number of thousands of digits": 10**5000,
    "a boolean": True,
    "a float": 1.0,
    "nothing": None,
    "empty text": "",
    "a leading zero": "01",
    "a separator": "1_000",
    "an exponent": "1e18",
    "white space": " 1",
    "a line end": "1\n",
    "other digits": "\u0661",
    "hex without digits": "0x",
    "hex beyond 64 digits": "0x" + "0" * 65,
    "a list": ["1"],
    "bytes": b"\x01",
}
CHECKSUMMED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
NOT_ADDRESSES = {
    "no 0x": CHECKSUMMED[2:],
    "0X": CHECKSUMMED.replace("0x", "0X"),
    "an odd number of digits": CHECKSUMMED[:-1],
    "a byte short": CHECKSUMMED[:-2],
    "a byte long": CHECKSUMMED + "00",
    "a word": "0x" + "00" * 32,
    "a broken checksum": CHECKSUMMED.replace("aA", "Aa"),
    "a letter that is no digit": "0x" + "g" * 40,
    "a line end": CHECKSUMMED + "\n",
    "a name": "vitalik.eth",
    "a number": 5,
    "a boolean": True,
    "nothing": None,
    "empty text": "",
    "a list": [CHECKSUMMED],
}


def list_fields(*types):
    return [
        pytest.param(cls, name, id=f"{cls.__name__}.{name}")
        for cls in list_buildable()
        for name, hint in fields_of(cls).items()
        if hint in types
    ]


def wire_of(cls):
    return load_enforcer_tables()[cls.__name__]["valid"][0]["values"]


def refusal_of(cls, wire):
    with pytest.raises(EncodingError) as refusal:
        cls.from_wire(wire)
    with pytest.raises(EncodingError) as as_keywords:
        cls(**wire)
    assert str(as_keywords.value) == str(refusal.value)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 400
    return str(refusal.value)


@pytest.mark.parametrize("value", NOT_UNSIGNED.values(), ids=NOT_UNSIGNED)
@pytest.mark.parametrize(("cls", "field"), list_fields(Uint256, Uint128))
def test_a_number_field_refuses_what_is_not_an_unsigned_whole_number(cls, field, value):
    message = refusal_of(cls, {**wire_of(cls), field: value})
    assert message.startswith(f"{cls.__name__}.{field}: uint")
    assert "expected a whole number from 0 to 2^" in message
    assert ", got " in message


@pytest.mark.parametrize(
    ("cls", "field", "bits"),
    [pytest.param(*p.values, 256, id=p.id) for p in list_fields(Uint256)]
    + [pytest.param(*p.values, 128, id=p.id) for p in list_fields(Uint128)],
)
def test_a_number_field_refuses_one_past_its_largest(cls, field, bits):
    message = refusal_of(cls, {**wire_of(cls), field: 2**bits})
    assert message == f"{cls.__name__}.{field}: uint{bits}: expected a whole number from 0 to 2^{bits}-1, got {2**bits}"


@pytest.mark.parametrize(("cls", "field"), list_fields(Uint256, Uint128))
def test_a_number_field_reads_int_decimal_and_hex_alike(cls, field):
    wire = wire_of(cls)
    number = int(wire[field])
    built = cls.from_wire(wire)
    assert cls.from_wire({**wire, field: number}) == built
    assert cls.from_wire({**wire, field: hex(number)}) == built


@pytest.mark.parametrize("value", NOT_ADDRESSES.values(), ids=NOT_ADDRESSES)
@pytest.mark.parametrize(("cls", "field"), list_fields(Address))
def test_an_address_field_refuses_what_is_not_an_address(cls, field, value):
    message = refusal_of(cls, {**wire_of(cls), field: value})
    assert message.startswith(f"{cls.__name__}.{field}: Address: expected ")
    assert ", got " in message


@pytest.mark.parametrize("cls", list_buildable(), ids=lambda cls: cls.__name__)
def test_a_field_that_does_not_exist_is_refused(cls):
    message = refusal_of(cls, {**wire_of(cls), "surprise": "1"})
    assert message == f"{cls.__name__}.surprise: there is no such field (remove it or check its spelling)"


@pytest.mark.parametrize("cls", list_buildable(), ids=lambda cls: cls.__name__)
def test_a_misspelt_field_is_named_rather_than_the_missing_one(cls):
    wire = dict(wire_of(cls))
    name = next(iter(wire))
    wire[f"{name}x"] = wire.pop(name)
    assert refusal_of(cls, wire).startswith(f"{cls.__name__}.{name}x: there is no such field")


@pytest.mark.parametrize(
    ("cls", "field"),
    [
        pytest.param(cls, name, id=f"{cls.__name__}.{name}")
        for cls in list_buildable()
        for name, info in cls.model_fields.items()
        if info.is_required()
    ],
)
def test_a_missing_field_is_named(cls, field):
    wire = {name: value for name, value in wire_of(cls).items() if name != field}
    assert refusal_of(cls, wire) == f"{cls.__name__}.{field}: this field is required"


@pytest.mark.parametrize("cls", list_buildable(), ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("value", [None, 5, "text", [], True], ids=repr)
def test_something_that_is_no_object_is_refused(cls, value):
    with pytest.raises(EncodingError) as refusal:
        cls.from_wire(value)
    assert str(refusal.value) == f"{cls.__name__}: expected an object with named fields, got {value}"


@pytest.mark.parametrize("cls", list_buildable(), ids=lambda cls: cls.__name__)
def test_values_cannot_be_changed_after_the_fact(cls):
    built = cls.from_wire(wire_of(cls))
    with pytest.raises(ValueError, match="frozen"):
        setattr(built, next(iter(cls.model_fields)), 0)
