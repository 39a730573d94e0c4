"""A node that stands still: it answers from a local chain's state, put into tries by a library that is not ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import rlp
from trie import HexaryTrie

from caveats.types import keccak
from delegations.evm.engine import BlockEnv
from delegations.evm.rpc import RpcClient
from delegations.evm.world import EMPTY_ACCOUNT, World
from delegations.receipts.evidence.header import Header, header_of_block


def _int(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


class StillNode:
    """JSON-RPC over the state after one block, and a transport for an RpcClient.

    Attributes:
        header: of the block.
        silent: methods it does not offer.
        changes: what becomes of an answer, by method.
        asked: the methods that were asked for.
    """

    label = "a node that stands still"

    def __init__(self, world: World, block: BlockEnv) -> None:
        self.world, self.block = world, block
        self.silent: set[str] = {"eth_createAccessList", "debug_traceCall"}
        self.changes: dict[str, Any] = {}
        self.asked: list[str] = []
        self._storage = {
            a: _trie((s.to_bytes(32, "big"), rlp.encode(_int(v))) for s, v in slots.items())
            for a, slots in world.slots.items()
        }
        empty = HexaryTrie({})
        self._accounts = _trie(
            (
                address,
                rlp.encode(
                    [
                        _int(account.nonce),
                        _int(account.balance),
                        self._storage.get(address, empty).root_hash,
                        keccak(account.code),
                    ]
                ),
            )
            for address, account in world.accounts.items()
            if account != EMPTY_ACCOUNT or world.slots.get(address)
        )
        self.told = self._told()
        self.header: Header = header_of_block(self.told)
        self.told["hash"] = str(self.header.hash)
        self.client = RpcClient(self, attempts=1)

    def _told(self) -> dict[str, Any]:
        word = "0x" + "22" * 32
        return {
            "parentHash": "0x" + "11" * 32,
            "sha3Uncles": word,
            "miner": "0x" + bytes(self.block.coinbase).hex(),
            "stateRoot": "0x" + self._accounts.root_hash.hex(),
            "transactionsRoot": word,
            "receiptsRoot": word,
            "logsBloom": "0x" + "00" * 256,
            "difficulty": "0x0",
            "number": hex(self.block.number),
            "gasLimit": hex(self.block.gas_limit),
            "gasUsed": "0x0",
            "timestamp": hex(self.block.timestamp),
            "extraData": "0x",
            "mixHash": "0x" + self.block.prevrandao.hex(),
            "nonce": "0x" + "00" * 8,
            "baseFeePerGas": hex(self.block.base_fee_wei),
            "withdrawalsRoot": word,
            "blobGasUsed": "0x0",
            "excessBlobGas": "0x0",
            "parentBeaconBlockRoot": word,
            "requestsHash": word,
            "transactions": [],
        }

    def exchange(self, payload: bytes) -> bytes:
        asked = json.loads(payload)
        bodies = asked if isinstance(asked, list) else [asked]
        answers = [self._answer(body) for body in bodies]
        return json.dumps(answers if isinstance(asked, list) else answers[0]).encode()

    def close(self) -> None:
        pass

    def make_request(self, method: str, params: list[Any]) -> dict[str, Any]:
        """Answer as a web3 provider does."""
        return self._answer({"id": 1, "method": method, "params": params})

    def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        method, params = body["method"], body["params"]
        self.asked.append(method)
        if method not in self._offers or method in self.silent:
            return {"id": body["id"], "error": {"code": -32601, "message": f"the method {method} does not exist"}}
        result = self._offers[method](*params)
        return {"id": body["id"], "result": self.changes.get(method, lambda given: given)(result)}

    @property
    def _offers(self) -> dict[str, Callable[..., Any]]:
        world = self.world
        return {
            "eth_chainId": lambda: hex(self.block.chain_id),
            "eth_getBlockByNumber": lambda tag, _: self._numbered(tag),
            "eth_getBlockByHash": lambda digest, _: self.told if digest == self.told["hash"] else None,
            "eth_getBalance": lambda address, _: hex(world.balance(_raw(address))),
            "eth_getTransactionCount": lambda address, _: hex(world.nonce(_raw(address))),
            "eth_getCode": lambda address, _: "0x" + world.code(_raw(address)).hex(),
            "eth_getStorageAt": lambda address, slot, _: f"0x{world.storage(_raw(address), int(slot, 16)):064x}",
            "eth_getProof": lambda address, slots, _: self._prove(_raw(address), slots),
        }

    def _numbered(self, tag: str) -> dict[str, Any]:
        if tag in ("latest", hex(self.block.number)):
            return self.told
        return {**self.told, "number": tag, "hash": "0x" + keccak(tag.encode()).hex()}

    def _prove(self, address: bytes, slots: list[str]) -> dict[str, Any]:
        storage = self._storage.get(address, HexaryTrie({}))
        return {
            "accountProof": _proof(self._accounts, address),
            "storageProof": [{"key": slot, "proof": _proof(storage, _raw(slot))} for slot in slots],
        }


def _raw(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _trie(items: Iterable[tuple[bytes, bytes]]) -> HexaryTrie:
    trie = HexaryTrie({})
    for key, value in items:
        trie[keccak(key)] = value
    return trie


def _proof(trie: HexaryTrie, key: bytes) -> list[str]:
    return ["0x" + rlp.encode(node).hex() for node in trie.get_proof(keccak(key))]
