"""An engine that compiles: stretches of bytecode become Python functions, once, when they are first needed.

A stretch follows every jump whose destination is known when it is read, so that calls and returns inside a contract
disappear, and with them most of what moves the stack. It ends where the way parts or the state is needed. Gas and stack
height are checked once, when it starts; where the stack does not allow the whole of it, the rest of the frame runs in
the loop of FastComputation.

The first call of a contract pays for the compilation: this is for servers and fuzzers, not for a single question.
"""

from __future__ import annotations

from functools import lru_cache

from eth.exceptions import Halt

from delegations.evm.compiler import ON, Stretch, compile_stretch
from delegations.evm.fastloop import FastComputation
from delegations.evm.leaves import LEAVES
from delegations.evm.pyevm import PyEvmEngine
from delegations.evm.runs import LEAF, STOP, find_landings

_PROGRAMS_KEPT = 64
_STRETCHES_KEPT = 1_000  # per program; past it the loop takes over, so that no bytecode can fill the memory


class CompiledProgram:
    """One bytecode and its stretches as far as they were needed.

    Attributes:
        stretches: by start position; None until first needed.
    """

    __slots__ = ("_code", "_kept", "_landings", "stretches")

    def __init__(self, code: bytes) -> None:
        self._code, self._landings, self._kept = code, find_landings(code), 0
        self.stretches: list[Stretch | None] = [None] * (len(code) + 1)

    def stretch_at(self, start: int) -> Stretch | None:
        """Return the stretch that starts at a position, compiled now if need be; None when there are too many."""
        start = min(start, len(self._code))
        stretch = self.stretches[start]
        if stretch is None and self._kept < _STRETCHES_KEPT:
            self._kept += 1
            stretch = self.stretches[start] = compile_stretch(self._code, self._landings, start)
        return stretch


@lru_cache(maxsize=_PROGRAMS_KEPT)
def compiled_program_of(code: bytes) -> CompiledProgram:
    """Return the compiled program of a bytecode; the last few dozen are kept."""
    return CompiledProgram(code)


class BlocksComputation(FastComputation):
    """A frame of the Prague machine, stretch by stretch."""

    def run(self) -> None:
        """Run the frame's code to its end. Raises VMError where it fails."""
        program = compiled_program_of(self.msg.code)
        stretches = program.stretches
        stack, memory, data = self._stack.values, self._memory._bytes, self.msg.data_as_bytes
        meter, stream, gas, position = self._gas_meter, self.code, self._gas_meter.gas_remaining, 0
        while True:
            stretch = stretches[position] or program.stretch_at(position)
            if stretch is None or not stretch[0] <= len(stack) <= stretch[1]:
                self.loop(position, gas)
                return
            position, gas = stretch[2](self, stack, memory, data, gas)
            ending = stretch[3]
            if ending == ON:
                continue
            meter.gas_remaining = gas
            if ending != LEAF:
                if ending != STOP:
                    self.give(ending)
                return
            stream.program_counter = position + 1
            try:
                LEAVES[self.msg.code[position]](self)
            except Halt:  # SELFDESTRUCT
                return
            gas, position = meter.gas_remaining, position + 1
            if stack and type(stack[-1]) is bytes:
                stack[-1] = int.from_bytes(stack[-1], "big")


class BlocksEngine(PyEvmEngine):
    """The embedded engine with compiled bytecode. Exact like the other; pays off from the second call of a contract."""

    name = "pyevm-blocks"
    computation_class = BlocksComputation
