#!/usr/bin/env python3
"""Show that simulating for long takes no memory: the resident memory before and after many simulations in one process.

    make leak

The redemption is that of the benchmark, on the embedded engine: one delegation, four caveats, and each time
either a native transfer that is allowed or one that is denied, at a time of its own, so that nothing can be answered
from memory.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from caveats import Execution
from delegations import redeem, simulate
from scripts.bench_engines import make_workload

WARM_UP = 1_000


def resident_kb() -> int:
    """Return the resident memory of this process in KiB, after what is garbage was collected."""
    gc.collect()
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError as error:
        raise SystemExit("bench_leak: expected /proc/self/status, got none (it runs on Linux)") from error
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def measure(count: int) -> dict[str, float]:
    """Return the memory before and after `count` simulations, and what they took."""
    work = make_workload()
    chain, allowed = work.chain, work.redemption
    (execution,) = allowed.executions
    denied = redeem(allowed.context, Execution(target=execution.target, value=10**18 + 1))

    def run(times: int) -> None:
        for number in range(times):
            chain.timestamp += 1
            verdict = simulate(chain, denied if number % 2 else allowed)
            assert verdict.allowed == (number % 2 == 0)

    run(WARM_UP)  # every cache is as full as it gets
    before, start = resident_kb(), time.perf_counter()
    run(count)
    seconds, after = time.perf_counter() - start, resident_kb()
    return {
        "simulations": count,
        "before_kb": before,
        "after_kb": after,
        "growth_kb": after - before,
        "seconds": seconds,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    options = parser.parse_args()
    seen = measure(options.count)
    if options.json:
        print(json.dumps(seen))
    else:
        print(
            "{simulations} simulations in {seconds:.0f} s: {before_kb} KiB before, {after_kb} KiB after".format(**seen)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
