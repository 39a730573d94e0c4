"""Puts a bundle together: each node once, whatever proof it came with, and only what a walk needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from caveats.errors import EncodingError, TransportError
from caveats.types import Address, Bytes32, keccak
from delegations.evm.wire import from_data, unreadable
from delegations.receipts.evidence.bundle import (
    MAX_BUNDLE,
    MAX_ITEMS,
    AccountProof,
    Bundle,
    InclusionProof,
    StateProof,
    Witness,
)
from delegations.receipts.evidence.header import Header
from delegations.receipts.evidence.opened import Account, read_account
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.trie import EMPTY_ROOT, Trie, index_key, walk

_ROOM, _SPARE = 2**20, 1_000
"""Bytes, and items, that are kept for the state and for what is listed beside nodes and codes."""


class BundleBuilder:
    """Collects what goes into a bundle.

    Args:
        header: of the block whose hash a verifier will be given.
    """

    def __init__(self, header: Header) -> None:
        self.headers = [header]
        self._nodes: dict[bytes, bytes] = {}
        self._codes: dict[bytes, bytes] = {}
        self._states: dict[int, dict[bytes, set[bytes]]] = {}
        self._transaction: InclusionProof | None = None
        self._witness: Witness | None = None

    def copy(self) -> BundleBuilder:
        """Return an independent copy: to try what may fail."""
        copied = BundleBuilder(self.headers[0])
        copied.headers = list(self.headers)
        copied._nodes, copied._codes = dict(self._nodes), dict(self._codes)
        copied._states = {
            place: {address: set(slots) for address, slots in accounts.items()}
            for place, accounts in self._states.items()
        }
        copied._transaction, copied._witness = self._transaction, self._witness
        return copied

    def refuse_too_large(self) -> None:
        """Raise EvidenceError (too-large) where no file could hold what was collected so far."""
        held = [*self._nodes.values(), *self._codes.values()]
        if len(held) > MAX_ITEMS - _SPARE or 2 * sum(map(len, held)) > MAX_BUNDLE - _ROOM:
            raise EvidenceError("too-large", f"{len(held)} nodes and codes are more than a bundle holds")

    def add_parent(self, header: Header) -> int:
        """Add the parent of the last header and return its place. Raises EncodingError for any other block."""
        if header.hash != self.headers[-1].parent_hash:
            raise EncodingError.of("header", expected=f"the block {self.headers[-1].parent_hash}", got=str(header.hash))
        self.headers.append(header)
        return len(self.headers) - 1

    def add_transaction(self, transactions: Trie, receipts: Trie, index: int) -> None:
        """Add the proofs of the transaction at a place of the first block, and of its receipt."""
        self._add_places(transactions, receipts, (index,))
        self._transaction = InclusionProof(header=0, index=index)

    def add_transactions_before(self, transactions: Trie, receipts: Trie) -> None:
        """Add the proofs of all that stand before the transaction that is proven, and of their receipts."""
        if self._transaction is not None:
            self._add_places(transactions, receipts, range(self._transaction.index))

    def _add_places(self, transactions: Trie, receipts: Trie, places: Iterable[int]) -> None:
        for trie in (transactions, receipts):
            for place in places:
                for node in trie.prove(index_key(place)):
                    self._nodes[keccak(node)] = node

    def add_state(self, place: int, address: Address, slots: Iterable[bytes], answer: Mapping[str, Any]) -> Account:
        """Add what eth_getProof answered for an account and return the account; see `add_proof`."""
        account = self.add_proof(place, address, slots, answer)
        self._states.setdefault(place, {}).setdefault(bytes(address), set()).update(bytes(slot) for slot in slots)
        return account

    def add_proof(self, place: int, address: Address, slots: Iterable[bytes], answer: Mapping[str, Any]) -> Account:
        """Keep the nodes of an answer of eth_getProof that are needed, and return the account they prove.

        The account is not listed among the states: a witness lists its own.

        Raises:
            TransportError: the answer does not prove what was asked, against the header at that place.
        """
        given = _proof_nodes(answer)

        def needed(digest: bytes) -> bytes:
            node = given.get(digest)
            if node is None:
                raise EvidenceError("missing-node", f"there is no node 0x{digest.hex()} in the answer")
            self._nodes[digest] = node
            return node

        try:
            account = read_account(walk(self.headers[place].state_root, keccak(address), needed))
            for slot in slots:
                if account.storage_root != EMPTY_ROOT:
                    walk(account.storage_root, keccak(slot), needed)
        except EvidenceError as error:
            raise TransportError(
                f"eth_getProof: the answer for {address} does not hold against block {self.headers[place].hash}"
                f" ({error})",
                hint="ask a node that keeps the state of that block",
            ) from error
        return account

    def add_code(self, code: bytes) -> Bytes32:
        """Add a contract's code and return its hash."""
        digest = Bytes32(keccak(code))
        if code:
            self._codes[bytes(digest)] = code
        return digest

    def set_witness(self, witness: Witness) -> None:
        """Say which call is to be executed again; its accounts were added by `add_proof`."""
        self._witness = witness

    def build(self) -> Bundle:
        """Return the bundle."""
        return Bundle(
            headers=tuple(header.encode() for header in self.headers),
            nodes=tuple(self._nodes[digest] for digest in sorted(self._nodes)),
            codes=tuple(self._codes[digest] for digest in sorted(self._codes)),
            transaction=self._transaction,
            states=tuple(
                StateProof(
                    header=place,
                    accounts=tuple(account_proof(Address(address), accounts[address]) for address in sorted(accounts)),
                )
                for place, accounts in sorted(self._states.items())
            ),
            witness=self._witness,
        )


def account_proof(address: Address, slots: Iterable[bytes]) -> AccountProof:
    """Return the listing of an account with its slots in order."""
    return AccountProof(address=address, slots=tuple(Bytes32(slot) for slot in sorted(set(slots))))


def _proof_nodes(answer: Mapping[str, Any]) -> dict[bytes, bytes]:
    """Return the nodes of an answer by hash. Raises TransportError for what is no answer."""
    if not isinstance(answer, Mapping):
        raise unreadable("an object as eth_getProof gives one", answer)
    storage = answer.get("storageProof", [])
    if not isinstance(storage, list) or not all(isinstance(item, Mapping) for item in storage):
        raise unreadable("a list of storage proofs", storage)
    lists = [answer.get("accountProof"), *(item.get("proof") for item in storage)]
    found = {}
    for proof in lists:
        if not isinstance(proof, list):
            raise unreadable("a list of nodes", proof)
        for text in proof:
            node = from_data(text)
            found[keccak(node)] = node
    return found
