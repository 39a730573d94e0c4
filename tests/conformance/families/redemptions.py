"""redeemDelegations calldata: one to four contexts, every mode in its right shape, self-authorised ones among them.

Batches of none or one are left to test_differences.py: there the kit does not follow the mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from caveats.types import format_hex, parse_hex
from delegations.delegation import Delegation
from delegations.execution import ExecutionMode, encode_executions
from delegations.redemption import Redemption, decode_redeem_delegations, encode_redeem_delegations
from tests.conformance.families.executions import ask_execution
from tests.conformance.family import Answer, Family, Pair
from tests.conformance.source import Source

CASES = 200
_MOST_CONTEXTS = 4

Redemptions = tuple[Redemption, ...]


def _generate(source: Source) -> Iterator[Redemptions]:
    for index in range(CASES):
        yield tuple(_draw(source) for _ in range(1 + index % _MOST_CONTEXTS))


def _draw(source: Source) -> Redemption:
    mode = source.random.choice(tuple(ExecutionMode))
    count = source.random.randint(2, 5) if mode.is_batch else 1
    return Redemption(
        context=source.chain(source.random.choice((0, 1, 1, 2, 3))),
        mode=mode,
        executions=tuple(source.execution() for _ in range(count)),
    )


def ask_redemptions(redemptions: Redemptions) -> dict[str, Any]:
    """Return redemptions as the kit takes them: three lists of equal length."""
    return {
        "delegations": [[link.to_wire() for link in r.context] for r in redemptions],
        "modes": [format_hex(r.mode.value) for r in redemptions],
        "executions": [[ask_execution(execution) for execution in r.executions] for r in redemptions],
    }


def _ask(redemptions: Redemptions) -> dict[str, Any]:
    return {**ask_redemptions(redemptions), "encoded": format_hex(encode_redeem_delegations(redemptions))}


def _compare(redemptions: Redemptions, answer: Answer) -> Iterator[Pair]:
    calldata, read = parse_hex(answer["calldata"]), answer["read"]
    yield Pair("calldata", encode_redeem_delegations(redemptions), calldata)
    yield Pair("our reading of the kit's calldata", decode_redeem_delegations(calldata), redemptions)
    yield Pair("function", "redeemDelegations", read["functionName"])
    yield Pair(
        "contexts in our calldata, by the kit",
        [r.context for r in redemptions],
        [tuple(Delegation.from_wire(item) for item in context) for context in read["contexts"]],
    )
    yield Pair(
        "modes in our calldata, by viem", [r.mode.value for r in redemptions], [parse_hex(m) for m in read["modes"]]
    )
    yield Pair(
        "executions in our calldata, by viem",
        [encode_executions(r.mode, r.executions) for r in redemptions],
        [parse_hex(e) for e in read["executions"]],
    )


FAMILY: Family[Redemptions] = Family("redemptions", "redemption", _generate, _ask, _compare)
