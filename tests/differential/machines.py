"""Runs a scenario on two machines and says where they differ."""

from __future__ import annotations

import random
from typing import Any, ClassVar, NamedTuple

from eth.exceptions import OutOfGas
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.shanghai.constants import MAX_INITCODE_SIZE
from eth.vm.stack import to_int

from caveats.errors import DelegationsError
from delegations.evm.blocks import BlocksComputation
from delegations.evm.engine import BlockEnv, Outcome, Transaction
from delegations.evm.fastloop import FastComputation
from delegations.evm.pyevm import PyEvmEngine
from delegations.evm.world import World
from tests.differential.programs import BLOCK
from tests.differential.scenarios import Scenario, scenario_of


def _mended_create(opcode: int) -> Any:
    create = PragueComputation.opcodes[opcode]

    def mended(computation: Any) -> None:
        sizes = computation._stack.values[-3:-2]
        if sizes and to_int(sizes[0]) > MAX_INITCODE_SIZE and not computation.msg.is_static:
            raise OutOfGas("init code too long")
        create(computation)

    return mended


class MendedComputation(PragueComputation):
    """py-evm's own machine without its two known faults, both in creations and both told apart by the specification.

    See test_a_delegated_sender_pays_for_init_code_once, test_init_code_that_is_too_long_halts_without_funds_too.
    """

    opcodes: ClassVar[dict[int, Any]] = {
        **PragueComputation.opcodes,
        0xF0: _mended_create(0xF0),
        0xF5: _mended_create(0xF5),
    }

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


class Comparison(NamedTuple):
    """What came of one program.

    Attributes:
        outcome: on py-evm's own machine, or why it was refused.
        differences: one line for each machine that differs.
        is_known: a known fault of py-evm's machine shows; `differences` are then those from the mended one.
    """

    outcome: Outcome | str
    differences: list[str]
    is_known: bool


def compare(seed: int, *machines: Machine) -> Comparison:
    """Run the scenario of a seed on py-evm's machine and on others; many of them run out of gas midway."""
    scenario = scenario_of(seed)
    rnd = random.Random(~seed)  # noqa: S311  # reproducible
    if rnd.random() < 0.4:
        ample = machines[0].observe(scenario.world, BLOCK, scenario.transaction)[0]
        if isinstance(ample, Outcome):
            scenario = scenario.with_gas(rnd.randint(min(scenario.least_gas, ample.gas_used), ample.gas_used))
    expected = STOCK.observe(scenario.world, BLOCK, scenario.transaction)
    outcome = expected[0]
    seen = [machine.observe(scenario.world, BLOCK, scenario.transaction) for machine in machines]
    is_known = False
    if any(got != expected for got in seen):
        mended = MENDED.observe(scenario.world, BLOCK, scenario.transaction)
        is_known, expected = mended != expected, mended
    return Comparison(outcome, [explain(scenario, expected, got) for got in seen if got != expected], is_known)


def explain(scenario: Scenario, expected: Observed, got: Observed) -> str:
    """Return one line naming what differs first."""
    where = f"seed {scenario.seed}, gas {scenario.transaction.gas}"
    if isinstance(expected[0], str) or isinstance(got[0], str):
        return f"{where}: expected {expected[0]}, got {got[0]}"
    for name in ("success", "error", "gas_used", "output", "logs", "diff", "created", "frame"):
        if getattr(expected[0], name) != getattr(got[0], name):
            return f"{where}: {name}: expected {getattr(expected[0], name)}, got {getattr(got[0], name)}"
    return f"{where}: refund and errors: expected {expected[1:]}, got {got[1:]}"
