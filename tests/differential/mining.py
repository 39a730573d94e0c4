"""Sends a transaction on anvil for good: mined in a block, receipt and trace read back, and then taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from delegations.evm.anvil import _Anvil
from delegations.evm.engine import BlockEnv, Outcome, Transaction
from delegations.evm.process import AnvilProcess, require_anvil
from delegations.evm.wire import CALL_TRACER, from_quantity, traced_outcome, transaction_object
from delegations.evm.world import World


class Miner:
    """An anvil that really mines."""

    def __init__(self, chain_id: int) -> None:
        self.anvil = _Anvil(AnvilProcess(require_anvil(), chain_id=chain_id, fork="prague"))
        self.call = self.anvil.client.call
        self.call("anvil_autoImpersonateAccount", True)
        self.head = from_quantity(self.call("eth_blockNumber"))

    def close(self) -> None:
        self.anvil.stop()

    def block_of(self, block: BlockEnv) -> BlockEnv:
        """The block as it will be mined: its number follows from the chain."""
        return replace(block, number=self.head + 1)

    def mine(self, world: World, block: BlockEnv, transaction: Transaction) -> Outcome:
        """Mine one transaction over `world` and return what the mined transaction did."""
        self.anvil.push(world)
        mark = self.call("evm_snapshot")
        self.call("evm_setNextBlockTimestamp", hex(block.timestamp))
        sent = {**transaction_object(transaction), "nonce": hex(world.nonce(transaction.sender))}
        digest = self.call("eth_sendTransaction", sent)
        self.call("evm_mine")
        receipt: dict[str, Any] = self.call("eth_getTransactionReceipt", digest)
        trace = self.call("debug_traceTransaction", digest, CALL_TRACER)
        assert self.call("evm_revert", mark) is True
        outcome = traced_outcome(trace, world)
        assert from_quantity(receipt["status"]) == outcome.success
        assert from_quantity(receipt["gasUsed"]) == outcome.gas_used
        assert from_quantity(receipt["blockNumber"]) == self.head + 1
        return outcome
