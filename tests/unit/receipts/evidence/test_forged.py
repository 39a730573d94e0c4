"""Receipts that say what is not so, of deeds that were done to make them look true."""

from __future__ import annotations

from typing import Any

import pytest

from caveats import Execution, LimitedCalls, Nonce
from caveats.registry import EnforcerRegistry
from caveats.types import Address, Bytes32, keccak
from delegations.accounts import UserOperation
from delegations.evm import dev_account
from delegations.evm.engine import Transaction
from delegations.execution import ExecutionMode
from delegations.framework.constants import EIP7702_STATELESS_DELEGATOR, ENTRY_POINT
from delegations.framework.deployments import Deployment, Registry
from delegations.manager import MetaMaskManager
from delegations.receipts import GrantReceipt, Receipt, RedemptionReceipt, make_grant_receipt
from delegations.receipts.evidence import EvidenceError, Report, attach, examine, prove, verify
from delegations.receipts.evidence.budget import DEFAULT_BUDGET
from delegations.receipts.evidence.builder import BundleBuilder
from delegations.receipts.evidence.collect import add_state
from delegations.receipts.evidence.mined import ProvenReceipt
from delegations.receipts.evidence.mined_redemption import Mined, read_included
from delegations.receipts.evidence.node import Node
from delegations.receipts.evidence.opened import Included, open_bundle
from delegations.receipts.evidence.rerun import Reading
from delegations.receipts.evidence.state import planned_state
from delegations.receipts.evidence.transactions import decode_transaction
from delegations.receipts.model_parts import ReceiptDenial, ReceiptExecution, Request
from delegations.redemption import Redemption, redeem
from tests.differential.scene import BOB, Scene
from tests.enforcers.harness import AGENT, ALICE, CHAIN_ID, SHOP
from tests.receipts_corpus.contracts import MULTICALL, _multicall_code, multicall
from tests.receipts_corpus.make import Case, _send
from tests.receipts_corpus.recorder import Recorder
from tests.receipts_corpus.table import asked, good, ops_of, scene
from tests.receipts_corpus.user_ops import account_batch, account_execute, operation
from tests.unit.receipts.evidence import live_chain
from tests.unit.receipts.evidence.conftest import Proven
from tests.unit.receipts.evidence.live_chain import LiveChain
from tests.unit.receipts.evidence.one_block import OneBlock, block_of
from tests.unit.receipts.evidence.test_verify import checked, raise_nonce, revoked

FAILS = bytes.fromhex("a9059cbb") + bytes(64)
"""A transfer to nobody, which the token refuses."""


def mined(s: Scene, to: Address, data: bytes, sender: Address = AGENT) -> OneBlock:
    """The block of one transaction, which anvil has mined and traced."""
    recorder = Recorder(CHAIN_ID)
    try:
        transaction = Transaction(sender, to, data)
        block, told = _send(recorder, s, transaction)
    finally:
        recorder.close()
    return block_of(Case("one", told, block, transaction, None, None, 0, None))


def held(block: OneBlock, receipt: RedemptionReceipt) -> Report:
    """The report on a receipt that claims as much as is shown of it."""
    bundle, trusted = block.bundle(receipt), block.header.hash
    return verify(attach(receipt, bundle, trusted), bundle, trusted)


def changed(receipt: RedemptionReceipt, part: str, **other: Any) -> RedemptionReceipt:
    return receipt.model_copy(update={part: getattr(receipt, part).model_copy(update=other)})


# modes that only try


@pytest.fixture(scope="module")
def tried() -> OneBlock:
    """A try whose execution goes through, and within which Alice's account tries something of its own that fails
    before it pays."""
    s = scene()
    own = account_batch((s.token, 0, FAILS), (BOB, 5, b""), may_fail=True)
    once = Execution(target=ALICE, call_data=own)
    return mined(s, s.chain.manager, asked(redeem(s.root(), once, mode=ExecutionMode.SINGLE_TRY)))


