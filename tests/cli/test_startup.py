"""What a start costs: nothing that only some commands need is read before one of them runs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = (
    *("web3", "eth", "eth_account", "eth_abi", "eth_tester", "starlette", "uvicorn", "httpx", "psycopg", "pyarrow"),
    *("scitt_cose", "sigstore", "securesystemslib", "cryptography", "rfc8785", "jinja2"),
)
GROUPS = ("receipt", "ledger", "permissions", "wallet")


def read_by(program: str, *arguments: str) -> list[str]:
    """Return which of the heavy libraries a program has read when it ends, which may be by SystemExit."""
    code = (
        f"try:\n    {program}\nfinally:\n    import sys, json\n    heavy = [n for n in {HEAVY} if n in sys.modules]\n"
    )
    command = [sys.executable, "-c", f"{code}    print(json.dumps(heavy))", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(ran.stdout.splitlines()[-1])
    return found


def test_the_package_reads_no_heavy_library() -> None:
    assert read_by("import delegations") == []
    assert "eth_account" in read_by("import delegations, eth_account")


@pytest.mark.parametrize("group", [(), *((group,) for group in GROUPS)], ids=["all", *GROUPS])
def test_help_reads_no_heavy_library(group: tuple[str, ...]) -> None:
    assert read_by("from delegations.cli.main import main; main()", *group, "--help") == []
