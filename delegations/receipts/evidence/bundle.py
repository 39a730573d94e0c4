"""The bundle: everything needed to check a receipt against one block hash, in one content-addressed file.

    {"schema": "urn:delegations:evidence:1",
     "headers":     [RLP of block N, RLP of block N-1, ...],      each the parent of the one before
     "nodes":       [trie nodes, each once, ascending by keccak256],
     "codes":       [contract codes, each once, ascending by keccak256],
     "transaction": {"header": 0, "index": 3},                    its raw bytes and its receipt's are in the nodes
     "states":      [{"header": 0, "accounts": [{"address": ..., "slots": [...]}]}],
     "witness":     {...}}                                        a call to execute again; see Witness

No value is stated: what stands in an account or a slot is what the walk from the header's root finds. All proofs share
one set of nodes; the verifier refuses a node no walk needs, so that for one receipt and one block there is one bundle.

The file is the RFC 8785 form to the byte, and its SHA-256 is its name. It may be kept compressed by gzip.
"""

from __future__ import annotations

import hashlib
import itertools
import zlib
from typing import Any, Final, Literal, Self

import rfc8785
from pydantic import ValidationError, model_validator

from caveats.errors import EncodingError, UnsupportedError, abbreviate
from caveats.strict_json import parse_json
from caveats.types import Bytes32, Listed, Model, keccak
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.model_parts import Amount, Count, Data, Hash32, LowerAddress

BUNDLE_SCHEMA: Final = "urn:delegations:evidence:1"
EVIDENCE_TYPE: Final = "delegations-evidence-1"
"""The `type` under which a receipt's evidence names a bundle."""
MAX_BUNDLE: Final = 16 * 2**20
"""Bytes of the uncompressed file; the largest block's receipts are a few of these."""
MAX_HEADERS: Final = 64
MAX_ITEMS: Final = 20_000
_GZIP: Final = b"\x1f\x8b"


class InclusionProof(Model):
    """The transaction at a place of a block, and its receipt: both are walked to from the header's roots."""

    header: Count
    index: Count


class AccountProof(Model):
    """An account whose content, or absence, is walked to, and slots of its storage, ascending."""

    address: LowerAddress
    slots: Listed[Hash32]


class StateProof(Model):
    """Accounts in the state at the end of a block, ascending by address.

    Attributes:
        header: place of the block's header in the bundle.
    """

    header: Count
    accounts: Listed[AccountProof]


class Witness(Model):
    """A call with the state it reads, to be executed again on nothing else.

    The state before the call is that at the END of the header's block; gas limit, coinbase and randomness are that
    block's. Number and timestamp are as well, or both one more: the receipt says which. The base fee is 0 and the gas
    price is 0, so that no fee is paid. What is not in the accounts and slots listed is missing: never zero, never
    empty. Code that is not in the codes has to be official.

    Attributes:
        header: place of the block's header in the bundle.
        chain_id: what CHAINID gives.
        sender: who calls: the redeemer.
        to: what is called: the delegation manager.
        data: the whole calldata.
        value: wei sent along.
        gas: gas limit of the call.
        accounts: every account the call touches, ascending, with every slot of it that the call reads.
    """

    header: Count
    chain_id: Amount
    sender: LowerAddress
    to: LowerAddress
    data: Data
    value: Amount
    gas: Amount
    accounts: Listed[AccountProof]


