"""The calldata of every call of a batch, fixed."""

from __future__ import annotations

from typing import ClassVar

from caveats.attempt import Attempt
from caveats.enforcer import Tokens
from caveats.errors import abbreviate
from caveats.targets._batch_terms import BatchTerms
from caveats.types import Address


class ExactCalldataBatch(BatchTerms):
    """A batch of as many calls as `executions`, each with exactly the calldata listed at its place.

    Target and value of the listed executions are stored but never compared: the redeemer chooses both. Use
    ExactExecutionBatch where they matter.

        abi.encode((address target, uint256 value, bytes call_data)[])

    Terms that the contract reads but that are not the canonical encoding (trailing bytes, shared tails) decode;
    encoding gives the canonical form.

    Source: framework 1.3.0, ExactCalldataBatchEnforcer.getTermsInfo and beforeHook.
    """

    ENFORCER: ClassVar[str] = "ExactCalldataBatchEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x982FD5C86BBF425d7d1451f974192d4525113DfD")
    BOUNDS: ClassVar[str] = "the number of calls in the batch, and the calldata of each, in order"
    LEAVES_FREE: ClassVar[str] = "the target and native value of every call: those in the terms are ignored"
    REVERTS: ClassVar[tuple[str, ...]] = ("invalid-batch-size", "invalid-calldata", "DecodingError()")

    def _denies(self, attempt: Attempt) -> str | None:
        if len(attempt.executions) != len(self.executions):
            return self.revert_of("invalid-batch-size")
        pairs = zip(attempt.executions, self.executions, strict=True)
        same = all(made.call_data == listed.call_data for made, listed in pairs)
        return None if same else self.revert_of("invalid-calldata")

    def describe(self, tokens: Tokens | None = None) -> str:
        count = len(self.executions)
        if not count:
            return "Only an empty batch may be executed."
        shown = ", then ".join(abbreviate(e.call_data) if e.call_data else "empty" for e in self.executions)
        calls = "1 call" if count == 1 else f"{count} calls"
        return f"Only a batch of {calls} may be executed, on any targets, with the calldata {shown}."
