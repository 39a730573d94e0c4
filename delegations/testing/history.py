"""A local chain that remembers what was sent on it, so that receipts and logs can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from caveats.abi import encode_uint
from caveats.types import Address, keccak
from delegations.evm.chain import LocalChain
from delegations.evm.engine import DEFAULT_GAS, BlockEnv, Outcome, Transaction


@dataclass(frozen=True, slots=True)
class Mined:
    """One transaction, alone in its block.

    Attributes:
        hash: of the signed transaction; of an unsigned one, made of chain id, block, sender and nonce.
        kind: EIP-2718 type; 2 for one that was not signed.
        gas_price: what the sender paid for each gas, in wei.
    """

    block: BlockEnv
    transaction: Transaction
    nonce: int
    outcome: Outcome
    hash: bytes
    kind: int = 2
    gas_price: int = 0


class RecordingChain(LocalChain):
    """A LocalChain with a history; in all else the same.

    Attributes:
        history: what was sent, oldest first.
        first_block: the first block the history can speak of.
    """

    def __init__(self, chain_id: int = 31337, **options: Any) -> None:
        super().__init__(chain_id, **options)
        self.history: list[Mined] = []
        self.first_block = self.block_number
        self._marks: list[int] = []

    @classmethod
    def of(cls, chain: LocalChain) -> Self:
        """Return an independent chain in the state of another, with an empty history."""
        self = cls(
            chain.chain_id,
            timestamp=chain.timestamp,
            block_number=chain.block_number,
            engine=chain.engine,
            world=chain.world.copy(),
        )
        self.manager = chain.manager
        return self

    def copy(self) -> Self:
        """Return an independent chain in the same state, with the same history; it has no snapshots."""
        copied = type(self).of(self)
        copied.first_block = self.first_block
        copied.history.extend(self.history)
        return copied

    def send(
        self, sender: Address, to: Address | None, data: bytes = b"", *, value: int = 0, gas: int = DEFAULT_GAS
    ) -> Outcome:
        """Execute a transaction and keep its effects, as LocalChain.send; it enters the history."""
        block, nonce = self.block, self.world.nonce(sender)
        outcome = super().send(sender, to, data, value=value, gas=gas)
        digest = keccak(b"".join(map(encode_uint, (self.chain_id, block.number, nonce))) + sender)
        self.history.append(Mined(block, Transaction(sender, to, data, value, gas), nonce, outcome, digest))
        return outcome

    def snapshot(self) -> int:
        """Return a mark, as LocalChain.snapshot; it holds for the history too."""
        mark = super().snapshot()
        self._marks[mark:] = [len(self.history)]
        return mark

    def revert(self, snapshot: int) -> None:
        """Take the chain and its history back to a mark, as LocalChain.revert."""
        super().revert(snapshot)
        del self.history[self._marks[snapshot] :]
