"""web3.py 8 on the local chain: contract objects deploy, call, send and read events; signed transactions arrive."""

from __future__ import annotations

import json
from importlib import resources

import pytest
from web3 import Web3
from web3.exceptions import ContractCustomError, ContractLogicError, MethodUnavailable, Web3RPCError
from web3.middleware import SignAndSendRawMiddlewareBuilder

from caveats import LimitedCalls
from delegations.redemption import redeem
from delegations.simulation import execute
from delegations.testing.web3_provider import make_web3

TOKEN = json.loads((resources.files("delegations.evm") / "artifacts" / "TestToken.json").read_text())


@pytest.fixture
def coin(w3):
    factory = w3.eth.contract(abi=TOKEN["abi"], bytecode=TOKEN["bytecode"])
    receipt = w3.eth.wait_for_transaction_receipt(factory.constructor("Coin", "COIN", 2).transact())
    return w3.eth.contract(address=receipt["contractAddress"], abi=TOKEN["abi"])


def test_a_client_is_connected_to_the_tests_chain(w3, chain, delegator):
    assert w3.is_connected()
    assert (w3.eth.chain_id, w3.eth.block_number) == (chain.chain_id, chain.block_number - 1)
    assert w3.eth.default_account == str(delegator.address)
    assert w3.client_version.startswith("delegations/")


def test_a_contract_is_deployed_called_and_sent_to(w3, coin, agent):
    assert coin.functions.name().call() == "Coin"
    receipt = w3.eth.wait_for_transaction_receipt(coin.functions.mint(agent.address, 50).transact())
    assert (receipt["status"], receipt["blockNumber"]) == (1, w3.eth.block_number)
    assert coin.functions.balanceOf(agent.address).call() == 50


def test_events_are_read_from_receipts_and_from_the_chain(w3, coin, agent):
    receipt = w3.eth.wait_for_transaction_receipt(coin.functions.mint(agent.address, 50).transact())
    (event,) = coin.events.Transfer().process_receipt(receipt)
    assert (event["args"]["to"], event["args"]["value"]) == (str(agent.address), 50)
    (found,) = coin.events.Transfer.get_logs(from_block=0, argument_filters={"to": str(agent.address)})
    assert found["transactionHash"] == receipt["transactionHash"]
    assert not coin.events.Transfer.get_logs(from_block=0, argument_filters={"from": str(agent.address)})


def test_reverts_arrive_as_web3s_own_errors(w3, coin, agent, reverting_token):
    with pytest.raises(ContractCustomError) as failure:
        coin.functions.transfer(agent.address, 1).call()
    assert failure.value.data.startswith("0x")
    refusing = w3.eth.contract(address=str(reverting_token.address), abi=reverting_token.contract.abi)
    with pytest.raises(ContractLogicError, match="execution reverted: RevertingToken:refused"):
        refusing.functions.transfer(agent.address, 1).transact()


def test_an_account_that_signs_for_itself_sends_raw_transactions(w3, coin):
    own = w3.eth.account.create()
    w3.eth.send_transaction({"to": own.address, "value": 10**18})
    w3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(own), layer=0)
    digest = coin.functions.mint(own.address, 3).transact({"from": own.address})
    assert w3.eth.get_transaction(digest)["from"] == own.address
    assert w3.eth.get_transaction(digest)["type"] == 2
    assert coin.functions.balanceOf(own.address).call() == 3


def test_what_an_agent_redeems_is_seen_by_the_client(w3, chain, delegator, agent, token):
    grant = delegator.grant(agent, LimitedCalls(limit=1))
    execute(chain, redeem(grant, token.transfer(agent, 5)))
    seen = w3.eth.contract(address=str(token.address), abi=token.contract.abi)
    assert seen.functions.balanceOf(str(agent.address)).call() == 5
    (event,) = seen.events.Transfer.get_logs(from_block=1)
    assert event["args"]["value"] == 5


def test_time_that_is_moved_is_the_clients_time(w3, chain):
    before = w3.eth.get_block("latest")["timestamp"]
    chain.advance(60)
    block = w3.eth.get_block("latest", full_transactions=True)
    assert (block["timestamp"], block["transactions"]) == (before + 60, [])


def test_a_method_that_is_not_there_is_refused_as_by_a_node(w3):
    assert w3.eth.get_balance(w3.eth.accounts[1]) == 10**19
    with pytest.raises(MethodUnavailable, match="the method eth_newFilter does not exist"):
        w3.eth.filter({})
    with pytest.raises(Web3RPCError, match="no other is kept"):
        w3.eth.get_balance(w3.eth.accounts[1], block_identifier=12)


def test_each_test_has_a_client_of_its_own_chain(w3, new_scene):
    other = make_web3(new_scene().chain)
    assert isinstance(other, Web3)
    w3.eth.send_transaction({"to": w3.eth.accounts[1], "value": 1})
    assert (w3.eth.block_number, other.eth.block_number) == (1, 0)
    with pytest.raises(Web3RPCError, match="holds 0 wei"):
        other.eth.send_transaction({"to": w3.eth.accounts[1], "value": 1})
