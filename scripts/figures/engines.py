"""Engines beside each other: what they cost, and what was compared; a difference that no test explains is an error."""

from __future__ import annotations

import json
import re
import sys

from scripts.figures.harness import FigureError, Measured, Missing, Parts, figure, run


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
def scenarios_on_three_engines() -> Parts:
    """The whole table, each engine beside the embedded one."""
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
    return [
        Measured(len(SCENARIOS), of=f"{PYEVM.name} and {other.name}", beside={"transactions": asked})
        for other in (STOCK, ANVIL)
    ]


@figure("cases")
def generated_on_the_engines() -> Parts:
    """Generated redemptions on three engines, and programs on two; on py-evm's own machine see random_programs."""
    from caveats.errors import ExecutionError
    from delegations.evm.engine import ANSWERS, Capability
    from delegations.evm.select import differences
    from tests.differential.generated import Draw
    from tests.differential.programs import BLOCK
    from tests.differential.scenarios import scenario_of
    from tests.differential.test_engines_generated import ANVIL, PYEVM, STOCK

    asked = refused = 0
    for seed in range(60):
        draw = Draw(seed)
        chain = draw.scene.chain
        for number in range(10):
            transaction = draw.ask().transaction
            one, *others = (e.execute_many(chain.world, chain.block, [transaction])[0] for e in (PYEVM, STOCK, ANVIL))
            for engine, other in zip((STOCK, ANVIL), others, strict=True):
                for part, *said in differences(one, other, world=chain.world):
                    raise FigureError(f"redemptions of seed {seed}: {engine.name} differs in {part}: {said}")
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
    parts: Parts = [
        Measured(asked, of=f"redemptions, {PYEVM.name} and {other.name}", beside={"refused": refused})
        for other in (STOCK, ANVIL)
    ]
    return [*parts, Measured(600, of=f"programs, {PYEVM.name} and {ANVIL.name}")]


@figure("tests")
def explained_differences() -> Parts:
    """Where engines tell the same thing in two ways, or one is wrong: a named test for each, run now."""
    folder = "tests/differential"
    fault = f"{folder}/test_fastloop.py::test_a_delegated_sender_pays_for_init_code_once"
    told = run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-rA", "--no-header", "-p", "no:randomly", "-p", "no:xdist"),
            *(fault, f"{folder}/test_engine_differences.py"),
        ]
    )
    passed = re.findall(r"^PASSED \S+?::test_(\w+)", told, re.MULTILINE)
    if not passed:
        raise FigureError(f"the tests of the differences did not run: {told[-200:]}")
    return [Measured(len(passed)), *(Measured(1, of=name.replace("_", " ")) for name in passed)]


@figure("transactions", is_cold=True)
def on_the_executable_specification() -> Parts:
    """The embedded engine and the block-compiling one against EELS; a difference is an error."""
    from scripts.bench_engines import EELS_PYTHON

    if not EELS_PYTHON.exists():
        return [Missing("execution specification (EELS)", "not installed (make eels installs it)")]
    told = json.loads(run([sys.executable, "scripts/eels_oracle.py", "--python", str(EELS_PYTHON), "--json"]))
    differences = told.pop("differences")
    parts: Parts = [Measured(counts.pop("transactions"), of=title, beside=counts) for title, counts in told.items()]
    return [*parts, Measured(differences, of="differences", is_fault=True)]
