"""A chain's state at one block, read from a node when it is first needed, and kept to that block by its hash.

Every read names the block's hash (EIP-1898). A node that does not take hashes is asked by number, and after each
reading whether the number still stands for the same block. What the node does not give is an error, never a zero.

Source: Ethereum execution APIs, EIP-1898, EIP-2930 (eth_createAccessList).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from caveats.errors import EncodingError, EngineError, TransportError
from caveats.types import Bytes32
from delegations.evm.engine import BlockEnv, Transaction
from delegations.evm.fork_cache import ForkCache
from delegations.evm.fork_client import Asker, Patience, Question
from delegations.evm.forked import ForkedWorld, NodeState
from delegations.evm.rpc import RpcClient, RpcError
from delegations.evm.wire import (
    block_reference,
    from_address,
    from_data,
    from_quantity,
    to_data,
    to_word,
    transaction_object,
    unreadable,
)
from delegations.evm.world import AccountState, World
from delegations.framework.constants import EIP7702_PREFIX

_WORD = re.compile(r"0x[0-9a-fA-F]{1,64}\Z")
_NO_BLOCK = b"no block has this hash".rjust(32, b"\0")
_NOBODY = to_data(bytes(20))
_MOST_HINTS = 2_000
_Slot = tuple[bytes, int]


@dataclass(frozen=True, slots=True)
class PinnedBlock:
    """The block a fork keeps to.

    Attributes:
        environment: the block as a call in it would see it; what the chain's blocks do not have (base fee,
            prevrandao) is zero.
    """

    hash: Bytes32
    environment: BlockEnv

    @property
    def number(self) -> int:
        """Its number."""
        return self.environment.number


class PinnedState(NodeState):
    """The state of one block, remembered as it is read, in memory and on disk.

    Attributes:
        pin: the block.
    """

    __slots__ = ("_asker", "_by_hash", "_cache", "_hashes", "_hint_methods", "pin")

    def __init__(self, asker: Asker, pin: PinnedBlock, cache: ForkCache | None) -> None:
        super().__init__(asker.client, pin.number)
        self.pin = pin
        self._asker = asker
        self._cache = cache
        self._hashes: dict[int, bytes] = {pin.number: pin.hash}
        self._hint_methods = ["eth_createAccessList", "debug_traceCall"]
        self._by_hash: bool | None = None

    @property
    def by_hash(self) -> bool:
        """Whether the node takes the block's hash with each question; found out when it is first asked."""
        if self._by_hash is None:
            self._by_hash = _takes_hashes(self._asker, self.pin)
        return self._by_hash

    def prefetch(self, addresses: Iterable[bytes]) -> None:
        """Read several accounts in one request. Raises TransportError, EngineError."""
        self.load(addresses, ())

    def storage(self, address: bytes, slot: int) -> int:
        """Return the value of a slot. Raises TransportError, EngineError."""
        if (address, slot) not in self._slots:
            self.load((), ((address, slot),))
        return self._slots[address, slot]

    def load(self, addresses: Iterable[bytes], slots: Iterable[_Slot]) -> None:
        """Read all of it that is not known yet, in as few requests as the node allows.

        Raises:
            TransportError: the node could not be asked, or its answer could not be read.
            EngineError: the node refused, or the block is no longer on its chain.
        """
        accounts = [bytes(a) for a in dict.fromkeys(addresses) if not self._has_account(bytes(a))]
        words = [(bytes(a), s) for a, s in dict.fromkeys(slots) if not self._has_slot(bytes(a), s)]
        if not accounts and not words:
            return
        values = iter(self._read(list(_questions(accounts, words, self._reference))))
        found = {address: AccountState(next(values), next(values), next(values)) for address in accounts}
        found_words = {key: next(values) for key in words}
        if self._cache is not None:
            self._cache.keep(found, found_words)
        self._accounts.update(found)
        self._slots.update(found_words)

    def expect(self, transaction: Transaction, accounts: Iterable[bytes]) -> None:
        """Read what a transaction will likely need, before it is run.

        The node is asked which accounts and slots the transaction touches; its answer is a hint and nothing more. What
        it leaves out is read when it is needed. Nothing is asked when all of `accounts` are known.

        Raises:
            TransportError, EngineError: the state could not be read.
        """
        named = [bytes(account) for account in accounts]
        if all(self._has_account(address) for address in named):
            return
        hinted = self._hints(transaction)
        self.load([*named, *hinted], [(address, slot) for address, slots in hinted.items() for slot in slots])
        codes = [self.account(address).code for address in (*named, *hinted)]
        self.load((code[3:] for code in codes if len(code) == 23 and code.startswith(EIP7702_PREFIX)), ())

    def block_hash(self, number: int) -> bytes:
        """Return the hash of a block up to the pinned one. Raises TransportError, EngineError."""
        if number not in self._hashes:
            (block,) = self._read([_block_question(number)], checked=True)
            self._hashes[number] = block.hash
        return self._hashes[number]

    @property
    def _reference(self) -> object:
        if self.by_hash:
            return block_reference(self.pin.hash)
        return hex(self.pin.number)

    def _read(self, questions: list[Question], *, checked: bool = False) -> list[Any]:
        values = self._asker.ask(questions)
        if checked or not self.by_hash:
            # asked last: had the block been replaced before or while the rest was read, its hash would differ now
            number = self.pin.number
            (block,) = self._asker.ask([_block_question(number)])
            if block.hash != self.pin.hash:
                raise EngineError(
                    f"could not ask {self._asker.label} for the state of block {number}: expected the block"
                    f" {self.pin.hash}, got {block.hash}",
                    hint="the chain was reorganised: fork again",
                )
        return values

    def _has_account(self, address: bytes) -> bool:
        if address not in self._accounts and self._cache is not None:
            kept = self._cache.account(address)
            if kept is not None:
                self._accounts[address] = kept
        return address in self._accounts

    def _has_slot(self, address: bytes, slot: int) -> bool:
        if (address, slot) not in self._slots and self._cache is not None:
            kept = self._cache.slot(address, slot)
            if kept is not None:
                self._slots[address, slot] = kept
        return (address, slot) in self._slots

    def _hints(self, transaction: Transaction) -> dict[bytes, list[int]]:
        """Return the accounts and slots the node says a transaction touches; nothing when it says nothing."""
        # without fees: nodes refuse a price of zero here, and each has its own default
        call = {key: value for key, value in transaction_object(transaction).items() if "Fee" not in key}
        more: dict[str, list[Any]] = {"debug_traceCall": [{"tracer": "prestateTracer"}]}
        reference = self._reference
        for method in tuple(self._hint_methods):
            try:
                answer = self._asker.ask_once(method, [call, reference, *more.get(method, [])])
                if not isinstance(answer, RpcError):
                    return _hinted(answer)
                is_lost = answer.is_missing_method
            except TransportError:
                is_lost = True  # whether the node can be asked at all, the reading itself will tell
            if is_lost:
                self._hint_methods.remove(method)
        return {}


