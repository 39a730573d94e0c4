"""What is asked of a node, and what is made of nodes that tell less."""

from __future__ import annotations

from typing import Any

import pytest
from hexbytes import HexBytes
from web3 import HTTPProvider, Web3

from caveats import LimitedCalls
from caveats.errors import EncodingError, EngineError, TransportError
from delegations.evm.rpc import RpcError
from delegations.evm.wire import transaction_object
from delegations.receipts import receipts_of
from delegations.receipts.decode import fetch_receipt, fetch_timestamp
from tests.enforcers.harness import CHAIN_ID
from tests.evm.fork_node import Relay, Status, error
from tests.receipts_corpus.make import Case
from tests.receipts_corpus.reading import line
from tests.receipts_corpus.recorder import Recorder
from tests.receipts_corpus.table import scene

Corpus = dict[str, Case]
HASH = "0x" + "ab" * 32


class FakeNode:
    """A web3 instance of which only the provider is asked."""

    def __init__(self, case: Case, **answers: Any) -> None:
        self.provider = self
        self.case = case
        self.hash = case.mined.tx["hash"]
        self.asked: list[str] = []
        self.answers: dict[str, Any] = {
            "eth_getTransactionByHash": case.mined.tx,
            "eth_getTransactionReceipt": case.mined.receipt,
            "debug_traceTransaction": case.mined.trace,
            "eth_chainId": "0x1",
            **answers,
        }

    def make_request(self, method: str, params: list[Any]) -> dict[str, Any]:
        self.asked.append(method)
        if method == "eth_getCode" and method not in self.answers:
            return {"result": "0x" + self.case.before.code(bytes.fromhex(params[0][2:])).hex()}
        answer = self.answers.get(method, EngineError("method not found"))
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            return {"error": {"code": -32601, "message": str(answer)}}
        return {"result": answer}


def test_a_traced_transaction_is_decoded_from_its_trace(corpus: Corpus) -> None:
    case = corpus["a multicall whose first may fail and does"]
    node = FakeNode(case)
    fetched = fetch_receipt(node, case.mined.tx["hash"])
    assert tuple(map(line, fetched.decode().redemptions)) == case.expect
    assert "eth_getCode" not in node.asked


def test_a_node_that_does_not_trace_is_asked_whose_accounts_executed(corpus: Corpus) -> None:
    case = corpus["a multicall whose first may fail and does"]
    fetched = fetch_receipt(FakeNode(case, debug_traceTransaction=EngineError("no")), case.mined.tx["hash"])
    assert fetched.trace is None
    assert tuple(map(line, fetched.decode().redemptions)) == case.untraced


def test_an_account_of_unknown_code_is_not_vouched_for(corpus: Corpus) -> None:
    case = corpus["a batch"]
    node = FakeNode(case, debug_traceTransaction=EngineError("no"), eth_getCode="0x60")
    assert [r.status for r in fetch_receipt(node, node.hash).decode().redemptions] == ["unknown"]


def test_the_disabled_link_of_several_is_asked_for(corpus: Corpus) -> None:
    case = corpus["the middle of three is disabled (2)"]
    yes, no = "0x" + "00" * 31 + "01", "0x" + "00" * 32
    node = FakeNode(case, eth_call=[no, no, yes, yes, no, no])
    (redemption,) = fetch_receipt(node, node.hash).decode().redemptions
    assert redemption.denial is not None
    assert redemption.denial.link == 1
    assert redemption.denial.delegation == redemption.hashes[1]


def test_a_link_disabled_only_after_the_block_is_not_blamed(corpus: Corpus) -> None:
    case = corpus["the middle of three is disabled (2)"]
    yes, no = "0x" + "00" * 31 + "01", "0x" + "00" * 32
    node = FakeNode(case, eth_call=[no, no, no, yes, no, no])
    (redemption,) = fetch_receipt(node, node.hash).decode().redemptions
    assert redemption.denial is not None
    assert (redemption.status, redemption.denial.link) == ("denied", None)


def test_a_receipt_that_comes_a_moment_later_is_waited_for(corpus: Corpus) -> None:
    case = corpus["a batch"]
    node = FakeNode(case, eth_getTransactionReceipt=[None, None, case.mined.receipt])
    slept: list[float] = []
    assert fetch_receipt(node, node.hash, sleep=slept.append).receipt == case.mined.receipt
    assert len(slept) == 2


def test_a_receipt_that_never_comes_is_an_error(corpus: Corpus) -> None:
    node = FakeNode(corpus["a batch"], eth_getTransactionReceipt=None)
    with pytest.raises(EngineError, match="no receipt"):
        fetch_receipt(node, node.hash, sleep=lambda _seconds: None)


def test_a_transaction_nobody_knows_is_an_error(corpus: Corpus) -> None:
    with pytest.raises(EncodingError, match="does not know"):
        fetch_receipt(FakeNode(corpus["a batch"], eth_getTransactionByHash=None), HASH)


