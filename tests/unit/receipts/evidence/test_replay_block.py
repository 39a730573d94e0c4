"""A mined denial behind others of its block: they are run first, on what the block before left, and nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from caveats import LimitedCalls, NativeTokenTransferAmount
from caveats.errors import UnsupportedError
from caveats.types import Address
from delegations.evm.metered import MeteredEngine
from delegations.manager import MetaMaskManager
from delegations.receipts import RedemptionReceipt
from delegations.receipts.evidence import Budget, Bundle, EvidenceError, attach, prove, verify
from delegations.receipts.evidence.header import header_of_block
from delegations.receipts.evidence.opened import OpenBundle, open_bundle
from delegations.receipts.evidence.replay_mined import MinedReplay, Step, read_step, refuse_unrunnable, replay_mined
from delegations.receipts.evidence.transactions import TYPES, ProvenTransaction
from delegations.redemption import encode_redeem_delegations, redeem
from tests.unit.receipts.evidence.crowded import Crowded, Queue, used_up_in_its_block
from tests.unit.receipts.evidence.live_chain import CHAIN_ID, SHOP, LiveChain, other_anvil
from tests.unit.receipts.evidence.staged import pay

FORWARDER, PROBE = Address(b"\xf0" * 20), Address(b"\xf1" * 20)


@pytest.fixture(scope="module")
def live() -> Iterator[LiveChain]:
    chain = LiveChain()
    # passes its calldata on to the manager and ends well whatever comes of it
    chain.call("anvil_setCode", str(FORWARDER), "0x365f5f375f5f365f5f73" + chain.manager.hex() + "5af100")
    chain.mine()
    yield chain
    chain.close()


@pytest.fixture(scope="module")
def crowded(live: LiveChain) -> Crowded:
    return used_up_in_its_block(live, 1)


def run(crowded: Crowded, bundle: Bundle | None = None, **more: Any) -> MinedReplay:
    return replay_mined(open_bundle(bundle or crowded.bundle, crowded.trusted), CHAIN_ID, **more)


def refusal(crowded: Crowded, bundle: Bundle | None = None, **more: Any) -> EvidenceError:
    with pytest.raises(EvidenceError) as caught:
        run(crowded, bundle, **more)
    return caught.value


def shape(node: Any) -> Any:
    calls = [shape(child) for child in node.get("calls", ())]
    return node["type"], node["from"].lower(), node["to"].lower(), node["input"], node.get("output", "0x"), calls


def bounded(live: LiveChain, salt: int) -> Any:
    """What is above this grant is denied: one payment of 6 wei."""
    return redeem(live.grant(NativeTokenTransferAmount(max_amount_wei=5), salt=salt), pay(6))


def last_receipt(live: LiveChain, digest: bytes) -> RedemptionReceipt:
    live.mine()
    (receipt,) = live.receipts(digest)
    return receipt


def standing(live: LiveChain, receipt: RedemptionReceipt, path: str = "outcome.denial", **more: Any) -> str:
    """How a fact of the receipt stands by the evidence that is collected for it."""
    bundle, trusted = prove(receipt, live.client, **more), bytes(receipt.subject.block.hash or b"")
    return verify(attach(receipt, bundle, trusted), bundle, trusted).standing(path)


# what is shown


def test_a_denial_behind_all_types_of_transactions_is_run_again(live: LiveChain, crowded: Crowded) -> None:
    block = live.call("eth_getBlockByHash", str(crowded.receipt.subject.block.hash), True)
    assert [tx["type"] for tx in block["transactions"]][:7] == ["0x0", "0x1", "0x2", "0x2", "0x2", "0x4", "0x2"]
    report = verify(crowded.receipt, crowded.bundle, crowded.trusted)
    assert crowded.receipt.outcome.denial.reason == "LimitedCallsEnforcer:limit-exceeded"
    assert report.standing("outcome.denial") == report.standing("outcome.status") == "reexecuted"
    assert report.standing("outcome.gas_used") == "proven"


def test_the_calls_and_the_revert_are_those_the_node_traces(live: LiveChain, crowded: Crowded) -> None:
    traced = live.fetch(bytes(crowded.receipt.subject.transaction)).trace
    again = run(crowded).trace
    assert shape(again) == shape(traced)
    assert again["output"] == traced["output"] != "0x"


def test_where_the_logs_of_a_later_transaction_stand_is_proven(live: LiveChain) -> None:
    queue = Queue(live)
    queue.redeem(1, redeem(live.grant(LimitedCalls(limit=3), salt=2), pay(1)))
    digest = queue.redeem(1, redeem(live.grant(LimitedCalls(limit=3), salt=3), pay(1)))
    receipt = last_receipt(live, digest)
    assert receipt.subject.log_index > 1
    assert standing(live, receipt, "subject.log_index", replay=True) == "proven"
    assert standing(live, receipt, "subject.log_index") == "attested"
    moved = receipt.subject.model_copy(update={"log_index": receipt.subject.log_index + 1})
    with pytest.raises(EvidenceError, match="log_index"):
        prove(receipt.model_copy(update={"subject": moved}), live.client, replay=True)


def test_a_delegation_that_was_revoked_in_the_same_block(live: LiveChain) -> None:
    given, queue = live.grant(LimitedCalls(limit=3), salt=4), Queue(live)
    queue.send(0, live.manager, MetaMaskManager().encode_disable(given))
    receipt = last_receipt(live, queue.redeem(1, redeem(given, pay(1))))
    assert receipt.outcome.denial.reason == "CannotUseADisabledDelegation()"
    assert standing(live, receipt) == "reexecuted"


def test_which_of_several_links_was_revoked_in_the_same_block(live: LiveChain) -> None:
    links, queue = live.three_links(salt=5), Queue(live)
    queue.send(1, live.manager, MetaMaskManager().encode_disable(links[1]))
    receipt = last_receipt(live, queue.redeem(4, redeem(links, live.transfer(1))))
    assert receipt.outcome.denial.depth is None  # a node is asked about blocks, and between them nothing is known
    assert standing(live, receipt) == "reexecuted"


def test_money_that_came_in_the_same_block_is_there(live: LiveChain) -> None:
    poor = live.grant(salt=6)
    queue = Queue(live)
    balance = int(live.call("eth_getBalance", str(poor.delegator), "latest"), 16)
    queue.redeem(1, redeem(poor, pay(balance)))
    receipt = last_receipt(live, queue.redeem(1, redeem(poor, pay(1))))
    assert receipt.outcome.status in ("failed", "denied")
    assert standing(live, receipt, "outcome.status") == "reexecuted"
    live.send(3, poor.delegator, value=10**18)
    live.mine()


def test_a_denial_inside_a_transaction_that_succeeds_is_run_again(live: LiveChain) -> None:
    given = live.grant(NativeTokenTransferAmount(max_amount_wei=5), salt=7, to=FORWARDER)
    queue = Queue(live)
    queue.send(3, SHOP, value=1)
    receipt = last_receipt(live, queue.send(1, FORWARDER, encode_redeem_delegations([redeem(given, pay(6))])))
    assert (receipt.kind, receipt.subject.call_path) == ("denial", (0,))
    assert standing(live, receipt) == "reexecuted"
    assert standing(live, receipt, replay=False) == "traced"


# what is left out, moved or exchanged


def test_whatever_is_left_out_is_refused_by_name(crowded: Crowded) -> None:
    bundle, witness = crowded.bundle, crowded.bundle.witness
    tried = 0
    for name in ("nodes", "codes"):
        for place, _ in enumerate(held := getattr(bundle, name)):
            error = whole(crowded, bundle.model_copy(update={name: held[:place] + held[place + 1 :]}))
            assert error.reason in ("missing-node", "missing-code"), (name, place)
            tried += 1
    for place, account in enumerate(witness.accounts):
        fewer = [account.slots[:at] + account.slots[at + 1 :] for at in range(len(account.slots))]
        kept = [(), *((account.model_copy(update={"slots": slots}),) for slots in fewer)]
        for instead in kept:
            accounts = (*witness.accounts[:place], *instead, *witness.accounts[place + 1 :])
            changed = bundle.model_copy(update={"witness": witness.model_copy(update={"accounts": accounts})})
            assert refusal(crowded, changed).reason == "witness-incomplete", account.address
            tried += 1
    assert tried > 60


def whole(crowded: Crowded, bundle: Bundle) -> EvidenceError:
    """The refusal of the bundle with its states, which a replay alone does not look at."""
    with pytest.raises(EvidenceError) as caught:
        verify(crowded.receipt, bundle, crowded.trusted)
    return caught.value


def test_no_earlier_transaction_can_be_left_out(crowded: Crowded) -> None:
    opened = open_bundle(crowded.bundle, crowded.trusted)
    before = list(opened.included_before())
    assert len(before) == 7
    for included in before:
        for raw in (included.transaction, included.receipt):
            kept = tuple(node for node in crowded.bundle.nodes if raw not in node)
            assert len(kept) == len(crowded.bundle.nodes) - 1
            assert refusal(crowded, crowded.bundle.model_copy(update={"nodes": kept})).reason == "missing-node"


@pytest.mark.parametrize("place", range(7))
def test_without_one_of_them_the_rest_ends_otherwise(
    crowded: Crowded, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    """Even for a verifier who would not notice that it is missing."""
    real = OpenBundle.included_before
    monkeypatch.setattr(
        OpenBundle, "included_before", lambda self: (each for each in real(self) if each.place != place)
    )
    assert refusal(crowded).reason in ("claim-not-established", "witness-mismatch")


@pytest.mark.parametrize("swapped", list(itertools.pairwise(range(7))))
def test_in_another_order_they_end_otherwise(
    crowded: Crowded, monkeypatch: pytest.MonkeyPatch, swapped: tuple[int, int]
) -> None:
    real = OpenBundle.included_before
    one, other = swapped

    def reordered(self: OpenBundle) -> Iterator[Any]:
        listed = list(real(self))
        listed[one], listed[other] = listed[other], listed[one]
        yield from listed

    monkeypatch.setattr(OpenBundle, "included_before", reordered)
    assert refusal(crowded).reason in ("claim-not-established", "witness-mismatch")


def test_another_block_before_is_refused(live: LiveChain, crowded: Crowded) -> None:
    others = [header_of_block(live.call("eth_getBlockByNumber", at, False)) for at in ("latest", "0x0")]
    for other in others:
        headers = (crowded.bundle.headers[0], other.encode())
        assert refusal(crowded, crowded.bundle.model_copy(update={"headers": headers})).reason == "header-chain-broken"


@pytest.mark.parametrize(("field", "value"), [("header", 0), ("data", b""), ("gas", 1), ("chain_id", 1)])
def test_a_witness_of_another_call_is_refused(crowded: Crowded, field: str, value: object) -> None:
    witness = crowded.bundle.witness.model_copy(update={field: value})
    assert refusal(crowded, crowded.bundle.model_copy(update={"witness": witness})).reason == "witness-mismatch"


def test_more_than_is_read_is_refused(crowded: Crowded) -> None:
    witness = crowded.bundle.witness
    for place, account in enumerate(witness.accounts):
        more = account.model_copy(update={"slots": tuple(sorted({*account.slots, b"\x77" * 32}))})
        accounts = (*witness.accounts[:place], more, *witness.accounts[place + 1 :])
        changed = crowded.bundle.model_copy(update={"witness": witness.model_copy(update={"accounts": accounts})})
        assert refusal(crowded, changed).reason in ("witness-unused", "missing-node")


# what is refused by name, and stays traced


@pytest.mark.parametrize(
    ("budget", "text"),
    [
        (Budget(transactions=6), "7 transactions stand before it"),
        (Budget(gas=1_999_999), "transaction 0 may use 2000000 gas"),
        (Budget(gas=2_000_000, work=1000), "more than 1000 units of work"),
    ],
)
def test_more_than_the_budget_is_refused(crowded: Crowded, budget: Budget, text: str) -> None:
    with pytest.raises(EvidenceError, match=text) as caught:
        verify(crowded.receipt, crowded.bundle, crowded.trusted, budget=budget)
    assert caught.value.reason == "replay-over-budget"


def test_gas_counts_over_the_whole_block(crowded: Crowded) -> None:
    steps = steps_of(crowded)
    used = steps[-1].receipt.cumulative_gas
    cheap = [Step(with_gas(transaction, 100), receipt) for transaction, receipt in steps]
    refuse_unrunnable(cheap, Budget(gas=used))
    with pytest.raises(EvidenceError, match=f"had used {used} gas up to here"):
        refuse_unrunnable(cheap, Budget(gas=used - 1))


def steps_of(crowded: Crowded) -> list[Step]:
    opened = open_bundle(crowded.bundle, crowded.trusted)
    return [read_step(each) for each in (*opened.included_before(), opened.included())]


def with_gas(transaction: ProvenTransaction, gas: int) -> ProvenTransaction:
    return ProvenTransaction(transaction.kind, transaction.raw, {**transaction.fields, "gas": gas})


@pytest.mark.parametrize(("number", "why"), [(3, "blobs are priced"), (0x7E, "it is not signed")])
@pytest.mark.parametrize("place", [0, 4, 7])
def test_a_type_with_rules_of_its_own_is_refused_by_name(crowded: Crowded, number: int, why: str, place: int) -> None:
    steps = steps_of(crowded)
    own = steps[place].transaction
    steps[place] = steps[place]._replace(transaction=ProvenTransaction(TYPES[number], own.raw, own.fields))
    with pytest.raises(EvidenceError, match=f"transaction {place} of the block is of type 0x{number:02x}.*{why}") as e:
        refuse_unrunnable(steps, Budget())
    assert e.value.reason == "unsupported-type"


def test_a_denial_behind_a_deposit_stays_traced() -> None:
    deposit = {"type": "0x7e", "from": str(SHOP), "to": str(SHOP), "gas": "0x30d40", "value": "0x0", "input": "0x"}
    more = {"isSystemTx": False, "mint": "0x1", "sourceHash": "0x" + "11" * 32}
    options = ("--network", "optimism", "--chain-id", str(CHAIN_ID), "--accounts", "0", "--order", "fifo")
    with other_anvil(*options) as client:
        live = LiveChain(SimpleNamespace(transport=client.transport))
        live.mine()
        client.call("anvil_autoImpersonateAccount", True)
        client.call("eth_sendTransaction", {**deposit, **more})
        receipt = last_receipt(live, live.redeem(1, bounded(live, 8)))
        assert receipt.subject.transaction_index == 1
        assert standing(live, receipt) == "traced"
        with pytest.raises(EvidenceError, match="type 0x7e"):
            prove(receipt, live.client, replay=True)


@pytest.mark.parametrize(
    ("code", "error", "text"),
    [
        ("1e", EvidenceError, "halted"),
        ("5f5f5f5f5f61010061fffff15000", EvidenceError, "code of its own under other rules"),
        ("5f5f5f5f600561fffffa5000", EvidenceError, "price is another"),
        ("600a4303405000", UnsupportedError, "hash of block"),
    ],
)
def test_what_other_rules_or_older_blocks_could_decide_stays_traced(
    live: LiveChain, code: str, error: type[Exception], text: str
) -> None:
    """In whatever transaction of the block it is."""
    live.call("anvil_setCode", str(PROBE), "0x" + code)
    for _ in range(11):
        live.mine()
    queue = Queue(live)
    queue.send(3, PROBE)
    receipt = last_receipt(live, queue.redeem(1, bounded(live, 9)))
    assert receipt.subject.transaction_index == 1
    assert standing(live, receipt) == "traced"
    with pytest.raises(error, match=text):
        prove(receipt, live.client, replay=True)


def test_an_earlier_transaction_that_ends_otherwise_is_refused(
    crowded: Crowded, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = MeteredEngine.execute_signed
    change: dict[str, Callable[[Any], Any]] = {
        "status": lambda o: replace(o, success=not o.success),
        "gas used": lambda o: replace(o, gas_used=o.gas_used + 1),
        "logs": lambda o: replace(o, logs=(*o.logs, *o.logs, SimpleNamespace(address=SHOP, topics=(), data=b""))),
    }
    for what, changed in change.items():
        monkeypatch.setattr(MeteredEngine, "execute_signed", lambda *args, c=changed, **more: c(real(*args, **more)))
        error = refusal(crowded)
        assert (error.reason, error.path) == ("claim-not-established", "transaction")
        assert f"{what}: run again, transaction 0 ends otherwise" in str(error)
