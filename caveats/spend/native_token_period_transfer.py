"""A recurring cap on native value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.abi import encode_uint
from caveats.attempt import Attempt, StateKey
from caveats.enforcer import SINGLE, EnforcerTerms, Tokens, hash_keyed_slot, show_native
from caveats.spend import _budget
from caveats.spend._budget import Budget
from caveats.types import Address, Uint256


class NativeTokenPeriodTransfer(EnforcerTerms):
    """At most `period_amount_wei` of native value in each period of `period_seconds`.

    It reads the value of the call and nothing else: with value 0 any call to any target passes. Pair it with an
    empty exact calldata or with targets and methods. What a period leaves over is lost; there is no end.

        [0:32] uint256 period_amount_wei, [32:64] uint256 period_seconds, [64:96] uint256 start_at

    The contract copies all three into its storage at the first use and goes by the copy from then on.

    Source: framework 1.3.0, NativeTokenPeriodTransferEnforcer.getTermsInfo and _validateAndConsumeTransfer.
    """

    ENFORCER: ClassVar[str] = "NativeTokenPeriodTransferEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x9BC0FAf4Aca5AE429F4c06aEEaC517520CB16BD9")
    CALL_TYPES = SINGLE
    LAYOUT: ClassVar[str] = "[0:32] period_amount_wei, [32:64] period_seconds, [64:96] start_at"
    BOUNDS: ClassVar[str] = "native value in each period"
    LEAVES_FREE: ClassVar[str] = (
        "target and calldata, as a call with value 0 always passes once started, and how long it goes on"
    )
    REVERTS: ClassVar[tuple[str, ...]] = ("invalid-terms-length", *_budget.REVERTS)
    EVENTS: ClassVar[tuple[str, ...]] = (
        "TransferredInPeriod(address indexed sender, address indexed redeemer, bytes32 indexed delegationHash,"
        " uint256 periodAmount, uint256 periodDuration, uint256 startDate,"
        " uint256 transferredInCurrentPeriod, uint256 transferTimestamp)",
    )
    STATE: ClassVar[str] = (
        "periodicAllowances(address delegationManager, bytes32 delegationHash) -> (uint256 periodAmount,"
        " uint256 periodDuration, uint256 startDate, uint256 lastTransferPeriod, uint256 transferredInCurrentPeriod)"
    )
    STATE_FIELDS: ClassVar[tuple[str, ...]] = _budget.STATE_FIELDS
    JUDGED_ALONE: ClassVar[bool] = False

    period_amount_wei: Uint256
    period_seconds: Uint256
    start_at: Uint256

    @property
    def budget(self) -> Budget:
        """The budget, apart from what it is a budget of."""
        return Budget(self.period_amount_wei, self.period_seconds, self.start_at)

    def problems(self) -> Iterator[str]:
        yield from self.budget.problems("period_amount_wei")

    def encode_terms(self) -> bytes:
        return b"".join(map(encode_uint, self.budget))

    @classmethod
    def decode_terms(cls, terms: bytes) -> NativeTokenPeriodTransfer:
        if len(terms) != 96:
            raise cls.bad_length("exactly 96 bytes", terms)
        amount, seconds, start_at = (int.from_bytes(terms[i : i + 32], "big") for i in (0, 32, 64))
        return cls.unchecked(period_amount_wei=amount, period_seconds=seconds, start_at=start_at)

    def _denies(self, attempt: Attempt) -> str | None:
        reason = self.budget.denies(attempt.execution.value, attempt.timestamp)
        return None if reason is None else self.revert_of(reason)

    def state_slot(self, key: StateKey) -> int:
        return hash_keyed_slot(key)

    def describe(self, tokens: Tokens | None = None) -> str:
        shown = self.budget.describe(show_native(self.period_amount_wei, tokens))
        if shown is None:
            return f"Nothing can be sent: the contract refuses {self.budget.why_dead()}."
        return f"At most {shown} may be sent."
