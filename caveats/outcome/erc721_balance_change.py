"""A bound on how a count of NFTs changes in one redemption."""

from __future__ import annotations

from typing import ClassVar

from caveats.enforcer import Tokens, name_token
from caveats.outcome._balance import BalanceChange
from caveats.types import Address, Uint256


class ERC721BalanceChange(BalanceChange):
    """In each redemption the recipient loses at most `amount` NFTs of `token`, or gains at least that many.

    They are counted, not told apart: a dear one may be swapped for a worthless one. A delegation holds at most one
    of these for a token and recipient.

        [0] flag, [1:21] token, [21:41] recipient, [41:73] uint256 amount
        (flag 0: a least rise; anything else: a most fall)

    A flag other than 0 and 1 decodes; encoding gives 1.

    Source: framework 1.3.0, ERC721BalanceChangeEnforcer.getTermsInfo, beforeHook and afterHook.
    """

    ENFORCER: ClassVar[str] = "ERC721BalanceChangeEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x8aFdf96eDBbe7e1eD3f5Cd89C7E084841e12A09e")
    LAYOUT: ClassVar[str] = "[0] enforce_decrease, [1:21] token, [21:41] recipient, [41:73] amount"
    PARTS: ClassVar[tuple[str, ...]] = ("enforce_decrease", "token", "recipient", "amount")
    KEYED_BY: ClassVar[tuple[str, ...]] = ("token", "recipient")

    token: Address
    amount: Uint256

    def describe(self, tokens: Tokens | None = None) -> str:
        whose = f"The number of NFTs of {name_token(self.token, tokens)} that {self.recipient} holds"
        return self._sentence(whose, str(self.amount))
