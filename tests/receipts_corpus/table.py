"""Transactions whose redemptions are reached in every way, each with what is to be found in it.

What is expected is one line for each redemption in call order: its status, and for one that did not go through the
stage and reason, or what undid it. `unknown` may be said without a trace only where `untraced` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from caveats import AllowedTargets, LimitedCalls
from caveats.abi import encode_bytes, encode_uint
from caveats.types import Address
from delegations.accounts import UserOperation
from delegations.delegation import ANY_DELEGATE
from delegations.evm.engine import Transaction
from delegations.redemption import Redemption, encode_redeem_delegations, redeem
from tests.differential.scene import BOB, NOTHING, Scene
from tests.enforcers.harness import AGENT, ALICE, SHOP
from tests.receipts_corpus.contracts import (
    install,
)
from tests.receipts_corpus.user_ops import handle_ops

LIMIT = "LimitedCallsEnforcer:limit-exceeded"
TARGETS = "AllowedTargetsEnforcer:target-address-not-allowed"
UNDONE = "failed, undone"


@dataclass(frozen=True)
class Sent:
    """One transaction of a scenario, and what is in it.

    Attributes:
        expect: one line for each redemption, in call order.
        untraced: the same without a trace, in log order, with accounts vouched for; None when it is `expect`.
        spoofed: how many logs of false managers are warned of.
    """

    transaction: Transaction
    expect: tuple[str, ...]
    untraced: tuple[str, ...] | None = None
    spoofed: int = 0


Script = Callable[[Scene], Iterator[Sent]]
SCRIPTS: dict[str, Script] = {}


def corpus(script: Script) -> Script:
    """Add a scenario under its name in words."""
    SCRIPTS[script.__name__.replace("_", " ")] = script
    return script


def send(
    to: Address,
    data: bytes,
    *expect: str,
    sender: Address = AGENT,
    untraced: Sequence[str] | None = None,
    spoofed: int = 0,
) -> Sent:
    return Sent(Transaction(sender, to, data), expect, None if untraced is None else tuple(untraced), spoofed)


def asked(*redemptions: Redemption) -> bytes:
    return encode_redeem_delegations(redemptions)


def bad(s: Scene, by: Address = ALICE, to: Address = ANY_DELEGATE) -> Redemption:
    return redeem(s.root(AllowedTargets(targets=(BOB,)), by=by, to=to), NOTHING)


def good(s: Scene, by: Address = ALICE, to: Address = ANY_DELEGATE, amount: int = 1) -> Redemption:
    return redeem(s.root(LimitedCalls(limit=1), by=by, to=to), s.pay(amount))


def scene() -> Scene:
    """Return a scene with the contracts of the corpus in place, Alice and Bob holding tokens and ether."""
    made = Scene()
    install(made.chain)
    return made


def ops_of(s: Scene, *operations: UserOperation) -> bytes:
    return handle_ops(*operations, beneficiary=SHOP)


def error_of(text: str) -> bytes:
    data = text.encode()
    return bytes.fromhex("08c379a0") + encode_uint(32) + encode_bytes(data)
