"""`receipt decode`: receipts of mined transactions, over HTTP from a node that may not tell all, or nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from caveats import AllowedTargets, LimitedCalls, Nonce
from caveats.types import Address, keccak
from delegations.delegation import Delegation, encode_delegation
from delegations.evm.engine import Transaction
from delegations.evm.wire import transaction_object
from delegations.receipts import Receipt
from delegations.redemption import encode_redeem_delegations, redeem
from tests.cli.command import Ran, run, run_process
from tests.cli.conftest import Desk
from tests.differential.scene import BOB, DISABLE, ENABLE, NOTHING, Scene
from tests.enforcers.harness import AGENT, ALICE, CHAIN_ID, SHOP
from tests.evm.fork_node import SECRET, Fault, Relay, Status, error, of_method
from tests.receipts_corpus.contracts import SPOOFER, spoof
from tests.receipts_corpus.recorder import Recorder
from tests.receipts_corpus.table import scene

UNKNOWN = "0x" + "ab" * 32


@dataclass
class Ledger:
    """An anvil with transactions of every sort mined on it, for good, and their hashes."""

    recorder: Recorder
    scene: Scene
    grants: dict[str, Delegation] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)

    def mine(self, name: str, sender: Address, to: Address, data: bytes) -> None:
        sent = transaction_object(Transaction(sender, to, data, 0, 3_000_000))
        self.hashes[name] = self.recorder.call("eth_sendTransaction", sent)
        self.recorder.call("evm_mine")


@pytest.fixture(scope="module")
def ledger() -> Iterator[Ledger]:
    recorder, s = Recorder(CHAIN_ID), scene()
    manager = s.chain.manager
    recorder.anvil.push(s.chain.world)
    made = Ledger(recorder, s)
    good, bad = s.root(LimitedCalls(limit=2)), s.root(AllowedTargets(targets=(BOB,)))
    bound = s.root(Nonce(nonce=0))
    made.grants |= {"good": good, "bound": bound}
    made.mine("paid", AGENT, manager, encode_redeem_delegations([redeem(good, s.pay(5))]))
    made.mine("denied", AGENT, manager, encode_redeem_delegations([redeem(bad, NOTHING)]))
    made.mine("disabled", ALICE, manager, DISABLE + encode_delegation(good))
    made.mine("enabled", ALICE, manager, ENABLE + encode_delegation(good))
    made.mine("bumped", ALICE, Nonce.ADDRESS, keccak(b"incrementNonce(address)")[:4] + bytes(12) + manager)
    made.mine("spoofed", AGENT, SPOOFER, spoof(ALICE, AGENT, encode_delegation(good)))
    made.mine("nothing", AGENT, SHOP, b"")
    yield made
    recorder.close()


@pytest.fixture
def relay(ledger: Ledger) -> Iterator[Relay]:
    relay = Relay(ledger.recorder.anvil)
    yield relay
    relay.close()


def decode(ledger: Ledger, relay: Relay, name: str, *options: object) -> Ran:
    return run("receipt", "decode", ledger.hashes.get(name, name), "--rpc-url", relay.url, *options)


def told(ran: Ran) -> list[Receipt]:
    assert ran.code == 0, ran
    return [Receipt.from_wire(entry["receipt"]) for entry in ran.json()["receipts"]]


def refused(ran: Ran, code: int) -> str:
    """Return the one line of a refusal."""
    assert (ran.code, ran.out) == (code, ""), ran
    assert re.fullmatch(r"error: [^\n]+\n", ran.err), ran.err
    assert SECRET not in ran.err
    return ran.err


@pytest.mark.parametrize(("name", "kind"), [("paid", "redemption"), ("denied", "denial"), ("disabled", "revocation")])
def test_a_program_gets_the_receipts_with_their_hashes(ledger: Ledger, relay: Relay, name: str, kind: str) -> None:
    ran = decode(ledger, relay, name, "--json")
    (receipt,) = told(ran)
    assert receipt.kind == kind
    (entry,) = ran.json()["receipts"]
    assert entry["hash"] == receipt.hash
    assert (ran.json()["transaction"], ran.json()["chain"], ran.json()["traced"]) == (
        ledger.hashes[name],
        "eip155:1",
        True,
    )


def test_a_person_sees_what_happened(ledger: Ledger, relay: Relay) -> None:
    ran = decode(ledger, relay, "denied")
    assert ran.code == 0
    assert "AllowedTargetsEnforcer:target-address-not-allowed" in ran.out


def test_what_was_decoded_can_be_shown_again(ledger: Ledger, relay: Relay, desk: Desk) -> None:
    (entry,) = decode(ledger, relay, "paid", "--json").json()["receipts"]
    shown = run("receipt", "show", desk.write("mined.json", json.dumps(entry["receipt"])), "--json")
    assert shown.json()["hash"] == entry["hash"]


def test_enabling_again_leaves_no_receipt_and_is_told(ledger: Ledger, relay: Relay) -> None:
    ran = decode(ledger, relay, "enabled", "--json")
    assert told(ran) == []
    assert [event["kind"] for event in ran.json()["events"]] == ["enabled"]
    assert f"delegation {ledger.grants['good'].hash} was enabled" in decode(ledger, relay, "enabled").out


def test_a_used_nonce_ends_what_is_named_with_it(ledger: Ledger, relay: Relay, desk: Desk) -> None:
    ran = decode(ledger, relay, "bumped", "--json")
    assert told(ran) == []
    assert [nonce["used"] for nonce in ran.json()["nonces"]] == ["0"]
    assert "--context" in decode(ledger, relay, "bumped").out
    bound = ledger.grants["bound"]
    file = desk.write("bound.json", bound.to_json())
    (receipt,) = told(decode(ledger, relay, "bumped", "--context", file, "--json"))
    assert receipt.to_wire()["revocation"]["delegation"] == str(bound.hash)


def test_a_transaction_without_delegations_is_refused_and_a_false_manager_named(ledger: Ledger, relay: Relay) -> None:
    assert "nothing was done with a delegation in it" in refused(decode(ledger, relay, "nothing"), 2)
    assert "is no known manager" in refused(decode(ledger, relay, "spoofed"), 2)


# nodes that cannot be asked


def test_without_a_trace_no_redemption_is_made_up(ledger: Ledger, relay: Relay) -> None:
    relay.stays = of_method("debug_traceTransaction", lambda body: {"error": {"code": -32601, "message": "no"}})
    said = refused(decode(ledger, relay, "paid"), 3)
    assert f"could not ask {relay.host} for a call trace" in said
    assert "debug_traceTransaction" in said


def test_a_revocation_needs_no_trace(ledger: Ledger, relay: Relay) -> None:
    relay.stays = of_method("debug_traceTransaction", lambda body: {"error": {"code": -32601, "message": "no"}})
    ran = decode(ledger, relay, "disabled", "--json")
    assert [receipt.kind for receipt in told(ran)] == ["revocation"]
    assert ran.json()["traced"] is False


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Status(500), "could not ask http://127.0.0.1"),
        (Status(401), "HTTP status 401"),
        (error(-32000, "busy"), "busy"),
        (Fault(lambda asked, answers: b"no JSON"), "could not ask"),
        (of_method("eth_getBlockByHash", lambda body: None), "could not read block"),
        (of_method("eth_getBlockByHash", lambda body: {"hash": UNKNOWN}), "could not read block"),
        (of_method("eth_getBlockByHash", lambda body: {"hash": body["params"][0]}), "timestamp"),
        (of_method("eth_chainId", lambda body: "zz"), "eth_chainId: expected"),
        (of_method("debug_traceTransaction", lambda body: {"type": 5}), "could not read what"),
        (of_method("debug_traceTransaction", lambda body: {"type": "CALL", "calls": [7]}), "could not read what"),
        (of_method("eth_getTransactionByHash", lambda body: {"hash": UNKNOWN, "blockHash": UNKNOWN}), "could not read"),
    ],
)
def test_a_node_that_cannot_be_asked_is_exit_code_3(ledger: Ledger, relay: Relay, fault: Fault, says: str) -> None:
    relay.stays = fault
    assert says in refused(decode(ledger, relay, "paid"), 3)


def test_a_receipt_without_its_block_is_not_read(ledger: Ledger, relay: Relay) -> None:
    told = ledger.recorder.call("eth_getTransactionReceipt", ledger.hashes["paid"])
    for name in ("blockNumber", "gasUsed", "logs", "transactionIndex", "blockHash", "status"):
        for value in (None, "zz", [7]):
            relay.stays = of_method("eth_getTransactionReceipt", lambda body, n=name, v=value: {**told, n: v})
            refused(decode(ledger, relay, "paid"), 3)


def test_a_node_that_is_not_there_is_exit_code_3() -> None:
    ran = run("receipt", "decode", UNKNOWN, "--rpc-url", f"http://127.0.0.1:1/{SECRET}")
    assert "could not ask http://127.0.0.1:1" in refused(ran, 3)


# careless input


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([UNKNOWN], "the node does not know it"),
        (["0x12"], "transaction hash: expected 32 bytes"),
        (["0x" + "zz" * 32], "only the digits 0-9 and a-f may follow 0x"),
        (["ab" * 32], "prefix it with 0x"),
        ([""], "transaction hash"),
        (["no\nsuch\x1b[31m"], r"no\nsuch\x1b[31m"),
        ([UNKNOWN, "--context", "nothing.json"], "there is no such file"),
        ([UNKNOWN, "--context", "[]x"], "context: not JSON"),
        ([UNKNOWN, "--rpc-url", "nonsense"], "begins with http:// or https://"),
        ([UNKNOWN, "--rpc-url", ""], "begins with http:// or https://"),
        ([UNKNOWN, "--rpc-url", "ftp://x"], "begins with http:// or https://, got ftp://..."),
        ([UNKNOWN, "--rpc-url", "localhost:8545"], "begins with http:// or https://, got neither (prefix it)"),
        ([UNKNOWN, "--rpc-url", "http://h:port"], "endpoint"),
        ([UNKNOWN, "--rpc-url", "http://[::1"], "endpoint"),
        ([UNKNOWN, UNKNOWN], "unexpected extra argument"),
        ([UNKNOWN, "--wat"], "No such option: --wat"),
    ],
)
def test_careless_input_gets_one_line_and_exit_code_2(relay: Relay, words: list[str], says: str) -> None:
    given = words if "--rpc-url" in words else [*words, "--rpc-url", relay.url]
    assert says in refused(run("receipt", "decode", *given), 2)
    ran = run("receipt", "decode", "--json", *given)
    assert ran.code == 2
    assert says in ran.json()["error"]["message"] or "\\" in says


def test_a_context_of_another_form_is_refused(relay: Relay, desk: Desk) -> None:
    ran = run("receipt", "decode", UNKNOWN, "--rpc-url", relay.url, "--context", desk.receipt)
    assert "got a receipt" in refused(ran, 2)


def test_the_url_is_asked_for() -> None:
    assert "Missing option '--rpc-url'" in refused(run("receipt", "decode", UNKNOWN), 2)


def test_a_process_of_its_own_says_the_same(ledger: Ledger, relay: Relay, tmp_path: Path) -> None:
    ran = run_process("receipt", "decode", ledger.hashes["paid"], "--rpc-url", relay.url, "--json")
    assert told(ran) == told(decode(ledger, relay, "paid", "--json"))
