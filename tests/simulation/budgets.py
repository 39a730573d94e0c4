"""Budgets on a stage, spent and asked about."""

from __future__ import annotations

from caveats import ERC20PeriodTransfer
from caveats.attempt import Attempt
from caveats.enforcer import TokenInfo
from delegations.delegation import sign_delegation
from delegations.evm import dev_account
from delegations.simulation import remaining
from tests.enforcers.harness import CHAIN_ID, attempt_on, grant, set_stage, transfer

USDC = 10**6
MIDNIGHT = 1_800_057_600  # 2027-01-16 00:00:00 UTC
DAY = 86_400


def only(stage, *terms, at=None):
    """The entry of the one caveat, and the whole answer."""
    link = grant([each.to_caveat() for each in terms])
    return link, remaining(stage.chain, link, at=at, tokens={stage.token: TokenInfo("USDC", 6)})


def again(stage, link, at=None):
    return remaining(stage.chain, link, at=at, tokens={stage.token: TokenInfo("USDC", 6)})


def pay(stage, link, amount):
    assert attempt_on(stage.chain, link, Attempt((transfer(stage.token, amount),))).allowed


def daily(stage, amount=50 * USDC, start_at=MIDNIGHT - DAY):
    return ERC20PeriodTransfer(token=stage.token, period_amount=amount, period_seconds=DAY, start_at=start_at)


def signed(delegation, key):
    return sign_delegation(delegation, dev_account(key), chain_id=CHAIN_ID, manager=set_stage().chain.manager)
