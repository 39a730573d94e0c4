"""Bytecode with labels."""

from __future__ import annotations


class Assembler:
    """Writes bytecode with labels, which are filled in at the end."""

    def __init__(self) -> None:
        self.code = bytearray()
        self._labels: dict[int, int] = {}
        self._holes: list[tuple[int, int]] = []

    def op(self, *opcodes: int) -> None:
        self.code += bytes(opcodes)

    def push(self, value: int, size: int | None = None) -> None:
        size = (value.bit_length() + 7) // 8 if size is None else size
        self.code += bytes([0x5F + size]) + value.to_bytes(size, "big")

    def label(self) -> int:
        self._labels[len(self._labels)] = -1
        return len(self._labels) - 1

    def push_label(self, label: int) -> None:
        self.code.append(0x61)
        self._holes.append((len(self.code), label))
        self.code += b"\0\0"

    def place(self, label: int) -> None:
        self._labels[label] = len(self.code)

    def assemble(self) -> bytes:
        for position, label in self._holes:
            self.code[position : position + 2] = self._labels[label].to_bytes(2, "big")
        return bytes(self.code)
