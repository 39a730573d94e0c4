"""What an engine is asked and what it answers: one small interface, plain data on both sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Literal, Protocol, Self, runtime_checkable

from caveats.errors import ExecutionError, UnsupportedError
from caveats.types import ZERO_ADDRESS, Address
from delegations.evm.world import StateDiff, World

FrameKind = Literal["CALL", "STATICCALL", "DELEGATECALL", "CREATE"]
FrameError = Literal["revert", "out of gas", "halt"]

DEFAULT_GAS = 10_000_000
BLOCK_GAS_LIMIT = 36_000_000
_TX_GAS = 21_000
_CREATE_GAS = 32_000
INITCODE_WORD_GAS = 2


class Capability(StrEnum):
    """What an engine may or may not be able to tell. Success and return or revert data, every engine tells."""

    GAS = "gas"
    """`gas_used`, exact."""
    LOGS = "logs"
    """`logs`."""
    ERROR = "error"
    """`error`: whether a failure was a revert, a halt or a lack of gas."""
    CALL_TREE = "call tree"
    """`frame`."""
    STATE_DIFF = "state diff"
    """`diff`."""
    CREATION = "creation"
    """Transactions without `to`, and `created`."""
    BLOCK = "block"
    """A block of one's own: time, number, base fee, coinbase, prevrandao, gas limit."""
    CURRENT_FORKS = "current forks"
    """Rules newer than Prague."""
    EMBEDDED = "embedded"
    """It runs in this process, so that forked copies of the process can share its work."""


ANSWERS = frozenset({Capability.GAS, Capability.LOGS, Capability.ERROR, Capability.CALL_TREE, Capability.STATE_DIFF})
"""The capabilities that are parts of an outcome, and so may be asked for in `needs`."""
_PART_OF = {
    "gas_used": Capability.GAS,
    "logs": Capability.LOGS,
    "error": Capability.ERROR,
    "frame": Capability.CALL_TREE,
    "diff": Capability.STATE_DIFF,
}
KNOWN_CAPABILITIES: dict[str, frozenset[Capability]] = {
    "pyevm": ANSWERS | {Capability.CREATION, Capability.BLOCK, Capability.EMBEDDED},
    "anvil": frozenset(Capability) - {Capability.EMBEDDED},
}
"""Which engine gives what, for the sentence that sends one to another engine. A node gives what it offers."""


