"""Runs a scenario on two machines and says where they differ."""

from __future__ import annotations

import random
from typing import Any

from eth.vm.forks.prague.computation import PragueComputation

from caveats.errors import DelegationsError
from delegations.evm.blocks import BlocksComputation
from delegations.evm.engine import BlockEnv, Outcome, Transaction
from delegations.evm.fastloop import FastComputation
from delegations.evm.pyevm import PyEvmEngine
from delegations.evm.world import World
from tests.differential.programs import BLOCK
from tests.differential.scenarios import Scenario, scenario_of


class MendedComputation(PragueComputation):
    """py-evm's own machine, but for one charge: see test_a_delegated_sender_pays_for_init_code_once."""

    @classmethod
    def consume_initcode_gas_cost(cls, computation: Any) -> None:
        if computation.msg.depth == 0:
            super().consume_initcode_gas_cost(computation)


class _Watched(PyEvmEngine):
    """An engine that keeps the computation of the last transaction."""

    def __init__(self, computation_class: type[PragueComputation]) -> None:
        self.computation_class = computation_class
        self.computation: Any = None

    def compute(self, state: Any, message: Any, origin: bytes) -> Any:
        self.computation = super().compute(state, message, origin)
        return self.computation


Observed = tuple[Outcome | str, int, list[str | None]]


class Machine:
    """One way to run transactions, and all that can be seen of a run."""

    def __init__(self, computation_class: type[PragueComputation]) -> None:
        self.engine = _Watched(computation_class)

    def observe(self, world: World, block: BlockEnv, transaction: Transaction) -> Observed:
        """Return the outcome (or the error), the refund and the error class of each frame."""
        self.engine.computation = None
        try:
            outcome: Outcome | str = self.engine.execute(world, block, transaction)
        except DelegationsError as error:
            outcome = f"{type(error).__name__}: {error}"
        computation = self.engine.computation
        if computation is None:
            return outcome, 0, []
        return outcome, computation.get_gas_refund(), list(_error_classes(computation))


def _error_classes(computation: Any) -> Any:
    yield type(computation.error).__name__ if computation.is_error else None
    for child in computation.children:
        yield from _error_classes(child)


STOCK = Machine(PragueComputation)
MENDED = Machine(MendedComputation)
FAST = Machine(FastComputation)
BLOCKS = Machine(BlocksComputation)


def compare(seed: int, *machines: Machine) -> tuple[list[str], Outcome | str]:
    """Run the scenario of a seed on py-evm's machine and on others; many of them run out of gas midway.

    Returns:
        One line for each machine that differs; and the outcome.
    """
    scenario = scenario_of(seed)
    rnd = random.Random(~seed)  # noqa: S311  # reproducible
    if rnd.random() < 0.4:
        ample = machines[0].observe(scenario.world, BLOCK, scenario.transaction)[0]
        if isinstance(ample, Outcome):
            scenario = scenario.with_gas(rnd.randint(min(scenario.least_gas, ample.gas_used), ample.gas_used))
    oracle = MENDED if scenario.world.code(scenario.transaction.sender) else STOCK
    expected = oracle.observe(scenario.world, BLOCK, scenario.transaction)
    seen = [machine.observe(scenario.world, BLOCK, scenario.transaction) for machine in machines]
    return [explain(scenario, expected, got) for got in seen if got != expected], expected[0]


def explain(scenario: Scenario, expected: Observed, got: Observed) -> str:
    """Return one line naming what differs first."""
    where = f"seed {scenario.seed}, gas {scenario.transaction.gas}"
    if isinstance(expected[0], str) or isinstance(got[0], str):
        return f"{where}: expected {expected[0]}, got {got[0]}"
    for name in ("success", "error", "gas_used", "output", "logs", "diff", "created", "frame"):
        if getattr(expected[0], name) != getattr(got[0], name):
            return f"{where}: {name}: expected {getattr(expected[0], name)}, got {getattr(got[0], name)}"
    return f"{where}: refund and errors: expected {expected[1:]}, got {got[1:]}"
