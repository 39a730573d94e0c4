"""The page about pytest runs as it stands, and so does the example project."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

# the runs below share this process: what is loaded here they need not load again
import delegations.testing.scene
import delegations.testing.web3_provider

pytest_plugins = ["pytester"]
assert delegations.testing.scene
assert delegations.testing.web3_provider
ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "docs" / "example"


def test_the_page_runs_as_a_reader_would_run_it(pytester):
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    tests = [block for block in blocks if not block.startswith("# conftest.py")]
    (conftest,) = set(blocks) - set(tests)
    pytester.makeconftest(conftest)
    pytester.makepyfile(**{f"test_{index}": block for index, block in enumerate(tests)})
    outcome = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    outcome.assert_outcomes(passed=len(tests))
    assert len(tests) == 4


def test_the_page_names_every_fixture_and_no_other(pytester):
    shown = "\n".join(pytester.runpytest_inprocess("--fixtures", "-q").outlines)
    fixtures = set(re.findall(r"^delegations_(\w+)", shown, re.MULTILINE)) - {"base", "engine"}
    table = PAGE.partition("| fixture |")[2].partition("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == fixtures


def test_the_failure_it_shows_is_the_one_that_is_printed(pytester):
    shown = PAGE.partition("```text\nAssertionError: ")[2].partition("```")[0]
    pytester.makepyfile(
        """
        from caveats import LimitedCalls
        from delegations import redeem

        def test_shown(delegator, agent, stranger, token, denies):
            grant = delegator.grant(agent, LimitedCalls(limit=1))
            leaf = agent.redelegate(grant, stranger, LimitedCalls(limit=4))
            denies(redeem([leaf, grant], token.transfer(agent, token.units("3"))), by=LimitedCalls, redeemer=agent)
        """
    )
    printed = pytester.runpytest_inprocess("-p", "no:cacheprovider").outlines
    lines = [line.removeprefix("E").strip().removeprefix("AssertionError: ") for line in printed if line[:1] == "E"]
    without_gas = re.compile(r"gas \d+")
    assert [without_gas.sub("gas", line) for line in lines] == [
        without_gas.sub("gas", line.strip()) for line in shown.rstrip().splitlines()
    ]


def test_the_example_project_passes_on_its_own(pytester):
    shutil.copytree(EXAMPLE, pytester.path, dirs_exist_ok=True)
    outcome = pytester.runpytest_subprocess("--delegations-engine=pyevm,pyevm-blocks", "-p", "no:cacheprovider")
    outcome.assert_outcomes(passed=20)


def test_the_examples_artifact_is_what_its_source_gives(tmp_path):
    command = [str(ROOT / "scripts" / "forge"), "build", str(EXAMPLE / "src" / "Shop.sol")]
    command += ["--out", str(tmp_path / "out"), "--cache-path", str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = json.loads((tmp_path / "out" / "Shop.sol" / "Shop.json").read_text())
    kept = json.loads((EXAMPLE / "artifacts" / "Shop.json").read_text())
    assert kept == {"abi": built["abi"], "bytecode": {"object": built["bytecode"]["object"]}}


def test_every_file_of_the_example_is_named_in_its_readme():
    readme = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    files = {str(path.relative_to(EXAMPLE)) for path in EXAMPLE.rglob("*") if path.is_file()}
    files = {name for name in files if "cache" not in name and name != "README.md"}
    assert files == set(re.findall(r"`([\w/]+\.(?:py|sol|json|ini))`", readme, re.IGNORECASE)) - {
        "out/Shop.sol/Shop.json"
    }
