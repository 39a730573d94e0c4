"""The measurement of speed: it measures, whatever the figures are."""

from __future__ import annotations

from pathlib import Path

import pytest

from caveats import ExactExecutionBatch, LimitedCalls
from tests.conformance import speed
from tests.conformance.node import KitError
from tests.conformance.speed import WORKS, Timing, mean_ratios, measure_speed


def test_every_kind_is_timed_in_every_work_on_both_sides() -> None:
    timings = measure_speed([LimitedCalls, ExactExecutionBatch], round_seconds=0.0005)
    kinds = ("limitedCalls", "exactExecutionBatch")
    assert [(t.kind, t.work) for t in timings] == [(kind, work) for kind in kinds for work in WORKS]
    assert all(t.ours_us > 0 and t.theirs_us > 0 for t in timings)


def test_a_ratio_above_one_says_that_ours_is_faster() -> None:
    assert Timing("id", "read", ours_us=2.0, theirs_us=6.0).ratio == 3.0


def test_the_mean_of_ratios_is_geometric_and_by_kind_of_work() -> None:
    timings = [Timing("id", "read", 1.0, 4.0), Timing("nonce", "read", 4.0, 1.0), Timing("id", "build", 1.0, 2.0)]
    assert mean_ratios(timings) == pytest.approx({"read": 1.0, "build": 2.0})


def test_a_measurement_that_breaks_down_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.mjs"
    broken.write_text("process.exit(3)")
    monkeypatch.setattr(speed, "SCRIPT", broken)
    with pytest.raises(KitError, match=r"speed\.mjs ended with exit code 3"):
        measure_speed([LimitedCalls])
