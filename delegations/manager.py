"""The delegation manager behind an interface: what is asked of any manager, and MetaMask's as the first.

Source: framework 1.3.0, DelegationManager; ERC-7710.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from caveats.types import Address, Bytes4, Bytes32, keccak
from delegations.delegation import Delegation, encode_delegation, hash_delegation
from delegations.eip712 import hash_domain, hash_typed_data
from delegations.framework.constants import DELEGATION_MANAGER, FRAMEWORK_VERSION
from delegations.redemption import Redemption, decode_redeem_delegations, encode_redeem_delegations

_DELEGATION_TUPLE = "(address,address,bytes32,(address,bytes,bytes)[],uint256,bytes)"
DISABLE_DELEGATION = Bytes4(keccak(f"disableDelegation({_DELEGATION_TUPLE})".encode())[:4])
ENABLE_DELEGATION = Bytes4(keccak(f"enableDelegation({_DELEGATION_TUPLE})".encode())[:4])
_DISABLED_SLOT = 4


@runtime_checkable
class Manager(Protocol):
    """A contract that redeems delegations. ERC-7710 fixes the redeem call; the rest is each manager's own."""

    @property
    def address(self) -> Address:
        """Where it stands."""

    def hash_delegation(self, delegation: Delegation) -> Bytes32:
        """Return the identity of a delegation: what a child names as its authority."""

    def hash_to_sign(self, delegation: Delegation, *, chain_id: int) -> Bytes32:
        """Return the 32-byte digest a delegator signs on a chain."""

    def encode_redeem(self, redemptions: Sequence[Redemption]) -> bytes:
        """Return the calldata that redeems. Raises EncodingError for nothing to redeem."""

    def decode_redeem(self, calldata: bytes) -> tuple[Redemption, ...]:
        """Return the redemptions of calldata. Raises EncodingError where the contract would revert."""

    def encode_disable(self, delegation: Delegation) -> bytes:
        """Return the calldata by which the delegator revokes a delegation."""

    def encode_enable(self, delegation: Delegation) -> bytes:
        """Return the calldata by which the delegator takes a revocation back."""

    def disabled_slot(self, delegation_hash: bytes) -> int:
        """Return the storage slot that is not zero while a delegation is revoked."""


@dataclass(frozen=True, slots=True)
class MetaMaskManager:
    """The DelegationManager of the MetaMask Delegation Framework.

    Attributes:
        address: the canonical 1.3.0 one unless it is a deployment of your own.
        version: of the framework.
    """

    address: Address = DELEGATION_MANAGER
    version: str = FRAMEWORK_VERSION

    def hash_delegation(self, delegation: Delegation) -> Bytes32:
        """Return the EIP-712 struct hash, equal on every chain."""
        return hash_delegation(delegation)

    def hash_to_sign(self, delegation: Delegation, *, chain_id: int) -> Bytes32:
        """Return the EIP-712 digest for this manager on a chain."""
        return hash_typed_data(hash_domain(chain_id, self.address), hash_delegation(delegation))

    def encode_redeem(self, redemptions: Sequence[Redemption]) -> bytes:
        """Return redeemDelegations calldata. Raises EncodingError for nothing to redeem."""
        return encode_redeem_delegations(redemptions)

    def decode_redeem(self, calldata: bytes) -> tuple[Redemption, ...]:
        """Return the redemptions of redeemDelegations calldata. Raises EncodingError, UnsupportedError."""
        return decode_redeem_delegations(calldata)

    def encode_disable(self, delegation: Delegation) -> bytes:
        """Return disableDelegation calldata; only the delegator may send it. The signature in it is not checked."""
        return DISABLE_DELEGATION + encode_delegation(delegation)

    def encode_enable(self, delegation: Delegation) -> bytes:
        """Return enableDelegation calldata; only the delegator may send it."""
        return ENABLE_DELEGATION + encode_delegation(delegation)

    def disabled_slot(self, delegation_hash: bytes) -> int:
        """Return the slot of disabledDelegations[hash]. Source: framework 1.3.0 storage layout, slot 4."""
        return int.from_bytes(keccak(delegation_hash + _DISABLED_SLOT.to_bytes(32, "big")), "big")
