"""Whose authority a wallet grants: accounts that sign delegations, and what a dapp must deploy before redeeming.

Source: ERC-7715 (dependencies), ERC-1271, EIP-7702; framework 1.3.0, SimpleFactory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from caveats.errors import EncodingError
from caveats.types import Address, Bytes32, keccak
from delegations.accounts import AccountKind, hybrid_of_owner, simple_factory_address
from delegations.delegation import Delegation, hash_to_sign
from delegations.eip712 import SigningAccount, sign_digest
from delegations.framework.constants import EIP7702_PREFIX, SIMPLE_FACTORY
from delegations.permissions.model import Dependency

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount


class WalletAccount(Protocol):
    """An account whose authority the wallet may grant."""

    @property
    def address(self) -> Address:
        """The delegator."""

    def sign(self, delegation: Delegation, *, chain_id: int, manager: Address) -> Delegation:
        """Return the delegation with the account's signature for one chain and manager."""

    def dependencies(self, code: bytes) -> tuple[Dependency, ...]:
        """Return what must be deployed first, given the code that stands at the address now."""

    def find_obstacle(self, code: bytes) -> str | None:
        """Return why a grant could not be redeemed as things stand, in words; None when nothing is in the way."""


@dataclass(frozen=True)
class LocalAccountSigner:
    """An account that a private key controls: an EOA that is, or is to become, an EIP-7702 account.

    Args:
        account: holds the key, such as eth-account's LocalAccount.
    """

    account: SigningAccount

    @classmethod
    def from_key(cls, key: bytes) -> LocalAccountSigner:
        """Return the account of a private key. Raises EncodingError for bytes that are no key; they are not shown."""
        return cls(_account_of(key))

    @property
    def address(self) -> Address:
        """The address of the key."""
        return _address_of(self.account)

    def sign(self, delegation: Delegation, *, chain_id: int, manager: Address) -> Delegation:
        """Return the delegation with the key's signature."""
        digest = hash_to_sign(delegation, chain_id=chain_id, manager=manager)
        return delegation.with_signature(sign_digest(digest, bytes(self.account.key)))

    def dependencies(self, code: bytes) -> tuple[Dependency, ...]:
        """Return nothing: an EOA is upgraded by its own authorization, not by a factory."""
        return ()

    def find_obstacle(self, code: bytes) -> str | None:
        """Return that the account was not upgraded, where it was not."""
        if not code:
            return "the account was not upgraded yet (EIP-7702): until it is, nothing can be redeemed"
        if not code.startswith(EIP7702_PREFIX) or len(code) != len(EIP7702_PREFIX) + 20:
            return "the account has code of its own, so its key alone may not be able to grant"
        return None


@dataclass(frozen=True)
class ContractAccount:
    """A contract that accepts signatures by ERC-1271, be it deployed already or not.

    Args:
        address: of the contract.
        sign_hash: returns the signature over a digest that the contract's isValidSignature accepts.
        factory: which deploys it; None for a contract that stands.
        factory_data: the calldata for the factory.
        kind: which of the framework's accounts it is, for telling it what to do; None for another contract.

    Raises:
        EncodingError: a SimpleFactory called so would deploy to another address.
    """

    address: Address
    sign_hash: Callable[[Bytes32], bytes]
    factory: Address | None = None
    factory_data: bytes = b""
    kind: AccountKind | None = None

    def __post_init__(self) -> None:
        if self.factory == SIMPLE_FACTORY:
            deployed = simple_factory_address(self.factory_data)
            if deployed != self.address:
                raise EncodingError.of(
                    "account", expected=f"{deployed}, where its factory puts it", got=str(self.address)
                )

    def sign(self, delegation: Delegation, *, chain_id: int, manager: Address) -> Delegation:
        """Return the delegation with the signature the contract accepts."""
        return delegation.with_signature(self.sign_hash(hash_to_sign(delegation, chain_id=chain_id, manager=manager)))

    def dependencies(self, code: bytes) -> tuple[Dependency, ...]:
        """Return the deployment of the account while it has no code."""
        if code or self.factory is None:
            return ()
        return (Dependency(factory=self.factory, factory_data=self.factory_data),)

    def find_obstacle(self, code: bytes) -> str | None:
        """Return that nothing stands at the address and nobody can put it there, where that is so."""
        if code or self.factory is not None:
            return None
        return "no contract stands at the account's address, and no factory for it is known"


def hybrid_account(owner_key: bytes, *, salt: int = 0) -> ContractAccount:
    """Return the Hybrid account that a key owns, at the address SimpleFactory gives it.

    Args:
        owner_key: the 32-byte private key of the owner.
        salt: tells the accounts of one owner apart.

    Raises:
        EncodingError: no private key; it is not shown.
    """
    owner = _account_of(owner_key)
    made = hybrid_of_owner(_address_of(owner), salt=salt)
    return ContractAccount(
        address=made.address,
        sign_hash=lambda digest: sign_digest(digest, bytes(owner.key)),
        factory=made.factory,
        factory_data=made.factory_data,
        kind=made.kind,
    )


def _account_of(key: bytes) -> LocalAccount:
    from eth_account import Account

    sign_digest(bytes(32), key)  # refuses an invalid key in our words, without showing it
    account: LocalAccount = Account.from_key(key)
    return account


def _address_of(account: SigningAccount) -> Address:
    from coincurve import PrivateKey

    point = PrivateKey(bytes(account.key)).public_key.format(compressed=False)
    return Address(keccak(point[1:])[12:])
