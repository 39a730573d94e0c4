"""What a receipt can be found by, whatever its kind."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from caveats.errors import EncodingError

_ADDRESS = re.compile(r"0x[0-9a-f]{40}").fullmatch
_HASH = re.compile(r"0x[0-9a-f]{64}").fullmatch
_DIGEST = re.compile(r"[0-9a-f]{64}").fullmatch
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,77}").fullmatch
_WORD = re.compile(r"[a-z_]{1,32}").fullmatch
_REDEEMED = ("redemption", "denial")


class Facts(NamedTuple):
    """What a receipt can be found by.

    Attributes:
        kind: redemption, denial, escalation, revocation or grant.
        outcome: the status of a redemption or denial, the decision of an escalation, how a revocation was done, and
            "granted" for a grant.
        delegations: hashes of the delegations it is about, root first.
        agent: who acted or was empowered: the redeemer, or the delegate of the last delegation.
        delegator: whose authority it is: the delegator of the root delegation, or who revoked.
        time: unix seconds: of the block, of the decision or the ask; of a grant, when its receipt was issued.
        prev: hash of the agent's previous receipt.
    """

    kind: str
    outcome: str
    delegations: tuple[str, ...]
    agent: str | None
    delegator: str | None
    time: int | None
    prev: str | None


def read_facts(receipt: dict[str, Any]) -> Facts:
    """Return the facts of a receipt's JSON body.

    Raises:
        EncodingError: a field they are read from is missing or malformed.
    """
    try:
        return _facts(receipt)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise EncodingError(
            f"receipt: a field that the ledger files it by is missing or malformed ({type(error).__name__}: {error})"
        ) from error


def _facts(receipt: dict[str, Any]) -> Facts:
    kind, links = receipt["kind"], receipt["lineage"]
    if type(links) is not list:
        raise TypeError("lineage is no list")
    hashes = tuple([link["hash"] for link in links])
    # in tuples, so that what is there and null is not taken for what is not there
    ends = (links[0]["delegator"], links[-1]["delegate"]) if links else ()
    actor = (receipt["actor"]["redeemer"],) if "actor" in receipt or kind in _REDEEMED else ()
    others: tuple[Any, ...] = ()
    by: tuple[Any, ...] = ()
    if kind in _REDEEMED:
        outcome, time = receipt["outcome"]["status"], receipt["subject"]["block"]["timestamp"]
    elif kind == "escalation":
        asked = receipt["escalation"]
        outcome, time = asked["decision"], asked.get("decided_at", asked["asked_at"])
        others = (asked["grant"],) if "grant" in asked else ()
    elif kind == "revocation":
        ended = receipt["revocation"]
        outcome, time = ended["how"], ended["block"]["timestamp"]
        others, by = (ended["delegation"],), (ended["by"],)
    else:
        outcome, time = "granted", receipt.get("issued_at")
        others = (receipt["granted"]["delegation"],)
    return Facts(
        *_common(kind, outcome, hashes, ends, actor, others, by),
        None if time is None else int(_match(_DECIMAL, time)),
        _match(_DIGEST, receipt["prev"]) if "prev" in receipt else None,
    )


@lru_cache(maxsize=4096)  # receipts of one agent under one grant have all of this in common
def _common(
    kind: str,
    outcome: Any,
    hashes: tuple[Any, ...],
    ends: tuple[Any, ...],
    actor: tuple[Any, ...],
    others: tuple[Any, ...],
    by: tuple[Any, ...],
) -> tuple[str, str, tuple[str, ...], str | None, str | None]:
    """Return the facts that are not the receipt's own, each of its form."""
    for address in (*ends, *actor, *by):
        _match(_ADDRESS, address)
    delegations = dict.fromkeys(_match(_HASH, each) for each in (*hashes, *others))
    delegator, agent = ends or (None, None)
    if actor:
        agent = actor[0]
    if kind in _REDEEMED:
        delegator = delegator or agent  # without a delegation, the redeemer's own authority
    elif by:
        delegator = delegator or by[0]
    return kind, _match(_WORD, outcome), tuple(delegations), agent, delegator


def _match(matches: Any, value: Any) -> str:
    if not matches(value):
        raise ValueError(f"{value!r:.80}")
    return value  # type: ignore[no-any-return]  # the pattern matched, so it is text
