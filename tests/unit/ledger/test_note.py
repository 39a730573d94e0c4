"""Signed notes: as others write and read them, and everything that is no note."""

from __future__ import annotations

import base64
import pickle

import pytest

from caveats.errors import DelegationsError, EncodingError, UnsupportedError, VerificationError
from delegations.ledger.note import (
    COSIGNATURE,
    ED25519,
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    NoteSignature,
    NoteSigner,
    SignedNote,
    VerifierKey,
    sign_note,
    verify_note,
)
from tests.unit.ledger.notes import FOREIGN, LOG, ORIGIN, OTHER_LOG, WITNESSES, private_key

TEXT = "first line\n\nlast line\n"
NOTE = sign_note(TEXT, LOG)
LINE = NOTE.to_text().rsplit("\n\n", 1)[1]
PETER = FOREIGN["notes"]["peter_neumann"]


def below(lines: str) -> str:
    """A note whose signature lines are these."""
    return f"{TEXT}\n{lines}"


def refused(*wrong: tuple[object, str]) -> pytest.MarkDecorator:
    """Rows of what is refused, and a piece of why."""
    return pytest.mark.parametrize(("wrong", "message"), wrong, ids=[message for _, message in wrong])


@pytest.mark.parametrize("name", FOREIGN["notes"])
def test_a_note_that_others_signed_holds(name: str) -> None:
    vector = FOREIGN["notes"][name]
    key = VerifierKey.from_text(vector["key"])
    note = SignedNote.from_text(vector["note"])
    assert verify_note(note, [key]) == (key,)
    assert note.to_text() == vector["note"]


def test_a_letter_changed_in_a_note_that_others_signed_is_refused() -> None:
    note = SignedNote.from_text(PETER["note"].replace("don't", "do"))
    with pytest.raises(VerificationError, match="the signature by PeterNeumann does not hold"):
        verify_note(note, [VerifierKey.from_text(PETER["key"])])


def test_a_private_key_of_others_signs_what_they_signed() -> None:
    signer = NoteSigner.from_text(PETER["private_key"])
    assert sign_note(SignedNote.from_text(PETER["note"]).text, signer).to_text() == PETER["note"]
    assert str(signer.key) == PETER["key"]


def test_what_is_signed_reads_back_and_holds() -> None:
    read = SignedNote.from_text(NOTE.to_text().encode())
    assert read == NOTE
    assert verify_note(read, [LOG.key]) == (LOG.key,)


def test_a_key_reads_back_from_its_text() -> None:
    for key in (LOG.key, WITNESSES[0].key):
        assert VerifierKey.from_text(str(key)) == key


def test_one_key_has_another_id_as_a_witness() -> None:
    raw = private_key(1)
    assert NoteSigner(ORIGIN, raw, kind=COSIGNATURE).key.key_id != NoteSigner(ORIGIN, raw, kind=ED25519).key.key_id


def test_signatures_by_strangers_are_ignored() -> None:
    stranger = OTHER_LOG.line(bytes(64))
    note = SignedNote.from_text(NOTE.with_signature(stranger).to_text())
    assert verify_note(note, [LOG.key]) == (LOG.key,)


def test_lines_of_strangers_may_stand_twice() -> None:
    stranger = OTHER_LOG.line(bytes(64))
    assert verify_note(SignedNote(TEXT, (stranger, stranger, *NOTE.signatures)), [LOG.key]) == (LOG.key,)


def test_a_stranger_of_the_same_name_is_ignored_too() -> None:
    stranger = NoteSigner(ORIGIN, private_key(9))
    note = NOTE.with_signature(stranger.line(bytes(64)))
    assert verify_note(note, [LOG.key]) == (LOG.key,)
    with pytest.raises(VerificationError, match="does not hold"):
        verify_note(note, [LOG.key, stranger.key])


def test_every_known_key_that_signed_is_told_in_the_order_of_the_keys() -> None:
    note = NOTE.with_signature(OTHER_LOG.line(OTHER_LOG.sign_bytes(TEXT.encode())))
    assert verify_note(note, [OTHER_LOG.key, LOG.key]) == (OTHER_LOG.key, LOG.key)


