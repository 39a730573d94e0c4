"""Cosignatures: what a witness signs and refuses to sign, and how many of them hold."""

from __future__ import annotations

import pytest

from caveats.errors import DelegationsError, EncodingError, UnsupportedError, VerificationError
from delegations.ledger.checkpoint import Checkpoint, sign_checkpoint
from delegations.ledger.cosignature import Cosignature, cosign_checkpoint, verify_cosignatures
from delegations.ledger.note import COSIGNATURE, NoteSigner, SignedNote, VerifierKey, verify_note
from delegations.ledger.tree import Frontier, hash_leaf, hash_node
from tests.unit.ledger.notes import FOREIGN, LOG, ORIGIN, OTHER_LOG, WITNESSES, private_key

NOW = 1_800_000_000
LEAVES = [hash_leaf(bytes([number])) for number in range(4)]
KEYS = [witness.key for witness in WITNESSES]


def checkpoint_of(size: int, leaves: list[bytes] = LEAVES) -> Checkpoint:
    frontier = Frontier()
    for leaf in leaves[:size]:
        frontier.append(leaf)
    return Checkpoint(ORIGIN, *frontier.head)


OLD, NEW = checkpoint_of(2), checkpoint_of(4)
CONSISTENCY = [hash_node(LEAVES[2], LEAVES[3])]
NOTE = sign_checkpoint(NEW, LOG)


def cosigned(*witnesses: NoteSigner) -> SignedNote:
    note = NOTE
    for number, witness in enumerate(witnesses):
        note = cosign_checkpoint(note, witness, log_key=LOG.key, at=NOW + number)
    return SignedNote.from_text(note.to_text())


@pytest.mark.parametrize("name", FOREIGN["cosignatures"])
def test_the_cosignature_of_a_public_witness_holds(name: str) -> None:
    vector = FOREIGN["cosignatures"][name]
    key = VerifierKey.from_text(vector["witness"])
    note = SignedNote.from_text(vector["note"])
    assert verify_cosignatures(note, [key]) == (Cosignature(key.name, vector["at"]),)
    assert note.to_text() == vector["note"]
    other = SignedNote(note.text.replace("185550722", "185550723"), note.signatures)
    with pytest.raises(VerificationError, match="does not hold"):
        verify_cosignatures(other, [key])


def test_what_a_witness_signs_holds_and_says_when() -> None:
    assert verify_cosignatures(cosigned(WITNESSES[0]), KEYS[:1]) == (Cosignature(KEYS[0].name, NOW),)


def test_another_time_than_the_signed_one_is_refused() -> None:
    note = cosigned(WITNESSES[0])
    line = note.signatures[1]
    moved = line._replace(signature=(NOW + 1).to_bytes(8, "big") + line.signature[8:])
    with pytest.raises(VerificationError, match="does not hold"):
        verify_cosignatures(SignedNote(note.text, (note.signatures[0], moved)), KEYS[:1])


def test_the_signature_of_the_log_still_holds_below_those_of_witnesses() -> None:
    assert verify_note(cosigned(*WITNESSES), [LOG.key]) == (LOG.key,)


def test_all_witnesses_must_have_signed_unless_fewer_are_asked_for() -> None:
    two = cosigned(WITNESSES[0], WITNESSES[2])
    assert [seen.witness for seen in verify_cosignatures(two, KEYS, threshold=2)] == [KEYS[0].name, KEYS[2].name]
    with pytest.raises(VerificationError, match="expected the cosignatures of 3 witnesses, got 2"):
        verify_cosignatures(two, KEYS)


def test_more_than_the_threshold_are_all_told() -> None:
    assert len(verify_cosignatures(cosigned(*WITNESSES), KEYS, threshold=1)) == 3


def test_one_bad_cosignature_is_refused_even_where_enough_others_hold() -> None:
    note = cosigned(*WITNESSES)
    bad = note.signatures[3]._replace(signature=bytes(72))
    with pytest.raises(VerificationError, match=r"by witness2.example.net/w does not hold"):
        verify_cosignatures(SignedNote(note.text, (*note.signatures[:3], bad)), KEYS, threshold=2)


@pytest.mark.parametrize("threshold", [0, -1, 4])
def test_a_threshold_outside_the_witnesses_is_refused(threshold: int) -> None:
    with pytest.raises(VerificationError, match="at least one and a threshold within them"):
        verify_cosignatures(cosigned(*WITNESSES), KEYS, threshold=threshold)


def test_no_witnesses_are_not_enough() -> None:
    with pytest.raises(VerificationError, match="at least one"):
        verify_cosignatures(NOTE, [])


