"""Forked state: what a verdict over a node costs, and what becomes of it when the node misbehaves."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from scripts.figures.harness import FigureError, Measured, Missing, Parts, figure

ROUNDS = 15
WRONG = "wrong_verdict"
OUTCOMES = ("same_verdict_at_once", "same_verdict_after_asking_again", "could_not_ask", WRONG)


@figure("ms")
def forked_verdict() -> Parts:
    """One token payment over anvil as the node: on a new fork, again on it, and on a new fork of the same block."""
    from delegations import LocalChain, simulate
    from tests.evm.fork_node import Live, Relay

    live = Live()
    try:
        redemption = live.redemption(5)

        def verdict(chain: LocalChain) -> None:
            if not simulate(chain, redemption).allowed:
                raise FigureError("the payment was denied")

        def first(folder: Path | None = None) -> LocalChain:
            chain = LocalChain.fork(live.client, live.tip, cache_dir=folder)
            verdict(chain)
            return chain

        warm = first()
        relay = Relay(live)
        try:
            verdict(LocalChain.fork(relay.url, live.tip))
            requests = len(relay.asked)
            questions = len(relay.methods())
        finally:
            relay.close()
        with tempfile.TemporaryDirectory(prefix="figures-") as folder:
            first(Path(folder))
            return [
                _ms("first", first, requests=requests, questions=questions),
                _ms("warm", lambda: verdict(warm)),
                _ms("first, read from disk", lambda: first(Path(folder))),
                _ms("on a local chain, for comparison", lambda: verdict(live.stage.chain)),
            ]
    finally:
        live.close()


def _ms(of: str, call: Callable[[], object], **beside: float) -> Measured:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return Measured(1e3 * statistics.median(times), of=of, beside=beside)


@figure("faults")
def fork_faults() -> Parts:
    """Faults injected between a fork and its node, by kind and by what came of them; another verdict is an error."""
    from delegations import LocalChain, simulate
    from tests.evm.fork_node import Live, Relay

    live = Live()
    try:
        undisturbed = simulate(LocalChain.fork(live.client, live.tip), live.redemption(5))
        outcomes: Counter[tuple[str, str]] = Counter()
        wrong: list[str] = []
        for kind, name, place, timeout_seconds in _faults():
            relay = Relay(live)
            place(relay)
            try:
                outcome = _outcome(live, relay, undisturbed, timeout_seconds)
                if relay.faults:
                    raise FigureError(f"{kind}: {name}: it was never injected")
            finally:
                relay.close()
            outcomes[kind, outcome] += 1
            if outcome == WRONG:
                wrong.append(f"{kind}: {name}")
    finally:
        live.close()
    kinds: dict[str, dict[str, float]] = {}
    for (kind, outcome), count in outcomes.items():
        kinds.setdefault(kind, dict.fromkeys(OUTCOMES, 0))[outcome] = count
    whole: dict[str, float] = {name: sum(counts[name] for counts in kinds.values()) for name in OUTCOMES}
    parts: Parts = [Measured(outcomes.total(), of="all", beside=whole)]
    parts += [Measured(sum(counts.values()), of=kind, beside=counts) for kind, counts in kinds.items()]
    return parts + [Missing(what, "another verdict than without the fault") for what in wrong]


def _outcome(live: Any, relay: Any, undisturbed: Any, timeout_seconds: float) -> str:
    """Return what came of a verdict over a relay that is about to misbehave."""
    from caveats.errors import EngineError, TransportError
    from tests.evm.fork_node import Clock
    from tests.evm.test_fork_faults import verdict_over

    clock = Clock()
    try:
        verdict = verdict_over(live, relay, clock.patience(timeout_seconds=timeout_seconds))
    except (TransportError, EngineError):
        return "could_not_ask"
    if verdict != undisturbed:
        return WRONG
    return "same_verdict_after_asking_again" if clock.slept else "same_verdict_at_once"


Place = Callable[[Any], None]


def _faults() -> Iterator[tuple[str, str, Place, float]]:
    """Yield each fault the tests have: its kind, its name, how a relay gets it, and the patience with one answer."""
    from tests.evm.fork_node import TIMEOUT_SECONDS, Silence
    from tests.evm.test_fork_faults import HARMLESS, PASSING, REQUESTS, SLOW

    for name, fault in PASSING.items():
        for at in range(REQUESTS):
            yield "once", f"{name} at request {at}", _once(fault, at), 5.0
        for at in range(REQUESTS):
            yield "from then on", f"{name} from request {at} on", _staying(fault, at), 5.0
    for name, fault in SLOW.items():
        for at in range(REQUESTS):
            yield "too late, once", f"{name} at request {at}", _once(fault, at), TIMEOUT_SECONDS
    for name, fault in HARMLESS.items():
        yield "harmless", name, _staying(fault, 0), 5.0
    yield "silent from then on", "silence", _staying(Silence(), 0), TIMEOUT_SECONDS


def _once(fault: Any, at: int) -> Place:
    def place(relay: Any) -> None:
        relay.faults = [None] * at + [fault]

    return place


def _staying(fault: Any, at: int) -> Place:
    def place(relay: Any) -> None:
        relay.faults, relay.stays = [None] * at, fault

    return place
