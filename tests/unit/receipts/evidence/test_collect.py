"""Collecting: what is asked of a node, and what is made of one that lacks something, lags, or lies."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import pytest
from web3 import Web3
from web3.providers.base import BaseProvider

from caveats import LimitedCalls
from caveats.errors import DelegationsError, EncodingError, EngineError, TransportError, UnsupportedError
from delegations.evm import dev_account
from delegations.evm.rpc import RpcClient, RpcError
from delegations.receipts import Receipt
from delegations.receipts.evidence import EvidenceError, prove, rlp, verify
from delegations.receipts.evidence.header import header_of_block
from delegations.receipts.evidence.node import Node
from delegations.receipts.evidence.opened import open_bundle
from delegations.receipts.evidence.transactions import encode_transaction
from delegations.receipts.evidence.trie import build_index_trie
from delegations.redemption import redeem
from tests.unit.receipts.evidence.conftest import Proven
from tests.unit.receipts.evidence.live_chain import LiveChain, other_anvil

MISSING = RpcError("the method does not exist", rpc_code=-32601)


class Between(RpcClient):
    """A client that changes what a node answers.

    Attributes:
        answers: by method: an answer, an error, or what makes one of the true answer.
    """

    def __init__(self, inner: RpcClient, **answers: Any) -> None:
        super().__init__(inner.transport)
        self.inner, self.answers, self.asked = inner, answers, [""]

    def batch(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        return [self._one(method, params) for method, params in requests]

    def _one(self, method: str, params: Sequence[Any]) -> Any:
        self.asked.append(method)
        if method not in self.answers:
            return self.inner.batch([(method, params)])[0]
        answer = self.answers[method]
        if callable(answer):
            return answer(self.inner.batch([(method, params)])[0])
        return answer.pop(0) if isinstance(answer, list) else answer


class Provider(BaseProvider):
    """A web3 provider that asks over the client's socket."""

    def __init__(self, client: RpcClient) -> None:
        super().__init__()
        self.client = client

    def make_request(self, method: Any, params: Any) -> Any:
        (answer,) = self.client.batch([(method, params)])
        if isinstance(answer, RpcError):
            return {"jsonrpc": "2.0", "id": 1, "error": {"code": answer.rpc_code, "message": str(answer)}}
        return {"jsonrpc": "2.0", "id": 1, "result": answer}


def failed(receipt: Receipt, client: Any, kind: type[DelegationsError], **more: Any) -> str:
    with pytest.raises(kind) as error:
        prove(receipt, client, sleep=lambda _seconds: None, **more)
    return getattr(error.value, "reason", str(error.value))


def test_the_same_bundle_is_collected_every_time(live: LiveChain, payment: Proven) -> None:
    assert prove(payment.receipt, live.client) == payment.bundle


def test_a_web3_instance_will_do(live: LiveChain, payment: Proven) -> None:
    assert prove(payment.receipt, Web3(Provider(live.client))) == payment.bundle


def test_web3_and_the_bundle_prove_the_same_state(live: LiveChain, payment: Proven) -> None:
    w3 = Web3(Provider(live.client))
    (state,) = payment.bundle.states
    number = payment.receipt.subject.block.number
    nodes, opened = set(payment.bundle.nodes), open_bundle(payment.bundle, payment.block_hash)
    for account in state.accounts:
        slots = ["0x" + slot.hex() for slot in account.slots]
        told = w3.eth.get_proof(account.address, slots, number)  # type: ignore[arg-type]  # hex is taken too
        assert {bytes(node) for node in told["accountProof"]} <= nodes
        assert [int(slot["value"].hex() or "0", 16) for slot in told["storageProof"]] == [
            opened.slot(0, account.address, slot) for slot in account.slots
        ]
        assert told["nonce"] == opened.account(0, account.address).nonce


def test_few_things_are_asked_and_each_once(live: LiveChain, payment: Proven) -> None:
    client = Between(live.client)
    prove(payment.receipt, client)
    asked = client.asked[1:]
    assert asked.count("eth_getProof") == len(payment.bundle.states[0].accounts)
    assert set(asked) == {"eth_chainId", "eth_getBlockByHash", "eth_getBlockReceipts", "eth_getProof"}


def test_receipts_are_asked_for_one_by_one_where_a_block_of_them_is_not_offered(
    live: LiveChain, payment: Proven
) -> None:
    client = Between(live.client, eth_getBlockReceipts=MISSING)
    assert prove(payment.receipt, client) == payment.bundle
    assert client.asked.count("eth_getTransactionReceipt") == 13


def test_receipts_that_come_a_moment_later_are_waited_for(live: LiveChain, payment: Proven) -> None:
    true = live.call("eth_getBlockReceipts", hex(payment.receipt.subject.block.number))
    client = Between(live.client, eth_getBlockReceipts=[None, true[:-1], [None] * 13, true])
    slept: list[float] = []
    assert prove(payment.receipt, client, sleep=slept.append) == payment.bundle
    assert len(slept) == 3


