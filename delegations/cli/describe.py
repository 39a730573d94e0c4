"""What was loaded, in words for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.tree import Tree

from caveats.errors import VerificationError
from caveats.registry import decode_caveat
from delegations.cli.load import Call, Chain, Loaded
from delegations.cli.receipt_tree import receipt_tree
from delegations.cli.render import chain_tree, line, redemption_tree
from delegations.delegation import Delegation, recover_delegation_signer, verify_chain
from delegations.framework.constants import DELEGATION_MANAGER


def trees(loaded: Loaded, chain_id: int | None) -> list[Tree]:
    """Return what to print; with a chain id, also who signed."""
    if isinstance(loaded, Chain):
        return [chain_tree(loaded.delegations, chain_id=chain_id)]
    if isinstance(loaded, Call):
        drawn = [redemption_tree(r, i, chain_id=chain_id) for i, r in enumerate(loaded.redemptions)]
        if not loaded.redemptions:
            drawn.append(Tree(line("calldata that redeems nothing", "bold red")))
        elif not loaded.is_canonical:
            drawn.append(Tree(line("not in canonical form: something trails, or it is laid out otherwise", "yellow")))
        return drawn
    return [receipt_tree(loaded)]


def describe(loaded: Loaded, chain_id: int | None) -> dict[str, Any]:
    """Return the same as JSON values."""
    if isinstance(loaded, Chain):
        return {"kind": "context", "form": loaded.form, **_explain_chain(loaded.delegations, chain_id, "delegations")}
    if isinstance(loaded, Call):
        return {
            "kind": "calldata",
            "canonical": loaded.is_canonical,
            "redemptions": [
                {**r.to_wire(), **_explain_chain(r.context, chain_id, "context"), "modeName": r.mode.name}
                for r in loaded.redemptions
            ],
        }
    return {"kind": "receipt", "hash": loaded.hash, "receipt": loaded.to_wire()}


def _explain_chain(chain: Sequence[Delegation], chain_id: int | None, name: str) -> dict[str, Any]:
    explained: dict[str, Any] = {name: [_explain(link, chain_id) for link in chain]}
    try:
        verify_chain(chain)
    except VerificationError as error:
        explained["broken"] = str(error)
    return explained


def _explain(delegation: Delegation, chain_id: int | None) -> dict[str, Any]:
    wire = delegation.to_wire()
    for caveat, entry in zip(delegation.caveats, wire["caveats"], strict=True):
        decoded = decode_caveat(caveat)
        entry["name"] = decoded.name
        entry["says"] = decoded.describe()
        entry["known"] = not decoded.is_opaque
        if decoded.terms is not None:
            entry["decoded"] = decoded.terms.to_wire()
        if decoded.would_revert is not None:
            entry["wouldRevert"] = decoded.would_revert
    return {"hash": str(delegation.hash), **wire, **_signer(delegation, chain_id)}


def _signer(delegation: Delegation, chain_id: int | None) -> dict[str, Any]:
    if chain_id is None or not delegation.signature:
        return {}
    try:
        signer = recover_delegation_signer(delegation, chain_id=chain_id, manager=DELEGATION_MANAGER)
    except VerificationError as error:
        return {"signatureError": str(error)}
    return {"signer": str(signer), "signedByDelegator": signer == delegation.delegator}
