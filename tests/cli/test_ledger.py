"""`delegations ledger` as a person uses it, and whatever they hand over by mistake."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import scitt_cose
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from sigstore._internal.rekor.checkpoint import SignedCheckpoint

from delegations.ledger.entry import entry_of
from delegations.ledger.ledger import Ledger
from delegations.ledger.lock import WriterLock
from delegations.ledger.note import COSIGNATURE, NoteSigner
from delegations.ledger.tiles import TiledTree, read_from
from delegations.ledger.tree import Head
from delegations.receipts.envelope import format_envelope, public_key_of, unsafe_read_receipt
from tests.cli.command import Ran, run, run_process
from tests.unit.ledger.notes import LOG, ORIGIN, OTHER_LOG, WITNESSES, private_key
from tests.unit.ledger.papers import ISSUER, envelope_number, receipt_with
from tests.unit.ledger.postgres_server import postgres_server

COUNT = 5
ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def pem(key: Ed25519PrivateKey, password: bytes | None = None) -> bytes:
    protection = NoEncryption() if password is None else BestAvailableEncryption(password)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


def public_pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True)
class Office:
    """A folder with a ledger of five receipts, their envelopes, and keys."""

    folder: Path

    def path(self, name: str) -> Path:
        """The path of a file in it."""
        return self.folder / name

    def ledger(self, *words: object, **more: Any) -> Ran:
        """Run `delegations ledger`, with {name} standing for the file of that name."""
        return run("ledger", *(str(word).replace("{", f"{self.folder}/").replace("}", "") for word in words), **more)

    def done(self, *words: object, **more: Any) -> Any:
        """Run it where it must work; what it printed, as JSON when that was asked for."""
        ran = self.ledger(*words, **more)
        assert (ran.code, ran.err) == (0, ""), ran
        return ran.json() if "--json" in words else ran.out


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the office, made once."""
    folder = tmp_path_factory.mktemp("office")
    for number in range(COUNT + 1):
        (folder / f"{number}.json").write_text(format_envelope(envelope_number(number)))
    (folder / "receipt.json").write_text(receipt_with(issued_at="7").to_json())
    keys = {"log": 1, "other": 2, "witness": 10, "witness1": 11, "issuer": 42, "stranger": 43}
    for name, number in keys.items():
        (folder / f"{name}.pem").write_bytes(pem(private_key(number)))
        (folder / f"{name}.pub").write_bytes(public_pem(private_key(number)))
    (folder / "locked.pem").write_bytes(pem(private_key(1), b"open sesame"))
    (folder / "log.vkey").write_text(f"{LOG.key}\n")
    (folder / "witness.vkey").write_text(f"{WITNESSES[0].key}\n")
    (folder / "witness1.vkey").write_text(f"{WITNESSES[1].key}\n")
    (folder / "odd.json").write_text('{"payload": "e30="}')
    (folder / "empty").write_text("")
    (folder / "binary").write_bytes(b"\xff\xfe\x00")
    with Ledger.create(folder / "log.db", origin=ORIGIN) as ledger:
        ledger.append_many([envelope_number(number) for number in range(COUNT)])
    office = Office(folder)
    office.done("checkpoint", "{log.db}", "--key", "{log.pem}", "--out", "{checkpoint}")
    office.done("prove", "{log.db}", "2", "--checkpoint", "{checkpoint}", "--out", "{proof}")
    office.done("prove", "{log.db}", "2", "--key", "{log.pem}", "--cose", "--out", "{cose}")
    return folder


@pytest.fixture
def office(furnished: Path, tmp_path: Path) -> Office:
    shutil.copytree(furnished, tmp_path / "office")
    return Office(tmp_path / "office")


# init, append


def test_a_ledger_is_made_filled_and_verified(office: Office) -> None:
    made = office.done("init", "{new.db}", "--origin", "example.org/new", "--json")
    assert (made["origin"], made["size"]) == ("example.org/new", 0)
    answer = office.done("append", "{new.db}", "{0.json}", "{1.json}", "--json")
    assert [(entry["index"], entry["is_new"]) for entry in answer["entries"]] == [(0, True), (1, True)]
    told = office.done("verify", "{new.db}")
    assert told == f"holds: 2 entries of example.org/new\nroot {answer['root']}\n"


def test_an_envelope_comes_from_standard_input_too(office: Office) -> None:
    answer = office.done("append", "{log.db}", "-", "--json", stdin=office.path("5.json").read_text())
    assert [(entry["index"], entry["is_new"]) for entry in answer["entries"]] == [(5, True)]


def test_what_is_there_already_keeps_its_place(office: Office) -> None:
    words = ("append", "{log.db}", "{5.json}", "{3.json}", "{5.json}")
    told = office.done(*words)
    assert [line.split()[0] for line in told.splitlines()] == ["5", "3"]
    assert told.splitlines()[1].endswith("(there already)")
    assert office.done(*words, "--json")["size"] == 6


def test_an_envelope_laid_out_otherwise_is_the_same_one(office: Office) -> None:
    office.path("compact.json").write_text(json.dumps(json.loads(office.path("3.json").read_text()), indent=None))
    answer = office.done("append", "{log.db}", "{compact.json}", "--json")
    assert [(entry["index"], entry["is_new"]) for entry in answer["entries"]] == [(3, False)]


