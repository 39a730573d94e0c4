"""The plugin in projects of its users: what they get, what they are told, and that nothing leaks."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest

# the runs below share this process: what is loaded here they need not load again
import delegations.testing.scene
import delegations.testing.web3_provider
from delegations.evm.process import find_anvil

pytest_plugins = ["pytester"]
assert delegations.testing.scene
assert delegations.testing.web3_provider
ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("delegations.evm", "delegations.simulation", "eth", "web3", "hypothesis", "eth_account")

PAYING = """
    import pytest
    from caveats import LimitedCalls
    from delegations import redeem

    @pytest.fixture
    def payment(delegator, agent, token):
        return redeem(delegator.grant(agent, LimitedCalls(limit=1)), token.transfer(agent, 1))
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyprojecttoml('[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n')
    return pytester


def run(project: pytest.Pytester, *arguments: str):
    return project.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider", *arguments)


# what it costs those who do not use it


def test_it_is_registered_and_loads_nothing_heavy(project):
    project.makepyfile(
        f"""
        import sys

        def test_light(request):
            assert request.config.pluginmanager.get_plugin("delegations").__name__ == "delegations.testing.plugin"
            heavy = {HEAVY!r}
            assert [name for name in heavy if name in sys.modules] == []
        """
    )
    # plugins of others that load Hypothesis themselves
    others = ("hypothesispytest", "schemathesis", "anyio")
    outcome = project.runpytest_subprocess(*(word for name in others for word in ("-p", f"no:{name}")))
    outcome.assert_outcomes(passed=1)


def test_it_adds_no_header_and_no_test_ids_unless_asked(project):
    project.makepyfile("def test_plain(chain): pass")
    outcome = run(project, "-v")
    outcome.stdout.fnmatch_lines(["*::test_plain PASSED*"])
    outcome.stdout.no_fnmatch_line("delegations engines*")


# isolation


def test_nothing_a_test_does_is_seen_by_another(project):
    body = """
    def test_{n}(chain, delegator, agent, token, reverting_token, deployer):
        assert (chain.block_number, chain.timestamp) == (1, 1_767_225_600)
        assert (token.balance(agent), agent.balance(), chain.history) == (0, 10**19, [])
        token.mint(agent, 5)
        reverting_token.contract.send("accept")
        chain.fund(agent.address, 1)
        chain.advance(60)
        chain.world.set_code(delegator.address, b"")
    """
    project.makepyfile(
        test_one="".join(body.format(n=n) for n in range(3)), test_two="".join(body.format(n=n) for n in range(3))
    )
    outcome = project.runpytest_subprocess("-n", "2", "-p", "randomly", "-W", "error")
    outcome.assert_outcomes(passed=6)


def test_a_failed_test_leaves_nothing_behind_either(project):
    project.makepyfile(
        """
        def test_a_fails(chain, at):
            with at(5):
                chain.snapshot()
                raise AssertionError

        def test_b_passes(chain):
            assert chain.timestamp == 1_767_225_600
        """
    )
    run(project).assert_outcomes(passed=1, failed=1)


# failures


def test_a_redemption_that_is_allowed_fails_denies_with_the_whole_story(project):
    project.makepyfile(
        PAYING
        + """
    def test_limit(denies, payment):
        denies(payment, by=LimitedCalls)
    """
    )
    outcome = run(project)
    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines(
        [
            ">       denies(payment, by=LimitedCalls)",
            "E       AssertionError: expected a denial by LimitedCallsEnforcer, but the redemption is allowed",
            "E         expected  a denial by LimitedCallsEnforcer",
            "E         happened  allowed, gas *",
            "E         asked     agent redeems, mode SINGLE_DEFAULT",
            "E                     transfer 0.000000000000000001 TEST to agent",
            "E         chain     link 0 (root): delegator -> agent",
            "E                     0 LimitedCalls: Usable once.",
            "E         moves     0.000000000000000001 TEST: delegator -> agent",
            "test_*.py:*: AssertionError",
        ],
        consecutive=False,
    )
    outcome.stdout.no_fnmatch_line("*assertions.py*")


def test_a_redemption_that_is_denied_fails_allows_with_who_denied(project):
    project.makepyfile(
        PAYING
        + """
    def test_twice(allows, payment):
        allows(payment, keep=True)
        allows(payment)
    """
    )
    outcome = run(project)
    outcome.stdout.fnmatch_lines(
        [
            "E       AssertionError: expected the redemption to be allowed, but it is denied",
            "E                     0 LimitedCalls: Usable once.   <- denied",
            "E         decided   stage hook, link 0, caveat 0, hook before: LimitedCallsEnforcer",
            "E         reason    LimitedCallsEnforcer:limit-exceeded",
        ]
    )
    outcome.stdout.no_fnmatch_line("*scene.py*")


# names


def test_every_fixture_has_its_long_and_its_short_name(project):
    shown = "\n".join(run(project, "--fixtures", "-q").outlines)
    longs = set(re.findall(r"^delegations_(\w+)", shown, re.MULTILINE))
    shorts = {name for name in longs if re.search(rf"^{name}\b", shown, re.MULTILINE)}
    assert longs - shorts == {"base", "engine"}
    assert {"chain", "delegator", "agent", "token", "deployer", "allows", "denies", "at", "w3"} <= shorts


