"""A rise of a native balance over a whole redeemDelegations call."""

from __future__ import annotations

from typing import ClassVar

from caveats.enforcer import Tokens, show_native
from caveats.outcome._balance import IncreaseOverAll
from caveats.types import Address, Uint256


class NativeTokenMultiOperationIncreaseBalance(IncreaseOverAll):
    """Over the whole redeemDelegations call the recipient's native balance rises by at least `amount_wei`.

    The demands of all caveats for one recipient in the call, on any link of any chain, add up. What a
    NativeTokenPayment pays counts when it comes before the last check.

        [0:20] recipient, [20:52] uint256 amount_wei, above 0

    Source: framework 1.3.0, NativeTokenMultiOperationIncreaseBalanceEnforcer.getTermsInfo, beforeAllHook and
    afterAllHook.
    """

    ENFORCER: ClassVar[str] = "NativeTokenMultiOperationIncreaseBalanceEnforcer"
    ADDRESS: ClassVar[Address] = Address("0xaD551E9b971C1b0c02c577bFfCFAA20b81777276")
    LAYOUT: ClassVar[str] = "[0:20] recipient, [20:52] amount_wei"
    EVENTS: ClassVar[tuple[str, ...]] = (
        "TrackedBalance(address indexed delegationManager, address indexed recipient, uint256 balance)",
        "UpdatedExpectedBalance(address indexed delegationManager, address indexed recipient, uint256 expected)",
        "ValidatedBalance(address indexed delegationManager, address indexed recipient, uint256 expected)",
    )
    PARTS: ClassVar[tuple[str, ...]] = ("recipient", "amount_wei")
    KEYED_BY: ClassVar[tuple[str, ...]] = ("recipient",)

    amount_wei: Uint256

    def describe(self, tokens: Tokens | None = None) -> str:
        return self._sentence(f"The native balance of {self.recipient}", show_native(self.amount_wei, tokens))
