"""Run random programs on py-evm's own machine and on ours, and compare all that can be seen.

    python scripts/fuzz_evm.py --programs 100000 --seed 1

Compared per program: success, gas, output, logs, refund, error class and gas of every frame, and the changed state.
Exits with 1 when anything differs; each line names a seed, which is enough to run that program again.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import Counter
from multiprocessing import Pool, cpu_count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from delegations.evm.engine import Outcome
from tests.differential.machines import BLOCKS, FAST, compare

_CHUNK = 200
_SEED_STRIDE = 10_000_000


def examine(seeds: range) -> tuple[list[str], Counter[str]]:
    """Return the differences of some programs, and what they did."""
    # py-evm's own machine warns of the opcode's future each time a contract executes it
    warnings.filterwarnings("ignore", message="SELFDESTRUCT opcode", category=DeprecationWarning)
    found: list[str] = []
    done: Counter[str] = Counter()
    for seed in seeds:
        outcome, differences, is_known = compare(seed, FAST, BLOCKS)
        found += differences
        done["programs"] += 1
        done["with a known fault of py-evm"] += is_known
        if not isinstance(outcome, Outcome):
            done["refused"] += 1
            continue
        done[outcome.error or "success"] += 1
        done["logs"] += len(outcome.logs)
        done["accounts wiped"] += len(outcome.diff.wiped)
        for frame in outcome.frame.walk():
            done["frames"] += 1
            done[f"frames {frame.kind}"] += 1
            done["frames failed"] += frame.error is not None
    return found, done


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1, help="programs of different seeds are different")
    parser.add_argument("--workers", type=int, default=cpu_count())
    arguments = parser.parse_args()
    first = arguments.seed * _SEED_STRIDE
    chunks = [
        range(start, min(start + _CHUNK, first + arguments.programs))
        for start in range(first, first + arguments.programs, _CHUNK)
    ]
    started, found, done = time.monotonic(), 0, Counter[str]()
    with Pool(arguments.workers, maxtasksperchild=50) as pool:
        for differences, counted in pool.imap_unordered(examine, chunks):
            done += counted
            found += len(differences)
            for line in differences:
                print(line[:2_000], flush=True)
            if done["programs"] % 10_000 < _CHUNK:
                print(f"{done['programs']} programs, {found} differences", file=sys.stderr, flush=True)
    print(", ".join(f"{count} {what}" for what, count in sorted(done.items())))
    print(f"{done['programs']} programs on 2 machines in {time.monotonic() - started:.0f} s: {found} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
