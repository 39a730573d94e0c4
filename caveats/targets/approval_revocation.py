"""Taking approvals back, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.attempt import Attempt
from caveats.enforcer import SINGLE, EnforcerTerms, TermsError, Tokens, join_names
from caveats.execution import Execution
from caveats.types import Address

PERMIT2 = Address("0x000000000022D473030F116dDEE9F6B43aC78BA3")
"""Uniswap's Permit2, wired into the contract."""
APPROVE = bytes.fromhex("095ea7b3")
"""approve(address,uint256)"""
SET_APPROVAL_FOR_ALL = bytes.fromhex("a22cb465")
"""setApprovalForAll(address,bool)"""
PERMIT2_APPROVE = bytes.fromhex("87517c45")
"""approve(address token, address spender, uint160 amount, uint48 expiration) of Permit2"""
PERMIT2_LOCKDOWN = bytes.fromhex("cc53287f")
"""lockdown((address token, address spender)[]) of Permit2"""
PERMIT2_INVALIDATE_NONCES = bytes.fromhex("65d9723c")
"""invalidateNonces(address token, address spender, uint48 newNonce) of Permit2"""

# in the order of their bits, each with what it lets a redeemer do
_FLAGS = {
    "erc20_approve": "set an ERC-20 approval to zero",
    "erc721_approve": "clear the approval of an NFT",
    "set_approval_for_all": "withdraw an operator's approval for all",
    "permit2_approve": "set a Permit2 allowance to zero",
    "permit2_lockdown": "lock down Permit2 allowances",
    "permit2_invalidate_nonces": "invalidate Permit2 nonces",
}
_TWO_WORDS = 68
_FOUR_WORDS = 132


class ApprovalRevocation(EnforcerTerms):
    """Only calls that take an approval back, of the kinds that are switched on, without native value.

    For approve and setApprovalForAll there must be an approval to revoke, held by the delegator of the link that
    carries the caveat: on a link other than the root that is not the account that acts. The Permit2 kinds are not
    checked so, name neither token nor spender, and do nothing on a chain without Permit2.

        [0:1] mask: 0x01 erc20_approve, 0x02 erc721_approve, 0x04 set_approval_for_all, 0x08 permit2_approve,
              0x10 permit2_lockdown, 0x20 permit2_invalidate_nonces; 0x40 and 0x80 must be clear

    Source: framework 1.3.0, ApprovalRevocationEnforcer.beforeHook.
    """

    ENFORCER: ClassVar[str] = "ApprovalRevocationEnforcer"
    ADDRESS: ClassVar[Address] = Address("0xe264F1f09A19505a1ca1a86D5b01E8bFdb64324A")
    CALL_TYPES = SINGLE
    LAYOUT: ClassVar[str] = "[0:1] mask of the kinds of revocation"
    BOUNDS: ClassVar[str] = "the call to a revocation of an approval, of the kinds switched on; no native value"
    LEAVES_FREE: ClassVar[str] = "which token, spender and approval, and how often"
    REVERTS: ClassVar[tuple[str, ...]] = (
        "invalid-value",
        "invalid-execution-length",
        "permit2-approve-not-allowed",
        "permit2-lockdown-not-allowed",
        "invalid-permit2-target",
        "permit2-invalidate-nonces-not-allowed",
        "setApprovalForAll-not-allowed",
        "erc721-approve-not-allowed",
        "erc20-approve-not-allowed",
        "invalid-method",
        "invalid-terms-length",
        "no-methods-allowed",
        "invalid-terms",
        "non-zero-amount",
        "no-approval-to-revoke",
        "not-a-revocation",
        "permit2-invalid-execution-length",
        "non-zero-expiration",
    )
    JUDGED_ALONE: ClassVar[bool] = False

    erc20_approve: bool = False
    erc721_approve: bool = False
    set_approval_for_all: bool = False
    permit2_approve: bool = False
    permit2_lockdown: bool = False
    permit2_invalidate_nonces: bool = False

    def problems(self) -> Iterator[str]:
        if not any(getattr(self, name) for name in _FLAGS):
            yield "no kind of revocation is switched on, which the contract refuses; set at least one to true"

    def encode_terms(self) -> bytes:
        return bytes([sum(getattr(self, name) << bit for bit, name in enumerate(_FLAGS))])

    @classmethod
    def decode_terms(cls, terms: bytes) -> ApprovalRevocation:
        if len(terms) != 1:
            raise cls.bad_length("exactly 1 byte", terms)
        mask = terms[0]
        if mask == 0:
            raise TermsError(
                f"{cls.ENFORCER} terms: expected a mask with at least one bit, got 0x00",
                onchain=cls.revert_of("no-methods-allowed"),
            )
        if mask >> len(_FLAGS):
            raise TermsError(
                f"{cls.ENFORCER} terms: expected a mask up to 0x3f, got {mask:#04x}",
                onchain=cls.revert_of("invalid-terms"),
            )
        return cls.unchecked(**{name: bool(mask >> bit & 1) for bit, name in enumerate(_FLAGS)})

    def _denies(self, attempt: Attempt) -> str | None:
        execution = attempt.execution
        if execution.value:
            return self.revert_of("invalid-value")
        if len(execution.call_data) < 4:
            return self.revert_of("invalid-execution-length")
        permit2 = {
            PERMIT2_APPROVE: (self.permit2_approve, "permit2-approve-not-allowed"),
            PERMIT2_LOCKDOWN: (self.permit2_lockdown, "permit2-lockdown-not-allowed"),
            PERMIT2_INVALIDATE_NONCES: (
                self.permit2_invalidate_nonces,
                "permit2-invalidate-nonces-not-allowed",
            ),
        }
        if execution.selector in permit2:
            allowed, refusal = permit2[execution.selector]
            reason = _refuse_permit2(execution) if allowed else refusal
        else:
            reason = self._refuse_token_call(execution.call_data)
        return None if reason is None else self.revert_of(reason)

    def _refuse_token_call(self, call_data: bytes) -> str | None:
        if len(call_data) != _TWO_WORDS:
            return "invalid-execution-length"
        selector, second = call_data[:4], call_data[36:]
        if selector == SET_APPROVAL_FOR_ALL:
            if not self.set_approval_for_all:
                return "setApprovalForAll-not-allowed"
            return "not-a-revocation" if any(second) else None
        if selector != APPROVE:
            return "invalid-method"
        if not any(call_data[16:36]):  # nobody is approved: ERC-721's way of clearing; the bytes before it are ignored
            return None if self.erc721_approve else "erc721-approve-not-allowed"
        if not self.erc20_approve:
            return "erc20-approve-not-allowed"
        return "non-zero-amount" if any(second) else None

    def describe(self, tokens: Tokens | None = None) -> str:
        kinds = [text for name, text in _FLAGS.items() if getattr(self, name)]
        return (
            f"Only to {join_names(kinds)}." if kinds else "Nothing may be done: no kind of revocation is switched on."
        )


def _refuse_permit2(execution: Execution) -> str | None:
    if execution.target != PERMIT2:
        return "invalid-permit2-target"
    if execution.selector != PERMIT2_APPROVE:
        return None
    if len(execution.call_data) != _FOUR_WORDS:
        return "permit2-invalid-execution-length"
    if any(execution.call_data[68:100]):
        return "non-zero-amount"
    return "non-zero-expiration" if any(execution.call_data[100:]) else None
