"""Every transaction of the corpus is decoded to what was expected of it, with its trace and without."""

from __future__ import annotations

from collections import Counter

import pytest

from caveats.types import Address
from delegations.evm import dev_account
from delegations.evm.pyevm import PyEvmEngine
from delegations.framework.artifact import load_framework
from delegations.framework.constants import DELEGATION_MANAGER
from delegations.receipts.decode import DecodedTransaction, decode_redemptions
from delegations.simulation.effects import enforcer_events, movements
from tests.receipts_corpus.make import Case
from tests.receipts_corpus.reading import expected, line, verdict_on

Corpus = dict[str, Case]
# A manager does not say which link of a chain is disabled; with what a node knows of it, it is told.
_DISABLED = "CannotUseADisabledDelegation()"


def traced(case: Case) -> DecodedTransaction:
    return decode_redemptions(case.mined.tx, case.mined.receipt, trace=case.mined.trace)


def untraced(case: Case, *, vouched: bool = True) -> DecodedTransaction:
    accounts = case.accounts if vouched else ()
    return decode_redemptions(case.mined.tx, case.mined.receipt, accounts=accounts)


def lines(decoded: DecodedTransaction) -> tuple[str, ...]:
    return tuple(map(line, decoded.redemptions))


def test_the_corpus_has_more_than_sixty_transactions(corpus: Corpus) -> None:
    assert len(corpus) >= 60
    assert sum(case.redemptions is None for case in corpus.values()) >= 60, "reached in ways of their own"


def test_with_a_trace_every_redemption_is_told_as_expected(corpus: Corpus) -> None:
    assert {n: lines(traced(case)) for n, case in corpus.items()} == {n: expected(case) for n, case in corpus.items()}


def test_with_a_trace_nothing_of_the_corpus_is_unknown(corpus: Corpus) -> None:
    redemptions = [r for case in corpus.values() for r in traced(case).redemptions]
    assert all(r.status != "unknown" for r in redemptions)
    assert all(known == "traced" for r in redemptions for known in r.sources.values())


def test_without_a_trace_what_is_not_unknown_is_what_the_trace_says(corpus: Corpus) -> None:
    told = {name: lines(untraced(case)) for name, case in corpus.items() if case.untraced is not None}
    assert told == {name: case.untraced for name, case in corpus.items() if case.untraced is not None}


def test_without_a_trace_and_nobody_vouched_for_nothing_is_said_to_be_executed(corpus: Corpus) -> None:
    for name, case in corpus.items():
        assert all(r.status == "unknown" for r in untraced(case, vouched=False).redemptions), name


def test_without_a_trace_nothing_is_said_that_the_trace_denies(corpus: Corpus) -> None:
    for name, case in corpus.items():
        by_logs = {r.log_indexes: r for r in untraced(case).redemptions if r.log_indexes}
        by_trace = {r.log_indexes: r for r in traced(case).redemptions if r.log_indexes}
        assert by_logs.keys() == by_trace.keys(), name
        for indexes, said in by_logs.items():
            seen = by_trace[indexes]
            assert said.chain == seen.chain, name
            assert said.redeemer == seen.redeemer, name
            assert said.status in ("unknown", seen.status), name
            assert said.mode_word in (None, seen.mode_word), name
            assert said.blob in (None, seen.blob), name
            assert said.entry in (None, seen.entry), name
            assert said.enforcer_events in (None, seen.enforcer_events), name
            assert said.stands is seen.stands, name


def test_false_managers_are_warned_of_and_nothing_else(corpus: Corpus) -> None:
    for name, case in corpus.items():
        spoofed = [text for text in traced(case).warnings if "spoofed" in text]
        assert len(spoofed) == case.spoofed, name


def test_a_denial_is_the_one_simulation_names(corpus: Corpus) -> None:
    checked = 0
    for name, case in corpus.items():
        if case.redemptions is None:
            continue
        denial = verdict_on(case).denial
        for redemption in traced(case).redemptions:
            assert redemption.denial is not None or denial is None, name
            if denial is not None and denial.reason == _DISABLED:
                disabled = {denial.delegation or b""}
                told = decode_redemptions(case.mined.tx, case.mined.receipt, trace=case.mined.trace, disabled=disabled)
                assert told.redemptions[0].denial == denial, name
            else:
                assert redemption.denial == denial, name
            checked += denial is not None
    assert checked > 40


def test_every_movement_is_told_once(corpus: Corpus) -> None:
    for name, case in corpus.items():
        decoded = traced(case)
        told = Counter(repr(move) for r in decoded.redemptions for move in r.movements or ())
        told += Counter(repr(move) for move in decoded.movements)
        outcome = PyEvmEngine().execute(case.before, case.block, case.transaction)
        moved = Counter(map(repr, movements([outcome.frame])))
        # what simulation does not count as a movement: an ERC-1155, and what a contract leaves when it destroys itself
        extra = 1 if name in ("a contract that destroys itself", "a badge that changes hands") else 0
        assert not moved - told, name
        assert (told - moved).total() == extra, name


def test_every_counter_is_told_once(corpus: Corpus) -> None:
    for name, case in corpus.items():
        told = Counter(repr(event) for r in traced(case).redemptions for event in r.enforcer_events or ())
        outcome = PyEvmEngine().execute(case.before, case.block, case.transaction)
        logged = enforcer_events(outcome.logs, load_framework())
        assert told == Counter(repr(event) for event in logged if event.event != "UsedNonce"), name