def test_a_projects_own_fixture_takes_a_short_name_and_breaks_nothing(project):
    project.makeconftest("import pytest\n@pytest.fixture\ndef chain(): return 'mine'\n")
    project.makepyfile(
        PAYING
        + """
    def test_both(chain, delegations_chain, allows, payment, token):
        assert chain == "mine"
        assert delegations_chain is token.contract.chain
        allows(payment)
    """
    )
    run(project).assert_outcomes(passed=1)


def test_short_names_can_be_turned_off(project):
    project.makepyfile("def test_long(delegations_chain): pass\ndef test_short(chain): pass")
    outcome = run(project, "-o", "delegations_short_names=false")
    outcome.assert_outcomes(passed=1, errors=1)
    outcome.stdout.fnmatch_lines(["*fixture 'chain' not found*"])


def test_another_chain_is_put_in_the_place_of_the_base(project):
    project.makeconftest(
        """
        import pytest
        from delegations import LocalChain

        @pytest.fixture(scope="session")
        def delegations_base(delegations_engine):
            return LocalChain(10, engine=delegations_engine, timestamp=2_000_000_000)
        """
    )
    project.makepyfile(
        PAYING
        + """
    def test_there(chain, payment, allows):
        assert (chain.chain_id, chain.timestamp) == (10, 2_000_000_000)
        allows(payment)
    """
    )
    run(project).assert_outcomes(passed=1)


# engines


@pytest.mark.parametrize("value", ["evm", "pyevm,evm", ""])
def test_an_engine_nobody_knows_is_one_clear_usage_error(project, value):
    project.makepyfile("def test_plain(): pass")
    outcome = run(project, "-o", f"delegations_engine={value}")
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in outcome.errlines if line]
    assert line.startswith("ERROR: --delegations-engine: engine: expected pyevm, pyevm-blocks, anvil, several with")


def test_an_engine_that_is_not_here_is_one_clear_usage_error(project, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    project.makepyfile("def test_plain(): pass")
    run(project, "--delegations-engine=pyevm,pyevm-blocks").assert_outcomes(passed=1)
    for value in ("anvil", "all"):
        outcome = run(project, f"--delegations-engine={value}")
        assert outcome.ret == pytest.ExitCode.USAGE_ERROR
        (line,) = [line for line in outcome.errlines if line]
        assert (
            "there is no anvil on the path or in node_modules (install Foundry, or run on pyevm,pyevm-blocks)" in line
        )


def test_each_test_with_a_chain_runs_on_every_engine(project, monkeypatch):
    anvil = find_anvil(ROOT)
    assert anvil is not None, "make installs it"
    monkeypatch.setenv("PATH", f"{anvil.parent}{os.pathsep}{os.environ['PATH']}")
    project.makepyfile(
        PAYING
        + """
    seen = []

    def test_limit(chain, allows, denies, payment):
        seen.append(chain.engine.name)
        allows(payment, keep=True)
        denies(payment, by=LimitedCalls)

    def test_without_a_chain():
        pass

    def test_engines():
        assert seen == ["pyevm", "pyevm-blocks", "anvil"]
    """
    )
    outcome = run(project, "--delegations-engine=all", "-v")
    outcome.assert_outcomes(passed=5)
    outcome.stdout.fnmatch_lines(
        [
            "delegations engines: pyevm, pyevm-blocks, anvil",
            "*::test_limit[[]pyevm[]] PASSED*",
            "*::test_limit[[]pyevm-blocks[]] PASSED*",
            "*::test_limit[[]anvil[]] PASSED*",
            "*::test_without_a_chain PASSED*",
        ]
    )


def test_one_engine_leaves_test_ids_alone(project):
    project.makepyfile("def test_plain(chain): assert chain.engine.name == 'pyevm-blocks'")
    outcome = run(project, "--delegations-engine=pyevm-blocks", "-v")
    outcome.stdout.fnmatch_lines(["*::test_plain PASSED*"])


# web3 and Hypothesis


def test_w3_says_what_is_missing_where_web3_is_not_installed(project, monkeypatch):
    project.makepyfile("def test_client(w3): pass\ndef test_chain(chain): pass")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "web3" else find(name, *rest))
    outcome = run(project)
    outcome.assert_outcomes(passed=1, errors=1)
    outcome.stdout.fnmatch_lines(["fixture w3: expected web3 8, found none (pip install 'delegations[[]web3[]]')"])


def test_new_scene_serves_hypothesis_without_a_health_check(project):
    project.makepyfile(
        """
        from hypothesis import given, settings
        from delegations.testing import strategies

        @settings(max_examples=5, database=None)
        @given(amount=strategies.uints(60))
        def test_fresh(new_scene, amount):
            scene = new_scene()
            assert scene.token.balance(scene.agent) == 0
            scene.token.mint(scene.agent, amount)
        """
    )
    run(project).assert_outcomes(passed=1)
