"""A rise of an ERC-1155 balance over a whole redeemDelegations call."""

from __future__ import annotations

from typing import ClassVar

from caveats.enforcer import Tokens, name_token
from caveats.outcome._balance import IncreaseOverAll
from caveats.types import Address, Uint256


class ERC1155MultiOperationIncreaseBalance(IncreaseOverAll):
    """Over the whole redeemDelegations call the recipient's balance of one id of `token` rises by at least `amount`.

    The demands of all caveats for one token, recipient and id in the call, on any link of any chain, add up.

        [0:20] token, [20:40] recipient, [40:72] uint256 token_id, [72:104] uint256 amount, above 0

    Source: framework 1.3.0, ERC1155MultiOperationIncreaseBalanceEnforcer.getTermsInfo, beforeAllHook and afterAllHook.
    """

    ENFORCER: ClassVar[str] = "ERC1155MultiOperationIncreaseBalanceEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x9eB86bbdaA71D4D8d5Fb1B8A9457F04D3344797b")
    LAYOUT: ClassVar[str] = "[0:20] token, [20:40] recipient, [40:72] token_id, [72:104] amount"
    EVENTS: ClassVar[tuple[str, ...]] = tuple(
        f"{name}(address indexed delegationManager, address indexed recipient, address indexed token,"
        f" uint256 tokenId, uint256 {what})"
        for name, what in (
            ("TrackedBalance", "balance"),
            ("UpdatedExpectedBalance", "expected"),
            ("ValidatedBalance", "expected"),
        )
    )
    PARTS: ClassVar[tuple[str, ...]] = ("token", "recipient", "token_id", "amount")
    KEYED_BY: ClassVar[tuple[str, ...]] = ("token", "recipient", "token_id")

    token: Address
    token_id: Uint256
    amount: Uint256

    def describe(self, tokens: Tokens | None = None) -> str:
        whose = f"The balance of {self.recipient} in id {self.token_id} of {name_token(self.token, tokens)}"
        return self._sentence(whose, str(self.amount))
