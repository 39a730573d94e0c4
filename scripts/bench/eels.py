"""Runs the redemption of the benchmark on the Ethereum Execution Layer Specification, Prague; as peers.py does.

Runs in the environment of `make eels`. Source: ethereum-execution 2.20.0, ethereum.forks.prague.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from eels_worker import read_state
from ethereum.forks.prague import vm
from ethereum.forks.prague.fork_types import Address
from ethereum.forks.prague.state import (
    TransientStorage,
    begin_transaction,
    increment_nonce,
    rollback_transaction,
)
from ethereum.forks.prague.transactions import LegacyTransaction, calculate_intrinsic_cost
from ethereum.forks.prague.utils.message import prepare_message
from ethereum.forks.prague.vm.interpreter import process_message_call
from ethereum_types.bytes import Bytes, Bytes32
from ethereum_types.numeric import U64, U256, Uint


def main() -> None:
    question: dict[str, Any] = json.loads(sys.stdin.readline())
    block, asked = question["block"], question["transaction"]
    for account in question["accounts"].values():
        account["balance"] = int(account["balance"])
        account["storage"] = {slot: int(value, 16) for slot, value in account["storage"].items()}
    state = read_state(question["accounts"])
    block_env = vm.BlockEnvironment(
        chain_id=U64(block["chain_id"]),
        state=state,
        block_gas_limit=Uint(block["gas_limit"]),
        block_hashes=[],
        coinbase=Address(bytes.fromhex(block["coinbase"])),
        number=Uint(block["number"]),
        base_fee_per_gas=Uint(block["base_fee"]),
        time=U256(block["timestamp"]),
        prev_randao=Bytes32(bytes.fromhex(block["prevrandao"])),
        excess_blob_gas=U64(0),
        parent_beacon_block_root=Bytes32(bytes(32)),
    )
    sender = Address(bytes.fromhex(asked["sender"]))
    transaction = LegacyTransaction(
        nonce=U256(0),
        gas_price=Uint(0),
        gas=Uint(asked["gas"]),
        to=Address(bytes.fromhex(asked["to"])),
        value=U256(asked["value"]),
        data=Bytes(bytes.fromhex(asked["data"])),
        v=U256(27),
        r=U256(0),
        s=U256(0),
    )
    intrinsic, floor = calculate_intrinsic_cost(transaction)

    def call() -> dict[str, Any]:
        transient = TransientStorage()
        begin_transaction(state, transient)
        increment_nonce(state, sender)
        tx_env = vm.TransactionEnvironment(
            origin=sender,
            gas_price=Uint(0),
            gas=transaction.gas - intrinsic,
            access_list_addresses={block_env.coinbase},
            access_list_storage_keys=set(),
            transient_storage=transient,
            blob_versioned_hashes=(),
            authorizations=(),
            index_in_block=Uint(0),
            tx_hash=None,
        )
        done = process_message_call(prepare_message(block_env, tx_env, transaction))
        rollback_transaction(state, transient)
        used = transaction.gas - done.gas_left
        used = max(used - min(used // Uint(5), Uint(done.refund_counter)), floor)
        logs = [[log.address.hex(), [topic.hex() for topic in log.topics], log.data.hex()] for log in done.logs]
        return {"success": done.error is None, "gas_used": int(used), "logs": logs}

    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            said = call()
        print(json.dumps({"seconds": time.perf_counter() - start, **said}), flush=True)


if __name__ == "__main__":
    main()
