"""Mines transactions on anvil and keeps what a node tells of them: the transaction, its receipt, its trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from delegations.evm.engine import BlockEnv, Transaction
from delegations.evm.wire import CALL_TRACER, transaction_object
from delegations.evm.world import World
from tests.differential.mining import Miner


@dataclass(frozen=True)
class Mined:
    """One transaction as JSON-RPC tells of it, and the state it ran on."""

    tx: dict[str, Any]
    receipt: dict[str, Any]
    trace: dict[str, Any]
    before: World


class Recorder(Miner):
    """A miner that hands over the raw answers."""

    def record(self, world: World, block: BlockEnv, transaction: Transaction) -> Mined:
        """Mine one transaction over `world`, read it back, and take the block back."""
        self.anvil.push(world)
        mark = self.call("evm_snapshot")
        self.call("evm_setNextBlockTimestamp", hex(block.timestamp))
        sent = {**transaction_object(transaction), "nonce": hex(world.nonce(transaction.sender))}
        digest = self.call("eth_sendTransaction", sent)
        self.call("evm_mine")
        mined = Mined(
            tx=self.call("eth_getTransactionByHash", digest),
            receipt=self.call("eth_getTransactionReceipt", digest),
            trace=self.call("debug_traceTransaction", digest, CALL_TRACER),
            before=world.copy(),
        )
        assert self.call("evm_revert", mark) is True
        return mined
