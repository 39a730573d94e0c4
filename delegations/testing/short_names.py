"""The fixtures of the plugin under their short names.

Each is the prefixed one and nothing else. A fixture of the same name in a test module or a conftest.py takes its place
there; where another plugin has the name, turn these off: `delegations_short_names = false`.
"""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="session")
def new_scene(delegations_new_scene: Any) -> Any:
    """Makes a fresh scene at each call, in microseconds: for Hypothesis, whose examples share a test's fixtures."""
    return delegations_new_scene


@pytest.fixture
def scene(delegations_scene: Any) -> Any:
    """A fresh scene: what all the other fixtures are parts of."""
    return delegations_scene


@pytest.fixture
def chain(delegations_chain: Any) -> Any:
    """The test's own chain; nothing done to it is seen by another test."""
    return delegations_chain


@pytest.fixture
def accounts(delegations_accounts: Any) -> Any:
    """Ten parties with 10 ether each."""
    return delegations_accounts


@pytest.fixture
def delegator(delegations_delegator: Any) -> Any:
    """An EIP-7702 account that gives authority; it holds 1000 of every token."""
    return delegations_delegator


@pytest.fixture
def delegators(delegations_delegators: Any) -> Any:
    """Three EIP-7702 accounts; the first is the delegator."""
    return delegations_delegators


@pytest.fixture
def agent(delegations_agent: Any) -> Any:
    """The party that is given authority."""
    return delegations_agent


@pytest.fixture
def subagent(delegations_subagent: Any) -> Any:
    """The party to which an agent passes authority on."""
    return delegations_subagent


@pytest.fixture
def stranger(delegations_stranger: Any) -> Any:
    """A party nobody gave anything to."""
    return delegations_stranger


@pytest.fixture
def token(delegations_token: Any) -> Any:
    """An ERC-20 token that does what the standard says."""
    return delegations_token


@pytest.fixture
def fee_token(delegations_fee_token: Any) -> Any:
    """A token that keeps a fee of every transfer."""
    return delegations_fee_token


@pytest.fixture
def silent_token(delegations_silent_token: Any) -> Any:
    """A token whose functions return nothing."""
    return delegations_silent_token


@pytest.fixture
def reverting_token(delegations_reverting_token: Any) -> Any:
    """A token that refuses transfers until told otherwise."""
    return delegations_reverting_token


@pytest.fixture
def reentrant_token(delegations_reentrant_token: Any) -> Any:
    """A token that calls back after a transfer."""
    return delegations_reentrant_token


@pytest.fixture
def deployer(delegations_deployer: Any) -> Any:
    """Deploys compiled contracts: deployer("Counter", *constructor_arguments)."""
    return delegations_deployer


@pytest.fixture
def at(delegations_at: Any) -> Any:
    """Another time, for a while: with at(timestamp): ..."""
    return delegations_at


@pytest.fixture
def allows(delegations_allows: Any) -> Any:
    """Asserts that a redemption is allowed: allows(redemption, moves=[...])."""
    return delegations_allows


@pytest.fixture
def denies(delegations_denies: Any) -> Any:
    """Asserts that a redemption is denied: denies(redemption, by=LimitedCalls)."""
    return delegations_denies


@pytest.fixture
def w3(delegations_w3: Any) -> Any:
    """A web3.py client of the test's chain; accounts[0] is its default account. It needs web3 8."""
    return delegations_w3
