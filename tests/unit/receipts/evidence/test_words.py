"""Words for people: another version's are no contradiction, and a liar's are never called proven."""

from __future__ import annotations

import pytest

from caveats import LimitedCalls, NativeTokenTransferAmount
from caveats.registry import EnforcerRegistry
from delegations.receipts import Receipt, RedemptionReceipt, make_grant_receipt
from delegations.receipts.evidence import EvidenceError, attach, examine, prove, verify
from delegations.redemption import redeem
from tests.receipts_corpus.ways_in import an_operation_that_is_denied_in_a_transaction_that_succeeds
from tests.unit.receipts.evidence.conftest import Proven
from tests.unit.receipts.evidence.live_chain import LiveChain
from tests.unit.receipts.evidence.specimens import NAMES, _of_the_corpus
from tests.unit.receipts.evidence.staged import CHAIN_ID, above_the_allowance, chain, grant, pay


def worded(receipt: Receipt, **words: str) -> Receipt:
    """The same receipt with other words for the first caveat of its last link, as another version would write it."""
    wire = receipt.to_wire()
    wire["lineage"][-1]["caveats"][0].update(words)
    return Receipt.from_wire(wire)


def test_words_of_another_version_do_not_contradict_a_receipt_and_are_never_proven(payment: Proven) -> None:
    receipt, bundle, trusted = payment
    path = f"lineage.{len(receipt.lineage) - 1}.caveats.0"
    report = verify(worded(receipt, says="Anything goes."), bundle, trusted)
    assert report.standing("lineage") == report.standing(f"{path}.terms") == "proven"
    assert report.standing(f"{path}.says") == "attested"
    (finding,) = [each for each in report.findings if each.path == f"{path}.says"]
    assert "the issuer's own words, Anything goes." in finding.basis
    assert receipt.lineage[-1].caveats[0].says in finding.basis
    assert verify(*payment).standing(f"{path}.says") == "proven", "these are the words read here"
    told = attach(worded(receipt, says="Anything goes."), bundle, trusted)
    assert (told.standing(f"{path}.says"), told.standing("lineage")) == ("attested", "proven")


def test_other_words_that_are_claimed_to_be_proven_are_refused(payment: Proven) -> None:
    receipt, bundle, trusted = payment
    path = f"lineage.{len(receipt.lineage) - 1}.caveats.0.name"
    for told, holds in ((receipt, True), (worded(receipt, name="Anything"), False)):
        claimed = told.model_copy(update={"claims": {**told.claims, path: "proven"}})
        assert examine(claimed, bundle, trusted).holds is holds


def test_other_terms_are_refused_whatever_the_words(payment: Proven) -> None:
    receipt, bundle, trusted = payment
    wire = receipt.to_wire()
    wire["lineage"][-1]["caveats"][0]["terms"] = "0x" + "00" * 32
    assert not examine(Receipt.from_wire(wire), bundle, trusted).holds


# denials


@pytest.fixture(scope="module")
def logged() -> Proven:
    """A denial in a user operation: its revert is logged, so calldata and log show why."""
    made = _of_the_corpus(NAMES[5], an_operation_that_is_denied_in_a_transaction_that_succeeds)
    assert isinstance(made.receipt, RedemptionReceipt)
    assert made.bundle is not None
    return Proven(made.receipt, made.bundle, made.bundle.block_hash)


@pytest.fixture(scope="module")
def rerun(live: LiveChain) -> Proven:
    """A denial that nothing but running it again explains."""
    live.mine()  # what was put into the state by hand is in a block's state from here on
    bounded = live.grant(NativeTokenTransferAmount(max_amount_wei=5), salt=71)
    digest = live.redeem(1, redeem(bounded, pay(6)))
    live.mine()
    (receipt,) = live.receipts(digest)
    bundle = prove(receipt, live.client, replay=True)
    return Proven(attach(receipt, bundle, bundle.block_hash), bundle, bundle.block_hash)


def explained(receipt: RedemptionReceipt, **words: str | None) -> RedemptionReceipt:
    """The same denial in other words."""
    assert receipt.outcome.denial is not None
    denial = receipt.outcome.denial.model_copy(update=words)
    return receipt.model_copy(update={"outcome": receipt.outcome.model_copy(update={"denial": denial})})


