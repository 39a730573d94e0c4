"""Execute transactions on the Ethereum Execution Layer Specification, Prague: questions on stdin, answers on stdout.

Runs in an environment of its own (see `make eels`); each line is one JSON object. Fees are left out, as gas price 0
leaves them out; everything else is done as process_transaction does it.

Source: ethereum-execution 2.20.0, ethereum.forks.prague.fork.process_transaction.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ethereum.forks.prague import vm
from ethereum.forks.prague.fork_types import Account, Address
from ethereum.forks.prague.state import (
    State,
    TransientStorage,
    destroy_account,
    increment_nonce,
    set_account,
    set_storage,
)
from ethereum.forks.prague.transactions import LegacyTransaction, calculate_intrinsic_cost
from ethereum.forks.prague.utils.message import prepare_message
from ethereum.forks.prague.vm.exceptions import Revert
from ethereum.forks.prague.vm.interpreter import process_message_call
from ethereum_types.bytes import Bytes, Bytes0, Bytes32
from ethereum_types.numeric import U64, U256, Uint


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Return what the specification makes of one transaction."""
    state = read_state(question["accounts"])
    block, asked = question["block"], question["transaction"]
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
    transaction = LegacyTransaction(
        nonce=U256(0),
        gas_price=Uint(0),
        gas=Uint(asked["gas"]),
        to=Address(bytes.fromhex(asked["to"])) if asked["to"] else Bytes0(b""),
        value=U256(asked["value"]),
        data=Bytes(bytes.fromhex(asked["data"])),
        v=U256(27),
        r=U256(0),
        s=U256(0),
    )
    intrinsic, floor = calculate_intrinsic_cost(transaction)
    if transaction.gas < max(intrinsic, floor):
        return {"refused": True}
    sender = Address(bytes.fromhex(asked["sender"]))
    increment_nonce(state, sender)
    tx_env = vm.TransactionEnvironment(
        origin=sender,
        gas_price=Uint(0),
        gas=transaction.gas - intrinsic,
        access_list_addresses={block_env.coinbase},
        access_list_storage_keys=set(),
        transient_storage=TransientStorage(),
        blob_versioned_hashes=(),
        authorizations=(),
        index_in_block=Uint(0),
        tx_hash=None,
    )
    output = process_message_call(prepare_message(block_env, tx_env, transaction))
    for address in output.accounts_to_delete:
        destroy_account(state, address)
    used = transaction.gas - output.gas_left
    used = max(used - min(used // Uint(5), Uint(output.refund_counter)), floor)
    error = output.error
    return {
        "success": error is None,
        "reverted": isinstance(error, Revert),
        "gas_used": int(used),
        "output": bytes(output.return_data).hex(),
        "logs": [[log.address.hex(), [topic.hex() for topic in log.topics], log.data.hex()] for log in output.logs],
        "accounts": write_state(state),
    }


def read_state(accounts: dict[str, Any]) -> State:
    state = State()
    for key, entry in accounts.items():
        address = Address(bytes.fromhex(key))
        account = Account(Uint(entry["nonce"]), U256(entry["balance"]), Bytes(bytes.fromhex(entry["code"])))
        set_account(state, address, account)
        for slot, value in entry["storage"].items():
            set_storage(state, address, Bytes32(int(slot).to_bytes(32, "big")), U256(value))
    return state


def write_state(state: State) -> dict[str, Any]:
    tries = state._storage_tries
    accounts = {}
    for address, account in state._main_trie._data.items():
        storage = (
            {str(int.from_bytes(k, "big")): int(v) for k, v in tries[address]._data.items()} if address in tries else {}
        )
        accounts[address.hex()] = {
            "nonce": int(account.nonce),
            "balance": int(account.balance),
            "code": bytes(account.code).hex(),
            "storage": storage,
        }
    return accounts


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
