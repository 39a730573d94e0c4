"""Wallets that cheat, or err: grants that look as asked, and what the official bytecode makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from caveats import AllowedTargets, Caveat, Execution, LimitedCalls, LogicalOrWrapper, NativeTokenPayment, Nonce
from caveats import Redeemer as RedeemerTerms
from caveats import Timestamp as TimestampTerms
from caveats.errors import VerificationError
from delegations.delegation import ANY_DELEGATE, Delegation, decode_context
from delegations.permissions import ExpiryRule, NativeTokenStream, PermissionRequest, PermissionResponse, RedeemerRule
from delegations.permissions.verify import verify_answer
from delegations.redemption import redeem
from delegations.simulation import execute, simulate
from tests.unit.permissions.dapp import (
    AGENT,
    ALICE,
    CHAIN_ID,
    DAY,
    NOW,
    OTHER,
    PLACE,
    REGISTRY,
    SHOP,
    TOKEN,
    USD,
    Grantor,
    call_data,
    changed,
    fresh_chain,
    one_ether,
    pay,
    permitted,
    usd_a_day,
)
from tests.unit.permissions.hostile import ADJUSTABLE, HONEST, look, passed_on, redeems

# who else can use it


def test_an_open_link_on_the_way_is_a_breach_for_a_stranger_redeems_it_first() -> None:
    assert look(passed_on(asked=usd_a_day())).standing == "holds"
    response = passed_on(to=ANY_DELEGATE)
    report = look(response, ADJUSTABLE)
    assert report.check("delegate").standing == "broken"
    assert "link 1 is open" in report.check("delegate").sentence
    root = decode_context(response.context)[1:]
    assert redeems(fresh_chain(), root, 10 * USD, redeemer=SHOP), "the chain lets anybody"


def test_those_who_hold_a_grant_on_the_way_are_named_since_they_share_its_budget() -> None:
    response, chain = passed_on(asked=usd_a_day()), fresh_chain()
    assert f"{OTHER} could redeem it too" in look(response, chain=chain).check("delegate").sentence
    root = decode_context(response.context)[1:]
    assert execute(chain, redeem(root, pay(10 * USD))).verdict.allowed
    assert not redeems(chain, response.context), "what the other used is gone"


def test_a_grant_is_open_where_that_was_asked() -> None:
    asked = usd_a_day(to=ANY_DELEGATE)
    assert look(HONEST, asked).check("delegate").standing == "holds"
    assert look(HONEST.but(draws=changed(delegate=OTHER)), asked).check("delegate").standing == "broken"


# grants nobody can use


def with_nonce(nonce: int) -> Callable[[Delegation], Delegation]:
    ahead = Nonce(nonce=nonce).to_caveat()
    return lambda d: d.model_copy(
        update={"caveats": tuple(ahead if c.enforcer == Nonce.ADDRESS else c for c in d.caveats)}
    )


@pytest.mark.parametrize("nonce", [1, 2**256 - 1])
def test_a_nonce_ahead_is_a_breach_though_it_could_come(nonce: int) -> None:
    assert look(HONEST.but(draws=with_nonce(0))).standing == "holds"
    wallet = HONEST.but(draws=with_nonce(nonce))
    report = look(wallet)
    assert report.check("state").standing == "broken"
    assert f"{nonce} is demanded" in report.check("state").sentence
    assert not redeems(fresh_chain(), wallet.respond(usd_a_day()).context)


def test_a_nonce_that_has_passed_is_a_breach() -> None:
    chain, asked = fresh_chain(), usd_a_day()
    assert look(HONEST, chain=chain).standing == "holds"
    assert chain.send(ALICE, Nonce.ADDRESS, call_data("incrementNonce(address)", [str(PLACE.manager)])).success
    report = look(HONEST, chain=chain)
    assert report.check("state").standing == "broken"
    assert "0 is demanded" in report.check("state").sentence
    assert not redeems(chain, HONEST.respond(asked).context)


def test_redeemers_without_the_asker_are_a_breach() -> None:
    for_both = HONEST.but(grants=lambda q: q.with_rules(RedeemerRule(addresses=(AGENT, OTHER))))
    assert look(for_both, ADJUSTABLE).standing == "holds"
    for_another = HONEST.but(grants=lambda q: q.with_rules(RedeemerRule(addresses=(OTHER,))))
    report = look(for_another, ADJUSTABLE)
    assert "is not among those who may" in report.check("usable").sentence
    assert not redeems(fresh_chain(), for_another.respond(ADJUSTABLE).context)
    with pytest.raises(VerificationError, match="usable broken"):
        report.require()


def test_redeemers_on_a_link_without_the_asker_are_a_breach() -> None:
    assert look(passed_on(RedeemerTerms(redeemers=(AGENT,))), ADJUSTABLE).standing == "holds"
    assert look(passed_on(RedeemerTerms(redeemers=(SHOP,))), ADJUSTABLE).check("usable").standing == "broken"


def test_a_grant_asked_for_others_to_redeem_holds_for_one_of_them_at_least() -> None:
    asked = ADJUSTABLE.with_rules(RedeemerRule(addresses=(OTHER, SHOP)))
    rules = (*ADJUSTABLE.rules, RedeemerRule(addresses=(OTHER,)))
    assert look(HONEST.but(grants=changed(rules=rules)), asked).standing == "holds"
    report = look(passed_on(RedeemerTerms(redeemers=(AGENT,)), asked=asked), asked)
    assert report.check("usable").standing == "broken"


def ends(at: int) -> Callable[[PermissionRequest], PermissionRequest]:
    return lambda request: request.model_copy(update={"rules": (ExpiryRule(timestamp=at), *request.rules[1:])})


def test_the_last_second_is_the_one_before_the_expiry() -> None:
    wallet = HONEST.but(grants=ends(NOW + 1))
    assert look(wallet, ADJUSTABLE).standing == "holds"
    chain = fresh_chain()
    assert redeems(chain, wallet.respond(ADJUSTABLE).context)
    chain.timestamp = NOW + 1
    assert look(wallet, ADJUSTABLE, chain).check("state").standing == "broken"
    assert not redeems(chain, wallet.respond(ADJUSTABLE).context)


def test_an_end_that_comes_with_the_start_is_a_breach() -> None:
    def shrunk(end: int) -> Grantor:
        return HONEST.but(grants=lambda request: ends(end)(permitted(start_time=NOW + DAY)(request)))

    assert look(shrunk(NOW + DAY + 1), ADJUSTABLE).standing == "holds"
    report = look(shrunk(NOW + DAY), ADJUSTABLE)
    assert report.check("usable").standing == "broken"
    assert "never valid" in report.check("usable").sentence


def test_a_link_whose_window_is_empty_is_a_breach() -> None:
    assert look(passed_on(TimestampTerms(after_at=NOW + 5, before_at=NOW + 10)), ADJUSTABLE).standing == "holds"
    empty = TimestampTerms.unchecked(after_at=NOW + 10, before_at=NOW + 5)
    assert look(passed_on(empty), ADJUSTABLE).check("usable").standing == "broken"


def test_a_link_that_charges_the_redeemer_is_a_breach() -> None:
    report = look(passed_on(NativeTokenPayment(recipient=OTHER, amount_wei=7)), ADJUSTABLE)
    assert f"each use costs the redeemer 7 wei, paid to {OTHER}" in report.check("usable").sentence


def test_a_link_that_wants_args_is_a_breach() -> None:
    wrapper = LogicalOrWrapper(groups=((LimitedCalls(limit=1).to_caveat(),),))
    assert "wants args of the redeemer" in look(passed_on(wrapper), ADJUSTABLE).check("usable").sentence


def test_a_link_that_denies_the_least_use_is_unknown() -> None:
    assert look(passed_on(AllowedTargets(targets=(TOKEN,))), ADJUSTABLE).standing == "holds"
    report = look(passed_on(AllowedTargets(targets=(SHOP,))), ADJUSTABLE)
    assert report.check("usable").standing == "unknown"
    assert "denied by link 0" in report.check("usable").sentence


def test_a_link_under_a_contract_nobody_knows_is_unknown() -> None:
    report = look(passed_on(Caveat(enforcer=TOKEN, terms=b"\1")), ADJUSTABLE)
    assert report.check("state").standing == "unknown"


# the start


def without_start(request: PermissionRequest) -> PermissionRequest:
    return permitted(start_time=None)(request)


def test_a_start_nobody_asked_for_is_about_now() -> None:
    asked = without_start(usd_a_day())
    for seconds in (-DAY, 0, DAY):
        assert look(HONEST.but(grants=permitted(start_time=NOW + seconds)), asked, asked_at=NOW).standing == "holds"
    late = look(HONEST.but(grants=permitted(start_time=NOW + DAY + 1)), asked)
    assert late.check("authority").standing == "broken"
    assert "startTime" in late.check("authority").sentence


def test_a_later_start_is_less_where_adjustment_was_allowed() -> None:
    report = look(HONEST.but(grants=permitted(start_time=NOW + 9 * DAY)), without_start(ADJUSTABLE))
    assert report.standing == "holds"
    assert "less than was asked" in report.check("authority").sentence


def test_a_stream_that_began_long_before_it_was_asked_is_more() -> None:
    permission = NativeTokenStream(amount_per_second=10**9)
    asked = PermissionRequest(chain_id=CHAIN_ID, to=AGENT, permission=permission)
    old = HONEST.but(grants=permitted(start_time=1))
    assert look(HONEST, asked, asked_at=NOW).standing == "holds"
    assert look(old, asked, asked_at=NOW).check("authority").standing == "broken"
    spend = redeem(decode_context(old.respond(asked).context), Execution(target=SHOP, value=10**9 * NOW // 2))
    assert simulate(fresh_chain(), spend).allowed, "decades of it are there at once"


# budgets that are shared or used


def test_a_grant_used_before_it_was_granted_is_a_breach() -> None:
    chain, asked = fresh_chain(), one_ether()
    granted = look(HONEST, asked, chain).require()
    assert execute(chain, granted.redemption(Execution(target=SHOP, value=9 * 10**17))).verdict.allowed
    again = look(HONEST, asked, chain)
    assert again.check("state").standing == "broken"
    assert "0.1 ETH of the total budget of 1 ETH is left" in again.check("state").sentence
    later = look(HONEST, asked, chain, is_new=False)
    assert later.standing == "holds"
    assert "0.1 ETH" in later.check("state").sentence


def test_a_budget_that_is_full_again_holds() -> None:
    chain = fresh_chain()
    granted = look(HONEST, chain=chain).require()
    assert execute(chain, granted.redemption(pay(1))).verdict.allowed
    assert look(HONEST, chain=chain).check("state").standing == "broken"
    chain.advance(DAY)
    assert look(HONEST, chain=chain).standing == "holds"


def answered(requests: list[PermissionRequest], *responses: PermissionResponse, **options: Any) -> Any:
    return verify_answer(requests, list(responses), chain=fresh_chain(), registry=REGISTRY, **options)


def test_one_delegation_for_two_requests_is_a_breach_for_they_share_the_budget() -> None:
    asked = [usd_a_day(), usd_a_day()]
    first = HONEST.respond(asked[0])
    second = HONEST.but(draws=changed(salt=8)).respond(asked[1])
    assert answered(asked, first, second).standing == "holds"
    report = answered(asked, first, first)
    assert report.check("distinct").standing == "broken"
    chain, context = fresh_chain(), decode_context(first.context)
    assert execute(chain, redeem(context, pay(10 * USD))).verdict.allowed
    assert not redeems(chain, context)
    with pytest.raises(VerificationError, match="distinct broken"):
        report.require()


def test_two_leaves_under_one_root_are_a_breach() -> None:
    leaves = [passed_on(LimitedCalls(limit=limit)) for limit in (1, 2)]
    assert answered([ADJUSTABLE], leaves[0]).standing == "holds"
    assert answered([ADJUSTABLE] * 2, *leaves).check("distinct").standing == "broken"


def test_args_make_no_other_delegation() -> None:
    first = HONEST.respond(usd_a_day())
    same = HONEST.but(signs=lambda d: d.with_args({0: b"\1"})).respond(usd_a_day())
    assert "args, which are not signed" in look(same).check("context").sentence
    assert answered([usd_a_day()] * 2, first, same).check("distinct").standing == "broken"


def test_a_grant_that_is_held_already_is_nothing_new() -> None:
    held = look(HONEST).require()
    response = HONEST.respond(usd_a_day())
    assert answered([usd_a_day()], response).standing == "holds"
    assert "held already" in answered([usd_a_day()], response, held=[held]).check("distinct").sentence
