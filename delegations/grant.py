"""A fluent way to say a delegation: one sentence per bound, then `build`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from caveats import constraints
from caveats.caveat import Caveat
from caveats.constraints.amounts import Amount, CalendarName, Moment
from caveats.constraints.functions import FunctionLike
from caveats.constraints.spend import Order
from caveats.enforcer import EnforcerTerms
from caveats.execution import Execution
from caveats.types import Address
from delegations.delegation import Delegation, create_delegation


@dataclass(frozen=True, slots=True)
class Grant:
    """What a delegator is about to grant. Every method returns a new grant; nothing is signed here.

        grant = (
            Grant(delegator=alice, delegate=agent)
            .spend_per_period(usdc, "10", "day", start_at=now, decimals=6)
            .payee(usdc, [shop])
            .expires_in(now=now, days=30)
            .build()
        )

    Each method is the function of the same name in `caveats.constraints`, with the same arguments and errors.

    Attributes:
        delegator: whose authority it is.
        delegate: who receives it.
        parent: the delegation passed on; None for a root delegation.
        terms: the caveats so far, in order.
        order: "kit" or "wallet": how a spend orders its caveats.
    """

    delegator: Address
    delegate: Address
    parent: Delegation | None = None
    terms: tuple[EnforcerTerms | Caveat, ...] = ()
    order: Order = "kit"

    def with_caveats(self, *caveats: EnforcerTerms | Caveat) -> Grant:
        """Add caveats of any kind."""
        return replace(self, terms=(*self.terms, *caveats))

    def spend_total(self, token: Address, amount: Amount, **options: Any) -> Grant:
        """Bound the total. See `caveats.constraints.spend_total`."""
        return self.with_caveats(*constraints.spend_total(token, amount, order=self.order, **options))

    def spend_per_period(
        self, token: Address, amount: Amount, period: CalendarName | int, *, start_at: Moment, **options: Any
    ) -> Grant:
        """Bound each period. See `caveats.constraints.spend_per_period`."""
        terms = constraints.spend_per_period(token, amount, period, start_at=start_at, order=self.order, **options)
        return self.with_caveats(*terms)

    def spend_stream(self, token: Address, per_second: Amount, *, start_at: Moment, **options: Any) -> Grant:
        """Bound by accrual. See `caveats.constraints.spend_stream`."""
        terms = constraints.spend_stream(token, per_second, start_at=start_at, order=self.order, **options)
        return self.with_caveats(*terms)

    def spend_per_call(self, token: Address, amount: Amount, *, decimals: int | None = None) -> Grant:
        """Bound each redemption; the watched holder is the root delegator, known for a root grant only."""
        holder = self.delegator if self.parent is None else None
        return self.with_caveats(*constraints.spend_per_call(token, amount, decimals=decimals, holder=holder))

    def transfer_nft(self, token: Address, token_id: int) -> Grant:
        """Allow one ERC-721 token to be transferred. See `caveats.constraints.transfer_nft`."""
        return self.with_caveats(*constraints.transfer_nft(token, token_id, order=self.order))

    def call_functions(
        self,
        targets: Address | Sequence[Address],
        functions: FunctionLike | Sequence[FunctionLike],
        *,
        where: Mapping[str | int, Any] | None = None,
        **options: Any,
    ) -> Grant:
        """Allow some functions of some contracts. See `caveats.constraints.call_functions`."""
        return self.with_caveats(*constraints.call_functions(targets, functions, where=where, **options))

    def call_only(self, targets: Sequence[Address]) -> Grant:
        """Allow these contracts only. See `caveats.constraints.call_only`."""
        return self.with_caveats(*constraints.call_only(targets))

    def transfer_ownership(self, contract: Address, new_owner: Address) -> Grant:
        """Allow one contract's ownership to be handed to one account. See `caveats.constraints.transfer_ownership`."""
        return self.with_caveats(*constraints.transfer_ownership(contract, new_owner))

    def exact_call(self, execution: Execution) -> Grant:
        """Allow exactly this call. See `caveats.constraints.exact_call`."""
        return self.with_caveats(*constraints.exact_call(execution))

    def exact_batch(self, executions: Sequence[Execution]) -> Grant:
        """Allow exactly this batch. See `caveats.constraints.exact_batch`."""
        return self.with_caveats(*constraints.exact_batch(executions))

    def exact_call_data(self, call_data: bytes) -> Grant:
        """Allow exactly this calldata. See `caveats.constraints.exact_call_data`."""
        return self.with_caveats(*constraints.exact_call_data(call_data))

    def expires_at(self, moment: Moment) -> Grant:
        """End strictly before a moment. See `caveats.constraints.expires_at`."""
        return self.with_caveats(*constraints.expires_at(moment))

    def expires_in(self, *, now: Moment, **span: int) -> Grant:
        """End a span after now. See `caveats.constraints.expires_in`."""
        return self.with_caveats(*constraints.expires_in(now=now, **span))

    def expires_at_block(self, block_number: int) -> Grant:
        """End strictly before a block. See `caveats.constraints.expires_at_block`."""
        return self.with_caveats(*constraints.expires_at_block(block_number))

    def not_before(self, moment: Moment) -> Grant:
        """Begin at a moment. See `caveats.constraints.not_before`."""
        return self.with_caveats(*constraints.not_before(moment))

    def usable_between(self, start: Moment, end: Moment) -> Grant:
        """Begin and end. See `caveats.constraints.usable_between`."""
        return self.with_caveats(*constraints.usable_between(start, end))

    def at_most_calls(self, limit: int) -> Grant:
        """Bound the number of redemptions. See `caveats.constraints.at_most_calls`."""
        return self.with_caveats(*constraints.at_most_calls(limit))

    def single_use(self, use_id: int | None = None) -> Grant:
        """Allow one use. See `caveats.constraints.single_use`."""
        return self.with_caveats(*constraints.single_use(use_id))

    def revocable_by_nonce(self, nonce: int) -> Grant:
        """End with the delegator's nonce. See `caveats.constraints.revocable_by_nonce`."""
        return self.with_caveats(*constraints.revocable_by_nonce(nonce))

    def redeemable_by(self, redeemers: Sequence[Address]) -> Grant:
        """Bound who redeems. See `caveats.constraints.redeemable_by`."""
        return self.with_caveats(*constraints.redeemable_by(redeemers))

    def payee(self, token: Address, payees: Sequence[Address]) -> Grant:
        """Bound who is paid. See `caveats.constraints.payee`."""
        return self.with_caveats(*constraints.payee(token, payees))

    def build(self, *, salt: int | None = None, unsafe_unrestricted: bool = False) -> Delegation:
        """Return the unsigned delegation. Arguments and errors as `create_delegation`."""
        return create_delegation(
            delegator=self.delegator,
            delegate=self.delegate,
            caveats=self.terms,
            parent=self.parent,
            salt=salt,
            unsafe_unrestricted=unsafe_unrestricted or self.parent is not None,
        )
