#!/usr/bin/env python3
"""Time one redemption on every engine there is, ours and other people's, in one run.

    make bench

One delegation, four caveats, a native transfer, on the official bytecode; nothing is kept. All run the same bytes on
the same state, which holds what the transaction touches and no more, so that none pays for copying the rest. They take
turns, and the median of the rounds counts: a machine that slows down slows all of them. Ours give a full verdict,
effects included; each of the others gives less, as its row says, and must agree with ours in what it gives.

With --json one line for each engine: name, milliseconds, and its time over that of the embedded engine. A peer that is
not installed gets a line that says so.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from caveats import AllowedTargets, DelegationsError, Execution, LimitedCalls, NativeTokenTransferAmount, Timestamp
from caveats.types import Address
from delegations import LocalChain, create_delegation, redeem, sign_delegation, simulate
from delegations.evm import dev_account
from delegations.evm.anvil import AnvilEngine
from delegations.evm.blocks import BlocksEngine
from delegations.evm.engine import Capability, Outcome, Transaction, as_engine
from delegations.evm.pyevm import PyEvmEngine, StockPyEvmEngine
from delegations.evm.wire import block_overrides, simulate_payload, transaction_object
from delegations.evm.world import World
from delegations.redemption import Redemption
from delegations.simulation.simulate import redeem_transaction
from tests.engines.speed import Bare

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "scripts" / "bench"
BENCH_PYTHON = ROOT / ".make" / "bench" / "bin" / "python"
EELS_PYTHON = ROOT / ".make" / "eels" / "bin" / "python"

OURS = "pyevm"
ROUND_SECONDS = 0.25
SIMULATED = frozenset({Capability.GAS, Capability.LOGS, Capability.ERROR})
EXPIRES_AT = 4_102_444_800  # 2100-01-01: eth-tester's clock is the machine's
HUNDRED = 100


class PeerError(Exception):
    """A peer is not there, or broke down."""


@dataclass
class Row:
    """One engine.

    Attributes:
        name: of the engine, and how it is asked.
        gives: what one call returns.
        run: does it a number of times and returns the seconds that took.
        weight: redemptions in one call.
        times: milliseconds of one redemption, round by round.
        why: why it could not be measured.
    """

    name: str
    gives: str
    run: Callable[[int], float] | None
    weight: int = 1
    times: list[float] = field(default_factory=list)
    why: str = ""

    @property
    def ms(self) -> float:
        return statistics.median(self.times)


# the workload


@dataclass(frozen=True)
class Workload:
    """The redemption, the chain it is put on, and what comes of it."""

    chain: LocalChain
    redemption: Redemption
    transaction: Transaction
    outcome: Outcome

    def on(self, engine: Any) -> LocalChain:
        """Return the same chain on another engine."""
        chain = self.chain.copy()
        chain.engine = as_engine(engine)
        return chain

    def question(self) -> dict[str, Any]:
        """Return the state and the transaction as the peers read them; what JavaScript would round is text."""
        world, block = self.chain.world, self.chain.block
        assert self.transaction.to is not None
        return {
            "accounts": {
                address.hex(): {
                    "nonce": account.nonce,
                    "balance": str(account.balance),
                    "code": account.code.hex(),
                    "storage": {str(slot): f"{value:064x}" for slot, value in world.slots.get(address, {}).items()},
                }
                for address, account in world.accounts.items()
            },
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
                "sender": bytes(self.transaction.sender).hex(),
                "to": bytes(self.transaction.to).hex(),
                "data": self.transaction.data.hex(),
                "value": self.transaction.value,
                "gas": self.transaction.gas,
            },
        }


def make_workload() -> Workload:
    """Return the redemption every figure is taken from."""
    alice, agent, shop = (Address(dev_account(i).address) for i in range(3))
    chain = LocalChain(1)
    chain.add_delegator(alice)
    chain.fund(agent)  # eth-tester makes the caller pay for its gas
    caveats = [
        AllowedTargets(targets=(shop,)),
        NativeTokenTransferAmount(max_amount_wei=10**18),
        Timestamp(before_at=EXPIRES_AT),
        LimitedCalls(limit=5),
    ]
    unsigned = create_delegation(delegator=alice, delegate=agent, caveats=caveats, salt=0)
    grant = sign_delegation(unsigned, dev_account(0), chain_id=1, manager=chain.manager)
    redemption = redeem(grant, Execution(target=shop, value=1))
    transaction = redeem_transaction(chain, [redemption], agent)
    outcome = PyEvmEngine().execute(chain.world, chain.block, transaction)
    touched = {bytes(a) for frame in outcome.frame.walk() for a in (frame.sender, frame.to, frame.code_address)}
    touched |= {code[3:] for a in touched if len(code := chain.world.code(a)) == 23}
    chain.world = World(
        {a: account for a, account in chain.world.accounts.items() if a in touched},
        {a: slots for a, slots in chain.world.slots.items() if a in touched},
    )
    return Workload(chain, redemption, transaction, outcome)


# the engines


def timed(call: Callable[[], object]) -> Callable[[int], float]:
    """Return a function that makes a number of calls and returns the seconds they took."""

    def run(count: int) -> float:
        start = time.perf_counter()
        for _ in range(count):
            call()
        return time.perf_counter() - start

    return run


def verdicts(work: Workload, engine: Any) -> Callable[[], object]:
    """Return a call that simulates the redemption on an engine. Raises PeerError when it gives another verdict."""
    chain, expected = work.on(engine), simulate(work.on(PyEvmEngine()), work.redemption)
    verdict = simulate(chain, work.redemption)
    if not verdict.allowed or verdict != expected:
        raise PeerError(f"{chain.engine.name} gives another verdict: {verdict}")
    return lambda: simulate(chain, work.redemption)


class Peer:
    """A peer in a process of its own."""

    def __init__(self, command: list[str], work: Workload) -> None:
        # ours tells eth-hash to use the fast keccak; a peer chooses as it does when nobody tells it
        told = {
            name: value for name, value in os.environ.items() if name not in ("ETH_HASH_BACKEND", "ECC_BACKEND_CLASS")
        }
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=BENCH, env=told)
        self._outcome = work.outcome
        self._tell(json.dumps(work.question()))

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return  # what it wrote to standard error says more

    def __call__(self, count: int) -> float:
        """Return the seconds of `count` calls. Raises PeerError when it broke down or says something else than ours."""
        self._tell(str(count))
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            *_, last = ["it said nothing", *self._process.communicate()[1].splitlines()]
            raise PeerError(f"broke down: {last}")
        said = json.loads(line)
        logs = [[bytes(log.address).hex(), [t.hex() for t in log.topics], log.data.hex()] for log in self._outcome.logs]
        ours = {"success": self._outcome.success, "gas_used": self._outcome.gas_used, "logs": logs}
        differing = [name for name in ours.keys() & said.keys() if ours[name] != said[name]]
        if differing:
            name = min(differing)
            raise PeerError(f"differs in {name}: expected {ours[name]}, got {said[name]}"[:300])
        return float(said["seconds"])

    def close(self) -> None:
        if self._process.poll() is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()


def peer_rows(work: Workload, peers: list[Peer]) -> list[Row]:
    """Return the rows of other people's engines; one that is not there says so."""
    full = "success, gas, logs"
    listed = [
        ("stock py-evm, its own state and crypto", full, [BENCH_PYTHON, BENCH / "peers.py", "py-evm"], BENCH_PYTHON),
        ("eth-tester call", "return data", [BENCH_PYTHON, BENCH / "peers.py", "eth-tester"], BENCH_PYTHON),
        ("eth-tester call through web3", "return data", [BENCH_PYTHON, BENCH / "peers.py", "web3"], BENCH_PYTHON),
        ("@ethereumjs/evm 10, node", full, ["node", BENCH / "ethereumjs.mjs"], BENCH / "node_modules" / "@ethereumjs"),
        ("execution specification (EELS)", full, [EELS_PYTHON, BENCH / "eels.py"], EELS_PYTHON),
    ]
    rows = []
    for name, gives, command, needed in listed:
        if needed.exists():
            peers.append(Peer([str(part) for part in command], work))
            rows.append(Row(name, gives, peers[-1]))
        else:
            target = "make eels" if needed is EELS_PYTHON else "make bench"
            rows.append(Row(name, gives, None, why=f"not installed ({target} installs it)"))
    return rows


