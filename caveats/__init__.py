"""What a delegation may do: one typed class per enforcer of the MetaMask Delegation Framework 1.3.0.

from caveats import LimitedCalls, Timestamp
LimitedCalls(limit=5).to_caveat()

The classes are loaded when the first of them is asked for: the rest of the package does without them.
"""

import typing

from caveats.caveat import Caveat
from caveats.enforcer import EnforcerTerms, TermsError, TokenInfo
from caveats.errors import (
    DelegationsError,
    EncodingError,
    EngineError,
    ExecutionError,
    TransportError,
    UnsupportedError,
    VerificationError,
)
from caveats.execution import Execution
from caveats.types import Address, Bytes4, Bytes32, format_amount, parse_amount

if typing.TYPE_CHECKING:
    from caveats.compose.args_equality_check import ArgsEqualityCheck
    from caveats.compose.logical_or_wrapper import LogicalOrWrapper
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
    from caveats.registry import ENFORCERS, RETIRED_ENFORCERS, DecodedCaveat, EnforcerRegistry, decode_caveat
    from caveats.revocation.id import Id
    from caveats.revocation.limited_calls import LimitedCalls
    from caveats.revocation.nonce import Nonce
    from caveats.revocation.redeemer import Redeemer
    from caveats.spend.erc20_period_transfer import ERC20PeriodTransfer
    from caveats.spend.erc20_streaming import ERC20Streaming
    from caveats.spend.erc20_transfer_amount import ERC20TransferAmount
    from caveats.spend.erc721_transfer import ERC721Transfer
    from caveats.spend.multi_token_period import MultiTokenPeriod, TokenPeriod
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
else:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module 'caveats' has no attribute {name!r}")
        from caveats import registry
        from caveats.spend.multi_token_period import TokenPeriod

        loaded = {**vars(registry), "TokenPeriod": TokenPeriod}
        globals().update({later: loaded[later] for later in __all__ if later not in globals()})
        return globals()[name]

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "Address",
    "Bytes4",
    "Bytes32",
    "parse_amount",
    "format_amount",
    "Caveat",
    "Execution",
    "TokenInfo",
    "EnforcerTerms",
    "DecodedCaveat",
    "EnforcerRegistry",
    "ENFORCERS",
    "RETIRED_ENFORCERS",
    "decode_caveat",
    "NativeTokenTransferAmount",
    "ERC20TransferAmount",
    "ERC20PeriodTransfer",
    "NativeTokenPeriodTransfer",
    "ERC20Streaming",
    "NativeTokenStreaming",
    "MultiTokenPeriod",
    "TokenPeriod",
    "NativeTokenPayment",
    "ValueLte",
    "ERC721Transfer",
    "AllowedTargets",
    "AllowedMethods",
    "AllowedCalldata",
    "ExactCalldata",
    "ExactCalldataBatch",
    "ExactExecution",
    "ExactExecutionBatch",
    "SpecificActionERC20TransferBatch",
    "OwnershipTransfer",
    "ApprovalRevocation",
    "Deployed",
    "SpecificActionERC20TransferBatchV1",
    "Timestamp",
    "BlockNumber",
    "LimitedCalls",
    "Nonce",
    "Id",
    "Redeemer",
    "NativeBalanceChange",
    "ERC20BalanceChange",
    "ERC721BalanceChange",
    "ERC1155BalanceChange",
    "NativeTokenMultiOperationIncreaseBalance",
    "ERC20MultiOperationIncreaseBalance",
    "ERC721MultiOperationIncreaseBalance",
    "ERC1155MultiOperationIncreaseBalance",
    "ArgsEqualityCheck",
    "LogicalOrWrapper",
    "NativeBalanceGte",
    "ERC20BalanceGte",
    "ERC721BalanceGte",
    "ERC1155BalanceGte",
    "DelegationsError",
    "EncodingError",
    "TermsError",
    "VerificationError",
    "UnsupportedError",
    "ExecutionError",
    "EngineError",
    "TransportError",
]
