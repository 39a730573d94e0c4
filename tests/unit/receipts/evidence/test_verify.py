"""Verifying: what each kind of receipt is shown to be, and what is said of what is not shown."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from caveats import LimitedCalls, NativeTokenTransferAmount, Nonce
from caveats.attempt import StateKey
from caveats.types import ZERO_ADDRESS, Address, Bytes32
from delegations.delegation import Delegation
from delegations.evm import dev_account
from delegations.execution import ExecutionMode
from delegations.framework.abi import selector
from delegations.framework.constants import EIP7702_STATELESS_DELEGATOR
from delegations.manager import MetaMaskManager
from delegations.receipts import (
    BlockRef,
    Receipt,
    RedemptionReceipt,
    Revocation,
    RevocationReceipt,
    make_escalation_receipt,
    make_grant_receipt,
    make_revocation_receipt,
)
from delegations.receipts.evidence import EvidenceError, Report, attach, examine, prove, verify
from delegations.receipts.model_parts import Escalation, Evidence
from delegations.redemption import Redemption, redeem
from tests.unit.receipts.evidence.conftest import Proven
from tests.unit.receipts.evidence.live_chain import ALICE, CHAIN_ID, SHOP, LiveChain, other_anvil
from tests.unit.receipts.evidence.no_sockets import forbid_sockets

NONCE_ENFORCER = Nonce.ADDRESS


def pay(amount_wei: int) -> Any:
    from caveats import Execution

    return Execution(target=SHOP, value=amount_wei)


def checked(live: LiveChain, receipt: Receipt, **more: Any) -> Report:
    """Prove the receipt, let it claim what is shown, and verify that."""
    bundle = prove(receipt, live.client, **more)
    return verify(attach(receipt, bundle, bundle.block_hash), bundle, bundle.block_hash)


def reason_of(receipt: Receipt, proven: Proven) -> str:
    with pytest.raises(EvidenceError) as error:
        verify(receipt, proven.bundle, proven.block_hash)
    return f"{error.value.reason} {error.value.path}"


# a redemption


def test_a_redemption_is_proven_by_its_block(payment: Proven) -> None:
    report = verify(*payment)
    proven = {f.path for f in report.findings if f.standing == "proven"}
    assert proven >= {
        *("subject.chain", "subject.manager", "subject.calldata_hash", "subject.entry", "subject.block.hash"),
        *("subject.transaction", "subject.transaction_index", "subject.call_path"),
        *("lineage", "actor.redeemer", "actor.submitter", "request"),
        *("outcome.status", "outcome.enforcer_events", "outcome.movements.0"),
    }
    assert report.holds
    assert report.is_named
    assert report.bundle == payment.bundle.sha256


def test_verifying_opens_no_socket_though_proving_does(
    live: LiveChain, payment: Proven, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        attempts = forbid_sockets(patch)
        assert verify(*payment).holds
        assert examine(*payment).holds
        assert attempts == []
        with pytest.raises(AssertionError, match="where nothing may be asked"):
            prove(payment.receipt, live.client)


def test_what_the_block_does_not_tell_of_a_later_transaction_is_not_called_proven(payment: Proven) -> None:
    report = verify(*payment)
    assert payment.receipt.subject.transaction_index == 6
    standings = {path: report.standing(path) for path in ("outcome.gas_used", "subject.log_index", "outcome.movements")}
    assert standings == {"outcome.gas_used": "traced", "subject.log_index": "attested", "outcome.movements": "traced"}


def test_the_report_says_what_it_rests_on_and_what_it_does_not_show(payment: Proven) -> None:
    report = verify(*payment)
    assert report.block_hash == payment.block_hash
    assert str(report.block_hash) in report.limits[0]
    assert "END of the block" in report.limits[1]
    assert "read from its code at the END of the block" in report.limits[2]
    assert "only a trace" in report.limits[3]


def test_the_same_inputs_give_the_same_report(payment: Proven) -> None:
    assert verify(*payment) == verify(*payment)


def test_the_report_is_json_for_programs(payment: Proven) -> None:
    told = json.loads(json.dumps(verify(*payment).to_wire()))
    assert told["holds"] is True
    assert told["trust_root"] == "0x" + payment.block_hash.hex()
    assert {finding["standing"] for finding in told["findings"]} == {"proven", "traced", "attested"}


def test_signatures_of_keys_are_recovered_from_the_proven_calldata(payment: Proven) -> None:
    report = verify(*payment)
    assert [s.delegation for s in report.signatures] == [link.hash for link in payment.receipt.lineage]
    assert {s.standing for s in report.signatures} == {"proven"}


def facts(report: Report, what: str) -> list[str]:
    return [fact.value for fact in report.state if fact.what == what]


def test_the_state_shows_flags_counters_and_code(payment: Proven) -> None:
    report = verify(*payment)
    assert facts(report, "paused") == ["no"]
    assert facts(report, "disabled") == ["no", "no", "no"]
    assert sorted(facts(report, "counter")) == ["0", "1", "1", "1", "5"]
    codes = facts(report, "code")
    assert any(code.startswith("DelegationManager (0x") for code in codes)
    assert f"EIP-7702 account of {EIP7702_STATELESS_DELEGATOR}" in codes


def test_the_accounts_that_act_are_enough_to_prove_what_a_redemption_did(live: LiveChain, payment: Proven) -> None:
    bundle = prove(payment.receipt, live.client, state="accounts")
    lean = attach(payment.receipt, bundle, payment.block_hash)
    assert lean.claims == payment.receipt.claims
    report = verify(lean, bundle, payment.block_hash)
    assert [fact.what for fact in report.state] == ["code", "nonce"]
    assert any("only the accounts that act" in limit for limit in report.limits)
    assert len(bundle.nodes) < len(payment.bundle.nodes)


def test_counters_are_those_of_the_end_of_the_block_and_events_those_after_the_call(live: LiveChain) -> None:
    grant = live.grant(NativeTokenTransferAmount(max_amount_wei=100), salt=10)
    first, second = (live.redeem(1, redeem(grant, pay(amount))) for amount in (3, 4))
    live.mine()
    for digest, after in ((first, "3"), (second, "7")):
        (receipt,) = live.receipts(digest)
        report = checked(live, receipt)
        assert [event.values["spent"] for event in receipt.outcome.enforcer_events] == [after]
        assert facts(report, "counter") == ["7"]


def test_native_value_is_proven_where_it_is_the_execution_itself(live: LiveChain) -> None:
    digest = live.redeem(1, redeem(live.grant(LimitedCalls(limit=3), salt=11), pay(6)))
    live.mine()
    report = checked(live, live.receipts(digest)[0])
    assert report.standing("outcome.movements.0") == "proven"
    assert report.standing("outcome.movements") != "proven"


def test_several_redemptions_of_one_call_are_told_apart(live: LiveChain) -> None:
    grants = [live.grant(LimitedCalls(limit=3), salt=salt) for salt in (12, 13)]
    digest = live.redeem(1, *(redeem(grant, live.transfer(1)) for grant in grants))
    live.mine()
    for entry, receipt in enumerate(live.receipts(digest)):
        report = checked(live, receipt)
        assert (report.standing("lineage"), report.standing("request")) == ("proven", "proven")
        # which of two equal transfers was whose only a trace tells
        assert report.standing("outcome.movements.0") == "traced"
        moved = receipt.subject.model_copy(update={"entry": 1 - entry})
        with pytest.raises(EvidenceError):
            prove(receipt.model_copy(update={"subject": moved}), live.client)


def test_a_mode_that_only_tries_is_told_by_its_logs(live: LiveChain) -> None:
    from caveats import Execution

    failing = Execution(target=live.token, call_data=selector("transfer(address,uint256)") + bytes(64))
    asked = Redemption(context=(live.grant(salt=14),), mode=ExecutionMode.BATCH_TRY, executions=(pay(1), failing))
    digest = live.redeem(1, asked)
    live.mine()
    (receipt,) = live.receipts(digest)
    assert receipt.outcome.failed_executions == (1,)
    assert checked(live, receipt).standing("outcome.failed_executions") == "proven"
    outcome = receipt.outcome.model_copy(update={"failed_executions": (0,)})
    with pytest.raises(EvidenceError, match="failed_executions"):
        prove(receipt.model_copy(update={"outcome": outcome}), live.client)


def test_a_first_transaction_run_again_leaves_nothing_to_the_node(live: LiveChain) -> None:
    live.mine()
    digest = live.redeem(1, redeem(live.grant(LimitedCalls(limit=3), salt=15), pay(2)))
    live.mine()
    report = checked(live, live.receipts(digest)[0], replay=True)
    assert {f.standing for f in report.findings} == {"proven", "reexecuted"}
    assert report.standing("outcome.movements") == "reexecuted"


def test_a_mined_denial_is_run_again_where_it_is_the_first_of_its_block(live: LiveChain) -> None:
    live.mine()
    digest = live.redeem(1, redeem(live.grant(NativeTokenTransferAmount(max_amount_wei=1), salt=16), pay(2)))
    live.mine()
    (receipt,) = live.receipts(digest)
    assert checked(live, receipt).standing("outcome.denial") == "reexecuted"
    assert checked(live, receipt, replay=False).standing("outcome.denial") == "traced"


def test_a_mined_denial_is_run_again_behind_others_too(live: LiveChain) -> None:
    live.mine()
    live.send(3, SHOP, value=1, maxPriorityFeePerGas=9)
    digest = live.redeem(1, redeem(live.grant(NativeTokenTransferAmount(max_amount_wei=1), salt=18), pay(2)))
    live.mine()
    (receipt,) = live.receipts(digest)
    assert receipt.subject.transaction_index == 1
    assert checked(live, receipt).standing("outcome.denial") == "reexecuted"
    assert checked(live, receipt, replay=False).standing("outcome.denial") == "traced"
    assert checked(live, receipt, state="none").standing("outcome.denial") == "traced"


def test_a_mined_denial_that_is_not_run_again_is_proven_to_have_failed_and_no_more(live: LiveChain) -> None:
    live.send(2, SHOP, value=1)
    digest = live.redeem(1, redeem(live.grant(NativeTokenTransferAmount(max_amount_wei=1), salt=17), pay(2)))
    live.mine()
    (receipt,) = live.receipts(digest)
    report = checked(live, receipt, replay=False)
    assert report.standing("outcome.movements") == "proven"
    assert report.standing("outcome.denial") == "traced"
    executed = receipt.model_copy(
        update={
            "kind": "redemption",
            "outcome": receipt.outcome.model_copy(update={"status": "executed", "denial": None}),
        }
    )
    with pytest.raises(EvidenceError, match="the call failed"):
        prove(executed, live.client, replay=False)


def test_a_redemption_on_an_op_stack_chain_is_proven_in_a_block_with_a_deposit() -> None:
    deposit = {"type": "0x7e", "from": str(SHOP), "to": str(SHOP), "gas": "0x30d40", "value": "0x0", "input": "0x"}
    more = {"isSystemTx": False, "mint": "0x1", "sourceHash": "0x" + "11" * 32}
    with other_anvil("--network", "optimism", "--chain-id", str(CHAIN_ID), "--accounts", "0") as client:
        live = LiveChain(SimpleNamespace(transport=client.transport))
        client.call("anvil_autoImpersonateAccount", True)
        client.call("eth_sendTransaction", {**deposit, **more})
        receipt = live.three_link_redemption(others=2)
        kinds = [tx["type"] for tx in client.call("eth_getBlockByNumber", "latest", True)["transactions"]]
        assert sorted(kinds) == ["0x2", "0x2", "0x2", "0x7e"]
        assert checked(live, receipt).standing("outcome.status") == "proven"


# forged labels and other blocks


@pytest.mark.parametrize(
    "path", ["outcome.gas_used", "subject.log_index", "outcome.movements", "subject.finality", "prev"]
)
@pytest.mark.parametrize("claim", ["proven", "reexecuted"])
def test_a_claim_that_is_not_established_is_refused(payment: Proven, path: str, claim: Any) -> None:
    claims = {**payment.receipt.claims, path: claim}
    forged = payment.receipt.model_copy(update={"claims": claims})
    if path == "subject.finality":
        subject = forged.subject.model_copy(update={"finality": "finalized"})
        forged = forged.model_copy(update={"subject": subject})
    assert reason_of(forged, payment) == f"claim-not-established {path}"


def test_a_claim_about_nothing_is_refused(payment: Proven) -> None:
    claims: dict[str, Any] = {**payment.receipt.claims, "weather": "proven"}
    assert reason_of(payment.receipt.model_copy(update={"claims": claims}), payment) == "claim-not-established weather"


def test_a_claim_about_part_of_a_fact_is_held_to_the_whole(payment: Proven) -> None:
    deeper: dict[str, Any] = {**payment.receipt.claims, "lineage.0.salt": "proven"}
    assert verify(payment.receipt.model_copy(update={"claims": deeper}), payment.bundle, payment.block_hash).holds
    deeper["subject.log_index.0"] = "proven"
    assert "log_index" in reason_of(payment.receipt.model_copy(update={"claims": deeper}), payment)


def test_weaker_claims_than_are_shown_hold(payment: Proven) -> None:
    modest = payment.receipt.model_copy(update={"claims": {}})
    report = verify(modest, payment.bundle, payment.block_hash)
    assert (report.standing("lineage"), {f.claimed for f in report.findings}) == ("proven", {"attested"})


def test_without_a_bundle_nothing_is_proven_and_a_receipt_that_says_so_is_refused(payment: Proven) -> None:
    modest = payment.receipt.model_copy(update={"claims": {}})
    report = verify(modest)
    assert {f.standing for f in report.findings} == {"attested", "reexecuted"}
    assert "nothing here is proven" in report.limits[0]
    with pytest.raises(EvidenceError) as refused:
        verify(payment.receipt)
    assert refused.value.reason == "claim-not-established"


def test_a_bundle_the_receipt_does_not_name_is_refused(payment: Proven) -> None:
    other = Evidence(type="delegations-evidence-1", sha256="00" * 32)
    assert reason_of(payment.receipt.model_copy(update={"evidence": (other,)}), payment).startswith("address-mismatch")
    unnamed = payment.receipt.model_copy(update={"evidence": None})
    assert not verify(unnamed, payment.bundle, payment.block_hash).is_named


def test_the_receipt_of_another_block_is_refused(payment: Proven) -> None:
    block = payment.receipt.subject.block.model_copy(update={"hash": Bytes32(b"\1" * 32)})
    subject = payment.receipt.subject.model_copy(update={"block": block})
    assert reason_of(payment.receipt.model_copy(update={"subject": subject}), payment).startswith("wrong-block")


def test_what_contradicts_is_reported_with_what_was_expected(payment: Proven) -> None:
    subject = payment.receipt.subject.model_copy(update={"transaction_index": 7})
    report = examine(payment.receipt.model_copy(update={"subject": subject}), payment.bundle, payment.block_hash)
    assert report.standing("subject.transaction_index") == "contradicted"
    (refusal,) = report.refusals
    assert (refusal.reason, refusal.path) == ("receipt-contradicted", "subject.transaction_index")
    assert "expected 6, got 7" in refusal.text
    assert not report.holds


def test_a_fact_that_does_not_exist_has_no_standing(payment: Proven) -> None:
    from caveats.errors import EncodingError

    with pytest.raises(EncodingError, match="expected one of"):
        verify(*payment).standing("weather")


# revocations


def revoked(live: LiveChain, ended: Delegation, how: Any, digest: bytes | None, **more: Any) -> RevocationReceipt:
    """The receipt of a revocation mined in the latest block."""
    told = live.call("eth_getBlockByNumber", "latest", False)
    block = BlockRef(
        number=int(told["number"], 16),
        timestamp=int(told["timestamp"], 16),
        hash=Bytes32(bytes.fromhex(told["hash"][2:])),
    )
    place = {"chain": f"eip155:{CHAIN_ID}", "manager": live.manager, "network": "live", "block": block}
    revocation = Revocation(
        **place,
        delegation=ended.hash,
        how=how,
        by=ended.delegator,
        transaction=None if digest is None else Bytes32(digest),
        **more,
    )
    return make_revocation_receipt(revocation, ended)


def test_a_disabled_delegation_is_proven_by_its_log_and_by_the_flag(live: LiveChain) -> None:
    ended = live.grant(LimitedCalls(limit=1), salt=20)
    digest = live.send(0, live.manager, MetaMaskManager().encode_disable(ended))
    live.mine()
    receipt = revoked(live, ended, "disabled", digest, log_index=0)
    report = checked(live, receipt)
    for name in ("how", "delegation", "by", "manager", "chain", "transaction", "log_index", "network"):
        assert report.standing(f"revocation.{name}") == "proven", name
    assert facts(report, "disabled") == ["yes"]
    assert report.standing("lineage.0") == "proven"
    other = live.grant(LimitedCalls(limit=1), salt=21)
    with pytest.raises(EvidenceError, match="no log"):
        prove(revoked(live, other, "disabled", digest), live.client)


def test_a_delegation_that_was_enabled_again_in_its_block_is_said_to_be(live: LiveChain) -> None:
    ended = live.grant(LimitedCalls(limit=1), salt=22)
    manager = MetaMaskManager()
    digest = live.send(0, live.manager, manager.encode_disable(ended))
    live.send(0, live.manager, manager.encode_enable(ended))
    live.mine()
    report = checked(live, revoked(live, ended, "disabled", digest))
    assert facts(report, "disabled") == ["no"]
    assert any("enabled again" in finding.basis for finding in report.findings)


def raise_nonce(live: LiveChain) -> tuple[int, bytes]:
    """Alice's nonce before and the transaction that raised it, mined."""
    slot = Nonce(nonce=0).state_slot(StateKey(live.manager, bytes(32), ALICE))
    before = int(live.call("eth_getStorageAt", str(NONCE_ENFORCER), hex(slot), "latest"), 16)
    digest = live.send(0, NONCE_ENFORCER, selector("incrementNonce(address)") + bytes(12) + live.manager)
    live.mine()
    return before, digest


