"""The places a ledger can be kept in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.ledger.postgres_server import postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """How to connect to a PostgreSQL server that runs for as long as the tests do."""
    with postgres_server() as conninfo:
        yield conninfo
