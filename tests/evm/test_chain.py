"""The local chain: official contracts, undo, time, state files."""

from __future__ import annotations

import pytest

from caveats import Address, Execution, LimitedCalls
from caveats.errors import EncodingError, ExecutionError
from caveats.types import keccak
from delegations.eip712 import hash_domain
from delegations.evm import LocalChain, World, contract_code, dev_account
from delegations.framework import load_framework
from delegations.framework.constants import DELEGATION_MANAGER, EIP7702_STATELESS_DELEGATOR
from delegations.redemption import redeem
from delegations.simulation import execute, simulate
from tests.enforcers.harness import AGENT, ALICE, SHOP, grant, set_stage


@pytest.mark.parametrize("chain_id", [1, 8453, 31337, 2**63])
def test_the_domain_of_the_deployed_manager_is_the_one_we_sign_for(chain_id):
    chain = LocalChain(chain_id)
    said = chain.call(chain.manager, keccak(b"getDomainHash()")[:4]).output
    assert said == hash_domain(chain_id, DELEGATION_MANAGER)


def test_every_bundled_contract_stands_at_its_canonical_address():
    chain = LocalChain(10)
    for contract in load_framework().bundled():
        assert chain.world.code(contract.address), contract.name


def test_a_delegator_is_a_real_7702_account():
    chain = LocalChain()
    chain.add_delegator(ALICE)
    assert chain.world.code(ALICE) == bytes.fromhex("ef0100") + EIP7702_STATELESS_DELEGATOR
    assert chain.world.nonce(ALICE) == 1


def test_chains_do_not_share_state():
    one, two = LocalChain(1), LocalChain(1)
    one.fund(SHOP, 5)
    assert two.balance(SHOP) == 0


def test_revert_takes_back_state_time_and_block():
    stage = set_stage()
    delegation = grant([LimitedCalls(limit=1).to_caveat()])
    mark = stage.chain.snapshot()
    before = stage.chain.to_json()
    assert execute(stage.chain, redeem(delegation, Execution(target=SHOP, value=1))).verdict.allowed
    stage.chain.advance(60)
    stage.chain.revert(mark)
    assert stage.chain.to_json() == before
    assert simulate(stage.chain, redeem(delegation, Execution(target=SHOP))).allowed
    with pytest.raises(EncodingError, match="snapshot: expected a mark"):
        stage.chain.revert(mark)


def test_a_failed_transaction_keeps_only_the_nonce():
    chain = LocalChain()
    chain.fund(AGENT, 10)
    target = chain.deploy(contract_code("TestTarget"))
    nonce = chain.world.nonce(AGENT)
    outcome = chain.send(AGENT, target, keccak(b"fail()")[:4], value=3)
    assert (outcome.success, outcome.error) == (False, "revert")
    assert (chain.balance(AGENT), chain.balance(target), chain.world.nonce(AGENT)) == (10, 0, nonce + 1)
    assert outcome.logs == ()


def test_a_state_file_brings_the_same_chain_back():
    stage = set_stage()
    again = LocalChain.from_json(stage.chain.to_json())
    assert again.to_json() == stage.chain.to_json()
    assert again.balance(ALICE, stage.token) == 10**30


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[]", "expected an object with"),
        ('{"chainId":"1","timestamp":"1","blockNumber":"1"}', "expected an object with"),
        ('{"chainId":"0","timestamp":"1","blockNumber":"1","accounts":{}}', "chain id"),
        ('{"chainId":"1","timestamp":"-1","blockNumber":"1","accounts":{}}', "whole number"),
        ('{"chainId":"1","timestamp":"1","blockNumber":"1","accounts":[]}', "object of accounts"),
        ('{"chainId":"1","timestamp":"1","blockNumber":"1","accounts":{"0x12":{}}}', "20 bytes"),
        (
            '{"chainId":"1","timestamp":"1","blockNumber":"1","accounts":{"0x' + "11" * 20 + '":{"balanc":"1"}}}',
            "balance, nonce, code and storage",
        ),
    ],
)
def test_a_broken_state_file_is_refused_by_its_part(text, message):
    with pytest.raises(EncodingError, match=message):
        LocalChain.from_json(text)


def test_what_the_sender_does_not_hold_cannot_be_sent():
    chain = LocalChain()
    with pytest.raises(ExecutionError, match="holds 0 wei"):
        chain.call(SHOP, sender=Address(b"\x09" * 20), value=1)


def test_too_little_gas_for_any_transaction_is_said_before_it_runs():
    with pytest.raises(ExecutionError, match="at least 21000"):
        LocalChain().call(SHOP, gas=20_999)


def test_deploying_what_reverts_is_an_error():
    with pytest.raises(ExecutionError, match="constructor reverted"):
        LocalChain().deploy(bytes.fromhex("60006000fd"))


def test_a_token_moves_only_what_is_held():
    stage = set_stage()
    assert stage.chain.balance(ALICE, stage.token) == 10**30
    assert stage.chain.balance(SHOP, stage.token) == 0
    with pytest.raises(ExecutionError, match="does not answer balanceOf"):
        stage.chain.balance(ALICE, SHOP)


def test_time_runs_forward_only():
    chain = LocalChain()
    with pytest.raises(EncodingError, match="not below 0"):
        chain.advance(-1)


@pytest.mark.parametrize("index", [-1, 10])
def test_there_are_ten_known_keys(index):
    with pytest.raises(EncodingError, match="0 to 9"):
        dev_account(index)


def test_a_world_copies_deeply():
    world = World()
    world.set_storage(SHOP, 1, 2)
    copied = world.copy()
    copied.set_storage(SHOP, 1, 3)
    assert world.storage(SHOP, 1) == 2
