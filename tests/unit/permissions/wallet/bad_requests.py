"""Bad requests, and the exact answer each of them gets."""

# ruff: noqa: E501 - a message stands on one line, as it is answered

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from caveats import Timestamp
from caveats.types import MAX_UINT256, format_hex
from delegations.delegation import create_delegation, encode_context, redelegate
from tests.unit.permissions.wallet.browser import Browser
from tests.unit.permissions.wallet.stage import (
    AGENT,
    ALICE,
    BOB,
    DAY,
    NOW,
    SHOP,
    TOKEN,
    addresses,
    expiry,
    periodic,
    request,
)

ASK = "wallet_requestExecutionPermissions"
REVOKE = "wallet_revokeExecutionPermission"
ZERO = "0x" + "00" * 20
OPEN = "0x0000000000000000000000000000000000000a11"
WRONG_CHECKSUM = str(AGENT)[:-1] + ("a" if str(AGENT)[-1] != "a" else "A")


SERVER_TOKEN = "t" * 32
"""What the server of the rows that need one was given."""

_GRANT = create_delegation(delegator=ALICE, delegate=AGENT, caveats=[Timestamp(before_at=NOW)], salt=1)
UNKNOWN = format_hex(encode_context([_GRANT]))
CHAIN_OF_TWO = format_hex(encode_context([redelegate(_GRANT, delegate=BOB, salt=2), _GRANT]))


class Bad(NamedTuple):
    """One request and its answer.

    Attributes:
        name: what is wrong with it.
        body: bytes as they are, or what becomes JSON.
        code: of the error.
        message: of the error, whole.
        status: of HTTP.
        method: of HTTP.
        headers: others than a good client's; None for one that is left out.
        needs_token: whether the server was given one.
    """

    name: str
    body: Any
    code: int
    message: str
    status: int = 200
    method: str = "POST"
    headers: Mapping[str, str | None] = MappingProxyType({})
    needs_token: bool = False


def answer_to(browser: Browser, bad: Bad) -> tuple[int, int, str]:
    """Return the HTTP status, the code and the message a bad request gets."""
    headers = {name.replace("-", "_"): value for name, value in bad.headers.items()}
    answered = browser.send(bad.body, method=bad.method, **headers)
    body = answered.json()
    error = (body[0] if isinstance(body, list) else body).get("error", {"code": 0, "message": "no error"})
    return answered.status_code, error["code"], error["message"]


def rpc(method: str, params: Any = None, **members: Any) -> dict[str, Any]:
    made = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params, **members}
    return {name: value for name, value in made.items() if value is not None}


def ask(*requests: Any) -> dict[str, Any]:
    return rpc(ASK, list(requests))


def changed(path: str, value: Any) -> dict[str, Any]:
    """A good request for permission with one field other, or without it where the value is `...`."""
    made = json.loads(json.dumps(periodic()))
    *outer, last = path.split(".")
    holder = made
    for name in outer:
        holder = holder[int(name)] if name.isdigit() else holder[name]
    if value is ...:
        del holder[last]
    else:
        holder[int(last) if last.isdigit() else last] = value
    return ask(made)


def ruled(*rules: Any, **more: Any) -> dict[str, Any]:
    return ask(periodic(*rules, **more))


def stream(**data: Any) -> dict[str, Any]:
    given = {"amountPerSecond": "0x1", **data}
    return ask(request("native-token-stream", given, expiry(1)))


def erc20(*rules: Any, **data: Any) -> dict[str, Any]:
    given = {"tokenAddress": str(TOKEN), "allowanceAmount": "0x5", **data}
    return ask(request("erc20-token-allowance", given, *(rules or [expiry(1)])))


def nested(depth: int) -> bytes:
    return b'{"jsonrpc":"2.0","id":1,"method":"eth_accounts","params":' + b"[" * depth + b"]" * depth + b"}"


