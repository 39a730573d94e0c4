"""What a delegation may do: one typed class per enforcer of the MetaMask Delegation Framework 1.3.0.

from caveats import LimitedCalls, Timestamp
LimitedCalls(limit=5).to_caveat()
"""

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
from caveats.expiry.timestamp import Timestamp
from caveats.registry import ENFORCERS, RETIRED_ENFORCERS, DecodedCaveat, EnforcerRegistry, decode_caveat
from caveats.revocation.limited_calls import LimitedCalls
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
from caveats.targets.allowed_methods import AllowedMethods
from caveats.targets.allowed_targets import AllowedTargets
from caveats.targets.approval_revocation import ApprovalRevocation
from caveats.targets.deployed import Deployed
from caveats.targets.ownership_transfer import OwnershipTransfer
from caveats.targets.specific_action_erc20_transfer_batch import (
    SpecificActionERC20TransferBatch,
    SpecificActionERC20TransferBatchV1,
)
from caveats.types import Address, Bytes4, Bytes32, format_amount, parse_amount

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
    "SpecificActionERC20TransferBatch",
    "OwnershipTransfer",
    "ApprovalRevocation",
    "Deployed",
    "SpecificActionERC20TransferBatchV1",
    "Timestamp",
    "LimitedCalls",
    "DelegationsError",
    "EncodingError",
    "TermsError",
    "VerificationError",
    "UnsupportedError",
    "ExecutionError",
    "EngineError",
    "TransportError",
]
