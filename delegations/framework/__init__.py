"""The official framework: contracts and their code, deployments per chain, reverts and events in words.

Importing this reads nothing; `load_framework` and `Registry.official` read the artifact when first called.
"""

from delegations.framework.artifact import Framework, Interface, OfficialContract, load_framework
from delegations.framework.constants import (
    CREATE2_DEPLOYER,
    DELEGATION_MANAGER,
    EIP7702_PREFIX,
    EIP7702_STATELESS_DELEGATOR,
    ENTRY_POINT,
    FRAMEWORK_VERSION,
    GATOR_SALT,
    HYBRID_DELEGATOR,
    MULTISIG_DELEGATOR,
    SIMPLE_FACTORY,
)
from delegations.framework.deployments import (
    Deployment,
    Registry,
    canonical_deployment,
    contract_name,
    deployment,
    known_chain_ids,
)
from delegations.framework.events import DecodedEvent, decode_event
from delegations.framework.reverts import RevertReason, decode_revert

__all__ = [
    "FRAMEWORK_VERSION",
    "DELEGATION_MANAGER",
    "EIP7702_STATELESS_DELEGATOR",
    "EIP7702_PREFIX",
    "HYBRID_DELEGATOR",
    "MULTISIG_DELEGATOR",
    "SIMPLE_FACTORY",
    "ENTRY_POINT",
    "CREATE2_DEPLOYER",
    "GATOR_SALT",
    "Framework",
    "OfficialContract",
    "Interface",
    "load_framework",
    "Deployment",
    "Registry",
    "deployment",
    "canonical_deployment",
    "known_chain_ids",
    "contract_name",
    "RevertReason",
    "decode_revert",
    "DecodedEvent",
    "decode_event",
]
