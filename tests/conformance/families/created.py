"""Delegations the kit creates: read from its JSON, written back as the same JSON, and made again with our builders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from caveats import Address, Caveat, EnforcerTerms, LimitedCalls
from caveats.types import format_hex, parse_hex
from delegations.delegation import (
    ANY_DELEGATE,
    Delegation,
    create_delegation,
    decode_delegation,
    encode_delegation,
    hash_delegation,
)
from tests.conformance.draws import draw_strict
from tests.conformance.families.terms import ask_builder
from tests.conformance.family import Answer, Family, Pair
from tests.conformance.source import Source

CASES = 150

SHORT_SALTS = {"0x": 0, "0x0": 0, "0x00": 0, "0x1": 1, "0x1f": 31, "0x0100": 256}
"""Salts as the kit takes them, and the numbers they stand for."""
_KIT_ARGS = b"\0"
"""What the kit puts into the args of a caveat where nothing else is said."""


_SCOPE = {"type": "ownershipTransfer", "contractAddress": str(Address(b"\x5c" * 20))}
"""The scope that compiles to the fewest caveats: one."""


@dataclass(frozen=True)
class Wanted:
    """What both toolkits are asked to create. `short_salt` overrides the 32-byte form of `salt`."""

    delegator: Address
    delegate: Address
    terms: tuple[EnforcerTerms, ...]
    salt: int
    parent: Delegation | None
    short_salt: str | None


def _generate(source: Source) -> Iterator[Wanted]:
    short = list(SHORT_SALTS)
    for index in range(CASES):
        parent = source.chain(1)[0] if source.one_in(3) else None
        text = short[index] if index < len(short) else None
        delegator = source.address() if parent is None or parent.is_open else parent.delegate
        yield Wanted(
            delegator=delegator,
            delegate=ANY_DELEGATE if source.one_in(5) else source.address(),
            terms=tuple(source.typed_terms()) or (draw_strict(LimitedCalls, source),),
            salt=source.uint() if text is None else SHORT_SALTS[text],
            parent=parent,
            short_salt=text,
        )


def _ask(wanted: Wanted) -> dict[str, Any]:
    options: dict[str, Any] = {
        "from": str(wanted.delegator),
        "salt": _word(wanted.salt) if wanted.short_salt is None else wanted.short_salt,
        # A scope is demanded of every root; its caveats stand before those that are asked for.
        **({"scope": _SCOPE} if wanted.parent is None else {"parentDelegation": wanted.parent.to_wire()}),
    }
    if wanted.delegate != ANY_DELEGATE:
        options["to"] = str(wanted.delegate)
    return {
        "options": options,
        "caveats": [ask_builder(terms) for terms in wanted.terms],
        "open": wanted.delegate == ANY_DELEGATE,
    }


def _compare(wanted: Wanted, answer: Answer) -> Iterator[Pair]:
    wire = answer["delegation"]
    theirs = Delegation.from_wire(wire)
    back = theirs.to_wire()
    yield Pair("keys", set(back), set(wire))
    for key, value in _settled(wire, wanted).items():
        yield Pair(f"{key} in the JSON", back[key], value)
    yield Pair("salt", theirs.salt, wanted.salt)
    yield Pair("hash", bytes(hash_delegation(theirs)), parse_hex(answer["hash"]))
    yield Pair("encoded", encode_delegation(theirs), parse_hex(answer["encoded"]))
    yield Pair("our reading of the kit's bytes", decode_delegation(parse_hex(answer["encoded"])), theirs)
    yield Pair("the same content by our builder", bytes(_build(wanted, theirs).hash), parse_hex(answer["hash"]))


def _settled(wire: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    """Return the kit's JSON with the two freedoms of its hex settled; everything else must be written back as it is.

    A short salt becomes the 32 bytes it stands for, and terms become lower case: the kit copies the addresses of a
    configuration into them with their checksum.
    """
    caveats = [{**caveat, "terms": caveat["terms"].lower()} for caveat in wire["caveats"]]
    return {**wire, "caveats": caveats, "salt": wire["salt"] if wanted.short_salt is None else _word(wanted.salt)}


def _word(value: int) -> str:
    return format_hex(value.to_bytes(32, "big"))


def _build(wanted: Wanted, theirs: Delegation) -> Delegation:
    scope = () if wanted.parent is not None else theirs.caveats[:1]
    own: list[Caveat] = [terms.to_caveat(args=_KIT_ARGS) for terms in wanted.terms]
    return create_delegation(
        delegator=wanted.delegator,
        delegate=wanted.delegate,
        caveats=[*scope, *own],
        parent=wanted.parent,
        salt=wanted.salt,
    )


FAMILY: Family[Wanted] = Family("created delegations", "createDelegation", _generate, _ask, _compare)
