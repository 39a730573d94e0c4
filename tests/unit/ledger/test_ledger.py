"""The ledger: what is appended, what it takes, what it proves, finds and gives back."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from securesystemslib.dsse import Envelope

from caveats.errors import EncodingError, EngineError, UnsupportedError, VerificationError
from delegations.ledger.entry import entry_of, leaf_of, prepare
from delegations.ledger.ledger import Ledger
from delegations.ledger.store import Audit
from delegations.ledger.tree import EMPTY_ROOT, Head, hash_leaf, verify_consistency, verify_inclusion
from delegations.receipts import KINDS
from delegations.receipts.envelope import PAYLOAD_TYPE, format_envelope, read_envelope, statement_bytes
from tests.unit.ledger.makers import LEDGER_ID, ORIGIN, Sealed, chained, every_kind, make_ledger, seal
from tests.unit.receipts.makers import AGENT, ALICE, HELPER

COUNT = 12


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "receipts.ledger"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed ledger of 12 chained receipts and one of each kind."""
    made = tmp_path_factory.mktemp("kept") / "receipts.ledger"
    make_ledger(made, COUNT)
    with Ledger.open(made) as ledger:
        for sealed in every_kind().values():
            ledger.append(sealed.envelope)
    return made


# what is appended


def test_a_new_ledger_is_empty_and_knows_its_name(path: Path) -> None:
    with Ledger.create(path, origin=ORIGIN, ledger_id=LEDGER_ID) as ledger:
        assert ledger.head == (0, EMPTY_ROOT)
        assert ledger.identity == (ORIGIN, LEDGER_ID)


def test_two_ledgers_of_one_name_have_different_ids(tmp_path: Path) -> None:
    ids = set()
    for name in "ab":
        with Ledger.create(tmp_path / name, origin=ORIGIN) as ledger:
            ids.add(ledger.identity.ledger_id)

    assert len(ids) == 2


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\nb", "x" * 256, "é" * 128, "a\u200bb", "a\ud800", "e\u0301"])
def test_a_name_that_signed_notes_do_not_take_is_refused(path: Path, origin: str) -> None:
    with pytest.raises(EncodingError, match="origin: name: expected"):
        Ledger.create(path, origin=origin)
    assert not path.exists()


def test_a_file_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "a?b#c %20 \u00e9.ledger"
    with Ledger.create(path, origin=ORIGIN) as ledger:
        ledger.append(chained(1)[0].envelope)
    with Ledger.open(str(path), read_only=True) as again:
        assert again.verify().size == 1


def test_a_ledger_is_not_made_over_a_file(path: Path) -> None:
    path.write_text("mine")

    with pytest.raises(EngineError, match="there is such a file already"):
        Ledger.create(path, origin=ORIGIN)
    assert path.read_text() == "mine"


def test_a_ledger_is_not_made_beside_the_log_of_another(path: Path) -> None:
    path.with_name("receipts.ledger-wal").write_bytes(b"frames")

    with pytest.raises(EngineError, match=r"receipts\.ledger-wal.*it was left over"):
        Ledger.create(path, origin=ORIGIN)
    assert not path.exists()


def test_what_a_making_that_was_killed_left_behind_is_made_anew(path: Path) -> None:
    for suffix in (".new", ".new-wal", ".new-shm"):
        path.with_name(path.name + suffix).write_bytes(b"half")
    with Ledger.create(path, origin=ORIGIN) as ledger:
        assert ledger.verify().size == 0

    assert {file.name for file in path.parent.iterdir()} == {"receipts.ledger", "receipts.ledger.lock"}


def test_a_ledger_is_not_made_in_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="there is no directory"):
        Ledger.create(tmp_path / "none" / "x", origin=ORIGIN)


def test_a_file_that_is_not_there_does_not_open(path: Path) -> None:
    with pytest.raises(EngineError, match="there is no such file"):
        Ledger.open(path)
    assert not list(path.parent.iterdir())


def test_an_appended_receipt_is_there_after_a_restart(path: Path) -> None:
    (sealed,) = chained(1)
    with Ledger.create(path, origin=ORIGIN) as ledger:
        entry = ledger.append(sealed.envelope)
    with Ledger.open(path) as again:
        assert again.size == 1
        assert again.read(entry.index).unsafe_receipt() == sealed.receipt
        assert again.root == entry.leaf_hash


