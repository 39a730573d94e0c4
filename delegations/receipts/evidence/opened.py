"""A bundle opened against a block hash: what can be reached from that hash, and what was reached.

Every answer is computed from bytes whose hashes lead up to the hash the verifier gave. What is not there is an error,
never zero.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from caveats.errors import EncodingError
from caveats.types import Bytes32, keccak
from delegations.receipts.evidence import rlp
from delegations.receipts.evidence.bundle import AccountProof, Bundle, InclusionProof
from delegations.receipts.evidence.header import Header, decode_header
from delegations.receipts.evidence.refusal import EvidenceError, Reason
from delegations.receipts.evidence.trie import EMPTY_ROOT, index_key, walk

EMPTY_CODE_HASH: Final = Bytes32(keccak(b""))


@dataclass(frozen=True)
class Account:
    """An account as the state holds it; one that is not there is `EMPTY`."""

    nonce: int
    balance: int
    storage_root: Bytes32
    code_hash: Bytes32

    @property
    def has_code(self) -> bool:
        """Whether there is code."""
        return self.code_hash != EMPTY_CODE_HASH


EMPTY: Final = Account(0, 0, EMPTY_ROOT, EMPTY_CODE_HASH)


class Included(NamedTuple):
    """A transaction and its receipt, as the block commits to them."""

    header: Header
    place: int
    transaction: bytes
    receipt: bytes


class OpenBundle:
    """What a bundle shows. Made by `open_bundle`.

    Attributes:
        bundle: the bundle.
        headers: its headers, the trusted one first.
    """

    def __init__(self, bundle: Bundle, headers: tuple[Header, ...]) -> None:
        self.bundle = bundle
        self.headers = headers
        self._nodes = _by_hash(bundle.nodes, "duplicate-node", "reordered-nodes", "nodes")
        self._codes = _by_hash(bundle.codes, "duplicate-code", "reordered-codes", "codes")
        self._left, self._codes_left = set(self._nodes), set(self._codes)
        self._headers_used = {0}
        self._accounts: dict[tuple[int, bytes], Account] = {}

    @property
    def nodes(self) -> dict[bytes, bytes]:
        """Trie nodes by hash; taking one here does not count as use."""
        return dict(self._nodes)

    def node(self, digest: bytes) -> bytes:
        """Return the node with that hash. Raises EvidenceError (missing-node)."""
        raw = self._nodes.get(digest)
        if raw is None:
            raise EvidenceError("missing-node", f"there is no node 0x{digest.hex()}, and a proof needs it")
        self._left.discard(digest)
        return raw

    def code(self, digest: bytes) -> bytes:
        """Return the code with that hash. Raises EvidenceError (missing-code)."""
        if digest == EMPTY_CODE_HASH:
            return b""
        raw = self._codes.get(digest)
        if raw is None:
            raise EvidenceError("missing-code", f"there is no code 0x{digest.hex()}, and it is needed")
        self._codes_left.discard(digest)
        return raw

    def header(self, place: int) -> Header:
        """Return the header at a place, as one that is needed."""
        # each header is what leads to those below it
        self._headers_used.update(range(place + 1))
        return self.headers[place]

    def account(self, header: int, address: bytes) -> Account:
        """Return an account at the end of the block of a header; EMPTY where it is proven that there is none.

        Raises:
            EvidenceError: a node is missing, or what stands there is no account.
        """
        known = self._accounts.get((header, address))
        if known is None:
            known = read_account(walk(self.header(header).state_root, keccak(address), self.node))
            self._accounts[header, bytes(address)] = known
        return known

    def slot(self, header: int, address: bytes, slot: bytes) -> int:
        """Return a storage word at the end of the block of a header; 0 where it is proven that there is none.

        Raises:
            EvidenceError: a node is missing, or what stands there is no word.
        """
        found = walk(self.account(header, address).storage_root, keccak(slot), self.node)
        if found is None:
            return 0
        try:
            # anvil keeps words of zero in its tries, which no chain does; the root commits to them all the same
            return rlp.read_int(rlp.decode(found, what="storage word", depth=0), "storage word")
        except EncodingError as error:
            raise EvidenceError("account-malformed", str(error)) from error

    def words(self, header: int, accounts: Iterable[AccountProof]) -> dict[bytes, tuple[Account, dict[bytes, int]]]:
        """Return every account with every slot that is listed, by address. Raises as `account` and `slot`."""
        return {
            bytes(proof.address): (
                self.account(header, proof.address),
                {bytes(slot): self.slot(header, proof.address, slot) for slot in proof.slots},
            )
            for proof in accounts
        }

    def included(self) -> Included | None:
        """Return the transaction the bundle proves, with its receipt; None where it proves none.

        Raises:
            EvidenceError: a node is missing; not-included: the block has no transaction there.
        """
        proof = self.bundle.transaction
        return None if proof is None else self._included(proof, proof.index)

    def included_before(self) -> Iterator[Included]:
        """Yield the transactions of the block before the one that is proven, in order. Raises as `included`."""
        proof = self.bundle.transaction
        if proof is not None:
            for place in range(proof.index):
                yield self._included(proof, place)

    def _included(self, proof: InclusionProof, place: int) -> Included:
        header = self.header(proof.header)
        key = index_key(place)
        transaction = walk(header.transactions_root, key, self.node)
        receipt = walk(header.receipts_root, key, self.node)
        if transaction is None or receipt is None:
            raise EvidenceError("not-included", f"block {header.number} has no transaction {place}")
        return Included(header, place, transaction, receipt)

    def refuse_unused(self) -> None:
        """Raise EvidenceError for a header, a node or a code that nothing needed."""
        if self._left:
            raise EvidenceError("unused-node", f"{len(self._left)} nodes are not needed by any proof")
        if self._codes_left:
            raise EvidenceError("unused-code", f"{len(self._codes_left)} codes are not needed by any proof")
        if len(self._headers_used) != len(self.headers):
            raise EvidenceError("unused-header", "the last header is not needed by any proof")


def open_bundle(bundle: Bundle, trusted_block_hash: bytes) -> OpenBundle:
    """Return the bundle opened: its first header is the block with the trusted hash, the others its ancestors.

    Raises:
        EvidenceError: header-malformed, header-hash-mismatch, header-chain-broken; duplicate-node, reordered-nodes and
            the like.
    """
    headers = tuple(decode_header(raw) for raw in bundle.headers)
    if headers[0].hash != trusted_block_hash:
        raise EvidenceError(
            "header-hash-mismatch",
            f"expected the block 0x{bytes(trusted_block_hash).hex()}, got {headers[0].hash}",
            path="headers.0",
            hint="the block hash is what you trust; get it from a source of your own",
        )
    for place, (child, parent) in enumerate(itertools.pairwise(headers), 1):
        if parent.hash != child.parent_hash:
            raise EvidenceError(
                "header-chain-broken", f"expected {child.parent_hash}, got {parent.hash}", path=f"headers.{place}"
            )
    return OpenBundle(bundle, headers)


def read_account(found: bytes | None) -> Account:
    if found is None:
        return EMPTY
    try:
        fields = rlp.read_list(rlp.decode(found, what="account", depth=1), "account", 4)
        return Account(
            nonce=rlp.read_int(fields[0], "account nonce", size=8),
            balance=rlp.read_int(fields[1], "account balance"),
            storage_root=Bytes32(rlp.read_bytes(fields[2], "account storage root", 32)),
            code_hash=Bytes32(rlp.read_bytes(fields[3], "account code hash", 32)),
        )
    except EncodingError as error:
        raise EvidenceError("account-malformed", str(error)) from error


def _by_hash(items: Iterable[bytes], twice: Reason, disorder: Reason, path: str) -> dict[bytes, bytes]:
    """Return the items by hash. Raises EvidenceError unless their hashes ascend."""
    found: dict[bytes, bytes] = {}
    last = b""
    for item in items:
        digest = keccak(item)
        if digest in found:
            raise EvidenceError(twice, f"0x{digest.hex()} stands twice", path=path)
        if digest < last:
            raise EvidenceError(disorder, f"0x{digest.hex()} stands after a higher hash", path=path)
        found[digest] = item
        last = digest
    return found
