"""ERC-4337 operations of framework accounts, signed, and the handleOps calldata that submits them.

Source: ERC-4337, EntryPoint v0.7 PackedUserOperation; framework 1.3.0, DeleGatorCore.
"""

from __future__ import annotations

from eth_abi.abi import encode

from caveats.types import Address, keccak
from delegations.eip712 import sign_digest
from delegations.framework.constants import ENTRY_POINT
from tests.differential.scene import PEOPLE
from tests.enforcers.harness import CHAIN_ID

_OP = "(address,uint256,bytes,bytes,bytes32,uint256,bytes32,bytes,bytes)"
_TYPE = (
    b"PackedUserOperation(address sender,uint256 nonce,bytes initCode,bytes callData,bytes32 accountGasLimits,"
    b"uint256 preVerificationGas,bytes32 gasFees,bytes paymasterAndData,address entryPoint)"
)
_DOMAIN = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_LIMITS = (2_000_000).to_bytes(16, "big") + (3_000_000).to_bytes(16, "big")


def operation(sender: Address, call_data: bytes, nonce: int = 0) -> tuple[object, ...]:
    """A signed operation of an EIP-7702 account that pays no gas."""
    hashed = [keccak(b""), keccak(call_data)]
    struct = keccak(
        encode(
            ["bytes32", "address", "uint256", *["bytes32"] * 3, "uint256", "bytes32", "bytes32", "address"],
            [keccak(_TYPE), sender, nonce, *hashed, _LIMITS, 0, bytes(32), keccak(b""), ENTRY_POINT],
        )
    )
    domain = keccak(
        encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [keccak(_DOMAIN), keccak(b"EIP7702StatelessDeleGator"), keccak(b"1"), CHAIN_ID, sender],
        )
    )
    signature = sign_digest(keccak(b"\x19\x01" + domain + struct), bytes(PEOPLE[sender].key))
    return (sender, nonce, b"", call_data, _LIMITS, 0, bytes(32), b"", signature)


def handle_ops(*operations: tuple[object, ...], beneficiary: Address) -> bytes:
    """Calldata of EntryPoint.handleOps."""
    selector = keccak(f"handleOps({_OP}[],address)".encode())[:4]
    return selector + encode([f"{_OP}[]", "address"], [list(operations), beneficiary])


def account_execute(target: Address, data: bytes, value: int = 0) -> bytes:
    """Calldata of execute(Execution) on an account."""
    selector = keccak(b"execute((address,uint256,bytes))")[:4]
    return selector + encode(["(address,uint256,bytes)"], [(target, value, data)])


def account_batch(*calls: tuple[Address, int, bytes], may_fail: bool = False) -> bytes:
    """Calldata of execute(bytes32,bytes) on an account, in a batch mode."""
    selector = keccak(b"execute(bytes32,bytes)")[:4]
    mode = bytes([1, may_fail]) + bytes(30)
    return selector + encode(["bytes32", "bytes"], [mode, encode(["(address,uint256,bytes)[]"], [list(calls)])])
