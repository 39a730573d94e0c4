"""The opcodes that look at the state, call, create or log: py-evm's own, and faster equals for the calls.

Source: py-evm 0.12.1b1 BaseCall.__call__ and what Prague makes of it; EIP-150, EIP-2929, EIP-7702.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth.exceptions import InsufficientStack, OutOfGas, WriteProtection
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.shanghai.constants import MAX_INITCODE_SIZE
from eth.vm.logic.invalid import InvalidOpcode
from eth.vm.message import Message

from delegations.framework.constants import EIP7702_PREFIX

Leaf = Callable[[Any], object]

_COLD_ACCOUNT_GAS = 2_600
_WARM_GAS = 100
_VALUE_GAS = 9_000
_NEW_ACCOUNT_GAS = 25_000
_STIPEND_GAS = 2_300
_DEEPEST_CALL = 1_024


def grow(memory: bytearray, end: int, gas: int) -> int:
    """Make memory reach `end`, in whole words, and return the gas left. Raises OutOfGas."""
    old, new = len(memory) >> 5, (end + 31) >> 5
    gas -= 3 * (new - old) + new * new // 512 - old * old // 512
    if gas < 0:
        raise OutOfGas("memory")
    memory.extend(bytes(32 * (new - old)))
    return gas


def _call(computation: Any) -> None:
    stack, message = computation._stack.values, computation.msg
    if len(stack) < 7:
        raise InsufficientStack("CALL")
    wanted, to, value = stack.pop(), _address(stack.pop()), stack.pop()
    if value and message.is_static:
        raise WriteProtection("CALL with value in a static call")
    data, gas, output_at = _arguments(computation)
    code, code_address, gas = _load(computation.state, to, gas)
    stipend = 0
    if value:
        gas -= _VALUE_GAS + (_NEW_ACCOUNT_GAS if computation.state.account_is_empty(to) else 0)
        if gas < 0:
            raise OutOfGas("CALL")
        stipend = _STIPEND_GAS
    granted = min(wanted, gas - gas // 64)
    gas -= granted
    if value and computation.state.get_balance(message.storage_address) < value:
        return _refuse(computation, gas + granted + stipend)
    child = _message(message, granted + stipend, to, message.storage_address, value, data, code, code_address)
    child.should_transfer_value, child.is_static = True, message.is_static
    return _enter(computation, child, gas, output_at)


def _delegatecall(computation: Any) -> None:
    stack, message = computation._stack.values, computation.msg
    if len(stack) < 6:
        raise InsufficientStack("DELEGATECALL")
    wanted, source = stack.pop(), _address(stack.pop())
    data, gas, output_at = _arguments(computation)
    code, code_address, gas = _load(computation.state, source, gas)
    granted = min(wanted, gas - gas // 64)
    to = message.storage_address
    child = _message(message, granted, to, message.sender, message.value, data, code, code_address or source)
    child.should_transfer_value, child.is_static = False, message.is_static
    child.is_delegation = code_address is not None
    return _enter(computation, child, gas - granted, output_at)


def _staticcall(computation: Any) -> None:
    stack, message = computation._stack.values, computation.msg
    if len(stack) < 6:
        raise InsufficientStack("STATICCALL")
    wanted, to = stack.pop(), _address(stack.pop())
    data, gas, output_at = _arguments(computation)
    code, code_address, gas = _load(computation.state, to, gas)
    granted = min(wanted, gas - gas // 64)
    child = _message(message, granted, to, message.storage_address, 0, data, code, code_address)
    child.should_transfer_value, child.is_static = False, True
    return _enter(computation, child, gas - granted, output_at)


def _address(word: int) -> bytes:
    return word.to_bytes(32, "big")[12:]


def _arguments(computation: Any) -> tuple[bytes, int, tuple[int, int]]:
    """Pop where input and output lie, and return the input, the gas left, and start and size of the output."""
    stack, memory, gas = computation._stack.values, computation._memory._bytes, computation._gas_meter.gas_remaining
    start, size, output_start, output_size = stack.pop(), stack.pop(), stack.pop(), stack.pop()
    if size and start + size > len(memory):
        gas = grow(memory, start + size, gas)
    if output_size and output_start + output_size > len(memory):
        gas = grow(memory, output_start + output_size, gas)
    return bytes(memory[start : start + size]), gas, (output_start, output_size)


def _load(state: Any, address: bytes, gas: int) -> tuple[bytes, bytes | None, int]:
    """Return the code to run, the account it lies at when the address only names it (EIP-7702), and the gas left."""
    gas = _touch(state, address, gas)
    code = state.get_code(address)
    if len(code) != 23 or not code.startswith(EIP7702_PREFIX):
        return code, None, gas
    target = code[3:]
    gas = _touch(state, target, gas)
    return state.get_code(target), target, gas


def _touch(state: Any, address: bytes, gas: int) -> int:
    if state.is_address_warm(address):
        gas -= _WARM_GAS
    else:
        state.mark_address_warm(address)
        gas -= _COLD_ACCOUNT_GAS
    if gas < 0:
        raise OutOfGas("account access")
    return gas


def _message(
    parent: Any, gas: int, to: bytes, sender: bytes, value: int, data: bytes, code: bytes, code_address: bytes | None
) -> Any:
    """Return a message of values that come from the machine itself: nothing is left to validate."""
    child = Message.__new__(Message)
    child.gas, child.to, child.sender, child.value, child.data, child.code = gas, to, sender, value, data, code
    child.code_address, child.is_delegation = code_address, code_address is not None
    child.depth, child.storage_address, child.refund = parent.depth + 1, None, 0
    return child


def _refuse(computation: Any, gas: int) -> None:
    computation._gas_meter.gas_remaining = gas
    computation.return_data = b""
    computation._stack.values.append(0)


def _enter(computation: Any, message: Any, gas: int, output_at: tuple[int, int]) -> None:
    """Run a message below this frame and take over what it gives back."""
    if message.depth > _DEEPEST_CALL:
        return _refuse(computation, gas + message.gas)
    child = computation.apply_message(
        computation.state, message, computation.transaction_context, parent_computation=computation
    )
    computation.children.append(child)
    error, output = child._error, child._output
    if error is not None and error.erases_return_data:
        output = b""
    elif error is None or not error.burns_gas:
        gas += child._gas_meter.gas_remaining
        start, size = output_at
        size = min(size, len(output))
        computation._memory._bytes[start : start + size] = output[:size]
    computation.return_data = output
    computation._gas_meter.gas_remaining = gas
    computation._stack.values.append(1 if error is None else 0)
    return None


def _create(opcode: int) -> Leaf:
    create = PragueComputation.opcodes[opcode]

    def leaf(computation: Any) -> None:
        stack = computation._stack.values
        # EIP-3860: too long is out of gas, whatever else is wrong. py-evm looks at funds, nonce and depth before.
        if len(stack) >= 3 and stack[-3] > MAX_INITCODE_SIZE and not computation.msg.is_static:
            raise OutOfGas("init code too long")
        create(computation)

    return leaf


def _stock(opcode: int) -> Leaf:
    leaf = PragueComputation.opcodes.get(opcode) or InvalidOpcode(opcode)
    # SELFDESTRUCT is wrapped to warn of its future whenever a contract executes it; that is nothing to tell our callers
    return leaf.__wrapped__ if opcode == 0xFF else leaf  # type: ignore[no-any-return]  # py-evm is not typed for us


STOCK_OPCODES: tuple[Leaf, ...] = tuple(_stock(opcode) for opcode in range(256))
LEAVES: list[Leaf] = list(STOCK_OPCODES)
LEAVES[0xF0], LEAVES[0xF5] = _create(0xF0), _create(0xF5)
LEAVES[0xF1], LEAVES[0xF4], LEAVES[0xFA] = _call, _delegatecall, _staticcall
