"""What tokens say when they refuse, as named outcomes: one plain clause and one hint each. Tables and nothing else.

A text is matched whole and never by its parts: any contract can write any text, and what merely resembles one of these
is left as it is.

Source: OpenZeppelin Contracts 4.x ERC20, ERC20Pausable, ERC20Permit, Pausable, ERC721, ERC1155, SafeERC20; ERC-6093;
Circle FiatToken v1 to v2.2; Dai; Comp and Uni governance tokens; ERC-2612 and ERC-3009 as those tokens have them.
"""

from __future__ import annotations

from typing import Final, Literal

Outcome = Literal[
    "insufficient_balance",
    "insufficient_allowance",
    "not_approved",
    "wrong_owner",
    "no_such_token",
    "invalid_sender",
    "invalid_recipient",
    "invalid_spender",
    "recipient_refused",
    "account_blocked",
    "token_paused",
    "signature_expired",
    "signature_too_early",
    "signature_used",
    "signature_invalid",
    "token_call_failed",
]

OUTCOMES: Final[dict[Outcome, tuple[str, str]]] = {
    "insufficient_balance": (
        "the balance of the account it is taken from is too small",
        "Fund that account, or ask for no more than it holds.",
    ),
    "insufficient_allowance": (
        "the holder has approved too little for the spender",
        "Have the holder approve at least the amount for whoever spends it (in a redemption that is the delegator's"
        " account), or ask for less; a `transfer` of one's own tokens needs no approval.",
    ),
    "not_approved": (
        "the caller is neither the owner nor approved by the owner",
        "Have the owner approve the account that makes the call; in a redemption that is the delegator's.",
    ),
    "wrong_owner": ("the token belongs to another than the sender named", "Name the present owner as the sender."),
    "no_such_token": ("there is no token with this id", "Use the id of a token that exists."),
    "invalid_sender": ("tokens cannot be sent from this address", "Name the account that holds the tokens as sender."),
    "invalid_recipient": ("tokens cannot be sent to this address", "Name another recipient; the zero address is none."),
    "invalid_spender": ("this approval cannot be given", "Name another owner or spender; the zero address is none."),
    "recipient_refused": (
        "the recipient is a contract that does not accept such tokens",
        "Name a recipient that accepts them.",
    ),
    "account_blocked": (
        "the token's issuer has blocked an account that takes part",
        "Only the issuer can lift that: use other accounts, or another token.",
    ),
    "token_paused": (
        "the token, or the contract that was called, is paused",
        "Ask again once whoever runs it has lifted that.",
    ),
    "signature_expired": ("the signed permission is past its deadline", "Sign one with a later deadline."),
    "signature_too_early": ("the signed permission is not valid yet", "Ask again once its time has begun."),
    "signature_used": ("the signed permission is used or cancelled", "Sign one with another nonce."),
    "signature_invalid": (
        "the signature does not belong to what was asked and to its signer",
        "Sign with the owner's key, for this token, this chain and the owner's present nonce.",
    ),
    "token_call_failed": (
        "a contract called a token, and the token failed or answered false without saying why",
        "Look at that account's balance and at what it has approved.",
    ),
}
"""Outcome -> what it means, a clause without a full stop, and what would work."""

