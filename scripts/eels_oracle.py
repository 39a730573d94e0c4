"""Compare the embedded engine with the Ethereum Execution Layer Specification, Prague.

    make eels

The whole table of scenarios, the limits of the enforcers, generated redemptions, creations and random programs:
success, gas, output or revert data, logs, call tree and the whole state afterwards; of redemptions also the verdict,
given on the specification's own call tree. The specification runs in an environment of its own
(scripts/eels_worker.py). Exits with 1 when anything differs.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from caveats.errors import ExecutionError
from caveats.types import Address
from delegations.evm import LocalChain
from delegations.evm.blocks import BlocksEngine
from delegations.evm.engine import (
    ANSWERS,
    Answer,
    BlockEnv,
    CallFrame,
    Capability,
    Engine,
    Log,
    Outcome,
    Transaction,
    as_engine,
)
from delegations.evm.pyevm import PyEvmEngine
from delegations.evm.select import differences
from delegations.evm.world import EMPTY_ACCOUNT, AccountState, World
from delegations.framework.constants import EIP7702_PREFIX
from delegations.simulation.simulate import judge
from tests.differential.generated import Draw
from tests.differential.programs import BLOCK, CONTRACTS, SENDER
from tests.differential.redemptions import four_caveats
from tests.differential.scenarios import scenario_of
from tests.differential.scene import Ask
from tests.differential.table import SCENARIOS, answer_of, meaning, steps
from tests.enforcers import test_limits, test_limits_spend
from tests.enforcers.harness import attempt_on, grant, set_stage

_ASKS = 10
_TOLD = ANSWERS - {Capability.STATE_DIFF}
# What the specification and py-evm say of the same frame, each with a test of its own in test_engine_differences:
_EXPLAINED = {
    # a write in a static call that also lacks gas: "fails for either reason"
    ("error", "out of gas", "halt"),
    # a contract that static calls itself to delegatecall: "is told in two ways"
    ("kind", "DELEGATECALL", "STATICCALL"),
}


class Question(NamedTuple):
    """One transaction on one world; with what stands in the table about it, where a verdict can be given."""

    what: str
    world: World
    block: BlockEnv
    transaction: Transaction
    chain: LocalChain | None = None
    ask: Ask | None = None


class Recorder:
    """An engine that keeps what it was asked."""

    name = "recorder"

    def __init__(self) -> None:
        self.asked: list[tuple[World, BlockEnv, Transaction]] = []

    def execute(self, world: World, block: BlockEnv, transaction: Transaction) -> Outcome:
        self.asked.append((world.copy(), block, transaction))
        return PyEvmEngine().execute(world, block, transaction)


def on_chain(what: str, chain: LocalChain, ask: Ask) -> Question:
    return Question(what, chain.world, chain.block, ask.transaction, chain, ask)


def scenarios(names: list[str]) -> Iterator[Question]:
    """Yield each transaction of these scenarios, on what its predecessors left."""
    for name in names:
        for index, (chain, ask) in enumerate(steps(name)):
            yield on_chain(f"{name} [{index}]", chain, ask)


def limits() -> Iterator[Question]:
    """Yield the redemption of the figures, and those of the limit cases, each on what its predecessors left."""
    chain, _, transaction = four_caveats()
    yield Question("four caveats", chain.world, chain.block, transaction)
    for name, terms, attempts in [*test_limits.CASES, *test_limits_spend.CASES]:
        stage, recorder = set_stage(), Recorder()
        stage.chain.engine = as_engine(recorder)
        delegation = grant([terms(stage).to_caveat()])
        for attempt, _ in attempts:
            attempt_on(stage.chain, delegation, attempt(stage))
        for index, asked in enumerate(recorder.asked):
            yield Question(f"{name} [{index}]", *asked)


def generated(count: int, seed: int) -> Iterator[Question]:
    """Yield random redemptions, ten after another on each chain."""
    engine = as_engine(PyEvmEngine())
    for number in range(seed * 1_000_000, seed * 1_000_000 + count):
        draw = Draw(number)
        chain = draw.scene.chain
        for index in range(_ASKS):
            ask = draw.ask()
            yield on_chain(f"redemption {number} [{index}]", chain, ask)
            answer = answer_of(engine, chain, ask)
            if isinstance(answer, Outcome):
                chain.world.apply(answer.diff)
                chain.block_number += 1
                chain.timestamp += 30 * (index % 3 == 2)


def programs(count: int, seed: int) -> Iterator[Question]:
    """Yield random programs with ample gas, and each with gas that ends midway."""
    for number in range(seed * 1_000_000, seed * 1_000_000 + count):
        scenario = scenario_of(number)
        for one in (scenario, scenario.with_gas(scenario.least_gas + number * 7_919 % 60_000)):
            what = f"program {number}, gas {one.transaction.gas}"
            yield Question(what, one.world, BLOCK, one.transaction)


def creations() -> Iterator[Question]:
    """Yield the two creations that py-evm's own machine gets wrong.

    A delegated sender that creates in a frame of its own pays twice there; init code that is too long, without the
    funds it is to be given, does not halt there.
    """
    world = World()
    world.accounts[bytes(SENDER)] = AccountState(10**18, 1, EIP7702_PREFIX + CONTRACTS[0])
    world.accounts[bytes(CONTRACTS[0])] = AccountState(0, 1, bytes.fromhex("60405f5ff000"))
    yield Question("a delegated sender creates", world, BLOCK, Transaction(SENDER, SENDER, gas=200_000))
    world = world.copy()
    world.accounts[bytes(CONTRACTS[0])] = AccountState(0, 1, bytes.fromhex("61c0015f6001f000"))
    yield Question("too much init code", world, BLOCK, Transaction(SENDER, CONTRACTS[0], gas=200_000))


class Specification:
    """The specification in its own process."""

    def __init__(self, python: Path) -> None:
        self._process = subprocess.Popen(
            [python, Path(__file__).with_name("eels_worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, world: World, block: BlockEnv, transaction: Transaction) -> dict[str, Any]:
        question = {
            "accounts": write_state(world),
            "block": {
                "chain_id": block.chain_id,
                "gas_limit": block.gas_limit,
                "coinbase": bytes(block.coinbase).hex(),
                "number": block.number,
                "base_fee": block.base_fee_wei,
                "timestamp": block.timestamp,
                "prevrandao": block.prevrandao.hex(),
            },
            "transaction": {
                "sender": bytes(transaction.sender).hex(),
                "to": bytes(transaction.to).hex() if transaction.to is not None else "",
                "data": transaction.data.hex(),
                "value": transaction.value,
                "gas": transaction.gas,
            },
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def write_state(world: World) -> dict[str, Any]:
    """Return a world as the worker reads and writes it; accounts that are empty are no accounts (EIP-161)."""
    return {
        address.hex(): {
            "nonce": account.nonce,
            "balance": account.balance,
            "code": account.code.hex(),
            "storage": {str(slot): value for slot, value in world.slots.get(address, {}).items()},
        }
        for address, account in world.accounts.items()
        if account != EMPTY_ACCOUNT
    }


def read_logs(told: list[Any]) -> tuple[Log, ...]:
    return tuple(
        Log(Address(bytes.fromhex(address)), tuple(map(bytes.fromhex, topics)), bytes.fromhex(data))
        for address, topics, data in told
    )


def read_frame(told: list[dict[str, Any]]) -> CallFrame:
    """Return the call tree of frames written in call order; they are read from the last, so children come first."""
    waiting: dict[int, list[CallFrame]] = {}
    for frame in reversed(told):
        waiting.setdefault(frame["depth"], []).append(
            CallFrame(
                kind=frame["kind"],
                sender=Address(bytes.fromhex(frame["sender"])),
                to=Address(bytes.fromhex(frame["to"])),
                code_address=Address(bytes.fromhex(frame["code_address"])),
                value=frame["value"],
                input=bytes.fromhex(frame["input"]),
                output=bytes.fromhex(frame["output"]),
                gas=frame["gas"],
                gas_used=frame["gas_used"],
                error=frame["error"],
                children=tuple(reversed(waiting.pop(frame["depth"] + 1, []))),
                logs=read_logs(frame["logs"]),
            )
        )
    (top,) = waiting[0]
    return top


def read_answer(told: dict[str, Any]) -> Answer:
    """Return what the specification answered as an engine would, without the state."""
    if "refused" in told:
        return ExecutionError("the transaction cannot enter a block")
    frame = read_frame(told["frames"])
    return Outcome.partial(
        success=told["success"],
        output=bytes.fromhex(told["output"]),
        gas_used=told["gas_used"],
        logs=read_logs(told["logs"]),
        error=told["error"],
        frame=frame,
        created=frame.to if told["success"] and frame.kind == "CREATE" else None,
    )


def compare(question: Question, engine: Engine, told: dict[str, Any], expected: Answer) -> Iterator[str]:
    """Yield a line for all in which an engine differs from the specification; an empty one where that is explained."""
    world, chain, ask = question.world, question.chain, question.ask
    (got,) = engine.execute_many(world, question.block, [question.transaction])
    for part, theirs, ours in differences(expected, got, _TOLD):
        name = part.rpartition(".")[2]
        is_explained = name in ("error", "kind") and (name, theirs, ours) in _EXPLAINED
        yield "" if is_explained else f"{part}: expected {theirs}, got {ours}"
    if isinstance(got, ExecutionError) or isinstance(expected, ExecutionError):
        return
    after = world.copy()
    after.apply(got.diff)
    if (state := write_state(after)) != told["accounts"]:
        changed = [who for who in state.keys() | told["accounts"] if state.get(who) != told["accounts"].get(who)]
        yield f"state: of {', '.join(sorted(changed))}"
    if chain is not None and ask is not None and ask.redemptions is not None:
        theirs, ours = (
            judge(world, chain.manager, ask.redemptions, ask.redeemer, answer) for answer in (expected, got)
        )
        if theirs != ours:
            yield f"verdict: expected {theirs}, got {ours}"


class Tally:
    """What was asked, and what came of it."""

    def __init__(self, specification: Specification, engines: list[Engine]) -> None:
        self.specification, self.engines, self.differences = specification, engines, 0

    def ask(self, questions: Iterator[Question]) -> dict[str, int]:
        """Put questions to all, print where they differ, and return the counts."""
        counts = Counter(transactions=0, succeed=0, verdicts=0, explained=0)
        for question in questions:
            told = self.specification.ask(question.world, question.block, question.transaction)
            expected = read_answer(told)
            ask, chain = question.ask, question.chain
            lines = []
            for engine in self.engines:
                found = list(compare(question, engine, told, expected))
                lines += [f"{engine.name}, {question.what}: {line}" for line in found if line]
                counts["explained"] += "" in found
            if ask is not None and chain is not None:
                counts["verdicts"] += ask.redemptions is not None and isinstance(expected, Outcome)
                if ask.expect and (meant := meaning(chain, ask, expected)) != ask.expect:
                    lines.append(f"the table, {question.what}: expected {meant}, got {ask.expect}")
            counts["transactions"] += 1
            counts["succeed"] += bool(told.get("success"))
            self.differences += len(lines)
            for line in lines:
                print(line[:900])
        return dict(counts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, required=True, help="the Python that has ethereum-execution")
    parser.add_argument("--scenarios", type=int, default=len(SCENARIOS), help="how many of the table; default all")
    parser.add_argument("--redemptions", type=int, default=60, help="chains of ten generated redemptions")
    parser.add_argument("--programs", type=int, default=1_000, help="random programs; each runs twice")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the counts as one JSON object")
    arguments = parser.parse_args()
    names, seed = list(SCENARIOS), arguments.seed
    if arguments.scenarios < len(names):
        names = random.Random(seed).sample(names, arguments.scenarios)  # noqa: S311  # a sample that can be had again
    tally = Tally(Specification(arguments.python), [as_engine(PyEvmEngine()), as_engine(BlocksEngine())])
    started, counts = time.monotonic(), {}
    for title, questions in (
        ("scenarios", scenarios(names)),
        ("limits", limits()),
        ("generated redemptions", generated(arguments.redemptions, seed)),
        ("creations", creations()),
        ("programs", programs(arguments.programs, seed)),
    ):
        counts[title] = tally.ask(questions)
        if title == "scenarios":
            counts[title] = {"scenarios": len(names), **counts[title]}
        if not arguments.json:
            print(f"{title}: {', '.join(f'{count} {what}' for what, count in counts[title].items())}", flush=True)
    tally.specification.close()
    if arguments.json:
        print(json.dumps({**counts, "differences": tally.differences}))
    else:
        print(f"{tally.differences} differences in {time.monotonic() - started:.0f} s")
    return 1 if tally.differences else 0


if __name__ == "__main__":
    sys.exit(main())
