"""What engines promise: parts that are asked for, parts that are refused, nothing made up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caveats import Execution, LimitedCalls
from caveats.errors import EncodingError, ExecutionError, UnsupportedError
from caveats.types import Address
from delegations.evm import Capability, LocalChain, contract_code, make_engine
from delegations.evm.engine import ANSWERS, Engine, FullEngine, Outcome, Transaction, as_engine
from delegations.evm.pyevm import PyEvmEngine
from delegations.redemption import redeem
from delegations.simulation import simulate
from tests.enforcers.harness import AGENT, ALICE, SHOP, grant, set_stage

PAY = Transaction(ALICE, SHOP, value=5, gas=50_000)


@pytest.fixture(scope="module", params=["pyevm", "anvil", "auto", "both"])
def engine(request) -> Engine:
    return make_engine(request.param)


@pytest.fixture(scope="module")
def chain() -> LocalChain:
    return set_stage().chain


def test_an_engine_gives_what_is_asked_for(engine, chain):
    outcome = engine.execute(chain.world, chain.block, PAY, needs=ANSWERS)
    assert (outcome.success, outcome.gas_used, outcome.logs, outcome.error) == (True, 21_000, (), None)
    assert outcome.frame.value == 5
    assert outcome.diff.accounts[bytes(SHOP)].balance == chain.balance(SHOP) + 5


def test_everything_is_given_when_nothing_is_said(engine, chain):
    outcome = engine.execute(chain.world, chain.block, PAY)
    assert all(outcome.has(part) for part in ANSWERS)


def test_the_world_is_not_changed(engine, chain):
    before = chain.to_json()
    engine.execute(chain.world, chain.block, PAY)
    engine.execute_many(chain.world, chain.block, [PAY] * 3, carry=True)
    assert chain.to_json() == before


def test_carried_state_adds_up_and_apart_it_does_not(engine, chain):
    def held(carry: bool) -> list[int]:
        answers = engine.execute_many(chain.world, chain.block, [PAY] * 3, carry=carry)
        return [answer.diff.accounts[bytes(SHOP)].balance - chain.balance(SHOP) for answer in answers]

    assert held(carry=True) == [5, 10, 15]
    assert held(carry=False) == [5, 5, 5]


@pytest.mark.parametrize("carry", [False, True])
@pytest.mark.parametrize("needs", [frozenset(), ANSWERS])
def test_one_that_cannot_enter_a_block_does_not_lose_the_others(engine, chain, carry, needs):
    poor = Transaction(AGENT, SHOP, value=1)
    answers = engine.execute_many(chain.world, chain.block, [PAY, poor, PAY], carry=carry, needs=needs)
    assert [isinstance(answer, ExecutionError) for answer in answers] == [False, True, False]
    with pytest.raises(ExecutionError, match="holds 0 wei, the transaction sends 1"):
        engine.execute(chain.world, chain.block, poor)


def test_a_creation_tells_the_address(engine, chain):
    made = engine.execute(chain.world, chain.block, Transaction(AGENT, None, contract_code("TestTarget")))
    assert made.created is not None
    assert made.diff.accounts[bytes(made.created)].code
    failed = engine.execute(chain.world, chain.block, Transaction(AGENT, None, bytes.fromhex("5f5ffd"), gas=100_000))
    assert (failed.success, failed.created, failed.error) == (False, None, "revert")


def test_the_base_fee_and_the_rest_of_the_block_are_the_ones_given(engine, chain):
    block = replace(
        chain.block,
        number=77,
        timestamp=88,
        base_fee_wei=99,
        coinbase=Address(b"\x05" * 20),
        prevrandao=b"\x06" * 32,
        gas_limit=7_000_000,
    )
    reader = Address(b"\x1d" * 20)
    world = chain.world.copy()
    world.set_code(reader, bytes.fromhex("43600052426020524860405241606052446080524560a0524660c05260e06000f3"))
    for needs in (frozenset(), ANSWERS):
        output = engine.execute(world, block, Transaction(AGENT, reader), needs=needs).output
        words = [int.from_bytes(output[at : at + 32], "big") for at in range(0, len(output), 32)]
        coinbase, prevrandao = int.from_bytes(block.coinbase, "big"), int.from_bytes(block.prevrandao, "big")
        assert words == [77, 88, 99, coinbase, prevrandao, 7_000_000, 1]


def test_a_part_that_was_not_asked_for_is_not_made_up(chain):
    outcome = make_engine("anvil").execute(chain.world, chain.block, PAY, needs=frozenset({Capability.GAS}))
    assert outcome.gas_used == 21_000
    assert not outcome.has(Capability.CALL_TREE)
    with pytest.raises(UnsupportedError, match=r"frame: this outcome carries no call tree \(ask for it"):
        _ = outcome.frame
    with pytest.raises(AttributeError):
        _ = outcome.colour
    assert "frame" not in repr(outcome)
    assert outcome == make_engine("anvil").execute(chain.world, chain.block, PAY, needs=frozenset({Capability.GAS}))


def test_what_an_engine_lacks_is_refused_by_name_and_the_able_are_named(chain):
    lacking = FullEngine(PyEvmEngine())
    lacking.capabilities = frozenset({Capability.GAS})
    assert lacking.execute(chain.world, chain.block, PAY, needs=frozenset({Capability.GAS})).gas_used == 21_000
    with pytest.raises(UnsupportedError, match=r"engine pyevm: expected call tree, but .* \(use anvil\)"):
        lacking.execute(chain.world, chain.block, PAY, needs=frozenset({Capability.CALL_TREE}))
    with pytest.raises(UnsupportedError, match=r"expected creation"):
        lacking.execute(chain.world, chain.block, Transaction(AGENT, None, b""))
    chain = set_stage().chain
    chain.engine = lacking
    verdict = simulate(chain, redeem(grant([LimitedCalls(limit=1).to_caveat()]), Execution(target=SHOP)))
    assert verdict.allowed
    assert "engine pyevm tells no calls" in verdict.warnings[0]


def test_current_forks_are_anvils(chain):
    assert Capability.CURRENT_FORKS in make_engine("anvil").capabilities
    with pytest.raises(UnsupportedError, match=r"current forks.*use anvil"):
        make_engine("pyevm").execute(chain.world, chain.block, PAY, needs=frozenset({Capability.CURRENT_FORKS}))


def test_a_plain_engine_of_ones_own_is_an_engine(chain):
    class Own:
        name = "own"

        def execute(self, world, block, transaction) -> Outcome:
            return PyEvmEngine().execute(world, block, transaction)

    own = as_engine(Own())
    assert own.execute_many(chain.world, chain.block, [PAY, PAY])[1].gas_used == 21_000
    assert as_engine(own) is own
    assert LocalChain(engine=Own()).engine.name == "own"


def test_an_engine_nobody_knows_is_refused():
    with pytest.raises(
        EncodingError, match=r'engine: expected "pyevm" or "pyevm-blocks" or "anvil" or "auto" or "both".*got revm'
    ):
        LocalChain(engine="revm")


@pytest.mark.parametrize("name", ["pyevm", "pyevm-blocks", "anvil", "auto", "both"])
def test_a_whole_chain_runs_on_each(name):
    chain = LocalChain(5, engine=name)
    chain.add_delegator(ALICE)
    token = chain.deploy_token()
    chain.mint(token, ALICE, 7)
    assert chain.balance(ALICE, token) == 7
    mark = chain.snapshot()
    chain.fund(SHOP, 1)
    assert chain.call(ALICE, sender=SHOP, value=1).success
    chain.revert(mark)
    with pytest.raises(ExecutionError):
        chain.call(ALICE, sender=SHOP, value=1)