def test_a_raised_nonce_ends_what_is_bound_to_the_one_before(live: LiveChain) -> None:
    before, digest = raise_nonce(live)
    ended, unbound = live.grant(Nonce(nonce=before), salt=23), live.grant(LimitedCalls(limit=1), salt=23)
    report = checked(live, revoked(live, ended, "nonce", digest, nonce=before + 1, log_index=0))
    for name in ("how", "nonce", "by", "delegation", "log_index"):
        assert report.standing(f"revocation.{name}") == "proven", name
    assert facts(report, "counter") == [str(before + 1)]
    with pytest.raises(EvidenceError, match="no caveat binds it"):
        prove(revoked(live, unbound, "nonce", digest, nonce=before + 1), live.client)
    with pytest.raises(EvidenceError, match=f"raised to {before + 2}"):
        prove(revoked(live, ended, "nonce", digest, nonce=before + 2), live.client)


def test_a_raised_nonce_without_the_delegations_content_leaves_open_what_it_ended(live: LiveChain) -> None:
    before, digest = raise_nonce(live)
    ended = live.grant(Nonce(nonce=before), salt=24)
    bare = make_revocation_receipt(revoked(live, ended, "nonce", digest, nonce=before + 1).revocation)
    report = checked(live, bare)
    assert (report.standing("revocation.nonce"), report.standing("revocation.delegation")) == ("proven", "attested")


