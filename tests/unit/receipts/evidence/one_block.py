"""A transaction of the corpus as the only one of a block: signed by its sender's key, proven by tries of our own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from caveats.types import Address, keccak
from delegations.evm import dev_account
from delegations.evm.world import World
from delegations.receipts import RedemptionReceipt
from delegations.receipts.build_mined import receipts_of
from delegations.receipts.decode import FetchedTransaction
from delegations.receipts.evidence import rlp
from delegations.receipts.evidence.builder import BundleBuilder
from delegations.receipts.evidence.bundle import Bundle
from delegations.receipts.evidence.header import Header, header_of_block
from delegations.receipts.evidence.mined import encode_mined_receipt
from delegations.receipts.evidence.state import Scope, planned_state
from delegations.receipts.evidence.trie import Trie, build_index_trie, build_trie
from tests.receipts_corpus.make import Case

KEYS = {Address(dev_account(i).address): dev_account(i) for i in range(10)}
WORD = "0x" + "22" * 32


@dataclass(frozen=True)
class OneBlock:
    """A block of one transaction."""

    header: Header
    fetched: FetchedTransaction
    transactions: Trie
    receipts: Trie
    accounts: Trie
    storage: dict[bytes, Trie]

    def redemptions(self, *, traced: bool = True) -> tuple[RedemptionReceipt, ...]:
        """The receipts that are made of it."""
        fetched = self.fetched if traced else replace(self.fetched, trace=None)
        return receipts_of(fetched.decode(), fetched, timestamp=self.header.timestamp)

    def bundle(self, receipt: RedemptionReceipt, *, state: Scope = "all") -> Bundle:
        """The evidence for one of them."""
        builder = BundleBuilder(self.header)
        builder.add_transaction(self.transactions, self.receipts, 0)
        for proof in planned_state(receipt, None, state):
            builder.add_state(0, proof.address, proof.slots, self.proof(proof.address, proof.slots))
        return builder.build()

    def proof(self, address: bytes, slots: tuple[bytes, ...]) -> dict[str, Any]:
        """What eth_getProof would answer."""
        storage = self.storage.get(bytes(address), build_trie({}))
        return {
            "accountProof": ["0x" + node.hex() for node in self.accounts.prove(keccak(address))],
            "storageProof": [{"proof": ["0x" + node.hex() for node in storage.prove(keccak(s))]} for s in slots],
        }


def block_of(case: Case) -> OneBlock:
    """Return the block of a case of the corpus; its state is that before the transaction."""
    mined = case.mined
    told = mined.tx
    fields = {
        name: int(told[name], 16)
        for name in ("nonce", "gas", "value", "maxFeePerGas", "maxPriorityFeePerGas", "chainId")
    }
    to = {"to": Address(bytes.fromhex(told["to"][2:]))} if told.get("to") else {}
    key = KEYS[Address(bytes.fromhex(told["from"][2:]))]
    raw = bytes(key.sign_transaction({**fields, **to, "data": told["input"], "type": 2}).raw_transaction)
    digest = "0x" + keccak(raw).hex()
    storage = {address: _storage(slots) for address, slots in case.before.slots.items()}
    accounts = _accounts(case.before, storage)
    transactions = build_index_trie([raw])
    receipts = build_index_trie([encode_mined_receipt(mined.receipt)])
    header = header_of_block(
        {
            **dict.fromkeys(("parentHash", "sha3Uncles", "mixHash", "withdrawalsRoot", "parentBeaconBlockRoot"), WORD),
            "requestsHash": WORD,
            "miner": "0x" + "0c" * 20,
            "stateRoot": str(accounts.root),
            "transactionsRoot": str(transactions.root),
            "receiptsRoot": str(receipts.root),
            "logsBloom": "0x" + "00" * 256,
            **dict.fromkeys(("difficulty", "gasUsed", "baseFeePerGas", "blobGasUsed", "excessBlobGas"), "0x0"),
            "number": mined.receipt["blockNumber"],
            "gasLimit": hex(case.block.gas_limit),
            "timestamp": hex(case.block.timestamp),
            "extraData": "0x",
            "nonce": "0x" + "00" * 8,
        }
    )
    place = {"transactionHash": digest, "blockHash": str(header.hash), "transactionIndex": "0x0"}
    logs = [{**log, **place} for log in mined.receipt["logs"]]
    fetched = FetchedTransaction(
        tx={**told, **place, "hash": digest},
        receipt={**mined.receipt, **place, "logs": logs},
        trace=mined.trace,
        accounts=case.accounts,
        disabled=frozenset(),
        chain_id=fields["chainId"],
    )
    return OneBlock(header, fetched, transactions, receipts, accounts, storage)


def _storage(slots: dict[int, int]) -> Trie:
    words = {slot.to_bytes(32, "big"): value for slot, value in slots.items() if value}
    return build_trie({keccak(slot): rlp.encode(rlp.encode_int(value)) for slot, value in words.items()})


def _accounts(world: World, storage: dict[bytes, Trie]) -> Trie:
    empty = build_trie({})
    return build_trie(
        {
            keccak(address): rlp.encode(
                [
                    rlp.encode_int(account.nonce),
                    rlp.encode_int(account.balance),
                    storage.get(address, empty).root,
                    keccak(account.code),
                ]
            )
            for address, account in world.accounts.items()
        }
    )
