"""What moved, read from trace frames and logs, each movement once.

Source: ERC-20, ERC-721, ERC-1155; EIP-7708 and eth_simulateV1 for the addresses that log native transfers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from caveats.abi import WORD, Reader
from caveats.errors import EncodingError
from caveats.types import Address
from delegations.evm.engine import Log
from delegations.framework.abi import decode_canonical, topic
from delegations.receipts.decode.inputs import LogEntry
from delegations.simulation.effects import TRANSFER_TOPIC, token_movement
from delegations.simulation.verdict import Movement

_SINGLE: Final = bytes(topic("TransferSingle(address,address,address,uint256,uint256)"))
_BATCH: Final = bytes(topic("TransferBatch(address,address,address,uint256[],uint256[])"))
_ARRAYS: Final = ({"type": "uint256[]", "name": "ids"}, {"type": "uint256[]", "name": "amounts"})
_PAD: Final = bytes(12)
NATIVE_LOGGERS: Final = frozenset((b"\xee" * 20, b"\xff" * 19 + b"\xfe"))
"""Transfer logs of these stand for native value, which the frames tell already."""


def token_movements(logs: Sequence[LogEntry]) -> Iterator[Movement]:
    """Yield the token movements logs tell of, in order."""
    for log in logs:
        topics = log.topics
        if len(topics) < 3 or log.address in NATIVE_LOGGERS:
            continue
        if topics[0] == TRANSFER_TOPIC:
            move = token_movement(Log(Address(log.address), topics, log.data))
            if move is not None:
                yield move
        elif topics[0] in (_SINGLE, _BATCH) and len(topics) == 4 and topics[2][:12] == topics[3][:12] == _PAD:
            yield from _of_several(log)


def _of_several(log: LogEntry) -> Iterator[Movement]:
    sender, recipient, token = Address(log.topics[2][12:]), Address(log.topics[3][12:]), Address(log.address)
    try:
        if log.topics[0] == _SINGLE:
            reader = Reader(log.data, "TransferSingle")
            pairs = [(reader.uint(0), reader.uint(WORD))]
        else:
            ids, amounts = decode_canonical(_ARRAYS, log.data, what="TransferBatch")
            pairs = list(zip(ids, amounts, strict=True))
    except (EncodingError, ValueError):
        return
    for token_id, amount in pairs:
        yield Movement(sender=sender, recipient=recipient, token=token, amount=amount, token_id=token_id)
