"""How a figure is entered and measured."""

from __future__ import annotations

import operator
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Measured:
    """A value, and how a peer did at the same task.

    Attributes:
        of: which part of the figure it is; empty when it is all of it.
        beside: what else was counted, by name.
        is_fault: the value counts faults: more than none of them is an error.
    """

    value: float
    peer: str | None = None
    ratio: float | None = None
    of: str = ""
    beside: dict[str, float] = field(default_factory=dict)
    is_fault: bool = False

    @property
    def faults(self) -> list[str]:
        """What was counted that must not be there, by name."""
        counted = {**self.beside, "value": self.value} if self.is_fault else self.beside
        return [name for name, count in counted.items() if count and (name in FAULTS or name == "value")]


FAULTS = frozenset({"accepted", "lost", "wrong", "wrong_verdict", "disagreements", "server errors"})
"""Names under which a figure counts what must not be there."""


@dataclass(frozen=True)
class Missing:
    """A part of a figure that could not be measured."""

    of: str
    why: str


Parts = list[Measured | Missing]


@dataclass(frozen=True)
class Figure:
    """How a figure is measured; a cold one installs everything anew and takes minutes."""

    unit: str
    is_cold: bool
    measure: Callable[[], Measured | Parts]


class FigureError(Exception):
    """A figure could not be measured."""


FIGURES: dict[str, Figure] = {}
_Measure = TypeVar("_Measure", bound=Callable[[], Measured | Parts])


def figure(unit: str, *, is_cold: bool = False) -> Callable[[_Measure], _Measure]:
    """Enter a function into the table of figures under its own name."""

    def enter(measure: _Measure) -> _Measure:
        if measure.__name__ in FIGURES:
            raise ValueError(f"expected a name for each figure, got {measure.__name__} twice: rename one")
        FIGURES[measure.__name__] = Figure(unit, is_cold, measure)
        return measure

    return enter


def run(command: list[str], *, cwd: Path = ROOT) -> str:
    """Run a command as a person would from a fresh shell, and return what it printed. Raises FigureError."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(command, cwd=cwd, env=inherited, capture_output=True, text=True, check=False)
    if done.returncode:
        # make's own last line says only that something failed
        lines = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line and not line.startswith("make")]
        last = lines[-1] if lines else "it printed nothing"
        raise FigureError(f"{Path(command[0]).name} {command[-1][:60]}: exit code {done.returncode}: {last}")
    return done.stdout


def seconds_of(command: list[str], *, cwd: Path = ROOT) -> Measured:
    """Return the wall seconds of one run of a command."""
    start = time.perf_counter()
    run(command, cwd=cwd)
    return Measured(time.perf_counter() - start)


def median_over_processes(code: str, count: int = 5) -> float:
    """Return the median of the number that `code` prints in each of `count` fresh processes."""
    return statistics.median(float(run([sys.executable, "-c", code])) for _ in range(count))


def median_call(call: Callable[[], object], *, warm_up: int, count: int) -> float:
    """Return the median seconds of one call."""
    for _ in range(warm_up):
        call()
    times = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def against(
    peer: str,
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    *,
    same: Callable[[Any, Any], bool] = operator.eq,
) -> Measured:
    """Return the median microseconds of one call of ours, and the peer's over it. Both must give the same.

    Batches of the two take turns, so that a machine that slows down slows both.
    """
    if not same(ours(), theirs()):
        raise FigureError(f"{peer} gives another result")
    sums: tuple[list[float], list[float]] = ([], [])
    for _ in range(30):
        for call, seen in zip((ours, theirs), sums, strict=True):
            start = time.perf_counter()
            for _ in range(20):
                call()
            seen.append((time.perf_counter() - start) / 20)
    mine, other = (statistics.median(seen) for seen in sums)
    return Measured(mine * 1e6, peer, other / mine)
