"""An ERC-20 amount that unlocks second by second."""

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
from caveats.spend import _stream
from caveats.spend._stream import Stream
from caveats.types import ZERO_ADDRESS, Address, Uint256


class ERC20Streaming(EnforcerTerms):
    """Only `transfer` of `token`, of what has unlocked and was not transferred yet.

    `initial_amount` unlocks at `start_at`, `amount_per_second` each second after it, never more than `max_amount` in
    total, the initial amount included. A maximum of 2^256-1 is none. The recipient is free and native value is not
    looked at.

        [0:20] token, [20:52] uint256 initial_amount, [52:84] uint256 max_amount,
        [84:116] uint256 amount_per_second, [116:148] uint256 start_at

    Source: framework 1.3.0, ERC20StreamingEnforcer.getTermsInfo and _validateAndConsumeAllowance.
    """

    ENFORCER: ClassVar[str] = "ERC20StreamingEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x56c97aE02f233B29fa03502Ecc0457266d9be00e")
    CALL_TYPES = SINGLE
    LAYOUT: ClassVar[str] = (
        "[0:20] token, [20:52] initial_amount, [52:84] max_amount, [84:116] amount_per_second, [116:148] start_at"
    )
    BOUNDS: ClassVar[str] = "the call to transfer of one token, and the total amount, which grows with time"
    LEAVES_FREE: ClassVar[str] = "the recipient, and native value sent along"
    REVERTS: ClassVar[tuple[str, ...]] = (
        "invalid-terms-length",
        "invalid-execution-length",
        "invalid-max-amount",
        "invalid-zero-start-time",
        "invalid-contract",
        "invalid-method",
        "allowance-exceeded",
        _stream.OVERFLOW,
    )
    EVENTS: ClassVar[tuple[str, ...]] = (
        "IncreasedSpentMap(address indexed sender, address indexed redeemer, bytes32 indexed delegationHash,"
        " address token, uint256 initialAmount, uint256 maxAmount, uint256 amountPerSecond, uint256 startTime,"
        " uint256 spent, uint256 lastUpdateTimestamp)",
    )
    STATE: ClassVar[str] = (
        "streamingAllowances(address delegationManager, bytes32 delegationHash) -> (uint256 initialAmount,"
        " uint256 maxAmount, uint256 amountPerSecond, uint256 startTime, uint256 spent)"
    )
    STATE_FIELDS: ClassVar[tuple[str, ...]] = _stream.STATE_FIELDS
    JUDGED_ALONE: ClassVar[bool] = False

    token: Address
    initial_amount: Uint256
    max_amount: Uint256
    amount_per_second: Uint256
    start_at: Uint256

    @property
    def stream(self) -> Stream:
        """The stream, apart from what flows."""
        return Stream(self.initial_amount, self.max_amount, self.amount_per_second, self.start_at)

    def problems(self) -> Iterator[str]:
        if self.token == ZERO_ADDRESS:
            yield "token is the zero address; name the ERC-20, or use NativeTokenStreaming for native value"
        yield from self.stream.problems("", instead="ERC20TransferAmount")

    def encode_terms(self) -> bytes:
        return self.token + b"".join(map(encode_uint, self.stream))

    @classmethod
    def decode_terms(cls, terms: bytes) -> ERC20Streaming:
        if len(terms) != 148:
            raise cls.bad_length("exactly 148 bytes", terms)
        initial, maximum, rate, start_at = (int.from_bytes(terms[i : i + 32], "big") for i in (20, 52, 84, 116))
        return cls.unchecked(
            token=Address(terms[:20]),
            initial_amount=initial,
            max_amount=maximum,
            amount_per_second=rate,
            start_at=start_at,
        )

    def _denies(self, attempt: Attempt) -> str | None:
        call_data = attempt.execution.call_data
        if len(call_data) != TRANSFER_LENGTH:
            return self.revert_of("invalid-execution-length")
        refusal = self.stream.refuses_terms()
        if refusal is not None:
            return self.revert_of(refusal)
        if attempt.execution.target != self.token:
            return self.revert_of("invalid-contract")
        if call_data[:4] != TRANSFER_SELECTOR:
            return self.revert_of("invalid-method")
        unlocked = self.stream.unlocked(attempt.timestamp)
        if unlocked is None:
            return _stream.OVERFLOW
        amount = int.from_bytes(call_data[36:], "big")
        return self.revert_of("allowance-exceeded") if amount > unlocked else None

    def state_slot(self, key: StateKey) -> int:
        return hash_keyed_slot(key)

    def describe(self, tokens: Tokens | None = None) -> str:
        shown = (
            show_token(self.token, amount, tokens)
            for amount in (self.initial_amount, self.max_amount, self.amount_per_second)
        )
        return f"{self.stream.describe('transferred', *shown)}; nothing else may be called."
