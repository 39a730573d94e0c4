"""A journal over a World: the reads and writes of one transaction, undone by position.

Every write remembers what it replaced, so that a checkpoint is a position in a list and a revert walks back to it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from caveats.types import keccak
from delegations.evm.world import EMPTY_ACCOUNT, AccountState, StateDiff, World

EMPTY_CODE_HASH = keccak(b"")
_ABSENT: Any = object()
# EXTCODEHASH costs 100 gas however long the code is
_code_hash = lru_cache(maxsize=64)(keccak)


class Overlay:
    """The state one transaction sees. Method names are those py-evm's account database has."""

    def __init__(self, world: World, _root: bytes = b"") -> None:
        self._world = world
        self._accounts: dict[bytes, AccountState | None] = {}
        self._storage: dict[tuple[bytes, int], int] = {}
        self._wiped: dict[bytes, bool] = {}
        self._warm: dict[Any, bool] = {}
        self._transient: dict[tuple[bytes, int], bytes] = {}
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []

    # journal

    def _write(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        self._undo.append((table, key, table.get(key, _ABSENT)))
        table[key] = value

    def record(self) -> int:
        return len(self._undo)

    def discard(self, checkpoint: int) -> None:
        undo = self._undo
        while len(undo) > checkpoint:
            table, key, old = undo.pop()
            if old is _ABSENT:
                del table[key]
            else:
                table[key] = old

    def diff(self) -> StateDiff:
        """Return what differs from the world."""
        accounts = {a: s for a, s in self._accounts.items() if s != self._world.account(a)}
        storage = {
            (address, slot): value
            for (address, slot), value in self._storage.items()
            if address in self._wiped or value != self._world.storage(address, slot)
        }
        return StateDiff(accounts, storage, frozenset(self._wiped))

    # accounts

    def _get(self, address: bytes) -> AccountState | None:
        state = self._accounts.get(address, _ABSENT)
        return self._world.account(address) if state is _ABSENT else state

    def _update(self, address: bytes, change: Callable[[AccountState], AccountState]) -> None:
        self._write(self._accounts, address, change(self._get(address) or EMPTY_ACCOUNT))

    def get_balance(self, address: bytes) -> int:
        state = self._get(address)
        return state.balance if state else 0

    def set_balance(self, address: bytes, balance: int) -> None:
        self._update(address, lambda state: state._replace(balance=balance))

    def get_nonce(self, address: bytes) -> int:
        state = self._get(address)
        return state.nonce if state else 0

    def set_nonce(self, address: bytes, nonce: int) -> None:
        self._update(address, lambda state: state._replace(nonce=nonce))

    def increment_nonce(self, address: bytes) -> None:
        self.set_nonce(address, self.get_nonce(address) + 1)

    def get_code(self, address: bytes) -> bytes:
        state = self._get(address)
        return state.code if state else b""

    def set_code(self, address: bytes, code: bytes) -> None:
        self._update(address, lambda state: state._replace(code=code))

    def delete_code(self, address: bytes) -> None:
        self.set_code(address, b"")

    def get_code_hash(self, address: bytes) -> bytes:
        code = self.get_code(address)
        return _code_hash(code) if code else EMPTY_CODE_HASH

    def account_has_code_or_nonce(self, address: bytes) -> bool:
        state = self._get(address)
        return bool(state and (state.nonce or state.code))

    def account_exists(self, address: bytes) -> bool:
        return self._get(address) is not None

    def account_is_empty(self, address: bytes) -> bool:
        state = self._get(address)
        return state is None or state == EMPTY_ACCOUNT

    def touch_account(self, address: bytes) -> None:
        """Do nothing: since EIP-161 and the merge a touched empty account does not come into being."""

    def delete_account(self, address: bytes) -> None:
        self.delete_storage(address)
        self._write(self._accounts, address, None)

    def block_hash(self, number: int) -> bytes:
        return self._world.block_hash(number)

    # storage

    def get_storage(self, address: bytes, slot: int, from_journal: bool = True) -> int:
        if from_journal:
            value = self._storage.get((address, slot))
            if value is not None:
                return value
            if address in self._wiped:
                return 0
        return self._world.storage(address, slot)

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        self._write(self._storage, (address, slot), value)

    def delete_storage(self, address: bytes) -> None:
        if address not in self._wiped:
            self._write(self._wiped, address, True)
        for key in [key for key in self._storage if key[0] == address]:
            self._write(self._storage, key, 0)

    # access lists

    def is_address_warm(self, address: bytes) -> bool:
        return address in self._warm

    def mark_address_warm(self, address: bytes) -> None:
        if address not in self._warm:
            self._write(self._warm, address, True)

    def is_storage_warm(self, address: bytes, slot: int) -> bool:
        return (address, slot) in self._warm

    def mark_storage_warm(self, address: bytes, slot: int) -> None:
        if (address, slot) not in self._warm:
            self._write(self._warm, (address, slot), True)

    # transient storage

    def get_transient_storage(self, address: bytes, slot: int) -> bytes:
        return self._transient.get((address, slot), b"")

    def set_transient_storage(self, address: bytes, slot: int, value: bytes) -> None:
        self._write(self._transient, (address, slot), value)
