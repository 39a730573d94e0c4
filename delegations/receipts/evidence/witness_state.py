"""The state a witness proves, for a machine to run on: what it does not list is refused, never zero.

Source: EIP-1186, EIP-7702.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from caveats.types import Address, Bytes32
from delegations.evm.forked import NodeState
from delegations.evm.world import EMPTY_ACCOUNT, AccountState
from delegations.receipts.evidence.bundle import Witness
from delegations.receipts.evidence.opened import EMPTY, OpenBundle
from delegations.receipts.evidence.refusal import EvidenceError


class WitnessState(NodeState):
    """State after a block, read from the proofs of a bundle alone.

    Args:
        opened: the bundle.
        witness: what it says of the call: the accounts and slots that may be read.
        official: code that need not be in the bundle, by its hash.

    Attributes:
        refusal: the first read that was refused. Whoever runs a call asks for it afterwards: a machine that goes on
            past an error of ours must not make an answer of it.
    """

    __slots__ = ("_listed", "_official", "_opened", "_place", "_unread", "refusal")

    def __init__(self, opened: OpenBundle, witness: Witness, official: Mapping[bytes, bytes]) -> None:
        # no client: what the witness does not hold is nowhere
        self._opened, self._place, self._official = opened, witness.header, official
        self.block = opened.header(witness.header).number
        self._accounts: dict[bytes, AccountState] = {}
        self._slots: dict[tuple[bytes, int], int] = {}
        self._listed = {
            bytes(account.address): frozenset(int.from_bytes(slot, "big") for slot in account.slots)
            for account in witness.accounts
        }
        self._unread: set[tuple[bytes, int | None]] = set()
        for address, slots in self._listed.items():
            self._unread |= {(address, None), *((address, slot) for slot in slots)}
        self.refusal: EvidenceError | None = None

    def account(self, address: bytes) -> AccountState:
        """Return the account; an empty one where its absence is proven. Raises EvidenceError."""
        address = bytes(address)
        if address not in self._accounts:
            if address not in self._listed:
                self._refuse(_unlisted(f"account {Address(address)}"))
            try:
                self._accounts[address] = self._read(address)
            except EvidenceError as error:
                self._refuse(error)
            self._unread.discard((address, None))
        return self._accounts[address]

    def storage(self, address: bytes, slot: int) -> int:
        """Return the value of a slot; 0 where its absence is proven. Raises EvidenceError."""
        key = bytes(address), slot
        if key not in self._slots:
            self.account(address)
            if slot not in self._listed[key[0]]:
                self._refuse(_unlisted(f"slot {slot:#x} of {Address(address)}"))
            try:
                self._slots[key] = self._opened.slot(self._place, key[0], slot.to_bytes(32, "big"))
            except EvidenceError as error:
                self._refuse(error)
            self._unread.discard(key)
        return self._slots[key]

    def block_hash(self, number: int) -> bytes:
        """Return the hash of the witnessed block, or of the one before it. Raises EvidenceError for all others."""
        header = self._opened.header(self._place)
        known: dict[int, Bytes32] = {header.number: header.hash, header.number - 1: header.parent_hash}
        if number not in known:
            self._refuse(_unlisted(f"hash of block {number}"))
        return bytes(known[number])

    def finish(self) -> None:
        """Raise EvidenceError for a read that was refused, and for an account or slot listed and never read."""
        if self.refusal is not None:
            raise self.refusal
        if self._unread:
            address, slot = min(self._unread, key=lambda key: (key[0], -1 if key[1] is None else key[1]))
            what = f"account {Address(address)}" if slot is None else f"slot {slot:#x} of {Address(address)}"
            raise EvidenceError(
                "witness-unused", f"the call does not read {what}, which the witness lists", path="witness.accounts"
            )

    def _read(self, address: bytes) -> AccountState:
        account = self._opened.account(self._place, address)
        if account == EMPTY:
            return EMPTY_ACCOUNT
        code = b""
        if account.has_code:
            known = self._official.get(bytes(account.code_hash))
            code = self._opened.code(bytes(account.code_hash)) if known is None else known
        return AccountState(account.balance, account.nonce, code)

    def _refuse(self, error: EvidenceError) -> NoReturn:
        self.refusal = self.refusal or error
        raise error


def _unlisted(what: str) -> EvidenceError:
    return EvidenceError(
        "witness-incomplete", f"the call reads {what}, and the witness does not hold it", path="witness.accounts"
    )