def anvil_rows(work: Workload, engine: AnvilEngine, opened: list[Bare]) -> list[Row]:
    """Return the rows of anvil, and of a bare request to the same process."""
    chain, asked = work.on(engine), work.transaction
    try:
        engine.execute(chain.world, chain.block, asked, needs=SIMULATED)
    except DelegationsError as error:
        return [Row("anvil", "", None, why=str(error))]
    (anvil,) = engine._anvils.values()
    payload = simulate_payload(block_overrides(chain.block), [transaction_object(asked)])
    body = {"jsonrpc": "2.0", "id": 0, "method": "eth_simulateV1", "params": [payload, "latest"]}
    bare = Bare(str(anvil.process._directory / "anvil.ipc"), body)
    opened.append(bare)
    hundred = [asked] * HUNDRED

    def one() -> object:
        return engine.execute(chain.world, chain.block, asked, needs=SIMULATED)

    def many(*, carry: bool) -> Callable[[], object]:
        return lambda: engine.execute_many(chain.world, chain.block, hundred, carry=carry, needs=SIMULATED)

    full = "success, gas, logs"
    return [
        Row("anvil: raw eth_simulateV1", "JSON", timed(bare)),
        Row("anvil: one", full, timed(one)),
        Row("anvil: one verdict", "verdict", timed(verdicts(work, engine))),
        Row("anvil: by the hundred", full, timed(many(carry=False)), HUNDRED),
        Row("anvil: by the hundred, carried", full, timed(many(carry=True)), HUNDRED),
    ]


