"""What a report says that it does not show, one sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from delegations.receipts.evidence.header import Header
from delegations.receipts.evidence.report import Findings
from delegations.receipts.evidence.state import StateFact, manager_of
from delegations.receipts.model import GrantReceipt, Receipt, RedemptionReceipt, RevocationReceipt

_END_OF_BLOCK: Final = (
    "State is proven as it is at the END of the block: what later transactions of the block did is in it."
)
_NATIVE: Final = "Native value that contracts moved on leaves no log; only a trace tells of it."
_NEVER_SENT: Final = (
    "That anybody asked for this call is the issuer's word. Who writes a call down chooses its args, signatures and"
    " gas: what is shown is that this very call is denied."
)
_ONLY_ACCOUNTS: Final = "Of the state only the accounts that act are proven: neither flags nor counters."
_NO_STATE: Final = "The bundle proves nothing of the state: neither flags, counters nor code."
_BY_CODE: Final = (
    "That the account executed is read from its code at the END of the block: one that ran other code before, and got"
    " this one later in the block, would be misread."
)
_CHAINS: Final = ("subject.chain", "revocation.chain")


def limits_of(receipt: Receipt, header: Header | None, state: Sequence[StateFact], findings: Findings) -> Iterator[str]:
    """Yield what is not shown.

    Args:
        receipt: of any kind.
        header: of the trusted block; None without evidence.
        state: what was proven of the state.
        findings: what was found.
    """
    if header is None:
        yield "No evidence was given: nothing here is proven by a chain."
        return
    yield f"Everything rests on {header.hash} being block {header.number} of the chain: that is the verifier's to know."
    about = manager_of(receipt)
    if about is not None and not any(findings.standing(path) in ("proven", "reexecuted") for path in _CHAINS):
        yield f"Nothing here shows that this block is of the chain eip155:{about[1]}, as the receipt says."
    yield _END_OF_BLOCK if state else _NO_STATE
    if state and not any(fact.what == "paused" for fact in state):
        yield _ONLY_ACCOUNTS
    yield from _of_flags(receipt, state)
    if isinstance(receipt, RedemptionReceipt):
        if receipt.outcome.status == "executed" and findings.standing("outcome.status") == "proven":
            yield _BY_CODE
        if receipt.kind == "redemption":
            yield _NATIVE
        if receipt.subject.phase == "preflight":
            yield _NEVER_SENT


def _of_flags(receipt: Receipt, state: Sequence[StateFact]) -> Iterator[str]:
    """Yield what the flags at the end of the block say otherwise than the receipt may be taken to say."""
    ended = receipt.revocation if isinstance(receipt, RevocationReceipt) else None
    for fact in state:
        if fact.what != "disabled":
            continue
        if ended is None and fact.value == "yes":
            yield f"At the end of the block {fact.delegation} is disabled: it can no longer be redeemed."
        if ended is not None and (ended.how, ended.delegation, fact.value) == ("disabled", fact.delegation, "no"):
            yield f"At the end of the block {fact.delegation} is enabled again: it can be redeemed."
    if isinstance(receipt, GrantReceipt) and any(fact.what == "paused" and fact.value == "yes" for fact in state):
        yield "At the end of the block the manager is paused: nothing can be redeemed."
