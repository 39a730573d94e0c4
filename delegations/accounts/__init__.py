"""Smart accounts: which kinds there are, where they stand before they are deployed, and what they can be told to do."""

from delegations.accounts.counterfactual import Counterfactual, hybrid_of_owner, simple_factory_address
from delegations.accounts.entry_point import (
    OperationResult,
    encode_get_deposit,
    encode_get_nonce,
    explain_refusal,
    read_operation_results,
)
from delegations.accounts.kinds import AccountKind
from delegations.accounts.user_operation import (
    UserOperation,
    encode_execute,
    encode_handle_ops,
    hash_user_operation,
    sign_user_operation,
)

__all__ = [
    "AccountKind",
    "Counterfactual",
    "OperationResult",
    "UserOperation",
    "encode_execute",
    "encode_get_deposit",
    "encode_get_nonce",
    "encode_handle_ops",
    "explain_refusal",
    "hash_user_operation",
    "hybrid_of_owner",
    "read_operation_results",
    "sign_user_operation",
    "simple_factory_address",
]
