"""Ending grants: at once in the store, then on chain; and telling which still hold.

A grant that is being revoked is no longer listed, whatever the chain says. It counts as revoked only once the chain was
seen to refuse it; until then it can be redeemed, and revoking it can be tried again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caveats.errors import DelegationsError, EncodingError, EngineError, ExecutionError, UnsupportedError
from caveats.execution import Execution
from caveats.types import Address
from delegations.delegation import Delegation, decode_context
from delegations.manager import MetaMaskManager
from delegations.permissions.wallet.chain import WalletChain
from delegations.permissions.wallet.rpc_errors import ProviderError, RpcCode
from delegations.permissions.wallet.store import GrantStore, StoredGrant, StoreError
from delegations.permissions.wire import Fields, read_context

Chains = Mapping[int, WalletChain]


def delegation_of(grant: StoredGrant) -> Delegation:
    """Return the signed delegation of a stored grant. Raises StoreError when it is not the one that was kept."""
    try:
        delegation = decode_context(read_context(grant.response.get("context"), "context"))[0]
    except EncodingError as error:
        raise StoreError(f"grant {grant.hash}: its context cannot be read ({error})") from error
    if delegation.hash != grant.hash:
        raise StoreError(f"grant {grant.hash}: another context stands in its place, of {delegation.hash}")
    return delegation


def read_leaf(params: Any) -> Delegation:
    """Return the delegation that the params of a revocation name: {"permissionContext"}, alone or in a list.

    Raises:
        ProviderError: they name none, or a chain of several.
    """
    value = params[0] if isinstance(params, list) and len(params) == 1 else params
    if not isinstance(value, Mapping):
        raise ProviderError.invalid("params: expected an object with permissionContext")
    fields = Fields(value, "params")
    encoded = fields.take("permissionContext", read_context)
    fields.refuse_others()
    try:
        context = decode_context(encoded)
    except EncodingError as error:
        raise ProviderError.invalid(f"params.permissionContext: {error}") from error
    if len(context) != 1:
        raise ProviderError.invalid(f"params.permissionContext: expected one delegation, got {len(context)}")
    return context[0]


def list_live(store: GrantStore, chains: Chains, *, origin: str | None = None) -> list[StoredGrant]:
    """Return the grants on these chains that nobody has revoked, here or on chain, in the order they were made.

    One whose delegation was disabled, or whose delegator has raised the nonce, counts as revoked. An expired one does
    not: it was not revoked.

    Raises:
        EngineError: the store or a chain could not be asked. No list is returned then, least of all an empty one.
    """
    grants = [grant for grant in store.list_grants(origin=origin) if grant.chain_id in chains]
    open_grants = [grant for grant in grants if grant.state == "granted"]
    dead: set[bytes] = set()
    for chain_id in {grant.chain_id for grant in open_grants}:
        held = [delegation_of(grant) for grant in open_grants if grant.chain_id == chain_id]
        dead |= set(chains[chain_id].find_dead(held))
    return [grant for grant in open_grants if grant.hash not in dead]


def revoke_grant(store: GrantStore, chains: Chains, leaf: Delegation, *, origin: str | None = None) -> StoredGrant:
    """Return the grant of a delegation, revoked in the store and on chain.

    Args:
        store: keeps it.
        chains: the wallet is connected to.
        leaf: the delegation, with or without its signature.
        origin: the site that asks; its own grants only. None for the wallet's operator.

    Raises:
        ProviderError: there is no such grant; or it is no longer listed, but the chain may still honour it, which the
            data says: {"state": "revoking"}. Asking again tries again.
    """
    found = store.list_grants(origin=origin, delegation_hash=leaf.hash)
    if not found:
        raise ProviderError(RpcCode.NOT_FOUND, "permissionContext: nothing was granted to this site by that context")
    (grant,) = found
    if grant.state == "revoked":
        return grant
    store.update(grant.hash, state="revoking")
    try:
        sent = _disable(store, chains, grant)
    except DelegationsError as error:
        store.update(grant.hash, state="revoking", failure=str(error))
        is_open = isinstance(error, EngineError)
        why = "it is not known whether it was revoked on chain" if is_open else "it was not revoked on chain"
        raise ProviderError(
            RpcCode.UNAVAILABLE,
            f"the permission is no longer listed, but {why}: it may still be redeemed; ask again to retry",
            {"state": "revoking"},
        ) from error
    store.update(grant.hash, state="revoked", revocation=sent)
    return store.list_grants(delegation_hash=grant.hash)[0]


def _disable(store: GrantStore, chains: Chains, grant: StoredGrant) -> str | None:
    """Return the hash of the transaction that disabled the delegation; None when it was disabled already."""
    chain = chains.get(grant.chain_id)
    if chain is None:
        raise UnsupportedError(f"chain {grant.chain_id}: the wallet is not connected to it")
    delegation = delegation_of(grant)
    if chain.find_dead([delegation]).get(delegation.hash) == "disabled":
        return None
    if chain.submitter is None:
        raise UnsupportedError(f"chain {grant.chain_id}: the wallet has nothing to send transactions with")
    manager = MetaMaskManager(address=Address(chain.manager))
    call = Execution(target=chain.manager, call_data=manager.encode_disable(delegation))
    sent = chain.submitter.submit(grant.delegator, call)
    store.update(grant.hash, state="revoking", revocation=sent)
    why = ""
    try:
        chain.submitter.wait(sent)
    except ExecutionError as error:
        why = f": {error}"
    # the chain's state is what counts, not what a receipt says of one transaction
    if chain.find_dead([delegation]).get(delegation.hash) != "disabled":
        raise ExecutionError(f"transaction {sent} did not disable the delegation{why}")
    return sent
