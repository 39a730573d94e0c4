"""What the balance enforcers share: packed fields, the key of their state, and the sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self

from caveats.abi import encode_address, encode_uint
from caveats.attempt import Attempt, StateKey
from caveats.enforcer import BOTH, EnforcerTerms, Hook, mapping_slot
from caveats.types import ZERO_ADDRESS, Address, Uint256, keccak

_SIZES = {"enforce_decrease": 1, "token": 20, "recipient": 20, "token_id": 32, "amount": 32, "amount_wei": 32}
# The hooks add to and subtract from a balance with checked arithmetic: a bound near the top panics.
_UNREACHABLE = 2**255


class BalanceTerms(EnforcerTerms):
    """Base of the balance enforcers. A subclass names its fields in the order of the terms, the amount last.

    Class attributes:
        PARTS: the fields, in the order of the terms.
        KEYED_BY: the fields that are part of the key of the contract's state, in order.
    """

    CALL_TYPES = BOTH
    JUDGED_ALONE: ClassVar[bool] = False
    PARTS: ClassVar[tuple[str, ...]]
    KEYED_BY: ClassVar[tuple[str, ...]]

    recipient: Address

    def encode_terms(self) -> bytes:
        parts = []
        for name in self.PARTS:
            value = getattr(self, name)
            parts.append(value if isinstance(value, bytes) else int(value).to_bytes(_SIZES[name], "big"))
        return b"".join(parts)

    @classmethod
    def decode_terms(cls, terms: bytes) -> Self:
        size = sum(_SIZES[name] for name in cls.PARTS)
        if len(terms) != size:
            raise cls.bad_length(f"exactly {size} bytes", terms)
        values: dict[str, object] = {}
        at = 0
        for name in cls.PARTS:
            part = terms[at : at + _SIZES[name]]
            at += len(part)
            if name == "enforce_decrease":
                values[name] = part != b"\0"
            else:
                values[name] = Address(part) if len(part) == 20 else int.from_bytes(part, "big")
        return cls.unchecked(**values)

    @property
    def _bound(self) -> int:
        """The amount, whatever its unit."""
        return int(getattr(self, self.PARTS[-1]))

    def problems(self) -> Iterator[str]:
        for name in ("token", "recipient"):
            if name in self.PARTS and getattr(self, name) == ZERO_ADDRESS:
                yield f"{name} is the zero address; name the {'contract' if name == 'token' else 'account'}"
        if self._bound >= _UNREACHABLE:
            yield (
                f"{self.PARTS[-1]} is 2^255 or more, on which the contract panics instead of passing; give the real"
                " amount, or leave the caveat out"
            )

    def hash_key(self, key: StateKey) -> bytes:
        """Return the key under which the contract keeps its state, as its `getHashKey` gives it (32 bytes)."""
        values = [getattr(self, name) for name in self.KEYED_BY]
        words = [encode_address(v) if isinstance(v, bytes) else encode_uint(v) for v in values]
        return keccak(encode_address(key.caller) + b"".join(words) + self._key_tail(key))

    def _key_tail(self, key: StateKey) -> bytes:
        return b""

    def state_slot(self, key: StateKey) -> int:
        return int.from_bytes(mapping_slot(self.hash_key(key), b""), "big")


class BalanceChange(BalanceTerms):
    """Base of the enforcers that compare a balance before and after one redemption.

    State: the balance seen before stays behind and means nothing afterwards; a lock holds from the before hook to
    the after hook, so two such caveats with one key in one delegation always revert.
    """

    HOOKS: ClassVar[tuple[Hook, ...]] = ("before", "after")
    BOUNDS: ClassVar[str] = "how much the recipient's balance may fall, or must rise, in each redemption"
    LEAVES_FREE: ClassVar[str] = (
        "the call itself, approvals and all other assets; the bound starts anew with every redemption"
    )
    REVERTS: ClassVar[tuple[str, ...]] = (
        "enforcer-is-locked",
        "exceeded-balance-decrease",
        "insufficient-balance-increase",
        "invalid-terms-length",
        "Panic(0x11)",
    )
    STATE: ClassVar[str] = "balanceCache(bytes32 hashKey) -> uint256"
    STATE_FIELDS: ClassVar[tuple[str, ...]] = ("cached_balance",)

    enforce_decrease: bool

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        if self._bound == 0 and not self.enforce_decrease:
            yield (
                f"{self.PARTS[-1]} is 0, and a rise of at least 0 only says that nothing is lost; set"
                " enforce_decrease to say that, or give the rise"
            )

    def _key_tail(self, key: StateKey) -> bytes:
        return key.delegation_hash

    def _sentence(self, whose: str, amount: str) -> str:
        if not self.enforce_decrease:
            return f"{whose} must rise by at least {amount} in each redemption."
        if not self._bound:
            return f"{whose} must not fall in any redemption."
        return f"{whose} may fall by at most {amount} in each redemption."


class IncreaseOverAll(BalanceTerms):
    """Base of the enforcers that demand a rise over everything one redeemDelegations call does.

    State: it is deleted by the last after-all hook, so that it reads zero between transactions.
    """

    HOOKS: ClassVar[tuple[Hook, ...]] = ("before_all", "after_all")
    BOUNDS: ClassVar[str] = "how much the recipient's balance must rise over one whole redeemDelegations call"
    LEAVES_FREE: ClassVar[str] = "the calls themselves, all other assets, and where the rise comes from"
    REVERTS: ClassVar[tuple[str, ...]] = (
        "zero-expected-change-amount",
        "insufficient-balance-increase",
        "invalid-terms-length",
        "Panic(0x11)",
    )
    STATE: ClassVar[str] = (
        "balanceTracker(bytes32 hashKey) ->"
        " (uint256 balanceBefore, uint256 expectedIncrease, uint256 validationRemaining)"
    )
    STATE_FIELDS: ClassVar[tuple[str, ...]] = ("balance_before", "expected_increase", "validation_remaining")

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        if self._bound == 0:
            yield f"{self.PARTS[-1]} is 0, which the contract refuses; give the rise that is demanded"

    def _denies(self, attempt: Attempt) -> str | None:
        return None if self._bound else self.revert_of("zero-expected-change-amount")

    def _sentence(self, whose: str, amount: str) -> str:
        return (
            f"{whose} must rise by at least {amount} over the whole redeemDelegations call, added to what other such"
            " caveats demand."
        )


class TokenIncreaseOverAll(IncreaseOverAll):
    """The two whose events and key are the same: ERC-20 and ERC-721."""

    LAYOUT: ClassVar[str] = "[0:20] token, [20:40] recipient, [40:72] amount"
    EVENTS: ClassVar[tuple[str, ...]] = tuple(
        f"{name}(address indexed delegationManager, address indexed recipient, address indexed token, uint256 {what})"
        for name, what in (
            ("TrackedBalance", "balance"),
            ("UpdatedExpectedBalance", "expected"),
            ("ValidatedBalance", "expected"),
        )
    )
    PARTS: ClassVar[tuple[str, ...]] = ("token", "recipient", "amount")
    KEYED_BY: ClassVar[tuple[str, ...]] = ("token", "recipient")

    token: Address
    amount: Uint256
