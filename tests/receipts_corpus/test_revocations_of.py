"""What mined transactions took back: disabled delegations, used-up nonces, and what was given again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from caveats import LimitedCalls, Nonce
from caveats.errors import VerificationError
from caveats.types import Address, keccak
from delegations.delegation import Delegation, encode_delegation
from delegations.evm.engine import Transaction
from delegations.receipts import Receipt, RevocationReceipt, find_problems, receipts_of, revocations_of
from delegations.receipts.decode import FetchedTransaction
from delegations.receipts.json_schema import load_schema
from delegations.receipts.page import render_page
from delegations.redemption import redeem
from tests.differential.scene import BOB, DISABLE, ENABLE, HELPER, Scene
from tests.enforcers.harness import AGENT, ALICE, CHAIN_ID
from tests.receipts_corpus.contracts import MULTICALL, multicall
from tests.receipts_corpus.recorder import Recorder
from tests.receipts_corpus.table import asked, scene
from tests.receipts_corpus.user_ops import account_batch

INCREMENT = keccak(b"incrementNonce(address)")[:4]


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    recorder = Recorder(CHAIN_ID)
    yield recorder
    recorder.close()


@pytest.fixture
def s() -> Scene:
    return scene()


def mined(recorder: Recorder, s: Scene, sender: Address, to: Address, data: bytes) -> FetchedTransaction:
    """Mine a call and keep what it did."""
    sent = Transaction(sender, to, data, 0, 5_000_000)
    told = recorder.record(s.chain.world, recorder.block_of(s.chain.block), sent)
    s.chain.send(sender, to, data)
    return FetchedTransaction(
        told.tx, told.receipt, told.trace, accounts=frozenset(), disabled=frozenset(), chain_id=CHAIN_ID
    )


def made(fetched: FetchedTransaction, *contexts: list[Delegation], **more: object) -> tuple[RevocationReceipt, ...]:
    return revocations_of(fetched.decode(), fetched, timestamp=1_800_000_000, contexts=contexts, **more)


def disable(recorder: Recorder, s: Scene, delegation: Delegation) -> FetchedTransaction:
    return mined(recorder, s, delegation.delegator, s.chain.manager, DISABLE + encode_delegation(delegation))


def bump_data(s: Scene) -> bytes:
    return INCREMENT + bytes(12) + s.chain.manager


def test_a_disabled_delegation_leaves_a_receipt(recorder: Recorder, s: Scene) -> None:
    grant = s.root(LimitedCalls(limit=3))
    fetched = disable(recorder, s, grant)
    (receipt,) = made(fetched)
    ended = receipt.revocation
    assert (ended.how, ended.delegation, ended.by, ended.manager) == ("disabled", grant.hash, ALICE, s.chain.manager)
    assert [link.hash for link in receipt.lineage] == [grant.hash]
    assert str(ended.transaction) == fetched.tx["hash"]
    assert ended.log_index == 0
    assert receipt.standing("revocation") == "attested"


def test_it_is_of_the_schema_and_can_be_read_and_shown(recorder: Recorder, s: Scene) -> None:
    (receipt,) = made(disable(recorder, s, s.root(LimitedCalls(limit=3))))
    assert Draft202012Validator(load_schema()).is_valid(receipt.to_wire())
    assert find_problems(receipt) == ()
    assert Receipt.from_json(receipt.to_json()) == receipt
    assert "disabled" in render_page(receipt)


def test_enabling_again_is_no_revocation(recorder: Recorder, s: Scene) -> None:
    grant = s.root(LimitedCalls(limit=3))
    disable(recorder, s, grant)
    fetched = mined(recorder, s, ALICE, s.chain.manager, ENABLE + encode_delegation(grant))
    assert [event.kind for event in fetched.decode().grants] == ["enabled"]
    assert made(fetched) == ()


def test_what_is_disabled_and_enabled_in_one_transaction_has_not_ended(recorder: Recorder, s: Scene) -> None:
    kept, ended, m = s.root(LimitedCalls(limit=3)), s.root(LimitedCalls(limit=4)), s.chain.manager
    calls = [(m, 0, selector + encode_delegation(kept)) for selector in (DISABLE, ENABLE)]
    calls += [(m, 0, selector + encode_delegation(ended)) for selector in (DISABLE, ENABLE, DISABLE)]
    fetched = mined(recorder, s, ALICE, ALICE, account_batch(*calls))
    assert len(fetched.decode().grants) == 5
    (receipt,) = made(fetched)
    assert (receipt.revocation.delegation, receipt.revocation.log_index) == (ended.hash, 4)


def test_a_redelegation_is_told_without_what_is_not_known_above_it(recorder: Recorder, s: Scene) -> None:
    top = s.root(LimitedCalls(limit=3))
    leaf = s.child(top, HELPER)
    fetched = disable(recorder, s, leaf)
    (alone,) = made(fetched)
    assert (alone.revocation.delegation, alone.revocation.by, alone.lineage) == (leaf.hash, AGENT, ())
    (known,) = made(fetched, [leaf, top])
    assert [link.hash for link in known.lineage] == [top.hash, leaf.hash]


def test_a_context_that_does_not_hold_together_is_refused(recorder: Recorder, s: Scene) -> None:
    top = s.root(LimitedCalls(limit=3))
    leaf = s.child(top, HELPER)
    fetched = disable(recorder, s, leaf)
    with pytest.raises(VerificationError, match="has the authority"):
        made(fetched, [leaf, s.root(LimitedCalls(limit=9))])


def test_a_used_nonce_ends_what_is_bound_to_it_and_nothing_else(recorder: Recorder, s: Scene) -> None:
    bound, later, free = s.root(Nonce(nonce=0)), s.root(Nonce(nonce=1)), s.root(LimitedCalls(limit=3))
    anothers = s.root(Nonce(nonce=0), by=BOB)
    fetched = mined(recorder, s, ALICE, Nonce.ADDRESS, bump_data(s))
    (receipt,) = made(fetched, [bound], [later], [free], [anothers])
    ended = receipt.revocation
    assert (ended.delegation, ended.how, ended.nonce, ended.by) == (bound.hash, "nonce", 1, ALICE)
    assert find_problems(receipt) == ()


def test_a_used_nonce_ends_a_chain_by_its_link(recorder: Recorder, s: Scene) -> None:
    top = s.root(Nonce(nonce=0))
    leaf = s.child(top, HELPER)
    fetched = mined(recorder, s, ALICE, Nonce.ADDRESS, bump_data(s))
    (receipt,) = made(fetched, [leaf, top])
    assert receipt.revocation.delegation == top.hash


def test_a_nonce_nothing_known_is_bound_to_leaves_no_receipt_and_is_told(recorder: Recorder, s: Scene) -> None:
    fetched = mined(recorder, s, ALICE, Nonce.ADDRESS, bump_data(s))
    assert made(fetched) == ()
    assert [(bump.delegator, bump.nonce) for bump in fetched.decode().nonces] == [(ALICE, 0)]


def test_a_redemption_and_the_end_of_its_delegation_in_one_transaction(recorder: Recorder, s: Scene) -> None:
    grant = s.root(Nonce(nonce=0), to=ALICE)
    calls = [(s.chain.manager, 0, asked(redeem(grant, s.pay(1)))), (Nonce.ADDRESS, 0, bump_data(s))]
    fetched = mined(recorder, s, ALICE, ALICE, account_batch(*calls))
    (done,) = receipts_of(fetched.decode(), fetched, timestamp=1_800_000_000)
    (receipt,) = made(fetched, prev={ALICE: done.hash})
    assert done.outcome.status == "executed"
    assert receipt.revocation.delegation == grant.hash == done.lineage[0].hash
    assert receipt.prev == done.hash


def test_a_call_that_reverts_ends_nothing(recorder: Recorder, s: Scene) -> None:
    grant = s.root(LimitedCalls(limit=3))
    data = multicall((s.chain.manager, DISABLE + encode_delegation(grant), True))
    assert made(mined(recorder, s, AGENT, MULTICALL, data)) == ()


def test_a_disabling_nobody_knows_the_manager_of_says_nothing(recorder: Recorder, s: Scene) -> None:
    fetched = disable(recorder, s, s.root(LimitedCalls(limit=3)))
    (log,) = fetched.receipt["logs"]
    elsewhere = {**fetched.receipt, "logs": [{**log, "address": "0x" + "5f" * 20}]}
    assert made(fetched) != ()
    assert made(replace(fetched, receipt=elsewhere)) == ()
