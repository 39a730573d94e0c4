"""A window of the calldata that is fixed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.abi import WORD, encode_uint
from caveats.attempt import Attempt
from caveats.enforcer import SINGLE, EnforcerTerms, Tokens
from caveats.errors import abbreviate
from caveats.types import MAX_UINT256, Address, HexBytes, Uint256

# No block holds a call of four gigabytes: such a start is a value put in the wrong place.
_FARTHEST_START = 2**32


class AllowedCalldata(EnforcerTerms):
    """The calldata holds exactly `value` from byte `data_start` on; what stands before and after is free.

    Bytes 0 to 3 are the selector, argument i of a function with static arguments begins at 4 + 32 * i, and the 20
    bytes of an address argument at 16 + 32 * i. Several of these caveats hold together. It is sound for static
    arguments only: of a dynamic one the offset, the length and the data must all be fixed.

        [0:32] uint256 data_start, [32:] value, at least one byte

    Source: framework 1.3.0, AllowedCalldataEnforcer.getTermsInfo and beforeHook.
    """

    ENFORCER: ClassVar[str] = "AllowedCalldataEnforcer"
    ADDRESS: ClassVar[Address] = Address("0xc2b0d624c1c4319760C96503BA27C347F3260f55")
    CALL_TYPES = SINGLE
    LAYOUT: ClassVar[str] = "[0:32] data_start, [32:] value"
    BOUNDS: ClassVar[str] = "the bytes in one window of the calldata"
    LEAVES_FREE: ClassVar[str] = "the target, native value, and all calldata outside the window, the length too"
    REVERTS: ClassVar[tuple[str, ...]] = (
        "invalid-terms-size",
        "invalid-calldata-length",
        "invalid-calldata",
        "Panic(0x11)",
    )

    data_start: Uint256
    value: HexBytes

    def problems(self) -> Iterator[str]:
        if not self.value:
            yield "value is empty, which the contract refuses; give at least one byte, or use ExactCalldata"
        if self.data_start >= _FARTHEST_START:
            yield (
                f"data_start {self.data_start} lies beyond any calldata; count bytes from 0, the selector being"
                " bytes 0 to 3"
            )

    def encode_terms(self) -> bytes:
        return encode_uint(self.data_start) + self.value

    @classmethod
    def decode_terms(cls, terms: bytes) -> AllowedCalldata:
        if len(terms) <= WORD:
            raise cls.bad_length("at least 33 bytes", terms, onchain=cls.revert_of("invalid-terms-size"))
        return cls.unchecked(data_start=int.from_bytes(terms[:WORD], "big"), value=terms[WORD:])

    def _denies(self, attempt: Attempt) -> str | None:
        end = self.data_start + len(self.value)
        if end > MAX_UINT256:
            return "Panic(0x11)"
        if end > len(attempt.execution.call_data):
            return self.revert_of("invalid-calldata-length")
        held = attempt.execution.call_data[self.data_start : end]
        return None if held == self.value else self.revert_of("invalid-calldata")

    def describe(self, tokens: Tokens | None = None) -> str:
        return f"The calldata must hold {abbreviate(self.value)} from byte {self.data_start} on."
