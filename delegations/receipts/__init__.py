"""Receipts: what was granted, asked and decided, in a form that holds in someone else's hands."""

from delegations.receipts.build import Notes, make_receipts
from delegations.receipts.build_mined import receipts_of
from delegations.receipts.build_revoked import revocations_of
from delegations.receipts.check import Problem, find_problems
from delegations.receipts.kinds import (
    hash_proposal,
    make_escalation_receipt,
    make_grant_receipt,
    make_preflight_receipts,
    make_revocation_receipt,
)
from delegations.receipts.model import (
    KINDS,
    SCHEMA,
    EscalationReceipt,
    GrantReceipt,
    Receipt,
    RedemptionReceipt,
    RevocationReceipt,
)
from delegations.receipts.model_parts import Answers, BlockRef, Escalation, Evidence, Label, Revocation

__all__ = [
    "Receipt",
    "RedemptionReceipt",
    "EscalationReceipt",
    "RevocationReceipt",
    "GrantReceipt",
    "make_receipts",
    "receipts_of",
    "revocations_of",
    "make_preflight_receipts",
    "make_grant_receipt",
    "make_escalation_receipt",
    "make_revocation_receipt",
    "Notes",
    "Label",
    "Answers",
    "Evidence",
    "Escalation",
    "Revocation",
    "BlockRef",
    "hash_proposal",
    "find_problems",
    "Problem",
    "SCHEMA",
    "KINDS",
]
