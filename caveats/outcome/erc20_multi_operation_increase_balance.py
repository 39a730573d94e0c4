"""A rise of an ERC-20 balance over a whole redeemDelegations call."""

from __future__ import annotations

from typing import ClassVar

from caveats.enforcer import Tokens, name_token, show_token
from caveats.outcome._balance import TokenIncreaseOverAll
from caveats.types import Address


class ERC20MultiOperationIncreaseBalance(TokenIncreaseOverAll):
    """Over the whole redeemDelegations call the recipient's balance of `token` rises by at least `amount`.

    The demands of all caveats for one token and recipient in the call, on any link of any chain, add up.

        [0:20] token, [20:40] recipient, [40:72] uint256 amount, above 0

    Source: framework 1.3.0, ERC20MultiOperationIncreaseBalanceEnforcer.getTermsInfo, beforeAllHook and afterAllHook.
    """

    ENFORCER: ClassVar[str] = "ERC20MultiOperationIncreaseBalanceEnforcer"
    ADDRESS: ClassVar[Address] = Address("0xeaA1bE91F0ea417820a765df9C5BE542286BFfDC")

    def describe(self, tokens: Tokens | None = None) -> str:
        whose = f"The balance of {self.recipient} in {name_token(self.token, tokens)}"
        return self._sentence(whose, show_token(self.token, self.amount, tokens))
