"""Runs the redemption of the benchmark on what people use instead: py-evm by itself, eth-tester, web3 over eth-tester.

Runs in an environment of its own, without this project: `peers.py NAME` reads the question as one line of JSON, then a
number of calls per line, and answers each with the seconds they took and what the last one said.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

Question = dict[str, Any]
Said = dict[str, Any]


def run_py_evm(question: Question) -> Callable[[], Said]:
    """Return a call of py-evm's own machine, over its own state, without a chain around it."""
    from eth.constants import BLANK_ROOT_HASH
    from eth.db.atomic import AtomicDB
    from eth.vm.execution_context import ExecutionContext
    from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
    from eth.vm.forks.prague.state import PragueState
    from eth.vm.message import Message

    block, asked = question["block"], question["transaction"]
    context = ExecutionContext(
        coinbase=bytes.fromhex(block["coinbase"]),
        timestamp=block["timestamp"],
        block_number=block["number"],
        difficulty=0,
        mix_hash=bytes.fromhex(block["prevrandao"]),
        gas_limit=block["gas_limit"],
        prev_hashes=(),
        chain_id=block["chain_id"],
        base_fee_per_gas=block["base_fee"],
        excess_blob_gas=0,
    )
    state = PragueState(AtomicDB(), context, BLANK_ROOT_HASH)
    for key, account in question["accounts"].items():
        address = bytes.fromhex(key)
        state.set_balance(address, int(account["balance"]))
        state.set_nonce(address, account["nonce"])
        state.set_code(address, bytes.fromhex(account["code"]))
        for slot, value in account["storage"].items():
            state.set_storage(address, int(slot), int(value, 16))
    state.lock_changes()
    sender, to, data = (bytes.fromhex(asked[name]) for name in ("sender", "to", "data"))
    zeros = data.count(0)
    intrinsic = 21_000 + 4 * zeros + 16 * (len(data) - zeros)

    def call() -> Said:
        before = state.snapshot()
        state.increment_nonce(sender)
        for address in (sender, to, context.coinbase):
            state.mark_address_warm(address)
        message = Message(asked["gas"] - intrinsic, to, sender, asked["value"], data, state.get_code(to))
        done = state.computation_class.apply_message(
            state, message, CancunTransactionContext(gas_price=0, origin=sender)
        )
        used = asked["gas"] - done.get_gas_remaining()
        logs = [
            [address.hex(), [topic.to_bytes(32, "big").hex() for topic in topics], log.hex()]
            for address, topics, log in done.get_log_entries()
        ]
        said = {
            "success": done.is_success,
            "gas_used": used - min(done.get_gas_refund(), used // 5),
            "logs": logs,
        }
        state.revert(before)
        return said

    return call


def _tester(question: Question) -> Any:
    from eth_tester import EthereumTester, PyEVMBackend

    block = question["block"]
    genesis = {
        bytes.fromhex(key): {
            "balance": int(account["balance"]),
            "nonce": account["nonce"],
            "code": bytes.fromhex(account["code"]),
            "storage": {int(slot): int(value, 16) for slot, value in account["storage"].items()},
        }
        for key, account in question["accounts"].items()
    }
    parameters = PyEVMBackend.generate_genesis_params({"timestamp": block["timestamp"]})
    backend = PyEVMBackend(genesis_parameters=parameters, genesis_state=genesis)
    # Its chain id is a constant, under which no delegation was signed.
    type(backend.chain).chain_id = block["chain_id"]
    return EthereumTester(backend)


def _asked(question: Question) -> dict[str, Any]:
    asked = question["transaction"]
    return {
        "from": "0x" + asked["sender"],
        "to": "0x" + asked["to"],
        "data": "0x" + asked["data"],
        "value": asked["value"],
        "gas": asked["gas"],
    }


def run_eth_tester(question: Question) -> Callable[[], Said]:
    """Return an eth_call of eth-tester; it raises when the call reverts."""
    tester, asked = _tester(question), _asked(question)

    def call() -> Said:
        tester.call(asked)
        return {"success": True}

    return call


def run_web3(question: Question) -> Callable[[], Said]:
    """Return the same eth_call through web3."""
    from eth_utils import to_checksum_address
    from web3 import EthereumTesterProvider, Web3

    web3, asked = Web3(EthereumTesterProvider(_tester(question))), _asked(question)
    asked |= {name: to_checksum_address(asked[name]) for name in ("from", "to")}

    def call() -> Said:
        web3.eth.call(asked)
        return {"success": True}

    return call


PEERS = {"py-evm": run_py_evm, "eth-tester": run_eth_tester, "web3": run_web3}


def main() -> None:
    call = PEERS[sys.argv[1]](json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            said = call()
        print(json.dumps({"seconds": time.perf_counter() - start, **said}), flush=True)


if __name__ == "__main__":
    main()
