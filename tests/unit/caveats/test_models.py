"""What every model has in common: closed, frozen, one JSON form, errors of our own."""

import json

import pytest

from caveats import Address, Caveat, EncodingError, Execution

A = "0x1111111111111111111111111111111111111111"


def refusal_of(action, *args):
    with pytest.raises(EncodingError) as refusal:
        action(*args)
    message = str(refusal.value)
    assert message.isprintable()
    assert "pydantic" not in message.lower()
    assert "Input should" not in message
    assert "validation error" not in message
    return message


def test_json_has_the_names_of_the_typescript_kit():
    execution = Execution(target=Address(A), value=2**256 - 1, call_data=b"\xab")
    assert execution.to_wire() == {"target": A, "value": str(2**256 - 1), "callData": "0xab"}
    assert json.loads(execution.to_json()) == execution.to_wire()


def test_json_is_read_back_as_the_same_value():
    execution = Execution(target=Address(A), value=2**53 + 1, call_data=b"\xab")
    assert Execution.from_json(execution.to_json()) == execution
    assert Execution.from_json(execution.to_json().encode()) == execution
    assert Execution.from_wire(execution.to_wire()) == execution


def test_a_json_number_is_read_exactly_beyond_what_a_float_counts():
    assert Execution.from_json(f'{{"target": "{A}", "value": 9007199254740993}}').value == 2**53 + 1


def test_a_json_number_with_a_fraction_is_refused():
    message = refusal_of(Execution.from_json, f'{{"target": "{A}", "value": 1.0}}')
    assert message.startswith("Execution.value: uint256: expected a whole number from 0 to 2^256-1")
    assert message.endswith("got 1.0")


def test_a_value_given_under_both_of_its_names_is_refused():
    assert "there is no such field" in refusal_of(
        Execution.from_wire, {"target": A, "callData": "0x01", "call_data": "0x02"}
    )


@pytest.mark.parametrize("text", ["", "{", "nonsense", "[1", '{"target": }', b"\xff\xfe", "[" * 100_000])
def test_text_that_is_no_json_is_refused(text):
    message = refusal_of(Execution.from_json, text)
    assert message.startswith("Execution: not JSON (")
    assert "line 1 column" in message


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_json_cut_short_is_refused(cut):
    text = Caveat(enforcer=Address(A)).to_json()
    refusal_of(Caveat.from_json, text[:cut])


@pytest.mark.parametrize("value", [None, 5, True], ids=repr)
def test_json_that_is_no_text_is_refused(value):
    assert refusal_of(Execution.from_json, value) == f"Execution: expected JSON text, got {value}"


@pytest.mark.parametrize("text", ["null", "5", '"0x"', "[]", "true"])
def test_json_that_is_no_object_is_refused(text):
    assert refusal_of(Execution.from_json, text).startswith("Execution: expected an object with named fields, got ")


def test_a_field_name_with_line_ends_stays_on_one_line():
    assert refusal_of(Caveat.from_wire, {"enforcer": A, "x\ny": 1}) == (
        "Caveat.x\\ny: there is no such field (remove it or check its spelling)"
    )


@pytest.mark.parametrize("field", ["terms", "args"])
@pytest.mark.parametrize("value", [None, 5, "ab", "0xabc", [1]], ids=repr)
def test_bytes_of_a_caveat_are_hex_or_bytes(field, value):
    assert refusal_of(Caveat.from_wire, {"enforcer": A, field: value}).startswith(f"Caveat.{field}: bytes: expected ")


def test_equal_values_are_equal_and_can_be_counted():
    one, other = Caveat(enforcer=Address(A), terms=b"\x01"), Caveat(enforcer=Address(A), terms=b"\x01")
    assert one == other
    assert len({one, other, one.with_args(b"\x02")}) == 2


def test_the_selector_is_what_there_is_of_four_bytes():
    assert Execution(target=Address(A), call_data=bytes.fromhex("a9059cbb00")).selector == bytes.fromhex("a9059cbb")
    assert Execution(target=Address(A), call_data=b"\xa9").selector == b"\xa9"
    assert Execution(target=Address(A)).selector == b""
