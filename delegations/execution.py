"""Execution modes, and the encoding each of them demands. The mode decides, never the number of executions.

    [0] call type: 0x00 single, 0x01 batch    [1] execution type: 0x00 default, 0x01 try    [2:32] unused

Source: ERC-7579 ModeLib and ExecutionLib as pinned by framework 1.3.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from caveats.errors import EncodingError, UnsupportedError
from caveats.execution import (
    Execution,
    decode_execution_batch,
    decode_packed_execution,
    encode_execution_batch,
    encode_packed_execution,
)
from caveats.types import Bytes32, format_hex


class ExecutionMode(Enum):
    """The four modes a delegator account executes.

    DEFAULT bubbles the first failure; TRY swallows it and only logs. Every enforcer of the framework refuses TRY.

    Attributes:
        is_batch: whether the execution blob is a batch.
        is_try: whether a failing execution is swallowed.
    """

    SINGLE_DEFAULT = Bytes32(bytes(32))
    SINGLE_TRY = Bytes32(b"\x00\x01" + bytes(30))
    BATCH_DEFAULT = Bytes32(b"\x01" + bytes(31))
    BATCH_TRY = Bytes32(b"\x01\x01" + bytes(30))

    def __init__(self, word: Bytes32) -> None:
        self.is_batch = word[0] == 1
        self.is_try = word[1] == 1

    @property
    def label(self) -> str:
        """The mode in words: "single", "batch, try"."""
        return ("batch" if self.is_batch else "single") + (", try" if self.is_try else "")


_BY_TYPES = {mode.value[:2]: mode for mode in ExecutionMode}


def parse_mode(value: bytes | str) -> ExecutionMode:
    """Return the mode of a 32-byte mode word. Only the first two bytes count, as for the accounts.

    Raises:
        EncodingError: not 32 bytes.
        UnsupportedError: a call type or execution type the accounts refuse.
    """
    word = value if type(value) is bytes and len(value) == Bytes32.SIZE else Bytes32(value)
    mode = _BY_TYPES.get(word[:2])
    if mode is not None:
        return mode
    raise UnsupportedError(
        f"mode {format_hex(word)}: expected call type 00 or 01 and execution type 00 or 01, got {word[:2].hex()}"
    )


def encode_executions(mode: ExecutionMode, executions: Sequence[Execution]) -> bytes:
    """Return the execution blob `mode` demands.

    Raises:
        EncodingError: a single mode with none or several executions.
    """
    if mode.is_batch:
        return encode_execution_batch(executions)
    if len(executions) != 1:
        raise EncodingError.of(
            f"executions of mode {mode.name}",
            expected="exactly one",
            got=len(executions),
            hint="use BATCH_DEFAULT to send several",
        )
    return encode_packed_execution(executions[0])


def decode_executions(mode: ExecutionMode, data: bytes) -> tuple[Execution, ...]:
    """Return the executions of a blob. Raises EncodingError where the account would revert."""
    return decode_execution_batch(data) if mode.is_batch else (decode_packed_execution(data),)
