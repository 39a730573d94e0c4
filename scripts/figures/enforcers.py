"""The enforcers."""

from __future__ import annotations

from collections import Counter

from scripts.figures.harness import Measured, Missing, Parts, figure


@figure("enforcers")
def enforcers_covered() -> Measured:
    """Enforcers of the framework a fresh local chain has code for."""
    from caveats import ENFORCERS
    from delegations import LocalChain
    from delegations.evm.stand_ins import STAND_INS

    world = LocalChain(1).world
    covered = [cls for cls in ENFORCERS if world.code(cls.ADDRESS)]
    return Measured(len(covered), beside={"of": len(ENFORCERS), "stand_ins": len(STAND_INS)})


@figure("cases")
def generated_bytecode_cases() -> Parts:
    """Generated terms and attempts put to an enforcer's bytecode and to its class; each disagreement is an error."""
    from tests.enforcers.generated import SWEEPS

    cases: Counter[str] = Counter()
    found: list[tuple[str, str]] = []
    for sweep in SWEEPS:
        name = sweep.cls.__name__
        for asked in sweep.ask():
            cases[name] += 1
            if not asked.agrees:
                found.append((name, f"{asked.what}: the bytecode says {asked.told}, the class {asked.judged}"))
    wrong = Counter(name for name, _ in found)
    parts: Parts = [Measured(cases.total(), beside={"enforcers": len(cases), "disagreements": len(found)})]
    parts += [Measured(count, of=name, beside={"disagreements": wrong[name]}) for name, count in sorted(cases.items())]
    return parts + [Missing(name, what) for name, what in found]
