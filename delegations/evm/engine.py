"""What an engine is asked and what it answers: one small interface, plain data on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from caveats.types import ZERO_ADDRESS, Address
from delegations.evm.world import StateDiff, World

FrameKind = Literal["CALL", "STATICCALL", "DELEGATECALL", "CREATE"]
FrameError = Literal["revert", "out of gas", "halt"]

DEFAULT_GAS = 10_000_000
BLOCK_GAS_LIMIT = 36_000_000


@dataclass(frozen=True, slots=True)
class BlockEnv:
    """The block a call runs in. Times are unix seconds."""

    chain_id: int
    number: int
    timestamp: int
    base_fee_wei: int = 0
    coinbase: Address = ZERO_ADDRESS
    prevrandao: bytes = bytes(32)
    gas_limit: int = BLOCK_GAS_LIMIT


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction at gas price 0. `to` is None to create a contract. A sender with code is allowed."""

    sender: Address
    to: Address | None
    data: bytes = b""
    value: int = 0
    gas: int = DEFAULT_GAS


@dataclass(frozen=True, slots=True)
class Log:
    """One event log; topics are 32 bytes each."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class CallFrame:
    """One call in the call tree.

    Attributes:
        kind: how it was called.
        sender: msg.sender inside the frame.
        to: the account whose storage and address the frame runs with.
        code_address: whose code runs; differs from `to` for a delegatecall.
        value: wei moved to `to`; 0 for a delegatecall.
        error: None when it succeeded; "revert" keeps the gas left, the others burn it.
        children: the calls it made, in order, precompiles included.
    """

    kind: FrameKind
    sender: Address
    to: Address
    code_address: Address
    value: int
    input: bytes
    output: bytes
    gas: int
    gas_used: int
    error: FrameError | None
    children: tuple[CallFrame, ...] = ()
    logs: tuple[Log, ...] = ()

    def walk(self) -> Iterator[CallFrame]:
        """Yield this frame and all below it, in call order."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one transaction did.

    Attributes:
        success: whether the top frame ended without error.
        output: return data, or revert data; the deployed address of a creation is `created`.
        gas_used: of the whole transaction: intrinsic gas, refunds and the EIP-7623 floor included.
        logs: in emission order; empty when it failed.
        error: why it failed.
        frame: the call tree.
        diff: what it changed; the sender's nonce also when it failed.
        created: the address of the contract it created.
    """

    success: bool
    output: bytes
    gas_used: int
    logs: tuple[Log, ...]
    error: FrameError | None
    frame: CallFrame
    diff: StateDiff
    created: Address | None = None


class Engine(Protocol):
    """Executes transactions over a world it does not change."""

    name: str

    def execute(self, world: World, block: BlockEnv, transaction: Transaction) -> Outcome:
        """Return what `transaction` would do.

        Raises:
            ExecutionError: the transaction cannot enter a block (balance, intrinsic gas).
            EngineError: the engine could not answer.
        """
