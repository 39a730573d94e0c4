"""Terms that are a batch of executions, as the two batch enforcers read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self

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
                onchain="DecodingError()",
            ) from error
