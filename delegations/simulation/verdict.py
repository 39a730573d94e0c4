"""The verdict: allowed or denied, by whom, with which effects."""

from __future__ import annotations

from typing import Literal

from caveats.types import Address, Bytes32, HexBytes, Listed, Model, Uint256

Stage = Literal["signature", "manager", "hook", "execution", "gas"]
HookName = Literal["before_all", "before", "after", "after_all"]


class Movement(Model):
    """Value that moved.

    Attributes:
        token: the ERC-20 or ERC-721 contract; None for the native token.
        amount: wei or base units; 1 for an ERC-721.
        token_id: of an ERC-721; None otherwise.
    """

    sender: Address
    recipient: Address
    token: Address | None = None
    amount: Uint256
    token_id: Uint256 | None = None


class EnforcerEvent(Model):
    """An event an enforcer emitted; values are strings, integers in decimal and bytes in hex."""

    enforcer: Address
    contract: str
    event: str
    values: dict[str, str]


class ExecutionResult(Model):
    """How one execution ended.

    Attributes:
        context: index of the redemption in the call.
        index: of the execution in its redemption.
        success: False only where a try mode swallowed the failure.
        reason: why it failed.
    """

    context: int
    index: int
    success: bool
    reason: str | None = None


class Effects(Model):
    """What an allowed redemption does."""

    movements: Listed[Movement] = ()
    executions: Listed[ExecutionResult] = ()
    enforcer_events: Listed[EnforcerEvent] = ()


class Denial(Model):
    """Who said no, and why.

    Attributes:
        stage: signature, manager, hook (a caveat), execution (the call itself failed), or gas (never a matter of
            policy: whoever submits chooses the gas).
        context: index of the redemption in the call; None when the call as a whole was refused.
        link: index of the delegation in its chain, leaf 0; None when no single link is at fault.
        delegation: its hash.
        caveat: index of the caveat in its delegation.
        enforcer: the address of the caveat's enforcer.
        enforcer_name: its contract name, when known.
        hook: in which hook it denied.
        execution: index of the execution that failed.
        reason: the enforcer's text, or the name of the error; empty when the chain gave none.
        explanation: one plain sentence.
        revert_data: the raw bytes.
    """

    stage: Stage
    context: int | None = None
    link: int | None = None
    delegation: Bytes32 | None = None
    caveat: int | None = None
    enforcer: Address | None = None
    enforcer_name: str | None = None
    hook: HookName | None = None
    execution: int | None = None
    reason: str
    explanation: str
    revert_data: HexBytes = b""

    @property
    def is_policy(self) -> bool:
        """Whether the authority itself said no: a signature, the manager's rules or a caveat."""
        return self.stage in ("signature", "manager", "hook")


class Verdict(Model):
    """What a redemption would do, or did.

    Attributes:
        allowed: whether the manager and every caveat agree and the call does not revert.
        denial: set exactly when not allowed.
        effects: set when allowed, unless the engine tells none.
        gas_used: of the whole transaction; None when the engine does not tell.
        warnings: what keeps the verdict from being the deployed contracts' own word, one sentence each: the stand-ins
            it rests on. Their gas is not that of the deployed contracts either.
    """

    allowed: bool
    denial: Denial | None = None
    effects: Effects | None = None
    gas_used: int | None = None
    warnings: Listed[str] = ()

    @property
    def is_partial(self) -> bool:
        """Whether a try mode swallowed the failure of an execution: allowed is not the same as done."""
        return self.effects is not None and any(not result.success for result in self.effects.executions)

    def __bool__(self) -> bool:
        return self.allowed
