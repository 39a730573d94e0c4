"""Asking a node that may be slow, busy or wrong: every question has bounded attempts, growing pauses and an end.

What cannot be asked is an error that says so. It is never an answer, and never a zero.

Source: RFC 9110 (Retry-After), JSON-RPC 2.0, EIP-1474 (error codes).
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic_core import from_json

from caveats.errors import EncodingError, EngineError, TransportError, abbreviate
from delegations.evm.rpc import HttpTransport, RpcClient, RpcError

_MAX_ANSWER = 64 * 1024 * 1024
_CHUNK = 1 << 16
_BATCH = 100
_TRY_AGAIN_STATUS = frozenset({408, 425, 429})
# limit exceeded (EIP-1474), and what endpoints answer in its place
_BUSY_CODES = frozenset({-32005, -32016, 429})
_BUSY_WORDS = (
    *("rate limit", "too many", "limit exceeded", "request limit", "capacity", "timeout", "timed out", "busy"),
    *("overload", "temporar", "try again", "unavailable"),
)
# one of the machines behind an endpoint may be a block behind the others
_LAGGING_WORDS = ("header not found", "header for hash not found", "unknown block", "block not found")
_INTERNAL_ERROR = -32603
_GONE_WORDS = ("missing trie node", "historical", "state is not available", "state not available", "pruned", "archive")
_REPLACED_WORDS = ("canonical", "resource not found", *_LAGGING_WORDS)
_SHORTEST_SECRET = 6


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to keep asking. No question takes longer than `give_up_seconds` and one attempt.

    Attributes:
        attempts: how often a question is put.
        timeout_seconds: of one attempt, from the first byte sent to the last byte read.
        give_up_seconds: of a question, with all its attempts and pauses; no attempt begins after that.
        backoff_seconds: the first pause; each later one is twice as long. A longer Retry-After is obeyed.
        sleep: waits; a test passes its own.
        clock: seconds that only rise; a test passes its own.
    """

    attempts: int = 5
    timeout_seconds: float = 10.0
    give_up_seconds: float = 60.0
    backoff_seconds: float = 0.25
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        if self.attempts < 1 or min(self.timeout_seconds, self.give_up_seconds) <= 0 or self.backoff_seconds < 0:
            raise EncodingError("patience: expected one attempt or more, and times above 0")


@dataclass(frozen=True, slots=True)
class Question:
    """One question to a node.

    Attributes:
        read: makes the answer a value; raises TransportError when it is none.
        may_be_refused: whether a refusal is a value as well: the RpcError. That the node is busy is no refusal.
    """

    method: str
    params: Sequence[Any]
    read: Callable[[object], Any]
    may_be_refused: bool = False


class _StatusError(ConnectionError):
    """The endpoint answered with an HTTP status instead of an answer."""

    def __init__(self, status: int, retry_after_seconds: float | None) -> None:
        super().__init__(f"HTTP status {status}")
        self.is_final = status < 500 and status not in _TRY_AGAIN_STATUS
        self.retry_after_seconds = retry_after_seconds


class PatientTransport(HttpTransport):
    """HTTP whose every exchange ends within `timeout_seconds`, however slowly the answer drips.

    User and password of the URL are sent as basic authentication. They, the path and the query stand in no error.

    Raises:
        EncodingError: no http or https URL.
    """

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        expected = "a URL that begins with http:// or https://"
        try:
            parts = urlsplit(url)
            is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_good = False
        if not is_good or not url.isascii() or not url.isprintable() or " " in url:
            # the URL may hold a key, so it is not shown
            raise EncodingError(f"endpoint: expected {expected}")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        login = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {login}"} if parts.username is not None else {}
        super().__init__(url, headers=headers, timeout_seconds=timeout_seconds)
        pieces = [user, password, login, parts.query, *(value for _, value in parse_qsl(parts.query))]
        pieces += [parts.path, *parts.path.split("/")]
        # closed with the transport, which nobody has to close
        self._held: list[http.client.HTTPConnection] = []
        weakref.finalize(self, _close, self._held)
        self.secrets = sorted({p for p in pieces if len(p) >= _SHORTEST_SECRET}, key=len, reverse=True)

    def exchange(self, payload: bytes) -> bytes:
        connection = self._connected()
        self._held[:] = [connection]
        cut = threading.Event()
        timer = threading.Timer(self._timeout, _cut, (connection.sock, cut))
        timer.daemon = True
        timer.start()
        try:
            connection.request("POST", self._target, payload, self._headers)
            response = connection.getresponse()
            body = _read_body(response)
        except (OSError, http.client.HTTPException) as error:
            if cut.is_set() or isinstance(error, TimeoutError):
                raise TimeoutError(f"no whole answer within {self._timeout:g} seconds") from None
            if isinstance(error, OSError):
                raise
            raise ConnectionError(f"broken HTTP: {type(error).__name__}") from None
        finally:
            timer.cancel()
        is_answer = response.status < 500 and body.lstrip()[:1] in (b"{", b"[")
        if response.status != 200 and (response.status in _TRY_AGAIN_STATUS or not is_answer):
            raise _StatusError(response.status, _retry_after(response.headers))
        # the client's parser is stopped by Python's recursion limit, which py-evm raises past what the stack holds:
        # deep nesting would end this process. This one counts, and raises ValueError.
        from_json(body, cache_strings="none")
        return body


