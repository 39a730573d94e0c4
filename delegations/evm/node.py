"""Any JSON-RPC endpoint as an engine: it executes on its own state, with ours written over it.

What it offers is found out by asking it to run five bytes of code at an address and a time of our own: a node that
overlooks an override would otherwise answer another question than the one put.

Source: Ethereum execution APIs (eth_call, eth_simulateV1), geth's debug_traceCall.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from caveats.errors import EngineError, TransportError, UnsupportedError
from caveats.types import Address
from delegations.evm.engine import (
    ANSWERS,
    Answer,
    BlockEnv,
    Capability,
    Outcome,
    Transaction,
    check_entry,
    execute_each,
    require,
)
from delegations.evm.forked import ForkedWorld, NodeState
from delegations.evm.rpc import HttpTransport, RpcClient, RpcError
from delegations.evm.wire import (
    CALL_TRACER,
    DIFF_TRACER,
    block_overrides,
    block_reference,
    from_data,
    from_quantity,
    simulate_payload,
    simulated_calls,
    simulated_outcome,
    state_diff,
    to_data,
    traced_outcome,
    transaction_object,
    unreadable,
)
from delegations.evm.world import World

_PROBE = Address(bytes.fromhex("70726f6265") + bytes(15))
# TIMESTAMP PUSH0 MSTORE PUSH1 32 PUSH0 RETURN
_PROBE_CODE = bytes.fromhex("425f5260205ff3")
_PROBE_AT = 4_000_000_000
_GIVEN_BY: dict[str, frozenset[Capability]] = {
    "eth_call": frozenset(),
    "eth_simulateV1": frozenset({Capability.GAS, Capability.LOGS, Capability.BLOCK}),
    "debug_traceCall": ANSWERS | {Capability.BLOCK, Capability.CREATION},
}
_REVERTED = 3
_NO_BLOCK = b"no block has this hash".rjust(32, b"\0")
_PROBED = ("eth_call", "eth_simulateV1", "debug_traceCall")


class NodeEngine:
    """Executes on a node. It takes only worlds that lie on that node: `world()`.

    Args:
        endpoint: a URL, or a client of one's own.
        at: the number of the block whose state is used; the newest when None. It is kept to by its hash, which each
            question names where the node takes one; elsewhere the node is asked after each which block that was.

    Attributes:
        chain_id: of the node.
        head: the block whose state is used, as the block a call would run in.
        methods: which of eth_call, eth_simulateV1 and debug_traceCall the node offers and runs as asked.
        capabilities: what follows from that.

    Raises:
        UnsupportedError: the node honours state overrides in none of the three.
        TransportError: the node could not be asked.
        EngineError: also later, when the block is no longer on the node's chain.
    """

    name = "node"

    def __init__(self, endpoint: str | RpcClient, *, at: int | None = None) -> None:
        self.client = endpoint if isinstance(endpoint, RpcClient) else RpcClient(HttpTransport(endpoint))
        self.chain_id = from_quantity(self.client.call("eth_chainId"))
        self.head, digest = self._read_head("latest" if at is None else hex(at))
        self._state = NodeState(self.client, self.head.number, digest=digest)
        self._block_in_call = False
        self._by_hash: frozenset[str] = frozenset()
        self.methods = self._probe()
        self.capabilities: frozenset[Capability] = frozenset().union(*(_GIVEN_BY[method] for method in self.methods))
        if self._block_in_call:
            self.capabilities |= {Capability.BLOCK}

    def world(self) -> ForkedWorld:
        """Return the node's state at the block, to write over."""
        return ForkedWorld(self._state)

    def execute(
        self,
        world: World,
        block: BlockEnv,
        transaction: Transaction,
        *,
        needs: frozenset[Capability] | None = None,
    ) -> Outcome:
        """Return what `transaction` would do. See Engine.execute.

        Raises:
            UnsupportedError: also for a world that does not lie on this node.
        """
        wanted = self.capabilities & ANSWERS if needs is None else needs
        require(self, wanted, transaction)
        overrides = self._check(world, block)
        check_entry(world, transaction)
        simulates = "eth_simulateV1" in self.methods
        if wanted <= _GIVEN_BY["eth_simulateV1"] and simulates and block.base_fee_wei == 0 and transaction.to:
            return self._simulate(overrides, block, transaction)
        if "debug_traceCall" in self.methods:
            return self._trace(world, overrides, block, transaction, wanted)
        if wanted:
            raise UnsupportedError(
                "engine node: eth_simulateV1 is not exact with a base fee or a creation", hint="use pyevm or anvil"
            )
        return self._call(overrides, block, transaction)

    def execute_many(
        self,
        world: World,
        block: BlockEnv,
        transactions: Sequence[Transaction],
        *,
        carry: bool = False,
        needs: frozenset[Capability] | None = None,
    ) -> list[Answer]:
        """Return what each would do, one request each. See Engine.execute_many."""
        return execute_each(self, world, block, transactions, carry=carry, needs=needs)

    def _check(self, world: World, block: BlockEnv) -> dict[str, dict[str, object]]:
        if not isinstance(world, ForkedWorld) or world.node is not self._state:
            raise UnsupportedError(
                "engine node: expected a world that lies on this node", hint="use engine.world(), or pyevm or anvil"
            )
        if block.chain_id != self.chain_id:
            raise UnsupportedError(f"engine node: expected chain id {self.chain_id}, got {block.chain_id}")
        if Capability.BLOCK not in self.capabilities and block != self.head:
            raise UnsupportedError(
                "engine node: this node runs calls in its own block only, so time and number cannot be chosen",
                hint="use pyevm over the same world",
            )
        return world.overrides()

    def _simulate(self, overrides: Mapping[str, Any], block: BlockEnv, transaction: Transaction) -> Outcome:
        payload = simulate_payload(block_overrides(block), [transaction_object(transaction)], stateOverrides=overrides)
        result = _good("eth_simulateV1", *self._asked("eth_simulateV1", [[payload]]))
        (call,) = simulated_calls(result, 1)
        outcome = simulated_outcome(call, transaction)
        if outcome is not None:
            return outcome
        # it failed, and whether by revert or halt is not told: that part stays out
        return Outcome.partial(success=False, output=b"", gas_used=from_quantity(call.get("gasUsed")), logs=())

    def _trace(
        self,
        world: World,
        overrides: Mapping[str, Any],
        block: BlockEnv,
        transaction: Transaction,
        wanted: frozenset[Capability],
    ) -> Outcome:
        tracers = [CALL_TRACER, DIFF_TRACER] if Capability.STATE_DIFF in wanted else [CALL_TRACER]
        more = {"stateOverrides": overrides, "blockOverrides": block_overrides(block)}
        call = transaction_object(transaction)
        results = self._asked("debug_traceCall", [[call, {**tracer, **more}] for tracer in tracers])
        traces = [_good("debug_traceCall", result) for result in results]
        given = {"diff": state_diff(traces[1], world)} if len(traces) == 2 else {}
        return traced_outcome(traces[0], world, **given)

    def _call(self, overrides: Mapping[str, Any], block: BlockEnv, transaction: Transaction) -> Outcome:
        params: list[Any] = [transaction_object(transaction), overrides]
        if self._block_in_call:
            params.append(block_overrides(block))
        (result,) = self._asked("eth_call", [params])
        if not isinstance(result, RpcError):
            return Outcome.partial(success=True, output=from_data(result), error=None)
        data = result.data.get("data") if isinstance(result.data, dict) else result.data
        is_revert = result.rpc_code == _REVERTED or "revert" in str(result).lower()
        if not is_revert:
            # anything else may be a refusal of the node as well as a failure of the call
            raise EngineError(f"engine node could not answer: {result}") from result
        return Outcome.partial(success=False, output=from_data(data or "0x"), error="revert")

    def _asked(self, method: str, params: Sequence[list[Any]]) -> list[Any]:
        """Return the answers of a method about the block, which is its second parameter."""
        by_hash = method in self._by_hash
        at = self._state.reference(by_hash=by_hash)
        return self._state.ask([(method, [first, at, *more]) for first, *more in params], by_hash=by_hash)

    def _read_head(self, tag: str) -> tuple[BlockEnv, bytes]:
        block = self.client.call("eth_getBlockByNumber", tag, False)
        if not isinstance(block, dict):
            raise TransportError(f"could not read block {tag}: the node has none")
        coinbase = block.get("miner")
        if not isinstance(coinbase, str):
            raise unreadable("a block with a miner", coinbase)
        digest = from_data(block.get("hash"))
        if len(digest) != 32:
            raise unreadable("a block with a hash of 32 bytes", block.get("hash"))
        head = BlockEnv(
            chain_id=self.chain_id,
            number=from_quantity(block.get("number")),
            timestamp=from_quantity(block.get("timestamp")),
            coinbase=Address(from_data(coinbase)),
            prevrandao=from_data(block.get("mixHash") or "0x" + "00" * 32),
            gas_limit=from_quantity(block.get("gasLimit")),
        )
        return head, digest

    def _probe(self) -> frozenset[str]:
        """Return the methods that run our code at our address, and at our time except for eth_call."""
        probe = Transaction(Address(bytes(20)), _PROBE, gas=1_000_000)
        state = {to_data(_PROBE): {"code": to_data(_PROBE_CODE)}}
        at = {"time": hex(_PROBE_AT)}
        call = transaction_object(probe)
        simulation = simulate_payload(at, [call], stateOverrides=state)
        trace = {**CALL_TRACER, "stateOverrides": state, "blockOverrides": at}

        def ask(tag: object) -> list[Any]:
            return self.client.batch(
                [
                    ("eth_call", [call, tag, state]),
                    ("eth_call", [call, tag, state, at]),
                    ("eth_simulateV1", [simulation, tag]),
                    ("debug_traceCall", [call, tag, trace]),
                    ("eth_getBalance", [to_data(_PROBE), tag]),
                ]
            )

        answers = ask(self._state.reference(by_hash=False))
        asked = to_data(_PROBE_AT.to_bytes(32, "big"))
        self._block_in_call = answers[1] == asked
        found = self._good_of(answers)
        if not found:
            raise UnsupportedError(
                f"engine node: {self.client.transport.label} runs no call with state overrides",
                hint="its state can still be read: use pyevm over a forked world",
            )
        self._by_hash = self._find_hash_takers(ask)
        return found

    def _find_hash_takers(self, ask: Callable[[object], list[Any]]) -> frozenset[str]:
        """Return the methods that take the block's hash, and note whether reading the state does."""
        named, of_none = ask(self._state.reference(by_hash=True)), ask(block_reference(_NO_BLOCK))
        # a node that answers for a hash of no block overlooks hashes
        *refused, is_state_refused = (isinstance(answer, RpcError) for answer in of_none)
        self._state.takes_hashes = is_state_refused and not isinstance(named[-1], RpcError)
        try:
            good = self._good_of(named)
        except TransportError:
            return frozenset()
        takers = zip(_PROBED, (refused[0] and refused[1], *refused[2:]), strict=True)
        return frozenset(method for method, is_refused in takers if is_refused) & good

    def _good_of(self, answers: Sequence[Any]) -> frozenset[str]:
        """Return the methods whose answer to the probe is what it had to be."""
        here, chosen, simulated, traced, _ = answers
        asked = to_data(_PROBE_AT.to_bytes(32, "big"))
        found = set()
        if chosen == asked if self._block_in_call else here == to_data(self.head.timestamp.to_bytes(32, "big")):
            found.add("eth_call")
        if not isinstance(simulated, RpcError) and simulated_calls(simulated, 1)[0].get("returnData") == asked:
            found.add("eth_simulateV1")
        if isinstance(traced, dict) and traced.get("output") == asked:
            found.add("debug_traceCall")
        return frozenset(found)


def _good(method: str, result: Any) -> Any:
    if isinstance(result, RpcError):
        raise EngineError(f"engine node could not answer {method}: {result}") from result
    return result
