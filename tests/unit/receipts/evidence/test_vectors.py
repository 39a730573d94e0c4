"""Receipts with their evidence as they were once made: they hold for ever, to the byte.

Run as a script it makes them anew, which a change of the format's version is the only reason for:

    python -m tests.unit.receipts.evidence.test_vectors
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from delegations.receipts import Receipt
from delegations.receipts.evidence import Bundle, attach, prove, verify

FOLDER = Path(__file__).resolve().parents[3] / "vectors" / "evidence"
NAMES = ("redemption", "denial")


def read(name: str) -> dict[str, Any]:
    vector: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return vector


@pytest.mark.parametrize("name", NAMES)
def test_what_was_once_proven_still_is(name: str) -> None:
    vector = read(name)
    bundle = Bundle.from_bytes(rfc8785.dumps(vector["bundle"]))
    receipt = Receipt.from_wire(vector["receipt"])
    assert (bundle.sha256, receipt.hash) == (vector["bundle_sha256"], vector["receipt_sha256"])
    report = verify(receipt, bundle, bytes.fromhex(vector["block_hash"][2:]))
    assert {finding.path: finding.standing for finding in report.findings} == vector["standings"]
    assert report.is_named


def write(name: str, receipt: Receipt, bundle: Bundle) -> None:
    honest = attach(receipt, bundle, bundle.block_hash)
    report = verify(honest, bundle, bundle.block_hash)
    vector = {
        "block_hash": str(bundle.block_hash),
        "bundle_sha256": bundle.sha256,
        "receipt_sha256": honest.hash,
        "standings": {finding.path: finding.standing for finding in report.findings},
        "receipt": honest.to_wire(),
        "bundle": bundle.to_wire(),
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(vector, indent=1) + "\n")


def make() -> None:
    from tests.unit.receipts.evidence.live_chain import LiveChain
    from tests.unit.receipts.evidence.staged import above_the_allowance

    live = LiveChain()
    try:
        receipt = live.three_link_redemption(others=4)
        write("redemption", receipt, prove(receipt, live.client))
    finally:
        live.close()
    denial = above_the_allowance()
    write("denial", denial.receipt, prove(denial.receipt, denial.node.client, calldata=denial.call_data))


if __name__ == "__main__":
    make()
