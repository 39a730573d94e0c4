"""The receipt: what was granted, asked and decided, as one portable JSON body with a hash.

Every integer that can pass 2^53 is a decimal string, bytes and addresses are lower-case hex, there are no floats and
no nulls, and every object is closed. Each value has one spelling, so the canonical form (RFC 8785) of what was read is
that of what was written; the hash is SHA-256 over it.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated, Any, Final, Literal, Self

import rfc8785
from pydantic import AfterValidator, PlainSerializer, model_validator

from caveats.errors import EncodingError, UnsupportedError, abbreviate
from caveats.strict_json import parse_json
from caveats.types import Address, Bytes32, HexBytes, Listed, Model, Uint256, format_hex
from delegations.simulation.verdict import HookName, Stage

SCHEMA: Final = "urn:delegations:receipt:1"
Provenance = Literal["proven", "reexecuted", "traced", "attested"]

LowerAddress = Annotated[Address, PlainSerializer(format_hex, return_type=str, when_used="json")]
"""An address in lower-case hex: one spelling, so that equal receipts have equal bytes."""

_MAX_COUNT = 2**53 - 1


def _count(value: int) -> int:
    if not 0 <= value <= _MAX_COUNT:
        raise ValueError(f"expected a whole number from 0 to 2^53-1, got {value}")
    return value


def _text_like(pattern: str, expected: str) -> AfterValidator:
    form = re.compile(pattern)

    def check(value: str) -> str:
        if not form.fullmatch(value):
            raise ValueError(f"expected {expected}, got {abbreviate(value)}")
        return value

    return AfterValidator(check)


Count = Annotated[int, AfterValidator(_count)]
"""A place or a number of things: a JSON number, which every reader holds exactly."""
ChainName = Annotated[str, _text_like(r"eip155:[1-9][0-9]{0,19}", "a CAIP-2 identifier such as eip155:1")]
Sha256 = Annotated[str, _text_like(r"[0-9a-f]{64}", "64 lower-case hex digits")]


class BlockRef(Model):
    """The block something happened in."""

    number: Uint256
    timestamp: Uint256


class Subject(Model):
    """Which call the receipt is about.

    Attributes:
        chain: CAIP-2 identifier, such as "eip155:1".
        manager: the delegation manager that was called.
        calldata_hash: keccak256 of the whole redeemDelegations calldata.
        entry: index of the redemption in that call.
        network: "local" for an in-memory chain: nothing here happened on a live one.
    """

    chain: ChainName
    manager: LowerAddress
    calldata_hash: Bytes32
    entry: Count
    block: BlockRef
    network: Literal["local"]


class ReceiptCaveat(Model):
    """One caveat with what it says. `says` is prose for people; terms are what binds."""

    enforcer: LowerAddress
    name: str
    terms: HexBytes
    args: HexBytes
    says: str


class Link(Model):
    """One delegation of the lineage; depth 0 is the root."""

    depth: Count
    hash: Bytes32
    delegator: LowerAddress
    delegate: LowerAddress
    authority: Bytes32
    salt: Uint256
    caveats: Listed[ReceiptCaveat]


class Actor(Model):
    """Who acted: the redeemer called the manager, the submitter sent the transaction."""

    redeemer: LowerAddress
    submitter: LowerAddress


class ReceiptExecution(Model):
    """One call that was asked for."""

    target: LowerAddress
    value: Uint256
    call_data: HexBytes


class Request(Model):
    """What was asked."""

    mode: Bytes32
    executions: Listed[ReceiptExecution]


class ReceiptMovement(Model):
    """Value that moved; `token` is absent for the native token, `token_id` but for an ERC-721."""

    sender: LowerAddress
    recipient: LowerAddress
    token: LowerAddress | None = None
    amount: Uint256
    token_id: Uint256 | None = None


class ReceiptEvent(Model):
    """An enforcer's event: its counter after the call."""

    enforcer: LowerAddress
    contract: str
    event: str
    values: dict[str, str]


class ReceiptDenial(Model):
    """Who said no: depth counts from the root, as in the lineage."""

    stage: Stage
    entry: Count | None = None
    depth: Count | None = None
    delegation: Bytes32 | None = None
    caveat: Count | None = None
    enforcer: LowerAddress | None = None
    enforcer_name: str | None = None
    hook: HookName | None = None
    execution: Count | None = None
    reason: str
    explanation: str
    revert_data: HexBytes


