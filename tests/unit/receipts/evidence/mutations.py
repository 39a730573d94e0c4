"""Lies about receipts and bundles, and whether anything false passes the verifier.

Each mutation is told by a liar who signs the receipt himself and names his own bundle in it, so that neither signature
nor file name stops him: what stops him must be the chain. A mutation is

    refused    with a reason,
    no lie     because all that differs is the issuer's word: nothing that differs is said to be proven or re-executed,
    accepted   otherwise. That is a hole.
"""

from __future__ import annotations

import copy
import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import rfc8785

from caveats.errors import DelegationsError
from caveats.types import keccak
from delegations.receipts import Receipt
from delegations.receipts.evidence.bundle import EVIDENCE_TYPE, Bundle
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.report import Report
from delegations.receipts.evidence.verify import verify
from tests.unit.receipts.evidence.specimens import Specimen

Path = tuple[str | int, ...]
Wire = dict[str, Any]
STRENGTH = {"attested": 0, "traced": 0, "reexecuted": 1, "proven": 2}
WORDS = (
    *("proven", "reexecuted", "traced", "attested"),
    *("redemption", "denial", "escalation", "revocation", "grant"),
    *("executed", "partially_executed", "denied", "failed"),
    *("signature", "manager", "hook", "execution", "gas", "before_all", "before", "after", "after_all"),
    *("local", "live", "preflight", "latest", "safe", "finalized", "disabled", "nonce", "code"),
    *("ecdsa", "erc1271", "erc6492", "pending", "approved", "rejected", "expired"),
)
ADDED: tuple[tuple[str, Any], ...] = (
    ("subject.phase", "preflight"),
    ("subject.transaction", "0x" + "11" * 32),
    ("subject.transaction_index", 0),
    ("subject.log_index", 0),
    ("subject.call_path", [0]),
    ("subject.call_path", []),
    ("subject.finality", "finalized"),
    ("subject.block.hash", "0x" + "11" * 32),
    ("actor.via", ["0x" + "11" * 20]),
    ("actor.via", []),
    ("actor", {"redeemer": "0x" + "11" * 20, "submitter": "0x" + "11" * 20}),
    ("outcome.gas_used", "1"),
    ("outcome.failed_executions", [0]),
    ("outcome.warnings", ["All is well."]),
    ("outcome.denial.entry", 0),
    ("outcome.denial.depth", 0),
    ("outcome.denial.caveat", 0),
    ("outcome.denial.execution", 0),
    ("outcome.denial.hook", "before"),
    ("outcome.movements.0.token_id", "1"),
    ("outcome.movements.0.token", "0x" + "11" * 20),
    ("revocation.nonce", "1"),
    ("revocation.code", "0x" + "11" * 20),
    ("granted.signer", "0x" + "11" * 20),
    ("escalation.denial", "ab" * 32),
    ("prev", "ab" * 32),
    ("states", []),
    ("codes", []),
    ("more", "of it"),
)
"""What a receipt or a bundle may lack, and is given."""
MERE_CHOICE: frozenset[Path] = frozenset({("witness", "gas")})
"""What of a bundle can be chosen freely: the gas a denied call is run again with, as long as it ends the same."""


@dataclass
class Tally:
    """What came of many mutations."""

    refused: Counter[str] = field(default_factory=Counter)
    no_lie: Counter[str] = field(default_factory=Counter)
    accepted: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        return sum(self.refused.values()) + sum(self.no_lie.values()) + len(self.accepted)

    def add(self, other: Tally) -> None:
        self.refused += other.refused
        self.no_lie += other.no_lie
        self.accepted += other.accepted


@dataclass(frozen=True)
class Lie:
    """A receipt and a bundle as a liar hands them over; `bundle` as the bytes of its file."""

    what: str
    receipt: Wire
    bundle: bytes | None


