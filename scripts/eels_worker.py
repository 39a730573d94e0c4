"""Execute transactions on the Ethereum Execution Layer Specification, Prague: questions on stdin, answers on stdout.

Runs in an environment of its own (see `make eels`); each line is one JSON object. Fees are left out, as gas price 0
leaves them out; everything else is done as process_transaction does it. The call tree is what the specification's own
process_message was called with, and what it returned.

Source: ethereum-execution 2.20.0, ethereum.forks.prague.fork.process_transaction.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Any

from ethereum.forks.prague import vm
from ethereum.forks.prague.fork_types import Account, Address
from ethereum.forks.prague.state import (
    State,
    TransientStorage,
    destroy_account,
    get_account,
    increment_nonce,
    set_account,
    set_storage,
)
from ethereum.forks.prague.transactions import LegacyTransaction, calculate_intrinsic_cost
from ethereum.forks.prague.utils.message import prepare_message
from ethereum.forks.prague.vm import interpreter
from ethereum.forks.prague.vm.exceptions import OutOfGasError, Revert
from ethereum_types.bytes import Bytes, Bytes0, Bytes32
from ethereum_types.numeric import U64, U256, Uint

_KINDS = {0xF0: "CREATE", 0xF1: "CALL", 0xF2: "CALL", 0xF4: "DELEGATECALL", 0xF5: "CREATE", 0xFA: "STATICCALL"}


@dataclass
class Frame:
    """A message that was processed; read when all is over, as a creation may still fail after its code ran.

    Attributes:
        first_log: how many logs its caller had when it began.
        borrowed: where in the logs of this frame those of its calls stand, as (start, count).
    """

    kind: str
    message: Any
    first_log: int = 0
    evm: Any = None
    borrowed: list[tuple[int, int]] = field(default_factory=list)

    def write(self) -> dict[str, Any]:
        message, evm = self.message, self.evm
        is_create, logs = self.kind == "CREATE", list(evm.logs)
        for start, count in reversed(self.borrowed):
            del logs[start : start + count]
        return {
            "depth": int(message.depth),
            "kind": self.kind,
            "sender": message.caller.hex(),
            "to": message.current_target.hex(),
            "code_address": (message.current_target if is_create else message.code_address).hex(),
            "value": int(message.value) if message.should_transfer_value else 0,
            "input": (message.code if is_create else message.data).hex(),
            "output": bytes(evm.output).hex(),
            "gas": int(message.gas),
            "gas_used": int(message.gas) - int(evm.gas_left),
            "error": write_error(evm.error),
            "logs": write_logs(logs),
        }


_frames: list[Frame] = []
_process_message = interpreter.process_message


def process_and_keep(message: Any) -> Any:
    """Process a message as the specification does, and keep what it was and what became of it."""
    parent = message.parent_evm
    if parent is None:
        kind = "CREATE" if message.target == Bytes0(b"") else "CALL"
    else:
        kind = _KINDS[parent.code[int(parent.pc)]]
    frame = Frame(kind, message, 0 if parent is None else len(parent.logs))
    _frames.append(frame)
    frame.evm = _process_message(message)
    return frame.evm


def write_frames() -> list[dict[str, Any]]:
    """Return the frames in call order, each with its depth."""
    of = {id(frame.evm): frame for frame in _frames}
    for frame in _frames:
        parent = of.get(id(frame.message.parent_evm))
        if parent is not None and not frame.evm.error:
            parent.borrowed.append((frame.first_log, len(frame.evm.logs)))
    return [frame.write() for frame in _frames]


def write_error(error: Any) -> str | None:
    if error is None:
        return None
    return "revert" if isinstance(error, Revert) else "out of gas" if isinstance(error, OutOfGasError) else "halt"


def write_logs(logs: Any) -> list[Any]:
    return [[log.address.hex(), [topic.hex() for topic in log.topics], log.data.hex()] for log in logs]


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
    if get_account(state, sender).balance < transaction.value:
        return {"refused": True}
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
    _frames.clear()
    output = interpreter.process_message_call(prepare_message(block_env, tx_env, transaction))
    for address in output.accounts_to_delete:
        destroy_account(state, address)
    used = transaction.gas - output.gas_left
    used = max(used - min(used // Uint(5), Uint(output.refund_counter)), floor)
    return {
        "success": output.error is None,
        "error": write_error(output.error),
        "gas_used": int(used),
        "output": bytes(output.return_data).hex(),
        "logs": write_logs(output.logs),
        "frames": write_frames(),
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
    interpreter.process_message = process_and_keep
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
