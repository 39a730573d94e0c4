"""The chain's JSON-RPC: what a client may ask, and how a question that cannot be answered is refused."""

from __future__ import annotations

import pytest
from eth_bloom.bloom import BloomFilter

from caveats import Execution, LimitedCalls
from caveats.types import keccak
from delegations.redemption import encode_redeem_delegations, redeem
from delegations.simulation import execute
from delegations.testing import LocalRpc

METHODS = {
    "eth_accounts",
    "eth_blockNumber",
    "eth_call",
    "eth_chainId",
    "eth_estimateGas",
    "eth_gasPrice",
    "eth_getBalance",
    "eth_getBlockByHash",
    "eth_getBlockByNumber",
    "eth_getCode",
    "eth_getLogs",
    "eth_getStorageAt",
    "eth_getTransactionByHash",
    "eth_getTransactionCount",
    "eth_getTransactionReceipt",
    "eth_maxPriorityFeePerGas",
    "eth_sendRawTransaction",
    "eth_sendTransaction",
    "net_version",
    "web3_clientVersion",
}
TRANSFER = "0x" + keccak(b"Transfer(address,address,uint256)").hex()


@pytest.fixture
def rpc(scene) -> LocalRpc:
    return LocalRpc(scene.chain, [party.address for party in scene.accounts])


@pytest.fixture
def ask(rpc):
    def ask(method, *params):
        answer = rpc.answer(method, params)
        assert "error" not in answer, answer
        return answer["result"]

    return ask


@pytest.fixture
def refused(rpc):
    def refused(method, *params):
        error = rpc.answer(method, params)["error"]
        return error["code"], error["message"]

    return refused


def test_these_methods_are_answered_and_no_others(rpc, refused):
    known = {
        f"{space}_{name}"
        for space, _, name in (m[1:].partition("_") for m in dir(rpc))
        if space in ("eth", "net", "web3")
    }
    assert known == METHODS
    assert refused("eth_newFilter", {}) == (-32601, "the method eth_newFilter does not exist")
    assert refused("answer") == (-32601, "the method answer does not exist")


def test_an_answer_carries_the_id_of_its_question(rpc):
    assert rpc.answer("eth_chainId", identifier="x") == {"jsonrpc": "2.0", "id": "x", "result": "0x7a69"}


def test_the_chain_tells_what_it_is(ask, scene):
    assert ask("net_version") == "31337"
    assert ask("eth_blockNumber") == "0x0"
    assert ask("eth_gasPrice") == ask("eth_maxPriorityFeePerGas") == "0x0"
    assert ask("eth_accounts") == [str(party.address) for party in scene.accounts]
    assert ask("web3_clientVersion").startswith("delegations/")


def test_the_state_is_told(ask, delegator, token, chain):
    account = str(delegator.address)
    assert ask("eth_getBalance", account, "latest") == hex(10**19)
    assert ask("eth_getCode", account) == "0x" + chain.world.code(delegator.address).hex()
    assert ask("eth_getTransactionCount", account) == "0x1"
    slot, value = next(iter(chain.world.slots[bytes(token.address)].items()))
    assert int(ask("eth_getStorageAt", str(token.address), hex(slot), "latest"), 16) == value
    assert ask("eth_getStorageAt", account, "0x0") == "0x" + "00" * 32


def test_only_the_newest_state_is_there(ask, refused, token, agent):
    token.mint(agent, 1)
    assert ask("eth_getBalance", str(agent.address), "0x1") == hex(10**19)
    assert refused("eth_getBalance", str(agent.address), "0x0") == (
        -32000,
        "state of block 0x0: expected the newest, 1; no other is kept",
    )
    assert refused("eth_call", {"to": str(agent.address)}, "earliest")[0] == -32000


