"""Why evidence is refused: one error, and a closed list of reasons that programs can go by."""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

from caveats.errors import VerificationError

Reason = Literal[
    # the file
    "malformed-bundle",
    "not-canonical",
    "too-large",
    "address-mismatch",
    # the block
    "header-malformed",
    "header-hash-mismatch",
    "header-chain-broken",
    "unused-header",
    "wrong-block",
    # the nodes
    "duplicate-node",
    "reordered-nodes",
    "missing-node",
    "unused-node",
    "node-malformed",
    "duplicate-code",
    "reordered-codes",
    "missing-code",
    "unused-code",
    "root-mismatch",
    # what was proven
    "not-included",
    "transaction-malformed",
    "receipt-malformed",
    "account-malformed",
    "wrong-transaction",
    "missing-proof",
    "unasked-proof",
    "unsupported-type",
    # the receipt
    "receipt-contradicted",
    "claim-not-established",
    "missing-evidence",
    # the witness
    "witness-malformed",
    "witness-mismatch",
    "witness-incomplete",
    "witness-unused",
    "replay-over-budget",
]
REASONS: tuple[str, ...] = get_args(Reason)


class EvidenceError(VerificationError):
    """Evidence does not hold, or does not show what is claimed.

    Attributes:
        reason: one of REASONS; stable, for programs.
        path: of the fact in the receipt, or of the part in the bundle, that is at fault; empty for the whole.
    """

    code: ClassVar[str] = "verification.evidence"

    def __init__(self, reason: Reason, message: str, *, path: str = "", hint: str | None = None) -> None:
        super().__init__(f"{reason}: {message}", hint=hint)
        self.reason: Reason = reason
        self.path = path
