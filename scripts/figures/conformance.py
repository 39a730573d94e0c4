"""Agreement with the TypeScript kit."""

from __future__ import annotations

import statistics

from scripts.figures.harness import Measured, Parts, figure


@figure("cases")
def conformance_cases() -> Measured:
    from tests.conformance.cases import run_conformance

    return Measured(sum(run_conformance().values()))


@figure("us")
def caveat_codec() -> Parts:
    """Geometric means over the enforcers the kit knows: values to terms and back, and caveats built and read."""
    from tests.conformance.speed import mean_ratios, measure_speed

    timings = measure_speed()
    return [
        Measured(
            statistics.geometric_mean(timing.ours_us for timing in timings if timing.work == work),
            "the TypeScript packages in node",
            ratio,
            of=work,
        )
        for work, ratio in mean_ratios(timings).items()
    ]
