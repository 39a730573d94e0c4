"""The receipt: what was granted, asked and decided, as one portable JSON body with a hash.

Every integer that can pass 2^53 is a decimal string, bytes and addresses are lower-case hex, there are no floats and
no nulls, and every object is closed. Each value has one spelling, so the canonical form (RFC 8785) of what was read is
that of what was written; the hash is SHA-256 over it.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import ValidationError, model_validator

from caveats.errors import EncodingError, UnsupportedError, abbreviate
from caveats.strict_json import parse_json
from caveats.types import Listed, Model
from delegations.receipts.canonical import canonical_bytes
from delegations.receipts.model_parts import (
    Actor,
    Amount,
    Answers,
    ChainName,
    Escalation,
    Evidence,
    Granted,
    Identity,
    Label,
    Link,
    Prose,
    Provenance,
    ReceiptOutcome,
    Request,
    Revocation,
    Sha256,
    Subject,
)

SCHEMA: Final = "urn:delegations:receipt:1"
_ONLY_SAID: Final = ("labels", "answers", "issuer", "ext")
# words for people, which another version of the issuer may choose otherwise: the terms and the revert data are the fact
_WORDS: Final = re.compile(
    r"lineage\.[0-9]+\.caveats\.[0-9]+\.(name|says)|outcome\.denial\.(enforcer_name|explanation)"
)
KINDS: Final = ("redemption", "denial", "escalation", "revocation", "grant")


class Receipt(Model):
    """A portable account of one thing that was done with authority. Read with `from_json`, which knows all kinds.

    Attributes:
        kind: one of KINDS; each has its own class.
        claims: how a part's truth is known, by its path, such as "outcome" or "outcome.movements"; see `standing`.
        prev: hash of the previous receipt of the same agent, when receipts are chained.
        grant: hash of the receipt of the grant that was used.
        answers: the plan or tool call of the agent that this answers.
        labels: names from outside the chain, always attested.
        evidence: files that support the claims.
        issuer: who made the receipt.
        issued_at: unix seconds, by the issuer's clock.
        ext: whatever else the issuer wants to keep; never interpreted.
    """

    PARTS: ClassVar[tuple[str, ...]] = ()

    schema_: Literal["urn:delegations:receipt:1"]
    kind: str
    claims: dict[str, Provenance]
    prev: Sha256 | None = None
    grant: Sha256 | None = None
    answers: Answers | None = None
    labels: Listed[Label] | None = None
    evidence: Listed[Evidence] | None = None
    issuer: Identity | None = None
    issued_at: Amount | None = None
    ext: dict[str, Prose] | None = None

    @model_validator(mode="after")
    def _refuse_common_contradictions(self) -> Self:
        if any(claim != "attested" and path.partition(".")[0] in _ONLY_SAID for path, claim in self.claims.items()):
            raise ValueError("claims: labels, answers, issuer and ext are nobody's but the issuer's word: attested")
        for name in ("labels", "evidence", "ext"):
            if getattr(self, name) is not None and not getattr(self, name):
                raise ValueError(f"{name}: expected something in it, got nothing; leave the field out")
        if self.labels and len({label.address for label in self.labels}) != len(self.labels):
            raise ValueError("labels: an address has one name")
        return self

    def standing(self, path: str) -> Provenance:
        """Return how the fact at a path is known; what nobody claimed anything about is attested, the weakest.

        Args:
            path: names of fields joined by dots; a claim about a part holds for all that is in it, unless something
                in it has a claim of its own. Words for people are attested whatever is claimed: the `name` and
                `says` of a caveat, the `enforcer_name` and `explanation` of a denial.
        """
        parts = path.split(".")
        if parts[0] in _ONLY_SAID or _WORDS.fullmatch(path):
            return "attested"
        for length in range(len(parts), 0, -1):
            claimed = self.claims.get(".".join(parts[:length]))
            if claimed is not None:
                return claimed
        return "attested"

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON body: absent values are left out, never null."""
        wire = self.model_dump(mode="json", exclude_none=True)
        return {"schema": wire.pop("schema_"), "kind": wire.pop("kind"), **wire}

    def canonical(self) -> bytes:
        """Return the RFC 8785 bytes of the body."""
        return canonical_bytes(self.to_wire())

    def to_json(self) -> str:
        """Return the body as indented JSON. The hash is over the canonical form, not over this."""
        return json.dumps(self.to_wire(), indent=2, ensure_ascii=False)

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical bytes, as 64 hex digits."""
        return hashlib.sha256(self.canonical()).hexdigest()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the receipt read from JSON, as the class of its kind.

        Raises:
            EncodingError: not JSON, a duplicate key, a float, a null, a field that is unknown, missing or malformed, a
                value in another spelling than `to_wire` gives it, or another kind than this class is for.
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
        chosen = class_of_kind(value.get("kind"))
        if not issubclass(chosen, cls):
            raise EncodingError.of("Receipt.kind", expected=f"that of a {cls.__name__}", got=value["kind"])
        try:
            receipt = chosen.model_validate({"schema_" if key == "schema" else key: v for key, v in value.items()})
        except ValidationError as error:
            raise EncodingError.from_pydantic("Receipt", error) from error
        _refuse_other_spelling(receipt.to_wire(), value, "receipt")
        return receipt


class RedemptionReceipt(Receipt):
    """A redemption, done or denied.

    Attributes:
        kind: "redemption" when the authority agreed, whatever the call then did; "denial" when it did not.
        lineage: the chain of delegations, root first.
    """

    PARTS = ("subject", "lineage", "actor", "request", "outcome")

    kind: Literal["redemption", "denial"]
    subject: Subject
    lineage: Listed[Link]
    actor: Actor
    request: Request
    outcome: ReceiptOutcome

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
        if outcome.warnings is not None and not outcome.warnings:
            raise ValueError("outcome.warnings: expected something in it, got nothing; leave the field out")
        if outcome.status in ("denied", "failed") and (outcome.movements or outcome.enforcer_events):
            raise ValueError(f"outcome: nothing moves when the status is {outcome.status}")
        _refuse_disorder(self.lineage)
        self._refuse_unplaced()
        return self

    def _refuse_unplaced(self) -> None:
        subject = self.subject
        mined = (subject.transaction, subject.transaction_index, subject.log_index, subject.finality)
        if subject.phase == "preflight":
            if self.kind != "denial":
                raise ValueError("subject.phase: only a denial is told of before the deed")
            if mined != (None,) * 4:
                raise ValueError("subject: what was never sent has no transaction, no log and no finality")
        elif subject.network == "live" and (subject.transaction is None or subject.block.hash is None):
            raise ValueError("subject: on a live network the transaction and the hash of its block are named")


class EscalationReceipt(Receipt):
    """Somebody was asked for more than the authority at hand.

    Attributes:
        lineage: the authority that did not suffice, root first; empty when there was none.
        request: what the agent wanted to do, when it was a call.
    """

    PARTS = ("lineage", "actor", "request", "escalation")

    kind: Literal["escalation"]
    chain: ChainName
    lineage: Listed[Link]
    escalation: Escalation
    actor: Actor | None = None
    request: Request | None = None

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        asked = self.escalation
        if not asked.asks:
            raise ValueError("escalation.asks: expected at least one thing asked for, got none")
        if (asked.decided_at is not None) != (asked.decision in ("approved", "rejected")):
            raise ValueError(f"escalation.decided_at does not go with the decision {asked.decision}")
        if asked.grant is not None and asked.decision != "approved":
            raise ValueError(f"escalation.grant does not go with the decision {asked.decision}")
        if asked.expires_at < asked.asked_at or (asked.decided_at or asked.asked_at) < asked.asked_at:
            raise ValueError("escalation: nothing is decided or expires before it is asked")
        if asked.decided_at is not None and asked.decided_at > asked.expires_at:
            raise ValueError("escalation.decided_at: after the ask had expired")
        _refuse_disorder(self.lineage)
        return self


class RevocationReceipt(Receipt):
    """An authority was taken back.

    Attributes:
        lineage: the delegation that ended, with those above it, root first; empty when its content is not known.
    """

    PARTS = ("lineage", "revocation")

    kind: Literal["revocation"]
    lineage: Listed[Link]
    revocation: Revocation

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        ended = self.revocation
        if (ended.nonce is not None) != (ended.how == "nonce") or (ended.code is not None) != (ended.how == "code"):
            raise ValueError(f"revocation: how {ended.how} does not go with nonce {ended.nonce} and code {ended.code}")
        if ended.network == "live" and (ended.transaction is None or ended.block.hash is None):
            raise ValueError("revocation: on a live network the transaction and the hash of its block are named")
        _refuse_disorder(self.lineage)
        if self.lineage and (self.lineage[-1].hash, self.lineage[-1].delegator) != (ended.delegation, ended.by):
            raise ValueError("lineage must end with the delegation that was revoked, given by who revoked it")
        return self


class GrantReceipt(Receipt):
    """A delegation was signed.

    Attributes:
        lineage: the delegation, with those above it, root first.
    """

    PARTS = ("lineage", "granted")

    kind: Literal["grant"]
    lineage: Listed[Link]
    granted: Granted

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        granted = self.granted
        _refuse_disorder(self.lineage)
        if not self.lineage:
            raise ValueError("lineage must end with the delegation that was granted")
        leaf = self.lineage[-1]
        if (leaf.hash, leaf.delegator) != (granted.delegation, granted.principal):
            raise ValueError("lineage must end with the delegation that was granted, given by its principal")
        if (granted.signer is not None) != (granted.scheme == "ecdsa"):
            raise ValueError(f"granted.signer does not go with the scheme {granted.scheme}")
        return self


def class_of_kind(kind: object) -> type[Receipt]:
    """Return the class of receipts of a kind. Raises EncodingError for a kind that does not exist."""
    if kind is None:
        raise EncodingError("Receipt.kind: this field is required")
    for chosen, names in (
        (RedemptionReceipt, ("redemption", "denial")),
        (EscalationReceipt, ("escalation",)),
        (RevocationReceipt, ("revocation",)),
        (GrantReceipt, ("grant",)),
    ):
        if kind in names:
            return chosen
    raise EncodingError.of("Receipt.kind", expected=f"one of {', '.join(KINDS)}", got=kind)


def _refuse_disorder(lineage: tuple[Link, ...]) -> None:
    if [link.depth for link in lineage] != list(range(len(lineage))):
        raise ValueError("lineage must run from the root, depth 0, to the leaf")


def _refuse_null(value: Any, place: str) -> None:
    if value is None:
        raise EncodingError(f"{place}: null is not used; leave the field out")
    # most values are neither null nor hold one: their places need not be written out
    if isinstance(value, dict):
        for key, item in value.items():
            if item is None or isinstance(item, dict | list):
                _refuse_null(item, f"{place}.{abbreviate(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if item is None or isinstance(item, dict | list):
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
