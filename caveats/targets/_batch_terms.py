"""Terms that are a batch of executions, as the two batch enforcers read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self

from caveats.abi import WORD, Reader
from caveats.enforcer import BATCH, EnforcerTerms, TermsError
from caveats.errors import EncodingError
from caveats.execution import Execution, decode_execution_batch, encode_execution_batch
from caveats.types import Listed


class BatchTerms(EnforcerTerms):
    """Base of the enforcers whose terms are `abi.encode((address target, uint256 value, bytes call_data)[])`."""

    CALL_TYPES = BATCH
    LAYOUT: ClassVar[str] = "abi.encode((address target, uint256 value, bytes call_data)[])"

    executions: Listed[Execution]

    def problems(self) -> Iterator[str]:
        if not self.executions:
            yield "executions is empty, which only a batch that does nothing matches; list at least one"

    def encode_terms(self) -> bytes:
        return encode_execution_batch(self.executions)

    @classmethod
    def decode_terms(cls, terms: bytes) -> Self:
        try:
            return cls.unchecked(executions=decode_execution_batch(terms, what="the batch"))
        except EncodingError as error:
            raise TermsError(
                f"{cls.ENFORCER} terms: expected an abi-encoded list of executions, got {len(terms)} bytes: {error}",
                onchain="" if _has_sound_pointers(terms) else "DecodingError()",
            ) from error


def _has_sound_pointers(terms: bytes) -> bool:
    """Return whether the library that walks the batch finds no fault: it names its error, but does not look at
    addresses. Those are read later, where a dirty one reverts without data."""
    reader = Reader(terms, "the batch")
    try:
        count, heads = reader.array(reader.pointer(0, 0))
        for i in range(count):
            at = reader.pointer(heads + WORD * i, heads)
            reader.need(at, 3 * WORD)
            reader.bytes_at(reader.pointer(at + 2 * WORD, at))
    except EncodingError:
        return False
    return True
