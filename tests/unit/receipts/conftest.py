"""Receipts of every kind, made once on a local chain."""

from __future__ import annotations

import pytest

from delegations.receipts import Receipt
from tests.unit.receipts import makers
from tests.unit.receipts.makers import denied, executed, failed, partially_executed


@pytest.fixture(scope="session")
def receipts() -> dict[str, Receipt]:
    """One receipt of each status."""
    made = [executed(), partially_executed(), denied(), failed()]
    return {receipt.outcome.status: receipt for receipt in made}


@pytest.fixture(scope="session")
def receipt(receipts: dict[str, Receipt]) -> Receipt:
    """The receipt of a redemption through two links, with movements and events."""
    return receipts["executed"]


@pytest.fixture(scope="session")
def every_kind() -> dict[str, Receipt]:
    """One receipt of each kind, by its kind."""
    return makers.every_kind()
