"""What there is to say about a receipt, and how numbers, calls and times are said. Plain text only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from caveats.enforcer import show_native, show_token
from caveats.types import Address, keccak
from delegations.receipts.check import Problem
from delegations.receipts.model_parts import Provenance, ReceiptExecution, ReceiptMovement

_TRANSFER = keccak(b"transfer(address,uint256)")[:4]
_LAST_SECOND = 253_402_300_799  # of the year 9999, the last a date has a form for

STANDINGS: dict[Provenance, str] = {
    "proven": "recomputed from bytes a proof leads to",
    "reexecuted": "found again by computing it anew",
    "traced": "read from a trace of the execution",
    "attested": "said by whoever made the receipt",
}


@dataclass(frozen=True, slots=True)
class Bound:
    """One caveat of a link: what its terms say, and the receipt's own words where they differ."""

    index: int
    name: str
    says: str
    known: bool
    own_words: str | None
    refused: bool


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody in the lineage. `role` and `name` come from outside the chain."""

    title: str
    address: str
    name: str | None
    role: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One delegation: from whom, to whom, under what."""

    depth: int
    giver: Party
    taker: Party
    hash: str
    bounds: tuple[Bound, ...]
    problems: tuple[str, ...]
    refused: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A titled list of lines, each a name and what it says; `standing` where a fact of the receipt is told."""

    title: str
    rows: tuple[tuple[str, str], ...]
    path: str | None = None
    standing: Provenance | None = None


@dataclass(frozen=True, slots=True)
class View:
    """Everything there is to show.

    Attributes:
        tone: "good", "bad" or "open", for the color.
        title: kind and status, such as "denial: denied".
        headline: one sentence.
        steps: the lineage, root first.
        actor: who acted at its end; None when nobody did.
        parts: asked, moved, decided and so on, in order.
        standings: for each part, how it is known.
        problems: what contradicts itself.
        caution: what a reader must know before believing any of it; empty when there is nothing.
    """

    tone: str
    title: str
    headline: str
    hash: str
    chain: str
    steps: tuple[Step, ...]
    actor: Party | None
    action: tuple[str, ...]
    parts: tuple[Part, ...]
    standings: tuple[tuple[str, Provenance], ...]
    problems: tuple[Problem, ...]
    caution: tuple[str, ...]


def say_time(seconds: int) -> str:
    """Return unix seconds as a date, or as they are when no date has them."""
    if seconds > _LAST_SECOND:
        return f"{seconds} unix seconds"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def say_execution(execution: ReceiptExecution) -> str:
    """Return an execution in words."""
    data, target = execution.call_data, execution.target
    value = f" with {show_native(execution.value, None)}" if execution.value else ""
    if data[:4] == _TRANSFER and len(data) == 68 and data[4:16] == bytes(12):
        amount = show_token(target, int.from_bytes(data[36:], "big"), None)
        return f"transfer {amount} to {Address(data[16:36])}{value}"
    if not data:
        return f"send {show_native(execution.value, None)} to {target}"
    return f"call {target} function 0x{data[:4].hex()} with {len(data)} bytes of calldata{value}"


def say_movement(move: ReceiptMovement) -> str:
    """Return what a movement moved."""
    if move.token is None:
        return show_native(move.amount, None)
    if move.token_id is not None:
        return f"token id {move.token_id} of {move.token}"
    return show_token(move.token, move.amount, None)


def say_chain(chain: str) -> str:
    """Return a chain as people name it."""
    return f"chain {chain.removeprefix('eip155:')}"
