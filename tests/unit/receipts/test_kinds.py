"""Receipts of all five kinds: what each says, and which contradictions it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from caveats import Address, Execution, NativeTokenTransferAmount
from caveats.errors import EncodingError, VerificationError
from delegations.delegation import redelegate
from delegations.evm import LocalChain, contract_code, dev_account
from delegations.receipts import (
    KINDS,
    Answers,
    EscalationReceipt,
    GrantReceipt,
    Label,
    Notes,
    Receipt,
    RedemptionReceipt,
    RevocationReceipt,
    find_problems,
    hash_proposal,
    make_grant_receipt,
    make_preflight_receipts,
    make_receipts,
)
from delegations.redemption import redeem
from delegations.simulation import execute, simulate
from tests.unit.receipts.makers import (
    AGENT,
    ALICE,
    CHAIN_ID,
    FAIL,
    HELPER,
    SHOP,
    grant,
    noted,
    pay,
    signed,
    stage,
)

Wire = dict[str, Any]
Change = Callable[[Wire], None]
MANAGER = LocalChain(CHAIN_ID).manager


def changed(receipt: Receipt, change: Change) -> Wire:
    wire = json.loads(receipt.to_json())
    change(wire)
    return wire


# all kinds


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_back_as_its_class(every_kind: dict[str, Receipt], kind: str) -> None:
    receipt = every_kind[kind]
    read = Receipt.from_json(receipt.to_json())
    assert (read, type(read), read.kind) == (receipt, type(receipt), kind)
    assert read.canonical() == receipt.canonical()


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_contradicts_itself(every_kind: dict[str, Receipt], kind: str) -> None:
    assert find_problems(every_kind[kind]) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_has_a_standing(every_kind: dict[str, Receipt], kind: str) -> None:
    receipt = every_kind[kind]
    parts = [part for part in receipt.PARTS if getattr(receipt, part) is not None]
    assert parts
    assert set(parts) == set(receipt.claims)


def test_a_class_reads_its_own_kind_only(every_kind: dict[str, Receipt]) -> None:
    wire = every_kind["grant"].to_wire()
    assert GrantReceipt.from_wire(wire) == every_kind["grant"]
    with pytest.raises(EncodingError, match=r"Receipt\.kind: expected that of a EscalationReceipt, got grant"):
        EscalationReceipt.from_wire(wire)


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_of_another_kind_is_refused(every_kind: dict[str, Receipt], kind: str) -> None:
    other = "grant" if kind != "grant" else "escalation"
    part = {"grant": "granted", "escalation": "escalation"}[other]
    wire = {**every_kind[kind].to_wire(), part: every_kind[other].to_wire()[part]}
    with pytest.raises(EncodingError, match=f"Receipt.{part}: there is no such field"):
        Receipt.from_wire(wire)


def test_the_kind_is_required(receipt: Receipt) -> None:
    wire = receipt.to_wire()
    del wire["kind"]
    with pytest.raises(EncodingError, match=r"Receipt\.kind: this field is required"):
        Receipt.from_wire(wire)


# standing


def test_a_claim_about_a_part_holds_for_what_is_in_it_unless_that_has_its_own(receipt: Receipt) -> None:
    wire = {**receipt.to_wire(), "claims": {"outcome": "traced", "outcome.movements": "proven"}}
    told = Receipt.from_wire(wire)
    assert told.standing("outcome") == told.standing("outcome.gas_used") == "traced"
    assert told.standing("outcome.movements") == told.standing("outcome.movements.0") == "proven"


@pytest.mark.parametrize("path", ["lineage.0.caveats.0.name", "lineage.0.caveats.0.says", "outcome.denial.explanation"])
def test_words_for_people_are_attested_whatever_is_claimed(every_kind: dict[str, Receipt], path: str) -> None:
    part = path.partition(".")[0]
    told = Receipt.from_wire({**every_kind["denial"].to_wire(), "claims": {part: "proven", path: "proven"}})
    assert told.standing(part) == told.standing("lineage.0.caveats.0.terms" if part == "lineage" else part) == "proven"
    assert told.standing(path) == "attested"


def test_what_nobody_claimed_anything_about_is_attested(receipt: Receipt) -> None:
    told = Receipt.from_wire({**receipt.to_wire(), "claims": {"outcome": "proven"}})
    assert told.standing("outcome") == "proven"
    assert told.standing("request") == told.standing("outcomes") == told.standing("labels") == "attested"


@pytest.mark.parametrize("path", ["labels", "answers", "issuer", "ext"])
def test_what_only_the_issuer_says_is_never_more_than_attested(every_kind: dict[str, Receipt], path: str) -> None:
    wire = every_kind["redemption"].to_wire()
    wire["claims"][path] = "attested"
    Receipt.from_wire(wire)
    wire["claims"][path] = "proven"
    with pytest.raises(EncodingError, match="nobody's but the issuer's word"):
        Receipt.from_wire(wire)


# links and names


def test_notes_go_into_the_receipt() -> None:
    notes = noted()
    (told,) = make_receipts(execute(stage(), redeem(grant(), pay(1))), notes=notes)
    assert (told.grant, told.answers, told.labels) == (notes.grant, notes.answers, notes.labels)
    assert (told.issuer, told.issued_at, told.evidence, told.ext) == (
        notes.issuer,
        notes.issued_at,
        notes.evidence,
        notes.ext,
    )
    assert told.to_wire()["issued_at"] == "1790000000"


def test_a_receipt_without_notes_has_none_of_their_fields(receipt: Receipt) -> None:
    assert not set(receipt.to_wire()) & {"grant", "answers", "labels", "evidence", "issuer", "issued_at", "ext"}


@pytest.mark.parametrize("field", ["labels", "evidence", "ext"])
def test_an_empty_note_is_refused(receipt: Receipt, field: str) -> None:
    with pytest.raises(EncodingError, match=f"{field}: expected something in it, got nothing"):
        Receipt.from_wire({**receipt.to_wire(), field: {} if field == "ext" else []})


def test_an_address_has_one_name() -> None:
    one = Label(address=ALICE, role="principal", name="Alice")
    other = Label(address=ALICE, role="agent", name="Mallory")
    done = execute(stage(), redeem(grant(), pay(1)))
    assert make_receipts(done, notes=Notes(labels=(one,)))
    with pytest.raises(EncodingError, match="labels: an address has one name"):
        make_receipts(done, notes=Notes(labels=(one, other)))


@pytest.mark.parametrize(("name", "says"), [("", "expected some text"), ("\ud800", "UTF-8 can hold")])
def test_a_name_that_no_file_can_hold_is_refused(name: str, says: str) -> None:
    assert Label(address=ALICE, role="agent", name="\u202e").name == "\u202e"
    with pytest.raises(EncodingError, match=says):
        Label(address=ALICE, role="agent", name=name)


def test_a_proposal_is_named_by_the_hash_of_its_canonical_form() -> None:
    call = {"tool": "pay", "amount": "5"}
    assert hash_proposal(call) == hash_proposal({"amount": "5", "tool": "pay"})
    assert (
        hash_proposal(call)
        == hash_proposal('{"amount":"5","tool":"pay"}')
        == hash_proposal(b'{"amount":"5","tool":"pay"}')
    )
    assert Answers(proposal=hash_proposal(call), kind="tool_call").proposal == hash_proposal(call)
    with pytest.raises(EncodingError, match="write large numbers as text"):
        hash_proposal({"amount": 2**53})


# before the deed


def denied_before(**options: Any) -> RedemptionReceipt:
    chain, asked = stage(), redeem(grant([NativeTokenTransferAmount(max_amount_wei=5)]), pay(6))
    return make_preflight_receipts(chain, asked, simulate(chain, asked), **options)[0]


def test_a_denial_before_the_deed_says_so_and_names_no_transaction() -> None:
    told = denied_before(prev="cd" * 32)
    assert (told.kind, told.subject.phase, told.subject.transaction) == ("denial", "preflight", None)
    assert told.outcome.denial is not None
    assert told.outcome.denial.enforcer_name == "NativeTokenTransferAmountEnforcer"
    assert (told.actor.redeemer, told.prev, told.standing("outcome")) == (AGENT, "cd" * 32, "reexecuted")


def test_a_denial_before_the_deed_can_be_on_a_live_chain_without_a_transaction() -> None:
    assert denied_before(network="live").subject.network == "live"


def test_gas_that_no_engine_told_is_left_out() -> None:
    wire = denied_before().to_wire()
    del wire["outcome"]["gas_used"]
    read = Receipt.from_wire(wire)
    assert isinstance(read, RedemptionReceipt)
    assert read.outcome.gas_used is None
    assert "gas_used" not in read.to_wire()["outcome"]


def test_what_is_allowed_leaves_no_receipt_before_the_deed() -> None:
    chain, asked = stage(), redeem(grant(), pay(1))
    with pytest.raises(EncodingError, match="expected a denial by the authority, got an allowed one"):
        make_preflight_receipts(chain, asked, simulate(chain, asked))


def test_a_call_that_fails_by_itself_is_no_denial_before_the_deed() -> None:
    chain = stage()
    target = chain.deploy(contract_code("TestTarget"))
    asked = redeem(grant(), FAIL.model_copy(update={"target": target}))
    verdict = simulate(chain, asked)
    assert not verdict.allowed
    with pytest.raises(EncodingError, match="got a failure at stage execution"):
        make_preflight_receipts(chain, asked, verdict)


def test_several_entries_tried_at_once_are_linked() -> None:
    chain = stage()
    asked = [
        redeem(grant(salt=1), pay(1)),
        redeem(grant([NativeTokenTransferAmount(max_amount_wei=5)], salt=3), pay(6)),
    ]
    one, two = make_preflight_receipts(chain, asked, simulate(chain, asked))
    assert (two.prev, one.subject.entry, two.subject.entry) == (one.hash, 0, 1)
    assert one.outcome.denial == two.outcome.denial


# grants


def test_a_grant_names_who_signed() -> None:
    told = make_grant_receipt(grant(), chain_id=CHAIN_ID, manager=MANAGER)
    assert (told.granted.principal, told.granted.signer, told.granted.delegation) == (ALICE, ALICE, grant().hash)
    assert told.standing("granted") == "reexecuted"


def test_a_grant_signed_for_another_chain_is_refused() -> None:
    with pytest.raises(VerificationError, match=f"expected the key of {ALICE}") as refused:
        make_grant_receipt(grant(), chain_id=CHAIN_ID + 1, manager=MANAGER)
    assert refused.value.onchain == "InvalidEOASignature()"


def test_a_grant_by_an_owner_names_the_owner() -> None:
    by_owner = signed(grant().with_signature(b""), key=1)
    told = make_grant_receipt(by_owner, chain_id=CHAIN_ID, manager=MANAGER, signer=AGENT)
    assert (told.granted.principal, told.granted.signer) == (ALICE, AGENT)
    with pytest.raises(VerificationError, match="name its owner as signer"):
        make_grant_receipt(by_owner, chain_id=CHAIN_ID, manager=MANAGER)


def test_a_signature_only_a_contract_can_judge_is_attested() -> None:
    told = make_grant_receipt(
        grant().with_signature(b"\x01" * 99), chain_id=CHAIN_ID, manager=MANAGER, scheme="erc1271"
    )
    assert (told.granted.signer, told.standing("granted")) == (None, "attested")
    assert find_problems(told) == ()


def test_nothing_was_granted_without_a_signature() -> None:
    with pytest.raises(EncodingError, match="not signed, so nothing was granted"):
        make_grant_receipt(grant().with_signature(b""), chain_id=CHAIN_ID, manager=MANAGER)


def test_a_redelegation_is_a_grant_with_those_above_it() -> None:
    root = grant()
    leaf = signed(redelegate(root, delegate=HELPER, salt=1), 1)
    told = make_grant_receipt([leaf, root], chain_id=CHAIN_ID, manager=MANAGER)
    assert [link.delegate for link in told.lineage] == [AGENT, HELPER]
    assert told.granted.principal == AGENT
    with pytest.raises(VerificationError, match="not a root"):
        make_grant_receipt([leaf], chain_id=CHAIN_ID, manager=MANAGER)


# contradictions


def put(*path: str | int, to: Any) -> Change:
    def change(wire: Wire) -> None:
        at: Any = wire
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = to

    return change


def drop(*path: str | int) -> Change:
    def change(wire: Wire) -> None:
        at: Any = wire
        for step in path[:-1]:
            at = at[step]
        del at[path[-1]]

    return change


HASH, BLOCK = "0x" + "12" * 32, {"number": "1", "timestamp": "2", "hash": "0x" + "34" * 32}
CONTRADICTIONS: list[tuple[str, Change, str]] = [
    ("redemption", put("subject", "phase", to="preflight"), "only a denial is told of before the deed"),
    ("redemption", put("subject", "network", to="live"), "the transaction and the hash of its block are named"),
    ("denial", put("subject", "transaction", to=HASH), "what was never sent has no transaction"),
    ("denial", put("subject", "finality", to="safe"), "what was never sent has no transaction"),
    (
        "denial",
        put("outcome", "movements", to=[{"sender": "0x" + "11" * 20, "recipient": "0x" + "11" * 20, "amount": "1"}]),
        "nothing moves when the status is denied",
    ),
    ("escalation", put("escalation", "asks", to=[]), "expected at least one thing asked for"),
    ("escalation", drop("escalation", "decided_at"), "decided_at does not go with the decision approved"),
    ("escalation", put("escalation", "decision", to="pending"), "decided_at does not go with the decision pending"),
    ("escalation", put("escalation", "decision", to="rejected"), "grant does not go with the decision rejected"),
    ("escalation", put("escalation", "expires_at", to="5"), "nothing is decided or expires before it is asked"),
    ("escalation", put("escalation", "decided_at", to="99999999999"), "after the ask had expired"),
    ("escalation", put("escalation", "approver", to="two words"), "visible ASCII"),
    ("escalation", put("escalation", "decision", to="maybe"), "decision: expected 'pending'"),
    ("revocation", put("revocation", "how", to="nonce"), "does not go with nonce None"),
    ("revocation", put("revocation", "code", to="0x" + "00" * 20), "how disabled does not go with"),
    ("revocation", put("revocation", "network", to="live"), "the transaction and the hash of its block are named"),
    ("revocation", put("revocation", "delegation", to=HASH), "must end with the delegation that was revoked"),
    ("revocation", put("revocation", "by", to="0x" + "11" * 20), "must end with the delegation that was revoked"),
    ("grant", put("lineage", to=[]), "must end with the delegation that was granted"),
    ("grant", put("granted", "delegation", to=HASH), "must end with the delegation that was granted"),
    ("grant", drop("granted", "signer"), "signer does not go with the scheme ecdsa"),
    ("grant", put("granted", "scheme", to="erc1271"), "signer does not go with the scheme erc1271"),
]


@pytest.mark.parametrize(("kind", "change", "message"), CONTRADICTIONS, ids=[f"{k}: {m}" for k, _, m in CONTRADICTIONS])
def test_a_contradiction_is_refused(every_kind: dict[str, Receipt], kind: str, change: Change, message: str) -> None:
    with pytest.raises(EncodingError) as refused:
        Receipt.from_wire(changed(every_kind[kind], change))
    assert message in str(refused.value)


def test_a_live_deed_names_its_transaction_and_block(receipt: Receipt) -> None:
    wire = receipt.to_wire()
    wire["subject"].update(network="live", transaction=HASH, block=BLOCK, call_path=[], finality="finalized")
    read = Receipt.from_wire(wire)
    assert isinstance(read, RedemptionReceipt)
    assert (str(read.subject.transaction), read.subject.call_path) == (HASH, ())


@pytest.mark.parametrize(
    ("how", "field", "value"), [("nonce", "nonce", str(2**256 - 1)), ("code", "code", "0x" + "00" * 20)]
)
def test_a_revocation_can_be_a_nonce_or_other_code(
    every_kind: dict[str, Receipt], how: str, field: str, value: str
) -> None:
    wire = every_kind["revocation"].to_wire()
    wire["revocation"].update({"how": how, field: value})
    read = Receipt.from_wire(wire)
    assert isinstance(read, RevocationReceipt)
    assert read.to_wire()["revocation"][field] == value


# what can be recomputed


def test_terms_that_are_not_those_of_the_hash_are_found(receipt: Receipt) -> None:
    wire = receipt.to_wire()
    wire["lineage"][0]["salt"] = "1"
    (problem, *_) = find_problems(Receipt.from_wire(wire))
    assert problem.path == "lineage.0.hash"
    assert "is not that of this delegation" in problem.text


def test_a_chain_the_manager_would_refuse_is_found_unless_it_was_denied(receipt: Receipt) -> None:
    wire = receipt.to_wire()
    wire["lineage"] = [{**wire["lineage"][1], "depth": 0}]
    assert [problem.path for problem in find_problems(Receipt.from_wire(wire))] == ["lineage"]
    wire |= {"kind": "denial"}
    wire["outcome"] = {
        "status": "denied",
        "gas_used": "1",
        "movements": [],
        "enforcer_events": [],
        "failed_executions": [],
        "denial": {"stage": "manager", "reason": "InvalidAuthority()", "explanation": "no", "revert_data": "0x"},
    }
    assert find_problems(Receipt.from_wire(wire)) == ()


def test_a_signer_who_did_not_sign_is_found(every_kind: dict[str, Receipt]) -> None:
    forged = Receipt.from_wire(changed(every_kind["grant"], put("granted", "signer", to="0x" + "11" * 20)))
    assert [problem.path for problem in find_problems(forged)] == ["granted.signer"]
    broken = Receipt.from_wire(changed(every_kind["grant"], put("granted", "signature", to="0x00")))
    assert [problem.path for problem in find_problems(broken)] == ["granted.signature"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (put("outcome", "denial", "depth", to=7), "outcome.denial.depth"),
        (put("outcome", "denial", "delegation", to=HASH), "outcome.denial.delegation"),
        (put("outcome", "denial", "caveat", to=7), "outcome.denial.caveat"),
        (put("outcome", "denial", "enforcer", to="0x" + "11" * 20), "outcome.denial.caveat"),
    ],
    ids=["depth", "delegation", "caveat", "enforcer"],
)
def test_a_denial_by_something_that_is_not_there_is_found(
    every_kind: dict[str, Receipt], change: Change, path: str
) -> None:
    assert [p.path for p in find_problems(Receipt.from_wire(changed(every_kind["denial"], change)))] == [path]


def test_a_redeemer_can_be_named_where_the_leaf_is_open() -> None:
    assert Address(dev_account(1).address) == AGENT
    told = denied_before(redeemer=SHOP)
    assert told.actor.redeemer == SHOP
    assert told.request.executions[0].target == Execution(target=SHOP).target
