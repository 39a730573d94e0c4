"""The dapp's side of ERC-7715: four questions to a wallet, and answers that are read before they are believed.

    wallet = PermissionsClient.over_http("http://127.0.0.1:8547", token=token, origin="https://shop.example")
    report = wallet.request_verified([request], chain=chain, registry=registry)
    report.require()

Source: ERC-7715, Specification.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from caveats.depth import DEEPEST, is_deep
from caveats.errors import EncodingError
from caveats.types import format_hex, parse_bytes
from delegations.evm.chain import LocalChain
from delegations.framework.deployments import Registry
from delegations.permissions.asking import WALLET_TIMEOUT_SECONDS, Ask, HttpAsk, ask_provider
from delegations.permissions.granted import Granted
from delegations.permissions.model import (
    PermissionRequest,
    PermissionResponse,
    SupportedPermission,
    read_responses,
    read_supported,
)
from delegations.permissions.sources import Chains, require_arguments
from delegations.permissions.verify import AnswerReport, verify_answer

REQUEST = "wallet_requestExecutionPermissions"
REVOKE = "wallet_revokeExecutionPermission"
SUPPORTED = "wallet_getSupportedExecutionPermissions"
GRANTED = "wallet_getGrantedExecutionPermissions"


class PermissionsClient:
    """Asks one wallet. Every method may raise what a wallet or the way to it can do:

        RejectedError, UnauthorizedError (a no), NotOfferedError, RefusedRequestError, UnavailableError, and
        TransportError when the wallet could not be asked or its answer was no JSON-RPC.

    Args:
        provider: a URL, a web3 instance or provider, or an EIP-1193 request function. See `ask_provider`.
    """

    def __init__(self, provider: Any) -> None:
        self._ask: Ask = HttpAsk(provider) if isinstance(provider, str) else ask_provider(provider)

    @classmethod
    def over_http(
        cls,
        url: str,
        *,
        token: str | None = None,
        origin: str | None = None,
        timeout_seconds: float = WALLET_TIMEOUT_SECONDS,
    ) -> Self:
        """Return a client of the wallet at a URL. Arguments and errors as `HttpAsk`."""
        client = cls.__new__(cls)
        client._ask = HttpAsk(url, token=token, origin=origin, timeout_seconds=timeout_seconds)
        return client

    def close(self) -> None:
        """Give up the connection, where there is one. The client can be used again."""
        if isinstance(self._ask, HttpAsk):
            self._ask.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def supported(self) -> dict[str, SupportedPermission]:
        """Return what the wallet can grant, by permission type.

        A type for which the wallet names no chains has none in `chain_ids`.

        Raises:
            EncodingError: the answer is not of the form ERC-7715 gives it, naming the field.
        """
        answer = _shallow(self._ask(SUPPORTED, []))
        if isinstance(answer, Mapping):
            answer = {name: _with_chains(entry) for name, entry in answer.items()}
        return read_supported(answer)

    def request(self, requests: Sequence[PermissionRequest]) -> tuple[PermissionResponse, ...]:
        """Ask for permissions and return the responses as the wallet gave them: believed in nothing but their form.

        Raises:
            EncodingError: nothing is asked for, or the answer is not of the form ERC-7715 gives it.
        """
        return read_responses(_shallow(self.request_raw(requests)))

    def request_raw(self, requests: Sequence[PermissionRequest]) -> Any:
        """Ask for permissions and return the answer as it came, not even read: for `verify_answer`.

        Raises:
            EncodingError: nothing is asked for.
        """
        require_arguments(requests, None, None)
        return self._ask(REQUEST, [request.to_wire() for request in requests])

    def request_verified(
        self,
        requests: Sequence[PermissionRequest],
        *,
        chain: Chains = None,
        registry: Registry | None = None,
        held: Sequence[Granted] = (),
    ) -> AnswerReport:
        """Ask for permissions and return the report of what came back. Arguments as `verify_answer`.

        Args:
            requests: what to ask.
            chain: where the accounts are, or a function that returns it, called when the answer is there. Fork a live
                chain in such a function: while the wallet was asked, an account may have been upgraded or deployed.
            registry: the deployments to go by.
            held: grants that were verified before.

        Raises:
            EncodingError: nothing is asked for. A malformed answer is reported, not raised.
        """
        require_arguments(requests, chain, registry)
        asked_at = _time_of(chain, requests)
        answer = self.request_raw(requests)
        return verify_answer(requests, answer, chain=chain, registry=registry, asked_at=asked_at, held=held)

    def granted(self) -> tuple[PermissionResponse, ...]:
        """Return all that is granted and not revoked, as the wallet says.

        Raises:
            EncodingError: the answer is not of the form ERC-7715 gives it.
        """
        return read_responses(_shallow(self._ask(GRANTED, [])))

    def revoke(self, context: PermissionResponse | Granted | bytes | str) -> None:
        """Ask the wallet to revoke what a context grants; it holds on chain until a status says otherwise.

        Args:
            context: a response, a grant that was verified, or a permission context.

        Raises:
            EncodingError: the context is no bytes, or none.
        """
        context = context.response if isinstance(context, Granted) else context
        data = context.context if isinstance(context, PermissionResponse) else parse_bytes(context)
        if not data:
            raise EncodingError("context: expected a permission context, got no bytes")
        self._ask(REVOKE, {"permissionContext": format_hex(data)})


def _with_chains(entry: Any) -> Any:
    if isinstance(entry, Mapping) and entry.get("chainIds") is None:
        return {**entry, "chainIds": []}
    return entry


def _shallow(answer: Any) -> Any:
    """Return the answer. Raises EncodingError for one that would exhaust the stack of whoever reads it."""
    if is_deep(answer):
        raise EncodingError(f"result: expected a wallet's answer, got values more than {DEEPEST} deep in one another")
    return answer


def _time_of(chain: object, requests: Sequence[PermissionRequest]) -> int | None:
    """Return what time it is where the requests are for, before they are put; None when nothing tells."""
    if isinstance(chain, Mapping):
        times = {chain[each.chain_id].timestamp for each in requests if each.chain_id in chain}
        return min(times, default=None)
    return chain.timestamp if isinstance(chain, LocalChain) else None
