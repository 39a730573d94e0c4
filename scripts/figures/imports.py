"""What importing costs."""

from __future__ import annotations

from scripts.figures.harness import Measured, figure, median_over_processes


def _import_ms(package: str) -> Measured:
    code = f"import time; start = time.perf_counter(); import {package}; print(1e3 * (time.perf_counter() - start))"
    return Measured(median_over_processes(code))


@figure("ms")
def import_caveats() -> Measured:
    return _import_ms("caveats")


@figure("ms")
def import_delegations() -> Measured:
    return _import_ms("delegations")
