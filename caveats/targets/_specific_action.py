"""What both layouts of the specific action share: a call and an ERC-20 transfer, exactly these, once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from caveats.abi import encode_uint
from caveats.attempt import Attempt, StateKey
from caveats.enforcer import (
    BATCH,
    TRANSFER_LENGTH,
    TRANSFER_SELECTOR,
    EnforcerTerms,
    Tokens,
    hash_keyed_slot,
    show_native,
    show_token,
)
from caveats.execution import Execution
from caveats.types import ZERO_ADDRESS, Address, HexBytes, Uint256


class SpecificActionTerms(EnforcerTerms):
    """Base of the two classes; they differ in where the first call's value stands, if at all."""

    ENFORCER: ClassVar[str] = "SpecificActionERC20TransferBatchEnforcer"
    CALL_TYPES = BATCH
    BOUNDS: ClassVar[str] = "the whole batch: one given call, then one given ERC-20 transfer; a single use"
    LEAVES_FREE: ClassVar[str] = "when it is used, and by which of the delegates"
    REVERTS: ClassVar[tuple[str, ...]] = (
        "delegation-already-used",
        "invalid-batch-size",
        "invalid-first-transaction",
        "invalid-second-transaction",
        "invalid-terms-length",
        "DecodingError()",
    )
    EVENTS: ClassVar[tuple[str, ...]] = (
        "DelegationExecuted(address indexed delegationManager, bytes32 indexed delegationHash,"
        " address indexed delegator)",
    )
    STATE: ClassVar[str] = "usedDelegations(address delegationManager, bytes32 delegationHash) -> bool"
    STATE_FIELDS: ClassVar[tuple[str, ...]] = ("used",)
    JUDGED_ALONE: ClassVar[bool] = False

    token: Address
    recipient: Address
    amount: Uint256
    first_target: Address
    first_call_data: HexBytes = b""

    @abstractmethod
    def first_execution(self) -> Execution:
        """Return the first call of the batch."""

    def executions(self) -> tuple[Execution, Execution]:
        """Return the batch that passes."""
        transfer = TRANSFER_SELECTOR + bytes(12) + self.recipient + encode_uint(self.amount)
        return self.first_execution(), Execution(target=self.token, call_data=transfer)

    def problems(self) -> Iterator[str]:
        for name, address in (
            ("token", self.token),
            ("recipient", self.recipient),
            ("first_target", self.first_target),
        ):
            if address == ZERO_ADDRESS:
                yield f"{name} is the zero address; name the account"
        if self.amount == 0:
            yield "amount is 0, which transfers nothing; give the amount in base units"

    def _denies(self, attempt: Attempt) -> str | None:
        if len(attempt.executions) != 2:
            return self.revert_of("invalid-batch-size")
        first, second = attempt.executions
        if first != self.first_execution():
            return self.revert_of("invalid-first-transaction")
        data = second.call_data
        matches = (
            second.target == self.token
            and second.value == 0
            and len(data) == TRANSFER_LENGTH
            and data[:4] == TRANSFER_SELECTOR
            and data[16:36] == self.recipient  # the bytes before it are not looked at
            and data[36:] == encode_uint(self.amount)
        )
        return None if matches else self.revert_of("invalid-second-transaction")

    def state_slot(self, key: StateKey) -> int:
        return hash_keyed_slot(key)

    def describe(self, tokens: Tokens | None = None) -> str:
        first = self.first_execution()
        sent = f" with {show_native(first.value, tokens)}" if first.value else ""
        data = f"{len(first.call_data)} given bytes of call data" if first.call_data else "no call data"
        return (
            f"Usable once, for one batch: a call to {first.target}{sent} and {data},"
            f" then a transfer of {show_token(self.token, self.amount, tokens)} to {self.recipient}."
        )
