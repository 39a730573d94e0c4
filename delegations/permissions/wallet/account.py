"""Whose authority a wallet grants: accounts that sign delegations, and what a dapp must deploy before redeeming.

Source: ERC-7715 (dependencies), ERC-1271, EIP-7702; framework 1.3.0, SimpleFactory.deploy and
HybridDeleGator.initialize.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from caveats.abi import WORD, encode_address, encode_bytes, encode_uint
from caveats.errors import EncodingError
from caveats.types import Address, Bytes32, keccak
from delegations.delegation import Delegation, hash_to_sign
from delegations.eip712 import SigningAccount, sign_digest
from delegations.framework.constants import EIP7702_PREFIX, HYBRID_DELEGATOR, SIMPLE_FACTORY
from delegations.permissions.model import Dependency

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

_DEPLOY = keccak(b"deploy(bytes,bytes32)")[:4]
_INITIALIZE_HYBRID = keccak(b"initialize(address,string[],uint256[],uint256[])")[:4]


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

    Raises:
        EncodingError: a SimpleFactory called so would deploy to another address.
    """

    address: Address
    sign_hash: Callable[[Bytes32], bytes]
    factory: Address | None = None
    factory_data: bytes = b""

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
    from delegations.framework.artifact import load_framework

    owner = _account_of(owner_key)
    empty = encode_uint(0)
    heads = b"".join(encode_uint(4 * WORD + i * WORD) for i in range(3))
    initialize = _INITIALIZE_HYBRID + encode_address(_address_of(owner)) + heads + 3 * empty
    constructor = encode_address(HYBRID_DELEGATOR) + encode_uint(2 * WORD) + encode_bytes(initialize)
    init_code = load_framework().proxy_creation_code + constructor
    factory_data = _DEPLOY + encode_uint(2 * WORD) + encode_uint(salt) + encode_bytes(init_code)
    return ContractAccount(
        address=simple_factory_address(factory_data),
        sign_hash=lambda digest: sign_digest(digest, bytes(owner.key)),
        factory=SIMPLE_FACTORY,
        factory_data=factory_data,
    )


def simple_factory_address(factory_data: bytes) -> Address:
    """Return where SimpleFactory deploys when it is called with this calldata.

    Raises:
        EncodingError: not calldata of its deploy.

    Source: framework 1.3.0, SimpleFactory.deploy; EIP-1014.
    """
    from delegations.framework.abi import decode_canonical

    if factory_data[:4] != _DEPLOY:
        raise EncodingError.of("factory data", expected="a call of deploy(bytes,bytes32)", got=factory_data[:4])
    init_code, salt = decode_canonical(
        [{"type": "bytes", "name": "bytecode"}, {"type": "bytes32", "name": "salt"}], factory_data[4:]
    )
    return Address(keccak(b"\xff" + SIMPLE_FACTORY + salt + keccak(init_code))[12:])


def _account_of(key: bytes) -> LocalAccount:
    from eth_account import Account

    sign_digest(bytes(32), key)  # refuses an invalid key in our words, without showing it
    account: LocalAccount = Account.from_key(key)
    return account


def _address_of(account: SigningAccount) -> Address:
    from coincurve import PrivateKey

    point = PrivateKey(bytes(account.key)).public_key.format(compressed=False)
    return Address(keccak(point[1:])[12:])
