"""Transactions as blocks commit to them: one table of types, read in both directions.

A type that is not in the table is refused. One that is there but that its chain encodes otherwise cannot pass either:
what is encoded here has to hash to the header's root, and what is decoded here was reached from it.

    legacy   rlp(fields, v, r, s)
    others   type byte ++ rlp(fields, y parity, r, s)
    deposit  0x7e ++ rlp(fields): no signature, the sender is a field

Source: EIP-155, EIP-2718, EIP-2930, EIP-1559, EIP-4844, EIP-7702; OP Stack specification, deposits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

from caveats.errors import EncodingError, UnsupportedError, VerificationError
from caveats.types import Address, Bytes32, keccak
from delegations.eip712 import recover_signer
from delegations.receipts.decode.inputs import to_int
from delegations.receipts.evidence import rlp
from delegations.receipts.evidence.fields import Field, parse_field, read_field
from delegations.receipts.evidence.refusal import EvidenceError

Family = Literal["ethereum", "op-stack"]
DEPOSIT: Final = 0x7E


@dataclass(frozen=True)
class TransactionType:
    """How transactions of one type are encoded.

    Attributes:
        number: the type byte; 0 is the legacy form, which has none.
        family: the chains it exists on; every family has Ethereum's too.
        fields: in order, without the signature.
        is_signed: whether v, r and s follow.
    """

    number: int
    family: Family
    fields: tuple[Field, ...]
    is_signed: bool = True

    @property
    def all_fields(self) -> tuple[Field, ...]:
        """The fields and the signature's."""
        if not self.is_signed:
            return self.fields
        return self.fields + (_LEGACY_SIGNATURE if self.number == 0 else _SIGNATURE)


_CHAIN, _NONCE = Field("chainId", "number"), Field("nonce", "number")
_TO, _VALUE, _DATA = Field("to", "recipient"), Field("value", "number"), Field("input", "data", "data")
_GAS, _PRICE = Field("gas", "number"), Field("gasPrice", "number")
_FEES = (Field("maxPriorityFeePerGas", "number"), Field("maxFeePerGas", "number"))
_CALL = (_GAS, _TO, _VALUE, _DATA)
_ACCESS = Field("accessList", "access")
_LEGACY_SIGNATURE = (Field("v", "number"), Field("r", "number"), Field("s", "number"))
_SIGNATURE = (Field("yParity", "flag", "v"), Field("r", "number"), Field("s", "number"))

TYPES: Final[Mapping[int, TransactionType]] = {
    kind.number: kind
    for kind in (
        TransactionType(0, "ethereum", (_NONCE, _PRICE, *_CALL)),
        TransactionType(1, "ethereum", (_CHAIN, _NONCE, _PRICE, *_CALL, _ACCESS)),
        TransactionType(2, "ethereum", (_CHAIN, _NONCE, *_FEES, *_CALL, _ACCESS)),
        TransactionType(
            3,
            "ethereum",
            (
                *(_CHAIN, _NONCE, *_FEES, _GAS, Field("to", "address"), _VALUE, _DATA, _ACCESS),
                *(Field("maxFeePerBlobGas", "number"), Field("blobVersionedHashes", "words")),
            ),
        ),
        TransactionType(
            4,
            "ethereum",
            (
                *(_CHAIN, _NONCE, *_FEES, _GAS, Field("to", "address"), _VALUE, _DATA, _ACCESS),
                Field("authorizationList", "authorizations"),
            ),
        ),
        TransactionType(
            DEPOSIT,
            "op-stack",
            (
                *(Field("sourceHash", "word"), Field("from", "address"), _TO, Field("mint", "number", or_zero=True)),
                *(_VALUE, _GAS, Field("isSystemTx", "flag", or_zero=True), _DATA),
            ),
            is_signed=False,
        ),
    )
}
"""Every type that can be read, by its number."""


