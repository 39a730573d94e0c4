"""The pytest plugin, beside an eth-tester fixture that deploys the same contracts."""

from __future__ import annotations

from scripts.figures.harness import Measured, Parts, figure


@figure("us")
def chain_test_overhead() -> Parts:
    """What a chain adds to a test; the peer's contracts stand before, or are deployed anew for each."""
    from scripts.bench_plugin import PEERS, overhead

    ours = overhead("delegations_chain")
    return [
        Measured(1e6 * ours, f"eth-tester, {how}", overhead("peer", setting, count=count) / ours, of=how)
        for how, setting, count in PEERS
    ]


@figure("ms")
def plugin_start() -> Measured:
    """What the plugin adds to pytest's start."""
    from scripts.bench_plugin import start_seconds

    seconds, heavy = start_seconds()
    return Measured(1e3 * seconds, beside={"heavy_modules": heavy})