class ReceiptOutcome(Model):
    """What came of it."""

    status: Literal["executed", "partially_executed", "denied", "failed"]
    gas_used: Uint256
    movements: Listed[ReceiptMovement] = ()
    enforcer_events: Listed[ReceiptEvent] = ()
    failed_executions: Listed[Count] = ()
    denial: ReceiptDenial | None = None


class Receipt(Model):
    """A portable account of one redemption, done or denied.

    Attributes:
        kind: "redemption" when the authority agreed, whatever the call then did; "denial" when it did not.
        lineage: the chain of delegations, root first.
        claims: for each part, how its truth is known: proven, reexecuted, traced or attested.
        prev: hash of the previous receipt of the same redeemer, when receipts are chained.
    """

    schema_: Literal["urn:delegations:receipt:1"]
    kind: Literal["redemption", "denial"]
    subject: Subject
    lineage: Listed[Link]
    actor: Actor
    request: Request
    outcome: ReceiptOutcome
    claims: dict[str, Provenance]
    prev: Sha256 | None = None

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        outcome = self.outcome
        if (self.kind == "denial") != (outcome.status == "denied"):
            raise ValueError(f"kind {self.kind} does not go with the status {outcome.status}")
        if (outcome.denial is not None) != (outcome.status in ("denied", "failed")):
            raise ValueError(
                f"outcome.denial must be there exactly when denied or failed, the status is {outcome.status}"
            )
        if bool(outcome.failed_executions) != (outcome.status == "partially_executed"):
            raise ValueError(f"outcome.failed_executions does not go with the status {outcome.status}")
        if [link.depth for link in self.lineage] != list(range(len(self.lineage))):
            raise ValueError("lineage must run from the root, depth 0, to the leaf")
        return self

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON body: absent values are left out, never null."""
        wire = self.model_dump(mode="json", exclude_none=True)
        return {"schema": wire.pop("schema_"), **wire}

    def canonical(self) -> bytes:
        """Return the RFC 8785 bytes of the body."""
        return rfc8785.dumps(self.to_wire())

    def to_json(self) -> str:
        """Return the body as indented JSON. The hash is over the canonical form, not over this."""
        return json.dumps(self.to_wire(), indent=2, ensure_ascii=False)

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical bytes, as 64 hex digits."""
        return hashlib.sha256(self.canonical()).hexdigest()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the receipt read from JSON.

        Raises:
            EncodingError: not JSON, a duplicate key, a float, a null, a field that is unknown, missing or malformed, or
                a value in another spelling than `to_wire` gives it.
            UnsupportedError: another schema.
        """
        return cls.from_wire(parse_json(text, what="receipt", exact=True))

    @classmethod
    def from_wire(cls, value: object) -> Self:
        """Return the receipt read from parsed JSON. Raises as `from_json`."""
        if not isinstance(value, dict) or "schema" not in value:
            raise EncodingError.of("receipt", expected=f'an object with "schema": "{SCHEMA}"', got=value)
        if value["schema"] != SCHEMA:
            raise UnsupportedError(f"receipt: expected schema {SCHEMA}, got {abbreviate(value['schema'])}")
        if "schema_" in value:
            raise EncodingError("Receipt.schema_: there is no such field", hint="remove it or check its spelling")
        _refuse_null(value, "receipt")
        receipt = super().from_wire({"schema_" if key == "schema" else key: v for key, v in value.items()})
        _refuse_other_spelling(receipt.to_wire(), value, "receipt")
        return receipt


def _refuse_null(value: Any, place: str) -> None:
    if value is None:
        raise EncodingError(f"{place}: null is not used; leave the field out")
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_null(item, f"{place}.{abbreviate(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_null(item, f"{place}.{index}")


def _refuse_other_spelling(ours: Any, given: Any, place: str) -> None:
    """Raise where `given` says the same in another form: its canonical bytes, and so its hash, would differ."""
    if isinstance(ours, dict):
        for key, item in ours.items():
            if key not in given:
                raise EncodingError(f"{place}.{abbreviate(key)}: this field is required")
            _refuse_other_spelling(item, given[key], f"{place}.{abbreviate(key)}")
    elif isinstance(ours, list):
        for index, item in enumerate(ours):
            _refuse_other_spelling(item, given[index], f"{place}.{index}")
    elif type(ours) is not type(given) or ours != given:
        raise EncodingError.of(place, expected=json.dumps(ours), got=json.dumps(given))
