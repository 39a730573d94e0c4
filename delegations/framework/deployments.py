"""Which framework contracts stand where: per version and chain, both ways.

    Registry.official().deployment(8453).manager

A `Registry` is a value: `with_deployment` returns a new one, nothing is registered globally.
Source: npm @metamask/delegation-deployments; the build checks its 1.3.0 addresses against the canonical ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import MappingProxyType
from typing import Self

from caveats.errors import EncodingError, UnsupportedError
from caveats.types import Address
from delegations.framework.artifact import Framework, load_framework
from delegations.framework.constants import ENTRY_POINT, FRAMEWORK_VERSION

# The published lists call the account implementations XImpl.
_IMPLEMENTATIONS = ("HybridDeleGator", "MultiSigDeleGator", "EIP7702StatelessDeleGator")


@dataclass(frozen=True)
class Deployment:
    """One version of the framework on one chain.

    Attributes:
        version: of the framework, such as "1.3.0".
        chain_id: of the chain.
        manager: the DelegationManager; signatures are bound to it and to the chain.
        addresses: contract name -> address, as published: enforcers by full name, implementations as XImpl.
    """

    version: str
    chain_id: int
    manager: Address
    addresses: Mapping[str, Address] = field(hash=False)

    def __post_init__(self) -> None:
        if type(self.chain_id) is not int or self.chain_id <= 0:
            raise EncodingError.of("chain id", expected="a whole number above 0", got=self.chain_id)
        addresses = {name: Address(address) for name, address in self.addresses.items()}
        named = addresses.setdefault("DelegationManager", self.manager)
        if named != self.manager:
            raise EncodingError.of(
                "deployment", expected=f"DelegationManager to be the manager {self.manager}", got=str(named)
            )
        object.__setattr__(self, "addresses", MappingProxyType(addresses))

    def name_of(self, address: bytes) -> str | None:
        """Return the name of the contract at that address, or None."""
        return next((name for name, at in self.addresses.items() if at == address), None)


@dataclass(frozen=True)
class Registry:
    """The deployments a caller goes by. Immutable.

    Attributes:
        deployments: all of them; one for each version and chain.
        framework: when given, names what the published lists leave out (retired and newest enforcers).
    """

    deployments: tuple[Deployment, ...] = ()
    framework: Framework | None = field(default=None, repr=False, compare=False)

    @classmethod
    def official(cls) -> Registry:
        """Return the published deployments of every version and chain.

        Raises:
            UnsupportedError: the official artifact is not built in.
        """
        return _official()

    def with_deployment(self, deployment: Deployment, *, replace: bool = False) -> Self:
        """Return a registry that also knows `deployment`.

        Raises:
            EncodingError: another one is registered for its version and chain, and `replace` is not set.
        """
        key = (deployment.version, deployment.chain_id)
        known = self._by_key.get(key)
        if known not in (None, deployment) and not replace:
            raise EncodingError(
                f"framework {deployment.version} on chain {deployment.chain_id}: another one is registered",
                hint="pass replace=True to put this one in its place",
            )
        kept = tuple(item for item in self.deployments if (item.version, item.chain_id) != key)
        return type(self)((*kept, deployment), self.framework)

    def deployment(self, chain_id: int, version: str = FRAMEWORK_VERSION) -> Deployment:
        """Return the deployment of `version` on a chain.

        Raises:
            UnsupportedError: none is known.
        """
        found = self._by_key.get((version, chain_id))
        if found is None:
            raise UnsupportedError(
                f"chain {chain_id}: no deployment of framework {version} is known",
                hint="register Deployment(...), or canonical_deployment(chain_id) where the addresses are the"
                " canonical ones, with Registry.with_deployment",
            )
        return found

    def known_chain_ids(self, version: str = FRAMEWORK_VERSION) -> tuple[int, ...]:
        """Return the chains with a deployment of `version`, ascending."""
        return tuple(sorted(item.chain_id for item in self.deployments if item.version == version))

    def contract_name(self, address: bytes, *, chain_id: int | None = None) -> tuple[str, str] | None:
        """Return (version, name) of a framework contract, or None. The newest version wins.

        Args:
            address: to look up.
            chain_id: only look at this chain; any chain when None.
        """
        found = self._names.get((chain_id, bytes(address)))
        if found is None and self.framework is not None:
            official = self.framework.by_address(address)
            known = chain_id is None or (FRAMEWORK_VERSION, chain_id) in self._by_key
            found = (official.version, official.name) if official and known else None
        return found

    @cached_property
    def _names(self) -> dict[tuple[int | None, bytes], tuple[str, str]]:
        names = {}
        for item in sorted(self.deployments, key=lambda item: _version_key(item.version)):
            for name, address in item.addresses.items():
                for chain_id in (item.chain_id, None):
                    names[chain_id, bytes(address)] = (item.version, name)
        return names

    @cached_property
    def _by_key(self) -> dict[tuple[str, int], Deployment]:
        return {(item.version, item.chain_id): item for item in self.deployments}


def _version_key(version: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in version.split("."))


@cache
def _official() -> Registry:
    framework = load_framework()
    deployments = []
    for version, groups in framework.raw_deployments.items():
        for group in groups:
            addresses = {name: Address(address) for name, address in group["addresses"].items()}
            manager = addresses["DelegationManager"]
            deployments += [Deployment(version, chain_id, manager, addresses) for chain_id in group["chain_ids"]]
    return Registry(tuple(deployments), framework)


def canonical_deployment(chain_id: int) -> Deployment:
    """Return framework 1.3.0 at its canonical addresses on any chain, such as a local one.

    Nothing is asked of the chain: whether the contracts stand there is for the caller to know.
    """
    framework = load_framework()
    addresses = {}
    for contract in framework.contracts:
        if not contract.retired:
            suffix = "Impl" if contract.name in _IMPLEMENTATIONS else ""
            addresses[contract.name + suffix] = contract.address
    addresses["EntryPoint"] = ENTRY_POINT
    return Deployment(FRAMEWORK_VERSION, chain_id, addresses["DelegationManager"], addresses)


def deployment(chain_id: int, version: str = FRAMEWORK_VERSION) -> Deployment:
    """Return the published deployment of `version` on a chain. Raises UnsupportedError when there is none."""
    return Registry.official().deployment(chain_id, version)


def known_chain_ids(version: str = FRAMEWORK_VERSION) -> tuple[int, ...]:
    """Return the chains with a published deployment of `version`, ascending."""
    return Registry.official().known_chain_ids(version)


def contract_name(address: bytes, *, chain_id: int | None = None) -> tuple[str, str] | None:
    """Return (version, name) of a published framework contract, or None."""
    return Registry.official().contract_name(address, chain_id=chain_id)
