#!/usr/bin/env python3
"""Compile our own contracts and write their artifacts, or check that the committed ones are up to date.

An artifact is one line of JSON: `abi`, `bytecode` (creation code, 0x hex), `compiler`, `contract`, `settings`
(what else shapes the code) and `source_sha256` (each source file and the hash of its content); of a stand-in
also `runtime` (the code it runs, 0x hex). It holds no path outside the checkout and no time, so the same
sources give the same bytes on every machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ARTIFACTS = ROOT / "delegations" / "evm" / "artifacts"
TEST_CONTRACTS = ("TestTarget", "TestToken", "FeeToken", "SilentToken", "RevertingToken", "ReentrantToken")
# Our own code in the place of deployed enforcers whose bytecode is not published. It is put straight into a state,
# so its code must not depend on a constructor: no immutables.
STAND_INS = (
    "ERC1155MultiOperationIncreaseBalanceEnforcer",
    "ERC20MultiOperationIncreaseBalanceEnforcer",
    "ERC721MultiOperationIncreaseBalanceEnforcer",
    "NativeTokenMultiOperationIncreaseBalanceEnforcer",
    "SpecificActionERC20TransferBatchEnforcer",
)


class ExportError(Exception):
    """The artifacts cannot be made or are not right; the message is the one line to show."""


def compile_contracts(out: Path) -> None:
    """Compile `contracts/src` afresh into `out`, apart from the build the tests use."""
    command = [
        str(ROOT / "scripts" / "forge"),
        "build",
        *("--root", str(ROOT), "--force", "--skip", "test", "--skip", "script"),
        *("--out", str(out / "out"), "--cache-path", str(out / "cache")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout + done.stderr, file=sys.stderr)
        raise ExportError(f"forge build: expected exit code 0, got {done.returncode}; its output stands above")


def read_build(out: Path, contract: str) -> dict[str, Any]:
    """Return the artifact of one freshly compiled contract."""
    path = out / "out" / f"{contract}.sol" / f"{contract}.json"
    if not path.is_file():
        raise ExportError(
            f"{contract}: expected a file {contract}.sol in contracts/src to define it, found no build of it"
        )
    build = json.loads(path.read_text(encoding="utf-8"))
    metadata = build["metadata"]
    artifact = {
        "abi": build["abi"],
        "bytecode": build["bytecode"]["object"],
        "compiler": metadata["compiler"]["version"],
        "contract": contract,
        "settings": {
            "evm_version": metadata["settings"]["evmVersion"],
            "optimizer_runs": metadata["settings"]["optimizer"]["runs"],
        },
        "source_sha256": {
            source: hashlib.sha256((ROOT / source).read_bytes()).hexdigest() for source in sorted(metadata["sources"])
        },
    }
    if contract in STAND_INS:
        if build["deployedBytecode"].get("immutableReferences"):
            raise ExportError(f"{contract}: expected a stand-in without immutables, got one that has some")
        artifact["runtime"] = build["deployedBytecode"]["object"]
    return artifact


def to_text(artifact: dict[str, Any]) -> str:
    return json.dumps(artifact, sort_keys=True, separators=(",", ":")) + "\n"


def differing_keys(committed: str, fresh: dict[str, Any]) -> str:
    """Say in which parts a committed artifact differs from the fresh one."""
    try:
        stored = json.loads(committed)
    except ValueError:
        return "it is not JSON"
    if not isinstance(stored, dict):
        return "it is not a JSON object"
    keys = [key for key in sorted(stored.keys() | fresh.keys()) if stored.get(key) != fresh.get(key)]
    return ", ".join(keys) or "its spelling only"


def check(artifacts: dict[str, dict[str, Any]]) -> None:
    """Refuse when a committed artifact is not byte for byte the fresh one, or belongs to no contract."""
    stale = []
    for contract, artifact in artifacts.items():
        path = ARTIFACTS / f"{contract}.json"
        committed = path.read_text(encoding="utf-8") if path.is_file() else None
        if committed is None:
            stale.append(f"{contract} (missing)")
        elif committed != to_text(artifact):
            stale.append(f"{contract} (differs in: {differing_keys(committed, artifact)})")
    stale += [
        f"{path.stem} (no such contract)" for path in sorted(ARTIFACTS.glob("*.json")) if path.stem not in artifacts
    ]
    if stale:
        raise ExportError(
            f"expected the artifacts of the sources, got stale ones: {'; '.join(stale)}; run 'make contracts'"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the artifacts of our own contracts.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a committed artifact is stale")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="delegations-artifacts-") as out:
            compile_contracts(Path(out))
            artifacts = {contract: read_build(Path(out), contract) for contract in (*TEST_CONTRACTS, *STAND_INS)}
        if arguments.check:
            check(artifacts)
            print(f"artifacts: {len(artifacts)} as their sources give them ({', '.join(artifacts)})")
            return 0
    except ExportError as error:
        print(f"scripts/export_artifacts.py: {error}", file=sys.stderr)
        return 1
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    for contract, artifact in artifacts.items():
        (ARTIFACTS / f"{contract}.json").write_text(to_text(artifact), encoding="utf-8")
        print(f"artifacts: {contract}, {len(artifact['bytecode']) // 2 - 1} bytes of creation code")
    return 0


if __name__ == "__main__":
    sys.exit(main())
