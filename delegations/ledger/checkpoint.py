"""Checkpoints: how many receipts a log has, and the root of its tree, signed by the log.

    <origin>                     the log's name
    <size>                       decimal
    <base64 of the root hash>    32 bytes, RFC 9162
    <extension lines>            none of ours

Whoever holds a checkpoint can tell whether a receipt is in the log, and whether the log is still the same one later.

Source: C2SP tlog-checkpoint.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final, Self

from caveats.errors import EncodingError, VerificationError, abbreviate
from delegations.ledger.note import NoteSigner, SignedNote, VerifierKey, read_base64, sign_note, verify_note
from delegations.ledger.tree import EMPTY_ROOT, HASH_SIZE, Head

MAX_SIZE: Final = (1 << 63) - 1
_SIZE = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")
_LINE = re.compile(r"[^\x00-\x1f]+\Z")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself at one moment.

    Attributes:
        origin: which log.
        size: how many entries it has.
        root: the RFC 9162 root over them.
        extensions: further lines, of which we write none and interpret none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            if not _LINE.match(line):
                raise EncodingError.of(
                    "checkpoint", expected="lines with something in them, and no control characters", got=line
                )
        if not 0 <= self.size <= MAX_SIZE:
            raise EncodingError.of("checkpoint size", expected="0 to 2^63-1", got=self.size)
        if len(self.root) != HASH_SIZE:
            raise EncodingError.of("checkpoint root", expected=f"{HASH_SIZE} bytes", got=f"{len(self.root)} bytes")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise EncodingError.of(
                "checkpoint root", expected="that of the empty tree, as the size is 0", got=self.root
            )

    @property
    def head(self) -> Head:
        """The size and the root."""
        return Head(self.size, self.root)

    def to_text(self) -> str:
        """Return the text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "\n".join(lines) + "\n"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the checkpoint that was written. Raises EncodingError for any text that `to_text` would not give."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() != "":
            raise EncodingError.of("checkpoint", expected="an origin, a size and a root, a line each", got=text)
        if not _SIZE.match(lines[1]):
            raise EncodingError.of("checkpoint size", expected="a decimal number without leading zeros", got=lines[1])
        return cls(lines[0], int(lines[1]), read_base64(lines[2], "checkpoint root"), tuple(lines[3:]))


def sign_checkpoint(checkpoint: Checkpoint, signer: NoteSigner) -> SignedNote:
    """Return the checkpoint signed by its log. Sign only what is committed: a signed size is a promise.

    Raises:
        EncodingError: the key has another name than the log.
    """
    if signer.key.name != checkpoint.origin:
        raise EncodingError.of("log's key", expected=f"the name {checkpoint.origin}", got=signer.key.name)
    return sign_note(checkpoint.to_text(), signer)


def verify_checkpoint(note: SignedNote, key: VerifierKey, *, origin: str | None = None) -> Checkpoint:
    """Return the checkpoint of a note that its log's key has signed.

    Args:
        note: from `SignedNote.from_text`.
        key: the log's.
        origin: which log; the one the key is named after by default, as ours are.

    Raises:
        VerificationError: not signed by the key, or of another log than the key's.
        EncodingError: signed, and not a checkpoint.
    """
    verify_note(note, [key])
    checkpoint = Checkpoint.from_text(note.text)
    expected = key.name if origin is None else origin
    if checkpoint.origin != expected:
        raise VerificationError(
            f"checkpoint: expected one of the log {abbreviate(expected)}, got one of {abbreviate(checkpoint.origin)}"
        )
    return checkpoint
