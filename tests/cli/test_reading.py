"""inspect, hash and sign: what is read, from where, and what is said of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from eth_account import Account

from caveats import Address, Caveat
from delegations._version import __version__
from delegations.delegation import (
    ROOT_AUTHORITY,
    Delegation,
    create_delegation,
    encode_context,
    encode_delegation,
    hash_to_sign,
    redelegate,
    sign_delegation,
    verify_signature,
)
from delegations.evm import dev_account
from delegations.framework.constants import DELEGATION_MANAGER
from delegations.receipts import Receipt
from tests.cli.command import run, run_process
from tests.cli.conftest import AGENT, ALICE, CALLDATA, CHAIN_ID, CONTEXT, GRANT, SHOP, STRANGER, Desk, altered

CHILD = sign_delegation(
    redelegate(GRANT, delegate=STRANGER, salt=1), dev_account(1), chain_id=CHAIN_ID, manager=DELEGATION_MANAGER
)
CHAIN = json.dumps([CHILD.to_wire(), GRANT.to_wire()])
ENCODED = "0x" + encode_delegation(GRANT).hex()
RESPONSE = json.dumps({"chainId": "0x7a69", "context": CONTEXT, "signerMeta": {"fee": 1.5, "note": None}})


def test_the_version_is_the_packages() -> None:
    ran = run_process("--version")
    assert (ran.code, ran.out, ran.err) == (0, f"delegations {__version__}\n", "")


# inspect


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (GRANT.to_json(), "JSON delegation"),
        (f"[{GRANT.to_json()}]", "JSON chain"),
        (CONTEXT, "permission context"),
        (f'"{CONTEXT}"', "permission context"),
        (ENCODED, "encoded delegation"),
        (RESPONSE, "permission response"),
        (json.dumps({"permissionsContext": CONTEXT}), "permission response"),
        (json.dumps({"permissionContext": CONTEXT}), "permission response"),
    ],
    ids=["delegation", "chain", "context", "quoted hex", "one encoded", "response", "plural", "singular"],
)
@pytest.mark.parametrize("way", ["argument", "file", "stdin"])
def test_inspect_reads_every_form_of_a_grant_in_every_way(text: str, form: str, way: str, desk: Desk) -> None:
    source = {"argument": text, "file": str(desk.write("given", text + "\n")), "stdin": "-"}[way]
    ran = run("inspect", source, "--json", stdin=text if way == "stdin" else "")
    assert (ran.code, ran.err) == (0, "")
    told = ran.json()
    assert (told["kind"], told["form"]) == ("context", form)
    (link,) = told["delegations"]
    assert link["hash"] == str(GRANT.hash)
    assert [caveat["name"] for caveat in link["caveats"]] == [
        "AllowedTargets",
        "NativeTokenTransferAmount",
        "LimitedCalls",
    ]
    assert [caveat["known"] for caveat in link["caveats"]] == [True, True, True]
    assert link["caveats"][2]["decoded"] == {"limit": "2"}
    assert "broken" not in told


def test_inspect_says_the_same_in_words(desk: Desk) -> None:
    ran = run_process("inspect", desk.grant, "--chain-id", CHAIN_ID)
    assert (ran.code, ran.err) == (0, "")
    assert f"root {ALICE} -> {AGENT}" in ran.out
    assert "2 LimitedCalls: Usable at most 2 times." in ran.out
    assert f"signed by the delegator for chain {CHAIN_ID}" in ran.out


def test_a_file_that_begins_with_a_byte_order_mark_is_read(desk: Desk) -> None:
    assert run("hash", desk.write("bom.json", b"\xef\xbb\xbf" + desk.grant.read_bytes())).code == 0


def test_inspect_checks_who_signed(desk: Desk) -> None:
    (link,) = run("inspect", desk.grant, "--chain-id", CHAIN_ID, "--json").json()["delegations"]
    assert (link["signer"], link["signedByDelegator"]) == (str(ALICE), True)
    (link,) = run("inspect", desk.grant, "--chain-id", CHAIN_ID + 1, "--json").json()["delegations"]
    assert link["signedByDelegator"] is False
    assert "which is not the delegator" in run("inspect", desk.grant, "--chain-id", CHAIN_ID + 1).out
    (link,) = run("inspect", altered(signature="0x1234"), "--chain-id", 1, "--json").json()["delegations"]
    assert "expected 65 bytes" in link["signatureError"]


def test_inspect_draws_a_chain_from_its_root() -> None:
    ran = run("inspect", CHAIN, "--chain-id", CHAIN_ID)
    assert ran.out.index(f"root {ALICE} -> {AGENT}") < ran.out.index(f"link 1 {AGENT} -> {STRANGER}")
    assert "broken" not in ran.out
    assert len(run("inspect", CHAIN, "--json").json()["delegations"]) == 2


def test_inspect_says_where_a_chain_is_broken() -> None:
    reversed_chain = json.dumps([GRANT.to_wire(), CHILD.to_wire()])
    assert "broken chain: link 0" in run("inspect", reversed_chain).out
    assert "link 0 has the authority" in run("inspect", reversed_chain, "--json").json()["broken"]


def test_inspect_marks_an_enforcer_nobody_knows() -> None:
    strange = Caveat(enforcer=Address("0x" + "ab" * 20), terms=b"\x01")
    delegation = create_delegation(delegator=ALICE, delegate=AGENT, caveats=[strange], salt=0)
    (link,) = run("inspect", delegation.to_json(), "--json").json()["delegations"]
    assert link["caveats"][0]["known"] is False
    assert "it may bound nothing" in run("inspect", delegation.to_json()).out


def test_inspect_decodes_calldata() -> None:
    told = run("inspect", CALLDATA, "--json").json()
    assert (told["kind"], told["canonical"]) == ("calldata", True)
    (redemption,) = told["redemptions"]
    assert redemption["modeName"] == "SINGLE_DEFAULT"
    assert redemption["executions"] == [{"target": str(SHOP), "value": str(10**17), "callData": "0x"}]
    assert redemption["context"][0]["hash"] == str(GRANT.hash)
    words = run("inspect", CALLDATA).out
    assert f"send 0.1 ETH to {SHOP}" in words
    assert "canonical" not in words


def test_inspect_reads_calldata_with_a_tail_as_the_manager_does_and_says_so() -> None:
    told = run("inspect", CALLDATA + "00", "--json").json()
    assert told["canonical"] is False
    assert told["redemptions"] == run("inspect", CALLDATA, "--json").json()["redemptions"]
    assert "not in canonical form" in run("inspect", CALLDATA + "00").out


def test_inspect_shows_a_receipt(desk: Desk) -> None:
    receipt = Receipt.from_json(desk.receipt.read_text())
    assert run("inspect", desk.receipt, "--json").json() == {
        "kind": "receipt",
        "hash": receipt.hash,
        "receipt": receipt.to_wire(),
    }
    words = run("inspect", desk.receipt).out
    assert words.startswith("denial: denied\n")
    assert f"sha256 {receipt.hash}" in words
    assert "denied at stage hook: AllowedTargets said no" in words


# a receipt of a stranger

ESCAPES = "\x1b]0;owned\x07\x1b[2K\x9b31m\r\n[bold red]ALLOWED[/]\u202e\u2028"


def forged(receipt: str, **caveat: Any) -> str:
    wire = json.loads(receipt)
    wire["lineage"][0]["caveats"][1].update(caveat)
    return json.dumps(wire)


@pytest.mark.parametrize("escaped", [True, False], ids=["as JSON escapes", "raw"])
def test_a_receipt_cannot_speak_to_the_terminal(desk: Desk, *, escaped: bool) -> None:
    wire = json.loads(desk.receipt.read_text())
    wire["lineage"][0]["caveats"][0].update(says=ESCAPES, name=ESCAPES)
    wire["outcome"]["denial"].update(reason=ESCAPES, explanation=ESCAPES, enforcer_name=ESCAPES)
    wire["claims"][ESCAPES] = "proven"
    # the raw line end and escape are not valid inside a JSON string; the rest of them is
    text = json.dumps(wire) if escaped else json.dumps(wire, ensure_ascii=False)
    for options in ((), ("--json",)):
        ran = run_process("inspect", "-", *options, stdin=text, env={"PYTHONUTF8": "1"})
        assert ran.code == 0
        assert not set(ran.out) & set("\x1b\x07\x9b\r\u202e\u2028")
    assert r"\x1b]0;owned\x07\x1b[2K\x9b31m\r\n[bold red]ALLOWED[/]\u202e" in run("inspect", text).out


def test_an_error_about_a_stranger_cannot_speak_to_the_terminal() -> None:
    for text in (json.dumps({ESCAPES: 1}), json.dumps({"schema": ESCAPES}), json.dumps([ESCAPES])):
        ran = run("inspect", text, "--json")
        assert ran.code == 2
        assert not set(ran.out + ran.err) & set("\x1b\x07\x9b\r\u202e\u2028")


def test_the_terms_are_shown_not_what_the_receipt_says_of_them(desk: Desk) -> None:
    honest = run("inspect", desk.receipt).out
    assert "1 NativeTokenTransferAmount: At most 1 ETH" in honest
    assert "own words" not in honest
    lie = run("inspect", forged(desk.receipt.read_text(), says="At most 0.0001 ETH.")).out
    assert "1 NativeTokenTransferAmount: At most 1 ETH" in lie
    assert "the receipt's own words: NativeTokenTransferAmount: At most 0.0001 ETH." in lie


def test_terms_that_are_not_those_of_the_hash_are_shown_as_such(desk: Desk) -> None:
    assert "is not that of this delegation" not in run("inspect", desk.receipt).out
    changed = forged(desk.receipt.read_text(), terms="0x" + "00" * 31 + "01")
    assert f"the hash {GRANT.hash} is not that of this delegation" in run("inspect", changed).out


# hash


def test_hash_prints_the_hash_and_the_digest(desk: Desk) -> None:
    digest = hash_to_sign(GRANT, chain_id=1, manager=DELEGATION_MANAGER)
    assert run("hash", desk.grant).out == f"{GRANT.hash}\n"
    assert run("hash", desk.grant, "--chain-id", 1).out == f"{GRANT.hash}\n{digest}\n"
    assert run("hash", "-", "--chain-id", 1, "--json", stdin=GRANT.to_json()).json() == {
        "hash": str(GRANT.hash),
        "digest": str(digest),
    }
    other = hash_to_sign(GRANT, chain_id=1, manager=SHOP)
    assert run("hash", CONTEXT, "--chain-id", 1, "--manager", SHOP).out.endswith(f"{other}\n")


# sign

PASSWORD = "open sesame"


def key_of(index: int) -> str:
    return dev_account(index).key.hex().removeprefix("0x")


@pytest.fixture
def unsigned() -> str:
    return GRANT.with_signature(b"").to_json()


@pytest.mark.parametrize("prefix", ["0x", ""])
def test_sign_takes_the_key_from_the_environment(unsigned: str, prefix: str) -> None:
    ran = run_process(
        "sign", "-", "--chain-id", 10, stdin=unsigned, env={"DELEGATIONS_PRIVATE_KEY": prefix + key_of(0)}
    )
    assert (ran.code, ran.err) == (0, "")
    assert key_of(0) not in ran.out
    signed = Delegation.from_json(ran.out)
    verify_signature(signed, chain_id=10, manager=DELEGATION_MANAGER)
    assert signed.hash == GRANT.hash


def test_sign_takes_the_key_from_a_keystore(desk: Desk, unsigned: str) -> None:
    locked = Account.encrypt(dev_account(0).key, PASSWORD, kdf="pbkdf2", iterations=2)
    keystore = desk.write("key.json", json.dumps(locked))
    arguments = ("sign", unsigned, "--chain-id", CHAIN_ID, "--keystore", keystore, "--json")
    ran = run(*arguments, env={"DELEGATIONS_KEYSTORE_PASSWORD": PASSWORD})
    assert (ran.code, ran.err) == (0, "")
    verify_signature(Delegation.from_json(ran.out), chain_id=CHAIN_ID, manager=DELEGATION_MANAGER)
    wrong = run(*arguments, env={"DELEGATIONS_KEYSTORE_PASSWORD": "guess"})
    assert (wrong.code, wrong.err) == (2, "error: keystore: wrong password\n")
    assert wrong.json() == {"error": {"code": "encoding", "message": "keystore: wrong password"}}


def test_sign_with_another_key_says_so_and_signs_for_contract_accounts(unsigned: str) -> None:
    ran = run("sign", unsigned, "--chain-id", 1, env={"DELEGATIONS_PRIVATE_KEY": key_of(3)})
    assert ran.code == 0
    assert f"note: signed by {STRANGER}, the delegator is {ALICE}" in ran.err
    assert len(Delegation.from_json(ran.out).signature) == 65


def test_sign_hands_over_a_whole_account_only_when_told_to() -> None:
    bare = create_delegation(delegator=ALICE, delegate=AGENT, caveats=[], salt=0, unsafe_unrestricted=True).to_json()
    env = {"DELEGATIONS_PRIVATE_KEY": key_of(0)}
    assert run("sign", bare, "--chain-id", 1, "--unsafe-unrestricted", env=env).code == 0
    refused = run("sign", bare, "--chain-id", 1, env=env)
    assert refused.code == 2
    assert "hands over the whole account" in refused.err


def test_a_redelegation_without_caveats_is_signed() -> None:
    assert CHILD.authority != ROOT_AUTHORITY
    ran = run("sign", CHILD.to_json(), "--chain-id", 1, env={"DELEGATIONS_PRIVATE_KEY": key_of(1)})
    assert ran.code == 0


@pytest.mark.parametrize("key", [key_of(0), "0x" + key_of(0), key_of(0) + "0", key_of(0)[:-1], key_of(0)[:-1] + "g"])
def test_no_error_repeats_a_key(desk: Desk, unsigned: str, key: str) -> None:
    env = {"DELEGATIONS_PRIVATE_KEY": key}
    mistakes: list[tuple[Any, ...]] = [
        ("sign", "nothing.json", "--chain-id", 1),
        ("sign", unsigned, "--chain-id", 0),
        ("sign", unsigned, "--chain-id", 1, "--manager", "0x1"),
        ("sign", desk.receipt, "--chain-id", 1),
        ("sign", unsigned, "--chain-id", 1, "--keystore", desk.receipt),
    ]
    if not key.endswith("g"):
        mistakes += [("sign", key, "--chain-id", 1), ("sign", unsigned, "--chain-id", 1, "--keystore", key)]
    for mistake in mistakes:
        for options in ((), ("--json",)):
            ran = run(*mistake, *options, env={**env, "DELEGATIONS_KEYSTORE_PASSWORD": "secret words"})
            assert ran.code == 2
            assert key_of(0)[:-2] not in (ran.out + ran.err).lower()
            assert "secret words" not in ran.out + ran.err


def test_inspect_of_many_links_is_read_whole() -> None:
    chain = [GRANT]
    for salt in range(30):
        chain.insert(0, redelegate(chain[0], delegate=AGENT, salt=salt))
    ran = run("inspect", "0x" + encode_context(chain).hex())
    assert ran.out.count(" -> ") == 31
