"""One seam for asking a wallet, whichever way it is reached, and what its error codes mean here.

Source: EIP-1193 (request, provider errors), EIP-1474 and JSON-RPC 2.0 (error codes), ERC-7715.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from inspect import isawaitable
from itertools import count
from threading import Lock
from typing import Any, ClassVar

from caveats.errors import (
    DelegationsError,
    EncodingError,
    EngineError,
    TransportError,
    UnsupportedError,
    VerificationError,
    abbreviate,
)
from caveats.strict_json import parse_json
from delegations.evm.rpc import HttpTransport

Ask = Callable[[str, Any], Any]
"""Puts one method with its params to a wallet and returns the result; raises house errors only."""

WALLET_TIMEOUT_SECONDS = 300.0
"""How long a person may think before they answer."""


class WalletError(DelegationsError):
    """The wallet answered, with an error.

    Attributes:
        rpc_code: the code it gave.
        data: what came with it.
    """

    code: ClassVar[str] = "wallet"

    def __init__(self, message: str, *, rpc_code: int = 0, data: object = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.rpc_code = rpc_code
        self.data = data


class RejectedError(WalletError, VerificationError):
    """The user said no."""

    code: ClassVar[str] = "verification.rejected"
    onchain = None


class UnauthorizedError(WalletError, VerificationError):
    """The wallet does not let this caller ask, or not about this account."""

    code: ClassVar[str] = "verification.unauthorized"
    onchain = None


class RefusedRequestError(WalletError, EncodingError):
    """The wallet takes the request for malformed, or knows nothing of what it names."""

    code: ClassVar[str] = "encoding.request"


class NotOfferedError(WalletError, UnsupportedError):
    """The wallet does not have the method, the permission type or the chain."""

    code: ClassVar[str] = "unsupported.wallet"


class UnavailableError(WalletError, EngineError):
    """The wallet could not answer now: it is busy, could not sign, or broke down. Neither a yes nor a no."""

    code: ClassVar[str] = "engine.wallet"


class DisconnectedError(WalletError, TransportError):
    """The wallet is there but not connected to the chain."""

    code: ClassVar[str] = "transport.wallet"


_MEANINGS: dict[int, tuple[type[WalletError], str, str | None]] = {
    4001: (RejectedError, "the user rejected the request", None),
    4100: (UnauthorizedError, "not authorised", "connect the account to this origin first"),
    4200: (NotOfferedError, "the method is not supported", None),
    4900: (DisconnectedError, "disconnected from every chain", None),
    4901: (DisconnectedError, "not connected to that chain", None),
    -32700: (RefusedRequestError, "the request could not be read", None),
    -32600: (RefusedRequestError, "not a valid request", None),
    -32601: (NotOfferedError, "there is no such method", None),
    -32602: (RefusedRequestError, "invalid params", None),
    -32000: (RefusedRequestError, "invalid input", None),
    -32001: (RefusedRequestError, "what it names is not there", "ask for an account the wallet holds, or leave it out"),
    -32002: (UnavailableError, "not available now", "ask again later"),
    -32003: (RejectedError, "the transaction was rejected", None),
    -32004: (NotOfferedError, "not supported", None),
    -32005: (UnavailableError, "over a limit, or another request is waiting", "ask again later"),
    -32603: (UnavailableError, "the wallet broke down over it", None),
}
"""What each code of EIP-1193, EIP-1474 and JSON-RPC says."""


def wallet_error(method: str, code: object, message: object, data: object = None) -> WalletError:
    """Return the house error for a wallet's error code. A code nobody knows is an UnavailableError: not an answer."""
    number = code if type(code) is int else 0
    kind, means, hint = _MEANINGS.get(number, (UnavailableError, "an error nobody has defined", None))
    said = f"the wallet answered {method} with {number}, {means}"
    if message:
        said += f": {abbreviate(str(message))}"
    return kind(said, rpc_code=number, data=data, hint=hint)


