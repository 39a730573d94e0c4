"""Which class reads which enforcer of a deployment."""

from __future__ import annotations

from caveats.registry import ENFORCERS, EnforcerRegistry
from delegations.framework.constants import FRAMEWORK_VERSION
from delegations.framework.deployments import Deployment


def enforcer_registry(deployment: Deployment) -> EnforcerRegistry:
    """Return the registry that reads the enforcers of a deployment by their contract names.

    Only a deployment of framework 1.3.0 is read: other versions may lay out their terms otherwise, so their caveats
    stay opaque rather than be misread.
    """
    registry = EnforcerRegistry({})
    if deployment.version != FRAMEWORK_VERSION:
        return registry
    classes = {cls.ENFORCER: cls for cls in ENFORCERS if not cls.RETIRED}
    for name, address in deployment.addresses.items():
        if name in classes:
            registry = registry.with_enforcer(classes[name], address)
    return registry