@pytest.mark.parametrize(
    ("method", "params", "said"),
    [
        ("eth_getBalance", (), "missing a required argument: 'address'"),
        ("eth_chainId", (1,), "too many positional arguments"),
        ("eth_getBalance", ("0x12",), "Address: expected"),
        ("eth_getBalance", ("0x" + "00" * 20, "newest"), "uint256: expected"),
        ("eth_call", (5,), "call: expected an object, got 5"),
        ("eth_getLogs", ({"adress": "0x"},), "filter: expected address, topics"),
        ("eth_getLogs", ({"address": 5},), "filter: expected a value or a list of them, got 5"),
        ("eth_sendRawTransaction", ("0xzz",), "transaction: expected 0x and pairs of hex digits"),
    ],
)
def test_bad_parameters_are_named(refused, method, params, said):
    code, message = refused(method, *params)
    assert code == -32602
    assert message.startswith(f"{method}: {said}")


def test_what_a_call_asks_that_is_not_there_is_refused(refused, agent):
    code, message = refused("eth_call", {"to": str(agent.address), "accessList": []})
    assert (code, message) == (-32000, "call: accessList cannot be taken; sign the transaction instead")


def test_a_call_returns_and_keeps_nothing(ask, chain, token, delegator):
    call = token.contract.execution("balanceOf", delegator)
    assert int(ask("eth_call", {"to": str(token.address), "data": "0x" + call.call_data.hex()}), 16) == 10**21
    assert int(ask("eth_call", {"to": str(token.address), "input": "0x" + call.call_data.hex()}), 16) == 10**21
    assert chain.block_number == 1


def test_a_call_that_reverts_gives_reason_and_data(rpc, token, reverting_token, delegator, agent):
    for coin, holder, said in (
        (reverting_token, delegator, "execution reverted: RevertingToken:refused"),
        (token, agent, "execution reverted"),
    ):
        call = coin.transfer(holder, 1)
        request = {"from": str(holder.address), "to": str(coin.address), "data": "0x" + call.call_data.hex()}
        error = rpc.answer("eth_call", [request])["error"]
        assert (error["code"], error["message"]) == (3, said)
        assert len(error["data"]) > 10


def test_a_call_that_runs_out_of_gas_is_no_revert(refused, token, delegator):
    data = "0x" + token.transfer(delegator, 1).call_data.hex()
    request = {"from": str(delegator.address), "to": str(token.address), "data": data, "gas": hex(23_000)}
    assert refused("eth_call", request) == (-32000, "out of gas")
    assert refused("eth_call", request | {"gas": "0x5"})[1].startswith("gas: expected at least")


def test_an_estimate_is_enough_and_hardly_more(ask, refused, scene):
    grant = scene.delegator.grant(scene.agent, LimitedCalls(limit=1))
    data = encode_redeem_delegations([redeem(grant, scene.token.transfer(scene.stranger, 1))])
    request = {"from": str(scene.agent.address), "to": str(scene.chain.manager), "data": "0x" + data.hex()}
    enough = int(ask("eth_estimateGas", request), 16)
    ask("eth_call", request | {"gas": hex(enough)})
    assert refused("eth_call", request | {"gas": hex(enough - 1)})[0] in (3, -32000)
    assert ask("eth_estimateGas", {"to": str(scene.agent.address)}) == hex(21_000)


def test_an_account_sends_and_a_stranger_signs(ask, refused, chain, agent, stranger):
    digest = ask("eth_sendTransaction", {"from": str(agent.address), "to": str(stranger.address), "value": "0x5"})
    receipt = ask("eth_getTransactionReceipt", digest)
    assert (receipt["status"], receipt["blockNumber"], receipt["gasUsed"]) == ("0x1", "0x1", hex(21_000))
    assert stranger.balance() == 10**19 + 5
    nobody = "0x00000000000000000000000000000000000000aa"
    code, message = refused("eth_sendTransaction", {"from": nobody, "to": str(stranger.address)})
    assert code == -32000
    assert message.endswith("expected one of eth_accounts; others sign, or act by chain.send")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"nonce": "0x5"}, "nonce of 0x70997970C51812dc3A010C7d01b50e0d17dc79C8: expected 0, got 5"),
        ({"chainId": "0x1"}, "chain id: expected 31337, got 1"),
        ({"value": hex(10**20)}, "value: 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 holds"),
    ],
)
def test_a_transaction_that_cannot_enter_a_block_is_refused(ask, refused, agent, wrong, said):
    request = {"from": str(agent.address), "to": str(agent.address), "nonce": "0x0", "chainId": "0x7a69"}
    ask("eth_sendTransaction", request)
    code, message = refused("eth_sendTransaction", request | {"nonce": "0x1"} | wrong)
    assert code == -32000
    assert message.startswith(said.replace("expected 0", "expected 1"))


