"""The server: who may come in, what browsers are told, and that nothing of the inside gets out."""

from __future__ import annotations

import builtins
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from caveats.errors import EncodingError, TransportError, UnsupportedError
from delegations.permissions.wallet import Limits, create_app, open_socket
from delegations.permissions.wallet.listen import configure
from delegations.permissions.wallet.server import LOOPBACK_HOSTS
from tests.unit.permissions.wallet.browser import open_browser
from tests.unit.permissions.wallet.situations import ended_meanwhile, stalled
from tests.unit.permissions.wallet.stage import ALICE, CHAIN_ID, ORIGIN, OTHER, Wallet, periodic

TOKEN = "correct-horse-battery-staple"
ASK = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}


def test_a_listed_site_is_answered() -> None:
    answered = open_browser().send(ASK)
    assert answered.status_code == 200
    assert answered.json()["result"] == hex(CHAIN_ID)


def test_each_listed_site_has_grants_of_its_own() -> None:
    browser = open_browser(origins=[ORIGIN, OTHER])
    browser.call("wallet_requestExecutionPermissions", [periodic()])
    assert len(browser.call("wallet_getGrantedExecutionPermissions")["result"]) == 1
    assert browser.call("wallet_getGrantedExecutionPermissions", origin=OTHER)["result"] == []


def test_a_notification_gets_no_body() -> None:
    answered = open_browser().send({"jsonrpc": "2.0", "method": "eth_chainId"})
    assert (answered.status_code, answered.content) == (204, b"")


# the door


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:1", "localhost:8123", "LOCALHOST", "[::1]", "[::1]:8123"])
def test_this_machine_is_known_by_its_names(host: str) -> None:
    assert open_browser().send(ASK, host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["rebound.example", "rebound.example:8123", "127.0.0.1.rebound.example", "localhost.", "127.0.0.1:x", "", "::1"],
)
def test_another_name_is_a_page_that_was_pointed_here(host: str) -> None:
    assert open_browser().send(ASK, host=host).status_code == 421
    assert open_browser().send(method="GET", path="/openapi.json", host=host).status_code == 421