class Liar:
    """Makes lies of one specimen.

    Args:
        specimen: the truth.
        others: specimens from which parts are taken.
    """

    def __init__(self, specimen: Specimen, others: Sequence[Specimen] = ()) -> None:
        self.specimen = specimen
        self.others = [other for other in others if other is not specimen and other.bundle is not None]
        self.receipt: Wire = specimen.told
        self.bundle: Wire | None = None if specimen.bundle is None else specimen.bundle.to_wire()
        self.leaves = list(leaves(self.receipt))
        self.bundle_leaves = [] if self.bundle is None else list(leaves(self.bundle))

    # making them

    def of_receipt(self, what: str, path: Path, change: Any) -> Lie:
        """The receipt changed at a path, with its own bundle."""
        wire = shallow(self.receipt, path)
        change(wire, path)
        return Lie(f"receipt: {what} {dotted(path)}", wire, self.specimen.file)

    def of_bundle(self, what: str, path: Path, change: Any) -> Lie:
        """The bundle changed at a path, and named by the receipt."""
        assert self.bundle is not None
        wire = shallow(self.bundle, path)
        change(wire, path)
        return self.named(f"bundle: {what} {dotted(path)}", rfc8785.dumps(wire))

    def named(self, what: str, file: bytes) -> Lie:
        """The receipt with another bundle in the place of its own."""
        wire = dict(self.receipt)
        digest = hashlib.sha256(file).hexdigest()
        wire["evidence"] = [
            {**one, "sha256": digest} if one["type"] == EVIDENCE_TYPE else one for one in wire["evidence"]
        ]
        return Lie(what, wire, file)

    # every one of a kind

    def every_leaf(self) -> Iterator[Lie]:
        """Each value changed, emptied and turned into another type; each field left out."""
        for path, value in self.leaves:
            for name, other in other_values(value):
                yield self.of_receipt(f"{name} for", path, setting(other))
        for path, value in self.bundle_leaves:
            for name, other in other_values(value):
                yield self.of_bundle(f"{name} for", path, setting(other))
        for path in keys(self.receipt):
            yield self.of_receipt("without", path, drop)
        for path in keys(self.bundle or {}):
            yield self.of_bundle("without", path, drop)

    def every_list(self) -> Iterator[Lie]:
        """Each entry dropped and doubled, each two neighbours swapped."""
        for wire, of in ((self.receipt, self.of_receipt), (self.bundle or {}, self.of_bundle)):
            for path, items in lists(wire):
                for index in range(len(items)):
                    yield of("dropped", (*path, index), drop)
                    yield of("doubled", (*path, index), double)
                for index in range(len(items) - 1):
                    if items[index] != items[index + 1]:
                        yield of("swapped with the next", (*path, index), swap)

    def every_addition(self) -> Iterator[Lie]:
        """Each optional field that is not there, and some that may not be, with and without a claim about it."""
        for name, value in ADDED:
            path = tuple(int(key) if key.isdigit() else key for key in name.split("."))
            for wire, of in ((self.receipt, self.of_receipt), (self.bundle or {}, self.of_bundle)):
                if wire and holds(wire, path[:-1]) and not holds(wire, path):
                    yield of("something for", path, setting(value))
            if holds(self.receipt, path[:-1]) and not holds(self.receipt, path):
                lie = self.of_receipt("something proven for", path, setting(value))
                lie.receipt["claims"] = {**lie.receipt["claims"], name: "proven"}
                yield lie

    def every_exchange(self) -> Iterator[Lie]:
        """Each part of the bundle taken from another's, and other bundles whole."""
        for other in self.others:
            assert other.bundle is not None
            theirs = other.bundle.to_wire()
            if other.bundle != self.specimen.bundle:
                yield self.named(f"bundle: that of {other.name}", other.bundle.canonical())
            for key in theirs.keys() | (self.bundle or {}).keys():
                if key != "schema" and (self.bundle or {}).get(key) != theirs.get(key):
                    yield self.of_bundle(f"from {other.name}, the", (key,), exchanging(theirs.get(key)))

    def every_node(self) -> Iterator[Lie]:
        """Each node and code changed and dropped, and the rest put in order again as a careful liar would."""
        assert self.bundle is not None
        for kind in ("nodes", "codes"):
            held = [bytes.fromhex(text[2:]) for text in self.bundle.get(kind, [])]
            for index, raw in enumerate(held):
                for place in range(0, len(raw), max(1, len(raw) // 8)):
                    flipped = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
                    yield self._with(kind, [*held[:index], flipped, *held[index + 1 :]], f"byte {place} of", index)
                yield self._with(kind, held[:index] + held[index + 1 :], "all but", index)
            for other in self.others:
                assert other.bundle is not None
                for index, raw in enumerate(getattr(other.bundle, kind)):
                    if raw not in held:
                        yield self._with(kind, [*held, raw], f"besides one of {other.name},", index)

    def _with(self, kind: str, items: Sequence[bytes], what: str, index: int) -> Lie:
        assert self.bundle is not None
        ordered = sorted(set(items), key=keccak)
        return self.named(
            f"bundle: {what} {kind}.{index}",
            rfc8785.dumps({**self.bundle, kind: ["0x" + raw.hex() for raw in ordered]}),
        )

    def every_label(self) -> Iterator[Lie]:
        """Every fact, and every part that is nobody's but the issuer's word, said to be known better than it is."""
        facts = {dotted(path[:length]) for path, _ in self.leaves for length in range(1, len(path) + 1)}
        for fact in sorted(facts - {"schema", "kind"}):
            if not fact.startswith("claims"):
                for standing in ("reexecuted", "proven"):
                    yield self.of_receipt(f"{standing}, it says, is", ("claims", fact), setting(standing))

    def every_byte(self, kind: str, index: int, step: int = 1) -> Iterator[Lie]:
        """Each byte flipped of a header or a node, which is what holds a transaction or a receipt; put in order."""
        assert self.bundle is not None
        held = [bytes.fromhex(text[2:]) for text in self.bundle[kind]]
        for place in range(0, len(held[index]), step):
            raw = bytearray(held[index])
            raw[place] ^= 1 << (place % 8)
            changed = [*held[:index], bytes(raw), *held[index + 1 :]]
            if kind == "headers":
                wire = {**self.bundle, "headers": ["0x" + one.hex() for one in changed]}
                yield self.named(f"bundle: byte {place} of headers.{index}", rfc8785.dumps(wire))
            else:
                yield self._with(kind, changed, f"byte {place} of", index)

    # any

    def any_lie(self, chance: random.Random) -> Lie:
        """A random lie: one to three changes anywhere, or bytes of the file."""
        if self.bundle is None or chance.random() < 0.45:
            wire = copy.deepcopy(self.receipt)
            told = [self._any_change(wire, list(leaves(wire)), chance) for _ in range(chance.choice((1, 1, 1, 2, 3)))]
            return Lie(f"receipt: {'; '.join(told)}", wire, self.specimen.file)
        if chance.random() < 0.15:
            file = bytearray(rfc8785.dumps(self.bundle))
            place = chance.randrange(len(file))
            file[place] = chance.randrange(256)
            return self.named(f"file: byte {place} is {file[place]}", bytes(file))
        wire = copy.deepcopy(self.bundle)
        told = [self._any_change(wire, list(leaves(wire)), chance) for _ in range(chance.choice((1, 1, 2, 3)))]
        if chance.random() < 0.5:
            for kind in ("nodes", "codes"):
                held = wire.get(kind)
                if isinstance(held, list) and all(isinstance(text, str) and is_hex(text) for text in held):
                    wire[kind] = sorted(set(held), key=lambda text: keccak(bytes.fromhex(text[2:])))
        return self.named(f"bundle: {'; '.join(told)}", rfc8785.dumps(wire))

    def _any_change(self, wire: Wire, known: list[tuple[Path, Any]], chance: random.Random) -> str:
        if not known:
            return "nothing left"
        path, value = chance.choice(known)
        kind = chance.randrange(10)
        if kind < 6:
            known_values = list(other_values(value, chance))
            # most are of the right form, so that they are not stopped at the door
            name, other = known_values[0] if chance.random() < 0.7 else chance.choice(known_values)
            setting(other)(wire, path)
            return f"{name} for {dotted(path)}"
        if kind < 8:
            cut = path[: chance.randrange(1, len(path) + 1)]
            drop(wire, cut)
            return f"without {dotted(cut)}"
        if kind == 8:
            whence, taken = chance.choice(known)
            setting(taken)(wire, path)
            return f"{dotted(whence)} for {dotted(path)}"
        within = [length for length in range(1, len(path) + 1) if isinstance(path[length - 1], int)]
        if within:
            cut = path[: chance.choice(within)]
            chance.choice((swap, double))(wire, cut)
            return f"doubled or swapped {dotted(cut)}"
        setting(chance.choice(WORDS))(wire, path)
        return f"a word for {dotted(path)}"


def judge(specimen: Specimen, lie: Lie, tally: Tally) -> None:
    """Hand a lie to the verifier and count what comes of it. A foreign exception is not caught."""
    told, own = specimen.told, specimen.file
    if lie.receipt == told and lie.bundle == own:
        return
    try:
        # what is as it was need not be read again
        receipt = Receipt.from_wire(json.loads(json.dumps(lie.receipt)))
        bundle = specimen.bundle if lie.bundle == own or lie.bundle is None else Bundle.from_bytes(lie.bundle)
        report = verify(receipt, bundle, specimen.trusted)
    except EvidenceError as error:
        tally.refused[error.reason] += 1
    except DelegationsError as error:
        tally.refused[error.code] += 1
    else:
        false = list(untruths(told, lie.receipt, report))
        if specimen.bundle is not None and bundle is not None and bundle is not specimen.bundle:
            false += changes(specimen.bundle.to_wire(), bundle.to_wire()) - MERE_CHOICE
        if false:
            tally.accepted.append(f"{specimen.name}: {lie.what}: {[dotted(path) for path in false]}")
        else:
            tally.no_lie[lie.what] += 1


def untruths(told: Wire, lie: Wire, report: Report) -> Iterator[Path]:
    """Yield what the report calls proven or re-executed and is not as the truth has it."""
    parts = {finding.path.partition(".")[0] for finding in report.findings}
    for path in sorted(changes(told, lie), key=dotted):
        if path[0] == "claims":
            fact = str(path[1])
            known = [f for f in report.findings if f.path == fact or f.path.startswith(f"{fact}.")]
            claimed = lie["claims"].get(fact, "attested")
            is_alone = not known and STRENGTH[claimed] > STRENGTH[_standing(report, fact, parts)]
            if is_alone or any(STRENGTH[f.standing] < STRENGTH[f.claimed] for f in report.findings):
                yield path
        elif path[0] != "evidence" and holds(lie, path) and STRENGTH[_standing(report, dotted(path), parts)]:
            yield path


def _standing(report: Report, fact: str, parts: set[str]) -> str:
    return report.standing(fact) if fact.partition(".")[0] in parts else "attested"


# paths


def dotted(path: Path) -> str:
    return ".".join(map(str, path))


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every value that is no object and no list, with its path; empty ones of these too."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


def keys(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every field."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if isinstance(value, dict):
            yield (*path, key)
        yield from keys(item, (*path, key))


def lists(value: Any, path: Path = ()) -> Iterator[tuple[Path, list[Any]]]:
    """Yield every list that holds something."""
    if isinstance(value, list) and value:
        yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from lists(item, (*path, key))


def changes(one: Any, other: Any) -> set[Path]:
    """Return where two JSON values differ."""
    left, right = dict(leaves(one)), dict(leaves(other))
    return {p for p in left.keys() | right.keys() if left.get(p, left) != right.get(p, right)}


def holds(wire: Any, path: Path) -> bool:
    """Whether there is something at a path."""
    try:
        _at(wire, path)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _at(wire: Any, path: Path) -> Any:
    for key in path:
        wire = wire[key]
    return wire


def shallow(wire: Wire, path: Path) -> Wire:
    """A copy in which only what is on the way of the path is new."""
    made: Any = dict(wire)
    node = made
    for key in path[:-1]:
        if not holds(node, (key,)):
            break
        node[key] = copy.copy(node[key])
        node = node[key]
    return made  # type: ignore[no-any-return]  # built as Any


# changes


def setting(other: Any) -> Any:
    def change(wire: Any, path: Path) -> None:
        if holds(wire, path[:-1]):
            parent = _at(wire, path[:-1])
            if isinstance(parent, dict) or (
                isinstance(parent, list) and isinstance(path[-1], int) and path[-1] < len(parent)
            ):
                parent[path[-1]] = copy.deepcopy(other)

    return change


def exchanging(other: Any) -> Any:
    return drop if other is None else setting(other)


def drop(wire: Any, path: Path) -> None:
    if holds(wire, path):
        del _at(wire, path[:-1])[path[-1]]


def double(wire: Any, path: Path) -> None:
    if holds(wire, path) and isinstance(_at(wire, path[:-1]), list):
        _at(wire, path[:-1]).insert(path[-1], copy.deepcopy(_at(wire, path)))


def swap(wire: Any, path: Path) -> None:
    parent = _at(wire, path[:-1]) if holds(wire, path[:-1]) else None
    if isinstance(parent, list) and isinstance(path[-1], int) and path[-1] + 1 < len(parent):
        place = path[-1]
        parent[place], parent[place + 1] = parent[place + 1], parent[place]


def is_hex(text: str) -> bool:
    return text.startswith("0x") and len(text) % 2 == 0 and all(c in "0123456789abcdef" for c in text[2:])


def other_values(value: Any, chance: random.Random | None = None) -> Iterator[tuple[str, Any]]:
    """Yield values that are not this one: near ones of its own form, an empty one, one of another type."""
    if isinstance(value, bool):
        yield "the opposite", not value
    elif isinstance(value, int):
        yield "one more", value + 1
        yield "one less", value - 1
        yield "text", str(value)
    elif isinstance(value, str):
        yield from _other_texts(value, chance)
        yield "a number", 1
    else:
        yield "text", "x"
        yield "a list", ["0x"]


def _other_texts(value: str, chance: random.Random | None) -> Iterator[tuple[str, str]]:
    if value.startswith("0x"):
        place = len(value) - 1 if chance is None else chance.randrange(2, max(3, len(value)))
        if len(value) > 2:
            digit = "0" if value[min(place, len(value) - 1)] != "0" else "1"
            place = min(place, len(value) - 1)
            yield f"another digit {place}", value[:place] + digit + value[place + 1 :]
            yield "a byte less", value[:-2]
        yield "a byte more", value + "00"
        yield "capitals", value.upper().replace("0X", "0x") if value.upper() != value else value + "AA"
    elif value.isdigit() and len(value) < 78:
        yield "one more", str(int(value) + 1)
        yield "another spelling", "0" + value
        yield "nothing", "0" if value != "0" else ""
    elif value in WORDS:
        for word in WORDS if chance is None else [chance.choice(WORDS)]:
            if word != value:
                yield f"{word}", word
    else:
        yield "another letter", ("a" if value[:1] != "a" else "b") + value[1:]
        yield "a letter more", value + "x"
    if value:
        yield "nothing at all", ""
