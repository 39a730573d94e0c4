"""A denial run again over its witness alone: the same verdict to the byte, and nothing that is not proven."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from caveats import LimitedCalls
from caveats.caveat import Caveat
from caveats.registry import EnforcerRegistry
from caveats.types import Bytes32, keccak
from delegations.evm.engine import BlockEnv, Transaction
from delegations.evm.forked import ForkedWorld
from delegations.evm.pyevm import StockPyEvmEngine
from delegations.receipts import RedemptionReceipt
from delegations.receipts.evidence import replay
from delegations.receipts.evidence.bundle import AccountProof, Bundle
from delegations.receipts.evidence.opened import OpenBundle, open_bundle
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.replay import call_of, replay_denial
from delegations.receipts.evidence.verify import verify
from delegations.receipts.evidence.witness import environment, official_codes
from delegations.receipts.evidence.witness_state import WitnessState
from delegations.redemption import redeem
from tests.unit.receipts.evidence.denials import DENIALS, OF_ONES_OWN
from tests.unit.receipts.evidence.staged import (
    AGENT,
    ALICE,
    CHAIN_ID,
    HELPER,
    SHOP,
    Staged,
    above_the_allowance,
    chain,
    grant,
    pay,
    stage,
)


@pytest.fixture(scope="module")
def staged() -> Staged:
    return above_the_allowance()


def run(staged: Staged, bundle: Bundle | None = None, receipt: RedemptionReceipt | None = None) -> replay.ReplayResult:
    return replay_denial(receipt or staged.receipt, staged.open(bundle))


def refusal(staged: Staged, bundle: Bundle | None = None, receipt: RedemptionReceipt | None = None) -> EvidenceError:
    with pytest.raises(EvidenceError) as caught:
        run(staged, bundle, receipt)
    return caught.value


# the verdict


@pytest.mark.parametrize("name", DENIALS)
def test_a_denial_run_again_is_the_same_to_the_byte(name):
    staged = DENIALS[name]()
    for receipt in staged.receipts:
        found = replay_denial(receipt, staged.open())
        assert found.denial == staged.verdict.denial
        assert found.gas_used == staged.verdict.gas_used


@pytest.mark.parametrize("name", DENIALS)
def test_a_witness_holds_nothing_a_replay_does_not_need(name):
    staged = DENIALS[name]()
    opened = staged.open()
    replay_denial(staged.receipt, opened)
    opened.refuse_unused()


@pytest.mark.parametrize("name", DENIALS)
def test_the_unhurried_machine_finds_the_same(name):
    staged = DENIALS[name]()
    opened, witness = staged.open(), staged.bundle.witness
    state = WitnessState(opened, witness, official_codes(CHAIN_ID))
    found = replay_denial(staged.receipt, staged.open())
    block = environment(staged.node.header, CHAIN_ID, found.position)
    outcome = StockPyEvmEngine().execute(ForkedWorld(state), block, call_of(witness))
    assert (outcome.output, outcome.gas_used) == (found.denial.revert_data, found.gas_used)


def test_the_block_after_is_told_from_the_block_itself():
    assert run(DENIALS["above the allowance"]()).position == "after"
    assert run(DENIALS["in the block itself"]()).position == "in"


def test_the_code_that_ran_is_named(staged):
    seen = {code.official: code for code in run(staged).codes}
    assert seen["DelegationManager"].address == staged.chain.manager
    code = staged.chain.world.code(staged.chain.manager)
    assert seen["DelegationManager"].code_hash == Bytes32(keccak(code))


def test_that_anybody_asked_is_only_said(staged):
    """Nobody signs a call that is never sent."""
    assert "actor" not in run(staged).established
    report = verify(staged.receipt.model_copy(update={"claims": {}}), staged.bundle, staged.node.header.hash)
    assert (report.standing("actor.redeemer"), report.standing("outcome.denial")) == ("attested", "reexecuted")
    assert any("the issuer's word" in limit for limit in report.limits)


def test_code_of_ones_own_is_not_called_official():
    seen = {code.address: code.official for code in run(DENIALS["code of one's own"]()).codes}
    assert seen[OF_ONES_OWN] is None


# what is left out


def without(bundle: Bundle, kind: str, place: int) -> Bundle:
    items = getattr(bundle, kind)
    return bundle.model_copy(update={kind: items[:place] + items[place + 1 :]})


def pruned(staged: Staged, bundle: Bundle) -> Bundle:
    """The bundle without the nodes and codes that what it still lists does not need: a liar leaves no trace."""
    used: set[bytes] = set()

    class Noting(OpenBundle):
        def node(self, digest: bytes) -> bytes:
            used.add(digest)
            return super().node(digest)

    opened = open_bundle(bundle, staged.node.header.hash)
    noting = Noting(bundle, opened.headers)
    for account in bundle.witness.accounts:
        found = noting.account(0, account.address)
        used.add(bytes(found.code_hash))
        for slot in account.slots:
            noting.slot(0, account.address, slot)
    return bundle.model_copy(
        update={
            "nodes": tuple(node for node in bundle.nodes if keccak(node) in used),
            "codes": tuple(code for code in bundle.codes if keccak(code) in used),
        }
    )


def with_accounts(bundle: Bundle, accounts: tuple[AccountProof, ...]) -> Bundle:
    return bundle.model_copy(update={"witness": bundle.witness.model_copy(update={"accounts": accounts})})


def omissions(staged: Staged) -> Iterator[tuple[str, Bundle]]:
    """Every bundle from which one thing was left out: a node, a code, an account or a slot."""
    bundle = staged.bundle
    for place in range(len(bundle.nodes)):
        yield f"node {place}", without(bundle, "nodes", place)
    for place in range(len(bundle.codes)):
        yield f"code {place}", without(bundle, "codes", place)
    accounts = bundle.witness.accounts
    for place, account in enumerate(accounts):
        less = with_accounts(bundle, accounts[:place] + accounts[place + 1 :])
        yield f"account {account.address}", less
        yield f"account {account.address} and its proof", pruned(staged, less)
        for slot in account.slots:
            kept = tuple(other for other in account.slots if other != slot)
            changed = account.model_copy(update={"slots": kept})
            less = with_accounts(bundle, (*accounts[:place], changed, *accounts[place + 1 :]))
            yield f"slot {slot} of {account.address}", less
            yield f"slot {slot} of {account.address} and its proof", pruned(staged, less)


@pytest.mark.parametrize("name", DENIALS)
def test_whatever_is_left_out_is_refused_by_name(name):
    staged = DENIALS[name]()
    for what, bundle in omissions(staged):
        error = refusal(staged, bundle)
        assert error.reason in ("witness-incomplete", "missing-node", "missing-code"), what


def test_a_counter_that_is_left_out_is_never_read_as_zero(staged):
    """With a zero in its place the payment would be allowed."""
    enforcer = staged.verdict.denial.enforcer
    accounts = staged.bundle.witness.accounts
    less = tuple(a.model_copy(update={"slots": ()}) if a.address == enforcer else a for a in accounts)
    error = refusal(staged, pruned(staged, with_accounts(staged.bundle, less)))
    assert error.reason == "witness-incomplete"
    assert str(enforcer) in str(error)


def test_a_slot_proven_absent_is_zero_and_one_not_listed_raises(staged):
    witness = staged.bundle.witness
    state = WitnessState(staged.open(), witness, official_codes(CHAIN_ID))
    manager = bytes(staged.chain.manager)
    (listed,) = [a for a in witness.accounts if a.address == staged.chain.manager]
    absent = [slot for slot in listed.slots if not staged.chain.world.storage(manager, int.from_bytes(slot, "big"))]
    assert absent
    assert all(state.storage(manager, int.from_bytes(slot, "big")) == 0 for slot in absent)
    with pytest.raises(EvidenceError, match="reads slot 0x4d2 of 0xdb9B"):
        state.storage(manager, 1234)


def test_an_account_proven_absent_is_empty_and_one_not_listed_raises():
    staged = DENIALS["no contract"]()
    state = WitnessState(staged.open(), staged.bundle.witness, official_codes(CHAIN_ID))
    assert state.account(OF_ONES_OWN).code == b""
    with pytest.raises(EvidenceError, match=f"reads account {HELPER}"):
        state.account(HELPER)


def test_a_refused_read_is_remembered(staged):
    state = WitnessState(staged.open(), staged.bundle.witness, official_codes(CHAIN_ID))
    with pytest.raises(EvidenceError):
        state.account(HELPER)
    with pytest.raises(EvidenceError, match=f"reads account {HELPER}"):
        state.finish()


def test_the_hashes_of_the_witnessed_block_and_its_parent_are_known_and_no_others(staged):
    state = WitnessState(staged.open(), staged.bundle.witness, official_codes(CHAIN_ID))
    header = staged.node.header
    assert state.block_hash(header.number) == header.hash
    assert state.block_hash(header.number - 1) == header.parent_hash
    with pytest.raises(EvidenceError, match="reads hash of block 7"):
        state.block_hash(7)


# what is too much


def test_an_account_nobody_reads_is_refused(staged):
    accounts = sorted(
        (*staged.bundle.witness.accounts, AccountProof(address=HELPER, slots=())), key=lambda a: a.address
    )
    error = refusal(staged, with_accounts(staged.bundle, tuple(accounts)))
    assert error.reason == "witness-unused"


def test_a_slot_nobody_reads_is_refused(staged):
    first, *rest = staged.bundle.witness.accounts
    more = first.model_copy(update={"slots": (*first.slots, Bytes32(b"\xff" * 32))})
    assert refusal(staged, with_accounts(staged.bundle, (more, *rest))).reason == "witness-unused"


# another call, another block


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("chain_id", CHAIN_ID + 1, "witness-mismatch"),
        ("sender", HELPER, "witness-mismatch"),
        ("to", HELPER, "witness-mismatch"),
        ("data", b"\xce\xf6\xd2\x09", "witness-mismatch"),
        ("value", 1, "witness-mismatch"),
        ("gas", 2**24 + 1, "witness-malformed"),
        ("header", 1, "witness-mismatch"),
        ("gas", 100, "witness-mismatch"),
    ],
)
def test_another_call_than_the_receipts_is_refused(staged, field, value, reason):
    witness = staged.bundle.witness.model_copy(update={field: value})
    assert refusal(staged, staged.bundle.model_copy(update={"witness": witness})).reason == reason


def changed(receipt: RedemptionReceipt, path: str, value: object) -> RedemptionReceipt:
    """The receipt with another value at a path."""
    first, _, rest = path.partition(".")
    part = getattr(receipt, first)
    return receipt.model_copy(update={first: changed(part, rest, value) if rest else value})


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("subject.phase", None, "witness-mismatch"),
        ("subject.network", "local", "witness-mismatch"),
        ("subject.chain", "eip155:11", "witness-mismatch"),
        ("subject.manager", HELPER, "witness-mismatch"),
        ("subject.calldata_hash", Bytes32(bytes(32)), "witness-mismatch"),
        ("subject.call_path", (0,), "witness-mismatch"),
        ("subject.entry", 1, "receipt-contradicted"),
        ("subject.block.number", 7, "wrong-block"),
        ("subject.block.timestamp", 7, "wrong-block"),
        ("subject.block.hash", Bytes32(bytes(32)), "wrong-block"),
        ("actor.redeemer", HELPER, "witness-mismatch"),
        ("actor.submitter", HELPER, "witness-mismatch"),
        ("actor.via", (HELPER,), "witness-mismatch"),
        ("lineage", (), "receipt-contradicted"),
        ("request.mode", Bytes32(b"\1" * 32), "receipt-contradicted"),
        ("request.executions", (), "receipt-contradicted"),
        ("outcome.status", "executed", "receipt-contradicted"),
        ("outcome.gas_used", 1, "receipt-contradicted"),
        ("outcome.denial.revert_data", b"", "receipt-contradicted"),
        ("outcome.denial.reason", "because", "receipt-contradicted"),
        ("outcome.denial.caveat", 0, "receipt-contradicted"),
        ("outcome.denial.depth", None, "receipt-contradicted"),
        ("outcome.denial.enforcer", HELPER, "receipt-contradicted"),
        ("outcome.denial.hook", "after", "receipt-contradicted"),
        ("outcome.denial.stage", "manager", "receipt-contradicted"),
    ],
)
def test_a_receipt_that_says_otherwise_is_refused(staged, path, value, reason):
    error = refusal(staged, receipt=changed(staged.receipt, path, value))
    assert (error.reason, error.path.partition(".")[0]) == (reason, path.partition(".")[0])


def test_other_words_for_a_denial_are_not_held_against_it_and_told(staged):
    assert run(staged).words == ()
    other = changed(staged.receipt, "outcome.denial.explanation", "Because.")
    (words,) = run(staged, receipt=other).words
    assert (words.path, words.told) == ("outcome.denial.explanation", "Because.")
    assert words.read == staged.receipt.outcome.denial.explanation


def test_gas_that_is_not_told_is_not_asked_about(staged):
    assert run(staged, receipt=changed(staged.receipt, "outcome.gas_used", None))


def test_the_hash_of_the_block_itself_may_be_told():
    staged = DENIALS["in the block itself"]()
    assert run(staged, receipt=changed(staged.receipt, "subject.block.hash", staged.node.header.hash))
    wrong = changed(staged.receipt, "subject.block.hash", Bytes32(bytes(32)))
    assert refusal(staged, receipt=wrong).reason == "wrong-block"


def test_a_bundle_without_a_witness_is_refused(staged):
    assert refusal(staged, staged.bundle.model_copy(update={"witness": None})).reason == "missing-evidence"


# ends that say nothing about the authority


def behind(code: str) -> Staged:
    """A denial after an enforcer of one's own ran this code."""
    local = chain()
    local.world.set_code(OF_ONES_OWN, bytes.fromhex(code))
    caveats = [Caveat(enforcer=OF_ONES_OWN, terms=b""), LimitedCalls(limit=1).to_caveat()]
    once = grant(caveats)
    local.world.set_storage(LimitedCalls.ADDRESS, _counter(once.hash, local.manager), 1)
    return stage(local, redeem(once, pay(1)))


