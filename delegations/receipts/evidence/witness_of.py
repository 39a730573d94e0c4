"""Collects the witness for a receipt: of a denial before the deed, or of a contract's word.

Each runs here over a node's state exactly what a verifier will run over the witness, so that both read the same.
"""

from __future__ import annotations

import json
from typing import Any

from caveats.errors import EncodingError
from caveats.registry import EnforcerRegistry
from caveats.types import Bytes32, keccak
from delegations.evm.engine import DEFAULT_GAS, Transaction
from delegations.evm.rpc import RpcClient
from delegations.receipts.evidence.builder import BundleBuilder
from delegations.receipts.evidence.replay import Rerun, run_again
from delegations.receipts.evidence.replay_signature import ask_signature, signature_call
from delegations.receipts.evidence.witness import add_witness, environment, position_of
from delegations.receipts.model import GrantReceipt, RedemptionReceipt


class _ProviderTransport:
    """A web3 provider as what carries an RpcClient's requests."""

    label = "the web3 provider"

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    def exchange(self, payload: bytes) -> bytes:
        asked = json.loads(payload)
        bodies = asked if isinstance(asked, list) else [asked]
        answers = [{**self._provider.make_request(b["method"], b["params"]), "id": b["id"]} for b in bodies]
        return json.dumps(answers).encode()

    def close(self) -> None:
        """Leave the provider to whoever made it."""


def client_of(client: Any) -> RpcClient:
    """Return the RpcClient itself, or one that speaks through a web3 instance. Raises EncodingError for others."""
    if isinstance(client, RpcClient):
        return client
    provider = getattr(client, "provider", None)
    if not callable(getattr(provider, "make_request", None)):
        raise EncodingError.of("client", expected="a web3 instance or an RpcClient", got=type(client).__name__)
    return RpcClient(_ProviderTransport(provider))


def witness_denial(
    builder: BundleBuilder,
    client: Any,
    receipt: RedemptionReceipt,
    call_data: bytes,
    *,
    gas: int = DEFAULT_GAS,
    registry: EnforcerRegistry | None = None,
) -> Rerun:
    """Add the witness of a denial before the deed to a bundle, and return what the call did here.

    Args:
        builder: a bundle whose first header is of the block the call was tried on: the one the receipt names, or the
            one a second before it, which is what a forked chain stands on.
        client: a web3 instance, or an RpcClient.
        receipt: of the denial.
        call_data: the whole redeemDelegations calldata; the receipt has only its hash.
        gas: gas limit it was tried with.
        registry: reads enforcers of your own.

    Raises:
        EncodingError: other calldata than the receipt is of, or a header of another block.
        UnsupportedError: the call reads the hash of an old block.
        EvidenceError: the call cannot be run.
        TransportError, EngineError: the node could not be asked, or its answers do not hold.
    """
    subject, header = receipt.subject, builder.headers[0]
    digest = Bytes32(keccak(call_data))
    if digest != subject.calldata_hash:
        raise EncodingError.of("call data", expected=f"the bytes that hash to {subject.calldata_hash}", got=str(digest))
    position = position_of(subject.block, header)
    if position is None:
        expected = f"block {subject.block.number} at {subject.block.timestamp}, or the one a second before it"
        raise EncodingError.of("header", expected=expected, got=f"block {header.number} at {header.timestamp}")
    chain_id = int(subject.chain.removeprefix("eip155:"))
    known = registry or EnforcerRegistry()
    return add_witness(
        builder,
        0,
        client_of(client),
        Transaction(receipt.actor.redeemer, subject.manager, call_data, gas=gas),
        lambda world, call: run_again(world, environment(header, chain_id, position), call, known),
        chain_id=chain_id,
    )


def witness_signature(builder: BundleBuilder, client: Any, receipt: GrantReceipt) -> None:
    """Add the witness of a contract's word on a grant's signature to a bundle, on the state of its first header.

    Raises:
        EvidenceError: the signature is not one that a contract on the chain is asked about.
        EncodingError, UnsupportedError, TransportError, EngineError: as `witness_denial`.
    """
    header, chain_id = builder.headers[0], int(receipt.granted.chain.removeprefix("eip155:"))
    add_witness(
        builder,
        0,
        client_of(client),
        signature_call(receipt),
        lambda world, call: ask_signature(world, environment(header, chain_id, "in"), call),
        chain_id=chain_id,
    )