async def raw(app: Any, *headers: tuple[str, str], body: bytes) -> int:
    """Return the status a request with exactly these headers gets."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": encoded, "query_string": b"", "scheme": "http"}
    await app(scope, receive, send)
    return int(sent[0]["status"])


GOOD = (("host", "127.0.0.1"), ("origin", ORIGIN), ("content-type", "application/json"))


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ((), 200),
        ((("host", "127.0.0.1"),), 421),
        ((("host", "rebound.example"),), 421),
        ((("origin", ORIGIN),), 403),
        ((("origin", OTHER),), 403),
        ((("content-type", "text/plain"),), 415),
        ((("authorization", "Bearer x"),), 200),
        ((("x-forwarded-host", "rebound.example"), ("forwarded", "host=rebound.example")), 200),
        ((("content-length", "99999999"),), 413),
    ],
)
def test_a_header_that_stands_twice_has_no_meaning(more: tuple[tuple[str, str], ...], status: int) -> None:
    import asyncio

    body = json.dumps(ASK).encode()
    assert asyncio.run(raw(open_browser().app, *GOOD, *more, body=body)) == status
    assert asyncio.run(raw(open_browser().app, *more, *GOOD, body=body)) == status


def test_two_tokens_are_none() -> None:
    import asyncio

    app, token = open_browser(token=TOKEN).app, ("authorization", f"Bearer {TOKEN}")
    body = json.dumps(ASK).encode()
    assert asyncio.run(raw(app, *GOOD, token, body=body)) == 200
    assert asyncio.run(raw(app, *GOOD, token, token, body=body)) == 401


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "*",
        ORIGIN.upper(),
        ORIGIN + "/",
        ORIGIN + ":443",
        ORIGIN + ".",
        "http://shop.example",
        f" {ORIGIN}x",
    ],
)
def test_an_origin_is_compared_as_a_whole(origin: str) -> None:
    assert open_browser().send(ASK, origin=origin).status_code == 403


@pytest.mark.parametrize("host", ["wallet.example:8715", "https://wallet.example", "wallet.example.", "*", ""])
def test_a_name_that_no_request_could_carry_is_refused(host: str) -> None:
    with pytest.raises(EncodingError, match="host: expected a name or an address"):
        create_app(Wallet().provider, origins=[ORIGIN], hosts=[host])


def test_a_name_may_be_added() -> None:
    browser = open_browser(hosts=LOOPBACK_HOSTS | {"Wallet.example"})
    assert browser.send(ASK, host="wallet.example").status_code == 200


def test_the_token_opens_the_door_and_nothing_else_does() -> None:
    browser = open_browser(token=TOKEN)
    assert browser.send(ASK, authorization=f"Bearer {TOKEN}").status_code == 200
    assert browser.send(ASK, authorization=f"bearer {TOKEN}").status_code == 200
    for wrong in (None, "", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN, f"Bearer  {TOKEN}"):
        answered = browser.send(ASK, authorization=wrong)
        assert answered.status_code == 401
        assert answered.headers["www-authenticate"] == "Bearer"


def test_the_token_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from delegations.permissions.wallet import server

    lengths: list[tuple[int, int]] = []

    def compare(left: bytes, right: bytes) -> bool:
        lengths.append((len(left), len(right)))
        return left == right

    browser = open_browser(token=TOKEN)
    monkeypatch.setattr(server.hmac, "compare_digest", compare)
    for secret in ("", "x", TOKEN, "y" * 4_000):
        browser.send(ASK, authorization=f"Bearer {secret}")
    assert lengths == [(32, 32)] * 4


@pytest.mark.parametrize(
    "token", ["", "short", "with a space in it", "tab\tin-the-middle-of", "ünicode-is-not-for-headers"]
)
def test_a_token_that_is_no_secret_is_refused(token: str) -> None:
    with pytest.raises(EncodingError, match="token") as caught:
        create_app(Wallet().provider, origins=[ORIGIN], token=token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize("origins", [[], ["*"], ["https://shop.example/"], ["null"]])
def test_origins_are_written_out(origins: list[str]) -> None:
    with pytest.raises(EncodingError, match="origin"):
        create_app(Wallet().provider, origins=origins)


# browsers


def test_a_listed_page_may_read_the_answer_and_a_preflight_says_so() -> None:
    browser = open_browser(token=TOKEN)
    asked = browser.send(
        method="OPTIONS",
        access_control_request_method="POST",
        access_control_request_headers="content-type, authorization",
    )
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == ORIGIN
    assert asked.headers["access-control-allow-methods"] == "POST"
    assert asked.headers["access-control-allow-headers"] == "content-type, authorization"
    assert "access-control-allow-credentials" not in asked.headers
    answered = browser.send(ASK, authorization=f"Bearer {TOKEN}")
    assert answered.headers["access-control-allow-origin"] == ORIGIN
    assert answered.headers["vary"] == "Origin"


def test_a_listed_page_may_read_why_it_was_refused() -> None:
    refused = open_browser(token=TOKEN).send(ASK)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, ORIGIN)


def test_another_page_may_read_nothing() -> None:
    browser = open_browser()
    for method in ("OPTIONS", "POST"):
        answered = browser.send(ASK, method=method, origin="https://bank.example")
        assert answered.status_code == 403
        assert not [name for name in answered.headers if name.startswith("access-control")]


def test_a_public_page_may_reach_this_machine_when_it_asks() -> None:
    asked = open_browser().send(method="OPTIONS", access_control_request_private_network="true")
    assert asked.headers["access-control-allow-private-network"] == "true"
    plain = open_browser().send(method="OPTIONS")
    assert "access-control-allow-private-network" not in plain.headers


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
)
def test_json_is_json(content_type: str) -> None:
    assert open_browser().send(ASK, content_type=content_type).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
def test_other_methods_are_not_allowed(method: str) -> None:
    assert open_browser().send(ASK, method=method).status_code == 405


def test_other_paths_are_not_found() -> None:
    assert open_browser().send(ASK, path="/admin").status_code == 404


# sizes


def test_a_body_of_the_limit_is_read_and_one_byte_more_is_not() -> None:
    browser = open_browser(limits=Limits(body_bytes=200))
    body = json.dumps(ASK).encode()
    assert browser.send(body.ljust(200)).status_code == 200
    assert browser.send(body.ljust(201)).status_code == 413


def test_a_body_that_lies_about_its_length_is_stopped_while_it_comes() -> None:
    sent: list[int] = []

    async def endless() -> Any:
        for number in range(1_000):
            sent.append(number)
            yield b" " * 1_000

    import asyncio

    async def exchange() -> int:
        transport = httpx.ASGITransport(open_browser().app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            headers = {"origin": ORIGIN, "content-type": "application/json"}
            return (await client.post("/", content=endless(), headers=headers)).status_code

    assert asyncio.run(exchange()) == 413
    assert len(sent) < 100


def test_who_is_not_waited_for_may_read_why() -> None:
    answered = stalled()
    assert answered.status_code == 408
    assert answered.headers["access-control-allow-origin"] == ORIGIN


# the inside


def test_what_is_under_way_when_the_server_ends_is_told_so() -> None:
    answered = ended_meanwhile()
    assert answered.status_code == 503
    assert answered.headers["access-control-allow-origin"] == ORIGIN


class Broken:
    def request(self, method: str, params: Any = None, *, origin: str) -> Any:
        raise RuntimeError("the key is 0xdeadbeef")


def test_a_fault_of_the_program_tells_nothing() -> None:
    import asyncio

    async def exchange() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(Broken(), origins=[ORIGIN]), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.post("/", json=ASK, headers={"origin": ORIGIN})

    answered = asyncio.run(exchange())
    assert answered.status_code == 500
    assert answered.json() == {"jsonrpc": "2.0", "id": None, "error": {"code": -32603, "message": "internal error"}}


@pytest.mark.parametrize("module", ["starlette.applications", "uvicorn"])
def test_what_is_not_installed_is_named_with_how_to_install_it(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from delegations.permissions.wallet import serve

    real = builtins.__import__

    def absent(name: str, *rest: Any) -> Any:
        if name == module:
            raise ImportError(name)
        return real(name, *rest)

    wallet = Wallet().provider
    app = create_app(wallet, origins=[ORIGIN])
    monkeypatch.setattr(builtins, "__import__", absent)
    with open_socket("127.0.0.1", 0) as bound:
        use = (lambda: serve(app, bound)) if module == "uvicorn" else (lambda: create_app(wallet, origins=[ORIGIN]))
        with pytest.raises(UnsupportedError, match=r"pip install 'delegations\[wallet\]'"):
            use()


def test_the_package_loads_without_the_server() -> None:
    code = (
        "import sys, delegations.permissions.wallet; print([m for m in ('starlette', 'uvicorn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# a real socket


@contextmanager
def listening(wallet: Wallet, *, head_seconds: float = 10, **options: Any) -> Iterator[str]:
    """Serve on a free port of loopback; yield the address."""
    import uvicorn

    app = create_app(wallet.provider, origins=[ORIGIN], **options)
    with open_socket("127.0.0.1", 0) as bound:
        server = uvicorn.Server(configure(app, head_seconds=head_seconds))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        server.should_exit = True
        thread.join()


HEAD = f"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: {ORIGIN}\r\ncontent-type: application/json\r\n"


def speak(url: str, *pieces: str) -> bytes:
    """Return what comes until the server closes the connection, without closing it ourselves."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece.encode())
        heard = b""
        while part := connection.recv(4096):
            heard += part
        return heard


