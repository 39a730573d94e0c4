"""Receipts of every mined transaction of the corpus."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from caveats.errors import EncodingError, UnsupportedError
from caveats.types import Address, keccak
from delegations.receipts import Notes, Receipt, RedemptionReceipt, find_problems, receipts_of
from delegations.receipts.decode import FetchedTransaction
from delegations.receipts.json_schema import load_schema
from delegations.receipts.page import render_page
from tests.receipts_corpus.make import Case

Corpus = dict[str, Case]
# what was asked is in bytes no account can read
UNREADABLE = {"a mode no account executes", "executions no account can read"}


def fetched(case: Case, *, traced: bool = True) -> FetchedTransaction:
    mined = case.mined
    return FetchedTransaction(
        tx=mined.tx,
        receipt=mined.receipt,
        trace=mined.trace if traced else None,
        accounts=case.accounts,
        disabled=frozenset(),
        chain_id=int(mined.tx["chainId"], 16),
    )


def made(case: Case, *, prev: dict[Address, str] | None = None) -> tuple[RedemptionReceipt, ...]:
    given = fetched(case)
    return receipts_of(given.decode(), given, timestamp=case.block.timestamp, finality="finalized", prev=prev)


@pytest.fixture(scope="module")
def receipts(corpus: Corpus) -> dict[str, tuple[RedemptionReceipt, ...]]:
    return {name: made(case) for name, case in corpus.items() if name not in UNREADABLE}


Made = dict[str, tuple[RedemptionReceipt, ...]]


def test_each_redemption_of_a_traced_transaction_leaves_a_receipt(corpus: Corpus, receipts: Made) -> None:
    for name, told in receipts.items():
        decoded = fetched(corpus[name]).decode()
        assert [r.outcome.status for r in told] == [r.status for r in decoded.redemptions], name
    kinds = {receipt.kind for told in receipts.values() for receipt in told}
    assert kinds == {"redemption", "denial"}


def test_none_of_them_contradicts_itself_and_all_are_of_the_schema(receipts: Made) -> None:
    validator = Draft202012Validator(load_schema())
    for name, told in receipts.items():
        for receipt in told:
            assert find_problems(receipt) == (), name
            assert validator.is_valid(receipt.to_wire()), name
            assert Receipt.from_json(receipt.to_json()) == receipt, name


def test_they_name_where_it_happened(corpus: Corpus, receipts: Made) -> None:
    for name, told in receipts.items():
        mined = corpus[name].mined
        for receipt in told:
            subject = receipt.subject
            assert str(subject.transaction) == mined.tx["hash"]
            assert str(subject.block.hash) == mined.receipt["blockHash"]
            assert (subject.network, subject.finality, subject.phase) == ("live", "finalized", None)
            if subject.call_path == ():
                assert subject.calldata_hash == keccak(bytes.fromhex(mined.tx["input"][2:]))


def test_nothing_is_called_proven(receipts: Made) -> None:
    assert "proven" not in {
        claim for told in receipts.values() for receipt in told for claim in receipt.claims.values()
    }


def test_the_receipts_of_one_redeemer_are_linked(corpus: Corpus, receipts: Made) -> None:
    name = next(name for name, told in receipts.items() if len({r.actor.redeemer for r in told}) == 1 and len(told) > 1)
    redeemer = receipts[name][0].actor.redeemer
    one, two = made(corpus[name], prev={redeemer: "ab" * 32})[:2]
    assert (one.prev, two.prev) == ("ab" * 32, one.hash)


@pytest.mark.parametrize("name", sorted(UNREADABLE))
def test_what_cannot_be_read_leaves_no_receipt(corpus: Corpus, name: str) -> None:
    with pytest.raises(UnsupportedError, match=r"the request of redemption 0 by 0x\w+ is not known$"):
        made(corpus[name])


def test_what_is_not_known_without_a_trace_leaves_no_receipt(corpus: Corpus, receipts: Made) -> None:
    name = next(name for name, told in receipts.items() if told and told[0].outcome.status == "executed")
    given = fetched(corpus[name], traced=False)
    with pytest.raises(UnsupportedError, match="decode it with a trace"):
        receipts_of(given.decode(), given, timestamp=1)


def test_a_trace_that_is_not_the_decoded_one_is_refused(corpus: Corpus, receipts: Made) -> None:
    name = next(name for name, told in receipts.items() if told and told[0].subject.call_path)
    given = fetched(corpus[name])
    decoded = given.decode()
    with pytest.raises(EncodingError, match="trace: there is no call"):
        receipts_of(decoded, FetchedTransaction(**{**vars(given), "trace": {"calls": []}}), timestamp=1)


def test_notes_and_the_page_work_for_mined_ones(corpus: Corpus) -> None:
    case = corpus["a batch"]
    given = fetched(case)
    (first, *_) = receipts_of(given.decode(), given, timestamp=1, notes=Notes(issuer="did:web:shop.example"))
    assert first.issuer == "did:web:shop.example"
    assert "A local chain" not in render_page(first)
    assert case.mined.tx["hash"] in render_page(first)
