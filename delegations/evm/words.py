"""The arithmetic of 256-bit words, each operation on a stack of integers whose top is its end.

Source: Yellow Paper, appendix H; EIP-145.
"""

from __future__ import annotations

from collections.abc import Callable

MAX_WORD = 2**256 - 1
_MODULUS = 2**256
_SIGN = 2**255

Stack = list[int]


def _signed(value: int) -> int:
    return value - _MODULUS if value >= _SIGN else value


def _div(stack: Stack) -> None:
    top = stack.pop()
    stack[-1] = top // stack[-1] if stack[-1] else 0


def _sdiv(stack: Stack) -> None:
    left, right = _signed(stack.pop()), _signed(stack[-1])
    # the word rounds towards zero, Python towards minus infinity
    quotient = abs(left) // abs(right) if right else 0
    stack[-1] = (quotient if (left < 0) == (right < 0) else -quotient) & MAX_WORD


def _mod(stack: Stack) -> None:
    top = stack.pop()
    stack[-1] = top % stack[-1] if stack[-1] else 0


def _smod(stack: Stack) -> None:
    left, right = _signed(stack.pop()), _signed(stack[-1])
    rest = abs(left) % abs(right) if right else 0
    stack[-1] = (-rest if left < 0 else rest) & MAX_WORD


def _addmod(stack: Stack) -> None:
    total = stack.pop() + stack.pop()
    stack[-1] = total % stack[-1] if stack[-1] else 0


def _mulmod(stack: Stack) -> None:
    product = stack.pop() * stack.pop()
    stack[-1] = product % stack[-1] if stack[-1] else 0


def _signextend(stack: Stack) -> None:
    size = stack.pop()
    if size < 31:
        sign = 1 << (8 * size + 7)
        low = stack[-1] & (2 * sign - 1)
        stack[-1] = (low ^ sign) - sign & MAX_WORD


def _byte(stack: Stack) -> None:
    index = stack.pop()
    stack[-1] = stack[-1] >> 8 * (31 - index) & 0xFF if index < 32 else 0


def _shl(stack: Stack) -> None:
    bits = stack.pop()
    stack[-1] = stack[-1] << bits & MAX_WORD if bits < 256 else 0


def _shr(stack: Stack) -> None:
    bits = stack.pop()
    stack[-1] = stack[-1] >> bits if bits < 256 else 0


def _sar(stack: Stack) -> None:
    bits = stack.pop()
    stack[-1] = _signed(stack[-1]) >> min(bits, 256) & MAX_WORD


def _not(stack: Stack) -> None:
    stack[-1] = MAX_WORD - stack[-1]


def _iszero(stack: Stack) -> None:
    stack[-1] = 0 if stack[-1] else 1


def _binary(function: Callable[[int, int], int]) -> tuple[int, Callable[[Stack], None]]:
    def apply(stack: Stack) -> None:
        top = stack.pop()
        stack[-1] = function(top, stack[-1])

    return 2, apply


WORD_OPERATIONS: dict[int, tuple[int, Callable[[Stack], None]]] = {
    0x01: _binary(lambda top, below: top + below & MAX_WORD),
    0x02: _binary(lambda top, below: top * below & MAX_WORD),
    0x03: _binary(lambda top, below: top - below & MAX_WORD),
    0x04: (2, _div),
    0x05: (2, _sdiv),
    0x06: (2, _mod),
    0x07: (2, _smod),
    0x08: (3, _addmod),
    0x09: (3, _mulmod),
    0x0B: (2, _signextend),
    0x10: _binary(lambda top, below: int(top < below)),
    0x11: _binary(lambda top, below: int(top > below)),
    0x12: _binary(lambda top, below: int(_signed(top) < _signed(below))),
    0x13: _binary(lambda top, below: int(_signed(top) > _signed(below))),
    0x14: _binary(lambda top, below: int(top == below)),
    0x15: (1, _iszero),
    0x16: _binary(lambda top, below: top & below),
    0x17: _binary(lambda top, below: top | below),
    0x18: _binary(lambda top, below: top ^ below),
    0x19: (1, _not),
    0x1A: (2, _byte),
    0x1B: (2, _shl),
    0x1C: (2, _shr),
    0x1D: (2, _sar),
}
"""By opcode: how many items it takes, and the function. Each leaves one result."""
