"""A provider behind HTTP: JSON-RPC at `/`, its description at `/openapi.json`.

Who may ask is settled before anything is read: the Host header (a page of another name that was pointed at this address
is not us), the Origin header (a browser always sends it with a POST, and a page cannot forge it), the token.
Answers to JSON-RPC have status 200, errors of JSON-RPC too; other statuses are refusals of the request as HTTP.

One connection carries one request, so that what a connection may take (`listen.py`) holds for every request.

Source: JSON-RPC 2.0; Fetch standard (CORS preflight); RFC 6750 (bearer tokens); RFC 9110 (408, Connection: close).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from caveats.errors import EncodingError, UnsupportedError
from delegations.permissions.wallet.jsonrpc import Limits, Provider, answer, encode_failure
from delegations.permissions.wallet.openapi import describe_api
from delegations.permissions.wallet.plain import parse_origin
from delegations.permissions.wallet.rpc_errors import ProviderError, RpcCode

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])\Z")
_MIN_TOKEN = 16
_JSON = "application/json"
_SAFE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Origin",
    "Connection": "close",
}


def create_app(
    provider: Provider,
    *,
    origins: Collection[str],
    token: str | None = None,
    hosts: Collection[str] = LOOPBACK_HOSTS,
    limits: Limits | None = None,
) -> Starlette:
    """Return the ASGI application that takes JSON-RPC to `provider`.

    Args:
        provider: answers; it is told the origin of each request.
        origins: the sites that may ask, each as https://shop.example. Everybody else gets 403.
        token: when given, what the Authorization header must carry as "Bearer ...".
        hosts: names and addresses this server is reached by; a Host header with another is refused.
        limits: sizes.

    Raises:
        EncodingError: no origin, one that is none, a host with a port or a scheme, or a token too short to be a secret.
        UnsupportedError: Starlette is not installed.
    """
    starlette = _require_starlette()
    if not origins:
        raise EncodingError("origins: expected at least one, got none", hint="name the sites that may ask")
    allowed = frozenset(parse_origin(origin) for origin in origins)
    door = _Door(allowed, _check_token(token), frozenset(_check_host(host) for host in hosts))
    return starlette(provider, door, limits or Limits())


def _check_host(host: str) -> str:
    if not _HOST.match(host):
        raise EncodingError.of("host", expected="a name or an address without port or scheme", got=host)
    return host.lower()


def _check_token(token: str | None) -> str | None:
    if token is not None and (
        len(token) < _MIN_TOKEN or not token.isascii() or not token.isprintable() or " " in token
    ):
        raise EncodingError(f"token: expected at least {_MIN_TOKEN} printable ASCII characters without spaces")
    return token


class _Refusal(Exception):  # noqa: N818 - an answer, not an error of the program
    def __init__(self, status: int, error: ProviderError, headers: dict[str, str] | None = None) -> None:
        super().__init__(error.message)
        self.status, self.error, self.headers = status, error, headers or {}


class _Door:
    """Who may come in."""

    def __init__(self, origins: frozenset[str], token: str | None, hosts: frozenset[str]) -> None:
        self._origins, self._hosts = origins, hosts
        self._token = None if token is None else _digest(token)

    def check_host(self, request: Request) -> None:
        given = request.headers.getlist("host")
        name = given[0].lower() if len(given) == 1 else ""
        bare, colon, port = name.rpartition(":")
        if colon and port.isascii() and port.isdigit():
            name = bare
        if name not in self._hosts:
            raise _Refusal(421, ProviderError(RpcCode.UNAUTHORIZED, "host: this server is not known by that name"))

    def check_origin(self, request: Request) -> str:
        given = request.headers.getlist("origin")
        if len(given) != 1 or given[0] not in self._origins:
            raise _Refusal(
                403, ProviderError(RpcCode.UNAUTHORIZED, "origin: expected the header Origin with one that is allowed")
            )
        return given[0]

    def check_token(self, request: Request) -> None:
        if self._token is None:
            return
        given = request.headers.getlist("authorization")
        scheme, _, secret = (given[0] if len(given) == 1 else "").partition(" ")
        if not hmac.compare_digest(_digest(secret), self._token) or scheme.lower() != "bearer":
            raise _Refusal(
                401,
                ProviderError(RpcCode.UNAUTHORIZED, "token: expected the header Authorization with the right one"),
                {"WWW-Authenticate": "Bearer"},
            )


def _digest(text: str) -> bytes:
    # of equal length whatever was given, so that comparing takes equally long
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _require_starlette() -> Callable[[Provider, _Door, Limits], Starlette]:
    try:
        from starlette.applications import Starlette
        from starlette.concurrency import run_in_threadpool
        from starlette.exceptions import HTTPException
        from starlette.responses import Response
        from starlette.routing import Route
    except ImportError as error:
        raise UnsupportedError(
            "the wallet's server needs Starlette, which is not installed", hint="pip install 'delegations[wallet]'"
        ) from error

    def refuse(_request: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, _Refusal)  # noqa: S101 - registered for this class alone
        headers = {**_SAFE, **refusal.headers}
        return Response(encode_failure(refusal.error), refusal.status, headers, _JSON)

    def fail(_request: Request, _error: Exception) -> Response:
        # a fault of this program: nothing of it reaches the outside
        return Response(encode_failure(ProviderError(RpcCode.INTERNAL, "internal error")), 500, _SAFE, _JSON)

    def miss(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
        said = ProviderError(RpcCode.INVALID_REQUEST, f"http: {error.detail}")
        return Response(encode_failure(said), error.status_code, {**_SAFE, **(error.headers or {})}, _JSON)

    def make(provider: Provider, door: _Door, limits: Limits) -> Starlette:
        async def ask(request: Request) -> Response:
            door.check_host(request)
            origin = door.check_origin(request)
            shared = {**_SAFE, "Access-Control-Allow-Origin": origin}
            if request.method == "OPTIONS":
                return Response(None, 204, {**shared, **_preflight(request)})
            try:
                door.check_token(request)
                _check_type(request)
                body = await _read_body(request, limits)
            except _Refusal as refusal:
                refusal.headers |= {"Access-Control-Allow-Origin": origin}
                raise
            try:
                answered = await run_in_threadpool(answer, provider, body, origin=origin, limits=limits)
            except asyncio.CancelledError:  # the process is to end, and the answer did not come within its grace
                said = ProviderError(RpcCode.UNAVAILABLE, "the wallet is ending; ask it later what it granted")
                raise _Refusal(503, said, {"Access-Control-Allow-Origin": origin}) from None
            if answered is None:
                return Response(None, 204, shared)
            return Response(answered, 200, shared, _JSON)

        async def api(request: Request) -> Response:
            door.check_host(request)
            return Response(describe_api(limits), 200, _SAFE, _JSON)

        return Starlette(
            routes=[
                Route("/", ask, methods=["POST", "OPTIONS"]),
                Route("/openapi.json", api, methods=["GET"]),
            ],
            exception_handlers={_Refusal: refuse, HTTPException: miss, Exception: fail},
        )

    return make


def _preflight(request: Request) -> dict[str, str]:
    headers = {
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "content-type, authorization",
        "Access-Control-Max-Age": "600",
    }
    if request.headers.get("access-control-request-private-network") == "true":
        headers["Access-Control-Allow-Private-Network"] = "true"
    return headers


def _check_type(request: Request) -> None:
    # only this type makes a browser ask beforehand, so a form on another page cannot reach us
    given = request.headers.getlist("content-type")
    media, _, parameters = (given[0] if len(given) == 1 else "").partition(";")
    charset = parameters.replace(" ", "").lower()
    if media.strip().lower() != _JSON or charset not in ("", "charset=utf-8", 'charset="utf-8"'):
        raise _Refusal(415, ProviderError(RpcCode.INVALID_REQUEST, f"content type: expected {_JSON}"))
    if any(each != "identity" for each in request.headers.getlist("content-encoding")):
        raise _Refusal(415, ProviderError(RpcCode.INVALID_REQUEST, "content encoding: expected none"))


async def _read_body(request: Request, limits: Limits) -> bytes:
    most = limits.body_bytes
    refusal = _Refusal(413, ProviderError(RpcCode.LIMIT_EXCEEDED, f"body: expected at most {most} bytes"))
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and (len(length) > 12 or int(length) > most):
        raise refusal
    body = bytearray()
    try:
        # of the whole body: one byte now and then is no progress
        async with asyncio.timeout(limits.body_seconds):
            async for part in request.stream():
                body += part
                if len(body) > most:
                    raise refusal
    except TimeoutError as error:
        message = f"body: expected all of it within {limits.body_seconds:g} seconds"
        raise _Refusal(408, ProviderError(RpcCode.LIMIT_EXCEEDED, message)) from error
    return bytes(body)
