"""Sending for an account: the transaction that goes out, and what is made of the silence after it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from caveats import Execution
from caveats.errors import ExecutionError, TransportError, UnsupportedError
from caveats.types import parse_hex
from delegations.evm import dev_account
from delegations.evm.rpc import RpcClient
from delegations.permissions.wallet import CallbackSubmitter, KeySubmitter
from delegations.testing.transactions import decode_transaction
from tests.unit.permissions.wallet.stage import AGENT, ALICE, CHAIN_ID, SHOP

CALL = Execution(target=SHOP, value=5, call_data=b"\x12\x34")
DIGEST = "0x" + "ab" * 32


class Node:
    """Answers from a table, and remembers what was asked."""

    label = "a node"

    def __init__(self, **answers: Any) -> None:
        self.asked: list[tuple[str, list[Any]]] = []
        self.answers: dict[str, Any] = {
            "eth_getTransactionCount": "0x7",
            "eth_getBalance": "0xffffffffff",
            "eth_estimateGas": "0xc350",
            "eth_maxPriorityFeePerGas": "0x3",
            "eth_getBlockByNumber": {"baseFeePerGas": "0x64"},
            "eth_sendRawTransaction": DIGEST,
            "eth_getTransactionReceipt": None,
            **answers,
        }

    def exchange(self, payload: bytes) -> bytes:
        body = json.loads(payload)
        self.asked.append((body["method"], body["params"]))
        answer = self.answers[body["method"]]
        if isinstance(answer, list):
            answer = answer.pop(0)
        key = "error" if isinstance(answer, dict) and "code" in answer else "result"
        return json.dumps({"jsonrpc": "2.0", "id": body["id"], key: answer}).encode()

    def close(self) -> None:
        """Nothing is open."""


def submitter(node: Node, waited: list[float] | None = None, attempts: int = 3) -> KeySubmitter:
    sleep = (waited if waited is not None else []).append
    keys = {ALICE: dev_account(0)}
    return KeySubmitter(RpcClient(node, attempts=1), CHAIN_ID, keys, attempts=attempts, sleep=sleep)


def test_what_goes_out_is_signed_by_the_account_and_pays_for_a_rising_base_fee() -> None:
    node = Node()
    assert submitter(node).submit(ALICE, CALL) == DIGEST
    signed = decode_transaction(parse_hex(node.asked[-1][1][0]))
    assert (signed.sender, signed.to, signed.value, signed.data) == (ALICE, SHOP, 5, b"\x12\x34")
    assert (signed.chain_id, signed.nonce, signed.gas) == (CHAIN_ID, 7, 60_000)
    assert (signed.max_fee, signed.priority_fee) == (203, 3)


def test_an_account_without_a_key_here_is_refused_before_anything_is_asked() -> None:
    node = Node()
    with pytest.raises(UnsupportedError, match="no key here"):
        submitter(node).submit(AGENT, CALL)
    assert node.asked == []


def test_a_call_that_would_fail_is_not_sent() -> None:
    node = Node(eth_estimateGas={"code": 3, "message": "execution reverted"})
    with pytest.raises(ExecutionError, match="nothing was sent"):
        submitter(node).submit(ALICE, CALL)
    assert "eth_sendRawTransaction" not in [method for method, _ in node.asked]


@pytest.mark.parametrize(("status", "succeeded"), [("0x1", True), ("0x0", False)])
def test_a_receipt_says_what_came_of_it(status: str, succeeded: bool) -> None:
    node = Node(eth_getTransactionReceipt=[None, {"status": status}])
    waited: list[float] = []
    assert submitter(node, waited).wait(DIGEST) is succeeded
    assert waited == [0.5]


def test_no_receipt_in_time_is_no_failure_and_no_success() -> None:
    node = Node()
    with pytest.raises(TransportError, match="not mined yet"):
        submitter(node, attempts=3).wait(DIGEST)
    assert [method for method, _ in node.asked] == ["eth_getTransactionReceipt"] * 3


def test_a_function_that_returns_no_hash_sent_nothing() -> None:
    with pytest.raises(ExecutionError, match="expected the hash"):
        CallbackSubmitter(lambda _account, _call: None).submit(ALICE, CALL)  # type: ignore[arg-type,return-value]  # what is tested
