"""The state of a chain as plain data. Engines read it and hand back a diff; they never own it.

So undoing, forking and overriding are operations on dictionaries, and mean the same under every engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from caveats.errors import EncodingError
from caveats.types import Address, parse_hex, parse_uint256

_EMPTY_STORAGE: Mapping[int, int] = {}


class AccountState(NamedTuple):
    """One account without its storage."""

    balance: int = 0
    nonce: int = 0
    code: bytes = b""


EMPTY_ACCOUNT = AccountState()


@dataclass(frozen=True, slots=True)
class StateDiff:
    """What one execution changed: the values after it.

    Attributes:
        accounts: new state per address; None for an account that was deleted.
        storage: new value per (address, slot).
        wiped: addresses whose storage was emptied before `storage` was written.
    """

    accounts: Mapping[bytes, AccountState | None]
    storage: Mapping[tuple[bytes, int], int]
    wiped: frozenset[bytes] = frozenset()


@dataclass(slots=True)
class World:
    """Accounts and storage, as dictionaries keyed by 20-byte addresses."""

    accounts: dict[bytes, AccountState] = field(default_factory=dict)
    slots: dict[bytes, dict[int, int]] = field(default_factory=dict)

    def account(self, address: bytes) -> AccountState | None:
        """Return the account, or None when there is none."""
        return self.accounts.get(address)

    def storage(self, address: bytes, slot: int) -> int:
        """Return the 256-bit value of a slot; 0 when it was never written."""
        return self.slots.get(address, _EMPTY_STORAGE).get(slot, 0)

    def balance(self, address: bytes) -> int:
        """Return the balance in wei."""
        return self.accounts.get(address, EMPTY_ACCOUNT).balance

    def nonce(self, address: bytes) -> int:
        """Return the nonce."""
        return self.accounts.get(address, EMPTY_ACCOUNT).nonce

    def code(self, address: bytes) -> bytes:
        """Return the code; a 23-byte EIP-7702 designator is returned as it stands."""
        return self.accounts.get(address, EMPTY_ACCOUNT).code

    def block_hash(self, number: int) -> bytes:
        """Return the hash of an earlier block; empty where there is none, as for the blocks of a local chain."""
        return b""

    def set_balance(self, address: bytes, balance_wei: int) -> None:
        """Set the balance in wei. Raises EncodingError outside 0 to 2^256-1."""
        parse_uint256(balance_wei)
        self.accounts[bytes(address)] = self.accounts.get(address, EMPTY_ACCOUNT)._replace(balance=balance_wei)

    def set_nonce(self, address: bytes, nonce: int) -> None:
        """Set the nonce."""
        self.accounts[bytes(address)] = self.accounts.get(address, EMPTY_ACCOUNT)._replace(nonce=nonce)

    def set_code(self, address: bytes, code: bytes) -> None:
        """Set the code."""
        self.accounts[bytes(address)] = self.accounts.get(address, EMPTY_ACCOUNT)._replace(code=code)

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        """Set one storage slot."""
        slots = self.slots.setdefault(bytes(address), {})
        if value:
            slots[slot] = value
        else:
            slots.pop(slot, None)

    def apply(self, diff: StateDiff) -> None:
        """Make the changes of one execution permanent."""
        for address, account in diff.accounts.items():
            if account is None:
                self.accounts.pop(address, None)
            else:
                self.accounts[address] = account
        for address in diff.wiped:
            self.slots.pop(address, None)
        for (address, slot), value in diff.storage.items():
            self.set_storage(address, slot, value)

    def copy(self) -> World:
        """Return an independent copy; code bytes are shared."""
        return World(dict(self.accounts), {address: dict(slots) for address, slots in self.slots.items()})

    def to_wire(self) -> dict[str, object]:
        """Return the state as JSON values: per address balance and nonce in decimal, code and storage in hex."""
        wire: dict[str, object] = {}
        for address, account in sorted(self.accounts.items()):
            entry: dict[str, object] = {"balance": str(account.balance), "nonce": str(account.nonce)}
            if account.code:
                entry["code"] = "0x" + account.code.hex()
            if slots := self.slots.get(address):
                entry["storage"] = {f"{slot:#066x}": f"{value:#066x}" for slot, value in sorted(slots.items())}
            wire[str(Address(address))] = entry
        return wire

    @classmethod
    def from_wire(cls, wire: object) -> World:
        """Return the state read from the form `to_wire` writes. Raises EncodingError naming the account at fault."""
        if not isinstance(wire, dict):
            raise EncodingError.of("state", expected="an object of accounts by address", got=wire)
        world = cls()
        for key, entry in wire.items():
            address = Address(key)
            if not isinstance(entry, dict) or not entry.keys() <= {"balance", "nonce", "code", "storage"}:
                raise EncodingError.of(
                    f"state of {key}", expected="an object with balance, nonce, code and storage", got=entry
                )
            storage = entry.get("storage", {})
            if not isinstance(storage, dict):
                raise EncodingError.of(f"storage of {key}", expected="an object of values by slot", got=storage)
            world.accounts[bytes(address)] = AccountState(
                balance=parse_uint256(entry.get("balance", 0)),
                nonce=parse_uint256(entry.get("nonce", 0)),
                code=parse_hex(entry.get("code", "0x"), what=f"code of {key}"),
            )
            for slot, value in storage.items():
                world.set_storage(address, parse_uint256(slot), parse_uint256(value))
        return world
