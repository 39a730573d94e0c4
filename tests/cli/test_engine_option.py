"""--engine: who executes is chosen, the answer is the same, and what cannot be had is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from delegations.evm import select
from delegations.evm.engine import BlockEnv, Outcome, Transaction
from delegations.evm.pyevm import PyEvmEngine
from delegations.evm.select import BothEngine, make_engine
from delegations.evm.world import World
from tests.cli.command import run, run_process
from tests.cli.conftest import CHAIN_ID, GRANT, SHOP, STRANGER, Desk

PAYING = ("--target", SHOP, "--value", "0.1eth")
NAMES = ["pyevm", "pyevm-blocks", "anvil", "auto", "both"]


class Generous:
    """An engine that says another gas."""

    name = "generous"

    def execute(self, world: World, block: BlockEnv, transaction: Transaction) -> Outcome:
        outcome = PyEvmEngine().execute(world, block, transaction)
        parts = {name: getattr(outcome, name) for name in ("success", "output", "logs", "error", "frame", "diff")}
        return Outcome(**parts, gas_used=outcome.gas_used - 1)


@pytest.mark.parametrize("name", NAMES)
def test_every_engine_gives_the_verdict_of_the_default(desk: Desk, name: str) -> None:
    for target in (SHOP, STRANGER):
        asked = ("simulate", desk.grant, "--state", desk.state, "--target", target, "--json")
        given, default = run(*asked, "--engine", name), run(*asked)
        assert (given.code, given.out) == (default.code, default.out)


@pytest.mark.parametrize("name", NAMES)
def test_a_fresh_chain_runs_on_it_too(name: str) -> None:
    asked = ("simulate", GRANT.to_json(), "--chain-id", CHAIN_ID, "--at", "1800000000", *PAYING, "--json")
    given, default = run(*asked, "--engine", name), run(*asked)
    assert (given.code, given.out) == (0, default.out)


@pytest.mark.parametrize("name", NAMES)
def test_redeeming_leaves_the_same_state_behind(desk: Desk, tmp_path: Path, name: str) -> None:
    before = desk.state.read_bytes()
    states = []
    for engine in ((), ("--engine", name)):
        desk.state.write_bytes(before)
        folder = tmp_path / f"receipts{len(states)}"
        ran = run("redeem", desk.grant, "--state", desk.state, *PAYING, "--receipts", folder, *engine)
        assert ran.code == 0
        states.append(json.loads(desk.state.read_text()))
    assert states[0] == states[1]


def test_it_works_in_a_process_of_its_own_and_leaves_none_behind(desk: Desk) -> None:
    ran = run_process("simulate", desk.grant, "--state", desk.state, *PAYING, "--engine", "both")
    assert (ran.code, ran.err) == (0, "")


def test_a_name_nobody_knows_is_refused_with_those_there_are(desk: Desk) -> None:
    assert run("simulate", desk.grant, "--state", desk.state, *PAYING, "--engine", "pyevm").code == 0
    ran = run("simulate", desk.grant, "--state", desk.state, *PAYING, "--engine", "geth")
    assert ran.code == 2
    assert ran.err.startswith("error: --engine: engine: expected ")
    assert all(f'"{name}"' in ran.err for name in NAMES)
    assert "geth" in ran.err


def test_engines_that_disagree_give_no_verdict(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    different = BothEngine(make_engine("pyevm"), make_engine(Generous()))
    monkeypatch.setattr(select, "make_engine", lambda name: different)
    ran = run("simulate", desk.grant, "--state", desk.state, *PAYING, "--engine", "both")
    assert (ran.code, ran.out) == (3, "")
    assert "the engines differ in gas_used" in ran.err


def test_a_fork_takes_the_engines_that_can_hold_one(desk: Desk) -> None:
    asked = ("simulate", desk.grant, "--fork", "http://127.0.0.1:9", *PAYING)
    ran = run(*asked, "--engine", "anvil")
    assert ran.code == 2
    assert ran.err == "error: --engine of a fork: expected pyevm or node, got anvil\n"