def test_only_what_trusted_keys_signed_enters_when_they_are_named(office: Office) -> None:
    assert office.done("append", "{log.db}", "{5.json}", "--key", "{issuer.pub}", "--json")["size"] == 6
    refused = office.ledger("append", "{log.db}", "{5.json}", "--key", "{stranger.pub}")
    assert refused.code == 2
    assert "which is not among the keys to trust" in refused.err


def test_a_signature_of_another_receipt_does_not_let_one_in(office: Office) -> None:
    first, second = (json.loads(office.path(name).read_text()) for name in ("0.json", "5.json"))
    office.path("swapped.json").write_text(json.dumps({**second, "signatures": first["signatures"]}))
    ran = office.ledger("append", "{log.db}", "{swapped.json}", "--key", "{issuer.pub}")
    assert (ran.code, ran.out) == (2, "")
    assert "does not hold" in ran.err
    assert office.done("append", "{log.db}", "{5.json}", "--key", "{issuer.pub}").startswith("5 ")


def test_without_a_key_whatever_anybody_signed_is_kept(office: Office) -> None:
    sealed = json.loads(office.path("5.json").read_text())
    office.path("odd.json").write_text(json.dumps({**sealed, "signatures": [{"keyid": "me", "sig": "AAAA"}]}))
    assert office.ledger("append", "{log.db}", "{odd.json}", "--key", "{issuer.pub}").code == 2
    assert office.done("append", "{log.db}", "{odd.json}").startswith("5 ")


def test_all_enter_or_none(office: Office) -> None:
    assert office.ledger("append", "{log.db}", "{5.json}", "{receipt.json}").code == 2
    assert office.done("verify", "{log.db}", "--json")["size"] == COUNT


# verify


def damage(office: Office, statement: str) -> None:
    """Change the file behind the ledger's back."""
    connection = sqlite3.connect(office.path("log.db"))
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("DELETE FROM entry WHERE id = 1", "damaged: entry 1: it is missing"),
        ("UPDATE entry SET payload = x'00' WHERE id = 2", "damaged: entry 2: its bytes are not those of a receipt"),
        ("DELETE FROM head WHERE size = 5", "damaged: head: expected 0 entries, as was committed, got 5"),
    ],
)
def test_damage_is_named_and_the_exit_code_says_so(office: Office, statement: str, named: str) -> None:
    damage(office, statement)
    ran = office.ledger("verify", "{log.db}")
    assert ran.code == 1
    assert named in ran.out
    told = office.ledger("verify", "{log.db}", "--json").json()
    assert told["valid"] is False
    assert any(named == f"damaged: {each['where']}: {each['what']}"[: len(named)] for each in told["damage"])


def test_a_ledger_cut_back_as_a_whole_is_seen_against_a_checkpoint(office: Office) -> None:
    known = ("--checkpoint", "{checkpoint}", "--log-key", "{log.vkey}")
    assert "continues the checkpoint of 5 entries" in office.done("verify", "{log.db}", *known)
    with Ledger.create(office.path("short.db"), origin=ORIGIN) as short:
        short.append_many([envelope_number(number) for number in range(3)])
    assert office.done("verify", "{short.db}", "--json")["valid"] is True
    ran = office.ledger("verify", "{short.db}", *known)
    assert (ran.code, ran.out) == (1, "damaged: ledger: expected to continue a head of 5 entries, got 3\n")


# checkpoint, prove, check


def test_a_ledger_made_anew_is_seen_against_a_checkpoint(office: Office) -> None:
    words = ("--checkpoint", "{checkpoint}", "--log-key", "{log.vkey}")
    assert "continues the checkpoint of 5 entries" in office.done("verify", "{log.db}", *words)
    with Ledger.create(office.path("anew.db"), origin=ORIGIN) as anew:  # one is dropped, and more have come since
        anew.append_many([envelope_number(number) for number in (0, 1, 3, 4, 5, 6, 7)])
    assert office.ledger("verify", "{anew.db}").code == 0
    ran = office.ledger("verify", "{anew.db}", *words)
    assert (ran.code, ran.err) == (1, "")
    assert "its root over 5 entries is not the one that is expected" in ran.out
    office.done("append", "{log.db}", "{5.json}")  # and what goes on from it holds
    assert "continues the checkpoint of 5 entries" in office.done("verify", "{log.db}", *words)


def test_the_checkpoint_of_another_log_says_nothing_about_this_one(office: Office) -> None:
    with Ledger.create(office.path("other.db"), origin=OTHER_LOG.key.name) as other:
        other.append(envelope_number(0))
    ran = office.ledger("verify", "{other.db}", "--checkpoint", "{checkpoint}", "--log-key", "{log.vkey}")
    assert (ran.code, ran.out) == (2, "")
    assert f"it is {OTHER_LOG.key.name}, and the checkpoint is of {ORIGIN}" in ran.err


