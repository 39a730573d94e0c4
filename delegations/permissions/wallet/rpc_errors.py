"""What a provider answers when it does not answer with a result: one error, with the codes dapps know.

Source: EIP-1193 (provider errors), EIP-1474 and JSON-RPC 2.0 (the negative codes), ERC-7715.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar

from caveats.errors import (
    DelegationsError,
    EncodingError,
    EngineError,
    UnsupportedError,
    VerificationError,
    abbreviate,
)
from delegations.permissions.wallet.plain import show

_LONGEST = 600


class RpcCode(IntEnum):
    """The codes a wallet answers with. `docs/wallet.md` says when."""

    USER_REJECTED = 4001
    UNAUTHORIZED = 4100
    CHAIN_DISCONNECTED = 4901
    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL = -32603
    NOT_FOUND = -32001
    UNAVAILABLE = -32002
    LIMIT_EXCEEDED = -32005


class ProviderError(DelegationsError):
    """The provider's answer to a request it does not fulfil.

    Attributes:
        rpc_code: for programs; see RpcCode.
        message: one line, safe to show, telling nothing of the wallet's insides.
        data: more for programs; None when there is none.
    """

    code: ClassVar[str] = "provider"

    def __init__(self, rpc_code: int, message: str, data: Any = None) -> None:
        # what a site wrote may stand in it, and what a site wrote is shown to people
        self.message = show(message, most=_LONGEST)
        super().__init__(self.message)
        self.rpc_code = int(rpc_code)
        self.data = data

    def to_wire(self) -> dict[str, Any]:
        """Return the error object of a JSON-RPC answer."""
        return {"code": self.rpc_code, "message": self.message, **({} if self.data is None else {"data": self.data})}

    @classmethod
    def invalid(cls, message: str) -> ProviderError:
        """Return the refusal of parameters."""
        return cls(RpcCode.INVALID_PARAMS, message)

    @classmethod
    def unknown_method(cls, method: object) -> ProviderError:
        """Return the refusal of a method this wallet does not have."""
        return cls(RpcCode.METHOD_NOT_FOUND, f"the method {abbreviate(method)} does not exist")


def to_provider_error(error: DelegationsError) -> ProviderError:
    """Return what a dapp is told of an error of ours.

    Who could not be asked, and where, is the operator's business: an endpoint's name may hold a key.
    """
    if isinstance(error, ProviderError):
        return error
    if error.code == "engine.store":
        return ProviderError(RpcCode.UNAVAILABLE, "the wallet's store did not answer; nothing was granted")
    if isinstance(error, EngineError):
        return ProviderError(
            RpcCode.UNAVAILABLE, "the chain could not be asked; this says nothing about the request, ask again later"
        )
    if isinstance(error, EncodingError | UnsupportedError):
        return ProviderError(RpcCode.INVALID_PARAMS, str(error))
    if isinstance(error, VerificationError):
        return ProviderError(RpcCode.UNAVAILABLE, "the account could not sign")
    return ProviderError(RpcCode.INTERNAL, "internal error")
