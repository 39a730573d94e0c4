"""The pytest plugin: a chain for each test, the people on it, and assertions that explain themselves.

Every fixture has a name that starts with `delegations_`, by which the others know it, and a short one beside it
(`delegations.testing.short_names`), so that a project's own `chain` or `agent` takes nothing away from the rest.

pytest loads this in every project of an environment that has the package installed: nothing heavy may be imported here.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from web3 import Web3

    from delegations.evm.chain import LocalChain
    from delegations.testing.scene import Scene

_OPTION = "--delegations-engine"
_INI_ENGINE = "delegations_engine"
_INI_SHORT = "delegations_short_names"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the settings."""
    text = "engines that tests with a chain run on: pyevm, pyevm-blocks, anvil, several with commas, or all"
    group = parser.getgroup("delegations", "delegations: tests on a local chain")
    group.addoption(_OPTION, metavar="NAMES", default=None, help=f"{text} (default: pyevm)")
    parser.addini(_INI_ENGINE, text, default="pyevm")
    parser.addini(_INI_SHORT, "also offer the fixtures without the prefix delegations_", type="bool", default=True)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse an engine that is not there, before anything is collected."""
    if config.getini(_INI_SHORT):
        from delegations.testing import short_names

        config.pluginmanager.register(short_names, "delegations-short-names")
    if _chosen(config) != "pyevm":
        _engines(config)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which engines, where it is not the usual one."""
    return None if _chosen(config) == "pyevm" else f"delegations engines: {', '.join(_engines(config))}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that uses a chain once on every engine asked for."""
    if "delegations_engine" in metafunc.fixturenames and _chosen(metafunc.config) != "pyevm":
        engines = _engines(metafunc.config)
        if len(engines) > 1:
            metafunc.parametrize("delegations_engine", engines, indirect=True, scope="session")


def _chosen(config: pytest.Config) -> str:
    return str(config.getoption(_OPTION) or config.getini(_INI_ENGINE))


def _engines(config: pytest.Config) -> tuple[str, ...]:
    from caveats.errors import DelegationsError
    from delegations.testing.engines import parse_engines

    try:
        return parse_engines(_chosen(config))
    except DelegationsError as error:
        raise pytest.UsageError(f"{_OPTION}: {error}") from error


# the ground: made once in a session, to be overridden where another is wanted


@pytest.fixture(scope="session")
def delegations_engine(request: pytest.FixtureRequest) -> Any:
    """The engine that executes, by the command line."""
    from delegations.testing.engines import open_engine

    return open_engine(getattr(request, "param", None) or _engines(request.config)[0])


@pytest.fixture(scope="session")
def delegations_base(delegations_engine: Any) -> LocalChain:
    """The chain every test starts from a copy of. Override it to start from another: a fork, another chain id,
    contracts that all tests need."""
    from delegations.evm.chain import LocalChain

    return LocalChain(engine=delegations_engine)


@pytest.fixture(scope="session")
def delegations_new_scene(delegations_base: LocalChain, pytestconfig: pytest.Config) -> Callable[[], Scene]:
    """Makes a fresh scene at each call, in microseconds: for Hypothesis, whose examples share a test's fixtures."""
    from delegations.testing.scene import prepare

    return prepare(delegations_base, root=pytestconfig.rootpath).copy


@pytest.fixture
def delegations_scene(delegations_new_scene: Callable[[], Scene]) -> Scene:
    """A fresh scene: what all the other fixtures are parts of."""
    return delegations_new_scene()


# its parts


@pytest.fixture
def delegations_chain(delegations_scene: Scene) -> Any:
    """The test's own chain; nothing done to it is seen by another test."""
    return delegations_scene.chain


@pytest.fixture
def delegations_accounts(delegations_scene: Scene) -> Any:
    """Ten parties with 10 ether each."""
    return delegations_scene.accounts


@pytest.fixture
def delegations_delegator(delegations_scene: Scene) -> Any:
    """An EIP-7702 account that gives authority; it holds 1000 of every token."""
    return delegations_scene.delegator


@pytest.fixture
def delegations_delegators(delegations_scene: Scene) -> Any:
    """Three EIP-7702 accounts; the first is the delegator."""
    return delegations_scene.delegators


@pytest.fixture
def delegations_agent(delegations_scene: Scene) -> Any:
    """The party that is given authority."""
    return delegations_scene.agent


@pytest.fixture
def delegations_subagent(delegations_scene: Scene) -> Any:
    """The party to which an agent passes authority on."""
    return delegations_scene.subagent


@pytest.fixture
def delegations_stranger(delegations_scene: Scene) -> Any:
    """A party nobody gave anything to."""
    return delegations_scene.stranger


@pytest.fixture
def delegations_token(delegations_scene: Scene) -> Any:
    """An ERC-20 token that does what the standard says."""
    return delegations_scene.token


@pytest.fixture
def delegations_fee_token(delegations_scene: Scene) -> Any:
    """A token that keeps a fee of every transfer."""
    return delegations_scene.fee_token


@pytest.fixture
def delegations_silent_token(delegations_scene: Scene) -> Any:
    """A token whose functions return nothing."""
    return delegations_scene.silent_token


@pytest.fixture
def delegations_reverting_token(delegations_scene: Scene) -> Any:
    """A token that refuses transfers until told otherwise."""
    return delegations_scene.reverting_token


@pytest.fixture
def delegations_reentrant_token(delegations_scene: Scene) -> Any:
    """A token that calls back after a transfer."""
    return delegations_scene.reentrant_token


@pytest.fixture
def delegations_deployer(delegations_scene: Scene) -> Any:
    """Deploys compiled contracts: deployer("Counter", *constructor_arguments)."""
    return delegations_scene.deployer


@pytest.fixture
def delegations_at(delegations_scene: Scene) -> Any:
    """Another time, for a while: with at(timestamp): ..."""
    return delegations_scene.at


@pytest.fixture
def delegations_allows(delegations_scene: Scene) -> Any:
    """Asserts that a redemption is allowed: allows(redemption, moves=[...])."""
    return delegations_scene.allows


@pytest.fixture
def delegations_denies(delegations_scene: Scene) -> Any:
    """Asserts that a redemption is denied: denies(redemption, by=LimitedCalls)."""
    return delegations_scene.denies


@pytest.fixture
def delegations_w3(delegations_scene: Scene) -> Web3:
    """A web3.py client of the test's chain; accounts[0] is its default account. It needs web3 8."""
    if importlib.util.find_spec("web3") is None:
        pytest.fail("fixture w3: expected web3 8, found none (pip install 'delegations[web3]')", pytrace=False)
    from delegations.testing.web3_provider import make_web3

    return make_web3(delegations_scene.chain, [party.address for party in delegations_scene.accounts])