def test_others_read_the_checkpoint(office: Office) -> None:
    told = office.done("checkpoint", "{log.db}", "--key", "{log.pem}")
    read = SignedCheckpoint.from_text(told).checkpoint
    assert (read.origin, read.log_size) == (ORIGIN, COUNT)
    assert read.log_hash == office.done("verify", "{log.db}", "--json")["root"]


def test_the_key_may_come_from_the_environment_with_its_password(office: Office) -> None:
    env = {"DELEGATIONS_LEDGER_KEY": office.path("locked.pem").read_text()}
    password = {"DELEGATIONS_LEDGER_KEY_PASSWORD": "open sesame"}
    assert office.done("key", ORIGIN, env={**env, **password}) == f"{LOG.key}\n"
    assert "it is encrypted, and no password is given" in office.ledger("key", ORIGIN, env=env).err


def test_a_witness_key_is_another_key(office: Office) -> None:
    assert office.done("key", WITNESSES[0].key.name, "--witness", "--key", "{witness.pem}") == f"{WITNESSES[0].key}\n"


def test_a_checkpoint_is_replaced_by_one_that_continues_it_and_by_no_other(office: Office) -> None:
    words = ("--key", "{log.pem}", "--out", "{checkpoint}")
    office.done("append", "{log.db}", "{5.json}")
    office.done("checkpoint", "{log.db}", *words)
    newer = office.path("checkpoint").read_text()
    assert newer.split("\n")[1] == "6"
    with Ledger.create(office.path("forked.db"), origin=ORIGIN) as forked:
        forked.append_many([envelope_number(number) for number in (1, 0, 2, 3, 4, 5, 6)])
    ran = office.ledger("checkpoint", "{forked.db}", *words)
    assert ran.code == 2
    assert "ledger: it does not continue the checkpoint of 6 entries" in ran.err
    assert office.path("checkpoint").read_text() == newer


def test_a_checkpoint_that_says_the_same_keeps_its_cosignatures(office: Office) -> None:
    assert cosign(office, "{checkpoint}", "witness", "--out", "{checkpoint}").code == 0
    cosigned = office.path("checkpoint").read_text()
    office.done("checkpoint", "{log.db}", "--key", "{log.pem}", "--out", "{checkpoint}")
    assert office.path("checkpoint").read_text() == cosigned


def test_a_file_that_is_no_checkpoint_is_not_replaced(office: Office) -> None:
    ran = office.ledger("checkpoint", "{log.db}", "--key", "{log.pem}", "--out", "{receipt.json}")
    assert "--out: the file there is no checkpoint of this log" in ran.err
    assert office.path("receipt.json").read_text() == receipt_with(issued_at="7").to_json()


def test_a_checkpoint_tells_programs_the_key_to_check_it_with(office: Office) -> None:
    told = office.done("checkpoint", "{log.db}", "--key", "{log.pem}", "--json")
    assert (told["origin"], told["size"], told["log_key"]) == (ORIGIN, COUNT, str(LOG.key))


@pytest.mark.parametrize("which", ["2", "hash", "{2.json}", "receipt", "-"])
def test_a_receipt_is_proven_by_its_index_its_hash_or_its_file(office: Office, which: str) -> None:
    with Ledger.open(office.path("log.db"), read_only=True) as ledger:
        record = ledger.read(2)
        office.path("third.json").write_text(record.unsafe_receipt().to_json())
    named = {"hash": record.receipt_hash, "receipt": "{third.json}"}.get(which, which)
    stdin = office.path("2.json").read_text() if which == "-" else ""
    office.done("prove", "{log.db}", named, "--key", "{log.pem}", "--out", "{new.tlog-proof}", stdin=stdin)
    told = office.done("check", "{new.tlog-proof}", "--log-key", "{log.vkey}", "--json")
    assert (told["index"], told["size"], told["receipt"]) == (2, COUNT, record.receipt_hash)


def test_a_receipt_in_a_crowd_of_envelopes_is_proven(office: Office) -> None:
    sealed = json.loads(office.path("5.json").read_text())
    junk = [
        json.dumps({**sealed, "signatures": [{"keyid": f"{number}", "sig": "AAAA"}]}).encode()
        for number in range(1_200)
    ]
    with Ledger.open(office.path("log.db")) as ledger:
        ledger.append_many([*junk, envelope_number(5)], is_strict=False)
    office.done("prove", "{log.db}", "{5.json}", "--key", "{log.pem}", "--out", "{proof}")
    told = office.done("check", "{proof}", "--log-key", "{log.vkey}", "--key", "{issuer.pub}", "--json")
    assert told["index"] == COUNT + 1_200
    again = office.done("append", "{log.db}", "{5.json}", "--json")
    assert [(row["index"], row["is_new"]) for row in again["entries"]] == [(COUNT + 1_200, False)]
    ran = office.ledger("prove", "{log.db}", unsafe_read_receipt(envelope_number(5)).hash, "--key", "{log.pem}")
    assert "entries 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 hold the receipt" in ran.err


