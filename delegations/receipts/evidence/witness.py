"""Collects the state witness of a call: what it reads of the state, with proofs, so that anybody can run it again.

The call runs here, on state read from a node, and each account, slot and code it reads is noted and then proven.
Official code is left out: it is known by its hash, and whoever verifies builds it from the official creation code.

The convention of a call that was never mined: it runs on the state at the end of block N. Gas price and base fee are
zero; coinbase, prevrandao and gas limit are those of N. Its own block is N itself ("in", as eth_call runs at a block),
or the one after N, a second later ("after", as a forked chain runs). The rules are those of Prague.

Source: EIP-1186 (eth_getProof).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Literal, TypeVar

from caveats.errors import EncodingError, EngineError, TransportError, UnsupportedError
from caveats.types import ZERO_ADDRESS, Address, keccak
from delegations.evm.chain import official_code
from delegations.evm.engine import BlockEnv, Transaction
from delegations.evm.fork import PinnedState, open_fork
from delegations.evm.forked import ForkedWorld, NodeState
from delegations.evm.rpc import RpcClient, RpcError
from delegations.evm.wire import to_data
from delegations.evm.world import AccountState
from delegations.framework.artifact import load_framework
from delegations.receipts.evidence.builder import BundleBuilder, account_proof
from delegations.receipts.evidence.bundle import AccountProof, Witness
from delegations.receipts.evidence.header import Header
from delegations.receipts.model_parts import BlockRef

T = TypeVar("T")
Position = Literal["in", "after"]
Hints = Callable[[], Mapping[bytes, Iterable[int]]]


class RecordingState(NodeState):
    """A node's state that remembers what was asked of it.

    Attributes:
        accounts: the accounts that were read.
        slots: the slots that were read, by account.
        blocks: the numbers of the blocks whose hash was read.
    """

    __slots__ = ("_inner", "accounts", "blocks", "slots")

    def __init__(self, inner: NodeState) -> None:
        super().__init__(inner.client, inner.block)
        self._inner = inner
        self.accounts: dict[bytes, AccountState] = {}
        self.slots: dict[bytes, set[int]] = {}
        self.blocks: set[int] = set()

    def account(self, address: bytes) -> AccountState:
        """Return the account. Raises TransportError, EngineError."""
        key = bytes(address)
        if key not in self.accounts:
            self.accounts[key] = self._inner.account(key)
        return self.accounts[key]

    def storage(self, address: bytes, slot: int) -> int:
        """Return the value of a slot. Raises TransportError, EngineError."""
        self.account(address)
        self.slots.setdefault(bytes(address), set()).add(slot)
        return self._inner.storage(address, slot)

    def block_hash(self, number: int) -> bytes:
        """Return the hash of an earlier block. Raises TransportError, EngineError."""
        self.blocks.add(number)
        return self._inner.block_hash(number)


def environment(header: Header, chain_id: int, position: Position) -> BlockEnv:
    """Return the block a call that was never mined runs in: see the convention of this module."""
    ahead = 1 if position == "after" else 0
    return BlockEnv(
        chain_id=chain_id,
        number=header.number + ahead,
        timestamp=header.timestamp + ahead,
        coinbase=header.coinbase,
        prevrandao=bytes(header.mix_hash),
        gas_limit=header.gas_limit,
    )


def position_of(block: BlockRef, header: Header) -> Position | None:
    """Return how the block a receipt names stands to the one whose state is witnessed; None when in no such way."""
    if (block.number, block.timestamp) == (header.number, header.timestamp):
        return "in" if block.hash in (None, header.hash) else None
    is_next = (block.number, block.timestamp) == (header.number + 1, header.timestamp + 1)
    return "after" if is_next and block.hash is None else None


@lru_cache(maxsize=8)
def official_codes(chain_id: int) -> Mapping[bytes, bytes]:
    """Return the runtime code of every bundled official contract as it is on a chain, by the hash of the code."""
    codes = (official_code(chain_id, contract.address) for contract in load_framework().bundled())
    return {keccak(code): code for code in codes if code}


def add_witness(
    builder: BundleBuilder,
    place: int,
    client: RpcClient,
    call: Transaction,
    run: Callable[[ForkedWorld, Transaction], T],
    *,
    chain_id: int,
    hints: Hints | None = None,
) -> T:
    """Run a call on a node's state, add the witness of everything it reads to a bundle, and return what `run` gave.

    Args:
        builder: the bundle so far.
        place: of the header in it whose state the call runs on.
        client: asks the node.
        call: what is run.
        run: runs it on the world given, and reads of that world whatever its judgement rests on: the verifier runs the
            same over the witness, and may read nothing else.
        chain_id: of the chain, which must be the node's.
        hints: asks the node what will likely be read, accounts with their slots; the call alone by default.

    Raises:
        EncodingError: the node is of another chain.
        UnsupportedError: the call reads the hash of a block that no header of the witness tells.
        TransportError, EngineError: the node could not be asked, or its proofs do not hold.
    """
    header = builder.headers[place]
    state = open_fork(client, bytes(header.hash))
    if state.pin.environment.chain_id != chain_id:
        raise EncodingError.of("node", expected=f"chain {chain_id}", got=state.pin.environment.chain_id)
    if hints is None:
        state.expect(call, [call.sender, *([] if call.to is None else [call.to])])
    else:
        hinted = hints()
        state.load(hinted, [(address, slot) for address, slots in hinted.items() for slot in slots])
    reads = RecordingState(state)
    result = run(ForkedWorld(reads), call)
    _refuse_unprovable(reads, header)
    listed = _add_proofs(builder, place, client, state, reads, chain_id)
    builder.set_witness(
        Witness(
            header=place,
            chain_id=chain_id,
            sender=call.sender,
            to=call.to or ZERO_ADDRESS,
            data=call.data,
            value=call.value,
            gas=call.gas,
            accounts=listed,
        )
    )
    return result


def _refuse_unprovable(reads: RecordingState, header: Header) -> None:
    beyond = sorted(reads.blocks - {header.number, header.number - 1})
    if beyond:
        raise UnsupportedError(f"witness: the call reads the hash of block {beyond[0]}, which no header here tells")


def _add_proofs(
    builder: BundleBuilder, place: int, client: RpcClient, state: PinnedState, reads: RecordingState, chain_id: int
) -> tuple[AccountProof, ...]:
    """Prove every read against the header, and return the listing of accounts and slots."""
    at = {"blockHash": to_data(state.pin.hash)} if state.by_hash else hex(state.pin.number)
    wanted = {address: [_word(slot) for slot in sorted(reads.slots.get(address, ()))] for address in reads.accounts}
    answers = client.batch(
        [("eth_getProof", [to_data(address), [to_data(s) for s in slots], at]) for address, slots in wanted.items()]
    )
    official = official_codes(chain_id)
    for (address, slots), answer in zip(wanted.items(), answers, strict=True):
        if isinstance(answer, RpcError):
            raise EngineError(f"the node did not prove its state: {answer}") from answer
        account = builder.add_proof(place, Address(address), slots, answer)
        read = reads.accounts[address]
        is_same = (account.nonce, account.balance, bytes(account.code_hash)) == (
            read.nonce,
            read.balance,
            keccak(read.code),
        )
        if not is_same:
            raise TransportError(
                f"the node says of {Address(address)} what its own proof does not show",
                hint="ask a node whose answers are of one block",
            )
        if read.code and bytes(account.code_hash) not in official:
            builder.add_code(read.code)
    return tuple(account_proof(Address(address), wanted[address]) for address in sorted(wanted))


def _word(slot: int) -> bytes:
    return slot.to_bytes(32, "big")
