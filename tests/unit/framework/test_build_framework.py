"""The build accepts the real packages and stops, naming the contract, at anything else."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.unit.framework.places import NODE_MODULES, ROOT

ABIS = Path("@metamask/delegation-abis")
DEPLOYMENTS = Path("@metamask/delegation-deployments")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.unlink()
    path.write_text(text.replace(old, new, 1))


def row_of(table: dict[str, Any], contract: str) -> dict[str, Any]:
    return next(row for row in table["contracts"] if row["contract"] == contract)


@pytest.fixture
def refused(script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(packages: Path = NODE_MODULES, table: dict[str, Any] | None = None) -> str:
        """Run the build, which must fail with one line and leave nothing; return the line."""
        out = tmp_path / "out"
        arguments = ["--packages", str(packages), "--out", str(out)]
        if table is not None:
            path = tmp_path / "table.json"
            path.write_text(json.dumps(table))
            arguments += ["--table", str(path)]
        assert script.main(arguments) == 1
        assert not out.exists()
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        return error

    return run


def test_two_builds_are_the_same_bytes(script: ModuleType, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert script.main(["--packages", str(NODE_MODULES), "--out", str(tmp_path / name)]) == 0
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / n).iterdir()} for n in ("one", "two"))
    assert one == two
    assert {"framework.json.gz", "LICENSE.APACHE2", "LICENSE.MIT0", "NOTICE"} <= set(one)


def test_a_second_build_leaves_the_files_untouched(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--packages", str(NODE_MODULES), "--out", str(tmp_path / "out")]
    script.main(arguments)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    script.main(arguments)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == before
    assert "39 contracts proven, unchanged" in capsys.readouterr().out


def test_the_linked_copy_of_the_packages_builds(script: ModuleType, packages: Path, tmp_path: Path) -> None:
    assert script.main(["--packages", str(packages), "--out", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize("contract", ["DelegationManager", "HybridDeleGator", "TimestampEnforcer"])
def test_one_changed_byte_of_code_stops_the_build(packages: Path, refused: Callable[..., str], contract: str) -> None:
    replace(packages / ABIS / "dist" / "bytecode" / f"{contract}.mjs", "5b50", "5b51")
    assert refused(packages).startswith(f"build_framework: {contract}: init code keccak: expected 0x")


def test_missing_bytes_of_code_stop_the_build(packages: Path, refused: Callable[..., str]) -> None:
    path = packages / ABIS / "dist" / "bytecode" / "IdEnforcer.mjs"
    replace(path, '33";', '";')
    assert "IdEnforcer: init code length: expected 1336, got 1335" in refused(packages)


def test_code_that_is_not_hex_stops_the_build(packages: Path, refused: Callable[..., str]) -> None:
    replace(packages / ABIS / "dist" / "bytecode" / "IdEnforcer.mjs", "0x60", "0xzz")
    assert "IdEnforcer: the byte code is not 0x hex" in refused(packages)


def test_a_changed_digest_stops_the_build(table: dict[str, Any], refused: Callable[..., str]) -> None:
    table = copy.deepcopy(table)
    row_of(table, "NonceEnforcer")["digests"][0]["bytes"] = "0x" + "11" * 32
    assert "NonceEnforcer: init code keccak" in refused(table=table)


def test_a_digest_may_replace_nothing_but_metadata(table: dict[str, Any], refused: Callable[..., str]) -> None:
    table = copy.deepcopy(table)
    row_of(table, "NonceEnforcer")["digests"][0]["offset"] = 100
    assert "NonceEnforcer: no 32-byte metadata digest stands at byte 100" in refused(table=table)


def test_a_changed_salt_stops_the_build(table: dict[str, Any], refused: Callable[..., str]) -> None:
    table = copy.deepcopy(table)
    row_of(table, "ValueLteEnforcer")["salt"] = "0x" + "00" * 32
    assert "ValueLteEnforcer: CREATE2 address: expected 0x92Bf" in refused(table=table)


def test_a_changed_constructor_argument_stops_the_build(table: dict[str, Any], refused: Callable[..., str]) -> None:
    table = copy.deepcopy(table)
    row_of(table, "DelegationManager")["constructor_args"] = ["0x" + "11" * 20]
    assert "DelegationManager: init code keccak" in refused(table=table)


def test_another_library_address_stops_the_build(table: dict[str, Any], refused: Callable[..., str]) -> None:
    table = copy.deepcopy(table)
    libraries = row_of(table, "HybridDeleGator")["libraries"]
    libraries.update(dict.fromkeys(libraries, "0x" + "11" * 20))
    assert "HybridDeleGator: init code keccak" in refused(table=table)


def test_a_library_that_is_not_linked_stops_the_build(table: dict[str, Any], refused: Callable[..., str]) -> None:
    table = copy.deepcopy(table)
    del row_of(table, "HybridDeleGator")["libraries"]
    assert "HybridDeleGator: the byte code is not 0x hex" in refused(table=table)


@pytest.mark.parametrize("package", [ABIS, DEPLOYMENTS])
def test_another_version_of_a_package_is_refused(packages: Path, refused: Callable[..., str], package: Path) -> None:
    replace(packages / package / "package.json", '"version": "2.0.0"', '"version": "2.0.1"')
    assert f"{package}: expected version 2.0.0, got 2.0.1" in refused(packages)


def test_missing_packages_say_what_to_run(tmp_path: Path, refused: Callable[..., str]) -> None:
    assert "is missing: run `make node_modules`" in refused(tmp_path / "nothing")


def test_a_deployment_list_of_another_form_is_refused(packages: Path, refused: Callable[..., str]) -> None:
    replace(packages / DEPLOYMENTS / "dist" / "index.mjs", "var CHAIN_ID = {", "var CHAIN_ID = f({")
    assert "is not of the expected form" in refused(packages)


def test_a_published_address_other_than_the_canonical_one_is_refused(
    packages: Path, refused: Callable[..., str]
) -> None:
    replace(packages / DEPLOYMENTS / "dist" / "index.mjs", "0xdb9B1e94B5b69Df7", "0xdb9B1e94B5b69Df8")
    assert "DelegationManager: address on chain 1: expected 0xdb9B1e94B5b69Df7" in refused(packages)


def test_a_failed_build_keeps_an_earlier_artifact(script: ModuleType, packages: Path, tmp_path: Path) -> None:
    arguments = ["--packages", str(packages), "--out", str(tmp_path / "out")]
    script.main(arguments)
    before = (tmp_path / "out" / "framework.json.gz").read_bytes()
    replace(packages / ABIS / "dist" / "bytecode" / "IdEnforcer.mjs", "5b50", "5b51")
    assert script.main(arguments) == 1
    assert (tmp_path / "out" / "framework.json.gz").read_bytes() == before


def test_the_command_fails_without_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "build_framework.py"), "--packages", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("build_framework: ")
    assert done.stderr.count("\n") == 1
