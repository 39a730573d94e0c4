"""A bound on how a native balance changes in one redemption."""

from __future__ import annotations

from typing import ClassVar

from caveats.enforcer import Tokens, show_native
from caveats.outcome._balance import BalanceChange
from caveats.types import Address, Uint256


class NativeBalanceChange(BalanceChange):
    """In each redemption the recipient's native balance falls by at most `amount_wei`, or rises by at least that.

    A delegation holds at most one of these: its state is keyed by the delegation alone. What a NativeTokenPayment
    takes is not seen, it happens later. A fall is refused with a panic when the amount is more than the balance.

        [0] flag, [1:21] recipient, [21:53] uint256 amount_wei     (flag 0: a least rise; anything else: a most fall)

    A flag other than 0 and 1 decodes; encoding gives 1.

    Source: framework 1.3.0, NativeBalanceChangeEnforcer.getTermsInfo, beforeHook and afterHook.
    """

    ENFORCER: ClassVar[str] = "NativeBalanceChangeEnforcer"
    ADDRESS: ClassVar[Address] = Address("0xbD7B277507723490Cd50b12EaaFe87C616be6880")
    LAYOUT: ClassVar[str] = "[0] enforce_decrease, [1:21] recipient, [21:53] amount_wei"
    PARTS: ClassVar[tuple[str, ...]] = ("enforce_decrease", "recipient", "amount_wei")
    KEYED_BY: ClassVar[tuple[str, ...]] = ()

    amount_wei: Uint256

    def describe(self, tokens: Tokens | None = None) -> str:
        return self._sentence(f"The native balance of {self.recipient}", show_native(self.amount_wei, tokens))
