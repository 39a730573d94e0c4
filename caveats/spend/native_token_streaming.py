"""Native value that unlocks second by second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.abi import encode_uint
from caveats.attempt import Attempt, StateKey
from caveats.enforcer import SINGLE, EnforcerTerms, Tokens, hash_keyed_slot, show_native
from caveats.spend import _stream
from caveats.spend._stream import Stream
from caveats.types import Address, Uint256


class NativeTokenStreaming(EnforcerTerms):
    """Native value up to what has unlocked and was not sent yet.

    `initial_amount_wei` unlocks at `start_at`, `amount_per_second_wei` each second after it, never more than
    `max_amount_wei` in total, the initial amount included. A maximum of 2^256-1 is none. It reads the value of the
    call and nothing else: with value 0 any call to any target passes. Pair it with an empty exact calldata or with
    targets and methods.

        [0:32] uint256 initial_amount_wei, [32:64] uint256 max_amount_wei,
        [64:96] uint256 amount_per_second_wei, [96:128] uint256 start_at

    Source: framework 1.3.0, NativeTokenStreamingEnforcer.getTermsInfo and _validateAndConsumeAllowance.
    """

    ENFORCER: ClassVar[str] = "NativeTokenStreamingEnforcer"
    ADDRESS: ClassVar[Address] = Address("0xD10b97905a320b13a0608f7E9cC506b56747df19")
    CALL_TYPES = SINGLE
    LAYOUT: ClassVar[str] = (
        "[0:32] initial_amount_wei, [32:64] max_amount_wei, [64:96] amount_per_second_wei, [96:128] start_at"
    )
    BOUNDS: ClassVar[str] = "total native value, which grows with time"
    LEAVES_FREE: ClassVar[str] = "target and calldata: a call with value 0 always passes"
    REVERTS: ClassVar[tuple[str, ...]] = (
        "invalid-terms-length",
        "invalid-max-amount",
        "invalid-zero-start-time",
        "allowance-exceeded",
        _stream.OVERFLOW,
    )
    EVENTS: ClassVar[tuple[str, ...]] = (
        "IncreasedSpentMap(address indexed sender, address indexed redeemer, bytes32 indexed delegationHash,"
        " uint256 initialAmount, uint256 maxAmount, uint256 amountPerSecond, uint256 startTime, uint256 spent,"
        " uint256 lastUpdateTimestamp)",
    )
    STATE: ClassVar[str] = (
        "streamingAllowances(address delegationManager, bytes32 delegationHash) -> (uint256 initialAmount,"
        " uint256 maxAmount, uint256 amountPerSecond, uint256 startTime, uint256 spent)"
    )
    STATE_FIELDS: ClassVar[tuple[str, ...]] = _stream.STATE_FIELDS
    JUDGED_ALONE: ClassVar[bool] = False

    initial_amount_wei: Uint256
    max_amount_wei: Uint256
    amount_per_second_wei: Uint256
    start_at: Uint256

    @property
    def stream(self) -> Stream:
        """The stream, apart from what flows."""
        return Stream(self.initial_amount_wei, self.max_amount_wei, self.amount_per_second_wei, self.start_at)

    def problems(self) -> Iterator[str]:
        yield from self.stream.problems("_wei", instead="NativeTokenTransferAmount")

    def encode_terms(self) -> bytes:
        return b"".join(map(encode_uint, self.stream))

    @classmethod
    def decode_terms(cls, terms: bytes) -> NativeTokenStreaming:
        if len(terms) != 128:
            raise cls.bad_length("exactly 128 bytes", terms)
        initial, maximum, rate, start_at = (int.from_bytes(terms[i : i + 32], "big") for i in (0, 32, 64, 96))
        return cls.unchecked(
            initial_amount_wei=initial, max_amount_wei=maximum, amount_per_second_wei=rate, start_at=start_at
        )

    def _denies(self, attempt: Attempt) -> str | None:
        refusal = self.stream.refuses_terms()
        if refusal is not None:
            return self.revert_of(refusal)
        unlocked = self.stream.unlocked(attempt.timestamp)
        if unlocked is None:
            return _stream.OVERFLOW
        return self.revert_of("allowance-exceeded") if attempt.execution.value > unlocked else None

    def state_slot(self, key: StateKey) -> int:
        return hash_keyed_slot(key)

    def describe(self, tokens: Tokens | None = None) -> str:
        shown = (
            show_native(amount, tokens)
            for amount in (self.initial_amount_wei, self.max_amount_wei, self.amount_per_second_wei)
        )
        return f"{self.stream.describe('sent', *shown)}."