# the run


def measure(rows: list[Row], rounds: int) -> None:
    """Let the engines take turns. One that breaks down keeps the reason instead of times."""
    counts: dict[str, int] = {}
    for number in range(-1, rounds):
        for row in rows:
            if row.run is None:
                continue
            try:
                if number < 0:
                    row.run(1)  # compiles, connects, fills caches
                    row.run(2)
                    counts[row.name] = max(1, min(200, int(ROUND_SECONDS / max(row.run(1), 1e-6))))
                else:
                    count = counts[row.name]
                    row.times.append(1000 * row.run(count) / count / row.weight)
            except (PeerError, DelegationsError) as error:
                row.run, row.times, row.why = None, [], str(error)


def run_benchmark(rounds: int) -> list[Row]:
    """Return every engine's row, measured."""
    work = make_workload()
    peers: list[Peer] = []
    opened: list[Bare] = []
    with AnvilEngine() as anvil:
        try:
            rows = [
                Row(OURS, "verdict", timed(verdicts(work, PyEvmEngine()))),
                Row("pyevm-blocks", "verdict", timed(verdicts(work, BlocksEngine()))),
                Row("py-evm's machine, our state and crypto", "verdict", timed(verdicts(work, StockPyEvmEngine()))),
                *peer_rows(work, peers),
                *anvil_rows(work, anvil, opened),
            ]
            measure(rows, rounds)
        finally:
            for connection in opened:
                connection.close()
            for peer in peers:
                peer.close()
    return rows


def times_ours(rows: list[Row]) -> dict[str, float]:
    """Return each engine's time over that of the embedded engine."""
    ours = next(row for row in rows if row.name == OURS)
    return {row.name: row.ms / ours.ms for row in rows if row.times and ours.times}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true", help="one line of JSON for each engine")
    options = parser.parse_args()
    rows = run_benchmark(options.rounds)
    ratios = times_ours(rows)
    if not options.json:
        print(f"{'one redemption on':42} {'ms':>9} {'x ' + OURS:>9}  one call gives")
    for row in rows:
        ratio = ratios.get(row.name)
        if options.json:
            line = {"name": row.name, "ms": round(row.ms, 3), "gives": row.gives} if row.times else {"error": row.why}
            print(json.dumps({"name": row.name, **line} | ({"times_pyevm": round(ratio, 3)} if ratio else {})))
        elif ratio is None:
            print(f"{row.name:42} {'-':>9} {'-':>9}  {row.why}")
        else:
            print(f"{row.name:42} {row.ms:9.3f} {ratio:9.2f}  {row.gives}")
    return 0 if all(row.times for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
