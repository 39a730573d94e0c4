"""Addresses of framework 1.3.0 that are the same on every chain, for code that needs nothing else of it.

They follow from the init codes in `data/codehashes.json`; the tests hold the two together.
Source: framework 1.3.0, deployment broadcasts; EIP-7702 for the designator.
"""

from __future__ import annotations

from caveats.types import Address, Bytes32

FRAMEWORK_VERSION = "1.3.0"
"""The version this toolkit builds for; older ones are known by address only."""

DELEGATION_MANAGER = Address("0xdb9B1e94B5b69Df7e401DDbedE43491141047dB3")
EIP7702_STATELESS_DELEGATOR = Address("0x63c0c19a282a1B52b07dD5a65b58948A07DAE32B")
"""The implementation an EOA points its code at (EIP-7702)."""
HYBRID_DELEGATOR = Address("0x48dBe696A4D990079e039489bA2053B36E8FFEC4")
"""The implementation behind Hybrid account proxies."""
MULTISIG_DELEGATOR = Address("0x56a9EdB16a0105eb5a4C54f4C062e2868844f3A7")
"""The implementation behind MultiSig account proxies."""
SIMPLE_FACTORY = Address("0x69Aa2f9fe1572F1B640E1bbc512f5c3a734fc77c")
"""Deploys account proxies at counterfactual addresses."""
ENTRY_POINT = Address("0x0000000071727De22E5E9d8BAf0edAc6f37da032")
"""ERC-4337 EntryPoint v0.7, wired into the accounts."""
CREATE2_DEPLOYER = Address("0x4e59b44847b379578588920cA78FbF26c0B4956C")
"""The deployer of every framework contract; call data is salt ++ init code."""
GATOR_SALT = Bytes32(b"GATOR".ljust(32, b"\0"))
"""The CREATE2 salt of every framework contract (the P-256 library has salt 0)."""

EIP7702_PREFIX = bytes.fromhex("ef0100")
"""An upgraded EOA's code is this prefix and the implementation's address: 23 bytes."""