def open_fork(
    endpoint: str | RpcClient,
    block: int | bytes | None = None,
    *,
    cache_dir: Path | None = None,
    patience: Patience | None = None,
) -> PinnedState:
    """Return the state of a chain at one block. Nothing but the block itself is read yet.

    Args:
        endpoint: a URL, or a client of one's own.
        block: its number or its 32-byte hash; the newest when None.
        cache_dir: where what is read is kept for later; nowhere when None.
        patience: how long to keep asking.

    Raises:
        EncodingError: no URL, no block number, or a directory that cannot be written to.
        TransportError: the node could not be asked, or has no such block.
        EngineError: the node refused.
    """
    asker = Asker(endpoint, patience or Patience())
    pin = _pin(asker, block)
    cache = None if cache_dir is None else ForkCache(cache_dir, pin.environment.chain_id, pin.hash)
    return PinnedState(asker, pin, cache)


def prefetch(world: World, transaction: Transaction, accounts: Iterable[bytes]) -> None:
    """Read from the node, in a few requests, what a transaction on a forked world will likely need.

    Nothing is done for a world that lies on no pinned block. Raises TransportError, EngineError.
    """
    if isinstance(world, ForkedWorld) and isinstance(world.node, PinnedState):
        far = [address for address in accounts if address not in world.accounts]
        world.node.expect(transaction, far)


