"""A lifetime cap on transfers of one ERC-20."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.abi import encode_uint
from caveats.attempt import Attempt, StateKey
from caveats.enforcer import (
    SINGLE,
    TRANSFER_LENGTH,
    TRANSFER_SELECTOR,
    EnforcerTerms,
    Tokens,
    hash_keyed_slot,
    show_token,
)
from caveats.types import ZERO_ADDRESS, Address, Uint256


class ERC20TransferAmount(EnforcerTerms):
    """Only `transfer` of `token`, at most `max_amount` base units over all redemptions together.

    The recipient is free and native value is not looked at: pair it with a value cap of zero.

        [0:20] token, [20:52] uint256 max_amount

    Source: framework 1.3.0, ERC20TransferAmountEnforcer.getTermsInfo and _validateAndIncrease.
    """

    ENFORCER: ClassVar[str] = "ERC20TransferAmountEnforcer"
    ADDRESS: ClassVar[Address] = Address("0xf100b0819427117EcF76Ed94B358B1A5b5C6D2Fc")
    CALL_TYPES = SINGLE
    LAYOUT: ClassVar[str] = "[0:20] token, [20:52] max_amount"
    BOUNDS: ClassVar[str] = "the call to transfer of one token, and the total amount over the life of the delegation"
    LEAVES_FREE: ClassVar[str] = "the recipient, and native value sent along"
    REVERTS: ClassVar[tuple[str, ...]] = (
        "invalid-terms-length",
        "invalid-execution-length",
        "invalid-contract",
        "invalid-method",
        "allowance-exceeded",
    )
    EVENTS: ClassVar[tuple[str, ...]] = (
        "IncreasedSpentMap(address indexed sender, address indexed redeemer,"
        " bytes32 indexed delegationHash, uint256 limit, uint256 spent)",
    )
    STATE: ClassVar[str] = "spentMap(address delegationManager, bytes32 delegationHash) -> uint256"
    STATE_FIELDS: ClassVar[tuple[str, ...]] = ("spent",)
    JUDGED_ALONE: ClassVar[bool] = False

    token: Address
    max_amount: Uint256

    def problems(self) -> Iterator[str]:
        if self.token == ZERO_ADDRESS:
            yield "token is the zero address; name the ERC-20, or use NativeTokenTransferAmount for native value"
        if self.max_amount == 0:
            yield "max_amount is 0, which admits only empty transfers; give the cap in base units"

    def encode_terms(self) -> bytes:
        return self.token + encode_uint(self.max_amount)

    @classmethod
    def decode_terms(cls, terms: bytes) -> ERC20TransferAmount:
        if len(terms) != 52:
            raise cls.bad_length("exactly 52 bytes", terms)
        return cls.unchecked(token=Address(terms[:20]), max_amount=int.from_bytes(terms[20:], "big"))

    def _denies(self, attempt: Attempt) -> str | None:
        call_data = attempt.execution.call_data
        if len(call_data) != TRANSFER_LENGTH:
            return self.revert_of("invalid-execution-length")
        if attempt.execution.target != self.token:
            return self.revert_of("invalid-contract")
        if call_data[:4] != TRANSFER_SELECTOR:
            return self.revert_of("invalid-method")
        amount = int.from_bytes(call_data[36:], "big")
        return self.revert_of("allowance-exceeded") if amount > self.max_amount else None

    def state_slot(self, key: StateKey) -> int:
        return hash_keyed_slot(key)

    def describe(self, tokens: Tokens | None = None) -> str:
        cap = show_token(self.token, self.max_amount, tokens)
        return f"At most {cap} in total may be transferred, and nothing else called."
