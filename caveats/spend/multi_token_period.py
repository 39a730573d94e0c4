"""Recurring caps on several tokens, one of which each redemption draws on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.abi import WORD, encode_address, encode_uint
from caveats.attempt import Attempt, StateKey
from caveats.enforcer import (
    SINGLE,
    TRANSFER_LENGTH,
    TRANSFER_SELECTOR,
    EnforcerTerms,
    Tokens,
    mapping_slot,
    show_native,
    show_token,
)
from caveats.errors import EncodingError
from caveats.execution import Execution
from caveats.spend import _budget
from caveats.spend._budget import Budget
from caveats.types import ZERO_ADDRESS, Address, Listed, Model, Uint256, keccak

_RECORD = 116


class TokenPeriod(Model):
    """One record: at most `period_amount` base units of `token` in each period of `period_seconds`.

    The zero address stands for the native token; its amount is in wei.
    """

    token: Address
    period_amount: Uint256
    period_seconds: Uint256
    start_at: Uint256

    @property
    def budget(self) -> Budget:
        """The budget, apart from what it is a budget of."""
        return Budget(self.period_amount, self.period_seconds, self.start_at)

    def show(self, tokens: Tokens | None) -> str:
        """Return "10 USDC per day from ... on", or that the record admits nothing."""
        native = self.token == ZERO_ADDRESS
        amount = (
            show_native(self.period_amount, tokens) if native else show_token(self.token, self.period_amount, tokens)
        )
        return self.budget.describe(amount) or f"nothing of {amount}, as the contract refuses {self.budget.why_dead()}"


class MultiTokenPeriod(EnforcerTerms):
    """Only a transfer of a listed token, at most its record's amount in each of the record's periods.

    The redeemer says in args which record it draws on. An ERC-20 transfer carries no native value; a payment of
    native value (record with the zero address) carries no calldata and is not zero. Recipients are free.

        n x 116 bytes, n >= 1, each:
        [0:20] token, [20:52] uint256 period_amount, [52:84] uint256 period_seconds, [84:116] uint256 start_at

    The contract copies a record into its storage at the first use and goes by the copy from then on.

    Source: framework 1.3.0, MultiTokenPeriodEnforcer.getTermsInfo and _validateAndConsumeTransfer.
    """

    ENFORCER: ClassVar[str] = "MultiTokenPeriodEnforcer"
    ADDRESS: ClassVar[Address] = Address("0xFB2f1a9BD76d3701B730E5d69C3219D42D80eBb7")
    CALL_TYPES = SINGLE
    LAYOUT: ClassVar[str] = "n x ([0:20] token, [20:52] period_amount, [52:84] period_seconds, [84:116] start_at)"
    BOUNDS: ClassVar[str] = "the call to a transfer of one of the listed tokens, and the amount in each period"
    LEAVES_FREE: ClassVar[str] = "the recipient, which record is drawn on, and how long it goes on"
    REVERTS: ClassVar[tuple[str, ...]] = (
        "invalid-terms-length",
        "invalid-token-index",
        "invalid-value-in-erc20-transfer",
        "invalid-method",
        "invalid-zero-value-in-native-transfer",
        "invalid-call-data-length",
        "token-mismatch",
        *_budget.REVERTS,
    )
    EVENTS: ClassVar[tuple[str, ...]] = (
        "TransferredInPeriod(address indexed sender, address indexed redeemer, bytes32 indexed delegationHash,"
        " address token, uint256 periodAmount, uint256 periodDuration, uint256 startDate,"
        " uint256 transferredInCurrentPeriod, uint256 transferTimestamp)",
    )
    STATE: ClassVar[str] = (
        "periodicAllowances(bytes32 hashKey) -> (uint256 periodAmount, uint256 periodDuration, uint256 startDate,"
        " uint256 lastTransferPeriod, uint256 transferredInCurrentPeriod)"
    )
    STATE_FIELDS: ClassVar[tuple[str, ...]] = _budget.STATE_FIELDS
    JUDGED_ALONE: ClassVar[bool] = False
    ARGS: ClassVar[str] = "[0:32] uint256 index of the record to draw on, counted from 0"

    records: Listed[TokenPeriod]

    def problems(self) -> Iterator[str]:
        if not self.records:
            yield "records is empty; list at least one token"
        tokens = [record.token for record in self.records]
        if len(set(tokens)) != len(tokens):
            yield "records lists a token twice, and the redeemer may draw on both: the budgets add up; give one record"
        for i, record in enumerate(self.records):
            yield from record.budget.problems("period_amount", of=f"records.{i}.")

    def encode_terms(self) -> bytes:
        return b"".join(r.token + b"".join(map(encode_uint, r.budget)) for r in self.records)

    @classmethod
    def decode_terms(cls, terms: bytes) -> MultiTokenPeriod:
        if not terms or len(terms) % _RECORD:
            raise cls.bad_length(f"a positive multiple of {_RECORD} bytes", terms)
        return cls.unchecked(
            records=tuple(_decode_record(terms[i : i + _RECORD]) for i in range(0, len(terms), _RECORD))
        )

    def encode_args(self, index: int) -> bytes:
        """Return the args that draw on the record with this index.

        Raises:
            EncodingError: there is no such record.
        """
        if type(index) is not int or not 0 <= index < len(self.records):
            raise EncodingError.of("record index", expected=f"a number from 0 to {len(self.records) - 1}", got=index)
        return encode_uint(index)

    @staticmethod
    def decode_args(args: bytes) -> int:
        """Return the record's index that args name; bytes after the first word are ignored, as the contract does.

        Raises:
            EncodingError: fewer than 32 bytes, where the contract reverts without a reason.
        """
        if len(args) < WORD:
            raise EncodingError.of("MultiTokenPeriod args", expected="at least 32 bytes: a record's index", got=args)
        return int.from_bytes(args[:WORD], "big")

    def _denies(self, attempt: Attempt) -> str | None:
        execution = attempt.execution
        refusal = _refuse_call(execution)
        if refusal is not None:
            return self.revert_of(refusal)
        if len(attempt.args) < WORD:
            return ""  # abi.decode gives no reason
        index = self.decode_args(attempt.args)
        if index >= len(self.records):
            return self.revert_of("invalid-token-index")
        token, amount = _moved(execution)
        record = self.records[index]
        if record.token != token:
            return self.revert_of("token-mismatch")
        reason = record.budget.denies(amount, attempt.timestamp)
        return None if reason is None else self.revert_of(reason)

    def state_slot(self, key: StateKey, *, index: int = 0) -> int:
        """Return the first storage slot of one record's state, by default of the first record's.

        Raises:
            EncodingError: there is no such record.
        """
        # keccak(abi.encode(caller, token, hash, index)) is the key of the mapping at slot 0
        parts = encode_address(key.caller), encode_address(self._record(index).token), key.delegation_hash
        return int.from_bytes(mapping_slot(keccak(b"".join(parts) + encode_uint(index)), b""), "big")

    def _record(self, index: int) -> TokenPeriod:
        self.encode_args(index)
        return self.records[index]

    def describe(self, tokens: Tokens | None = None) -> str:
        listed = "; or ".join(record.show(tokens) for record in self.records)
        return f"Each transfer draws on one budget: {listed}; nothing else may be called."


def _decode_record(data: bytes) -> TokenPeriod:
    amount, seconds, start_at = (int.from_bytes(data[i : i + 32], "big") for i in (20, 52, 84))
    return TokenPeriod(token=Address(data[:20]), period_amount=amount, period_seconds=seconds, start_at=start_at)


def _refuse_call(execution: Execution) -> str | None:
    if len(execution.call_data) == TRANSFER_LENGTH:
        if execution.value:
            return "invalid-value-in-erc20-transfer"
        return None if execution.selector == TRANSFER_SELECTOR else "invalid-method"
    if execution.call_data:
        return "invalid-call-data-length"
    return None if execution.value else "invalid-zero-value-in-native-transfer"


def _moved(execution: Execution) -> tuple[Address, int]:
    if execution.call_data:
        return execution.target, int.from_bytes(execution.call_data[36:], "big")
    return ZERO_ADDRESS, execution.value
