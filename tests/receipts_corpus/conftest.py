"""The corpus is mined once for each worker."""

from __future__ import annotations

import pytest

from tests.receipts_corpus.make import Case, make_corpus


@pytest.fixture(scope="session")
def corpus() -> dict[str, Case]:
    """Every case by its name."""
    cases = make_corpus()
    assert len({case.name for case in cases}) == len(cases)
    return {case.name: case for case in cases}
