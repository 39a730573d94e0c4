"""What the shopping agent may do."""

from caveats import Address, NativeTokenTransferAmount
from delegations import Delegation
from delegations.grant import Grant


def shopping(*, owner: Address, agent: Address, shop: Address, budget_wei: int, now: int) -> Delegation:
    """Return the grant, not signed yet: buy at one shop, within a budget, at most five times, for a week."""
    return (
        Grant(delegator=owner, delegate=agent)
        .call_functions(shop, "buy(uint256 count)", value_at_most=budget_wei)
        .with_caveats(NativeTokenTransferAmount(max_amount_wei=budget_wei))
        .at_most_calls(5)
        .expires_in(now=now, days=7)
        .build()
    )
