"""What an entry of the ledger is: the bytes that make its leaf, and what can be searched for.

The leaf is over one short line that names an envelope and the receipt in it by their SHA-256:

    {"envelope":"<64 hex>","receipt":"<64 hex>","schema":"urn:delegations:ledger-entry:1"}

The envelope is hashed in its RFC 8785 form with the signatures in the order of their key ids, so that whoever holds it,
however it was laid out on the way, can make the line; and since the signatures are in it, none can be dropped or put in
the place of another. The envelope itself stays out of the leaf: it may be longer than the 65,535 bytes that C2SP tiles
allow, and tiles can be published without showing what the receipts tell.

Source: RFC 8785; DSSE 1.0.2; C2SP tlog-tiles, "Log entries".
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from dataclasses import dataclass
from functools import cached_property, lru_cache
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Any, Final, NamedTuple

from pydantic_core import from_json
from securesystemslib.dsse import Envelope
from securesystemslib.signer import Signature

from caveats.errors import EncodingError, UnsupportedError, VerificationError, abbreviate
from delegations.ledger.facts import Facts, read_facts
from delegations.ledger.tree import hash_leaf
from delegations.receipts.canonical import sorted_json
from delegations.receipts.envelope import (
    PAYLOAD_TYPE,
    STATEMENT_AFTER,
    STATEMENT_BEFORE,
    STATEMENT_BETWEEN,
    read_envelope,
    unsafe_read_receipt,
)
from delegations.receipts.model import KINDS, SCHEMA, Receipt

ENTRY_SCHEMA: Final = "urn:delegations:ledger-entry:1"

_TAIL = len(STATEMENT_BETWEEN) + 64 + len(STATEMENT_AFTER)
_BEFORE_PAYLOAD = b'{"payload":"'
_BEFORE_SIGNATURES = f'","payloadType":"{PAYLOAD_TYPE}","signatures":'.encode()
_MAX_SIGNATURES = 16
_LATEST = 2**63 - 1
_KEYID = itemgetter(0)
_sha256 = hashlib.sha256


class Prepared(NamedTuple):
    """An envelope made ready for a store: whatever is kept of it, and nothing else.

    Attributes:
        payload: the in-toto statement.
        signatures: the list of signatures in RFC 8785 form, ordered by key id.
        leaf: the hash of its leaf.
        keys: what it is found by, from `search_key`.
        time: unix seconds, as the receipt tells it; None when it tells none.
    """

    payload: bytes
    signatures: bytes
    leaf: bytes
    keys: tuple[int, ...]
    time: int | None


@dataclass(frozen=True, slots=True)
class StoredEnvelope:
    """What a store gives back of an entry.

    Attributes:
        index: place in the ledger, from 0.
        payload: as in Prepared.
        signatures: as in Prepared.
    """

    index: int
    payload: bytes
    signatures: bytes


class Record:
    """An entry as it is read: everything it tells is derived from the stored bytes.

    Attributes:
        index: place in the ledger, from 0.
        payload: the in-toto statement that was signed.
        signatures: the list of signatures in RFC 8785 form, ordered by key id.
    """

    def __init__(self, index: int, payload: bytes, signatures: bytes) -> None:
        self.index = index
        self.payload = payload
        self.signatures = signatures

    @cached_property
    def envelope_bytes(self) -> bytes:
        """The envelope in its RFC 8785 form."""
        return envelope_bytes(self.payload, self.signatures)

    @cached_property
    def receipt_bytes(self) -> bytes:
        """The receipt in its RFC 8785 form."""
        return _receipt_slice(self.payload)

    @cached_property
    def receipt_hash(self) -> str:
        """SHA-256 of the receipt, as 64 hex digits."""
        return _sha256(self.receipt_bytes).hexdigest()

    @cached_property
    def entry_bytes(self) -> bytes:
        """The line that the leaf is over."""
        return entry_bytes(_sha256(self.envelope_bytes).hexdigest(), self.receipt_hash)

    @cached_property
    def leaf_hash(self) -> bytes:
        """The hash of the leaf."""
        return hash_leaf(self.entry_bytes)

    @cached_property
    def facts(self) -> Facts:
        """What the receipt can be found by, read from its bytes."""
        return read_facts(_parse(self.receipt_bytes))

    @property
    def envelope(self) -> Envelope:
        """The envelope; `verify_envelope` tells whether its signatures hold."""
        return read_envelope(self.envelope_bytes)

    def unsafe_receipt(self) -> Receipt:
        """Return the receipt without looking at the signatures. Raises as `unsafe_read_receipt`."""
        return unsafe_read_receipt(self.envelope)


def entry_bytes(envelope_sha256: str, receipt_sha256: str) -> bytes:
    """Return the line that the leaf is over, from two hashes of 64 hex digits."""
    return f'{{"envelope":"{envelope_sha256}","receipt":"{receipt_sha256}","schema":"{ENTRY_SCHEMA}"}}'.encode()


def entry_of(envelope: Envelope | bytes | str) -> bytes:
    """Return the line that the leaf of an envelope is over. What a verifier does who holds the envelope.

    Raises:
        EncodingError, UnsupportedError, VerificationError: as `prepare`.
    """
    held = envelope if isinstance(envelope, Envelope) else read_envelope(envelope)
    return Record(0, held.payload, signatures_bytes(held)).entry_bytes


def leaf_of(envelope: Envelope | bytes | str) -> bytes:
    """Return the leaf hash of an envelope. Raises as `entry_of`."""
    return hash_leaf(entry_of(envelope))


def envelope_bytes(payload: bytes, signatures: bytes) -> bytes:
    """Return the RFC 8785 form of an envelope."""
    encoded = b2a_base64(payload, newline=False)
    return b"".join((_BEFORE_PAYLOAD, encoded, _BEFORE_SIGNATURES, signatures, b"}"))


def signatures_bytes(envelope: Envelope) -> bytes:
    """Return the RFC 8785 form of the signatures of an envelope, ordered by key id.

    Raises:
        EncodingError: none of them, over 16, or one that is not of the form.
        UnsupportedError: another payload type.
    """
    if envelope.payload_type != PAYLOAD_TYPE:
        raise UnsupportedError(
            f"envelope: expected the payload type {PAYLOAD_TYPE}, got {abbreviate(envelope.payload_type)}"
        )
    if not 1 <= len(envelope.signatures) <= _MAX_SIGNATURES:
        raise EncodingError.of(
            "envelope.signatures", expected=f"1 to {_MAX_SIGNATURES} of them", got=len(envelope.signatures)
        )
    listed = [_signature(keyid, signature) for keyid, signature in sorted(envelope.signatures.items(), key=_KEYID)]
    return _encode(f"[{','.join(listed)}]")


def _signature(keyid: str, signature: Signature) -> str:
    if not isinstance(keyid, str) or keyid != signature.keyid:
        raise EncodingError.of("envelope.signatures", expected=f"the signature by {abbreviate(keyid)}", got=signature)
    try:
        sig = b2a_base64(bytes.fromhex(signature.signature), newline=False).decode()
    except ValueError as error:
        raise EncodingError.of("envelope.signatures", expected="hex", got=signature.signature) from error
    return f'{{"keyid":{encode_basestring(keyid)},"sig":"{sig}"}}'


def prepare(envelope: Envelope | bytes | str, receipt: Receipt | None = None, *, is_strict: bool = True) -> Prepared:
    """Return an envelope made ready for a store. Its signatures are not verified: see `verify_envelope`.

    The statement's frame, the receipt's hash in it and all that can be searched for are always checked.

    Args:
        envelope: as it was signed, or its JSON.
        receipt: the receipt in it, where the caller has it: then it need not be read again, only compared.
        is_strict: also demand that the receipt is one in every field and in its one spelling.

    Raises:
        EncodingError: not of the form.
        UnsupportedError: another payload type, or another version of the statement or the receipt.
        VerificationError: the statement is about another receipt than the one in it, or that is not the one given.
    """
    held = envelope if isinstance(envelope, Envelope) else read_envelope(envelope)
    payload, signatures = held.payload, signatures_bytes(held)
    body = _receipt_slice(payload)
    receipt_hash = _sha256(body).hexdigest()
    if payload[-len(STATEMENT_AFTER) - 64 : -len(STATEMENT_AFTER)] != receipt_hash.encode():
        raise VerificationError(f"statement.subject: expected the receipt with the SHA-256 {receipt_hash}")
    facts = read_facts(read_strictly(body, receipt) if is_strict else _parse(body))
    envelope_hash = _sha256(envelope_bytes(payload, signatures)).hexdigest()
    leaf = hash_leaf(entry_bytes(envelope_hash, receipt_hash))
    time = None if facts.time is None else min(facts.time, _LATEST)
    return Prepared(payload, signatures, leaf, search_keys(facts, receipt_hash), time)


def search_keys(facts: Facts, receipt_hash: str) -> tuple[int, ...]:
    """Return the keys an entry is found by, each once; that of its receipt is the first."""
    keys = (search_key("receipt", receipt_hash), *_common_keys(*facts[:5]))
    return keys if facts.prev is None else (*keys, search_key("prev", facts.prev))


@lru_cache(maxsize=4096)  # receipts of one agent under one grant have these in common
def _common_keys(
    kind: str, outcome: str, delegations: tuple[str, ...], agent: str | None, delegator: str | None
) -> tuple[int, ...]:
    given = [("kind", kind), ("outcome", outcome), ("agent", agent), ("delegator", delegator)]
    given += [("delegation", delegation) for delegation in delegations]
    return tuple(dict.fromkeys(search_key(field, value) for field, value in given if value is not None))


def search_key(field: str, value: str) -> int:
    """Return the number under which entries with this value are filed: 8 bytes of a hash, signed.

    Two values may share a key; whoever searches compares the value itself.
    """
    return int.from_bytes(_sha256(f"{field}:{value}".encode()).digest()[:8], signed=True)


def _receipt_slice(payload: bytes) -> bytes:
    """Return the bytes of the receipt, which stand in the statement between two parts that are always the same."""
    if (
        len(payload) < len(STATEMENT_BEFORE) + _TAIL
        or not payload.startswith(STATEMENT_BEFORE)
        or not payload.endswith(STATEMENT_AFTER)
        or payload[-_TAIL : -_TAIL + len(STATEMENT_BETWEEN)] != STATEMENT_BETWEEN
    ):
        raise UnsupportedError(f"statement: expected one about a receipt of the schema {SCHEMA}, in its RFC 8785 form")
    return payload[len(STATEMENT_BEFORE) : -_TAIL]


def _parse(body: bytes) -> dict[str, Any]:
    try:
        value = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise EncodingError(f"receipt: not JSON ({error})") from error
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise UnsupportedError(f"receipt: expected the schema {SCHEMA}")
    if value.get("kind") not in KINDS:
        raise EncodingError.of("receipt.kind", expected=f"one of {', '.join(KINDS)}", got=value.get("kind"))
    return value


def read_strictly(body: bytes, given: Receipt | None = None) -> dict[str, Any]:
    """Return the JSON of a receipt's bytes, every field of it in order and the whole in its one spelling.

    Args:
        body: as `Record.receipt_bytes`.
        given: the receipt that it should be, to be compared instead of read.

    Raises:
        EncodingError, UnsupportedError: no such receipt.
        VerificationError: another one than the one given.
    """
    receipt = Receipt.from_json(body) if given is None else given
    wire = receipt.to_wire()
    # json writes what RFC 8785 demands, but for the order of keys beyond the basic plane
    if _encode(sorted_json(wire)) == body or receipt.canonical() == body:
        return wire
    if given is None:
        raise EncodingError("statement: not in its RFC 8785 form")
    raise VerificationError("receipt: the one given is not the one in the envelope")


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise EncodingError(f"envelope: not text that UTF-8 can hold ({error.reason})") from error
