"""Checkpoints: ours in the hands of others, those of others in ours, and what is none."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sigstore._internal.rekor.checkpoint import SignedCheckpoint
from sigstore._internal.trust import Keyring, RekorKeyring
from sigstore._utils import KeyID
from sigstore.errors import VerificationError as SigstoreRefusal
from sigstore_models.common.v1 import PublicKey, PublicKeyDetails

from caveats.errors import EncodingError, VerificationError
from delegations.ledger.checkpoint import MAX_SIZE, Checkpoint, sign_checkpoint, verify_checkpoint
from delegations.ledger.note import SignedNote, VerifierKey, sign_note
from tests.unit.ledger.notes import FOREIGN, LOG, ORIGIN, OTHER_LOG

ROOT = hashlib.sha256(b"some root").digest()
EMPTY = hashlib.sha256(b"").digest()
CHECKPOINT = Checkpoint(ORIGIN, 1234, ROOT)
TEXT = CHECKPOINT.to_text()


def sigstore_keyring(key: VerifierKey) -> tuple[RekorKeyring, KeyID]:
    """The key, as sigstore holds those of logs."""
    der = Ed25519PublicKey.from_public_bytes(key.public).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    public = PublicKey(raw_bytes=base64.b64encode(der), key_details=PublicKeyDetails.PKIX_ED25519)
    return RekorKeyring(Keyring([public])), KeyID(key.key_id)


def test_a_signed_checkpoint_reads_back_and_holds() -> None:
    note = SignedNote.from_text(sign_checkpoint(CHECKPOINT, LOG).to_text())
    assert verify_checkpoint(note, LOG.key) == CHECKPOINT


def test_a_checkpoint_with_another_size_is_refused() -> None:
    note = SignedNote.from_text(sign_checkpoint(CHECKPOINT, LOG).to_text().replace("1234", "1235"))
    with pytest.raises(VerificationError, match="does not hold"):
        verify_checkpoint(note, LOG.key)


def test_sigstore_reads_our_checkpoint_and_verifies_it() -> None:
    ours = sign_checkpoint(CHECKPOINT, LOG)
    theirs = SignedCheckpoint.from_text(ours.to_text())
    theirs.signed_note.verify(*sigstore_keyring(LOG.key))
    read = theirs.checkpoint
    assert (read.origin, read.log_size, read.log_hash, read.other_content) == (ORIGIN, 1234, ROOT.hex(), [])
    assert theirs.signed_note.signatures[0].sig_hash == LOG.key.key_id


def test_sigstore_refuses_our_checkpoint_once_a_digit_is_changed() -> None:
    theirs = SignedCheckpoint.from_text(sign_checkpoint(CHECKPOINT, LOG).to_text().replace("1234", "1235"))
    with pytest.raises(SigstoreRefusal, match="invalid signature"):
        theirs.signed_note.verify(*sigstore_keyring(LOG.key))


@pytest.mark.parametrize("name", FOREIGN["checkpoints"])
def test_the_checkpoint_of_a_public_log_holds(name: str) -> None:
    vector = FOREIGN["checkpoints"][name]
    note = SignedNote.from_text(vector["note"])
    found = verify_checkpoint(note, VerifierKey.from_text(vector["key"]), origin=vector["origin"])
    assert (found.size, found.root.hex()) == (vector["size"], vector["root"])
    assert found.to_text() == note.text
    read = SignedCheckpoint.from_text(vector["note"]).checkpoint
    assert (read.origin, read.log_size, read.log_hash) == (found.origin, found.size, found.root.hex())


def test_a_public_log_whose_key_has_another_name_is_refused_unless_its_origin_is_named() -> None:
    vector = FOREIGN["checkpoints"]["go_sum_database"]
    with pytest.raises(VerificationError, match=r"expected one of the log sum.golang.org, got one of go.sum database"):
        verify_checkpoint(SignedNote.from_text(vector["note"]), VerifierKey.from_text(vector["key"]))


def test_the_key_of_the_public_log_is_the_one_sigstore_trusts() -> None:
    key = VerifierKey.from_text(FOREIGN["checkpoints"]["rekor_v2"]["key"])
    (text,) = (
        (folder / "trusted_root.json").read_text()
        for folder in (files("sigstore") / "_store").iterdir()
        if folder.name.endswith("sigstore.dev")
    )
    (log,) = (log for log in json.loads(text)["tlogs"] if log["baseUrl"] == f"https://{key.name}")
    assert base64.b64decode(log["publicKey"]["rawBytes"])[-32:] == key.public
    assert base64.b64decode(log["logId"]["keyId"])[:4] == key.key_id


def test_extension_lines_are_kept_and_signed() -> None:
    extended = Checkpoint(ORIGIN, 1, ROOT, ("one", "two +"))
    note = SignedNote.from_text(sign_checkpoint(extended, LOG).to_text())
    assert verify_checkpoint(note, LOG.key) == extended
    assert SignedCheckpoint.from_text(note.to_text()).checkpoint.other_content == ["one", "two +"]


def test_a_log_does_not_sign_for_another() -> None:
    with pytest.raises(EncodingError, match=r"expected the name example.org/agents, got example.org/other"):
        sign_checkpoint(CHECKPOINT, OTHER_LOG)


def test_a_checkpoint_of_another_log_signed_by_ours_is_refused() -> None:
    note = sign_note(Checkpoint("example.org/other", 1, ROOT).to_text(), LOG)
    with pytest.raises(VerificationError, match=r"expected one of the log example.org/agents"):
        verify_checkpoint(note, LOG.key)


def test_a_signed_text_that_is_no_checkpoint_is_refused() -> None:
    with pytest.raises(EncodingError, match="expected an origin, a size and a root"):
        verify_checkpoint(sign_note("hello\n", LOG), LOG.key)


LINES = TEXT.split("\n")


def with_line(place: int, line: str) -> str:
    return "\n".join([*LINES[:place], line, *LINES[place + 1 :]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an origin, a size and a root"),
        ("\n".join(LINES[:3]), "an origin, a size and a root"),
        (TEXT + "more", "an origin, a size and a root"),
        (TEXT + "\n", "lines with something in them"),
        (with_line(0, ""), "lines with something in them"),
        *[
            (with_line(1, size), "without leading zeros")
            for size in ("", "-1", "01", "+1", "1.0", "1e3", " 1", "٣", "x")
        ],
        (with_line(1, str(MAX_SIZE + 1)), r"checkpoint size: expected 0 to 2\^63-1"),
        (with_line(1, "9" * 20), "without leading zeros"),
        (with_line(1, "0"), "expected that of the empty tree"),
        (with_line(2, ""), "lines with something|32 bytes, got 0 bytes"),
        (with_line(2, "AAAA"), "32 bytes, got 3 bytes"),
        (with_line(2, ROOT.hex()), "32 bytes, got 48 bytes"),
        (with_line(2, "!" + LINES[2][1:]), "checkpoint root: expected base64"),
        (with_line(2, LINES[2].rstrip("=")), "checkpoint root: expected base64"),
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str, message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        Checkpoint.from_text(text)


def test_the_largest_and_the_empty_log_are_checkpoints() -> None:
    for size, root in ((MAX_SIZE, ROOT), (0, EMPTY)):
        assert Checkpoint.from_text(Checkpoint(ORIGIN, size, root).to_text()).size == size


@pytest.mark.parametrize("origin", ["", "a\nb", "a\x00b"])
def test_an_origin_that_would_be_other_lines_is_refused(origin: str) -> None:
    with pytest.raises(EncodingError, match="lines with something in them"):
        Checkpoint(origin, 1, ROOT)