def test_what_an_account_tried_of_itself_is_not_taken_for_the_redemptions_failure(tried: OneBlock) -> None:
    (honest,) = tried.redemptions()
    assert (honest.outcome.status, [move.amount for move in honest.outcome.movements]) == ("executed", [5])
    assert held(tried, honest).standing("outcome.status") == "traced"
    said = ReceiptDenial(stage="execution", entry=0, execution=0, reason="", explanation="x", revert_data=b"")
    lie = changed(honest, "outcome", status="failed", movements=(), denial=said)
    assert held(tried, lie).standing("outcome.status") == "traced"


def test_a_failure_within_is_no_failed_execution_of_a_batch() -> None:
    s = scene()
    own = Execution(target=ALICE, call_data=account_batch((s.token, 0, FAILS), may_fail=True))
    both = redeem(s.root(), [own, Execution(target=BOB, value=5)], mode=ExecutionMode.BATCH_TRY)
    block = mined(s, s.chain.manager, asked(both))
    (honest,) = block.redemptions()
    lie = changed(honest, "outcome", status="partially_executed", failed_executions=(0,))
    assert held(block, honest).standing("outcome.status") == "traced"
    assert held(block, lie).standing("outcome.failed_executions") != "proven"


# accounts of user operations


def liar(manager: Address, says: bytes) -> bytes:
    """Code of an ERC-4337 account that agrees to every operation, and calls the manager with words of its own."""
    size = len(says).to_bytes(3, "big")
    head, agrees = bytes.fromhex("5f3560e01c6319822f7c1461"), bytes.fromhex("5b5f5f5260205ff3")
    calls = bytes.fromhex("5f395f5f62") + size + bytes.fromhex("5f5f73") + manager + bytes.fromhex("5af100")
    place = len(head) + 3 + 4 + 3 + len(calls)
    copies = b"\x62" + size + b"\x61" + (place + len(agrees)).to_bytes(2, "big")
    return head + place.to_bytes(2, "big") + b"\x57" + copies + calls + agrees + says


def test_what_is_asked_of_an_account_that_does_something_else_is_not_proven() -> None:
    s, own = scene(), Address(b"\x77" * 20)
    grant = s.root(LimitedCalls(limit=1), to=own)
    said, done = (redeem(grant, Execution(target=to, value=wei)) for to, wei in ((SHOP, 1), (BOB, 5)))
    s.chain.world.set_code(own, liar(s.chain.manager, asked(done)))
    asks = account_execute(s.chain.manager, asked(said))
    op = UserOperation(sender=own, nonce=0, call_data=asks, verification_gas_limit=2_000_000, call_gas_limit=3_000_000)
    block = mined(s, ENTRY_POINT, ops_of(s, op), sender=SHOP)
    (honest,) = block.redemptions()
    assert [(x.target, x.value) for x in honest.request.executions] == [(BOB, 5)]
    assert held(block, honest).standing("outcome.status") == "proven"
    pays_the_shop = ReceiptExecution(target=SHOP, value=1, call_data=b"")
    lie = changed(honest, "subject", calldata_hash=Bytes32(keccak(asked(said))))
    lie = lie.model_copy(update={"request": Request(mode=honest.request.mode, executions=(pays_the_shop,))})
    for receipt in (honest, lie):
        report = held(block, receipt)
        known = [report.standing(path) for path in ("request", "subject.calldata_hash", "subject.entry", "lineage")]
        assert known == ["traced", "attested", "attested", "proven"]


def test_calldata_that_nobody_passes_on_is_not_taken_for_the_managers() -> None:
    s = scene()
    once = good(s, to=BOB)
    decoy = asked(once, good(s, to=BOB))
    call = account_execute(s.chain.manager, asked(once))
    plain = mined(s, ENTRY_POINT, ops_of(s, operation(BOB, call)), sender=SHOP)
    assert held(plain, plain.redemptions()[0]).standing("subject.calldata_hash") == "proven"
    s = scene()
    once = good(s, to=BOB)
    padded = call + len(decoy).to_bytes(32, "big") + decoy
    block = mined(s, ENTRY_POINT, ops_of(s, operation(BOB, padded)), sender=SHOP)
    (honest,) = block.redemptions()
    for receipt in (honest, changed(honest, "subject", calldata_hash=Bytes32(keccak(decoy)))):
        assert held(block, receipt).standing("subject.calldata_hash") == "attested"


