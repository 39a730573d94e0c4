"""Engines beside each other: what they cost, and what was compared; a difference that no test explains is an error."""

from __future__ import annotations

import json
import re
import sys

from scripts.figures.harness import ROOT, FigureError, Measured, Missing, Parts, figure, run


@figure("ms")
def redemption_by_engine() -> Parts:
    """The redemption of the benchmark on every engine there is, in one run."""
    from scripts.bench_engines import run_benchmark, times_ours

    rows = run_benchmark(rounds=9)
    ratios, raw = times_ours(rows), {row.name: row.ms for row in rows if row.times}.get("anvil: raw eth_simulateV1")
    parts: Parts = []
    for row in rows:
        if not row.times:
            parts.append(Missing(row.name, row.why))
            continue
        beside = {"times_pyevm": round(ratios[row.name], 3)}
        if raw is not None and row.name.startswith("anvil"):
            beside["times_raw"] = round(row.ms / raw, 3)
        parts.append(Measured(row.ms, of=row.name, beside=beside))
    return parts


@figure("KiB", is_cold=True)
def growth_over_100000_simulations() -> Measured:
    told = json.loads(run([sys.executable, "scripts/bench_leak.py", "--json"]))
    return Measured(told["growth_kb"], beside={name: told[name] for name in ("simulations", "before_kb", "after_kb")})


@figure("programs", is_cold=True)
def random_programs() -> Measured:
    """Random programs on py-evm's machine and on both of ours: gas, output, logs, refund, frames and state."""
    told = run([sys.executable, "scripts/fuzz_evm.py", "--programs", "100000"])
    found = re.search(r"^(\d+) programs on 2 machines in \d+ s: 0 differences$", told, re.MULTILINE)
    if found is None:
        raise FigureError(f"fuzz_evm.py says something else: {told[-200:]}")
    counted = {what: int(number) for number, what in re.findall(r"(\d+) ([a-z][\w' -]*)(?:,|$)", told.splitlines()[-2])}
    known = counted.get("with a known fault of py-evm", 0)
    return Measured(int(found[1]), beside={"with_a_known_fault_of_py_evm": known, "frames": counted.get("frames", 0)})


@figure("scenarios")
def scenarios_on_three_engines() -> Measured:
    from delegations.evm.select import differences
    from tests.differential.test_engines import ANVIL, PYEVM, SCENARIOS, STOCK, answer_of, steps

    asked = 0
    for name in SCENARIOS:
        for chain, ask in steps(name):
            asked += 1
            answer = answer_of(PYEVM, chain, ask)
            for other in (STOCK, ANVIL):
                for part, *said in differences(answer, answer_of(other, chain, ask), world=chain.world):
                    raise FigureError(f"{name}: {other.name} differs in {part}: {said}")
    return Measured(len(SCENARIOS), beside={"transactions": asked, "engines": 3})


@figure("cases")
def generated_on_two_engines() -> Parts:
    """Generated redemptions and programs on the embedded engine and on anvil."""
    from caveats.errors import ExecutionError
    from delegations.evm.engine import ANSWERS, Capability
    from delegations.evm.select import differences
    from tests.differential.generated import Draw
    from tests.differential.programs import BLOCK
    from tests.differential.scenarios import scenario_of
    from tests.differential.test_engines_generated import ANVIL, PYEVM

    asked = refused = 0
    for seed in range(60):
        draw = Draw(seed)
        chain = draw.scene.chain
        for number in range(10):
            transaction = draw.ask().transaction
            one, other = (e.execute_many(chain.world, chain.block, [transaction])[0] for e in (PYEVM, ANVIL))
            for part, *said in differences(one, other, world=chain.world):
                raise FigureError(f"redemptions of seed {seed}: they differ in {part}: {said}")
            asked += 1
            refused += isinstance(one, ExecutionError) or not one.success
            if not isinstance(one, ExecutionError):
                chain.world.apply(one.diff)
                chain.block_number += 1
                chain.timestamp += 30 * (number % 3 == 2)
    for seed in range(600):
        scenario = scenario_of(seed)
        one, other = (e.execute_many(scenario.world, BLOCK, [scenario.transaction])[0] for e in (PYEVM, ANVIL))
        for part, *said in differences(one, other, ANSWERS - {Capability.CALL_TREE}, world=scenario.world):
            raise FigureError(f"program {seed}: they differ in {part}: {said}")
    return [Measured(asked, of="redemptions", beside={"refused": refused}), Measured(600, of="programs")]


@figure("differences")
def explained_differences() -> Measured:
    """Where engines tell the same thing in two ways, or one is wrong: one named test for each."""
    tests = (ROOT / "tests" / "differential" / "test_engines_generated.py").read_text()
    _, marker, explained = tests.partition("# the differences there are\n")
    if not marker:
        raise FigureError("test_engines_generated.py: expected the section of the differences, found none")
    return Measured(explained.count("\ndef test_"))
