"""The first transaction of a block, run again: what only a trace tells, without a trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from caveats import LimitedCalls, NativeTokenTransferAmount
from caveats.errors import ExecutionError
from caveats.types import Address, keccak
from delegations.evm import dev_account
from delegations.evm.engine import BlockEnv, Log
from delegations.evm.pyevm import PyEvmEngine
from delegations.evm.world import World
from delegations.framework.constants import EIP7702_STATELESS_DELEGATOR
from delegations.receipts.evidence.bundle import Bundle
from delegations.receipts.evidence.collect import prove
from delegations.receipts.evidence.opened import open_bundle
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.replay_mined import MinedReplay, replay_mined
from delegations.receipts.evidence.verify import verify
from delegations.redemption import encode_redeem_delegations, redeem
from tests.unit.receipts.evidence.live_chain import AGENT, CHAIN_ID, SHOP, LiveChain
from tests.unit.receipts.evidence.staged import pay


@pytest.fixture(scope="module")
def live() -> Iterator[LiveChain]:
    live = LiveChain()
    live.mine()  # what was put into the state by hand is in a block's state from here on
    yield live
    live.close()


@pytest.fixture(scope="module")
def denied(live):
    """A payment above the allowance that was mined first in its block, and another transaction behind it."""
    bounded = live.grant(NativeTokenTransferAmount(max_amount_wei=5), LimitedCalls(limit=3), salt=1)
    digest = live.redeem(1, redeem(bounded, pay(6)))
    live.send(3, SHOP, value=1)
    live.mine()
    (receipt,) = live.receipts(digest)
    return receipt


@pytest.fixture(scope="module")
def bundle(live, denied) -> Bundle:
    return prove(denied, live.client)


def run(bundle: Bundle) -> MinedReplay:
    return replay_mined(open_bundle(bundle, _trusted(bundle)), CHAIN_ID)


def _trusted(bundle: Bundle) -> bytes:
    return keccak(bundle.headers[0])


def refusal(bundle: Bundle) -> EvidenceError:
    with pytest.raises(EvidenceError) as caught:
        run(bundle)
    return caught.value


def test_a_mined_denial_is_shown_by_running_it_again(denied, bundle):
    report = verify(denied, bundle, _trusted(bundle))
    assert report.standing("outcome.denial") == "reexecuted"
    assert report.standing("outcome.status") in ("reexecuted", "proven")
    assert report.holds


def test_the_calls_are_those_the_node_traces(live, denied, bundle):
    traced = live.fetch(bytes(denied.subject.transaction)).trace

    def shape(node):
        return (
            node["type"],
            node["from"].lower(),
            node["to"].lower(),
            node["input"],
            node.get("output", "0x"),
            [shape(child) for child in node.get("calls", ())],
        )

    assert shape(run(bundle).trace) == shape(traced)


def test_native_movements_of_a_redemption_are_shown_too(live):
    bounded = live.grant(NativeTokenTransferAmount(max_amount_wei=5), salt=2)
    digest = live.redeem(1, redeem(bounded, pay(3)))
    live.mine()
    (receipt,) = live.receipts(digest)
    found = prove(receipt, live.client, replay=True)
    report = verify(receipt, found, _trusted(found))
    assert report.standing("outcome.movements") == "reexecuted"


def test_an_authorization_in_the_transaction_is_applied(live):
    """A type 4 transaction that makes somebody an account, and is denied."""
    account = dev_account(3)
    signed = account.sign_authorization(
        {"chainId": CHAIN_ID, "address": str(EIP7702_STATELESS_DELEGATOR), "nonce": _nonce(live, account.address)}
    )
    used_up = live.grant(LimitedCalls(limit=1), NativeTokenTransferAmount(max_amount_wei=5), salt=3)
    digest = live.send(
        1,
        live.manager,
        encode_redeem_delegations([redeem(used_up, pay(6))]),
        authorizationList=[signed],
    )
    live.mine()
    live._nonces.pop(3, None)
    (receipt,) = live.receipts(digest)
    found = prove(receipt, live.client)
    assert verify(receipt, found, _trusted(found)).standing("outcome.denial") == "reexecuted"
    # the machine goes on past an authorization it cannot look at; the replay does not
    authority = Address(account.address)
    kept = tuple(entry for entry in found.witness.accounts if entry.address != authority)
    assert len(kept) == len(found.witness.accounts) - 1
    error = refusal(found.model_copy(update={"witness": found.witness.model_copy(update={"accounts": kept})}))
    assert (error.reason, str(authority) in str(error)) == ("witness-incomplete", True)


@pytest.mark.parametrize(
    ("salt", "more"),
    [
        (11, {"gasPrice": 10**10}),
        (12, {"gasPrice": 10**10, "accessList": [{"address": str(SHOP), "storageKeys": ["0x" + "01" * 32]}]}),
        (13, {"accessList": [{"address": str(SHOP), "storageKeys": []}]}),
    ],
)
def test_every_type_of_transaction_costs_what_its_block_says(live, salt, more):
    bounded = live.grant(NativeTokenTransferAmount(max_amount_wei=5), salt=salt)
    digest = live.redeem(1, redeem(bounded, pay(6)), **more)
    live.mine()
    (receipt,) = live.receipts(digest)
    found = prove(receipt, live.client)
    report = verify(receipt, found, _trusted(found))
    assert (report.standing("outcome.denial"), report.holds) == ("reexecuted", True)


def _nonce(live: LiveChain, address: str) -> int:
    return int(live.call("eth_getTransactionCount", address, "latest"), 16)


def test_a_witness_for_a_later_transaction_is_refused(bundle):
    moved = bundle.transaction.model_copy(update={"index": 1})
    error = refusal(bundle.model_copy(update={"transaction": moved}))
    assert error.reason in ("witness-mismatch", "missing-node")


def test_whatever_is_left_out_is_refused_by_name(bundle):
    for place in range(len(bundle.nodes)):
        less = bundle.model_copy(update={"nodes": bundle.nodes[:place] + bundle.nodes[place + 1 :]})
        error = _whole(less)
        assert error.reason in ("witness-incomplete", "missing-node"), place
    for place in range(len(bundle.codes)):
        less = bundle.model_copy(update={"codes": bundle.codes[:place] + bundle.codes[place + 1 :]})
        assert refusal(less).reason in ("witness-incomplete", "missing-code")
    witness = bundle.witness
    for place, account in enumerate(witness.accounts):
        for kept in ((), *([account.model_copy(update={"slots": ()})] if account.slots else [])):
            accounts = (*witness.accounts[:place], *([kept] if kept else []), *witness.accounts[place + 1 :])
            changed = bundle.model_copy(update={"witness": witness.model_copy(update={"accounts": accounts})})
            assert refusal(changed).reason == "witness-incomplete", account.address


def _whole(bundle: Bundle) -> EvidenceError:
    """The refusal of the bundle with its states, which a replay alone does not look at."""

    def look() -> None:
        opened = open_bundle(bundle, _trusted(bundle))
        replay_mined(opened, CHAIN_ID)
        for state in bundle.states:
            opened.words(state.header, state.accounts)

    with pytest.raises(EvidenceError) as caught:
        look()
    return caught.value


@pytest.mark.parametrize(
    ("field", "value"), [("sender", SHOP), ("to", SHOP), ("data", b""), ("value", 1), ("gas", 1), ("header", 0)]
)
def test_a_witness_of_another_call_is_refused(bundle, field, value):
    witness = bundle.witness.model_copy(update={field: value})
    assert refusal(bundle.model_copy(update={"witness": witness})).reason == "witness-mismatch"


def test_another_chain_is_refused(bundle):
    with pytest.raises(EvidenceError, match="not of the transaction"):
        replay_mined(open_bundle(bundle, _trusted(bundle)), CHAIN_ID + 1)


def test_a_bundle_without_a_transaction_or_a_witness_is_refused(bundle):
    for name in ("transaction", "witness"):
        assert refusal(bundle.model_copy(update={name: None})).reason == "missing-evidence"


@pytest.mark.parametrize("change", [{"success": True}, {"gas_used": 1}, {"logs": (Log(SHOP, (), b""),)}])
def test_an_end_the_block_does_not_commit_to_is_refused(bundle, monkeypatch, change):
    run_as_it_is = PyEvmEngine.execute_signed
    monkeypatch.setattr(
        PyEvmEngine, "execute_signed", lambda *args, **more: replace(run_as_it_is(*args, **more), **change)
    )
    error = refusal(bundle)
    assert (error.reason, error.path) == ("receipt-contradicted", "outcome")


def test_a_tree_is_told_as_a_tracer_tells_it(bundle):
    trace = run(bundle).trace
    assert trace["error"] == "execution reverted"
    assert trace["calls"]


def test_the_agent_is_who_sent_it(bundle):
    assert run(bundle).transaction.sender == AGENT


@pytest.mark.parametrize("raw", [b"", b"\x02", b"\xc0", b"\x02\xc0", b"\x09\xc0", b"\x7f" * 40, b"\xf8" * 9])
def test_bytes_that_are_no_transaction_cannot_enter_a_block(raw):
    with pytest.raises(ExecutionError, match="the transaction cannot enter a block"):
        PyEvmEngine().execute_signed(World(), BlockEnv(chain_id=CHAIN_ID, number=1, timestamp=1), raw)


def test_a_sender_who_cannot_pay_cannot_enter_a_block():
    sent = {"nonce": 0, "chainId": CHAIN_ID, "gas": 21_000, "value": 1, "to": str(SHOP), "gasPrice": 7}
    raw = bytes(dev_account(1).sign_transaction(sent).raw_transaction)
    world, block = World(), BlockEnv(chain_id=CHAIN_ID, number=1, timestamp=1, base_fee_wei=7)
    with pytest.raises(ExecutionError, match="the transaction cannot enter a block"):
        PyEvmEngine().execute_signed(world, block, raw)
    world.set_balance(AGENT, 7 * 21_000 + 1)
    assert PyEvmEngine().execute_signed(world, block, raw).diff.accounts[bytes(AGENT)].balance == 0
