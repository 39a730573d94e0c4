"""What a receipt says of what happened."""

from __future__ import annotations

import pytest

from caveats import Address, Caveat, LimitedCalls, NativeTokenTransferAmount
from caveats.types import Bytes32, keccak
from delegations.delegation import Delegation, create_delegation, redelegate
from delegations.evm import LocalChain
from delegations.receipts import Receipt, make_receipts
from delegations.redemption import encode_redeem_delegations, redeem
from delegations.simulation import execute
from tests.unit.receipts.makers import AGENT, ALICE, HELPER, SHOP, grant, pay, signed, stage, transfer

# kinds


@pytest.mark.parametrize(
    ("status", "kind"),
    [("executed", "redemption"), ("partially_executed", "redemption"), ("failed", "redemption"), ("denied", "denial")],
)
def test_only_the_authoritys_no_is_a_denial(receipts: dict[str, Receipt], status: str, kind: str) -> None:
    assert receipts[status].kind == kind


def test_a_denial_names_who_denied(receipts: dict[str, Receipt]) -> None:
    receipt = receipts["denied"]
    denial = receipt.outcome.denial
    assert denial is not None
    caveat = receipt.lineage[0].caveats[0]
    assert (denial.stage, denial.entry, denial.depth, denial.caveat) == ("hook", 0, 0, 0)
    assert (denial.delegation, denial.enforcer) == (receipt.lineage[0].hash, caveat.enforcer)
    assert denial.enforcer_name == "NativeTokenTransferAmountEnforcer"
    assert denial.reason == "NativeTokenTransferAmountEnforcer:allowance-exceeded"
    assert receipt.outcome.movements == ()


def test_a_failed_call_names_the_execution_and_nobody_who_denied(receipts: dict[str, Receipt]) -> None:
    denial = receipts["failed"].outcome.denial
    assert denial is not None
    assert (denial.stage, denial.execution, denial.reason) == ("execution", 0, "TestTarget:refused")
    assert (denial.depth, denial.caveat, denial.enforcer) == (None, None, None)


def test_a_swallowed_failure_is_told_and_only_what_stands_has_moved(receipts: dict[str, Receipt]) -> None:
    outcome = receipts["partially_executed"].outcome
    assert outcome.failed_executions == (1,)
    assert [move.amount for move in outcome.movements] == [1, 2]
    assert outcome.denial is None


def test_what_moved_is_told_to_the_last_unit(receipt: Receipt) -> None:
    (move,) = receipt.outcome.movements
    assert (move.sender, move.recipient, move.amount) == (ALICE, SHOP, 10**29 + 1)
    assert move.token == receipt.request.executions[0].target
    assert receipt.to_wire()["outcome"]["movements"][0]["amount"] == "100000000000000000000000000001"


def test_the_counters_after_the_call_are_told(receipt: Receipt) -> None:
    contracts = {event.contract for event in receipt.outcome.enforcer_events}
    assert contracts == {"ERC20TransferAmountEnforcer", "LimitedCallsEnforcer"}


def test_who_asked_for_what_where_is_told() -> None:
    chain = LocalChain(8453, timestamp=1_900_000_000, block_number=77)
    chain.add_delegator(ALICE)
    asked = redeem(grant(), pay(3))
    (receipt,) = make_receipts(execute(chain, asked))
    subject = receipt.subject
    assert (subject.chain, subject.network, subject.entry) == ("eip155:8453", "local", 0)
    assert (subject.block.number, subject.block.timestamp) == (77, 1_900_000_000)
    assert subject.manager == chain.manager
    assert subject.calldata_hash == keccak(encode_redeem_delegations([asked]))
    assert (receipt.actor.redeemer, receipt.actor.submitter) == (AGENT, AGENT)
    assert (receipt.request.executions[0].target, receipt.request.executions[0].value) == (SHOP, 3)


def test_the_lineage_runs_from_the_root_and_rebuilds_its_hashes(receipt: Receipt) -> None:
    assert [(link.depth, link.delegator, link.delegate) for link in receipt.lineage] == [
        (0, ALICE, AGENT),
        (1, AGENT, HELPER),
    ]
    for link in receipt.lineage:
        rebuilt = Delegation.from_wire(
            {
                "delegate": str(link.delegate),
                "delegator": str(link.delegator),
                "authority": str(link.authority),
                "salt": link.salt,
                "caveats": [
                    {"enforcer": str(c.enforcer), "terms": "0x" + c.terms.hex(), "args": "0x"} for c in link.caveats
                ],
            }
        )
        assert rebuilt.hash == link.hash


def test_the_caveats_carry_terms_and_words(receipt: Receipt) -> None:
    caveat = receipt.lineage[1].caveats[0]
    assert (caveat.name, caveat.says) == ("LimitedCalls", "Usable at most 3 times.")
    assert int.from_bytes(caveat.terms, "big") == 3