@dataclass(frozen=True, slots=True)
class BlockEnv:
    """The block a call runs in. Times are unix seconds."""

    chain_id: int
    number: int
    timestamp: int
    base_fee_wei: int = 0
    coinbase: Address = ZERO_ADDRESS
    prevrandao: bytes = bytes(32)
    gas_limit: int = BLOCK_GAS_LIMIT


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction at gas price 0. `to` is None to create a contract. A sender with code is allowed."""

    sender: Address
    to: Address | None
    data: bytes = b""
    value: int = 0
    gas: int = DEFAULT_GAS


@dataclass(frozen=True, slots=True)
class Log:
    """One event log; topics are 32 bytes each."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class CallFrame:
    """One call in the call tree.

    Attributes:
        kind: how it was called.
        sender: msg.sender inside the frame.
        to: the account whose storage and address the frame runs with; of a creation that failed, some engines say zero.
        code_address: whose code runs; differs from `to` for a delegatecall.
        value: wei moved to `to`; 0 for a delegatecall.
        gas_used: of the frame; for the transaction's own frame some engines count the intrinsic gas in.
        error: None when it succeeded; "revert" keeps the gas left, the others burn it.
        children: the calls it made, in order, precompiles included.
        logs: what it emitted; of a frame that was undone engines keep more or less of it.
    """

    kind: FrameKind
    sender: Address
    to: Address
    code_address: Address
    value: int
    input: bytes
    output: bytes
    gas: int
    gas_used: int
    error: FrameError | None
    children: tuple[CallFrame, ...] = ()
    logs: tuple[Log, ...] = ()

    def walk(self) -> Iterator[CallFrame]:
        """Yield this frame and all below it, in call order."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Outcome:
    """What one transaction did.

    Attributes:
        success: whether the top frame ended without error.
        output: return data, or revert data; the deployed address of a creation is `created`.
        gas_used: of the whole transaction: intrinsic gas, refunds and the EIP-7623 floor included.
        logs: in emission order; empty when it failed.
        error: why it failed.
        frame: the call tree.
        diff: what it changed; the sender's nonce also when it failed.
        created: the address of the contract it created.

    Reading a part that was neither asked for nor given raises UnsupportedError; no part is ever made up.
    """

    success: bool
    output: bytes
    gas_used: int
    logs: tuple[Log, ...]
    error: FrameError | None
    frame: CallFrame
    diff: StateDiff
    created: Address | None = None

    @classmethod
    def partial(cls, **given: Any) -> Self:
        """Return an outcome of these parts alone."""
        self = object.__new__(cls)
        for name, value in {"created": None, **given}.items():
            object.__setattr__(self, name, value)
        return self

    def __getattr__(self, name: str) -> Any:
        part = _PART_OF.get(name)
        if part is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        raise UnsupportedError(
            f"{name}: this outcome carries no {part}", hint=f"ask for it: needs={{Capability.{part.name}}}"
        )

    def has(self, part: Capability) -> bool:
        """Return whether this part of the outcome was given."""
        return self._given().get(next((n for n, p in _PART_OF.items() if p is part), ""), _ABSENT) is not _ABSENT

    def _given(self) -> dict[str, Any]:
        # the slots' own lookup, because getattr would raise for what was not given
        found: dict[str, Any] = {}
        for field in fields(self):
            try:
                found[field.name] = object.__getattribute__(self, field.name)
            except AttributeError:
                continue
        return found

    def __repr__(self) -> str:
        return f"Outcome({', '.join(f'{name}={value!r}' for name, value in self._given().items())})"

    def __eq__(self, other: object) -> bool:
        return self._given() == other._given() if isinstance(other, Outcome) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # a diff holds dictionaries


Answer = Outcome | ExecutionError
"""What came of one of many: an outcome, or why that transaction cannot enter a block."""


@runtime_checkable
class Engine(Protocol):
    """Executes transactions over a world it does not change."""

    name: str
    capabilities: frozenset[Capability]

    def execute(
        self,
        world: World,
        block: BlockEnv,
        transaction: Transaction,
        *,
        needs: frozenset[Capability] | None = None,
    ) -> Outcome:
        """Return what `transaction` would do.

        Args:
            world: the state; read, never changed.
            block: the block it would run in.
            transaction: what to run.
            needs: the parts of the outcome that are wanted; every part the engine can give when None.

        Raises:
            ExecutionError: the transaction cannot enter a block (balance, intrinsic gas).
            UnsupportedError: the engine cannot give what is needed; the message names engines that can.
            EngineError: the engine could not answer.
        """

    def execute_many(
        self,
        world: World,
        block: BlockEnv,
        transactions: Sequence[Transaction],
        *,
        carry: bool = False,
        needs: frozenset[Capability] | None = None,
    ) -> list[Answer]:
        """Return what each would do, in order; one that cannot enter a block does not lose the others.

        Args:
            carry: run them one after another in the same block, each on the state the one before left;
                otherwise each on `world` as it stands.

        Raises:
            UnsupportedError, EngineError: as `execute`.
        """


class PlainEngine(Protocol):
    """The least an engine can be: an outcome with every part, for one transaction at a time."""

    name: str

    def execute(self, world: World, block: BlockEnv, transaction: Transaction) -> Outcome:
        """As Engine.execute without `needs`."""


class FullEngine:
    """Makes a PlainEngine an Engine: it always gives every part, and many are done in a loop."""

    def __init__(
        self, plain: PlainEngine, *, capabilities: frozenset[Capability] = KNOWN_CAPABILITIES["pyevm"]
    ) -> None:
        self.plain = plain
        self.name = plain.name
        self.capabilities = capabilities

    def execute(
        self,
        world: World,
        block: BlockEnv,
        transaction: Transaction,
        *,
        needs: frozenset[Capability] | None = None,
    ) -> Outcome:
        """Return the outcome, with every part. See Engine.execute."""
        require(self, needs or frozenset(), transaction)
        return self.plain.execute(world, block, transaction)

    def execute_many(
        self,
        world: World,
        block: BlockEnv,
        transactions: Sequence[Transaction],
        *,
        carry: bool = False,
        needs: frozenset[Capability] | None = None,
    ) -> list[Answer]:
        """Return the outcomes, one at a time. See Engine.execute_many."""
        return execute_each(self, world, block, transactions, carry=carry, needs=needs)


def as_engine(engine: Engine | PlainEngine) -> Engine:
    """Return the engine itself, or a plain one with the rest of the interface added."""
    return engine if isinstance(engine, Engine) else FullEngine(engine)


def execute_each(
    engine: Engine,
    world: World,
    block: BlockEnv,
    transactions: Sequence[Transaction],
    *,
    carry: bool,
    needs: frozenset[Capability] | None,
) -> list[Answer]:
    """Return what Engine.execute_many returns, by asking for one at a time."""
    answers: list[Answer] = []
    if carry:
        world = world.copy()
        needs = None if needs is None else needs | {Capability.STATE_DIFF}
    for transaction in transactions:
        try:
            outcome = engine.execute(world, block, transaction, needs=needs)
        except ExecutionError as error:
            answers.append(error)
            continue
        if carry:
            world.apply(outcome.diff)
        answers.append(outcome)
    return answers


def require(engine: Engine, needs: frozenset[Capability], transaction: Transaction | None = None) -> None:
    """Return when the engine can give all of `needs`; raise otherwise.

    Raises:
        UnsupportedError: naming what is missing and the engines that have it.
    """
    wanted = set(needs)
    if transaction is not None and transaction.to is None:
        wanted.add(Capability.CREATION)
    missing = sorted(wanted - engine.capabilities)
    if missing:
        able = [name for name, given in KNOWN_CAPABILITIES.items() if given.issuperset(missing) and name != engine.name]
        raise UnsupportedError(
            f"engine {engine.name}: expected {', '.join(missing)}, but it cannot give"
            f" {'it' if len(missing) == 1 else 'them'}",
            hint=f"use {' or '.join(able)}" if able else "no engine here can",
        )


def intrinsic_gas(transaction: Transaction) -> tuple[int, int]:
    """Return (intrinsic gas, EIP-7623 floor) of a transaction without access list or authorizations."""
    zeros = transaction.data.count(0)
    tokens = zeros + 4 * (len(transaction.data) - zeros)
    gas = _TX_GAS + 4 * tokens
    if transaction.to is None:
        gas += _CREATE_GAS + INITCODE_WORD_GAS * ((len(transaction.data) + 31) // 32)
    return gas, _TX_GAS + 10 * tokens


def check_entry(world: World, transaction: Transaction) -> None:
    """Return when the transaction can enter a block at gas price 0; raise otherwise.

    Raises:
        ExecutionError: too little gas to begin, or more value than the sender holds.
    """
    least = max(intrinsic_gas(transaction))
    if transaction.gas < least:
        raise ExecutionError(f"gas: expected at least {least}, got {transaction.gas}")
    balance = world.balance(transaction.sender)
    if balance < transaction.value:
        raise ExecutionError(
            f"value: {transaction.sender} holds {balance} wei, the transaction sends {transaction.value}"
        )


_ABSENT: Any = object()
