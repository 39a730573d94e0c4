"""The ledger: receipts in their envelopes, in an order that nobody can change unseen.

    with Ledger.create("receipts.ledger", origin="ledger.example/agents") as ledger:
        entry = ledger.append(envelope)              # durable when it returns
        proof = ledger.prove_inclusion(entry.index)  # against ledger.root

Everything that is handed out has been held against the tree: an entry whose bytes do not hash to its leaf is refused,
and so is a proof that does not lead to the root.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from securesystemslib.dsse import Envelope

from caveats.errors import EncodingError, UnsupportedError, VerificationError
from caveats.types import Address, Bytes32, format_hex
from delegations.ledger import tree
from delegations.ledger.damage import Damage, examine, find_damage, find_damage_in_file
from delegations.ledger.entry import Prepared, Record, StoredEnvelope, prepare, search_key
from delegations.ledger.group import GroupCommit
from delegations.ledger.note import require_name
from delegations.ledger.sqlite import SqliteStore
from delegations.ledger.store import Identity, Store, Wanted
from delegations.ledger.tree import Head, Node
from delegations.receipts.model import KINDS, Receipt

__all__ = ["Damage", "Entry", "Head", "Ledger", "Page", "Record", "find_damage_in_file"]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[a-z_]{1,32}")
_LATEST = 2**63 - 1
_LEDGER_ID = re.compile(r"[0-9a-f]{32}")
_CHUNK = 256
_MAX_PAGE = 10_000
# the rarest first: a search starts from the first of them that is asked for
_FIELDS = ("receipt", "prev", "delegation", "agent", "delegator", "outcome", "kind")


class Entry(NamedTuple):
    """The place of a receipt in the ledger.

    Attributes:
        index: counted from 0.
        leaf_hash: the hash that stands for it in the tree.
        is_new: whether it was not there before; looked at only by `append` and `append_many` with `is_once`.
    """

    index: int  # type: ignore[assignment]  # in place of the tuple's method of that name, which nobody wants here
    leaf_hash: bytes
    is_new: bool = True


class Page(NamedTuple):
    """Part of what a search found.

    Attributes:
        records: in order of their index.
        next: where to start for the rest; None when this is the end.
    """

    records: tuple[Record, ...]
    next: int | None


class Ledger:
    """An append-only log of receipts over a store. May be used from several threads."""

    def __init__(self, store: Store) -> None:
        """Put the ledger over a store, which it closes in the end."""
        self._store = store
        self._group = GroupCommit(store.append, store.append_new)

    @classmethod
    def create(cls, path: str | Path, *, origin: str, ledger_id: str | None = None) -> Self:
        """Return a new ledger in a new SQLite file, open for writing.

        Args:
            path: where no file is yet.
            origin: the name under which its checkpoints are signed, such as "ledger.example/agents".
            ledger_id: 32 hex digits; drawn when absent.

        Raises:
            EncodingError: an origin that signed notes do not take, or an id of another form.
            EngineError: there is such a file already, or it cannot be made.
        """
        return cls(SqliteStore.create(Path(path), make_identity(origin, ledger_id)))

    @classmethod
    def open(cls, path: str | Path, *, read_only: bool = False) -> Self:
        """Return the ledger in a file that `create` made. Takes the same time however long it is.

        Raises:
            EngineError: there is no such file, it cannot be read, or, for writing, another writer has it.
            VerificationError: it is damaged at the end of its tree, or no ledger; see `find_damage_in_file`.
        """
        return cls(SqliteStore(Path(path), is_writer=not read_only))

    def __enter__(self) -> Self:
        """Return the ledger."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the ledger."""
        self.close()

    def close(self) -> None:
        """Let go of the store; what was acknowledged is kept."""
        self._store.close()

    @property
    def identity(self) -> Identity:
        """Which ledger it is: its origin and its id."""
        return self._store.identity

    @property
    def head(self) -> Head:
        """The size and the root, as committed last."""
        return self._store.head()

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self.head.size

    @property
    def root(self) -> bytes:
        """The root of the tree over all entries."""
        return self.head.root

    def append(
        self,
        envelope: Envelope | bytes | str,
        receipt: Receipt | None = None,
        *,
        is_strict: bool = True,
        is_once: bool = False,
    ) -> Entry:
        """Return the place of the envelope in the ledger, once it is durable there.

        Signatures are not verified: a ledger keeps what was said. Call `verify_envelope` first where only what is
        signed by certain keys may enter.

        Args:
            envelope: from `sign_receipt`, or its JSON.
            receipt: the receipt in it, where it is at hand: saves reading it once more.
            is_strict: also demand that every field of the receipt is in order and in its one spelling. Without it, the
                statement, the receipt's hash and what it can be searched by are checked, and the rest is kept as it is.
            is_once: leave an envelope that is there already where it is, and return its place. That is decided in the
                commit, so of several who append it at the same time, in one process or many, one does.

        Raises:
            EncodingError, UnsupportedError, VerificationError: the envelope or its receipt is not of the form, or
                another receipt is given than the one in it.
            EngineError: it could not be kept, and is not acknowledged; append it again with `is_once`.
        """
        return self._submit([prepare(envelope, receipt, is_strict=is_strict)], is_once)[0]

    def append_many(
        self,
        envelopes: Iterable[Envelope | bytes | str],
        receipts: Iterable[Receipt] | None = None,
        *,
        is_strict: bool = True,
        is_once: bool = False,
    ) -> list[Entry]:
        """Return the places of the envelopes, in their order: all of them durable, or none.

        What is new stands together, one after the other.

        Args:
            envelopes: as for `append`.
            receipts: the receipts in them, one each, where they are at hand.
            is_strict: as for `append`.
            is_once: as for `append`; also what is given twice enters once.

        Raises: as `append`.
        """
        if receipts is None:
            entries = [prepare(envelope, is_strict=is_strict) for envelope in envelopes]
        else:
            given, known = list(envelopes), list(receipts)
            if len(given) != len(known):
                raise EncodingError.of("receipts", expected=f"{len(given)}, one an envelope", got=len(known))
            entries = [prepare(*pair, is_strict=is_strict) for pair in zip(given, known, strict=True)]
        return self._submit(entries, is_once) if entries else []

    def _submit(self, entries: Sequence[Prepared], is_once: bool) -> list[Entry]:
        places = self._group.submit(entries, is_once=is_once)
        return [Entry(index, entry.leaf, is_new) for (index, is_new), entry in zip(places, entries, strict=True)]

    def root_at(self, size: int) -> bytes:
        """Return the root of the tree over the first entries. Raises EncodingError when there are fewer."""
        self._require_size(size)
        return tree.fetch_root(self._store.fetch, size)

    def fetch(self, nodes: Sequence[Node]) -> list[bytes]:
        """Return the hashes of complete subtrees, in the order they are asked for; every one of them must exist."""
        return self._store.fetch(nodes)

    def leaf_hash(self, index: int) -> bytes:
        """Return the leaf hash of an entry. Raises EncodingError when there is none."""
        self._require_size(index + 1, f"entry {index}")
        return self._store.fetch([Node(0, index)])[0]

    def prove_inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the RFC 9162 proof that the entry is among the first `size`, all of them by default.

        Raises:
            EncodingError: there is no such entry, or there are not that many.
            VerificationError: the stored hashes do not lead to the root that was committed.
        """
        head = self._head_at(size)
        proof = tree.prove_inclusion(self._store.fetch, index, head.size)
        (leaf,) = self._store.fetch([Node(0, index)])
        tree.verify_inclusion(leaf, index, head.size, proof, head.root)
        return proof

    def prove_consistency(self, first: int, second: int | None = None) -> list[bytes]:
        """Return the RFC 9162 proof that the tree of `first` entries is the beginning of that of `second`, or of all.

        Raises: as `prove_inclusion`.
        """
        head = self._head_at(second)
        proof = tree.prove_consistency(self._store.fetch, first, head.size)
        tree.verify_consistency(first, tree.fetch_root(self._store.fetch, first), head.size, head.root, proof)
        return proof

    def read(self, index: int) -> Record:
        """Return an entry. Raises EncodingError when there is none, VerificationError when it is damaged."""
        self._require_size(index + 1, f"entry {index}")
        return next(self._checked(self._store.read(index, index + 1), [index]))

    def records(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield the entries from start up to stop, or up to the last. Raises as `read`."""
        end = self.size
        if stop is not None:
            self._require_size(stop)
            end = stop
        for chunk in range(start, end, _CHUNK):
            upto = min(chunk + _CHUNK, end)
            yield from self._checked(self._store.read(chunk, upto), range(chunk, upto))

    def search(
        self,
        *,
        receipt: str | None = None,
        delegation: Bytes32 | str | None = None,
        agent: Address | str | None = None,
        delegator: Address | str | None = None,
        kind: str | None = None,
        outcome: str | None = None,
        prev: str | None = None,
        since: int | None = None,
        until: int | None = None,
        start: int = 0,
        limit: int = 100,
    ) -> Page:
        """Return the entries to which all that is given applies, in order of their index, a page at a time.

        Args:
            receipt: hash of a receipt, 64 hex digits.
            delegation: hash of a delegation anywhere in the lineage, or that was revoked or came of an escalation.
            agent: the redeemer, or whom the last delegation empowers.
            delegator: the root delegator.
            kind: redemption, denial, escalation, revocation or grant.
            outcome: such as "executed" or "denied"; see Facts.
            prev: hash of the receipt before, 64 hex digits.
            since: the earliest time, included, in unix seconds as the receipt tells it. With a time given, receipts
                that tell none are not found.
            until: the latest time, excluded.
            start: the first index to look at; `next` of the page before.
            limit: at most this many.

        Raises:
            EncodingError: a hash or an address of another form, a negative number, or a limit out of range.
            VerificationError: an entry that was found is damaged.
        """
        if not 1 <= limit <= _MAX_PAGE or not 0 <= start <= _LATEST:
            raise EncodingError.of("search", expected=f"a start and a limit up to {_MAX_PAGE}", got=(start, limit))
        given = {
            "receipt": _required(_DIGEST, receipt, "receipt", "64 lower-case hex digits"),
            "prev": _required(_DIGEST, prev, "prev", "64 lower-case hex digits"),
            "delegation": None if delegation is None else format_hex(Bytes32(delegation)),
            "agent": None if agent is None else format_hex(Address(agent)),
            "delegator": None if delegator is None else format_hex(Address(delegator)),
            "outcome": _required(_WORD, outcome, "outcome", "a word such as executed"),
            "kind": _required(_WORD, kind, "kind", f"one of {', '.join(KINDS)}"),
        }
        asked = [(field, value) for field in _FIELDS if (value := given[field]) is not None]
        keys = tuple(search_key(field, value) for field, value in asked)
        between = (_require_time(since, "since"), _require_time(until, "until"))
        found = self._store.find(Wanted(keys, *_filed_between(*between), start, limit + 1))
        records = list(self._checked(found[:limit], [stored.index for stored in found[:limit]]))
        # two values may share a key, if ever so rarely, and the latest times do: the bytes decide
        fitting = tuple(
            record
            for record in records
            if all(_has(record, *criterion) for criterion in asked) and _is_between(record.facts.time, *between)
        )
        return Page(fitting, found[limit].index if len(found) > limit else None)

    def find_damage(
        self, expected: Head | None = None, *, is_strict: bool = False, limit: int = 100
    ) -> tuple[Damage, ...]:
        """Return what is wrong with the ledger, at most `limit` things; empty when everything holds.

        Every leaf is computed again from the stored bytes, every hash of the tree, every root that was ever committed,
        and everything that entries are filed under.

        Args:
            expected: a head that is known from elsewhere, such as a signed checkpoint: the ledger must continue it.
                Without one, a ledger that was cut back to an earlier state as a whole cannot be told from that state.
            is_strict: also read every receipt in full.
            limit: at most this many.
        """
        return find_damage(self._store.audit(), expected, is_strict=is_strict, limit=limit)

    def verify(self, expected: Head | None = None, *, is_strict: bool = False) -> Head:
        """Return the head when `find_damage` finds nothing. Raises VerificationError with what it found first."""
        found = examine(self._store.audit(), expected, is_strict=is_strict)
        if found.damage or found.head is None:
            more = f", and {len(found.damage) - 1} more" if len(found.damage) > 1 else ""
            raise VerificationError(f"ledger: {found.damage[0]}{more}")
        return found.head  # the one that was looked at: by now there may be another

    def _head_at(self, size: int | None) -> Head:
        head = self._store.head()
        if size is None or size == head.size:
            return head
        self._require_size(size)
        return Head(size, tree.fetch_root(self._store.fetch, size))

    def _require_size(self, size: int, what: str | None = None) -> None:
        present = self._store.head().size
        if not (what is not None) <= size <= present:
            raise EncodingError.of("ledger", expected=f"one of {present} entries", got=what or f"{size} of them")

    def _checked(self, found: Sequence[StoredEnvelope], indexes: Sequence[int]) -> Iterator[Record]:
        if [stored.index for stored in found] != list(indexes):
            missing = sorted(set(indexes) - {stored.index for stored in found})
            what = f"entry {missing[0]} is missing" if missing else f"an entry from {indexes[0]} on stands twice"
            raise VerificationError(f"ledger: {what}")
        leaves = self._store.fetch([Node(0, index) for index in indexes])
        for stored, leaf in zip(found, leaves, strict=True):
            record = Record(stored.index, stored.payload, stored.signatures)
            if not _stands_for(leaf, record):
                raise VerificationError(f"ledger: entry {stored.index}: its bytes do not hash to its leaf")
            yield record


