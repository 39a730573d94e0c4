"""What of the chain's state supports a receipt, and what was found there.

All of it is the state at the END of a block: in a block with two redemptions a counter shows both.

Source: framework 1.3.0 storage layout; ERC-1967; EIP-7702.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from caveats.attempt import StateKey
from caveats.registry import EnforcerRegistry
from caveats.revocation.nonce import Nonce
from caveats.types import Address, Bytes32, Model, keccak
from delegations.framework.artifact import load_framework
from delegations.framework.constants import EIP7702_PREFIX, EIP7702_STATELESS_DELEGATOR
from delegations.receipts.check import delegation_of, lineage
from delegations.receipts.evidence.builder import account_proof
from delegations.receipts.evidence.bundle import AccountProof, StateProof
from delegations.receipts.evidence.opened import EMPTY_CODE_HASH, Account, OpenBundle
from delegations.receipts.evidence.refusal import EvidenceError, Reason
from delegations.receipts.model import GrantReceipt, Receipt, RedemptionReceipt, RevocationReceipt
from delegations.simulation.plan import IMPLEMENTATION_SLOT, PAUSED_SLOT, plan_of
from delegations.simulation.replay import disabled_slot

FRAMEWORK_CODE_HASH: Final = Bytes32(keccak(EIP7702_PREFIX + EIP7702_STATELESS_DELEGATOR))
"""Hash of the code of an account that runs the framework's EIP-7702 implementation."""
_PAUSED_BIT: Final = 160
Scope = Literal["all", "accounts", "none"]
"""How much of the state is proven: all that belongs to a receipt, of a redemption only the accounts that act, or none.

That a redemption went through says already that nothing was disabled or paused, and its logs say what was counted.
"""
Words = Mapping[bytes, tuple[Account, Mapping[bytes, int]]]
"""Account and slots by address."""


class StateFact(Model):
    """Something the state holds at the end of the block.

    Attributes:
        what: "disabled" and "paused" are "yes" or "no"; "counter" is the words an enforcer keeps, from its first slot
            on, joined by spaces; "code" is what runs at an address; "nonce" is the account's own.
        address: the account it is kept at.
        delegation: the hash it is about, where it is about one.
    """

    what: Literal["disabled", "paused", "counter", "code", "nonce"]
    address: Address
    value: str
    delegation: Bytes32 | None = None


def manager_of(receipt: Receipt) -> tuple[Address, int] | None:
    """Return the delegation manager a receipt is about and its chain id; None for a kind that is about none."""
    if isinstance(receipt, RedemptionReceipt):
        return receipt.subject.manager, int(receipt.subject.chain[7:])
    if isinstance(receipt, RevocationReceipt):
        return receipt.revocation.manager, int(receipt.revocation.chain[7:])
    if isinstance(receipt, GrantReceipt):
        return receipt.granted.manager, int(receipt.granted.chain[7:])
    return None


def planned_state(
    receipt: Receipt, registry: EnforcerRegistry | None = None, scope: Scope = "all"
) -> tuple[AccountProof, ...]:
    """Return the accounts and slots that belong to a receipt's evidence, in order.

    The manager with its disabled flags and its pause; every enforcer with its counters; every delegator, and a redeemer
    that is not the submitter, with its code and the slot in which a proxy keeps its implementation. Collector and
    verifier both ask this, so there is nothing to add and nothing to leave out.

    Args:
        receipt: whose evidence it is.
        registry: reads enforcers of your own.
        scope: see Scope.

    Raises:
        UnsupportedError: more caveats than any block has the gas for.
    """
    about = manager_of(receipt)
    if about is None or scope == "none":
        return ()
    manager, _ = about
    links = lineage(receipt)
    wanted: dict[bytes, set[int]] = {}
    if isinstance(receipt, RedemptionReceipt) and (not links or receipt.actor.redeemer != receipt.actor.submitter):
        # it acts itself, or it is an account that somebody else had pass on the call
        wanted[bytes(receipt.actor.redeemer)] = {IMPLEMENTATION_SLOT}
    if isinstance(receipt, RedemptionReceipt) and scope == "accounts":
        if links:
            wanted[bytes(links[0].delegator)] = {IMPLEMENTATION_SLOT}
        return _listed(wanted)
    wanted.setdefault(bytes(manager), set()).add(PAUSED_SLOT)
    if isinstance(receipt, RevocationReceipt):
        wanted[bytes(manager)].add(disabled_slot(receipt.revocation.delegation))
        wanted.setdefault(bytes(receipt.revocation.by), set()).add(IMPLEMENTATION_SLOT)
        if receipt.revocation.how == "nonce":
            wanted.setdefault(bytes(Nonce.ADDRESS), set()).add(nonce_slot(receipt))
    context = tuple(
        delegation_of(link).with_args({place: caveat.args for place, caveat in enumerate(link.caveats)})
        for link in reversed(links)
    )
    plan = plan_of(context, manager, registry or EnforcerRegistry())
    for address, slot in plan.slots(manager):
        wanted.setdefault(bytes(address), set()).add(slot)
    for address in plan.codes():
        wanted.setdefault(bytes(address), set())
    return _listed(wanted)


