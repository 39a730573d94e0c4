"""The shopping agent may buy at the shop, and nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy import shopping

from caveats import AllowedMethods, AllowedTargets, Execution, LimitedCalls, Timestamp, ValueLte
from delegations import redeem
from delegations.testing import moved

PRICE = 10**16
BUDGET = 10 * PRICE


@pytest.fixture
def shop(deployer):
    return deployer("artifacts/Shop.json", PRICE)


@pytest.fixture
def grant(chain, delegator, agent, shop):
    unsigned = shopping(
        owner=delegator.address, agent=agent.address, shop=shop.address, budget_wei=BUDGET, now=chain.timestamp
    )
    return delegator.sign(unsigned)


def buy(shop, count, *, value=None):
    return shop.execution("buy", count, value=count * PRICE if value is None else value)


def test_the_agent_buys_what_the_owner_pays_for(allows, grant, shop, delegator):
    allows(redeem(grant, buy(shop, 3)), moves=[moved(delegator, shop, 3 * PRICE)], keep=True)
    assert shop.call("bought", delegator) == 3


def test_the_budget_is_for_all_purchases_together(allows, denies, grant, shop):
    allows(redeem(grant, buy(shop, 10)), keep=True)
    denies(redeem(grant, buy(shop, 1)), by="NativeTokenTransferAmountEnforcer:allowance-exceeded")


def test_one_purchase_above_the_budget_is_refused_at_once(denies, grant, shop):
    denies(redeem(grant, buy(shop, 11)), by=ValueLte)


def test_nothing_but_buying_is_allowed(denies, grant, shop):
    denies(redeem(grant, shop.execution("close")), by=AllowedMethods)


def test_nowhere_but_at_the_shop(denies, grant, stranger):
    denies(redeem(grant, Execution(target=stranger.address, value=1)), by=AllowedTargets)


def test_five_purchases_and_no_more(allows, denies, grant, shop):
    for _ in range(5):
        allows(redeem(grant, buy(shop, 1)), keep=True)
    denies(redeem(grant, buy(shop, 1)), by=LimitedCalls)


def test_a_week_and_no_longer(allows, denies, at, chain, grant, shop):
    week = 7 * 86_400
    with at(chain.timestamp + week - 1):
        allows(redeem(grant, buy(shop, 1)))
    with at(chain.timestamp + week):
        denies(redeem(grant, buy(shop, 1)), by=Timestamp)


def test_nobody_else_can_use_the_grant(denies, grant, shop, stranger):
    denies(redeem(grant, buy(shop, 1)), redeemer=stranger, stage="manager", by="InvalidDelegate()")


def test_the_shop_may_refuse_what_the_policy_allows(denies, grant, shop):
    denies(redeem(grant, buy(shop, 2, value=PRICE)), stage="execution")


@settings(max_examples=20, deadline=None)
@given(counts=st.lists(st.integers(0, 6), max_size=6))
def test_never_is_more_spent_than_the_budget(new_scene, counts):
    scene = new_scene()
    shop = scene.deployer("artifacts/Shop.json", PRICE)
    names = {"owner": scene.delegator.address, "agent": scene.agent.address, "shop": shop.address}
    grant = scene.delegator.sign(shopping(**names, budget_wei=BUDGET, now=scene.chain.timestamp))
    spent = 0
    for used, count in enumerate(counts):
        if used < 5 and spent + count * PRICE <= BUDGET:
            scene.allows(redeem(grant, buy(shop, count)), keep=True)
            spent += count * PRICE
        else:
            scene.denies(redeem(grant, buy(shop, count)))
            break
    assert scene.chain.balance(shop.address) == spent