def _close(connections: Iterable[http.client.HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


def _cut(connection: socket.socket, cut: threading.Event) -> None:
    cut.set()
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _read_body(response: http.client.HTTPResponse) -> bytes:
    expected = response.length
    parts: list[bytes] = []
    size = 0
    while part := response.read1(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > _MAX_ANSWER:
            raise ConnectionError(f"the answer is larger than {_MAX_ANSWER} bytes")
    if expected is not None and size < expected:
        raise ConnectionError("the connection was closed before the answer was complete")
    response.close()  # so that the connection can carry the next one
    return b"".join(parts)


def _retry_after(headers: Message) -> float | None:
    """Return the seconds an endpoint asks to wait: a number, or a date beside its own."""
    text = str(headers.get("Retry-After", "")).strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        until = parsedate_to_datetime(text) - parsedate_to_datetime(str(headers.get("Date", "")))
        return max(until.total_seconds(), 0.0)
    return None


class Asker:
    """Asks one node with patience, and says in words of our own why it could not.

    Args:
        endpoint: a URL, or a client of one's own, whose own attempts then count within each of ours.
        patience: how long to keep asking.

    Attributes:
        batch_size: how many questions are put at once; less when the node wants less.

    Raises:
        EncodingError: the URL is none.
    """

    def __init__(self, endpoint: str | RpcClient, patience: Patience) -> None:
        self.patience = patience
        self.secrets: list[str] = []
        if isinstance(endpoint, RpcClient):
            self.client = endpoint
        else:
            transport = PatientTransport(endpoint, timeout_seconds=patience.timeout_seconds)
            self.client = RpcClient(transport, attempts=1)
            self.secrets = transport.secrets
        self.batch_size = _BATCH

    @property
    def label(self) -> str:
        """What the node is called in errors: scheme, host and port."""
        return self.client.transport.label

    def ask(self, questions: Sequence[Question]) -> list[Any]:
        """Return the values of the answers, in order.

        Raises:
            TransportError: the node could not be asked, or gave no answer that can be read.
            EngineError: the node refused to answer.
        """
        return _Asking(self, questions).values()

    def ask_once(self, method: str, params: Sequence[Any]) -> Any:
        """Return the answer to a single attempt, an RpcError where the node refused. Raises TransportError."""
        return self.client.batch([(method, params)])[0]

    def said(self, text: str) -> str:
        """Return what the other side said, on one line, without what the URL keeps secret."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return abbreviate(text)


class _Asking:
    """The state of one Asker.ask."""

    def __init__(self, asker: Asker, questions: Sequence[Question]) -> None:
        self._asker, self._questions, self._patience = asker, questions, asker.patience
        self._found: dict[int, Any] = {}
        self._began = self._patience.clock()
        self._failed = 0

    def values(self) -> list[Any]:
        left = list(range(len(self._questions)))
        while left:
            why = self._put(left[: self._asker.batch_size])
            left = [index for index in left if index not in self._found]
            if why is not None:
                self._wait(why, self._questions[left[0]])
        return [self._found[index] for index in range(len(self._questions))]

    def _put(self, indexes: Sequence[int]) -> Exception | None:
        """Ask once; return why some of it may have to be asked again, None where nothing went wrong."""
        asked = [self._questions[index] for index in indexes]
        try:
            answers = self._asker.client.batch([(question.method, question.params) for question in asked])
        except TransportError as error:
            return error.__cause__ if isinstance(error.__cause__, Exception) else error
        if len(asked) > 1 and all(isinstance(a, RpcError) and "batch" in str(a).lower() for a in answers):
            self._asker.batch_size = len(asked) // 2
            return None
        why: Exception | None = None
        for index, question, answer in zip(indexes, asked, answers, strict=True):
            if isinstance(answer, RpcError):
                if question.may_be_refused and not _is_busy(answer):
                    self._found[index] = answer
                    continue
                if not _may_pass(answer):
                    raise self._error(EngineError, question, answer)
                why = answer
                continue
            try:
                self._found[index] = question.read(answer)
            except TransportError as error:
                why = error
        return why

    def _wait(self, why: Exception, question: Question) -> None:
        patience = self._patience
        pause = patience.backoff_seconds * 2**self._failed
        self._failed += 1
        asked_for = getattr(why, "retry_after_seconds", None) or 0.0
        left = patience.give_up_seconds - (patience.clock() - self._began)
        is_over = self._failed >= patience.attempts or max(pause, asked_for) > left
        if is_over or getattr(why, "is_final", False):
            raise self._error(
                TransportError, question, why, f" and asks to wait {asked_for:g} seconds" * (asked_for > left)
            )
        patience.sleep(max(pause, asked_for))

    def _error(self, kind: type[EngineError], question: Question, why: Exception, more: str = "") -> EngineError:
        # without its cause: the node's own words may hold what the URL keeps secret
        said = str(why) or type(why).__name__
        tried = f", tried {self._failed} times" if self._failed > 1 else ""
        method = "" if isinstance(why, RpcError) else f" for {question.method}"
        message = f"could not ask {self._asker.label}{method}{tried}: {self._asker.said(said)}{more}"
        return kind(message, hint=_hint(said.lower()))


def _is_busy(error: RpcError) -> bool:
    words = str(error).lower()
    return error.rpc_code in _BUSY_CODES or any(said in words for said in _BUSY_WORDS)


def _may_pass(error: RpcError) -> bool:
    words = str(error).lower()
    if any(said in words for said in _GONE_WORDS):
        return False
    return error.rpc_code == _INTERNAL_ERROR or _is_busy(error) or any(said in words for said in _LAGGING_WORDS)


def _hint(words: str) -> str:
    if any(said in words for said in _GONE_WORDS):
        return "it no longer has the state of that block: use an archive node, or fork at a newer block"
    if any(said in words for said in _REPLACED_WORDS):
        return "that block is not, or no longer, on its chain: fork again"
    return "this says nothing about the question itself"
