"""The official contracts: what is known of each, and the code the build has proven.

Identity (name, address, salt, hash of the init code) comes with the package in `data/codehashes.json`.
Code and ABIs come from the artifact that `make build` makes of the npm packages. Nothing is read before it is
asked for, and no code is handed out that does not hash to its listed value.
"""

from __future__ import annotations

import copy
import gzip
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from caveats.errors import EncodingError, UnsupportedError, VerificationError
from caveats.types import Address, Bytes32, keccak, parse_hex
from delegations.framework.abi import signature, topic

_HERE = Path(__file__).parent
_TABLE = _HERE / "data" / "codehashes.json"
_OFFICIAL = _HERE / "_official"
_ARTIFACT = "framework.json.gz"
_FORMAT = 1
_PROXY_CONSTRUCTOR_BYTES = 845  # of the proxy's creation code, of which there is one

Abi = tuple[dict[str, Any], ...]
"""ABI entries as in Solidity's JSON, without `internalType`."""


@dataclass(frozen=True)
class OfficialContract:
    """One deployed contract of the framework.

    Attributes:
        name: the contract's name; two rows may share one (see `note`), an address never.
        address: canonical, the same on every chain.
        salt: of its CREATE2 deployment.
        init_code_hash: keccak of the init code that was deployed.
        init_code_size: its length in bytes.
        bundled: whether its code is built in. The npm packages do not carry the others as deployed.
        version: of the framework it belongs to.
        retired: whether a later contract took its place; old delegations still name it.
        note: what to know about it; empty for most.
    """

    name: str
    address: Address
    salt: Bytes32
    init_code_hash: Bytes32
    init_code_size: int
    bundled: bool
    version: str
    retired: bool
    note: str
    _abi: Abi = field(repr=False, compare=False)
    _init_code: str | None = field(repr=False, compare=False)

    @property
    def abi(self) -> Abi:
        """A fresh copy of the ABI; of contracts whose code is not bundled only the events, if any."""
        return copy.deepcopy(self._abi)

    @cached_property
    def init_code(self) -> bytes:
        """The init code, constructor arguments included: deploy it with CREATE2 and `salt`.

        Raises:
            UnsupportedError: its code is not bundled.
            VerificationError: the artifact holds other bytes than those that were deployed.
        """
        if self._init_code is None:
            raise UnsupportedError(
                f"{self.name} at {self.address}: code not bundled, the npm packages do not carry it",
                hint="ask a node for it, or fork a chain that has it",
            )
        return _proven(self.name, self._init_code, self.init_code_hash)


@dataclass(frozen=True)
class Interface:
    """A contract the framework talks to and whose ABI is known, without code (the ERC-4337 EntryPoint)."""

    name: str
    address: Address
    _abi: Abi = field(repr=False, compare=False)

    @property
    def abi(self) -> Abi:
        """A fresh copy of the ABI."""
        return copy.deepcopy(self._abi)


