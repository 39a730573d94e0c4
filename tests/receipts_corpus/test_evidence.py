"""Every transaction of the corpus, its receipts made with a trace and held against what its block commits to.

Two readers that know different things must not contradict each other: what a trace tells, and what transaction, logs
and state prove.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest

from caveats.errors import UnsupportedError
from delegations.receipts import Receipt, RedemptionReceipt
from delegations.receipts.evidence import EvidenceError, attach, examine, verify
from tests.receipts_corpus.make import Case
from tests.unit.receipts.evidence.one_block import OneBlock, block_of

Corpus = dict[str, Case]


@pytest.fixture(scope="session")
def blocks(corpus: Corpus) -> list[tuple[str, OneBlock, RedemptionReceipt]]:
    """Every receipt that can be made of the corpus, with its block."""
    made = []
    for name, case in corpus.items():
        block = block_of(case)
        try:
            made += [(name, block, receipt) for receipt in block.redemptions()]
        except UnsupportedError:
            continue
    return made


Blocks = list[tuple[str, OneBlock, RedemptionReceipt]]


def test_nothing_the_chain_shows_contradicts_a_receipt(blocks: Blocks) -> None:
    assert len(blocks) > 200
    for name, block, receipt in blocks:
        report = examine(receipt, block.bundle(receipt), block.header.hash)
        assert report.refusals == (), name


def test_a_receipt_can_claim_all_that_is_shown_and_holds(blocks: Blocks) -> None:
    found: Counter[tuple[str, str]] = Counter()
    for _, block, receipt in blocks:
        bundle = block.bundle(receipt)
        report = verify(attach(receipt, bundle, block.header.hash), bundle, block.header.hash)
        found.update((path, report.standing(path)) for path in ("lineage", "request", "outcome.status"))
        assert report.standing("subject.transaction") == report.standing("actor.submitter") == "proven"
    assert found["lineage", "proven"] > 190
    assert found["request", "proven"] > 170
    assert found["outcome.status", "proven"] > 90


def test_what_is_executed_is_proven_wherever_the_account_is_the_frameworks(blocks: Blocks) -> None:
    for name, block, receipt in blocks:
        report = examine(receipt, block.bundle(receipt), block.header.hash)
        delegator = receipt.lineage[0].delegator if receipt.lineage else receipt.actor.redeemer
        known = any(f.address == delegator and f.value.startswith("EIP-7702") for f in report.state)
        if report.standing("outcome.status") == "proven" and receipt.outcome.status == "executed":
            assert known, name
        if known and receipt.subject.call_path == () and receipt.outcome.status == "executed":
            assert report.standing("outcome.status") == "proven", name


def test_without_the_state_no_execution_is_proven(blocks: Blocks) -> None:
    for name, block, receipt in blocks:
        report = examine(receipt, block.bundle(receipt, with_state=False), block.header.hash)
        assert report.refusals == (), name
        if receipt.outcome.status == "executed":
            assert report.standing("outcome.status") != "proven", name


def swapped(receipt: RedemptionReceipt, other: RedemptionReceipt, part: str) -> RedemptionReceipt:
    return receipt.model_copy(update={part: getattr(other, part)})


@pytest.mark.parametrize("part", ["lineage", "actor", "request", "outcome"])
def test_no_part_of_another_receipt_passes_as_proven(blocks: Blocks, part: str) -> None:
    tried = 0
    for (name, block, receipt), (_, _, other) in itertools.pairwise(blocks):
        bundle = block.bundle(receipt)
        honest = attach(receipt, bundle, block.header.hash)
        forged = swapped(honest, other, part).model_copy(update={"evidence": None})
        if getattr(forged, part) == getattr(honest, part):
            continue
        told = {path for path, claim in honest.claims.items() if claim == "proven" and path.split(".")[0] == part}
        if not told:
            continue
        tried += 1
        try:
            report = verify(forged, bundle, block.header.hash)
        except EvidenceError:
            continue
        # then nothing that differs was said to be proven
        for finding in report.findings:
            if finding.path.startswith(part) and finding.standing == "proven":
                assert field_of(forged, finding.path) == field_of(honest, finding.path), (name, finding.path)
    assert tried > 60


def field_of(receipt: Receipt, path: str) -> Any:
    value: Any = receipt
    for name in path.split("."):
        value = value[int(name)] if name.isdigit() else getattr(value, name)
    return value


# denials


def only(block: OneBlock) -> RedemptionReceipt:
    (receipt,) = block.redemptions()
    return receipt


def test_a_denied_user_operation_is_proven_by_its_logs(blocks: Blocks) -> None:
    proven = [
        name
        for name, block, receipt in blocks
        if receipt.kind == "denial"
        and examine(receipt, block.bundle(receipt), block.header.hash).standing("outcome.denial") == "proven"
    ]
    assert len(proven) >= 3
    assert all("operation" in name or "handle_ops" in name or "op" in name for name in proven), proven


def test_a_denial_that_only_a_trace_tells_may_not_be_called_proven(corpus: Corpus) -> None:
    block = block_of(corpus["a multicall that only fails"])
    receipt = only(block)
    bundle = block.bundle(receipt)
    assert verify(receipt, bundle, block.header.hash).standing("outcome.denial") == "traced"
    claimed = receipt.model_copy(update={"claims": {**receipt.claims, "outcome": "proven"}})
    with pytest.raises(EvidenceError) as refused:
        verify(claimed, bundle, block.header.hash)
    assert refused.value.reason == "claim-not-established"


def test_a_false_managers_logs_prove_nothing(corpus: Corpus) -> None:
    honest = block_of(corpus["a batch"])
    receipt = only(honest)
    spoofed = block_of(corpus["a false manager beside the real one"])
    (own,) = spoofed.redemptions()
    assert verify(own, spoofed.bundle(own), spoofed.header.hash).standing("lineage") == "proven"
    forged = own.model_copy(update={"lineage": receipt.lineage})
    with pytest.raises(EvidenceError):
        verify(forged, spoofed.bundle(forged), spoofed.header.hash)
