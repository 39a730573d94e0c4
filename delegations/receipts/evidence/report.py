"""What came of verifying: each fact of the receipt with its standing, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from caveats.errors import EncodingError, abbreviate
from caveats.types import Bytes32, Model
from delegations.receipts.evidence.refusal import EvidenceError, Reason
from delegations.receipts.evidence.state import StateFact
from delegations.receipts.model import Receipt
from delegations.receipts.model_parts import Provenance
from delegations.receipts.words import OtherWords

Standing = Literal["proven", "reexecuted", "traced", "attested", "contradicted"]
_STRENGTH = {"attested": 0, "traced": 0, "reexecuted": 1, "proven": 2}
"""A trace is what a node said, so nobody who verifies can tell it from a word."""


@dataclass(frozen=True)
class Finding:
    """One fact of a receipt.

    Attributes:
        path: of the fact in the receipt.
        claimed: what the receipt says of how it is known.
        standing: how the verifier knows it; what it could not establish keeps the weaker of its claim and "traced".
        basis: what that rests on, in words.
    """

    path: str
    claimed: Provenance
    standing: Standing
    basis: str


@dataclass(frozen=True)
class Signature:
    """The signature of one delegation of the lineage.

    Attributes:
        delegation: its hash.
        standing: "proven" where the delegator's own key is recovered from it; "reexecuted" where the account's contract
            agreed when it was run again; "attested" where only the manager is known to have taken it.
        text: in words.
    """

    delegation: Bytes32
    standing: Provenance
    text: str


@dataclass(frozen=True)
class Refusal:
    """Why a receipt does not hold."""

    reason: Reason
    path: str
    text: str


@dataclass(frozen=True)
class Report:
    """What a bundle shows of a receipt.

    Attributes:
        receipt: hash of the receipt.
        bundle: SHA-256 of the bundle; None without one.
        is_named: whether the receipt names the bundle among its evidence.
        block_hash: the trust root: all that is proven is proven for whoever takes this for a block of the chain.
        block_number: of that block.
        findings: each fact of the receipt.
        state: what the state holds at the END of the block.
        signatures: of the lineage's delegations, where they are shown.
        limits: what this does not show, one sentence each.
        refusals: why it does not hold; empty when it does.
    """

    receipt: str
    bundle: str | None
    is_named: bool
    block_hash: Bytes32 | None
    block_number: int | None
    findings: tuple[Finding, ...]
    state: tuple[StateFact, ...]
    signatures: tuple[Signature, ...]
    limits: tuple[str, ...]
    refusals: tuple[Refusal, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts the receipt and every claim is established."""
        return not self.refusals

    def standing(self, path: str) -> Standing:
        """Return the standing of a fact, by its path or that of the nearest part it is in.

        Raises:
            EncodingError: there is no such fact in the receipt.
        """
        known = {finding.path: finding.standing for finding in self.findings}
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            found = known.get(".".join(parts[:length]))
            if found is not None:
                return found
        raise EncodingError.of("path", expected=f"one of {', '.join(known)}", got=path)

    def require(self, *reasons: Reason) -> None:
        """Raise the first refusal, of these reasons when any are given, as EvidenceError."""
        for refusal in self.refusals:
            if not reasons or refusal.reason in reasons:
                raise EvidenceError(refusal.reason, refusal.text, path=refusal.path)

    def to_wire(self) -> dict[str, Any]:
        """Return the report as JSON for programs."""
        return {
            "holds": self.holds,
            "receipt": self.receipt,
            **({} if self.bundle is None else {"bundle": self.bundle, "named_by_receipt": self.is_named}),
            **(
                {} if self.block_hash is None else {"trust_root": str(self.block_hash), "block": str(self.block_number)}
            ),
            "findings": [vars(finding) for finding in self.findings],
            "state_at_end_of_block": [fact.model_dump(mode="json", exclude_none=True) for fact in self.state],
            "signatures": [{**vars(s), "delegation": str(s.delegation)} for s in self.signatures],
            "limits": list(self.limits),
            "refusals": [vars(refusal) for refusal in self.refusals],
        }


