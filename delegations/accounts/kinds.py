"""The smart accounts of the framework, by what tells them apart when they check a signature.

Source: framework 1.3.0, HybridDeleGator, MultiSigDeleGator, EIP7702StatelessDeleGator (NAME, DOMAIN_VERSION).
"""

from __future__ import annotations

from enum import Enum

from caveats.types import Address
from delegations.framework.constants import EIP7702_STATELESS_DELEGATOR, HYBRID_DELEGATOR, MULTISIG_DELEGATOR


class AccountKind(Enum):
    """An implementation an account runs.

    Attributes:
        domain_name: of the EIP-712 domain in which it signs user operations; the domain's contract is the account.
        implementation: its canonical address.
    """

    HYBRID = "HybridDeleGator", HYBRID_DELEGATOR
    MULTISIG = "MultiSigDeleGator", MULTISIG_DELEGATOR
    EIP7702 = "EIP7702StatelessDeleGator", EIP7702_STATELESS_DELEGATOR

    def __init__(self, domain_name: str, implementation: Address) -> None:
        self.domain_name = domain_name
        self.implementation = implementation