def _listed(wanted: Mapping[bytes, set[int]]) -> tuple[AccountProof, ...]:
    return tuple(
        account_proof(Address(address), [slot.to_bytes(32, "big") for slot in wanted[address]])
        for address in sorted(wanted)
    )


def nonce_slot(receipt: RevocationReceipt) -> int:
    """Return the slot in which the NonceEnforcer keeps the nonce of who revoked."""
    ended = receipt.revocation
    return Nonce(nonce=0).state_slot(StateKey(ended.manager, ended.delegation, ended.by))


def prove_state(opened: OpenBundle, receipt: Receipt, registry: EnforcerRegistry | None) -> Words | None:
    """Return what the bundle proves of the state at the end of its first block; None where it proves none.

    Raises:
        EvidenceError: unasked-proof, missing-proof when it is not exactly what belongs to the receipt; missing-node.
    """
    states = opened.bundle.states
    planned = planned_state(receipt, registry)
    if not states:
        return None
    for scope in (planned, planned_state(receipt, registry, "accounts")):
        if states == (StateProof(header=0, accounts=scope),):
            return opened.words(0, scope)
    listed = {(a.address, s) for state in states for a in state.accounts for s in (*a.slots, None)}
    asked = {(a.address, s) for a in planned for s in (*a.slots, None)}
    reason: Reason = "missing-proof" if asked - listed else "unasked-proof"
    text = "does not prove all" if asked - listed else "proves more"
    raise EvidenceError(reason, f"the bundle {text} of the state that belongs to the receipt", path="states")


def state_facts(receipt: Receipt, words: Words, registry: EnforcerRegistry | None = None) -> Iterator[StateFact]:
    """Yield what the proven words mean."""
    about = manager_of(receipt)
    if about is None:
        return
    manager, _ = about
    if bytes(manager) in words:
        yield from _kept_facts(receipt, manager, words, registry)
    for address in sorted(words):
        account, slots = words[address]
        yield StateFact(what="code", address=Address(address), value=_code_name(Address(address), account, slots))
        if account.code_hash in (EMPTY_CODE_HASH, FRAMEWORK_CODE_HASH):
            yield StateFact(what="nonce", address=Address(address), value=str(account.nonce))


def _kept_facts(
    receipt: Receipt, manager: Address, words: Words, registry: EnforcerRegistry | None
) -> Iterator[StateFact]:
    """Yield what the manager and the enforcers keep."""
    own = words[bytes(manager)][1]
    yield _flag("paused", manager, (own[_word(PAUSED_SLOT)] >> _PAUSED_BIT) & 0xFF)
    hashes = [link.hash for link in lineage(receipt)]
    if isinstance(receipt, RevocationReceipt) and receipt.revocation.delegation not in hashes:
        hashes.append(receipt.revocation.delegation)
    for digest in hashes:
        yield _flag("disabled", manager, own[_word(disabled_slot(digest))], digest)
    context = tuple(delegation_of(link) for link in reversed(lineage(receipt)))
    for item in plan_of(context, manager, registry or EnforcerRegistry()).items():
        kept = [str(words[address][1][_word(slot)]) for address, slot in item.slots()]
        if kept:
            digest = Bytes32(item.key.delegation_hash)
            yield StateFact(what="counter", address=item.enforcer, value=" ".join(kept), delegation=digest)


def executes_as_asked(words: Words | None) -> frozenset[Address]:
    """Return the accounts that are known to do what the manager asks of them: they run the framework's own code."""
    found = (words or {}).items()
    return frozenset(Address(a) for a, (account, _) in found if account.code_hash == FRAMEWORK_CODE_HASH)


def _word(slot: int) -> bytes:
    return slot.to_bytes(32, "big")


def _flag(
    what: Literal["disabled", "paused"], manager: Address, value: int, delegation: Bytes32 | None = None
) -> StateFact:
    return StateFact(what=what, address=manager, value="yes" if value else "no", delegation=delegation)


def _code_name(address: Address, account: Account, slots: Mapping[bytes, int]) -> str:
    if not account.has_code:
        return "none"
    if account.code_hash == FRAMEWORK_CODE_HASH:
        return f"EIP-7702 account of {EIP7702_STATELESS_DELEGATOR}"
    # an official contract's address commits to its creation code, so what stands there is what that code made
    official = load_framework().by_address(address)
    if official is not None:
        return f"{official.name} ({account.code_hash})"
    behind = slots.get(_word(IMPLEMENTATION_SLOT), 0)
    if behind:
        return f"{account.code_hash}, proxy of {Address(behind.to_bytes(32, 'big')[12:])}"
    return str(account.code_hash)