def test_another_code_of_the_account_is_proven_by_the_state(live: LiveChain) -> None:
    helper = dev_account(2)
    made = live.sign(live.grant(salt=25).model_copy(update={"delegator": Address(helper.address)}), 2)
    nonce = int(live.call("eth_getTransactionCount", helper.address, "latest"), 16)
    signed = helper.sign_authorization({"chainId": CHAIN_ID, "address": str(ZERO_ADDRESS), "nonce": nonce})
    digest = live.send(0, SHOP, authorizationList=[signed], type=4)
    live.mine()
    report = checked(live, revoked(live, made, "code", digest, code=ZERO_ADDRESS))
    assert (report.standing("revocation.code"), report.standing("revocation.by")) == ("proven", "proven")
    with pytest.raises(EvidenceError, match="no authorization"):
        prove(revoked(live, made, "code", digest, code=SHOP), live.client)


# grants and escalations


def granted(live: LiveChain, salt: int) -> tuple[Delegation, Any]:
    made = live.grant(LimitedCalls(limit=2), salt=salt)
    return made, make_grant_receipt(made, chain_id=CHAIN_ID, manager=live.manager)


def test_a_grant_is_its_signature_and_its_not_being_revoked_at_a_block(live: LiveChain) -> None:
    made, receipt = granted(live, 30)
    report = checked(live, receipt)
    assert report.standing("granted.signer") == "reexecuted"
    assert facts(report, "disabled") == ["no"]
    assert [s.standing for s in report.signatures] == ["proven"]
    live.send(0, live.manager, MetaMaskManager().encode_disable(made))
    block = live.mine()
    later = checked(live, receipt, block=bytes.fromhex(block["hash"][2:]))
    assert facts(later, "disabled") == ["yes"]


