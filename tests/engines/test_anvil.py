"""The child process: started when needed, told exactly our state, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from caveats.errors import EngineError, TransportError, UnsupportedError
from caveats.types import Address
from delegations.evm import LocalChain, World
from delegations.evm.anvil import AnvilEngine
from delegations.evm.engine import BlockEnv, Capability, Transaction
from delegations.evm.forked import ForkedWorld, NodeState
from delegations.evm.process import AnvilProcess, find_anvil, require_anvil
from delegations.evm.rpc import RpcClient
from delegations.evm.world import EMPTY_ACCOUNT
from tests.enforcers.harness import ALICE, SHOP
from tests.engines.fakes import Scripted

PAY = Transaction(ALICE, SHOP, value=1, gas=21_000)
BLOCK = BlockEnv(chain_id=7, number=1, timestamp=1)
GAS = frozenset({Capability.GAS})


def rich() -> World:
    world = World()
    world.set_balance(ALICE, 10**18)
    return world


@pytest.fixture
def engine():
    with AnvilEngine() as engine:
        yield engine


def processes(engine: AnvilEngine) -> list[AnvilProcess]:
    return [anvil.process for anvil in engine._anvils.values()]


def eventually(holds) -> bool:
    """Whether it holds within five seconds."""
    deadline, pause = time.monotonic() + 5, threading.Event()
    while time.monotonic() < deadline:
        if holds():
            return True
        pause.wait(0.01)
    return False


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_nothing_is_started_before_the_first_question_and_one_for_each_chain_id(engine):
    assert processes(engine) == []
    for chain_id in (7, 8, 7, 7):
        assert engine.execute(rich(), BlockEnv(chain_id, 1, 1), PAY, needs=GAS).success
    assert len(processes(engine)) == 2


def test_closing_ends_the_processes_and_the_engine_can_be_used_again(engine):
    engine.execute(rich(), BLOCK, PAY, needs=GAS)
    (process,) = processes(engine)
    directory = process._directory
    assert directory.stat().st_mode & 0o077 == 0, "nobody else may enter"
    engine.close()
    assert not process.is_running
    assert not directory.exists()
    assert engine.execute(rich(), BLOCK, PAY, needs=GAS).success


def test_it_listens_on_loopback_only(engine):
    engine.execute(rich(), BLOCK, PAY, needs=GAS)
    (process,) = processes(engine)
    command = Path(f"/proc/{process._process.pid}/cmdline").read_bytes().split(b"\0")
    assert command[command.index(b"--host") + 1] == b"127.0.0.1"


def test_a_process_that_died_is_replaced_and_told_everything_again(engine):
    world = rich()
    engine.execute(world, BLOCK, PAY, needs=GAS)
    (process,) = processes(engine)
    os.killpg(process._process.pid, signal.SIGKILL)
    process._process.wait()
    world.set_balance(SHOP, 5)
    assert engine.execute(world, BLOCK, PAY).diff.accounts[bytes(SHOP)].balance == 6
    assert processes(engine) != [process]


def test_it_ends_when_its_parent_is_killed():
    script = (
        "import sys; from tests.engines.test_anvil import *; engine = AnvilEngine();"
        "engine.execute(rich(), BLOCK, PAY, needs=GAS); process = processes(engine)[0];"
        "children = open(f'/proc/{process._process.pid}/task/{process._process.pid}/children').read();"
        "print(process._directory, children, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        directory, *children = parent.stdout.readline().decode().split()
        assert children
        assert all(is_alive(int(pid)) for pid in children)
        parent.kill()
        parent.wait()
    assert eventually(lambda: not any(is_alive(int(pid)) for pid in children))
    assert eventually(lambda: not Path(directory).exists())


def test_a_forked_child_starts_its_own(engine):
    engine.execute(rich(), BLOCK, PAY, needs=GAS)
    (ours,) = processes(engine)
    engine._owner += 1  # as if this were the child
    assert engine.execute(rich(), BLOCK, PAY, needs=GAS).success
    (own,) = processes(engine)
    assert own is not ours
    assert ours.is_running
    ours.stop()


def test_a_binary_that_is_none_is_a_transport_error(tmp_path):
    broken = tmp_path / "anvil"
    broken.write_text("#!/bin/sh\necho no such option >&2\nexit 3\n")
    broken.chmod(0o755)
    with AnvilEngine(broken) as engine, pytest.raises(TransportError, match=r"could not start anvil: it ended.*option"):
        engine.execute(rich(), BLOCK, PAY)
    with AnvilEngine(tmp_path / "nothing") as engine, pytest.raises(TransportError, match="could not start anvil"):
        engine.execute(rich(), BLOCK, PAY)


def test_an_unknown_fork_is_a_transport_error():
    with AnvilEngine(fork="atlantis") as engine, pytest.raises(TransportError, match="could not start anvil"):
        engine.execute(rich(), BLOCK, PAY)


def test_without_a_binary_the_refusal_says_what_to_do(tmp_path, monkeypatch):
    assert find_anvil() == require_anvil()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert find_anvil() is None
    with pytest.raises(UnsupportedError, match=r"no anvil on the path and none in node_modules.*install Foundry"):
        require_anvil()


def test_the_one_on_the_path_comes_first_unless_it_is_a_script(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "anvil").write_bytes(b"\x7fELF")
    (tmp_path / "anvil").chmod(0o755)
    assert find_anvil() == tmp_path / "anvil"
    (tmp_path / "anvil").write_bytes(b"#!/usr/bin/env node")
    assert find_anvil() != tmp_path / "anvil"


def test_what_stands_there_is_exactly_the_world_through_every_change(engine):
    """Balances, nonces, code and storage rise, fall and vanish; the state is read back after each change."""
    one, two = Address(b"\x21" * 20), Address(b"\x22" * 20)
    world = rich()
    steps = [
        lambda: world.set_balance(one, 5),
        lambda: world.set_nonce(one, 9),
        lambda: world.set_code(one, b"\x60\x00"),
        lambda: world.set_storage(one, 1, 2**256 - 1),
        lambda: world.set_storage(two, 2**256 - 1, 7),
        lambda: world.set_nonce(one, 3),
        lambda: world.set_code(one, bytes.fromhex("ef0100") + two),
        lambda: world.set_storage(one, 1, 0),
        lambda: world.accounts.pop(bytes(one)),
        lambda: world.slots.pop(bytes(two)),
        lambda: world.set_balance(ALICE, 2**256 - 1),
    ]
    for step in steps:
        step()
        probe = Transaction(SHOP, ALICE, gas=21_000)
        assert engine.execute(world, BLOCK, probe, needs=GAS).success
        (anvil,) = engine._anvils.values()
        there = NodeState(anvil.client, 0)
        for address in (one, two, ALICE):
            assert there.account(address) == world.accounts.get(bytes(address), EMPTY_ACCOUNT)
        assert [there.storage(one, 1), there.storage(two, 2**256 - 1)] == [
            world.storage(one, 1),
            world.storage(two, 2**256 - 1),
        ]
        assert there.account(bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935")) == EMPTY_ACCOUNT


def test_two_chains_take_turns_on_one_process(engine):
    chains = [LocalChain(7, engine=engine) for _ in range(2)]
    chains[0].fund(ALICE, 5)
    for _ in range(3):
        assert chains[0].call(SHOP, sender=ALICE, value=1).success
        chains[1].fund(ALICE, 1)
        assert chains[1].call(SHOP, sender=ALICE, value=1).success
    assert len(processes(engine)) == 1


def test_threads_share_it(engine):
    worlds = [rich() for _ in range(4)]
    for index, world in enumerate(worlds):
        world.set_balance(SHOP, index)
    seen: list[tuple[int, int]] = []

    def ask(index: int) -> None:
        for _ in range(20):
            outcome = engine.execute(worlds[index], BLOCK, PAY)
            seen.append((index, outcome.diff.accounts[bytes(SHOP)].balance))

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == {(index, index + 1) for index in range(4)}
    assert len(seen) == 80


@pytest.mark.parametrize("part", ["timestamp", "number", "gas_limit"])
def test_a_clock_beyond_64_bits_is_refused_and_not_cut(engine, part):
    assert engine.execute(rich(), replace(BLOCK, **{part: 2**64 - 1}), PAY, needs=GAS).success
    with pytest.raises(UnsupportedError, match=r"expected a .* below 2\^64.*use pyevm"):
        engine.execute(rich(), replace(BLOCK, **{part: 2**64}), PAY, needs=GAS)


def test_a_world_that_lies_on_a_node_is_refused(engine):
    forked = ForkedWorld(NodeState(RpcClient(Scripted()), 1))
    with pytest.raises(UnsupportedError, match="cannot hold a world whose rest lies on a node"):
        engine.execute(forked, BLOCK, PAY)


def test_an_error_of_anvil_is_an_engine_error_and_no_verdict(engine):
    engine.execute(rich(), BLOCK, PAY, needs=GAS)
    (anvil,) = engine._anvils.values()
    refusal = b'{"id":0,"error":{"code":-32603,"message":"internal"}}'
    anvil.client.close()
    anvil.client = RpcClient(Scripted(refusal, refusal), attempts=1)
    for needs in (GAS, frozenset({Capability.CALL_TREE})):
        with pytest.raises(EngineError, match=r"engine anvil could not answer: .*internal"):
            engine.execute(rich(), BLOCK, PAY, needs=needs)
    assert len(processes(engine)) == 1


def test_state_that_was_not_taken_is_not_asked_about(engine):
    engine.execute(rich(), BLOCK, PAY, needs=GAS)
    (anvil,) = engine._anvils.values()
    anvil.client.close()
    anvil.client = RpcClient(Scripted(b'{"id":0,"error":{"code":-32603,"message":"full"}}'), attempts=1)
    world = rich()
    world.set_balance(SHOP, 1)
    # the process is given up and a new one told everything
    assert engine.execute(world, BLOCK, PAY).diff.accounts[bytes(SHOP)].balance == 2
    assert list(engine._anvils.values()) != [anvil]


def test_osaka_has_an_opcode_that_prague_lacks():
    there, world = Address(b"\x33" * 20), World()
    world.set_code(there, bytes.fromhex("60011e5f5260205ff3"))  # CLZ of 1
    for fork, expected in (("prague", b""), ("osaka", (255).to_bytes(32, "big"))):
        with AnvilEngine(fork=fork) as engine:
            outcome = engine.execute(world, BLOCK, Transaction(ALICE, there, gas=100_000))
            assert (outcome.success, outcome.output) == (bool(expected), expected)
