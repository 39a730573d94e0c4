"""Permissions: agreement with the package MetaMask's wallet compiles and reads them with."""

from __future__ import annotations

from scripts.figures.harness import Measured, Parts, figure


@figure("cases")
def permission_conformance() -> Parts:
    """Random permissions compared byte for byte, for each permission type and direction."""
    from tests.conformance.permissions.compare import run_conformance

    return [Measured(count, of=f"{kind}, {direction}") for (kind, direction), count in run_conformance().items()]


@figure("contexts")
def permission_contexts_judged() -> Parts:
    """Grants changed at random: how many both decoders judge alike, and how many show each named difference."""
    from tests.conformance.permissions.mutants import run_mutants

    return [Measured(count, of=name) for name, count in run_mutants().items()]
