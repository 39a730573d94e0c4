"""A lifetime cap on native value."""

from __future__ import annotations

from typing import ClassVar

from caveats.abi import encode_uint
from caveats.attempt import Attempt, StateKey
from caveats.enforcer import SINGLE, EnforcerTerms, TermsError, Tokens, hash_keyed_slot, show_native
from caveats.types import Address, Uint256


class NativeTokenTransferAmount(EnforcerTerms):
    """At most `max_amount_wei` of native value may leave through this delegation, all redemptions together.

    It reads the value of the call and nothing else: with value 0 any call to any target passes. Pair it with
    an empty exact calldata or with targets and methods.

        [0:32] uint256 max_amount_wei     (bytes after it are ignored by the contract)

    Source: framework 1.3.0, NativeTokenTransferAmountEnforcer.getTermsInfo and beforeHook.
    """

    ENFORCER: ClassVar[str] = "NativeTokenTransferAmountEnforcer"
    ADDRESS: ClassVar[Address] = Address("0xF71af580b9c3078fbc2BBF16FbB8EEd82b330320")
    CALL_TYPES = SINGLE
    LAYOUT: ClassVar[str] = "[0:32] max_amount_wei"
    BOUNDS: ClassVar[str] = "total native value over the life of the delegation"
    LEAVES_FREE: ClassVar[str] = "target and calldata: a call with value 0 always passes"
    REVERTS: ClassVar[tuple[str, ...]] = ("allowance-exceeded",)
    EVENTS: ClassVar[tuple[str, ...]] = (
        "IncreasedSpentMap(address indexed sender, address indexed redeemer,"
        " bytes32 indexed delegationHash, uint256 limit, uint256 spent)",
    )
    STATE: ClassVar[str] = "spentMap(address delegationManager, bytes32 delegationHash) -> uint256"
    STATE_FIELDS: ClassVar[tuple[str, ...]] = ("spent_wei",)
    JUDGED_ALONE: ClassVar[bool] = False

    max_amount_wei: Uint256

    def encode_terms(self) -> bytes:
        return encode_uint(self.max_amount_wei)

    @classmethod
    def decode_terms(cls, terms: bytes) -> NativeTokenTransferAmount:
        if len(terms) < 32:
            # abi.decode gives no reason
            raise TermsError(f"{cls.ENFORCER} terms: expected at least 32 bytes, got {len(terms)} bytes")
        return cls.unchecked(max_amount_wei=int.from_bytes(terms[:32], "big"))

    def _denies(self, attempt: Attempt) -> str | None:
        return self.revert_of("allowance-exceeded") if attempt.execution.value > self.max_amount_wei else None

    def state_slot(self, key: StateKey) -> int:
        return hash_keyed_slot(key)

    def describe(self, tokens: Tokens | None = None) -> str:
        return f"At most {show_native(self.max_amount_wei, tokens)} in total may be sent."
