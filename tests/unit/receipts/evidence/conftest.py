"""One chain for all that only reads it; its blocks are made once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from delegations.receipts import RedemptionReceipt
from delegations.receipts.evidence import Bundle, attach, prove
from tests.unit.receipts.evidence.live_chain import LiveChain


class Proven(NamedTuple):
    """A receipt with its evidence, and the hash that is trusted."""

    receipt: RedemptionReceipt
    bundle: Bundle
    block_hash: bytes


@pytest.fixture(scope="session")
def live() -> Iterator[LiveChain]:
    """A chain that mines what it is told to."""
    chain = LiveChain()
    yield chain
    chain.close()


@pytest.fixture(scope="session")
def payment(live: LiveChain) -> Proven:
    """A token payment through three links, among twelve other transactions."""
    receipt = live.three_link_redemption(others=12)
    bundle = prove(receipt, live.client)
    trusted = bytes(receipt.subject.block.hash or b"")
    return Proven(attach(receipt, bundle, trusted), bundle, trusted)