def test_a_proof_holds_with_the_logs_key_alone(office: Office) -> None:
    office.path("log.db").unlink()
    for key in ("{log.vkey}", str(LOG.key)):
        told = office.done("check", "{proof}", "--log-key", key)
        assert told.splitlines()[1:] == [
            f"entry 2 of {COUNT} in {ORIGIN}",
            "who signed the receipt was not checked (give --key or --signer)",
        ]
    told = office.done("check", "-", "--log-key", "{log.vkey}", stdin=office.path("proof").read_bytes())
    assert told.startswith("holds: denial ")


def test_a_proof_shows_who_signed_the_receipt_when_keys_are_named(office: Office) -> None:
    told = office.done("check", "{proof}", "--log-key", "{log.vkey}", "--key", "{issuer.pub}")
    assert told.splitlines()[2:] == [f"signed by ed25519 {public_key_of(ISSUER).keyid}"]
    ran = office.ledger("check", "{proof}", "--log-key", "{log.vkey}", "--key", "{stranger.pub}")
    assert ran.code == 1
    assert "does not hold: envelope: signed by the key" in ran.out


@pytest.mark.parametrize("change", [("index 2", "index 3"), ("\n5\n", "\n6\n"), ("— example.org/agents", "— other")])
def test_a_proof_that_was_changed_does_not_hold(office: Office, change: tuple[str, str]) -> None:
    text = office.path("proof").read_text()
    assert change[0] in text
    office.path("proof").write_text(text.replace(*change))
    ran = office.ledger("check", "{proof}", "--log-key", "{log.vkey}")
    assert ran.code == 1
    assert ran.out.startswith("does not hold: ")
    told = office.ledger("check", "{proof}", "--log-key", "{log.vkey}", "--json")
    assert (told.code, told.json()["valid"], told.json()["error"]["code"]) == (1, False, "verification")


def test_another_logs_key_does_not_hold(office: Office) -> None:
    assert office.ledger("check", "{proof}", "--log-key", str(OTHER_LOG.key)).code == 1


def test_a_cose_receipt_is_made_and_checked(office: Office) -> None:
    words = ("check", "{cose}", "--log-key", "{log.vkey}", "--envelope")
    told = office.done(*words, "{2.json}", "--json")
    assert (told["index"], told["size"], told["origin"]) == (2, COUNT, ORIGIN)
    assert office.ledger(*words, "{3.json}").code == 1
    entry = entry_of(office.path("2.json").read_text())
    found = scitt_cose.verify_receipt(
        office.path("cose").read_bytes(),
        leaf_entry_hex=entry.hex(),
        log_public_key_pem=office.path("log.pub").read_bytes(),
    )
    assert (found.ok, found.leaf_index, found.issuer) == (True, 2, ORIGIN)


# witnesses


def cosign(office: Office, source: str, name: str = "witness", *more: str) -> Ran:
    number = 0 if name == "witness" else 1
    words = ["--log-key", "{log.vkey}", "--name", WITNESSES[number].key.name, "--key", f"{{{name}.pem}}"]
    first = () if office.path(f"{name}.state").exists() else ("--first",)
    return office.ledger("cosign", source, *words, "--state", f"{{{name}.state}}", *first, *more)


def test_a_proof_against_a_cosigned_checkpoint_shows_the_witnesses(office: Office) -> None:
    assert cosign(office, "{checkpoint}", "witness", "--out", "{cosigned}").code == 0
    assert cosign(office, "{cosigned}", "witness1", "--out", "{cosigned}").code == 0
    office.done("prove", "{log.db}", "2", "--checkpoint", "{cosigned}", "--out", "{proof}")
    both = ("--witness", "{witness.vkey}", "--witness", "{witness1.vkey}")
    told = office.done("check", "{proof}", "--log-key", "{log.vkey}", *both, "--json")
    assert [seen["witness"] for seen in told["cosignatures"]] == [witness.key.name for witness in WITNESSES[:2]]


def test_too_few_witnesses_do_not_hold(office: Office) -> None:
    assert cosign(office, "{checkpoint}", "witness", "--out", "{cosigned}").code == 0
    office.done("prove", "{log.db}", "2", "--checkpoint", "{cosigned}", "--out", "{proof}")
    both = ("--witness", "{witness.vkey}", "--witness", "{witness1.vkey}")
    ran = office.ledger("check", "{proof}", "--log-key", "{log.vkey}", *both)
    assert (ran.code, ran.out) == (
        1,
        "does not hold: checkpoint: expected the cosignatures of 2 witnesses, got 1\n",
    )
    told = office.done("check", "{proof}", "--log-key", "{log.vkey}", *both, "--threshold", "1")
    assert f"cosigned by {WITNESSES[0].key.name} at " in told


def test_a_witness_signs_what_continues_what_it_saw_and_nothing_else(office: Office) -> None:
    assert cosign(office, "{checkpoint}").code == 0
    office.done("append", "{log.db}", "{5.json}")
    office.done("checkpoint", "{log.db}", "--key", "{log.pem}", "--out", "{checkpoint}")
    refused = cosign(office, "{checkpoint}")
    assert (refused.code, refused.out) == (2, "")
    assert "consistency proof: expected at least one hash" in refused.err
    office.done("consistency", "{log.db}", "--since", "5", "--out", "{hashes}")
    assert cosign(office, "{checkpoint}", "witness", "--consistency", "{hashes}").code == 0
    with Ledger.create(office.path("forked.db"), origin=ORIGIN) as forked:
        forked.append_many([envelope_number(number) for number in (1, 0, 2, 3, 4, 5)])
    office.done("checkpoint", "{forked.db}", "--key", "{log.pem}", "--out", "{fork}")
    assert "two trees of 6 entries have different roots" in cosign(office, "{fork}").err


