"""Sends what the wallet's accounts do on chain, and waits until the chain has said what came of it.

Source: Ethereum execution APIs (eth_sendRawTransaction, eth_getTransactionReceipt); EIP-1559.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from caveats.errors import EncodingError, ExecutionError, TransportError, UnsupportedError
from caveats.execution import Execution
from caveats.types import Address, parse_hex
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
        """Return whether what was sent by a transaction succeeded, once it is mined.

        Raises:
            ExecutionError: it failed, and the chain said why.
            EngineError: that could not be learned in time.
        """


class Fees(NamedTuple):
    """What gas may cost, in wei.

    Attributes:
        tip: above the base fee.
        most: at most, which leaves room for six full blocks, each raising the base fee by an eighth.
    """

    tip: int
    most: int


def fetch_fees(client: RpcClient) -> Fees:
    """Return what gas may cost now. Raises EngineError when the node cannot be asked."""
    tip = from_quantity(client.call("eth_maxPriorityFeePerGas"))
    block = client.call("eth_getBlockByNumber", "latest", False)
    base = from_quantity(block.get("baseFeePerGas")) if isinstance(block, dict) else 0
    return Fees(tip, 2 * base + tip)


def estimate_gas(client: RpcClient, sender: Address, execution: Execution) -> int:
    """Return the gas a call of `sender` takes as a transaction.

    Raises:
        ExecutionError: it would fail; what it would revert with is kept.
        EngineError: the node cannot be asked.
    """
    call = {
        "from": str(sender),
        "to": str(execution.target),
        "data": to_data(execution.call_data),
        "value": hex(execution.value),
    }
    try:
        return from_quantity(client.call("eth_estimateGas", call))
    except RpcError as error:
        raise ExecutionError(
            f"nothing was sent, the call would fail: {error}", revert_data=_revert_data(error)
        ) from error


def _revert_data(error: RpcError) -> bytes:
    data = error.data
    try:
        return parse_hex(data.get("data") if isinstance(data, dict) else data)
    except EncodingError:  # a node that tells no data, or tells it in a way of its own
        return b""


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
        nonce = from_quantity(ask("eth_getTransactionCount", str(account), "pending"))
        gas = estimate_gas(self.client, account, execution)
        gas += gas // 5
        fees = fetch_fees(self.client)
        has, needs = from_quantity(ask("eth_getBalance", str(account), "latest")), gas * fees.most + execution.value
        if has < needs:
            raise ExecutionError(
                f"nothing was sent: {account} has {has} wei and the transaction may cost {needs}",
                hint="send it ether and try again",
            )
        transaction: dict[str, Any] = {
            "type": 2,
            "chainId": self.chain_id,
            "nonce": nonce,
            "to": str(execution.target),
            "data": to_data(execution.call_data),
            "value": execution.value,
            "gas": gas,
            "maxFeePerGas": fees.most,
            "maxPriorityFeePerGas": fees.tip,
        }
        signed = Account.sign_transaction(transaction, bytes(holder.key))
        return to_data(from_data(ask("eth_sendRawTransaction", to_data(bytes(signed.raw_transaction)))))

    def wait(self, transaction: str) -> bool:
        """Ask for the receipt until there is one. See Submitter.wait."""
        return from_quantity(self.fetch_receipt(transaction).get("status")) == 1

    def fetch_receipt(self, transaction: str) -> Mapping[str, Any]:
        """Return the receipt of a transaction, once it is mined. Raises EngineError when it is not in time."""
        for attempt in range(self.attempts):
            if attempt:
                self.sleep(self.pause_seconds)
            receipt = self.client.call("eth_getTransactionReceipt", transaction)
            if isinstance(receipt, dict):
                return receipt
        raise TransportError(f"transaction {transaction}: not mined yet", hint="ask again later")


@dataclass(frozen=True)
class CallbackSubmitter:
    """Leaves sending to a function, such as one that hands user operations to a bundler.

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
