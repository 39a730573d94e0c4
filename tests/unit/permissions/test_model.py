"""The models of ERC-7715: what travels, both ways, and what is refused by the field's path."""

from __future__ import annotations

import json
from typing import Any

import pytest

from caveats.errors import EncodingError
from caveats.types import Address
from delegations.permissions import (
    PERMISSION_TYPES,
    Dependency,
    Erc20TokenPeriodic,
    ExpiryRule,
    NativeTokenStream,
    PayeeRule,
    Permission,
    PermissionFieldError,
    PermissionRequest,
    PermissionResponse,
    RedeemerRule,
    Rule,
    SupportedPermission,
    TokenApprovalRevocation,
    UnknownPermission,
    UnknownRule,
    read_permission,
    read_requests,
    read_responses,
    read_rule,
    read_supported,
    write_supported,
)
from tests.boundaries import EDGES
from tests.unit.permissions.wires import (
    AGENT,
    ALICE,
    EXPIRY,
    LIVE,
    NOW,
    OTHERS,
    PAYEE,
    REDEEMER,
    SHOP,
    TOKEN,
    UNKNOWN,
    permission,
    request,
    response,
)

ALL_RULES = (EXPIRY, REDEEMER, PAYEE, UNKNOWN)


@pytest.mark.parametrize("kind", [*LIVE, *OTHERS])
def test_a_request_of_every_type_is_written_as_it_was_read(kind: str) -> None:
    wire = request(kind, *ALL_RULES)
    read = PermissionRequest.from_wire(wire)
    assert read.permission.type == kind
    assert read.to_wire() == wire
    assert list(read.to_wire()) == list(wire)
    assert PermissionRequest.from_json(json.dumps(wire)) == PermissionRequest.from_json(read.to_json()) == read


@pytest.mark.parametrize("kind", [*LIVE, *OTHERS])
def test_a_response_of_every_type_is_written_as_it_was_read(kind: str) -> None:
    wire = response(kind, *ALL_RULES)
    read = PermissionResponse.from_wire(wire)
    assert read.to_wire() == wire
    assert read.context == b"\x12\x34"
    assert read.dependencies == (Dependency(factory=Address(b"\x07" * 20), factory_data=b"\xab\xcd"),)
    assert read.unread == ()
    assert PermissionResponse.from_json(read.to_json()) == read


@pytest.mark.parametrize("kind", LIVE)
def test_every_live_type_has_a_class_of_its_own(kind: str) -> None:
    read = PermissionRequest.from_wire(request(kind)).permission
    assert type(read) is PERMISSION_TYPES[kind]
    assert type(read).from_wire(permission(kind)) == Permission.from_wire(permission(kind)) == read


def test_a_type_that_is_not_known_keeps_its_name_and_its_data() -> None:
    wire = permission("vendor-call-anything")
    read = read_permission(wire)
    assert isinstance(read, UnknownPermission)
    assert (read.type, read.data, read.justification) == ("vendor-call-anything", wire["data"], "new")
    wire["data"]["calls"].append("later")
    assert len(read.data["calls"]) == 1


def test_a_rule_that_is_not_known_keeps_its_name_and_its_data() -> None:
    read = read_rule(UNKNOWN)
    assert isinstance(read, UnknownRule)
    assert (read.type, read.data) == ("quota", UNKNOWN["data"])


def test_the_fields_are_what_the_json_says() -> None:
    read = PermissionRequest.from_wire(request("erc20-token-periodic", EXPIRY, REDEEMER, PAYEE))
    assert (read.chain_id, read.from_, read.to) == (1, ALICE, AGENT)
    assert read.permission == Erc20TokenPeriodic(
        token_address=TOKEN,
        period_amount=10,
        period_duration=86_400,
        start_time=NOW,
        justification="lunch",
        is_adjustment_allowed=True,
    )
    assert (read.expiry, read.redeemers, read.payees) == (NOW + 86_400, (AGENT,), (SHOP,))


def test_what_is_not_given_is_none_and_is_not_sent() -> None:
    wire = request("native-token-stream", initialAmount=None, maxAmount=None, startTime=None, justification=None)
    del wire["from"]
    read = PermissionRequest.from_wire(wire)
    assert read.permission == NativeTokenStream(amount_per_second=1, is_adjustment_allowed=True)
    assert (read.from_, read.expiry, read.redeemers, read.payees) == (None, None, None, None)
    assert read.to_wire() == wire


def test_a_response_carries_its_request() -> None:
    asked = PermissionRequest.from_wire(request("native-token-stream", EXPIRY))
    granted = PermissionResponse.answering(asked, context=b"\x01", delegation_manager=SHOP)
    assert granted.request == asked
    assert granted.to_wire() == {
        **asked.to_wire(),
        "context": "0x01",
        "dependencies": [],
        "delegationManager": str(SHOP),
    }


def test_rules_can_be_added() -> None:
    asked = PermissionRequest.from_wire(request()).with_rules(ExpiryRule(timestamp=5), RedeemerRule(addresses=(AGENT,)))
    assert [rule.type for rule in asked.rules] == ["expiry", "redeemer"]
    assert asked.expiry == 5