def test_receipts_that_never_come_are_an_error_and_no_answer(live: LiveChain, payment: Proven) -> None:
    client = Between(live.client, eth_getBlockReceipts=lambda _true: None)
    assert "gives no receipts" in failed(payment.receipt, client, EngineError)


def test_a_receipt_that_is_changed_does_not_make_the_root(live: LiveChain, payment: Proven) -> None:
    def forged(true: Any) -> Any:
        true[3]["cumulativeGasUsed"] = "0x1"
        return true

    client = Between(live.client, eth_getBlockReceipts=forged)
    assert failed(payment.receipt, client, EvidenceError) == "root-mismatch"


def test_raw_receipts_are_asked_for_where_the_told_ones_do_not_make_the_root(live: LiveChain, payment: Proven) -> None:
    from delegations.receipts.evidence.mined import encode_mined_receipt

    raw: list[str] = []

    def of_another_chain(true: Any) -> Any:
        raw[:] = ["0x" + encode_mined_receipt(receipt).hex() for receipt in true]
        return [{**receipt, "type": "0x64"} for receipt in true]

    client = Between(live.client, eth_getBlockReceipts=of_another_chain, debug_getRawReceipts=raw)
    client.answers["debug_getRawReceipts"] = lambda _true: raw
    assert prove(payment.receipt, client) == payment.bundle


def test_raw_transactions_are_asked_for_where_the_told_ones_do_not_make_the_root(
    live: LiveChain, payment: Proven
) -> None:
    def of_another_chain(true: Any) -> Any:
        return {**true, "transactions": [{**tx, "type": "0x64"} for tx in true["transactions"]]}

    client = Between(live.client, eth_getBlockByHash=of_another_chain)
    assert prove(payment.receipt, client) == payment.bundle
    client.answers["eth_getRawTransactionByHash"] = MISSING
    assert failed(payment.receipt, client, EvidenceError) == "root-mismatch"


def test_raw_transactions_that_hash_to_something_else_are_refused(live: LiveChain, payment: Proven) -> None:
    def of_another_chain(true: Any) -> Any:
        return {**true, "transactions": [{**tx, "type": "0x64"} for tx in true["transactions"]]}

    client = Between(live.client, eth_getBlockByHash=of_another_chain, eth_getRawTransactionByHash=lambda t: t + "00")
    assert failed(payment.receipt, client, EvidenceError) == "root-mismatch"


def test_a_header_field_that_is_changed_is_found_by_the_hash(live: LiveChain, payment: Proven) -> None:
    client = Between(live.client, eth_getBlockByHash=lambda true: {**true, "gasUsed": "0x1"})
    assert failed(payment.receipt, client, EvidenceError) == "header-hash-mismatch"


def test_another_block_than_was_asked_for_is_refused(live: LiveChain, payment: Proven) -> None:
    other = live.call("eth_getBlockByNumber", "0x0", True)
    client = Between(live.client, eth_getBlockByHash=lambda _true: other)
    assert failed(payment.receipt, client, EvidenceError) == "header-hash-mismatch"


def test_a_block_nobody_knows_is_could_not_ask(live: LiveChain, payment: Proven) -> None:
    client = Between(live.client, eth_getBlockByHash=lambda _true: None)
    assert "does not know it" in failed(payment.receipt, client, EngineError)


def test_a_proof_against_another_root_is_refused_and_the_hint_says_what_to_do(live: LiveChain, payment: Proven) -> None:
    def earlier(true: Any) -> Any:
        return live.call("eth_getProof", true["address"], [], "0x0")

    client = Between(live.client, eth_getProof=earlier)
    assert "keeps the state of that block" in failed(payment.receipt, client, TransportError)


@pytest.mark.parametrize("answer", ["0x", {}, {"accountProof": "0x"}, {"accountProof": [], "storageProof": ["0x"]}])
def test_what_is_no_proof_at_all_is_no_answer(live: LiveChain, payment: Proven, answer: Any) -> None:
    failed(payment.receipt, Between(live.client, eth_getProof=lambda _true: answer), TransportError)


def test_a_node_without_proofs_is_told_from_one_that_no_longer_has_the_state(live: LiveChain, payment: Proven) -> None:
    assert "does not offer it" in failed(
        payment.receipt, Between(live.client, eth_getProof=lambda _true: MISSING), UnsupportedError
    )
    pruned = RpcError("missing trie node", rpc_code=-32000)
    assert "archive" in failed(payment.receipt, Between(live.client, eth_getProof=lambda _true: pruned), EngineError)


