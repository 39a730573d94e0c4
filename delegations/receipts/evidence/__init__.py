"""Evidence: what the chain itself says for a receipt, in one file that is checked offline against a block hash.

bundle = prove(receipt, client)                   # asks a node
receipt = attach(receipt, bundle, block_hash)     # names the bundle, and claims what it shows
report = verify(receipt, bundle, block_hash)      # asks nobody
"""

from delegations.receipts.evidence.budget import DEFAULT_BUDGET, Budget
from delegations.receipts.evidence.bundle import BUNDLE_SCHEMA, EVIDENCE_TYPE, Bundle
from delegations.receipts.evidence.collect import attach, prove
from delegations.receipts.evidence.refusal import REASONS, EvidenceError
from delegations.receipts.evidence.report import Finding, Refusal, Report, Signature
from delegations.receipts.evidence.state import StateFact
from delegations.receipts.evidence.verify import examine, verify

__all__ = [
    "prove",
    "attach",
    "verify",
    "examine",
    "Bundle",
    "Budget",
    "DEFAULT_BUDGET",
    "Report",
    "Finding",
    "Refusal",
    "Signature",
    "StateFact",
    "EvidenceError",
    "REASONS",
    "BUNDLE_SCHEMA",
    "EVIDENCE_TYPE",
]
