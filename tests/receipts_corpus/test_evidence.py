"""Every transaction of the corpus, its receipts made with a trace and held against what its block commits to.

Two readers that know different things must not contradict each other: what a trace tells, and what transaction, logs
and state prove.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from caveats.errors import UnsupportedError
from delegations.receipts import Receipt, RedemptionReceipt
from delegations.receipts.evidence import Bundle, EvidenceError, Report, attach, examine, verify
from tests.receipts_corpus.make import Case
from tests.unit.receipts.evidence.one_block import OneBlock, block_of

Corpus = dict[str, Case]


@dataclass(frozen=True)
class Held:
    """A receipt of the corpus, its block and its evidence."""

    name: str
    block: OneBlock
    receipt: RedemptionReceipt

    @property
    def trusted(self) -> bytes:
        return self.block.header.hash

    @cached_property
    def bundle(self) -> Bundle:
        return self.block.bundle(self.receipt)

    @cached_property
    def report(self) -> Report:
        return examine(self.receipt, self.bundle, self.trusted)

    @cached_property
    def honest(self) -> RedemptionReceipt:
        """The receipt, claiming all that is shown."""
        return attach(self.receipt, self.bundle, self.trusted)


@pytest.fixture(scope="session")
def held(corpus: Corpus) -> list[Held]:
    """Every receipt that can be made of the corpus."""
    made = []
    for name, case in corpus.items():
        block = block_of(case)
        try:
            made += [Held(name, block, receipt) for receipt in block.redemptions()]
        except UnsupportedError:
            continue
    return made


def test_nothing_the_chain_shows_contradicts_a_receipt(held: list[Held]) -> None:
    assert len(held) > 200
    assert [(each.name, each.report.refusals) for each in held if each.report.refusals] == []


def test_a_receipt_can_claim_all_that_is_shown_and_holds(held: list[Held]) -> None:
    found: Counter[tuple[str, str]] = Counter()
    for each in held:
        report = verify(each.honest, each.bundle, each.trusted)
        found.update((path, report.standing(path)) for path in ("lineage", "request", "outcome.status"))
        assert report.standing("subject.transaction") == report.standing("actor.submitter") == "proven"
    assert found["lineage", "proven"] > 190
    assert found["request", "proven"] > 170
    assert found["outcome.status", "proven"] > 90


def test_what_is_executed_is_proven_wherever_the_account_is_the_frameworks(held: list[Held]) -> None:
    for each in held:
        receipt, report = each.receipt, each.report
        if receipt.outcome.status != "executed":
            continue
        delegator = receipt.lineage[0].delegator if receipt.lineage else receipt.actor.redeemer
        known = any(f.address == delegator and f.value.startswith("EIP-7702") for f in report.state)
        if report.standing("outcome.status") == "proven":
            assert known, each.name
        if known and receipt.subject.call_path == ():
            assert report.standing("outcome.status") == "proven", each.name


def test_without_the_state_no_execution_is_proven(held: list[Held]) -> None:
    for each in held:
        if each.receipt.outcome.status == "executed":
            bundle = each.block.bundle(each.receipt, state="none")
            report = verify(each.receipt, bundle, each.trusted)
            assert report.standing("outcome.status") != "proven", each.name


@pytest.mark.parametrize("part", ["lineage", "actor", "request", "outcome"])
def test_no_part_of_another_receipt_passes_as_proven(held: list[Held], part: str) -> None:
    refused = 0
    for each, other in itertools.pairwise(held):
        honest, stolen = each.honest, getattr(other.receipt, part)
        if stolen == getattr(honest, part):
            continue
        try:
            report = verify(honest.model_copy(update={part: stolen}), each.bundle, each.trusted)
        except EvidenceError:
            refused += 1
            continue
        # what differs was not said to be proven
        forged = honest.model_copy(update={part: stolen})
        for finding in report.findings:
            if finding.path.startswith(part) and finding.standing == "proven":
                assert field_of(forged, finding.path) == field_of(honest, finding.path), (each.name, finding.path)
    assert refused > 60


def field_of(receipt: Receipt, path: str) -> Any:
    value: Any = receipt
    for name in path.split("."):
        value = value[int(name)] if name.isdigit() else getattr(value, name)
    return value


# denials


def only(block: OneBlock) -> RedemptionReceipt:
    (receipt,) = block.redemptions()
    return receipt


def test_a_denied_user_operation_is_proven_by_its_logs(held: list[Held]) -> None:
    denials = [each for each in held if each.receipt.kind == "denial"]
    proven = [each for each in denials if each.report.standing("outcome.denial") == "proven"]
    assert len(proven) >= 3
    assert all(each.block.fetched.receipt["status"] == "0x1" and "operation" in each.name for each in proven)


def test_the_calldata_of_a_user_operation_is_found_by_its_hash(held: list[Held]) -> None:
    operated = [each for each in held if each.report.standing("request") == "proven" and each.receipt.subject.call_path]
    assert len(operated) > 10
    for each in operated:
        assert each.report.standing("subject.calldata_hash") == "proven", each.name
        subject = each.receipt.subject.model_copy(update={"calldata_hash": bytes(32)})
        report = examine(each.receipt.model_copy(update={"subject": subject}), each.bundle, each.trusted)
        assert report.standing("subject.calldata_hash") != "proven", each.name


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
