"""Accounts that have an address before they have code: what deploys them, and where.

Source: framework 1.3.0, SimpleFactory.deploy and HybridDeleGator.initialize; EIP-1014.
"""

from __future__ import annotations

from typing import NamedTuple

from caveats.abi import WORD, encode_address, encode_bytes, encode_uint
from caveats.errors import EncodingError
from caveats.types import Address, keccak, parse_uint256
from delegations.accounts.kinds import AccountKind
from delegations.framework.abi import decode_canonical
from delegations.framework.constants import SIMPLE_FACTORY

_DEPLOY = keccak(b"deploy(bytes,bytes32)")[:4]
_INITIALIZE_HYBRID = keccak(b"initialize(address,string[],uint256[],uint256[])")[:4]


class Counterfactual(NamedTuple):
    """An account that stands at its address, or can be put there by anyone.

    Attributes:
        kind: what it runs.
        address: of it.
        factory: deploys it.
        factory_data: when called with this.
    """

    kind: AccountKind
    address: Address
    factory: Address
    factory_data: bytes


def hybrid_of_owner(owner: Address, *, salt: int = 0) -> Counterfactual:
    """Return the Hybrid account whose only signer is the key of an address, at the address SimpleFactory gives it.

    Args:
        owner: the address of the owner's key.
        salt: tells the accounts of one owner apart.

    Raises:
        EncodingError: the owner is no address, the salt no uint256.
    """
    from delegations.framework.artifact import load_framework

    empty = encode_uint(0)
    heads = b"".join(encode_uint(4 * WORD + i * WORD) for i in range(3))
    initialize = _INITIALIZE_HYBRID + encode_address(Address(owner)) + heads + 3 * empty
    constructor = encode_address(AccountKind.HYBRID.implementation) + encode_uint(2 * WORD) + encode_bytes(initialize)
    init_code = load_framework().proxy_creation_code + constructor
    factory_data = _DEPLOY + encode_uint(2 * WORD) + encode_uint(parse_uint256(salt)) + encode_bytes(init_code)
    return Counterfactual(AccountKind.HYBRID, simple_factory_address(factory_data), SIMPLE_FACTORY, factory_data)


def simple_factory_address(factory_data: bytes) -> Address:
    """Return where SimpleFactory deploys when it is called with this calldata.

    Raises:
        EncodingError: not calldata of its deploy.
    """
    if factory_data[:4] != _DEPLOY:
        raise EncodingError.of("factory data", expected="a call of deploy(bytes,bytes32)", got=factory_data[:4])
    init_code, salt = decode_canonical(
        [{"type": "bytes", "name": "bytecode"}, {"type": "bytes32", "name": "salt"}], factory_data[4:]
    )
    return Address(keccak(b"\xff" + SIMPLE_FACTORY + salt + keccak(init_code))[12:])
