"""The fast engine: Foundry's anvil as a child process, spoken to by a raw client.

State stays ours. The engine remembers what it pushed and pushes what differs before each question; nothing is ever
mined, so what was pushed is exactly what stands there.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from caveats.errors import EngineError, ExecutionError, TransportError, UnsupportedError
from delegations.evm.engine import (
    ANSWERS,
    KNOWN_CAPABILITIES,
    Answer,
    BlockEnv,
    Capability,
    Outcome,
    Transaction,
    check_entry,
    execute_each,
    require,
)
from delegations.evm.forked import ForkedWorld
from delegations.evm.process import AnvilProcess, require_anvil
from delegations.evm.rpc import RpcClient, RpcError
from delegations.evm.wire import (
    CALL_TRACER,
    DIFF_TRACER,
    block_overrides,
    simulate_payload,
    simulated_calls,
    simulated_outcome,
    state_diff,
    to_data,
    to_word,
    traced_outcome,
    transaction_object,
)
from delegations.evm.world import EMPTY_ACCOUNT, AccountState, World

_SIMULATED = frozenset({Capability.GAS, Capability.LOGS, Capability.ERROR})
_MAX_UINT64 = 2**64 - 1
_BATCH = 100
# anvil puts this contract there at genesis; our worlds hold it only where they say so. Source: EIP-2935.
_HISTORY_CONTRACT = bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935")
_T = TypeVar("_T")
Request = tuple[str, list[Any]]


class AnvilEngine:
    """Executes on anvil: exact in gas, logs, revert data and call tree, and many times as fast as the embedded engine.

    The process starts with the first question, one for each chain id, and ends with `close`, with this process, or when
    the engine is no longer referred to. It may be used from several threads.

    Args:
        binary: the executable; the one on the path or in node_modules when None.
        fork: the rules, by anvil's name: "prague", "osaka".
    """

    name = "anvil"
    capabilities = KNOWN_CAPABILITIES["anvil"]

    def __init__(self, binary: Path | None = None, *, fork: str = "prague") -> None:
        self.fork = fork
        self._binary = binary
        self._lock = threading.RLock()
        self._anvils: dict[int, _Anvil] = {}
        # runs when the engine is dropped, or at exit while the interpreter is still whole
        weakref.finalize(self, _stop_all, self._anvils)
        self._owner = os.getpid()

    def execute(
        self,
        world: World,
        block: BlockEnv,
        transaction: Transaction,
        *,
        needs: frozenset[Capability] | None = None,
    ) -> Outcome:
        """Return what `transaction` would do. See Engine.execute."""
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
        """Return what each would do, a hundred to a request. See Engine.execute_many."""
        wanted = ANSWERS if needs is None else needs
        require(self, wanted)
        _check_block(block)
        if isinstance(world, ForkedWorld):
            raise UnsupportedError(
                "engine anvil: cannot hold a world whose rest lies on a node",
                hint="use pyevm or node for a forked chain",
            )
        if carry and _fits_simulation(wanted, block, transactions):
            carried = self._ask(world, block, lambda anvil: _carried(anvil, block, transactions))
            if carried is not None:
                return carried
        if carry:
            return execute_each(self, world, block, transactions, carry=True, needs=needs)
        return self._ask(world, block, lambda anvil: _independent(anvil, world, block, transactions, wanted))

    def close(self) -> None:
        """End the child processes. The engine can be used again; that starts new ones."""
        with self._lock:
            for anvil in self._anvils.values():
                anvil.stop()
            self._anvils.clear()

    def __enter__(self) -> AnvilEngine:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _ask(self, world: World, block: BlockEnv, question: Callable[[_Anvil], _T]) -> _T:
        with self._lock:
            for last in (False, True):
                anvil = self._anvil(block.chain_id)
                try:
                    anvil.push(world)
                    return question(anvil)
                except TransportError:
                    # what it holds is no longer known: a new process is told everything
                    anvil.stop()
                    del self._anvils[block.chain_id]
                    if last:
                        raise
            raise AssertionError("unreachable: the last attempt returns or raises")

    def _anvil(self, chain_id: int) -> _Anvil:
        if self._owner != os.getpid():
            # after a fork the processes are the parent's, and it would push other states to them
            for inherited in self._anvils.values():
                inherited.client.close()
            self._owner = os.getpid()
            self._anvils.clear()
        anvil = self._anvils.get(chain_id)
        if anvil is None:
            binary = self._binary or require_anvil()
            anvil = self._anvils[chain_id] = _Anvil(AnvilProcess(binary, chain_id=chain_id, fork=self.fork))
        return anvil


def _stop_all(anvils: dict[int, _Anvil]) -> None:
    for anvil in anvils.values():
        anvil.stop()


class _Anvil:
    """One process, its client, and what was pushed to it."""

    def __init__(self, process: AnvilProcess) -> None:
        self.process = process
        self.client = RpcClient(process.transport, attempts=1)
        self.pushed = World({_HISTORY_CONTRACT: AccountState(code=b"\0")})

    def stop(self) -> None:
        self.client.close()
        self.process.stop()

    def push(self, world: World) -> None:
        """Make anvil's state that of `world`."""
        pushed = self.pushed
        if pushed.accounts == world.accounts and pushed.slots == world.slots:
            return
        requests = list(_differences(pushed, world))
        for start in range(0, len(requests), 1000):
            for result in self.client.batch(requests[start : start + 1000]):
                if isinstance(result, RpcError):
                    # half of it may have been taken
                    raise TransportError(f"anvil did not take the state: {result}") from result
        self.pushed = world.copy()


