"""Sends what the wallet's accounts do on chain, and waits until the chain has said what came of it.

Source: Ethereum execution APIs (eth_sendRawTransaction, eth_getTransactionReceipt); EIP-1559.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from caveats.errors import ExecutionError, TransportError, UnsupportedError
from caveats.execution import Execution
from caveats.types import Address
from delegations.eip712 import SigningAccount
from delegations.evm.rpc import RpcClient, RpcError
from delegations.evm.wire import from_data, from_quantity, to_data


class Submitter(Protocol):
    """Carries out calls for accounts."""

    def submit(self, account: Address, execution: Execution) -> str:
        """Send a call that `account` makes, and return the transaction's hash.

        Raises:
            UnsupportedError: it cannot act for this account.
            ExecutionError: the call would fail, so nothing was sent.
            EngineError: it could not be sent; whether it was is not known.
        """

    def wait(self, transaction: str) -> bool:
        """Return whether a transaction that was sent succeeded, once it is mined.

        Raises:
            EngineError: that could not be learned in time.
        """


@dataclass(frozen=True)
class KeySubmitter:
    """Sends transactions that keys sign, through a node: an EOA or EIP-7702 account calls for itself.

    Args:
        client: of the node.
        chain_id: of the chain.
        keys: the key of each account.
        attempts: how often the receipt is asked for before giving up.
        pause_seconds: between two of these.
        sleep: waits; a test passes its own.
    """

    client: RpcClient
    chain_id: int
    keys: Mapping[Address, SigningAccount]
    attempts: int = 120
    pause_seconds: float = 0.5
    sleep: Callable[[float], None] = time.sleep

    def submit(self, account: Address, execution: Execution) -> str:
        """Sign and send one transaction. See Submitter.submit."""
        from eth_account import Account

        holder = self.keys.get(account)
        if holder is None:
            raise UnsupportedError(f"account {account}: no key here sends transactions for it")
        ask = self.client.call
        call = {
            "from": str(account),
            "to": str(execution.target),
            "data": to_data(execution.call_data),
            "value": hex(execution.value),
        }
        nonce = from_quantity(ask("eth_getTransactionCount", str(account), "pending"))
        try:
            gas = from_quantity(ask("eth_estimateGas", call))
        except RpcError as error:
            raise ExecutionError(f"nothing was sent, the call would fail: {error}") from error
        tip = from_quantity(ask("eth_maxPriorityFeePerGas"))
        block = ask("eth_getBlockByNumber", "latest", False)
        base = from_quantity(block.get("baseFeePerGas")) if isinstance(block, dict) else 0
        transaction: dict[str, Any] = {
            "type": 2,
            "chainId": self.chain_id,
            "nonce": nonce,
            "to": str(execution.target),
            "data": to_data(execution.call_data),
            "value": execution.value,
            "gas": gas + gas // 5,
            # room for six full blocks, each raising the base fee by an eighth
            "maxFeePerGas": 2 * base + tip,
            "maxPriorityFeePerGas": tip,
        }
        signed = Account.sign_transaction(transaction, bytes(holder.key))
        return to_data(from_data(ask("eth_sendRawTransaction", to_data(bytes(signed.raw_transaction)))))

    def wait(self, transaction: str) -> bool:
        """Ask for the receipt until there is one. See Submitter.wait."""
        for attempt in range(self.attempts):
            if attempt:
                self.sleep(self.pause_seconds)
            receipt = self.client.call("eth_getTransactionReceipt", transaction)
            if isinstance(receipt, dict):
                return from_quantity(receipt.get("status")) == 1
        raise TransportError(f"transaction {transaction}: not mined yet", hint="ask again later")


@dataclass(frozen=True)
class CallbackSubmitter:
    """Leaves sending to a function, such as one that makes a user operation of a contract account.

    Args:
        send: takes the account and the call; returns the transaction's hash once it succeeded. It raises house errors:
            ExecutionError when the chain refused, EngineError when that is not known.
    """

    send: Callable[[Address, Execution], str]

    def submit(self, account: Address, execution: Execution) -> str:
        """Have the function send it. See Submitter.submit."""
        sent = self.send(account, execution)
        if not isinstance(sent, str):
            raise ExecutionError("submitter: expected the hash of the transaction it sent")
        return sent

    def wait(self, transaction: str) -> bool:
        """Return True: the function returned because it succeeded."""
        return True