class Bundle(Model):
    """Evidence for one receipt. Build one with `BundleBuilder`, read one with `from_bytes`.

    Attributes:
        headers: RLP of block headers, the trusted block's first, each next the parent of the one before.
        nodes: trie nodes, each once, ascending by hash.
        codes: contract codes, each once, ascending by hash; only what a witness executes and is not official.
        transaction: the transaction that is proven, None where none is.
        states: what is proven of the state, by header.
        witness: a call to execute again: a redemption that was denied, or a contract asked for its signature.
    """

    schema_: Literal["urn:delegations:evidence:1"] = BUNDLE_SCHEMA
    headers: Listed[Data]
    nodes: Listed[Data]
    codes: Listed[Data] = ()
    transaction: InclusionProof | None = None
    states: Listed[StateProof] = ()
    witness: Witness | None = None

    @model_validator(mode="after")
    def _refuse_disorder(self) -> Self:
        if not 1 <= len(self.headers) <= MAX_HEADERS:
            raise ValueError(f"headers: expected 1 to {MAX_HEADERS}, got {len(self.headers)}")
        proven: list[StateProof | Witness] = [*self.states]
        if self.witness is not None:
            proven.append(self.witness)
        accounts = [account for part in proven for account in part.accounts]
        counts = (
            len(self.nodes),
            len(self.codes),
            len(self.states),
            len(accounts),
            sum(len(a.slots) for a in accounts),
        )
        if max(counts) > MAX_ITEMS:
            raise ValueError(f"expected at most {MAX_ITEMS} of anything, got {max(counts)}")
        places = [part.header for part in proven]
        if self.transaction is not None:
            places.append(self.transaction.header)
        if any(place >= len(self.headers) for place in places):
            raise ValueError("header: expected the place of a header, got one past the last")
        _refuse_unsorted([state.header for state in self.states], "states")
        for part in proven:
            if not part.accounts:
                raise ValueError("accounts: expected at least one; leave the part out")
            _refuse_unsorted([account.address for account in part.accounts], "accounts")
            for account in part.accounts:
                _refuse_unsorted(list(account.slots), "slots")
        return self

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON body; what there is none of is left out."""
        wire = self.model_dump(mode="json", exclude_none=True)
        return {"schema": wire.pop("schema_"), **wire}

    def canonical(self) -> bytes:
        """Return the RFC 8785 bytes: the file."""
        return rfc8785.dumps(self.to_wire())

    @property
    def block_hash(self) -> Bytes32:
        """Hash of the block it is of, as it says itself: to find it by, not to trust it by."""
        return Bytes32(keccak(self.headers[0]))

    @property
    def sha256(self) -> str:
        """The name of the bundle: SHA-256 of the file, as 64 hex digits."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def compressed(self) -> bytes:
        """Return the file compressed by gzip, without a time or a name in it."""
        # most of it is hashes in hex, where short matches, which this strategy passes over, cost more than they save
        stream = zlib.compressobj(9, zlib.DEFLATED, 31, 9, zlib.Z_FILTERED)
        return stream.compress(self.canonical()) + stream.flush()

    @classmethod
    def from_bytes(cls, data: bytes) -> Bundle:
        """Return the bundle read from its file, compressed or not.

        Raises:
            EvidenceError: too-large, also once decompressed; malformed-bundle: not JSON, a field that is unknown,
                missing or malformed, lists out of order; not-canonical: other bytes than its RFC 8785 form.
            UnsupportedError: another schema.
        """
        text = decompress(data) if data[:2] == _GZIP else data
        if len(text) > MAX_BUNDLE:
            raise EvidenceError("too-large", f"expected at most {MAX_BUNDLE} bytes, got {len(text)}")
        try:
            bundle = cls._read(text)
        except EncodingError as error:
            raise EvidenceError("malformed-bundle", str(error)) from error
        if bundle.canonical() != text:
            raise EvidenceError("not-canonical", "the file is not the RFC 8785 form of what it says, to the byte")
        return bundle

    @classmethod
    def _read(cls, text: bytes) -> Bundle:
        value = parse_json(text, what="bundle", exact=True)
        if not isinstance(value, dict) or "schema" not in value:
            raise EncodingError.of("bundle", expected=f'an object with "schema": "{BUNDLE_SCHEMA}"', got=value)
        schema = value.pop("schema")
        if schema != BUNDLE_SCHEMA:
            raise UnsupportedError(f"bundle: expected schema {BUNDLE_SCHEMA}, got {abbreviate(schema)}")
        if "schema_" in value:
            raise EncodingError("Bundle.schema_: there is no such field", hint="remove it or check its spelling")
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise EncodingError.from_pydantic("Bundle", error) from error


def decompress(data: bytes, *, limit: int = MAX_BUNDLE) -> bytes:
    """Return what a gzip file of one member holds. Raises EvidenceError (too-large, malformed-bundle)."""
    stream = zlib.decompressobj(wbits=31)
    try:
        text = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise EvidenceError("malformed-bundle", f"not a gzip file ({error})") from error
    if len(text) > limit:
        raise EvidenceError("too-large", f"expected at most {limit} bytes once decompressed, got more")
    if not stream.eof or stream.unused_data:
        raise EvidenceError("malformed-bundle", "the gzip file is cut off, or something trails it")
    return text


def _refuse_unsorted(values: list[Any], what: str) -> None:
    if any(not one < other for one, other in itertools.pairwise(values)):
        raise ValueError(f"{what}: expected each once, in ascending order")
