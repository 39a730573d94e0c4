"""User operations: what a smart account is to do, signed as the framework's accounts check it, for EntryPoint v0.7.

The accounts do not look at the EntryPoint's own hash of an operation. They check an EIP-712 digest of theirs, which
covers every field of the packed operation and the EntryPoint, in a domain of the account itself.

    accountGasLimits  [0:16] verification gas, [16:32] call gas
    gasFees           [0:16] priority fee, [16:32] fee, both per gas

Source: ERC-4337, EntryPoint v0.7 (PackedUserOperation, handleOps); framework 1.3.0, DeleGatorCore
(getPackedUserOperationHash, getPackedUserOperationTypedDataHash).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

from caveats.abi import WORD, encode_address, encode_bytes, encode_dynamic_array, encode_uint
from caveats.errors import EncodingError
from caveats.execution import Execution
from caveats.types import Address, Bytes32, HexBytes, Model, Uint128, Uint256, keccak, parse_uint256
from delegations.accounts.kinds import AccountKind
from delegations.eip712 import DOMAIN_VERSION, hash_typed_data
from delegations.framework.constants import ENTRY_POINT

OPERATION_TYPE = (
    "PackedUserOperation(address sender,uint256 nonce,bytes initCode,bytes callData,bytes32 accountGasLimits,"
    "uint256 preVerificationGas,bytes32 gasFees,bytes paymasterAndData,address entryPoint)"
)
OPERATION_TYPEHASH = bytes.fromhex("bc37962d8bd1d319c95199bdfda6d3f92baa8903a61b32d5f4ec1f4b36a3bc18")
"""keccak256(OPERATION_TYPE)"""
_DOMAIN_TYPEHASH = keccak(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
_HANDLE_OPS = keccak(
    b"handleOps((address,uint256,bytes,bytes,bytes32,uint256,bytes32,bytes,bytes)[],address)",
)[:4]
_EXECUTE = keccak(b"execute((address,uint256,bytes))")[:4]
_OPERATION_HEAD = 9 * WORD


class UserOperation(Model):
    """One operation of an account.

    Attributes:
        sender: the account.
        nonce: the EntryPoint's for it, key included.
        init_code: the factory and the calldata for it; empty for an account that stands.
        call_data: what the account is called with.
        verification_gas_limit: for deploying it and checking the signature.
        call_gas_limit: for the call.
        pre_verification_gas: what the account pays for besides.
        max_priority_fee_wei: per gas, above the base fee, that the account pays.
        max_fee_wei: per gas, at most.
        paymaster_and_data: who pays instead; empty for nobody.
        signature: what the account checks; empty for none yet.
    """

    sender: Address
    nonce: Uint256
    init_code: HexBytes = b""
    call_data: HexBytes
    verification_gas_limit: Uint128
    call_gas_limit: Uint128
    pre_verification_gas: Uint256 = 0
    max_priority_fee_wei: Uint128 = 0
    max_fee_wei: Uint128 = 0
    paymaster_and_data: HexBytes = b""
    signature: HexBytes = b""

    @property
    def gas_limits(self) -> bytes:
        """accountGasLimits, as packed."""
        return _halves(self.verification_gas_limit, self.call_gas_limit)

    @property
    def gas_fees(self) -> bytes:
        """gasFees, as packed."""
        return _halves(self.max_priority_fee_wei, self.max_fee_wei)

    @property
    def prefund_wei(self) -> int:
        """What the account must have at the EntryPoint, or be able to send there, before anything is done."""
        if self.paymaster_and_data:
            return 0
        return (self.verification_gas_limit + self.call_gas_limit + self.pre_verification_gas) * self.max_fee_wei

    def with_signature(self, signature: bytes) -> Self:
        """Return the operation with a signature."""
        return self.model_copy(update={"signature": bytes(signature)})


def hash_user_operation(
    operation: UserOperation, *, kind: AccountKind, chain_id: int, entry_point: Address = ENTRY_POINT
) -> Bytes32:
    """Return the digest over which an account of this kind checks the signature.

    Args:
        operation: its signature does not matter.
        kind: of the account.
        chain_id: of the chain.
        entry_point: that carries it out; 1.3.0 accounts obey the canonical one alone.

    Raises:
        EncodingError: the chain id is not a uint256.
    """
    domain = keccak(
        _DOMAIN_TYPEHASH
        + keccak(kind.domain_name.encode())
        + keccak(DOMAIN_VERSION.encode())
        + encode_uint(parse_uint256(chain_id))
        + encode_address(operation.sender)
    )
    struct = keccak(
        OPERATION_TYPEHASH
        + encode_address(operation.sender)
        + encode_uint(operation.nonce)
        + keccak(operation.init_code)
        + keccak(operation.call_data)
        + operation.gas_limits
        + encode_uint(operation.pre_verification_gas)
        + operation.gas_fees
        + keccak(operation.paymaster_and_data)
        + encode_address(entry_point)
    )
    return hash_typed_data(domain, struct)


def sign_user_operation(
    operation: UserOperation, sign_hash: Callable[[Bytes32], bytes], *, kind: AccountKind, chain_id: int
) -> UserOperation:
    """Return the operation with the account's signature.

    Args:
        operation: what is signed.
        sign_hash: gives the signature over a digest that the account accepts.
        kind: of the account.
        chain_id: of the chain.
    """
    return operation.with_signature(sign_hash(hash_user_operation(operation, kind=kind, chain_id=chain_id)))


def encode_execute(execution: Execution) -> bytes:
    """Return the calldata by which an account is told to make one call; it obeys the EntryPoint."""
    head = encode_address(execution.target) + encode_uint(execution.value) + encode_uint(3 * WORD)
    return _EXECUTE + encode_uint(WORD) + head + encode_bytes(execution.call_data)


def encode_handle_ops(operations: Sequence[UserOperation], *, beneficiary: Address) -> bytes:
    """Return the calldata by which anybody has the EntryPoint carry out operations.

    Args:
        operations: signed.
        beneficiary: is sent what the accounts pay.

    Raises:
        EncodingError: there are none.
    """
    if not operations:
        raise EncodingError("operations: expected at least one, got none")
    listed = encode_dynamic_array([_encode(operation) for operation in operations])
    return _HANDLE_OPS + encode_uint(2 * WORD) + encode_address(beneficiary) + listed


def _encode(operation: UserOperation) -> bytes:
    tails = [
        encode_bytes(data)
        for data in (operation.init_code, operation.call_data, operation.paymaster_and_data, operation.signature)
    ]
    offsets, at = [], _OPERATION_HEAD
    for tail in tails:
        offsets.append(encode_uint(at))
        at += len(tail)
    init_code, call_data, paymaster, signature = offsets
    head = encode_address(operation.sender) + encode_uint(operation.nonce) + init_code + call_data
    head += operation.gas_limits + encode_uint(operation.pre_verification_gas) + operation.gas_fees
    return head + paymaster + signature + b"".join(tails)


def _halves(high: int, low: int) -> bytes:
    return high.to_bytes(16, "big") + low.to_bytes(16, "big")
