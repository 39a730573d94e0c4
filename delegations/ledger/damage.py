"""What is wrong with a ledger, found by computing everything again from the bytes that were appended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from caveats.errors import DelegationsError, EncodingError, UnsupportedError, VerificationError
from delegations.ledger.entry import Record, read_strictly, search_keys
from delegations.ledger.sqlite_audit import SqliteAudit
from delegations.ledger.store import Audit, Filed, Identity
from delegations.ledger.tree import EMPTY_ROOT, HASH_SIZE, Frontier, Head
from delegations.receipts.envelope import read_envelope

_LATEST = 2**63 - 1


class Damage(NamedTuple):
    """One thing that is not as it was appended.

    Attributes:
        where: such as "entry 17", "tree", "head 20", "file".
        what: in one line.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class Findings(NamedTuple):
    """What a verification has seen, all of it at one moment.

    Attributes:
        damage: what is wrong; empty when everything holds.
        identity: which ledger it is, where that can be told.
        head: its last head, where that can be told.
    """

    damage: tuple[Damage, ...]
    identity: Identity | None
    head: Head | None


def find_damage(
    audit: AbstractContextManager[Audit], expected: Head | None = None, *, is_strict: bool = False, limit: int = 100
) -> tuple[Damage, ...]:
    """Return what is wrong, at most `limit` things. See `Ledger.find_damage`."""
    return examine(audit, expected, is_strict=is_strict, limit=limit).damage


def examine(
    audit: AbstractContextManager[Audit], expected: Head | None = None, *, is_strict: bool = False, limit: int = 100
) -> Findings:
    """Return what is wrong, at most `limit` things, and with what. See `Ledger.find_damage`."""
    found: list[Damage] = []
    identity, head = None, None
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(audit)
        except VerificationError as error:
            return Findings((Damage("file", str(error)),), None, None)
        for check in (_faults(opened), _Check(opened, expected, is_strict).run()):
            try:
                found.extend(islice(check, limit - len(found)))
            except DelegationsError as error:  # damage so deep that what stores it cannot read on
                found.append(Damage("file", str(error)))
        try:
            identity, head = opened.identity(), opened.head()
        except DelegationsError:
            if not found:
                raise
    return Findings(tuple(found[:limit]), identity, head)


def find_damage_in_file(
    path: str | Path, expected: Head | None = None, *, is_strict: bool = False, limit: int = 100
) -> tuple[Damage, ...]:
    """Return what is wrong with a ledger's file, also with one that does not open. See `Ledger.find_damage`."""
    return find_damage(SqliteAudit(Path(path)), expected, is_strict=is_strict, limit=limit)


def _faults(audit: Audit) -> Iterator[Damage]:
    for text in audit.find_faults():
        yield Damage("file", text)


class _Check:
    """One pass over everything, in the order of the entries."""

    def __init__(self, audit: Audit, expected: Head | None, is_strict: bool) -> None:
        self._audit = audit
        self._expected = expected
        self._is_strict = is_strict
        self._frontier = Frontier()
        self._hashes = audit.hashes()
        self._position = 0
        self._heads = audit.heads()
        self._next_head: Head | None = None
        self._keys = 0

    def run(self) -> Iterator[Damage]:
        """Yield the damage."""
        head = self._audit.head()
        self._next_head = next(self._heads, None)
        yield from self._at_size()
        for filed in self._audit.filed():
            index = filed.index
            if not isinstance(index, int) or index < self._frontier.size:
                yield Damage(f"entry {index}", "it stands where no entry can stand")
                continue
            yield from self._gap_before(index)
            yield from self._entry(index, filed)
            yield from self._at_size()
        size = self._frontier.size
        if size != head.size:
            yield Damage("head", f"expected {head.size} entries, as was committed, got {size}")
        for place, _ in self._hashes:
            yield Damage("tree", f"a hash at position {place}, which no entry leads to")
        if self._next_head is not None:
            yield Damage(f"head {self._next_head.size}", f"there are only {size} entries")
        if self._keys != (count := self._audit.count_keys()):
            yield Damage("index", f"expected {self._keys} keys over all entries, got {count}")
        if self._expected is not None and self._expected.size > size:
            yield Damage("ledger", f"expected to continue a head of {self._expected.size} entries, got {size}")

    def _gap_before(self, index: int) -> Iterator[Damage]:
        """Name what is missing; the tree goes on from the stored hashes, so that one gap is not damage everywhere."""
        while self._frontier.size < index:
            missing = self._frontier.size
            yield Damage(f"entry {missing}", "it is missing")
            stored = self._next_hash()
            self._take_rest(self._frontier.append(stored if stored is not None else bytes(HASH_SIZE))[1:])

    def _entry(self, index: int, filed: Filed) -> Iterator[Damage]:
        where = f"entry {index}"
        leaf, facts = None, None
        keys: tuple[int, ...] = ()
        try:
            if not isinstance(filed.payload, bytes) or not isinstance(filed.signatures, bytes):
                raise EncodingError.of("entry", expected="bytes", got=filed)
            record = Record(index, filed.payload, filed.signatures)
            leaf, facts = record.leaf_hash, record.facts
            keys = search_keys(facts, record.receipt_hash)
            if self._is_strict:
                read_envelope(record.envelope_bytes)
                read_strictly(record.receipt_bytes)
        except (EncodingError, UnsupportedError, VerificationError) as error:
            yield Damage(where, f"its bytes are not those of a receipt in an envelope: {error}")
        found = self._next_hash()
        if leaf is not None and found != leaf:
            yield Damage(where, "its bytes do not hash to its leaf")
        # on with the hash that is stored: what stands above is then checked on its own
        yield from self._compare(where, self._frontier.append(found or leaf or bytes(HASH_SIZE))[1:])
        if facts is None:
            return
        self._keys += len(keys)
        if self._audit.missing_keys(index, keys):
            yield Damage(where, "it is not filed under all that its receipt says")
        if filed.time != (None if facts.time is None else min(facts.time, _LATEST)):
            yield Damage(where, f"it is filed under another time than its receipt says, {facts.time}")

    def _compare(self, where: str, made: list[bytes]) -> Iterator[Damage]:
        for level, digest in enumerate(made, start=1):
            if self._next_hash() != digest:
                yield Damage("tree", f"the hash of level {level} above {where} is another")

    def _take_rest(self, made: list[bytes]) -> None:
        for _ in made:
            self._next_hash()

    def _next_hash(self) -> bytes | None:
        """Return the stored hash at the next position, None when it is missing or no hash."""
        wanted = self._position
        self._position += 1
        for place, digest in self._hashes:
            if place == wanted:
                return digest if isinstance(digest, bytes) and len(digest) == HASH_SIZE else None
            if place > wanted:
                self._hashes = _chain((place, digest), self._hashes)
                return None
        return None

    def _at_size(self) -> Iterator[Damage]:
        """Hold what was committed at this size, and what is known of it from elsewhere, against the tree."""
        size = self._frontier.size
        while self._next_head is not None and self._next_head.size <= size:
            head = self._next_head
            if head.size < size or head.root != (self._frontier.root if size else EMPTY_ROOT):
                yield Damage(f"head {head.size}", "the root that was committed is another")
            self._next_head = next(self._heads, None)
        if self._expected is not None and self._expected.size == size and self._expected.root != self._frontier.root:
            yield Damage("ledger", f"its root over {size} entries is not the one that is expected")


def _chain(first: tuple[int, object], rest: Iterator[tuple[int, object]]) -> Iterator[tuple[int, object]]:
    yield first
    yield from rest
