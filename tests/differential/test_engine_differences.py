"""Where engines tell the same thing in two ways, or one is wrong: a test for each, and no other difference is known."""

from __future__ import annotations

from caveats import Execution, LimitedCalls
from caveats.types import Address, keccak
from delegations.evm import World, make_engine
from delegations.evm.engine import BlockEnv, Engine, Outcome, Transaction, as_engine
from delegations.evm.pyevm import StockPyEvmEngine
from delegations.evm.select import differences
from delegations.evm.world import AccountState
from delegations.redemption import redeem
from delegations.simulation.simulate import redeem_transaction
from tests.enforcers.harness import AGENT, ALICE, SHOP, grant, set_stage

PYEVM, STOCK, ANVIL = make_engine("pyevm"), as_engine(StockPyEvmEngine()), make_engine("anvil")
THERE = Address(b"\x1e" * 20)


def run(code: str, *engines: Engine, gas: int = 200_000, balance: int = 0, **block: int) -> tuple[Outcome, Outcome]:
    """Run code as a contract of its own on two engines, ours and anvil unless others are named."""
    world = World({bytes(ALICE): AccountState(10**18), bytes(THERE): AccountState(balance, 1, bytes.fromhex(code))})
    env = BlockEnv(chain_id=1, number=block.get("number", 5), timestamp=9)
    asked = Transaction(ALICE, THERE, gas=gas)
    one, other = (engine.execute(world, env, asked) for engine in engines or (PYEVM, ANVIL))
    return one, other


def test_creation_code_that_is_too_long_ends_the_frame_before_anyone_looks_at_the_balance():
    """CREATE of 49,153 bytes with a value the contract does not hold; py-evm's own machine goes on. EIP-3860."""
    for balance in (0, 1):
        one, other = run("61c0015f6001f0005b", balance=balance)
        assert (one.success, one.error) == (False, "out of gas")
        assert list(differences(one, other)) == []
    one, other = run("61c0015f6001f0005b", STOCK, ANVIL)
    assert (one.error, other.error) == (None, "out of gas")


def nested(inner: str, outer: str) -> tuple[World, list[Outcome]]:
    """Run `outer`, in which INNER stands for the address at which `inner` stands."""
    inside = Address(b"\x2e" * 20)
    code = bytes.fromhex(outer.replace("INNER", inside.hex()))
    world = World(
        {
            bytes(ALICE): AccountState(10**18),
            bytes(inside): AccountState(5, 1, bytes.fromhex(inner.replace("INNER", inside.hex()))),
            bytes(THERE): AccountState(0, 1, code),
        }
    )
    env = BlockEnv(chain_id=1, number=5, timestamp=9)
    return world, [engine.execute(world, env, Transaction(ALICE, THERE, gas=200_000)) for engine in (PYEVM, ANVIL)]


def test_a_payment_in_a_static_call_that_also_lacks_gas_fails_for_either_reason():
    """It is forbidden and it cannot be paid for: py-evm says the one, anvil the other. The frame burns all its gas."""
    world, (one, other) = nested("5f5f5f5f600161dead5af1", "5f5f5f5f73INNER6042fa00")
    assert [part for part, *_ in differences(one, other, world=world)] == ["frame[1].error"]
    assert (one.frame.children[0].error, other.frame.children[0].error) == ("halt", "out of gas")
    assert one.gas_used == other.gas_used


def test_a_contract_that_static_calls_itself_to_delegatecall_is_told_in_two_ways():
    """Inside, sender and account are one and the same, by which the embedded engine tells the kinds apart."""
    world, (one, other) = nested("36600d575f5f60015f305afa005b5f5f5f5f61beef5af400", "5f5f5f5f73INNER5afa00")
    assert [part for part, *_ in differences(one, other, world=world)] == ["frame[3].kind"]


def test_a_precompile_that_fails_has_failed_whatever_it_is_called():
    """KZG with no gas and no input: py-evm refuses the input, anvil the gas."""
    one, other = run("5f5f5f5f600a6064fa00")
    assert {one.frame.children[0].error, other.frame.children[0].error} <= {"halt", "out of gas"}
    assert list(differences(one, other)) == []


def test_the_hash_of_a_past_block_is_zero_here_and_anvils_own_there():
    """A world has no past, so BLOCKHASH is 0; anvil knows the hash of its genesis. The framework never asks."""
    one, other = run("5f405f5260205ff3", number=1)
    assert one.output == bytes(32)
    assert other.output != bytes(32)
    one, other = run("60ff405f5260205ff3", number=5)
    assert (one.output, other.output) == (bytes(32), bytes(32))


def test_the_frame_of_the_transaction_itself_is_told_in_two_ways():
    """py-evm counts what the frame used and names the account called; anvil counts the whole transaction and names
    whose code runs. `gas_used` of the outcome is the same."""
    stage = set_stage()
    outcomes = [
        engine.execute(stage.chain.world, stage.chain.block, Transaction(AGENT, ALICE, gas=90_000))
        for engine in (PYEVM, ANVIL)
    ]
    assert outcomes[0].frame.gas_used < outcomes[1].frame.gas_used == outcomes[0].gas_used
    assert list(differences(*outcomes)) == []


def test_of_frames_that_were_undone_engines_keep_more_or_less():
    """The hook's log of a redemption that fails later: py-evm's tree keeps it, anvil's does not. Nobody hears it."""
    stage = set_stage()
    call = Execution(target=stage.target, call_data=keccak(b"fail()")[:4])
    redemption = redeem(grant([LimitedCalls(limit=1).to_caveat()]), call)
    transaction = redeem_transaction(stage.chain, [redemption], AGENT)
    one, other = (e.execute(stage.chain.world, stage.chain.block, transaction) for e in (PYEVM, ANVIL))
    kept = [sum(len(frame.logs) for frame in outcome.frame.walk()) for outcome in (one, other)]
    assert kept == [1, 0]
    assert (one.logs, other.logs) == ((), ())
    assert list(differences(one, other, world=stage.chain.world)) == []


def test_a_creation_that_failed_has_an_address_for_one():
    one, other = run("60fd5f5360015f5ff000")
    created = [outcome.frame.children[0].to for outcome in (one, other)]
    assert created[0] != created[1] == Address(bytes(20))
    assert list(differences(one, other)) == []


def test_an_account_that_is_only_touched_is_no_account():
    """The zero-value beneficiary of a SELFDESTRUCT: py-evm's diff names it as empty, anvil's leaves it out. EIP-161."""
    beneficiary = bytes(19) + b"\x77"
    one, other = run("73" + beneficiary.hex() + "ff")
    world = World({bytes(ALICE): AccountState(10**18), bytes(THERE): AccountState(0, 1, b"\xff")})
    assert (beneficiary in one.diff.accounts, beneficiary in other.diff.accounts) == (True, False)
    assert list(differences(one, other, world=world)) == []
    assert SHOP not in one.diff.accounts
