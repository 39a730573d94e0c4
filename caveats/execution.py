"""An execution: one call of the delegator's account. And its two encodings, packed and batch.

    packed   [0:20] target, [20:52] value, [52:] call_data
    batch    abi.encode((address target, uint256 value, bytes call_data)[])

Source: ERC-7579 ExecutionLib as pinned by framework 1.3.0.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ConfigDict, Field

from caveats.abi import WORD, Reader, encode_address, encode_bytes, encode_dynamic_array, encode_uint
from caveats.errors import EncodingError
from caveats.types import Address, HexBytes, Model, Uint256, trusted

_PACKED_HEAD = 52
_TUPLE_HEAD = 3 * WORD


class Execution(Model):
    """One call: `target` with `value` wei and `call_data`. JSON names are the TypeScript kit's (`callData`)."""

    model_config = ConfigDict(populate_by_name=True)

    target: Address
    value: Uint256 = 0
    call_data: HexBytes = Field(default=b"", alias="callData")

    @property
    def selector(self) -> bytes:
        """The first four bytes of the call data; fewer when it is shorter."""
        return self.call_data[:4]


_FIELDS = set(Execution.model_fields)
_new_bytes = bytes.__new__  # of bytes cut to size, an Address needs no second look
_number = int.from_bytes


def encode_packed_execution(execution: Execution) -> bytes:
    """Return the packed form used by the single call type."""
    return execution.target + encode_uint(execution.value) + execution.call_data


def decode_packed_execution(data: bytes) -> Execution:
    """Return the execution of a packed blob. Raises EncodingError under 52 bytes, where the contract reverts."""
    if len(data) < _PACKED_HEAD:
        raise EncodingError.of("single execution", expected="at least 52 bytes (target 20, value 32)", got=data)
    fields = {
        "target": _new_bytes(Address, data[:20]),
        "value": _number(data[20:_PACKED_HEAD], "big"),
        "call_data": bytes(data[_PACKED_HEAD:]),
    }
    return trusted(Execution, fields, _FIELDS)


def encode_execution_batch(executions: Sequence[Execution]) -> bytes:
    """Return the batch form used by the batch call type; an empty batch is two words."""
    items = [
        encode_address(e.target) + encode_uint(e.value) + encode_uint(_TUPLE_HEAD) + encode_bytes(e.call_data)
        for e in executions
    ]
    return encode_uint(WORD) + encode_dynamic_array(items)


def decode_execution_batch(data: bytes, *, what: str = "batch execution") -> tuple[Execution, ...]:
    """Return the executions of a batch blob. Raises EncodingError where the contract reverts DecodingError()."""
    reader = Reader(data, what)
    count, heads = reader.array(reader.pointer(0, 0))
    executions = []
    for i in range(count):
        at = reader.pointer(heads + WORD * i, heads)
        reader.need(at, _TUPLE_HEAD)
        executions.append(
            trusted(
                Execution,
                {
                    "target": reader.address(at),
                    "value": reader.uint(at + WORD),
                    "call_data": reader.bytes_at(reader.pointer(at + 2 * WORD, at)),
                },
                _FIELDS,
            )
        )
    return tuple(executions)