class HttpAsk:
    """Asks the wallet at a URL, one request at a time. It is called as an `Ask`.

    A request is put once: put again, a person would be asked again, and might grant twice.

    Args:
        url: of the JSON-RPC endpoint.
        token: sent as a bearer token; never part of a message.
        origin: sent as the Origin, by which a wallet keeps grants apart.
        timeout_seconds: for one answer, the time a person takes included.

    Raises:
        EncodingError: not a URL, or a token or origin that cannot stand in a header.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        origin: str | None = None,
        timeout_seconds: float = WALLET_TIMEOUT_SECONDS,
    ) -> None:
        headers = {}
        for name, value in (("Authorization", token and f"Bearer {token}"), ("Origin", origin)):
            if value is None:
                continue
            if not value.isascii() or not value.isprintable():
                raise EncodingError(f"{name} header: expected printable ASCII")
            headers[name] = value
        self._transport = HttpTransport(url, headers=headers, timeout_seconds=timeout_seconds)
        self._numbers, self._lock = count(1), Lock()

    def __call__(self, method: str, params: Any) -> Any:
        """Return the result of one method. Raises WalletError, TransportError."""
        number, whom = next(self._numbers), self._transport.label
        body = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}, separators=(",", ":"))
        with self._lock:
            try:
                answer = self._transport.exchange(body.encode())
            except OSError as error:
                self._transport.close()
                raise _could_not_ask(whom, method, error) from error
        try:
            parsed = parse_json(answer, what="answer")
        except EncodingError as error:
            raise _could_not_ask(whom, method, error) from error
        # an error about a request that could not be read carries no id
        if not isinstance(parsed, Mapping) or not _is_answer_to(number, parsed):
            raise _could_not_ask(whom, method, "expected the answer to one request")
        return _result(method, parsed)

    def close(self) -> None:
        """Give up the connection; the next question opens another."""
        with self._lock:
            self._transport.close()


def ask_provider(provider: Any) -> Ask:
    """Return a way to ask a provider of this process.

    Args:
        provider: a web3 instance, a web3 provider (`make_request(method, params)`), or whatever is called or has
            `request` as EIP-1193 says: with {"method", "params"}, returning the result or raising an error with `code`.

    Raises:
        EncodingError: none of these.
    """
    inner = getattr(provider, "provider", provider)
    make_request = getattr(inner, "make_request", None)
    if callable(make_request):
        return lambda method, params: _result(method, _call(method, make_request, method, params))
    request = getattr(provider, "request", provider)
    if callable(request):
        return lambda method, params: _call(method, request, {"method": method, "params": params})
    raise EncodingError.of(
        "wallet", expected="a URL, a web3 provider, or an EIP-1193 request function", got=type(provider).__name__
    )


def _call(method: str, function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        answer = function(*arguments)
    except DelegationsError as error:
        if isinstance(getattr(error, "rpc_code", None), int):
            raise _from_exception(method, error) from error
        raise
    except Exception as error:  # a provider's errors have no common class: EIP-1193 only gives them a code
        raise _from_exception(method, error) from error
    if isawaitable(answer):
        if isinstance(answer, Coroutine):
            answer.close()
        raise EncodingError("wallet: expected a provider that answers at once, got one that is awaited")
    return answer


def _from_exception(method: str, error: Exception) -> DelegationsError:
    for code in (getattr(error, "rpc_code", None), getattr(error, "code", None)):
        if type(code) is int:
            return wallet_error(method, code, getattr(error, "message", None) or error, getattr(error, "data", None))
    return _could_not_ask("the wallet", method, error)


def _result(method: str, answer: object) -> Any:
    """Return the result of a JSON-RPC answer. Raises WalletError, TransportError."""
    if not isinstance(answer, Mapping):
        raise _could_not_ask("the wallet", method, "expected a JSON-RPC answer")
    error = answer.get("error")
    if error is None:
        if "result" not in answer:
            raise _could_not_ask("the wallet", method, "expected a result or an error")
        return answer["result"]
    if not isinstance(error, Mapping):
        raise wallet_error(method, 0, error)
    raise wallet_error(method, error.get("code"), error.get("message"), error.get("data"))


def _is_answer_to(number: int, answer: Mapping[str, Any]) -> bool:
    given = answer.get("id")
    return (type(given) is int and given == number) or (given is None and answer.get("error") is not None)


def _could_not_ask(whom: str, method: str, why: object) -> TransportError:
    said = abbreviate(str(why) or type(why).__name__)
    return TransportError(
        f"could not ask {whom} for {method}: {said}", hint="this says nothing about what the wallet would answer"
    )
