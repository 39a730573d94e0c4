"""Compare the embedded engine with the Ethereum Execution Layer Specification, Prague.

    make eels

Redemptions on the official bytecode, allowed and denied, and random programs: success, gas, output, logs and the whole
state afterwards. The specification runs in an environment of its own (scripts/eels_worker.py). Exits with 1 when
anything differs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from caveats.errors import ExecutionError
from delegations.evm.blocks import BlocksEngine
from delegations.evm.engine import BlockEnv, Outcome, PlainEngine, Transaction, as_engine
from delegations.evm.pyevm import PyEvmEngine
from delegations.evm.world import EMPTY_ACCOUNT, AccountState, World
from delegations.framework.constants import EIP7702_PREFIX
from tests.differential.programs import BLOCK, CONTRACTS, SENDER
from tests.differential.redemptions import four_caveats
from tests.differential.scenarios import scenario_of
from tests.enforcers.harness import attempt_on, grant, set_stage
from tests.enforcers.test_limits import CASES

Question = tuple[str, World, BlockEnv, Transaction]


class Recorder:
    """An engine that keeps what it was asked."""

    name = "recorder"

    def __init__(self) -> None:
        self.asked: list[tuple[World, BlockEnv, Transaction]] = []

    def execute(self, world: World, block: BlockEnv, transaction: Transaction) -> Outcome:
        self.asked.append((world.copy(), block, transaction))
        return PyEvmEngine().execute(world, block, transaction)


def redemptions() -> Iterator[Question]:
    """Yield the redemption of the figures, and those of the limit cases, each on what its predecessors left."""
    chain, _, transaction = four_caveats()
    yield "four caveats", chain.world, chain.block, transaction
    for name, terms, attempts in CASES:
        stage, recorder = set_stage(), Recorder()
        stage.chain.engine = as_engine(recorder)
        delegation = grant([terms(stage).to_caveat()])
        for attempt, _ in attempts:
            attempt_on(stage.chain, delegation, attempt(stage))
        for index, asked in enumerate(recorder.asked):
            yield f"{name} [{index}]", *asked


def programs(count: int, seed: int) -> Iterator[Question]:
    """Yield random programs with ample gas, and each with gas that ends midway."""
    for number in range(seed * 1_000_000, seed * 1_000_000 + count):
        scenario = scenario_of(number)
        yield f"program {number}", scenario.world, BLOCK, scenario.transaction
        less = scenario.with_gas(scenario.least_gas + number * 7_919 % 60_000)
        yield f"program {number}, gas {less.transaction.gas}", less.world, BLOCK, less.transaction


def creations() -> Iterator[Question]:
    """Yield the two creations that py-evm's own machine gets wrong.

    A delegated sender that creates in a frame of its own pays twice there; init code that is too long, without the
    funds it is to be given, does not halt there.
    """
    world = World()
    world.accounts[bytes(SENDER)] = AccountState(10**18, 1, EIP7702_PREFIX + CONTRACTS[0])
    world.accounts[bytes(CONTRACTS[0])] = AccountState(0, 1, bytes.fromhex("60405f5ff000"))
    yield "a delegated sender creates", world, BLOCK, Transaction(SENDER, SENDER, gas=200_000)
    world = world.copy()
    world.accounts[bytes(CONTRACTS[0])] = AccountState(0, 1, bytes.fromhex("61c0015f6001f000"))
    yield "too much init code", world, BLOCK, Transaction(SENDER, CONTRACTS[0], gas=200_000)


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


def answer_of(engine: PlainEngine, world: World, block: BlockEnv, transaction: Transaction) -> dict[str, Any]:
    """Return an engine's answer in the worker's form."""
    try:
        outcome = engine.execute(world, block, transaction)
    except ExecutionError:
        return {"refused": True}
    after = world.copy()
    after.apply(outcome.diff)
    return {
        "success": outcome.success,
        "reverted": outcome.error == "revert",
        "gas_used": outcome.gas_used,
        "output": outcome.output.hex(),
        "logs": [[bytes(log.address).hex(), [t.hex() for t in log.topics], log.data.hex()] for log in outcome.logs],
        "accounts": write_state(after),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, required=True, help="the Python that has ethereum-execution")
    parser.add_argument("--programs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    specification, engines = Specification(arguments.python), (PyEvmEngine(), BlocksEngine())
    started, differences = time.monotonic(), 0
    for title, questions in (
        ("redemptions", redemptions()),
        ("creations", creations()),
        ("programs", programs(arguments.programs, arguments.seed)),
    ):
        asked = succeeded = 0
        for what, world, block, transaction in questions:
            expected = specification.ask(world, block, transaction)
            asked, succeeded = asked + 1, succeeded + bool(expected.get("success"))
            for engine in engines:
                got = answer_of(engine, world, block, transaction)
                for part in expected.keys() | got.keys():
                    if expected.get(part) != got.get(part):
                        differences += 1
                        print(
                            f"{engine.name}, {what}: {part}: expected {expected.get(part)}, got {got.get(part)}"[:900]
                        )
        print(f"{title}: {asked} compared, {succeeded} of them succeed")
    specification.close()
    print(f"{differences} differences in {time.monotonic() - started:.0f} s")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
