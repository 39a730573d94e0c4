"""The redemption every figure is taken from: one delegation, four caveats, a native transfer."""

from __future__ import annotations

from caveats import AllowedTargets, Execution, LimitedCalls, Timestamp
from caveats.spend.native_token_transfer_amount import NativeTokenTransferAmount
from delegations.evm import LocalChain
from delegations.evm.engine import Transaction
from delegations.redemption import Redemption, redeem
from delegations.simulation.simulate import redeem_transaction
from tests.enforcers.harness import AGENT, SHOP, START_AT, grant, set_stage


def four_caveats() -> tuple[LocalChain, Redemption, Transaction]:
    """Return a chain, the redemption, and the transaction that redeems it."""
    chain = set_stage().chain
    caveats = [
        AllowedTargets(targets=(SHOP,)),
        NativeTokenTransferAmount(max_amount_wei=10**18),
        LimitedCalls(limit=10),
        Timestamp(after_at=1, before_at=START_AT + 10),
    ]
    redemption = redeem(grant([terms.to_caveat() for terms in caveats]), Execution(target=SHOP, value=1))
    return chain, redemption, redeem_transaction(chain, (redemption,), AGENT)
