"""py-evm's Prague machine under a hot loop of our own: the same results, several times faster.

The loop walks over runs (see `runs`): gas and stack height are checked once per run. When a run cannot be finished, it
is handed over untouched to py-evm's own opcodes, which then say how it fails. Opcodes that need the state are py-evm's
own as well, or faster equals (see `leaves`).

Source: py-evm 0.12.1b1 BaseComputation.apply_computation.
"""

from __future__ import annotations

from typing import Any

from eth.exceptions import Halt, InvalidInstruction, InvalidJumpDestination, OutOfGas, Revert
from eth.vm.computation import NO_RESULT
from eth.vm.forks.prague.computation import PragueComputation

from caveats.types import keccak
from delegations.evm.leaves import LEAVES, STOCK_OPCODES, grow
from delegations.evm.runs import (
    ADD,
    ADD_CONST,
    AND,
    AND_CONST,
    CALLDATACOPY,
    CALLDATALOAD,
    CODECOPY,
    DUP,
    EQ,
    EQ_CONST,
    FRAME,
    GAS,
    GOTO,
    GT,
    IF,
    IF_NOT,
    ISZERO,
    JUMPI,
    KECCAK,
    LEAF,
    LT,
    MLOAD,
    MSIZE,
    MSTORE,
    MSTORE8,
    MUL,
    NEXT,
    POP,
    POP_MANY,
    PUSH,
    RETURN,
    SHL_CONST,
    SHR_CONST,
    SLIDE,
    STOP,
    SUB,
    SWAP,
    WORDS,
    program_of,
)
from delegations.evm.words import MAX_WORD


def copy_into(memory: bytearray, stack: list[int], source: bytes, gas: int) -> int:
    """Do what CALLDATACOPY and CODECOPY do, and return the gas left. Raises OutOfGas."""
    to, start, size = stack.pop(), stack.pop(), stack.pop()
    if size:
        if to + size > len(memory):
            gas = grow(memory, to + size, gas)
        gas -= 3 * ((size + 31) >> 5)
        if gas < 0:
            raise OutOfGas("copy")
        memory[to : to + size] = source[start : start + size].ljust(size, b"\0")
    return gas


def copy_within(memory: bytearray, stack: list[int], gas: int) -> int:
    """Do what MCOPY does, and return the gas left. Raises OutOfGas."""
    to, start, size = stack.pop(), stack.pop(), stack.pop()
    if size:
        if max(to, start) + size > len(memory):
            gas = grow(memory, max(to, start) + size, gas)
        gas -= 3 * ((size + 31) >> 5)
        if gas < 0:
            raise OutOfGas("copy")
        memory[to : to + size] = memory[start : start + size]
    return gas


