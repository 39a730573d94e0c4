"""What is left: of which enforcers it can be said."""

from __future__ import annotations

from scripts.figures.harness import Measured, Missing, Parts, figure


@figure("enforcers")
def remaining_allowance() -> Parts:
    """Enforcers that count across redemptions and whose count `remaining` tells, each asked on terms of its table.

    An enforcer with a hook after the call keeps what it saw before it, and nothing that a later redemption finds.
    """
    from caveats import ENFORCERS
    from caveats.types import parse_hex
    from delegations import Caveat
    from delegations.simulation import remaining
    from tests.enforcers.harness import grant, set_stage
    from tests.vectors.tables import load_enforcer_tables

    chain = set_stage().chain
    told = []
    stateful = [cls for cls in ENFORCERS if cls.STATE]
    counting = [cls for cls in stateful if cls.HOOKS == ("before",)]
    for cls in ENFORCERS:
        terms = parse_hex(load_enforcer_tables()[cls.__name__]["valid"][0]["terms"])
        link = grant([Caveat(enforcer=cls.ADDRESS, terms=terms)])
        if remaining(chain, link).caveats:
            told.append(cls)
    beside: dict[str, float] = {
        "of": len(counting),
        "stateful": len(stateful),
        "told_besides": len(set(told) - set(counting)),
    }
    missing = [cls.__name__ for cls in counting if cls not in told]
    parts: Parts = [Measured(len(counting) - len(missing), beside=beside)]
    return parts + [Missing(name, "it counts, and what is left is not told") for name in missing]