class Findings:
    """Facts as they are established, and refusals as they are found.

    Args:
        receipt: whose claims they are held against.
    """

    def __init__(self, receipt: Receipt) -> None:
        self._receipt = receipt
        self._found: dict[str, Finding] = {}
        self.refusals: list[Refusal] = []

    def establish(self, path: str, standing: Provenance, basis: str) -> None:
        """Say that a fact is known, and by what. The stronger of two holds."""
        before = self._found.get(path)
        if before is None or (before.standing != "contradicted" and _STRENGTH[standing] >= _STRENGTH[before.standing]):
            self._found[path] = Finding(path, self._receipt.standing(path), standing, basis)

    def has(self, path: str) -> bool:
        """Return whether anything was said of this very fact."""
        return path in self._found

    def standing(self, path: str) -> Standing | None:
        """Return how this very fact is known; None where nothing was said of it."""
        found = self._found.get(path)
        return None if found is None else found.standing

    def leave(self, path: str, basis: str) -> None:
        """Say that a fact cannot be established: it stands as it is claimed, or as a node's word at best."""
        if path not in self._found:
            claimed = self._receipt.standing(path)
            weaker: Provenance = claimed if claimed in ("traced", "attested") else "attested"
            self._found[path] = Finding(path, claimed, weaker, basis)

    def leave_words(self, words: OtherWords) -> None:
        """Say that words are the issuer's own, whatever is known of what they are about."""
        told, read = ("none" if text is None else _short(text) for text in (words.told, words.read))
        basis = f"the issuer's own words, {told}; read here: {read}"
        claimed = self._receipt.claims.get(words.path, "attested")  # as it is written: nobody goes by it
        self._found[words.path] = Finding(words.path, claimed, "attested", basis)

    def compare(self, path: str, claimed: object, shown: object, standing: Provenance, basis: str) -> bool:
        """Establish a fact that is as it was shown to be; refuse one that is not. Returns whether it is."""
        if claimed == shown:
            self.establish(path, standing, basis)
            return True
        self.contradict(path, f"expected {_short(shown)}, got {_short(claimed)}")
        return False

    def contradict(self, path: str, text: str) -> None:
        """Say that what is shown is not what the receipt says."""
        self._found[path] = Finding(path, self._receipt.standing(path), "contradicted", text)
        self.refusals.append(Refusal("receipt-contradicted", path, f"{path}: {text}"))

    def listed(self) -> tuple[Finding, ...]:
        """Return every fact, in the order of their paths' first appearance."""
        return tuple(self._found.values())

    def refuse_unestablished(self) -> None:
        """Refuse each claim that is stronger than what was established."""
        for path, claimed in self._receipt.claims.items():
            if not _is_place(self._receipt, path):
                self._check(Finding(path, claimed, "attested", "there is no such fact in the receipt"))
                continue
            if path in self._found:
                continue
            # a claim about part of a fact, whatever is said of a part of that part, or about what no fact is about; as
            # it is written, also where nobody goes by it, as with words for people
            around = self._around(path)
            if around is not None:
                self._check(Finding(path, claimed, around.standing, around.basis))
            elif not any(known.startswith(f"{path}.") for known in self._found):
                self._check(Finding(path, claimed, "attested", "nothing shows it"))
        for finding in self._found.values():
            self._check(finding)

    def _around(self, path: str) -> Finding | None:
        parts = path.split(".")
        prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        return next((self._found[prefix] for prefix in prefixes if prefix in self._found), None)

    def _check(self, finding: Finding) -> None:
        if finding.standing == "contradicted" or _STRENGTH[finding.claimed] <= _STRENGTH[finding.standing]:
            return
        text = f"{finding.path}: claimed to be {finding.claimed}, shown to be {finding.standing} ({finding.basis})"
        self.refusals.append(Refusal("claim-not-established", finding.path, text))


def cover(findings: Findings, paths: Iterable[str], basis: str) -> None:
    """Leave every fact of a receipt that nothing was said of."""
    for path in paths:
        findings.leave(path, basis)


def _is_place(receipt: Receipt, path: str) -> bool:
    """Whether a path leads to something in a receipt, or to where something could be that is left out."""
    value: object = receipt
    for part in path.split("."):
        if isinstance(value, Model):
            if part not in type(value).__pydantic_fields__:
                return False
            value = getattr(value, part)
        elif isinstance(value, tuple):
            if part not in map(str, range(len(value))):
                return False
            value = value[int(part)]
        elif isinstance(value, Mapping) and part in value:
            value = value[part]
        else:
            return False
    return True


def _short(value: object) -> str:
    return abbreviate(str(value) if isinstance(value, bytes | int | str) or value is None else value)
