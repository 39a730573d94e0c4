"""Mined denials run again behind others of their block: how long by place, what can be left out, what work takes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from scripts.figures.harness import FigureError, Measured, Parts, figure, median_call

if TYPE_CHECKING:
    from delegations.receipts.evidence import Bundle
    from tests.unit.receipts.evidence.crowded import Crowded

PLACES = (0, 1, 10, 50, 200)
_GAS = 1_000_000


@figure("ms")
def block_replay() -> Parts:
    """A mined denial verified from its compressed bundle, by its place in the block; half of those before it redeem."""
    from delegations.receipts.evidence import Bundle, prove, verify
    from tests.unit.receipts.evidence.crowded import denied_at
    from tests.unit.receipts.evidence.live_chain import LiveChain

    parts: Parts = []
    live = LiveChain()
    try:
        live.mine()
        for place in PLACES:
            receipt = denied_at(live, place)
            bundle = prove(receipt, live.client)
            file, trusted = bundle.compressed(), bytes(bundle.block_hash)

            def check(receipt: Any = receipt, file: bytes = file, trusted: bytes = trusted) -> None:
                report = verify(receipt, Bundle.from_bytes(file), trusted)
                if report.standing("outcome.denial") != "reexecuted":
                    raise FigureError("the denial was not run again")

            collected = median_call(lambda receipt=receipt: prove(receipt, live.client), warm_up=0, count=3)
            beside = {
                "collected, ms": round(1000 * collected, 1),
                "compressed, bytes": len(file),
                "traced only, bytes": len(prove(receipt, live.client, replay=False).compressed()),
                "nodes": len(bundle.nodes),
                "gas before": receipt_gas(bundle, trusted),
            }
            parts.append(Measured(1000 * median_call(check, warm_up=1, count=7), of=f"place {place}", beside=beside))
    finally:
        live.close()
    return parts


def receipt_gas(bundle: Bundle, trusted: bytes) -> int:
    """Return the gas the block had used before the transaction."""
    from delegations.receipts.evidence.mined import decode_mined_receipt
    from delegations.receipts.evidence.opened import open_bundle

    opened = open_bundle(bundle, trusted)
    return max((decode_mined_receipt(each.receipt).cumulative_gas for each in opened.included_before()), default=0)


@figure("count")
def block_omissions() -> Parts:
    """A denial behind seven transactions: what is left out of its bundle, or put elsewhere; none may be accepted."""
    from delegations.receipts.evidence import EvidenceError, verify
    from tests.unit.receipts.evidence.crowded import used_up_in_its_block
    from tests.unit.receipts.evidence.live_chain import LiveChain

    live = LiveChain()
    try:
        live.mine()
        crowded = used_up_in_its_block(live, 1)
    finally:
        live.close()
    verify(crowded.receipt, crowded.bundle, crowded.trusted)
    tried = accepted = 0
    for bundle in _without(crowded):
        tried += 1
        try:
            verify(crowded.receipt, bundle, crowded.trusted)
        except EvidenceError:
            continue
        accepted += 1
    parts: Parts = [Measured(tried, of="left out"), Measured(accepted, of="left out and accepted", is_fault=True)]
    return [*parts, *_reordered(crowded)]


def _without(crowded: Crowded) -> Iterator[Bundle]:
    """Yield the bundle without each node, code, account and slot."""
    bundle, witness = crowded.bundle, crowded.bundle.witness
    for name in ("nodes", "codes"):
        held = getattr(bundle, name)
        for place in range(len(held)):
            yield bundle.model_copy(update={name: held[:place] + held[place + 1 :]})
    if witness is None:
        raise FigureError("there is no witness")
    for place, account in enumerate(witness.accounts):
        fewer = [account.slots[:at] + account.slots[at + 1 :] for at in range(len(account.slots))]
        for instead in ((), *((account.model_copy(update={"slots": slots}),) for slots in fewer)):
            accounts = (*witness.accounts[:place], *instead, *witness.accounts[place + 1 :])
            yield bundle.model_copy(update={"witness": witness.model_copy(update={"accounts": accounts})})


def _reordered(crowded: Crowded) -> Parts:
    """Run the transactions in other orders, and fewer of them, as if no root committed to their places."""
    from delegations.receipts.evidence import EvidenceError
    from delegations.receipts.evidence.opened import OpenBundle, open_bundle
    from delegations.receipts.evidence.replay_mined import replay_mined

    class Elsewhere(OpenBundle):
        order: tuple[int, ...] = ()

        def included_before(self) -> Iterator[Any]:
            listed = list(super().included_before())
            return iter([listed[place] for place in self.order])

    opened = open_bundle(crowded.bundle, crowded.trusted)
    count = len(list(opened.included_before()))
    orders = [order for length in (count - 1, count) for order in itertools.permutations(range(count), length)]
    tried = accepted = 0
    for order in orders[:: max(1, len(orders) // 500)]:
        if order == tuple(range(count)):
            continue
        lie = Elsewhere(crowded.bundle, opened.headers)
        lie.order = order
        tried += 1
        try:
            replay_mined(lie, crowded.receipt_chain)
        except EvidenceError:
            continue
        accepted += 1
    return [
        Measured(tried, of="other orders, and one fewer"),
        Measured(accepted, of="other orders that were accepted", is_fault=True),
    ]


@figure("us")
def replay_work() -> Parts:
    """A unit of work, in microseconds: each precompile at its worst input here, and the slowest code by the gas."""
    from tests.unit.receipts.evidence.worst import CODES, PRECOMPILES, run_code, run_precompile

    parts: Parts = []
    for name, (place, data) in PRECOMPILES.items():
        units, seconds = min((run_precompile(place, data) for _ in range(3)), key=lambda pair: pair[1])
        parts.append(Measured(seconds * 1e6 / units, of=name, beside={"units": units, "ms": round(seconds * 1e3, 2)}))
    for name, code in CODES.items():
        start = time.perf_counter()
        run_code(code, _GAS)
        parts.append(Measured((time.perf_counter() - start) * 1e6 / _GAS, of=f"by the gas: {name}"))
    return parts
