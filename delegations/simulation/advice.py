"""What would work instead, for denials that are no matter of numbers. Tables, and how they are looked up.

Source: framework 1.3.0, DelegationManager.redeemDelegations and each enforcer's checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from delegations.delegation import ANY_DELEGATE, Delegation
from delegations.simulation.attribution import SIGNATURE_ERRORS
from delegations.simulation.verdict import Denial

_TRANSFER = "Ask for exactly one call of `transfer(address,uint256)`, 68 bytes of calldata."
_SAME_CALLS = "Make exactly the calls that the terms name, in their order."
_KIND = "The grantor left this kind of revocation out: use one that the terms allow."

ADVICE: Final[dict[str, str]] = {
    "target-address-not-allowed": "Call one of the addresses that the terms name.",
    "method-not-allowed": "Call one of the functions that the terms name, by its selector.",
    "invalid-execution-data-length": "Call a function: a bare transfer of value has no selector and never passes.",
    "invalid-calldata": "Use exactly the calldata that the terms name, where they name it.",
    "AllowedCalldataEnforcer:invalid-calldata-length": "Use calldata that reaches as far as the terms name bytes.",
    "ERC721TransferEnforcer:invalid-calldata-length": "Call the transfer with all its arguments, 100 bytes or more.",
    "invalid-batch-size": "Ask for exactly as many calls as the terms name, in one batch.",
    "invalid-execution": _SAME_CALLS,
    "invalid-first-transaction": _SAME_CALLS,
    "invalid-second-transaction": _SAME_CALLS,
    "delegation-already-used": "It passes only once: a new delegation is needed.",
    "invalid-contract": "Call the contract that the terms name.",
    "invalid-execution-length": _TRANSFER,
    "invalid-method": _TRANSFER,
    "OwnershipTransferEnforcer:invalid-method": "Call `transferOwnership(address)`.",
    "OwnershipTransferEnforcer:invalid-execution-length": (
        "Call `transferOwnership(address)` with one address, 36 bytes of calldata."
    ),
    "ApprovalRevocationEnforcer:invalid-method": "Call one of the functions by which an approval is taken back.",
    "ApprovalRevocationEnforcer:invalid-execution-length": "Call the function with exactly its own arguments.",
    "invalid-value": "Send no native value along.",
    "non-zero-amount": "Approve an amount of zero: that is what takes an approval back.",
    "non-zero-expiration": "Give an expiration of zero: that is what takes an approval back.",
    "not-a-revocation": "Call `setApprovalForAll` with `false`: that is what takes an approval back.",
    "permit2-invalid-execution-length": "Call the `approve` of Permit2 with exactly its four arguments.",
    "no-approval-to-revoke": "There is nothing to take back: name an approval that stands.",
    "erc20-approve-not-allowed": _KIND,
    "erc721-approve-not-allowed": _KIND,
    "setApprovalForAll-not-allowed": _KIND,
    "permit2-approve-not-allowed": _KIND,
    "permit2-lockdown-not-allowed": _KIND,
    "permit2-invalidate-nonces-not-allowed": _KIND,
    "invalid-permit2-target": "Make this call to the Permit2 contract.",
    "unauthorized-contract-target": "Call the collection that the terms name.",
    "unauthorized-token-id": "Transfer the NFT that the terms name, and no other.",
    "unauthorized-selector": "Transfer by `transferFrom` or `safeTransferFrom`.",
    "invalid-address": "Name a sender and a recipient other than the zero address.",
    "unauthorized-redeemer": "Redeem as one of the addresses that the terms name.",
    "different-args-and-terms": "Redeem with the args that the terms name.",
    "invalid-token-index": "Choose in the args a record that the terms have, counted from 0.",
    "token-mismatch": "Choose in the args the record of the token that is called.",
    "invalid-value-in-erc20-transfer": "Send no native value along with a transfer of tokens.",
    "invalid-call-data-length": "Send native value without calldata, or call `transfer(address,uint256)`.",
    "invalid-zero-value-in-native-transfer": "Send some native value, or call `transfer(address,uint256)`.",
    "invalid-group-index": "Choose in the args a group that the terms have, counted from 0.",
    "invalid-caveat-args-length": "Give in the args one entry for each caveat of the group that is chosen.",
    "invalid-allowance-delegations-length": "Bring along in the args the chain of delegations that pays.",
    "missing-argsEqualityCheckEnforcer": (
        "The delegation that pays must begin with an ArgsEqualityCheck caveat: have its delegator sign it so."
    ),
    "invalid-call-type": "Redeem in the call type that the caveat admits: one call, or a batch.",
    "invalid-execution-type": "Redeem in the default mode, in which a failing call undoes everything.",
}
"""Reason, with its enforcer where several mean different things by it -> what would work."""

_TERMS = "the terms themselves are at fault: no call passes, and a new delegation says what was meant"
_NUMBER = "explained with the numbers the state holds"
_OUTCOME = "it depends on what the called contracts do, which the terms in the explanation say enough about"
_RARE = "no single call can be named that would work"

UNADVISED: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            "deployed-address-mismatch",
            "invalid-terms",
            "invalid-terms-length",
            "invalid-terms-size",
            "invalid-max-amount",
            "invalid-zero-start-time",
            "invalid-zero-start-date",
            "invalid-zero-period-amount",
            "invalid-zero-period-duration",
            "no-methods-allowed",
            "zero-expected-change-amount",
        ),
        _TERMS,
    ),
    **dict.fromkeys(
        (
            "allowance-exceeded",
            "early-delegation",
            "expired-delegation",
            "id-already-used",
            "invalid-nonce",
            "limit-exceeded",
            "payment-not-received",
            "transfer-amount-exceeded",
            "transfer-not-started",
            "value-too-high",
        ),
        _NUMBER,
    ),
    **dict.fromkeys(("exceeded-balance-decrease", "insufficient-balance-increase"), _OUTCOME),
    **dict.fromkeys(("enforcer-is-locked", "only-delegation-manager"), _RARE),
}
"""Reason without advice -> why."""

WHOLE_CALL: Final[dict[str, str]] = {
    "BatchDataLengthMismatch()": "Give one permission context, one mode and one execution for each redemption.",
}
"""Errors of the manager that name no link -> what would work."""

UNADVISED_MANAGER: Final[dict[str, str]] = {
    "EnforcedPause()": "explained by itself: only the manager's owner can lift it",
    **dict.fromkeys(
        ("EmptySignature()", "InvalidDelegator()", "AlreadyDisabled()", "AlreadyEnabled()", "ExpectedPause()"),
        "no redemption meets it",
    ),
}
"""Errors of the manager without advice -> why."""


def advise_on_caveat(denial: Denial) -> str | None:
    """Return what would work instead; None where nothing in general would.

    Heeded is only a reason of the enforcer that refused, of the base class, or of a caveat in a wrapper's group.
    """
    enforcer, _, reason = denial.reason.partition(":")
    if enforcer not in (denial.enforcer_name, "CaveatEnforcer") and denial.enforcer_name != "LogicalOrWrapperEnforcer":
        return None
    return ADVICE.get(denial.reason) or ADVICE.get(reason)


def advise_on_link(denial: Denial, chain: Sequence[Delegation], manager: str) -> str | None:
    """Return what would work where the manager refuses one link of a chain; None where nothing can be said."""
    name, at = denial.reason, denial.link
    if at is None or at >= len(chain):
        return None
    link, above = chain[at], chain[at + 1] if at + 1 < len(chain) else None
    if name == "CannotUseADisabledDelegation()":
        return f"Link {at} is disabled. Its delegator {link.delegator} can enable it again; a new delegation works too."
    if name == "InvalidERC1271Signature()":
        return (
            f"Link {at}: its delegator {link.delegator} has code, which decides itself. Sign with a key that it"
            f" accepts, for this chain and the manager {manager}, and change nothing after signing."
        )
    if name.partition("(")[0] in SIGNATURE_ERRORS:
        # without the manager's own word that it is an account without code, it may have an owner who signs
        owner = "" if name == "InvalidEOASignature()" else " (of its owner, where it is a contract)"
        return (
            f"Link {at}: sign with the key of {link.delegator}{owner}, for this chain and the manager {manager}, and"
            " change nothing after signing."
        )
    if name == "InvalidDelegate()":
        return _by_whom(at, link, above)
    if name == "InvalidAuthority()":
        return _below_what(at, above)
    return None


def _by_whom(at: int, link: Delegation, above: Delegation | None) -> str:
    said = []
    if at == 0 and link.delegate != ANY_DELEGATE:
        said.append(f"Redeem as {link.delegate}, the delegate of link 0.")
    if above is not None and above.delegate not in (link.delegator, ANY_DELEGATE):
        said.append(
            f"Link {at} must be given by {above.delegate}, the delegate of link {at + 1}, not by {link.delegator}."
        )
    return " ".join(said)


def _below_what(at: int, above: Delegation | None) -> str:
    if above is None:
        return f"Link {at} is no root: bring along the delegations above it, leaf first and root last."
    return (
        f"Link {at} must name the hash of link {at + 1}, 0x{above.hash.hex()}, as its authority: bring the links along"
        " leaf first, or have it signed anew under this parent."
    )
