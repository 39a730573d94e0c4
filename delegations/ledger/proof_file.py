"""Proof files: one receipt in its envelope, and all it takes to see that a log holds it, without asking the log.

    c2sp.org/tlog-proof@v1
    extra <base64 of the envelope>
    index <place of the entry in the log>
    <base64 of a hash>               from the leaf's sibling up; none when the log has one entry

    <the signed checkpoint, with the cosignatures of witnesses>

The extra line is for what the leaf is made from. What stands there is held to nothing until the hashes lead from the
leaf to the signed root; then no byte of it can be another.

Source: C2SP tlog-proof; RFC 9162 section 2.1.3.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from caveats.errors import EncodingError, VerificationError
from delegations.ledger.checkpoint import Checkpoint, verify_checkpoint
from delegations.ledger.cosignature import Cosignature, verify_cosignatures
from delegations.ledger.entry import Record, entry_of, signatures_bytes
from delegations.ledger.note import SignedNote, VerifierKey, read_base64
from delegations.ledger.tree import HASH_SIZE, hash_leaf, verify_inclusion
from delegations.receipts.envelope import read_envelope

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope

HEADER: Final = "c2sp.org/tlog-proof@v1"
SUFFIX: Final = ".tlog-proof"
MAX_HASHES: Final = 63
MAX_PROOF_BYTES: Final = 24 << 20
"""An envelope of the largest size that is read, once more in base64, and a note beside it."""
_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")
_EXTRA, _PLACE = "extra ", "index "


@dataclass(frozen=True, slots=True)
class Included:
    """Something the log holds, as its key and the witnesses have signed.

    Attributes:
        index: its place, from 0.
        checkpoint: the log at the moment of the proof.
        cosignatures: the witnesses that saw the checkpoint, and when.
    """

    index: int
    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]


@dataclass(frozen=True, slots=True)
class IncludedEnvelope(Included):
    """An envelope the log holds.

    Attributes:
        envelope: what was logged, with the signatures it had; `verify_envelope` tells whether they hold.
    """

    envelope: Envelope


@dataclass(frozen=True, slots=True)
class ProofFile:
    """What a proof file holds. Reading one verifies nothing.

    Attributes:
        extra: what the leaf is made from, here the envelope; None when the file leaves it to whoever has it.
        index: place in the log, from 0.
        hashes: the inclusion proof, from the leaf's sibling up.
        note: the signed checkpoint.
    """

    extra: bytes | None
    index: int
    hashes: tuple[bytes, ...]
    note: SignedNote

    def to_text(self) -> str:
        """Return the file."""
        extra = [] if self.extra is None else [_EXTRA + base64.b64encode(self.extra).decode()]
        hashes = (base64.b64encode(digest).decode() for digest in self.hashes)
        return "\n".join([HEADER, *extra, f"{_PLACE}{self.index}", *hashes, "", self.note.to_text()])

    @classmethod
    def from_text(cls, text: str | bytes) -> Self:
        """Return what the file holds.

        Raises:
            EncodingError: another header, a line that is not of the format, or no checkpoint.
        """
        if len(text) > MAX_PROOF_BYTES:
            raise EncodingError.of("proof file", expected=f"up to {MAX_PROOF_BYTES} bytes", got=len(text))
        try:
            decoded = text.decode() if isinstance(text, bytes) else text
        except UnicodeDecodeError as error:
            raise EncodingError(f"proof file: not UTF-8 ({error.reason} at {error.start})") from error
        head, separator, note = decoded.partition("\n\n")
        lines = head.split("\n")
        if lines.pop(0) != HEADER:
            raise EncodingError.of("proof file", expected=f"a first line {HEADER}", got=decoded)
        if not separator:
            raise EncodingError("proof file: expected an empty line and the checkpoint, got no empty line")
        extra = None
        if lines and lines[0].startswith(_EXTRA):
            extra = read_base64(lines.pop(0).removeprefix(_EXTRA), "proof file, extra")
        place = lines.pop(0) if lines else ""
        if not place.startswith(_PLACE) or not _INDEX.match(place.removeprefix(_PLACE)):
            raise EncodingError.of("proof file", expected="a line such as: index 12", got=place)
        if len(lines) > MAX_HASHES:
            raise EncodingError.of("proof file", expected=f"up to {MAX_HASHES} hashes", got=len(lines))
        hashes = tuple(_read_hash(line, number) for number, line in enumerate(lines))
        return cls(extra, int(place.removeprefix(_PLACE)), hashes, SignedNote.from_text(note))


def _read_hash(line: str, number: int) -> bytes:
    digest = read_base64(line, f"proof file, hash {number}")
    if len(digest) != HASH_SIZE:
        raise EncodingError.of(f"proof file, hash {number}", expected=f"{HASH_SIZE} bytes", got=f"{len(digest)} bytes")
    return digest


def make_proof_file(record: Record, hashes: Sequence[bytes], note: SignedNote) -> ProofFile:
    """Return the proof file of an entry, whose proof leads to the root of the checkpoint.

    Raises:
        VerificationError: it does not: the checkpoint is of another size than the proof.
    """
    proof = ProofFile(record.envelope_bytes, record.index, tuple(hashes), note)
    _require_inclusion(proof, record.entry_bytes, Checkpoint.from_text(note.text))
    return proof


def verify_proof_file(
    proof: ProofFile,
    log_key: VerifierKey,
    *,
    envelope: Envelope | None = None,
    witnesses: Sequence[VerifierKey] = (),
    threshold: int | None = None,
) -> IncludedEnvelope:
    """Return the envelope when the log holds it; nothing is asked of anybody.

    What holds is that the log with this key promised to keep this envelope at its place. Who signed the receipt in it
    is for `verify_envelope`.

    Args:
        proof: from `ProofFile.from_text`.
        log_key: the key of the log.
        envelope: the one that was logged, for a file without it; a file that has another is refused.
        witnesses: witnesses to trust.
        threshold: how many of them must have signed; all of them by default.

    Raises:
        VerificationError: a signature, the inclusion proof or a cosignature does not hold, or too few cosigned.
        EncodingError: no envelope, one in another spelling than its own, or a note that is no checkpoint.
        UnsupportedError: an envelope of something else than a receipt, or a key of another kind.
    """
    held = _envelope_of(proof) if proof.extra is not None else envelope
    if held is None:
        raise EncodingError("proof file: it does not have the envelope itself", hint="give the one that was logged")
    entry = entry_of(held)
    if envelope is not None and entry_of(envelope) != entry:
        raise VerificationError("proof file: it is for another envelope than the one given")
    found = verify_inclusion_of(entry, proof, log_key, witnesses=witnesses, threshold=threshold)
    return IncludedEnvelope(found.index, found.checkpoint, found.cosignatures, held)


def verify_inclusion_of(
    entry: bytes,
    proof: ProofFile,
    log_key: VerifierKey,
    *,
    origin: str | None = None,
    witnesses: Sequence[VerifierKey] = (),
    threshold: int | None = None,
) -> Included:
    """Return where the log holds an entry of any sort: these are the bytes its leaf is over.

    Args:
        entry: for an envelope, what `entry_of` gives.
        proof: from `ProofFile.from_text`; its extra line is not looked at.
        log_key: the key of the log.
        origin: the log's name, where its key has another.
        witnesses: witnesses to trust.
        threshold: how many of them must have signed; all of them by default.

    Raises:
        VerificationError: a signature, the inclusion proof or a cosignature does not hold, or too few cosigned.
        EncodingError: a note that is no checkpoint.
        UnsupportedError: a key of another kind.
    """
    checkpoint = verify_checkpoint(proof.note, log_key, origin=origin)
    _require_inclusion(proof, entry, checkpoint)
    seen: tuple[Cosignature, ...] = ()
    if witnesses or threshold is not None:
        seen = verify_cosignatures(proof.note, witnesses, threshold=threshold, log_key=log_key)
    return Included(proof.index, checkpoint, seen)


def _require_inclusion(proof: ProofFile, entry: bytes, checkpoint: Checkpoint) -> None:
    if not 0 <= proof.index < checkpoint.size:
        raise VerificationError(f"proof file: expected an index below {checkpoint.size}, got {proof.index}")
    verify_inclusion(hash_leaf(entry), proof.index, checkpoint.size, proof.hashes, checkpoint.root)


def _envelope_of(proof: ProofFile) -> Envelope:
    envelope = read_envelope(proof.extra or b"")
    record = Record(proof.index, envelope.payload, signatures_bytes(envelope))
    if record.envelope_bytes != proof.extra:
        raise EncodingError("proof file, extra: expected the envelope in its RFC 8785 form, ordered by key id")
    return envelope
