"""Permissions as they travel: one request of every type, in the one form we send."""

from __future__ import annotations

from typing import Any

from caveats.types import Address

NOW = 1_800_000_000
TOKEN, AGENT, ALICE, SHOP, OTHER = (Address(bytes([n]) * 20) for n in (0xC0, 0xA9, 0xA1, 0x50, 0x07))

DATA: dict[str, dict[str, Any]] = {
    "native-token-stream": {
        "amountPerSecond": "0x1",
        "initialAmount": "0x0",
        "maxAmount": "0x64",
        "startTime": NOW,
        "justification": "rent",
    },
    "native-token-periodic": {"periodAmount": "0xa", "periodDuration": 86_400, "startTime": NOW},
    "native-token-allowance": {"allowanceAmount": "0xa", "startTime": NOW},
    "erc20-token-stream": {
        "tokenAddress": str(TOKEN),
        "amountPerSecond": "0x1",
        "initialAmount": "0x5",
        "maxAmount": "0x64",
        "startTime": NOW,
    },
    "erc20-token-periodic": {
        "tokenAddress": str(TOKEN),
        "periodAmount": "0xa",
        "periodDuration": 86_400,
        "startTime": NOW,
        "justification": "lunch",
    },
    "erc20-token-allowance": {"tokenAddress": str(TOKEN), "allowanceAmount": "0xa", "startTime": NOW},
    "token-approval-revocation": {
        "erc20Approve": True,
        "erc721Approve": False,
        "erc721SetApprovalForAll": True,
        "permit2Approve": False,
        "permit2Lockdown": False,
        "permit2InvalidateNonces": False,
    },
}
LIVE = tuple(DATA)
OTHERS: dict[str, dict[str, Any]] = {
    "erc20-token-revocation": {"justification": "old"},
    "vendor-call-anything": {"calls": [{"to": "0x1", "deep": {"n": 1}}], "justification": "new"},
}
EXPIRY = {"type": "expiry", "data": {"timestamp": NOW + 86_400}}
REDEEMER = {"type": "redeemer", "data": {"addresses": [str(AGENT)]}}
PAYEE = {"type": "payee", "data": {"addresses": [str(SHOP)]}}
UNKNOWN = {"type": "quota", "data": {"n": 3, "of": ["a", None]}}


def permission(kind: str, **changed: Any) -> dict[str, Any]:
    """Return a permission; a changed field that is None is left out."""
    data = {**{**DATA, **OTHERS}[kind], **changed}
    kept = {name: value for name, value in data.items() if value is not None}
    return {"type": kind, "isAdjustmentAllowed": True, "data": kept}


def request(kind: str = "erc20-token-periodic", *rules: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """Return a request, in the order of fields we write."""
    return {
        "chainId": "0x1",
        "from": str(ALICE),
        "to": str(AGENT),
        "permission": permission(kind, **changed),
        "rules": list(rules),
    }


def response(kind: str = "erc20-token-periodic", *rules: dict[str, Any]) -> dict[str, Any]:
    """Return a response, in the order of fields we write."""
    return {
        **request(kind, *rules),
        "context": "0x1234",
        "dependencies": [{"factory": str(OTHER), "factoryData": "0xabcd"}],
        "delegationManager": str(SHOP),
    }
