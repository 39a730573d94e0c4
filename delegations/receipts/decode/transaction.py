"""Every redemption in a transaction, however it was reached."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from caveats.registry import EnforcerRegistry
from caveats.types import Address
from delegations.framework.deployments import Registry
from delegations.receipts.decode.inputs import read_logs, read_transaction
from delegations.receipts.decode.known import known_contracts
from delegations.receipts.decode.logs import GRANT_EVENTS, USED_NONCE, grant_events, group_redemptions, nonce_bumps
from delegations.receipts.decode.model import DecodedTransaction
from delegations.receipts.decode.moves import token_movements
from delegations.receipts.decode.operations import OPERATION_EVENT, user_operations
from delegations.receipts.decode.traced import traced_redemptions
from delegations.receipts.decode.tree import effects_below, read_tree
from delegations.receipts.decode.untraced import untraced_redemptions


@cache
def _official_enforcers() -> EnforcerRegistry:
    return EnforcerRegistry()


def decode_redemptions(
    tx: Mapping[str, Any],
    receipt: Mapping[str, Any],
    logs: Sequence[Mapping[str, Any]] | None = None,
    trace: Mapping[str, Any] | None = None,
    *,
    chain_id: int | None = None,
    accounts: Collection[Address] = (),
    disabled: Collection[bytes] = (),
    deployments: Registry | None = None,
    enforcers: EnforcerRegistry | None = None,
) -> DecodedTransaction:
    """Return what a transaction did with delegations.

    Nothing is inferred from the transaction's status or from a RedeemedDelegation log alone: the one may be success
    where the redemption was denied, the other is emitted where its execution failed.

    Args:
        tx: as eth_getTransactionByHash or web3 give it.
        receipt: its receipt.
        logs: its logs, when they do not come with the receipt.
        trace: its trace by callTracer with `withLog`. Without one, what cannot be known is unknown.
        chain_id: where the transaction does not say.
        accounts: without a trace, the delegators and redeemers whose account code is known to do what it is asked, such
            as the framework's own; of others it is not known whether they did.
        disabled: hashes of delegations known to have been disabled before the transaction. The manager does not say
            which link of a chain is, and a trace does not show it.
        deployments: managers and enforcers beside the published ones.
        enforcers: reads enforcers of your own.

    Raises:
        EncodingError: a part that cannot be read, or parts that are not of one and the same transaction.

    Source: framework 1.3.0, DelegationManager.redeemDelegations; ERC-4337 EntryPoint v0.7.
    """
    entry = read_transaction(tx, receipt, chain_id)
    listed = read_logs(receipt.get("logs") if logs is None else logs)
    known = known_contracts(entry.chain_id, deployments)
    groups, warnings = group_redemptions(listed, known.managers)
    # most logs are of none of these kinds: look once
    kinds = {log.topics[0] for log in listed if log.topics}
    operations, positions = user_operations(listed) if OPERATION_EVENT in kinds else ((), ())
    reader = _official_enforcers() if enforcers is None else enforcers
    if trace is None:
        seen = (operations, positions)
        redemptions, more = untraced_redemptions(entry, listed, groups, seen, known, accounts, reader)
        moved = tuple(token_movements(listed))
    else:
        tree = read_tree(trace, entry, known.managers)
        has_logs = tree.standing_logs > 0 or not listed
        redemptions, more = traced_redemptions(tree, entry, groups, operations, known, reader, has_logs, disabled)
        moved, _ = effects_below([tree.top], tree.boundaries)
        if not has_logs:
            warnings.append("trace: it holds no logs, so token movements are not told apart; trace with withLog")
            moved = (*moved, *token_movements(listed))
    return DecodedTransaction(
        redemptions=tuple(redemptions),
        grants=() if kinds.isdisjoint(GRANT_EVENTS) else grant_events(listed, known.managers),
        nonces=nonce_bumps(listed, known.enforcers) if USED_NONCE in kinds else (),
        operations=operations,
        movements=moved,
        is_traced=trace is not None,
        warnings=(*warnings, *more),
    )
