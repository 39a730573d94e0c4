"""Denials on the state of a chain that stands still, their receipts, and their bundles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from caveats import Address, Execution, LimitedCalls, NativeTokenTransferAmount
from caveats.types import keccak
from delegations.delegation import Delegation, create_delegation, sign_delegation
from delegations.evm import LocalChain, dev_account
from delegations.evm.engine import DEFAULT_GAS
from delegations.receipts import RedemptionReceipt, make_preflight_receipts
from delegations.receipts.evidence.builder import BundleBuilder
from delegations.receipts.evidence.bundle import Bundle
from delegations.receipts.evidence.opened import OpenBundle, open_bundle
from delegations.receipts.evidence.witness_of import witness_denial
from delegations.redemption import Redemption, encode_redeem_delegations, redeem
from delegations.simulation import Verdict, execute, simulate
from tests.unit.receipts.evidence.still_node import StillNode

ALICE, AGENT, HELPER, SHOP = (Address(dev_account(i).address) for i in range(4))
CHAIN_ID = 10
"""The chain of the other tests of receipts, whose official code is made once a process."""


@dataclass
class Staged:
    """One denial: on which chain, what was asked, and what was found.

    Attributes:
        node: stands at the block whose state it was tried on.
        position: the block it ran in: that one, or the one after it.
    """

    chain: LocalChain
    node: StillNode
    redemptions: tuple[Redemption, ...]
    verdict: Verdict
    receipts: tuple[RedemptionReceipt, ...]
    gas: int = DEFAULT_GAS
    _bundle: list[Bundle] = field(default_factory=list)

    @property
    def receipt(self) -> RedemptionReceipt:
        return self.receipts[0]

    @property
    def call_data(self) -> bytes:
        return encode_redeem_delegations(self.redemptions)

    @property
    def bundle(self) -> Bundle:
        """Its evidence, collected once."""
        if not self._bundle:
            builder = BundleBuilder(self.node.header)
            witness_denial(builder, self.node.client, self.receipt, self.call_data, gas=self.gas)
            self._bundle.append(builder.build())
        return self._bundle[0]

    def open(self, bundle: Bundle | None = None) -> OpenBundle:
        return open_bundle(bundle or self.bundle, self.node.header.hash)


def chain() -> LocalChain:
    """A chain with Alice as a delegator."""
    made = LocalChain(CHAIN_ID)
    made.add_delegator(ALICE)
    made.fund(AGENT)
    return made


def signed(delegation: Delegation, key: int = 0) -> Delegation:
    return sign_delegation(
        delegation,
        dev_account(key),
        chain_id=CHAIN_ID,
        manager=LocalChain(CHAIN_ID).manager,
        unsafe_unrestricted=True,
    )


def grant(caveats: Sequence[Any] = (), *, salt: int = 0, delegate: Address = AGENT) -> Delegation:
    """Alice's signed delegation to the agent."""
    made = create_delegation(delegator=ALICE, delegate=delegate, caveats=caveats, salt=salt, unsafe_unrestricted=True)
    return signed(made)


def pay(amount_wei: int) -> Execution:
    return Execution(target=SHOP, value=amount_wei)


def stage(
    local: LocalChain,
    asked: Redemption | Sequence[Redemption],
    *,
    redeemer: Address | None = None,
    after: bool = True,
    gas: int = DEFAULT_GAS,
) -> Staged:
    """Return what a denial on this chain is, as it stands after a block, tried in the next block or in the same."""
    redemptions = (asked,) if isinstance(asked, Redemption) else tuple(asked)
    block = replace(local.block, coinbase=Address(b"\x0c" * 20), prevrandao=keccak(b"random"))
    node = StillNode(local.world, block)
    local._environment = replace(block, base_fee_wei=0)
    if after:
        local.block_number, local.timestamp = block.number + 1, block.timestamp + 1
    verdict = simulate(local, redemptions, redeemer=redeemer, gas=gas)
    receipts = make_preflight_receipts(local, redemptions, verdict, redeemer=redeemer, network="live")
    return Staged(local, node, redemptions, verdict, receipts, gas)


def above_the_allowance() -> Staged:
    """A payment above what is left, by a caveat that counts: three slots are read, one of them not zero."""
    local = chain()
    bounded = grant([LimitedCalls(limit=3), NativeTokenTransferAmount(max_amount_wei=5)])
    execute(local, redeem(bounded, pay(2)))
    return stage(local, redeem(bounded, pay(4)))
