"""The embedded engine: py-evm's Prague rules over a World, at state level.

No blocks are mined and no roots are hashed: a message is applied to an overlay of the world, and gas is settled as a
transaction settles it (intrinsic gas, refund cap, EIP-7623 floor). The call tree is what py-evm computed.

Source: py-evm 0.12.1b1 PragueState, PragueTransactionExecutor.
"""

from __future__ import annotations

import os
from typing import Any

# The native keccak is six times faster on short input; eth-hash reads this once, before its first hash.
os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")

import rlp
from eth.constants import CREATE_CONTRACT_ADDRESS
from eth.exceptions import OutOfGas, PyEVMError, Revert, VMError
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth.vm.forks.london.state import LondonTransactionExecutor
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.state import PragueState
from eth.vm.forks.prague.transactions import PragueTransactionBuilder
from eth.vm.message import Message
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from caveats.errors import ExecutionError
from caveats.types import Address, keccak
from delegations.evm.engine import (
    INITCODE_WORD_GAS,
    BlockEnv,
    CallFrame,
    FrameError,
    FrameKind,
    Log,
    Outcome,
    Transaction,
    check_entry,
    intrinsic_gas,
)
from delegations.evm.fastloop import FastComputation
from delegations.evm.overlay import Overlay
from delegations.evm.world import World
from delegations.framework.constants import EIP7702_PREFIX

_MAX_REFUND_QUOTIENT = 5
_LAST_HASHES = 256


class _WorldState(PragueState):
    """PragueState whose database is an Overlay, so that checkpoints are list positions."""

    account_db_class = Overlay

    def __init__(self, world: World, execution_context: ExecutionContext) -> None:
        super().__init__(world, execution_context, b"")

    @property
    def overlay(self) -> Overlay:
        return self._account_db  # type: ignore[no-any-return]  # py-evm is not typed for us

    def set_system_contracts(self) -> None:
        """Leave the system contracts to the world."""

    def snapshot(self) -> int:
        return self.overlay.record()

    def revert(self, snapshot: int) -> None:
        self.overlay.discard(snapshot)

    def commit(self, snapshot: int) -> None:
        """Keep what was written: the journal needs nothing more."""

    def get_ancestor_hash(self, block_number: int) -> bytes:
        is_ancestor = 0 <= self.block_number - block_number - 1 < _LAST_HASHES and block_number >= 0
        return bytes(self.overlay.block_hash(block_number)) if is_ancestor else b""

    def get_transient_storage(self, address: bytes, slot: int) -> bytes:
        return self.overlay.get_transient_storage(address, slot)

    def set_transient_storage(self, address: bytes, slot: int, value: bytes) -> None:
        self.overlay.set_transient_storage(address, slot, value)


