"""The contracts that may be called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.attempt import Attempt
from caveats.enforcer import SINGLE, EnforcerTerms, Tokens, join_names, name_token
from caveats.types import ZERO_ADDRESS, Address, Listed


class AllowedTargets(EnforcerTerms):
    """Only the listed addresses may be called; any function of theirs, with any value.

        n x [20] target, n >= 1

    Source: framework 1.3.0, AllowedTargetsEnforcer.getTermsInfo.
    """

    ENFORCER: ClassVar[str] = "AllowedTargetsEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x7F20f61b1f09b08D970938F6fa563634d65c4EeB")
    CALL_TYPES = SINGLE
    LAYOUT: ClassVar[str] = "n x [20] target"
    BOUNDS: ClassVar[str] = "the address that is called"
    LEAVES_FREE: ClassVar[str] = "the function, its arguments, and native value"
    REVERTS: ClassVar[tuple[str, ...]] = ("target-address-not-allowed", "invalid-terms-length")

    targets: Listed[Address]

    def problems(self) -> Iterator[str]:
        if not self.targets:
            yield "targets is empty; list at least one address"
        if len(set(self.targets)) != len(self.targets):
            yield "targets lists an address twice; each entry costs the redeemer gas, remove the copy"
        if ZERO_ADDRESS in self.targets:
            yield "targets lists the zero address; name the contract"

    def encode_terms(self) -> bytes:
        return b"".join(self.targets)

    @classmethod
    def decode_terms(cls, terms: bytes) -> AllowedTargets:
        if not terms or len(terms) % 20:
            raise cls.bad_length("a positive multiple of 20 bytes", terms)
        return cls.unchecked(targets=tuple(Address(terms[i : i + 20]) for i in range(0, len(terms), 20)))

    def _denies(self, attempt: Attempt) -> str | None:
        return None if attempt.execution.target in self.targets else self.revert_of("target-address-not-allowed")

    def describe(self, tokens: Tokens | None = None) -> str:
        names = [name_token(t, tokens) if t in (tokens or {}) else str(t) for t in self.targets]
        return f"Only {join_names(names)} may be called."