TEXTS: Final[dict[str, Outcome]] = {
    "ERC20: transfer amount exceeds balance": "insufficient_balance",
    "ERC20: burn amount exceeds balance": "insufficient_balance",
    "Dai/insufficient-balance": "insufficient_balance",
    "Comp::_transferTokens: transfer amount exceeds balance": "insufficient_balance",
    "Uni::_transferTokens: transfer amount exceeds balance": "insufficient_balance",
    "ERC1155: insufficient balance for transfer": "insufficient_balance",
    "ERC20: insufficient allowance": "insufficient_allowance",
    "ERC20: transfer amount exceeds allowance": "insufficient_allowance",
    "ERC20: burn amount exceeds allowance": "insufficient_allowance",
    "ERC20: decreased allowance below zero": "insufficient_allowance",
    "Dai/insufficient-allowance": "insufficient_allowance",
    "Comp::transferFrom: transfer amount exceeds spender allowance": "insufficient_allowance",
    "Uni::transferFrom: transfer amount exceeds spender allowance": "insufficient_allowance",
    "ERC721: transfer caller is not owner nor approved": "not_approved",
    "ERC721: caller is not token owner nor approved": "not_approved",
    "ERC721: caller is not token owner or approved": "not_approved",
    "ERC1155: caller is not owner nor approved": "not_approved",
    "ERC1155: caller is not token owner nor approved": "not_approved",
    "ERC1155: caller is not token owner or approved": "not_approved",
    "ERC721: transfer from incorrect owner": "wrong_owner",
    "ERC721: transfer of token that is not own": "wrong_owner",
    "ERC721: invalid token ID": "no_such_token",
    "ERC721: operator query for nonexistent token": "no_such_token",
    "ERC721: owner query for nonexistent token": "no_such_token",
    "ERC20: transfer from the zero address": "invalid_sender",
    "ERC20: burn from the zero address": "invalid_sender",
    "ERC20: transfer to the zero address": "invalid_recipient",
    "ERC20: mint to the zero address": "invalid_recipient",
    "ERC721: transfer to the zero address": "invalid_recipient",
    "ERC1155: transfer to the zero address": "invalid_recipient",
    "ERC20: approve from the zero address": "invalid_spender",
    "ERC20: approve to the zero address": "invalid_spender",
    "ERC721: approval to current owner": "invalid_spender",
    "ERC721: transfer to non ERC721Receiver implementer": "recipient_refused",
    "ERC1155: ERC1155Receiver rejected tokens": "recipient_refused",
    "Blacklistable: account is blacklisted": "account_blocked",
    "Pausable: paused": "token_paused",
    "ERC20Pausable: token transfer while paused": "token_paused",
    "ERC20Permit: expired deadline": "signature_expired",
    "FiatTokenV2: permit is expired": "signature_expired",
    "FiatTokenV2: authorization is expired": "signature_expired",
    "Dai/permit-expired": "signature_expired",
    "FiatTokenV2: authorization is not yet valid": "signature_too_early",
    "FiatTokenV2: authorization is used or canceled": "signature_used",
    "ERC20Permit: invalid signature": "signature_invalid",
    "EIP2612: invalid signature": "signature_invalid",
    "FiatTokenV2: invalid signature": "signature_invalid",
    "Dai/invalid-permit": "signature_invalid",
    "Dai/invalid-nonce": "signature_invalid",
    "SafeERC20: low-level call failed": "token_call_failed",
    "SafeERC20: ERC20 operation did not succeed": "token_call_failed",
}
"""`Error(string)` text -> outcome."""

CUSTOM: Final[dict[str, Outcome]] = {
    "ERC20InsufficientBalance(address,uint256,uint256)": "insufficient_balance",
    "ERC1155InsufficientBalance(address,uint256,uint256,uint256)": "insufficient_balance",
    "ERC20InsufficientAllowance(address,uint256,uint256)": "insufficient_allowance",
    "ERC721InsufficientApproval(address,uint256)": "not_approved",
    "ERC1155MissingApprovalForAll(address,address)": "not_approved",
    "ERC721IncorrectOwner(address,uint256,address)": "wrong_owner",
    "ERC721NonexistentToken(uint256)": "no_such_token",
    "ERC20InvalidSender(address)": "invalid_sender",
    "ERC20InvalidReceiver(address)": "invalid_recipient",
    "ERC721InvalidReceiver(address)": "invalid_recipient",
    "ERC1155InvalidReceiver(address)": "invalid_recipient",
    "ERC20InvalidApprover(address)": "invalid_spender",
    "ERC20InvalidSpender(address)": "invalid_spender",
    "SafeERC20FailedOperation(address)": "token_call_failed",
}
"""Custom error -> the same outcomes."""
