"""What a wallet refuses about a request: all of it at once, each by its path."""

from __future__ import annotations

from typing import Any

import pytest

from caveats.types import ZERO_ADDRESS
from delegations.delegation import ANY_DELEGATE
from delegations.permissions import (
    PermissionFieldError,
    PermissionRequest,
    find_request_problems,
    require_no_problems,
    supported_by,
)
from tests.unit.permissions.wires import AGENT, EXPIRY, LIVE, NOW, PAYEE, REDEEMER, SHOP, permission, request

MIDNIGHT = NOW - NOW % 86_400
ZERO = str(ZERO_ADDRESS)


def _paths(wire: dict[str, Any], **options: Any) -> list[str]:
    problems = find_request_problems(PermissionRequest.from_wire(wire), now=NOW, **options)
    assert all(problem.text and "\n" not in problem.text for problem in problems)
    return [problem.path for problem in problems]


@pytest.mark.parametrize("kind", LIVE)
def test_a_sound_request_of_every_type_has_no_problems(kind: str) -> None:
    rules = (EXPIRY, REDEEMER) if kind.startswith("token-") else (EXPIRY, REDEEMER, PAYEE)
    assert _paths(request(kind, *rules)) == []
    assert _paths(request(kind, *rules), supported=supported_by([1])) == []


@pytest.mark.parametrize("kind", [kind for kind in LIVE if not kind.startswith("token-")])
def test_what_the_wallet_fills_in_is_no_problem(kind: str) -> None:
    assert _paths(request(kind, EXPIRY, startTime=None, initialAmount=None, maxAmount=None)) == []


def _at(timestamp: int) -> dict[str, Any]:
    return {"type": "expiry", "data": {"timestamp": timestamp}}


def _who(kind: str, *addresses: str) -> dict[str, Any]:
    return {"type": kind, "data": {"addresses": list(addresses)}}


START = "permission.data.startTime"
LIMITS: list[tuple[dict[str, Any], list[str]]] = [
    (request(startTime=MIDNIGHT), []),
    (request(startTime=MIDNIGHT - 1), [START]),
    (request(startTime=1), [START]),
    (request(startTime=0), [START]),
    (request(startTime=253_402_300_799), []),
    (request(startTime=253_402_300_800), [START]),
    (request("erc20-token-periodic", _at(NOW + 1)), []),
    (request("erc20-token-periodic", _at(NOW)), ["rules[0].data.timestamp"]),
    (request("erc20-token-periodic", _at(NOW), startTime=MIDNIGHT), ["rules[0].data.timestamp"]),
    (request("erc20-token-periodic", _at(NOW + 1), startTime=MIDNIGHT), []),
    (request("erc20-token-periodic", _at(0)), ["rules[0].data.timestamp"]),
    (request("erc20-token-periodic", _at(1)), ["rules[0].data.timestamp"]),
    (request("erc20-token-periodic", _at(2**128 - 1)), ["rules[0].data.timestamp"]),
    (request("erc20-token-periodic", _at(2**128)), ["rules[0].data.timestamp"]),
    (request("erc20-token-periodic", _at(NOW + 5), startTime=NOW + 4), []),
    (request("erc20-token-periodic", _at(NOW + 5), startTime=NOW + 5), ["rules[0].data.timestamp"]),
    (request("erc20-token-periodic", _at(253_402_300_799)), []),
    (request("erc20-token-periodic", _at(253_402_300_800)), ["rules[0].data.timestamp"]),
    (request(periodAmount="0x1"), []),
    (request(periodAmount="0x0"), ["permission.data.periodAmount"]),
    (request(periodDuration=315_360_000), []),
    (request(periodDuration=315_360_001), ["permission.data.periodDuration"]),
    (request("native-token-stream", initialAmount="0x63"), []),
    (request("native-token-stream", initialAmount="0x64"), ["permission.data.maxAmount"]),
    (request("native-token-stream", initialAmount="0x65", maxAmount=None), []),
    (request("native-token-stream", initialAmount="0x" + "f" * 64, maxAmount=None), ["permission.data.maxAmount"]),
    (request(tokenAddress=str(SHOP)), []),
    (request(tokenAddress=ZERO), ["permission.data.tokenAddress"]),
    (request(justification="x" * 300), []),
    (request(justification="x" * 301), ["permission.data.justification"]),
    (request("erc20-token-periodic", EXPIRY, EXPIRY), ["rules[1].type"]),
    (request("erc20-token-periodic", {"type": "quota", "data": {}}), ["rules[0].type"]),
    (request("token-approval-revocation", PAYEE), ["rules[0].type"]),
    (request("erc20-token-periodic", _who("payee", str(SHOP), str(AGENT))), ["rules[0].data.addresses"]),
    (request("native-token-periodic", _who("payee", str(SHOP), str(AGENT))), []),
    (request("native-token-periodic", _who("payee", str(SHOP), str(SHOP))), ["rules[0].data.addresses"]),
    (request("native-token-periodic", _who("payee", ZERO)), ["rules[0].data.addresses"]),
    (request("native-token-periodic", _who("redeemer")), ["rules[0].data.addresses"]),
    (request("native-token-periodic", _who("redeemer", ZERO)), ["rules[0].data.addresses"]),
    ({**request(), "to": ZERO}, ["to"]),
    ({**request(), "from": ZERO}, ["from"]),
    ({**request(), "to": str(ANY_DELEGATE)}, ["to"]),
    ({**request("erc20-token-periodic", REDEEMER), "to": str(ANY_DELEGATE)}, []),
    (request("erc20-token-revocation"), ["permission.type"]),
    (request("vendor-call-anything"), ["permission.type"]),
]