def test_without_proofs_of_the_state_the_rest_is_still_proven(live: LiveChain, payment: Proven) -> None:
    client = Between(live.client, eth_getProof=lambda _true: MISSING)
    bundle = prove(payment.receipt, client, state="none")
    bare = payment.receipt.model_copy(update={"evidence": None, "claims": {"subject.transaction": "proven"}})
    report = verify(bare, bundle, payment.block_hash)
    assert (report.standing("lineage"), report.standing("outcome.status")) == ("proven", "attested")
    assert report.state == ()
    assert any("nothing of the state" in limit for limit in report.limits)


def test_a_node_of_another_chain_is_refused(payment: Proven) -> None:
    with other_anvil("--chain-id", "11") as client:
        assert "expected chain 10, got 11" in failed(payment.receipt, client, EncodingError)


def test_what_is_no_client_is_refused(payment: Proven) -> None:
    assert "a web3 instance or an RpcClient" in failed(payment.receipt, object(), EncodingError)


def test_a_web3_provider_that_cannot_be_reached_is_could_not_ask(payment: Proven) -> None:
    class Dead:
        def make_request(self, method: str, params: Any) -> Any:
            raise ConnectionError("refused")

    class Instance:
        provider = Dead()

    failed(payment.receipt, Instance(), TransportError)


def test_a_transaction_that_is_not_in_its_block_is_refused(live: LiveChain, payment: Proven) -> None:
    subject = payment.receipt.subject.model_copy(update={"transaction": b"\1" * 32})
    receipt = payment.receipt.model_copy(update={"subject": subject})
    assert failed(receipt, live.client, EvidenceError) == "wrong-transaction"


def test_a_receipt_that_the_chain_contradicts_is_not_proven(live: LiveChain, payment: Proven) -> None:
    subject = payment.receipt.subject.model_copy(update={"transaction_index": 1})
    receipt = payment.receipt.model_copy(update={"subject": subject})
    assert failed(receipt, live.client, EvidenceError) == "receipt-contradicted"


def test_the_block_of_what_was_mined_is_the_receipts_to_say(live: LiveChain, payment: Proven) -> None:
    assert "leave it out" in failed(payment.receipt, live.client, EncodingError, block=1)


def test_what_went_through_is_run_again_only_when_it_is_asked_for(live: LiveChain) -> None:
    live.mine()
    receipt = live.three_link_redemption(salt=40, others=3)
    assert prove(receipt, live.client).witness is None
    assert prove(receipt, live.client, replay=True).witness is not None


def with_sidecar() -> bytes:
    """A transaction with a blob of zeroes, in the form it is sent in.

    The commitment to a polynomial that is zero everywhere, and the proof of it, are the point at infinity.
    """
    infinity = b"\xc0" + bytes(47)
    versioned = b"\x01" + sha256(infinity).digest()[1:]
    fields = {"type": 3, "chainId": 10, "nonce": 0, "gas": 100_000, "to": dev_account(1).address, "data": "0x"}
    fees = {"value": 0, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 1, "maxFeePerBlobGas": 10**9}
    signed = dev_account(0).sign_transaction({**fields, **fees, "blobVersionedHashes": [versioned]}).raw_transaction
    return b"\x03" + rlp.encode([rlp.decode(bytes(signed)[1:]), [bytes(131_072)], [infinity], [infinity]])


def test_a_block_with_a_blob_transaction_is_refused_where_the_node_commits_to_another_form(live: LiveChain) -> None:
    raw = with_sidecar()
    with other_anvil("--chain-id", "10", "--hardfork", "prague") as client:
        client.call("eth_sendRawTransaction", "0x" + raw.hex())
        client.call("evm_mine")
        node = Node(client)
        block = node.block(None)
        with pytest.raises(EvidenceError, match=r"anvil 1\.7\.1 for blob transactions") as error:
            node.transactions(block)
        assert error.value.reason == "root-mismatch"
        # what a chain does commit to is the form without the sidecar, which is what is encoded here
        encoded = encode_transaction(block.transactions[0])
        told = client.call("eth_getBlockByNumber", "latest", True)
        root = {"transactionsRoot": str(build_index_trie([encoded]).root)}
        right = header_of_block({**told, **root})
        told = {**told, **root, "hash": str(right.hash)}
        sound = Node(Between(client, eth_getBlockByNumber=lambda _true: told))
        assert sound.transactions(sound.block(None)).root == right.transactions_root


def test_a_redemption_that_is_the_first_of_its_block_is_proven_with_its_gas_and_its_log_index(
    live: LiveChain,
) -> None:
    digest = live.redeem(1, redeem(live.grant(LimitedCalls(limit=5), salt=77), live.transfer(3)))
    live.mine()
    (receipt,) = live.receipts(digest)
    bundle = prove(receipt, live.client)
    report = verify(receipt.model_copy(update={"claims": {}}), bundle, bytes(receipt.subject.block.hash or b""))
    assert {report.standing(path) for path in ("outcome.gas_used", "subject.log_index")} == {"proven"}