def test_lists_of_requests_and_responses_are_read() -> None:
    assert [item.permission.type for item in read_requests([request(kind) for kind in LIVE])] == list(LIVE)
    assert [item.to_wire() for item in read_responses([response(), response()])] == [response(), response()]


def test_a_list_with_one_bad_request_is_refused_by_its_place() -> None:
    with pytest.raises(PermissionFieldError) as refused:
        read_requests([request(), {**request(), "chainId": "1"}])
    assert refused.value.path == "params[1].chainId"
    assert str(refused.value).startswith("params[1].chainId: expected 0x and 1 to 64 hex digits, got 1")


def test_what_a_wallet_supports_is_read_and_written() -> None:
    wire = {"native-token-stream": {"chainIds": ["0x1", "0xaa36a7"], "ruleTypes": ["expiry"]}, "new": {"chainIds": []}}
    read = read_supported(wire)
    assert read["native-token-stream"] == SupportedPermission(chain_ids=(1, 11155111), rule_types=("expiry",))
    assert write_supported(read) == {**wire, "new": {"chainIds": [], "ruleTypes": []}}


@pytest.mark.parametrize("value", [None, [], {"x": []}, {"x": {"ruleTypes": []}}, {"x": {"chainIds": ["1"]}}])
def test_what_says_nothing_of_support_is_refused(value: Any) -> None:
    with pytest.raises(PermissionFieldError):
        read_supported(value)


# amounts and times are exact


@pytest.mark.parametrize("kind", LIVE)
@pytest.mark.parametrize(("name", "value"), EDGES.items(), ids=EDGES)
def test_every_number_of_every_type_comes_back_exact(kind: str, name: str, value: int) -> None:
    fields = [field for field, given in permission(kind)["data"].items() if _is_number(given)]
    wire = permission(kind, **{field: hex(value) if _is_amount(field) else value for field in fields})
    read = Permission.from_wire(wire)
    assert read.to_wire() == wire
    assert Permission.from_json(read.to_json()) == read
    assert read.model_copy() == type(read)(**read.model_dump())


@pytest.mark.parametrize(("name", "value"), EDGES.items(), ids=EDGES)
def test_an_expiry_and_a_chain_id_come_back_exact(name: str, value: int) -> None:
    assert read_rule({"type": "expiry", "data": {"timestamp": value}}) == ExpiryRule(timestamp=value)
    assert ExpiryRule(timestamp=value).to_wire()["data"] == {"timestamp": value}
    if value:
        assert PermissionRequest.from_wire({**request(), "chainId": hex(value)}).to_wire()["chainId"] == hex(value)


def _is_number(value: object) -> bool:
    return (type(value) is int) or (isinstance(value, str) and value.startswith("0x") and len(value) < 42)


def _is_amount(field: str) -> bool:
    return "mount" in field


# models made in Python


def test_a_model_made_in_python_takes_plain_values() -> None:
    made = PermissionRequest(
        chain_id=1,
        to=AGENT,
        permission=NativeTokenStream(amount_per_second=2**256 - 1),
        rules=[PayeeRule(addresses=[SHOP])],
    )
    assert made.to_wire()["permission"]["data"] == {"amountPerSecond": "0x" + "f" * 64}
    assert made.permission.is_adjustment_allowed is False


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NativeTokenStream(amount_per_second=2**256), "amount_per_second"),
        (lambda: NativeTokenStream(amount_per_second=-1), "amount_per_second"),
        (lambda: NativeTokenStream(amount_per_second=1.0), "amount_per_second"),
        (lambda: NativeTokenStream(), "amount_per_second: this field is required"),
        (lambda: NativeTokenStream(amount_per_second=1, rate=1), "rate: there is no such field"),
        (lambda: NativeTokenStream(amount_per_second=1, type="x"), "type"),
        (lambda: TokenApprovalRevocation(erc20_approve="yes"), "erc20_approve"),
        (lambda: PermissionRequest(chain_id=0, to=AGENT, permission=NativeTokenStream(amount_per_second=1)), "above 0"),
        (lambda: PermissionRequest(chain_id=1, to=AGENT, permission={"type": "x"}), "permission"),
        (lambda: RedeemerRule(addresses=["0x12"]), "addresses"),
        (lambda: UnknownPermission(type="x", data={"at": b"1"}), "what JSON can hold"),
        (lambda: UnknownPermission(type="native-token-stream", data={}), "is the type of NativeTokenStream"),
        (lambda: UnknownRule(type="expiry", data={}), "is the type of ExpiryRule"),
        (lambda: Permission(type="x"), "is the type of UnknownPermission"),
        (lambda: Rule(type="expiry"), "is the type of ExpiryRule"),
    ],
)
def test_a_model_refuses_what_no_field_holds(make: Any, message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        make()


def test_a_class_refuses_the_json_of_another_type() -> None:
    with pytest.raises(PermissionFieldError, match="type: expected native-token-stream, got erc20-token-stream"):
        NativeTokenStream.from_wire(permission("erc20-token-stream"))
    with pytest.raises(PermissionFieldError, match="type: expected expiry, got redeemer"):
        ExpiryRule.from_wire(REDEEMER)
    assert Rule.from_wire(REDEEMER) == RedeemerRule(addresses=(AGENT,))
