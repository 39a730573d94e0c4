"""What is compared with the wallet's package and the kit, in each direction; the count of cases per type.

compile     our caveats, and theirs of the same permission, rules and nonce
read        a context they encoded, as we read it
decode      a context of ours, as they read it
ask         the JSON the kit sends for a request, ours, and ours read from the kit's
answer      our response as the kit reads it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from caveats.types import format_hex, parse_hex
from delegations.delegation import encode_context, hash_delegation
from delegations.framework import DELEGATION_MANAGER
from delegations.permissions import (
    DecodedPermission,
    Permission,
    PermissionRequest,
    PermissionResponse,
    TokenApprovalRevocation,
    decode_permission,
)
from tests.conformance.node import Kit
from tests.conformance.permissions.subjects import Subject, all_subjects

SCRIPT = Path(__file__).with_name("permissions.mjs")
ORDER = ("expiry", "redeemer", "payee")
Answer = Mapping[str, Any]


def compare_compile(subject: Subject, kit: Kit) -> bool:
    """The caveats are equal, byte for byte and in order."""
    theirs = _good(kit.ask("compile", **subject.asked))["caveats"]
    ours = [caveat.to_wire() for caveat in subject.delegation.caveats]
    assert ours == [{**caveat, "terms": caveat["terms"].lower()} for caveat in theirs]
    return True


def compare_read(subject: Subject, kit: Kit) -> bool:
    """The context they encoded is ours to the byte, and we read out of it what was asked."""
    theirs = _good(kit.ask("grant", **subject.asked))
    delegation = subject.delegation
    assert format_hex(encode_context([delegation])) == theirs["context"]
    assert str(hash_delegation(delegation)) == theirs["hash"]
    decoded = decode_permission(parse_hex(theirs["context"]), chain_id=1)
    assert isinstance(decoded, DecodedPermission), decoded
    assert decoded.nonce == subject.nonce
    assert decoded.notes == ()
    assert decoded.permission == without_unsigned(subject.request.permission)
    assert list(decoded.rules) == sorted(subject.request.rules, key=lambda rule: ORDER.index(rule.type))
    return True


def compare_decode(subject: Subject, kit: Kit) -> bool:
    """They read out of our context what we read. False for what they cannot read (test_differences.py)."""
    context = encode_context([subject.delegation])
    read = kit.ask("decode", context=format_hex(context))
    if isinstance(subject.request.permission, TokenApprovalRevocation) and subject.request.redeemers is not None:
        assert "error" in read, "the package has learnt to read a redeemer rule here: compare it"
        return False
    decoded = decode_permission(context, chain_id=1)
    assert isinstance(decoded, DecodedPermission), decoded
    assert in_our_words(_good(read)) == said(decoded)
    return True


def compare_ask(subject: Subject, kit: Kit) -> bool:
    """The kit sends the JSON we send, and we read what it sends."""
    (call,) = _good(kit.ask("ask", parameters=_parameters(subject.request)))["sent"]
    assert call["method"] == "wallet_requestExecutionPermissions"
    (theirs,) = call["params"]
    read = PermissionRequest.from_wire(theirs)
    assert read == _in_kit_order(subject.request)
    assert read.to_wire() == _in_checksum_case(theirs)
    return True


def compare_answer(subject: Subject, kit: Kit) -> bool:
    """The kit reads our response and hands out the values that were granted."""
    context = encode_context([subject.delegation])
    response = PermissionResponse.answering(subject.request, context=context, delegation_manager=DELEGATION_MANAGER)
    (read,) = _good(kit.ask("answer", response=response.to_wire()))["read"]
    wire = response.to_wire()
    assert read["chainId"] == subject.request.chain_id
    assert read["context"] == wire["context"]
    assert read["delegationManager"] == wire["delegationManager"]
    assert read["to"] == wire["to"]
    data = _as_bigints(subject.request.permission)
    assert {name: value for name, value in read["permission"]["data"].items() if value is not None} == data
    assert PermissionResponse.from_wire(wire) == response
    return True


DIRECTIONS: dict[str, Callable[[Subject, Kit], bool]] = {
    "compile": compare_compile,
    "read": compare_read,
    "decode": compare_decode,
    "ask": compare_ask,
    "answer": compare_answer,
}


def run_conformance() -> dict[tuple[str, str], int]:
    """Return the number of cases compared, by permission type and direction. Raises AssertionError at the first
    difference."""
    counts = {}
    with Kit(SCRIPT) as kit:
        for kind, subjects in all_subjects().items():
            for direction, compare in DIRECTIONS.items():
                counts[kind, direction] = sum(compare(subject, kit) for subject in subjects)
    return counts


def _good(answer: Answer) -> Answer:
    assert "error" not in answer, f"the package refused it: {answer['error']}"
    return answer


def without_unsigned(permission: Permission) -> Permission:
    """Return the permission without what no caveat holds."""
    return permission.model_copy(update={"is_adjustment_allowed": False, "justification": None})


def said(decoded: DecodedPermission) -> dict[str, Any]:
    """Return what we read, as `in_our_words` returns what they read."""
    wire = decoded.request.to_wire()
    return {
        "type": wire["permission"]["type"],
        "data": wire["permission"]["data"],
        "rules": wire["rules"],
        "from": wire["from"],
        "to": wire["to"],
    }


def in_our_words(read: Answer) -> dict[str, Any]:
    """Return what the package read with the liberties it takes in form taken back, and nothing else."""
    data = dict(read["data"])
    if "allowanceAmount" in data:  # a whole word, with its zeroes
        assert len(data["allowanceAmount"]) == 66
        data["allowanceAmount"] = hex(int(data["allowanceAmount"], 16))
    permission = Permission.from_wire({"type": read["type"], "isAdjustmentAllowed": False, "data": data})
    request = PermissionRequest.from_wire(
        {"chainId": "0x1", "from": read["from"], "to": read["to"], "permission": permission.to_wire()}
    )
    wire = request.to_wire()
    return {
        "type": read["type"],
        "data": wire["permission"]["data"],
        "rules": read["rules"],
        "from": wire["from"],
        "to": wire["to"],
    }


def _parameters(request: PermissionRequest) -> dict[str, Any]:
    """Return the request as a developer hands it to the kit."""
    wire = request.to_wire()
    rules = {rule.type: rule.write_data() for rule in request.rules}
    given = {
        "from": wire.get("from"),
        "expiry": rules.get("expiry", {}).get("timestamp"),
        "redeemer": rules.get("redeemer", {}).get("addresses"),
        "payee": rules.get("payee", {}).get("addresses"),
    }
    return {
        "chainId": request.chain_id,
        "to": wire["to"],
        "permission": {**wire["permission"], "data": _as_bigints(request.permission)},
        **{name: value for name, value in given.items() if value is not None},
    }


def _as_bigints(permission: Permission) -> dict[str, Any]:
    """Return the data as the kit's developers have it: amounts are bigints."""
    data = permission.write_data()
    return {
        name: f"{int(value, 16)}n" if "mount" in name else value  # ...Amount, amountPerSecond
        for name, value in data.items()
    }


def _in_kit_order(request: PermissionRequest) -> PermissionRequest:
    rules = sorted(request.rules, key=lambda rule: ORDER.index(rule.type))
    return request.model_copy(update={"rules": tuple(rules)})


def _in_checksum_case(wire: Mapping[str, Any]) -> dict[str, Any]:
    """Return the kit's JSON with the token in checksum case, which it leaves as the developer wrote it."""
    data = dict(wire["permission"]["data"])
    if "tokenAddress" in data:
        data["tokenAddress"] = Permission.from_wire({**wire["permission"]}).write_data()["tokenAddress"]
    return {**wire, "permission": {**wire["permission"], "data": data}}