def test_a_denial_in_a_chain_counts_its_depth_from_the_root() -> None:
    chain = stage()
    root = grant([LimitedCalls(limit=1)])
    leaf = signed(redelegate(root, delegate=HELPER, caveats=[NativeTokenTransferAmount(max_amount_wei=5)], salt=1), 1)
    by_leaf = make_receipts(execute(chain, redeem([leaf, root], pay(6))))[0]
    assert make_receipts(execute(chain, redeem([leaf, root], pay(5))))[0].kind == "redemption"
    by_root = make_receipts(execute(chain, redeem([leaf, root], pay(0))))[0]
    for receipt, depth in ((by_leaf, 1), (by_root, 0)):
        denial = receipt.outcome.denial
        assert denial is not None
        assert denial.depth == depth
        assert denial.delegation == receipt.lineage[depth].hash


# several entries in one call


def test_a_call_with_several_entries_leaves_a_receipt_for_each() -> None:
    chain = stage()
    token = chain.deploy_token()
    chain.mint(token, ALICE, 100)
    asked = [
        redeem(grant([LimitedCalls(limit=1)], salt=1), pay(11)),
        redeem(grant(salt=2), [pay(22), transfer(token, 33)]),
        redeem(grant([NativeTokenTransferAmount(max_amount_wei=44)], salt=3), pay(44)),
    ]
    receipts = make_receipts(execute(chain, asked))
    assert [receipt.subject.entry for receipt in receipts] == [0, 1, 2]
    assert [[move.amount for move in r.outcome.movements] for r in receipts] == [[11], [22, 33], [44]]
    assert [[event.contract for event in r.outcome.enforcer_events] for r in receipts] == [
        ["LimitedCallsEnforcer"],
        [],
        ["NativeTokenTransferAmountEnforcer"],
    ]
    assert [receipt.lineage[0].salt for receipt in receipts] == [1, 2, 3]
    assert {receipt.subject.calldata_hash for receipt in receipts} == {
        Bytes32(keccak(encode_redeem_delegations(asked)))
    }


def test_the_receipts_of_one_call_are_linked() -> None:
    asked = [redeem(grant(salt=salt), pay(1)) for salt in range(3)]
    receipts = make_receipts(execute(stage(), asked), prev="cd" * 32)
    assert [receipt.prev for receipt in receipts] == ["cd" * 32, receipts[0].hash, receipts[1].hash]
    assert make_receipts(execute(stage(), asked))[0].prev is None


def test_when_one_entry_is_denied_every_receipt_says_which() -> None:
    asked = [
        redeem(grant(salt=1), pay(1)),
        redeem(grant([NativeTokenTransferAmount(max_amount_wei=5)], salt=2), pay(6)),
    ]
    receipts = make_receipts(execute(stage(), asked))
    assert [receipt.kind for receipt in receipts] == ["denial", "denial"]
    for receipt in receipts:
        denial = receipt.outcome.denial
        assert denial is not None
        assert (denial.entry, denial.delegation) == (1, receipts[1].lineage[0].hash)
        assert receipt.outcome.movements == ()


def test_an_account_that_acts_for_itself_leaves_a_receipt_without_lineage() -> None:
    chain = stage()
    done = execute(chain, redeem([], pay(9)), redeemer=ALICE)
    (receipt,) = make_receipts(done)
    assert receipt.lineage == ()
    assert [move.amount for move in receipt.outcome.movements] == [9]
    assert Receipt.from_json(receipt.to_json()) == receipt


def test_the_same_deed_leaves_the_same_receipt() -> None:
    one, two = (make_receipts(execute(stage(), redeem(grant(), pay(1))))[0] for _ in range(2))
    assert one.hash == two.hash


def test_running_out_of_gas_is_a_failure_and_no_denial() -> None:
    done = execute(stage(), redeem(grant([NativeTokenTransferAmount(max_amount_wei=5)]), pay(6)), gas=60_000)
    (receipt,) = make_receipts(done)
    assert (receipt.kind, receipt.outcome.status) == ("redemption", "failed")
    assert receipt.outcome.denial is not None
    assert receipt.outcome.denial.stage == "gas"


def test_an_unknown_enforcer_is_told_as_unknown() -> None:
    strange = Caveat(enforcer=Address(b"\xab" * 20), terms=b"\x01\x02")
    delegation = signed(create_delegation(delegator=ALICE, delegate=AGENT, caveats=[strange], salt=0))
    (receipt,) = make_receipts(execute(stage(), redeem(delegation, pay(1))))
    told = receipt.lineage[0].caveats[0]
    assert told.name == str(strange.enforcer)
    assert "it may bound nothing" in told.says
    assert receipt.kind == "denial"
