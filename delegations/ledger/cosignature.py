"""Cosignatures: a witness says that it saw a checkpoint, when, and that nothing it saw before was taken back.

A log could show one tree to one reader and another to the next, each with good signatures. A witness remembers the
largest checkpoint it saw of a log and signs only what continues it, so two readers who trust the same witnesses see the
same log. The signature is over

    cosignature/v1
    time <unix seconds>
    <the text of the checkpoint>

and stands in the note as 8 bytes of time and 64 of Ed25519.

Source: C2SP tlog-cosignature, Ed25519 signed message; C2SP tlog-witness for what a witness checks first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from caveats.errors import EncodingError, VerificationError, abbreviate
from delegations.ledger.checkpoint import Checkpoint, verify_checkpoint
from delegations.ledger.note import COSIGNATURE, NoteSigner, SignedNote, VerifierKey
from delegations.ledger.tree import verify_consistency

_TIME_BYTES: Final = 8
_SIGNATURE_BYTES: Final = 64
_MAX_TIME: Final = (1 << 63) - 1


class Cosignature(NamedTuple):
    """A witness saw the checkpoint, at a time by its own clock.

    Attributes:
        witness: the name of its key.
        at: unix seconds.
    """

    witness: str
    at: int


def cosign_checkpoint(
    note: SignedNote,
    witness: NoteSigner,
    *,
    log_key: VerifierKey,
    at: int,
    previous: Checkpoint | None = None,
    consistency: Sequence[bytes] = (),
) -> SignedNote:
    """Return the checkpoint with the witness' signature under it.

    Args:
        note: the log's checkpoint.
        witness: a key of the kind COSIGNATURE.
        log_key: the key of the log that this witness watches.
        at: unix seconds now.
        previous: the largest checkpoint of this log that the witness signed; None for the first.
        consistency: RFC 9162 proof that the log continues `previous`; empty for the first, and for the same size.

    Raises:
        VerificationError: the log did not sign it, it is smaller than the previous one, or does not continue it.
        EncodingError: the witness has signed it already, or the time is out of range.
        UnsupportedError: a key of another kind.
    """
    witness.key.require_kind(COSIGNATURE)
    if not 0 <= at <= _MAX_TIME:
        raise EncodingError.of("at", expected="0 to 2^63-1 seconds", got=at)
    _refuse_own(witness.key, log_key)
    seen = verify_checkpoint(note, log_key)
    if previous is not None:
        if previous.origin != seen.origin:
            raise VerificationError(
                f"checkpoint: expected one of the log {abbreviate(previous.origin)}, got {abbreviate(seen.origin)}"
            )
        if seen.size < previous.size:
            raise VerificationError(f"checkpoint: expected {previous.size} entries or more, got {seen.size}")
        verify_consistency(*previous.head, *seen.head, consistency)
    signature = witness.sign_bytes(_message(note.text, at))
    return note.with_signature(witness.line(at.to_bytes(_TIME_BYTES, "big") + signature))


def verify_cosignatures(
    note: SignedNote,
    witnesses: Sequence[VerifierKey],
    *,
    threshold: int | None = None,
    log_key: VerifierKey | None = None,
) -> tuple[Cosignature, ...]:
    """Return the cosignatures of the witnesses that have signed the checkpoint: as many as the threshold, or more.

    Args:
        note: the checkpoint, whose own signature is for `verify_checkpoint`.
        witnesses: whom to trust; signatures by others are ignored.
        threshold: how many of them must have signed; all of them by default.
        log_key: the log's, which is no witness of itself.

    Raises:
        VerificationError: too few, a signature by one of them that does not hold, or one key given twice.
        UnsupportedError: a key that is no witness'.
    """
    _refuse_twice(witnesses)
    needed = len(witnesses) if threshold is None else threshold
    if not 1 <= needed <= len(witnesses):
        raise VerificationError(
            f"witnesses: expected at least one and a threshold within them, got {needed} of {len(witnesses)}"
        )
    held = []
    for key in witnesses:
        key.require_kind(COSIGNATURE)
        if log_key is not None:
            _refuse_own(key, log_key)
        found = key.find(note)
        if found is None:
            continue
        if len(found) != _TIME_BYTES + _SIGNATURE_BYTES:
            raise VerificationError(
                f"checkpoint: the cosignature by {abbreviate(key.name)} has {len(found)} bytes, not 72"
            )
        at = int.from_bytes(found[:_TIME_BYTES], "big")
        if at > _MAX_TIME:
            raise VerificationError(f"checkpoint: the cosignature by {abbreviate(key.name)} is of no time there is")
        key.check(found[_TIME_BYTES:], _message(note.text, at))
        held.append(Cosignature(key.name, at))
    if len(held) < needed:
        raise VerificationError(f"checkpoint: expected the cosignatures of {needed} witnesses, got {len(held)}")
    return tuple(held)


def _message(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _refuse_own(witness: VerifierKey, log_key: VerifierKey) -> None:
    if witness.public == log_key.public:
        raise VerificationError(
            f"witness: {abbreviate(witness.name)} has the log's own key", hint="a log is no witness of itself"
        )


def _refuse_twice(witnesses: Sequence[VerifierKey]) -> None:
    # one key under two names would count twice; the signed bytes do not name the witness
    if len({key.public for key in witnesses}) != len(witnesses):
        raise VerificationError("witnesses: a key is given twice")
