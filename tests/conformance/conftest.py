from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.cases import ask_all
from tests.conformance.node import Kit


@pytest.fixture(scope="session")
def asked() -> dict[str, tuple[list[Any], list[dict[str, Any]]]]:
    """Subjects and the kit's answers, by family name."""
    return ask_all()


@pytest.fixture(scope="session")
def kit() -> Iterator[Kit]:
    """The kit, for single questions."""
    with Kit() as running:
        yield running
