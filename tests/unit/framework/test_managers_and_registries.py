"""A manager behind its interface, and deployments of one's own."""

from __future__ import annotations

import pytest

from caveats import Address, Caveat, EnforcerRegistry, EnforcerTerms, Execution, LimitedCalls, Timestamp
from caveats.attempt import Attempt
from caveats.enforcer import BOTH
from caveats.errors import EncodingError
from caveats.types import keccak
from delegations.delegation import create_delegation, hash_to_sign
from delegations.evm import LocalChain, dev_account
from delegations.framework import Deployment, deployment, known_chain_ids, load_framework
from delegations.framework.abi import selector, signature
from delegations.framework.enforcers import enforcer_registry
from delegations.manager import Manager, MetaMaskManager
from delegations.redemption import redeem

ALICE, AGENT = Address(dev_account(0).address), Address(dev_account(1).address)
ELSEWHERE = Address(b"\x77" * 20)


def grant():
    return create_delegation(delegator=ALICE, delegate=AGENT, caveats=[LimitedCalls(limit=1)], salt=1)


def test_metamasks_manager_is_a_manager():
    manager = MetaMaskManager()
    assert isinstance(manager, Manager)
    assert manager.hash_to_sign(grant(), chain_id=5) == hash_to_sign(grant(), chain_id=5, manager=manager.address)
    redemption = redeem(grant(), Execution(target=AGENT))
    assert manager.decode_redeem(manager.encode_redeem([redemption])) == (redemption,)


@pytest.mark.parametrize("name", ["disableDelegation", "enableDelegation"])
def test_the_selectors_are_those_of_the_official_abi(name):
    entries = [e for e in load_framework().contract("DelegationManager").abi if e.get("name") == name]
    manager = MetaMaskManager()
    encode = manager.encode_disable if name == "disableDelegation" else manager.encode_enable
    assert encode(grant())[:4] == selector(signature(entries[0]))


def test_disabling_sets_the_slot_and_enabling_clears_it():
    chain, manager = LocalChain(), MetaMaskManager()
    chain.add_delegator(ALICE)
    slot = manager.disabled_slot(grant().hash)
    assert chain.send(ALICE, manager.address, manager.encode_disable(grant())).success
    assert chain.world.storage(manager.address, slot) == 1
    assert chain.send(ALICE, manager.address, manager.encode_enable(grant())).success
    assert chain.world.storage(manager.address, slot) == 0


def test_a_deployment_of_ones_own_is_read_by_the_same_classes():
    own = Deployment("1.3.0", 424242, ELSEWHERE, {"DelegationManager": ELSEWHERE, "LimitedCallsEnforcer": AGENT})
    decoded = enforcer_registry(own).decode(LimitedCalls(limit=3).to_caveat(enforcer=AGENT))
    assert decoded.terms == LimitedCalls(limit=3)
    assert enforcer_registry(own).decode(Timestamp(before_at=9).to_caveat()).is_opaque


def test_another_version_is_not_misread():
    old = deployment(known_chain_ids("1.1.0")[0], "1.1.0")
    address = old.addresses["LimitedCallsEnforcer"]
    decoded = enforcer_registry(old).decode(Caveat(enforcer=address, terms=bytes(32)))
    assert decoded.is_opaque
    assert decoded.caveat.terms == bytes(32)


def test_the_official_deployment_reads_every_class_it_lists():
    official = deployment(1)
    registry = enforcer_registry(official)
    listed = {name for name in official.addresses if name.endswith("Enforcer")}
    assert {cls.ENFORCER for cls in registry.by_address.values()} == listed


class Weekday(EnforcerTerms):
    """A custom enforcer: redeemable on one day of the week."""

    ENFORCER = "WeekdayEnforcer"
    ADDRESS = Address(keccak(b"weekday")[12:])
    CALL_TYPES = BOTH
    LAYOUT = "[0:1] weekday"
    BOUNDS = "the day of the week"
    LEAVES_FREE = "everything else"

    weekday: int

    def encode_terms(self) -> bytes:
        return bytes([self.weekday])

    @classmethod
    def decode_terms(cls, terms: bytes) -> Weekday:
        if len(terms) != 1:
            raise cls.bad_length("exactly 1 byte", terms)
        return cls.unchecked(weekday=terms[0])

    def _denies(self, attempt: Attempt) -> str | None:
        day = (attempt.timestamp // 86_400 + 4) % 7
        return None if day == self.weekday else self.revert_of("wrong-day")

    def describe(self, tokens=None) -> str:
        return f"Usable on weekday {self.weekday} only."


def test_a_custom_enforcer_is_registered_with_the_same_interface():
    registry = EnforcerRegistry().with_enforcer(Weekday)
    decoded = registry.decode(Weekday(weekday=4).to_caveat())
    assert (decoded.name, decoded.describe()) == ("Weekday", "Usable on weekday 4 only.")
    assert (
        registry.decode(Caveat(enforcer=Weekday.ADDRESS, terms=b"")).would_revert
        == "WeekdayEnforcer:invalid-terms-length"
    )
    assert EnforcerRegistry().decode(Weekday(weekday=4).to_caveat()).is_opaque
    assert Weekday(weekday=4).would_allow(Attempt((Execution(target=ALICE),), timestamp=0))


def test_two_classes_cannot_read_one_address():
    with pytest.raises(EncodingError, match="already registered as LimitedCallsEnforcer"):
        EnforcerRegistry().with_enforcer(Weekday, LimitedCalls.ADDRESS)