def test_entries_are_numbered_in_the_order_they_come(path: Path) -> None:
    sealed = chained(5)
    with Ledger.create(path, origin=ORIGIN) as ledger:
        first = ledger.append(sealed[0].envelope, sealed[0].receipt)
        rest = ledger.append_many([s.envelope for s in sealed[1:]])
        hashes = [record.receipt_hash for record in ledger.records()]

    assert [entry.index for entry in (first, *rest)] == list(range(5))
    assert hashes == [s.receipt.hash for s in sealed]


def test_appending_nothing_changes_nothing(path: Path) -> None:
    with Ledger.create(path, origin=ORIGIN) as ledger:
        assert ledger.append_many([]) == []
        assert ledger.size == 0


def test_a_leaf_is_over_the_hashes_of_envelope_and_receipt(kept: Path) -> None:
    sealed = every_kind()["grant"]
    wire = sealed.envelope.to_dict()
    wire["signatures"].sort(key=lambda signature: signature["keyid"])
    line = {
        "envelope": hashlib.sha256(rfc8785.dumps(wire)).hexdigest(),
        "receipt": sealed.receipt.hash,
        "schema": "urn:delegations:ledger-entry:1",
    }

    assert entry_of(sealed.envelope) == rfc8785.dumps(line)
    with Ledger.open(kept, read_only=True) as ledger:
        (record,) = ledger.search(receipt=sealed.receipt.hash).records
        assert record.entry_bytes == rfc8785.dumps(line)
        assert ledger.leaf_hash(record.index) == hash_leaf(rfc8785.dumps(line))


def test_the_leaf_is_the_same_however_the_envelope_is_laid_out() -> None:
    envelope = every_kind()["denial"].envelope

    assert leaf_of(format_envelope(envelope)) == leaf_of(json.dumps(envelope.to_dict())) == leaf_of(envelope)


def test_another_signature_makes_another_leaf() -> None:
    first = chained(1)[0].envelope
    (signature,) = first.to_dict()["signatures"]
    other = {**first.to_dict(), "signatures": [signature, {"keyid": "another", "sig": base64.b64encode(b"x").decode()}]}

    assert leaf_of(read_envelope(json.dumps(other))) != leaf_of(first)


def test_the_order_of_signatures_does_not_matter() -> None:
    wire = chained(1)[0].envelope.to_dict()
    wire["signatures"].append({"keyid": 'an "other" \u00e9', "sig": base64.b64encode(b"x").decode()})
    turned = {**wire, "signatures": wire["signatures"][::-1]}

    assert leaf_of(json.dumps(wire)) == leaf_of(json.dumps(turned))


# what is not taken


def envelope_of(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> Envelope:
    return Envelope(payload, payload_type, dict(chained(1)[0].envelope.signatures))


def statement(**changes: Any) -> bytes:
    """The statement about a receipt, with fields of the receipt changed and its hash made to fit."""
    body = {**chained(1)[0].receipt.to_wire(), **changes}
    wire = json.loads(statement_bytes(chained(1)[0].receipt))
    digest = hashlib.sha256(rfc8785.dumps(body)).hexdigest()
    return rfc8785.dumps({**wire, "predicate": body, "subject": [{"digest": {"sha256": digest}, "name": "receipt"}]})


def test_a_receipt_of_the_form_is_taken_and_one_with_another_hash_is_refused(path: Path) -> None:
    payload = statement()
    (right, wrong) = chained(2)
    with Ledger.create(path, origin=ORIGIN) as ledger:
        ledger.append(envelope_of(payload))
        with pytest.raises(VerificationError, match="expected the receipt with the SHA-256"):
            ledger.append(
                envelope_of(payload.replace(right.receipt.hash.encode(), wrong.receipt.hash.encode())), is_strict=False
            )
        assert ledger.size == 1


@pytest.mark.parametrize("is_strict", [True, False])
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "gift"}, "expected one of redemption"),
        ({"schema": "urn:delegations:receipt:2"}, "expected (the )?schema"),
        ({"lineage": [{"hash": "0x12"}]}, "lineage|files it by"),
        ({"lineage": "none"}, "lineage|files it by"),
        ({"prev": 5}, "prev|files it by"),
        ({"outcome": {}}, "outcome|files it by"),
        ({"subject": {"block": {"timestamp": "-1"}}}, "subject|files it by"),
    ],
)
def test_what_a_receipt_is_filed_by_must_be_in_order(changes: dict[str, Any], says: str, is_strict: bool) -> None:
    with pytest.raises((EncodingError, UnsupportedError), match=says):
        prepare(envelope_of(statement(**changes)), is_strict=is_strict)