def test_a_witness_does_not_begin_anew_by_mistake(office: Office) -> None:
    words = ("--log-key", "{log.vkey}", "--name", WITNESSES[0].key.name, "--key", "{witness.pem}", "--state", "{seen}")
    ran = office.ledger("cosign", "{checkpoint}", *words)
    assert (ran.code, ran.out) == (2, "")
    assert "without it a witness does not know what it has signed" in ran.err
    assert office.done("cosign", "{checkpoint}", *words, "--first") == office.path("seen").read_text()
    ran = office.ledger("cosign", "{checkpoint}", *words, "--first")
    assert (ran.code, ran.out) == (2, "")
    assert "is there already (leave --first away)" in ran.err


def test_two_do_not_cosign_from_one_state_at_the_same_time(office: Office) -> None:
    assert cosign(office, "{checkpoint}").code == 0
    lock = WriterLock(office.path("witness.state"))
    ran = cosign(office, "{checkpoint}")
    lock.release()
    assert (ran.code, ran.out) == (3, "")
    assert "another writer has it" in ran.err
    assert cosign(office, "{checkpoint}").code == 0


def test_a_log_with_its_own_key_as_a_witness_is_found_out(office: Office) -> None:
    own = f"{NoteSigner('witness.example/own', private_key(1), kind=COSIGNATURE).key}"
    ran = office.ledger("check", "{proof}", "--log-key", "{log.vkey}", "--witness", own)
    assert (ran.code, ran.err) == (1, "")
    assert "a log is no witness of itself" in ran.out


def test_a_witness_proves_it_from_what_the_log_has_published(office: Office) -> None:
    publish = ("checkpoint", "{log.db}", "--key", "{log.pem}", "--tiles", "{public}")
    assert office.done(*publish) == ""
    assert cosign(office, "{public/checkpoint}").code == 0
    office.done("append", "{log.db}", "{5.json}")
    office.done(*publish)
    assert cosign(office, "{public/checkpoint}").code == 2
    assert cosign(office, "{public/checkpoint}", "witness", "--tiles", "{public}").code == 0
    (office.path("public") / "tile" / "0" / "000.p" / "6").unlink()
    ran = cosign(office, "{public/checkpoint}", "witness", "--tiles", "{public}")
    assert ran.code == 0  # the same checkpoint again needs no proof
    office.path("witness.state").write_text(office.path("checkpoint").read_text())
    ran = cosign(office, "{public/checkpoint}", "witness", "--tiles", "{public}")
    assert (ran.code, ran.out) == (3, "")
    assert "it is missing" in ran.err


def test_what_is_published_leads_to_the_signed_root(office: Office) -> None:
    told = office.done("checkpoint", "{log.db}", "--key", "{log.pem}", "--tiles", "{public}", "--json")
    folder = office.path("public")
    assert (folder / "checkpoint").read_text() == told["checkpoint"]
    TiledTree(read_from(folder), COUNT).verify(Head(COUNT, bytes.fromhex(told["root"])))


def test_a_published_log_is_continued_and_never_replaced(office: Office) -> None:
    office.done("checkpoint", "{log.db}", "--key", "{log.pem}", "--tiles", "{public}")
    with Ledger.create(office.path("forked.db"), origin=ORIGIN) as forked:
        forked.append_many([envelope_number(number) for number in (1, 0, 2, 3, 4, 5)])
    ran = office.ledger("checkpoint", "{forked.db}", "--key", "{log.pem}", "--tiles", "{public}")
    assert "it does not continue the checkpoint of 5 entries" in ran.err
    assert office.path("public/checkpoint").read_text() == office.path("checkpoint").read_text()


def test_the_same_checkpoint_is_cosigned_again_without_a_proof(office: Office) -> None:
    assert cosign(office, "{checkpoint}").code == 0
    office.done("consistency", "{log.db}", "--since", "5", "--until", "5", "--out", "{hashes}")
    assert cosign(office, "{checkpoint}", "witness", "--consistency", "{hashes}").code == 0


# search, export


def test_receipts_are_found_by_all_that_is_given(office: Office) -> None:
    everything = office.done("search", "{log.db}", "--json")["receipts"]
    assert [row["index"] for row in everything] == list(range(COUNT))
    first = everything[0]
    for words in (
        ("--agent", first["agent"], "--outcome", "denied"),
        ("--delegation", first["delegations"][0], "--kind", "denial"),
        ("--delegator", first["delegator"], "--since", first["time"], "--until", str(int(first["time"]) + 1)),
        ("--since", "2020-01-01T00:00:00Z"),
    ):
        assert office.done("search", "{log.db}", *words, "--json")["receipts"] == everything, words
    for words in (
        ("--kind", "grant"),
        ("--outcome", "executed"),
        ("--until", "2020-01-01T00:00:00Z"),
        ("--agent", ADDRESS[:-40] + "1" * 40),
    ):
        assert office.done("search", "{log.db}", *words) == "nothing found\n", words
    assert office.done("search", "{log.db}", "--receipt", first["receipt"], "--json")["receipts"] == [first]


