"""What a transaction's redemptions are decoded into. Values are built when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from caveats.errors import EncodingError, UnsupportedError
from caveats.execution import Execution
from caveats.registry import DecodedCaveat, EnforcerRegistry
from caveats.types import Address, Bytes32
from delegations.delegation import Delegation
from delegations.execution import ExecutionMode, decode_executions, parse_mode
from delegations.framework.reverts import RevertReason
from delegations.receipts.decode.calls import AbiBook, DecodedCall, decode_call
from delegations.receipts.decode.inputs import LogEntry
from delegations.receipts.decode.known import Known
from delegations.receipts.decode.raw import RawDelegation
from delegations.simulation.verdict import Denial, EnforcerEvent, ExecutionResult, Movement

Status = Literal["executed", "partially_executed", "denied", "failed", "unknown"]
"""`denied`: the authority said no (signature, manager or caveat). `failed`: anything else came between.
`unknown`: what was given does not tell."""
Source = Literal["traced", "attested", "unknown"]
"""How a fact is known: from a call trace, from the transaction and receipt as a node gave them, or not."""


@dataclass(frozen=True)
class DecodedRedemption:
    """One permission context put to use in a transaction.

    Attributes:
        chain_id: of the transaction; None when it does not say.
        manager: the delegation manager that was called.
        version: of the framework the manager belongs to.
        entry: index of the context in its redeemDelegations call; None when unknown.
        call_path: child indexes from the transaction's own frame down to the manager's; () for a direct call, None
            when unknown.
        via: the accounts from the one the transaction called to the redeemer; empty for a direct call, None when
            unknown.
        redeemer: who called the manager.
        submitter: who sent the transaction.
        chain: the lineage leaf first as bytes; empty when self-authorised. `lineage` is it as values, root first.
        mode_word: the 32 bytes of the mode; None when unknown.
        blob: the encoded executions; None when unknown.
        status: what came of it.
        stands: whether the call's effects stand. A try mode may have failed in a call that stands. None when unknown.
        denial: why it was denied or failed, where a single cause is known. Its `context` may name another entry of the
            same call, because a call stands or falls as a whole; its `link` counts from the leaf.
        revert: what the manager's call, or the user operation around it, reverted with.
        undone_at: call path of the outer call whose failure undid this one, though nothing denied it.
        results: how each execution ended; None when unknown.
        movements: native, ERC-20, ERC-721 and ERC-1155 movements of this redemption and of no other: what a redemption
            within it moved is told there. None when unknown.
        event_logs: what known enforcers logged for it; None when unknown. `enforcer_events` is it decoded.
        log_indexes: of its RedeemedDelegation logs, leaf first.
        user_operation: hash of the ERC-4337 operation it was part of.
        sources: fact -> how it is known.
        known: the contracts that were taken for what they are.
    """

    chain_id: int | None
    manager: Address
    version: str
    entry: int | None
    call_path: tuple[int, ...] | None
    via: tuple[Address, ...] | None
    redeemer: Address
    submitter: Address
    chain: tuple[RawDelegation, ...]
    mode_word: bytes | None
    blob: bytes | None
    status: Status
    stands: bool | None
    denial: Denial | None
    revert: RevertReason | None
    undone_at: tuple[int, ...] | None
    results: tuple[ExecutionResult, ...] | None
    movements: tuple[Movement, ...] | None
    event_logs: tuple[LogEntry, ...] | None = field(repr=False)
    log_indexes: tuple[int, ...]
    user_operation: Bytes32 | None
    sources: Mapping[str, Source]
    known: Known = field(repr=False, compare=False)

    @cached_property
    def lineage(self) -> tuple[Delegation, ...]:
        """The delegations, root first, leaf last; empty when self-authorised."""
        return tuple(link.model for link in reversed(self.chain))

    @property
    def context(self) -> tuple[Delegation, ...]:
        """The delegations leaf first, as the manager takes them."""
        return tuple(reversed(self.lineage))

    @property
    def is_self_authorised(self) -> bool:
        """Whether the redeemer's own account acted, without any delegation."""
        return not self.chain

    @cached_property
    def mode(self) -> ExecutionMode | None:
        """The execution mode; None when it is unknown, or one that no account executes."""
        try:
            return None if self.mode_word is None else parse_mode(self.mode_word)
        except UnsupportedError:
            return None

    @cached_property
    def executions(self) -> tuple[Execution, ...] | None:
        """The calls that were asked for; None when they are unknown, or no account could read them."""
        if self.mode is None or self.blob is None:
            return None
        try:
            return decode_executions(self.mode, self.blob)
        except EncodingError:
            return None

    @cached_property
    def enforcer_events(self) -> tuple[EnforcerEvent, ...] | None:
        """Counters after the call, as the enforcers logged them; None when unknown."""
        return None if self.event_logs is None else self.known.enforcer_events(self.event_logs)

    @cached_property
    def hashes(self) -> tuple[Bytes32, ...]:
        """Hashes of the delegations, root first."""
        return tuple(Bytes32(link.hash) for link in reversed(self.chain))

    def caveats(self, registry: EnforcerRegistry | None = None) -> tuple[tuple[DecodedCaveat, ...], ...]:
        """Return every caveat read, a tuple for each delegation, root first."""
        known = registry or EnforcerRegistry()
        return tuple(tuple(known.decode(caveat) for caveat in link.caveats) for link in self.lineage)

    def calls(self, abis: AbiBook) -> tuple[DecodedCall | None, ...] | None:
        """Return each execution read by the ABI given for its target; None where there is none that fits."""
        if self.executions is None:
            return None
        return tuple(decode_call(execution, abis) for execution in self.executions)


@dataclass(frozen=True)
class GrantEvent:
    """A delegation that was enabled or disabled on chain."""

    kind: Literal["enabled", "disabled"]
    manager: Address
    delegation: RawDelegation
    log_index: int

    @property
    def hash(self) -> Bytes32:
        """Hash of the delegation."""
        return Bytes32(self.delegation.hash)


@dataclass(frozen=True)
class NonceBump:
    """A delegator raised its nonce, and so revoked what was bound to the one before.

    Attributes:
        nonce: the one that was used up; the delegator's is one more since.
    """

    enforcer: Address
    manager: Address
    delegator: Address
    nonce: int
    log_index: int


@dataclass(frozen=True)
class UserOperation:
    """One ERC-4337 operation as the EntryPoint logged it.

    Attributes:
        success: what the EntryPoint says of the operation's own call.
        revert: why it failed, as the EntryPoint logged it. Who wrote those bytes it does not say.
    """

    hash: Bytes32
    sender: Address
    success: bool
    revert: RevertReason | None
    log_index: int


@dataclass(frozen=True)
class DecodedTransaction:
    """Everything about delegations in one transaction.

    Attributes:
        redemptions: in call order when traced, otherwise in the order of their logs, then those without logs.
        grants: delegations enabled or disabled.
        nonces: nonces raised.
        operations: ERC-4337 operations.
        movements: what moved outside every redemption; without a trace, the token movements no redemption could be
            named for.
        is_traced: whether a call trace was read.
        warnings: one sentence each: spoofed managers, calls that cannot be read, logs that do not fit.
    """

    redemptions: tuple[DecodedRedemption, ...]
    grants: tuple[GrantEvent, ...]
    nonces: tuple[NonceBump, ...]
    operations: tuple[UserOperation, ...]
    movements: tuple[Movement, ...]
    is_traced: bool
    warnings: tuple[str, ...]
