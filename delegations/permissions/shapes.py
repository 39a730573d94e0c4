"""Which caveats a permission type stands for: one row per type, read by the compiler and by the decoder.

    type                        main enforcer                guard              payee
    native-token-stream         NativeTokenStreaming         ExactCalldata ''   AllowedTargets, one or more
    native-token-periodic       NativeTokenPeriodTransfer    ExactCalldata ''   AllowedTargets, one or more
    native-token-allowance      NativeTokenPeriodTransfer*   ExactCalldata ''   AllowedTargets, one or more
    erc20-token-stream          ERC20Streaming               ValueLte 0         AllowedCalldata 4, one word
    erc20-token-periodic        ERC20PeriodTransfer          ValueLte 0         AllowedCalldata 4, one word
    erc20-token-allowance       ERC20PeriodTransfer*         ValueLte 0         AllowedCalldata 4, one word
    token-approval-revocation   ApprovalRevocation           none               none

    * one period of 2^256-1 seconds

Source: npm @metamask/7715-permission-types 2.0.0, permissions/caveats; framework 1.3.0, the enforcers named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caveats.abi import ADDRESS_PAD, WORD, encode_address
from caveats.enforcer import EnforcerTerms
from caveats.expiry.timestamp import Timestamp
from caveats.revocation.nonce import Nonce
from caveats.revocation.redeemer import Redeemer
from caveats.spend.erc20_period_transfer import ERC20PeriodTransfer
from caveats.spend.erc20_streaming import ERC20Streaming
from caveats.spend.native_token_period_transfer import NativeTokenPeriodTransfer
from caveats.spend.native_token_streaming import NativeTokenStreaming
from caveats.spend.value_lte import ValueLte
from caveats.targets.allowed_calldata import AllowedCalldata
from caveats.targets.allowed_targets import AllowedTargets
from caveats.targets.approval_revocation import ApprovalRevocation
from caveats.targets.exact_calldata import ExactCalldata
from caveats.types import MAX_UINT256, Address
from delegations.permissions.rules import ExpiryRule, PayeeRule, RedeemerRule, Rule
from delegations.permissions.types import (
    Erc20TokenAllowance,
    Erc20TokenPeriodic,
    Erc20TokenStream,
    NativeTokenAllowance,
    NativeTokenPeriodic,
    NativeTokenStream,
    Permission,
    TokenApprovalRevocation,
)

FOREVER = MAX_UINT256
"""The length of an allowance's one period."""
_RECIPIENT_START = 4  # the first argument of transfer(address,uint256)
_STREAM = {"initial_amount": "initial_amount", "max_amount": "max_amount", "amount_per_second": "amount_per_second"}
_PERIODIC = {"period_amount": "period_amount"}
_ALLOWANCE = {"allowance_amount": "period_amount"}
_KINDS_OF_REVOCATION = {
    "erc20_approve": "erc20_approve",
    "erc721_approve": "erc721_approve",
    "erc721_set_approval_for_all": "set_approval_for_all",
    "permit2_approve": "permit2_approve",
    "permit2_lockdown": "permit2_lockdown",
    "permit2_invalidate_nonces": "permit2_invalidate_nonces",
}


@dataclass(frozen=True)
class Shape:
    """One permission type in caveats.

    Attributes:
        permission: the class of the type.
        main: the enforcer that bounds the spend, or the revocations.
        names: field of the permission -> field of the enforcer's terms.
        guard: the caveat beside it; None for none.
        payee: the enforcer that holds a payee rule; None when the type takes none.
    """

    permission: type[Permission]
    main: type[EnforcerTerms]
    names: Mapping[str, str]
    guard: EnforcerTerms | None = None
    payee: type[EnforcerTerms] | None = None

    @property
    def name(self) -> str:
        """The wire string."""
        return str(self.permission.model_fields["type"].default)

    @property
    def required(self) -> tuple[type[EnforcerTerms], ...]:
        """The enforcers each of which stands exactly once in a grant of this type, the nonce last."""
        return (self.main, *((type(self.guard),) if self.guard else ()), Nonce)

    @property
    def optional(self) -> tuple[type[EnforcerTerms], ...]:
        """The enforcers each of which may stand once: those of the rules, in the wallet's order."""
        return (Timestamp, Redeemer, *((self.payee,) if self.payee else ()))

    @property
    def rule_types(self) -> tuple[str, ...]:
        """The rules that can bound it."""
        return ("expiry", "redeemer", *(("payee",) if self.payee else ()))

    def terms_of(self, permission: Permission) -> EnforcerTerms:
        """Return the main enforcer's terms. Every field of the permission is given; nothing is checked."""
        values = {theirs: getattr(permission, ours) for ours, theirs in self.names.items()}
        if self.permission in _ALLOWANCES:
            values["period_seconds"] = FOREVER
        return self.main.unchecked(**values)

    def data_of(self, terms: EnforcerTerms) -> dict[str, Any]:
        """Return the fields of the permission the main enforcer's terms hold."""
        return {ours: getattr(terms, theirs) for ours, theirs in self.names.items()}


