"""Stand-ins: which there are, where they stand, that their interface is the declared one, and that nobody is misled."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from caveats import (
    ERC20MultiOperationIncreaseBalance,
    Execution,
    LimitedCalls,
    LogicalOrWrapper,
    SpecificActionERC20TransferBatch,
)
from caveats.registry import ENFORCERS
from delegations.evm import LocalChain, World, contract_code
from delegations.evm.stand_ins import STAND_INS, install_stand_ins, is_stand_in, stand_in_code
from delegations.framework import load_framework
from delegations.framework.abi import selector, signature
from delegations.redemption import redeem
from delegations.simulation import Verdict, simulate, simulate_many, what_if
from tests.cli.command import run
from tests.enforcers.harness import AGENT, ALICE, CHAIN_ID, SHOP, START_AT, grant, set_stage, transfer
from tests.enforcers.hooks import HOOK_SELECTORS
from tests.enforcers.test_declared_facts import show_event, types_of

STOPS = b"\0"
"""Code that accepts every call and answers nothing."""
CLASSES = [cls for cls in ENFORCERS if cls.ADDRESS in STAND_INS]
each_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def abi_of(cls, kind):
    path = resources.files("delegations.evm") / "artifacts" / f"{cls.ENFORCER}.json"
    return [entry for entry in json.loads(path.read_text())["abi"] if entry["type"] == kind]


def rise(stage, amount=5, recipient=SHOP):
    return ERC20MultiOperationIncreaseBalance(token=stage.token, recipient=recipient, amount=amount)


def the_warning(cls=ERC20MultiOperationIncreaseBalance):
    return f"stand-in: {cls.ENFORCER} at {cls.ADDRESS} runs this project's own code, not the deployed one"


# which there are, and where


def test_every_current_contract_whose_code_is_not_bundled_has_a_stand_in():
    current = {c.address: c.name for c in load_framework().not_bundled() if not c.retired}
    assert dict(STAND_INS) == current


def test_every_current_enforcer_has_code_on_a_fresh_chain():
    world = LocalChain(10).world
    assert len(ENFORCERS) == 37
    assert [cls for cls in ENFORCERS if not world.code(cls.ADDRESS)] == []
    assert {cls.ADDRESS for cls in ENFORCERS if is_stand_in(world, cls.ADDRESS)} == set(STAND_INS)


def test_a_chain_without_stand_ins_has_nothing_at_their_addresses():
    world = LocalChain(10, stand_ins=False).world
    assert all(not world.code(address) for address in STAND_INS)
    assert not any(is_stand_in(world, address) for address in STAND_INS)


def test_code_that_is_there_is_left_alone():
    world, taken = World(), ERC20MultiOperationIncreaseBalance.ADDRESS
    world.set_code(taken, STOPS)
    install_stand_ins(world)
    assert world.code(taken) == STOPS
    assert [address for address in STAND_INS if not is_stand_in(world, address)] == [taken]


def test_a_world_that_is_given_gets_none_so_that_a_fork_runs_what_the_node_has():
    assert LocalChain(10, world=World()).world.accounts == {}


def test_copies_and_state_files_keep_them():
    chain = LocalChain(CHAIN_ID)
    for other in (chain.copy(), LocalChain.from_json(chain.to_json())):
        assert all(is_stand_in(other.world, address) for address in STAND_INS)


@each_class
def test_the_code_put_in_place_is_what_deploying_it_gives(cls):
    chain = LocalChain(10)
    deployed = chain.deploy(contract_code(cls.ENFORCER))
    assert chain.world.code(deployed) == stand_in_code(cls.ADDRESS)
    assert chain.world.account(cls.ADDRESS) == chain.world.account(deployed)


# the interface


@each_class
def test_the_events_are_the_declared_ones_and_those_that_are_decoded(cls):
    events = abi_of(cls, "event")
    assert sorted(cls.EVENTS) == sorted(map(show_event, events))
    known = [e for e in load_framework().by_address(cls.ADDRESS).abi if e["type"] == "event"]
    assert sorted(map(signature, events)) == sorted(map(signature, known))


@each_class
def test_the_getters_are_the_declared_one_and_those_for_terms_and_key(cls):
    functions = {entry["name"]: entry for entry in abi_of(cls, "function")}
    name, rest = cls.STATE.split("(", 1)
    inputs, outputs = rest.split(" -> ")
    assert types_of(f"({inputs}") == [p["type"] for p in functions[name]["inputs"]]
    assert types_of(outputs) == [p["type"] for p in functions[name]["outputs"]]
    getters = {name, "getTermsInfo"} | (set() if cls is SpecificActionERC20TransferBatch else {"getHashKey"})
    assert functions.keys() == getters | {"beforeAllHook", "beforeHook", "afterHook", "afterAllHook"}


@each_class
def test_the_hooks_have_the_selectors_the_manager_calls(cls):
    hooks = {selector(signature(e)) for e in abi_of(cls, "function") if e["name"].endswith("Hook")}
    assert hooks == set(HOOK_SELECTORS.values())


# nobody is misled


def test_a_verdict_that_rests_on_one_says_so_whatever_it_is():
    stage = set_stage()
    delegation = grant([rise(stage).to_caveat()])
    for amount in (5, 4):
        verdict = simulate(stage.chain, redeem(delegation, transfer(stage.token, amount)))
        assert verdict.allowed == (amount == 5)
        assert verdict.warnings == (the_warning(),)
        assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict


def test_each_is_warned_of_once():
    stage = set_stage()
    action = SpecificActionERC20TransferBatch(token=stage.token, recipient=SHOP, amount=5, first_target=SHOP)
    delegation = grant([rise(stage).to_caveat(), action.to_caveat(), rise(stage, 1, ALICE).to_caveat()])
    verdict = simulate(stage.chain, redeem(delegation, action.executions()))
    assert verdict.warnings == (the_warning(), the_warning(SpecificActionERC20TransferBatch))


def test_one_inside_a_group_is_warned_of():
    stage = set_stage()
    group = LogicalOrWrapper(groups=((rise(stage).to_caveat(),),)).to_caveat(
        args=LogicalOrWrapper.encode_args(0, [b""])
    )
    verdict = simulate(stage.chain, redeem(grant([group]), transfer(stage.token, 5)))
    assert verdict.allowed
    assert verdict.warnings == (the_warning(),)


def test_a_verdict_on_official_code_alone_carries_no_warning():
    stage = set_stage()
    delegation = grant([LimitedCalls(limit=1).to_caveat()])
    assert simulate(stage.chain, redeem(delegation, Execution(target=SHOP))).warnings == ()


def test_one_that_was_never_reached_is_not_warned_of():
    stage = set_stage()
    delegation = grant([rise(stage).to_caveat()])
    verdict = simulate(stage.chain, redeem(delegation, transfer(stage.token, 5)), redeemer=SHOP)
    assert verdict.denial.reason == "InvalidDelegate()"
    assert verdict.warnings == ()


def test_the_chains_own_code_is_not_warned_of():
    stage = set_stage()
    delegation = grant([rise(stage).to_caveat()])
    own = what_if(stage.chain, code={ERC20MultiOperationIncreaseBalance.ADDRESS: STOPS})
    verdict = simulate(own, redeem(delegation, transfer(stage.token, 4)))
    assert verdict.allowed
    assert verdict.warnings == ()


def test_a_sweep_carries_the_warnings():
    stage = set_stage()
    delegation = grant([rise(stage).to_caveat()])
    sweep = simulate_many(stage.chain, [redeem(delegation, transfer(stage.token, n)) for n in (4, 5)], workers=1)
    assert [verdict.warnings for verdict in sweep] == [(the_warning(),)] * 2


@pytest.mark.parametrize("amount", [5, 4])
def test_the_command_shows_the_warning(tmp_path, amount):
    stage = set_stage()
    state, delegation = tmp_path / "chain.json", tmp_path / "grant.json"
    state.write_text(stage.chain.to_json())
    delegation.write_text(grant([rise(stage).to_caveat()]).to_json())
    call = transfer(stage.token, amount)
    asked = ("simulate", delegation, "--state", state, "--target", call.target, "--data", f"0x{call.call_data.hex()}")
    shown = run(*asked, env={"COLUMNS": "300"})
    assert shown.code == (0 if amount == 5 else 1)
    assert the_warning() in shown.out
    assert run(*asked, "--json").json()["warnings"] == [the_warning()]


def test_the_gas_of_a_chain_with_stand_ins_is_the_same_for_everything_else():
    call = redeem(grant([LimitedCalls(limit=1).to_caveat()]), Execution(target=SHOP))
    used = set()
    for stand_ins in (True, False):
        chain = LocalChain(CHAIN_ID, timestamp=START_AT, stand_ins=stand_ins)
        chain.add_delegator(ALICE)
        used.add(simulate(chain, call, redeemer=AGENT).gas_used)
    assert len(used) == 1
