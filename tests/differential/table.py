"""The table of scenarios, and what comes of each question in it. Any engine may be asked; none but ours is needed."""

from __future__ import annotations

from collections.abc import Iterator

from caveats.errors import ExecutionError
from delegations.evm import LocalChain
from delegations.evm.engine import Answer, Engine, Outcome
from delegations.evm.select import make_engine
from delegations.framework.reverts import decode_revert
from delegations.simulation.simulate import judge
from tests.differential.call_scenarios import CALLS
from tests.differential.enforcer_scenarios import ENFORCER_SCENARIOS
from tests.differential.framework_scenarios import FRAMEWORK
from tests.differential.scene import Ask, Scene, Script

SCENARIOS: dict[str, Script] = {**FRAMEWORK.scripts, **CALLS.scripts, **ENFORCER_SCENARIOS.scripts}
PYEVM = make_engine("pyevm")


def answer_of(engine: Engine, chain: LocalChain, ask: Ask) -> Answer:
    (answer,) = engine.execute_many(chain.world, chain.block, [ask.transaction])
    return answer


def meaning(chain: LocalChain, ask: Ask, answer: Answer) -> str:
    """What the table writes of an answer."""
    if isinstance(answer, ExecutionError):
        return "cannot enter"
    if ask.redemptions is None:
        reason = decode_revert(answer.output)
        return "success" if answer.success else f"{answer.error} {reason.reason or reason.name}".strip()
    verdict = judge(chain.world, chain.manager, ask.redemptions, ask.redeemer, answer)
    return "allowed" if verdict.denial is None else f"{verdict.denial.stage} {verdict.denial.reason}"


def steps(name: str) -> Iterator[tuple[LocalChain, Ask]]:
    """Yield each question of a scenario with the chain it is put on; its effects are kept for the next."""
    scene = Scene()
    for ask in SCENARIOS[name](scene):
        yield scene.chain, ask
        answer = answer_of(PYEVM, scene.chain, ask)
        if isinstance(answer, Outcome):
            scene.chain.world.apply(answer.diff)
        scene.chain.block_number += 1
