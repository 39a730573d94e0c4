"""One call, fixed in every part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.attempt import Attempt
from caveats.enforcer import SINGLE, EnforcerTerms, Tokens
from caveats.execution import Execution, decode_packed_execution, encode_packed_execution
from caveats.targets._shown import show_execution
from caveats.types import ZERO_ADDRESS, Address

# target and value
_HEAD = 52


class ExactExecution(EnforcerTerms):
    """Exactly this call: the same target, value and calldata. It may be repeated: pair it with LimitedCalls or Id.

        [0:20] target, [20:52] uint256 value, [52:] call_data

    The contract does not check the length; of terms under 52 bytes no call can come through.

    Source: framework 1.3.0, ExactExecutionEnforcer.getTermsInfo and beforeHook.
    """

    ENFORCER: ClassVar[str] = "ExactExecutionEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x146713078D39eCC1F5338309c28405ccf85Abfbb")
    CALL_TYPES = SINGLE
    LAYOUT: ClassVar[str] = "[0:20] target, [20:52] value, [52:] call_data"
    BOUNDS: ClassVar[str] = "the whole call: target, native value and calldata"
    LEAVES_FREE: ClassVar[str] = "how often it is made"
    REVERTS: ClassVar[tuple[str, ...]] = ("invalid-execution",)

    execution: Execution

    def problems(self) -> Iterator[str]:
        if self.execution.target == ZERO_ADDRESS:
            yield "execution has the zero address as its target; name the address that is called"

    def encode_terms(self) -> bytes:
        return encode_packed_execution(self.execution)

    @classmethod
    def decode_terms(cls, terms: bytes) -> ExactExecution:
        if len(terms) < _HEAD:
            # a slice past the end gives no reason
            raise cls.bad_length("at least 52 bytes", terms, onchain="")
        return cls.unchecked(execution=decode_packed_execution(terms))

    def _denies(self, attempt: Attempt) -> str | None:
        return None if attempt.execution == self.execution else self.revert_of("invalid-execution")

    def describe(self, tokens: Tokens | None = None) -> str:
        return f"Only this call may be made: {show_execution(self.execution, tokens)}."
