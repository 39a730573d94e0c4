"""Receipts: what was granted, asked and decided, in a form that holds in someone else's hands."""

from delegations.receipts.build import make_receipts
from delegations.receipts.model import SCHEMA, Receipt

__all__ = ["Receipt", "make_receipts", "SCHEMA"]