def test_a_field_nobody_files_by_is_checked_when_strict() -> None:
    envelope = envelope_of(statement(extra="1"))
    assert prepare(envelope, is_strict=False)

    with pytest.raises(EncodingError, match="there is no such field"):
        prepare(envelope)


def test_another_spelling_of_the_same_receipt_is_refused_when_strict() -> None:
    body = chained(1)[0].receipt.canonical()
    turned = json.dumps(dict(reversed(json.loads(body).items())), separators=(",", ":")).encode()
    digest = hashlib.sha256(body).hexdigest().encode()
    payload = statement_bytes(chained(1)[0].receipt).replace(body, turned)
    payload = payload.replace(digest, hashlib.sha256(turned).hexdigest().encode())

    with pytest.raises(EncodingError, match="not in its RFC 8785 form"):
        prepare(envelope_of(payload))
    with pytest.raises(VerificationError, match="the one given is not the one"):
        prepare(envelope_of(payload), chained(1)[0].receipt)


def test_another_receipt_than_the_one_in_the_envelope_is_refused() -> None:
    first, second = chained(2)
    assert prepare(first.envelope, first.receipt)

    with pytest.raises(VerificationError, match="the one given is not the one in the envelope"):
        prepare(first.envelope, second.receipt)


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b"x" * 500, b'{"_type":"https://in-toto.io/Statement/v1","predicate":']
)
def test_what_is_no_statement_about_a_receipt_is_refused(payload: bytes) -> None:
    with pytest.raises(UnsupportedError, match="expected one about a receipt"):
        prepare(envelope_of(payload))


def test_a_receipt_that_is_no_json_is_refused() -> None:
    body = chained(1)[0].receipt.canonical()
    payload = statement_bytes(chained(1)[0].receipt).replace(body, b"[" * 5000)
    payload = payload[:-86] + hashlib.sha256(b"[" * 5000).hexdigest().encode() + payload[-22:]

    with pytest.raises(EncodingError, match="receipt: not JSON"):
        prepare(envelope_of(payload))


def test_another_payload_type_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="expected the payload type"):
        prepare(envelope_of(statement(), "text/plain"))


def test_an_envelope_nobody_signed_is_refused() -> None:
    with pytest.raises(EncodingError, match="expected 1 to 16 of them"):
        prepare(Envelope(statement(), PAYLOAD_TYPE, {}))


def test_when_one_of_many_is_refused_none_is_kept(path: Path) -> None:
    good = [s.envelope for s in chained(3)]
    with Ledger.create(path, origin=ORIGIN) as ledger:
        with pytest.raises(UnsupportedError):
            ledger.append_many([*good, envelope_of(b"{}")])
        assert ledger.size == 0


def test_as_many_receipts_as_envelopes_are_wanted(path: Path) -> None:
    with (
        Ledger.create(path, origin=ORIGIN) as ledger,
        pytest.raises(EncodingError, match="expected 2, one an envelope"),
    ):
        ledger.append_many([s.envelope for s in chained(2)], [chained(1)[0].receipt])


# threads


