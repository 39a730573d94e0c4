"""The whole calldata, fixed."""

from __future__ import annotations

from typing import ClassVar

from caveats.attempt import Attempt
from caveats.enforcer import SINGLE, EnforcerTerms, Tokens
from caveats.errors import abbreviate
from caveats.types import Address, HexBytes


class ExactCalldata(EnforcerTerms):
    """The calldata is exactly `call_data`; empty means that it must be empty, as for a bare transfer of value.

    Target and value are free: alone and empty, it lets the redeemer send all native value anywhere. Pair it with
    a cap on value.

        [0:] call_data, any length

    Source: framework 1.3.0, ExactCalldataEnforcer.beforeHook.
    """

    ENFORCER: ClassVar[str] = "ExactCalldataEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x99F2e9bF15ce5eC84685604836F71aB835DBBdED")
    CALL_TYPES = SINGLE
    LAYOUT: ClassVar[str] = "[0:] call_data"
    BOUNDS: ClassVar[str] = "the calldata, to the byte"
    LEAVES_FREE: ClassVar[str] = "the target and native value"
    REVERTS: ClassVar[tuple[str, ...]] = ("invalid-calldata",)

    call_data: HexBytes

    def encode_terms(self) -> bytes:
        return self.call_data

    @classmethod
    def decode_terms(cls, terms: bytes) -> ExactCalldata:
        return cls.unchecked(call_data=terms)

    def _denies(self, attempt: Attempt) -> str | None:
        same = attempt.execution.call_data == self.call_data
        return None if same else self.revert_of("invalid-calldata")

    def describe(self, tokens: Tokens | None = None) -> str:
        if not self.call_data:
            return "The calldata must be empty."
        return f"The calldata must be exactly {abbreviate(self.call_data)}."
