"""What every enforcer class has in common: terms both ways, and what the contract does with them.

A class stands for one enforcer contract, an instance for one set of terms. Building one by hand is strict: a value
that can never be redeemed, or that common sense refuses, is refused with a sentence. Decoding accepts exactly what
the contract accepts, so that what stands on chain can always be read; `problems()` then says what a builder
would have refused.
"""

# Annotations are not strings here: pydantic would compile each of them again for each of the subclasses.
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Self

from pydantic import model_validator

from caveats.attempt import Attempt, StateKey
from caveats.caveat import Caveat
from caveats.errors import EncodingError
from caveats.types import Address, Model, format_amount, keccak, trusted

TRANSFER_SELECTOR = bytes.fromhex("a9059cbb")
"""transfer(address,uint256)"""
TRANSFER_LENGTH = 68
"""Bytes of calldata of transfer(address,uint256), no more and no less for the ERC-20 enforcers."""

Hook = Literal["before_all", "before", "after", "after_all"]
CallType = Literal["single", "batch"]

SINGLE: frozenset[CallType] = frozenset({"single"})
BATCH: frozenset[CallType] = frozenset({"batch"})
BOTH: frozenset[CallType] = SINGLE | BATCH


class TokenInfo(NamedTuple):
    """What a human needs to read an amount of a token."""

    symbol: str
    decimals: int

    def show(self, amount: int) -> str:
        """Return `amount` base units as "12.5 USDC"."""
        return f"{format_amount(amount, self.decimals)} {self.symbol}"


Tokens = Mapping[Address, TokenInfo]
NATIVE_TOKEN = Address(bytes(20))
"""The key under which a `Tokens` mapping may name the chain's native token; ETH with 18 decimals otherwise."""
_ETH = TokenInfo("ETH", 18)


def show_native(amount: int, tokens: Tokens | None) -> str:
    """Return wei as a human amount of the native token."""
    return (tokens or {}).get(NATIVE_TOKEN, _ETH).show(amount)


def show_token(token: Address, amount: int, tokens: Tokens | None) -> str:
    """Return base units of an ERC-20 as a human amount, or as base units when the token is not known."""
    info = (tokens or {}).get(token)
    return info.show(amount) if info else f"{amount} base units of token {token}"


def name_token(token: Address, tokens: Tokens | None) -> str:
    """Return the token's symbol, or its address."""
    info = (tokens or {}).get(token)
    return info.symbol if info else f"token {token}"


