#!/usr/bin/env python3
"""Build the official framework artifact from the npm packages, and prove every byte of it.

The official code is a dependency, never a part of this repository. The published byte code equals the
deployed code up to the compiler's metadata digest; the table `codehashes.json` carries the deployed digests.
For each bundled contract the result is accepted only if

    keccak(init code)                    is the listed value,
    the length                           is the listed length, and
    CREATE2(deployer, salt, init code)   is the canonical address.

One deviation stops the build: one line on stderr, exit code 1, nothing written.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sha3 import keccak_256

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "delegations" / "framework" / "data" / "codehashes.json"
OUT = ROOT / "delegations" / "framework" / "_official"
ABIS = "@metamask/delegation-abis"
DEPLOYMENTS = "@metamask/delegation-deployments"
FORMAT = 1

# What precedes the 32-byte digest in the metadata solc appends: CBOR key "ipfs", then a multihash head.
_DIGEST_MARK = bytes.fromhex("a2646970667358221220")
_MODULE = re.compile(r"\s*const (?:abi|bytecode) = (.*?);\s*export\s*\{", re.DOTALL)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}\Z")


class BuildError(Exception):
    """The artifact cannot be built; the message is the one line to show."""


def keccak(data: bytes) -> bytes:
    return keccak_256(data).digest()  # type: ignore[no-any-return]  # sha3 is untyped


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BuildError(f"{path} is missing: run `make node_modules`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(f"{path} cannot be read: {error}") from error


def read_json(path: Path) -> Any:
    try:
        return json.loads(read_text(path))
    except ValueError as error:
        raise BuildError(f"{path} is not JSON: {error}") from error


def check_version(packages: Path, package: str, expected: str) -> None:
    """Refuse another version: the table's digests and offsets belong to exactly one."""
    got = read_json(packages / package / "package.json").get("version")
    if got != expected:
        raise BuildError(f"{package}: expected version {expected}, got {got}: run `make node_modules`")


def read_module(packages: Path, kind: str, contract: str) -> Any:
    """Return the JSON value of one generated module (`abis` or `bytecode`) of the ABI package."""
    path = packages / ABIS / "dist" / kind / f"{contract}.mjs"
    match = _MODULE.match(read_text(path))
    if match is None:
        raise BuildError(f"{contract}: {path} does not have the form `const ... = ...; export {{ ... }};`")
    try:
        return json.loads(match[1])
    except ValueError as error:
        raise BuildError(f"{contract}: {path} does not hold JSON: {error}") from error


# --- code ---------------------------------------------------------------------------------------------------


