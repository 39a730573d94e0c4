#!/usr/bin/env python3
"""Measure every figure the documents name, on this machine and now. Nothing here is remembered.

Prints one JSON line a figure, as soon as it is measured: name, value, unit; with a peer also its name and `ratio`, the
peer's time over ours in the same run. A figure with several parts prints a line for each, and what counts beside the
value stands beside it under a name of its own. One that cannot be measured prints name and error, the others go on, and
the exit code is 1. To add one, write a function below, decorated with its unit; its name is the figure's name.
"""

from __future__ import annotations

import argparse
import json
import operator
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Measured:
    """A value, and how a peer did at the same task.

    Attributes:
        of: which part of the figure it is; empty when it is all of it.
        beside: what else was counted, by name.
    """

    value: float
    peer: str | None = None
    ratio: float | None = None
    of: str = ""
    beside: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Missing:
    """A part of a figure that could not be measured."""

    of: str
    why: str


Parts = list[Measured | Missing]


@dataclass(frozen=True)
class Figure:
    """How a figure is measured; a cold one installs everything anew and takes minutes."""

    unit: str
    is_cold: bool
    measure: Callable[[], Measured | Parts]


class FigureError(Exception):
    """A figure could not be measured."""


FIGURES: dict[str, Figure] = {}
_Measure = TypeVar("_Measure", bound=Callable[[], Measured | Parts])


def figure(unit: str, *, is_cold: bool = False) -> Callable[[_Measure], _Measure]:
    """Enter a function into the table of figures under its own name."""

    def enter(measure: _Measure) -> _Measure:
        FIGURES[measure.__name__] = Figure(unit, is_cold, measure)
        return measure

    return enter


# how to measure


