"""A raw JSON-RPC client: one seam for asking another process, over HTTP or a local socket.

A question that could not be put, or whose answer cannot be read, is asked again a few times and then raised as
TransportError. It is never an answer.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NoReturn, Protocol
from urllib.parse import urlsplit

from caveats.errors import EncodingError, EngineError, TransportError, abbreviate

DEFAULT_TIMEOUT_SECONDS = 30.0
_BUSY = frozenset({429, 502, 503, 504})
_DEEPEST_ANSWER = 5_000
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_MAX_ANSWER = 512 * 1024 * 1024
_CHUNK = 1 << 18


class RpcError(EngineError):
    """The other side answered, with an error.

    Attributes:
        rpc_code: the JSON-RPC error code.
        data: what came with it; the revert data of an eth_call.
    """

    code: ClassVar[str] = "engine.rpc"

    def __init__(self, message: str, *, rpc_code: int = 0, data: object = None) -> None:
        super().__init__(message)
        self.rpc_code = rpc_code
        self.data = data

    @property
    def is_missing_method(self) -> bool:
        """Whether the endpoint does not offer the method."""
        words = str(self).lower()
        return self.rpc_code == -32601 or any(
            said in words
            for said in ("method not found", "does not exist", "not supported", "not available", "not enabled")
        )


class Transport(Protocol):
    """Carries one request and brings back its answer. Failures are OSError."""

    label: str

    def exchange(self, payload: bytes) -> bytes:
        """Return the answer to one request."""

    def close(self) -> None:
        """Give up the connection; the next exchange opens another."""


class UnixTransport:
    """A Unix socket that answers each request with one line."""

    def __init__(self, path: str, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        self.label = f"the socket {path}"
        self._path = path
        self._timeout = timeout_seconds
        self._socket: socket.socket | None = None

    def _connected(self) -> socket.socket:
        if self._socket is None:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(self._timeout)
            try:
                connection.connect(self._path)
            except OSError:
                connection.close()
                raise
            self._socket = connection
        return self._socket

    def exchange(self, payload: bytes) -> bytes:
        connection = self._connected()
        connection.sendall(payload)
        parts = []
        size = 0
        while True:
            part = connection.recv(_CHUNK)
            if not part:
                raise ConnectionError("the connection was closed before the answer was complete")
            parts.append(part)
            size += len(part)
            if part.endswith(b"\n"):
                return b"".join(parts)
            if size > _MAX_ANSWER:
                raise ConnectionError(f"the answer is larger than {_MAX_ANSWER} bytes")

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class HttpTransport:
    """One kept-alive HTTP connection. The label names the host alone: paths of endpoints often are secrets."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        expected = "a URL that begins with http:// or https://"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            # what is wrong with it stands in no error: a URL may hold a key
            raise EncodingError.of("endpoint", expected=expected, got="one that cannot be read") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            # the rest of a URL may hold a key, so only its beginning is repeated
            has_scheme = "://" in url  # of localhost:8545 the host would be taken for one
            got = f"{parts.scheme}://..." if has_scheme else "neither"
            raise EncodingError.of("endpoint", expected=expected, got=got, hint=None if has_scheme else "prefix it")
        self.label = f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port else "")
        self._host, self._port, self._tls = parts.hostname, port, parts.scheme == "https"
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = {"Content-Type": "application/json", **(headers or {})}
        self._timeout = timeout_seconds
        self._connection: http.client.HTTPConnection | None = None

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._tls else http.client.HTTPConnection
            connection = kind(self._host, self._port, timeout=self._timeout)
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection = connection
        return self._connection

    def exchange(self, payload: bytes) -> bytes:
        connection = self._connected()
        try:
            connection.request("POST", self._target, payload, self._headers)
            response = connection.getresponse()
            body = response.read(_MAX_ANSWER + 1)
        except http.client.HTTPException as error:
            raise ConnectionError(f"broken HTTP: {type(error).__name__}") from error
        if response.status in _BUSY:
            raise ConnectionError(f"HTTP status {response.status}")
        if response.status != 200 and not body.lstrip().startswith((b"{", b"[")):
            raise _RefusedError(f"HTTP status {response.status}")
        if len(body) > _MAX_ANSWER:
            raise ConnectionError(f"the answer is larger than {_MAX_ANSWER} bytes")
        return body

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _RefusedError(ConnectionError):
    """The endpoint will not take the request, however often it is asked."""


