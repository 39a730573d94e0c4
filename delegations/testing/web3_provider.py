"""web3.py on a local chain, without a node: a provider whose answers come from this process. It needs web3 8."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from web3 import Web3
from web3.providers.base import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from caveats.types import Address
from delegations.testing.history import RecordingChain
from delegations.testing.rpc import LocalRpc


class LocalChainProvider(BaseProvider):
    """Takes web3's requests to a `LocalRpc`."""

    def __init__(self, rpc: LocalRpc) -> None:
        super().__init__()
        self.rpc = rpc

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Return the chain's answer."""
        return cast("RPCResponse", self.rpc.answer(method, params))

    def is_connected(self, show_traceback: bool = False) -> bool:
        """Whether the chain can be asked: it always can."""
        return True


def make_web3(chain: RecordingChain, accounts: Sequence[Address] = ()) -> Web3:
    """Return a client of the chain that sends for `accounts`, the first of them by default."""
    client = Web3(LocalChainProvider(LocalRpc(chain, accounts)))
    if accounts:
        client.eth.default_account = client.to_checksum_address(str(accounts[0]))
    return client