# a redemption in one's own name within another


def test_what_moved_in_a_redemption_that_logs_nothing_is_not_proven_to_be_of_the_one_around_it() -> None:
    s = scene()
    own = Redemption(context=(), executions=(s.pay(5),))
    around = redeem(s.root(LimitedCalls(limit=1)), Execution(target=s.chain.manager, call_data=asked(own)))
    block = mined(s, s.chain.manager, asked(around))
    outer, inner = block.redemptions()
    assert (len(outer.outcome.movements), len(inner.outcome.movements)) == (0, 1)
    assert held(block, outer).holds
    lie = changed(outer, "outcome", movements=inner.outcome.movements)
    assert held(block, lie).standing("outcome.movements.0") == "traced"


# blocks and chains


def test_a_transaction_of_an_older_block_is_not_held_against_the_trusted_ones_state(live: LiveChain) -> None:
    receipt = live.three_link_redemption(salt=67)
    own = prove(receipt, live.client)
    node = Node(live.client)
    later = node.block(bytes.fromhex(live.mine()["hash"][2:])).header
    builder = BundleBuilder(later)
    add_state(builder, node, planned_state(receipt))
    made = builder.build()
    assert own.transaction is not None
    bundle = made.model_copy(
        update={
            "headers": (*made.headers, own.headers[0]),
            "nodes": tuple(sorted({*made.nodes, *own.nodes}, key=keccak)),
            "transaction": own.transaction.model_copy(update={"header": 1}),
        }
    )
    assert verify(receipt, own, own.block_hash).holds
    with pytest.raises(EvidenceError) as refused:
        verify(receipt, bundle, later.hash)
    assert (refused.value.reason, refused.value.path) == ("wrong-block", "transaction.header")


def test_a_receipt_that_tells_no_status_is_refused(payment: Proven) -> None:
    from delegations.receipts.evidence import rlp

    included = open_bundle(payment.bundle, payment.block_hash).included()
    assert included is not None
    assert read_included(included, payment.receipt.subject.transaction).receipt.success
    fields = rlp.decode_list(included.receipt[1:])
    before_byzantium = included.receipt[:1] + rlp.encode([b"\x22" * 32, *fields[1:]])
    with pytest.raises(EvidenceError, match="Byzantium") as refused:
        read_included(
            Included(included.header, included.place, included.transaction, before_byzantium),
            payment.receipt.subject.transaction,
        )
    assert refused.value.reason == "unsupported-type"


def test_a_deployment_of_ones_own_does_not_count_where_the_transaction_names_no_chain() -> None:
    own = Registry((Deployment("mine", CHAIN_ID, Address(b"\x66" * 20), {}),))
    reading = Reading(EnforcerRegistry(), own, DEFAULT_BUDGET)
    fields = {"nonce": 0, "gasPrice": 1, "gas": 21_000, "to": str(SHOP), "value": 0}
    for named, chain_id, counts in ((True, CHAIN_ID, own), (True, CHAIN_ID + 1, None), (False, CHAIN_ID, None)):
        signed = dev_account(5).sign_transaction({**fields, **({"chainId": CHAIN_ID} if named else {})})
        transaction = decode_transaction(bytes(signed.raw_transaction))
        mined = Mined(0, transaction, ProvenReceipt(0, True, 21_000, ()), None)
        assert reading.deployments_for(mined, chain_id) is counts