class RpcClient:
    """Asks over one transport, one request at a time; may be used from several threads.

    Args:
        transport: carries the requests.
        attempts: how often a request is put before giving up.
        backoff_seconds: the pause before the second attempt; each later one is twice as long.
        sleep: waits; a test passes its own.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        attempts: int = 3,
        backoff_seconds: float = 0.05,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.transport = transport
        self._attempts = max(attempts, 1)
        self._backoff = backoff_seconds
        self._sleep = sleep
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of one method.

        Raises:
            RpcError: the other side answered with an error.
            TransportError: it could not be asked.
        """
        result = self.batch([(method, params)])[0]
        if isinstance(result, RpcError):
            raise result
        return result

    def batch(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Return the results in order; an RpcError stands where the other side answered with one.

        Raises:
            TransportError: the other side could not be asked.
        """
        if not requests:
            return []
        bodies = [
            {"jsonrpc": "2.0", "id": index, "method": method, "params": list(params)}
            for index, (method, params) in enumerate(requests)
        ]
        payload = json.dumps(bodies[0] if len(bodies) == 1 else bodies, separators=(",", ":")).encode()
        return self._ask(payload, [method for method, _ in requests])

    def close(self) -> None:
        """Give up the connection."""
        with self._lock:
            self.transport.close()

    def _ask(self, payload: bytes, methods: Sequence[str]) -> list[Any]:
        what = methods[0] if len(methods) == 1 else f"{len(methods)} requests"
        pause = self._backoff
        with self._lock:
            if self._owner != os.getpid():
                # a forked child must not speak over its parent's connection
                self.transport.close()
                self._owner = os.getpid()
            for attempt in range(1, self._attempts + 1):
                try:
                    return _read(self.transport.exchange(payload), methods)
                except (OSError, ValueError) as error:
                    self.transport.close()
                    if attempt == self._attempts or isinstance(error, _RefusedError):
                        self._give_up(what, attempt, error)
                self._sleep(pause)
                pause *= 2
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _give_up(self, what: str, attempts: int, error: Exception) -> NoReturn:
        tried = "" if attempts == 1 else f", tried {attempts} times"
        said = abbreviate(str(error) or type(error).__name__)
        raise TransportError(
            f"could not ask {self.transport.label} for {what}{tried}: {said}",
            hint="this says nothing about the question itself",
        ) from error


def _refuse_deep(answer: bytes) -> None:
    """Raise ValueError for nesting no answer has: a call tree of 1024 frames has some two thousand levels.

    json's own bound is Python's recursion limit, which py-evm raises past what the C stack holds.
    """
    if answer.count(b"[") + answer.count(b"{") <= _DEEPEST_ANSWER:
        return
    depth = 0
    for token in _BRACKETS.finditer(answer):
        if token[0] in b"[{":
            depth += 1
            if depth > _DEEPEST_ANSWER:
                raise ValueError(f"nested deeper than {_DEEPEST_ANSWER}")
        elif token[0] in b"]}":
            depth -= 1


def _read(answer: bytes, methods: Sequence[str]) -> list[Any]:
    """Return the results by id. Raises ValueError for anything that is not an answer to the request."""
    _refuse_deep(answer)
    parsed = json.loads(answer)
    entries = [parsed] if isinstance(parsed, dict) else parsed
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("expected a JSON-RPC answer")
    if len(entries) == 1 and len(methods) > 1 and "error" in entries[0]:
        # the whole batch was refused at once
        return [_result(entries[0], method) for method in methods]
    # an error about a request that could not even be read carries no id
    by_id = {0 if entry.get("id") is None and len(methods) == 1 else entry.get("id"): entry for entry in entries}
    if any(index not in by_id for index in range(len(methods))):
        raise ValueError(f"expected {len(methods)} answers, got {len(entries)}")
    return [_result(by_id[index], method) for index, method in enumerate(methods)]


def _result(entry: dict[str, Any], method: str) -> Any:
    error = entry.get("error")
    if error is None:
        if "result" not in entry:
            raise ValueError("expected a result or an error")
        return entry["result"]
    if not isinstance(error, dict):
        return RpcError(f"{method}: {abbreviate(error)}")
    code = error.get("code")
    message = abbreviate(str(error.get("message", "no message")))
    return RpcError(f"{method}: {message}", rpc_code=code if isinstance(code, int) else 0, data=error.get("data"))
