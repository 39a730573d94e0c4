"""What is tolerated on the way in, that it never leaves on the way out, and what has two readings and is refused."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from caveats.depth import DEEPEST
from caveats.errors import EncodingError
from delegations.permissions import (
    PermissionFieldError,
    PermissionRequest,
    PermissionResponse,
    SupportedPermission,
    UnknownPermission,
    read_context,
    read_supported,
)
from tests.unit.permissions.wires import (
    AGENT,
    ALICE,
    DATA,
    EXPIRY,
    LIVE,
    PAYEE,
    REDEEMER,
    SHOP,
    TOKEN,
    permission,
    request,
    response,
)

LOWER = str(TOKEN).lower()
CLEAN = request("erc20-token-allowance", EXPIRY)


def _with(**changed: Any) -> dict[str, Any]:
    return {**CLEAN, **changed}


def _permission(**changed: Any) -> dict[str, Any]:
    return _with(permission={**CLEAN["permission"], **changed})


def _data(**changed: Any) -> dict[str, Any]:
    data = {**CLEAN["permission"]["data"], **changed}
    return _permission(data={name: value for name, value in data.items() if value != "absent"})


def _rule(**changed: Any) -> dict[str, Any]:
    return _with(rules=[{**EXPIRY, **changed}])


TOLERATED = {
    "a chain id with a leading zero": _with(chainId="0x01"),
    "a chain id with many leading zeroes": _with(chainId="0x" + "0" * 63 + "1"),
    "an amount with leading zeroes": _data(allowanceAmount="0x" + "0" * 63 + "a"),
    "an amount in upper case": _data(allowanceAmount="0xA"),
    "the ERC's other name of an allowance": _data(allowanceAmount="absent", allowance="0xa"),
    "a type with a description": _permission(type={"name": "erc20-token-allowance", "description": "Spend a token"}),
    "a type that is an object with a name": _permission(type={"name": "erc20-token-allowance"}),
    "a type whose description is null": _permission(type={"name": "erc20-token-allowance", "description": None}),
    "a rule's type that is an object": _rule(type={"name": "expiry", "description": "End"}),
    "a justification that is null": _data(justification=None),
    "addresses in lower case": _with(**{"from": str(ALICE).lower(), "to": str(AGENT).lower()}),
    "a token in lower case": _data(tokenAddress=LOWER),
    "a token in upper case": _data(tokenAddress="0x" + LOWER[2:].upper()),
}


@pytest.mark.parametrize("wire", TOLERATED.values(), ids=TOLERATED)
def test_a_blemish_is_read_and_never_written(wire: dict[str, Any]) -> None:
    assert wire != CLEAN or "null" in str(wire)
    assert PermissionRequest.from_wire(wire).to_wire() == CLEAN


@pytest.mark.parametrize("rules", [None, [], "absent"])
def test_no_rules_are_read_in_every_form_and_written_as_an_empty_list(rules: Any) -> None:
    wire = {name: value for name, value in _with(rules=rules).items() if value != "absent"}
    assert PermissionRequest.from_wire(wire).to_wire() == _with(rules=[])


def test_a_sender_that_is_null_is_none() -> None:
    read = PermissionRequest.from_wire(_with(**{"from": None}))
    assert read.from_ is None
    assert "from" not in read.to_wire()


@pytest.mark.parametrize("kind", LIVE)
def test_fields_that_may_be_absent_may_be_null(kind: str) -> None:
    given = set(DATA[kind]) & {"initialAmount", "maxAmount", "startTime", "justification"}
    wire = request(kind)
    wire["permission"]["data"] |= dict.fromkeys(given)
    absent = {name: value for name, value in permission(kind)["data"].items() if name not in given}
    assert PermissionRequest.from_wire(wire).to_wire()["permission"]["data"] == absent


def test_a_prefix_that_stands_twice_is_read_once() -> None:
    assert PermissionResponse.from_wire({**response(), "context": "0x0x1234"}).to_wire() == response()
    assert read_context("0x0x") == read_context("0x") == b""


def test_a_prefix_that_stands_three_times_is_refused() -> None:
    with pytest.raises(PermissionFieldError, match="permissionContext"):
        read_context("0x0x0x1234")


@pytest.mark.parametrize("name", ["ruleTypes", "rulesTypes"])
def test_the_erc_s_misspelling_is_read_and_never_written(name: str) -> None:
    read = read_supported({"x": {"chainIds": ["0x01"], name: ["expiry"]}})
    assert read == {"x": SupportedPermission(chain_ids=(1,), rule_types=("expiry",))}
    assert read["x"].to_wire() == {"chainIds": ["0x1"], "ruleTypes": ["expiry"]}


def test_both_spellings_at_once_are_refused() -> None:
    with pytest.raises(PermissionFieldError, match=r"result\.x\.ruleTypes: expected it once"):
        read_supported({"x": {"chainIds": [], "ruleTypes": ["expiry"], "rulesTypes": ["payee"]}})


def test_fields_of_a_response_that_are_not_known_are_named_and_not_sent_on() -> None:
    read = PermissionResponse.from_wire({**response(), "siteOrigin": "https://x.example", "isRevoked": False})
    assert read.unread == ("siteOrigin", "isRevoked")
    assert read.to_wire() == response()


REFUSED = {
    "chainId": [1, "1", "0x", "0x0", "0xg", "0X1", "-0x1", "0x" + "1" * 65, None, True, ["0x1"], " 0x1", "0x1\n"],
    "from": ["0x12", 5, "", str(ALICE).lower()[:-1] + "g"],
    "to": [None, "0x12", str(TOKEN).swapcase().replace("0X", "0x")],
    "permission": [None, "native-token-stream", []],
    "rules": [{}, "expiry", 5, [EXPIRY, None], ["expiry"]],
    "extra": [None, 1],
}
REFUSED_PERMISSION = {
    "type": [None, "", 5, {}, {"name": ""}, {"name": "x", "other": 1}, {"description": "x"}, ["x"], {"name": {}}],
    "isAdjustmentAllowed": [None, 0, 1, "true", "absent"],
    "data": [None, [], "0x"],
    "justification": ["outside of the data"],
}
REFUSED_DATA = {
    "allowanceAmount": [10, "10", "0x", "0xzz", 1.5, None, True, "0x" + "f" * 65, "absent", "ten", "-0x1", b"\x01"],
    "startTime": ["1800000000", "0x6b49d200", 1.5, 1e9, True, -1, 2**256],
    "tokenAddress": [None, "0x", "USDC", LOWER[:-2], LOWER.replace("c", "C", 1)],
    "justification": [5, ["x"], {"x": 1}],
    "allowance": ["0xa", "0xb", None],
    "maxAmount": ["0x1"],
}
REFUSED_RULE = {
    "type": [None, "", 5, {}, {"name": 5}],
    "data": [None, [], {}, {"timestamp": "5"}, {"timestamp": 5, "also": 1}, {"timestamp": None}, {"timestamp": 1.0}],
    "isAdjustmentAllowed": [False],
}
CASES = [
    *((name, value, _with(**{name: value}), name) for name, values in REFUSED.items() for value in values),
    *(
        (name, value, _permission(**{name: value}), f"permission.{name}")
        for name, values in REFUSED_PERMISSION.items()
        for value in values
        if value != "absent"
    ),
    *(
        (name, value, _data(**{name: value}), f"permission.data.{name}")
        for name, values in REFUSED_DATA.items()
        for value in values
    ),
    *(
        (name, value, _rule(**{name: value}), f"rules[0].{name}")
        for name, values in REFUSED_RULE.items()
        for value in values
    ),
]


@pytest.mark.parametrize(
    ("wire", "path"),
    [(wire, path) for _, _, wire, path in CASES],
    ids=[f"{path}={value!r}"[:60] for _, value, _, path in CASES],
)
def test_what_has_no_reading_or_two_is_refused_by_its_path(wire: dict[str, Any], path: str) -> None:
    with pytest.raises(PermissionFieldError) as refused:
        PermissionRequest.from_wire(wire, path="params[0]")
    found = refused.value.path
    # both names of one field at once are refused under the first
    expected = path.replace("data.allowance", "data.allowanceAmount") if path.endswith("allowance") else path
    assert found.startswith(f"params[0].{expected}")
    assert "\n" not in str(refused.value)
    assert refused.value.code == "encoding.permission"
    assert refused.value.problems


@pytest.mark.parametrize("name", ["chainId", "to", "permission"])
def test_a_request_without_a_field_it_needs_is_refused_by_its_name(name: str) -> None:
    wire = {key: value for key, value in CLEAN.items() if key != name}
    with pytest.raises(PermissionFieldError, match=f"^{name}: this field is required"):
        PermissionRequest.from_wire(wire)


@pytest.mark.parametrize("name", ["context", "delegationManager", "dependencies"])
def test_a_response_without_a_field_it_needs_is_refused_by_its_name(name: str) -> None:
    wire = {key: value for key, value in response().items() if key != name}
    with pytest.raises(PermissionFieldError, match=f"^{name}: this field is required"):
        PermissionResponse.from_wire(wire)


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("context", "1234", "context"),
        ("context", "0x123", "context"),
        ("context", None, "context"),
        ("delegationManager", "0x", "delegationManager"),
        ("dependencies", None, "dependencies"),
        ("dependencies", {}, "dependencies"),
        ("dependencies", [{"factory": str(SHOP)}], "dependencies[0].factoryData"),
        ("dependencies", [{"factory": str(SHOP), "factoryData": "0x0x12"}], "dependencies[0].factoryData"),
        ("dependencies", [{"factory": "x", "factoryData": "0x"}], "dependencies[0].factory"),
        ("dependencies", [{"factory": str(SHOP), "factoryData": "0x", "value": 1}], "dependencies[0].value"),
    ],
)
def test_a_malformed_response_is_refused_by_its_path(name: str, value: Any, path: str) -> None:
    with pytest.raises(PermissionFieldError) as refused:
        PermissionResponse.from_wire({**response(), name: value})
    assert refused.value.path == path


@pytest.mark.parametrize("kind", LIVE)
def test_every_field_of_every_type_is_needed_or_may_be_absent(kind: str) -> None:
    optional = {"initialAmount", "maxAmount", "startTime", "justification"}
    for name in DATA[kind]:
        wire = request(kind, **{name: None})
        if name in optional:
            PermissionRequest.from_wire(wire)
            continue
        with pytest.raises(PermissionFieldError, match=f"permission.data.{name}: this field is required"):
            PermissionRequest.from_wire(wire)


@pytest.mark.parametrize("rule", [REDEEMER, PAYEE], ids=["redeemer", "payee"])
@pytest.mark.parametrize("addresses", [None, "0x", {}, [None], ["0x12"], [5]])
def test_a_rule_about_accounts_lists_addresses(rule: dict[str, Any], addresses: Any) -> None:
    with pytest.raises(PermissionFieldError) as refused:
        PermissionRequest.from_wire(_with(rules=[EXPIRY, {**rule, "data": {"addresses": addresses}}]))
    assert refused.value.path.startswith("rules[1].data.addresses")


@pytest.mark.parametrize("text", ["", "[", "[]", "null", '{"chainId": "0x1", "chainId": "0x2"}', "[" * 5_000, "1e5"])
def test_text_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(EncodingError):
        PermissionRequest.from_json(text)


def _nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def _read_only(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({name: _read_only(each) for name, each in value.items()})
    return [_read_only(each) for each in value] if isinstance(value, list) else value


NOVEL = {"type": "novel", "data": {"a": [{"b": 1}]}}


def test_an_object_may_be_a_mapping_of_any_kind() -> None:
    wire = _with(permission={**NOVEL, "isAdjustmentAllowed": True}, rules=[EXPIRY, NOVEL])
    read = PermissionRequest.from_wire(_read_only(wire))
    assert read == PermissionRequest.from_wire(wire)
    assert read.to_json() == PermissionRequest.from_wire(wire).to_json()


def test_what_is_no_json_is_refused_inside_a_mapping_too() -> None:
    with pytest.raises(EncodingError, match="expected what JSON can hold"):
        PermissionRequest.from_wire(_read_only(_permission(type="novel", data={"a": {"b": b"1"}})))


def test_data_that_is_not_known_may_be_nested_as_deep_as_is_said() -> None:
    kept = PermissionRequest.from_wire(_permission(type="novel", data={"a": _nested(DEEPEST - 1)}))
    assert kept.permission.to_wire()["data"] == {"a": _nested(DEEPEST - 1)}
    with pytest.raises(
        PermissionFieldError, match=r"permission.data: expected .* at most 64 deep, got dict nested more"
    ):
        PermissionRequest.from_wire(_permission(type="novel", data={"a": _nested(DEEPEST)}))


ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize("deep", [_nested(100_000), ENDLESS], ids=["deep", "endless"])
@pytest.mark.parametrize(
    ("where", "wrap"),
    [
        ("", lambda deep: deep),
        ("to", lambda deep: _with(to=deep)),
        ("chainId", lambda deep: _with(chainId={"a": deep})),
        ("permission.type", lambda deep: _permission(type=deep)),
        ("permission.data", lambda deep: _permission(type="novel", data={"a": deep})),
        ("permission.data.justification", lambda deep: _data(justification=deep)),
        ("rules[0]", lambda deep: _with(rules=deep)),
        ("rules[0].data", lambda deep: _rule(type="novel", data={"a": deep})),
    ],
)
def test_values_nested_a_hundred_thousand_deep_are_refused_at_their_field(where: str, wrap: Any, deep: Any) -> None:
    with pytest.raises(PermissionFieldError) as refused:
        PermissionRequest.from_wire(wrap(deep))
    assert refused.value.path == where
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_a_permission_is_not_made_of_values_nested_too_deep() -> None:
    UnknownPermission(type="novel", data={"a": _nested(DEEPEST - 1)})
    with pytest.raises(EncodingError, match=r"UnknownPermission.data: .*nested at most 64 deep"):
        UnknownPermission(type="novel", data={"a": _nested(100_000)})
