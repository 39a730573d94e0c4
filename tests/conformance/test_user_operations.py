"""User operations as the TypeScript kit signs them and viem packs them: the same bytes, for random operations."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caveats.types import Address, format_hex
from delegations.accounts import (
    AccountKind,
    UserOperation,
    encode_handle_ops,
    hash_user_operation,
    hybrid_of_owner,
    sign_user_operation,
)
from delegations.eip712 import sign_digest
from delegations.evm import dev_account
from tests.conformance.node import Kit, bigint

SCRIPT = Path(__file__).with_name("operations_kit.mjs")
OWNER = dev_account(3)
KEY = bytes(OWNER.key)
BENEFICIARY = Address(dev_account(1).address)


@pytest.fixture(scope="module")
def viem() -> Iterator[Kit]:
    with Kit(SCRIPT) as running:
        yield running


def drawn(seed: int) -> UserOperation:
    source = random.Random(seed)  # noqa: S311 - the same operations every time

    def some(most: int) -> bytes:
        return source.randbytes(source.randint(0, most))

    is_new, is_paid_for = source.random() < 0.5, source.random() < 0.3
    limits = source.getrandbits(128).to_bytes(16, "big") + source.getrandbits(128).to_bytes(16, "big")
    return UserOperation(
        sender=Address(source.randbytes(20)),
        nonce=source.getrandbits(source.choice((1, 64, 256))),
        init_code=source.randbytes(20) + some(300) if is_new else b"",
        call_data=some(500),
        verification_gas_limit=source.getrandbits(128),
        call_gas_limit=source.getrandbits(source.choice((1, 128))),
        pre_verification_gas=source.getrandbits(256),
        max_priority_fee_wei=source.getrandbits(128),
        max_fee_wei=source.getrandbits(128),
        paymaster_and_data=source.randbytes(20) + limits + some(100) if is_paid_for else b"",
    )


def as_the_kit_takes_it(operation: UserOperation) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "sender": str(operation.sender),
        "nonce": bigint(operation.nonce),
        "callData": format_hex(operation.call_data),
        "callGasLimit": bigint(operation.call_gas_limit),
        "verificationGasLimit": bigint(operation.verification_gas_limit),
        "preVerificationGas": bigint(operation.pre_verification_gas),
        "maxFeePerGas": bigint(operation.max_fee_wei),
        "maxPriorityFeePerGas": bigint(operation.max_priority_fee_wei),
    }
    if operation.init_code:
        asked |= {
            "factory": format_hex(operation.init_code[:20]),
            "factoryData": format_hex(operation.init_code[20:]),
        }
    if operation.paymaster_and_data:
        data = operation.paymaster_and_data
        asked |= {
            "paymaster": format_hex(data[:20]),
            "paymasterVerificationGasLimit": bigint(int.from_bytes(data[20:36], "big")),
            "paymasterPostOpGasLimit": bigint(int.from_bytes(data[36:52], "big")),
            "paymasterData": format_hex(data[52:]),
        }
    return asked


@pytest.mark.parametrize("kind", [AccountKind.HYBRID, AccountKind.MULTISIG, AccountKind.EIP7702])
def test_operations_are_hashed_signed_and_packed_as_by_the_kit(viem: Kit, kind: AccountKind) -> None:
    for seed in range(30):
        operation = drawn(seed)
        asked = as_the_kit_takes_it(operation)
        theirs = viem.ask(
            "sign",
            userOperation=asked,
            privateKey=format_hex(KEY),
            chainId=31337,
            name=kind.domain_name,
            beneficiary=str(BENEFICIARY),
        )
        assert "error" not in theirs, theirs
        signed = sign_user_operation(operation, lambda digest: sign_digest(digest, KEY), kind=kind, chain_id=31337)
        assert format_hex(hash_user_operation(operation, kind=kind, chain_id=31337)) == theirs["digest"]
        assert format_hex(signed.signature) == theirs["signature"]
        assert format_hex(encode_handle_ops([signed], beneficiary=BENEFICIARY)) == theirs["handleOps"]


@pytest.mark.parametrize("salt", [0, 5, 2**255 + 7])
def test_a_hybrid_account_stands_where_the_kit_says_and_is_deployed_the_same_way(viem: Kit, salt: int) -> None:
    made = hybrid_of_owner(Address(OWNER.address), salt=salt)
    theirs = viem.ask("account", owner=OWNER.address, salt=f"0x{salt:064x}")
    assert (str(made.address), format_hex(made.factory_data)) == (theirs["address"], theirs["factoryData"])
