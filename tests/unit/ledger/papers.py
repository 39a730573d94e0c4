"""Receipts and envelopes, as many as a test wants."""

from __future__ import annotations

from functools import cache
from typing import Any

from securesystemslib.dsse import Envelope

from delegations.receipts import Receipt
from delegations.receipts.envelope import sign_receipt
from tests.unit.ledger.notes import private_key
from tests.unit.receipts import makers

ISSUER = private_key(42)


@cache
def _denied() -> Receipt:
    return makers.denied()


def receipt_with(**fields: Any) -> Receipt:
    """A receipt of a denial, with other fields."""
    return Receipt.from_wire({**_denied().to_wire(), **fields})


@cache
def envelope_number(number: int) -> Envelope:
    """A signed receipt, another for each number."""
    return sign_receipt(receipt_with(issued_at=str(1_800_000_000 + number)), ISSUER)
