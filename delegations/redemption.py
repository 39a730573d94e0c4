"""What is asked of the delegation manager: contexts, modes and executions, and their calldata, both ways.

Source: framework 1.3.0, DelegationManager.redeemDelegations(bytes[],bytes32[],bytes[]).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

from pydantic import PlainSerializer, WrapValidator, model_validator

from caveats.abi import WORD, Reader, encode_bytes, encode_dynamic_array, encode_uint
from caveats.errors import EncodingError, UnsupportedError
from caveats.execution import Execution
from caveats.types import Bytes4, Listed, Model, format_hex, trusted
from delegations.delegation import Delegation, decode_context, encode_context
from delegations.execution import ExecutionMode, decode_executions, encode_executions, parse_mode

REDEEM_DELEGATIONS = Bytes4("0xcef6d209")
"""Selector of redeemDelegations(bytes[],bytes32[],bytes[])."""
_HEAD = 3 * WORD


def _parse_mode(value: Any, _handler: Any) -> ExecutionMode:
    if isinstance(value, ExecutionMode):
        return value
    try:
        return parse_mode(value)
    except (EncodingError, UnsupportedError, TypeError) as error:
        raise ValueError(str(error)) from error


Mode = Annotated[
    ExecutionMode,
    WrapValidator(_parse_mode),
    PlainSerializer(lambda mode: format_hex(mode.value), return_type=str, when_used="json"),
]


class Redemption(Model):
    """One permission context put to use: the chain leaf first, the mode, and what to execute.

    An empty context is self-authorised: the caller's own account executes, no caveat is asked.

    Raises:
        EncodingError: a single mode whose executions are not exactly one.
    """

    context: Listed[Delegation]
    mode: Mode = ExecutionMode.SINGLE_DEFAULT
    executions: Listed[Execution]

    @model_validator(mode="after")
    def _refuse_mismatch(self) -> Redemption:
        if not self.mode.is_batch and len(self.executions) != 1:
            raise ValueError(
                f"mode {self.mode.name} carries exactly one execution, got {len(self.executions)}"
                " (use BATCH_DEFAULT to send several)"
            )
        return self

    @property
    def root(self) -> Delegation | None:
        """The root delegation; None when self-authorised."""
        return self.context[-1] if self.context else None

    @property
    def leaf(self) -> Delegation | None:
        """The leaf delegation; None when self-authorised."""
        return self.context[0] if self.context else None


def redeem(
    context: Sequence[Delegation] | Delegation,
    executions: Sequence[Execution] | Execution,
    *,
    mode: ExecutionMode | None = None,
) -> Redemption:
    """Return the redemption of a chain (leaf first) or of one delegation.

    Without `mode`, one Execution is sent in the single mode and a sequence of them as a batch, whatever its length.
    """
    chain = (context,) if isinstance(context, Delegation) else tuple(context)
    if isinstance(executions, Execution):
        return Redemption(context=chain, mode=mode or ExecutionMode.SINGLE_DEFAULT, executions=(executions,))
    return Redemption(context=chain, mode=mode or ExecutionMode.BATCH_DEFAULT, executions=tuple(executions))


def encode_redeem_delegations(redemptions: Sequence[Redemption]) -> bytes:
    """Return the calldata of redeemDelegations for one or several redemptions, in order.

    Raises:
        EncodingError: none given; the manager would do nothing and report success.
    """
    if not redemptions:
        raise EncodingError("redemptions: expected at least one, got none")
    return encode_raw_redeem_delegations(
        [encode_context(r.context) for r in redemptions],
        [r.mode.value for r in redemptions],
        [encode_executions(r.mode, r.executions) for r in redemptions],
    )


def encode_raw_redeem_delegations(
    contexts: Sequence[bytes], modes: Sequence[bytes], executions: Sequence[bytes]
) -> bytes:
    """Return the calldata from bytes already encoded, such as a context a wallet handed over.

    Raises:
        EncodingError: the three sequences differ in length, or a mode is not 32 bytes.
    """
    if not len(contexts) == len(modes) == len(executions):
        raise EncodingError(
            "redeemDelegations: expected as many contexts as modes and executions, got"
            f" {len(contexts)}, {len(modes)} and {len(executions)}"
        )
    for mode in modes:
        if len(mode) != WORD:
            raise EncodingError.of("mode", expected="32 bytes", got=bytes(mode))
    first = encode_dynamic_array([encode_bytes(c) for c in contexts])
    second = encode_uint(len(modes)) + b"".join(modes)
    third = encode_dynamic_array([encode_bytes(e) for e in executions])
    return b"".join(
        (
            REDEEM_DELEGATIONS,
            encode_uint(_HEAD),
            encode_uint(_HEAD + len(first)),
            encode_uint(_HEAD + len(first) + len(second)),
            first,
            second,
            third,
        )
    )


def decode_redeem_delegations(calldata: bytes) -> tuple[Redemption, ...]:
    """Return the redemptions of redeemDelegations calldata.

    Raises:
        EncodingError: another function, unequal lengths, or bytes the manager or account would revert on.
        UnsupportedError: a mode no account executes.
    """
    if calldata[:4] != REDEEM_DELEGATIONS:
        raise EncodingError.of("calldata", expected=f"redeemDelegations ({REDEEM_DELEGATIONS})", got=calldata[:4])
    reader = Reader(calldata[4:], "redeemDelegations")
    redemptions = []
    for context, word, blob in _read_entries(reader):
        mode = parse_mode(word)
        fields = {"context": decode_context(context), "mode": mode, "executions": decode_executions(mode, blob)}
        redemptions.append(trusted(Redemption, fields, _FIELDS))
    return tuple(redemptions)


def _read_entries(reader: Reader) -> list[tuple[bytes, bytes, bytes]]:
    """Return the context, the mode word and the execution blob of each entry."""
    # Every calldata comes by here: what the reader does in calls stands in line, and is called to refuse.
    data, end, left, number = reader.data, reader.end, reader.left, _number
    contexts, modes, blobs = (WORD + number(data[at : at + WORD]) for at in (0, WORD, 2 * WORD))
    count = data[contexts - WORD : contexts]
    size = WORD * number(count)
    if not (
        max(contexts, modes, blobs) + size <= end and count == data[modes - WORD : modes] == data[blobs - WORD : blobs]
    ):
        _refuse_arrays(reader)
    entries = []
    for head in range(0, size, WORD):
        context = contexts + WORD + number(data[contexts + head : contexts + head + WORD])
        context_end = context + number(data[context - WORD : context])
        blob = blobs + WORD + number(data[blobs + head : blobs + head + WORD])
        blob_end = blob + number(data[blob - WORD : blob])
        if context_end > end or blob_end > end:
            reader.bytes_at(reader.pointer(contexts + head, contexts))
            reader.bytes_at(reader.pointer(blobs + head, blobs))
        left -= 2 * WORD + context_end - context + blob_end - blob
        if left < 0:
            raise reader.overlaps()
        entries.append((data[context:context_end], data[modes + head : modes + head + WORD], data[blob:blob_end]))
    return entries


def _refuse_arrays(reader: Reader) -> NoReturn:
    """Raise what is wrong with three arrays that do not fit together, or do not fit into the data."""
    counts = [reader.array(reader.pointer(at, 0))[0] for at in (0, WORD, 2 * WORD)]
    raise EncodingError(
        "redeemDelegations: expected as many contexts as modes and executions, got"
        f" {counts[0]}, {counts[1]} and {counts[2]} (on chain: BatchDataLengthMismatch())"
    )


_FIELDS = set(Redemption.model_fields)
_number = int.from_bytes
