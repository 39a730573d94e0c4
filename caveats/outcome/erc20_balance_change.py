"""A bound on how an ERC-20 balance changes in one redemption."""

from __future__ import annotations

from typing import ClassVar

from caveats.enforcer import Tokens, name_token, show_token
from caveats.outcome._balance import BalanceChange
from caveats.types import Address, Uint256


class ERC20BalanceChange(BalanceChange):
    """In each redemption the recipient's balance of `token` falls by at most `amount`, or rises by at least that.

    A delegation holds at most one of these for a token, whoever the recipients are: the recipient is not in the key
    of the state. Approvals are not seen. A fall is refused with a panic when the amount is more than the balance.

        [0] flag, [1:21] token, [21:41] recipient, [41:73] uint256 amount
        (flag 0: a least rise; anything else: a most fall)

    A flag other than 0 and 1 decodes; encoding gives 1.

    Source: framework 1.3.0, ERC20BalanceChangeEnforcer.getTermsInfo, beforeHook and afterHook.
    """

    ENFORCER: ClassVar[str] = "ERC20BalanceChangeEnforcer"
    ADDRESS: ClassVar[Address] = Address("0xcdF6aB796408598Cea671d79506d7D48E97a5437")
    LAYOUT: ClassVar[str] = "[0] enforce_decrease, [1:21] token, [21:41] recipient, [41:73] amount"
    PARTS: ClassVar[tuple[str, ...]] = ("enforce_decrease", "token", "recipient", "amount")
    KEYED_BY: ClassVar[tuple[str, ...]] = ("token",)

    token: Address
    amount: Uint256

    def describe(self, tokens: Tokens | None = None) -> str:
        whose = f"The balance of {self.recipient} in {name_token(self.token, tokens)}"
        return self._sentence(whose, show_token(self.token, self.amount, tokens))