def run(command: list[str], *, cwd: Path = ROOT) -> str:
    """Run a command as a person would from a fresh shell, and return what it printed. Raises FigureError."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(command, cwd=cwd, env=inherited, capture_output=True, text=True, check=False)
    if done.returncode:
        # make's own last line says only that something failed
        lines = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line and not line.startswith("make")]
        last = lines[-1] if lines else "it printed nothing"
        raise FigureError(f"{Path(command[0]).name} {command[-1][:60]}: exit code {done.returncode}: {last}")
    return done.stdout


def seconds_of(command: list[str], *, cwd: Path = ROOT) -> Measured:
    """Return the wall seconds of one run of a command."""
    start = time.perf_counter()
    run(command, cwd=cwd)
    return Measured(time.perf_counter() - start)


def median_over_processes(code: str, count: int = 5) -> float:
    """Return the median of the number that `code` prints in each of `count` fresh processes."""
    return statistics.median(float(run([sys.executable, "-c", code])) for _ in range(count))


def median_call(call: Callable[[], object], *, warm_up: int, count: int) -> float:
    """Return the median seconds of one call."""
    for _ in range(warm_up):
        call()
    times = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def against(
    peer: str,
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    *,
    same: Callable[[Any, Any], bool] = operator.eq,
) -> Measured:
    """Return the median microseconds of one call of ours, and the peer's over it. Both must give the same.

    Batches of the two take turns, so that a machine that slows down slows both.
    """
    if not same(ours(), theirs()):
        raise FigureError(f"{peer} gives another result")
    sums: tuple[list[float], list[float]] = ([], [])
    for _ in range(30):
        for call, seen in zip((ours, theirs), sums, strict=True):
            start = time.perf_counter()
            for _ in range(20):
                call()
            seen.append((time.perf_counter() - start) / 20)
    mine, other = (statistics.median(seen) for seen in sums)
    return Measured(mine * 1e6, peer, other / mine)


# make, with everything installed


@figure("s")
def make_demo() -> Measured:
    run(["make", "demo"])  # whatever is not installed yet is not what is measured
    return seconds_of(["make", "demo"])


@figure("s")
def make_test() -> Measured:
    run(["make", "framework"])
    return seconds_of(["make", "test"])


# make, from a fresh clone; the package managers keep their own caches


@contextmanager
def clone() -> Iterator[Path]:
    """Yield a clone of HEAD in which nothing is installed."""
    with tempfile.TemporaryDirectory(prefix="figures-") as folder:
        run(["git", "clone", "--quiet", str(ROOT), f"{folder}/checkout"])
        yield Path(folder, "checkout")


@figure("s", is_cold=True)
def make_demo_from_nothing() -> Measured:
    with clone() as checkout:
        return seconds_of(["make", "demo"], cwd=checkout)


@figure("s", is_cold=True)
def make_test_from_nothing() -> Measured:
    with clone() as checkout:
        return seconds_of(["make", "test"], cwd=checkout)


# verdicts

FIRST_VERDICT = """
import time
start = time.perf_counter()
import sys
sys.path.insert(0, "scripts")
from figures import native_workload
native_workload()()
print(time.perf_counter() - start)
"""


def native_workload() -> Callable[[], object]:
    """Return a simulation of one native payment: one delegation, four caveats, py-evm."""
    from caveats import AllowedTargets, Execution, LimitedCalls, NativeTokenTransferAmount, Timestamp
    from caveats.types import Address
    from delegations.evm import dev_account

    shop = Address(dev_account(2).address)
    return _workload(
        lambda chain, token: (
            [
                AllowedTargets(targets=(shop,)),
                NativeTokenTransferAmount(max_amount_wei=10**18),
                Timestamp(before_at=chain.timestamp + 86_400),
                LimitedCalls(limit=5),
            ],
            Execution(target=shop, value=1),
        )
    )


def token_workload() -> Callable[[], object]:
    """Return a simulation of one ERC-20 payment: one delegation, four caveats, py-evm."""
    from caveats import AllowedTargets, ERC20TransferAmount, Execution, LimitedCalls, Timestamp
    from delegations.evm import dev_account

    transfer = bytes.fromhex("a9059cbb") + bytes(12) + bytes.fromhex(dev_account(2).address[2:])
    return _workload(
        lambda chain, token: (
            [
                AllowedTargets(targets=(token,)),
                ERC20TransferAmount(token=token, max_amount=10**18),
                Timestamp(before_at=chain.timestamp + 86_400),
                LimitedCalls(limit=5),
            ],
            Execution(target=token, call_data=transfer + (1).to_bytes(32, "big")),
        ),
        with_token=True,
    )


def _workload(ask: Callable[[Any, Any], Any], *, with_token: bool = False) -> Callable[[], object]:
    from caveats.types import ZERO_ADDRESS, Address
    from delegations import LocalChain, create_delegation, redeem, sign_delegation, simulate
    from delegations.evm import dev_account

    alice, agent = (Address(dev_account(i).address) for i in range(2))
    chain = LocalChain(1, engine="pyevm")
    chain.add_delegator(alice)
    token = ZERO_ADDRESS
    if with_token:
        token = chain.deploy_token()
        chain.mint(token, alice, 10**18)
    caveats, execution = ask(chain, token)
    unsigned = create_delegation(delegator=alice, delegate=agent, caveats=caveats)
    grant = sign_delegation(unsigned, dev_account(0), chain_id=1, manager=chain.manager)

    def once() -> object:
        verdict = simulate(chain, redeem(grant, execution))
        if not verdict.allowed:
            raise FigureError(f"the workload was denied: {verdict.denial}")
        return verdict

    return once


@figure("ms")
def simulated_native_redemption_pyevm() -> Measured:
    return Measured(1e3 * median_call(native_workload(), warm_up=10, count=50))


@figure("ms")
def simulated_token_redemption_pyevm() -> Measured:
    return Measured(1e3 * median_call(token_workload(), warm_up=10, count=50))


@figure("s")
def first_verdict_in_a_fresh_process() -> Measured:
    return Measured(median_over_processes(FIRST_VERDICT))


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


# imports


def _import_ms(package: str) -> Measured:
    code = f"import time; start = time.perf_counter(); import {package}; print(1e3 * (time.perf_counter() - start))"
    return Measured(median_over_processes(code))


@figure("ms")
def import_caveats() -> Measured:
    return _import_ms("caveats")


@figure("ms")
def import_delegations() -> Measured:
    return _import_ms("delegations")


# bytes, hashes and signatures: a root delegation with four caveats


@dataclass(frozen=True)
class Papers:
    """One delegation, in our form and in the forms the peers take."""

    grant: Any
    account: Any
    typed_data: dict[str, Any]
    abi_type: str
    abi_value: tuple[Any, ...]


def papers() -> Papers:
    """Return the delegation whose bytes are measured."""
    from caveats import AllowedTargets, ERC20TransferAmount, LimitedCalls, Timestamp
    from caveats.types import Address
    from delegations import DELEGATION_MANAGER, create_delegation, sign_delegation
    from delegations.evm import dev_account

    alice, agent, token = (Address(dev_account(i).address) for i in range(3))
    caveats = [
        AllowedTargets(targets=(token,)),
        ERC20TransferAmount(token=token, max_amount=10**18),
        Timestamp(before_at=1_900_000_000),
        LimitedCalls(limit=5),
    ]
    unsigned = create_delegation(delegator=alice, delegate=agent, caveats=caveats, salt=2**255)
    grant = sign_delegation(unsigned, dev_account(0), chain_id=1, manager=DELEGATION_MANAGER)
    fields = {"delegate": "address", "delegator": "address", "authority": "bytes32", "caveats": "Caveat[]"}
    typed_data = {
        "domain": {
            "name": "DelegationManager",
            "version": "1",
            "chainId": 1,
            "verifyingContract": str(DELEGATION_MANAGER),
        },
        "primaryType": "Delegation",
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Delegation": [{"name": n, "type": t} for n, t in {**fields, "salt": "uint256"}.items()],
            "Caveat": [{"name": "enforcer", "type": "address"}, {"name": "terms", "type": "bytes"}],
        },
        "message": {
            "delegate": str(agent),
            "delegator": str(alice),
            "authority": bytes(grant.authority),
            "caveats": [{"enforcer": str(c.enforcer), "terms": c.terms} for c in grant.caveats],
            "salt": grant.salt,
        },
    }
    abi_value = (
        str(agent),
        str(alice),
        bytes(grant.authority),
        [(str(c.enforcer), c.terms, c.args) for c in grant.caveats],
        grant.salt,
        grant.signature,
    )
    abi_type = "(address,address,bytes32,(address,bytes,bytes)[],uint256,bytes)[]"
    return Papers(grant, dev_account(0), typed_data, abi_type, abi_value)


@figure("us")
def encode_context() -> Measured:
    from eth_abi.abi import encode

    from delegations import encode_context as ours

    given = papers()
    return against("eth_abi", lambda: ours([given.grant]), lambda: encode([given.abi_type], [[given.abi_value]]))


@figure("us")
def decode_context() -> Measured:
    from eth_abi.abi import decode

    from delegations import decode_context as ours
    from delegations import encode_context

    given = papers()
    context = encode_context([given.grant])
    return against("eth_abi", lambda: ours(context), lambda: decode([given.abi_type], context), same=_same_context)


@figure("us")
def decode_calldata() -> Parts:
    """redeemDelegations calldata of one redemption and of ten, contexts and executions included."""
    from eth_abi.abi import decode

    from delegations import Execution, decode_redeem_delegations, encode_redeem_delegations, redeem

    given = papers()
    redemption = redeem(given.grant, Execution(target=given.grant.delegate, value=1))

    def of(count: int) -> Measured:
        calldata = encode_redeem_delegations([redemption] * count)

        def theirs() -> list[Any]:
            contexts, modes, executions = decode(["bytes[]", "bytes32[]", "bytes[]"], calldata[4:])
            # a single execution is packed, not ABI encoded, so there is nothing left for the peer to do
            return [
                (decode([given.abi_type], context), mode, execution)
                for context, mode, execution in zip(contexts, modes, executions, strict=True)
            ]

        def same(ours: Any, other: Any) -> bool:
            return all(
                _same_context(r.context, context) and mode == r.mode.value and execution[:20] == r.executions[0].target
                for r, (context, mode, execution) in zip(ours, other, strict=True)
            )

        measured = against("eth_abi", lambda: decode_redeem_delegations(calldata), theirs, same=same)
        return replace(measured, of=str(count))

    return [of(1), of(10)]


def _same_context(ours: Any, theirs: Any) -> bool:
    plain = tuple(
        (
            str(d.delegate).lower(),
            str(d.delegator).lower(),
            bytes(d.authority),
            tuple((str(c.enforcer).lower(), c.terms, c.args) for c in d.caveats),
            d.salt,
            d.signature,
        )
        for d in ours
    )
    return (plain,) == theirs


@figure("us")
def hash_to_sign() -> Measured:
    from eth_account.messages import _hash_eip191_message, encode_typed_data

    from delegations import DELEGATION_MANAGER
    from delegations import hash_to_sign as ours

    given = papers()
    return against(
        "eth_account",
        lambda: bytes(ours(given.grant, chain_id=1, manager=DELEGATION_MANAGER)),
        lambda: bytes(_hash_eip191_message(encode_typed_data(full_message=given.typed_data))),
    )


@figure("us")
def sign_delegation() -> Measured:
    from delegations import DELEGATION_MANAGER
    from delegations import sign_delegation as ours

    given = papers()
    return against(
        "eth_account",
        lambda: ours(given.grant, given.account, chain_id=1, manager=DELEGATION_MANAGER).signature,
        lambda: bytes(given.account.sign_typed_data(full_message=given.typed_data).signature),
    )


# agreement with the TypeScript kit


@figure("cases")
def conformance_cases() -> Measured:
    from tests.conformance.cases import run_conformance

    return Measured(sum(run_conformance().values()))


@figure("us")
def caveat_codec() -> Parts:
    """Geometric means over the enforcers the kit knows: values to terms and back, and caveats built and read."""
    from tests.conformance.speed import mean_ratios, measure_speed

    timings = measure_speed()
    return [
        Measured(
            statistics.geometric_mean(timing.ours_us for timing in timings if timing.work == work),
            "the TypeScript packages in node",
            ratio,
            of=work,
        )
        for work, ratio in mean_ratios(timings).items()
    ]


@figure("redemptions/s")
def receipt_decoding() -> Parts:
    """Mined redemptions read from logs alone and with traces (transactions a second), on one core."""
    from scripts.bench_decode import measure

    parts: Parts = []
    for row in measure():
        for peer, rate in (("eth_abi", row.eth_abi), ("the TypeScript kit in node", row.kit)):
            if rate is not None:
                parts.append(Measured(row.logs, peer, row.logs / rate, of=f"logs, {row.label}, beside {peer}"))
        parts.append(Measured(row.traced, of=f"traced transactions, {row.label}"))
    return parts


@figure("transactions")
def receipt_corpus() -> Parts:
    """The corpus of mined transactions: how many redemptions came out how, and how many other than expected."""
    from collections import Counter

    from delegations.receipts.decode import decode_redemptions
    from tests.receipts_corpus.make import make_corpus
    from tests.receipts_corpus.reading import line

    found: Counter[str] = Counter()
    wrong = 0
    corpus = make_corpus()
    for case in corpus:
        redemptions = decode_redemptions(case.mined.tx, case.mined.receipt, trace=case.mined.trace).redemptions
        found.update(redemption.status for redemption in redemptions)
        wrong += case.expect is not None and tuple(map(line, redemptions)) != case.expect
    return [Measured(len(corpus), of="mined"), Measured(wrong, of="other than expected")] + [
        Measured(count, of=status) for status, count in sorted(found.items())
    ]


# engines against each other: what was compared; a difference that no test explains is an error


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


@figure("enforcers")
def enforcers_covered() -> Measured:
    """Enforcers of the framework a fresh local chain has code for."""
    from caveats import ENFORCERS
    from delegations import LocalChain
    from delegations.evm.stand_ins import STAND_INS

    world = LocalChain(1).world
    covered = [cls for cls in ENFORCERS if world.code(cls.ADDRESS)]
    return Measured(len(covered), beside={"of": len(ENFORCERS), "stand_ins": len(STAND_INS)})


# the command


def lines_of(name: str) -> list[dict[str, Any]]:
    """Return the lines of one figure, measured in this process."""
    parts = FIGURES[name].measure()
    return [_line(name, part) for part in (parts if isinstance(parts, list) else [parts])]


def _line(name: str, part: Measured | Missing) -> dict[str, Any]:
    line: dict[str, Any] = {"name": f"{name}: {part.of}" if part.of else name}
    if isinstance(part, Missing):
        return {**line, "error": part.why}
    line |= {"value": round(part.value, 3), "unit": FIGURES[name].unit}
    if part.peer is not None and part.ratio is not None:
        line |= {"peer": part.peer, "ratio": round(part.ratio, 2)}
    return line | part.beside


def lines_from_a_process(name: str) -> list[dict[str, Any]]:
    """Return the lines of one figure, measured in a process of its own: what one loads or breaks spares the others."""
    try:
        lines: list[dict[str, Any]] = json.loads(run([sys.executable, __file__, "--here", name]))
    except (FigureError, ValueError) as error:
        return [{"name": name, "error": str(error)}]
    return lines


def main() -> int:
    """Print the figures asked for; return 1 when one could not be measured."""
    parser = argparse.ArgumentParser(description="Measure the figures the documents name.")
    parser.add_argument("--cold", action="store_true", help="also those that install everything anew: minutes")
    parser.add_argument("--only", metavar="NAME", choices=FIGURES, action="append", help=", ".join(FIGURES))
    parser.add_argument("--here", choices=FIGURES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if options.here is not None:
        print(json.dumps(lines_of(options.here)))
        return 0
    names = options.only or [name for name in FIGURES if options.cold or not FIGURES[name].is_cold]
    failed = False
    for name in names:
        for line in lines_from_a_process(name):
            failed = failed or "error" in line
            print(json.dumps(line), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
