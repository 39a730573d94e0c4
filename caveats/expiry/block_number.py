"""A window of blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.attempt import Attempt
from caveats.enforcer import BOTH, EnforcerTerms, Tokens
from caveats.types import Address, Uint128

# At a hundred blocks a second a chain gets there in three centuries: beyond it somebody gave milliseconds.
_LATEST_BLOCK = 10**12


class BlockNumber(EnforcerTerms):
    """Redeemable only when `after_block < block.number < before_block`; 0 leaves a side open.

    What block.number counts differs by chain (on Arbitrum it follows Ethereum's): for a deadline use Timestamp.

        [0:16] uint128 after_block, [16:32] uint128 before_block

    Source: framework 1.3.0, BlockNumberEnforcer.getTermsInfo and beforeHook (both comparisons are strict).
    """

    ENFORCER: ClassVar[str] = "BlockNumberEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x5d9818dF0AE3f66e9c3D0c5029DAF99d1823ca6c")
    CALL_TYPES = BOTH
    LAYOUT: ClassVar[str] = "[0:16] after_block, [16:32] before_block"
    BOUNDS: ClassVar[str] = "the block of redemption, by its number"
    LEAVES_FREE: ClassVar[str] = "everything else"
    REVERTS: ClassVar[tuple[str, ...]] = ("early-delegation", "expired-delegation", "invalid-terms-length")

    after_block: Uint128 = 0
    before_block: Uint128 = 0

    def problems(self) -> Iterator[str]:
        if self.after_block == 0 and self.before_block == 0:
            yield "after_block and before_block are both 0, which bounds nothing; give at least one block number"
        if self.before_block and self.before_block < self.after_block + 2:
            yield (
                f"no block lies between after_block {self.after_block} and before_block {self.before_block}: both"
                " bounds are exclusive, so before_block must be at least after_block + 2"
            )
        for name, block in (("after_block", self.after_block), ("before_block", self.before_block)):
            if block > _LATEST_BLOCK:
                yield f"{name} {block} is a block no chain will reach; give a block number, not a time"

    def encode_terms(self) -> bytes:
        return self.after_block.to_bytes(16, "big") + self.before_block.to_bytes(16, "big")

    @classmethod
    def decode_terms(cls, terms: bytes) -> BlockNumber:
        if len(terms) != 32:
            raise cls.bad_length("exactly 32 bytes", terms)
        return cls.unchecked(
            after_block=int.from_bytes(terms[:16], "big"), before_block=int.from_bytes(terms[16:], "big")
        )

    def _denies(self, attempt: Attempt) -> str | None:
        if self.after_block and attempt.block_number <= self.after_block:
            return self.revert_of("early-delegation")
        if self.before_block and attempt.block_number >= self.before_block:
            return self.revert_of("expired-delegation")
        return None

    def describe(self, tokens: Tokens | None = None) -> str:
        if self.after_block and self.before_block:
            return f"Usable only after block {self.after_block} and before block {self.before_block}."
        if self.before_block:
            return f"Usable only before block {self.before_block}."
        return f"Usable only after block {self.after_block}." if self.after_block else "Usable in any block."
