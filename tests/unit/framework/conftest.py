from __future__ import annotations

import importlib.util
import json
import os
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from delegations.framework import Framework, load_framework
from tests.unit.framework.places import NODE_MODULES, ROOT, TABLE


@pytest.fixture(scope="session")
def script() -> ModuleType:
    """scripts/build_framework.py as a module."""
    spec = importlib.util.spec_from_file_location("build_framework", ROOT / "scripts" / "build_framework.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def table() -> dict[str, Any]:
    return json.loads(TABLE.read_text())


@pytest.fixture(scope="session")
def framework() -> Framework:
    return load_framework()


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A node_modules whose files are links to the real ones; replace one to tamper with it."""
    for package in ("delegation-abis", "delegation-deployments"):
        source = NODE_MODULES / "@metamask" / package
        target = tmp_path / "node_modules" / "@metamask" / package
        shutil.copytree(
            source,
            target,
            copy_function=os.symlink,
            ignore=shutil.ignore_patterns("*.cjs*", "*.d.*", "*.map"),
        )
    return tmp_path / "node_modules"
