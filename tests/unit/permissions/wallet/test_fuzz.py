"""Fuzzers at the endpoint: one reads the server's own description, others spoil good requests. None meets a 500."""

from __future__ import annotations

import copy
import json
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as openapi_checks

from tests.unit.permissions.wallet.browser import open_browser
from tests.unit.permissions.wallet.stage import AGENT, ORIGIN, SHOP, TOKEN, Wallet, addresses, expiry, periodic, request

WALLET = Wallet()
BROWSER = open_browser(WALLET)
OPERATION = schemathesis.openapi.from_dict(BROWSER.send(method="GET", path="/openapi.json").json())["/"]["POST"]
CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
]
# a body drawn from the description is nested several deep, which is slow to draw and what is wanted
PATIENT = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def put(case: Any) -> None:
    body = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
    case.validate_response(BROWSER.send(body), checks=CHECKS)


@PATIENT
@given(case=OPERATION.as_strategy(generation_mode=GenerationMode.POSITIVE))
def test_what_the_description_allows_is_answered_as_it_says(case: Any) -> None:
    put(case)


@PATIENT
@given(case=OPERATION.as_strategy(generation_mode=GenerationMode.NEGATIVE))
def test_what_it_does_not_allow_is_answered_as_it_says(case: Any) -> None:
    put(case)


GOOD = [
    periodic(expiry(1), addresses("redeemer", AGENT), addresses("payee", SHOP)),
    request("native-token-stream", {"amountPerSecond": "0x1", "initialAmount": "0x0", "maxAmount": "0xff"}, expiry(1)),
    request("erc20-token-allowance", {"tokenAddress": str(TOKEN), "allowanceAmount": "0x5"}, expiry(1)),
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["0x", "0x0", "0x" + "f" * 64, "0x" + "0" * 40, "0x" + "F" * 40, 2**256, -1, 0, [], {}, [[]]]),
    st.from_regex(r"0x[0-9a-fA-F]{0,66}", fullmatch=True),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, by the way to it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, each in inner for place in ((*path, key), *places(each, (*path, key)))]


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """A good request in which one to three places hold something else, or nothing, or stand twice."""
    made = {"jsonrpc": "2.0", "id": 1, "method": "wallet_requestExecutionPermissions"}
    made["params"] = [copy.deepcopy(draw(st.sampled_from(GOOD)))]
    for _ in range(draw(st.integers(1, 3))):
        *outer, last = draw(st.sampled_from(places(made)))
        holder: Any = made
        for key in outer:
            holder = holder[key]
        way = draw(st.sampled_from(["other", "gone", "twice", "more"]))
        if way == "gone":
            del holder[last]
        elif way == "twice" and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[last]))
        elif way == "more" and isinstance(holder, dict):
            holder[draw(st.text(max_size=8))] = draw(ODD)
        else:
            holder[last] = draw(ODD)
        if not places(made):
            break
    return made


def answer_of(body: Any) -> httpx.Response:
    return BROWSER.send(body if isinstance(body, bytes) else json.dumps(body).encode(), origin=ORIGIN)


@settings(max_examples=300)
@given(asked=spoilt())
def test_a_spoilt_request_is_granted_as_it_stands_or_refused_by_name(asked: Any) -> None:
    before = len(WALLET.provider.store.list_grants())
    answered = answer_of(asked)
    assert answered.status_code in (200, 204)
    kept = len(WALLET.provider.store.list_grants()) - before
    if not answered.content or "error" in answered.json():
        assert kept == 0
        if answered.content:
            error = answered.json()["error"]
            assert error["code"] in (-32600, -32601, -32602, -32001, 4901)
            assert error["message"].isprintable()
    elif asked["method"] == "wallet_requestExecutionPermissions":
        assert kept == len(answered.json()["result"]) == len(asked["params"])


@settings(max_examples=300)
@given(body=st.one_of(st.binary(max_size=300), st.text(alphabet='{}[]",:\\0123eE+-.truefalsn \u202e\x00', max_size=80)))
def test_bytes_of_any_kind_get_an_answer(body: bytes | str) -> None:
    answered = answer_of(body if isinstance(body, bytes) else body.encode())
    assert answered.status_code in (200, 204)
    if answered.content:
        assert json.loads(answered.content)


@pytest.mark.parametrize("asked", GOOD)
def test_the_good_requests_are_good(asked: Any) -> None:
    made = {"jsonrpc": "2.0", "id": 1, "method": "wallet_requestExecutionPermissions", "params": [asked]}
    assert "result" in answer_of(made).json()