def test_a_transaction_that_names_no_chain_does_not_show_one_by_being_run_again(live: LiveChain) -> None:
    live.mine()
    own = Redemption(context=(), executions=(Execution(target=live_chain.SHOP, value=1),))
    from delegations.redemption import encode_redeem_delegations

    account = dev_account(0)
    nonce = int(live.call("eth_getTransactionCount", account.address, "latest"), 16)
    fields = {"nonce": nonce, "gasPrice": 10**10, "gas": 500_000, "to": str(live.manager), "value": 0}
    raw = account.sign_transaction({**fields, "data": encode_redeem_delegations((own,))}).raw_transaction
    digest = bytes.fromhex(live.call("eth_sendRawTransaction", "0x" + raw.hex())[2:])
    live._nonces.pop(0, None)
    live.mine()
    (receipt,) = live.receipts(digest)
    report = checked(live, receipt, replay=True)
    assert (report.standing("outcome.status"), report.standing("subject.chain")) == ("proven", "attested")
    assert any("Nothing here shows that this block is of the chain eip155:10" in limit for limit in report.limits)


def test_who_stood_between_cannot_be_left_out_where_the_transaction_is_run_again(live: LiveChain) -> None:
    live.mine()  # no other test asks for the state of the block that the code is put into by hand
    live.call("anvil_setCode", str(MULTICALL), "0x" + _multicall_code().hex())
    live.mine()
    once = redeem(live.grant(LimitedCalls(limit=1), salt=60, to=MULTICALL), live.transfer(1))
    digest = live.send(1, MULTICALL, multicall((live.manager, asked(once), False)))
    live.mine()
    (receipt,) = live.receipts(digest)
    assert checked(live, receipt, replay=True).standing("actor.via") == "reexecuted"
    with pytest.raises(EvidenceError, match=r"actor\.via"):
        prove(changed(receipt, "actor", via=None), live.client, replay=True)


# revocations


def test_what_its_own_transaction_enabled_again_is_not_revoked() -> None:
    s = scene()
    ended, manager = s.root(by=BOB), MetaMaskManager()
    off, on = manager.encode_disable(ended), manager.encode_enable(ended)
    for calls, holds in (((off, on, off), True), ((off, on), False)):
        data = account_batch(*((s.chain.manager, 0, call) for call in calls))
        block = mined(scene(), BOB, data, sender=BOB)
        decoded = block.fetched.decode()
        from delegations.receipts import revocations_of

        made = revocations_of(decoded, block.fetched, timestamp=block.header.timestamp)
        assert bool(made) is holds
        if holds:
            (receipt,) = made
            first = receipt
        else:
            place = first.revocation.model_copy(
                update={
                    "block": first.revocation.block.model_copy(update={"hash": block.header.hash}),
                    "transaction": Bytes32(block.fetched.tx["hash"]),
                    "log_index": 0,
                }
            )
            receipt = first.model_copy(update={"revocation": place})
        report = examine(receipt, block.bundle(receipt, state="none"), block.header.hash)  # type: ignore[arg-type]  # of any kind
        assert report.holds is holds
        if not holds:
            assert "enabled it again" in report.refusals[0].text


def test_what_is_enabled_again_at_the_end_of_the_block_is_said_in_so_many_words(live: LiveChain) -> None:
    ended, manager = live.grant(LimitedCalls(limit=1), salt=61), MetaMaskManager()
    digest = live.send(0, live.manager, manager.encode_disable(ended))
    live.send(0, live.manager, manager.encode_enable(ended))
    live.mine()
    report = checked(live, revoked(live, ended, "disabled", digest))
    assert any("is enabled again: it can be redeemed" in limit for limit in report.limits)


def test_a_delegation_bound_to_a_later_nonce_has_not_ended(live: LiveChain) -> None:
    before, digest = raise_nonce(live)
    used, later, older = (live.grant(Nonce(nonce=n), salt=62) for n in (before, before + 5, max(before - 1, 0)))
    assert checked(live, revoked(live, used, "nonce", digest, nonce=before + 1)).holds
    with pytest.raises(EvidenceError, match="no caveat binds it"):
        prove(revoked(live, later, "nonce", digest, nonce=before + 1), live.client)
    if before:
        report = checked(live, revoked(live, older, "nonce", digest, nonce=before + 1))
        assert report.standing("revocation.delegation") == "attested"


