"""What anybody can find out about a receipt with nothing but the receipt: whether it agrees with itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from caveats.caveat import Caveat
from caveats.errors import VerificationError
from delegations.delegation import Delegation, recover_delegation_signer, verify_chain
from delegations.receipts.model import GrantReceipt, Receipt, RedemptionReceipt
from delegations.receipts.model_parts import Link


class Problem(NamedTuple):
    """Something in a receipt that cannot be so."""

    path: str
    text: str


def delegation_of(link: Link, signature: bytes = b"") -> Delegation:
    """Return the delegation a link tells of, as it was signed: args are the redeemer's and stay away."""
    return Delegation(
        delegate=link.delegate,
        delegator=link.delegator,
        authority=link.authority,
        caveats=tuple(Caveat(enforcer=c.enforcer, terms=c.terms) for c in link.caveats),
        salt=link.salt,
        signature=signature,
    )


def lineage(receipt: Receipt) -> tuple[Link, ...]:
    """Return the links of a receipt of any kind, root first."""
    return getattr(receipt, "lineage", ())


def find_problems(receipt: Receipt) -> tuple[Problem, ...]:
    """Return what in the receipt contradicts what can be recomputed from it; empty when nothing does.

    Hashes of delegations are rebuilt from their content, the signer of a grant is recovered, and what was granted or
    carried out must be a chain the manager accepts. Whether the chain really holds what the receipt says is another
    question, which needs its evidence.
    """
    links = lineage(receipt)
    problems = [problem for link in links for problem in _link_problems(link)]
    if not problems and links and not (isinstance(receipt, RedemptionReceipt) and receipt.kind == "denial"):
        problems += _chain_problems(links)
    if isinstance(receipt, GrantReceipt):
        problems += _signature_problems(receipt)
    elif isinstance(receipt, RedemptionReceipt):
        problems += _denial_problems(receipt)
    return tuple(problems)


def _link_problems(link: Link) -> Iterator[Problem]:
    rebuilt = delegation_of(link)
    if rebuilt.hash != link.hash:
        yield Problem(
            f"lineage.{link.depth}.hash",
            f"the hash {link.hash} is not that of this delegation, which is {rebuilt.hash}",
        )


def _chain_problems(links: tuple[Link, ...]) -> Iterator[Problem]:
    try:
        verify_chain([delegation_of(link) for link in reversed(links)])
    except VerificationError as error:
        yield Problem("lineage", f"broken chain, counted from the leaf: {error}")


def _signature_problems(receipt: GrantReceipt) -> Iterator[Problem]:
    granted = receipt.granted
    if granted.signer is None:
        return
    signed = delegation_of(receipt.lineage[-1], granted.signature)
    try:
        signer = recover_delegation_signer(signed, chain_id=int(granted.chain[7:]), manager=granted.manager)
    except VerificationError as error:
        yield Problem("granted.signature", str(error))
        return
    if signer != granted.signer:
        yield Problem("granted.signer", f"expected {signer}, whose key signed, got {granted.signer}")


def _denial_problems(receipt: RedemptionReceipt) -> Iterator[Problem]:
    denial = receipt.outcome.denial
    if denial is None or denial.entry != receipt.subject.entry or denial.depth is None:
        return
    if denial.depth >= len(receipt.lineage):
        yield Problem("outcome.denial.depth", f"expected a place in the lineage, got {denial.depth}")
        return
    link = receipt.lineage[denial.depth]
    if denial.delegation not in (None, link.hash):
        yield Problem("outcome.denial.delegation", f"expected {link.hash}, which stands there, got {denial.delegation}")
    if denial.caveat is not None:
        found = link.caveats[denial.caveat].enforcer if denial.caveat < len(link.caveats) else None
        if found is None or denial.enforcer not in (None, found):
            yield Problem("outcome.denial.caveat", f"caveat {denial.caveat} is not the one that is said to have denied")
