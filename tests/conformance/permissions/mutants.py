"""Contexts that are nearly a grant: changed at random in the ways that a decoder must notice or must not mind.

Where the two decoders differ, `name_difference` says which difference it is; test_differences.py says who is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from caveats import AllowedCalldata, ApprovalRevocation, Caveat, Nonce, Redeemer
from caveats.abi import ADDRESS_PAD, encode_uint
from caveats.types import MAX_UINT256, Bytes32, format_hex
from delegations.delegation import Delegation, encode_context, redelegate
from delegations.permissions import DecodedPermission, NotAPermission, decode_permission
from tests.conformance.draws import IN_THE_KIT, draw_strict
from tests.conformance.node import Kit
from tests.conformance.permissions.compare import in_our_words, said
from tests.conformance.permissions.subjects import all_subjects
from tests.conformance.source import Source

_EDGES = (0, 1, 4, 2**53 - 1, 2**53, 315_360_000, 315_360_001, 253_402_300_799, 253_402_300_800, MAX_UINT256)
_SAFE_INTEGER = 2**53 - 1

REDEEMER_OF_REVOCATION = "a redeemer rule beside token-approval-revocation"
DIRTY_PAYEE = "a payee word that holds more than an address"
MALFORMED_NONCE = "a nonce the enforcer would not read"
LATE_TIME = "a time beyond 2^53"
LINKS = "a context that was delegated on"
DIFFERENCES = (REDEEMER_OF_REVOCATION, DIRTY_PAYEE, MALFORMED_NONCE, LATE_TIME, LINKS)
"""Everything the two decoders disagree on."""


@dataclass(frozen=True)
class Mutant:
    """A changed context."""

    kind: str
    context: tuple[Delegation, ...]


def mutants() -> Iterator[Mutant]:
    """Yield four for each subject; the same ones on every run."""
    for kind, subjects in all_subjects().items():
        source = Source(f"permissions/mutants/{kind}")
        for subject in subjects:
            for _ in range(4):
                yield Mutant(kind, _mutate(subject.delegation, source))


def _mutate(root: Delegation, source: Source) -> tuple[Delegation, ...]:
    caveats = list(root.caveats)
    for _ in range(source.random.randint(1, 2)):
        _change(caveats, source)
    root = root.model_copy(update={"caveats": tuple(caveats)})
    if source.one_in(20):
        root = root.model_copy(update={"authority": Bytes32(source.random.randbytes(32))})
    if source.one_in(20) and not root.is_open:
        return (redelegate(root, delegate=source.address(), salt=0), root)
    return (root,)


def _change(caveats: list[Caveat], source: Source) -> None:
    at = source.random.randrange(len(caveats)) if caveats else None
    ways = (
        "word",
        "word",
        "word",
        "flip",
        "flip",
        "cut",
        "lengthen",
        "drop",
        "repeat",
        "add",
        "redeemer",
        "strange",
        "shuffle",
        "dirty",
    )
    way = source.random.choice((*ways, "args"))
    if way == "shuffle":
        source.random.shuffle(caveats)
    elif way == "add":
        caveats.append(draw_strict(source.random.choice(IN_THE_KIT), source).to_caveat())
    elif way == "redeemer":
        caveats.append(draw_strict(Redeemer, source).to_caveat())
    elif way == "strange":
        caveats.append(source.raw_caveat())
    elif at is not None:
        caveat = caveats.pop(at)
        caveats[at:at] = _instead(caveat, way, source)


def _instead(caveat: Caveat, way: str, source: Source) -> list[Caveat]:
    terms = bytearray(caveat.terms)
    if way == "drop":
        return []
    if way == "repeat":
        return [caveat, caveat]
    if way == "args":
        return [caveat.with_args(source.some_bytes())]
    if way == "lengthen":
        terms += source.some_bytes()
    elif terms and way == "cut":
        del terms[source.random.randrange(len(terms)) :]
    elif way == "dirty":
        if caveat.enforcer == AllowedCalldata.ADDRESS and len(terms) == 64:
            terms[32 + source.random.randrange(12)] = 1 + source.random.randrange(255)
    elif terms and way == "flip":
        terms[source.random.randrange(len(terms))] = source.random.randrange(256)
    elif len(terms) >= 32:
        # the words of terms stand at the end, behind a token of 20 bytes at most
        start = len(terms) - 32 * source.random.randint(1, len(terms) // 32)
        terms[start : start + 32] = encode_uint(source.random.choice(_EDGES))
    return [caveat.model_copy(update={"terms": bytes(terms)})]


def compare_mutant(mutant: Mutant, kit: Kit) -> str | None:
    """Return None when both decoders say the same, or the name of the difference.

    Raises:
        AssertionError: they differ in a way that has no name.
    """
    ours = decode_permission(encode_context(mutant.context), chain_id=1)
    theirs = kit.ask("decode", context=format_hex(encode_context(mutant.context)))
    if isinstance(ours, NotAPermission) and "error" in theirs:
        return None
    if isinstance(ours, DecodedPermission) and "error" not in theirs and in_our_words(theirs) == said(ours):
        return None
    name = name_difference(mutant, ours)
    assert name is not None, f"{mutant.kind}: ours {ours}, theirs {theirs}"
    if name != LATE_TIME:  # without what makes the difference there is none
        assert compare_mutant(_without_differences(mutant), kit) in (None, LATE_TIME)
    return name


def _without_differences(mutant: Mutant) -> Mutant:
    """Return the mutant with what the two decoders judge differently put right, save for late times."""
    root = mutant.context[-1]
    is_revocation = any(caveat.enforcer == ApprovalRevocation.ADDRESS for caveat in root.caveats)
    caveats = []
    for caveat in root.caveats:
        if caveat.enforcer == Redeemer.ADDRESS and is_revocation:
            continue
        terms = caveat.terms
        if caveat.enforcer == Nonce.ADDRESS:
            terms = bytes(32)
        elif caveat.enforcer == AllowedCalldata.ADDRESS:
            terms = terms[:32] + bytes(len(terms[32:44])) + terms[44:]
        caveats.append(caveat.model_copy(update={"terms": terms}))
    return Mutant(mutant.kind, (root.model_copy(update={"caveats": tuple(caveats)}),))


def name_difference(mutant: Mutant, ours: DecodedPermission | NotAPermission) -> str | None:
    """Return which known difference a mutant shows, or None."""
    held = {caveat.enforcer: caveat.terms for caveat in mutant.context[-1].caveats}
    if isinstance(ours, NotAPermission):
        if held.get(AllowedCalldata.ADDRESS, b"")[32:44] not in (ADDRESS_PAD, b""):
            return DIRTY_PAYEE
        return MALFORMED_NONCE if len(held.get(Nonce.ADDRESS, b"")) != 32 else None
    if len(mutant.context) > 1:
        return LINKS
    if ApprovalRevocation.ADDRESS in held and Redeemer.ADDRESS in held:
        return REDEEMER_OF_REVOCATION
    times = (getattr(ours.permission, "start_time", 0), ours.request.expiry or 0)
    return LATE_TIME if max(times) > _SAFE_INTEGER else None


def run_mutants() -> dict[str, int]:
    """Return how many mutants both decoders judge alike ("alike"), and how many show each difference by name."""
    from tests.conformance.permissions.compare import SCRIPT

    counts = dict.fromkeys(("alike", *DIFFERENCES), 0)
    with Kit(SCRIPT) as kit:
        for mutant in mutants():
            counts[compare_mutant(mutant, kit) or "alike"] += 1
    return counts
