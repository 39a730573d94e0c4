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
from caveats.spend.erc20_transfer_amount import ERC20TransferAmount
from caveats.spend.native_token_transfer_amount import NativeTokenTransferAmount
from caveats.targets.allowed_methods import AllowedMethods
from caveats.targets.allowed_targets import AllowedTargets
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
    "AllowedTargets",
    "AllowedMethods",
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
