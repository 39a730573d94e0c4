"""`receipt`: show, sign, verify, schema."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jsonschema import Draft202012Validator

from delegations.evm import dev_account
from delegations.receipts import Receipt
from delegations.receipts.envelope import public_key_of
from tests.cli.command import Ran, run, run_process
from tests.cli.conftest import ALICE, STRANGER, Desk

ISSUER = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
HYBRID = MLDSA65PrivateKey.from_seed_bytes(b"\x03" * 32)
ALICE_ENV = {"DELEGATIONS_PRIVATE_KEY": "0x" + bytes(dev_account(0).key).hex()}


def private_pem(key: Any, encryption: KeySerializationEncryption | None = None) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


def public_pem(key: Any) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@dataclass(frozen=True)
class Keys:
    """Files with keys, and an envelope with all three signatures."""

    private: Path
    public: Path
    hybrid: Path
    hybrid_public: Path
    envelope: Path


@pytest.fixture
def keys(desk: Desk) -> Keys:
    made = {
        "private": desk.write("issuer.pem", private_pem(ISSUER)),
        "public": desk.write("issuer.pub", public_pem(ISSUER)),
        "hybrid": desk.write("hybrid.pem", private_pem(HYBRID)),
        "hybrid_public": desk.write("hybrid.pub", public_pem(HYBRID)),
    }
    signed = sign(desk.receipt, "--key", made["private"], "--ml-dsa-key", made["hybrid"], "--ethereum", env=ALICE_ENV)
    assert signed.code == 0, signed.err
    return Keys(**made, envelope=desk.write("envelope.json", signed.out))


def sign(*arguments: object, env: dict[str, str] | None = None) -> Ran:
    return run("receipt", "sign", *arguments, env=env)


def all_keys(keys: Keys) -> tuple[object, ...]:
    return ("--key", keys.public, "--key", keys.hybrid_public, "--signer", ALICE)


# show


def test_show_tells_what_was_asked_and_who_said_no(desk: Desk) -> None:
    receipt = Receipt.from_json(desk.receipt.read_text())
    ran = run("receipt", "show", desk.receipt)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("denial: denied\n")
    for said in (
        receipt.hash,
        "A local chain",
        "<- said no",
        "denied at stage hook: AllowedTargets said no",
        f"send 0 ETH to {STRANGER}",
        "asked (attested)",
        "decided (traced)",
    ):
        assert said in ran.out


def test_show_and_inspect_say_the_same_of_a_receipt(desk: Desk) -> None:
    assert run("receipt", "show", desk.receipt).out == run("inspect", desk.receipt).out


def test_show_reads_standard_input_and_prints_json(desk: Desk) -> None:
    receipt = Receipt.from_json(desk.receipt.read_text())
    told = run("receipt", "show", "-", "--json", stdin=desk.receipt.read_text()).json()
    assert told == {"hash": receipt.hash, "receipt": receipt.to_wire()}


def test_show_writes_a_page(desk: Desk) -> None:
    page = desk.folder / "new" / "page.html"
    ran = run("receipt", "show", desk.receipt, "--html", page)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, f"page {page}")
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert Receipt.from_json(desk.receipt.read_text()).hash in text
    assert "Not signed" in text


def test_a_page_that_cannot_be_written_is_an_error_of_one_line(desk: Desk) -> None:
    ran = run("receipt", "show", desk.receipt, "--html", desk.receipt / "page.html")
    assert (ran.code, ran.out) == (2, "")
    assert "cannot be written" in ran.err


def test_show_says_whether_the_signatures_were_checked(desk: Desk, keys: Keys) -> None:
    page = desk.folder / "page.html"
    unchecked = run("receipt", "show", keys.envelope, "--html", page)
    assert "the signatures were not checked" in unchecked.out
    assert "the signatures were not checked" in page.read_text()
    checked = run("receipt", "show", keys.envelope, *all_keys(keys), "--html", page)
    assert f"signed by ed25519 {public_key_of(ISSUER).keyid}" in checked.out
    assert f"signed by ethereum:{str(ALICE).lower()}" in checked.out
    assert "Signatures that held" in page.read_text()


def test_show_shows_nothing_whose_signatures_do_not_hold(desk: Desk, keys: Keys) -> None:
    page = desk.folder / "page.html"
    ran = run("receipt", "show", keys.envelope, "--signer", STRANGER, "--html", page)
    assert (ran.code, ran.out) == (2, "")
    assert "not among the keys to trust" in ran.err
    assert not page.exists()


def test_an_unsigned_receipt_cannot_be_shown_as_verified(desk: Desk, keys: Keys) -> None:
    ran = run("receipt", "show", desk.receipt, "--key", keys.public)
    assert ran.code == 2
    assert "not signed, so there is nothing to verify" in ran.err


ESCAPES = "\x1b]0;owned\x07\x1b[2K\x9b31m\r\n[bold red]ALLOWED[/]\u202e\u2028<script>alert(1)</script>"


def test_a_strangers_receipt_cannot_speak_to_the_terminal_or_the_browser(desk: Desk) -> None:
    wire = json.loads(desk.receipt.read_text())
    wire["lineage"][0]["caveats"][0].update(says=ESCAPES, name=ESCAPES)
    wire["outcome"]["denial"].update(reason=ESCAPES, explanation=ESCAPES, enforcer_name=ESCAPES)
    wire["claims"][ESCAPES] = "proven"
    wire["labels"] = [{"address": str(ALICE).lower(), "role": "principal", "name": ESCAPES}]
    page = desk.folder / "page.html"
    ran = run_process("receipt", "show", "-", "--html", page, stdin=json.dumps(wire), env={"PYTHONUTF8": "1"})
    assert ran.code == 0
    assert not set(ran.out) & set("\x1b\x07\x9b\r\u202e\u2028")
    assert not set(page.read_text()) & set("\x1b\x07\x9b\r\u202e\u2028")
    assert "<script" not in page.read_text()


# sign and verify


def test_what_is_signed_is_verified(keys: Keys, desk: Desk) -> None:
    receipt = Receipt.from_json(desk.receipt.read_text())
    ran = run("receipt", "verify", keys.envelope, *all_keys(keys))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"holds: denial {receipt.hash}\nsigned by ed25519 ")
    told = run("receipt", "verify", keys.envelope, *all_keys(keys), "--json").json()
    assert (told["valid"], told["hash"], len(told["signers"])) == (True, receipt.hash, 3)


def test_a_changed_envelope_does_not_hold(keys: Keys) -> None:
    wire = json.loads(keys.envelope.read_text())
    wire["payloadType"] = "application/json"
    ran = run("receipt", "verify", "-", *all_keys(keys), stdin=json.dumps(wire))
    assert ran.code in (1, 2)
    wire = json.loads(keys.envelope.read_text())
    wire["signatures"][0]["sig"] = wire["signatures"][0]["sig"][::-1].lstrip("=")[:84] + "AA=="
    ran = run("receipt", "verify", "-", *all_keys(keys), "--json", stdin=json.dumps(wire))
    assert ran.code == 1
    assert ran.json()["valid"] is False
    assert ran.json()["error"]["code"] == "verification"


def test_a_missing_signature_is_missed(keys: Keys) -> None:
    wire = json.loads(keys.envelope.read_text())
    del wire["signatures"][1]
    ran = run("receipt", "verify", "-", *all_keys(keys), stdin=json.dumps(wire))
    assert (ran.code, ran.out[:15]) == (1, "does not hold: ")
    assert run("receipt", "verify", "-", *all_keys(keys), "--threshold", 2, stdin=json.dumps(wire)).code == 0


def test_verifying_needs_a_key_to_trust(keys: Keys) -> None:
    ran = run("receipt", "verify", keys.envelope)
    assert ran.code == 2
    assert "no key to trust" in ran.err
    assert "of which keys?" in run("receipt", "show", keys.envelope, "--threshold", 1).err


def test_the_key_can_come_from_the_environment(desk: Desk, keys: Keys) -> None:
    by_file = sign(desk.receipt, "--key", keys.private)
    by_variable = sign(desk.receipt, env={"DELEGATIONS_RECEIPT_KEY": private_pem(ISSUER)})
    assert (by_variable.code, by_variable.out) == (0, by_file.out)


def test_without_a_key_nothing_is_signed(desk: Desk) -> None:
    assert "DELEGATIONS_RECEIPT_KEY" not in os.environ
    ran = sign(desk.receipt)
    assert (ran.code, ran.out) == (2, "")
    assert "no key: give --key FILE or set DELEGATIONS_RECEIPT_KEY" in ran.err


def test_an_encrypted_key_needs_its_password(desk: Desk) -> None:
    path = desk.write("locked.pem", private_pem(ISSUER, BestAvailableEncryption(b"secret")))
    assert sign(desk.receipt, "--key", path, env={"DELEGATIONS_RECEIPT_KEY_PASSWORD": "secret"}).code == 0
    for env, says in (
        ({}, "it is encrypted, and no password is given"),
        ({"DELEGATIONS_RECEIPT_KEY_PASSWORD": "wrong"}, "expected the PEM text (PKCS #8) of an Ed25519 key"),
    ):
        ran = sign(desk.receipt, "--key", path, env=env)
        assert (ran.code, ran.out) == (2, "")
        assert says in ran.err


def test_other_keys_are_refused_and_never_shown(desk: Desk, keys: Keys) -> None:
    other = private_pem(generate_private_key(SECP256R1()))
    secret = other.splitlines()[1]
    for name, text, says in (
        ("p256.pem", other, "expected an Ed25519 key, got another sort of key"),
        ("broken.pem", other[:60] + "!" + other[60:], "expected the PEM text (PKCS #8) of an Ed25519 key"),
        ("pub.pem", public_pem(ISSUER), "expected the PEM text (PKCS #8) of an Ed25519 key"),
    ):
        ran = sign(desk.receipt, "--key", desk.write(name, text))
        assert (ran.code, ran.out) == (2, "")
        assert says in ran.err
        assert secret not in ran.err
    assert "an ML-DSA-65 key" in sign(desk.receipt, "--key", keys.private, "--ml-dsa-key", keys.private).err
    assert "expected the PEM text of a public key" in run("receipt", "verify", keys.envelope, "--key", keys.private).err


def test_an_envelope_is_not_signed_again(keys: Keys) -> None:
    ran = sign(keys.envelope, "--key", keys.private)
    assert ran.code == 2
    assert "it is in an envelope already" in ran.err


def test_a_keystore_is_for_the_ethereum_signature(desk: Desk, keys: Keys) -> None:
    ran = sign(desk.receipt, "--key", keys.private, "--keystore", "file")
    assert ran.code == 2
    assert "--keystore: it is for --ethereum" in ran.err


@pytest.mark.parametrize("command", ["show", "sign", "verify"])
@pytest.mark.parametrize("text", ["{}", "[]", '{"schema":"urn:delegations:receipt:2"}', '{"payload":1}', "nonsense"])
def test_what_is_no_receipt_is_refused_in_one_line(keys: Keys, command: str, text: str) -> None:
    options = ("--key", keys.private if command == "sign" else keys.public) if command != "show" else ()
    ran = run("receipt", command, "-", *options, stdin=text)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1


# schema


def test_the_schema_is_printed_and_takes_a_receipt(desk: Desk) -> None:
    schema = run("receipt", "schema").json()
    assert Draft202012Validator(schema).is_valid(json.loads(desk.receipt.read_text()))
