"""kill -9 at any moment: what was answered is there, and what is there is whole."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from delegations.delegation import encode_context, verify_signature
from delegations.framework.constants import DELEGATION_MANAGER
from delegations.permissions import read_responses
from delegations.permissions.wallet import SqliteStore, StoredGrant
from delegations.permissions.wallet.revocation import delegation_of
from tests.unit.permissions.wallet.served import http_chain, serving
from tests.unit.permissions.wallet.stage import CHAIN_ID, ORIGIN

AT_ONCE = 3


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    with http_chain() as (_, url):
        yield url


def whole(path: Path) -> list[StoredGrant]:
    """Return what is in the store, each checked to its last byte."""
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    store = SqliteStore(path)
    grants = store.list_grants()
    store.close()
    for grant in grants:
        delegation = delegation_of(grant)
        (response,) = read_responses([grant.response])
        assert (delegation.hash, response.context) == (grant.hash, encode_context([delegation]))
        assert (grant.origin, grant.chain_id, delegation.delegator) == (ORIGIN, CHAIN_ID, grant.delegator)
        verify_signature(delegation, chain_id=CHAIN_ID, manager=DELEGATION_MANAGER)
    return grants


def contexts(grants: list[StoredGrant]) -> list[str]:
    return [grant.response["context"] for grant in grants]


def test_what_was_answered_is_listed_after_a_kill_and_a_restart(node: str, tmp_path: Path) -> None:
    with serving(node, tmp_path) as first:
        answered = [first.request() for _ in range(5)]
        first.process.kill()
        assert first.process.wait(timeout=30) == -signal.SIGKILL
    assert contexts(whole(tmp_path / "grants.db")) == answered
    with serving(node, tmp_path) as again:
        assert again.granted() == answered
        assert again.request() not in answered


@pytest.mark.parametrize("after", [1, 6])
def test_a_kill_under_load_loses_nothing_that_was_answered(node: str, tmp_path: Path, after: int) -> None:
    answered: list[str] = []
    enough = threading.Event()

    def ask() -> None:
        # until the server is gone: what the last request came to is not known, and that is the point
        try:
            while True:
                answered.append(running.request())
                if len(answered) >= after:
                    enough.set()
        except httpx.HTTPError:
            return

    with serving(node, tmp_path) as running:
        asking = threading.Thread(target=ask)
        asking.start()
        assert enough.wait(timeout=30)
        running.process.kill()
        asking.join()
    kept = contexts(whole(tmp_path / "grants.db"))
    assert kept[: len(answered)] == answered
    assert len(kept) <= len(answered) + 1


DYING = """
# Everything is loaded once; each moment has a child of its own to die in.
import json, os, signal, sys
from pathlib import Path
from delegations.evm import dev_account
from delegations.permissions.wallet import (
    CallbackApprover, CallbackSubmitter, LocalAccountSigner, PermissionsProvider, SqliteStore, WalletChain
)
from delegations.permissions.wallet.revocation import delegation_of, revoke_grant
from delegations.simulation import NodeReader
from tests.unit.permissions.wallet.served import daily
from tests.unit.permissions.wallet.stage import CHAIN_ID, ORIGIN

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def ask(node, path, moment, told):
    def reach(now):
        if now == moment:
            die()

    class Signer(LocalAccountSigner):
        def sign(self, delegation, **place):
            signed = super().sign(delegation, **place)
            reach("signed")
            return signed

    rows = []

    def trace(statement):
        # called before each statement runs
        if statement.startswith("INSERT INTO grants"):
            rows.append(statement)
            reach(f"row {len(rows)}")
        if statement == "COMMIT" and rows:
            reach("before commit")

    store = SqliteStore(path)
    with store._using() as connection:
        connection.set_trace_callback(trace)
    provider = PermissionsProvider(
        accounts=[Signer(dev_account(0))],
        chains=[WalletChain(CHAIN_ID, NodeReader(node))],
        approver=CallbackApprover(lambda question: reach("asked") is None),
        store=store,
        on_event=lambda line: reach("after commit"),
    )
    answered = provider.request("wallet_requestExecutionPermissions", [daily() for _ in range(3)], origin=ORIGIN)
    os.write(told, json.dumps([each["context"] for each in answered]).encode())
    reach("answered")

def revoke(node, path):
    store = SqliteStore(path)
    submitter = CallbackSubmitter(lambda account, execution: die())
    chain = WalletChain(CHAIN_ID, NodeReader(node), submitter=submitter)
    revoke_grant(store, {CHAIN_ID: chain}, delegation_of(store.list_grants()[0]))

node = sys.argv[1]
for moment, path in json.loads(sys.argv[2]):
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        if moment == "revoking":
            revoke(node, Path(path))
        else:
            ask(node, Path(path), moment, told)
        os._exit(0)
    os.close(told)
    with open(heard, "rb") as pipe:
        answered = json.loads(pipe.read() or b"[]")
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), answered]), flush=True)
"""


def die_at(node: str, *moments: tuple[str, Path]) -> list[list[str]]:
    """Ask for three permissions in a process that kills itself, once for each moment; return what was answered."""
    asked = json.dumps([(moment, str(path)) for moment, path in moments])
    done = subprocess.run(
        [sys.executable, "-c", DYING, node, asked], capture_output=True, text=True, check=False, timeout=120
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [code for code, _ in told] == [-signal.SIGKILL] * len(moments), done.stderr
    return [answered for _, answered in told]


BEFORE = ("asked", "signed", "row 1", "row 2", "row 3", "before commit")
Deaths = dict[str, tuple[Path, list[str]]]


@pytest.fixture(scope="module")
def deaths(node: str, tmp_path_factory: pytest.TempPathFactory) -> Deaths:
    """One store for each moment of dying, and what was answered there."""
    folder = tmp_path_factory.mktemp("deaths")
    moments = [(moment, folder / f"{moment}.db") for moment in (*BEFORE, "after commit", "answered")]
    answered = die_at(node, *moments)
    return {moment: (path, told) for (moment, path), told in zip(moments, answered, strict=True)}


@pytest.mark.parametrize("moment", BEFORE)
def test_before_the_commit_nothing_of_the_request_is_there(deaths: Deaths, moment: str) -> None:
    path, answered = deaths[moment]
    assert (answered, whole(path)) == ([], [])


@pytest.mark.parametrize(("moment", "told"), [("after commit", 0), ("answered", AT_ONCE)])
def test_after_the_commit_all_of_it_is_there(deaths: Deaths, moment: str, told: int) -> None:
    path, answered = deaths[moment]
    kept = contexts(whole(path))
    assert len(kept) == AT_ONCE
    assert len(answered) == told
    assert answered in ([], kept)


def test_a_later_death_spares_what_was_there_and_a_begun_revocation_stays_begun(node: str, tmp_path: Path) -> None:
    path = tmp_path / "grants.db"
    earlier, *_ = die_at(node, ("answered", path), ("row 2", path), ("revoking", path))
    first, *others = whole(path)
    assert contexts([first, *others]) == earlier
    assert [grant.state for grant in (first, *others)] == ["revoking", "granted", "granted"]
    with serving(node, tmp_path) as again:
        assert again.granted() == earlier[1:]
        assert again.call("wallet_revokeExecutionPermission", {"permissionContext": earlier[0]})["result"] == {}
    assert [grant.state for grant in whole(path)] == ["revoked", "granted", "granted"]
