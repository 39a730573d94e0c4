"""Generated redemptions on three engines, generated programs on two. Where engines differ: test_engine_differences.

The programs run on py-evm's own machine in test_fastloop.
"""

from __future__ import annotations

import pytest

from caveats.errors import ExecutionError
from delegations.evm import make_engine
from delegations.evm.engine import ANSWERS, Capability, Outcome, as_engine
from delegations.evm.pyevm import StockPyEvmEngine
from delegations.evm.select import differences
from delegations.simulation.simulate import judge
from tests.differential.generated import Draw
from tests.differential.programs import BLOCK
from tests.differential.scenarios import scenario_of

PYEVM, STOCK, ANVIL = make_engine("pyevm"), as_engine(StockPyEvmEngine()), make_engine("anvil")
ASKS, CHUNK = 10, 50


@pytest.mark.parametrize("seed", range(60))
def test_random_redemptions_come_out_the_same(seed):
    draw = Draw(seed)
    chain = draw.scene.chain
    for number in range(ASKS):
        ask = draw.ask()
        answers = [e.execute_many(chain.world, chain.block, [ask.transaction])[0] for e in (PYEVM, STOCK, ANVIL)]
        ours = answers[0]
        for other in answers[1:]:
            assert list(differences(ours, other, world=chain.world)) == [], (seed, number)
        if isinstance(ours, ExecutionError):
            continue
        verdicts = [judge(chain.world, chain.manager, ask.redemptions, ask.redeemer, answer) for answer in answers]
        assert verdicts == verdicts[:1] * 3, (seed, number)
        chain.world.apply(ours.diff)
        chain.block_number += 1
        chain.timestamp += 30 * (number % 3 == 2)


def test_the_random_redemptions_reach_what_they_are_for():
    seen: dict[str, set[str]] = {}
    for seed in range(20):
        draw = Draw(seed)
        chain = draw.scene.chain
        for _ in range(ASKS):
            ask = draw.ask()
            (answer,) = PYEVM.execute_many(chain.world, chain.block, [ask.transaction])
            if isinstance(answer, Outcome):
                verdict = judge(chain.world, chain.manager, ask.redemptions, ask.redeemer, answer)
                denial = verdict.denial
                seen.setdefault(denial.stage if denial else "allowed", set()).add(denial.reason if denial else "")
    assert seen.keys() >= {"allowed", "hook", "manager", "signature", "execution"}
    assert len(seen["hook"]) > 20


# programs


@pytest.mark.parametrize("chunk", range(12))
def test_random_programs_run_the_same(chunk):
    """Success, return and revert data, logs, gas and state; how the frames of a failed call ended is told elsewhere."""
    needs = ANSWERS - {Capability.CALL_TREE}
    unexplained = []
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        scenario = scenario_of(seed)
        ours, anvil = (e.execute_many(scenario.world, BLOCK, [scenario.transaction])[0] for e in (PYEVM, ANVIL))
        found = list(differences(ours, anvil, needs, world=scenario.world))
        unexplained += [(seed, difference) for difference in found[:1]]
    assert unexplained == []