class FastComputation(PragueComputation):  # type: ignore[misc]  # py-evm is not typed for us
    """A frame of the Prague machine, run by run."""

    @classmethod
    def apply_computation(
        cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> FastComputation:
        """Return the finished frame of a message."""
        with cls(state, message, transaction_context) as computation:
            if parent_computation is not None:
                computation.contracts_created = parent_computation.contracts_created
            else:
                computation.contracts_created = []
                if message.is_create:
                    # py-evm charges this again where a delegated sender creates in a frame of its own
                    cls.consume_initcode_gas_cost(computation)
            if message.is_create:
                computation.contracts_created.append(message.storage_address)
            precompile = computation.precompiles.get(message.code_address, NO_RESULT)
            if precompile is NO_RESULT:
                computation.run()
            elif not message.is_delegation:
                precompile(computation)
        return computation  # type: ignore[no-any-return]  # what py-evm's __enter__ gives

    def run(self) -> None:
        """Run the frame's code to its end. Raises VMError where it fails."""
        self.loop(0, self._gas_meter.gas_remaining)

    def loop(self, position: int, gas: int) -> None:
        """Run the frame's code from a position to its end. Raises VMError where it fails."""
        # One function on purpose: a call for each opcode would cost more than the opcode.
        program = program_of(self.msg.code)
        runs, code, landings = program.runs, program.code, program.landings
        stack, memory, data = self._stack.values, self._memory._bytes, self.msg.data_as_bytes
        push, pop, number = stack.append, stack.pop, int.from_bytes
        meter, stream = self._gas_meter, self.code
        while True:
            static, need, room, steps, ending, target, after = runs[position] or program.run_at(position)
            gas -= static
            if gas < 0 or not need <= len(stack) <= room:
                self._fail_at(position, gas + static)
                return
            for step, arg in steps:
                if step <= ADD:
                    if step == DUP:
                        push(stack[arg])
                    elif step == PUSH:
                        push(arg)
                    elif step == SWAP:
                        stack[-1], stack[arg] = stack[arg], stack[-1]
                    else:
                        stack[-1] = (pop() + stack[-1]) & MAX_WORD
                elif step <= SLIDE:
                    if step == POP:
                        pop()
                    elif step == ADD_CONST:
                        stack[-1] = (stack[-1] + arg) & MAX_WORD
                    elif step == POP_MANY:
                        del stack[-arg:]
                    else:
                        top = pop()
                        stack[arg] = top
                elif step <= SUB:
                    if step == MLOAD:
                        start = stack[-1]
                        end = start + 32
                        if end > len(memory):
                            gas = grow(memory, end, gas)
                        stack[-1] = number(memory[start:end], "big")
                    elif step == MSTORE:
                        start = pop()
                        end = start + 32
                        if end > len(memory):
                            gas = grow(memory, end, gas)
                        memory[start:end] = pop().to_bytes(32, "big")
                    elif step == ISZERO:
                        stack[-1] = 0 if stack[-1] else 1
                    else:
                        stack[-1] = (pop() - stack[-1]) & MAX_WORD
                elif step <= AND_CONST:
                    if step == LT:
                        stack[-1] = 1 if pop() < stack[-1] else 0
                    elif step == GT:
                        stack[-1] = 1 if pop() > stack[-1] else 0
                    elif step == AND:
                        stack[-1] = pop() & stack[-1]
                    else:
                        stack[-1] &= arg
                elif step <= EQ:
                    if step == CALLDATALOAD:
                        start = stack[-1]
                        stack[-1] = number(data[start : start + 32].ljust(32, b"\0"), "big")
                    elif step == MUL:
                        stack[-1] = (pop() * stack[-1]) & MAX_WORD
                    else:
                        stack[-1] = 1 if pop() == stack[-1] else 0
                elif step <= EQ_CONST:
                    if step == SHL_CONST:
                        stack[-1] = (stack[-1] << arg) & MAX_WORD
                    elif step == SHR_CONST:
                        stack[-1] >>= arg
                    else:
                        stack[-1] = 1 if stack[-1] == arg else 0
                elif step == WORDS:
                    arg(stack)
                elif step == FRAME:
                    push(arg(self))
                elif step == GAS:
                    push(gas + arg)
                elif step == MSIZE:
                    push(len(memory))
                elif step == KECCAK:
                    start = pop()
                    size = stack[-1]
                    if size and start + size > len(memory):
                        gas = grow(memory, start + size, gas)
                    gas -= 6 * ((size + 31) >> 5)
                    if gas < 0:
                        raise OutOfGas("keccak")
                    stack[-1] = number(keccak(memory[start : start + size]), "big")
                elif step == MSTORE8:
                    start = pop()
                    if start >= len(memory):
                        gas = grow(memory, start + 1, gas)
                    memory[start] = pop() & 0xFF
                elif step == CALLDATACOPY:
                    gas = copy_into(memory, stack, data, gas)
                elif step == CODECOPY:
                    gas = copy_into(memory, stack, code, gas)
                else:
                    gas = copy_within(memory, stack, gas)
            if ending <= GOTO:
                if ending == IF:
                    position = target if pop() else after
                elif ending == IF_NOT:
                    position = after if pop() else target
                elif ending == GOTO:
                    position = target
                else:
                    position = pop()
                    if position >= len(code) or not landings[position]:
                        raise no_landing(code, position)
            elif ending == LEAF:
                meter.gas_remaining, stream.program_counter = gas, after + 1
                try:
                    LEAVES[target](self)
                except Halt:  # SELFDESTRUCT
                    return
                gas, position = meter.gas_remaining, stream.program_counter
                if stack and type(stack[-1]) is bytes:
                    stack[-1] = number(stack[-1], "big")
            elif ending == NEXT:
                position = after
            elif ending == JUMPI:
                position, condition = pop(), pop()
                if not condition:
                    position = after
                elif position >= len(code) or not landings[position]:
                    raise no_landing(code, position)
            else:
                meter.gas_remaining = gas
                if ending != STOP:
                    self.give(ending)
                return

    def give(self, ending: int) -> None:
        """Set the output as RETURN or REVERT do. Raises VMError: a revert, or memory that is not paid for."""
        stack, memory, meter = self._stack.values, self._memory._bytes, self._gas_meter
        start, size = stack.pop(), stack.pop()
        if size and start + size > len(memory):
            meter.gas_remaining = grow(memory, start + size, meter.gas_remaining)
        self._output = bytes(memory[start : start + size])
        if ending != RETURN:
            raise Revert(self._output)

    def _fail_at(self, position: int, gas: int) -> None:
        """Let py-evm's own opcodes go on from here: the run ahead cannot be finished, they say why. Raises VMError."""
        self._gas_meter.gas_remaining, self.code.program_counter = gas, position
        for opcode in self.code:
            try:
                STOCK_OPCODES[opcode](self)
            except Halt:
                return


def no_landing(code: bytes, position: int) -> InvalidJumpDestination | InvalidInstruction:
    """Return the error of a jump to where no jump may go, with the class py-evm gives it."""
    if position < len(code) and code[position] == 0x5B:
        return InvalidInstruction("jump into the data of a PUSH")
    return InvalidJumpDestination("no JUMPDEST")
