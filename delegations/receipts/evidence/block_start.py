"""The state a block's first transaction runs on: that of the block before, and what its own block writes first.

    beacon roots (EIP-4788)     slot time mod 8191 = time;  slot 8191 + time mod 8191 = root of the beacon block before
    block hashes (EIP-2935)     slot (number - 1) mod 8191 = hash of the block before

Both are written by calls to contracts with fixed code and nothing else is, so the header alone says what stands there.
Where there is no such contract nothing is written.

Source: EIP-4788, EIP-2935.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from caveats.types import Address, keccak
from delegations.evm.forked import ForkedWorld, NodeState
from delegations.receipts.evidence.header import Header
from delegations.receipts.evidence.refusal import EvidenceError

BEACON_ROOTS: Final = bytes.fromhex("000f3df6d732807ef1319fb7bb8bb522d0beac02")
BLOCK_HASHES: Final = bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935")
CODE_HASHES: Final[Mapping[bytes, bytes]] = {
    BEACON_ROOTS: bytes.fromhex("f57acd40259872606d76197ef052f3d35588dadf919ee1f0e3cb9b62d3f4b02c"),
    BLOCK_HASHES: bytes.fromhex("6e49e66782037c0555897870e29fa5e552daf4719552131a0abce779daec0a5d"),
}
"""Hashes of the code the two proposals give."""
_RING: Final = 8191


def written_first(header: Header) -> dict[tuple[bytes, int], int]:
    """Return what a block writes before its first transaction, by contract and slot.

    Only what its header has the fields for: a block before Cancun writes no beacon root, one before Prague no hash.
    """
    found = {}
    if header.parent_beacon_root is not None:
        place = header.timestamp % _RING
        found[BEACON_ROOTS, place] = header.timestamp
        found[BEACON_ROOTS, place + _RING] = int.from_bytes(header.parent_beacon_root, "big")
    if header.is_prague and header.number:
        found[BLOCK_HASHES, (header.number - 1) % _RING] = int.from_bytes(header.parent_hash, "big")
    return found


class StartedWorld(ForkedWorld):
    """The state of a node at the block before, with what the next block writes first.

    What is written is looked at only where it is read: a witness need not hold the two contracts otherwise.

    Args:
        node: the state at the end of the block before.
        header: of the block that has begun.
    """

    __slots__ = ("_first",)

    def __init__(self, node: NodeState, header: Header) -> None:
        super().__init__(node)
        self._first = written_first(header)

    def storage(self, address: bytes, slot: int) -> int:
        key = bytes(address), slot
        if key in self._first and slot not in self.slots.get(key[0], {}):
            code = self.node.account(key[0]).code
            if code:
                self._refuse_other_code(key[0], code)
                return self._first[key]
        return super().storage(address, slot)

    def copy(self) -> StartedWorld:
        copied = StartedWorld.__new__(StartedWorld)
        ForkedWorld.__init__(copied, self.node)
        copied._first = self._first
        copied.accounts, copied.wiped = dict(self.accounts), set(self.wiped)
        copied.slots = {address: dict(slots) for address, slots in self.slots.items()}
        return copied

    @staticmethod
    def _refuse_other_code(address: bytes, code: bytes) -> None:
        if keccak(code) != CODE_HASHES[address]:
            raise EvidenceError(
                "claim-not-established",
                f"{Address(address)} has other code than its proposal gives, so what its block wrote is not known",
                path="witness.accounts",
            )
