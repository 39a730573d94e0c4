#!/usr/bin/env python3
"""Measures decoding on one core: logs only beside eth_abi and the TypeScript kit on the same contexts, and with traces.

    python scripts/bench_decode.py [--check]

The transactions are mined on anvil first: single redemptions under one and under four caveats, and the test corpus.
With --check it fails below 20,000 redemptions a second and twice eth_abi for logs, and 700 transactions a second for
traces.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from eth_abi.abi import decode as eth_abi_decode

from caveats import AllowedTargets, Execution, LimitedCalls, Timestamp
from caveats.spend.native_token_transfer_amount import NativeTokenTransferAmount
from delegations.receipts.decode import decode_redemptions
from delegations.redemption import redeem
from delegations.simulation.simulate import redeem_transaction
from tests.conformance.node import find_node
from tests.enforcers.harness import AGENT, CHAIN_ID, SHOP, START_AT, grant, set_stage
from tests.receipts_corpus.make import make_corpus
from tests.receipts_corpus.recorder import Mined, Recorder

_DELEGATIONS = "(address,address,bytes32,(address,bytes,bytes)[],uint256,bytes)[]"
_ROUNDS = 9


class Row(NamedTuple):
    """What was measured on one sample, per second; None where a peer cannot do the sample."""

    label: str
    logs: float
    eth_abi: float | None
    kit: float | None
    traced: float


def mine(caveats: int, count: int) -> list[Mined]:
    """Return `count` transactions, each with one redemption under so many caveats."""
    chain = set_stage().chain
    terms = [
        NativeTokenTransferAmount(max_amount_wei=10**18),
        AllowedTargets(targets=(SHOP,)),
        LimitedCalls(limit=10),
        Timestamp(after_at=1, before_at=START_AT + 10**6),
    ]
    recorder = Recorder(CHAIN_ID)
    try:
        mined = []
        for salt in range(count):
            given = grant([t.to_caveat() for t in terms[:caveats]], salt=salt)
            sent = redeem_transaction(chain, (redeem(given, Execution(target=SHOP, value=1)),), AGENT)
            mined.append(recorder.record(chain.world, recorder.block_of(chain.block), sent))
    finally:
        recorder.close()
    return mined


def by_eth_abi(sample: Sequence[Mined]) -> int:
    """Decode the calldata down to delegations and executions with eth_abi; return how many redemptions."""
    found = 0
    for mined in sample:
        data = bytes.fromhex(mined.tx["input"][10:])
        contexts, _modes, blobs = eth_abi_decode(["bytes[]", "bytes32[]", "bytes[]"], data)
        for context, blob in zip(contexts, blobs, strict=True):
            eth_abi_decode([_DELEGATIONS], context)
            _ = blob[:20], int.from_bytes(blob[20:52], "big"), blob[52:]
            found += 1
    return found


def by_logs(sample: Sequence[Mined]) -> int:
    """Decode transactions and their logs; return how many redemptions."""
    found = 0
    for mined in sample:
        for redemption in decode_redemptions(mined.tx, mined.receipt).redemptions:
            found += len(redemption.chain) >= 0
    return found


def by_trace(sample: Sequence[Mined]) -> int:
    """Decode transactions with their traces and build every value; return how many transactions."""
    for mined in sample:
        for redemption in decode_redemptions(mined.tx, mined.receipt, trace=mined.trace).redemptions:
            _ = redemption.lineage, redemption.executions, redemption.enforcer_events, redemption.hashes
    return len(sample)


def by_kit(sample: Sequence[Mined]) -> float:
    """Return how many contexts a second the TypeScript kit decodes in node, a context being less than a redemption."""
    contexts: list[str] = []
    for mined in sample:
        (listed,) = eth_abi_decode(["bytes[]"], bytes.fromhex(mined.tx["input"][10:]))
        contexts += ["0x" + context.hex() for context in listed]
    script = Path(__file__).resolve().parent / "bench" / "decode_kit.mjs"
    ran = subprocess.run(
        [find_node(), str(script)], input=json.dumps(contexts), capture_output=True, text=True, check=True
    )
    return float(ran.stdout)


def measure() -> Iterator[Row]:
    """Yield a row for single redemptions under one and under four caveats, and for the corpus."""
    corpus = [case.mined for case in make_corpus()]
    for label, sample in (("one caveat", mine(1, 200)), ("four caveats", mine(4, 200)), ("the corpus", corpus)):
        single = label != "the corpus"
        yield Row(
            label,
            logs=rate(by_logs, sample),
            eth_abi=rate(by_eth_abi, sample) if single else None,
            kit=by_kit(sample) if single else None,
            traced=rate(by_trace, sample),
        )


def rate(work: Callable[[Sequence[Mined]], int], sample: Sequence[Mined]) -> float:
    """Return how many things are done in a second of this core's time, in the round least disturbed by others."""
    rates = []
    for _ in range(_ROUNDS):
        start = time.process_time()
        done = sum(work(sample) for _ in range(3))
        rates.append(done / (time.process_time() - start))
    return max(rates)


def main() -> int:
    """Print the figures; with --check return 1 where one is below its floor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    good = True
    print("redemptions a second: logs only    eth_abi    ratio    the kit    ratio    transactions a second, traced")
    for row in measure():
        beside = "".join(
            f"{peer:11,.0f} {row.logs / peer:8.1f}" if peer else f"{'-':>11} {'-':>8}"
            for peer in (row.eth_abi, row.kit)
        )
        print(f"{row.label:14} {row.logs:16,.0f}{beside} {row.traced:25,.0f}")
        good &= row.traced >= 700 and (row.eth_abi is None or (row.logs >= 20_000 and row.logs >= 2 * row.eth_abi))
    return 0 if good or not check else 1


if __name__ == "__main__":
    sys.exit(main())
