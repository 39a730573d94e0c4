"""Which engine answers: one by name, the fastest that can answer exactly, or two that must agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, ClassVar, TypeVar

from caveats.errors import EncodingError, EngineError, ExecutionError, TransportError, UnsupportedError, abbreviate
from delegations.evm.engine import (
    ANSWERS,
    Answer,
    BlockEnv,
    CallFrame,
    Capability,
    Engine,
    Outcome,
    PlainEngine,
    Transaction,
    as_engine,
    require,
)
from delegations.evm.world import EMPTY_ACCOUNT, StateDiff, World

_T = TypeVar("_T")
_LAST_PRECOMPILE = 0x11
ENGINE_NAMES = ("pyevm", "pyevm-blocks", "anvil", "auto", "both")


def make_engine(choice: Engine | PlainEngine | str | None = None) -> Engine:
    """Return the engine of a name ("pyevm" when None), or the given engine itself.

    Anvil and what stands on it are shared by all who ask by name: one child process for each chain id.

    Raises:
        EncodingError: there is no engine of that name.
        UnsupportedError: there is no anvil here, and "anvil" or "both" was asked for.
    """
    if choice is None or choice == "pyevm":
        return _embedded()
    if choice == "pyevm-blocks":
        from delegations.evm.blocks import BlocksEngine

        return as_engine(BlocksEngine())
    if choice == "anvil":
        return _anvil()
    if choice == "auto":
        from delegations.evm.process import find_anvil

        return AutoEngine((_anvil(), _embedded()) if find_anvil() else (_embedded(),))
    if choice == "both":
        return BothEngine(_embedded(), _anvil())
    if isinstance(choice, str):
        raise EncodingError.of(
            "engine", expected=" or ".join(f'"{name}"' for name in ENGINE_NAMES) + ", or an engine", got=choice
        )
    return as_engine(choice)


def _embedded() -> Engine:
    from delegations.evm.pyevm import PyEvmEngine

    return as_engine(PyEvmEngine())


@lru_cache(maxsize=1)
def _anvil() -> Engine:
    from delegations.evm.anvil import AnvilEngine
    from delegations.evm.process import require_anvil

    return AnvilEngine(require_anvil())


class AutoEngine:
    """Asks the first of its engines that can answer; the next when that one cannot, or could not be asked.

    Every engine in the list answers exactly, so who answers changes the time it takes and nothing else.
    """

    name = "auto"

    def __init__(self, engines: Sequence[Engine]) -> None:
        self.engines = tuple(engines)
        given: frozenset[Capability] = frozenset().union(*(engine.capabilities for engine in engines))
        embedded = all(Capability.EMBEDDED in engine.capabilities for engine in engines)
        self.capabilities = given if embedded else given - {Capability.EMBEDDED}

    def execute(
        self,
        world: World,
        block: BlockEnv,
        transaction: Transaction,
        *,
        needs: frozenset[Capability] | None = None,
    ) -> Outcome:
        """Return the first answer there is. See Engine.execute."""
        return self._first(lambda engine: engine.execute(world, block, transaction, needs=needs), needs)

    def execute_many(
        self,
        world: World,
        block: BlockEnv,
        transactions: Sequence[Transaction],
        *,
        carry: bool = False,
        needs: frozenset[Capability] | None = None,
    ) -> list[Answer]:
        """Return the first answers there are. See Engine.execute_many."""
        return self._first(
            lambda engine: engine.execute_many(world, block, transactions, carry=carry, needs=needs), needs
        )

    def _first(self, ask: Callable[[Engine], _T], needs: frozenset[Capability] | None) -> _T:
        why: EngineError | UnsupportedError | None = None
        for engine in self.engines:
            try:
                return ask(engine)
            except (UnsupportedError, TransportError) as error:
                # what an engine lacks says less than why it could not be asked
                why = error if why is None or isinstance(error, TransportError) else why
        raise why or UnsupportedError(f"engine auto: no engine here gives {', '.join(sorted(needs or ()))}")


class DisagreementError(EngineError):
    """Two engines gave different answers, so there is none.

    Attributes:
        part: what differs, such as "gas_used" or "frame[3].output".
        answers: what each engine said, by its name.
    """

    code: ClassVar[str] = "engine.disagreement"

    def __init__(self, part: str, answers: dict[str, Any]) -> None:
        said = ", ".join(f"{name} says {abbreviate(answer)}" for name, answer in answers.items())
        super().__init__(f"the engines differ in {part}: {said}", hint="neither answer is used; report it")
        self.part = part
        self.answers = answers


class BothEngine:
    """Asks two engines and answers only where they agree in every part that was needed."""

    name = "both"

    def __init__(self, first: Engine, second: Engine) -> None:
        self.first, self.second = first, second
        self.capabilities = first.capabilities & second.capabilities

    def execute(
        self,
        world: World,
        block: BlockEnv,
        transaction: Transaction,
        *,
        needs: frozenset[Capability] | None = None,
    ) -> Outcome:
        """Return the answer both give.

        Raises:
            DisagreementError: they differ.
        """
        (answer,) = self.execute_many(world, block, [transaction], needs=needs)
        if isinstance(answer, ExecutionError):
            raise answer
        return answer

    def execute_many(
        self,
        world: World,
        block: BlockEnv,
        transactions: Sequence[Transaction],
        *,
        carry: bool = False,
        needs: frozenset[Capability] | None = None,
    ) -> list[Answer]:
        """Return the answers both give. Raises DisagreementError."""
        wanted = self.capabilities & ANSWERS if needs is None else needs
        require(self, wanted)
        answers = [
            engine.execute_many(world, block, transactions, carry=carry, needs=wanted)
            for engine in (self.first, self.second)
        ]
        for index, (one, other) in enumerate(zip(*answers, strict=True)):
            for part, first, second in differences(one, other, wanted, world=world):
                where = part if len(transactions) == 1 else f"transaction {index}, {part}"
                raise DisagreementError(where, {self.first.name: first, self.second.name: second})
        return answers[0]


def differences(
    one: Answer, other: Answer, needs: frozenset[Capability] = ANSWERS, *, world: World | None = None
) -> Iterator[tuple[str, Any, Any]]:
    """Yield (part, one's, other's) for all that differs in the parts needed.

    State diffs are compared by what they make of `world`, where it is given. Left out, because engines tell it each in
    their way: gas used and code address of the transaction's own frame, logs of frames that were undone, addresses of
    creations that failed, and how a precompile failed.
    """
    if isinstance(one, ExecutionError) or isinstance(other, ExecutionError):
        if not (isinstance(one, ExecutionError) and isinstance(other, ExecutionError)):
            yield "whether it can enter a block", _entry(one), _entry(other)
        return
    parts = ["success", "output", "created"]
    parts += [
        name
        for name, part in (("gas_used", Capability.GAS), ("logs", Capability.LOGS), ("error", Capability.ERROR))
        if part in needs
    ]
    for name in parts:
        first, second = getattr(one, name), getattr(other, name)
        if first != second:
            yield name, first, second
    if Capability.STATE_DIFF in needs and _effect(one.diff, world) != _effect(other.diff, world):
        yield "diff", one.diff, other.diff
    if Capability.CALL_TREE in needs:
        yield from _frame_differences(one.frame, other.frame)


def _effect(diff: StateDiff, world: World | None) -> tuple[object, object]:
    """Return what a diff comes down to. An account that is empty is no account, whether it was touched, deleted or
    never there (EIP-161); and storage is only wiped where a contract comes into being or ends, which had none."""
    before = World() if world is None else world
    accounts = {address: state or EMPTY_ACCOUNT for address, state in diff.accounts.items()}
    changed = {a: state for a, state in accounts.items() if state != (before.account(a) or EMPTY_ACCOUNT)}
    storage = {key: value for key, value in diff.storage.items() if value or key[0] not in diff.wiped}
    return changed, storage


def _entry(answer: Answer) -> str:
    return f"no: {answer}" if isinstance(answer, ExecutionError) else "yes"


def _frame_differences(one: CallFrame, other: CallFrame) -> Iterator[tuple[str, Any, Any]]:
    names = ("kind", "sender", "to", "code_address", "value", "input", "output", "gas", "gas_used", "error", "logs")
    pairs = zip(_walk(one), _walk(other), strict=False)
    for index, ((first, first_stands), (second, second_stands)) in enumerate(pairs):
        free = _free_in(first, is_top=index == 0, stands=first_stands and second_stands)
        for name in names:
            said, also = getattr(first, name), getattr(second, name)
            if said != also and (name not in free or None in (said, also)):
                yield f"frame[{index}].{name}", said, also
        if len(first.children) != len(second.children):
            yield f"frame[{index}] calls", len(first.children), len(second.children)
            return


def _free_in(frame: CallFrame, *, is_top: bool, stands: bool) -> set[str]:
    """Return what engines may tell each in their way about a frame; that it failed is never free."""
    free = set()
    if is_top:
        # some count the intrinsic gas in, some name an EIP-7702 account where others name its implementation
        free |= {"gas_used", "code_address"}
        if frame.kind == "CREATE":
            free.add("gas")  # some count the price of the init code in
    if not stands:
        free.add("logs")
    if frame.kind == "CREATE" and frame.error is not None:
        free |= {"to", "code_address"}
    if int.from_bytes(frame.code_address, "big") <= _LAST_PRECOMPILE:
        free.add("error")
    return free


def _walk(frame: CallFrame, stands: bool = True) -> Iterator[tuple[CallFrame, bool]]:
    stands = stands and frame.error is None
    yield frame, stands
    for child in frame.children:
        yield from _walk(child, stands)
