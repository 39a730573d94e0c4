"""Accounts that are contracts: Hybrid and MultiSig behind a proxy that the official factory deploys.

Source: framework 1.3.0, HybridDeleGator, MultiSigDeleGator, utils/SimpleFactory; ERC-1271; ERC-1967.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from eth_abi.abi import encode

from caveats import Caveat
from caveats.enforcer import EnforcerTerms
from caveats.types import Address, keccak
from delegations.delegation import Delegation, create_delegation, hash_to_sign, redelegate
from delegations.eip712 import sign_digest
from delegations.evm import dev_account
from delegations.framework.artifact import load_framework
from delegations.framework.constants import HYBRID_DELEGATOR, MULTISIG_DELEGATOR, SIMPLE_FACTORY
from tests.differential.scene import Scene
from tests.enforcers.harness import AGENT, CHAIN_ID

Sign = Callable[[bytes], bytes]
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
KEY_ID = "a key in a phone"


@dataclass(frozen=True)
class Account:
    """A contract account, before or after its deployment.

    Attributes:
        deployment: the calldata by which SimpleFactory deploys it.
        sign: gives a signature that its isValidSignature accepts.
    """

    address: Address
    deployment: bytes
    sign: Sign

    def grant(
        self,
        s: Scene,
        *caveats: Caveat | EnforcerTerms,
        to: Address = AGENT,
        above: Delegation | None = None,
        sign: Sign | None = None,
    ) -> Delegation:
        """A delegation of the account, signed by `sign` instead where it is given."""
        s.root()  # its salt
        salt = s._salt
        if above is None:
            unsigned = create_delegation(
                delegator=self.address, delegate=to, caveats=caveats, salt=salt, unsafe_unrestricted=True
            )
        else:
            unsigned = redelegate(above, delegate=to, caveats=caveats, salt=salt)
        digest = hash_to_sign(unsigned, chain_id=CHAIN_ID, manager=s.chain.manager)
        return unsigned.with_signature((sign or self.sign)(bytes(digest)))

    def endow(self, s: Scene) -> None:
        """Give the account ether and tokens; nothing is deployed."""
        s.chain.fund(self.address, 10**18)
        s.chain.mint(s.token, self.address, 1_000)


def owned(number: int = 5) -> Account:
    """A Hybrid account of one owner."""
    owner = dev_account(number)
    return _account(HYBRID_DELEGATOR, _hybrid([owner.address, [], [], []]), key_sign(number))


def of_a_passkey() -> Account:
    """A Hybrid account without an owner: one P-256 key signs for it."""
    point = _passkey().public_key().public_numbers()
    return _account(HYBRID_DELEGATOR, _hybrid(["0x" + "00" * 20, [KEY_ID], [point.x], [point.y]]), passkey_sign)


def shared(threshold: int = 2, signers: Sequence[int] = (5, 6, 7)) -> Account:
    """A MultiSig account."""
    addresses = [dev_account(number).address for number in signers]
    initialize = _call("initialize(address[],uint256)", [addresses, threshold])
    return _account(MULTISIG_DELEGATOR, initialize, together(*signers[:threshold]))


def key_sign(number: int) -> Sign:
    """Signing with the key of a development account."""
    return lambda digest: sign_digest(digest, bytes(dev_account(number).key))


def together(*numbers: int, in_order: bool = True) -> Sign:
    """Signing with several keys, in the order of their addresses or in the other."""
    ordered = sorted(numbers, key=lambda number: int(dev_account(number).address, 16), reverse=not in_order)
    return lambda digest: b"".join(key_sign(number)(digest) for number in ordered)


def passkey_sign(digest: bytes) -> bytes:
    """keccak(key id), r, s over the SHA-256 of the digest, s in the lower half."""
    r, s = decode_dss_signature(_passkey().sign(digest, ec.ECDSA(SHA256())))
    low = min(s, P256_ORDER - s)
    return keccak(KEY_ID.encode()) + r.to_bytes(32, "big") + low.to_bytes(32, "big")


@cache
def _passkey() -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(0x5EED, ec.SECP256R1())


def _hybrid(setup: list[Any]) -> bytes:
    return _call("initialize(address,string[],uint256[],uint256[])", setup)


def _call(function: str, values: list[Any]) -> bytes:
    types = function[function.index("(") + 1 : -1].split(",")
    return keccak(function.encode())[:4] + encode(types, values)


def _account(implementation: Address, initialize: bytes, sign: Sign) -> Account:
    constructor = encode(["address", "bytes"], [str(implementation), initialize])
    init_code = load_framework().proxy_creation_code + constructor
    address = Address(keccak(b"\xff" + SIMPLE_FACTORY + bytes(32) + keccak(init_code))[12:])
    return Account(address, _call("deploy(bytes,bytes32)", [init_code, bytes(32)]), sign)
