"""A recurring cap on transfers of one ERC-20."""

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
from caveats.spend import _budget
from caveats.spend._budget import Budget
from caveats.types import ZERO_ADDRESS, Address, Uint256


class ERC20PeriodTransfer(EnforcerTerms):
    """Only `transfer` of `token`, at most `period_amount` base units in each period of `period_seconds`.

    What a period leaves over is lost, and around a boundary two budgets may go within two seconds. There is no end:
    pair it with an expiry. A `period_seconds` of 2^256-1 makes one period that never ends. The recipient is free and
    native value is not looked at.

        [0:20] token, [20:52] uint256 period_amount, [52:84] uint256 period_seconds, [84:116] uint256 start_at

    The contract copies the last three into its storage at the first use and goes by the copy from then on.

    Source: framework 1.3.0, ERC20PeriodTransferEnforcer.getTermsInfo and _validateAndConsumeTransfer.
    """

    ENFORCER: ClassVar[str] = "ERC20PeriodTransferEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x474e3Ae7E169e940607cC624Da8A15Eb120139aB")
    CALL_TYPES = SINGLE
    LAYOUT: ClassVar[str] = "[0:20] token, [20:52] period_amount, [52:84] period_seconds, [84:116] start_at"
    BOUNDS: ClassVar[str] = "the call to transfer of one token, and the amount in each period"
    LEAVES_FREE: ClassVar[str] = "the recipient, native value sent along, and how long it goes on"
    REVERTS: ClassVar[tuple[str, ...]] = (
        "invalid-terms-length",
        "invalid-execution-length",
        "invalid-contract",
        "invalid-method",
        *_budget.REVERTS,
    )
    EVENTS: ClassVar[tuple[str, ...]] = (
        "TransferredInPeriod(address indexed sender, address indexed redeemer, bytes32 indexed delegationHash,"
        " address token, uint256 periodAmount, uint256 periodDuration, uint256 startDate,"
        " uint256 transferredInCurrentPeriod, uint256 transferTimestamp)",
    )
    STATE: ClassVar[str] = (
        "periodicAllowances(address delegationManager, bytes32 delegationHash) -> (uint256 periodAmount,"
        " uint256 periodDuration, uint256 startDate, uint256 lastTransferPeriod, uint256 transferredInCurrentPeriod)"
    )
    STATE_FIELDS: ClassVar[tuple[str, ...]] = _budget.STATE_FIELDS
    JUDGED_ALONE: ClassVar[bool] = False

    token: Address
    period_amount: Uint256
    period_seconds: Uint256
    start_at: Uint256

    @property
    def budget(self) -> Budget:
        """The budget, apart from what it is a budget of."""
        return Budget(self.period_amount, self.period_seconds, self.start_at)

    def problems(self) -> Iterator[str]:
        if self.token == ZERO_ADDRESS:
            yield "token is the zero address; name the ERC-20, or use NativeTokenPeriodTransfer for native value"
        yield from self.budget.problems("period_amount")

    def encode_terms(self) -> bytes:
        return self.token + b"".join(map(encode_uint, self.budget))

    @classmethod
    def decode_terms(cls, terms: bytes) -> ERC20PeriodTransfer:
        if len(terms) != 116:
            raise cls.bad_length("exactly 116 bytes", terms)
        amount, seconds, start_at = (int.from_bytes(terms[i : i + 32], "big") for i in (20, 52, 84))
        return cls.unchecked(token=Address(terms[:20]), period_amount=amount, period_seconds=seconds, start_at=start_at)

    def _denies(self, attempt: Attempt) -> str | None:
        call_data = attempt.execution.call_data
        if len(call_data) != TRANSFER_LENGTH:
            return self.revert_of("invalid-execution-length")
        if attempt.execution.target != self.token:
            return self.revert_of("invalid-contract")
        if call_data[:4] != TRANSFER_SELECTOR:
            return self.revert_of("invalid-method")
        reason = self.budget.denies(int.from_bytes(call_data[36:], "big"), attempt.timestamp)
        return None if reason is None else self.revert_of(reason)

    def state_slot(self, key: StateKey) -> int:
        return hash_keyed_slot(key)

    def describe(self, tokens: Tokens | None = None) -> str:
        shown = self.budget.describe(show_token(self.token, self.period_amount, tokens))
        if shown is None:
            return f"Nothing can be transferred: the contract refuses {self.budget.why_dead()}."
        return f"At most {shown} may be transferred, and nothing else called."
