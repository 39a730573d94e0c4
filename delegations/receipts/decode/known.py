"""Which contracts count: the managers and enforcers of the registered deployments, by address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from caveats.types import Address, format_hex
from delegations.framework.artifact import Framework, load_framework
from delegations.framework.constants import FRAMEWORK_VERSION
from delegations.framework.deployments import Deployment, Registry, canonical_deployment
from delegations.framework.events import decode_event
from delegations.receipts.decode.inputs import LogEntry
from delegations.simulation.verdict import EnforcerEvent


@dataclass(frozen=True)
class Known:
    """The contracts a decoder trusts to be what they are.

    Attributes:
        managers: address -> version of the framework.
        enforcers: address -> contract name.
    """

    managers: Mapping[bytes, str]
    enforcers: Mapping[bytes, str]
    framework: Framework

    def enforcer_events(self, logs: Sequence[LogEntry]) -> tuple[EnforcerEvent, ...]:
        """Return what known enforcers logged, decoded, in order."""
        events = []
        for log in logs:
            name = self.enforcers.get(log.address)
            if name is None:
                continue
            # an older deployment's enforcer is read by the ABI of its namesake
            official = self.framework.by_address(log.address)
            reads_as = None if official is not None else _namesake(name)
            if official is None and reads_as is None:
                continue
            decoded = decode_event(log.address, log.topics, log.data, framework=self.framework, implementation=reads_as)
            if decoded is not None:
                values = {k: format_hex(v) if isinstance(v, bytes) else str(v) for k, v in decoded.args.items()}
                events.append(
                    EnforcerEvent(enforcer=Address(log.address), contract=name, event=decoded.name, values=values)
                )
        return tuple(events)


@lru_cache(maxsize=256)
def _namesake(name: str) -> Address | None:
    return next((c.address for c in load_framework().contracts if c.name == name and not c.retired), None)


def known_contracts(chain_id: int | None, registry: Registry | None) -> Known:
    """Return what counts on a chain: what is registered for it, and the published deployments, which are the same
    contracts at the same addresses on every chain they are on.
    """
    own = () if registry is None else registry.deployments
    return _known(chain_id, tuple(d for d in own if d.chain_id == chain_id))


@lru_cache(maxsize=64)
def _known(chain_id: int | None, own: tuple[Deployment, ...]) -> Known:
    framework = load_framework()
    managers: dict[bytes, str] = {}
    enforcers: dict[bytes, str] = {bytes(c.address): c.name for c in framework.contracts if "Enforcer" in c.name}
    published = Registry.official().deployments
    for deployment in (*published, canonical_deployment(1), *own):
        managers[bytes(deployment.manager)] = deployment.version
        for name, address in deployment.addresses.items():
            if name.endswith("Enforcer"):
                enforcers.setdefault(bytes(address), name)
    managers.setdefault(bytes(canonical_deployment(1).manager), FRAMEWORK_VERSION)
    return Known(managers, enforcers, framework)