def test_one_key_under_two_names_counts_for_nobody() -> None:
    twin = NoteSigner("twin.example.net", private_key(10), kind=COSIGNATURE)
    with pytest.raises(VerificationError, match="a key is given twice"):
        verify_cosignatures(cosigned(WITNESSES[0], twin), [KEYS[0], twin.key])


@pytest.mark.parametrize(
    ("signature", "message"),
    [(bytes(71), "has 71 bytes, not 72"), (b"\xff" * 72, "is of no time there is")],
)
def test_what_is_no_cosignature_is_refused(signature: bytes, message: str) -> None:
    note = NOTE.with_signature(WITNESSES[0].line(signature))
    with pytest.raises(VerificationError, match=message):
        verify_cosignatures(note, KEYS[:1])


def test_a_log_key_is_no_witness() -> None:
    with pytest.raises(UnsupportedError, match="expected a key of kind 4"):
        verify_cosignatures(NOTE, [LOG.key])
    with pytest.raises(UnsupportedError, match="expected a key of kind 4"):
        cosign_checkpoint(NOTE, OTHER_LOG, log_key=LOG.key, at=NOW)


def test_a_log_is_no_witness_of_itself_under_another_name() -> None:
    own = NoteSigner("witness.example/own", private_key(1), kind=COSIGNATURE)
    assert own.key.public == LOG.key.public
    with pytest.raises(VerificationError, match="has the log's own key"):
        cosign_checkpoint(NOTE, own, log_key=LOG.key, at=NOW)
    made = cosign_checkpoint(sign_checkpoint(NEW, LOG), WITNESSES[0], log_key=LOG.key, at=NOW)
    forged = made.with_signature(
        own.line(NOW.to_bytes(8) + own.sign_bytes(f"cosignature/v1\ntime {NOW}\n{made.text}".encode()))
    )
    assert len(verify_cosignatures(forged, [WITNESSES[0].key, own.key])) == 2  # who the log is was not said
    with pytest.raises(VerificationError, match="has the log's own key"):
        verify_cosignatures(forged, [WITNESSES[0].key, own.key], log_key=LOG.key)


def test_a_cosignature_does_not_go_with_another_checkpoint() -> None:
    line = cosigned(WITNESSES[0]).signatures[-1]
    replayed = sign_checkpoint(OLD, LOG).with_signature(line)
    with pytest.raises(VerificationError, match="does not hold"):
        verify_cosignatures(replayed, KEYS[:1])


def test_a_witness_signs_what_continues_the_log_it_saw() -> None:
    note = cosign_checkpoint(NOTE, WITNESSES[0], log_key=LOG.key, at=NOW, previous=OLD, consistency=CONSISTENCY)
    assert verify_cosignatures(note, KEYS[:1])
    again = cosign_checkpoint(NOTE, WITNESSES[0], log_key=LOG.key, at=NOW, previous=NEW)
    assert again == note


FORKED = checkpoint_of(4, [LEAVES[1], LEAVES[0], *LEAVES[2:]])


@pytest.mark.parametrize(
    ("checkpoint", "previous", "proof", "message"),
    [
        (NEW, OLD, [], "at least one hash"),
        (NEW, OLD, [bytes(32)], "leads to the second root"),
        (FORKED, OLD, CONSISTENCY, "leads to the second root"),
        (FORKED, NEW, [], "two trees of 4 entries have different roots"),
        (OLD, NEW, [], "expected 4 entries or more, got 2"),
        (NEW, Checkpoint("example.org/other", 2, OLD.root), CONSISTENCY, "expected one of the log example.org/other"),
    ],
)
def test_a_witness_refuses_what_does_not_continue_the_log(
    checkpoint: Checkpoint, previous: Checkpoint, proof: list[bytes], message: str
) -> None:
    note = sign_checkpoint(checkpoint, LOG)
    with pytest.raises(VerificationError, match=message):
        cosign_checkpoint(note, WITNESSES[0], log_key=LOG.key, at=NOW, previous=previous, consistency=proof)


def test_a_witness_refuses_what_the_log_did_not_sign() -> None:
    with pytest.raises(VerificationError, match=r"expected a signature by example.org/other"):
        cosign_checkpoint(NOTE, WITNESSES[0], log_key=OTHER_LOG.key, at=NOW)


def test_a_witness_does_not_sign_twice() -> None:
    with pytest.raises(EncodingError, match="has signed it already"):
        cosign_checkpoint(cosigned(WITNESSES[0]), WITNESSES[0], log_key=LOG.key, at=NOW)


@pytest.mark.parametrize("at", [-1, 2**63])
def test_a_time_that_no_cosignature_can_say_is_refused(at: int) -> None:
    with pytest.raises(DelegationsError, match="0 to 2"):
        cosign_checkpoint(NOTE, WITNESSES[0], log_key=LOG.key, at=at)
