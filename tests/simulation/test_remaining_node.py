"""What is left, read from a node: one batch, one block, and never a zero that nobody answered."""

from __future__ import annotations

import json

import pytest

from caveats import ERC20PeriodTransfer, LimitedCalls
from caveats.attempt import Attempt, StateKey
from caveats.errors import EncodingError, EngineError, TransportError
from caveats.types import Address
from delegations.evm import LocalChain
from delegations.evm.anvil import _Anvil
from delegations.evm.forked import ForkedWorld, NodeState
from delegations.evm.process import AnvilProcess, require_anvil
from delegations.evm.rpc import RpcClient
from delegations.simulation import NodeReader, remaining, status
from tests.enforcers.harness import ALICE, CHAIN_ID, START_AT, attempt_on, grant, transfer


class FakeNode:
    """Answers from a local chain, and remembers what it was asked."""

    label = "a fake node"

    def __init__(self, chain: LocalChain) -> None:
        self.chain = chain
        self.asked: list[list[tuple[str, list]]] = []
        self.answers: dict[str, object] = {}
        self.hashes = iter(["0xaa"] * 100)

    def exchange(self, payload: bytes) -> bytes:
        parsed = json.loads(payload)
        requests = parsed if isinstance(parsed, list) else [parsed]
        self.asked.append([(each["method"], each["params"]) for each in requests])
        answers = [{"jsonrpc": "2.0", "id": each["id"], **self.answer(**each)} for each in requests]
        return json.dumps(answers if isinstance(parsed, list) else answers[0]).encode()

    def answer(self, *, method: str, params: list, **_rest: object) -> dict:
        if method in self.answers:
            return self.answers[method]
        if method == "eth_chainId":
            return {"result": hex(self.chain.chain_id)}
        if method == "eth_getBlockByNumber":
            block = {"number": hex(self.chain.block_number), "timestamp": hex(self.chain.timestamp)}
            return {"result": {**block, "hash": next(self.hashes)}}
        address = Address(params[0])
        if method == "eth_getCode":
            return {"result": "0x" + self.chain.world.code(address).hex()}
        if method in ("eth_getBalance", "eth_getTransactionCount"):
            return {"result": "0x0"}
        assert method == "eth_getStorageAt"
        return {"result": f"0x{self.chain.world.storage(address, int(params[1], 16)):064x}"}

    def close(self) -> None:
        pass


@pytest.fixture
def node(stage) -> FakeNode:
    return FakeNode(stage.chain)


def reader(node: FakeNode, at: int | None = None) -> NodeReader:
    return NodeReader(RpcClient(node, attempts=1), at=at)


def budget(stage):
    return ERC20PeriodTransfer(token=stage.token, period_amount=50, period_seconds=60, start_at=START_AT).to_caveat()


def spent(stage):
    link = grant([budget(stage), LimitedCalls(limit=3).to_caveat()])
    assert attempt_on(stage.chain, link, Attempt((transfer(stage.token, 20),))).allowed
    return link


def test_a_node_and_a_local_chain_give_the_same_answer(stage, node):
    link = spent(stage)
    assert remaining(reader(node), link) == remaining(stage.chain, link)
    assert status(reader(node), link) == status(stage.chain, link)


def test_everything_is_read_in_one_batch_at_one_block(stage, node):
    link = spent(stage)
    remaining(reader(node, at=stage.chain.block_number), link)
    (batch,) = node.asked
    tags = {params[-1] for method, params in batch if method in ("eth_getStorageAt", "eth_getCode")}
    assert tags == {hex(stage.chain.block_number)}
    assert ("eth_getBlockByNumber", [hex(stage.chain.block_number), False]) in batch
    assert len(set(map(str, batch))) == len(batch), "nothing is asked twice"


def test_the_newest_block_takes_one_request_more(stage, node):
    remaining(reader(node), spent(stage))
    assert [len(batch) for batch in node.asked][:1] == [1]
    assert len(node.asked) == 2


