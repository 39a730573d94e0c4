"""How long a caveat takes here and in the TypeScript packages: same machine, same run, same values.

Four things are timed for each kind of caveat, from the same starting point to the same end:

    encode   values to the 0x text of terms, checks included    against the core package's encoder
    decode   the 0x text of terms to values                     against the core package's decoder
    build    values to a caveat                                 against the kit's caveat builder
    read     a caveat to what it says                           against the kit's decodeCaveat

JavaScript puts text together when it is first read, and nothing here reads it: the figures flatter the other side.

python -m tests.conformance.speed
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from time import perf_counter
from typing import Any

from caveats import EnforcerTerms, decode_caveat
from caveats.types import format_hex, parse_hex
from tests.conformance.draws import IN_THE_KIT, draw_strict
from tests.conformance.families.terms import KINDS, ask_builder
from tests.conformance.node import ROOT, KitError, find_node, require_kit
from tests.conformance.source import Source

WORKS = ("encode", "decode", "build", "read")
SCRIPT = Path(__file__).with_name("speed.mjs")

_ROUNDS = 5
_PATIENCE_SECONDS = 600


@dataclass(frozen=True)
class Timing:
    """One kind of work on one kind of caveat, in microseconds.

    Attributes:
        kind: the kit's name of the caveat type.
        work: one of WORKS.
        ours_us: here.
        theirs_us: in the TypeScript package, in node.
    """

    kind: str
    work: str
    ours_us: float
    theirs_us: float

    @property
    def ratio(self) -> float:
        """How many times as fast ours is: above 1 ours is faster, below 1 slower."""
        return self.theirs_us / self.ours_us


def measure_speed(kinds: Sequence[type[EnforcerTerms]] = IN_THE_KIT, *, round_seconds: float = 0.01) -> list[Timing]:
    """Return the timings of these kinds, one caveat each, drawn the same on every run.

    Args:
        kinds: enforcer classes the kit has a builder for.
        round_seconds: how long one of the rounds lasts at least; the best of five counts.

    Raises:
        KitError: node or the kit is missing, or speed.mjs broke down.
    """
    drawn = [draw_strict(cls, Source(f"speed of {cls.__name__}")) for cls in kinds]
    theirs = _measure_theirs(drawn, round_seconds)
    timings = []
    for terms, measured in zip(drawn, theirs, strict=True):
        works = _works(terms)
        for work in WORKS:
            ours = _measure(works[work], round_seconds)
            timings.append(Timing(KINDS[type(terms)].name, work, ours, measured[work]))
    return timings


def mean_ratios(timings: Sequence[Timing]) -> dict[str, float]:
    """Return the geometric mean of the ratios for each kind of work."""
    by_work = {work: [timing.ratio for timing in timings if timing.work == work] for work in WORKS}
    return {work: prod(ratios) ** (1 / len(ratios)) for work, ratios in by_work.items() if ratios}


def _works(terms: EnforcerTerms) -> dict[str, Callable[[], object]]:
    cls = type(terms)
    values = {name: getattr(terms, name) for name in cls.model_fields}
    text, caveat = format_hex(terms.encode_terms()), terms.to_caveat()
    return {
        "encode": lambda: format_hex(cls(**values).encode_terms()),
        "decode": lambda: cls.decode_terms(parse_hex(text)),
        "build": lambda: cls(**values).to_caveat(),
        "read": lambda: decode_caveat(caveat),
    }


def _measure(work: Callable[[], object], round_seconds: float) -> float:
    times = 16
    while _repeat(times, work) < round_seconds:
        times *= 2
    return min(_repeat(times, work) for _ in range(_ROUNDS)) / times * 1e6


def _repeat(times: int, work: Callable[[], object]) -> float:
    start = perf_counter()
    for _ in range(times):
        work()
    return perf_counter() - start


def _measure_theirs(drawn: Sequence[EnforcerTerms], round_seconds: float) -> list[dict[str, float]]:
    require_kit()
    cases: list[dict[str, Any]] = [
        {**ask_builder(terms), "core": KINDS[type(terms)].core, "caveat": terms.to_caveat().to_wire()}
        for terms in drawn
    ]
    done = subprocess.run(
        [find_node(), str(SCRIPT)],
        input=json.dumps({"cases": cases, "seconds": round_seconds}).encode(),
        capture_output=True,
        cwd=ROOT,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    if done.returncode:
        raise KitError(f"speed.mjs ended with exit code {done.returncode}: {done.stderr.decode()[-2000:]}")
    measured: list[dict[str, float]] = json.loads(done.stdout)
    return measured


def main() -> None:
    """Print the timings as a table."""
    timings = measure_speed()
    for timing in timings:
        row = f"{timing.kind:34} {timing.work:7} {timing.ours_us:9.2f} us {timing.theirs_us:9.2f} us"
        print(f"{row}  x {timing.ratio:.2f}")
    for work, ratio in mean_ratios(timings).items():
        print(f"{work}: ours is {ratio:.2f} times as fast as theirs (geometric mean)")


if __name__ == "__main__":
    main()
