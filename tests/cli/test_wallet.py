"""`delegations wallet`: serving, listing, revoking, and what each refuses to do."""

from __future__ import annotations

import os
import pty
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from eth_account import Account

from caveats.types import parse_hex
from delegations.delegation import decode_context
from delegations.evm import dev_account
from delegations.permissions.wallet import SqliteStore
from delegations.testing import RecordingChain
from tests.cli.command import run
from tests.receipts_corpus.contracts import install_entry_point
from tests.unit.permissions.wallet.served import KEY, Served, arguments, daily, http_chain, serving
from tests.unit.permissions.wallet.stage import ALICE, CHAIN_ID, ORIGIN, OTHER, Wallet

TOKEN = "correct-horse-battery-staple"
Node = tuple[RecordingChain, str]


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with http_chain() as made:
        yield made


@pytest.fixture(scope="module")
def served(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(node[1], tmp_path_factory.mktemp("wallet")) as running:
        yield running


# serve


def test_a_served_wallet_grants_what_its_policy_says(served: Served) -> None:
    (leaf,) = decode_context(parse_hex(served.request()))
    assert leaf.delegator == ALICE
    refused = served.call("wallet_requestExecutionPermissions", [daily(amount=11)])
    assert refused["error"] == {"code": 4001, "message": "the request was refused"}


def test_it_lists_and_revokes_on_chain(served: Served) -> None:
    context = served.request()
    assert context in served.granted()
    assert served.call("wallet_revokeExecutionPermission", {"permissionContext": context})["result"] == {}
    assert context not in served.granted()


def test_it_answers_only_this_machine(served: Served) -> None:
    assert served.url.startswith("http://127.0.0.1:")
    assert served.client.post(served.url, json={}, headers={"host": "rebound.example"}).status_code == 421


def test_it_asks_for_the_token_that_is_set(node: Node, tmp_path: Path) -> None:
    with serving(node[1], tmp_path, env={"DELEGATIONS_WALLET_TOKEN": TOKEN}) as running:
        assert running.call("eth_chainId")["result"] == hex(CHAIN_ID)
        assert running.client.post(running.url, json={}, headers={"authorization": ""}).status_code == 401


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_told_to(node: Node, tmp_path: Path, told: signal.Signals) -> None:
    with serving(node[1], tmp_path) as running:
        assert running.call("eth_chainId")
        running.client.close()
        running.process.send_signal(told)
        out, err = running.process.communicate(timeout=30)
        assert "Traceback" not in out + err


def test_the_operator_is_told_what_the_site_is_not(node: Node, tmp_path: Path) -> None:
    with serving(node[1], tmp_path) as running:
        running.call("wallet_requestExecutionPermissions", [daily(amount=11)])
        running.client.close()
        running.process.terminate()
        _, err = running.process.communicate(timeout=30)
        assert f"{ORIGIN} was refused: permission 1: allow 1: 11 in 86400 seconds is more than 10" in err


class Question(NamedTuple):
    """A question that stands at a terminal: what is typed there, what the site will be answered, what was shown."""

    running: Served
    terminal: int
    coming: Future[Any]
    shown: bytes


@contextmanager
def asked(node: Node, folder: Path) -> Iterator[Question]:
    """Ask for more than the policy grants, with somebody at the terminal."""
    ours, theirs = pty.openpty()
    shown = b""
    with serving(node[1], folder, "--ask", terminal=theirs) as running, ThreadPoolExecutor(1) as meanwhile:
        coming = meanwhile.submit(running.call, "wallet_requestExecutionPermissions", [daily(amount=11)])
        while b"anything else to refuse: " not in shown:
            shown += os.read(ours, 4096)
        yield Question(running, ours, coming, shown)
    os.close(theirs)
    os.close(ours)


@pytest.mark.parametrize(("typed", "is_granted"), [(b"yes\n", True), (b"no\n", False)])
def test_what_the_policy_does_not_grant_is_asked_at_the_terminal(
    node: Node, tmp_path: Path, typed: bytes, is_granted: bool
) -> None:
    with asked(node, tmp_path) as question:
        # what is typed is thrown away until the wallet listens, so it is typed until it is heard
        while not question.coming.done():
            os.write(question.terminal, typed)
            wait([question.coming], timeout=0.05)
    assert b"At most 0.000000000000000011 ETH per day" in question.shown
    assert ("result" in question.coming.result()) is is_granted


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_question_is_taken_back_when_the_server_is_told_to_end(
    node: Node, tmp_path: Path, told: signal.Signals
) -> None:
    with asked(node, tmp_path) as question:
        question.running.process.send_signal(told)
        question.running.process.wait(timeout=20)
        assert question.coming.result()["error"]["code"] == 4001
        os.set_blocking(question.terminal, False)
        after = os.read(question.terminal, 65_536)
    assert b"Nobody waits for the answer any more" in after
    assert b"Traceback" not in after
    assert run("wallet", "grants", "--store", tmp_path / "grants.db").out == "nothing was granted\n"


def refused(*given: object, code: int = 2, env: dict[str, str] | None = None) -> str:
    ran = run(*given, env=KEY if env is None else env)
    assert ran.code == code
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1
    return ran.err


def test_another_address_needs_a_token_and_the_word(node: Node, tmp_path: Path) -> None:
    given = arguments(node[1], tmp_path, "--host", "0.0.0.0")  # noqa: S104 - what is refused
    assert "--allow-remote" in refused(*given)
    assert "--allow-remote" in refused(*given, "--allow-remote")
    assert "--allow-remote" in refused(*given, env={**KEY, "DELEGATIONS_WALLET_TOKEN": TOKEN})


def test_a_key_on_the_command_line_is_no_option(node: Node, tmp_path: Path) -> None:
    assert "No such option" in refused(*arguments(node[1], tmp_path, "--private-key", "0x" + "11" * 32))


def test_without_a_key_nothing_is_served(node: Node, tmp_path: Path) -> None:
    assert "no key: set DELEGATIONS_PRIVATE_KEY" in refused(*arguments(node[1], tmp_path), env={})


def test_a_token_that_is_short_is_refused(node: Node, tmp_path: Path) -> None:
    env = {**KEY, "DELEGATIONS_WALLET_TOKEN": "short"}
    assert "at least 16" in refused(*arguments(node[1], tmp_path), env=env)


def test_a_node_of_another_chain_is_found_out_at_once(node: Node, tmp_path: Path) -> None:
    given = ["1" if part == str(CHAIN_ID) else part for part in arguments(node[1], tmp_path)]
    assert f"expected id 1, got {CHAIN_ID}" in refused(*given, code=3)


def test_a_node_that_is_not_there_is_found_out_at_once(tmp_path: Path) -> None:
    assert "could not ask" in refused(*arguments("http://127.0.0.1:9", tmp_path), code=3)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--origin", "shop.example", "origin: expected such as"),
        ("--policy", "nowhere.toml", "policy: nowhere.toml cannot be read"),
        ("--hybrid", "-1", "uint256"),
        ("--port", "70000", "--port"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(node: Node, tmp_path: Path, option: str, value: str, said: str) -> None:
    assert said in refused(*arguments(node[1], tmp_path, option, value))


def test_the_hybrid_account_of_the_key_may_grant(node: Node, tmp_path: Path) -> None:
    with serving(node[1], tmp_path, "--hybrid", "5") as running:
        (response,) = running.call("wallet_requestExecutionPermissions", [daily()])["result"]
        assert response["from"] == "0xf566681DA14A4dca4534BB45EED7B9eD9d426273"
        assert len(response["dependencies"]) == 1


def test_what_the_hybrid_account_granted_is_revoked_on_chain(node: Node, tmp_path: Path) -> None:
    install_entry_point(node[0])
    with serving(node[1], tmp_path, "--hybrid", "6") as running:
        first, second = running.request(), running.request()
        assert running.call("wallet_revokeExecutionPermission", {"permissionContext": first})["result"] == {}
        assert running.granted() == [second]
    store = tmp_path / "grants.db"
    refused_without = revoke(second, store, node)
    assert refused_without.code == 2
    assert "give --hybrid SALT" in refused_without.err
    assert len(refused_without.err.splitlines()) == 1
    ran = revoke(second, store, node, "--hybrid", "6", "--json")
    assert (ran.code, ran.json()["state"]) == (0, "revoked")


def test_a_site_the_policy_does_not_name_is_noted_at_the_start(node: Node, tmp_path: Path) -> None:
    with serving(node[1], tmp_path, "--origin", "https://shop.exmaple") as running:
        running.client.close()
        running.process.terminate()
        _, err = running.process.communicate(timeout=30)
    assert err == f"note: the policy grants nothing to https://shop.exmaple on chain {CHAIN_ID}\n"


# careless ways to call it: one line each


@pytest.mark.parametrize("origin", ["*", "https://shop.example/pay", "https://shop.example:443", "null", ""])
def test_an_origin_no_browser_sends_is_refused(node: Node, tmp_path: Path, origin: str) -> None:
    assert "origin: expected" in refused(*arguments(node[1], tmp_path, "--origin", origin))


def test_a_token_that_was_to_be_filled_in_is_no_token(node: Node, tmp_path: Path) -> None:
    env = {**KEY, "DELEGATIONS_WALLET_TOKEN": ""}
    assert "DELEGATIONS_WALLET_TOKEN is set and empty" in refused(*arguments(node[1], tmp_path), env=env)


def test_a_server_for_others_has_a_name(node: Node, tmp_path: Path) -> None:
    env = {**KEY, "DELEGATIONS_WALLET_TOKEN": TOKEN}
    given = arguments(node[1], tmp_path, "--host", "0.0.0.0", "--allow-remote")  # noqa: S104 - what is refused
    assert "--server-name: give the name" in refused(*given, env=env)
    wrong = "https://wallet.example"
    assert "without port or scheme" in refused(*given, "--server-name", wrong, env=env)


@pytest.mark.parametrize("more", [(), ("--ask",)])
def test_nobody_is_asked_where_there_is_no_terminal(node: Node, tmp_path: Path, more: tuple[str, ...]) -> None:
    given = arguments(node[1], tmp_path, *more)
    if not more:
        at = given.index("--policy")
        del given[at : at + 2]
    assert "nobody is here to ask" in refused(*given)


def test_a_policy_given_as_the_store_is_left_alone(node: Node, tmp_path: Path) -> None:
    given = arguments(node[1], tmp_path)
    given[given.index("--store") + 1] = str(tmp_path / "policy.toml")
    before = (tmp_path / "policy.toml").read_bytes()
    assert "not a store of grants" in refused(*given)
    assert (tmp_path / "policy.toml").read_bytes() == before


def test_files_that_others_may_open_are_refused_with_what_to_do(node: Node, tmp_path: Path) -> None:
    given = arguments(node[1], tmp_path)
    SqliteStore(tmp_path / "grants.db").close()
    (tmp_path / "grants.db").chmod(0o644)
    assert "chmod 600" in refused(*given)
    (tmp_path / "policy.toml").chmod(0o666)
    assert "chmod o-w" in refused(*given)


def test_a_port_that_is_taken_is_named(node: Node, tmp_path: Path, served: Served) -> None:
    port = served.url.rsplit(":", 1)[1]
    assert f"port {port}: Address already in use" in refused(*arguments(node[1], tmp_path, "--port", port), code=3)


def test_a_folder_for_the_store_that_is_not_there_is_named(node: Node, tmp_path: Path) -> None:
    given = arguments(node[1], tmp_path)
    given[given.index("--store") + 1] = str(tmp_path / "nowhere" / "grants.db")
    assert "cannot be made: No such file or directory" in refused(*given, code=3)


@pytest.mark.parametrize(
    ("content", "password", "said"),
    [
        ("{}", "pass", "not a V3 keystore"),
        ("not json", "pass", "not a V3 keystore"),
        ("good", "wrong", "wrong password"),
    ],
)
def test_a_keystore_that_does_not_open_says_why(
    node: Node, tmp_path: Path, content: str, password: str, said: str
) -> None:
    import json

    keystore = tmp_path / "key.json"
    good = json.dumps(Account.encrypt(dev_account(0).key, "pass", kdf="pbkdf2", iterations=2))
    keystore.write_text(good if content == "good" else content)
    env = {"DELEGATIONS_KEYSTORE_PASSWORD": password}
    told = refused(*arguments(node[1], tmp_path, "--keystore", str(keystore)), env=env)
    assert said in told
    assert "pass'" not in told


def test_a_keystore_opens_with_its_password(node: Node, tmp_path: Path) -> None:
    import json

    keystore = tmp_path / "key.json"
    keystore.write_text(json.dumps(Account.encrypt(dev_account(0).key, "pass", kdf="pbkdf2", iterations=2)))
    env = {"DELEGATIONS_PRIVATE_KEY": "", "DELEGATIONS_KEYSTORE_PASSWORD": "pass"}
    with serving(node[1], tmp_path, "--keystore", str(keystore), env=env) as running:
        assert running.call("eth_accounts")["result"] == [str(ALICE)]


# grants and revoke


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Path, list[dict[str, Any]]]:
    """A store with two grants in it, and what was answered."""
    path = tmp_path / "grants.db"
    wallet = Wallet(options={"store": SqliteStore(path)})
    answered = [*wallet.request(), *wallet.request(origin=OTHER)]
    wallet.provider.store.close()
    return path, answered


def hash_of(response: dict[str, Any]) -> str:
    return str(decode_context(parse_hex(response["context"]))[0].hash)


def test_grants_are_listed_in_words(kept: tuple[Path, list[dict[str, Any]]]) -> None:
    ran = run("wallet", "grants", "--store", kept[0])
    assert ran.code == 0
    for part in (ORIGIN, OTHER, "granted", "At most", hash_of(kept[1][0])):
        assert part in ran.out


def test_grants_of_one_site_are_listed_for_programs(kept: tuple[Path, list[dict[str, Any]]]) -> None:
    (listed,) = run("wallet", "grants", "--store", kept[0], "--origin", OTHER, "--json").json()
    assert listed["response"] == kept[1][1]
    assert (listed["state"], listed["origin"], listed["hash"]) == ("granted", OTHER, hash_of(kept[1][1]))


def test_an_empty_store_is_said_to_be_empty(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "grants.db").close()
    assert run("wallet", "grants", "--store", tmp_path / "grants.db").out == "nothing was granted\n"


@pytest.mark.parametrize("command", ["grants", "revoke"])
def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, command: str, node: Node) -> None:
    more = ["0x" + "11" * 32, "--rpc-url", node[1], "--chain-id", str(CHAIN_ID)] if command == "revoke" else []
    assert "--store" in refused("wallet", command, *more, "--store", tmp_path / "grants.db")
    assert list(tmp_path.iterdir()) == []