def _counter(digest: bytes, manager: bytes) -> int:
    inner = keccak(bytes(12) + bytes(manager) + bytes(32))
    return int.from_bytes(keccak(digest + inner), "big")


def test_a_call_that_goes_through_is_no_denial():
    local = chain()
    allowed = redeem(grant([LimitedCalls(limit=1)]), pay(1))
    block = local.block
    staged = above_the_allowance()
    opened = _witness_of(local, allowed)
    receipt = changed(staged.receipt, "subject.calldata_hash", Bytes32(keccak(opened.bundle.witness.data)))
    receipt = changed(receipt, "subject.block.number", block.number + 1)
    receipt = changed(receipt, "subject.block.timestamp", block.timestamp + 1)
    with pytest.raises(EvidenceError, match="run again, the call goes through") as caught:
        replay_denial(receipt, opened)
    assert caught.value.reason == "receipt-contradicted"


def _witness_of(local, redemption) -> OpenBundle:
    from delegations.receipts.evidence.builder import BundleBuilder
    from delegations.receipts.evidence.witness import add_witness
    from delegations.simulation.simulate import redeem_transaction
    from tests.unit.receipts.evidence.still_node import StillNode

    node = StillNode(local.world, local.block)
    builder = BundleBuilder(node.header)
    block = environment(node.header, CHAIN_ID, "after")
    add_witness(
        builder,
        0,
        node.client,
        redeem_transaction(local, [redemption], AGENT),
        lambda world, call: replay.run_again(world, block, call, EnforcerRegistry()),
        chain_id=CHAIN_ID,
    )
    return open_bundle(builder.build(), node.header.hash)


