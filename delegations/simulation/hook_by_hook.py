"""Who said no, where an engine has no call tree: the manager's calls, made one by one in its order.

Each hook is called as the manager calls it, on the state the calls before it left where the engine can carry state,
else each alone. The first that fails with the very bytes the whole call failed with is the one that denied. Where
nothing fails alone, the place stays unsaid rather than guessed.

Source: framework 1.3.0, DelegationManager.redeemDelegations, ICaveatEnforcer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from caveats.abi import encode_address, encode_bytes, encode_uint
from caveats.errors import ExecutionError, UnsupportedError, VerificationError
from caveats.registry import EnforcerRegistry
from caveats.types import Address, keccak
from delegations.delegation import Delegation, hash_to_sign, recover_delegation_signer
from delegations.evm.engine import Answer, BlockEnv, Engine, Transaction
from delegations.evm.world import World
from delegations.execution import encode_executions
from delegations.framework.reverts import RevertReason, decode_revert
from delegations.redemption import Redemption
from delegations.simulation.attribution import SIGNATURE_ERRORS, Attribution, ChainFacts, deny_gas
from delegations.simulation.replay import Step, expected_steps, manager_refusals
from delegations.simulation.verdict import Denial, HookName

_HOOKS: dict[HookName, bytes] = {
    "before_all": bytes.fromhex("414c3e33"),
    "before": bytes.fromhex("a145832a"),
    "after": bytes.fromhex("d3eddcc5"),
    "after_all": bytes.fromhex("ed463367"),
}
_EXECUTE = keccak(b"executeFromExecutor(bytes32,bytes)")[:4]
_IS_VALID_SIGNATURE = bytes.fromhex("1626ba7e")
_HEAD = 7 * 32


@dataclass(frozen=True, slots=True)
class Probe:
    """Asks an engine call by call about one redeemDelegations transaction that failed."""

    engine: Engine
    world: World
    block: BlockEnv
    manager: Address
    redemptions: Sequence[Redemption]
    redeemer: Address
    facts: ChainFacts
    registry: EnforcerRegistry

    def denial(self, transaction: Transaction, revert_data: bytes) -> Denial:
        """Return why the transaction failed, with the place as far as it can be known."""
        reason = decode_revert(revert_data)
        if reason.kind == "empty" and self._passes_with_more_gas(transaction):
            return deny_gas(None, revert_data)
        found = self._by_signature(reason) or self._by_manager(reason) or self._by_steps(reason)
        return found or Denial(
            stage="hook" if ":" in (reason.reason or "") else "manager",
            reason=reason.reason or reason.name,
            explanation=f"{reason.text} The engine tells no calls, and none of them fails alone.",
            revert_data=reason.raw,
        )

    @property
    def _attribution(self) -> Attribution:
        return Attribution(self.redemptions, self.redeemer, self.facts, self.registry)

    def _passes_with_more_gas(self, transaction: Transaction) -> bool:
        most = replace(transaction, gas=self.block.gas_limit)
        return (
            most.gas > transaction.gas and self.engine.execute(self.world, self.block, most, needs=frozenset()).success
        )

    def _by_signature(self, reason: RevertReason) -> Denial | None:
        is_named = reason.name.partition("(")[0] in SIGNATURE_ERRORS
        for context, redemption in enumerate(self.redemptions):
            for depth, link in enumerate(redemption.context):
                is_account = self.facts.has_code(link.delegator)
                if self._breaks(link, reason) if is_account else is_named and self._is_forged(link):
                    return self._attribution.deny_link("signature", context, depth, reason)
        return None

    def _is_forged(self, link: Delegation) -> bool:
        try:
            signer = recover_delegation_signer(link, chain_id=self.block.chain_id, manager=self.manager)
        except VerificationError:
            return True
        return signer != link.delegator

    def _breaks(self, link: Delegation, reason: RevertReason) -> bool:
        """Return whether the account's answer to the manager's signature check makes the call fail for `reason`."""
        digest = hash_to_sign(link, chain_id=self.block.chain_id, manager=self.manager)
        data = _IS_VALID_SIGNATURE + digest + encode_uint(64) + encode_bytes(link.signature)
        asked = Transaction(self.manager, link.delegator, data)
        answer = self.engine.execute(self.world, self.block, asked, needs=frozenset())
        if not answer.success:
            return answer.output == reason.raw
        if len(answer.output) < 32:
            return reason.kind == "empty"
        return answer.output[:32] != _IS_VALID_SIGNATURE.ljust(32, b"\0") and reason.name == "InvalidERC1271Signature()"

    def _by_manager(self, reason: RevertReason) -> Denial | None:
        for refusal in manager_refusals(self.redemptions, self.redeemer, self.facts.is_disabled):
            if refusal.error == reason.name:
                return self._attribution.deny_link("manager", refusal.context, refusal.link, reason)
        return None

    def _by_steps(self, reason: RevertReason) -> Denial | None:
        steps = [
            step
            for step in expected_steps(self.redemptions, self.redeemer, self.facts.has_code)
            if step.kind != "signature"
        ]
        for step in steps:
            if reason.kind == "empty" and not self.facts.has_code(step.target):
                return self._attribution.deny_missing(step, reason)
        calls = [self._call_of(step) for step in steps]
        for step, answer in zip(steps, self._answers(calls), strict=True):
            if _failed_with(answer, reason):
                if step.kind == "hook":
                    return self._attribution.deny_hook(step, reason)
                return self._execution(step, reason)
        return None

    def _answers(self, calls: Sequence[Transaction]) -> list[Answer]:
        try:
            return self.engine.execute_many(self.world, self.block, calls, carry=True, needs=frozenset())
        except UnsupportedError:
            return self.engine.execute_many(self.world, self.block, calls, needs=frozenset())

    def _call_of(self, step: Step) -> Transaction:
        redemption = self.redemptions[step.context]
        mode, blob = redemption.mode.value, encode_executions(redemption.mode, redemption.executions)
        if step.kind == "execution":
            return Transaction(self.manager, step.target, _EXECUTE + mode + encode_uint(64) + encode_bytes(blob))
        link = redemption.context[step.link or 0]
        caveat = link.caveats[step.caveat or 0]
        terms, args = encode_bytes(caveat.terms), encode_bytes(caveat.args)
        data = b"".join(
            (
                _HOOKS[step.hook or "before"],
                encode_uint(_HEAD),
                encode_uint(_HEAD + len(terms)),
                mode,
                encode_uint(_HEAD + len(terms) + len(args)),
                link.hash,
                encode_address(link.delegator),
                encode_address(self.redeemer),
                terms,
                args,
                encode_bytes(blob),
            )
        )
        return Transaction(self.manager, step.target, data)

    def _execution(self, step: Step, reason: RevertReason) -> Denial:
        executions = self.redemptions[step.context].executions
        calls = [Transaction(step.target, e.target, e.call_data, e.value) for e in executions]
        failed = (i for i, answer in enumerate(self._answers(calls)) if _failed_with(answer, reason))
        index = next(failed, 0 if len(executions) == 1 else None)
        return Denial(
            stage="execution",
            context=step.context,
            execution=index,
            reason=reason.reason or reason.name,
            explanation=f"The call itself failed: {reason.text}",
            revert_data=reason.raw,
        )


def _failed_with(answer: Answer, reason: RevertReason) -> bool:
    if isinstance(answer, ExecutionError):
        # it could not even start, as a call of more value than the account holds; that gives no revert data
        return reason.kind == "empty"
    return not answer.success and answer.output == reason.raw