def revoke(which: str, store: Path, node: Node, *more: str) -> Any:
    given = ["wallet", "revoke", which, "--store", store, "--rpc-url", node[1], "--chain-id", str(CHAIN_ID), *more]
    return run(*given, env=KEY)


@pytest.mark.parametrize("by", ["hash", "context"])
def test_the_operator_revokes_a_grant_of_any_site(kept: Any, node: Node, by: str) -> None:
    path, answered = kept
    which = hash_of(answered[1]) if by == "hash" else answered[1]["context"]
    ran = revoke(which, path, node, "--json")
    assert (ran.code, ran.json()["state"]) == (0, "revoked")
    listed = run("wallet", "grants", "--store", path, "--json").json()
    assert [each["state"] for each in listed] == ["granted", "revoked"]


def test_a_grant_of_another_chain_or_key_is_not_touched_by_mistake(kept: Any, node: Node) -> None:
    path, answered = kept
    which = hash_of(answered[0])
    wrong_chain = run("wallet", "revoke", which, "--store", path, "--rpc-url", node[1], "--chain-id", "1", env=KEY)
    assert f"--chain-id: expected {CHAIN_ID}, the grant's, got 1" in wrong_chain.err
    other = {"DELEGATIONS_PRIVATE_KEY": "0x" + bytes(dev_account(1).key).hex()}
    given = ["wallet", "revoke", which, "--store", path, "--rpc-url", node[1], "--chain-id", str(CHAIN_ID)]
    assert f"the one of {ALICE}, which granted it" in run(*given, env=other).err
    listed = run("wallet", "grants", "--store", path, "--json").json()
    assert [each["state"] for each in listed] == ["granted", "granted"]


def test_a_revocation_that_fails_says_why_and_is_listed_as_under_way(kept: Any) -> None:
    path, answered = kept
    ran = revoke(hash_of(answered[0]), path, (RecordingChain(1), "http://127.0.0.1:9"))
    assert ran.code == 3
    assert "no longer listed" in ran.err
    assert "could not ask" in ran.err
    shown = run("wallet", "grants", "--store", path).out
    assert "revoking" in shown
    assert "not revoked on chain yet" in shown


@pytest.mark.parametrize("which", ["0x" + "11" * 32, "0x1234", "nothing"])
def test_what_is_no_grant_cannot_be_revoked(kept: Any, node: Node, which: str) -> None:
    ran = revoke(which, kept[0], node)
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1


def test_a_context_nobody_granted_here_cannot_be_revoked(kept: Any, node: Node) -> None:
    (response,) = Wallet().request()
    ran = revoke(response["context"], kept[0], node)
    assert ran.code == 2
    assert "is not in" in ran.err


@pytest.mark.parametrize("command", ["serve", "grants", "revoke"])
def test_every_command_explains_itself(command: str) -> None:
    ran = run("wallet", command, "--help")
    assert ran.code == 0
    assert "--store" in ran.out