def unhex(text: str, contract: str, what: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise BuildError(f"{contract}: {what} is not 0x hex: {error}") from error


def assemble(row: Mapping[str, Any], published: str) -> bytes:
    """Return one row's init code: the published code linked, with deployed digest and constructor words."""
    contract = row["contract"]
    for placeholder, library in row.get("libraries", {}).items():
        if placeholder not in published:
            raise BuildError(f"{contract}: the byte code has no library placeholder {placeholder}")
        published = published.replace(placeholder, library[2:])
    code = bytearray(unhex(published, contract, "the byte code"))
    for patch in row.get("digests", ()):
        start, digest = patch["offset"], unhex(patch["bytes"], contract, "the digest")
        # Nothing but a metadata digest may be replaced: what runs is what was published.
        if len(digest) != 32 or code[start - len(_DIGEST_MARK) : start] != _DIGEST_MARK or start + 32 > len(code):
            raise BuildError(f"{contract}: no 32-byte metadata digest stands at byte {start} of the byte code")
        code[start : start + 32] = digest
    for argument in row.get("constructor_args", ()):
        code += unhex(argument, contract, "a constructor argument").rjust(32, b"\0")
    return bytes(code)


def prove(row: Mapping[str, Any], code: bytes, deployer: str) -> None:
    """Raise BuildError unless `code` has the row's length, keccak and, where there is a salt, address."""
    contract = row["contract"]
    if len(code) != row["init_code_bytes"]:
        raise BuildError(f"{contract}: init code length: expected {row['init_code_bytes']}, got {len(code)}")
    digest = keccak(code)
    if "0x" + digest.hex() != row["init_code_keccak256"]:
        raise BuildError(f"{contract}: init code keccak: expected {row['init_code_keccak256']}, got 0x{digest.hex()}")
    if "salt" in row:
        salt = unhex(row["salt"], contract, "the salt")
        derived = "0x" + keccak(b"\xff" + unhex(deployer, contract, "the deployer") + salt + digest)[12:].hex()
        if derived != row["address"].lower():
            raise BuildError(f"{contract}: CREATE2 address: expected {row['address']}, got {derived}")


def slim(value: Any) -> Any:
    """Return ABI JSON without `internalType`, which only the compiler reads."""
    if isinstance(value, list):
        return [slim(item) for item in value]
    if isinstance(value, dict):
        return {key: slim(item) for key, item in value.items() if key != "internalType"}
    return value


def parse_event(text: str) -> dict[str, Any]:
    """Return the ABI entry of an event written as in Solidity; for contracts that have no published ABI."""
    name, _, rest = text.partition("(")
    inputs = []
    for parameter in rest.removesuffix(")").split(", "):
        words = parameter.split(" ")
        inputs.append({"name": words[-1], "type": words[0], "indexed": words[1:-1] == ["indexed"]})
    return {"type": "event", "name": name, "inputs": inputs, "anonymous": False}


def build_contracts(table: Mapping[str, Any], packages: Path) -> dict[str, Any]:
    """Return address -> name, init code and ABI, every init code proven."""
    contracts = {}
    for row in table["contracts"]:
        entry: dict[str, Any] = {"name": row["contract"]}
        if row["bundled"]:
            code = assemble(row, read_module(packages, "bytecode", row["contract"]))
            prove(row, code, table["create2_deployer"])
            entry["init_code"] = "0x" + code.hex()
            entry["abi"] = slim(read_module(packages, "abis", row["contract"]))
        else:
            entry["abi"] = [parse_event(text) for text in row.get("events", ())]
        contracts[row["address"]] = entry
    return contracts


def build_templates(table: Mapping[str, Any], packages: Path) -> dict[str, Any]:
    """Return name -> init code and ABI of code that has no address of its own (the account proxy)."""
    templates = {}
    for row in table["templates"]:
        code = assemble(row, read_module(packages, "bytecode", row["contract"]))
        prove(row, code, table["create2_deployer"])
        abi = slim(read_module(packages, "abis", row["contract"]))
        templates[row["contract"]] = {"init_code": "0x" + code.hex(), "abi": abi}
    return templates


# --- deployments --------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*)|(?P<string>"[^"\\\n]*")|(?P<spread>\.\.\.)|(?P<number>[0-9]+(?:e[0-9]+)?)(?![\w.])
      |(?P<name>[A-Za-z_$][\w$]*)|(?P<mark>[{}\[\]:,;=.])""",
    re.VERBOSE,
)


class ModuleReader:
    """Reads `var NAME = {...};` statements: objects of strings, numbers, names, `[A.b]` keys and `...NAME`.

    Deliberately not JavaScript: anything else is refused with its position rather than guessed at.
    """

    def __init__(self, text: str, what: str) -> None:
        self.text, self.what, self.at = text, what, 0
        self.names: dict[str, Any] = {}
        self.tokens = list(self._tokens())

    def _tokens(self) -> Iterator[tuple[str, str, int]]:
        at = 0
        while at < len(self.text):
            match = _TOKEN.match(self.text, at)
            if match is None:
                raise self._fail(at)
            if match.lastgroup != "skip":
                yield str(match.lastgroup), match[0], at
            at = match.end()
        yield "end", "", at

    def _fail(self, at: int) -> BuildError:
        line = self.text.count("\n", 0, at) + 1
        got = self.text[at : at + 30].split("\n")[0]
        return BuildError(f"{self.what}: line {line} is not of the expected form: {got!r}")

    def _next(self, expected: str | None = None) -> tuple[str, str]:
        kind, text, at = self.tokens[self.at]
        if kind == "end" or (expected is not None and text != expected):
            raise self._fail(at)
        self.at += 1
        return kind, text

    def _peek(self) -> str:
        return self.tokens[self.at][1]

    def statements(self) -> dict[str, Any]:
        """Return the named values of the module, up to its export."""
        while self._peek() == "var":
            self._next()
            name = self._next()[1]
            self._next("=")
            self.names[name] = self._value()
            self._next(";")
        self._next("export")
        return self.names

    def _value(self) -> Any:
        at = self.tokens[self.at][2]
        kind, text = self._next()
        if kind == "string":
            return text[1:-1]
        if kind == "number":
            digits, _, exponent = text.partition("e")
            return int(digits) * 10 ** int(exponent or 0)
        if kind == "name":
            return self._named(text, at)
        if text == "{":
            return self._object()
        raise self._fail(at)

    def _named(self, text: str, at: int) -> Any:
        value = self.names.get(text)
        while self._peek() == ".":
            self._next()
            member = self._next()[1]
            value = value.get(member) if isinstance(value, dict) else None
        if value is None:
            raise self._fail(at)
        return value

    def _object(self) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        while self._peek() != "}":
            at = self.tokens[self.at][2]
            kind, text = self._next()
            if kind == "spread":
                spread = self._value()
                if not isinstance(spread, dict):
                    raise self._fail(at)
                result.update(spread)
            elif kind in ("string", "name") or text == "[":
                key = self._value() if text == "[" else text.strip('"')
                if text == "[":
                    self._next("]")
                self._next(":")
                result[key] = self._value()
            else:
                raise self._fail(at)
            if self._peek() != "}":
                self._next(",")
        self._next("}")
        return result


def build_deployments(table: Mapping[str, Any], packages: Path) -> dict[str, list[dict[str, Any]]]:
    """Return version -> groups of chains that share their addresses; those of 1.3.0 are checked."""
    path = packages / DEPLOYMENTS / "dist" / "index.mjs"
    listed = ModuleReader(read_text(path), str(path)).statements().get("DELEGATOR_CONTRACTS")
    if not isinstance(listed, dict) or not listed:
        raise BuildError(f"{path}: DELEGATOR_CONTRACTS is missing")
    canonical = {row["contract"]: row["address"] for row in table["contracts"] if row["status"] == "current"}
    canonical |= {row["contract"]: row["address"] for row in table["interfaces"]}
    result: dict[str, list[dict[str, Any]]] = {}
    for version, chains in sorted(listed.items()):
        if not isinstance(chains, dict) or not all(isinstance(chain_id, int) for chain_id in chains):
            raise BuildError(f"{path}: {version}: expected chain ids and addresses")
        groups: dict[str, dict[str, Any]] = {}
        for chain_id, addresses in sorted(chains.items()):
            check_addresses(f"{DEPLOYMENTS} {version} on chain {chain_id}", addresses)
            if version == "1.3.0":
                check_canonical(chain_id, addresses, canonical)
            key = json.dumps(addresses, sort_keys=True)
            group = groups.setdefault(key, {"chain_ids": [], "addresses": addresses})
            group["chain_ids"].append(chain_id)
        result[version] = list(groups.values())
    return result


def check_addresses(what: str, addresses: Mapping[str, Any]) -> None:
    for name, address in addresses.items():
        if not isinstance(address, str) or not _ADDRESS.match(address):
            raise BuildError(f"{what}: {name}: expected an address, got {address!r}")
    if "DelegationManager" not in addresses:
        raise BuildError(f"{what}: there is no DelegationManager")


def check_canonical(chain_id: int, addresses: Mapping[str, str], canonical: Mapping[str, str]) -> None:
    for name, address in addresses.items():
        expected = canonical.get(name.removesuffix("Impl"))
        if expected is None or expected.lower() != address.lower():
            raise BuildError(f"{name}: address on chain {chain_id}: expected {expected}, got {address}")


# --- output -------------------------------------------------------------------------------------------------

_NOTICE = """framework.json.gz holds byte code, ABIs and addresses of the MetaMask Delegation Framework,
built from the npm packages {packages}
by MetaMask / ConsenSys Software Inc., licensed MIT-0 OR Apache-2.0; the texts are beside this file.
Changed: library addresses linked, compiler metadata digests and constructor arguments set to those of the
deployed contracts, `internalType` dropped from the ABIs.
"""


def compress(document: Any) -> bytes:
    """Return the document as gzip with no name and no time in it: the same input gives the same bytes."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as stream:
        stream.write(text.encode())
    return buffer.getvalue()


def build(packages: Path, table_path: Path) -> dict[str, bytes]:
    """Return every file of the artifact by name. Raises BuildError; touches no file."""
    table = read_json(table_path)
    for package, version in table["packages"].items():
        check_version(packages, package, version)
    document = {
        "format": FORMAT,
        "packages": table["packages"],
        "contracts": build_contracts(table, packages),
        "templates": build_templates(table, packages),
        "interfaces": {
            row["address"]: {
                "name": row["contract"],
                "abi": slim(read_module(packages, "abis", row["contract"])),
            }
            for row in table["interfaces"]
        },
        "deployments": build_deployments(table, packages),
    }
    names = " and ".join(f"{package} {version}" for package, version in table["packages"].items())
    files = {
        "LICENSE.APACHE2": read_text(packages / ABIS / "LICENSE.APACHE2").encode(),
        "LICENSE.MIT0": read_text(packages / ABIS / "LICENSE.MIT0").encode(),
        "NOTICE": _NOTICE.format(packages=names).encode(),
    }
    # The two packages carry different texts under the same name; each licensee gets the one that applies.
    other = read_text(packages / DEPLOYMENTS / "LICENSE.MIT0").encode()
    if other != files["LICENSE.MIT0"]:
        files["LICENSE.MIT0.deployments"] = other
    return files | {"framework.json.gz": compress(document)}


def write_files(out: Path, files: Mapping[str, bytes]) -> bool:
    """Put the files in place, each whole or not at all, the artifact last; return whether any changed."""
    out.mkdir(parents=True, exist_ok=True)
    changed = False
    with tempfile.TemporaryDirectory(prefix=".build-", dir=out) as temporary:
        for name, data in files.items():
            target = out / name
            if target.is_file() and target.read_bytes() == data:
                continue
            staged = Path(temporary) / name
            staged.write_bytes(data)
            os.replace(staged, target)
            changed = True
    return changed


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the official framework artifact from the npm packages.")
    parser.add_argument("--packages", type=Path, default=ROOT / "node_modules", help="the node_modules folder")
    parser.add_argument("--out", type=Path, default=OUT, help="the folder to write")
    parser.add_argument("--table", type=Path, default=TABLE, help="the table of init codes and addresses")
    options = parser.parse_args(argv)
    try:
        files = build(options.packages, options.table)
        changed = write_files(options.out, files)
    except BuildError as error:
        print(f"build_framework: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"build_framework: cannot write {options.out}: {error}", file=sys.stderr)
        return 1
    rows = read_json(options.table)["contracts"]
    missing = sorted(row["contract"] for row in rows if not row["bundled"])
    print(f"{options.out}: {len(rows) - len(missing)} contracts proven, {'written' if changed else 'unchanged'}")
    print(f"code not bundled: {', '.join(missing)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