def test_a_note_that_nobody_known_signed_is_refused() -> None:
    with pytest.raises(VerificationError, match=r"expected a signature by example.org/other \(key id [0-9a-f]{8}\)"):
        verify_note(NOTE, [OTHER_LOG.key])


def test_a_note_holds_for_nobody_when_no_key_is_given() -> None:
    with pytest.raises(VerificationError, match="expected a signature by nobody, got none"):
        verify_note(NOTE, [])


def test_a_known_key_that_signed_twice_is_refused() -> None:
    doubled = SignedNote.from_text(below(LINE + LINE))
    with pytest.raises(VerificationError, match="is said to have signed it 2 times"):
        verify_note(doubled, [LOG.key])


def test_a_signature_of_another_text_is_refused() -> None:
    with pytest.raises(VerificationError, match="does not hold"):
        verify_note(SignedNote("another text\n", NOTE.signatures), [LOG.key])


def test_a_signature_that_was_cut_is_refused() -> None:
    line = NOTE.signatures[0]
    with pytest.raises(VerificationError, match="does not hold"):
        verify_note(SignedNote(TEXT, (line._replace(signature=line.signature[:-1]),)), [LOG.key])


def test_a_witness_key_verifies_no_note_and_signs_none() -> None:
    with pytest.raises(UnsupportedError, match="expected a key of kind 1"):
        verify_note(NOTE, [WITNESSES[0].key])
    with pytest.raises(UnsupportedError, match="expected a key of kind 1"):
        sign_note(TEXT, WITNESSES[0])


@refused(
    (b"\xff\xfe" + NOTE.to_text().encode(), "not UTF-8 (invalid start byte at 0)"),
    ("\ud800" + NOTE.to_text(), "not UTF-8 (surrogates not allowed at 0)"),
    (NOTE.to_text().replace("first", "first\t"), "no control characters but newlines, got \\t"),
    (NOTE.to_text().replace("\n", "\r\n"), "no control characters but newlines, got \\r"),
    (NOTE.to_text().replace("first", "fir\0st"), "got \\x00"),
    (TEXT.replace("\n\n", "\n"), "got no blank line"),
    ("", "got no blank line"),
    ("\n\n" + LINE, "got no blank line"),
    (NOTE.to_text()[:-1], "expected a newline after the last signature"),
    (TEXT + "\n", "expected a newline after the last signature"),
    (below("\n" + LINE)[:-1], "expected a newline after the last signature"),
    (below(LINE + "and more\n"), "note, signature 1: expected"),
    (below(LINE.replace("\N{EM DASH}", "-")), "signature 0: expected"),
    (below(LINE.replace(" ", "  ")), "signature 0: expected"),
    (below(LINE[:-1] + " \n"), "signature 0: expected"),
    (below(LINE.replace(ORIGIN, "")), "signature 0: name: expected 1 to 255 bytes"),
    (below(LINE.replace(ORIGIN, "a+b")), "without spaces and without +, got a+b"),
    (below(LINE.replace(ORIGIN, "a\N{NO-BREAK SPACE}b")), "without spaces"),
    (below(LINE.replace(ORIGIN, "x" * 256)), "name: expected 1 to 255 bytes"),
    (below(LINE.replace("=", "*")), "signature 0: expected base64"),
    (below(LINE.replace("=", "")), "signature 0: expected base64"),
    (below(LINE[:-3] + "\u00e9=\n"), "signature 0: expected base64"),
    (below(f"\N{EM DASH} a {base64.b64encode(b'1234').decode()}\n"), "4 bytes of key id and a signature, got 4 bytes"),
    (below("\N{EM DASH} a AAAAAAB=\n"), "base64 in its one spelling"),
    (below(LINE * (MAX_SIGNATURES + 1)), "expected up to 64 signatures, got 65"),
    ("x" * MAX_NOTE_BYTES + NOTE.to_text(), "expected up to 1048576 bytes"),
)  # fmt: skip
def test_what_is_no_note_is_refused(wrong: str | bytes, message: str) -> None:
    with pytest.raises(EncodingError) as refusal:
        SignedNote.from_text(wrong)
    assert message in str(refusal.value)
    assert len(str(refusal.value)) < 300
    assert str(refusal.value).isprintable()