def test_the_lineage_is_the_chain_that_was_sent(corpus: Corpus) -> None:
    for name, case in corpus.items():
        for decoded in (traced(case), untraced(case)):
            for redemption in decoded.redemptions if case.redemptions else ():
                sent = case.redemptions[redemption.entry or 0] if case.redemptions else None
                assert sent is not None
                assert redemption.context == sent.context, name
                assert redemption.executions == sent.executions, name
                assert redemption.mode is sent.mode, name
                assert redemption.hashes == tuple(link.hash for link in redemption.lineage), name


def test_whoever_submits_is_not_taken_for_the_redeemer(corpus: Corpus) -> None:
    case = corpus["two operations that redeem"]
    for decoded in (traced(case), untraced(case)):
        assert {r.submitter for r in decoded.redemptions} == {case.transaction.sender}
        assert len({r.redeemer for r in decoded.redemptions} - {case.transaction.sender}) == 2
        assert [r.user_operation for r in decoded.redemptions] == [o.hash for o in decoded.operations]


def test_a_failed_operation_carries_what_it_reverted_with_even_without_a_trace(corpus: Corpus) -> None:
    decoded = untraced(corpus["an operation that is denied in a transaction that succeeds"])
    (redemption,) = decoded.redemptions
    assert redemption.stands is False
    assert redemption.revert is not None
    assert redemption.revert.enforcer == "AllowedTargetsEnforcer"


def test_a_denial_the_calldata_proves_is_the_one_the_trace_shows(corpus: Corpus) -> None:
    proven = 0
    for name, case in corpus.items():
        shown = [r.denial for r in traced(case).redemptions if r.status == "denied"]
        for redemption in untraced(case).redemptions:
            if redemption.status == "denied":
                assert redemption.denial in shown, name
                proven += 1
    assert proven >= 3


def test_the_call_path_and_the_accounts_on_it_are_told(corpus: Corpus) -> None:
    case = corpus["a multicall in a multicall with three links"]
    (redemption,) = traced(case).redemptions
    assert redemption.call_path == (0, 0)
    assert redemption.via == (case.transaction.to, case.transaction.to)
    assert redemption.redeemer == case.transaction.to
    assert len(redemption.lineage) == 3


def test_an_older_framework_is_told_by_its_manager(corpus: Corpus) -> None:
    found = [r.version for r in traced(corpus["two managers in one transaction"]).redemptions]
    assert found == ["1.1.0", "1.3.0"]


@pytest.mark.parametrize(("age", "version"), [("an older", "1.1.0"), ("the oldest", "1.0.0")])
def test_what_an_older_manager_executes_and_denies_is_told_in_full(corpus: Corpus, age: str, version: str) -> None:
    cases = [case for name, case in corpus.items() if name.startswith(f"{age} manager and an account of its own")]
    redemptions = [r for case in cases for r in traced(case).redemptions]
    older = [r for r in redemptions if r.version == version]
    assert {r.status for r in older} == {"executed", "denied"}
    done = next(r for r in older if r.status == "executed")
    assert done.movements
    assert [event.event for event in done.enforcer_events or ()] == ["IncreasedCount"]
    assert done.lineage[0].delegator == Address(dev_account(3).address)


def test_each_of_two_managers_has_its_version_in_one_transaction(corpus: Corpus) -> None:
    both = corpus["two managers that both execute and the older one again in vain"]
    assert [r.version for r in traced(both).redemptions] == ["1.3.0", "1.1.0", "1.1.0"]
    assert [r.version for r in untraced(both).redemptions] == ["1.3.0", "1.1.0"]


def test_delegations_disabled_and_enabled_are_told(corpus: Corpus) -> None:
    first, third = (corpus[f"a delegation disabled and enabled{n}"] for n in ("", " (3)"))
    assert [e.kind for e in untraced(first).grants] == ["disabled"]
    assert [e.kind for e in untraced(third).grants] == ["enabled"]
    assert untraced(first).grants[0].hash == untraced(third).grants[0].hash


def test_a_nonce_raised_is_told(corpus: Corpus) -> None:
    case = corpus["a nonce raised"]
    (bump,) = untraced(case).nonces
    assert (bump.manager, bump.delegator, bump.nonce) == (DELEGATION_MANAGER, case.transaction.sender, 0)


def test_calldata_that_cannot_be_read_is_no_redemption_but_a_warning(corpus: Corpus) -> None:
    decoded = traced(corpus["calldata the manager cannot read"])
    assert decoded.redemptions == ()
    assert "cannot be read" in decoded.warnings[0]


@pytest.mark.parametrize("shape", ["web3", "logs apart"])
def test_other_shapes_of_the_same_answer_are_decoded_alike(corpus: Corpus, shape: str) -> None:
    for name in ("a multicall of two", "three redemptions within each other", "two operations that redeem"):
        mined = corpus[name].mined
        if shape == "web3":
            from web3._utils.method_formatters import receipt_formatter, transaction_result_formatter

            tx, receipt = transaction_result_formatter(mined.tx), receipt_formatter(mined.receipt)
            other = decode_redemptions(tx, receipt, trace=mined.trace)
        else:
            receipt = {k: v for k, v in mined.receipt.items() if k != "logs"}
            other = decode_redemptions(mined.tx, receipt, mined.receipt["logs"], mined.trace)
        assert other == traced(corpus[name]), name
