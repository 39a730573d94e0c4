"""A denial from asking to verifying: tried on a fork of a live chain, proven by its node, run again without one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from caveats import NativeTokenTransferAmount
from caveats.errors import EncodingError
from delegations.evm import LocalChain
from delegations.receipts import RedemptionReceipt, make_preflight_receipts
from delegations.receipts.evidence.collect import attach, prove
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.verify import verify
from delegations.redemption import Redemption, encode_redeem_delegations, redeem
from delegations.simulation import simulate
from tests.unit.receipts.evidence.live_chain import LiveChain
from tests.unit.receipts.evidence.staged import pay


@pytest.fixture(scope="module")
def live() -> Iterator[LiveChain]:
    live = LiveChain()
    live.mine()  # what was put into the state by hand is in a block's state from here on
    yield live
    live.close()


def denied_on(chain: LocalChain, asked: Redemption) -> RedemptionReceipt:
    (receipt,) = make_preflight_receipts(chain, asked, simulate(chain, asked), network="live")
    return receipt


def asked_of(live: LiveChain, salt: int) -> tuple[Redemption, bytes]:
    asked = redeem(live.grant(NativeTokenTransferAmount(max_amount_wei=5), salt=salt), pay(6))
    return asked, encode_redeem_delegations([asked])


def test_a_denial_on_a_fork_is_proven_by_the_node_and_verified_without_it(live):
    asked, call_data = asked_of(live, 1)
    receipt = denied_on(LocalChain.fork(live.client), asked)
    bundle = prove(receipt, live.client, calldata=call_data)
    attached = attach(receipt, bundle, bundle.block_hash)
    report = verify(attached, bundle, bundle.block_hash)
    assert (report.standing("outcome.denial"), attached.claims["outcome"]) == ("reexecuted", "reexecuted")


def test_it_can_be_proven_when_the_chain_has_moved_on(live):
    asked, call_data = asked_of(live, 2)
    receipt = denied_on(LocalChain.fork(live.client), asked)
    tried_on = bytes.fromhex(live.call("eth_getBlockByNumber", "latest", False)["hash"][2:])
    for _ in range(3):
        live.mine()
    bundle = prove(receipt, live.client, block=tried_on, calldata=call_data)
    assert verify(receipt.model_copy(update={"claims": {}}), bundle, tried_on).holds


def test_it_is_proven_for_the_block_it_was_tried_on_and_no_other(live):
    asked, call_data = asked_of(live, 3)
    receipt = denied_on(LocalChain.fork(live.client), asked)
    live.mine()  # it could be the very block that was tried on, if its clock says so
    later = bytes.fromhex(live.mine()["hash"][2:])
    live.mine()
    with pytest.raises(EvidenceError) as caught:
        prove(receipt, live.client, block=later, calldata=call_data)
    assert caught.value.reason == "wrong-block"


def test_a_call_at_the_block_itself_is_proven_too(live):
    asked, call_data = asked_of(live, 4)
    chain = LocalChain.fork(live.client)
    chain.block_number, chain.timestamp = chain.block_number - 1, chain.timestamp - 1
    receipt = denied_on(chain, asked)
    bundle = prove(receipt, live.client, calldata=call_data)
    assert verify(receipt.model_copy(update={"claims": {}}), bundle, bundle.block_hash).holds


def test_a_fork_that_was_moved_on_in_time_stands_for_no_block(live):
    asked, call_data = asked_of(live, 5)
    chain = LocalChain.fork(live.client)
    tried_on = chain.block_number - 1
    chain.advance(3_600)
    with pytest.raises(EvidenceError) as caught:
        prove(denied_on(chain, asked), live.client, block=tried_on, calldata=call_data)
    assert caught.value.reason == "wrong-block"


def test_a_fork_whose_state_was_changed_is_not_what_the_node_proves(live):
    """Without the allowance that was taken away by hand, the payment is denied as well, but not for that."""
    asked, call_data = asked_of(live, 6)
    chain = LocalChain.fork(live.client)
    chain.world.set_storage(chain.manager, 1, 1 << 160)
    receipt = denied_on(chain, asked)
    assert receipt.outcome.denial.reason == "EnforcedPause()"
    with pytest.raises(EvidenceError) as caught:
        prove(receipt, live.client, calldata=call_data)
    assert caught.value.reason == "receipt-contradicted"


def test_without_the_calldata_there_is_nothing_to_run(live):
    asked, _ = asked_of(live, 7)
    with pytest.raises(EncodingError, match="calldata: expected that of the denied call"):
        prove(denied_on(LocalChain.fork(live.client), asked), live.client)