def _pin(asker: Asker, block: int | bytes | None) -> PinnedBlock:
    if isinstance(block, bytes) and len(block) != 32:
        raise EncodingError.of("block", expected="a number, or a hash of 32 bytes", got=to_data(block))
    if isinstance(block, int) and not 0 <= block < 2**64:
        raise EncodingError.of("block", expected="a number from 0 to 2^64-1", got=block)
    chain_id, pin = asker.ask([Question("eth_chainId", (), _number_below(2**64)), _block_question(block)])
    return PinnedBlock(pin.hash, replace(pin.environment, chain_id=chain_id))


def _block_question(block: int | bytes | None) -> Question:
    """Return the question for a block by its number, its hash, or as the newest; the answer is a PinnedBlock."""

    def read(answer: object) -> PinnedBlock:
        if not isinstance(answer, dict):
            raise TransportError(f"it has no block {which}")
        digest, prevrandao = from_data(answer.get("hash")), from_data(answer.get("mixHash") or to_word(0))
        if len(digest) != 32 or len(prevrandao) != 32:
            raise unreadable("a block with a hash and a mixHash of 32 bytes", answer.get("hash"))
        environment = BlockEnv(
            chain_id=0,
            number=_number_below(2**64)(answer.get("number")),
            timestamp=_number_below(2**64)(answer.get("timestamp")),
            base_fee_wei=_number_below(2**256)(answer.get("baseFeePerGas") or "0x0"),
            coinbase=from_address(answer.get("miner")),
            prevrandao=prevrandao,
            gas_limit=_number_below(2**64)(answer.get("gasLimit")),
        )
        if block not in (None, environment.number, digest):
            raise TransportError(f"it answered with block {environment.number} when asked for block {which}")
        return PinnedBlock(Bytes32(digest), environment)

    if isinstance(block, bytes):
        which = to_data(block)
        return Question("eth_getBlockByHash", (which, False), read)
    which = "latest" if block is None else str(block)
    return Question("eth_getBlockByNumber", ("latest" if block is None else hex(block), False), read)


def _takes_hashes(asker: Asker, pin: PinnedBlock) -> bool:
    """Return whether the node reads state by block hash. One that also answers for a hash of no block does not."""
    by_hash, by_none = asker.ask(
        [
            Question("eth_getBalance", (_NOBODY, block_reference(digest)), from_quantity, may_be_refused=True)
            for digest in (pin.hash, _NO_BLOCK)
        ]
    )
    return isinstance(by_none, RpcError) and not isinstance(by_hash, RpcError)


def _questions(accounts: Collection[bytes], words: Collection[_Slot], reference: object) -> Iterator[Question]:
    for address in accounts:
        of = (to_data(address), reference)
        yield Question("eth_getBalance", of, _number_below(2**256))
        yield Question("eth_getTransactionCount", of, _number_below(2**64))
        yield Question("eth_getCode", of, from_data)
    for address, slot in words:
        yield Question("eth_getStorageAt", (to_data(address), to_word(slot), reference), _word)


def _number_below(limit: int) -> Callable[[object], int]:
    def read(answer: object) -> int:
        number = from_quantity(answer)
        if number >= limit:
            raise unreadable(f"a number below 2^{limit.bit_length() - 1}", answer)
        return number

    return read


def _word(answer: object) -> int:
    # an empty answer is no zero: taken for one, it would say that nothing was spent yet
    if not isinstance(answer, str) or not _WORD.match(answer):
        raise unreadable("a storage word", answer)
    return int(answer, 16)


def _hinted(answer: object) -> dict[bytes, list[int]]:
    """Return accounts and slots of an access list or a prestate; the first 2,000 of them. Raises TransportError."""
    found: dict[bytes, list[int]] = {}
    count = 0
    for address, slots in _touched(answer):
        key = bytes(from_address(address))
        keys = [from_quantity(slot) for slot in slots]
        count += 1 + len(keys)
        if count > _MOST_HINTS:
            break
        found.setdefault(key, []).extend(slot for slot in keys if slot < 2**256)
    return found


def _touched(answer: object) -> Iterator[tuple[object, list[Any]]]:
    if not isinstance(answer, dict):
        raise unreadable("an access list or a prestate", answer)
    listed = answer.get("accessList")
    if isinstance(listed, list):
        for entry in listed:
            if isinstance(entry, dict):
                yield entry.get("address"), list(entry.get("storageKeys") or ())
    else:
        for address, account in answer.items():
            if isinstance(account, dict):
                yield address, list(account.get("storage") or ())