def make_identity(origin: str, ledger_id: str | None = None) -> Identity:
    """Return the identity of a new ledger. Raises EncodingError as `Ledger.create`."""
    require_name(origin, "origin")
    if not unicodedata.is_normalized("NFC", origin):  # it would look like another name, and not be it
        raise EncodingError.of("origin: name", expected="Unicode in its composed form (NFC)", got=origin)
    chosen = secrets.token_hex(16) if ledger_id is None else ledger_id
    if not _LEDGER_ID.fullmatch(chosen):
        raise EncodingError.of("ledger_id", expected="32 lower-case hex digits", got=chosen)
    return Identity(origin, chosen)


def _stands_for(leaf: bytes, record: Record) -> bool:
    try:
        return record.leaf_hash == leaf
    except UnsupportedError:  # not even the frame of a statement
        return False


def _required(form: re.Pattern[str], value: str | None, what: str, expected: str) -> str | None:
    """Return what is looked for. What no receipt can have is refused: finding nothing would pass for an answer."""
    if value is not None and not form.fullmatch(value):
        raise EncodingError.of(what, expected=expected, got=value)
    return value


def _require_time(time: int | None, what: str) -> int | None:
    if time is not None and time < 0:
        raise EncodingError.of(what, expected="unix seconds", got=time)
    return time


def _filed_between(since: int | None, until: int | None) -> tuple[int | None, int | None]:
    """Return the range in which entries of these times are filed: the latest that a store holds stands for all later.

    An end that leaves nothing out becomes none, and a time that must be told then stands as a beginning.
    """
    if until is not None and until > _LATEST:
        since, until = since or 0, None
    return None if since is None else min(since, _LATEST), until


def _is_between(time: int | None, since: int | None, until: int | None) -> bool:
    if since is None and until is None:
        return True
    return time is not None and (since or 0) <= time and (until is None or time < until)


def _has(record: Record, field: str, value: str) -> bool:
    if field == "receipt":
        return record.receipt_hash == value
    if field == "delegation":
        return value in record.facts.delegations
    return bool(getattr(record.facts, field) == value)
