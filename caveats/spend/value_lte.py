"""A cap on the native value of each call."""

from __future__ import annotations

from typing import ClassVar

from caveats.abi import encode_uint
from caveats.attempt import Attempt
from caveats.enforcer import SINGLE, EnforcerTerms, Tokens, show_native
from caveats.types import Address, Uint256


class ValueLte(EnforcerTerms):
    """Each call carries at most `max_value_wei` of native value. Nothing is added up over redemptions.

    A cap of 0 is the usual companion of the ERC-20 enforcers, which do not look at native value.

        [0:32] uint256 max_value_wei

    Source: framework 1.3.0, ValueLteEnforcer.getTermsInfo and beforeHook.
    """

    ENFORCER: ClassVar[str] = "ValueLteEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x92Bf12322527cAA612fd31a0e810472BBB106A8F")
    CALL_TYPES = SINGLE
    LAYOUT: ClassVar[str] = "[0:32] max_value_wei"
    BOUNDS: ClassVar[str] = "native value of each call"
    LEAVES_FREE: ClassVar[str] = "target, calldata, and how often it is used: nothing is added up"
    REVERTS: ClassVar[tuple[str, ...]] = ("value-too-high", "invalid-terms-length")

    max_value_wei: Uint256

    def encode_terms(self) -> bytes:
        return encode_uint(self.max_value_wei)

    @classmethod
    def decode_terms(cls, terms: bytes) -> ValueLte:
        if len(terms) != 32:
            raise cls.bad_length("exactly 32 bytes", terms)
        return cls.unchecked(max_value_wei=int.from_bytes(terms, "big"))

    def _denies(self, attempt: Attempt) -> str | None:
        return self.revert_of("value-too-high") if attempt.execution.value > self.max_value_wei else None

    def describe(self, tokens: Tokens | None = None) -> str:
        if self.max_value_wei == 0:
            return "No native value may be sent along."
        return f"Each call may send at most {show_native(self.max_value_wei, tokens)}."
