"""A bound on how an ERC-1155 balance changes in one redemption."""

from __future__ import annotations

from typing import ClassVar

from caveats.enforcer import Tokens, name_token
from caveats.outcome._balance import BalanceChange
from caveats.types import Address, Uint256


class ERC1155BalanceChange(BalanceChange):
    """In each redemption the recipient's balance of one id of `token` falls by at most `amount`, or rises by at least.

    A delegation holds at most one of these for a token, recipient and id.

        [0] flag, [1:21] token, [21:41] recipient, [41:73] uint256 token_id, [73:105] uint256 amount
        (flag 0: a least rise; anything else: a most fall)

    A flag other than 0 and 1 decodes; encoding gives 1.

    Source: framework 1.3.0, ERC1155BalanceChangeEnforcer.getTermsInfo, beforeHook and afterHook.
    """

    ENFORCER: ClassVar[str] = "ERC1155BalanceChangeEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x63c322732695cAFbbD488Fc6937A0A7B66fC001A")
    LAYOUT: ClassVar[str] = "[0] enforce_decrease, [1:21] token, [21:41] recipient, [41:73] token_id, [73:105] amount"
    PARTS: ClassVar[tuple[str, ...]] = ("enforce_decrease", "token", "recipient", "token_id", "amount")
    KEYED_BY: ClassVar[tuple[str, ...]] = ("token", "recipient", "token_id")

    token: Address
    token_id: Uint256
    amount: Uint256

    def describe(self, tokens: Tokens | None = None) -> str:
        whose = f"The balance of {self.recipient} in id {self.token_id} of {name_token(self.token, tokens)}"
        return self._sentence(whose, str(self.amount))
