"""A batch of calls, fixed in every part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.attempt import Attempt
from caveats.enforcer import Tokens
from caveats.targets._batch_terms import BatchTerms
from caveats.targets._shown import show_execution
from caveats.types import ZERO_ADDRESS, Address


class ExactExecutionBatch(BatchTerms):
    """Exactly this batch: the same calls in the same order, each with the same target, value and calldata.

    It may be repeated: pair it with LimitedCalls or Id.

        abi.encode((address target, uint256 value, bytes call_data)[])

    The contract compares what both sides mean, not their bytes. Terms that it reads but that are not the canonical
    encoding (trailing bytes, shared tails) decode; encoding gives the canonical form.

    Source: framework 1.3.0, ExactExecutionBatchEnforcer.getTermsInfo and beforeHook.
    """

    ENFORCER: ClassVar[str] = "ExactExecutionBatchEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x1e141e455d08721Dd5BCDA1BaA6Ea5633Afd5017")
    BOUNDS: ClassVar[str] = "the whole batch: number and order of calls, and target, native value and calldata of each"
    LEAVES_FREE: ClassVar[str] = "how often it is made"
    REVERTS: ClassVar[tuple[str, ...]] = ("invalid-batch-size", "invalid-execution", "DecodingError()")

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        for i, execution in enumerate(self.executions):
            if execution.target == ZERO_ADDRESS:
                yield f"executions.{i} has the zero address as its target; name the address that is called"

    def _denies(self, attempt: Attempt) -> str | None:
        if len(attempt.executions) != len(self.executions):
            return self.revert_of("invalid-batch-size")
        return None if attempt.executions == self.executions else self.revert_of("invalid-execution")

    def describe(self, tokens: Tokens | None = None) -> str:
        if not self.executions:
            return "Only an empty batch may be executed."
        shown = "; then ".join(show_execution(e, tokens) for e in self.executions)
        return f"Only this batch may be executed: {shown}."
