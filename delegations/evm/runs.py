"""Bytecode cut into runs: stretches that either run to their end or fail without a trace.

A run holds opcodes that look at nothing but stack, memory and the frame's own data, up to the next jump, the next jump
destination or the next opcode that needs the exact gas or the state (a leaf). Nothing in it can fail but for gas or
stack, so both are checked once, before it starts. Opcodes that follow each other often are fused into one step.

Source: py-evm 0.12.1b1 opcode tables (gas), EIP-170, EIP-3855, EIP-5656.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from eth.vm.forks.prague.computation import PragueComputation

from delegations.evm.words import WORD_OPERATIONS

STACK_LIMIT = 1024
_PROGRAMS_KEPT = 128

# Steps, the most frequent first. Each takes one argument.
(
    DUP,  # negative index
    PUSH,  # value
    SWAP,  # negative index
    ADD,
    POP,
    ADD_CONST,  # value
    POP_MANY,  # how many
    SLIDE,  # SWAPn POP: negative index after the pop
    MLOAD,
    MSTORE,
    ISZERO,
    SUB,
    LT,
    GT,
    AND,
    AND_CONST,  # value
    CALLDATALOAD,
    MUL,
    EQ,
    SHL_CONST,  # bits
    SHR_CONST,  # bits
    EQ_CONST,  # value
    WORDS,  # function of the stack: the other arithmetic
    FRAME,  # function of the computation: a value the frame carries
    GAS,  # static gas of what follows in the run
    MSIZE,
    MSTORE8,
    KECCAK,
    CALLDATACOPY,
    CODECOPY,
    MCOPY,
) = range(31)

# How a run ends.
(
    IF,  # PUSH JUMPI: to `target` when the top is not zero
    IF_NOT,  # ISZERO PUSH JUMPI
    JUMP,  # to the top of the stack
    GOTO,  # PUSH JUMP
    NEXT,  # a jump destination follows
    LEAF,  # opcode `target`
    RETURN,
    STOP,
    REVERT,
    JUMPI,  # to the top of the stack when the one below is not zero
) = range(10)


class Run(NamedTuple):
    """A stretch of bytecode.

    Attributes:
        gas: static gas of all of it, the jump at its end included.
        need: how many stack items it reads at least.
        room: the most stack items there may be when it starts.
        steps: (step, argument), in order.
        ending: how it ends.
        target: of a static jump, or the opcode of a leaf.
        after: the position behind it; of the opcode itself when it ends with a leaf.
    """

    gas: int
    need: int
    room: int
    steps: tuple[tuple[int, Any], ...]
    ending: int
    target: int
    after: int


class Program:
    """One bytecode: where it may jump to, and its runs as far as they were needed.

    Attributes:
        runs: by start position; None until first needed. One longer than the code: running off the end stops.
        landings: 1 where a jump may go.
    """

    __slots__ = ("code", "landings", "runs")

    def __init__(self, code: bytes) -> None:
        self.code = code
        self.landings = find_landings(code)
        self.runs: list[Run | None] = [None] * (len(code) + 1)

    def run_at(self, start: int) -> Run:
        """Return the run that starts at a position, reading the bytecode when it was not needed before."""
        run = self.runs[min(start, len(self.code))]
        if run is None:
            start = min(start, len(self.code))
            run = self.runs[start] = _Reader(self, start).read()
        return run


@lru_cache(maxsize=_PROGRAMS_KEPT)
def program_of(code: bytes) -> Program:
    """Return the program of a bytecode; the last hundred or so are kept."""
    return Program(code)


def find_landings(code: bytes) -> bytearray:
    """Return one byte per byte of code: 1 at each JUMPDEST that is not the data of a PUSH."""
    landings = bytearray(len(code))
    position = 0
    while position < len(code):
        opcode = code[position]
        if opcode == 0x5B:
            landings[position] = 1
        elif 0x60 <= opcode <= 0x7F:
            position += opcode - 0x5F
        position += 1
    return landings


def _frame(read: Callable[[Any], int]) -> tuple[int, int, int, Any]:
    return FRAME, 0, 1, read


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big")


# opcode: step, items popped, items pushed, argument
STEPS: dict[int, tuple[int, int, int, Any]] = {
    **{opcode: (WORDS, pops, 1, function) for opcode, (pops, function) in WORD_OPERATIONS.items()},
    0x01: (ADD, 2, 1, None),
    0x02: (MUL, 2, 1, None),
    0x03: (SUB, 2, 1, None),
    0x10: (LT, 2, 1, None),
    0x11: (GT, 2, 1, None),
    0x14: (EQ, 2, 1, None),
    0x15: (ISZERO, 1, 1, None),
    0x16: (AND, 2, 1, None),
    0x20: (KECCAK, 2, 1, None),
    0x30: _frame(lambda c: _number(c.msg.storage_address)),
    0x32: _frame(lambda c: _number(c.transaction_context.origin)),
    0x33: _frame(lambda c: _number(c.msg.sender)),
    0x34: _frame(lambda c: c.msg.value),
    0x35: (CALLDATALOAD, 1, 1, None),
    0x36: _frame(lambda c: len(c.msg.data)),
    0x37: (CALLDATACOPY, 3, 0, None),
    0x38: _frame(lambda c: len(c.msg.code)),
    0x39: (CODECOPY, 3, 0, None),
    0x3A: _frame(lambda c: c.transaction_context.gas_price),
    0x3D: _frame(lambda c: len(c.return_data)),
    0x41: _frame(lambda c: _number(c.state.coinbase)),
    0x42: _frame(lambda c: c.state.timestamp),
    0x43: _frame(lambda c: c.state.block_number),
    0x44: _frame(lambda c: _number(c.state.mix_hash)),
    0x45: _frame(lambda c: c.state.gas_limit),
    0x46: _frame(lambda c: c.state.execution_context.chain_id),
    0x48: _frame(lambda c: c.state.base_fee),
    0x4A: _frame(lambda c: c.state.blob_base_fee),
    0x50: (POP, 1, 0, None),
    0x51: (MLOAD, 1, 1, None),
    0x52: (MSTORE, 2, 0, None),
    0x53: (MSTORE8, 2, 0, None),
    0x58: (PUSH, 0, 1, None),
    0x59: (MSIZE, 0, 1, None),
    0x5A: (GAS, 0, 1, None),
    0x5E: (MCOPY, 3, 0, None),
    **dict.fromkeys(range(0x5F, 0x80), (PUSH, 0, 1, None)),
    **{0x7F + n: (DUP, n, n + 1, -n) for n in range(1, 17)},
    **{0x8F + n: (SWAP, n + 1, n + 1, -n - 1) for n in range(1, 17)},
}
STATIC_GAS = {opcode: PragueComputation.opcodes[opcode].gas_cost for opcode in (*STEPS, 0x56, 0x57, 0x5B)}
ENDINGS = {0x00: STOP, 0xF3: RETURN, 0xFD: REVERT}
# a constant on top of the stack, and what is done with it
_WITH_CONST = {0x01: ADD_CONST, 0x16: AND_CONST, 0x1B: SHL_CONST, 0x1C: SHR_CONST, 0x14: EQ_CONST}


class _Reader:
    """Reads one run."""

    def __init__(self, program: Program, start: int) -> None:
        self.program, self.start = program, start
        self.steps: list[tuple[int, Any]] = []
        self.gas = self.height = self.need = self.peak = 0
        self.gas_reads: list[tuple[int, int]] = []

    def read(self) -> Run:
        code, position = self.program.code, self.start
        if position < len(code) and code[position] == 0x5B:
            self._count(0x5B, 0, 0)
            position += 1
        while position < len(code) and (known := STEPS.get(code[position])):
            opcode = code[position]
            step, pops, pushes, argument = known
            if opcode == 0x58:
                argument = position
            self._count(opcode, pops, pushes)
            position += 1
            if 0x5F <= opcode <= 0x7F:
                size = opcode - 0x5F
                argument = _number(code[position : position + size].ljust(size, b"\0"))
                position += size
            self._append(opcode, step, argument)
        return self._end(position)

    def _count(self, opcode: int, pops: int, pushes: int) -> None:
        self.gas += STATIC_GAS[opcode]
        self.need = max(self.need, pops - self.height)
        self.height += pushes - pops
        self.peak = max(self.peak, self.height)

    def _append(self, opcode: int, step: int, argument: Any) -> None:
        steps = self.steps
        last, constant = steps[-1] if steps else (None, 0)
        if last == PUSH:
            if len(steps) > 1 and steps[-2][0] == PUSH and WORD_OPERATIONS.get(opcode, (0,))[0] == 2:
                values = [steps[-2][1], constant]
                WORD_OPERATIONS[opcode][1](values)
                steps[-2:] = [(PUSH, values[0])]
                return
            if WORD_OPERATIONS.get(opcode, (0,))[0] == 1:
                values = [constant]
                WORD_OPERATIONS[opcode][1](values)
                steps[-1] = (PUSH, values[0])
                return
            if opcode in _WITH_CONST and (constant < 256 or opcode not in (0x1B, 0x1C)):
                steps[-1] = (_WITH_CONST[opcode], constant)
                return
        if step == POP:
            if last in (POP, POP_MANY):
                steps[-1] = (POP_MANY, 2 if last == POP else constant + 1)
                return
            if last == SWAP:
                steps[-1] = (SLIDE, constant + 1)
                return
        if step == GAS:
            self.gas_reads.append((len(steps), self.gas))
        steps.append((step, argument))

    def _end(self, position: int) -> Run:
        code, steps = self.program.code, self.steps
        opcode = code[position] if position < len(code) else 0x00
        ending, target, after = ENDINGS.get(opcode, LEAF), opcode, position
        if opcode == 0x5B:
            ending = NEXT
        elif ending in (RETURN, REVERT):
            self.need = max(self.need, 2 - self.height)
        elif opcode in (0x56, 0x57):
            self._count(opcode, 2 if opcode == 0x57 else 1, 0)
            ending, after = (JUMPI if opcode == 0x57 else JUMP), position + 1
            if steps and steps[-1][0] == PUSH and self._lands(steps[-1][1]):
                target = steps.pop()[1]
                ending = IF if opcode == 0x57 else GOTO
                if ending == IF and steps and steps[-1][0] == ISZERO:
                    steps.pop()
                    ending = IF_NOT
        for index, gas in self.gas_reads:
            steps[index] = (GAS, self.gas - gas)
        return Run(self.gas, self.need, STACK_LIMIT - self.peak, tuple(steps), ending, target, after)

    def _lands(self, position: int) -> bool:
        landings = self.program.landings
        return position < len(landings) and bool(landings[position])