def test_a_call_that_failed_for_another_reason_is_no_denial():
    local = chain()
    local.world.set_code(SHOP, bytes.fromhex("5f5ffd"))
    opened = _witness_of(local, redeem(grant(), pay(1)))
    receipt = changed(
        above_the_allowance().receipt, "subject.calldata_hash", Bytes32(keccak(opened.bundle.witness.data))
    )
    for name in ("number", "timestamp"):
        receipt = changed(receipt, f"subject.block.{name}", getattr(opened.headers[0], name) + 1)
    with pytest.raises(EvidenceError, match="fails at stage execution"):
        replay_denial(receipt, opened)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        # a static call that spends 1000 gas on an endless loop, and goes on
        ("5f5f5f5f306103e8fa5000", None),
        # PUSH an address with INVALID behind it; DELEGATECALL to the P256 precompile of later rules
        ("5f5f5f5f6101005afa5000", "0x0000000000000000000000000000000000000100 is called"),
    ],
)
def test_other_rules_or_more_gas_that_could_decide_otherwise_end_the_replay(code, said):
    staged = behind(code)
    error = refusal(staged)
    assert error.reason == "claim-not-established"
    if said:
        assert said in str(error)


def test_a_halt_on_the_way_ends_the_replay():
    local = chain()
    halting = ALICE[:19] + b"\x77"
    local.world.set_code(halting, b"\xfe")
    local.world.set_code(OF_ONES_OWN, bytes.fromhex("5f5f5f5f73") + halting + bytes.fromhex("6103e8fa5000"))
    once = grant([Caveat(enforcer=OF_ONES_OWN, terms=b""), LimitedCalls(limit=1).to_caveat()])
    local.world.set_storage(LimitedCalls.ADDRESS, _counter(once.hash, local.manager), 1)
    error = refusal(stage(local, redeem(once, pay(1))))
    assert (error.reason, "halted" in str(error)) == ("claim-not-established", True)


