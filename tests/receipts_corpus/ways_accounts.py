"""Delegators that are contracts, and payments by another redemption. See `table` for how they are written."""

from __future__ import annotations

from collections.abc import Iterator

from caveats import AllowedTargets, ArgsEqualityCheck, Execution, LimitedCalls, NativeTokenTransferAmount
from caveats.spend.native_token_payment import NativeTokenPayment
from caveats.types import Address
from delegations.delegation import Delegation, encode_context
from delegations.framework.constants import SIMPLE_FACTORY
from delegations.redemption import redeem
from tests.differential.scene import BOB, NOTHING, Scene
from tests.enforcers.harness import AGENT, SHOP
from tests.receipts_corpus.accounts import key_sign, of_a_passkey, owned, shared, together
from tests.receipts_corpus.contracts import MULTICALL, multicall
from tests.receipts_corpus.table import TARGETS, UNDONE, Sent, asked, corpus, good, send

UNSIGNED = "denied signature InvalidERC1271Signature()"
EXCEEDED = "denied hook NativeTokenTransferAmountEnforcer:allowance-exceeded"

# contracts that sign: without a trace nobody vouches for what they execute


@corpus
def a_hybrid_account_and_its_owner(s: Scene) -> Iterator[Sent]:
    account = owned()
    account.endow(s)
    yield send(SIMPLE_FACTORY, account.deployment)
    m, once = s.chain.manager, account.grant(s, LimitedCalls(limit=1))
    yield send(m, asked(redeem(once, s.pay(3))), "executed", untraced=["unknown"])
    elsewhere = account.grant(s, AllowedTargets(targets=(BOB,)))
    yield send(m, asked(redeem(elsewhere, NOTHING)), f"denied hook {TARGETS}", untraced=["unknown"])
    forged = account.grant(s, LimitedCalls(limit=1), sign=key_sign(6))
    yield send(m, asked(redeem(forged, NOTHING)), UNSIGNED, untraced=["unknown"])


@corpus
def a_hybrid_account_and_its_passkey(s: Scene) -> Iterator[Sent]:
    account = of_a_passkey()
    account.endow(s)
    yield send(SIMPLE_FACTORY, account.deployment)
    calls = [s.pay(1), Execution(target=SHOP, value=2)]
    whole = account.grant(s, LimitedCalls(limit=1))
    yield send(s.chain.manager, asked(redeem(whole, calls)), "executed", untraced=["unknown"])
    cut = account.grant(s, LimitedCalls(limit=1), sign=lambda digest: account.sign(digest)[:95])
    yield send(s.chain.manager, asked(redeem(cut, NOTHING)), UNSIGNED, untraced=["unknown"])


@corpus
def a_multisig_account_of_two_of_three(s: Scene) -> Iterator[Sent]:
    account = shared()
    account.endow(s)
    yield send(SIMPLE_FACTORY, account.deployment)
    m, grant = s.chain.manager, account.grant
    for sign in (account.sign, together(6, 7)):
        both = grant(s, LimitedCalls(limit=1), sign=sign)
        yield send(m, asked(redeem(both, s.pay(2))), "executed", untraced=["unknown"])
    for sign in (key_sign(5), together(5, 6, in_order=False), together(5, 6, 7), together(5, 8)):
        yield send(m, asked(redeem(grant(s, sign=sign), NOTHING)), UNSIGNED, untraced=["unknown"])


@corpus
def a_chain_through_a_multisig_and_a_hybrid_account(s: Scene) -> Iterator[Sent]:
    middle, last = shared(), owned()
    for account in (middle, last):
        yield send(SIMPLE_FACTORY, account.deployment)
    top = s.root(LimitedCalls(limit=2), to=middle.address)
    below = middle.grant(s, LimitedCalls(limit=2), to=last.address, above=top)
    leaf = last.grant(s, LimitedCalls(limit=2), above=below)
    yield send(s.chain.manager, asked(redeem([leaf, below, top], s.pay(4))), "executed")
    forged = last.grant(s, LimitedCalls(limit=2), above=below, sign=key_sign(7))
    yield send(s.chain.manager, asked(redeem([forged, below, top], s.pay(4))), UNSIGNED, untraced=["unknown"])


@corpus
def a_hybrid_account_deployed_and_used_in_one_transaction(s: Scene) -> Iterator[Sent]:
    account = owned()
    account.endow(s)
    open_grant = account.grant(s, LimitedCalls(limit=1), to=MULTICALL)
    redemption = asked(redeem(open_grant, s.pay(5)))
    data = multicall((SIMPLE_FACTORY, account.deployment, False), (s.chain.manager, redemption, False))
    yield send(MULTICALL, data, "executed", untraced=["unknown"])


# a payment redeems the allowance after the call: one redemption within another


def _priced(s: Scene, allowance_wei: int, *, to: Address = AGENT) -> Delegation:
    """A delegation that costs 7 wei a use, with an allowance of Bob's that is good for so much."""
    grant = s.root(NativeTokenPayment(recipient=SHOP, amount_wei=7), to=to)
    allowance = s.root(
        ArgsEqualityCheck(expected_args=grant.hash + to),
        NativeTokenTransferAmount(max_amount_wei=allowance_wei),
        by=BOB,
        to=NativeTokenPayment.ADDRESS,
    )
    return grant.with_args({0: encode_context((allowance,))})


@corpus
def a_payment_by_an_allowance(s: Scene) -> Iterator[Sent]:
    grant = _priced(s, 13)
    yield send(s.chain.manager, asked(redeem(grant, s.pay(1))), "executed", "executed")
    yield send(s.chain.manager, asked(redeem(grant, s.pay(1))), EXCEEDED, EXCEEDED, untraced=["unknown"])


@corpus
def a_payment_among_other_redemptions(s: Scene) -> Iterator[Sent]:
    free = redeem(s.root(LimitedCalls(limit=2)), s.pay(2))
    paid = redeem(_priced(s, 7), s.pay(1))
    yield send(
        s.chain.manager,
        asked(free, paid, paid),
        *[EXCEEDED] * 3,
        UNDONE,  # the first payment
        EXCEEDED,
        untraced=["unknown"] * 3,
    )
    yield send(s.chain.manager, asked(free, paid), *["executed"] * 3)


@corpus
def two_payments_in_one_call(s: Scene) -> Iterator[Sent]:
    first, second = (redeem(_priced(s, 7), s.pay(amount)) for amount in (1, 2))
    yield send(s.chain.manager, asked(first, second), *["executed"] * 4)


@corpus
def a_payment_that_fails_where_it_may(s: Scene) -> Iterator[Sent]:
    m = s.chain.manager
    short = asked(redeem(_priced(s, 6, to=MULTICALL), s.pay(1)))
    data = multicall((m, short, True), (m, asked(good(s)), False))
    yield send(MULTICALL, data, EXCEEDED, EXCEEDED, "executed", untraced=["executed"])
