"""What a redeemer tries to do, as an enforcer's hook sees it: enough to judge terms without a chain."""

from __future__ import annotations

from dataclasses import dataclass

from caveats.execution import Execution
from caveats.types import ZERO_ADDRESS, Address


@dataclass(frozen=True, slots=True)
class Attempt:
    """One use of a delegation.

    Attributes:
        executions: the calls, exactly one unless `is_batch`.
        is_batch: whether the mode's call type is batch.
        is_try: whether the mode's execution type is try; every enforcer refuses it.
        timestamp: block.timestamp in unix seconds.
        block_number: block.number.
        redeemer: who calls the delegation manager.
        delegator: of the link that carries the caveat.
        args: what the redeemer supplies for the caveat.
    """

    executions: tuple[Execution, ...]
    is_batch: bool = False
    is_try: bool = False
    timestamp: int = 0
    block_number: int = 0
    redeemer: Address = ZERO_ADDRESS
    delegator: Address = ZERO_ADDRESS
    args: bytes = b""

    @property
    def execution(self) -> Execution:
        """The one execution of a single call."""
        return self.executions[0]


@dataclass(frozen=True, slots=True)
class StateKey:
    """Under which key an enforcer keeps state for one link of a chain.

    Attributes:
        caller: who calls the hooks: the delegation manager, or LogicalOrWrapper for a wrapped caveat.
        delegation_hash: of the link.
        delegator: of the link.
    """

    caller: Address
    delegation_hash: bytes
    delegator: Address
