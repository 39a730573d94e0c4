"""JSON-RPC: what is answered, in which order, and what is not."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from delegations.permissions.wallet.jsonrpc import Limits, answer
from tests.unit.permissions.wallet.stage import CHAIN_ID, ORIGIN, Wallet, periodic

CHAIN = {"jsonrpc": "2.0", "method": "eth_chainId"}
ASK = {"jsonrpc": "2.0", "method": "wallet_requestExecutionPermissions"}


def put(asked: Any, wallet: Wallet | None = None, **limits: int) -> Any:
    body = answer((wallet or Wallet()).provider, json.dumps(asked).encode(), origin=ORIGIN, limits=Limits(**limits))
    return None if body is None else json.loads(body)


@pytest.mark.parametrize("identifier", [1, 0, -5, 2**70, "", "a", "\u202e", None])
def test_the_id_comes_back_as_it_was(identifier: Any) -> None:
    assert put({**CHAIN, "id": identifier}) == {"jsonrpc": "2.0", "id": identifier, "result": hex(CHAIN_ID)}


def test_a_notification_is_not_answered() -> None:
    assert put(CHAIN) is None


def test_nor_is_anything_granted_because_of_one() -> None:
    wallet = Wallet()
    method = "wallet_requestExecutionPermissions"
    assert put({"jsonrpc": "2.0", "method": method, "params": [periodic()]}, wallet) is None
    assert wallet.questions == []


def test_a_notification_that_is_malformed_is_told_so() -> None:
    assert put({**CHAIN, "method": 5})["error"]["code"] == -32600


def test_a_batch_is_answered_in_order_without_its_notifications() -> None:
    answers = put([{**CHAIN, "id": "b"}, CHAIN, {**CHAIN, "id": "a", "method": "eth_mint"}, 7])
    assert [(each["id"], "result" in each) for each in answers] == [("b", True), ("a", False), (None, False)]


def test_a_batch_of_notifications_is_not_answered() -> None:
    assert put([CHAIN, CHAIN]) is None


def test_a_batch_may_be_as_long_as_the_limit_and_no_longer() -> None:
    assert len(put([{**CHAIN, "id": 1}] * 3, batch=3)) == 3
    assert put([{**CHAIN, "id": 1}] * 4, batch=3)["error"]["code"] == -32600


def test_nesting_may_be_as_deep_as_the_limit_and_no_deeper() -> None:
    def nest(depth: int) -> Any:
        params: Any = []
        for _ in range(depth - 2):
            params = [params]
        return {**CHAIN, "id": 1, "params": params}

    assert put(nest(5), depth=5)["error"]["code"] == -32602
    assert put(nest(6), depth=5)["error"] == {"code": -32600, "message": "request: nested deeper than 5"}


def test_a_refusal_inside_a_batch_leaves_the_rest_alone() -> None:
    wallet = Wallet()
    answers = put([{**CHAIN, "id": 1, "params": [5]}, {**ASK, "id": 2, "params": [periodic()]}], wallet)
    assert [("error" in each) for each in answers] == [True, False]
    assert len(wallet.granted()) == 1


def test_one_batch_disturbs_a_person_once() -> None:
    wallet = Wallet()
    asked = {**ASK, "params": [periodic()]}
    refused = put([{**asked, "id": 1}, {**CHAIN, "id": 2}, {**asked, "id": 3}], wallet)
    assert (refused["error"]["code"], refused["id"]) == (-32600, None)
    assert wallet.questions == []
    assert put([{**asked, "id": 1}, {**CHAIN, "id": 2}], wallet)[0]["id"] == 1
    assert len(wallet.questions) == 1


@pytest.mark.parametrize("spelt", [b"1e400", b"-1e400", b"1.0", b"1E5", b'"1"', b"true", b"null", b"-1", b"9" * 90])
def test_a_number_that_is_none_is_refused_wherever_it_stands(spelt: bytes) -> None:
    wallet = Wallet()
    body = json.dumps({**ASK, "id": 1, "params": [periodic()]}).encode()
    for name in (b"timestamp", b"periodDuration"):
        changed = re.sub(rb'"' + name + rb'": [0-9]+', b'"' + name + b'": ' + spelt, body)
        assert changed != body
        said = json.loads(answer(wallet.provider, changed, origin=ORIGIN, limits=Limits()) or b"")
        assert said["error"]["code"] == -32602
        assert name.decode() in said["error"]["message"]
    assert wallet.questions == []


@pytest.mark.parametrize("path", ["", "params", "permission", "data"])
def test_a_name_that_stands_twice_is_refused_at_every_depth(path: str) -> None:
    begun = {"": '"id": 1', "params": '"to": "0x', "permission": '"type": "native', "data": '"periodDuration"'}[path]
    body = json.dumps({**ASK, "id": 1, "params": [periodic()]}).encode()
    start = body.index(begun.encode())
    end = min(at for sign in b",}" if (at := body.find(bytes([sign]), start)) > 0)
    member = body[start:end]
    said = put_bytes(body.replace(member, member + b"," + member, 1))
    assert said["error"] == {"code": -32700, "message": "request: a key stands twice in one object"}
    assert "result" in put_bytes(body)


def put_bytes(body: bytes) -> Any:
    return json.loads(answer(Wallet().provider, body, origin=ORIGIN, limits=Limits()) or b"")


def test_a_fault_of_the_program_is_not_taken_for_an_answer() -> None:
    class Broken:
        def request(self, method: str, params: Any = None, *, origin: str) -> Any:
            raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        answer(Broken(), json.dumps({**CHAIN, "id": 1}).encode(), origin=ORIGIN, limits=Limits())