@pytest.mark.parametrize("begun", ["", "P", HEAD, HEAD + "x: " + "y" * 100, HEAD + "\r"])
def test_a_connection_that_does_not_say_what_it_wants_is_closed(begun: str) -> None:
    with listening(Wallet(), head_seconds=0.02) as url:
        try:
            assert speak(url, begun) == b""
        except ConnectionResetError:  # closed without ceremony
            assert True


def test_one_that_has_said_it_has_the_time_of_its_body() -> None:
    body = json.dumps(ASK)
    head = f"{HEAD}content-length: {len(body) + 1}\r\n\r\n"
    with listening(Wallet(), head_seconds=0.02, limits=Limits(body_seconds=0.1)) as url:
        # the time of the head has long passed when that of the body is over, and it is answered
        assert b"408 Request Timeout" in speak(url, head[:50], head[50:-1], head[-1:], body)
    with listening(Wallet()) as url:
        assert b'"result"' in speak(url, head, body, " ")


@pytest.mark.parametrize("path", ["/", "/admin"])
def test_a_connection_carries_one_request(path: str) -> None:
    body = json.dumps(ASK)
    whole = f"{HEAD}content-length: {len(body)}\r\n\r\n{body}".replace("POST / ", f"POST {path} ")
    with listening(Wallet()) as url:
        heard = speak(url, whole + whole)
    assert heard.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in heard.lower()


def test_it_answers_over_http() -> None:
    with listening(Wallet()) as url, httpx.Client(headers={"origin": ORIGIN}) as client:
        answered = client.post(url, json={**ASK, "method": "eth_accounts"})
        assert answered.json()["result"] == [str(ALICE)]


def test_a_port_that_is_taken_is_told() -> None:
    with open_socket("127.0.0.1", 0) as first, pytest.raises(TransportError, match="cannot listen"):
        open_socket("127.0.0.1", first.getsockname()[1])


def test_the_description_is_the_one_of_this_server() -> None:
    answered = open_browser(limits=Limits(batch=3)).send(method="GET", path="/openapi.json")
    document = answered.json()
    assert document["openapi"] == "3.1.0"
    assert "at most 3 requests" in document["info"]["description"]
