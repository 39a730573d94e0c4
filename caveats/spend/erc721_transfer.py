"""One NFT that may be transferred."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.abi import WORD, encode_uint
from caveats.attempt import Attempt
from caveats.enforcer import SINGLE, EnforcerTerms, Tokens
from caveats.types import ZERO_ADDRESS, Address, Uint256

TRANSFER_FROM = bytes.fromhex("23b872dd")
"""transferFrom(address,address,uint256)"""
SAFE_TRANSFER_FROM = bytes.fromhex("42842e0e")
"""safeTransferFrom(address,address,uint256)"""
SAFE_TRANSFER_FROM_WITH_DATA = bytes.fromhex("b88d4fde")
"""safeTransferFrom(address,address,uint256,bytes)"""
_SELECTORS = (TRANSFER_FROM, SAFE_TRANSFER_FROM, SAFE_TRANSFER_FROM_WITH_DATA)
_SHORTEST = 4 + 3 * WORD


class ERC721Transfer(EnforcerTerms):
    """Only a transfer of the one NFT `token_id` of `token`, by transferFrom or either safeTransferFrom.

    The recipient is free, and so is the sender: the account may move an NFT of somebody who approved it. It works
    again whenever the NFT comes back. Native value is not looked at.

        [0:20] token, [20:52] uint256 token_id

    Source: framework 1.3.0, ERC721TransferEnforcer.getTermsInfo and beforeHook.
    """

    ENFORCER: ClassVar[str] = "ERC721TransferEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x3790e6B7233f779b09DA74C72b6e94813925b9aF")
    CALL_TYPES = SINGLE
    LAYOUT: ClassVar[str] = "[0:20] token, [20:52] token_id"
    BOUNDS: ClassVar[str] = "the call to a transfer of one NFT"
    LEAVES_FREE: ClassVar[str] = "sender and recipient, data passed along, native value, and how often"
    REVERTS: ClassVar[tuple[str, ...]] = (
        "invalid-calldata-length",
        "invalid-address",
        "unauthorized-contract-target",
        "unauthorized-selector",
        "unauthorized-token-id",
        "invalid-terms-length",
    )

    token: Address
    token_id: Uint256

    def problems(self) -> Iterator[str]:
        if self.token == ZERO_ADDRESS:
            yield "token is the zero address; name the ERC-721 contract"

    def encode_terms(self) -> bytes:
        return self.token + encode_uint(self.token_id)

    @classmethod
    def decode_terms(cls, terms: bytes) -> ERC721Transfer:
        if len(terms) != 52:
            raise cls.bad_length("exactly 52 bytes", terms)
        return cls.unchecked(token=Address(terms[:20]), token_id=int.from_bytes(terms[20:], "big"))

    def _denies(self, attempt: Attempt) -> str | None:
        call_data = attempt.execution.call_data
        if len(call_data) < _SHORTEST:
            return self.revert_of("invalid-calldata-length")
        sender, recipient, token_id = (call_data[i : i + WORD] for i in (4, 36, 68))
        if any(sender[:12]) or any(recipient[:12]):
            return ""  # abi.decode gives no reason
        if not any(sender) or not any(recipient):
            return self.revert_of("invalid-address")
        if attempt.execution.target != self.token:
            return self.revert_of("unauthorized-contract-target")
        if attempt.execution.selector not in _SELECTORS:
            return self.revert_of("unauthorized-selector")
        if int.from_bytes(token_id, "big") != self.token_id:
            return self.revert_of("unauthorized-token-id")
        return None

    def describe(self, tokens: Tokens | None = None) -> str:
        info = (tokens or {}).get(self.token)
        collection = info.symbol if info else f"the collection {self.token}"
        return f"Only NFT {self.token_id} of {collection} may be transferred, to anybody; nothing else may be called."