@pytest.mark.parametrize(("which", "known"), [("logged", "proven"), ("rerun", "reexecuted")])
def test_a_mined_denial_holds_in_other_words_and_they_stay_a_word(
    which: str, known: str, request: pytest.FixtureRequest
) -> None:
    honest, bundle, trusted = request.getfixturevalue(which)
    assert verify(honest, bundle, trusted).standing("outcome.denial.reason") == known
    other = explained(honest, explanation="All went well.", enforcer_name=None)
    report = verify(other, bundle, trusted)
    assert report.standing("outcome.denial.reason") == known
    for name, told in (("explanation", "All went well."), ("enforcer_name", "none")):
        path = f"outcome.denial.{name}"
        (finding,) = [each for each in report.findings if each.path == path]
        assert (finding.standing, f"own words, {told}; read here: " in finding.basis) == ("attested", True)
    louder = other.model_copy(update={"claims": {**other.claims, "outcome.denial.explanation": known}})
    with pytest.raises(EvidenceError, match="claimed to be") as refused:
        verify(louder, bundle, trusted)
    assert (refused.value.reason, refused.value.path) == ("claim-not-established", "outcome.denial.explanation")
    with pytest.raises(EvidenceError) as refused:
        verify(explained(other, reason="All went well."), bundle, trusted)
    assert (refused.value.reason, refused.value.path) == ("receipt-contradicted", "outcome.denial")


def test_a_denial_before_the_deed_holds_in_other_words_and_they_stay_a_word() -> None:
    staged = above_the_allowance()
    trusted = staged.bundle.block_hash
    honest = attach(staged.receipt, staged.bundle, trusted)
    report = verify(worded(explained(honest, explanation="Because."), says="Anything."), staged.bundle, trusted)
    known = [report.standing(f"outcome.denial.{name}") for name in ("reason", "enforcer_name", "explanation")]
    assert known == ["reexecuted", "reexecuted", "attested"]
    assert report.standing("lineage.0.caveats.0.says") == "attested"
    assert report.standing("lineage.0.caveats.0.terms") == "reexecuted"


# without a bundle


@pytest.fixture(scope="module")
def granted() -> Receipt:
    return make_grant_receipt(grant([LimitedCalls(limit=2)]), chain_id=CHAIN_ID, manager=chain().manager)


def test_what_hashes_show_does_not_make_false_words_true(granted: Receipt) -> None:
    path = "lineage.0.caveats.0.says"
    assert verify(granted).standing(path) == "reexecuted"
    report = verify(worded(granted, says="Anything goes."))
    assert (report.standing(path), report.standing("lineage")) == ("attested", "reexecuted")
    assert report.receipt == worded(granted, says="Anything goes.").hash


@pytest.mark.parametrize("path", ["lineage.0", "lineage.0.caveats", "lineage.0.caveats.0", "lineage.0.caveats.0.says"])
def test_other_words_do_not_let_a_louder_claim_about_what_is_around_them_pass(granted: Receipt, path: str) -> None:
    other = worded(granted, says="Anything goes.")
    assert verify(other).holds
    with pytest.raises(EvidenceError) as refused:
        verify(other.model_copy(update={"claims": {**other.claims, path: "proven"}}))
    assert (refused.value.reason, refused.value.path) == ("claim-not-established", path)


def test_args_that_are_admitted_to_be_a_word_do_not_let_a_louder_claim_around_them_pass(granted: Receipt) -> None:
    other = worded(granted, args="0x01")
    modest = {**other.claims, "lineage.0.caveats.0.args": "attested"}
    assert verify(other.model_copy(update={"claims": modest})).holds
    with pytest.raises(EvidenceError) as refused:
        verify(other.model_copy(update={"claims": {**modest, "lineage.0": "proven"}}))
    assert (refused.value.reason, refused.value.path) == ("claim-not-established", "lineage.0")


def test_a_reader_who_does_not_know_the_issuers_enforcers_has_other_words_and_no_quarrel(granted: Receipt) -> None:
    stranger = EnforcerRegistry(by_address={})
    report = verify(granted, registry=stranger)
    assert report.standing("lineage.0.caveats.0.says") == report.standing("lineage.0.caveats.0.name") == "attested"
    (basis,) = [each.basis for each in report.findings if each.path.endswith(".says")]
    assert "Unknown enforcer" in basis


@pytest.mark.parametrize(("which", "reason"), [("payment", "unasked-proof"), ("logged", "claim-not-established")])
def test_what_only_the_issuers_enforcers_tell_is_refused_where_they_are_unknown(
    which: str, reason: str, request: pytest.FixtureRequest
) -> None:
    receipt, bundle, trusted = request.getfixturevalue(which)
    assert verify(receipt, bundle, trusted).holds
    with pytest.raises(EvidenceError) as refused:
        verify(receipt, bundle, trusted, registry=EnforcerRegistry(by_address={}))
    assert refused.value.reason == reason