def _spend(permission: type[Permission], main: type[EnforcerTerms], names: Mapping[str, str]) -> Shape:
    shared = {"start_time": "start_at"}
    if "period_duration" in permission.model_fields:
        shared["period_duration"] = "period_seconds"
    if "token_address" in permission.model_fields:
        guard = ValueLte.unchecked(max_value_wei=0)
        return Shape(permission, main, {"token_address": "token", **names, **shared}, guard, AllowedCalldata)
    wei = {ours: f"{theirs}_wei" for ours, theirs in names.items()}
    return Shape(permission, main, {**wei, **shared}, ExactCalldata.unchecked(call_data=b""), AllowedTargets)


_ALLOWANCES = (NativeTokenAllowance, Erc20TokenAllowance)
SHAPES: tuple[Shape, ...] = (
    _spend(NativeTokenStream, NativeTokenStreaming, _STREAM),
    _spend(NativeTokenPeriodic, NativeTokenPeriodTransfer, _PERIODIC),
    _spend(NativeTokenAllowance, NativeTokenPeriodTransfer, _ALLOWANCE),
    _spend(Erc20TokenStream, ERC20Streaming, _STREAM),
    _spend(Erc20TokenPeriodic, ERC20PeriodTransfer, _PERIODIC),
    _spend(Erc20TokenAllowance, ERC20PeriodTransfer, _ALLOWANCE),
    Shape(TokenApprovalRevocation, ApprovalRevocation, _KINDS_OF_REVOCATION),
)
"""Every live type."""


def find_shape(permission: Permission) -> Shape | None:
    """Return the row of a permission's type; None for one that nothing compiles."""
    return next((shape for shape in SHAPES if shape.permission is type(permission)), None)


def terms_of_rule(shape: Shape, rule: Rule) -> EnforcerTerms | None:
    """Return the terms a rule stands for; None for one the type does not take. Nothing else is checked."""
    if isinstance(rule, ExpiryRule):
        return Timestamp.unchecked(after_at=0, before_at=rule.timestamp)
    if isinstance(rule, RedeemerRule):
        return Redeemer.unchecked(redeemers=rule.addresses)
    if not isinstance(rule, PayeeRule) or shape.payee is None:
        return None
    if shape.payee is AllowedTargets:
        return AllowedTargets.unchecked(targets=rule.addresses)
    words = b"".join(map(encode_address, rule.addresses))
    return AllowedCalldata.unchecked(data_start=_RECIPIENT_START, value=words)


def rule_of_terms(terms: EnforcerTerms) -> Rule | str:
    """Return the rule an optional caveat stands for, or why it stands for none."""
    if isinstance(terms, Timestamp):
        if terms.after_at:
            return f"it begins after second {terms.after_at}, which no expiry rule says"
        return ExpiryRule(timestamp=terms.before_at) if terms.before_at else "it never ends, so it is no expiry"
    if isinstance(terms, Redeemer):
        return RedeemerRule(addresses=terms.redeemers)
    if isinstance(terms, AllowedTargets):
        return PayeeRule(addresses=terms.targets)
    if not isinstance(terms, AllowedCalldata):
        return "no rule is held by it"
    if terms.data_start != _RECIPIENT_START or len(terms.value) != WORD:
        return f"it fixes {len(terms.value)} bytes from byte {terms.data_start} on, not the 32 of a recipient from 4 on"
    if terms.value[: len(ADDRESS_PAD)] != ADDRESS_PAD:
        return "the word of the recipient holds more than an address"
    return PayeeRule(addresses=(Address(terms.value[len(ADDRESS_PAD) :]),))
