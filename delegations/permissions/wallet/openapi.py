"""What the server takes and answers, as an OpenAPI document: for people, for generators, for fuzzers.

Source: OpenAPI 3.1; JSON-RPC 2.0; ERC-7715.
"""

from __future__ import annotations

import json
from typing import Any

from delegations._version import __version__
from delegations.permissions.wallet.jsonrpc import Limits

METHODS = (
    "wallet_requestExecutionPermissions",
    "wallet_revokeExecutionPermission",
    "wallet_getSupportedExecutionPermissions",
    "wallet_getGrantedExecutionPermissions",
    "eth_accounts",
    "eth_requestAccounts",
    "eth_chainId",
)
_ADDRESS = {"type": "string", "pattern": "^0x[0-9a-fA-F]{40}$"}
_QUANTITY = {"type": "string", "pattern": "^0x[0-9a-fA-F]{1,64}$"}
_DATA = {"type": "string", "pattern": "^0x([0-9a-fA-F]{2})*$"}


def _object(required: list[str], properties: dict[str, Any], *, closed: bool = True) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": not closed}


_RULE = _object(["type", "data"], {"type": {"enum": ["expiry", "redeemer", "payee"]}, "data": {"type": "object"}})
_PERMISSION_REQUEST = _object(
    ["chainId", "to", "permission"],
    {
        "chainId": _QUANTITY,
        "from": _ADDRESS,
        "to": _ADDRESS,
        "permission": _object(
            ["type", "isAdjustmentAllowed", "data"],
            {"type": {"type": "string"}, "isAdjustmentAllowed": {"type": "boolean"}, "data": {"type": "object"}},
        ),
        "rules": {"type": ["array", "null"], "items": _RULE},
    },
)
_PARAMS = {
    "wallet_requestExecutionPermissions": {"type": "array", "minItems": 1, "items": _PERMISSION_REQUEST},
    "wallet_revokeExecutionPermission": _object(["permissionContext"], {"permissionContext": _DATA}),
}


def _request(method: str) -> dict[str, Any]:
    params = _PARAMS.get(method, {"type": "array", "maxItems": 0})
    identifier = {"type": ["string", "integer", "null"]}
    required = ["jsonrpc", "id", "method", *(["params"] if method in _PARAMS else [])]
    return _object(
        required, {"jsonrpc": {"const": "2.0"}, "id": identifier, "method": {"const": method}, "params": params}
    )


_ERROR = _object(["code", "message"], {"code": {"type": "integer"}, "message": {"type": "string"}, "data": {}})
_ANSWER = {
    "type": "object",
    "required": ["jsonrpc", "id"],
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": {"type": ["string", "integer", "null"]},
        "result": {},
        "error": _ERROR,
    },
    "additionalProperties": False,
}
_REFUSALS = {
    "401": "The Authorization header lacks the token.",
    "403": "The Origin header lacks a site that may ask.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "415": "The body is not application/json.",
    "421": "The Host header names another server.",
    "503": "The server is ending, or has too many connections.",
}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def describe_api(limits: Limits) -> bytes:
    """Return the OpenAPI document of a server with these limits, as JSON."""
    one = {"$ref": "#/components/schemas/Answer"}
    batch = {"type": "array", "minItems": 1, "maxItems": limits.batch}
    responses: dict[str, Any] = {
        "200": {
            "description": "Answers, errors of JSON-RPC too.",
            "content": _json({"oneOf": [one, {**batch, "items": one}]}),
        },
        "204": {"description": "Nothing in the request wants an answer."},
    }
    responses |= {status: {"description": said, "content": _json(one)} for status, said in _REFUSALS.items()}
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "delegations wallet",
            "version": __version__,
            "description": f"ERC-7715 as JSON-RPC 2.0. Bodies of at most {limits.body_bytes} bytes,"
            f" nested at most {limits.depth} deep, at most {limits.batch} requests in a batch.",
        },
        "paths": {
            "/": {
                "post": {
                    "operationId": "ask",
                    "security": [{}, {"token": []}],
                    "requestBody": {
                        "required": True,
                        "content": _json(
                            {
                                "oneOf": [
                                    {"$ref": "#/components/schemas/Request"},
                                    {**batch, "items": {"$ref": "#/components/schemas/Request"}},
                                ]
                            }
                        ),
                    },
                    "responses": responses,
                }
            }
        },
        "components": {
            "schemas": {"Request": {"oneOf": [_request(method) for method in METHODS]}, "Answer": _ANSWER},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    return json.dumps(document, separators=(",", ":")).encode()