def test_a_grant_may_not_call_its_signature_proven_by_a_chain(live: LiveChain) -> None:
    _, receipt = granted(live, 31)
    with pytest.raises(EvidenceError, match="claim-not-established"):
        verify(receipt.model_copy(update={"claims": {"granted": "proven"}}))


def test_a_grant_is_of_no_transaction(live: LiveChain, payment: Proven) -> None:
    _, receipt = granted(live, 32)
    bundle = prove(receipt, live.client)
    with_one = bundle.model_copy(update={"transaction": payment.bundle.transaction})
    with pytest.raises(EvidenceError) as refused:
        verify(receipt, with_one, bundle.block_hash)
    assert refused.value.reason == "unasked-proof"


def escalated() -> Any:
    asked = Escalation(asks=("more",), approver="did:web:a.example", decision="pending", asked_at=1, expires_at=2)
    return make_escalation_receipt(asked, chain_id=CHAIN_ID)


def test_an_escalation_is_a_matter_of_signatures_alone(live: LiveChain, payment: Proven) -> None:
    from caveats.errors import UnsupportedError

    assert verify(escalated()).standing("escalation") == "attested"
    with pytest.raises(UnsupportedError, match="sign the receipt"):
        prove(escalated(), live.client)
    with pytest.raises(EvidenceError) as refused:
        verify(escalated(), payment.bundle.model_copy(update={"states": ()}), payment.block_hash)
    assert refused.value.reason == "unasked-proof"


def test_what_ran_on_a_local_chain_cannot_be_proven(live: LiveChain, payment: Proven) -> None:
    from caveats.errors import UnsupportedError

    subject = payment.receipt.subject.model_copy(update={"network": "local"})
    with pytest.raises(UnsupportedError, match="local chain"):
        prove(payment.receipt.model_copy(update={"subject": subject}), live.client)


def test_the_receipt_that_was_attached_reads_back_as_itself(payment: Proven) -> None:
    assert RedemptionReceipt.from_json(payment.receipt.to_json()) == payment.receipt
    (named,) = payment.receipt.evidence or ()
    assert (named.type, named.sha256) == ("delegations-evidence-1", payment.bundle.sha256)