def _differences(old: World, new: World) -> Iterator[Request]:
    for address in old.accounts.keys() | new.accounts.keys():
        before, after = old.accounts.get(address, EMPTY_ACCOUNT), new.accounts.get(address, EMPTY_ACCOUNT)
        if before is after or before == after:
            continue
        text = to_data(address)
        if before.balance != after.balance:
            yield "anvil_setBalance", [text, hex(after.balance)]
        if before.nonce != after.nonce:
            yield "anvil_setNonce", [text, hex(after.nonce)]
        if before.code != after.code:
            yield "anvil_setCode", [text, to_data(after.code)]
    for address in old.slots.keys() | new.slots.keys():
        was, now = old.slots.get(address, {}), new.slots.get(address, {})
        if was != now:
            for slot in was.keys() | now.keys():
                if was.get(slot, 0) != now.get(slot, 0):
                    yield "anvil_setStorageAt", [to_data(address), to_word(slot), to_word(now.get(slot, 0))]


def _check_block(block: BlockEnv) -> None:
    for what, value in (("timestamp", block.timestamp), ("block number", block.number), ("gas limit", block.gas_limit)):
        if value > _MAX_UINT64:
            raise UnsupportedError(
                f"engine anvil: expected a {what} below 2^64, got {value}", hint="use pyevm, whose clock goes further"
            )


def _fits_simulation(needs: frozenset[Capability], block: BlockEnv, transactions: Sequence[Transaction]) -> bool:
    # anvil's eth_simulateV1 takes no creation, and BASEFEE reads 0 in it whatever the block says
    return needs <= _SIMULATED and block.base_fee_wei == 0 and all(t.to is not None for t in transactions)


def _simulation(block: BlockEnv, transactions: Sequence[Transaction]) -> Request:
    calls = [transaction_object(transaction) for transaction in transactions]
    return "eth_simulateV1", [simulate_payload(block_overrides(block), calls), "latest"]


def _trace(block: BlockEnv, transaction: Transaction, tracer: dict[str, Any]) -> Request:
    options = {**tracer, "blockOverrides": block_overrides(block)}
    return "debug_traceCall", [transaction_object(transaction), "latest", options]


def _carried(anvil: _Anvil, block: BlockEnv, transactions: Sequence[Transaction]) -> list[Answer] | None:
    """Return the outcomes of one simulated block; None when one of them has to be looked at more closely."""
    (result,) = anvil.client.batch([_simulation(block, transactions)])
    if isinstance(result, RpcError):
        return None
    answers: list[Answer] = []
    for call, transaction in zip(simulated_calls(result, len(transactions)), transactions, strict=True):
        outcome = simulated_outcome(call, transaction)
        if outcome is None:
            return None
        answers.append(outcome)
    return answers


def _independent(
    anvil: _Anvil,
    world: World,
    block: BlockEnv,
    transactions: Sequence[Transaction],
    needs: frozenset[Capability],
) -> list[Answer]:
    answers: list[Answer | None] = [None] * len(transactions)
    simulated: list[int] = []
    traced: list[int] = []
    for index, transaction in enumerate(transactions):
        try:
            check_entry(world, transaction)
        except ExecutionError as error:
            answers[index] = error
            continue
        (simulated if _fits_simulation(needs, block, [transaction]) else traced).append(index)
    for index, result in _in_batches(anvil, simulated, lambda i: [_simulation(block, [transactions[i]])]):
        outcome = simulated_outcome(simulated_calls(_good(result[0]), 1)[0], transactions[index])
        if outcome is None:
            traced.append(index)
        answers[index] = outcome
    tracers = [CALL_TRACER, DIFF_TRACER] if Capability.STATE_DIFF in needs else [CALL_TRACER]
    for index, result in _in_batches(
        anvil, traced, lambda i: [_trace(block, transactions[i], tracer) for tracer in tracers]
    ):
        more = {"diff": state_diff(_good(result[1]), world)} if len(tracers) == 2 else {}
        answers[index] = traced_outcome(_good(result[0]), world, **more)
    return [answer for answer in answers if answer is not None]


def _in_batches(
    anvil: _Anvil, indexes: Sequence[int], requests: Callable[[int], list[Request]]
) -> Iterator[tuple[int, list[Any]]]:
    for start in range(0, len(indexes), _BATCH):
        chunk = indexes[start : start + _BATCH]
        asked = [requests(index) for index in chunk]
        results = iter(anvil.client.batch([request for group in asked for request in group]))
        for index, group in zip(chunk, asked, strict=True):
            yield index, [next(results) for _ in group]


def _good(result: Any) -> Any:
    if isinstance(result, RpcError):
        raise EngineError(f"engine anvil could not answer: {result}") from result
    return result
