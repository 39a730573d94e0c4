"""Many candidates over one snapshot, each on its own. Both cores work, and the state is never copied.

The embedded engine's work is shared by forked copies of this process: they see the state and the candidates as they
stood at the fork, without a byte being sent to them, and send back verdicts. Engines in other processes are asked in
batches.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from caveats.errors import DelegationsError, EngineError
from caveats.registry import EnforcerRegistry
from delegations.evm.chain import LocalChain
from delegations.evm.engine import Capability
from delegations.redemption import Redemption
from delegations.simulation.simulate import (
    VERDICT_NEEDS,
    default_redeemer,
    judge,
    redeem_transaction,
    require_enforcer_code,
    simulate,
)
from delegations.simulation.verdict import Verdict
from delegations.simulation.whatif import Candidate, as_candidate
from delegations.simulation.workers import fork_map

Judged = Verdict | DelegationsError
"""What came of one candidate: its verdict, or why there is none."""

_WORTH_A_FORK = 8
_BATCH = 100


@dataclass(frozen=True, slots=True)
class Sweep(Sequence[Judged]):
    """The answers to many candidates, in their order.

    Attributes:
        answers: a verdict each, or the error that stands for it.
        workers: how many processes shared the work.
        note: why there was only one; empty when there were several.
    """

    answers: tuple[Judged, ...]
    workers: int
    note: str = ""

    def verdicts(self) -> tuple[Verdict, ...]:
        """Return the verdicts. Raises the first error that stands for one."""
        for answer in self.answers:
            if isinstance(answer, DelegationsError):
                raise answer
        return tuple(answer for answer in self.answers if isinstance(answer, Verdict))

    @overload
    def __getitem__(self, index: int) -> Judged: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Judged]: ...
    def __getitem__(self, index: int | slice) -> Judged | Sequence[Judged]:
        return self.answers[index]

    def __len__(self) -> int:
        return len(self.answers)


def simulate_many(
    chain: LocalChain,
    candidates: Sequence[Redemption | Candidate],
    *,
    workers: int | None = None,
    registry: EnforcerRegistry | None = None,
) -> Sweep:
    """Return what each candidate would do on `chain` as it stands; none sees another, and nothing is kept.

    Args:
        chain: the state, the time and the engine.
        candidates: in any number; one that cannot be judged does not lose the others.
        workers: how many processes share the work of the embedded engine; one for each core when None.
        registry: reads enforcers of your own for the explanation.
    """
    listed = [as_candidate(candidate) for candidate in candidates]
    if Capability.EMBEDDED not in chain.engine.capabilities:
        note = f"engine {chain.engine.name} is asked in batches"
        return Sweep(tuple(_in_batches(chain, listed, registry)), 1, note)
    count = min(_cores() if workers is None else workers, len(listed) // _WORTH_A_FORK)
    if count < 2:
        note = "one worker was asked for" if workers == 1 else "too few candidates or cores to share the work"
    elif not hasattr(os, "fork"):
        note = "this platform cannot fork a process, so the work is not shared"
    else:
        return Sweep(tuple(_forked(chain, listed, count, registry)), count)
    return Sweep(tuple(_judged(chain, candidate, registry) for candidate in listed), 1, note)


def _cores() -> int:
    with contextlib.suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _judged(chain: LocalChain, candidate: Candidate, registry: EnforcerRegistry | None) -> Judged:
    try:
        return simulate(chain, candidate.redemption, redeemer=candidate.redeemer, gas=candidate.gas, registry=registry)
    except DelegationsError as error:
        return error


def _in_batches(
    chain: LocalChain, candidates: Sequence[Candidate], registry: EnforcerRegistry | None
) -> Iterator[Judged]:
    for start in range(0, len(candidates), _BATCH):
        yield from _batch(chain, candidates[start : start + _BATCH], registry)


def _batch(chain: LocalChain, candidates: Sequence[Candidate], registry: EnforcerRegistry | None) -> list[Judged]:
    judged: list[Judged | None] = [None] * len(candidates)
    asked = []
    for index, candidate in enumerate(candidates):
        redemption = candidate.redemption
        redemptions = (redemption,) if isinstance(redemption, Redemption) else tuple(redemption)
        try:
            caller = candidate.redeemer if candidate.redeemer is not None else default_redeemer(redemptions)
            require_enforcer_code(chain, redemptions)
            transaction = redeem_transaction(chain, redemptions, caller, candidate.gas)
        except DelegationsError as error:
            judged[index] = error
        else:
            asked.append((index, redemptions, caller, transaction))
    try:
        transactions = [transaction for *_, transaction in asked]
        answers = chain.engine.execute_many(chain.world, chain.block, transactions, needs=VERDICT_NEEDS)
    except DelegationsError as error:
        return [error if answer is None else answer for answer in judged]
    for (index, redemptions, caller, _), answer in zip(asked, answers, strict=True):
        judged[index] = (
            answer
            if isinstance(answer, DelegationsError)
            else judge(
                chain.world, chain.manager, redemptions, caller, answer, registry=registry, chain_id=chain.chain_id
            )
        )
    return [answer for answer in judged if answer is not None]


def _forked(
    chain: LocalChain, candidates: Sequence[Candidate], count: int, registry: EnforcerRegistry | None
) -> Iterator[Judged]:
    # the first one warms every cache, so that the copies begin with them
    first = _judged(chain, candidates[0], registry)
    rest = fork_map(lambda index: _judged(chain, candidates[index + 1], registry), len(candidates) - 1, workers=count)
    missing = EngineError("a worker process ended before it had answered", hint="its last words are on standard error")
    yield first
    for answer in rest:
        yield missing if answer is None else answer
