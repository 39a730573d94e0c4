"""Give an agent a bounded piece of a smart account's authority, check every use before it happens, keep receipts.

    from delegations import LocalChain, create_delegation, redeem, sign_delegation, simulate

Importing this package does not load the EVM; the first chain does.
"""

from typing import TYPE_CHECKING

from caveats import Address, Caveat, DelegationsError, Execution
from delegations._version import __version__
from delegations.delegation import (
    ANY_DELEGATE,
    ROOT_AUTHORITY,
    Delegation,
    create_delegation,
    decode_context,
    decode_delegation,
    encode_context,
    encode_delegation,
    hash_delegation,
    hash_to_sign,
    recover_delegation_signer,
    redelegate,
    sign_delegation,
    verify_chain,
    verify_signature,
)
from delegations.execution import ExecutionMode
from delegations.redemption import Redemption, decode_redeem_delegations, encode_redeem_delegations, redeem

if TYPE_CHECKING:
    from delegations.evm import LocalChain
    from delegations.framework.constants import DELEGATION_MANAGER
    from delegations.receipts import Receipt, make_receipts
    from delegations.simulation import Verdict, execute, simulate
else:
    _LATER = {
        "LocalChain": "delegations.evm",
        "DELEGATION_MANAGER": "delegations.framework.constants",
        "Receipt": "delegations.receipts",
        "make_receipts": "delegations.receipts",
        "Verdict": "delegations.simulation",
        "execute": "delegations.simulation",
        "simulate": "delegations.simulation",
    }

    def __getattr__(name: str) -> object:
        if name in _LATER:
            from importlib import import_module

            return getattr(import_module(_LATER[name]), name)
        raise AttributeError(f"module 'delegations' has no attribute {name!r}")


__all__ = [
    "__version__",
    "Address",
    "Caveat",
    "Execution",
    "DelegationsError",
    "Delegation",
    "create_delegation",
    "redelegate",
    "ROOT_AUTHORITY",
    "ANY_DELEGATE",
    "DELEGATION_MANAGER",
    "hash_delegation",
    "hash_to_sign",
    "sign_delegation",
    "recover_delegation_signer",
    "verify_signature",
    "verify_chain",
    "encode_delegation",
    "decode_delegation",
    "encode_context",
    "decode_context",
    "ExecutionMode",
    "Redemption",
    "redeem",
    "encode_redeem_delegations",
    "decode_redeem_delegations",
    "LocalChain",
    "simulate",
    "execute",
    "Verdict",
    "Receipt",
    "make_receipts",
]
