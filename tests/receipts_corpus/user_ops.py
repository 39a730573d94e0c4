"""ERC-4337 operations of framework accounts, signed, and the handleOps calldata that submits them.

Source: ERC-4337, EntryPoint v0.7 PackedUserOperation; framework 1.3.0, DeleGatorCore.
"""

from __future__ import annotations

from eth_abi.abi import encode

from caveats import Execution
from caveats.types import Address, keccak
from delegations.accounts import AccountKind, UserOperation, encode_execute, encode_handle_ops, sign_user_operation
from delegations.eip712 import sign_digest
from tests.differential.scene import PEOPLE
from tests.enforcers.harness import CHAIN_ID

_VERIFICATION_GAS, _CALL_GAS = 2_000_000, 3_000_000


def operation(sender: Address, call_data: bytes, nonce: int = 0) -> UserOperation:
    """A signed operation of an EIP-7702 account that pays no gas."""
    unsigned = UserOperation(
        sender=sender,
        nonce=nonce,
        call_data=call_data,
        verification_gas_limit=_VERIFICATION_GAS,
        call_gas_limit=_CALL_GAS,
    )
    key = bytes(PEOPLE[sender].key)
    return sign_user_operation(
        unsigned, lambda digest: sign_digest(digest, key), kind=AccountKind.EIP7702, chain_id=CHAIN_ID
    )


def handle_ops(*operations: UserOperation, beneficiary: Address) -> bytes:
    """Calldata of EntryPoint.handleOps."""
    return encode_handle_ops(operations, beneficiary=beneficiary)


def account_execute(target: Address, data: bytes, value: int = 0) -> bytes:
    """Calldata of execute(Execution) on an account."""
    return encode_execute(Execution(target=target, value=value, call_data=data))


def account_batch(*calls: tuple[Address, int, bytes], may_fail: bool = False) -> bytes:
    """Calldata of execute(bytes32,bytes) on an account, in a batch mode."""
    selector = keccak(b"execute(bytes32,bytes)")[:4]
    mode = bytes([1, may_fail]) + bytes(30)
    return selector + encode(["bytes32", "bytes"], [mode, encode(["(address,uint256,bytes)[]"], [list(calls)])])
