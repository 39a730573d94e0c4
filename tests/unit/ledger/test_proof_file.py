"""Proof files: they hold on their own, and nothing in them can be another."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
import rfc8785

from caveats.errors import DelegationsError, EncodingError, VerificationError
from delegations.ledger.checkpoint import Checkpoint, sign_checkpoint
from delegations.ledger.cosignature import cosign_checkpoint
from delegations.ledger.entry import Record, signatures_bytes
from delegations.ledger.note import SignedNote, VerifierKey
from delegations.ledger.proof_file import (
    MAX_HASHES,
    ProofFile,
    make_proof_file,
    verify_inclusion_of,
    verify_proof_file,
)
from delegations.ledger.tree import Frontier, position, prove_inclusion
from delegations.receipts.envelope import public_key_of, verify_envelope
from tests.unit.ledger.notes import FOREIGN, LOG, ORIGIN, OTHER_LOG, WITNESSES
from tests.unit.ledger.papers import ISSUER, envelope_number

SIZE = 11
KEYS = [witness.key for witness in WITNESSES]
NOW = 1_800_000_000


def record(index: int) -> Record:
    """An entry of the log."""
    envelope = envelope_number(index)
    return Record(index, envelope.payload, signatures_bytes(envelope))


def proof_of(index: int, size: int = SIZE, *, witnesses: int = 0) -> ProofFile:
    """The proof of an entry in a log of the first `size` entries."""
    frontier, made = Frontier(), []
    for place in range(size):
        made += frontier.append(record(place).leaf_hash)
    hashes = prove_inclusion(lambda nodes: [made[position(node)] for node in nodes], index, size)
    note = sign_checkpoint(Checkpoint(ORIGIN, *frontier.head), LOG)
    for witness in WITNESSES[:witnesses]:
        note = cosign_checkpoint(note, witness, log_key=LOG.key, at=NOW)
    return make_proof_file(record(index), hashes, note)


@pytest.fixture(scope="module")
def proof() -> ProofFile:
    return proof_of(5)


@pytest.fixture(scope="module")
def text(proof: ProofFile) -> str:
    return proof.to_text()


def test_a_proof_of_a_public_log_holds() -> None:
    vector = FOREIGN["inclusion"]["rekor_v2"]
    entry = base64.b64decode(vector["entry"])
    lines = ["c2sp.org/tlog-proof@v1", f"index {vector['index']}", *vector["hashes"], "", vector["note"]]
    proof = ProofFile.from_text("\n".join(lines))
    key = VerifierKey.from_text(vector["key"])
    found = verify_inclusion_of(entry, proof, key)
    assert (found.index, found.checkpoint.size) == (412114, 412115)
    with pytest.raises(VerificationError, match="inclusion proof: it leads to the root"):
        verify_inclusion_of(entry + b" ", proof, key)


@pytest.mark.parametrize("size", range(1, SIZE + 1))
def test_every_entry_of_a_log_of_any_size_has_a_proof_that_reads_back_and_holds(size: int) -> None:
    for index in range(size):
        proof = proof_of(index, size)
        read = ProofFile.from_text(proof.to_text())
        assert read == proof
        found = verify_proof_file(read, LOG.key)
        assert found.envelope == envelope_number(index)
        assert (found.index, found.checkpoint.size) == (index, size)


def test_the_envelope_of_a_proof_shows_who_signed_the_receipt(proof: ProofFile) -> None:
    found = verify_proof_file(proof, LOG.key)
    verified = verify_envelope(found.envelope, [public_key_of(ISSUER)])
    assert verified.receipt.issued_at == 1_800_000_005


def test_a_proof_is_not_made_for_a_checkpoint_of_another_size(proof: ProofFile) -> None:
    with pytest.raises(VerificationError, match="inclusion proof"):
        make_proof_file(record(5), proof.hashes, proof_of(5, 9).note)


def test_the_file_is_laid_out_line_by_line(proof: ProofFile, text: str) -> None:
    lines = text.split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert base64.b64decode(lines[1].removeprefix("extra ")) == record(5).envelope_bytes
    assert lines[2] == "index 5"
    assert [base64.b64decode(line) for line in lines[3:7]] == list(proof.hashes)
    assert lines[7] == ""
    assert "\n".join(lines[8:]) == proof.note.to_text()


def test_a_proof_without_the_envelope_holds_for_whoever_has_it(proof: ProofFile) -> None:
    bare = ProofFile.from_text(replace(proof, extra=None).to_text())
    assert verify_proof_file(bare, LOG.key, envelope=envelope_number(5)).envelope == envelope_number(5)
    with pytest.raises(EncodingError, match="it does not have the envelope itself"):
        verify_proof_file(bare, LOG.key)
    with pytest.raises(VerificationError, match="inclusion proof: it leads to the root"):
        verify_proof_file(bare, LOG.key, envelope=envelope_number(6))


def test_an_envelope_given_beside_another_is_refused(proof: ProofFile) -> None:
    assert verify_proof_file(proof, LOG.key, envelope=envelope_number(5)).index == 5
    with pytest.raises(VerificationError, match="it is for another envelope"):
        verify_proof_file(proof, LOG.key, envelope=envelope_number(6))


def test_cosignatures_hold_with_it() -> None:
    proof = proof_of(5, witnesses=2)
    found = verify_proof_file(proof, LOG.key, witnesses=KEYS, threshold=2)
    assert [seen.witness for seen in found.cosignatures] == [key.name for key in KEYS[:2]]
    with pytest.raises(VerificationError, match="expected the cosignatures of 3 witnesses, got 2"):
        verify_proof_file(proof, LOG.key, witnesses=KEYS)
    assert verify_proof_file(proof, LOG.key).cosignatures == ()


def test_a_threshold_without_witnesses_is_refused(proof: ProofFile) -> None:
    with pytest.raises(VerificationError, match="at least one"):
        verify_proof_file(proof, LOG.key, threshold=0)


Change = Callable[[ProofFile], ProofFile]
CHANGES: dict[str, Change] = {
    "another envelope": lambda proof: replace(proof, extra=record(6).envelope_bytes),
    "another index": lambda proof: replace(proof, index=4),
    "an index past the log": lambda proof: replace(proof, index=11),
    "a hash changed": lambda proof: replace(proof, hashes=(bytes(32), *proof.hashes[1:])),
    "a hash dropped": lambda proof: replace(proof, hashes=proof.hashes[1:]),
    "a hash added": lambda proof: replace(proof, hashes=(*proof.hashes, bytes(32))),
    "hashes swapped": lambda proof: replace(proof, hashes=proof.hashes[::-1]),
    "the checkpoint of another size": lambda proof: replace(proof, note=proof_of(5, 9).note),
    "another size": lambda proof: replace(
        proof, note=SignedNote(proof.note.text.replace("\n11\n", "\n12\n"), proof.note.signatures)
    ),
    "not signed by the log": lambda proof: replace(
        proof, note=SignedNote(proof.note.text, (OTHER_LOG.line(bytes(64)),))
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_proof_that_was_changed_is_refused(proof: ProofFile, change: Change) -> None:
    changed = ProofFile.from_text(change(proof).to_text())
    with pytest.raises(VerificationError):
        verify_proof_file(changed, LOG.key)


def test_a_signature_of_the_envelope_that_was_dropped_is_refused(proof: ProofFile) -> None:
    wire = json.loads(proof.extra or b"")
    signature = base64.b64encode(bytes(64)).decode()
    wire["signatures"] = [{"keyid": wire["signatures"][0]["keyid"], "sig": signature}]
    changed = replace(proof, extra=rfc8785.dumps(wire))
    with pytest.raises(VerificationError, match="inclusion proof: it leads to the root"):
        verify_proof_file(changed, LOG.key)


def test_an_envelope_in_another_spelling_is_refused(proof: ProofFile) -> None:
    changed = replace(proof, extra=json.dumps(json.loads(proof.extra or b"")).encode())
    with pytest.raises(EncodingError, match="expected the envelope in its RFC 8785 form"):
        verify_proof_file(changed, LOG.key)


@pytest.mark.parametrize("extra", [b"", b"{}", b"\xff", b"some other data"])
def test_what_is_no_envelope_is_refused(proof: ProofFile, extra: bytes) -> None:
    read = ProofFile.from_text(replace(proof, extra=extra).to_text())
    assert read.extra == extra
    with pytest.raises(EncodingError, match="envelope"):
        verify_proof_file(read, LOG.key)


def test_the_key_of_another_log_is_refused(proof: ProofFile) -> None:
    with pytest.raises(VerificationError, match=r"expected a signature by example.org/other"):
        verify_proof_file(proof, OTHER_LOG.key)


def test_no_byte_of_the_file_can_be_another(text: str) -> None:
    random = Random(8)  # noqa: S311 - the same in every run
    for _ in range(5_000):
        changed = bytearray(text.encode())
        place = random.randrange(len(changed))
        changed[place] ^= random.randrange(1, 256)
        with pytest.raises(DelegationsError):
            verify_proof_file(ProofFile.from_text(bytes(changed)), LOG.key)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("@v1", "@v2", "expected a first line c2sp.org/tlog-proof@v1"),
        ("@v1", "@v1 ", "expected a first line"),
        ("\n\n", "\n", "proof file, hash 4: expected base64, got example.org/agents"),
        ("index 5", "index 05", "expected a line such as: index 12"),
        ("index 5", "index -5", "expected a line such as: index 12"),
        ("index 5\n", "", "expected a line such as: index 12"),
        ("index 5", "index 5\nindex 5", "proof file, hash 0: expected base64"),
        ("extra ", "extra  ", "proof file, extra: expected base64"),
        ("extra ", "Extra ", "expected a line such as: index 12"),
        ("index 5", "index 5\nAAAA", "hash 0: expected 32 bytes, got 3 bytes"),
        ("index 5", "index 5" + f"\n{'A' * 43}=" * MAX_HASHES, "up to 63 hashes, got 67"),
    ],
)
def test_a_line_that_is_not_of_the_format_is_refused(text: str, old: str, new: str, message: str) -> None:
    assert old in text
    with pytest.raises(EncodingError) as refusal:
        ProofFile.from_text(text.replace(old, new, 1))
    assert message in str(refusal.value)
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("", "expected a first line c2sp.org/tlog-proof@v1"),
        ('{"payload": "e30="}', "expected a first line"),
        (b"\xff", "proof file: not UTF-8"),
        (b"x" * (25 << 20), "expected up to 25165824 bytes"),
    ],
    ids=["nothing", "an envelope", "no text", "too much"],
)
def test_what_is_no_proof_file_is_refused(wrong: str | bytes, message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        ProofFile.from_text(wrong)


def test_a_second_empty_line_is_no_part_of_the_checkpoint(text: str) -> None:
    with pytest.raises(VerificationError, match="does not hold"):
        verify_proof_file(ProofFile.from_text(text.replace("\n\n", "\n\n\n", 1)), LOG.key)


def test_a_file_cut_short_is_refused(text: str) -> None:
    for stop in range(0, len(text), 97):
        with pytest.raises(EncodingError):
            ProofFile.from_text(text[:stop])
