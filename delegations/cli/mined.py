"""`delegations receipt decode`: what a mined transaction did with delegations, as receipts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from caveats.errors import EncodingError, EngineError, TransportError, UnsupportedError
from caveats.types import format_hex
from delegations.delegation import Delegation
from delegations.evm.rpc import HttpTransport, RpcClient
from delegations.receipts import Receipt, receipts_of, revocations_of
from delegations.receipts.decode import DecodedTransaction, FetchedTransaction, fetch_receipt, fetch_timestamp


@dataclass(frozen=True)
class Mined:
    """A transaction, what it says of delegations, and the receipts of it."""

    fetched: FetchedTransaction
    decoded: DecodedTransaction
    receipts: tuple[Receipt, ...]

    def to_wire(self) -> dict[str, Any]:
        """Return all of it for programs."""
        return {
            "transaction": self.fetched.tx["hash"],
            "chain": f"eip155:{self.fetched.chain_id}",
            "traced": self.decoded.is_traced,
            "receipts": [{"hash": receipt.hash, "receipt": receipt.to_wire()} for receipt in self.receipts],
            "events": [
                {"kind": event.kind, "delegation": str(event.hash), "manager": format_hex(event.manager)}
                for event in self.decoded.grants
            ],
            "nonces": [
                {"delegator": format_hex(bump.delegator), "manager": format_hex(bump.manager), "used": str(bump.nonce)}
                for bump in self.decoded.nonces
            ],
            "warnings": list(self.decoded.warnings),
        }

    def remarks(self) -> Iterator[str]:
        """Yield, one sentence each, what no receipt tells."""
        for event in self.decoded.grants:
            yield f"delegation {event.hash} was {event.kind}"
        for bump in self.decoded.nonces:
            yield f"{bump.delegator} used up nonce {bump.nonce}: what is bound to it has ended (name it with --context)"
        yield from self.decoded.warnings


def read_mined(tx_hash: str, rpc_url: str, contexts: Sequence[Sequence[Delegation]] = ()) -> Mined:
    """Return what a node tells of a mined transaction.

    Args:
        tx_hash: 32 bytes in hex.
        rpc_url: of a node that traces.
        contexts: chains that may have ended in it.

    Raises:
        EncodingError: no hash, no URL, a transaction the node does not know, or one without any delegation.
        UnsupportedError: a redemption whose request or outcome cannot be told even from its trace.
        TransportError, EngineError: the node could not be asked, or does not trace where only a trace tells.
        VerificationError: a context does not hold together.
    """
    client = RpcClient(HttpTransport(rpc_url))
    try:
        fetched = fetch_receipt(client, tx_hash)
        timestamp = fetch_timestamp(client, fetched)
    finally:
        client.close()
    decoded = fetched.decode()
    if not (decoded.redemptions or decoded.grants or decoded.nonces):
        said = f": {'; '.join(decoded.warnings)}" if decoded.warnings else ""
        raise EncodingError(f"transaction {fetched.tx['hash']}: nothing was done with a delegation in it{said}")
    try:
        told = receipts_of(decoded, fetched, timestamp=timestamp)
    except UnsupportedError as error:
        if decoded.is_traced:
            raise
        raise EngineError(
            f"could not ask {client.transport.label} for a call trace, and without one no receipt can be made: {error}",
            hint="ask a node that has debug_traceTransaction",
        ) from error
    except EncodingError as error:
        raise TransportError(f"could not read what {client.transport.label} tells: {error}") from error
    last = {receipt.actor.redeemer: receipt.hash for receipt in told}
    ended = revocations_of(decoded, fetched, timestamp=timestamp, contexts=contexts, prev=last)
    return Mined(fetched, decoded, (*told, *ended))
