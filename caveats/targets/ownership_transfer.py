"""Handing over the ownership of one contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.attempt import Attempt
from caveats.enforcer import SINGLE, EnforcerTerms, Tokens
from caveats.types import ZERO_ADDRESS, Address

TRANSFER_OWNERSHIP = bytes.fromhex("f2fde38b")
"""transferOwnership(address)"""
_LENGTH = 36


class OwnershipTransfer(EnforcerTerms):
    """Only `transferOwnership` of `target` may be called.

    Who becomes the owner is free, the zero address included: pin it with an allowed calldata at byte 4. Native value
    is not looked at. A contract with two-step ownership only begins the transfer.

        [0:20] target

    Source: framework 1.3.0, OwnershipTransferEnforcer.getTermsInfo and _validateAndEnforce.
    """

    ENFORCER: ClassVar[str] = "OwnershipTransferEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x7EEf9734E7092032B5C56310Eb9BbD1f4A524681")
    CALL_TYPES = SINGLE
    LAYOUT: ClassVar[str] = "[0:20] target"
    BOUNDS: ClassVar[str] = "the call to transferOwnership of one contract"
    LEAVES_FREE: ClassVar[str] = "the new owner, zero address included, and native value"
    REVERTS: ClassVar[tuple[str, ...]] = (
        "invalid-terms-length",
        "invalid-execution-length",
        "invalid-method",
        "invalid-contract",
    )
    EVENTS: ClassVar[tuple[str, ...]] = (
        "OwnershipTransferEnforced(address indexed sender, address indexed redeemer,"
        " bytes32 indexed delegationHash, address newOwner)",
    )

    target: Address

    def problems(self) -> Iterator[str]:
        if self.target == ZERO_ADDRESS:
            yield "target is the zero address; name the contract that changes hands"

    def encode_terms(self) -> bytes:
        return bytes(self.target)

    @classmethod
    def decode_terms(cls, terms: bytes) -> OwnershipTransfer:
        if len(terms) != 20:
            raise cls.bad_length("exactly 20 bytes", terms)
        return cls.unchecked(target=Address(terms))

    def _denies(self, attempt: Attempt) -> str | None:
        if len(attempt.execution.call_data) != _LENGTH:
            return self.revert_of("invalid-execution-length")
        if attempt.execution.selector != TRANSFER_OWNERSHIP:
            return self.revert_of("invalid-method")
        return None if attempt.execution.target == self.target else self.revert_of("invalid-contract")

    def describe(self, tokens: Tokens | None = None) -> str:
        return f"Only the ownership of {self.target} may be transferred, to anybody."
