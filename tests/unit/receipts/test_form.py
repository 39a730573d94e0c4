"""The receipt as JSON: one spelling, one hash, and nothing else is read."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rfc8785

from caveats.errors import DelegationsError, EncodingError, UnsupportedError
from caveats.strict_json import parse_json
from delegations.receipts import SCHEMA, Receipt

STATUSES = ("executed", "partially_executed", "denied", "failed")
Path = tuple[str | int, ...]


def leaves(value: Any, place: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is no object and no list, with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*place, index))
    else:
        yield place, value


def put(wire: dict[str, Any], place: Path, value: Any) -> dict[str, Any]:
    """A copy with another value at a path."""
    changed = copy.deepcopy(wire)
    at: Any = changed
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    return changed


def reversed_keys(value: Any) -> Any:
    """The same value with the keys of every object in the opposite order."""
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


# writing


@pytest.mark.parametrize("status", STATUSES)
def test_the_canonical_bytes_are_rfc_8785_of_the_wire_form(receipts: dict[str, Receipt], status: str) -> None:
    receipt = receipts[status]
    assert receipt.canonical() == rfc8785.dumps(receipt.to_wire())
    assert receipt.hash == hashlib.sha256(receipt.canonical()).hexdigest()
    assert json.loads(receipt.canonical()) == receipt.to_wire() == json.loads(receipt.to_json())


def test_the_canonical_form_sorts_keys_and_spares_spaces() -> None:
    # the library is trusted with RFC 8785; this only shows that it is the one we call
    assert rfc8785.dumps({"b": "\u20ac\x0f\n", "a": 56}) == b'{"a":56,"b":"\xe2\x82\xac\\u000f\\n"}'


@pytest.mark.parametrize("status", STATUSES)
def test_what_is_written_is_read_back_the_same(receipts: dict[str, Receipt], status: str) -> None:
    receipt = receipts[status]
    for text in (receipt.to_json(), receipt.canonical(), json.dumps(reversed_keys(receipt.to_wire()))):
        read = Receipt.from_json(text)
        assert read == receipt
        assert read.canonical() == receipt.canonical()


@pytest.mark.parametrize("status", STATUSES)
def test_there_is_no_null_no_float_and_no_upper_case_address(receipts: dict[str, Receipt], status: str) -> None:
    for place, value in leaves(receipts[status].to_wire()):
        assert type(value) in (str, int), place
        if isinstance(value, str) and value.startswith("0x") and place[-1] != "name":
            assert value == value.lower(), place


def test_small_counts_are_numbers_and_everything_else_is_text(receipt: Receipt) -> None:
    numbers = {place[-1] for place, value in leaves(receipt.to_wire()) if isinstance(value, int)}
    assert numbers == {"entry", "depth"}


@pytest.mark.parametrize("amount", [0, 1, 2**53, 2**53 + 1, 2**255, 2**256 - 1])
def test_amounts_are_exact_to_the_last_bit(receipt: Receipt, amount: int) -> None:
    places = [
        place
        for place, _ in leaves(receipt.to_wire())
        if place[-1] in ("amount", "salt", "number", "timestamp", "value", "gas_used")
    ]
    assert len(places) >= 6
    for place in places:
        changed = put(receipt.to_wire(), place, str(amount))
        assert Receipt.from_json(json.dumps(changed)).to_wire() == changed


def another(place: Path, value: Any) -> Any:
    """Another valid value of the same form."""
    if "claims" in place:
        return "proven"
    if place[-1] in ("stage", "hook"):
        return {"stage": "manager", "hook": "after"}[str(place[-1])]
    if isinstance(value, int):
        return value + 1
    if place[-1] == "chain":
        return value + "1"
    if place[-1] == "prev" or (value.startswith("0x") and len(value) > 2 and place[-1] != "name"):
        return value[:-1] + ("0" if value[-1] != "0" else "1")
    if value == "0x":
        return "0x00"
    return str(int(value) + 1 if int(value) == 0 else int(value) - 1) if value.isdigit() else value + "."


BOUND = {("schema",), ("kind",), ("subject", "network"), ("outcome", "status")}


@pytest.mark.parametrize("status", STATUSES)
def test_the_hash_moves_with_every_field(receipts: dict[str, Receipt], status: str) -> None:
    receipt = receipts[status]
    wire = receipt.to_wire()
    hashes = {receipt.hash}
    moved = 0
    for place, value in leaves(wire):
        if place in BOUND or (place[0], place[-1]) == ("lineage", "depth") or "failed_executions" in place:
            continue
        hashes.add(Receipt.from_wire(put(wire, place, another(place, value))).hash)
        moved += 1
        assert len(hashes) == moved + 1, f"the hash does not move with {place}"
    assert moved > 15


@pytest.mark.parametrize("status", STATUSES)
def test_the_order_of_lists_is_hashed(receipts: dict[str, Receipt], status: str) -> None:
    wire = receipts[status].to_wire()
    executions = wire["request"]["executions"]
    executions.append({"target": "0x" + "11" * 20, "value": "0", "call_data": "0x"})
    one = Receipt.from_wire(wire).hash
    executions.reverse()
    assert Receipt.from_wire(wire).hash != one


def test_a_receipt_with_a_predecessor_hashes_otherwise_than_one_without(receipt: Receipt) -> None:
    alone = {key: value for key, value in receipt.to_wire().items() if key != "prev"}
    assert Receipt.from_wire(alone).prev is None
    assert Receipt.from_wire(alone).hash != receipt.hash


# reading

Change = Callable[[dict[str, Any]], Any]


def setting(*place: str | int, to: Any) -> Change:
    return lambda wire: put(wire, place, to)


def without(*place: str | int) -> Change:
    def change(wire: dict[str, Any]) -> Any:
        changed = copy.deepcopy(wire)
        at: Any = changed
        for step in place[:-1]:
            at = at[step]
        del at[place[-1]]
        return changed

    return change


REFUSED: list[tuple[Change, str]] = [
    (setting("comment", to="hi"), "Receipt.comment: there is no such field"),
    (setting("schema_", to=SCHEMA), "Receipt.schema_: there is no such field"),
    (setting("subject", "comment", to="hi"), "comment: there is no such field"),
    (setting("lineage", 0, "caveats", 0, "comment", to="hi"), "comment: there is no such field"),
    (without("outcome"), "Receipt.outcome: this field is required"),
    (without("outcome", "movements"), "receipt.outcome.movements: this field is required"),
    (without("subject", "network"), "network: this field is required"),
    (setting("prev", to=None), "receipt.prev: null is not used"),
    (setting("outcome", "denial", to=None), "receipt.outcome.denial: null is not used"),
    (setting("prev", to="AB" * 32), "expected 64 lower-case hex digits"),
    (setting("prev", to="0x" + "ab" * 32), "expected 64 lower-case hex digits"),
    (setting("outcome", "gas_used", to=2**53 + 1), 'expected "9007199254740993", got 9007199254740993'),
    (setting("outcome", "gas_used", to=5), 'receipt.outcome.gas_used: expected "5", got 5'),
    (setting("outcome", "gas_used", to="0x5"), 'receipt.outcome.gas_used: expected "5", got "0x5"'),
    (setting("outcome", "gas_used", to="05"), "gas_used: uint256"),
    (setting("outcome", "gas_used", to="-5"), "gas_used: uint256"),
    (setting("outcome", "gas_used", to=-5), "gas_used: uint256"),
    (setting("outcome", "gas_used", to="1e3"), "gas_used: uint256"),
    (setting("outcome", "gas_used", to=str(2**256)), "gas_used: uint256"),
    (setting("subject", "entry", to=-1), "from 0 to 2^53-1, got -1"),
    (setting("subject", "entry", to=2**53), "from 0 to 2^53-1, got 9007199254740992"),
    (setting("subject", "entry", to="0"), "entry: expected a valid integer"),
    (setting("subject", "entry", to=True), "entry: expected a valid integer"),
    (setting("subject", "chain", to="1"), "expected a CAIP-2 identifier"),
    (setting("subject", "chain", to="eip155:01"), "expected a CAIP-2 identifier"),
    (setting("subject", "network", to="moon"), "network: expected 'local' or 'live'"),
    (setting("subject", "calldata_hash", to="0x12"), "expected 32 bytes"),
    (setting("kind", to="denial"), "kind denial does not go with the status executed"),
    (setting("kind", to="approval"), "kind: expected one of redemption, denial, escalation, revocation, grant"),
    (setting("outcome", "status", to="failed"), "exactly when denied or failed"),
    (setting("outcome", "status", to="partially_executed"), "failed_executions does not go with"),
    (setting("outcome", "failed_executions", to=[0]), "failed_executions does not go with"),
    (setting("lineage", 0, "depth", to=1), "lineage must run from the root"),
    (setting("lineage", to={}), "lineage: expected a list"),
    (setting("claims", "outcome", to="believed"), "claims.outcome: expected"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_another_form_is_refused(receipt: Receipt, change: Change, message: str) -> None:
    wire = receipt.to_wire()
    assert Receipt.from_wire(wire) == receipt
    with pytest.raises(EncodingError) as refused:
        Receipt.from_json(json.dumps(change(wire)))
    assert message in str(refused.value)
    assert "pydantic" not in str(refused.value)
    assert str(refused.value).isprintable()


def test_an_address_has_one_spelling(receipt: Receipt) -> None:
    wire = receipt.to_wire()
    checksummed = put(wire, ("subject", "manager"), str(receipt.subject.manager))
    with pytest.raises(EncodingError, match=r"receipt\.subject\.manager: expected .0xdb9b1e94"):
        Receipt.from_wire(checksummed)


@pytest.mark.parametrize("schema", ["urn:delegations:receipt:2", "", 1, None, [], {}])
def test_another_schema_is_refused_by_name(receipt: Receipt, schema: Any) -> None:
    with pytest.raises(UnsupportedError, match=f"expected schema {SCHEMA}, got"):
        Receipt.from_wire({**receipt.to_wire(), "schema": schema})


@pytest.mark.parametrize("value", [{}, [], "", 1, None, True])
def test_what_carries_no_schema_is_no_receipt(value: Any) -> None:
    with pytest.raises(EncodingError, match="receipt: expected an object with"):
        Receipt.from_json(json.dumps(value))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"entry":0', '"entry":0.0', "expected whole numbers and strings, got 0.0"),
        ('"entry":0', '"entry":1e2', "expected whole numbers and strings, got 1e2"),
        ('"entry":0', '"entry":NaN', "not JSON"),
        ('"entry":0', '"entry":-Infinity', "not JSON"),
        ('"entry":0', '"entry":0,"entry":0', "a key stands twice"),
        ('"kind":', '"kind":"denial","kind":', "a key stands twice"),
        ('"entry":0', '"entry":' + "9" * 5000, "not JSON"),
        ('"entry":0', '"entry":' + "[" * 100_000, "recursion limit"),
        ('"name":"', '"name":"\\ud800', "not JSON"),
        ('"entry":0', '"entry":0,', "not JSON"),
    ],
    ids=lambda value: value[:30],
)
def test_json_with_two_meanings_or_none_is_refused(receipt: Receipt, old: str, new: str, message: str) -> None:
    text = receipt.canonical().decode()
    assert old in text
    with pytest.raises(EncodingError, match=message):
        Receipt.from_json(text.replace(old, new, 1))


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    with pytest.raises(EncodingError, match="not JSON"):
        Receipt.from_json(b'{"schema": "\xff"}')


def test_nesting_is_bounded_whatever_the_recursion_limit_is() -> None:
    assert parse_json("[" * 100 + "]" * 100, what="text") is not None
    for depth in (300, 1_000_000):
        with pytest.raises(EncodingError, match="text: not JSON"):
            parse_json("[" * depth + "]" * depth, what="text")


def test_fractions_are_read_where_no_amount_stands() -> None:
    assert parse_json('{"fee": 1.5}', what="text") == {"fee": 1.5}
    with pytest.raises(DelegationsError, match=r"whole numbers and strings, got 1\.5"):
        parse_json('{"fee": 1.5}', what="text", exact=True)
