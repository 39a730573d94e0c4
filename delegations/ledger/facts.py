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
    kind = receipt["kind"]
    links = receipt["lineage"]
    delegations = [_match(_HASH, link["hash"]) for link in links]
    agent = _match(_ADDRESS, links[-1]["delegate"]) if links else None
    delegator = _match(_ADDRESS, links[0]["delegator"]) if links else None
    if kind in ("redemption", "denial"):
        agent = _match(_ADDRESS, receipt["actor"]["redeemer"])
        delegator = delegator or agent  # without a delegation, the redeemer's own authority
        outcome, time = receipt["outcome"]["status"], receipt["subject"]["block"]["timestamp"]
    elif kind == "escalation":
        asked = receipt["escalation"]
        outcome, time = asked["decision"], asked.get("decided_at", asked["asked_at"])
        if "actor" in receipt:
            agent = _match(_ADDRESS, receipt["actor"]["redeemer"])
        if "grant" in asked:
            delegations.append(_match(_HASH, asked["grant"]))
    elif kind == "revocation":
        ended = receipt["revocation"]
        outcome, time = ended["how"], ended["block"]["timestamp"]
        delegations.append(_match(_HASH, ended["delegation"]))
        delegator = delegator or _match(_ADDRESS, ended["by"])
    else:
        delegations.append(_match(_HASH, receipt["granted"]["delegation"]))
        outcome, time = "granted", receipt.get("issued_at")
    return Facts(
        kind=kind,
        outcome=_match(_WORD, outcome),
        delegations=tuple(dict.fromkeys(delegations)),
        agent=agent,
        delegator=delegator,
        time=None if time is None else int(_match(_DECIMAL, time)),
        prev=_match_anew(_DIGEST, receipt["prev"]) if "prev" in receipt else None,
    )


def _match_anew(matches: Any, value: Any) -> str:
    if not matches(value):
        raise ValueError(f"{value!r:.80}")
    return value  # type: ignore[no-any-return]  # the pattern matched, so it is text


_match = lru_cache(maxsize=4096)(_match_anew)  # the same few addresses and hashes stand in receipt after receipt
