"""JSON-RPC 2.0 between bytes and a provider: what is no request is told so, and what is one is answered once.

A notification wants no answer, and a wallet does nothing for a site that does not want to hear of it: it is dropped.
Source: JSON-RPC 2.0, sections 4 to 6.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

from caveats.errors import DelegationsError, EncodingError, abbreviate
from caveats.strict_json import parse_json
from delegations.permissions.wallet.rpc_errors import ProviderError, RpcCode, to_provider_error

_MEMBERS = frozenset({"jsonrpc", "id", "method", "params"})
_ABSENT = object()
ASKS_SOMEBODY = "wallet_requestExecutionPermissions"
"""The method over which a person may be disturbed."""


class Provider(Protocol):
    """Anything that answers requests as EIP-1193 providers do."""

    def request(self, method: str, params: Any = None, *, origin: str) -> Any:
        """Return the result. Raises ProviderError."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server takes at most.

    Attributes:
        body_bytes: of one HTTP request.
        body_seconds: that a body may take to arrive.
        depth: of nested arrays and objects.
        batch: requests in one array.
        method_characters: of a method's name.
    """

    body_bytes: int = 65_536
    body_seconds: float = 10.0
    depth: int = 24
    batch: int = 16
    method_characters: int = 64


def answer(provider: Provider, body: bytes, *, origin: str, limits: Limits) -> bytes | None:
    """Return the JSON answer to one request or a batch; None when nothing in it wants one.

    Errors of ours become error objects. Anything else is a fault of the program and is not caught here.
    """
    try:
        asked = parse_json(body, what="request")
    except EncodingError as error:
        return _encode(_failed(None, ProviderError(RpcCode.PARSE_ERROR, str(error))))
    if _is_deeper(asked, limits.depth):
        return _encode(_refused(f"request: nested deeper than {limits.depth}"))
    if not isinstance(asked, list):
        one = _answer_one(provider, asked, origin, limits)
        return None if one is None else _encode(one)
    if not asked:
        return _encode(_refused("batch: expected at least one request, got none"))
    if len(asked) > limits.batch:
        return _encode(_refused(f"batch: expected at most {limits.batch} requests, got {len(asked)}"))
    asking = [each for each in asked if isinstance(each, dict) and each.get("method") == ASKS_SOMEBODY]
    if len(asking) > 1:
        # all of what one wants together goes into one request, and is decided together
        return _encode(_refused(f"batch: expected {ASKS_SOMEBODY} at most once, got it {len(asking)} times"))
    answers = [_answer_one(provider, each, origin, limits) for each in asked]
    wanted = [each for each in answers if each is not None]
    return _encode(wanted) if wanted else None


def _answer_one(provider: Provider, asked: Any, origin: str, limits: Limits) -> dict[str, Any] | None:
    identifier: Any = None
    try:
        given = _id(asked)
        identifier = None if given is _ABSENT else given
        method, params = _parts(asked, limits)
        if given is _ABSENT:
            return None
        return {"jsonrpc": "2.0", "id": identifier, "result": provider.request(method, params, origin=origin)}
    except DelegationsError as error:
        return _failed(identifier, to_provider_error(error))


def _id(asked: Any) -> Any:
    if not isinstance(asked, dict):
        raise ProviderError(RpcCode.INVALID_REQUEST, f"request: expected an object, got {_shown(asked)}")
    given = asked.get("id", _ABSENT)
    if given is _ABSENT or given is None or isinstance(given, str) or type(given) is int:
        return given
    raise ProviderError(RpcCode.INVALID_REQUEST, f"id: expected a string or a whole number, got {_shown(given)}")


def _parts(asked: dict[str, Any], limits: Limits) -> tuple[str, Any]:
    if asked.get("jsonrpc") != "2.0":
        got = _shown(asked["jsonrpc"]) if "jsonrpc" in asked else "nothing"
        raise ProviderError(RpcCode.INVALID_REQUEST, f'jsonrpc: expected "2.0", got {got}')
    unknown = sorted(set(asked) - _MEMBERS)
    if unknown:
        raise ProviderError(RpcCode.INVALID_REQUEST, f"{abbreviate(unknown[0])}: a request has no such member")
    method = asked.get("method", _ABSENT)
    if not isinstance(method, str) or not 0 < len(method) <= limits.method_characters:
        got = "nothing" if method is _ABSENT else _shown(method)
        raise ProviderError(RpcCode.INVALID_REQUEST, f"method: expected a name, got {got}")
    params = asked.get("params")
    if "params" in asked and not isinstance(params, list | dict):
        message = f"params: expected an array or an object, got {_shown(params)}"
        raise ProviderError(RpcCode.INVALID_REQUEST, message)
    return method, params


def _shown(value: Any) -> str:
    return abbreviate(json.dumps(value))


def _is_deeper(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [
            inner
            for outer in level
            if isinstance(outer, list | dict)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return any(isinstance(each, list | dict) for each in level)


def _refused(message: str) -> dict[str, Any]:
    return _failed(None, ProviderError(RpcCode.INVALID_REQUEST, message))


def _failed(identifier: Any, error: ProviderError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": identifier, "error": error.to_wire()}


def _encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def encode_failure(error: ProviderError) -> bytes:
    """Return the answer to a request that was not even looked at."""
    return _encode(_failed(None, error))