class PyEvmEngine:
    """The engine that is always there. Exact in gas, logs and revert data; Prague rules."""

    name = "pyevm"
    computation_class: type[PragueComputation] = FastComputation

    def execute(self, world: World, block: BlockEnv, transaction: Transaction) -> Outcome:
        """Return what `transaction` would do to `world`. See Engine.execute."""
        check_entry(world, transaction)
        intrinsic, floor = intrinsic_gas(transaction)
        state = _WorldState(world, _context(block))
        sender, data = bytes(transaction.sender), bytes(transaction.data)
        nonce = state.overlay.get_nonce(sender)
        state.overlay.increment_nonce(sender)
        message = _message(state, transaction, data, transaction.gas - intrinsic, nonce)
        return self._run(state, block, transaction, message, floor)

    def create_at(
        self, world: World, block: BlockEnv, address: Address, init_code: bytes, *, sender: Address
    ) -> Outcome:
        """Return what running creation code for a given address would do, as a CREATE2 of `sender` does."""
        state = _WorldState(world, _context(block))
        transaction = Transaction(sender, None, init_code, gas=block.gas_limit)
        message = Message(
            gas=transaction.gas,
            to=CREATE_CONTRACT_ADDRESS,
            sender=bytes(sender),
            value=0,
            data=b"",
            code=init_code,
            create_address=bytes(address),
        )
        return self._run(state, block, transaction, message, 0)

    def execute_signed(self, world: World, block: BlockEnv, raw: bytes, *, excess_blob_gas: int = 0) -> Outcome:
        """Return what a signed transaction does to `world` in a block: fees, access list and authorizations included.

        Args:
            world: the state before it; read, never changed.
            block: the block it is in, with its base fee.
            raw: the transaction as a block commits to it, of any type from 0 to 4.
            excess_blob_gas: of the block.

        Raises:
            ExecutionError: it cannot be read, or cannot enter the block.
        """
        state = _WorldState(world, _context(block, excess_blob_gas))
        state.computation_class = self.computation_class
        try:
            transaction = PragueTransactionBuilder.decode(raw)
            computation: Any = state.apply_transaction(transaction)
        except (rlp.exceptions.RLPException, ValidationError, BadSignature, PyEVMError) as error:
            raise ExecutionError(f"the transaction cannot enter a block: {error}") from error
        refund = LondonTransactionExecutor.calculate_gas_refund(
            computation, transaction.gas - computation.get_gas_remaining()
        )
        used = transaction.gas - computation.get_gas_remaining() - refund + computation.data_floor_gas
        return _outcome(state, computation, used)

    def _run(
        self, state: _WorldState, block: BlockEnv, transaction: Transaction, message: Message, floor: int
    ) -> Outcome:
        sender = bytes(transaction.sender)
        for address in (sender, message.storage_address, bytes(block.coinbase)):
            state.overlay.mark_address_warm(address)
        computation = self.compute(state, message, sender)
        for address in computation.get_accounts_for_deletion():
            state.overlay.delete_account(address)
        used = transaction.gas - computation.get_gas_remaining()
        used = max(used - min(computation.get_gas_refund(), used // _MAX_REFUND_QUOTIENT), floor)
        return _outcome(state, computation, used)

    def compute(self, state: _WorldState, message: Message, origin: bytes) -> Any:
        """Return the finished computation of a transaction's message. Raises ExecutionError."""
        apply = (
            self.computation_class.apply_create_message if message.is_create else self.computation_class.apply_message
        )
        try:
            return apply(state, message, CancunTransactionContext(gas_price=0, origin=origin))
        except VMError as error:
            raise ExecutionError(f"the transaction cannot enter a block: {error}") from error


class StockPyEvmEngine(PyEvmEngine):
    """The same engine on py-evm's own loop: slower, and the oracle of the other."""

    name = "pyevm-stock"
    computation_class = PragueComputation


def _outcome(state: _WorldState, computation: Any, gas_used: int) -> Outcome:
    frame, message = _frame(computation), computation.msg
    return Outcome(
        success=computation.is_success,
        output=bytes(computation.output),
        gas_used=gas_used,
        logs=tuple(_log(*entry) for entry in computation.get_log_entries()),
        error=frame.error,
        frame=frame,
        diff=state.overlay.diff(),
        created=Address(message.storage_address) if message.is_create and computation.is_success else None,
    )


def _context(block: BlockEnv, excess_blob_gas: int = 0) -> ExecutionContext:
    return ExecutionContext(
        coinbase=bytes(block.coinbase),
        timestamp=block.timestamp,
        block_number=block.number,
        difficulty=0,
        mix_hash=block.prevrandao,
        gas_limit=block.gas_limit,
        prev_hashes=(),
        chain_id=block.chain_id,
        base_fee_per_gas=block.base_fee_wei,
        excess_blob_gas=excess_blob_gas,
    )


def _message(state: _WorldState, transaction: Transaction, data: bytes, gas: int, nonce: int) -> Message:
    sender = bytes(transaction.sender)
    if transaction.to is None:
        # py-evm charges the initcode words itself when the creation starts; they are in the intrinsic gas here
        words = INITCODE_WORD_GAS * ((len(data) + 31) // 32)
        return Message(
            gas=gas + words,
            to=CREATE_CONTRACT_ADDRESS,
            sender=sender,
            value=transaction.value,
            data=b"",
            code=data,
            create_address=keccak(rlp.encode([sender, nonce]))[12:],
        )
    to = bytes(transaction.to)
    code = state.overlay.get_code(to)
    is_delegation = len(code) == 23 and code.startswith(EIP7702_PREFIX)
    if is_delegation:
        implementation = code[3:]
        state.overlay.mark_address_warm(implementation)
        code = state.overlay.get_code(implementation)
    return Message(
        gas=gas,
        to=to,
        sender=sender,
        value=transaction.value,
        data=data,
        code=code,
        is_delegation=is_delegation,
    )


def _log(address: bytes, topics: tuple[int, ...], data: bytes) -> Log:
    return Log(Address(address), tuple(topic.to_bytes(32, "big") for topic in topics), bytes(data))


def _frame_error(computation: Any) -> FrameError | None:
    if computation.is_success:
        return None
    error: VMError = computation.error
    if isinstance(error, Revert):
        return "revert"
    return "out of gas" if isinstance(error, OutOfGas) else "halt"


def _kind(message: Any, parent: Any) -> FrameKind:
    if message.is_create:
        return "CREATE"
    if message.should_transfer_value:
        return "CALL"
    # neither a static call nor a delegatecall moves value; only the static call has the caller as its sender
    is_static_call = message.is_static and parent is not None and message.sender == parent.storage_address
    return "STATICCALL" if is_static_call else "DELEGATECALL"


def _frame(computation: Any, parent: Any = None) -> CallFrame:
    message = computation.msg
    return CallFrame(
        kind=_kind(message, parent),
        sender=Address(message.sender),
        to=Address(message.storage_address),
        code_address=Address(message.storage_address if message.is_create else message.code_address),
        value=message.value if message.should_transfer_value else 0,
        input=bytes(message.data) if not message.is_create else bytes(message.code),
        output=bytes(computation.output),
        gas=message.gas,
        gas_used=computation.get_gas_used(),
        error=_frame_error(computation),
        children=tuple(_frame(child, message) for child in computation.children),
        logs=tuple(_log(*entry[1:]) for entry in computation._log_entries),
    )
