"""Receipts of what a mined transaction took back: delegations it disabled, and those bound to a nonce it used up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from caveats.registry import EnforcerRegistry
from caveats.revocation.nonce import Nonce
from caveats.types import Address, Bytes32
from delegations.delegation import ROOT_AUTHORITY, Delegation, verify_chain
from delegations.receipts.build import Notes
from delegations.receipts.build_mined import block_of
from delegations.receipts.decode.fetch import FetchedTransaction
from delegations.receipts.decode.inputs import to_bytes
from delegations.receipts.decode.model import DecodedTransaction, GrantEvent, NonceBump
from delegations.receipts.kinds import make_revocation_receipt
from delegations.receipts.model import RevocationReceipt
from delegations.receipts.model_parts import Revocation

Chains = dict[Bytes32, tuple[Delegation, ...]]
"""The chain of each delegation, itself first, by its hash."""


def revocations_of(
    decoded: DecodedTransaction,
    fetched: FetchedTransaction,
    *,
    timestamp: int,
    contexts: Iterable[Sequence[Delegation]] = (),
    prev: Mapping[Address, str] | None = None,
    registry: EnforcerRegistry | None = None,
    notes: Notes | None = None,
) -> tuple[RevocationReceipt, ...]:
    """Return one receipt per delegation that a mined transaction ended, in the order of the logs.

    A delegation that is disabled and enabled again has not ended. A nonce that was used up ends every delegation bound
    to it, whichever they are, and the log names none: those of `contexts` and of the transaction's own redemptions are
    told, and `decoded.nonces` has the bump itself.

    Args:
        decoded: what `fetched.decode()` returned.
        fetched: the transaction as the node gave it.
        timestamp: of its block, in unix seconds.
        contexts: chains you know, each from the leaf: what may have ended, and what stands above it.
        prev: for each account that revoked, the hash of its previous receipt, if there is one.
        registry: reads enforcers of your own.
        notes: links, names and evidence to put into each.

    Raises:
        VerificationError: a context does not hold together.
        EncodingError: a part of the transaction that cannot be read.

    Source: framework 1.3.0, DelegationManager.disableDelegation and enableDelegation, NonceEnforcer.incrementNonce.
    """
    given = [tuple(context) for context in contexts]
    for context in given:
        verify_chain(context)
    last = dict(prev or {})
    receipts = []
    for log_index, ended, links in sorted(_ended(decoded, given), key=lambda found: found[0]):
        revocation = Revocation(
            chain=f"eip155:{fetched.chain_id}",
            network="live",
            block=block_of(fetched, timestamp),
            transaction=Bytes32(to_bytes(fetched.tx.get("hash"), "hash")),
            log_index=log_index,
            **ended,
        )
        receipt = make_revocation_receipt(
            revocation, links, prev=last.get(revocation.by), registry=registry, notes=notes
        )
        last[revocation.by] = receipt.hash
        receipts.append(receipt)
    return tuple(receipts)


def _chains(decoded: DecodedTransaction, given: Iterable[tuple[Delegation, ...]], manager: Address) -> Chains:
    # a denied redemption may have brought links that do not fit together
    good = ("executed", "partially_executed")
    told = [r.context for r in decoded.redemptions if r.manager == manager and r.status in good]
    chains: Chains = {}
    for context in (*told, *given):
        for at, link in enumerate(context):
            chains.setdefault(link.hash, context[at:])
    return chains


def _ended(
    decoded: DecodedTransaction, given: Sequence[tuple[Delegation, ...]]
) -> Iterator[tuple[int, dict[str, Any], tuple[Delegation, ...]]]:
    """Yield what ended: the log that says so, what a receipt says of it, and its chain as far as it is known."""
    latest: dict[tuple[Address, Bytes32], GrantEvent] = {}
    for event in decoded.grants:
        latest[event.manager, event.hash] = event
    for event in latest.values():
        if event.kind != "disabled":
            continue
        delegation = event.delegation.model
        alone = (delegation,) if delegation.authority == ROOT_AUTHORITY else ()
        what = {"manager": event.manager, "delegation": event.hash, "how": "disabled", "by": delegation.delegator}
        yield event.log_index, what, _chains(decoded, given, event.manager).get(event.hash, alone)
    for bump in decoded.nonces:
        for digest, links in _chains(decoded, given, bump.manager).items():
            if _is_bound(links[0], bump):
                what = {"manager": bump.manager, "delegation": digest, "how": "nonce", "by": bump.delegator}
                yield bump.log_index, {**what, "nonce": bump.nonce + 1}, links


def _is_bound(delegation: Delegation, bump: NonceBump) -> bool:
    """Whether a delegation was good for the nonce that was used up, and no other."""
    used = Nonce(nonce=bump.nonce).encode_terms()
    bound = any(caveat.enforcer == bump.enforcer and caveat.terms == used for caveat in delegation.caveats)
    return bound and delegation.delegator == bump.delegator
