"""One table of scenarios over three engines: same verdict, revert data, logs, gas, call tree and state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from caveats.errors import ExecutionError
from delegations.evm import LocalChain
from delegations.evm.engine import ANSWERS, Outcome, as_engine
from delegations.evm.pyevm import StockPyEvmEngine
from delegations.evm.select import differences, make_engine
from delegations.simulation import simulate
from delegations.simulation.simulate import VERDICT_NEEDS, judge
from tests.differential.call_scenarios import CALLS
from tests.differential.enforcer_parts import ADDRESSES
from tests.differential.framework_scenarios import FRAMEWORK
from tests.differential.mining import Miner
from tests.differential.scene import Scene
from tests.differential.table import PYEVM, SCENARIOS, answer_of, meaning, steps
from tests.enforcers import test_limits, test_limits_spend
from tests.enforcers.harness import CHAIN_ID, attempt_on, grant, said, set_stage

STOCK, ANVIL = as_engine(StockPyEvmEngine()), make_engine("anvil")


def test_the_table_is_as_large_as_it_should_be():
    assert len(SCENARIOS) >= 150
    for name in ADDRESSES:
        short = name.removesuffix("Enforcer")
        assert sum(title.startswith(f"{short}: ") for title in SCENARIOS) > 4, (
            f"{short} has only the scenarios all enforcers have"
        )


@pytest.mark.parametrize("name", SCENARIOS)
def test_three_engines_give_the_same_answer(name):
    asked = 0
    for chain, ask in steps(name):
        ours, stock, anvil = (answer_of(engine, chain, ask) for engine in (PYEVM, STOCK, ANVIL))
        assert list(differences(ours, stock, world=chain.world)) == []
        assert list(differences(ours, anvil, world=chain.world)) == []
        if ask.expect:
            assert meaning(chain, ask, ours) == ask.expect
        if ask.redemptions is not None:
            verdicts = [
                judge(chain.world, chain.manager, ask.redemptions, ask.redeemer, answer)
                for answer in (ours, stock, anvil)
                if isinstance(answer, Outcome)
            ]
            assert verdicts == verdicts[:1] * 3
        asked += 1
    assert asked


@pytest.fixture(scope="module")
def miner() -> Iterator[Miner]:
    miner = Miner(CHAIN_ID)
    yield miner
    miner.close()


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_dry_run_says_what_the_mined_transaction_then_does(name, miner):
    for chain, ask in steps(name):
        block = miner.block_of(chain.block)
        (asked,) = ANVIL.execute_many(chain.world, block, [ask.transaction], needs=VERDICT_NEEDS)
        if isinstance(asked, ExecutionError):
            continue
        mined = miner.mine(chain.world, block, ask.transaction)
        assert list(differences(asked, mined, VERDICT_NEEDS)) == []
        if ask.redemptions is not None:
            verdicts = [
                judge(chain.world, chain.manager, ask.redemptions, ask.redeemer, outcome) for outcome in (asked, mined)
            ]
            assert verdicts[0] == verdicts[1]


CASES = [*test_limits.CASES, *test_limits_spend.CASES]


@pytest.mark.parametrize(("make", "tries"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_limits_of_the_enforcers_lie_where_both_engines_say(make, tries):
    stage = set_stage()
    stage.chain.engine = make_engine("both")
    delegation = grant([make(stage).to_caveat()])
    for build, expected in tries:
        assert said(attempt_on(stage.chain, delegation, build(stage))) == expected


def test_the_matrix_of_refusals_is_refused_for_the_same_reason_before_and_after():
    refused = set()
    for name in SCENARIOS:
        for chain, ask in steps(name):
            if ask.redemptions is None or ask.expect in ("allowed", ""):
                continue
            dry = LocalChain(CHAIN_ID, timestamp=chain.timestamp, block_number=chain.block_number, engine=ANVIL)
            dry.world = chain.world
            verdict = simulate(dry, ask.redemptions, redeemer=ask.redeemer, gas=ask.transaction.gas)
            assert verdict.denial is not None
            assert f"{verdict.denial.stage} {verdict.denial.reason}" == ask.expect
            refused.add((verdict.denial.enforcer_name, verdict.denial.reason))
    assert len(refused) > 100


def test_a_hundred_at_a_time_is_what_they_are_one_by_one():
    asks = []
    for name in [*FRAMEWORK.scripts, *CALLS.scripts]:
        scene = Scene()
        asks.append(next(iter(SCENARIOS[name](scene))))
    base = Scene().chain
    transactions = [ask.transaction for ask in asks]
    together = ANVIL.execute_many(base.world, base.block, transactions, needs=ANSWERS)
    apart = [ANVIL.execute_many(base.world, base.block, [one], needs=ANSWERS)[0] for one in transactions]
    ours = PYEVM.execute_many(base.world, base.block, transactions)
    for one, other, third in zip(together, apart, ours, strict=True):
        assert list(differences(one, other, world=base.world)) == []
        assert list(differences(one, third, world=base.world)) == []


def test_carried_state_is_carried_the_same():
    scene = Scene()
    asks = [*SCENARIOS["LimitedCalls: twice"](scene), *SCENARIOS["value and tokens move"](Scene())]
    transactions = [ask.transaction for ask in asks]
    for needs in (VERDICT_NEEDS, ANSWERS, frozenset()):
        ours, anvil = (
            engine.execute_many(scene.chain.world, scene.chain.block, transactions, carry=True, needs=needs)
            for engine in (PYEVM, ANVIL)
        )
        for one, other in zip(ours, anvil, strict=True):
            assert list(differences(one, other, needs)) == []
    assert [answer.success for answer in ours if isinstance(answer, Outcome)][:3] == [True, True, False]