@refused(
    ("no newline", "expected text that ends in a newline"),
    ("\n", "expected text that ends in a newline"),
    ("a\tb\n", "no control characters"),
    ("\ud800\n", "not UTF-8"),
)
def test_what_no_note_can_hold_is_not_signed(wrong: str, message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        sign_note(wrong, LOG)


KEY = str(LOG.key)
NAME, KEY_ID, MATERIAL = KEY.split("+", 2)


@refused(
    ("", "expected <name>+<8 hex digits>+<base64>"),
    ("a+b", "expected <name>+<8 hex digits>+<base64>"),
    (f"{NAME}+{KEY_ID.upper()}+{MATERIAL}", "expected <name>+<8 hex digits>+<base64>"),
    (f"{NAME}+{KEY_ID}+%%%", "expected base64 after the key id"),
    (f"{NAME}+{KEY_ID}+", "it has no key"),
    (f"{NAME}+00000000+{MATERIAL}", f"expected the key id {KEY_ID}, got 00000000"),
    (f"other+{KEY_ID}+{MATERIAL}", "verifier key other: expected the key id"),
    (f"+{KEY_ID}+{MATERIAL}", "name: expected 1 to 255 bytes"),
    (f"a b+{KEY_ID}+{MATERIAL}", "name: expected 1 to 255 bytes"),
    (f"{NAME}+{KEY_ID}+AQID", "expected 32 bytes, got 2 bytes"),
    (f"{NAME}+{KEY_ID}+Ag==", "expected an Ed25519 key of kind 1, or 4 for a witness, got kind 2"),
)
def test_what_is_no_key_is_refused(wrong: str, message: str) -> None:
    with pytest.raises(DelegationsError) as refusal:
        VerifierKey.from_text(wrong)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("secret", r"expected text that begins with PRIVATE\+KEY\+"),
        ("PRIVATE+KEY+secret", r"expected PRIVATE\+KEY\+<name>"),
        ("PRIVATE+KEY+a+00000000+secret!", "expected base64"),
        ("PRIVATE+KEY+a+00000000+AXNlY3JldA==", "expected a seed of 32 bytes, got 6"),
        (PETER["private_key"].replace("c74f20a3", "c74f20a4"), "its key id is not that of the key"),
    ],
)
def test_what_is_no_private_key_is_refused_without_repeating_it(wrong: str, message: str) -> None:
    with pytest.raises(EncodingError, match=message) as refusal:
        NoteSigner.from_text(wrong)
    assert "secret" not in str(refusal.value).lower()
    assert "AYEK" not in str(refusal.value)


def test_a_key_that_is_no_point_of_the_curve_holds_for_nothing() -> None:
    key = VerifierKey(ORIGIN, b"\xff" * 32)
    note = SignedNote(TEXT, (NoteSignature(ORIGIN, key.key_id, bytes(64)),))
    with pytest.raises(VerificationError, match="does not hold"):
        verify_note(note, [key])


def test_a_signer_shows_its_public_half_and_is_never_written_down() -> None:
    assert repr(LOG) == f"NoteSigner({KEY})"
    with pytest.raises(EncodingError, match="a private key is not written down"):
        pickle.dumps(LOG)


def test_a_key_that_has_signed_does_not_sign_again() -> None:
    with pytest.raises(EncodingError, match=r"example.org/agents has signed it already"):
        NOTE.with_signature(NOTE.signatures[0])


def test_a_note_takes_no_signature_past_the_last_that_is_read() -> None:
    full = SignedNote(TEXT, tuple(NoteSignature(f"n{number}", b"1234", b"1") for number in range(MAX_SIGNATURES)))
    assert SignedNote.from_text(full.to_text()) == full
    with pytest.raises(EncodingError, match="takes no more"):
        full.with_signature(LOG.line(bytes(64)))