def test_a_long_answer_comes_in_pages(office: Office) -> None:
    told = office.done("search", "{log.db}", "--limit", "2", "--json")
    assert [row["index"] for row in told["receipts"]] == [0, 1]
    lines = office.done("search", "{log.db}", "--limit", "2", "--start", str(told["next"])).splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["2", "3"]
    assert lines[2] == "there are more: --start 4"


def test_a_line_of_the_search_says_when_what_who_and_which(office: Office) -> None:
    (line,) = office.done("search", "{log.db}", "--limit", "1", "--start", "4").splitlines()
    row = office.done("search", "{log.db}", "--start", "4", "--json")["receipts"][0]
    index, day, clock, zone, kind, outcome, by, agent, receipt = line.split()
    assert (index, zone, kind, outcome, by) == ("4", "UTC", "denial", "denied", "by")
    assert (agent, receipt) == (row["agent"], row["receipt"])
    assert len(f"{day} {clock}") == len("2026-01-01 00:00:00")


def test_the_ledger_or_a_part_of_it_is_exported(office: Office) -> None:
    assert office.done("export", "{log.db}", "--parquet", "{out.parquet}").startswith(f"{COUNT} receipts in ")
    assert pyarrow.parquet.read_table(office.path("out.parquet")).column("index").to_pylist() == list(range(COUNT))
    told = office.done("export", "{log.db}", "--parquet", "{out.parquet}", "--kind", "grant", "--json")
    assert told["receipts"] == 0
    assert (
        office.done("export", "{log.db}", "--parquet", "{out.parquet}", "--kind", "denial", "--json")["receipts"]
        == COUNT
    )


# PostgreSQL


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as conninfo:
        yield dict(part.split("=", 1) for part in conninfo.split())["host"]


def test_a_ledger_in_postgresql_is_used_alike(office: Office, server: str) -> None:
    place = f"postgresql://postgres@/postgres?host={server}"
    assert office.done("init", place, "--origin", ORIGIN, "--json")["size"] == 0
    assert office.done("append", place, *(f"{{{number}.json}}" for number in range(COUNT)), "--json")["size"] == COUNT
    assert office.done("verify", place) == office.done("verify", "{log.db}")
    office.done("prove", place, "2", "--key", "{log.pem}", "--out", "{theirs}")
    assert office.path("theirs").read_text() == office.path("proof").read_text()
    assert "there is a schema delegations_ledger already" in office.ledger("init", place, "--origin", ORIGIN).err


def test_a_server_that_is_not_there_is_could_not_ask(office: Office) -> None:
    for words in (("verify",), ("append", "{0.json}"), ("search",)):
        ran = office.ledger(words[0], f"postgresql://postgres@/x?host={office.folder}", *words[1:])
        assert (ran.code, ran.out) == (3, "")
        assert "cannot be reached" in ran.err


# careless input

