"""A world whose rest lies on a node: read when it is first needed, at one block, and never written back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from caveats.errors import EngineError, UnsupportedError, abbreviate
from delegations.evm.rpc import RpcClient, RpcError
from delegations.evm.wire import block_reference, from_data, from_quantity, to_data, to_word
from delegations.evm.world import EMPTY_ACCOUNT, AccountState, StateDiff, World


@dataclass(slots=True)
class NodeState:
    """The state of a node at one block, remembered as it is read.

    Attributes:
        client: asks the node.
        block: the number of the block that is read.
        digest: its hash, to keep to; None to take whatever block has the number.
        takes_hashes: whether the node reads state by the hash. By number it is asked afterwards which block that was.
    """

    client: RpcClient
    block: int
    _accounts: dict[bytes, AccountState] = field(default_factory=dict)
    _slots: dict[tuple[bytes, int], int] = field(default_factory=dict)
    digest: bytes | None = None
    takes_hashes: bool = False

    def reference(self, *, by_hash: bool) -> object:
        """Return how a question names the block: by its hash (EIP-1898), or by its number."""
        return hex(self.block) if self.digest is None or not by_hash else block_reference(self.digest)

    def ask(self, requests: Sequence[tuple[str, list[Any]]], *, by_hash: bool) -> list[Any]:
        """Return the answers to questions about the block, an RpcError where the node refused.

        Raises:
            TransportError: the node could not be asked.
            EngineError: asked by number, and the number stands for another block by now.
        """
        if self.digest is None or by_hash:
            return self.client.batch(requests)
        # asked last: had the block been replaced before or while the rest was read, its hash would differ now
        *answers, head = self.client.batch([*requests, ("eth_getBlockByNumber", [hex(self.block), False])])
        digest = to_data(self.digest)
        found = head.get("hash") if isinstance(head, dict) else head
        if not isinstance(found, str) or found.lower() != digest:
            raise EngineError(
                f"could not ask for the state of block {self.block}: expected the block {digest}, got"
                f" {abbreviate(found)}",
                hint="the chain was reorganised: begin again",
            )
        return answers

    def account(self, address: bytes) -> AccountState:
        """Return the account; an empty one when there is none. Raises TransportError, EngineError."""
        if address not in self._accounts:
            self.prefetch([address])
        return self._accounts[address]

    def prefetch(self, addresses: Iterable[bytes]) -> None:
        """Read several accounts in one request."""
        wanted = [address for address in dict.fromkeys(addresses) if address not in self._accounts]
        methods = ("eth_getBalance", "eth_getTransactionCount", "eth_getCode")
        by_hash = self.takes_hashes
        at = self.reference(by_hash=by_hash)
        asked = [(method, [to_data(address), at]) for address in wanted for method in methods]
        results = iter(self.ask(asked, by_hash=by_hash) if asked else ())
        for address in wanted:
            balance, nonce, code = (_good(next(results)) for _ in methods)
            self._accounts[address] = AccountState(from_quantity(balance), from_quantity(nonce), from_data(code))

    def storage(self, address: bytes, slot: int) -> int:
        """Return the value of a slot. Raises TransportError, EngineError."""
        if (address, slot) not in self._slots:
            by_hash = self.takes_hashes
            asked = ("eth_getStorageAt", [to_data(address), to_word(slot), self.reference(by_hash=by_hash)])
            (word,) = self.ask([asked], by_hash=by_hash)
            self._slots[address, slot] = int.from_bytes(from_data(_good(word)), "big")
        return self._slots[address, slot]

    def block_hash(self, number: int) -> bytes:
        """Return the hash of a block up to this one. Raises TransportError, EngineError."""
        (answer,) = self.ask([("eth_getBlockByNumber", [hex(number), False])], by_hash=False)
        block = _good(answer)
        return from_data(block.get("hash") if isinstance(block, dict) else block)


class ForkedWorld(World):
    """A World over a NodeState: what is written stays here, what was not written is the node's.

    `accounts` and `slots` hold what was written, zero values included; `wiped` the addresses whose storage on the node
    no longer counts.
    """

    __slots__ = ("node", "wiped")

    def __init__(self, node: NodeState) -> None:
        super().__init__()
        self.node = node
        self.wiped: set[bytes] = set()

    def _account(self, address: bytes) -> AccountState:
        written = self.accounts.get(address)
        return self.node.account(bytes(address)) if written is None else written

    def account(self, address: bytes) -> AccountState | None:
        account = self._account(address)
        return None if account == EMPTY_ACCOUNT else account

    def storage(self, address: bytes, slot: int) -> int:
        written = self.slots.get(address, {}).get(slot)
        if written is not None:
            return written
        return 0 if address in self.wiped else self.node.storage(bytes(address), slot)

    def balance(self, address: bytes) -> int:
        return self._account(address).balance

    def nonce(self, address: bytes) -> int:
        return self._account(address).nonce

    def code(self, address: bytes) -> bytes:
        return self._account(address).code

    def block_hash(self, number: int) -> bytes:
        # blocks made here have no hash, as on any local chain
        return self.node.block_hash(number) if number <= self.node.block else b""

    def set_balance(self, address: bytes, balance_wei: int) -> None:
        self._load(address)
        super().set_balance(address, balance_wei)

    def set_nonce(self, address: bytes, nonce: int) -> None:
        self._load(address)
        super().set_nonce(address, nonce)

    def set_code(self, address: bytes, code: bytes) -> None:
        self._load(address)
        super().set_code(address, code)

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        # a zero is kept: without it the node's value would show through
        self.slots.setdefault(bytes(address), {})[slot] = value

    def apply(self, diff: StateDiff) -> None:
        for address, account in diff.accounts.items():
            self.accounts[address] = EMPTY_ACCOUNT if account is None else account
        for address in diff.wiped:
            self.wiped.add(address)
            self.slots.pop(address, None)
        for (address, slot), value in diff.storage.items():
            self.set_storage(address, slot, value)

    def copy(self) -> ForkedWorld:
        copied = ForkedWorld(self.node)
        copied.accounts = dict(self.accounts)
        copied.slots = {address: dict(slots) for address, slots in self.slots.items()}
        copied.wiped = set(self.wiped)
        return copied

    def to_wire(self) -> dict[str, object]:
        """Refuse: a file would hold what was written and not the rest. Raises UnsupportedError."""
        raise UnsupportedError("a forked chain cannot be written to a file: most of its state lies on the node")

    def overrides(self) -> dict[str, dict[str, object]]:
        """Return what was written as the state overrides of eth_call, eth_simulateV1 and debug_traceCall.

        Source: Ethereum execution APIs, account override.
        """
        found: dict[str, dict[str, object]] = {}
        for address, account in self.accounts.items():
            found[to_data(address)] = {
                "balance": hex(account.balance),
                "nonce": hex(account.nonce),
                "code": to_data(account.code),
            }
        for address in self.slots.keys() | self.wiped:
            slots = {to_word(slot): to_word(value) for slot, value in self.slots.get(address, {}).items()}
            found.setdefault(to_data(address), {})["state" if address in self.wiped else "stateDiff"] = slots
        return found

    def _load(self, address: bytes) -> None:
        self.accounts.setdefault(bytes(address), self._account(address))


def _good(result: object) -> object:
    if isinstance(result, RpcError):
        raise EngineError(f"the node did not give its state: {result}") from result
    return result
