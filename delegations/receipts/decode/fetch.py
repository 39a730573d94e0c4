"""Asks a node for what decoding needs: the transaction, its receipt, its trace, and whose accounts executed."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from caveats.errors import EncodingError, EngineError, TransportError, abbreviate
from caveats.registry import EnforcerRegistry
from caveats.types import Address, parse_hex
from delegations.evm.rpc import RpcClient, RpcError
from delegations.evm.wire import CALL_TRACER
from delegations.framework.constants import EIP7702_PREFIX, EIP7702_STATELESS_DELEGATOR
from delegations.framework.deployments import Registry
from delegations.receipts.decode.inputs import to_bytes, to_int
from delegations.receipts.decode.model import DecodedTransaction
from delegations.receipts.decode.transaction import decode_redemptions

_DESIGNATED: Final = EIP7702_PREFIX + EIP7702_STATELESS_DELEGATOR
_POLLS: Final = 20


@dataclass(frozen=True)
class FetchedTransaction:
    """A mined transaction as a node gave it.

    Attributes:
        trace: None when the node does not trace.
        accounts: the root delegators and redeemers that had the framework's EIP-7702 code after the transaction's
            block; only asked for without a trace.
        disabled: hashes of delegations that were disabled before and after the block; only asked for where a
            redemption was denied for that.
    """

    tx: Mapping[str, Any]
    receipt: Mapping[str, Any]
    trace: Mapping[str, Any] | None
    accounts: frozenset[Address]
    disabled: frozenset[bytes]
    chain_id: int

    def decode(
        self, *, deployments: Registry | None = None, enforcers: EnforcerRegistry | None = None
    ) -> DecodedTransaction:
        """Return what the transaction did with delegations. Arguments and errors as `decode_redemptions`."""
        return decode_redemptions(
            self.tx,
            self.receipt,
            trace=self.trace,
            chain_id=self.chain_id,
            accounts=self.accounts,
            disabled=self.disabled,
            deployments=deployments,
            enforcers=enforcers,
        )


def fetch_receipt(
    w3: Any, tx_hash: str | bytes, *, with_trace: bool = True, sleep: Callable[[float], None] = time.sleep
) -> FetchedTransaction:
    """Return a mined transaction with all that a node tells of it.

    Args:
        w3: a web3 instance, or an RpcClient.
        tx_hash: 32 bytes, or their hex.
        with_trace: ask for the call trace; a node that does not trace is no error.
        sleep: waits between two looks for a receipt that is not there yet.

    Raises:
        EncodingError: the hash is not one, or the transaction is not known or not mined.
        TransportError: the node could not be asked, or answered with what cannot be read or is another transaction.
        EngineError: it answered with an error.
    """
    ask = _asker(w3)
    digest = parse_hex(tx_hash, what="transaction hash") if isinstance(tx_hash, str) else bytes(tx_hash)
    if len(digest) != 32:
        raise EncodingError.of("transaction hash", expected="32 bytes", got=digest)
    named = "0x" + digest.hex()
    tx = ask("eth_getTransactionByHash", named)
    if not isinstance(tx, Mapping):
        raise EncodingError(f"transaction {named}: the node does not know it", hint="check the hash and the chain")
    _require_same(tx.get("hash"), digest, named)
    if tx.get("blockHash") is None:
        raise EncodingError(f"transaction {named}: it is not mined yet", hint="ask again later")
    receipt = ask("eth_getTransactionReceipt", named)
    for _ in range(_POLLS):
        # some nodes know of the block a moment before they know of its receipts
        if receipt is not None:
            break
        sleep(0.05)
        receipt = ask("eth_getTransactionReceipt", named)
    if not isinstance(receipt, Mapping):
        raise EngineError(f"transaction {named}: it is mined but the node gives no receipt")
    _require_same(receipt.get("transactionHash"), digest, named)
    trace = _trace(ask, named) if with_trace else None
    try:
        chain_id = to_int(ask("eth_chainId"), "eth_chainId")
        number = to_int(receipt.get("blockNumber"), "blockNumber")
        first = decode_redemptions(tx, receipt, trace=trace, chain_id=chain_id)
        accounts = frozenset[Address]()
        if trace is None:
            involved = {Address(r.chain[-1].delegator) for r in first.redemptions if r.chain}
            involved |= {r.redeemer for r in first.redemptions}
            accounts = _framework_accounts(ask, involved, hex(number))
        disabled = _disabled(ask, first, number)
    except EncodingError as error:
        raise TransportError(f"could not read what the node tells of transaction {named}: {error}") from error
    return FetchedTransaction(tx, receipt, trace, accounts, disabled, chain_id)


def _require_same(told: Any, digest: bytes, named: str) -> None:
    try:
        same = to_bytes(told, "hash") == digest
    except EncodingError:
        same = False
    if not same:
        raise TransportError(f"could not read transaction {named}: the node answered with {abbreviate(told)}")


def fetch_timestamp(w3: Any, fetched: FetchedTransaction) -> int:
    """Return the time of the block a transaction was mined in, in unix seconds.

    Args:
        w3: a web3 instance, or an RpcClient.
        fetched: the transaction as the node gave it.

    Raises:
        TransportError: the node could not be asked, or answered with another block.
        EngineError: it answered with an error.
    """
    digest = fetched.receipt.get("blockHash")
    block = _asker(w3)("eth_getBlockByHash", digest, False)
    if not isinstance(block, Mapping) or block.get("hash") != digest:
        got = block.get("hash") if isinstance(block, Mapping) else block
        raise TransportError(f"could not read block {abbreviate(digest)}: the node answered with {abbreviate(got)}")
    try:
        return to_int(block.get("timestamp"), "timestamp")
    except EncodingError as error:
        raise TransportError(f"could not read block {abbreviate(digest)}: {error}") from error


def _disabled(ask: Callable[..., Any], decoded: DecodedTransaction, block: int) -> frozenset[bytes]:
    """Return which links of the chains denied as disabled are so, on both sides of the block."""
    found = set()
    for redemption in decoded.redemptions:
        denial = redemption.denial
        if denial is None or denial.link is not None or denial.reason != "CannotUseADisabledDelegation()":
            continue
        for link in redemption.chain:
            call = {"to": "0x" + redemption.manager.hex(), "data": "0x2d40d052" + link.hash.hex()}
            try:
                answers = [ask("eth_call", call, hex(number)) for number in (block - 1, block)]
            except RpcError:
                continue
            if all(any(to_bytes(answer, "disabledDelegations")) for answer in answers):
                found.add(link.hash)
    return frozenset(found)


def _trace(ask: Callable[..., Any], named: str) -> Mapping[str, Any] | None:
    try:
        trace = ask("debug_traceTransaction", named, CALL_TRACER)
    except RpcError:
        # not offered, pruned, or paid for: then what only a trace tells stays unknown
        return None
    return trace if isinstance(trace, Mapping) else None


def _framework_accounts(ask: Callable[..., Any], accounts: Collection[Address], block: str) -> frozenset[Address]:
    found = set()
    for account in accounts:
        try:
            code = ask("eth_getCode", "0x" + account.hex(), block)
        except RpcError:
            continue
        if to_bytes(code, "code") == _DESIGNATED:
            found.add(account)
    return frozenset(found)


def _asker(w3: Any) -> Callable[..., Any]:
    if isinstance(w3, RpcClient):
        return w3.call
    provider: Any = getattr(w3, "provider", None)
    if not callable(getattr(provider, "make_request", None)):
        raise EncodingError.of("w3", expected="a web3 instance or an RpcClient", got=type(w3).__name__)

    def ask(method: str, *params: Any) -> Any:
        try:
            answer = provider.make_request(method, list(params))
        except (OSError, ValueError) as error:
            raise TransportError(f"could not ask for {method}: {abbreviate(str(error))}") from error
        if answer.get("error") is not None:
            said = answer["error"]
            message = said.get("message") if isinstance(said, Mapping) else said
            raise RpcError(f"{method}: {abbreviate(str(message))}")
        return answer.get("result")

    return ask
