"""ABI bytes as the framework's contracts read and write them: only the shapes the framework uses.

The reader accepts what a Solidity 0.8 decoder accepts (trailing and overlapping bytes, any padding of `bytes`) and
refuses what it reverts on: an offset or length past the data, dirty high bytes of an address.

Source: Solidity ABI specification, "strict mode"; checked against the deployed bytecode in the tests.
"""

from __future__ import annotations

from caveats.errors import EncodingError
from caveats.types import Address

WORD = 32
ADDRESS_PAD = bytes(12)
"""The high bytes of a word that holds an address."""
POINTER_PAD = bytes(24)
"""The high bytes of a word that holds an offset or a length."""
# The chain bounds by gas how often overlapping pointers may name the same bytes. So that a small blob cannot unpack
# into gigabytes here, all that is read may add up to the blob and this much more, far beyond what fits into a block.
_SLACK_BYTES = 2**20
# Solidity refuses any offset or length above this before it looks at the data.
_MAX_POINTER = 2**64 - 1
_number = int.from_bytes
_new_bytes = bytes.__new__  # of 20 bytes an Address needs no second look


def encode_uint(value: int) -> bytes:
    """Return `value` as one big-endian 32-byte word."""
    return value.to_bytes(WORD, "big")


def encode_address(address: bytes) -> bytes:
    """Return a 20-byte address as one word, zeroes first."""
    return ADDRESS_PAD + address


def encode_bytes(data: bytes) -> bytes:
    """Return the tail of a `bytes` value: its length word, then the data padded to whole words."""
    return len(data).to_bytes(WORD, "big") + data + bytes(-len(data) % WORD)


def encode_dynamic_array(items: list[bytes]) -> bytes:
    """Return the tail of an array whose items are dynamic: count, offsets, items."""
    offset = WORD * len(items)
    heads = []
    for item in items:
        heads.append(encode_uint(offset))
        offset += len(item)
    return encode_uint(len(items)) + b"".join(heads) + b"".join(items)


class Reader:
    """Bounds-checked reads from one ABI blob.

    Every method takes absolute byte positions and raises EncodingError where the contract would revert
    with empty data.
    """

    __slots__ = ("data", "end", "left", "what")

    def __init__(self, data: bytes, what: str) -> None:
        self.data = data if type(data) is bytes else bytes(data)
        self.end = len(data)
        self.left = self.end + _SLACK_BYTES
        self.what = what

    def fail(self, why: str) -> EncodingError:
        return EncodingError(f"{self.what}: {why}")

    def uint(self, at: int) -> int:
        if at + WORD > self.end:
            raise self.fail(f"the data ends at byte {self.end}, inside the word at byte {at}")
        return int.from_bytes(self.data[at : at + WORD], "big")

    def word(self, at: int) -> bytes:
        if at + WORD > self.end:
            raise self.fail(f"the data ends at byte {self.end}, inside the word at byte {at}")
        return self.data[at : at + WORD]

    def address(self, at: int) -> Address:
        word = self.word(at)
        if word[:12] != ADDRESS_PAD:
            raise self.fail(f"the word at byte {at} is not an address: its first 12 bytes are not zero")
        return _new_bytes(Address, word[12:])

    def pointer(self, at: int, base: int) -> int:
        """Return the absolute position that the offset word at `at` points to, counted from `base`."""
        offset = _number(self.data[at : at + WORD], "big")
        if at + WORD > self.end or offset > _MAX_POINTER:
            self.word(at)
            raise self.fail(f"the offset at byte {at} points outside the data")
        return base + offset

    def length(self, at: int) -> int:
        count = self.uint(at)
        if count > _MAX_POINTER:
            raise self.fail(f"the length at byte {at} is larger than the data")
        return count

    def bytes_at(self, at: int) -> bytes:
        start = at + WORD
        size = _number(self.data[at:start], "big")
        stop = start + size
        if stop > self.end:
            self.length(at)
            raise self.fail(f"{size} bytes are announced at byte {at}, only {max(self.end - start, 0)} follow")
        self.left -= WORD + size
        if self.left < 0:
            raise self.overlaps()
        return self.data[start:stop]

    def array(self, at: int) -> tuple[int, int]:
        """Return (count, position of the first head) of the dynamic array at `at`; heads are one word each."""
        start = at + WORD
        count = _number(self.data[at:start], "big")
        if start + count * WORD > self.end:
            self.length(at)
            raise self.fail(f"{count} items are announced at byte {at}, the data ends before their heads")
        return count, start

    def need(self, at: int, size: int) -> None:
        """Raise unless `size` bytes stand at `at`: the head of a struct."""
        if at + size > self.end:
            raise self.fail(f"the data ends at byte {self.end}, inside the {size}-byte head at byte {at}")
        self.left -= size
        if self.left < 0:
            raise self.overlaps()

    def overlaps(self) -> EncodingError:
        return self.fail("its parts overlap so often that it unpacks into far more than it holds")
