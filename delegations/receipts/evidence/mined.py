"""Receipts as blocks commit to them: status, gas so far, bloom and logs; an OP-stack deposit's with two fields more.

    legacy   rlp([status or state root, cumulative gas, bloom, [[address, [topic], data]]])
    others   type byte ++ the same
    deposit  0x7e ++ the same, with deposit nonce and version behind it since Canyon; before, the nonce that nodes tell
             is no part of what the block commits to

What else nodes put into a receipt (gas used, contract address, fees of the first layer) no block commits to.

Source: Ethereum yellow paper 4.3.1; EIP-658; EIP-2718; OP Stack specification, deposits, Regolith and Canyon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from caveats.errors import EncodingError
from delegations.receipts.decode.inputs import to_bytes, to_int
from delegations.receipts.evidence import rlp
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.transactions import DEPOSIT, split_type, type_of

_BLOOM: Final = 256


class ProvenLog(NamedTuple):
    """A log of a proven receipt."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True)
class ProvenReceipt:
    """A receipt read from the bytes its block commits to.

    Attributes:
        number: the type byte.
        success: None before Byzantium, where a state root stands in its place.
        cumulative_gas: used by the block up to and including this transaction.
        deposit_nonce: of an OP-stack deposit since Canyon.
    """

    number: int
    success: bool | None
    cumulative_gas: int
    logs: tuple[ProvenLog, ...]
    deposit_nonce: int | None = None

    def as_wire(self, digest: bytes, first_log: int = 0) -> dict[str, Any]:
        """Return it as decoding takes a receipt; `digest` is the transaction's hash.

        A log's `logIndex` counts from `first_log` on: where it stands in the block depends on receipts before, which
        may not be shown.
        """
        logs = [
            {"address": log.address, "topics": log.topics, "data": log.data, "logIndex": index}
            for index, log in enumerate(self.logs, first_log)
        ]
        return {"transactionHash": digest, "status": int(bool(self.success)), "logs": logs}


def decode_mined_receipt(raw: bytes) -> ProvenReceipt:
    """Return the receipt that `raw` encodes. Raises EvidenceError (unsupported-type, receipt-malformed)."""
    number, body = split_type(raw, "receipt")
    try:
        sizes = (4, 6) if number == DEPOSIT else (4,)
        items = rlp.read_list(rlp.decode(body, what="receipt"), "receipt", *sizes)
        status = rlp.read_bytes(items[0], "receipt.status", 0, 1, 32)
        if status not in (b"", b"\x01") and len(status) != 32:
            raise EvidenceError("receipt-malformed", f"expected a status of 0 or 1, got 0x{status.hex()}")
        rlp.read_bytes(items[2], "receipt.logsBloom", _BLOOM)
        if len(items) == 6:
            rlp.read_int(items[5], "receipt.depositReceiptVersion", size=8)
        return ProvenReceipt(
            number=number,
            success=None if len(status) == 32 else status == b"\x01",
            cumulative_gas=rlp.read_int(items[1], "receipt.cumulativeGasUsed", size=8),
            logs=tuple(_log(item) for item in rlp.read_list(items[3], "receipt.logs")),
            deposit_nonce=rlp.read_int(items[4], "receipt.depositNonce", size=8) if len(items) == 6 else None,
        )
    except EncodingError as error:
        raise EvidenceError("receipt-malformed", str(error)) from error


def encode_mined_receipt(receipt: Mapping[str, Any]) -> bytes:
    """Return the bytes a block commits to, from a receipt as eth_getTransactionReceipt tells of it.

    Raises:
        EncodingError: a field is missing or cannot be read.
        UnsupportedError: a type that is not known.
    """
    number = to_int(receipt.get("type", "0x0"), "receipt.type")
    type_of(number)
    logs = receipt.get("logs")
    if not isinstance(logs, list | tuple) or not all(isinstance(log, Mapping) for log in logs):
        raise EncodingError.of("receipt.logs", expected="a list of objects", got=logs)
    body: list[rlp.Item] = [
        _status(receipt),
        rlp.encode_int(to_int(receipt.get("cumulativeGasUsed"), "receipt.cumulativeGasUsed")),
        to_bytes(receipt.get("logsBloom"), "receipt.logsBloom"),
        [_encoded_log(log) for log in logs],
    ]
    if number == DEPOSIT and receipt.get("depositReceiptVersion") is not None:
        for name in ("depositNonce", "depositReceiptVersion"):
            body.append(rlp.encode_int(to_int(receipt.get(name), f"receipt.{name}")))
    encoded = rlp.encode(body)
    return bytes([number]) + encoded if number else encoded


def _status(receipt: Mapping[str, Any]) -> bytes:
    status, root = receipt.get("status"), receipt.get("root")
    if status is None and root is not None:
        return to_bytes(root, "receipt.root")
    return rlp.encode_int(to_int(status, "receipt.status"))


def _encoded_log(log: Mapping[str, Any]) -> rlp.Item:
    topics = log.get("topics")
    if not isinstance(topics, list | tuple):
        raise EncodingError.of("log.topics", expected="a list", got=topics)
    words: list[rlp.Item] = [to_bytes(topic, "log.topic") for topic in topics]
    return [to_bytes(log.get("address"), "log.address"), words, to_bytes(log.get("data"), "log.data")]


def _log(item: rlp.Item) -> ProvenLog:
    address, topics, data = rlp.read_list(item, "log", 3)
    words = rlp.read_list(topics, "log.topics", 0, 1, 2, 3, 4)
    return ProvenLog(
        rlp.read_bytes(address, "log.address", 20),
        tuple(rlp.read_bytes(word, "log.topic", 32) for word in words),
        rlp.read_bytes(data, "log.data"),
    )