@dataclass(frozen=True)
class Framework:
    """Every official contract of framework 1.3.0, by name and by address.

    Attributes:
        contracts: all of them, ordered by name.
        interfaces: contracts outside the framework whose ABI is known.
        packages: npm package -> version the artifact was built from.
        raw_deployments: version -> groups of chain ids and addresses, as published; `Registry` reads them.
    """

    contracts: tuple[OfficialContract, ...]
    interfaces: tuple[Interface, ...]
    packages: Mapping[str, str] = field(hash=False)
    raw_deployments: Mapping[str, Any] = field(repr=False, compare=False)
    _proxy: tuple[str, Bytes32] = field(repr=False, compare=False)

    def contract(self, name: str) -> OfficialContract:
        """Return the current contract of that name. A retired one that shares it is found by its address.

        Raises:
            UnsupportedError: there is no such contract in framework 1.3.0.
        """
        found = [contract for contract in self.contracts if contract.name == name]
        if not found:
            raise UnsupportedError(f"contract {name!r}: there is no such contract in framework 1.3.0")
        return min(found, key=lambda contract: contract.retired)

    def by_address(self, address: bytes) -> OfficialContract | None:
        """Return the contract at that address, or None when it is not an official one."""
        return self._by_address.get(bytes(address))

    def interface(self, address: bytes) -> OfficialContract | Interface | None:
        """Return whose ABI is known at that address: an official contract, the EntryPoint, or None."""
        return self.by_address(address) or next((i for i in self.interfaces if i.address == address), None)

    def bundled(self) -> tuple[OfficialContract, ...]:
        """Return the contracts whose code is built in."""
        return tuple(contract for contract in self.contracts if contract.bundled)

    def not_bundled(self) -> tuple[OfficialContract, ...]:
        """Return the contracts of which only name, address and hash are known."""
        return tuple(contract for contract in self.contracts if not contract.bundled)

    @cached_property
    def proxy_creation_code(self) -> bytes:
        """Creation code of the account proxy; append abi.encode(address implementation, bytes init_data).

        Raises:
            VerificationError: the artifact holds other bytes than the published ones.

        Source: OpenZeppelin 5.0.2 ERC1967Proxy as the framework compiles it.
        """
        return _proven("ERC1967Proxy", *self._proxy)

    @cached_property
    def proxy_code(self) -> bytes:
        """Code of every account proxy on a chain: it has no immutables, so it is the end of the creation code.

        Only of an account with this very code does the ERC-1967 slot say what runs. Raises as `proxy_creation_code`.
        """
        return self.proxy_creation_code[_PROXY_CONSTRUCTOR_BYTES:]

    def event(self, address: bytes, topic0: bytes) -> tuple[str, dict[str, Any]] | None:
        """Return (contract name, ABI entry) of the event with that topic 0 at that address, or None."""
        return self._events.get((bytes(address), bytes(topic0)))

    @cached_property
    def _events(self) -> dict[tuple[bytes, bytes], tuple[str, dict[str, Any]]]:
        everything: tuple[OfficialContract | Interface, ...] = (*self.contracts, *self.interfaces)
        return {
            (bytes(known.address), bytes(topic(signature(entry)))): (known.name, entry)
            for known in everything
            for entry in known.abi
            if entry["type"] == "event" and not entry.get("anonymous")
        }

    @cached_property
    def _by_address(self) -> dict[bytes, OfficialContract]:
        return {bytes(contract.address): contract for contract in self.contracts}


def _proven(name: str, code_hex: str, expected: Bytes32) -> bytes:
    code = parse_hex(code_hex, what=f"{name} init code")
    digest = Bytes32(keccak(code))
    if digest != expected:
        raise VerificationError(
            f"{name}: official framework code is corrupted: expected keccak {expected}, got {digest}",
            hint="run `make build`",
        )
    return code


def _contracts(table: Mapping[str, Any], built: Mapping[str, Any]) -> Iterable[OfficialContract]:
    for row in table["contracts"]:
        entry = built[row["address"]]
        yield OfficialContract(
            name=row["contract"],
            address=Address(row["address"]),
            salt=Bytes32(row["salt"]),
            init_code_hash=Bytes32(row["init_code_keccak256"]),
            init_code_size=row["init_code_bytes"],
            bundled=row["bundled"],
            version=row["version"],
            retired=row["status"] == "retired",
            note=row.get("note", ""),
            _abi=tuple(entry["abi"]),
            _init_code=entry["init_code"] if row["bundled"] else None,
        )


def read_framework(directory: Path) -> Framework:
    """Return the framework from the artifact in `directory`. `load_framework` reads the one that is built in.

    Raises:
        UnsupportedError: there is no artifact, or it is of another format.
        EncodingError: the artifact cannot be read.
    """
    path = directory / _ARTIFACT
    try:
        document = json.loads(gzip.decompress(path.read_bytes()))
    except FileNotFoundError as error:
        raise UnsupportedError("official framework code is not built in", hint="run `make build`") from error
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise EncodingError(f"official framework artifact {path}: {error}", hint="run `make build`") from error
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise UnsupportedError(
            f"official framework artifact {path}: it is not of format {_FORMAT}", hint="run `make build`"
        )
    table = json.loads(_TABLE.read_text(encoding="utf-8"))
    proxy = next(row for row in table["templates"] if row["contract"] == "ERC1967Proxy")
    try:
        return Framework(
            contracts=tuple(_contracts(table, document["contracts"])),
            interfaces=tuple(
                Interface(name=entry["name"], address=Address(address), _abi=tuple(entry["abi"]))
                for address, entry in document["interfaces"].items()
            ),
            packages=MappingProxyType(dict(document["packages"])),
            raw_deployments=document["deployments"],
            _proxy=(
                document["templates"]["ERC1967Proxy"]["init_code"],
                Bytes32(proxy["init_code_keccak256"]),
            ),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise EncodingError(
            f"official framework artifact {path}: {error!r} is missing or of the wrong kind",
            hint="run `make build`",
        ) from error


@cache
def load_framework() -> Framework:
    """Return the official framework that is built in; read once, when first asked for.

    Raises:
        UnsupportedError: the artifact is not built in.
        EncodingError: the artifact cannot be read.
    """
    return read_framework(_OFFICIAL)
