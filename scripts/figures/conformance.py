"""Agreement with the TypeScript kit."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
from collections import Counter

from scripts.figures.harness import ROOT, FigureError, Measured, Missing, Parts, figure


@figure("cases")
def conformance_cases() -> Measured:
    from tests.conformance.cases import run_conformance

    return Measured(sum(run_conformance().values()))


@figure("tests")
def conformance_disagreements() -> Parts:
    """Where the kit and this toolkit differ: a named test for each, run now; beside the total each by its name."""
    files = sorted(str(path) for path in (ROOT / "tests" / "conformance").glob("test_differences*.py"))
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "--no-header", "-p", "no:randomly", "-p", "no:xdist", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    seen = re.findall(r"^(PASSED|FAILED|ERROR) \S+?::test_(\w+)", ran.stdout, re.MULTILINE)
    passed = Counter(
        name for outcome, name in seen if outcome == "PASSED" and ("kit" in name or "core_package" in name)
    )
    failed = [name for outcome, name in seen if outcome != "PASSED"]
    if not passed:
        raise FigureError(f"the tests of the differences did not run: {ran.stdout[-200:]}{ran.stderr[-200:]}")
    parts: Parts = [Measured(len(passed), beside={"cases": passed.total()})]
    parts += [Measured(1, of=name.replace("_", " "), beside={"cases": count}) for name, count in passed.items()]
    return parts + [Missing(name.replace("_", " "), "the test of this difference failed") for name in failed]


@figure("us")
def caveat_codec() -> Parts:
    """Values to terms and back, and caveats built and read: geometric means over the enforcers the kit knows, then each
    caveat by itself as it is encoded and decoded."""
    from tests.conformance.speed import mean_ratios, measure_speed

    timings = measure_speed()
    peer = "the TypeScript packages in node"
    means: Parts = [
        Measured(
            statistics.geometric_mean(timing.ours_us for timing in timings if timing.work == work), peer, ratio, of=work
        )
        for work, ratio in mean_ratios(timings).items()
    ]
    return means + [
        Measured(
            timing.ours_us,
            peer,
            timing.ratio,
            of=f"{timing.work} {timing.kind}",
            # a small ratio is rounded away; what it is made of is not
            beside={"peer_us": round(timing.theirs_us, 4)},
        )
        for timing in timings
        if timing.work in ("encode", "decode")
    ]