def test_a_transaction_that_waits_is_an_error(corpus: Corpus) -> None:
    waiting = {**corpus["a batch"].mined.tx, "blockHash": None}
    node = FakeNode(corpus["a batch"], eth_getTransactionByHash=waiting)
    with pytest.raises(EncodingError, match="not mined"):
        fetch_receipt(node, node.hash)


def test_a_node_that_answers_with_an_error_is_not_read_as_an_answer(corpus: Corpus) -> None:
    node = FakeNode(corpus["a batch"], eth_getTransactionReceipt=EngineError("busy"))
    with pytest.raises(RpcError, match="busy"):
        fetch_receipt(node, node.hash)


@pytest.mark.parametrize("bad", ["0x12", b"\x01", "hash"])
def test_a_hash_that_is_none_is_refused(corpus: Corpus, bad: str | bytes) -> None:
    with pytest.raises(EncodingError, match="transaction hash"):
        fetch_receipt(FakeNode(corpus["a batch"]), bad)


def test_what_is_no_client_is_refused() -> None:
    with pytest.raises(EncodingError, match="a web3 instance or an RpcClient"):
        fetch_receipt(object(), HASH)


@pytest.mark.parametrize("method", ["eth_getTransactionByHash", "eth_getTransactionReceipt"])
@pytest.mark.parametrize("told", [HASH, None, "zz"])
def test_another_transaction_than_the_one_asked_for_is_refused(corpus: Corpus, method: str, told: str | None) -> None:
    case = corpus["a batch"]
    node = FakeNode(case)
    assert fetch_receipt(node, node.hash).receipt == case.mined.receipt
    node.answers[method] = {**node.answers[method], "hash": told, "transactionHash": told}
    with pytest.raises(TransportError, match="could not read transaction"):
        fetch_receipt(node, node.hash)


def test_the_time_is_that_of_the_transactions_own_block(corpus: Corpus) -> None:
    case = corpus["a batch"]
    block = {"hash": case.mined.receipt["blockHash"], "timestamp": "0x6b49d200"}
    node = FakeNode(case, eth_getBlockByHash=block)
    fetched = fetch_receipt(node, node.hash)
    assert fetch_timestamp(node, fetched) == 0x6B49D200
    for other in (None, {**block, "hash": HASH}):
        node.answers["eth_getBlockByHash"] = other
        with pytest.raises(TransportError, match="could not read block"):
            fetch_timestamp(node, fetched)


def test_web3_asks_a_live_node_over_http() -> None:
    recorder = Recorder(CHAIN_ID)
    relay = Relay(recorder.anvil)
    provider = HTTPProvider(relay.host)
    try:
        s = scene()
        transaction = s.ask(s.root(LimitedCalls(limit=1)), s.pay(5)).transaction
        recorder.anvil.push(s.chain.world)
        w3 = Web3(provider)
        sent = {**transaction_object(transaction), "nonce": hex(s.chain.world.nonce(transaction.sender))}
        digest = HexBytes(recorder.call("eth_sendTransaction", sent))
        recorder.call("evm_mine")
        fetched = fetch_receipt(w3, digest)
        timestamp = fetch_timestamp(w3, fetched)
        (redemption,) = fetched.decode().redemptions
        (receipt,) = receipts_of(fetched.decode(), fetched, timestamp=timestamp)
        with pytest.raises(EncodingError, match="does not know"):
            fetch_receipt(w3, HASH)
        relay.stays = error(-32000, "busy")
        with pytest.raises(RpcError, match="busy"):
            fetch_receipt(w3, digest)
        relay.stays = Status(500)
        with pytest.raises(TransportError, match="could not ask for eth_getTransactionByHash"):
            fetch_receipt(w3, digest)
    finally:
        relay.close()
        recorder.close()
    assert redemption.status == "executed"
    assert (receipt.outcome.status, receipt.subject.block.timestamp) == ("executed", timestamp)
    assert str(receipt.subject.transaction) == "0x" + bytes(digest).hex()


def test_a_live_node_is_asked_over_its_own_socket() -> None:
    recorder = Recorder(CHAIN_ID)
    try:
        s = scene()
        transaction = s.ask(s.root(LimitedCalls(limit=1)), s.pay(5)).transaction
        recorder.anvil.push(s.chain.world)
        sent = {**transaction_object(transaction), "nonce": hex(s.chain.world.nonce(transaction.sender))}
        digest = recorder.call("eth_sendTransaction", sent)
        with pytest.raises(EncodingError, match="not mined"):
            fetch_receipt(recorder.anvil.client, digest)
        recorder.call("evm_mine")
        (redemption,) = fetch_receipt(recorder.anvil.client, bytes.fromhex(digest[2:])).decode().redemptions
        (blind,) = fetch_receipt(recorder.anvil.client, digest, with_trace=False).decode().redemptions
    finally:
        recorder.close()
    assert (redemption.status, blind.status) == ("executed", "executed")
    assert [move.amount for move in redemption.movements or ()] == [5]
    assert blind.movements is None
