"""`delegations permissions`: what it asks, what it prints, and what its exit code says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from delegations.permissions.client import GRANTED, REQUEST, REVOKE, SUPPORTED
from delegations.permissions.verify import verify_answer
from delegations.simulation import execute
from tests.cli.command import Ran, run
from tests.unit.permissions.dapp import (
    ALICE,
    CHAIN_ID,
    REGISTRY,
    USD,
    Grantor,
    changed,
    fresh_chain,
    one_ether,
    pay,
    permitted,
    usd_a_day,
)
from tests.unit.permissions.stub_wallet import StubWallet, stub_wallet

ASKED = usd_a_day()
RESPONSE = Grantor().respond(ASKED)
CONTEXT = "0x" + RESPONSE.context.hex()
NOTHING = "0x" + "20".zfill(64) + "0" * 64
GREEDY = Grantor(grants=permitted(period_amount=11 * USD)).respond(ASKED)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("papers")
    (folder / "request.json").write_text(ASKED.to_json())
    (folder / "state.json").write_text(fresh_chain().to_json())
    (folder / "response.json").write_text(RESPONSE.to_json())
    return folder


@pytest.fixture
def stub() -> Iterator[StubWallet]:
    with stub_wallet() as running:
        running.results = {
            SUPPORTED: {"erc20-token-periodic": {"chainIds": ["0x7a69"], "ruleTypes": ["expiry"]}, "novel": {}},
            REQUEST: [RESPONSE.to_wire()],
            GRANTED: [RESPONSE.to_wire()],
            REVOKE: {},
        }
        yield running


def told(stub: StubWallet, *arguments: object, **options: Any) -> Ran:
    return run("permissions", *arguments, "--wallet", stub.url, **options)


def ask(stub: StubWallet, papers: Path, *more: object) -> Ran:
    known = ("--canonical", "--state", papers / "state.json")
    return told(stub, "request", papers / "request.json", *known, *more)


def check(papers: Path, answer: Any, *more: object) -> Ran:
    known = ("--canonical", "--state", papers / "state.json")
    return run("permissions", "check", papers / "request.json", json.dumps(answer), *known, *more)


# asking


def test_supported_lists_types_chains_and_rules(stub: StubWallet) -> None:
    ran = told(stub, "supported")
    assert ran.code == 0
    assert ran.out == "erc20-token-periodic: 31337; rules: expiry\nnovel: no chain is named; rules: none\n"
    assert told(stub, "supported", "--json").json()["novel"] == {"chainIds": [], "ruleTypes": []}


def test_a_request_prints_the_answer_and_reports_every_check(stub: StubWallet, papers: Path) -> None:
    ran = ask(stub, papers)
    assert ran.code == 0
    assert ran.json() == [RESPONSE.to_wire()]
    assert "grant 0 authority holds: granted as asked" in ran.err
    assert stub.asked == [(REQUEST, [ASKED.to_wire()])]


def test_a_request_as_json_carries_answer_and_report(stub: StubWallet, papers: Path) -> None:
    found = ask(stub, papers, "--json").json()
    assert found["answer"] == [RESPONSE.to_wire()]
    assert found["report"]["standing"] == "holds"


def test_more_than_was_asked_is_exit_code_one(stub: StubWallet, papers: Path) -> None:
    stub.results[REQUEST] = [GREEDY.to_wire()]
    ran = ask(stub, papers)
    assert ran.code == 1
    assert "grant 0 authority broken: more than was asked" in ran.err


def test_what_could_not_be_asked_is_exit_code_three(stub: StubWallet, papers: Path) -> None:
    ran = told(stub, "request", papers / "request.json", "--canonical")
    assert ran.code == 3
    assert "state unknown: no chain was given" in ran.err


def test_a_rejection_is_exit_code_one(stub: StubWallet, papers: Path) -> None:
    stub.results[REQUEST] = {"error": {"code": 4001, "message": "no"}}
    ran = ask(stub, papers)
    assert (ran.code, ran.out) == (1, "")
    assert "the user rejected the request" in ran.err
    assert ask(stub, papers, "--json").json()["error"]["code"] == "verification.rejected"


def test_invalid_params_are_bad_input_and_a_busy_wallet_could_not_be_asked(stub: StubWallet, papers: Path) -> None:
    stub.results[REQUEST] = {"error": {"code": -32602, "message": "no"}}
    assert ask(stub, papers).code == 2
    stub.results[REQUEST] = {"error": {"code": -32005, "message": "no"}}
    assert ask(stub, papers).code == 3


def test_nobody_at_the_address_is_exit_code_three() -> None:
    ran = run("permissions", "granted", "--wallet", "http://127.0.0.1:1")
    assert ran.code == 3
    assert "could not ask" in ran.err


def test_granted_lists_what_the_wallet_says(stub: StubWallet) -> None:
    assert "erc20-token-periodic on chain 31337" in told(stub, "granted").out
    assert told(stub, "granted", "--json").json() == [RESPONSE.to_wire()]
    stub.results[GRANTED] = []
    assert told(stub, "granted").out == "nothing is granted\n"


@pytest.mark.parametrize(("method", "command"), [(GRANTED, "granted"), (SUPPORTED, "supported")])
def test_an_answer_that_cannot_be_read_is_told_to_be_the_wallets(stub: StubWallet, method: str, command: str) -> None:
    assert told(stub, command).code == 0
    stub.results[method] = "x"
    ran = told(stub, command)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: the wallet's answer: result: expected ")


def test_a_wallet_that_can_grant_nothing_is_said_to(stub: StubWallet) -> None:
    stub.results[SUPPORTED] = {}
    ran = told(stub, "supported")
    assert (ran.code, ran.out) == (0, "the wallet names no permission that it can grant\n")
    assert told(stub, "supported", "--json").json() == {}


def test_revoke_sends_the_context_of_a_response(stub: StubWallet, papers: Path) -> None:
    assert told(stub, "revoke", papers / "response.json").code == 0
    assert told(stub, "revoke", CONTEXT, "--json").json() == {"revoked": True}
    assert stub.asked == [(REVOKE, {"permissionContext": CONTEXT})] * 2


def test_the_token_comes_from_the_environment(stub: StubWallet) -> None:
    told(stub, "granted", "--origin", "https://shop.example", env={"DELEGATIONS_WALLET_TOKEN": "a secret"})
    told(stub, "granted")
    assert stub.headers[0]["authorization"] == "Bearer a secret"
    assert stub.headers[0]["origin"] == "https://shop.example"
    assert "authorization" not in stub.headers[1]


# looking


def test_decode_says_permission_rules_and_nonce() -> None:
    ran = run("permissions", "decode", CONTEXT, "--chain-id", CHAIN_ID, "--canonical")
    assert ran.code == 0
    for words in ("erc20-token-periodic", f"granted by {ALICE}", "periodAmount: 10000000", "rule payee", "nonce: 0"):
        assert words in ran.out


def test_decode_as_json_gives_the_request_it_grants(papers: Path) -> None:
    found = run("permissions", "decode", papers / "response.json", "--chain-id", 1, "--json").json()
    assert found["request"]["permission"]["data"] == ASKED.permission.to_wire()["data"]
    assert found["request"]["chainId"] == "0x1"


def test_decode_of_something_else_is_exit_code_one() -> None:
    bare = Grantor(draws=lambda d: d.model_copy(update={"caveats": d.caveats[:1]})).respond(ASKED)
    ran = run("permissions", "decode", "0x" + bare.context.hex(), "--chain-id", 1)
    assert ran.code == 1
    assert "not a permission: " in ran.err


def test_check_holds_for_a_grant_as_asked(papers: Path) -> None:
    ran = check(papers, [RESPONSE.to_wire()])
    assert ran.code == 0
    assert ran.out.startswith("HOLDS")
    assert check(papers, RESPONSE.to_wire(), "--json").json()["standing"] == "holds"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([GREEDY.to_wire()], "authority broken"),
        ([Grantor(says=changed(chain_id=1)).respond(ASKED).to_wire()], "chain broken"),
        ([], "number broken: expected 1 responses, got 0"),
        ([RESPONSE.to_wire()] * 2, "number broken: expected 1 responses, got 2"),
        ("nothing", "form broken: expected a list of responses"),
        ([Grantor().respond(one_ether()).to_wire()], "authority broken"),
    ],
)
def test_check_says_what_is_broken(answer: Any, words: str, papers: Path) -> None:
    ran = check(papers, answer)
    assert ran.code == 1
    assert ran.out.startswith("BROKEN")
    assert words in ran.out


def test_check_without_a_chain_is_unknown(papers: Path) -> None:
    ran = run("permissions", "check", papers / "request.json", papers / "response.json", "--canonical")
    assert ran.code == 3
    assert ran.out.startswith("UNKNOWN")


def test_check_on_a_chain_nobody_listed_is_unknown(papers: Path) -> None:
    ran = run(
        "permissions", "check", papers / "request.json", papers / "response.json", "--state", papers / "state.json"
    )
    assert ran.code == 3
    assert "register one" in ran.out


@pytest.mark.parametrize("name", ["result", "answer"])
def test_check_takes_the_answer_as_json_rpc_and_as_request_prints_it(name: str, papers: Path) -> None:
    assert check(papers, {"jsonrpc": "2.0", "id": 1, name: [RESPONSE.to_wire()]}).code == 0
    assert check(papers, {name: [GREEDY.to_wire()], "report": {}}).code == 1


def test_check_takes_the_whole_call_for_the_requests(papers: Path) -> None:
    call = json.dumps({"method": REQUEST, "params": [ASKED.to_wire()]})
    known = ("--canonical", "--state", papers / "state.json")
    assert run("permissions", "check", call, papers / "response.json", *known).code == 0
    assert run("permissions", "check", call, json.dumps([GREEDY.to_wire()]), *known).code == 1


def test_check_of_an_error_says_what_the_wallet_said(papers: Path) -> None:
    ran = check(papers, {"jsonrpc": "2.0", "id": 1, "error": {"code": 4001, "message": "no"}})
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "error: the wallet answered the request with 4001, the user rejected the request: no\n"
    assert check(papers, {"error": {"code": -32005, "message": "busy"}}).code == 3


def test_check_of_a_grant_in_use_wants_to_be_told_so(papers: Path, tmp_path: Path) -> None:
    chain = fresh_chain()
    report = verify_answer([ASKED], [RESPONSE], chain=chain, registry=REGISTRY)
    assert execute(chain, report.require()[0].redemption(pay(1))).verdict.allowed
    (tmp_path / "used.json").write_text(chain.to_json())
    known = ("--canonical", "--state", tmp_path / "used.json")
    assert run("permissions", "check", papers / "request.json", papers / "response.json", *known, "--used").code == 0
    ran = run("permissions", "check", papers / "request.json", papers / "response.json", *known)
    assert ran.code == 1
    assert "state broken: it was used before it was granted" in ran.out


def test_decode_and_revoke_take_the_one_response_of_an_answer(stub: StubWallet) -> None:
    answer = json.dumps([RESPONSE.to_wire()])
    assert run("permissions", "decode", answer, "--chain-id", 1).code == 0
    assert told(stub, "revoke", answer).code == 0
    two = json.dumps([RESPONSE.to_wire()] * 2)
    for ran in (run("permissions", "decode", two, "--chain-id", 1), told(stub, "revoke", two)):
        assert ran.code == 2
        assert "2 responses stand there" in ran.err
    assert len(stub.asked) == 1


def test_the_chain_is_looked_at_after_the_wallet_answered(stub: StubWallet, papers: Path, tmp_path: Path) -> None:
    before = fresh_chain()
    before.world.set_code(ALICE, b"")
    state = tmp_path / "state.json"
    state.write_text(before.to_json())
    known = (papers / "request.json", "--canonical", "--state", state)
    assert told(stub, "request", *known).code == 1

    def upgrade(_params: Any) -> list[Any]:
        state.write_text(fresh_chain().to_json())
        return [RESPONSE.to_wire()]

    stub.results[REQUEST] = upgrade
    assert told(stub, "request", *known).code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", RESPONSE.to_json(), "[]"), "expected what was asked, got what a wallet answered"),
        (("check", ASKED.to_json(), CONTEXT), "got a bare context (`delegations permissions decode` reads that)"),
        (("decode", ASKED.to_json(), "--chain-id", "1"), "expected a response, got a request"),
        (("decode", CONTEXT, "--chain-id", "31337"), "give --canonical"),
        (("revoke", NOTHING, "--wallet", "http://127.0.0.1:1"), "it is empty, so there is nothing to revoke"),
        (("check", "-", "-"), "standard input can be read once"),
        (("check", "[]", "[]"), "expected at least one, got none"),
        (("check", "{}", "[]"), "requests[0]"),
        (("check", "no.json", "[]"), "requests"),
        (("decode", "0x12", "--chain-id", "1"), "permission context"),
        (("decode", CONTEXT, "--chain-id", "0"), "--chain-id"),
        (("granted", "--wallet", "ftp://x"), "endpoint"),
        (("check", ASKED.to_json(), "[]", "--state", "a", "--rpc-url", "http://b"), "--rpc-url and --state"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(arguments: tuple[str, ...], words: str) -> None:
    ran = run("permissions", *arguments)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert words in ran.err