def test_a_transaction_that_reverts_is_mined_as_failed(ask, agent, reverting_token):
    data = "0x" + reverting_token.transfer(agent, 1).call_data.hex()
    digest = ask("eth_sendTransaction", {"from": str(agent.address), "to": str(reverting_token.address), "data": data})
    receipt = ask("eth_getTransactionReceipt", digest)
    assert (receipt["status"], receipt["logs"]) == ("0x0", [])


def test_a_creation_names_its_contract(ask, agent):
    digest = ask("eth_sendTransaction", {"from": str(agent.address), "data": "0x600160005360016000f3"})
    receipt = ask("eth_getTransactionReceipt", digest)
    assert receipt["to"] is None
    assert ask("eth_getCode", receipt["contractAddress"]) == "0x01"


def test_what_is_not_there_is_null(ask):
    for method in ("eth_getTransactionReceipt", "eth_getTransactionByHash", "eth_getBlockByHash"):
        assert ask(method, "0x" + "11" * 32) is None
    assert ask("eth_getBlockByNumber", "0x9", False) is None


def test_blocks_link_and_hold_their_transaction(ask, chain, token, agent):
    token.mint(agent, 1)
    chain.advance(60)
    token.mint(agent, 1)
    newest = ask("eth_getBlockByNumber", "latest", True)
    assert newest["number"] == ask("eth_blockNumber") == "0x3"
    assert newest["transactions"][0]["to"] == str(token.address)
    empty, first = (ask("eth_getBlockByNumber", number, False) for number in ("0x2", "0x1"))
    assert newest["parentHash"] == empty["hash"]
    assert (empty["transactions"], empty["gasUsed"]) == ([], "0x0")
    assert int(newest["timestamp"], 16) == int(first["timestamp"], 16) + 60
    assert ask("eth_getBlockByHash", first["hash"]) == first
    assert ask("eth_getTransactionByHash", first["transactions"][0])["blockHash"] == first["hash"]


def test_logs_are_those_of_all_that_was_sent_on_the_chain(ask, scene):
    grant = scene.delegator.grant(scene.agent, LimitedCalls(limit=2))
    scene.token.mint(scene.agent, 1)
    execute(scene.chain, redeem(grant, scene.token.transfer(scene.stranger, 5)))
    execute(scene.chain, redeem(grant, Execution(target=scene.stranger.address, value=1)))
    token = str(scene.token.address)
    everything = {"fromBlock": "earliest", "toBlock": "latest"}
    assert len(ask("eth_getLogs", everything | {"address": token})) == 2
    assert len(ask("eth_getLogs", {"address": [token], "fromBlock": "0x2", "toBlock": "0x2"})) == 1
    sender = "0x" + "00" * 12 + bytes(scene.delegator.address).hex()
    (paid,) = ask("eth_getLogs", everything | {"topics": [TRANSFER, [sender, "0x" + "11" * 32]]})
    assert (paid["blockNumber"], int(paid["data"], 16)) == ("0x2", 5)
    assert ask("eth_getLogs", {"blockHash": paid["blockHash"], "topics": [TRANSFER, sender, None]}) == [paid]
    assert ask("eth_getLogs", everything | {"topics": [TRANSFER, None, None, None]}) == []
    assert ask("eth_getLogs", {"address": token}) == [], "without a range, the newest block is meant"


def test_logs_of_an_unknown_block_are_refused(refused):
    assert refused("eth_getLogs", {"blockHash": "0x" + "11" * 32})[1].endswith("there is none of that hash")


def test_the_bloom_holds_what_a_log_is_found_by(ask, token, agent):
    token.mint(agent, 1)
    bloom = BloomFilter(int(ask("eth_getBlockByNumber", "latest")["logsBloom"], 16))
    assert bytes(token.address) in bloom
    assert bytes.fromhex(TRANSFER[2:]) in bloom
    assert bytes(agent.address) not in bloom
