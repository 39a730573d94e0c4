"""The JSON Schema in the package: as the models are, and as strict about forms."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from delegations.receipts import KINDS, SCHEMA, Receipt
from delegations.receipts.json_schema import build_schema, format_schema, load_schema, schema_text
from tests.unit.receipts.test_kinds import CONTRADICTIONS, Change, changed

VALIDATOR = Draft202012Validator(load_schema())
STATUSES = ("executed", "partially_executed", "denied", "failed")
# what no schema can say: an order, a sum, an equality of two places
BEYOND_A_SCHEMA = (
    "nothing is decided or expires before",
    "after the ask had expired",
    "must end with the delegation that was revoked",
    "must end with the delegation that was granted, given",
)


def errors(value: Any) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(value)]


def test_the_schema_in_the_package_is_that_of_the_models() -> None:
    assert schema_text() == format_schema(build_schema()), "write it anew: make docs"


def test_the_schema_is_a_valid_one_of_its_dialect() -> None:
    Draft202012Validator.check_schema(load_schema())
    assert load_schema()["$id"] == SCHEMA


@pytest.mark.parametrize("status", STATUSES)
def test_receipts_of_every_outcome_are_valid(receipts: dict[str, Receipt], status: str) -> None:
    assert errors(receipts[status].to_wire()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_receipts_of_every_kind_are_valid(every_kind: dict[str, Receipt], kind: str) -> None:
    assert errors(every_kind[kind].to_wire()) == []
    assert errors(json.loads(every_kind[kind].canonical())) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "urn:delegations:receipt:2"),
        (("kind",), "approval"),
        (("comment",), "hi"),
        (("prev",), None),
        (("prev",), "AB" * 32),
        (("subject", "entry"), -1),
        (("subject", "entry"), 2**53),
        (("subject", "entry"), 0.5),
        (("subject", "chain"), "eip155:01"),
        (("subject", "manager"), "0xDB9B1e94B5b69Df7e401DDbedE43491141047dB3"),
        (("subject", "comment"), "hi"),
        (("outcome", "gas_used"), 5),
        (("outcome", "gas_used"), "05"),
        (("outcome", "gas_used"), "1e3"),
        (("claims", "outcome"), "believed"),
        (("labels",), []),
    ],
    ids=str,
)
def test_another_form_is_invalid(receipt: Receipt, path: tuple[str, ...], value: Any) -> None:
    wire = receipt.to_wire()
    assert errors(wire) == []
    at = wire
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    assert errors(wire)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_that_is_required_is_required_by_the_schema(every_kind: dict[str, Receipt], kind: str) -> None:
    wire = every_kind[kind].to_wire()
    required = {"schema", "kind", "claims", *every_kind[kind].PARTS}
    for name in required & set(wire) - ({"actor", "request"} if kind == "escalation" else set()):
        assert errors({key: value for key, value in wire.items() if key != name}), name


@pytest.mark.parametrize(("kind", "change", "message"), CONTRADICTIONS, ids=[f"{k}: {m}" for k, _, m in CONTRADICTIONS])
def test_the_schema_refuses_the_contradictions_a_schema_can_say(
    every_kind: dict[str, Receipt], kind: str, change: Change, message: str
) -> None:
    wire = changed(every_kind[kind], change)
    said = not (message.startswith(BEYOND_A_SCHEMA) or (message.endswith("granted") and wire["lineage"]))
    assert bool(errors(wire)) is said
