"""Reads ABI bytes as contracts do that copy them to memory first."""

from __future__ import annotations

from caveats.abi import WORD, Reader

# Memory addresses end at 2^64, and Solidity allocates from 0x80 on.
_MAX_MEMORY = 2**64 - 1 - 0x80


class MemoryReader(Reader):
    """As Reader, and it notices a length for which Solidity finds no memory: it then panics before it looks further.

    Attributes:
        is_out_of_memory: whether the contract would give `Panic(0x41)` rather than revert without data.
    """

    __slots__ = ("is_out_of_memory",)

    def __init__(self, data: bytes, what: str) -> None:
        super().__init__(data, what)
        self.is_out_of_memory = False

    def bytes_at(self, at: int) -> bytes:
        self._allocate(self.uint(at) + WORD)
        return super().bytes_at(at)

    def array(self, at: int) -> tuple[int, int]:
        self._allocate((self.uint(at) + 1) * WORD)
        return super().array(at)

    def _allocate(self, size: int) -> None:
        if size > _MAX_MEMORY:
            self.is_out_of_memory = True
            raise self.fail("a length is larger than any memory")
