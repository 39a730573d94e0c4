"""The fast loop is the same machine as py-evm's own."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import ClassVar

import pytest
from eth.exceptions import Halt
from eth.vm.forks.prague.computation import PragueComputation

from caveats.errors import TransportError
from caveats.types import Address, keccak
from delegations.evm.engine import Transaction
from delegations.evm.pyevm import PyEvmEngine, StockPyEvmEngine
from delegations.evm.runs import program_of
from delegations.evm.world import AccountState, World
from delegations.framework.constants import EIP7702_PREFIX
from tests.differential.machines import FAST, MENDED, STOCK, Machine, compare
from tests.differential.programs import BLOCK, CONTRACTS, SENDER
from tests.differential.redemptions import four_caveats
from tests.differential.scenarios import scenario_of

# the oracle warns of the opcode's future each time a contract executes it
pytestmark = pytest.mark.filterwarnings("ignore:SELFDESTRUCT opcode:DeprecationWarning")

_CHUNK = 250
_GAS_LIMITS = 150


HALTS = [
    ("a jump into the data of a push", "6004565b605b"),
    ("a jump behind the end", "60ff56"),
    ("a jump far behind the end", "7f" + "ff" * 32 + "56"),
    ("a push cut short by the end", "7f01"),
    ("an item too few", "01"),
    ("an item too few behind a jump destination", "600356" + "5b01"),
    ("1025 items", "5b5a600056"),
    ("an opcode there is none of", "0c"),
    ("memory nobody can pay for", "7f" + "ff" * 32 + "51"),
    ("a shift by more than there is", "6001" + "7f" + "ff" * 32 + "1b5f52" + "60205ff3"),
    ("return data that is not there", "60015f5f3e"),
    ("a write in a static call", "5f5f5f5f305afa5f5260205ff3"),
]


def run(machine: Machine, code: bytes, *, gas: int = 200_000, data: bytes = b""):
    """Run `code` as a contract of its own."""
    world = World({bytes(SENDER): AccountState(10**18), bytes(CONTRACTS[0]): AccountState(0, 1, code)})
    return machine.observe(world, BLOCK, Transaction(SENDER, CONTRACTS[0], data, 0, gas))


@pytest.mark.parametrize("chunk", range(12))
def test_random_programs_run_the_same(chunk):
    seeds = range(chunk * _CHUNK, (chunk + 1) * _CHUNK)
    assert [text for seed in seeds for text in compare(seed, FAST).differences] == []


def test_the_random_programs_reach_what_they_are_for():
    outcomes = [outcome for seed in range(200) if not isinstance(outcome := compare(seed, FAST).outcome, str)]
    frames = [frame for outcome in outcomes for frame in outcome.frame.walk()]
    assert {frame.kind for frame in frames} == {"CALL", "STATICCALL", "DELEGATECALL", "CREATE"}
    assert {frame.error for frame in frames} == {None, "revert", "out of gas", "halt"}
    assert any(outcome.logs for outcome in outcomes)
    assert any(outcome.diff.wiped for outcome in outcomes)
    assert sum(outcome.success for outcome in outcomes) > 30


def test_the_random_programs_create_both_ways_and_destroy_themselves():
    done: Counter[int] = Counter()

    def watched(opcode: int):
        own = PragueComputation.opcodes[opcode]

        def run_and_count(computation):
            try:
                own(computation)
            except Halt:  # SELFDESTRUCT, once it has done its work, ends its frame with this
                done[opcode] += 1
                raise
            done[opcode] += any(child.msg.is_create and child.is_success for child in computation.children[-1:])

        return run_and_count

    class Watched(PragueComputation):
        opcodes: ClassVar = {**PragueComputation.opcodes, **{opcode: watched(opcode) for opcode in (0xF0, 0xF5, 0xFF)}}

    machine = Machine(Watched)
    for seed in range(200):
        machine.observe((scenario := scenario_of(seed)).world, BLOCK, scenario.transaction)
    assert all(done[opcode] > 5 for opcode in (0xF0, 0xF5, 0xFF)), done


def test_the_random_programs_enter_contracts_that_are_already_running():
    directly, through_others = [], []

    def enter(frame, above):
        if frame.kind in ("CALL", "STATICCALL") and frame.to in above:
            (directly if frame.to == above[-1] else through_others).append(frame.error)
        for child in frame.children:
            enter(child, (*above, frame.to))

    for seed in range(400):
        outcome, *_ = FAST.observe((scenario := scenario_of(seed)).world, BLOCK, scenario.transaction)
        if not isinstance(outcome, str):
            enter(outcome.frame, ())
    assert directly.count(None) > 10
    assert through_others


@pytest.fixture(scope="module")
def redemption():
    chain, _, transaction = four_caveats()
    return chain, transaction


@pytest.mark.parametrize("part", range(3))
def test_a_real_redemption_runs_the_same_wherever_its_gas_ends(redemption, part):
    chain, transaction = redemption
    least, most = 60_000, PyEvmEngine().execute(chain.world, chain.block, transaction).gas_used + 10_000
    for index in range(part, _GAS_LIMITS, 3):
        gas = least + (most - least) * index // (_GAS_LIMITS - 1)
        limited = Transaction(transaction.sender, transaction.to, transaction.data, 0, gas)
        assert FAST.observe(chain.world, chain.block, limited) == STOCK.observe(chain.world, chain.block, limited)


def test_calls_end_at_the_same_depth():
    # calls itself with all gas; the gas a frame keeps back is never enough to end it before the depth does
    code = bytes.fromhex("5f5f5f5f5f305af1600055")
    got = run(FAST, code, gas=2**62)
    assert got == run(STOCK, code, gas=2**62)
    assert len(list(got[0].frame.walk())) == 1_025


@pytest.mark.parametrize(("what", "code"), HALTS)
def test_what_halts_halts_in_the_same_way(what, code):
    assert run(FAST, bytes.fromhex(code)) == run(STOCK, bytes.fromhex(code)), what


def test_a_delegated_sender_pays_for_init_code_once():
    # py-evm charges the words of init code a second time where a delegated sender creates in a frame of its own, to the
    # account created. The chain does not: EIP-3860 charges once, in CREATE.
    create = bytes.fromhex("60405f5ff000")
    world = World(
        {
            bytes(SENDER): AccountState(10**18, 1, EIP7702_PREFIX + CONTRACTS[0]),
            bytes(CONTRACTS[0]): AccountState(0, 1, create),
        }
    )
    transaction = Transaction(SENDER, SENDER, b"", 0, 200_000)
    once = FAST.observe(world, BLOCK, transaction)[0]
    twice = STOCK.observe(world, BLOCK, transaction)[0]
    words = 2
    assert twice.gas_used - once.gas_used == 2 * words
    assert once == MENDED.observe(world, BLOCK, transaction)[0]


def test_init_code_that_is_too_long_halts_without_funds_too():
    # EIP-3860 puts the length first; py-evm finds the missing funds first and goes on
    code = bytes.fromhex("61c0015f6001f000")
    assert run(FAST, code)[0].error == "out of gas"
    assert run(STOCK, code)[0].error is None
    assert run(MENDED, code) == run(FAST, code)
    # one byte less is not too long
    code = bytes.fromhex("61c0005f6001f000")
    assert run(FAST, code) == run(STOCK, code)


def test_a_world_that_cannot_answer_is_not_taken_for_a_failed_call():
    class Unreachable(World):
        def storage(self, address: bytes, slot: int) -> int:
            raise TransportError("node: no answer")

    world = Unreachable({bytes(CONTRACTS[0]): AccountState(0, 1, bytes.fromhex("5f54"))})
    with pytest.raises(TransportError):
        PyEvmEngine().execute(world, BLOCK, Transaction(SENDER, CONTRACTS[0]))


def test_programs_are_kept_but_not_without_end():
    program_of.cache_clear()
    for number in range(2 * program_of.cache_info().maxsize):
        program_of(number.to_bytes(4, "big"))
    assert program_of.cache_info().currsize == program_of.cache_info().maxsize
    code = keccak(b"some code")
    assert program_of(code) is program_of(bytes(code))


def test_a_contract_that_destroys_itself_warns_nobody():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(FAST, bytes.fromhex("33ff"))[0].success


def test_the_oracle_is_named_apart():
    assert PyEvmEngine().name == "pyevm"
    assert StockPyEvmEngine().name == "pyevm-stock"
    assert StockPyEvmEngine.computation_class.__module__.startswith("eth.")


def test_addresses_of_the_scenarios_do_not_meet():
    assert len({*CONTRACTS, SENDER, Address(BLOCK.coinbase)}) == len(CONTRACTS) + 2
