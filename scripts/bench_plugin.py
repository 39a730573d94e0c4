#!/usr/bin/env python3
"""Measure what the pytest plugin costs: at the start of pytest, and for each test with a chain.

Prints one JSON line a figure: name, value, unit; with a peer also its name and `ratio`, the peer's time over ours. The
peer is an eth-tester fixture with the same contracts: the framework's creation code and the five tokens, deployed once
and reverted to a snapshot around each test, or deployed anew for each. What is measured is the time pytest reports for
set-up, call and tear-down of a test that does nothing, less that of one without fixtures; medians.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CONFTEST = """
import json, pytest
times = {}

def pytest_runtest_logreport(report):
    times[report.nodeid] = times.get(report.nodeid, 0) + report.duration

def pytest_sessionfinish(session):
    # the first test pays for what is made once in a session
    session.config.stash["times"] = list(times.values())[1:]

def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line("TIMES " + json.dumps(terminalreporter.config.stash["times"]))
"""
PEER = """
import pytest
from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.backends.pyevm.main import get_default_genesis_params
from delegations.evm.chain import contract_code
from delegations.framework.artifact import load_framework
from eth_abi.abi import encode

TOKENS = ("TestToken", "FeeToken", "SilentToken", "RevertingToken", "ReentrantToken")
CODES = [contract.init_code for contract in load_framework().bundled()]
CODES += [contract_code(name) + encode(["string", "string", "uint8"], ["Token", "TOKEN", 18]) for name in TOKENS]

def deployed():
    params = get_default_genesis_params({"gas_limit": 36_000_000})
    tester = EthereumTester(PyEVMBackend(genesis_parameters=params))
    sender = tester.get_accounts()[0]
    for code in CODES:
        digest = tester.send_transaction({"from": sender, "data": "0x" + code.hex(), "gas": 16_000_000})
        assert tester.get_transaction_receipt(digest)["status"] == 1
    return tester
"""
PEER_SNAPSHOT = (
    PEER
    + """
@pytest.fixture(scope="session")
def base():
    return deployed()

@pytest.fixture
def peer(base):
    mark = base.take_snapshot()
    yield base
    base.revert_to_snapshot(mark)
"""
)
PEER_ANEW = (
    PEER
    + """
@pytest.fixture
def peer():
    return deployed()
"""
)

PEERS = (("snapshot and revert", PEER_SNAPSHOT, 100), ("deployed anew", PEER_ANEW, 3))
"""How eth-tester is used, with which settings, and over how many tests."""


def seconds_per_test(count: int, fixture: str = "", setting: str = "") -> float:
    """Return the median seconds of one of `count` tests that ask for a fixture and do nothing."""
    with tempfile.TemporaryDirectory(prefix="bench-plugin-") as folder:
        Path(folder, "conftest.py").write_text(CONFTEST + setting)
        tests = "".join(f"def test_{n}({fixture}): pass\n" for n in range(count + 1))
        Path(folder, "test_nothing.py").write_text(tests)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", folder]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)
    lines = [line for line in done.stdout.splitlines() if line.startswith("TIMES ")]
    if done.returncode or not lines:
        raise SystemExit(f"scripts/bench_plugin.py: the tests failed: {done.stdout[-500:]}{done.stderr[-500:]}")
    return statistics.median(json.loads(lines[0].removeprefix("TIMES ")))


def overhead(fixture: str, setting: str = "", *, count: int = 300) -> float:
    """Return the seconds a fixture adds to a test."""
    return seconds_per_test(count, fixture, setting) - seconds_per_test(300)


def start_seconds() -> tuple[float, int]:
    """Return the seconds that importing the plugin adds to pytest's start, and how many heavy modules it loads."""
    code = (
        "import pytest, sys, time; start = time.perf_counter(); import delegations.testing.plugin;"
        "heavy = [m for m in ('eth', 'web3', 'hypothesis', 'eth_account', 'delegations.evm') if m in sys.modules];"
        "print(time.perf_counter() - start, len(heavy))"
    )
    seen = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(5)]
    return statistics.median(float(run.stdout.split()[0]) for run in seen), int(seen[0].stdout.split()[1])


def measure() -> list[dict[str, object]]:
    """Return the figures, each as its line."""
    ours = overhead("delegations_chain")
    start, heavy = start_seconds()
    lines: list[dict[str, object]] = [
        {"name": "plugin_start", "value": round(1e3 * start, 1), "unit": "ms", "heavy_modules": heavy}
    ]
    for how, setting, count in PEERS:
        theirs = overhead("peer", setting, count=count)
        line = {"name": "chain_test_overhead", "value": round(1e6 * ours, 1), "unit": "us"}
        lines.append({**line, "peer": f"eth-tester, {how}", "ratio": round(theirs / ours, 1)})
    return lines


if __name__ == "__main__":
    for line in measure():
        print(json.dumps(line), flush=True)