def test_an_account_whose_code_did_not_change_has_revoked_nothing(live: LiveChain) -> None:
    alive = live.grant(LimitedCalls(limit=1), salt=63)
    digest = live.send(3, live_chain.SHOP, value=1)
    live.mine()
    same = revoked(live, alive, "code", digest, code=EIP7702_STATELESS_DELEGATOR)
    with pytest.raises(EvidenceError, match="honours what was granted"):
        prove(same, live.client)


def test_the_code_an_account_runs_was_given_by_its_own_authorization_in_that_transaction(live: LiveChain) -> None:
    account = dev_account(6)
    person = Address(account.address)
    made = live.sign(live.grant(salt=64).model_copy(update={"delegator": person}), 6)
    signed = account.sign_authorization({"chainId": 0, "address": str(live_chain.SHOP), "nonce": 0})
    digest = live.send(0, live_chain.SHOP, authorizationList=[signed], type=4)
    live.mine()
    report = checked(live, revoked(live, made, "code", digest, code=live_chain.SHOP))
    assert report.standing("revocation.how") == "proven"
    # the account runs the same code at the end of this block too
    other = live.send(3, live_chain.OTHER, value=1)
    live.mine()
    with pytest.raises(EvidenceError, match="no authorization"):
        prove(revoked(live, made, "code", other, code=live_chain.SHOP), live.client)


# grants


def test_a_key_that_is_not_the_principals_shows_nothing_of_the_principals_will(live: LiveChain) -> None:
    wished = live.grant(LimitedCalls(limit=2), salt=65)
    forged = live.sign(wished, 1)
    place: Any = {"chain_id": live_chain.CHAIN_ID, "manager": live.manager}
    honest = make_grant_receipt(wished, **place)
    assert verify(honest).standing("granted.signature") == "reexecuted"
    lie = make_grant_receipt(forged, signer=live_chain.AGENT, **place)
    report = verify(lie)
    assert (report.standing("granted.signature"), report.standing("granted.signer")) == ("attested", "reexecuted")
    louder: GrantReceipt = lie.model_copy(update={"claims": {**lie.claims, "granted": "reexecuted"}})
    with pytest.raises(EvidenceError, match="claim-not-established"):
        verify(louder)
    with pytest.raises(EvidenceError, match="accepts the key of"):
        prove(lie, live.client)


def test_a_grant_that_is_disabled_at_the_block_is_said_to_be(live: LiveChain) -> None:
    made = live.grant(LimitedCalls(limit=2), salt=66)
    receipt = make_grant_receipt(made, chain_id=live_chain.CHAIN_ID, manager=live.manager)
    assert not any("is disabled" in limit for limit in checked(live, receipt).limits)
    live.send(0, live.manager, MetaMaskManager().encode_disable(made))
    live.mine()
    report = checked(live, receipt)
    assert any("can no longer be redeemed" in limit for limit in report.limits)
    assert any("of the chain eip155:10, as the receipt says" in limit for limit in report.limits)


# claims


@pytest.mark.parametrize(
    "path",
    [
        *("lineage.00", "lineage.3", "lineage.-1", "lineage.0.will", "lineage.\N{ARABIC-INDIC DIGIT ZERO}"),
        *("request.", "request..mode", "request.mode.0", "request.executions.0.target.x"),
        *("", ".", "Request", "outcome.denial.reason"),
    ],
)
def test_a_claim_about_what_is_not_there_is_refused(payment: Proven, path: str) -> None:
    def claiming(where: str) -> Receipt:
        return payment.receipt.model_copy(update={"claims": {**payment.receipt.claims, where: "proven"}})

    assert verify(claiming("lineage.0.hash"), payment.bundle, payment.block_hash).holds
    with pytest.raises(EvidenceError) as refused:
        verify(claiming(path), payment.bundle, payment.block_hash)
    assert (refused.value.reason, refused.value.path) == ("claim-not-established", path)
