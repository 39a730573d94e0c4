"""Constraints in the user's words; each returns the caveats that hold it, in order, holes closed.

from caveats.constraints import at_most_calls, expires_in, payee, spend_per_period
caveats = [
    *spend_per_period(usdc, "10", "day", start_at=now, decimals=6),
    *payee(usdc, [shop]),
    *expires_in(now=now, days=30),
]
"""

from caveats.constraints.amounts import PERIODS
from caveats.constraints.expiry import expires_at, expires_at_block, expires_in, not_before, usable_between
from caveats.constraints.functions import Function, parse_function
from caveats.constraints.revocation import at_most_calls, payee, redeemable_by, revocable_by_nonce, single_use
from caveats.constraints.spend import (
    NATIVE,
    spend_per_call,
    spend_per_period,
    spend_stream,
    spend_total,
    transfer_nft,
)
from caveats.constraints.targets import (
    argument,
    call_functions,
    call_only,
    exact_batch,
    exact_call,
    exact_call_data,
    transfer_ownership,
)

__all__ = [
    "NATIVE",
    "PERIODS",
    "spend_total",
    "spend_per_period",
    "spend_stream",
    "spend_per_call",
    "transfer_nft",
    "call_functions",
    "argument",
    "call_only",
    "transfer_ownership",
    "exact_call",
    "exact_batch",
    "exact_call_data",
    "Function",
    "parse_function",
    "expires_at",
    "expires_in",
    "expires_at_block",
    "not_before",
    "usable_between",
    "at_most_calls",
    "single_use",
    "revocable_by_nonce",
    "redeemable_by",
    "payee",
]
