"""The functions that may be called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.attempt import Attempt
from caveats.enforcer import SINGLE, EnforcerTerms, Tokens, join_names
from caveats.types import Address, Bytes4, Listed


class AllowedMethods(EnforcerTerms):
    """Only the listed function selectors may be called, on any target and with any value.

    A bare value transfer has no selector and never passes.

        n x [4] selector, n >= 1

    Source: framework 1.3.0, AllowedMethodsEnforcer.getTermsInfo.
    """

    ENFORCER: ClassVar[str] = "AllowedMethodsEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x2c21fD0Cb9DC8445CB3fb0DC5E7Bb0Aca01842B5")
    CALL_TYPES = SINGLE
    LAYOUT: ClassVar[str] = "n x [4] selector"
    BOUNDS: ClassVar[str] = "the function that is called"
    LEAVES_FREE: ClassVar[str] = "the target, the arguments, and native value"
    REVERTS: ClassVar[tuple[str, ...]] = (
        "invalid-terms-length",
        "invalid-execution-data-length",
        "method-not-allowed",
    )

    selectors: Listed[Bytes4]

    def problems(self) -> Iterator[str]:
        if not self.selectors:
            yield "selectors is empty; list at least one function"
        if len(set(self.selectors)) != len(self.selectors):
            yield "selectors lists a function twice; each entry costs the redeemer gas, remove the copy"

    def encode_terms(self) -> bytes:
        return b"".join(self.selectors)

    @classmethod
    def decode_terms(cls, terms: bytes) -> AllowedMethods:
        if not terms or len(terms) % 4:
            raise cls.bad_length("a positive multiple of 4 bytes", terms)
        return cls.unchecked(selectors=tuple(Bytes4(terms[i : i + 4]) for i in range(0, len(terms), 4)))

    def _denies(self, attempt: Attempt) -> str | None:
        if len(attempt.execution.call_data) < 4:
            return self.revert_of("invalid-execution-data-length")
        return None if attempt.execution.selector in self.selectors else self.revert_of("method-not-allowed")

    def describe(self, tokens: Tokens | None = None) -> str:
        many = "functions" if len(self.selectors) > 1 else "the function"
        return f"Only {many} {join_names([str(s) for s in self.selectors], last='and')} may be called."