def test_a_node_that_cannot_be_asked_is_never_nothing_left(stage, node):
    class Dead(FakeNode):
        def exchange(self, payload: bytes) -> bytes:
            raise ConnectionError("refused")

    link = spent(stage)
    assert remaining(reader(node), link).calls_left == 2
    with pytest.raises(TransportError, match="could not ask a fake node"):
        remaining(reader(Dead(stage.chain)), link)


@pytest.mark.parametrize("answer", ["0x", "", None, "0xzz", 0, "0x" + "0" * 65])
def test_an_answer_that_is_no_word_is_never_zero(stage, node, answer):
    link = spent(stage)
    node.answers["eth_getStorageAt"] = {"result": "0x0"}
    assert remaining(reader(node), link).calls_left == 3, "a short zero is a zero"
    node.answers["eth_getStorageAt"] = {"result": answer}
    with pytest.raises(TransportError, match="expected a storage word"):
        remaining(reader(node), link)


def test_a_node_that_refuses_to_tell_is_an_engine_error(stage, node):
    node.answers["eth_getStorageAt"] = {"error": {"code": -32000, "message": "missing trie node"}}
    with pytest.raises(EngineError, match="missing trie node"):
        remaining(reader(node), spent(stage))


def test_a_block_the_node_does_not_have_is_said(stage, node):
    node.answers["eth_getBlockByNumber"] = {"result": None}
    with pytest.raises(TransportError, match="could not read block 77: the node has none"):
        remaining(reader(node, at=77), spent(stage))


def test_a_block_that_is_not_the_one_asked_for_is_refused(stage, node):
    with pytest.raises(TransportError, match="another block"):
        remaining(reader(node, at=77), spent(stage))


def test_a_block_that_was_replaced_meanwhile_is_refused(stage, node):
    node.hashes = iter(["0xaa", "0xbb"])
    with pytest.raises(TransportError, match=r"replaced while it was read.*ask again"):
        remaining(reader(node), spent(stage))


def forked(node: FakeNode) -> LocalChain:
    """A chain whose state is the fake node's."""
    world = ForkedWorld(NodeState(RpcClient(node, attempts=1), node.chain.block_number))
    return LocalChain(CHAIN_ID, timestamp=node.chain.timestamp, block_number=node.chain.block_number, world=world)


def test_a_forked_chain_reads_what_is_not_here_in_one_batch(stage, node):
    link = spent(stage)
    assert remaining(forked(node), link) == remaining(stage.chain, link)
    assert len(node.asked) == 1


def test_a_forked_chain_reads_what_was_written_here(stage, node):
    link = spent(stage)
    chain = forked(node)
    own, empty = chain.copy(), chain.copy()
    slot = LimitedCalls(limit=3).state_slot(StateKey(chain.manager, link.hash, ALICE))
    own.world.set_storage(LimitedCalls.ADDRESS, slot, 3)
    assert (remaining(chain, link).calls_left, remaining(own, link).calls_left) == (2, 0)
    empty.world.wiped.add(bytes(LimitedCalls.ADDRESS))
    assert remaining(empty, link).calls_left == 3
    empty.world.set_code(LimitedCalls.ADDRESS, b"")
    assert remaining(empty, link).calls_left == 0


def test_a_real_node_agrees(stage):
    link = spent(stage)
    anvil = _Anvil(AnvilProcess(require_anvil(), chain_id=CHAIN_ID, fork="prague"))
    try:
        anvil.push(stage.chain.world)
        at = stage.chain.timestamp
        ours, theirs = remaining(stage.chain, link), remaining(NodeReader(anvil.client), link, at=at)
        assert theirs.block_number == 0
        assert theirs.model_copy(update={"block_number": ours.block_number}) == ours
        assert status(NodeReader(anvil.client), link, at=at).is_active
    finally:
        anvil.stop()


def test_a_url_is_enough_and_anything_else_is_no_state(stage, node):
    assert NodeReader("http://127.0.0.1:1").client.transport.label == "http://127.0.0.1:1"
    with pytest.raises(EncodingError, match="a LocalChain, a NodeReader or another StateReader"):
        remaining("http://127.0.0.1:1", spent(stage))
