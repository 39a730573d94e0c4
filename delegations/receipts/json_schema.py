"""The JSON Schema of receipts, made from the models; the package ships what it makes.

The schema says what a form is; the models say more (a checksum, a hash that must agree), so what the schema takes may
still be refused, and what the models take is never refused by the schema.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import TypeAdapter

from delegations.receipts.model import (
    SCHEMA,
    EscalationReceipt,
    GrantReceipt,
    RedemptionReceipt,
    RevocationReceipt,
)

FILE_NAME = "receipt-1.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def build_schema() -> dict[str, Any]:
    """Return the schema of a receipt of any kind, as the models are now."""
    made = TypeAdapter[Any](RedemptionReceipt | EscalationReceipt | RevocationReceipt | GrantReceipt).json_schema(
        mode="serialization"
    )
    defs = {name: _tidy(made["$defs"][name]) for name in sorted(made["$defs"])}
    for name, rules in _RULES.items():
        defs[name]["allOf"] = rules
    return {
        "$schema": _DIALECT,
        "$id": SCHEMA,
        "title": "Receipt",
        "description": "What was granted, asked and decided with an ERC-7710 delegation. SHA-256 over the RFC 8785 form"
        " is its hash.",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in _KIND_CLASSES],
        "$defs": defs,
    }


@cache
def load_schema() -> dict[str, Any]:
    """Return the schema the package ships."""
    return json.loads(schema_text())  # type: ignore[no-any-return]  # the file is ours and holds an object


def schema_text() -> str:
    """Return the text of the schema file the package ships."""
    return files("delegations.receipts").joinpath("schema", FILE_NAME).read_text(encoding="utf-8")


def format_schema(schema: dict[str, Any]) -> str:
    """Return the text of a schema, as the file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


_KIND_CLASSES = ("RedemptionReceipt", "EscalationReceipt", "RevocationReceipt", "GrantReceipt")


def _when(condition: dict[str, Any], then: dict[str, Any], otherwise: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"properties": condition, "required": list(condition)}, "then": then, "else": otherwise}


def _without(*names: str) -> dict[str, Any]:
    return {"not": {"anyOf": [{"required": [name]} for name in names]}}


def _status(*names: str) -> dict[str, Any]:
    return {"status": {"enum": list(names)}}


def _outcome(rule: dict[str, Any]) -> dict[str, Any]:
    return {"properties": {"outcome": rule}}


_EMPTY = {"maxItems": 0}
_ON_CHAIN: list[dict[str, Any]] = [
    _when(
        {"network": {"const": "live"}, "phase": {"const": "preflight"}},
        {},
        _when(
            {"network": {"const": "live"}},
            {"required": ["transaction"], "properties": {"block": {"required": ["hash"]}}},
            {},
        ),
    ),
    _when(
        {"phase": {"const": "preflight"}},
        _without("transaction", "transaction_index", "log_index", "finality"),
        {},
    ),
]
_RULES: dict[str, list[dict[str, Any]]] = {
    "RedemptionReceipt": [
        _when(
            {"kind": {"const": "denial"}},
            _outcome({"properties": {"status": {"const": "denied"}}}),
            {
                "properties": {
                    "outcome": {"properties": {"status": {"not": {"const": "denied"}}}},
                    "subject": _without("phase"),
                }
            },
        )
    ],
    "ReceiptOutcome": [
        _when(
            _status("denied", "failed"),
            {"required": ["denial"], "properties": {"movements": _EMPTY, "enforcer_events": _EMPTY}},
            _without("denial"),
        ),
        _when(
            _status("partially_executed"),
            {"properties": {"failed_executions": {"minItems": 1}}},
            {"properties": {"failed_executions": _EMPTY}},
        ),
    ],
    "Subject": _ON_CHAIN,
    "Escalation": [
        {"properties": {"asks": {"minItems": 1}}},
        _when({"decision": {"enum": ["approved", "rejected"]}}, {"required": ["decided_at"]}, _without("decided_at")),
        _when({"decision": {"const": "approved"}}, {}, _without("grant")),
    ],
    "Revocation": [
        _when({"how": {"const": "nonce"}}, {"required": ["nonce"]}, _without("nonce")),
        _when({"how": {"const": "code"}}, {"required": ["code"]}, _without("code")),
        _ON_CHAIN[0]["else"],
    ],
    "Granted": [_when({"scheme": {"const": "ecdsa"}}, {"required": ["signer"]}, _without("signer"))],
    "GrantReceipt": [{"properties": {"lineage": {"minItems": 1}}}],
}


def _attributes(docstring: str) -> dict[str, str]:
    """Return what a docstring says of each attribute."""
    _, _, listed = docstring.partition("Attributes:\n")
    found: dict[str, str] = {}
    name = ""
    for row in listed.splitlines():
        head = re.match(r" {4}(\w+): (.*)", row)
        if head:
            name = head[1]
            found[name] = head[2]
        elif name and row.startswith("     "):
            found[name] += " " + row.strip()
    return found


def _tidy(model: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one model as our wire has it: absent instead of null, no defaults, closed."""
    properties, required = {}, []
    for python_name, field in model["properties"].items():
        name = "schema" if python_name == "schema_" else python_name
        options = [option for option in field.get("anyOf", ()) if option != {"type": "null"}]
        optional = len(options) != len(field.get("anyOf", ()))
        kept = {key: value for key, value in field.items() if key not in ("anyOf", "default", "title")}
        if options:
            kept |= options[0]
        if optional and kept.get("type") in ("array", "object"):
            kept["minItems" if kept["type"] == "array" else "minProperties"] = 1
        if not optional:
            required.append(name)
        properties[name] = kept
    # an empty call path is the transaction itself; elsewhere what is empty is left out
    for name in ("call_path", "via"):
        if name in properties:
            properties[name].pop("minItems", None)
    said = model.get("description", "")
    for name, text in _attributes(said).items():
        if name in properties:
            properties[name] = {"description": text, **properties[name]}
    first_line = said.split("\n\n")[0].replace("\n", " ")
    return {
        "title": model["title"],
        "description": first_line,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