@dataclass(frozen=True)
class ProvenTransaction:
    """A transaction read from the bytes its block commits to.

    Attributes:
        raw: those bytes; their keccak256 is the transaction's hash.
        fields: name -> value, numbers as int, the rest as bytes.
    """

    kind: TransactionType
    raw: bytes
    fields: Mapping[str, Any]

    @cached_property
    def hash(self) -> Bytes32:
        """The transaction hash."""
        return Bytes32(keccak(self.raw))

    @property
    def chain_id(self) -> int | None:
        """The chain it was signed for; None for a deposit, and for a legacy one that names none."""
        if self.kind.number == 0:
            v = self.fields["v"]
            return (v - 35) // 2 if v >= 35 else None
        return self.fields.get("chainId")

    @property
    def to(self) -> Address | None:
        """Whom it calls; None where it creates a contract."""
        to = self.fields["to"]
        return None if to is None else Address(to)

    @property
    def data(self) -> bytes:
        """The calldata."""
        data: bytes = self.fields["input"]
        return data

    @cached_property
    def sender(self) -> Address:
        """Who sent it: recovered from the signature, or the deposit's own word.

        Raises:
            EvidenceError: no key can be recovered; on a development node it was sent for somebody without a key.
        """
        if not self.kind.is_signed:
            return Address(self.fields["from"])
        r, s = self.fields["r"], self.fields["s"]
        try:
            signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + self._parity()])
            return recover_signer(keccak(self._signed()), signature)
        except VerificationError as error:
            raise EvidenceError(
                "transaction-malformed", f"the signature of {self.hash} does not hold ({error})"
            ) from error

    def authorizations(self) -> Iterator[tuple[Address, Address, int]]:
        """Yield (whose account, the code it is to run, its nonce) of each EIP-7702 authorization signed for the chain.

        That one is listed does not mean that it was applied: it is passed over where the nonce is not the account's.

        Source: EIP-7702.
        """
        for chain, code, nonce, parity, r, s in self.fields.get("authorizationList", ()):
            if chain not in (0, self.chain_id) or parity > 1:
                continue
            signed = b"\x05" + rlp.encode([rlp.encode_int(chain), code, rlp.encode_int(nonce)])
            try:
                signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + parity])
                yield recover_signer(keccak(signed), signature), Address(code), nonce
            except VerificationError:
                continue

    def _parity(self) -> int:
        if self.kind.number:
            return int(self.fields["yParity"])
        v: int = self.fields["v"]
        if v not in (27, 28) and v < 35:
            raise EvidenceError("transaction-malformed", f"expected v 27, 28 or from 35 on, got {v}")
        return (v - 27) % 2 if v < 35 else (v - 35) % 2

    def _signed(self) -> bytes:
        """Return what was signed."""
        items = rlp.decode_list(self.raw[1 if self.kind.number else 0 :], what="transaction")[:-3]
        if self.kind.number:
            return bytes([self.kind.number]) + rlp.encode(items)
        if self.chain_id is not None:
            items += [rlp.encode_int(self.chain_id), b"", b""]
        return rlp.encode(items)

    def as_wire(self) -> dict[str, Any]:
        """Return it as decoding takes a transaction. Raises as `sender`."""
        to = self.to
        wire = {"hash": bytes(self.hash), "from": bytes(self.sender), "to": to and bytes(to), "input": self.data}
        return wire if self.chain_id is None else {**wire, "chainId": self.chain_id}


def type_of(number: int) -> TransactionType:
    """Return the transaction type with that number. Raises UnsupportedError for one that is not known."""
    kind = TYPES.get(number)
    if kind is None:
        raise UnsupportedError(f"transaction type 0x{number:02x}: expected one of {_known()}", hint=_HINT)
    return kind


_HINT = "what its chain commits to is not known, so nothing can be proven of a block that holds one"


def _known() -> str:
    return ", ".join(f"0x{number:02x}" for number in TYPES)


def split_type(raw: bytes, what: str) -> tuple[int, bytes]:
    """Return the type byte and the rest of an EIP-2718 encoding; 0 and all of it for the legacy form.

    Raises:
        EvidenceError: unsupported-type, transaction-malformed for nothing at all.
    """
    if not raw:
        raise EvidenceError("transaction-malformed", f"{what}: it is empty")
    if raw[0] >= 0xC0:
        return 0, raw
    if raw[0] == 0 or raw[0] not in TYPES:
        raise EvidenceError("unsupported-type", f"{what} type 0x{raw[0]:02x}: expected one of {_known()}", hint=_HINT)
    return raw[0], raw[1:]


def decode_transaction(raw: bytes) -> ProvenTransaction:
    """Return the transaction that `raw` encodes. Raises EvidenceError (unsupported-type, transaction-malformed)."""
    number, body = split_type(raw, "transaction")
    kind = TYPES[number]
    try:
        items = rlp.read_list(rlp.decode(body, what="transaction"), "transaction", len(kind.all_fields))
        fields = {field.name: read_field(field, item) for field, item in zip(kind.all_fields, items, strict=True)}
    except EncodingError as error:
        raise EvidenceError("transaction-malformed", str(error)) from error
    return ProvenTransaction(kind, raw, fields)


def encode_transaction(tx: Mapping[str, Any]) -> bytes:
    """Return the bytes a block commits to, from a transaction as eth_getTransactionByHash tells of it.

    Raises:
        EncodingError: a field is missing or cannot be read.
        UnsupportedError: a type that is not known.
    """
    number = to_int(tx.get("type", "0x0"), "type")
    kind = type_of(number)
    body = rlp.encode([parse_field(field, tx) for field in kind.all_fields])
    return bytes([number]) + body if number else body
