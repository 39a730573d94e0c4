"""What a person runs first: with everything installed, and from a fresh clone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.figures.harness import ROOT, Measured, figure, run, seconds_of


@figure("s")
def make_demo() -> Measured:
    run(["make", "demo"])  # whatever is not installed yet is not what is measured
    return seconds_of(["make", "demo"])


@figure("s")
def make_test() -> Measured:
    run(["make", "framework"])
    return seconds_of(["make", "test"])


@contextmanager
def clone() -> Iterator[Path]:
    """Yield a clone of HEAD in which nothing is installed."""
    with tempfile.TemporaryDirectory(prefix="figures-") as folder:
        run(["git", "clone", "--quiet", str(ROOT), f"{folder}/checkout"])
        yield Path(folder, "checkout")


@figure("s", is_cold=True)
def make_demo_from_nothing() -> Measured:
    with clone() as checkout:
        return seconds_of(["make", "demo"], cwd=checkout)


@figure("s", is_cold=True)
def make_test_from_nothing() -> Measured:
    with clone() as checkout:
        return seconds_of(["make", "test"], cwd=checkout)
