"""A chain in memory, with the official framework at its canonical addresses.

It has a chain id of your choice, so a delegation signed for a live chain runs here unchanged. Time and block number
move only when told to: a call runs at `timestamp` in block `block_number`; a transaction that is sent takes the block
number one further and leaves the time alone.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from caveats.abi import encode_address, encode_uint
from caveats.errors import EncodingError, ExecutionError
from caveats.strict_json import parse_json
from caveats.types import ZERO_ADDRESS, Address, keccak, parse_hex, parse_uint256
from delegations.evm.engine import (
    ANSWERS,
    DEFAULT_GAS,
    BlockEnv,
    Capability,
    Engine,
    Outcome,
    PlainEngine,
    Transaction,
)
from delegations.evm.select import make_engine
from delegations.evm.stand_ins import install_stand_ins
from delegations.evm.world import World
from delegations.framework.artifact import load_framework
from delegations.framework.constants import (
    CREATE2_DEPLOYER,
    DELEGATION_MANAGER,
    EIP7702_PREFIX,
    EIP7702_STATELESS_DELEGATOR,
)

if TYPE_CHECKING:
    from caveats.execution import Execution
    from delegations.evm.fork_client import Patience
    from delegations.evm.node import NodeEngine
    from delegations.evm.rpc import RpcClient

GENESIS_AT = 1_767_225_600
"""2026-01-01 00:00:00 UTC, in unix seconds: when a chain starts unless told otherwise."""
ONE_ETHER = 10**18
_DEPLOYER = Address(keccak(b"delegations local deployer")[12:])
_INSTALL_GAS = 16_000_000


@lru_cache(maxsize=8)
def _framework_world(chain_id: int) -> World:
    """Return a world with every bundled contract constructed at its canonical address on `chain_id`.

    The official creation code runs, so that immutables such as the domain separator are those of the chain.
    """
    from delegations.evm.pyevm import PyEvmEngine

    world, engine = World(), PyEvmEngine()
    block = BlockEnv(chain_id=chain_id, number=1, timestamp=GENESIS_AT)
    for contract in load_framework().bundled():
        outcome = engine.create_at(world, block, contract.address, contract.init_code, sender=CREATE2_DEPLOYER)
        if not outcome.success:
            raise ExecutionError(f"constructing {contract.name} failed", revert_data=outcome.output)
        world.apply(outcome.diff)
    world.accounts.pop(bytes(CREATE2_DEPLOYER), None)
    return world


def official_code(chain_id: int, address: bytes) -> bytes | None:
    """Return the runtime code that the official constructor gives at `address` on a chain.

    None when that is not known: the address is not official, or its code is not bundled.
    """
    contract = load_framework().by_address(address)
    return None if contract is None or not contract.bundled else _framework_world(chain_id).code(address)


class LocalChain:
    """An in-memory chain under Prague rules.

    Args:
        chain_id: any EIP-155 chain id.
        timestamp: unix seconds of the first block.
        block_number: of the first block.
        engine: executes: "pyevm" (the default), "anvil", "auto" for the fastest that answers exactly, "both" for two
            that must agree, or an engine of one's own.
        world: start from this state instead of a fresh one with the framework.
        stand_ins: a fresh chain has this project's own code in the place of the official enforcers whose bytecode is
            not bundled (`delegations.evm.stand_ins`), and every verdict that rests on it warns of it. Without it
            there is no code at their addresses and asking for a verdict under them is an error.

    Attributes:
        world: the state, as plain data.
        timestamp: unix seconds the next call runs at.
        block_number: the block the next call runs in.
    """

    def __init__(
        self,
        chain_id: int = 31337,
        *,
        timestamp: int = GENESIS_AT,
        block_number: int = 1,
        engine: Engine | PlainEngine | str | None = None,
        world: World | None = None,
        stand_ins: bool = True,
    ) -> None:
        if not 0 < chain_id < 2**64:
            raise EncodingError.of("chain id", expected="a number from 1 to 2^64-1", got=chain_id)
        self.chain_id = chain_id
        self.timestamp = parse_uint256(timestamp)
        self.block_number = parse_uint256(block_number)
        self.engine: Engine = make_engine(engine)
        self.world = _framework_world(chain_id).copy() if world is None else world
        if world is None and stand_ins:
            install_stand_ins(self.world)
        self.manager = DELEGATION_MANAGER
        self._snapshots: list[tuple[World, int, int]] = []
        self._environment = BlockEnv(chain_id=chain_id, number=0, timestamp=0)

    @classmethod
    def fork(
        cls,
        node: NodeEngine | RpcClient | str,
        block: int | bytes | None = None,
        *,
        cache_dir: Path | None = None,
        patience: Patience | None = None,
        engine: Engine | PlainEngine | str = "pyevm",
    ) -> LocalChain:
        """Return a chain whose state is a node's after one block; what is done to it stays here.

        The next call runs in the block after it, at the earliest time that block can have: one second later. Base fee,
        coinbase, prevrandao and gas limit are those of the pinned block. The code is the node's, whatever it is.

        Args:
            node: a URL, a client of one's own, or the engine that already speaks to the node.
            block: the block's number, or its hash of 32 bytes; the newest when None. An engine has its own.
            cache_dir: where what is read is kept on disk, by chain, block and slot; nowhere when None.
            patience: how long to keep asking a node that does not answer.
            engine: "pyevm", or an embedded engine of one's own, executes here and reads what it needs; "node" executes
                on the node, which must then be given by number and takes neither cache nor patience.

        Raises:
            EncodingError: another engine, no URL, no block, or a cache that cannot be written.
            TransportError, EngineError: the node could not be asked, now or when more state is needed.
        """
        from delegations.evm.fork import open_fork
        from delegations.evm.forked import ForkedWorld
        from delegations.evm.node import NodeEngine

        if isinstance(engine, str) and engine not in ("pyevm", "node"):
            raise EncodingError.of("engine of a forked chain", expected='"pyevm" or "node"', got=engine)
        if isinstance(node, NodeEngine):
            if block is not None:
                raise EncodingError("block of a forked chain: the engine already has one", hint="give NodeEngine(at=)")
            block = node.head.number
        if engine == "node":
            if isinstance(block, bytes) or cache_dir is not None or patience is not None:
                raise EncodingError('engine "node" takes a block number, no cache and no patience', hint='use "pyevm"')
            source = node if isinstance(node, NodeEngine) else NodeEngine(node, at=block)
            return cls._after(source.head, source.world(), source)
        state = open_fork(
            node.client if isinstance(node, NodeEngine) else node, block, cache_dir=cache_dir, patience=patience
        )
        return cls._after(state.pin.environment, ForkedWorld(state), engine)

    @classmethod
    def _after(cls, pinned: BlockEnv, world: World, engine: Engine | PlainEngine | str) -> LocalChain:
        """Return the chain whose first block comes after `pinned`."""
        chain = cls(pinned.chain_id, engine=engine, world=world)
        # a node that cannot choose the block runs calls in its own
        ahead = 1 if Capability.BLOCK in chain.engine.capabilities else 0
        chain.timestamp, chain.block_number = pinned.timestamp + ahead, pinned.number + ahead
        chain._environment = pinned
        return chain

    # time

    def advance(self, seconds: int) -> None:
        """Move the clock on by `seconds` and the block number by one."""
        if seconds < 0:
            raise EncodingError.of(
                "seconds", expected="a number not below 0", got=seconds, hint="use snapshot to go back"
            )
        self.timestamp += seconds
        self.block_number += 1

    @property
    def block(self) -> BlockEnv:
        """The block the next call runs in."""
        return replace(self._environment, number=self.block_number, timestamp=self.timestamp)

    def copy(self) -> LocalChain:
        """Return an independent chain in the same state, on the same engine; it has no snapshots."""
        copied = LocalChain(
            self.chain_id,
            timestamp=self.timestamp,
            block_number=self.block_number,
            engine=self.engine,
            world=self.world.copy(),
        )
        copied._environment = self._environment
        return copied

    def snapshot(self) -> int:
        """Return a mark to which `revert` takes the chain back: state, time and block number."""
        self._snapshots.append((self.world.copy(), self.timestamp, self.block_number))
        return len(self._snapshots) - 1

    def revert(self, snapshot: int) -> None:
        """Take the chain back to a mark. The mark and all later ones are used up.

        Raises:
            EncodingError: there is no such mark.
        """
        if not 0 <= snapshot < len(self._snapshots):
            raise EncodingError.of(
                "snapshot", expected="a mark that snapshot() returned and not used yet", got=snapshot
            )
        self.world, self.timestamp, self.block_number = self._snapshots[snapshot]
        del self._snapshots[snapshot:]

    # accounts

    def fund(self, address: Address, amount_wei: int = 10 * ONE_ETHER) -> None:
        """Set the native balance of an account, in wei."""
        self.world.set_balance(address, amount_wei)

    def add_delegator(self, address: Address, amount_wei: int = 10 * ONE_ETHER) -> Address:
        """Make `address` an EIP-7702 account of the framework, as one authorization would, and fund it."""
        self.world.set_code(address, EIP7702_PREFIX + EIP7702_STATELESS_DELEGATOR)
        self.world.set_nonce(address, self.world.nonce(address) + 1)
        self.fund(address, amount_wei)
        return address

    def balance(self, address: Address, token: Address | None = None) -> int:
        """Return the balance in wei, or in base units of an ERC-20."""
        if token is None:
            return self.world.balance(address)
        outcome = self.call(token, _BALANCE_OF + encode_address(address), needs=frozenset())
        if not outcome.success or len(outcome.output) < 32:
            raise ExecutionError(f"token {token} does not answer balanceOf", revert_data=outcome.output)
        return int.from_bytes(outcome.output[:32], "big")

    # transactions

    def call(
        self,
        to: Address,
        data: bytes = b"",
        *,
        sender: Address = ZERO_ADDRESS,
        value: int = 0,
        gas: int = DEFAULT_GAS,
        needs: frozenset[Capability] | None = None,
    ) -> Outcome:
        """Return what a call would do now; nothing is kept. `needs` as for Engine.execute."""
        return self.engine.execute(self.world, self.block, Transaction(sender, to, data, value, gas), needs=needs)

    def send(
        self,
        sender: Address,
        to: Address | None,
        data: bytes = b"",
        *,
        value: int = 0,
        gas: int = DEFAULT_GAS,
    ) -> Outcome:
        """Execute a transaction and keep its effects; a failed one keeps only the sender's nonce. Never raises for
        a revert: look at the outcome."""
        transaction = Transaction(sender, to, data, value, gas)
        outcome = self.engine.execute(self.world, self.block, transaction, needs=ANSWERS)
        self.world.apply(outcome.diff)
        self.block_number += 1
        return outcome

    def send_execution(self, sender: Address, execution: Execution) -> Outcome:
        """Execute one call as a transaction of `sender`."""
        return self.send(sender, execution.target, execution.call_data, value=execution.value)

    def deploy(self, init_code: bytes, *, sender: Address = _DEPLOYER, gas: int = DEFAULT_GAS) -> Address:
        """Deploy a contract and return its address.

        Raises:
            ExecutionError: its constructor reverted.
        """
        outcome = self.send(sender, None, init_code, gas=gas)
        if outcome.created is None:
            raise ExecutionError("deployment failed: the constructor reverted", revert_data=outcome.output)
        return outcome.created

    def deploy_token(self, name: str = "Test Token", symbol: str = "TEST", decimals: int = 18) -> Address:
        """Deploy the test ERC-20 of this project, which anybody may mint, and return its address."""
        from eth_abi.abi import encode

        return self.deploy(contract_code("TestToken") + encode(["string", "string", "uint8"], [name, symbol, decimals]))

    def mint(self, token: Address, to: Address, amount: int) -> None:
        """Mint base units of a token deployed by `deploy_token`."""
        outcome = self.send(_DEPLOYER, token, _MINT + encode_address(to) + encode_uint(amount))
        if not outcome.success:
            raise ExecutionError(f"token {token} refused to mint", revert_data=outcome.output)

    # state files

    def to_json(self) -> str:
        """Return the whole chain as JSON: chain id, time, block and state."""
        return json.dumps(
            {
                "chainId": str(self.chain_id),
                "timestamp": str(self.timestamp),
                "blockNumber": str(self.block_number),
                "accounts": self.world.to_wire(),
            },
            indent=1,
        )

    @classmethod
    def from_json(cls, text: str | bytes, *, engine: Engine | PlainEngine | str | None = None) -> LocalChain:
        """Return the chain that `to_json` wrote. Raises EncodingError naming the part at fault."""
        wire = parse_json(text, what="chain state")
        keys = {"chainId", "timestamp", "blockNumber", "accounts"}
        if not isinstance(wire, dict) or wire.keys() != keys:
            raise EncodingError.of("chain state", expected=f"an object with {', '.join(sorted(keys))}", got=wire)
        return cls(
            parse_uint256(wire["chainId"]),
            timestamp=parse_uint256(wire["timestamp"]),
            block_number=parse_uint256(wire["blockNumber"]),
            engine=engine,
            world=World.from_wire(wire["accounts"]),
        )


_BALANCE_OF = keccak(b"balanceOf(address)")[:4]
_MINT = keccak(b"mint(address,uint256)")[:4]


def contract_code(name: str) -> bytes:
    """Return the creation code of a contract of this project, such as "TestToken".

    Raises:
        EncodingError: there is no such contract.
    """
    path = resources.files("delegations.evm") / "artifacts" / f"{name}.json"
    if not path.is_file():
        raise EncodingError.of("contract", expected="a contract of this project", got=name)
    return parse_hex(json.loads(path.read_text())["bytecode"], what=f"bytecode of {name}")
