"""What an approver is asked, in words that are safe to show: who asks, for what, bounded how, and what is remarkable.

The sentences come from the caveats that will be signed, not from what the site says of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from caveats.caveat import Caveat
from caveats.enforcer import Tokens, format_utc
from caveats.registry import decode_caveat
from caveats.types import MAX_UINT128, Address
from delegations.delegation import ANY_DELEGATE
from delegations.permissions.model import PermissionRequest
from delegations.permissions.wallet.plain import is_plain, show, show_lines

_FAR_SECONDS = 366 * 86_400
Weight = Literal["note", "warning", "danger"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should know before they grant.

    Attributes:
        code: stable name of the kind.
        weight: `note` tells, `warning` wants a second look, `danger` should rarely be granted.
        sentence: in words.
    """

    code: str
    weight: Weight
    sentence: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One permission that is asked for.

    Attributes:
        request: with every default filled in, and the account that would grant it.
        account: that account.
        sentences: what its caveats bound, one each.
        findings: what is remarkable.
    """

    request: PermissionRequest
    account: Address
    sentences: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Earlier:
    """A grant the same site has had before, revoked or not.

    Attributes:
        granted_at: unix seconds.
        expiry: when it ends; None for never.
    """

    granted_at: int
    expiry: int | None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked at once: all of it is granted, or nothing.

    Attributes:
        origin: of the site.
        asked: the permissions, in the order they were asked for.
        at: unix seconds.
        earlier: what the site was granted before.
    """

    origin: str
    asked: tuple[Asked, ...]
    at: int
    earlier: tuple[Earlier, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield the question in plain lines. Nothing in them can act on a terminal."""
        count = len(self.asked)
        yield f"{show(self.origin)} asks for {'a permission' if count == 1 else f'{count} permissions, all or none'}."
        for number, asked in enumerate(self.asked, 1):
            request = asked.request
            yield f"{number}. {show(request.permission.type)} on chain {request.chain_id}"
            yield f"   from your account {asked.account}"
            to = "anyone who holds it" if request.to == ANY_DELEGATE else str(request.to)
            yield f"   to {to}"
            for sentence in asked.sentences:
                # in full: what is bound to a thousand accounts is bound to each of them
                yield f"   - {show(sentence, most=len(sentence))}"
            said = getattr(request.permission, "justification", None)
            if said:
                yield "   The site says, and nobody has checked:"
                yield from (f"   > {line}" for line in show_lines(said))
            for finding in asked.findings:
                yield f"   {finding.weight.upper()}: {show(finding.sentence, most=500)}"
        if self.earlier:
            yield f"It was granted {len(self.earlier)} before."


def explain(caveats: Sequence[Caveat], tokens: Tokens | None = None) -> tuple[str, ...]:
    """Return one sentence for each caveat, in order."""
    return tuple(decode_caveat(caveat).describe(tokens) for caveat in caveats)


def find_remarkable(
    request: PermissionRequest,
    *,
    account: Address,
    at: int,
    tokens: Tokens | None = None,
    obstacle: str | None = None,
) -> tuple[Finding, ...]:
    """Return what a person should know of a request, the weightiest first.

    Args:
        request: with its defaults filled in.
        account: that would grant.
        at: unix seconds.
        tokens: those whose symbol and decimals are known.
        obstacle: why it could not be redeemed as things stand.
    """
    found = [*_of_time(request, at), *_of_parties(request, account), *_of_amounts(request, tokens), *_of_words(request)]
    if request.permission.is_adjustment_allowed:
        found.append(Finding("adjustable", "note", "The site lets you grant less than it asks for."))
    if obstacle is not None:
        found.append(Finding("not-redeemable", "warning", f"As things stand, {obstacle}."))
    order = {"danger": 0, "warning": 1, "note": 2}
    return tuple(sorted(found, key=lambda finding: order[finding.weight]))


def _of_time(request: PermissionRequest, at: int) -> Iterator[Finding]:
    if request.expiry is None:
        yield Finding("no-expiry", "warning", "It never expires: it holds until it is revoked.")
    elif request.expiry - at > _FAR_SECONDS:
        yield Finding("far-expiry", "warning", f"It holds for more than a year, until {format_utc(request.expiry)}.")
    start = getattr(request.permission, "start_time", None)
    if start is not None and start > at:
        yield Finding("starts-later", "note", f"It begins at {format_utc(start)}.")


def _of_parties(request: PermissionRequest, account: Address) -> Iterator[Finding]:
    redeemers = request.redeemers
    if request.to == ANY_DELEGATE and redeemers is None:
        yield Finding("open", "danger", "Anyone who gets hold of it can use it.")
    elif redeemers is None:
        yield Finding("no-redeemer", "note", "Who receives it may pass it on to others.")
    elif request.to != ANY_DELEGATE and request.to not in redeemers:
        yield Finding("redeemer-differs", "warning", "Who receives it cannot use it alone: others are to redeem it.")
    if request.to == account:
        yield Finding("to-itself", "warning", "It is granted to the account that grants it.")
    if request.payees is None and request.permission.type != "token-approval-revocation":
        yield Finding("no-payee", "note", "It can be paid to anybody.")


def _of_amounts(request: PermissionRequest, tokens: Tokens | None) -> Iterator[Finding]:
    permission = request.permission
    names = ("period_amount", "allowance_amount", "amount_per_second", "initial_amount")
    if any((getattr(permission, name, None) or 0) > MAX_UINT128 for name in names):
        yield Finding("unlimited", "danger", "The amount is as good as unlimited: more than any token has.")
    most = getattr(permission, "max_amount", None)
    if most is not None and most > MAX_UINT128:
        yield Finding("no-maximum", "warning", "The stream has no end: what it pays in all is not limited.")
    token = getattr(permission, "token_address", None)
    if token is not None and token not in (tokens or {}):
        yield Finding("unknown-token", "warning", f"The token {token} is not known here: its amounts are base units.")


def _of_words(request: PermissionRequest) -> Iterator[Finding]:
    said = getattr(request.permission, "justification", None)
    if said and not is_plain(said):
        yield Finding("disguised", "danger", "The site's words hold characters that hide or turn round what is shown.")
