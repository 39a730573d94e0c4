"""Reads the state a question depends on, all of it at once and at one block.

Whoever asks says first which storage words and which codes it needs; what comes back is one consistent picture, and
everything after that is arithmetic. A word that was not asked for is never taken for zero.

Source: Ethereum execution APIs (eth_getBlockByNumber, eth_getStorageAt, eth_getCode).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from caveats.errors import EncodingError, EngineError, TransportError, abbreviate
from caveats.types import Address
from delegations.evm.chain import LocalChain
from delegations.evm.fork import PinnedState
from delegations.evm.forked import ForkedWorld
from delegations.evm.rpc import HttpTransport, RpcClient, RpcError
from delegations.evm.wire import from_data, from_quantity, to_data, to_word
from delegations.framework.constants import DELEGATION_MANAGER

Slot = tuple[bytes, int]
"""An address and the number of one of its storage slots."""
_WORD = re.compile(r"0x[0-9a-fA-F]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was read, at one block.

    Attributes:
        chain_id: of the chain.
        timestamp: unix seconds of the block.
        block_number: of the block.
        slots: value of each slot that was asked for.
        codes: code of each account that was asked for; empty where there is none.
    """

    chain_id: int
    timestamp: int
    block_number: int
    slots: Mapping[Slot, int]
    codes: Mapping[bytes, bytes]

    def word(self, address: bytes, slot: int) -> int:
        """Return the value of a slot that was asked for."""
        return self.slots[bytes(address), slot]

    def code(self, address: bytes) -> bytes:
        """Return the code of an account that was asked for."""
        return self.codes[bytes(address)]


class StateReader(Protocol):
    """Reads one chain.

    Attributes:
        manager: the delegation manager whose delegations are asked about.
    """

    @property
    def manager(self) -> Address:
        """The delegation manager."""

    def read(self, slots: Collection[Slot], codes: Collection[bytes]) -> Snapshot:
        """Return all of it at one block.

        Raises:
            TransportError: it could not be asked, or the answer could not be read.
            EngineError: the other side refused to tell.
        """


@dataclass(frozen=True, slots=True)
class ChainReader:
    """Reads a local chain at its current time; of a forked one, what is not here is read in one request."""

    chain: LocalChain

    @property
    def manager(self) -> Address:
        """The chain's delegation manager."""
        return self.chain.manager

    def read(self, slots: Collection[Slot], codes: Collection[bytes]) -> Snapshot:
        """Return the state. Raises TransportError, EngineError for a forked chain whose node cannot be asked."""
        world = self.chain.world
        held: dict[Slot, int] = {}
        held_codes: dict[bytes, bytes] = {}
        if isinstance(world, ForkedWorld):
            far = [s for s in slots if s[1] not in world.slots.get(s[0], {}) and s[0] not in world.wiped]
            far_codes = [address for address in codes if address not in world.accounts]
            if isinstance(world.node, PinnedState):
                world.node.load(far_codes, far)
            elif far or far_codes:
                answers = _ask(world.node.client, _reads(world.node.block, far, far_codes))
                held, held_codes = _parse(answers, far, far_codes)
        return Snapshot(
            chain_id=self.chain.chain_id,
            timestamp=self.chain.timestamp,
            block_number=self.chain.block_number,
            slots={s: held[s] if s in held else world.storage(*s) for s in slots},
            codes={a: held_codes[a] if a in held_codes else world.code(a) for a in codes},
        )


class NodeReader:
    """Reads a node: one batch, every part of it at one block, and the block itself in the batch.

    Args:
        endpoint: a URL, or a client of one's own.
        at: the number of the block; the newest at the time of each reading when None, which takes one request more.
        manager: the delegation manager, when it is not the canonical one.
    """

    def __init__(
        self, endpoint: str | RpcClient, *, at: int | None = None, manager: Address = DELEGATION_MANAGER
    ) -> None:
        self.client = endpoint if isinstance(endpoint, RpcClient) else RpcClient(HttpTransport(endpoint))
        self.at = at
        self._manager = manager

    @property
    def manager(self) -> Address:
        """The delegation manager."""
        return self._manager

    def read(self, slots: Collection[Slot], codes: Collection[bytes]) -> Snapshot:
        """Return the state. Raises TransportError, also when the chain reorganised meanwhile; EngineError."""
        number, expected = self.at, None
        if number is None:
            newest = _block(self.client.call("eth_getBlockByNumber", "latest", False), "the newest")
            number, expected = from_quantity(newest.get("number")), newest.get("hash")
        heads: list[tuple[str, list[Any]]] = [("eth_chainId", []), ("eth_getBlockByNumber", [hex(number), False])]
        chain_id, head, *answers = _ask(self.client, heads + _reads(number, slots, codes))
        block = _block(head, str(number))
        if from_quantity(block.get("number")) != number:
            raise TransportError(f"could not read block {number}: the node answered with another block")
        if expected is not None and block.get("hash") != expected:
            raise TransportError(f"could not read block {number}: it was replaced while it was read", hint="ask again")
        values, found = _parse(answers, slots, codes)
        return Snapshot(from_quantity(chain_id), from_quantity(block.get("timestamp")), number, values, found)


def reader_of(source: LocalChain | StateReader) -> StateReader:
    """Return the reader of a local chain; a reader is returned as it is."""
    if isinstance(source, LocalChain):
        return ChainReader(source)
    if not hasattr(source, "read"):
        raise EncodingError.of("state", expected="a LocalChain, a NodeReader or another StateReader", got=source)
    return source


def _reads(number: int, slots: Collection[Slot], codes: Collection[bytes]) -> list[tuple[str, list[Any]]]:
    tag = hex(number)
    words: list[tuple[str, list[Any]]] = [
        ("eth_getStorageAt", [to_data(address), to_word(slot), tag]) for address, slot in slots
    ]
    return words + [("eth_getCode", [to_data(address), tag]) for address in codes]


def _ask(client: RpcClient, requests: list[tuple[str, list[Any]]]) -> list[Any]:
    answers = client.batch(requests)
    for (method, _), answer in zip(requests, answers, strict=True):
        if isinstance(answer, RpcError):
            raise EngineError(f"the node did not give its state: {answer}", hint=f"{method} failed") from answer
    return answers


def _parse(
    answers: list[Any], slots: Collection[Slot], codes: Collection[bytes]
) -> tuple[dict[Slot, int], dict[bytes, bytes]]:
    words = [_word(answer) for answer in answers[: len(slots)]]
    found = [from_data(answer) for answer in answers[len(slots) :]]
    return dict(zip(slots, words, strict=True)), dict(zip(codes, found, strict=True))


def _word(answer: object) -> int:
    # an empty answer is no zero: taken for one, it would say that nothing was spent yet
    if not isinstance(answer, str) or not _WORD.match(answer):
        raise TransportError(f"could not read the node's answer: expected a storage word, got {abbreviate(answer)}")
    return int(answer, 16)


def _block(answer: object, which: str) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise TransportError(f"could not read block {which}: the node has none")
    return answer