DB, PROOF = "{log.db}", "{proof}"
KEY, VKEY = ("--key", "{log.pem}"), ("--log-key", "{log.vkey}")
ROWS: list[tuple[tuple[str, ...], str]] = [
    (("verify", "{nothing.db}"), "there is no such file; `delegations ledger init` makes one"),
    (("verify", "{}"), "it is a folder"),
    (("verify", ""), "expected the path of a ledger, or postgresql://..., got nothing"),
    (("verify", "a\0b"), "expected the path of a ledger"),
    (("search", "{binary}"), "the file is damaged"),
    (("search", "{empty}"), "expected a ledger of format 1, got an SQLite file"),
    (("append", "{receipt.json}", "{0.json}"), "the file is damaged: file is not a database"),
    (("search", "postgresql://["), "expected a connection string such as postgresql:///mydata"),
    (("init", "{log.db}", "--origin", ORIGIN), "is there already (choose another path)"),
    (("init", "{a/b.db}", "--origin", ORIGIN), "there is no directory"),
    (
        ("init", "{new.db}", "--origin", "two words"),
        "origin: name: expected 1 to 255 bytes without spaces and without +",
    ),
    (("init", "{new.db}", "--origin", ""), "origin: name: expected"),
    (("init", "{new.db}"), "Missing option '--origin'"),
    (("append", DB), "Missing argument"),
    (("append", DB, "{nothing.json}"), "there is no such file"),
    (("append", DB, "{empty}"), "expected the JSON of an envelope with a receipt, got nothing"),
    (("append", DB, "{binary}"), "not text"),
    (("append", DB, "{receipt.json}"), "a receipt that nobody has signed; a ledger takes envelopes"),
    (("append", DB, "{}"), "Is a directory"),
    (("append", DB, "[]"), "expected the JSON of an envelope with a receipt, got []"),
    (("append", DB, "{odd.json}"), "payloadType: this field is required"),
    (("append", DB, "{checkpoint}"), "not JSON"),
    (("append", DB, "-", "-"), "standard input can be read once"),
    (("append", DB, "-"), "standard input: expected the JSON of an envelope with a receipt, got nothing"),
    (("append", DB, "{0.json}", "--key", "{log.vkey}"), "expected the PEM text of a public key"),
    (("append", DB, "{0.json}", "--signer", "0x12"), "--signer: Address: expected 20 bytes"),
    (("verify", DB, "--checkpoint", "{checkpoint}"), "--checkpoint and --log-key go together"),
    (("verify", DB, "--checkpoint", "{0.json}", *VKEY), "note: expected a text, a blank line and the signatures"),
    (("verify", DB, "--checkpoint", "{checkpoint}", "--log-key", str(OTHER_LOG.key)), "expected a signature by"),
    (
        ("verify", DB, "--checkpoint", "{checkpoint}", "--log-key", "{log.pem}"),
        "--log-key: that is a private key",
    ),
    (("verify", DB, "--checkpoint", "{checkpoint}", "--log-key", "nothing"), "a verifier key such as name+1a2b3c4d"),
    (("key", ORIGIN, "--key", "{log.pub}"), "expected the PEM text (PKCS #8) of an Ed25519 key"),
    (("key", ORIGIN, "--key", "{nothing}"), "--key: expected the path of a PEM file"),
    (("key", "a b", *KEY), "name: expected 1 to 255 bytes without spaces"),
    (("checkpoint", DB), "no key: give --key FILE or set DELEGATIONS_LEDGER_KEY"),
    (("checkpoint", DB, *KEY, "--out", "{}"), "Is a directory"),
    (("prove", DB, "99", *KEY), "ledger: expected one of 5 entries, got entry 99"),
    (("prove", DB, "ab" * 32, *KEY), "no entry holds the receipt"),
    (("prove", DB, "{5.json}", *KEY), "in that envelope (append it first)"),
    (("prove", DB, "{receipt.json}", *KEY), "no entry holds the receipt"),
    (("prove", DB, "{checkpoint}", *KEY), "not JSON"),
    (("prove", DB, "2", *KEY, "--cose"), "--cose: it is no text, and signed anew"),
    (("prove", DB, "2", "--checkpoint", PROOF), "checkpoint size: expected a decimal number"),
    (("check", PROOF), "Missing option '--log-key'"),
    (("check", "{nothing}", *VKEY), "proof: expected a file"),
    (("check", "{empty}", *VKEY), "expected a first line c2sp.org/tlog-proof@v1"),
    (("check", "{binary}", *VKEY), "proof file: not UTF-8"),
    (("check", "{0.json}", *VKEY), "expected a first line"),
    (("check", "{}", *VKEY), "Is a directory"),
    (("check", PROOF, *VKEY, "--witness", "{log.vkey}"), "expected a key of kind 4"),
    (("check", PROOF, "--log-key", "{witness.vkey}"), "expected a key of kind 1"),
    (("check", PROOF, *VKEY, "--envelope", "{receipt.json}"), "a receipt that nobody has signed"),
    (("check", "{cose}", *VKEY), "a COSE Receipt does not have the envelope (give it with --envelope)"),
    (("check", "{cose}", *VKEY, "--envelope", "{2.json}", "--threshold", "1"), "a COSE Receipt has none"),
    (("consistency", DB, "--since", "9"), "expected a size and one not smaller, got 9 and 5"),
    (("consistency", DB, "--since", "-1"), "expected a size and one not smaller"),
    (("cosign", "{0.json}", *VKEY, *KEY, "--name", "w", "--state", "{w}"), "note: expected a text"),
    (("cosign", "{checkpoint}", *VKEY, *KEY, "--name", "w", "--state", "{0.json}"), "note: expected a text"),
    (
        ("cosign", "{checkpoint}", *VKEY, *KEY, "--name", "w", "--state", "{w}", "--consistency", "{binary}"),
        "a hash a line",
    ),
    (("search", DB, "--kind", "payment"), "--kind: expected one of redemption, denial"),
    (("search", DB, "--agent", "0x12"), "--agent: Address: expected 20 bytes"),
    (("search", DB, "--delegation", "0x12"), "--delegation: Bytes32: expected 32 bytes"),
    (("search", DB, "--since", "yesterday"), "--since: expected unix seconds, or a time such as"),
    (("search", DB, "--until", "2026-01-01"), "--until: expected a time with its zone"),
    (("search", DB, "--limit", "0"), "search: expected a start and a limit up to 10000"),
    (("search", DB, "--start", "-1"), "search: expected a start"),
    (("prove", DB, "2", *KEY, "--out", DB), "--out: "),
    (("prove", DB, "2", *KEY, "--out", "{log.pem}"), "of another sort than what would replace it"),
    (("prove", DB, "2", *KEY, "--cose", "--out", DB), "of another sort than what would replace it"),
    (("checkpoint", DB, *KEY, "--out", DB), "the file there is no checkpoint of this log"),
    (("consistency", DB, "--since", "1", "--out", DB), "of another sort than what would replace it"),
    (("export", DB, "--parquet", DB), "of another sort than what would replace it"),
    (
        (
            "cosign",
            "{checkpoint}",
            *VKEY,
            "--key",
            "{witness.pem}",
            "--name",
            "w",
            "--first",
            "--state",
            "{w}",
            "--out",
            DB,
        ),
        "of another sort than what would replace it",
    ),
    (("check", "{log.pem}", *VKEY), "holds a private key"),
    (("search", DB, "--start", "9" * 30), "search: expected a start"),
    (("search", DB, "--receipt", "0x" + "ab" * 32), "receipt: expected 64 lower-case hex digits"),
    (("search", DB, "--receipt", "AB" * 32), "receipt: expected 64 lower-case hex digits"),
    (("search", DB, "--prev", "{0.json}"), "prev: expected 64 lower-case hex digits"),
    (("search", DB, "--outcome", "refused"), "--outcome: expected one of executed, partially_executed, denied"),
    (("search", DB, "--outcome", "\udcff"), "--outcome: expected one of executed"),
    (("search", "{nothing.db}"), "there is no such file; `delegations ledger init` makes one"),
    (("export", DB, "--parquet", "{x}", "--outcome", "all"), "--outcome: expected one of"),
    (("prove", DB, "9" * 19, *KEY), "ledger: expected one of 5 entries, got entry 9999999999999999999"),
    (("consistency", DB, "--since", "1", "--until", "9" * 30), "ledger: expected one of 5 entries"),
    (("init", "{new.db}", "--origin", "e\u0301.example/log"), "expected Unicode in its composed form (NFC)"),
    (("cosign", "{checkpoint}", *VKEY, *KEY, "--name", "w", "--first", "--state", "{w}"), "has the log's own key"),
    (
        ("cosign", "{checkpoint}", *VKEY, *KEY, "--name", "w", "--first", "--state", "{no/w}"),
        "--state: there is no folder",
    ),
    (("search", DB, "--limit", "many"), "--limit': Input should be a valid integer"),
    (("export", DB), "Missing option '--parquet'"),
    (("export", DB, "--parquet", "{nowhere/x.parquet}"), "cannot be written: No such file or directory"),
    (("export", DB, "--parquet", "{}"), "cannot be written: Is a directory"),
]


