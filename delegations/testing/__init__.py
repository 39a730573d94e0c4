"""Tests of one's own, on a chain of one's own: fixtures, assertions with readable failures, strategies.

pytest finds the fixtures by itself (`delegations.testing.plugin`); `docs/pytest.md` lists them. What they are made of
is here, for those who set their stage otherwise. Importing this loads neither pytest nor the EVM.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from delegations.testing.artifacts import ContractArtifact, load_artifact
    from delegations.testing.assertions import assert_allowed, assert_denied, at, moved
    from delegations.testing.contract import Contract, Deployer, Sent
    from delegations.testing.engines import open_engine
    from delegations.testing.history import Mined, RecordingChain
    from delegations.testing.rpc import LocalRpc
    from delegations.testing.scene import Coin, Party, Scene, prepare

_LATER = {
    "assert_allowed": "assertions",
    "assert_denied": "assertions",
    "moved": "assertions",
    "at": "assertions",
    "Scene": "scene",
    "Party": "scene",
    "Coin": "scene",
    "prepare": "scene",
    "Deployer": "contract",
    "Contract": "contract",
    "Sent": "contract",
    "ContractArtifact": "artifacts",
    "load_artifact": "artifacts",
    "RecordingChain": "history",
    "Mined": "history",
    "LocalRpc": "rpc",
    "open_engine": "engines",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Scene",
    "Party",
    "Coin",
    "prepare",
    "assert_allowed",
    "assert_denied",
    "moved",
    "at",
    "Deployer",
    "Contract",
    "Sent",
    "ContractArtifact",
    "load_artifact",
    "RecordingChain",
    "Mined",
    "LocalRpc",
    "open_engine",
]
