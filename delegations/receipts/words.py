"""The words of a receipt: what its issuer wrote for people, beside what is read here.

Terms and revert data are the facts. How they are worded is a matter of versions: a later one, or a reader that does not
know the issuer's enforcers, words them otherwise. So words are never held against a receipt and never called proven:
they are read again, and where the issuer's differ they are the issuer's word alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from caveats.caveat import Caveat
from caveats.registry import EnforcerRegistry
from delegations.receipts.check import lineage
from delegations.receipts.model import Receipt
from delegations.receipts.model_parts import Link, ReceiptCaveat, ReceiptDenial


class OtherWords(NamedTuple):
    """Words of the issuer's that are not those read here."""

    path: str
    told: str | None
    read: str | None


def reread(receipt: Receipt, registry: EnforcerRegistry) -> tuple[Receipt, tuple[OtherWords, ...]]:
    """Return the receipt with its caveats in the words of this version, and which of the issuer's were others."""
    links = lineage(receipt)
    if not links:
        return receipt, ()
    read = tuple(_reread(link, registry) for link in links)
    others = tuple(
        OtherWords(f"lineage.{link.depth}.caveats.{place}.{name}", getattr(caveat, name), getattr(ours, name))
        for link, plain in zip(links, read, strict=True)
        for place, (caveat, ours) in enumerate(zip(link.caveats, plain.caveats, strict=True))
        for name in ("name", "says")
        if getattr(caveat, name) != getattr(ours, name)
    )
    return (receipt.model_copy(update={"lineage": read}) if others else receipt), others


def _reread(link: Link, registry: EnforcerRegistry) -> Link:
    def read(caveat: ReceiptCaveat) -> ReceiptCaveat:
        decoded = registry.decode(Caveat(enforcer=caveat.enforcer, terms=caveat.terms, args=caveat.args))
        return caveat.model_copy(update={"name": decoded.name, "says": decoded.describe()})

    return link.model_copy(update={"caveats": tuple(map(read, link.caveats))})


def in_words_of(told: ReceiptDenial | None, read: ReceiptDenial | None) -> ReceiptDenial | None:
    """Return a denial as it was found here, in the words of the one that is told: what is left to compare are facts."""
    if told is None or read is None:
        return read
    return read.model_copy(update={"enforcer_name": told.enforcer_name, "explanation": told.explanation})


def other_denial_words(told: ReceiptDenial | None, read: ReceiptDenial | None) -> Iterator[OtherWords]:
    """Yield which words of a denial are not those found here."""
    for name in ("enforcer_name", "explanation"):
        ours, theirs = getattr(read, name, None), getattr(told, name, None)
        if told is not None and read is not None and ours != theirs:
            yield OtherWords(f"outcome.denial.{name}", theirs, ours)
