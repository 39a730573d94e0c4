"""The enforcers."""

from __future__ import annotations

from scripts.figures.harness import Measured, figure


@figure("enforcers")
def enforcers_covered() -> Measured:
    """Enforcers of the framework a fresh local chain has code for."""
    from caveats import ENFORCERS
    from delegations import LocalChain
    from delegations.evm.stand_ins import STAND_INS

    world = LocalChain(1).world
    covered = [cls for cls in ENFORCERS if world.code(cls.ADDRESS)]
    return Measured(len(covered), beside={"of": len(ENFORCERS), "stand_ins": len(STAND_INS)})
