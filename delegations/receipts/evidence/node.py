"""What a node is asked for evidence, and how what it lacks is told from what it denies.

Nothing it says is believed: a block has to hash to the hash asked for, transactions and receipts to the roots in its
header. Where a node tells them in a form that does not, the raw bytes are asked for; where these do not either, or
there are none to be had, the block is refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

from caveats.errors import EncodingError, EngineError, UnsupportedError
from caveats.types import format_hex, keccak
from delegations.evm.rpc import RpcClient, RpcError
from delegations.evm.wire import from_data, from_quantity, unreadable
from delegations.receipts.evidence.header import Header, header_of_block
from delegations.receipts.evidence.mined import encode_mined_receipt
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.transactions import encode_transaction
from delegations.receipts.evidence.trie import Trie, build_index_trie

_POLLS: Final = 20
_PAUSE_SECONDS: Final = 0.05
_BATCH: Final = 100
Request = tuple[str, list[Any]]


class FetchedBlock(NamedTuple):
    """A block whose header hashes to its hash, as the node told of it."""

    header: Header
    transactions: tuple[Mapping[str, Any], ...]


class Node:
    """A node.

    Args:
        client: asks it.
        sleep: waits between two looks for receipts that are not there yet.
    """

    def __init__(self, client: RpcClient, sleep: Callable[[float], None] = time.sleep) -> None:
        self.client = client
        self._sleep = sleep

    def ask(self, method: str, *params: Any) -> Any:
        """Return the result of one method. Raises RpcError, TransportError."""
        return self.client.call(method, *params)

    def ask_many(self, requests: Sequence[Request]) -> list[Any]:
        """Return the results in order, an RpcError where the node answered with one. Raises TransportError."""
        found: list[Any] = []
        for start in range(0, len(requests), _BATCH):
            found += self.client.batch(requests[start : start + _BATCH])
        return found

    def chain_id(self) -> int:
        """Return the chain's id. Raises RpcError, TransportError."""
        return from_quantity(self.ask("eth_chainId"))

    def block(self, which: bytes | int | None) -> FetchedBlock:
        """Return a block by its hash or number; None for the latest.

        Raises:
            EngineError: the node does not know it.
            EvidenceError: header-hash-mismatch: its fields, as far as they are known here, hash to something else.
        """
        if isinstance(which, bytes):
            answer = self.ask("eth_getBlockByHash", format_hex(which), True)
        else:
            answer = self.ask("eth_getBlockByNumber", "latest" if which is None else hex(which), True)
        if not isinstance(answer, Mapping):
            named = format_hex(which) if isinstance(which, bytes) else str(which)
            raise EngineError(f"block {named}: the node does not know it")
        header = header_of_block(answer)
        told = from_data(answer.get("hash"))
        if header.hash != told or (isinstance(which, bytes) and told != which):
            raise EvidenceError(
                "header-hash-mismatch",
                f"the fields of block {header.number} hash to {header.hash}, the node says {format_hex(told)}",
                hint="its chain hashes other fields; nothing can be proven of it here",
            )
        listed = answer.get("transactions")
        if not isinstance(listed, list) or not all(isinstance(tx, Mapping) for tx in listed):
            raise unreadable("a list of whole transactions", listed)
        return FetchedBlock(header, tuple(listed))

    def transactions(self, block: FetchedBlock) -> Trie:
        """Return the trie of a block's transactions.

        Raises:
            EvidenceError: root-mismatch: neither what the node tells nor its raw bytes make the header's root.
        """
        encoded = _encoded(block.transactions, encode_transaction)
        if encoded is not None:
            trie = build_index_trie(encoded)
            if trie.root == block.header.transactions_root:
                return trie
        hashes = [from_data(tx.get("hash")) for tx in block.transactions]
        answers = self.ask_many([("eth_getRawTransactionByHash", [format_hex(digest)]) for digest in hashes])
        if any(isinstance(answer, RpcError) or answer is None for answer in answers):
            raise self._mismatch(block.header, "transactions", answers)
        raw = [from_data(answer) for answer in answers]
        for place, (digest, given) in enumerate(zip(hashes, raw, strict=True)):
            if keccak(given) != digest:
                # such as a blob transaction with its sidecar: the form it is gossiped in, which no block holds
                raise EvidenceError(
                    "root-mismatch",
                    f"block {block.header.number}: the raw bytes of transaction {place} do not hash to"
                    f" {format_hex(digest)}, so the block's root is not that of its transactions",
                    hint="a fault of the node (anvil 1.7.1 for blob transactions); use another one",
                )
        trie = build_index_trie(raw)
        if trie.root != block.header.transactions_root:
            raise self._mismatch(block.header, "transactions", [])
        return trie

    def contents(self, block: FetchedBlock) -> tuple[Trie, Trie]:
        """Return the tries of a block's transactions and of its receipts. Raises as `transactions`, `receipts`."""
        # the node writes out the receipts while the transactions are encoded here
        with ThreadPoolExecutor(1) as aside:
            told = aside.submit(self.told_receipts, block)
            transactions = self.transactions(block)
            return transactions, self.receipts(block, told.result())

    def receipts(self, block: FetchedBlock, told: Sequence[Mapping[str, Any]]) -> Trie:
        """Return the trie of a block's receipts, `told` as the node tells of them.

        Raises:
            EvidenceError: root-mismatch: neither what the node tells nor its raw bytes make the header's root.
        """
        encoded = _encoded(told, encode_mined_receipt)
        if encoded is not None:
            trie = build_index_trie(encoded)
            if trie.root == block.header.receipts_root:
                return trie
        (answer,) = self.ask_many([("debug_getRawReceipts", [hex(block.header.number)])])
        if isinstance(answer, RpcError) or not isinstance(answer, list):
            raise self._mismatch(block.header, "receipts", [answer])
        trie = build_index_trie([from_data(item) for item in answer])
        if trie.root != block.header.receipts_root:
            raise self._mismatch(block.header, "receipts", [])
        return trie

    def told_receipts(self, block: FetchedBlock) -> list[Mapping[str, Any]]:
        """Return a block's receipts as the node tells of them. Raises EngineError: it gives none."""
        count = len(block.transactions)
        for attempt in range(_POLLS):
            (answer,) = self.ask_many([("eth_getBlockReceipts", [hex(block.header.number)])])
            if isinstance(answer, RpcError):
                hashes = [tx.get("hash") for tx in block.transactions]
                answer = self.ask_many([("eth_getTransactionReceipt", [digest]) for digest in hashes])
            # some nodes know of a block a moment before they know of its receipts
            if isinstance(answer, list) and len(answer) == count and all(isinstance(r, Mapping) for r in answer):
                return answer
            if attempt + 1 < _POLLS:
                self._sleep(_PAUSE_SECONDS)
        raise EngineError(f"block {block.header.number}: the node gives no receipts for its {count} transactions")

    def proofs(self, header: Header, accounts: Sequence[tuple[bytes, Sequence[bytes]]]) -> list[Mapping[str, Any]]:
        """Return the answers of eth_getProof for accounts and their slots, at the end of a block.

        Raises:
            UnsupportedError: the node does not offer it.
            EngineError: it answered with an error: mostly that it no longer keeps the state of that block.
        """
        number = hex(header.number)
        answers = self.ask_many(
            [
                # every slot in full: some nodes do not take the short form of zero
                ("eth_getProof", [format_hex(address), [format_hex(slot) for slot in slots], number])
                for address, slots in accounts
            ]
        )
        for answer in answers:
            if isinstance(answer, RpcError):
                if answer.is_missing_method:
                    raise UnsupportedError(
                        "eth_getProof: the node does not offer it, so nothing is proven of the state",
                        hint="ask another node, or leave the state out",
                    ) from answer
                raise EngineError(
                    f"eth_getProof at block {header.number}: {answer}",
                    hint="collect state proofs soon after the block, or from an archive",
                ) from answer
        return answers

    @staticmethod
    def _mismatch(header: Header, what: str, answers: Sequence[Any]) -> EvidenceError:
        refused = next((str(answer) for answer in answers if isinstance(answer, RpcError)), "")
        raw = f" and raw ones are not to be had ({refused})" if refused else ""
        return EvidenceError(
            "root-mismatch",
            f"block {header.number}: the {what} the node tells of do not make the header's root{raw}",
            hint="its chain encodes them otherwise, or the node is at fault; nothing can be proven of this block",
        )


def _encoded(told: Sequence[Mapping[str, Any]], encode: Callable[[Mapping[str, Any]], bytes]) -> list[bytes] | None:
    """Return them encoded; None where one of them is of a type, or in a form, that is not known."""
    try:
        return [encode(item) for item in told]
    except (EncodingError, UnsupportedError):
        return None