@pytest.mark.parametrize(("words", "message"), ROWS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_mistake_is_one_line_and_changes_nothing(
    office: Office, words: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DELEGATIONS_LEDGER_KEY", raising=False)
    # SQLite's own files beside the ledger come and go with whoever reads it
    kept = [path for path in office.folder.iterdir() if not path.name.startswith("log.db-")]
    before = {path: path.read_bytes() for path in kept if path.suffix != ".lock"}
    ran = office.ledger(*words)
    assert ran.code in (2, 3), ran
    assert ran.out == ""
    assert message in ran.err
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("module", "words", "message"),
    [
        ("psycopg", ("verify", "postgresql:///x"), "pip install 'delegations[postgres]'"),
        ("pyarrow", ("export", DB, "--parquet", "{x}"), "pip install 'delegations[parquet]'"),
        ("scitt_cose", ("prove", DB, "2", *KEY, "--cose", "--out", "{x}"), "pip install 'delegations[cose]'"),
    ],
)
def test_a_missing_library_is_named_with_its_extra(
    office: Office, module: str, words: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    ran = office.ledger(*words)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


def test_an_error_is_json_when_json_was_asked_for(office: Office) -> None:
    ran = office.ledger("search", "{nothing.db}", "--json")
    assert (ran.code, ran.json()["error"]["code"]) == (2, "encoding")


def test_the_installed_command_does_it_too(office: Office) -> None:
    ran = run_process("ledger", "check", office.path("proof"), "--log-key", office.path("log.vkey"))
    assert (ran.code, ran.err) == (0, "")


def test_a_key_never_shows(office: Office) -> None:
    secret = base64.b64encode(private_key(1).private_bytes_raw()).decode()
    seen: list[Ran] = [office.ledger("key", ORIGIN, *KEY), office.ledger("checkpoint", DB, *KEY, "--json")]
    seen += [
        office.ledger("check", "{log.pem}", "--log-key", "{log.vkey}"),
        office.ledger("check", "{proof}", "--log-key", "{log.pem}"),
        office.ledger("verify", DB, "--checkpoint", "{log.pem}", "--log-key", "{log.vkey}"),
        office.ledger("cosign", "{checkpoint}", "--log-key", "{log.vkey}", "--name", "w", "--state", "{w}", "--first",
                      "--key", "{witness.pem}", "--consistency", "{log.pem}"),
        office.ledger("append", DB, "{log.pem}"),
        office.ledger("prove", DB, "{log.pem}", *KEY),
    ]  # fmt: skip
    lines = pem(private_key(1)).decode().split("\n")
    parts = [secret, lines[1][20:40], lines[1][-20:]]
    office.path("broken.pem").write_text(office.path("log.pem").read_text().replace("-----END", secret + "\n-----END"))
    seen.append(office.ledger("key", ORIGIN, "--key", "{broken.pem}"))
    for ran in seen:
        assert not [part for part in parts if part in ran.out + ran.err], ran
