"""Block headers of any fork: read from their RLP, made from what a node tells, hashed.

The hash of a header is what a verifier trusts; everything else in a bundle is reached from it.

Source: EIP-1559, EIP-4895, EIP-4844, EIP-4788, EIP-7685, each of which appends to the header; EIP-7928, EIP-7843.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from caveats.errors import EncodingError, abbreviate
from caveats.types import Address, Bytes32, keccak
from delegations.receipts.decode.inputs import to_bytes, to_int
from delegations.receipts.evidence import rlp
from delegations.receipts.evidence.refusal import EvidenceError

# the JSON name of each field in order, and its size in bytes; 0 is a number, None any bytes
_ALWAYS: Final[tuple[tuple[str, int | None], ...]] = (
    ("parentHash", 32),
    ("sha3Uncles", 32),
    ("miner", 20),
    ("stateRoot", 32),
    ("transactionsRoot", 32),
    ("receiptsRoot", 32),
    ("logsBloom", 256),
    ("difficulty", 0),
    ("number", 0),
    ("gasLimit", 0),
    ("gasUsed", 0),
    ("timestamp", 0),
    ("extraData", None),
    ("mixHash", 32),
    ("nonce", 8),
)
# appended by forks, in this order: London, Shanghai, Cancun (three), Prague, Amsterdam (two)
_BY_FORK: Final[tuple[tuple[str, int | None], ...]] = (
    ("baseFeePerGas", 0),
    ("withdrawalsRoot", 32),
    ("blobGasUsed", 0),
    ("excessBlobGas", 0),
    ("parentBeaconBlockRoot", 32),
    ("requestsHash", 32),
    ("blockAccessListHash", 32),
    ("slotNumber", 0),
)
FIELDS: Final = _ALWAYS + _BY_FORK
_PLACES: Final = {name: place for place, (name, _) in enumerate(FIELDS)}
_MAX_FIELDS: Final = 32
_MAX_BYTES: Final = 4096
_MAX_FIELD: Final = 1024


@dataclass(frozen=True)
class Header:
    """One block header.

    Attributes:
        fields: each field's bytes, in the order of the encoding. A later fork's, which has no name here, are kept.
    """

    fields: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Return the RLP encoding, whose keccak256 is the block hash."""
        return rlp.encode(self.fields)

    @cached_property
    def hash(self) -> Bytes32:
        """The block hash."""
        return Bytes32(keccak(self.encode()))

    def _word(self, name: str) -> Bytes32:
        return Bytes32(self.fields[_PLACES[name]])

    def _number(self, name: str) -> int:
        return int.from_bytes(self.fields[_PLACES[name]], "big")

    @property
    def parent_hash(self) -> Bytes32:
        """Hash of the block before."""
        return self._word("parentHash")

    @property
    def state_root(self) -> Bytes32:
        """Root of the state at the END of the block."""
        return self._word("stateRoot")

    @property
    def transactions_root(self) -> Bytes32:
        """Root of the transactions."""
        return self._word("transactionsRoot")

    @property
    def receipts_root(self) -> Bytes32:
        """Root of the receipts."""
        return self._word("receiptsRoot")

    @property
    def number(self) -> int:
        """Block number."""
        return self._number("number")

    @property
    def timestamp(self) -> int:
        """Unix seconds."""
        return self._number("timestamp")

    @property
    def gas_limit(self) -> int:
        """Gas limit of the block."""
        return self._number("gasLimit")

    @property
    def coinbase(self) -> Address:
        """The account fees go to."""
        return Address(self.fields[_PLACES["miner"]])

    @property
    def mix_hash(self) -> Bytes32:
        """Since the merge the randomness that PREVRANDAO gives."""
        return self._word("mixHash")

    @property
    def base_fee_wei(self) -> int | None:
        """Base fee; None before London."""
        return self._number("baseFeePerGas") if len(self.fields) > _PLACES["baseFeePerGas"] else None

    @property
    def excess_blob_gas(self) -> int | None:
        """Excess blob gas; None before Cancun."""
        return self._number("excessBlobGas") if len(self.fields) > _PLACES["excessBlobGas"] else None

    @property
    def parent_beacon_root(self) -> Bytes32 | None:
        """Root of the beacon block before; None before Cancun."""
        return self._word("parentBeaconBlockRoot") if len(self.fields) > _PLACES["parentBeaconBlockRoot"] else None

    @property
    def is_prague(self) -> bool:
        """Whether it has what Prague added to headers; later forks' have it too."""
        return len(self.fields) > _PLACES["requestsHash"]


def decode_header(data: bytes) -> Header:
    """Return the header `data` encodes. Raises EvidenceError (header-malformed)."""
    try:
        return Header(tuple(_read_fields(data)))
    except EncodingError as error:
        raise EvidenceError("header-malformed", str(error)) from error


def _read_fields(data: bytes) -> Iterator[bytes]:
    if len(data) > _MAX_BYTES:
        raise EncodingError(f"header: expected at most {_MAX_BYTES} bytes, got {len(data)}")
    items = rlp.decode_list(data, what="header", depth=1)
    if not len(_ALWAYS) <= len(items) <= _MAX_FIELDS:
        raise EncodingError.of("header", expected=f"{len(_ALWAYS)} to {_MAX_FIELDS} fields", got=len(items))
    for place, item in enumerate(items):
        name, size = FIELDS[place] if place < len(FIELDS) else (f"field {place}", None)
        yield _checked(item, name, size)


def header_of_block(block: Mapping[str, Any]) -> Header:
    """Return the header of a block as eth_getBlockByNumber tells of it.

    Fields that forks appended are taken in order until one is absent; one that comes after a gap is refused. Compare
    the hash with the block's own: a chain of another kind may hash other fields.

    Raises:
        EncodingError: a field is missing or cannot be read.
    """
    fields: list[bytes] = []
    missing = ""
    for place, (name, size) in enumerate(FIELDS):
        value = block.get(name)
        if value is None:
            if place < len(_ALWAYS):
                raise EncodingError(f"block: it has no {name}", hint="ask for it with eth_getBlockByNumber")
            missing = missing or name
            continue
        if missing:
            raise EncodingError(f"block: it has {name} but no {missing}, which an earlier fork added")
        raw = rlp.encode_int(to_int(value, name)) if size == 0 else to_bytes(value, name)
        fields.append(_checked(raw, name, size))
    return Header(tuple(fields))


def _checked(item: rlp.Item, name: str, size: int | None) -> bytes:
    what = f"header.{name}"
    if size == 0:
        rlp.read_int(item, what)
        return rlp.read_bytes(item, what)
    raw = rlp.read_bytes(item, what) if size is None else rlp.read_bytes(item, what, size)
    if len(raw) > _MAX_FIELD:
        raise EncodingError(f"{what}: expected at most {_MAX_FIELD} bytes, got {len(raw)}: {abbreviate(raw)}")
    return raw