@pytest.mark.parametrize(("wire", "expected"), LIMITS)
def test_each_limit_has_two_sides(wire: dict[str, Any], expected: list[str]) -> None:
    assert _paths(wire) == expected


def test_all_problems_are_told_at_once() -> None:
    wire = request(
        "erc20-token-stream",
        _at(5),
        _at(6),
        _who("redeemer"),
        amountPerSecond="0x0",
        maxAmount="0x0",
        startTime=0,
        tokenAddress=ZERO,
    )
    assert _paths({**wire, "to": ZERO}) == [
        "permission.data.amountPerSecond",
        "permission.data.startTime",
        "permission.data.maxAmount",
        "rules[1].type",
        "rules[2].data.addresses",
        "to",
        "rules[0].data.timestamp",
        "rules[1].data.timestamp",
        "permission.data.tokenAddress",
    ]


def test_no_kind_of_revocation_is_a_problem() -> None:
    off = dict.fromkeys(permission("token-approval-revocation")["data"], False)
    assert _paths(request("token-approval-revocation", **off)) == ["permission.data"]


def test_the_day_may_begin_where_the_user_lives() -> None:
    assert _paths(request(startTime=NOW - 3), day_start_at=NOW - 3) == []
    assert _paths(request(startTime=NOW - 4), day_start_at=NOW - 3) == [START]


# what a wallet grants


def test_a_type_the_wallet_does_not_grant_is_a_problem() -> None:
    granted = {name: item for name, item in supported_by([1]).items() if name != "erc20-token-periodic"}
    assert _paths(request(), supported=granted) == ["permission.type"]


def test_a_chain_the_wallet_does_not_grant_on_is_a_problem() -> None:
    assert _paths(request(), supported=supported_by([1, 10])) == []
    assert _paths({**request(), "chainId": "0x2"}, supported=supported_by([1, 10])) == ["chainId"]


def test_a_rule_the_wallet_does_not_hold_is_a_problem() -> None:
    granted = supported_by([1])
    granted["erc20-token-periodic"] = granted["erc20-token-periodic"].model_copy(update={"rule_types": ("expiry",)})
    assert _paths(request("erc20-token-periodic", EXPIRY), supported=granted) == []
    assert _paths(request("erc20-token-periodic", EXPIRY, PAYEE), supported=granted) == ["rules[1].type"]


def test_every_live_type_is_supported_with_the_rules_it_takes() -> None:
    granted = supported_by([1])
    assert set(granted) == set(LIVE)
    assert granted["token-approval-revocation"].rule_types == ("expiry", "redeemer")
    assert {granted[kind].rule_types for kind in LIVE[:-1]} == {("expiry", "redeemer", "payee")}


def test_no_problems_are_no_error_and_some_are_one_error_with_all_of_them() -> None:
    require_no_problems(())
    problems = find_request_problems(PermissionRequest.from_wire({**request(periodAmount="0x0"), "to": ZERO}), now=NOW)
    with pytest.raises(PermissionFieldError) as refused:
        require_no_problems(problems)
    assert refused.value.problems == problems
    with pytest.raises(PermissionFieldError) as one:
        require_no_problems(problems[:1])
    assert str(one.value) == "permission.data.periodAmount: expected more than 0, got 0"
    assert str(refused.value) == "permission.data.periodAmount: expected more than 0, got 0 (and 1 more)"
