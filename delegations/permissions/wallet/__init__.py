"""The wallet side of ERC-7715: the provider, its accounts, approvers and store, and the server in front of it."""

from delegations.permissions.wallet.account import (
    ContractAccount,
    LocalAccountSigner,
    WalletAccount,
    hybrid_account,
)
from delegations.permissions.wallet.approver import (
    Approver,
    CallbackApprover,
    Decision,
    RefusingApprover,
    TerminalApprover,
    grant,
    refuse,
)
from delegations.permissions.wallet.chain import WalletChain
from delegations.permissions.wallet.jsonrpc import Limits
from delegations.permissions.wallet.listen import open_socket, serve
from delegations.permissions.wallet.operations import OperationSubmitter
from delegations.permissions.wallet.policy import Policy, PolicyApprover, read_policy
from delegations.permissions.wallet.provider import PermissionsProvider
from delegations.permissions.wallet.question import Asked, Finding, Question
from delegations.permissions.wallet.rpc_errors import ProviderError, RpcCode
from delegations.permissions.wallet.server import create_app
from delegations.permissions.wallet.store import GrantStore, SqliteStore, StoredGrant, StoreError
from delegations.permissions.wallet.submit import CallbackSubmitter, KeySubmitter, Submitter

__all__ = [
    "PermissionsProvider",
    "ProviderError",
    "RpcCode",
    "WalletChain",
    "WalletAccount",
    "LocalAccountSigner",
    "ContractAccount",
    "hybrid_account",
    "Approver",
    "Decision",
    "grant",
    "refuse",
    "RefusingApprover",
    "CallbackApprover",
    "TerminalApprover",
    "PolicyApprover",
    "Policy",
    "read_policy",
    "Question",
    "Asked",
    "Finding",
    "GrantStore",
    "SqliteStore",
    "StoredGrant",
    "StoreError",
    "Submitter",
    "KeySubmitter",
    "OperationSubmitter",
    "CallbackSubmitter",
    "create_app",
    "Limits",
    "open_socket",
    "serve",
]
