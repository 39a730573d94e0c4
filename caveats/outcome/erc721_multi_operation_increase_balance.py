"""A rise of a count of NFTs over a whole redeemDelegations call."""

from __future__ import annotations

from typing import ClassVar

from caveats.enforcer import Tokens, name_token
from caveats.outcome._balance import TokenIncreaseOverAll
from caveats.types import Address


class ERC721MultiOperationIncreaseBalance(TokenIncreaseOverAll):
    """Over the whole redeemDelegations call the recipient gains at least `amount` NFTs of `token`, any of them.

    The demands of all caveats for one token and recipient in the call, on any link of any chain, add up.

        [0:20] token, [20:40] recipient, [40:72] uint256 amount, above 0

    Source: framework 1.3.0, ERC721MultiOperationIncreaseBalanceEnforcer.getTermsInfo, beforeAllHook and afterAllHook.
    """

    ENFORCER: ClassVar[str] = "ERC721MultiOperationIncreaseBalanceEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x44877cDAFC0d529ab144bb6B0e202eE377C90229")

    def describe(self, tokens: Tokens | None = None) -> str:
        whose = f"The number of NFTs of {name_token(self.token, tokens)} that {self.recipient} holds"
        return self._sentence(whose, str(self.amount))
