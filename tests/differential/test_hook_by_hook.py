"""Who denied, asked of an engine that tells no calls: as the tree says, or less; lack of gas may pass for a failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from caveats import ERC20TransferAmount, Execution, LimitedCalls
from caveats.errors import UnsupportedError
from caveats.registry import EnforcerRegistry
from delegations.evm import BlockEnv, LocalChain, Outcome, Transaction, World
from delegations.evm.engine import Answer, Capability
from delegations.evm.select import make_engine
from delegations.redemption import redeem
from delegations.simulation import Denial, simulate
from delegations.simulation.hook_by_hook import Probe
from delegations.simulation.simulate import chain_facts, judge
from tests.differential.test_engines import SCENARIOS, answer_of, steps
from tests.enforcers.harness import AGENT, SHOP, grant, set_stage, transfer

PYEVM = make_engine("pyevm")
NOTHING: frozenset[Capability] = frozenset()


class Blind:
    """An engine that tells success and return data only; with `carries`, a sequence on carried state too."""

    name = "blind"

    def __init__(self, *, carries: bool, told: frozenset[Capability] = NOTHING) -> None:
        self.carries, self.capabilities = carries, told | {Capability.BLOCK}

    def _seen(self, answer: Answer) -> Answer:
        if not isinstance(answer, Outcome):
            return answer
        parts = {"success": answer.success, "output": answer.output}
        if Capability.LOGS in self.capabilities:
            parts["logs"] = answer.logs
        return Outcome.partial(**parts)

    def execute(
        self, world: World, block: BlockEnv, transaction: Transaction, *, needs: frozenset[Capability] | None = None
    ) -> Outcome:
        seen = self._seen(PYEVM.execute(world, block, transaction))
        assert isinstance(seen, Outcome)
        return seen

    def execute_many(
        self,
        world: World,
        block: BlockEnv,
        transactions: Sequence[Transaction],
        *,
        carry: bool = False,
        needs: frozenset[Capability] | None = None,
    ) -> list[Answer]:
        if carry and not self.carries:
            raise UnsupportedError("engine blind: cannot carry state")
        return [self._seen(a) for a in PYEVM.execute_many(world, block, transactions, carry=carry)]


def place(denial: Denial) -> tuple[object, ...]:
    return (denial.stage, denial.context, denial.link, denial.caveat, denial.hook, denial.execution, denial.reason)


def is_less(guess: Denial, truth: Denial) -> bool:
    """Whether a denial says nothing that the call tree contradicts.

    A call that burns whatever gas it is given cannot be told from one that fails without data; it is no policy then.
    """
    if truth.stage == "gas":
        return not guess.is_policy
    same = guess.reason == truth.reason and guess.revert_data == truth.revert_data
    unplaced = guess.link is guess.caveat is guess.context is guess.execution is None
    return same and (unplaced or place(guess)[1:6] == place(truth)[1:6])


@pytest.mark.parametrize("carries", [True, False], ids=["carrying", "each alone"])
def test_hook_by_hook_says_what_the_call_tree_says(carries):
    found: Counter[str] = Counter()
    contradictions = []
    for name in SCENARIOS:
        for chain, ask in steps(name):
            answer = answer_of(PYEVM, chain, ask)
            if ask.redemptions is None or not isinstance(answer, Outcome) or answer.success:
                continue
            truth = judge(chain.world, chain.manager, ask.redemptions, ask.redeemer, answer).denial
            facts = chain_facts(chain.world, chain.manager)
            probe = Probe(
                Blind(carries=carries),
                chain.world,
                chain.block,
                chain.manager,
                ask.redemptions,
                ask.redeemer,
                facts,
                EnforcerRegistry(),
            )
            guess = probe.denial(ask.transaction, answer.output)
            if place(guess) == place(truth):
                found["same"] += 1
            else:
                found["less"] += 1
                if not is_less(guess, truth):
                    contradictions.append((name, place(guess), place(truth)))
    assert contradictions == []
    assert found["same"] > 200
    assert found["same"] / found.total() > (0.97 if carries else 0.9), found


def blind_stage(**options):
    stage = set_stage()
    stage.chain.engine = Blind(**options)
    return stage


def test_a_denial_is_placed_without_a_tree():
    stage = blind_stage(carries=True)
    delegation = grant(
        [LimitedCalls(limit=9).to_caveat(), ERC20TransferAmount(token=stage.token, max_amount=5).to_caveat()]
    )
    denial = simulate(stage.chain, redeem(delegation, transfer(stage.token, 6))).denial
    assert (denial.stage, denial.link, denial.caveat, denial.hook) == ("hook", 0, 1, "before")


def test_what_is_allowed_says_what_it_could_not_see():
    stage = blind_stage(carries=True)
    verdict = simulate(stage.chain, redeem(grant([LimitedCalls(limit=9).to_caveat()]), Execution(target=SHOP, value=1)))
    assert verdict.allowed
    assert (verdict.effects, verdict.gas_used) == (None, None)
    assert "tells neither calls nor logs" in verdict.warnings[0]


def test_with_logs_token_movements_are_known_and_native_ones_are_not():
    stage = blind_stage(carries=True, told=frozenset({Capability.LOGS}))
    verdict = simulate(stage.chain, redeem(grant([LimitedCalls(limit=9).to_caveat()]), transfer(stage.token, 3)))
    assert [move.amount for move in verdict.effects.movements] == [3]
    assert "native movements" in verdict.warnings[0]


def test_lack_of_gas_is_not_a_denial_without_a_tree_either():
    stage = blind_stage(carries=False)
    delegation = grant([LimitedCalls(limit=9).to_caveat()])
    denial = simulate(stage.chain, redeem(delegation, Execution(target=SHOP)), gas=100_000, redeemer=AGENT).denial
    assert (denial.stage, denial.is_policy) == ("gas", False)


def test_a_local_chain_takes_such_an_engine():
    assert LocalChain(1, engine=Blind(carries=True)).engine.name == "blind"
