"""Which class reads which enforcer address. Nothing here throws on the unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Self

from caveats.caveat import Caveat
from caveats.compose.args_equality_check import ArgsEqualityCheck
from caveats.compose.logical_or_wrapper import LogicalOrWrapper
from caveats.enforcer import EnforcerTerms, TermsError, Tokens
from caveats.errors import EncodingError
from caveats.expiry.block_number import BlockNumber
from caveats.expiry.timestamp import Timestamp
from caveats.outcome.balance_gte import ERC20BalanceGte, ERC721BalanceGte, ERC1155BalanceGte, NativeBalanceGte
from caveats.outcome.erc20_balance_change import ERC20BalanceChange
from caveats.outcome.erc20_multi_operation_increase_balance import ERC20MultiOperationIncreaseBalance
from caveats.outcome.erc721_balance_change import ERC721BalanceChange
from caveats.outcome.erc721_multi_operation_increase_balance import ERC721MultiOperationIncreaseBalance
from caveats.outcome.erc1155_balance_change import ERC1155BalanceChange
from caveats.outcome.erc1155_multi_operation_increase_balance import ERC1155MultiOperationIncreaseBalance
from caveats.outcome.native_balance_change import NativeBalanceChange
from caveats.outcome.native_token_multi_operation_increase_balance import NativeTokenMultiOperationIncreaseBalance
from caveats.revocation.id import Id
from caveats.revocation.limited_calls import LimitedCalls
from caveats.revocation.nonce import Nonce
from caveats.revocation.redeemer import Redeemer
from caveats.spend.erc20_period_transfer import ERC20PeriodTransfer
from caveats.spend.erc20_streaming import ERC20Streaming
from caveats.spend.erc20_transfer_amount import ERC20TransferAmount
from caveats.spend.erc721_transfer import ERC721Transfer
from caveats.spend.multi_token_period import MultiTokenPeriod
from caveats.spend.native_token_payment import NativeTokenPayment
from caveats.spend.native_token_period_transfer import NativeTokenPeriodTransfer
from caveats.spend.native_token_streaming import NativeTokenStreaming
from caveats.spend.native_token_transfer_amount import NativeTokenTransferAmount
from caveats.spend.value_lte import ValueLte
from caveats.targets.allowed_calldata import AllowedCalldata
from caveats.targets.allowed_methods import AllowedMethods
from caveats.targets.allowed_targets import AllowedTargets
from caveats.targets.approval_revocation import ApprovalRevocation
from caveats.targets.deployed import Deployed
from caveats.targets.exact_calldata import ExactCalldata
from caveats.targets.exact_calldata_batch import ExactCalldataBatch
from caveats.targets.exact_execution import ExactExecution
from caveats.targets.exact_execution_batch import ExactExecutionBatch
from caveats.targets.ownership_transfer import OwnershipTransfer
from caveats.targets.specific_action_erc20_transfer_batch import (
    SpecificActionERC20TransferBatch,
    SpecificActionERC20TransferBatchV1,
)
from caveats.types import Address

ENFORCERS: tuple[type[EnforcerTerms], ...] = (
    NativeTokenTransferAmount,
    ERC20TransferAmount,
    ERC20PeriodTransfer,
    NativeTokenPeriodTransfer,
    ERC20Streaming,
    NativeTokenStreaming,
    MultiTokenPeriod,
    NativeTokenPayment,
    ValueLte,
    ERC721Transfer,
    AllowedTargets,
    AllowedMethods,
    AllowedCalldata,
    ExactCalldata,
    ExactCalldataBatch,
    ExactExecution,
    ExactExecutionBatch,
    SpecificActionERC20TransferBatch,
    OwnershipTransfer,
    ApprovalRevocation,
    Deployed,
    Timestamp,
    BlockNumber,
    LimitedCalls,
    Nonce,
    Id,
    Redeemer,
    NativeBalanceChange,
    ERC20BalanceChange,
    ERC721BalanceChange,
    ERC1155BalanceChange,
    NativeTokenMultiOperationIncreaseBalance,
    ERC20MultiOperationIncreaseBalance,
    ERC721MultiOperationIncreaseBalance,
    ERC1155MultiOperationIncreaseBalance,
    ArgsEqualityCheck,
    LogicalOrWrapper,
)
"""Every enforcer class of framework 1.3.0, in the order the documentation lists them."""

RETIRED_ENFORCERS: tuple[type[EnforcerTerms], ...] = (
    SpecificActionERC20TransferBatchV1,
    NativeBalanceGte,
    ERC20BalanceGte,
    ERC721BalanceGte,
    ERC1155BalanceGte,
)
"""Contracts that a later one replaced: old delegations that name them are read, no builder makes new ones."""


@dataclass(frozen=True)
class DecodedCaveat:
    """What a caveat says, or why it cannot be said. Its bytes are always kept in `caveat`.

    Attributes:
        caveat: the caveat as it stands.
        terms: the typed terms; None when the enforcer is unknown or would not read them.
        enforcer_name: the contract's name; None when the enforcer is unknown.
        would_revert: the revert reason the enforcer gives for malformed terms ("" for a revert without data);
            None when the terms can be read.
    """

    caveat: Caveat
    terms: EnforcerTerms | None
    enforcer_name: str | None
    would_revert: str | None = None

    @property
    def is_opaque(self) -> bool:
        """Whether the enforcer is unknown, so that nothing can be said of what it bounds."""
        return self.enforcer_name is None

    @property
    def name(self) -> str:
        """The short name: the class name, or the enforcer's address."""
        return self.enforcer_name.removesuffix("Enforcer") if self.enforcer_name else str(self.caveat.enforcer)

    def describe(self, tokens: Tokens | None = None) -> str:
        """Return one sentence, also for what cannot be read."""
        if self.terms is not None:
            return self.terms.describe(tokens)
        if self.is_opaque:
            return (
                f"Unknown enforcer {self.caveat.enforcer} with {len(self.caveat.terms)} bytes of terms:"
                " what it bounds is not known, it may bound nothing."
            )
        reason = self.would_revert or "no reason given"
        return f"Malformed terms: every redemption would revert on chain ({reason})."


