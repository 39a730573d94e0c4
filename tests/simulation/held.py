"""Delegations that somebody holds on a stage, and what is expected of them."""

from __future__ import annotations

from dataclasses import dataclass

from caveats import Execution, Nonce
from caveats.types import keccak
from delegations.delegation import Delegation, create_delegation, redelegate, sign_delegation
from delegations.evm import dev_account
from delegations.redemption import redeem
from delegations.simulation import Finding, Status, simulate, status
from tests.enforcers.harness import AGENT, ALICE, CHAIN_ID, SHOP, Stage, set_stage

DAY = 86_400


@dataclass
class Held:
    """A chain of delegations on a stage."""

    stage: Stage
    context: tuple[Delegation, ...]

    def status(self, **options) -> Status:
        return status(self.stage.chain, self.context, **options)

    def simulate(self, execution=None, **options):
        return simulate(self.stage.chain, redeem(self.context, execution or Execution(target=SHOP)), **options)


def sign(delegation, key):
    manager = set_stage().chain.manager
    return sign_delegation(delegation, dev_account(key), chain_id=CHAIN_ID, manager=manager, unsafe_unrestricted=True)


def root(*caveats, **options):
    unsigned = create_delegation(delegator=ALICE, delegate=AGENT, caveats=caveats, salt=0, unsafe_unrestricted=True)
    return sign(unsigned.model_copy(update=options), 0)


def hold(stage, *caveats) -> Held:
    return Held(stage, (root(*caveats),))


def hold_two(stage, own=(), parent=()) -> Held:
    top = root(*parent)
    return Held(stage, (sign(redelegate(top, delegate=SHOP, caveats=own), 1), top))


def expect(held: Held, state: str, *, execution=None) -> Finding:
    """The state is this, it is the only finding, and the bytecode denies where it should."""
    found = held.status()
    assert found.state == state
    assert [finding.state for finding in found.findings] == [state]
    assert found.sentence == found.findings[0].sentence
    assert not found.is_active
    assert not held.simulate(execution).allowed
    return found.findings[0]


def expect_active(held: Held, *, execution=None) -> None:
    found = held.status()
    assert (found.state, found.findings, found.is_active) == ("active", (), True)
    assert held.simulate(execution).allowed


def send(stage, to, data, sender=ALICE):
    assert stage.chain.send(sender, to, data).success


def increment(stage, manager=None):
    manager = stage.chain.manager if manager is None else manager
    send(stage, Nonce.ADDRESS, keccak(b"incrementNonce(address)")[:4] + bytes(12) + manager)
