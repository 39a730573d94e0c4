"""Redeem on a local chain for good, and keep what is needed to tell about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from caveats.registry import EnforcerRegistry
from caveats.types import Address
from delegations.evm.chain import LocalChain
from delegations.evm.engine import DEFAULT_GAS, BlockEnv, Outcome
from delegations.evm.world import World
from delegations.redemption import Redemption
from delegations.simulation.simulate import (
    default_redeemer,
    judge,
    prefetch_redemption,
    redeem_transaction,
    require_enforcer_code,
)
from delegations.simulation.verdict import Verdict


@dataclass(frozen=True, slots=True)
class ExecutedRedemption:
    """One redeemDelegations transaction and what came of it.

    Attributes:
        redemptions: what was asked, in order.
        redeemer: who called the manager.
        manager: the delegation manager called.
        block: the block it ran in.
        before: the state it ran on.
        outcome: what the engine saw, the call tree included.
        verdict: what it means.
    """

    redemptions: tuple[Redemption, ...]
    redeemer: Address
    manager: Address
    block: BlockEnv
    before: World
    outcome: Outcome
    verdict: Verdict


def execute(
    chain: LocalChain,
    redemption: Redemption | Sequence[Redemption],
    *,
    redeemer: Address | None = None,
    gas: int = DEFAULT_GAS,
    registry: EnforcerRegistry | None = None,
) -> ExecutedRedemption:
    """Redeem on `chain` and keep the effects; a denied redemption keeps only the redeemer's nonce.

    Arguments and errors as `simulate`.
    """
    redemptions = (redemption,) if isinstance(redemption, Redemption) else tuple(redemption)
    caller = redeemer if redeemer is not None else default_redeemer(redemptions)
    transaction = redeem_transaction(chain, redemptions, caller, gas)
    prefetch_redemption(chain, redemptions, transaction)
    require_enforcer_code(chain, redemptions)
    before, block = chain.world.copy(), chain.block
    outcome = chain.send(caller, transaction.to, transaction.data, gas=gas)
    verdict = judge(before, chain.manager, redemptions, caller, outcome, registry=registry, chain_id=chain.chain_id)
    return ExecutedRedemption(redemptions, caller, chain.manager, block, before, outcome, verdict)
