"""Transactions, receipts and logs as web3 or JSON-RPC give them, in one form. All of that is spelt out here only."""

from __future__ import annotations

from binascii import unhexlify as _unhexlify
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from caveats.errors import EncodingError
from caveats.types import Address


class LogEntry(NamedTuple):
    """One log of a receipt; `position` is its place in the receipt, `log_index` its place in the block."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    log_index: int
    position: int


class TxEntry(NamedTuple):
    """One transaction with the two things its receipt says about itself."""

    chain_id: int | None
    sender: bytes
    to: bytes | None
    data: bytes
    hash: Any
    success: bool


@lru_cache(maxsize=4096)
def address_of(raw: bytes) -> Address:
    """Return 20 bytes as an address; the same few are asked for again and again."""
    return Address(raw)


def to_bytes(value: Any, what: str) -> bytes:
    """Return the bytes of 0x hex, bytes or HexBytes. Raises EncodingError."""
    if type(value) is str:
        if value[:2] == "0x":
            try:
                return _unhexlify(value[2:])
            except ValueError as error:
                raise EncodingError.of(what, expected="0x hex or bytes", got=value) from error
    elif isinstance(value, bytes | bytearray):
        return bytes(value)
    raise EncodingError.of(what, expected="0x hex or bytes", got=value)


def to_int(value: Any, what: str) -> int:
    """Return the number of an int or of 0x hex. Raises EncodingError."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return int(value)
    if isinstance(value, str) and value[:2] == "0x":
        try:
            return int(value, 16)
        except ValueError as error:
            raise EncodingError.of(what, expected="a number or 0x hex", got=value) from error
    raise EncodingError.of(what, expected="a number or 0x hex", got=value)


def _address(value: Any, what: str) -> bytes:
    raw = to_bytes(value, what)
    if len(raw) != Address.SIZE:
        raise EncodingError.of(what, expected="an address", got=value)
    return raw


_seen_bytes = lru_cache(maxsize=4096)(to_bytes)
_seen_text_address = lru_cache(maxsize=4096)(_address)


def _seen_address(value: Any, what: str) -> bytes:
    """Return an address; as text the same few stand in log after log."""
    return _seen_text_address(value, what) if type(value) is str else _address(value, what)


def _topics(values: Sequence[Any]) -> tuple[bytes, ...]:
    if not values:
        return ()
    first, *others = values
    signature = _seen_bytes(first, "topic") if type(first) is str else to_bytes(first, "topic")
    return (signature, *[to_bytes(value, "topic") for value in others])


def read_transaction(tx: Any, receipt: Any, chain_id: int | None) -> TxEntry:
    """Return the transaction in our form.

    Raises:
        EncodingError: a field is missing or malformed, or the receipt is another transaction's.
    """
    for what, given in (("transaction", tx), ("receipt", receipt)):
        if not isinstance(given, Mapping):
            raise EncodingError.of(what, expected="an object as eth_getTransactionByHash gives one", got=given)
    sender = tx.get("from")
    if sender is None or receipt.get("status") is None:
        raise EncodingError('transaction: expected "from" in the transaction and "status" in the receipt')
    digest, other = tx.get("hash"), receipt.get("transactionHash")
    if digest is not None and other is not None and digest != other:
        named = to_bytes(digest, "hash")
        if named != to_bytes(other, "transactionHash"):
            raise EncodingError.of("receipt", expected=f"that of 0x{named.hex()}", got=other)
    own = tx.get("chainId")
    found = chain_id if own is None else to_int(own, "chainId")
    if chain_id is not None and found != chain_id:
        raise EncodingError.of("chain id", expected=str(chain_id), got=found)
    data = tx.get("input", tx.get("data"))
    return TxEntry(
        chain_id=found,
        sender=_seen_address(sender, "from"),
        to=_seen_address(tx["to"], "to") if tx.get("to") else None,
        data=b"" if data is None else to_bytes(data, "input"),
        hash=digest,
        success=to_int(receipt["status"], "status") == 1,
    )


def read_logs(logs: object) -> list[LogEntry]:
    """Return logs in our form, in order. Raises EncodingError for one that cannot be read or was removed."""
    if not isinstance(logs, list | tuple):
        raise EncodingError.of("logs", expected="a list", got=logs)
    entries = []
    for position, log in enumerate(logs):
        try:
            address, topics, data, index = log["address"], log["topics"], log["data"], log.get("logIndex")
        except (KeyError, TypeError, AttributeError) as error:
            raise EncodingError.of("log", expected="an object with address, topics and data", got=log) from error
        if log.get("removed"):
            raise EncodingError(f"log {position}: it was removed by a reorganisation", hint="fetch the receipt again")
        entries.append(
            LogEntry(
                _seen_address(address, "log address"),
                _topics(topics),
                to_bytes(data, "log data"),
                position if index is None else to_int(index, "logIndex"),
                position,
            )
        )
    return entries