def test_a_manager_that_is_not_the_frameworks_establishes_nothing(monkeypatch):
    local = chain()
    local.world.set_code(local.manager, bytes.fromhex("5f5ffd"))
    staged = stage(local, redeem(grant(), pay(1)))
    error = refusal(staged)
    assert (error.reason, error.path) == ("claim-not-established", "subject.manager")


def test_the_block_of_the_replay_is_that_of_the_header(staged):
    header = staged.node.header
    assert run(staged).block == BlockEnv(
        chain_id=CHAIN_ID,
        number=header.number + 1,
        timestamp=header.timestamp + 1,
        base_fee_wei=0,
        coinbase=header.coinbase,
        prevrandao=bytes(header.mix_hash),
        gas_limit=header.gas_limit,
    )


def test_the_time_of_another_header_changes_the_verdict():
    """An expired delegation was not yet expired a block earlier: its receipt does not pass for that block."""
    staged = DENIALS["expired"]()
    earlier = replace(staged.node.block, timestamp=staged.node.block.timestamp - 100)
    from tests.unit.receipts.evidence.still_node import StillNode

    node = StillNode(staged.node.world, earlier)
    bundle = staged.bundle.model_copy(update={"headers": (node.header.encode(),)})
    with pytest.raises(EvidenceError) as caught:
        replay_denial(staged.receipt, open_bundle(bundle, node.header.hash))
    assert caught.value.reason == "wrong-block"


def test_a_transaction_that_is_no_redemption_is_refused(staged):
    call = Transaction(AGENT, staged.chain.manager, b"\1\2\3\4")
    with pytest.raises(EvidenceError, match="the call cannot be run"):
        replay.run_again(staged.chain.world, staged.chain.block, call, EnforcerRegistry())
