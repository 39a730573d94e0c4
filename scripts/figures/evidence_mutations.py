"""Evidence that a stranger hands over: lies tried and believed, and what it takes to run a denial again."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from scripts.figures.harness import Measured, Parts, figure, median_call

if TYPE_CHECKING:
    from tests.unit.receipts.evidence.mutations import Liar, Lie, Tally
    from tests.unit.receipts.evidence.specimens import Specimen
    from tests.unit.receipts.evidence.staged import Staged

RANDOM_LIES = 12_000
WHOLLY = ("a denial before the deed", "a denial that was mined")
"""Those of which each byte of each node and code is changed."""


@figure("lies")
def evidence_mutations() -> Parts:
    """Changed receipts and bundles of every kind: how many were tried, refused, and accepted, which must be none.

    The liar signs the receipt himself and names his own bundle in it. What is neither refused nor accepted differs in
    the issuer's own word alone, which the report says nobody else vouches for.
    """
    from tests.unit.receipts.evidence.mutations import Liar, Tally, judge
    from tests.unit.receipts.evidence.specimens import collect_specimens

    parts: Parts = []
    with collect_specimens() as specimens:
        liars = [Liar(specimen, list(specimens.values())) for specimen in specimens.values()]
        proven = [liar for liar in liars if liar.specimen.bundle is not None]
        told = {
            "values changed and fields left out": (lie for liar in liars for lie in _of(liar, "every_leaf")),
            "entries dropped, doubled and swapped": (lie for liar in liars for lie in _of(liar, "every_list")),
            "fields added": (lie for liar in liars for lie in _of(liar, "every_addition")),
            "labels forged to a stronger standing": (lie for liar in liars for lie in _of(liar, "every_label")),
            "proofs of another bundle": (lie for liar in proven for lie in _of(liar, "every_exchange")),
            "nodes and codes changed, dropped and added": (lie for liar in proven for lie in _of(liar, "every_node")),
            "bytes of headers, nodes and codes": (lie for liar in proven for lie in _every_byte(liar)),
            "random": _random(liars),
        }
        total = Tally()
        for what, lies in told.items():
            tally = Tally()
            for specimen, lie in lies:
                judge(specimen, lie, tally)
            parts.append(_line(tally, what))
            total.add(tally)
    return [_line(total, "all"), Measured(len(total.accepted), of="accepted", is_fault=True), *parts]


def _of(liar: Liar, kind: str) -> Iterator[tuple[Specimen, Lie]]:
    return ((liar.specimen, lie) for lie in getattr(liar, kind)())


def _every_byte(liar: Liar) -> Iterator[tuple[Specimen, Lie]]:
    wire = liar.bundle or {}
    for kind in ("headers", "nodes", "codes") if liar.specimen.name in WHOLLY else ("headers",):
        for index in range(len(wire.get(kind, ()))):
            for lie in liar.every_byte(kind, index):
                yield liar.specimen, lie


def _random(liars: Sequence[Liar]) -> Iterator[tuple[Specimen, Lie]]:
    chance = random.Random(2026)  # noqa: S311  # not for secrets
    for _ in range(RANDOM_LIES):
        liar = chance.choice(liars)
        yield liar.specimen, liar.any_lie(chance)


def _line(tally: Tally, what: str) -> Measured:
    beside = {
        "refused": sum(tally.refused.values()),
        "no lie": sum(tally.no_lie.values()),
        "accepted": len(tally.accepted),
        "reasons": len(tally.refused),
    }
    return Measured(tally.tried, of=what, beside=beside)


@figure("ms")
def denial_replay() -> Parts:
    """Denials before the deed: collecting a witness from a node in this process, and running it again offline."""
    from delegations.receipts.evidence.builder import BundleBuilder
    from delegations.receipts.evidence.replay import replay_denial
    from delegations.receipts.evidence.witness_of import witness_denial
    from tests.unit.receipts.evidence.denials import DENIALS

    parts: Parts = []
    for name, make in DENIALS.items():
        staged = make()

        def collect(staged: Staged = staged) -> None:
            witness_denial(BundleBuilder(staged.node.header), staged.node.client, staged.receipt, staged.call_data)

        def replay(staged: Staged = staged) -> None:
            opened = staged.open()
            replay_denial(staged.receipt, opened)
            opened.refuse_unused()

        bundle = staged.bundle
        beside = {
            "bundle, bytes": len(bundle.canonical()),
            "compressed, bytes": len(bundle.compressed()),
            "nodes": len(bundle.nodes),
            "accounts": len(bundle.witness.accounts),
            "slots": sum(len(account.slots) for account in bundle.witness.accounts),
        }
        parts.append(Measured(1000 * median_call(replay, warm_up=3, count=30), of=f"run again: {name}", beside=beside))
        parts.append(Measured(1000 * median_call(collect, warm_up=1, count=10), of=f"collected: {name}"))
    return parts


@figure("count")
def denial_omissions() -> Parts:
    """One thing left out of a witness: a node, a code, an account or a slot, with its proof or without."""
    from delegations.receipts.evidence.refusal import EvidenceError
    from delegations.receipts.evidence.replay import replay_denial
    from tests.unit.receipts.evidence.denials import DENIALS
    from tests.unit.receipts.evidence.test_replay import omissions

    tried = refused = 0
    for make in DENIALS.values():
        staged = make()
        for _, bundle in omissions(staged):
            tried += 1
            try:
                replay_denial(staged.receipt, staged.open(bundle))
            except EvidenceError:
                refused += 1
    return [Measured(tried, of="tried"), Measured(tried - refused, of="accepted", is_fault=True)]