def test_threads_append_at_the_same_time_and_each_gets_a_place_of_its_own(path: Path) -> None:
    sealed = chained(60)
    places: dict[str, int] = {}

    def work(part: tuple[Sealed, ...]) -> None:
        for one in part:
            places[one.receipt.hash] = ledger.append(one.envelope, one.receipt).index

    with Ledger.create(path, origin=ORIGIN) as ledger:
        threads = [threading.Thread(target=work, args=(sealed[start::6],)) for start in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {record.receipt_hash: record.index for record in ledger.records()} == places
        assert ledger.verify().size == 60


# what is proved


def test_every_entry_is_proved_to_be_in(kept: Path) -> None:
    with Ledger.open(kept, read_only=True) as ledger:
        head = ledger.head
        for record in ledger.records():
            proof = ledger.prove_inclusion(record.index)
            verify_inclusion(leaf_of(record.envelope), record.index, head.size, proof, head.root)


def test_an_entry_is_proved_to_have_been_in_before(kept: Path) -> None:
    with Ledger.open(kept, read_only=True) as ledger:
        proof = ledger.prove_inclusion(3, 5)
        verify_inclusion(ledger.leaf_hash(3), 3, 5, proof, ledger.root_at(5))


def test_the_ledger_is_proved_to_continue_what_it_was(path: Path) -> None:
    sealed = chained(9)
    with Ledger.create(path, origin=ORIGIN) as ledger:
        ledger.append_many([s.envelope for s in sealed[:4]])
        before = ledger.head
        ledger.append_many([s.envelope for s in sealed[4:]])
        after = ledger.head
        proof = ledger.prove_consistency(before.size)

    verify_consistency(*before, *after, proof)


@pytest.mark.parametrize("index", [-1, 17, 2**70])
def test_an_entry_that_is_not_there_is_neither_read_nor_proved(kept: Path, index: int) -> None:
    with Ledger.open(kept, read_only=True) as ledger:
        assert ledger.size == 17
        for ask in (ledger.read, ledger.prove_inclusion, ledger.leaf_hash):
            with pytest.raises(EncodingError):
                ask(index)


def test_a_tree_larger_than_the_ledger_is_not_proved(kept: Path) -> None:
    with Ledger.open(kept, read_only=True) as ledger:
        for ask in (ledger.root_at, ledger.prove_consistency, lambda size: ledger.prove_consistency(1, size)):
            with pytest.raises(EncodingError):
                ask(18)


def test_verification_returns_the_head(kept: Path) -> None:
    with Ledger.open(kept, read_only=True) as ledger:
        assert ledger.verify(is_strict=True) == ledger.head
        assert ledger.verify(Head(5, ledger.root_at(5))) == ledger.head


def test_the_head_that_is_returned_is_the_one_that_was_verified(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = chained(2)
    with Ledger.create(path, origin=ORIGIN) as ledger:
        ledger.append(first.envelope)
        verified, audit = ledger.head, ledger._store.audit

        @contextmanager
        def overtaken() -> Iterator[Audit]:
            with audit() as opened:
                yield opened
                ledger.append(second.envelope)

        monkeypatch.setattr(ledger._store, "audit", overtaken)
        assert ledger.verify() == verified
        assert ledger.size == 2


def test_a_ledger_that_does_not_continue_what_is_known_of_it_is_refused(kept: Path) -> None:
    with Ledger.open(kept, read_only=True) as ledger:
        with pytest.raises(VerificationError, match="its root over 5 entries is not the one that is expected"):
            ledger.verify(Head(5, bytes(32)))
        with pytest.raises(VerificationError, match="expected to continue a head of 18 entries, got 17"):
            ledger.verify(Head(18, bytes(32)))


# what is found


@pytest.fixture(scope="module")
def open_kept(kept: Path):
    with Ledger.open(kept, read_only=True) as ledger:
        yield ledger


@pytest.mark.parametrize("kind", KINDS)
def test_receipts_are_found_by_kind(open_kept: Ledger, kind: str) -> None:
    found = open_kept.search(kind=kind).records

    assert {record.facts.kind for record in found} == {kind}
    assert len(found) == (13 if kind == "redemption" else 1)


def test_receipts_are_found_by_outcome(open_kept: Ledger) -> None:
    (record,) = open_kept.search(outcome="denied").records

    assert record.receipt_hash == every_kind()["denial"].receipt.hash


def test_receipts_are_found_by_any_delegation_of_the_lineage(open_kept: Ledger) -> None:
    root, leaf = chained(1)[0].receipt.lineage

    assert [r.index for r in open_kept.search(delegation=leaf.hash).records] == list(range(COUNT))
    assert [r.index for r in open_kept.search(delegation=str(root.hash)).records] == list(range(COUNT))


def test_a_revocation_and_an_escalation_are_found_by_the_delegations_they_name(open_kept: Ledger) -> None:
    kinds = every_kind()
    revoked = kinds["revocation"].receipt.revocation.delegation
    granted = kinds["escalation"].receipt.escalation.grant

    assert "revocation" in {record.facts.kind for record in open_kept.search(delegation=revoked).records}
    assert [record.facts.kind for record in open_kept.search(delegation=granted).records] == ["escalation"]


def test_receipts_are_found_by_agent_and_by_delegator(open_kept: Ledger) -> None:
    assert [r.index for r in open_kept.search(agent=HELPER).records] == list(range(COUNT))
    assert {r.facts.kind for r in open_kept.search(agent=AGENT).records} == set(KINDS)
    assert len(open_kept.search(delegator=str(ALICE)).records) == 17
    assert open_kept.search(delegator=HELPER).records == ()


def test_criteria_are_taken_together(open_kept: Ledger) -> None:
    found = open_kept.search(agent=AGENT, kind="redemption", outcome="executed", delegator=ALICE).records

    assert [record.index for record in found] == [12]
    assert open_kept.search(agent=AGENT, outcome="failed").records == ()


def test_a_chain_of_receipts_is_followed_forward(open_kept: Ledger) -> None:
    first, second = chained(2)

    (record,) = open_kept.search(prev=first.receipt.hash).records
    assert record.receipt_hash == second.receipt.hash


def test_receipts_are_found_by_time(open_kept: Ledger) -> None:
    at = int(every_kind()["escalation"].receipt.escalation.decided_at)

    (record,) = open_kept.search(since=at, until=at + 1).records
    assert record.facts.kind == "escalation"
    assert "escalation" not in {r.facts.kind for r in open_kept.search(until=at).records}
    (again,) = open_kept.search(kind="escalation", since=at, until=2**300).records
    assert again.index == record.index


def test_times_that_no_store_holds_are_compared_exactly(tmp_path: Path) -> None:
    grant = every_kind()["grant"].receipt
    late = {power: seal(grant.model_copy(update={"issued_at": 2**power})) for power in (62, 65, 255)}
    never = seal(grant.model_copy(update={"issued_at": None}))
    with Ledger.create(tmp_path / "late", origin=ORIGIN) as ledger:
        ledger.append_many([one.envelope for one in (*late.values(), never)])

        def found(**between: int) -> list[int]:
            return [record.index for record in ledger.search(**between).records]

        assert found(since=2**62) == [0, 1, 2]
        assert found(since=2**65) == [1, 2]
        assert found(since=2**65 + 1) == [2]
        assert found(until=2**65) == [0]
        assert found(until=2**65 + 1) == [0, 1]
        assert found(until=2**256) == [0, 1, 2]
        assert found() == [0, 1, 2, 3]
        assert ledger.verify(is_strict=True).size == 4


@pytest.mark.parametrize(
    "asked",
    [
        {"receipt": "0x" + "ab" * 32},
        {"receipt": "AB" * 32},
        {"prev": "ab"},
        {"outcome": "\udcff"},
        {"outcome": "Denied"},
        {"kind": ""},
        {"start": 2**63},
        {"since": -1},
        {"limit": 10_001},
    ],
    ids=str,
)
def test_what_no_receipt_can_have_is_not_looked_for(open_kept: Ledger, asked: dict[str, Any]) -> None:
    with pytest.raises(EncodingError, match="expected"):
        open_kept.search(**asked)


def test_a_search_is_read_in_pages(open_kept: Ledger) -> None:
    pages, start = [], 0
    while start is not None:
        page = open_kept.search(kind="redemption", start=start, limit=5)
        pages.append([record.index for record in page.records])
        start = page.next

    assert pages == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11, 12]]


def test_everything_is_found_when_nothing_is_asked_for(open_kept: Ledger) -> None:
    assert [record.index for record in open_kept.search().records] == list(range(17))
    assert [record.index for record in open_kept.search(start=15).records] == [15, 16]


@pytest.mark.parametrize(
    "asked",
    [{"limit": 0}, {"limit": 10_001}, {"start": -1}, {"since": -1}, {"agent": "0x12"}, {"delegation": "12"}],
)
def test_a_search_for_what_cannot_be_is_refused(open_kept: Ledger, asked: dict[str, Any]) -> None:
    with pytest.raises(EncodingError):
        open_kept.search(**asked)


def test_records_are_read_from_here_to_there(open_kept: Ledger) -> None:
    assert [record.index for record in open_kept.records(3, 6)] == [3, 4, 5]
    assert [record.index for record in open_kept.records(16)] == [16]
    with pytest.raises(EncodingError):
        list(open_kept.records(0, 18))


def test_a_record_gives_back_the_envelope_as_it_was_signed(open_kept: Ledger) -> None:
    sealed = every_kind()["revocation"]
    (record,) = open_kept.search(kind="revocation").records

    assert record.envelope == sealed.envelope
    assert record.receipt_bytes == sealed.receipt.canonical()
