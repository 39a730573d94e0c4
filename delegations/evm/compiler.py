"""Bytecode as Python: one stretch of opcodes becomes the source of one function.

    def stretch(c, S, memory, data, gas):     # the frame, its stack, its memory, its call data, the gas left
        ...
        return position, gas                  # where to go on

The stack is followed symbolically: only what is left on it at the end is written to it. A value is written down where
it is used; one that is used twice, or that depends on when it is read, becomes a variable.

Source: py-evm 0.12.1b1 opcode tables (gas), Yellow Paper, appendix H.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from eth.exceptions import OutOfGas

from caveats.types import keccak
from delegations.evm.fastloop import copy_into, copy_within, no_landing
from delegations.evm.leaves import grow
from delegations.evm.runs import ENDINGS, FRAME, LEAF, STACK_LIMIT, STATIC_GAS, STEPS
from delegations.evm.words import MAX_WORD, WORD_OPERATIONS

_LONGEST = 400  # opcodes in a stretch
_DEEPEST = 12  # operations in one expression: the Python parser has its limits

ON = -1
"""The ending of a stretch that is followed by another one."""

Code = Callable[[Any, list[int], bytearray, bytes, int], tuple[int, int]]


class Stretch(NamedTuple):
    """A compiled stretch.

    Attributes:
        need: how many stack items it reads at least.
        room: the most stack items there may be when it starts.
        code: does all of it, and returns the position behind it and the gas left.
        ending: LEAF, STOP, RETURN or REVERT when the position is that of such an opcode; ON otherwise.
    """

    need: int
    room: int
    code: Code
    ending: int


class _Value(NamedTuple):
    """What is known of a stack item.

    Attributes:
        text: the expression that gives it.
        depth: how many operations the expression nests; 0 for a variable or a constant.
        constant: its value, when that is known.
        condition: an expression with the same truth, when it is the result of a comparison.
        origin: which item of the stack it was when the stretch started, counted from the top; 0 for a new one.
    """

    text: str
    depth: int = 0
    constant: int | None = None
    condition: str | None = None
    origin: int = 0


def _constant(value: int) -> _Value:
    return _Value(hex(value), constant=value)


def _on_values(function: Callable[[list[int]], None]) -> Callable[..., int]:
    def apply(*values: int) -> int:
        stack = list(reversed(values))
        function(stack)
        return stack[-1]

    return apply


# The operands are numbered from the top of the stack.
_EXPRESSIONS = {
    0x01: "({0} + {1} & M)",
    0x02: "({0} * {1} & M)",
    0x03: "({0} - {1} & M)",
    0x16: "({0} & {1})",
    0x17: "({0} | {1})",
    0x18: "({0} ^ {1})",
    0x19: "({0} ^ M)",
}
_CONDITIONS = {
    0x10: "{0} < {1}",
    0x11: "{0} > {1}",
    0x12: "({0} ^ SIGN) < ({1} ^ SIGN)",
    0x13: "({0} ^ SIGN) > ({1} ^ SIGN)",
    0x14: "{0} == {1}",
}
_SHIFTS = {0x1B: "({1} << {0} & M)", 0x1C: "({1} >> {0})"}

_NAMES: dict[str, Any] = {
    "M": MAX_WORD,
    "SIGN": 2**255,
    "number": int.from_bytes,
    "keccak": keccak,
    "grow": grow,
    "copy_into": copy_into,
    "copy_within": copy_within,
    "no_landing": no_landing,
    "OutOfGas": OutOfGas,
    **{f"word_{opcode:02x}": _on_values(function) for opcode, (_, function) in WORD_OPERATIONS.items()},
    **{f"frame_{opcode:02x}": argument for opcode, (step, _, _, argument) in STEPS.items() if step == FRAME},
}


def compile_stretch(code: bytes, landings: bytearray, start: int) -> Stretch:
    """Return the stretch of `code` that starts at a position; `landings` is 1 where a jump may go."""
    return _Compiler(code, landings, start).compile()


class _Compiler:
    def __init__(self, code: bytes, landings: bytearray, start: int) -> None:
        self.code, self.landings, self.position = code, landings, start
        self.lines: list[str] = []
        self.stack: list[_Value] = []
        self.read = self.variables = self.gas = self.height = self.need = self.peak = 0
        self.gas_reads: list[tuple[int, str, int]] = []

    def compile(self) -> Stretch:
        ending = self._walk()
        for line, name, gas in self.gas_reads:
            self.lines[line] = f"{name} = gas + {self.gas - gas}"
        charge = [f"gas -= {self.gas}", "if gas < 0: raise OutOfGas('stretch')"] if self.gas else []
        body = "\n ".join([*charge, *self.lines])
        names = {**_NAMES, "landings": self.landings}
        source = f"def stretch(c, S, memory, data, gas):\n {body}\n"
        # the source is made of opcodes and constants only: nothing in it was text before
        exec(compile(source, "<bytecode>", "exec"), names)  # noqa: S102
        return Stretch(self.need, STACK_LIMIT - self.peak, names["stretch"], ending)

    def _walk(self) -> int:
        """Write the lines of all opcodes up to the end of the stretch, and return its ending."""
        for _ in range(_LONGEST):
            opcode = self.code[self.position] if self.position < len(self.code) else 0x00
            if opcode == 0x5B:
                self.count(opcode, 0, 0)
                self.position += 1
            elif opcode in STEPS:
                self._step(opcode)
            elif opcode in (0x56, 0x57):
                if not self._jump(opcode):
                    return ON
            else:
                ending = ENDINGS.get(opcode, LEAF)
                if opcode in (0xF3, 0xFD):
                    self.need = max(self.need, 2 - self.height)
                self.leave(str(self.position))
                return ending
        self.leave(str(self.position))
        return ON

    # the stack

    def count(self, opcode: int, pops: int, pushes: int) -> None:
        self.gas += STATIC_GAS[opcode]
        self.need = max(self.need, pops - self.height)
        self.height += pushes - pops
        self.peak = max(self.peak, self.height)

    def reach(self, depth: int) -> None:
        """Make at least `depth` items known."""
        while len(self.stack) < depth:
            self.read += 1
            self.stack.insert(0, _Value(f"S[-{self.read}]", 1, origin=self.read))

    def pop(self) -> _Value:
        self.reach(1)
        return self.stack.pop()

    def pop_name(self) -> str:
        """Pop a value as a constant or a variable."""
        return self.named(self.pop()).text

    def push(self, text: str, *operands: _Value, condition: str | None = None) -> None:
        depth = 1 + max((value.depth for value in operands), default=0)
        value = _Value(text, depth, condition=condition)
        self.stack.append(self.named(value) if depth > _DEEPEST else value)

    def named(self, value: _Value) -> _Value:
        if not value.depth:
            return value
        return value._replace(text=self.assign(value.text), depth=0, condition=None)

    def assign(self, text: str) -> str:
        self.variables += 1
        self.lines.append(f"v{self.variables} = {text}")
        return f"v{self.variables}"

    def leave(self, position: str) -> None:
        """Write the stack back and go to `position`."""
        kept = 0
        while kept < min(self.read, len(self.stack)) and self.stack[kept].origin == self.read - kept:
            kept += 1
        replaced, values = self.read - kept, [value.text for value in self.stack[kept:]]
        items = ", ".join(values)
        if replaced and values:
            self.lines.append(f"S[-{replaced}:] = {items},")
        elif replaced:
            self.lines.append(f"del S[-{replaced}:]")
        elif len(values) == 1:
            self.lines.append(f"S.append({items})")
        elif values:
            self.lines.append(f"S += {items}")
        self.lines.append(f"return {position}, gas")

    # opcodes

    def _step(self, opcode: int) -> None:
        step, pops, pushes, _ = STEPS[opcode]
        self.count(opcode, pops, pushes)
        position, self.position = self.position, self.position + 1
        if 0x5F <= opcode <= 0x7F:
            size = opcode - 0x5F
            data = self.code[self.position : self.position + size].ljust(size, b"\0")
            self.stack.append(_constant(int.from_bytes(data, "big")))
            self.position += size
        elif 0x80 <= opcode <= 0x8F:
            self.reach(pops)
            value = self.stack[-pops] = self.named(self.stack[-pops])
            self.stack.append(value)
        elif 0x90 <= opcode <= 0x9F:
            self.reach(pops)
            self.stack[-1], self.stack[-pops] = self.stack[-pops], self.stack[-1]
        elif opcode == 0x50:
            self.pop()
        elif opcode == 0x58:
            self.stack.append(_constant(position))
        elif step == FRAME:
            self.push(f"frame_{opcode:02x}(c)")
        elif opcode in WORD_OPERATIONS:
            self._word(opcode, [self.pop() for _ in range(pops)])
        else:
            _MEMORY[opcode](self)

    def _word(self, opcode: int, operands: list[_Value]) -> None:
        constants = [value.constant for value in operands]
        if None not in constants:
            self.stack.append(_constant(_NAMES[f"word_{opcode:02x}"](*constants)))
            return
        texts = [value.text for value in operands]
        if opcode == 0x15:
            condition = operands[0].condition or operands[0].text
            self.push(f"(0 if {condition} else 1)", *operands, condition=f"(not {condition})")
        elif opcode in _CONDITIONS:
            condition = _CONDITIONS[opcode].format(*texts)
            self.push(f"(1 if {condition} else 0)", *operands, condition=f"({condition})")
        elif opcode in _EXPRESSIONS:
            self.push(_EXPRESSIONS[opcode].format(*texts), *operands)
        elif opcode in _SHIFTS and constants[0] is not None and constants[0] < 256:
            self.push(_SHIFTS[opcode].format(*texts), *operands)
        else:
            self.push(f"word_{opcode:02x}({', '.join(texts)})", *operands)

    def _jump(self, opcode: int) -> bool:
        """Write a jump; return whether the stretch goes on behind it."""
        self.count(opcode, 2 if opcode == 0x57 else 1, 0)
        target = self.pop()
        condition = self.pop() if opcode == 0x57 else _constant(1)
        after = self.position + 1
        lands = target.constant is not None and target.constant < len(self.code) and self.landings[target.constant]
        if condition.constant is not None:
            if not condition.constant:
                self.position = after
                return True
            if lands:
                self.position = target.constant  # type: ignore[assignment]  # a constant, or it would not land
                return True
        going = self.assign(target.text)
        truth = condition.condition or condition.text
        if not lands:
            self.lines += [
                f"if {truth} and ({going} >= {len(self.code)} or not landings[{going}]):",
                f" raise no_landing(c.msg.code, {going})",
            ]
        if opcode == 0x57:
            self.lines.append(f"if not {truth}: {going} = {after}")
        self.leave(going)
        return False


# opcodes that touch memory, or depend on when they are executed


def _reach_memory(compiler: _Compiler, start: str, size: int) -> None:
    compiler.lines.append(f"if {start} + {size} > len(memory): gas = grow(memory, {start} + {size}, gas)")


def _mload(compiler: _Compiler) -> None:
    start = compiler.pop_name()
    _reach_memory(compiler, start, 32)
    compiler.stack.append(_Value(compiler.assign(f"number(memory[{start}:{start} + 32], 'big')")))


def _mstore(compiler: _Compiler) -> None:
    start, value = compiler.pop_name(), compiler.pop()
    if value.constant is not None:
        data = repr(value.constant.to_bytes(32, "big"))
    else:
        data = f"{compiler.named(value).text}.to_bytes(32, 'big')"
    _reach_memory(compiler, start, 32)
    compiler.lines.append(f"memory[{start}:{start} + 32] = {data}")


def _mstore8(compiler: _Compiler) -> None:
    start, value = compiler.pop_name(), compiler.pop_name()
    _reach_memory(compiler, start, 1)
    compiler.lines.append(f"memory[{start}] = {value} & 255")


def _msize(compiler: _Compiler) -> None:
    compiler.stack.append(_Value(compiler.assign("len(memory)")))


def _gas(compiler: _Compiler) -> None:
    name = compiler.assign("")
    compiler.gas_reads.append((len(compiler.lines) - 1, name, compiler.gas))
    compiler.stack.append(_Value(name))


def _keccak(compiler: _Compiler) -> None:
    start, size = compiler.pop_name(), compiler.pop_name()
    compiler.lines += [
        f"if {size} and {start} + {size} > len(memory): gas = grow(memory, {start} + {size}, gas)",
        f"gas -= 6 * (({size} + 31) >> 5)",
        "if gas < 0: raise OutOfGas('keccak')",
    ]
    compiler.stack.append(_Value(compiler.assign(f"number(keccak(memory[{start}:{start} + {size}]), 'big')")))


def _calldataload(compiler: _Compiler) -> None:
    start = compiler.named(compiler.pop())
    end = str(start.constant + 32) if start.constant is not None else f"{start.text} + 32"
    compiler.push(f"number(data[{start.text}:{end}].ljust(32, ZERO), 'big')", start)


def _copy(call: str) -> Callable[[_Compiler], None]:
    def write(compiler: _Compiler) -> None:
        to, start, size = (compiler.pop().text for _ in range(3))
        compiler.lines.append(f"gas = {call.format(f'[{size}, {start}, {to}]')}")

    return write


_NAMES["ZERO"] = b"\0"
_MEMORY: dict[int, Callable[[_Compiler], None]] = {
    0x20: _keccak,
    0x35: _calldataload,
    0x37: _copy("copy_into(memory, {}, data, gas)"),
    0x39: _copy("copy_into(memory, {}, c.msg.code, gas)"),
    0x51: _mload,
    0x52: _mstore,
    0x53: _mstore8,
    0x59: _msize,
    0x5A: _gas,
    0x5E: _copy("copy_within(memory, {}, gas)"),
}