@dataclass(frozen=True)
class EnforcerRegistry:
    """Maps enforcer addresses to the classes that read them. Immutable: `with_enforcer` returns a new one."""

    by_address: Mapping[Address, type[EnforcerTerms]] = field(
        default_factory=lambda: {cls.ADDRESS: cls for cls in ENFORCERS + RETIRED_ENFORCERS}
    )

    def with_enforcer(self, cls: type[EnforcerTerms], address: Address | None = None) -> Self:
        """Return a registry that also reads `address` (the class's own by default) with `cls`.

        Raises:
            EncodingError: that address is already read by another class.
        """
        at = cls.ADDRESS if address is None else address
        known = self.by_address.get(at)
        if known is not None and known is not cls:
            raise EncodingError(f"enforcer {at} is already registered as {known.ENFORCER}", hint="use another address")
        return type(self)({**self.by_address, at: cls})

    def decode(self, caveat: Caveat) -> DecodedCaveat:
        """Return what `caveat` says. Never raises: the unknown and the malformed come back marked as such."""
        cls = self.by_address.get(caveat.enforcer)
        if cls is None:
            return DecodedCaveat(caveat, None, None)
        try:
            return DecodedCaveat(caveat, cls.decode_terms(caveat.terms), cls.ENFORCER)
        except TermsError as error:
            return DecodedCaveat(caveat, None, cls.ENFORCER, would_revert=error.onchain)


def decode_caveat(caveat: Caveat) -> DecodedCaveat:
    """Return what `caveat` says, by the enforcers of framework 1.3.0. Never raises."""
    return _official().decode(caveat)


@cache
def _official() -> EnforcerRegistry:
    return EnforcerRegistry()
