"""One live chain for all tests of forks; each test gets a relay of its own in front of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.evm.fork_node import Live, Relay


@pytest.fixture(scope="session")
def live() -> Iterator[Live]:
    live = Live()
    yield live
    live.close()


@pytest.fixture
def relay(live: Live) -> Iterator[Relay]:
    relay = Relay(live)
    yield relay
    relay.close()
