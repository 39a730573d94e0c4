"""Good requests that get an error all the same, because of how things stand, and requests that the server turns away.

Each situation sets its own stage, so they are a table apart from the bad requests.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx

from delegations.permissions.wallet import CallbackApprover, ContractAccount, Limits, Question, SqliteStore, create_app
from delegations.permissions.wallet.approver import grant
from tests.unit.permissions.wallet.bad_requests import ask, rpc
from tests.unit.permissions.wallet.browser import HOST, open_browser
from tests.unit.permissions.wallet.stage import ORIGIN, SHOP, Wallet, periodic

HEADERS = {"origin": ORIGIN, "content-type": "application/json", "host": HOST}


class Situation(NamedTuple):
    """How things stand, and what a request is answered.

    Attributes:
        name: what is in the way.
        meet: sets the stage, asks, and returns the answer.
        code: of the error.
        message: of the error, whole.
        status: of HTTP.
    """

    name: str
    meet: Callable[[], httpx.Response]
    code: int
    message: str
    status: int = 200


def answer_in(situation: Situation) -> tuple[int, int, str]:
    """Return the HTTP status, the code and the message that the request gets."""
    answered = situation.meet()
    error = answered.json().get("error", {"code": 0, "message": "no error"})
    return answered.status_code, error["code"], error["message"]


# whoever decides, signs, keeps or is asked


def second_while_one_is_pending() -> httpx.Response:
    """Ask while somebody still thinks about another request."""
    asked, decided = threading.Event(), threading.Event()

    def ponder(_question: Question) -> bool:
        asked.set()
        return decided.wait(timeout=30)

    browser = open_browser(Wallet(approver=CallbackApprover(ponder)))
    first: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: first.append(browser.send(ask(periodic()))))
    thread.start()
    try:
        assert asked.wait(timeout=30)
        return browser.send(ask(periodic()))
    finally:
        decided.set()
        thread.join()
        assert "result" in first[0].json()  # the first was not disturbed


def rejected_by_the_user() -> httpx.Response:
    """Ask somebody who says no."""
    return _asked(Wallet(approver=CallbackApprover(lambda _question: False)))


def more_than_asked() -> httpx.Response:
    """Ask a wallet whose approver grants more."""

    def give_more(question: Question) -> Any:
        wanted = question.asked[0].request
        more = wanted.permission.model_copy(update={"period_amount": 11})
        return grant((wanted.model_copy(update={"permission": more}),))

    return _asked(Wallet(approver=CallbackApprover(give_more)), periodic(adjustable=True))


def account_that_cannot_sign() -> httpx.Response:
    """Ask for a grant of an account whose signature is empty."""
    return _asked(Wallet(options={"accounts": [ContractAccount(SHOP, lambda _digest: b"")]}))


def node_that_is_away() -> httpx.Response:
    """Ask while the node is not there that tells the account's nonce."""
    wallet = Wallet(reads_a_node=True)
    wallet.transport.refuses.add("eth_getStorageAt")
    return _asked(wallet)


def store_that_is_away() -> httpx.Response:
    """Ask while the store of the grants is closed."""
    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "grants.db")
        wallet = Wallet(options={"store": store})
        store.close()
        return open_browser(wallet).send(ask(periodic()))


def _asked(wallet: Wallet, *requests: Any) -> httpx.Response:
    answered = open_browser(wallet).send(ask(*(requests or [periodic()])))
    assert wallet.provider.store.list_grants() == []
    return answered


# HTTP


def stalled(first: bytes = b'{"jsonrpc"') -> httpx.Response:
    """Send the beginning of a body and then nothing."""

    async def begun() -> AsyncIterator[bytes]:
        yield first
        await asyncio.Event().wait()

    async def exchange() -> httpx.Response:
        transport = httpx.ASGITransport(open_browser(limits=Limits(body_seconds=0.01)).app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
            return await client.post("/", content=begun(), headers=HEADERS)

    return asyncio.run(exchange())


def ended_meanwhile() -> httpx.Response:
    """End the server while it works on a request."""
    begun, go_on = threading.Event(), threading.Event()

    class Slow:
        def request(self, method: str, params: Any = None, *, origin: str) -> Any:
            begun.set()
            go_on.wait(20)

    async def exchange() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(Slow(), origins=[ORIGIN]))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
            body = json.dumps(rpc("eth_chainId")).encode()
            asked = asyncio.ensure_future(client.post("/", content=body, headers=HEADERS))
            await asyncio.to_thread(begun.wait, 20)
            asked.cancel()
            try:
                return await asked
            finally:
                go_on.set()

    return asyncio.run(exchange())


def _sent(**how: Any) -> Callable[[], httpx.Response]:
    return lambda: open_browser().send(rpc("eth_chainId"), **how)


SITUATIONS = (
    Situation(
        "a second request while one is pending",
        second_while_one_is_pending,
        -32005,
        "another request of this wallet is waiting for an answer",
    ),
    Situation("the user says no", rejected_by_the_user, 4001, "the request was refused"),
    Situation(
        "the approver grants more than was asked",
        more_than_asked,
        -32603,
        "the approver changed what may not be changed",
    ),
    Situation("the account cannot sign", account_that_cannot_sign, -32002, "the account could not sign"),
    Situation(
        "the node cannot be asked",
        node_that_is_away,
        -32002,
        "the chain could not be asked; this says nothing about the request, ask again later",
    ),
    Situation(
        "the store does not answer",
        store_that_is_away,
        -32002,
        "the wallet's store did not answer; nothing was granted",
    ),
    Situation("another path", _sent(path="/admin"), -32600, "http: Not Found", 404),
    Situation("GET", _sent(method="GET"), -32600, "http: Method Not Allowed", 405),
    Situation("PUT", _sent(method="PUT"), -32600, "http: Method Not Allowed", 405),
    Situation("a POST to the description", _sent(path="/openapi.json"), -32600, "http: Method Not Allowed", 405),
    Situation("a body that does not come", stalled, -32005, "body: expected all of it within 0.01 seconds", 408),
    Situation(
        "the server ends meanwhile",
        ended_meanwhile,
        -32002,
        "the wallet is ending; ask it later what it granted",
        503,
    ),
)
