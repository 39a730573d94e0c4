"""Compiled bytecode is the same machine as py-evm's own."""

from __future__ import annotations

import pytest

from delegations.evm import blocks
from delegations.evm.blocks import BlocksEngine, compiled_program_of
from delegations.evm.compiler import compile_stretch
from delegations.evm.engine import Transaction
from delegations.evm.runs import find_landings
from delegations.evm.world import AccountState, World
from tests.differential.machines import BLOCKS, STOCK, compare
from tests.differential.programs import BLOCK, CONTRACTS, SENDER
from tests.differential.test_fastloop import HALTS, redemption

__all__ = ["redemption"]  # a fixture

# the oracle warns of the opcode's future each time a contract executes it
pytestmark = pytest.mark.filterwarnings("ignore:SELFDESTRUCT opcode:DeprecationWarning")

_CHUNK = 100


def transaction_of(code: bytes) -> tuple[World, Transaction]:
    world = World({bytes(SENDER): AccountState(10**18), bytes(CONTRACTS[0]): AccountState(0, 1, code)})
    return world, Transaction(SENDER, CONTRACTS[0], gas=200_000)


def same(code: str) -> bool:
    world, transaction = transaction_of(bytes.fromhex(code))
    return BLOCKS.observe(world, BLOCK, transaction) == STOCK.observe(world, BLOCK, transaction)


@pytest.mark.parametrize("chunk", range(4))
def test_random_programs_run_the_same(chunk):
    # seeds of their own, and one where it once jumped to what follows the jump, which was no destination
    seeds = [*range(100_000 + chunk * _CHUNK, 100_000 + (chunk + 1) * _CHUNK), 1_640]
    assert [text for seed in seeds for text in compare(seed, BLOCKS).differences] == []


def test_a_real_redemption_runs_the_same_wherever_its_gas_ends(redemption):
    chain, transaction = redemption
    for gas in range(60_000, 250_000, 3_800):
        limited = Transaction(transaction.sender, transaction.to, transaction.data, 0, gas)
        assert BLOCKS.observe(chain.world, chain.block, limited) == STOCK.observe(chain.world, chain.block, limited)


@pytest.mark.parametrize(("what", "code"), HALTS)
def test_what_halts_halts_in_the_same_way(what, code):
    assert same(code), what


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("an untaken jump to nowhere", "5f60ff57"),
        ("a taken jump to what follows it, which is no destination", "6001600457"),
        ("a jump decided by what is known", "6001600557005b5f5ff3"),
        ("a function that returns to where it was called from", "6005600a565b600b600a565b5056"),
        ("an endless loop", "5b5f56"),
        ("gas read in the middle", "5a5a5a035f525a60205260405ff3"),
        ("stack items handed on unchanged", "600160026003600957005b91905f525f5260205ff3"),
        ("a long chain of operations on one value", "5f35" + "600101" * 300 + "5f5260205ff3"),
        ("a long chain of negations", "5f35" + "15" * 300 + "5f5260205ff3"),
        ("a long chain of comparisons", "5f35" + "600110" * 200 + "5f5260205ff3"),
        ("memory read, written and read again", "60205f526020515f51600152602151015f5260605ff3"),
    ],
)
def test_what_compilers_get_wrong(what, code):
    assert same(code), what


def test_jumps_with_known_destinations_are_followed():
    code = bytes.fromhex("6004565b5b600a565b5b5b005b5b00")
    assert compile_stretch(bytes.fromhex("6003565b00"), find_landings(bytes.fromhex("6003565b00")), 0).need == 0
    assert same(code.hex())


def test_the_loop_takes_over_when_a_bytecode_has_too_many_stretches(monkeypatch):
    monkeypatch.setattr(blocks, "_STRETCHES_KEPT", 1)
    compiled_program_of.cache_clear()
    # a loop, counted down from ten
    assert same("600a5b600190038060025700")


def test_the_engine_is_named_apart():
    assert BlocksEngine().name == "pyevm-blocks"
