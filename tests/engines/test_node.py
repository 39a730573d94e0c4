"""A node as an engine, and a chain forked from one. The node is an anvil that others have put state on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from caveats import Execution, LimitedCalls
from caveats.errors import EncodingError, EngineError, ExecutionError, TransportError, UnsupportedError
from caveats.types import Address
from delegations.evm import Capability, LocalChain, World, contract_code, make_engine
from delegations.evm.anvil import _Anvil
from delegations.evm.engine import ANSWERS, Transaction
from delegations.evm.node import NodeEngine
from delegations.evm.process import AnvilProcess, require_anvil
from delegations.evm.rpc import RpcClient
from delegations.evm.select import differences
from delegations.evm.world import StateDiff
from delegations.redemption import redeem
from delegations.simulation import execute, simulate
from delegations.simulation.simulate import redeem_transaction
from tests.enforcers.harness import AGENT, ALICE, CHAIN_ID, SHOP, START_AT, Stage, grant, set_stage, transfer
from tests.engines.fakes import Filtered

SIMULATED = {Capability.GAS, Capability.LOGS, Capability.BLOCK}


@dataclass(frozen=True)
class Remote:
    stage: Stage
    client: RpcClient


@pytest.fixture(scope="module")
def remote() -> Iterator[Remote]:
    stage = set_stage()
    anvil = _Anvil(AnvilProcess(require_anvil(), chain_id=CHAIN_ID, fork="prague"))
    anvil.push(stage.chain.world)
    yield Remote(stage, anvil.client)
    anvil.stop()


def poorer(remote: Remote, *missing: str, deaf_to: str = "") -> RpcClient:
    """The node without some methods, or one whose eth_call overlooks overrides."""

    def change(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        if method in missing:
            error = {"code": -32601, "message": f"the method {method} does not exist"}
            return {"jsonrpc": "2.0", "id": answer["id"], "error": error}
        if method == "eth_call" and deaf_to:
            timestamp = int(remote.client.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
            told = "0x" if deaf_to == "state" else f"{timestamp:#066x}"
            return {"jsonrpc": "2.0", "id": answer["id"], "result": told}
        return answer

    return RpcClient(Filtered(remote.client, change))


def redemption(remote: Remote, amount: int = 3):
    return redeem(grant([LimitedCalls(limit=1).to_caveat()]), transfer(remote.stage.token, amount))


def test_a_node_with_all_methods_gives_all_parts(remote):
    node = NodeEngine(remote.client)
    assert node.methods == {"eth_call", "eth_simulateV1", "debug_traceCall"}
    assert node.capabilities == ANSWERS | {Capability.BLOCK, Capability.CREATION}
    assert (node.chain_id, node.head.number) == (CHAIN_ID, 0)


@pytest.mark.parametrize("amount", [3, 10**31])
def test_a_node_answers_as_the_embedded_engine_does(remote, amount):
    node = NodeEngine(remote.client)
    chain = remote.stage.chain
    transaction = redeem_transaction(chain, [redemption(remote, amount)], AGENT)
    ours = make_engine("pyevm").execute(chain.world, chain.block, transaction)
    for needs in (ANSWERS, ANSWERS - {Capability.STATE_DIFF}, frozenset({Capability.GAS, Capability.LOGS})):
        theirs = node.execute(node.world(), chain.block, transaction, needs=needs)
        assert list(differences(ours, theirs, needs, world=chain.world)) == []
        assert theirs.has(Capability.STATE_DIFF) == (Capability.STATE_DIFF in needs)


@pytest.mark.parametrize("engine", ["pyevm", "node"])
def test_a_fork_runs_on_the_nodes_state_and_keeps_its_own_changes(remote, engine):
    chain = LocalChain.fork(NodeEngine(remote.client), engine=engine)
    chain.timestamp = START_AT
    asked = simulate(chain, redemption(remote))
    assert execute(chain, redemption(remote)).verdict == asked
    assert asked.allowed
    assert chain.balance(SHOP, remote.stage.token) == 3
    assert simulate(chain, redemption(remote)).denial.reason == "LimitedCallsEnforcer:limit-exceeded"
    other = LocalChain.fork(NodeEngine(remote.client), engine=engine)
    assert other.balance(SHOP, remote.stage.token) == 0


def test_a_fork_undoes_and_copies_like_any_chain(remote):
    chain = LocalChain.fork(NodeEngine(remote.client))
    target = chain.deploy(contract_code("TestTarget"))
    mark = chain.snapshot()
    chain.world.set_storage(remote.stage.token, 5, 0)
    chain.world.set_code(target, b"")
    chain.world.set_nonce(target, 7)
    copied = chain.copy()
    chain.revert(mark)
    assert chain.world.code(target) != b""
    assert (copied.world.code(target), copied.world.nonce(target)) == (b"", 7)
    assert copied.world.account(Address(b"\x41" * 20)) is None


def test_what_is_deleted_here_does_not_show_through(remote):
    world = NodeEngine(remote.client).world()
    slot = next(iter(remote.stage.chain.world.slots[bytes(remote.stage.token)]))
    assert world.storage(remote.stage.token, slot) != 0
    assert world.balance(ALICE) != 0
    world.apply(StateDiff({bytes(ALICE): None}, {}, frozenset({bytes(remote.stage.token)})))
    assert world.storage(remote.stage.token, slot) == 0
    assert world.balance(ALICE) == 0
    assert world.account(ALICE) is None
    with pytest.raises(UnsupportedError, match="most of its state lies on the node"):
        world.to_wire()


def test_wiped_storage_and_overrides_reach_the_node(remote):
    node = NodeEngine(remote.client)
    world = node.world()
    balance_of = remote.stage.chain
    world.apply(StateDiff({}, {}, frozenset({bytes(remote.stage.token)})))
    chain = LocalChain(CHAIN_ID, engine=node, world=world, timestamp=5)
    assert balance_of.balance(ALICE, remote.stage.token) == 10**30
    assert chain.balance(ALICE, remote.stage.token) == 0
    chain.fund(SHOP, 9)
    assert chain.call(ALICE, sender=SHOP, value=9).success
    with pytest.raises(ExecutionError, match="holds 9 wei"):
        chain.call(ALICE, sender=SHOP, value=10)


def test_without_a_trace_there_is_no_call_tree_and_it_is_refused(remote):
    node = NodeEngine(poorer(remote, "debug_traceCall"))
    chain = LocalChain.fork(node, engine="node")
    assert node.capabilities == SIMULATED
    outcome = chain.call(remote.stage.target)
    assert outcome.gas_used > 21_000
    with pytest.raises(UnsupportedError, match=r"engine node: expected call tree.*use pyevm or anvil"):
        node.execute(chain.world, chain.block, Transaction(AGENT, SHOP), needs=frozenset({Capability.CALL_TREE}))
    verdict = simulate(chain, redemption(remote))
    assert verdict.allowed
    assert any("engine node tells no calls" in warning for warning in verdict.warnings)
    with pytest.raises(UnsupportedError, match=r"expected .*state diff"):
        chain.send(AGENT, SHOP)
    with pytest.raises(UnsupportedError, match="expected creation"):
        chain.call(None, b"\x00")
    with pytest.raises(UnsupportedError, match="not exact with a base fee"):
        node.execute(
            chain.world,
            replace(chain.block, base_fee_wei=1),
            Transaction(AGENT, SHOP),
            needs=frozenset({Capability.GAS}),
        )


def test_without_a_trace_how_a_call_halted_is_not_told(remote):
    node = NodeEngine(poorer(remote, "debug_traceCall"))
    world, halting = node.world(), Address(b"\x55" * 20)
    world.set_code(halting, b"\xfe")
    outcome = node.execute(world, node.head, Transaction(AGENT, halting, gas=50_000))
    assert (outcome.success, outcome.gas_used, outcome.logs) == (False, 50_000, ())
    with pytest.raises(UnsupportedError, match="carries no error"):
        _ = outcome.error


def test_with_eth_call_alone_success_and_data_are_told_and_nothing_else(remote):
    node = NodeEngine(poorer(remote, "debug_traceCall", "eth_simulateV1"))
    assert node.capabilities == {Capability.BLOCK}
    chain = LocalChain.fork(node, engine="node")
    chain.timestamp = START_AT
    assert chain.balance(ALICE, remote.stage.token) == 10**30
    allowed, denied = (
        node.execute(chain.world, chain.block, redeem_transaction(chain, [redemption(remote, amount)], AGENT))
        for amount in (3, 10**31)
    )
    assert (allowed.success, denied.success, denied.error) == (True, False, "revert")
    ours = make_engine("pyevm").execute(
        remote.stage.chain.world, chain.block, redeem_transaction(chain, [redemption(remote, 10**31)], AGENT)
    )
    assert denied.output == ours.output
    with pytest.raises(UnsupportedError, match="carries no gas"):
        _ = allowed.gas_used
    with pytest.raises(UnsupportedError, match="expected logs"):
        node.execute(chain.world, chain.block, Transaction(AGENT, SHOP), needs=frozenset({Capability.LOGS}))


def test_a_node_deaf_to_block_overrides_runs_in_its_own_block_only(remote):
    node = NodeEngine(poorer(remote, "debug_traceCall", "eth_simulateV1", deaf_to="block"))
    assert node.capabilities == set()
    assert node.execute(node.world(), node.head, Transaction(AGENT, SHOP)).success
    with pytest.raises(UnsupportedError, match="time and number cannot be chosen"):
        node.execute(node.world(), replace(node.head, timestamp=5), Transaction(AGENT, SHOP))


def test_a_node_deaf_to_state_overrides_is_no_engine(remote):
    with pytest.raises(UnsupportedError, match=r"runs no call with state overrides.*pyevm over a forked world"):
        NodeEngine(poorer(remote, "debug_traceCall", "eth_simulateV1", deaf_to="state"))


def test_other_worlds_and_other_chains_are_refused(remote):
    node, other = NodeEngine(remote.client), NodeEngine(remote.client)
    assert node.execute(node.world(), node.head, Transaction(AGENT, SHOP)).success
    for world in (World(), remote.stage.chain.world, other.world()):
        with pytest.raises(UnsupportedError, match="expected a world that lies on this node"):
            node.execute(world, node.head, Transaction(AGENT, SHOP))
    with pytest.raises(UnsupportedError, match="expected chain id 1, got 10"):
        node.execute(node.world(), replace(node.head, chain_id=10), Transaction(AGENT, SHOP))


def test_many_and_carried(remote):
    node = NodeEngine(remote.client)
    world = node.world()
    world.set_balance(SHOP, 5)
    pay = Transaction(SHOP, Address(b"\x61" * 20), value=3)
    carried = node.execute_many(world, node.head, [pay, pay], carry=True)
    apart = node.execute_many(world, node.head, [pay, pay])
    assert [isinstance(answer, ExecutionError) for answer in carried + apart] == [False, True, False, False]


def test_a_block_that_is_not_there_and_a_node_that_is_not_there(remote):
    with pytest.raises((TransportError, EngineError)):
        NodeEngine(remote.client, at=10**6)
    with pytest.raises(EncodingError, match='expected "pyevm" or "node", got anvil'):
        LocalChain.fork(NodeEngine(remote.client), engine="anvil")


def test_the_endpoints_refusal_is_no_verdict(remote):
    refusing = False

    def refuse(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        refusal = {"jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32005, "message": "limit of requests"}}
        return refusal if refusing else answer

    node = NodeEngine(RpcClient(Filtered(remote.client, refuse)))
    refusing = True
    for needs in (frozenset(), ANSWERS):
        with pytest.raises(EngineError, match="limit of requests"):
            node.execute(node.world(), node.head, Transaction(AGENT, SHOP), needs=needs)
    node.methods = frozenset({"eth_call"})
    with pytest.raises(EngineError, match="limit of requests"):
        node.execute(node.world(), node.head, Transaction(AGENT, SHOP), needs=frozenset())


# one block, whatever becomes of its number


def names_of(params: list[Any]) -> list[Any]:
    """How a question names its block."""
    return [p for p in params if isinstance(p, dict) and "blockHash" in p] or ["by number"]


def without_hashes(remote: Remote, *, deaf: bool = False) -> RpcClient:
    """The node when it takes no hashes: it refuses them, or overlooks them and answers for the newest block."""

    def change(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        if names_of(params) == ["by number"]:
            return answer
        if deaf:
            newest = ["latest" if isinstance(p, dict) and "blockHash" in p else p for p in params]
            return {"id": answer["id"], "result": remote.client.call(method, *newest)}
        return {"id": answer["id"], "error": {"code": -32602, "message": "invalid argument: hex string expected"}}

    return RpcClient(Filtered(remote.client, change))


NEEDS = {
    "state": frozenset(),
    "eth_call": frozenset(),
    "eth_simulateV1": frozenset({Capability.GAS}),
    "debug_traceCall": ANSWERS,
}


def ask_by(node: NodeEngine, method: str) -> bool:
    """Read state that was not read before, or run a call by one method; return whether it went well."""
    world, methods = node.world(), node.methods
    if method == "state":
        return world.balance(Address(b"\x61" * 20)) == world.storage(Address(b"\x61" * 20), 1) == 0
    world.set_balance(AGENT, 1)  # nothing of the caller is read from the node
    world.set_nonce(AGENT, 0)
    node.methods = frozenset({method})
    try:
        return node.execute(world, node.head, Transaction(AGENT, SHOP), needs=NEEDS[method]).success
    finally:
        node.methods = methods


def test_every_question_names_the_block_by_its_hash(remote):
    asked: dict[str, Any] = {}

    def note(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        asked[method] = names_of(params)
        return answer

    node = NodeEngine(RpcClient(Filtered(remote.client, note)), at=0)
    asked.clear()
    assert all(ask_by(node, method) for method in NEEDS)
    digest = remote.client.call("eth_getBlockByNumber", "0x0", False)["hash"]
    assert asked
    assert list(asked.values()) == [[{"blockHash": digest, "requireCanonical": True}]] * len(asked)


@pytest.mark.parametrize("deaf", [False, True], ids=["refuses hashes", "overlooks hashes"])
def test_a_node_that_takes_no_hashes_is_asked_by_number_and_answers_the_same(remote, deaf):
    by_hash, by_number = NodeEngine(remote.client), NodeEngine(without_hashes(remote, deaf=deaf))
    assert by_number.methods == by_hash.methods
    assert all(ask_by(by_number, method) for method in NEEDS)
    chain = remote.stage.chain
    transaction = redeem_transaction(chain, [redemption(remote)], AGENT)
    one, other = (node.execute(node.world(), chain.block, transaction) for node in (by_hash, by_number))
    assert list(differences(one, other, world=chain.world)) == []


@pytest.mark.parametrize("takes_hashes", [True, False], ids=["by hash", "by number"])
@pytest.mark.parametrize("method", NEEDS)
def test_a_block_that_was_replaced_is_an_error_and_no_answer(remote, takes_hashes, method):
    client = remote.client if takes_hashes else without_hashes(remote)
    mark = remote.client.call("evm_snapshot")
    try:
        remote.client.call("evm_setNextBlockTimestamp", hex(START_AT))
        remote.client.call("evm_mine")
        node = NodeEngine(client)
        assert method == "state" or ask_by(node, method)
        mark = _replace_block(remote, mark)
        with pytest.raises(EngineError, match=r"could not answer|could not ask|did not give"):
            ask_by(node, method)
    finally:
        assert remote.client.call("evm_revert", mark) is True


def _replace_block(remote: Remote, mark: str) -> str:
    """Put another block where the newest is; return what takes it back."""
    assert remote.client.call("evm_revert", mark) is True
    mark = remote.client.call("evm_snapshot")
    remote.client.call("evm_setNextBlockTimestamp", hex(START_AT + 1))
    remote.client.call("evm_mine")
    return mark


def test_an_execution_on_a_fork_reads_an_account_once(remote):
    asked: list[str] = []

    def count(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        asked.append(method)
        return answer

    chain = LocalChain.fork(NodeEngine(RpcClient(Filtered(remote.client, count))))
    chain.timestamp = START_AT
    assert simulate(chain, redeem(grant([LimitedCalls(limit=1).to_caveat()]), Execution(target=SHOP))).allowed
    asked.clear()
    assert simulate(chain, redeem(grant([LimitedCalls(limit=1).to_caveat()]), Execution(target=SHOP))).allowed
    assert asked == []