class TermsError(EncodingError):
    """The enforcer would not read these terms.

    Attributes:
        onchain: the revert reason the enforcer gives; empty when it reverts without data.
    """

    code = "encoding.terms"

    def __init__(self, message: str, *, onchain: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.onchain = onchain


class EnforcerTerms(Model):
    """Base of every enforcer class. A subclass is the whole knowledge of one enforcer.

    Class attributes:
        ENFORCER: the contract's name.
        ADDRESS: where framework 1.3.0 stands on every chain.
        HOOKS: the hooks in which it does something, in the order the manager calls them.
        CALL_TYPES: call types it admits; every enforcer demands the default execution type.
        LAYOUT: the terms, drawn.
        BOUNDS / LEAVES_FREE: what it bounds, and what it does not (one clause each).
        REVERTS: revert reasons of its own, beside the base class's two. Custom errors and panics by their signature;
            a revert without data has no reason to list, and what a contract it calls reverts with is that one's.
        EVENTS: event signatures, `indexed` included.
        STATE: the public getter of its state; empty when it keeps none.
        STATE_FIELDS: names of the consecutive storage words that hold it, from `state_slot` on.
        JUDGED_ALONE: whether terms and attempt alone decide; otherwise the chain's state has a say.
        ARGS: what the redeemer must supply; empty when args are ignored.
        RETIRED: whether a later contract took its place: what stands on chain is still read, nothing new is built.
    """

    ENFORCER: ClassVar[str]
    ADDRESS: ClassVar[Address]
    HOOKS: ClassVar[tuple[Hook, ...]] = ("before",)
    CALL_TYPES: ClassVar[frozenset[CallType]]
    LAYOUT: ClassVar[str]
    BOUNDS: ClassVar[str]
    LEAVES_FREE: ClassVar[str]
    REVERTS: ClassVar[tuple[str, ...]] = ()
    EVENTS: ClassVar[tuple[str, ...]] = ()
    STATE: ClassVar[str] = ""
    STATE_FIELDS: ClassVar[tuple[str, ...]] = ()
    JUDGED_ALONE: ClassVar[bool] = True
    ARGS: ClassVar[str] = ""
    RETIRED: ClassVar[bool] = False

    @abstractmethod
    def encode_terms(self) -> bytes:
        """Return the terms as the contract reads them."""

    @classmethod
    @abstractmethod
    def decode_terms(cls, terms: bytes) -> Self:
        """Return the instance these terms stand for, whatever a builder would think of it.

        Raises:
            TermsError: the contract would revert on these terms.
        """

    @abstractmethod
    def describe(self, tokens: Tokens | None = None) -> str:
        """Return one plain sentence saying what is bounded, with human units for the tokens that are given."""

    def denies(self, attempt: Attempt) -> str | None:
        """Return the revert reason the contract gives, as far as terms and attempt alone decide; None when they do
        not deny it. "" stands for a revert without a reason. Stateful enforcers are judged as if never used.
        """
        if "batch" not in self.CALL_TYPES and attempt.is_batch:
            return "CaveatEnforcer:invalid-call-type"
        if "single" not in self.CALL_TYPES and not attempt.is_batch:
            return "CaveatEnforcer:invalid-call-type"
        if attempt.is_try:
            return "CaveatEnforcer:invalid-execution-type"
        return self._denies(attempt)

    def _denies(self, attempt: Attempt) -> str | None:
        """As `denies`, for an attempt in a mode the enforcer admits."""
        return None

    def would_allow(self, attempt: Attempt) -> bool | None:
        """Return whether this caveat lets the attempt pass; None when that depends on the chain's state."""
        if self.denies(attempt) is not None:
            return False
        return True if self.JUDGED_ALONE else None

    def state_slot(self, key: StateKey) -> int | None:
        """Return the first storage slot of the enforcer's state for one link; None when it keeps none."""
        return None

    def problems(self) -> Iterator[str]:
        """Yield, one sentence each, what a builder refuses about these values; nothing when all is well."""
        return iter(())

    @model_validator(mode="after")
    def _refuse_problems(self) -> Self:
        for problem in self.problems():
            raise ValueError(problem)
        return self

    @classmethod
    def unchecked(cls, **values: Any) -> Self:
        """Return an instance without builder checks: for decoding what is already signed."""
        fields = cls.__pydantic_fields__
        given = set(values)
        if len(values) != len(fields):
            values = {name: info.default for name, info in fields.items() if name not in values} | values
        return trusted(cls, values, given)

    def to_caveat(self, *, args: bytes = b"", enforcer: Address | None = None) -> Caveat:
        """Return the caveat with these terms; `enforcer` replaces the framework 1.3.0 address."""
        return Caveat(enforcer=self.ADDRESS if enforcer is None else enforcer, terms=self.encode_terms(), args=args)

    @classmethod
    def revert_of(cls, reason: str) -> str:
        """Return one of this enforcer's reasons as the chain gives it.

        A custom error or a panic is named by its signature, such as `Panic(0x11)`, and carries no prefix.
        """
        return reason if reason.endswith(")") else f"{cls.ENFORCER}:{reason}"

    @classmethod
    def bad_length(cls, expected: str, terms: bytes, *, onchain: str | None = None) -> TermsError:
        """Return the error for terms of a length the contract refuses."""
        return TermsError(
            f"{cls.ENFORCER} terms: expected {expected}, got {len(terms)} bytes",
            onchain=cls.revert_of("invalid-terms-length") if onchain is None else onchain,
        )


def mapping_slot(key: bytes, slot: bytes) -> bytes:
    """Return the storage slot of `mapping[key]` at `slot`: keccak256(key, slot), both 32 bytes. Source: Solidity."""
    return keccak(key.rjust(32, b"\0") + slot.rjust(32, b"\0"))


def hash_keyed_slot(key: StateKey) -> int:
    """Return the slot of `mapping[caller][delegation_hash]` at slot 0, where most enforcers keep their counter."""
    return int.from_bytes(mapping_slot(key.delegation_hash, mapping_slot(key.caller, b"")), "big")


def join_names(names: list[str], *, last: str = "or") -> str:
    """Return "a", "a or b", "a, b or c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def format_utc(at: int) -> str:
    """Return unix seconds as "2026-11-28 12:00:00 UTC", or as seconds when no calendar reaches that far."""
    from datetime import UTC, datetime

    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"unix second {at}"
