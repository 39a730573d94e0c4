"""How fast anvil answers through the engine, against a bare eth_simulateV1 on the same socket in the same run.

python -m tests.engines.speed
"""

from __future__ import annotations

import json
import socket
import statistics
import sys
import time
from collections.abc import Callable

from delegations.evm.anvil import AnvilEngine
from delegations.evm.engine import Capability
from delegations.evm.wire import block_overrides, simulate_payload, transaction_object
from delegations.simulation import Candidate, simulate, simulate_many
from tests.differential.redemptions import four_caveats

_ROUNDS, _CALLS = 15, 40
_SIMULATED = frozenset({Capability.GAS, Capability.LOGS, Capability.ERROR})


class Bare:
    """The least a client can be: one prepared request, one line read, parsed."""

    def __init__(self, path: str, request: object) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")
        self.request = request

    def __call__(self) -> object:
        self.socket.sendall(json.dumps(self.request).encode())
        return json.loads(self.lines.readline())

    def close(self) -> None:
        self.lines.close()
        self.socket.close()


def milliseconds(*calls: Callable[[], object]) -> list[float]:
    """Return the median milliseconds of each; they take turns."""
    seen: list[list[float]] = [[] for _ in calls]
    for _ in range(_ROUNDS):
        for call, times in zip(calls, seen, strict=True):
            start = time.perf_counter()
            for _ in range(_CALLS):
                call()
            times.append((time.perf_counter() - start) / _CALLS * 1000)
    return [statistics.median(times) for times in seen]


def main() -> None:
    chain, redemption, transaction = four_caveats()
    with AnvilEngine() as engine:
        engine.execute(chain.world, chain.block, transaction, needs=_SIMULATED)
        (anvil,) = engine._anvils.values()
        payload = simulate_payload(block_overrides(chain.block), [transaction_object(transaction)])
        body = {"jsonrpc": "2.0", "id": 0, "method": "eth_simulateV1", "params": [payload, "latest"]}
        bare = Bare(str(anvil.process._directory / "anvil.ipc"), body)
        chain.engine = engine
        hundred = [transaction] * 100
        single, raw, verdict = milliseconds(
            lambda: engine.execute(chain.world, chain.block, transaction, needs=_SIMULATED),
            bare,
            lambda: simulate(chain, redemption),
        )
        start = time.perf_counter()
        for _ in range(10):
            engine.execute_many(chain.world, chain.block, hundred, needs=_SIMULATED)
        apart = (time.perf_counter() - start) / 10 / 100 * 1000
        start = time.perf_counter()
        for _ in range(10):
            engine.execute_many(chain.world, chain.block, hundred, carry=True, needs=_SIMULATED)
        carried = (time.perf_counter() - start) / 10 / 100 * 1000
        start = time.perf_counter()
        simulate_many(chain, [Candidate(redemption)] * 500)
        verdicts = (time.perf_counter() - start) / 500 * 1000
        bare.close()
    figures = {
        "raw eth_simulateV1": raw,
        "one, ms": single,
        "one, times raw": single / raw,
        "one verdict, ms": verdict,
        "by the hundred, ms each": apart,
        "by the hundred with carried state, ms each": carried,
        "verdicts by the hundred, ms each": verdicts,
    }
    json.dump({name: round(value, 3) for name, value in figures.items()}, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
