from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.node import Kit
from tests.conformance.permissions.compare import SCRIPT


@pytest.fixture(scope="session")
def wallet() -> Iterator[Kit]:
    """The wallet's package and the kit, for questions about permissions."""
    with Kit(SCRIPT) as running:
        yield running
