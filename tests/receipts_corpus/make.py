"""Makes the corpus: every scenario sent on anvil, and what a node then tells of each transaction.

Run as a script it writes the corpus as JSON:

    python -m tests.receipts_corpus.make corpus.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caveats.types import Address
from delegations.evm.engine import BlockEnv, Transaction
from delegations.evm.world import World
from delegations.framework.constants import EIP7702_PREFIX, EIP7702_STATELESS_DELEGATOR
from delegations.redemption import Redemption
from tests.differential.framework_scenarios import FRAMEWORK
from tests.differential.scene import Scene
from tests.enforcers.harness import CHAIN_ID
from tests.receipts_corpus import ways_accounts, ways_in, ways_out
from tests.receipts_corpus.contracts import WIRED_TO
from tests.receipts_corpus.recorder import Mined, Recorder
from tests.receipts_corpus.table import SCRIPTS, scene

# importing them is what fills the table
_FILLED_BY = (ways_in, ways_out, ways_accounts)
# told of in another way here: the redemption within stands for itself
_OTHERWISE = frozenset({"a redemption within a redemption"})


@dataclass(frozen=True)
class Case:
    """One transaction of the corpus.

    Attributes:
        expect: one line for each redemption in call order; None where the verdict alone says it.
        untraced: the same without a trace.
        redemptions: of a direct call, to ask for a verdict on; None otherwise.
    """

    name: str
    mined: Mined
    block: BlockEnv
    transaction: Transaction
    expect: tuple[str, ...] | None
    untraced: tuple[str, ...] | None
    spoofed: int
    redemptions: tuple[Redemption, ...] | None

    @property
    def before(self) -> World:
        return self.mined.before

    @property
    def accounts(self) -> frozenset[Address]:
        """The accounts whose code is known to execute what it is asked."""
        designated = {EIP7702_PREFIX + to for to in (EIP7702_STATELESS_DELEGATOR, *WIRED_TO.values())}
        return frozenset(Address(a) for a, account in self.before.accounts.items() if account.code in designated)


def make_corpus() -> list[Case]:
    """Return the whole corpus, mined on an anvil of its own."""
    recorder = Recorder(CHAIN_ID)
    try:
        return [*_own(recorder), *_of_the_framework(recorder)]
    finally:
        recorder.close()


def _own(recorder: Recorder) -> Iterator[Case]:
    for name, script in SCRIPTS.items():
        s = scene()
        for number, sent in enumerate(script(s)):
            block, mined = _send(recorder, s, sent.transaction)
            untraced = sent.expect if sent.untraced is None else sent.untraced
            label = name if number == 0 else f"{name} ({number + 1})"
            yield Case(label, mined, block, sent.transaction, sent.expect, untraced, sent.spoofed, None)


def _of_the_framework(recorder: Recorder) -> Iterator[Case]:
    for name, script in FRAMEWORK.scripts.items():
        if name in _OTHERWISE:
            continue
        s = Scene()
        for number, ask in enumerate(script(s)):
            if ask.redemptions is None and ask.expect == "cannot enter":
                continue
            block, mined = _send(recorder, s, ask.transaction)
            if ask.redemptions is None:
                continue
            count = len(ask.redemptions)
            expect: tuple[str, ...] | None = (_expected(ask.expect),) * count if ask.expect else None
            yield Case(f"{name} ({number + 1})", mined, block, ask.transaction, expect, None, 0, ask.redemptions)


def _expected(expect: str) -> str:
    if expect == "allowed":
        return "executed"
    stage = expect.partition(" ")[0]
    return f"{'denied' if stage in ('signature', 'manager', 'hook') else 'failed'} {expect}"


def _send(recorder: Recorder, s: Scene, transaction: Transaction) -> tuple[BlockEnv, Mined]:
    block = recorder.block_of(s.chain.block)
    mined = recorder.record(s.chain.world, block, transaction)
    outcome = s.chain.send(
        transaction.sender, transaction.to, transaction.data, value=transaction.value, gas=transaction.gas
    )
    assert outcome.success == (mined.receipt["status"] == "0x1")
    return block, mined


def to_wire(case: Case) -> dict[str, Any]:
    """Return what of a case is JSON."""
    return {
        "name": case.name,
        "tx": case.mined.tx,
        "receipt": case.mined.receipt,
        "trace": case.mined.trace,
        "expect": case.expect,
        "untraced": case.untraced,
        "accounts": sorted("0x" + account.hex() for account in case.accounts),
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps([to_wire(case) for case in make_corpus()]))