BAD_REQUESTS = (
    # the bytes
    Bad("empty body", b"", -32700, "request: not JSON (EOF while parsing a value at line 1 column 0)"),
    Bad("no JSON", b"permissions, please", -32700, "request: not JSON (expected value at line 1 column 1)"),
    Bad(
        "cut off",
        b'{"jsonrpc":"2.0","id":1,"method":"eth_acc',
        -32700,
        "request: not JSON (EOF while parsing a string at line 1 column 41)",
    ),
    Bad(
        "not UTF-8",
        b'{"jsonrpc":"2.0","id":1,"method":"\xff"}',
        -32700,
        "request: not JSON (invalid unicode code point at line 1 column 35)",
    ),
    Bad(
        "a key twice",
        b'{"jsonrpc":"2.0","id":1,"id":2,"method":"eth_accounts"}',
        -32700,
        "request: a key stands twice in one object",
    ),
    Bad(
        "not a number",
        b'{"jsonrpc":"2.0","id":NaN,"method":"eth_accounts"}',
        -32700,
        "request: not JSON (NaN is no number)",
    ),
    Bad(
        "a number of five thousand digits",
        b'{"jsonrpc":"2.0","id":' + b"9" * 5000 + b',"method":"eth_accounts"}',
        -32700,
        "request: not JSON (number out of range at line 1 column 4324)",
    ),
    Bad(
        "nested a thousand deep",
        nested(1000),
        -32700,
        "request: not JSON (recursion limit exceeded at line 1 column 258)",
    ),
    Bad("nested deeper than is taken", nested(30), -32600, "request: nested deeper than 24"),
    Bad("more bytes than are taken", b" " * 65_537, -32005, "body: expected at most 65536 bytes", 413),
    # JSON-RPC
    Bad("a string", "eth_accounts", -32600, 'request: expected an object, got "eth_accounts"'),
    Bad("a number", 7, -32600, "request: expected an object, got 7"),
    Bad("null", b"null", -32600, "request: expected an object, got null"),
    Bad("no version", {"id": 1, "method": "eth_accounts"}, -32600, 'jsonrpc: expected "2.0", got nothing'),
    Bad("version 1.0", rpc("eth_accounts", jsonrpc="1.0"), -32600, 'jsonrpc: expected "2.0", got "1.0"'),
    Bad("version as a number", rpc("eth_accounts", jsonrpc=2.0), -32600, 'jsonrpc: expected "2.0", got 2.0'),
    Bad("no method", {"jsonrpc": "2.0", "id": 1}, -32600, "method: expected a name, got nothing"),
    Bad("method as a number", rpc(5), -32600, "method: expected a name, got 5"),
    Bad("method empty", rpc(""), -32600, 'method: expected a name, got ""'),
    Bad(
        "method too long",
        rpc("eth_" + "a" * 80),
        -32600,
        'method: expected a name, got "eth_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"',
    ),
    Bad("params as text", rpc("eth_accounts", "0x"), -32600, 'params: expected an array or an object, got "0x"'),
    Bad(
        "params null",
        b'{"jsonrpc":"2.0","id":1,"method":"eth_accounts","params":null}',
        -32600,
        "params: expected an array or an object, got null",
    ),
    Bad("id as an object", rpc("eth_accounts", id={}), -32600, "id: expected a string or a whole number, got {}"),
    Bad("id with a fraction", rpc("eth_accounts", id=1.5), -32600, "id: expected a string or a whole number, got 1.5"),
    Bad("id true", rpc("eth_accounts", id=True), -32600, "id: expected a string or a whole number, got true"),
    Bad("id an array", rpc("eth_accounts", id=[1]), -32600, "id: expected a string or a whole number, got [1]"),
    Bad(
        "id beyond every number",
        b'{"jsonrpc":"2.0","id":1e999,"method":"eth_accounts"}',
        -32600,
        "id: expected a string or a whole number, got Infinity",
    ),
    Bad(
        "a member that is not known",
        rpc("eth_accounts", origin="https://bank.example"),
        -32600,
        "origin: a request has no such member",
    ),
    Bad("a batch of none", [], -32600, "batch: expected at least one request, got none"),
    Bad("a batch of too many", [rpc("eth_accounts")] * 17, -32600, "batch: expected at most 16 requests, got 17"),
    Bad(
        "a batch that asks a person twice",
        [ask(periodic())] * 2,
        -32600,
        "batch: expected wallet_requestExecutionPermissions at most once, got it 2 times",
    ),
    Bad("a batch of one that is none", [1], -32600, "request: expected an object, got 1"),
    Bad("a method nobody has", rpc("eth_mint"), -32601, "the method eth_mint does not exist"),
    Bad(
        "a method of another wallet",
        rpc("wallet_grantPermissions", []),
        -32601,
        "the method wallet_grantPermissions does not exist",
    ),
    Bad(
        "a method with control characters",
        rpc("eth\u001b[2J\u202e"),
        -32601,
        "the method eth\\x1b[2J\\u202e does not exist",
    ),
    Bad("signing", rpc("eth_signTypedData_v4", []), -32601, "the method eth_signTypedData_v4 does not exist"),
    # parameters
    Bad("accounts with params", rpc("eth_accounts", [1]), -32602, "params: expected none"),
    Bad(
        "supported with params",
        rpc("wallet_getSupportedExecutionPermissions", ["all"]),
        -32602,
        "params: expected none",
    ),
    Bad(
        "granted with params",
        rpc("wallet_getGrantedExecutionPermissions", [{"origin": "https://bank.example"}]),
        -32602,
        "params: expected none",
    ),
    Bad("no params", rpc(ASK), -32602, "params: expected a list of at least one permission request"),
    Bad("params an object", rpc(ASK, periodic()), -32602, "params: expected a list of at least one permission request"),
    Bad("params empty", rpc(ASK, []), -32602, "params: expected a list of at least one permission request"),
    Bad(
        "too many permissions",
        ask(*[periodic()] * 17),
        -32602,
        "params: expected at most 16 permission requests, got 17",
    ),
    Bad(
        "a permission that is text",
        ask("all of it"),
        -32602,
        "params[0]: expected an object with named fields, got all of it",
    ),
    Bad(
        "the second of two is bad",
        ask(periodic(), periodic(to=ZERO)),
        -32602,
        "params[1].to: expected the account that redeems, got the zero address, which never can",
    ),
    # the request
    Bad("no chain id", changed("chainId", ...), -32602, "params[0].chainId: this field is required"),
    Bad(
        "chain id as a number",
        changed("chainId", 31337),
        -32602,
        "params[0].chainId: expected 0x and 1 to 64 hex digits, got 31337 (a number or decimal text has two readings where hex is due)",
    ),
    Bad(
        "chain id in decimal",
        changed("chainId", "31337"),
        -32602,
        "params[0].chainId: expected 0x and 1 to 64 hex digits, got 31337 (a number or decimal text has two readings where hex is due)",
    ),
    Bad("chain id zero", changed("chainId", "0x0"), -32602, "params[0].chainId: expected a chain id above 0, got 0x0"),
    Bad("another chain", changed("chainId", "0x1"), 4901, "params[0].chainId: not connected to 0x1, only to 0x7a69"),
    Bad("no to", changed("to", ...), -32602, "params[0].to: this field is required"),
    Bad(
        "to too short", changed("to", "0x1234"), -32602, "params[0].to: Address: expected 20 bytes, got 2 bytes: 0x1234"
    ),
    Bad(
        "to with a wrong checksum",
        changed("to", WRONG_CHECKSUM),
        -32602,
        "params[0].to: Address: expected a valid EIP-55 checksum, got 0x70997970C51812dc3A010C7d01b50e0d17dc79Ca (copy the address again; write it all in lower case only if you are sure of it)",
    ),
    Bad(
        "to nobody",
        changed("to", ZERO),
        -32602,
        "params[0].to: expected the account that redeems, got the zero address, which never can",
    ),
    Bad(
        "to anyone",
        changed("to", OPEN),
        -32602,
        "params[0].to: 0x0000000000000000000000000000000000000a11 stands for anyone; name the account that redeems, or add a redeemer rule",
    ),
    Bad(
        "from nobody known",
        ask(periodic(**{"from": str(BOB)})),
        -32001,
        "params[0].from: 0x90F79bf6EB2c4f870365E785982E1f101E93b906 is no account of this wallet",
    ),
    Bad(
        "from that is no address",
        ask(periodic(**{"from": "alice"})),
        -32602,
        "params[0].from: Address: expected 0x and pairs of hex digits, got alice (prefix it with 0x)",
    ),
    Bad(
        "a field that is not known",
        changed("address", str(ALICE)),
        -32602,
        "params[0].address: there is no such field (remove it or check its spelling)",
    ),
    Bad("no permission", changed("permission", ...), -32602, "params[0].permission: this field is required"),
    # the permission
    Bad("no type", changed("permission.type", ...), -32602, "params[0].permission.type: this field is required"),
    Bad(
        "a type nobody knows",
        changed("permission.type", "native-token-gift"),
        -32602,
        "params[0].permission.type: native-token-gift: no such type is known",
    ),
    Bad(
        "a type with control characters",
        changed("permission.type", "\x1b[2J\u202e"),
        -32602,
        "params[0].permission.type: \\x1b[2J\\u202e: no such type is known",
    ),
    Bad(
        "a type that is deprecated",
        changed("permission", {"type": "erc20-token-revocation", "isAdjustmentAllowed": True, "data": {}}),
        -32602,
        "params[0].permission.type: erc20-token-revocation: the type is deprecated; ask for token-approval-revocation",
    ),
    Bad(
        "no word on adjusting",
        changed("permission.isAdjustmentAllowed", ...),
        -32602,
        "params[0].permission.isAdjustmentAllowed: this field is required",
    ),
    Bad(
        "adjusting as text",
        changed("permission.isAdjustmentAllowed", "false"),
        -32602,
        "params[0].permission.isAdjustmentAllowed: expected true or false, got false",
    ),
    Bad("no data", changed("permission.data", ...), -32602, "params[0].permission.data: this field is required"),
    Bad(
        "no amount",
        changed("permission.data.periodAmount", ...),
        -32602,
        "params[0].permission.data.periodAmount: this field is required",
    ),
    Bad(
        "amount zero",
        changed("permission.data.periodAmount", "0x0"),
        -32602,
        "params[0].permission.data.periodAmount: expected more than 0, got 0",
    ),
    Bad(
        "amount as a number",
        changed("permission.data.periodAmount", 10),
        -32602,
        "params[0].permission.data.periodAmount: expected 0x and 1 to 64 hex digits, got 10 (a number or decimal text has two readings where hex is due)",
    ),
    Bad(
        "amount in decimal",
        changed("permission.data.periodAmount", "10"),
        -32602,
        "params[0].permission.data.periodAmount: expected 0x and 1 to 64 hex digits, got 10 (a number or decimal text has two readings where hex is due)",
    ),
    Bad(
        "amount without digits",
        changed("permission.data.periodAmount", "0x"),
        -32602,
        "params[0].permission.data.periodAmount: expected 0x and 1 to 64 hex digits, got 0x",
    ),
    Bad(
        "amount that is no hex",
        changed("permission.data.periodAmount", "0x1g"),
        -32602,
        "params[0].permission.data.periodAmount: expected 0x and 1 to 64 hex digits, got 0x1g",
    ),
    Bad(
        "amount below zero",
        changed("permission.data.periodAmount", "-0x1"),
        -32602,
        "params[0].permission.data.periodAmount: expected 0x and 1 to 64 hex digits, got -0x1 (a number or decimal text has two readings where hex is due)",
    ),
    Bad(
        "amount past 2^256-1",
        changed("permission.data.periodAmount", hex(MAX_UINT256 + 1)),
        -32602,
        "params[0].permission.data.periodAmount: expected 0x and 1 to 64 hex digits, got 0x10000000000000000000000000000000000000000000000000000000000000000",
    ),
    Bad(
        "period of no length",
        changed("permission.data.periodDuration", 0),
        -32602,
        "params[0].permission.data.periodDuration: expected 1 to 315360000 seconds, got 0",
    ),
    Bad(
        "period longer than ten years",
        changed("permission.data.periodDuration", 315_360_001),
        -32602,
        "params[0].permission.data.periodDuration: expected 1 to 315360000 seconds, got 315360001",
    ),
    Bad(
        "period with a fraction",
        changed("permission.data.periodDuration", 1.5),
        -32602,
        "params[0].permission.data.periodDuration: expected a whole number of seconds, not below 0, got 1.5",
    ),
    Bad(
        "period as hex",
        changed("permission.data.periodDuration", "0x15180"),
        -32602,
        "params[0].permission.data.periodDuration: expected a whole number of seconds, not below 0, got 0x15180",
    ),
    Bad(
        "data of another type",
        changed("permission.data.tokenAddress", str(TOKEN)),
        -32602,
        "params[0].permission.data.tokenAddress: there is no such field (remove it or check its spelling)",
    ),
    Bad(
        "start yesterday",
        changed("permission.data.startTime", NOW - DAY),
        -32602,
        "params[0].permission.data.startTime: expected today or later (1767225600 on), got 1767139200",
    ),
    Bad(
        "start in milliseconds",
        changed("permission.data.startTime", NOW * 1000),
        -32602,
        "params[0].permission.data.startTime: 1767225600000 is past the year 9999; give seconds, not milliseconds (and 1 more)",
    ),
    Bad(
        "start after the expiry",
        changed("permission.data.startTime", NOW + 8 * DAY),
        -32602,
        "params[0].rules[0].data.timestamp: expected a moment after the start 1767916800, got 1767830400",
    ),
    Bad(
        "words that are too long",
        changed("permission.data.justification", "please " * 50),
        -32602,
        "params[0].permission.data.justification: expected at most 300 characters, got 350",
    ),
    Bad(
        "words that are no text",
        changed("permission.data.justification", ["please"]),
        -32602,
        "params[0].permission.data.justification: expected text, got ['please']",
    ),
    Bad(
        "stream that ends before it begins",
        stream(initialAmount="0x5", maxAmount="0x5"),
        -32602,
        "params[0].permission.data.maxAmount: expected more than the initial amount 5, got 5",
    ),
    Bad(
        "stream of nothing",
        stream(amountPerSecond="0x0"),
        -32602,
        "params[0].permission.data.amountPerSecond: expected more than 0, got 0",
    ),
    Bad(
        "token zero",
        erc20(tokenAddress=ZERO),
        -32602,
        "params[0].permission.data.tokenAddress: expected an ERC-20, got the zero address",
    ),
    Bad(
        "no token", erc20(tokenAddress=None), -32602, "params[0].permission.data.tokenAddress: expected text, got None"
    ),
    Bad(
        "revoking nothing",
        ask(
            request(
                "token-approval-revocation",
                dict.fromkeys(
                    (
                        "erc20Approve",
                        "erc721Approve",
                        "erc721SetApprovalForAll",
                        "permit2Approve",
                        "permit2Lockdown",
                        "permit2InvalidateNonces",
                    ),
                    False,
                ),
                expiry(1),
            )
        ),
        -32602,
        "params[0].permission.data: no kind of revocation is switched on; set at least one to true",
    ),
    # rules
    Bad(
        "rules an object",
        changed("rules", {"expiry": 1}),
        -32602,
        "params[0].rules: expected a list, got {'expiry': 1}",
    ),
    Bad(
        "a rule nobody knows",
        ruled({"type": "moon-phase", "data": {}}),
        -32602,
        "params[0].rules[0].type: expected one that native-token-periodic takes (expiry, redeemer, payee), got moon-phase",
    ),
    Bad("a rule without data", ruled({"type": "expiry"}), -32602, "params[0].rules[0].data: this field is required"),
    Bad(
        "expiry twice",
        ruled(expiry(1), expiry(2)),
        -32602,
        "params[0].rules[1].type: a rule of the type expiry stands before it; one is enough",
    ),
    Bad(
        "expiry now",
        ruled(expiry(0)),
        -32602,
        "params[0].rules[0].data.timestamp: expected a moment after now (1767225600), got 1767225600",
    ),
    Bad(
        "expiry in the past",
        ruled(expiry(-1)),
        -32602,
        "params[0].rules[0].data.timestamp: expected a moment after now (1767225600), got 1767139200",
    ),
    Bad(
        "expiry in milliseconds",
        ruled({"type": "expiry", "data": {"timestamp": NOW * 1000}}),
        -32602,
        "params[0].rules[0].data.timestamp: 1767225600000 is past the year 9999; give seconds, not milliseconds",
    ),
    Bad(
        "expiry as text",
        ruled({"type": "expiry", "data": {"timestamp": str(NOW)}}),
        -32602,
        "params[0].rules[0].data.timestamp: expected a whole number of seconds, not below 0, got 1767225600",
    ),
    Bad(
        "expiry true",
        ruled({"type": "expiry", "data": {"timestamp": True}}),
        -32602,
        "params[0].rules[0].data.timestamp: expected a whole number of seconds, not below 0, got True",
    ),
    Bad(
        "no redeemer",
        ruled(addresses("redeemer")),
        -32602,
        "params[0].rules[0].data.addresses: expected at least one address, got none",
    ),
    Bad(
        "redeemer zero",
        ruled({"type": "redeemer", "data": {"addresses": [ZERO]}}),
        -32602,
        "params[0].rules[0].data.addresses: it lists the zero address; name the account",
    ),
    Bad(
        "redeemer twice the same",
        ruled(addresses("redeemer", AGENT, AGENT)),
        -32602,
        "params[0].rules[0].data.addresses: it lists an address twice",
    ),
    Bad(
        "redeemers as text",
        ruled({"type": "redeemer", "data": {"addresses": str(AGENT)}}),
        -32602,
        "params[0].rules[0].data.addresses: expected a list, got 0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    ),
    Bad(
        "no payee",
        ruled(addresses("payee")),
        -32602,
        "params[0].rules[0].data.addresses: expected at least one address, got none",
    ),
    Bad(
        "two payees of a token",
        erc20(addresses("payee", SHOP, BOB)),
        -32602,
        "params[0].rules[0].data.addresses: expected exactly one payee of an ERC-20, got 2",
    ),
    Bad(
        "a payee for revoking",
        ask(
            request(
                "token-approval-revocation",
                {
                    "erc20Approve": True,
                    "erc721Approve": False,
                    "erc721SetApprovalForAll": False,
                    "permit2Approve": False,
                    "permit2Lockdown": False,
                    "permit2InvalidateNonces": False,
                },
                addresses("payee", SHOP),
            )
        ),
        -32602,
        "params[0].rules[0].type: expected one that token-approval-revocation takes (expiry, redeemer), got payee",
    ),
    # revoking
    Bad("revoking without a context", rpc(REVOKE, {}), -32602, "params.permissionContext: this field is required"),
    Bad(
        "revoking what is no hex",
        rpc(REVOKE, {"permissionContext": "all"}),
        -32602,
        "params.permissionContext: bytes: expected 0x and pairs of hex digits, got all (prefix it with 0x)",
    ),
    Bad(
        "revoking an odd digit",
        rpc(REVOKE, {"permissionContext": "0x123"}),
        -32602,
        "params.permissionContext: bytes: expected 0x and pairs of hex digits, got 0x123 (it has an odd number of digits; each byte takes two)",
    ),
    Bad(
        "revoking what is no context",
        rpc(REVOKE, {"permissionContext": "0x1234"}),
        -32602,
        "params.permissionContext: permission context: the data ends at byte 2, inside the word at byte 0",
    ),
    Bad(
        "revoking no delegation",
        rpc(REVOKE, {"permissionContext": "0x" + f"{32:064x}" + f"{0:064x}"}),
        -32602,
        "params.permissionContext: expected one delegation, got 0",
    ),
    Bad(
        "revoking a hash", rpc(REVOKE, ["0x" + "11" * 32]), -32602, "params: expected an object with permissionContext"
    ),
    Bad(
        "revoking what was never granted",
        rpc(REVOKE, {"permissionContext": UNKNOWN}),
        -32001,
        "permissionContext: nothing was granted to this site by that context",
    ),
    Bad(
        "revoking a chain of two",
        rpc(REVOKE, {"permissionContext": CHAIN_OF_TWO}),
        -32602,
        "params.permissionContext: expected one delegation, got 2",
    ),
    Bad(
        "revoking with more",
        rpc(REVOKE, {"permissionContext": "0x", "force": True}),
        -32602,
        "params.force: there is no such field (remove it or check its spelling)",
    ),
    # HTTP
    Bad(
        "no origin",
        rpc("eth_accounts"),
        4100,
        "origin: expected the header Origin with one that is allowed",
        403,
        headers={"origin": None},
    ),
    Bad(
        "another origin",
        rpc("eth_accounts"),
        4100,
        "origin: expected the header Origin with one that is allowed",
        403,
        headers={"origin": "https://bank.example"},
    ),
    Bad(
        "origin null",
        rpc("eth_accounts"),
        4100,
        "origin: expected the header Origin with one that is allowed",
        403,
        headers={"origin": "null"},
    ),
    Bad(
        "origin with a path",
        rpc("eth_accounts"),
        4100,
        "origin: expected the header Origin with one that is allowed",
        403,
        headers={"origin": "https://shop.example/"},
    ),
    Bad(
        "another name for this host",
        rpc("eth_accounts"),
        4100,
        "host: this server is not known by that name",
        421,
        headers={"host": "rebound.example:8123"},
    ),
    Bad(
        "a form",
        b"a=b",
        -32600,
        "content type: expected application/json",
        415,
        headers={"content-type": "application/x-www-form-urlencoded"},
    ),
    Bad("text", b"{}", -32600, "content type: expected application/json", 415, headers={"content-type": "text/plain"}),
    Bad(
        "no content type", b"{}", -32600, "content type: expected application/json", 415, headers={"content-type": None}
    ),
    Bad(
        "another charset",
        b"{}",
        -32600,
        "content type: expected application/json",
        415,
        headers={"content-type": "application/json; charset=utf-16"},
    ),
    Bad("compressed", b"{}", -32600, "content encoding: expected none", 415, headers={"content-encoding": "gzip"}),
    Bad(
        "a length that is too much",
        b"{}",
        -32005,
        "body: expected at most 65536 bytes",
        413,
        headers={"content-length": "99999999999999"},
    ),
    Bad(
        "preflight of another origin",
        b"",
        4100,
        "origin: expected the header Origin with one that is allowed",
        403,
        method="OPTIONS",
        headers={"origin": "https://bank.example"},
    ),
    Bad(
        "no bearer token",
        rpc("eth_accounts"),
        4100,
        "token: expected the header Authorization with the right one",
        401,
        needs_token=True,
    ),
    Bad(
        "another token",
        rpc("eth_accounts"),
        4100,
        "token: expected the header Authorization with the right one",
        401,
        needs_token=True,
        headers={"authorization": "Bearer " + "x" * 32},
    ),
    Bad(
        "a token of another scheme",
        rpc("eth_accounts"),
        4100,
        "token: expected the header Authorization with the right one",
        401,
        needs_token=True,
        headers={"authorization": "Basic " + "t" * 32},
    ),
)
