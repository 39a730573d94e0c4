"""Who said no: the call tree read against the manager's order of calls. Nothing is guessed from a reason's text."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from caveats.execution import Execution
from caveats.registry import EnforcerRegistry
from caveats.types import Address
from delegations.evm.engine import CallFrame
from delegations.framework.reverts import RevertReason, decode_revert
from delegations.redemption import Redemption
from delegations.simulation.replay import Step, expected_steps, link_hash, manager_refusals
from delegations.simulation.verdict import Denial, ExecutionResult
from delegations.simulation.wording import say_refusal

# These are thrown before the precompile is called, so no call stands for them in the tree.
_SIGNATURE_SHAPE_ERRORS = ("ECDSAInvalidSignatureLength", "ECDSAInvalidSignatureS")
SIGNATURE_ERRORS = (
    *_SIGNATURE_SHAPE_ERRORS,
    "ECDSAInvalidSignature",
    "InvalidEOASignature",
    "InvalidERC1271Signature",
)


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """What attribution needs to know of the state before the call."""

    has_code: Callable[[Address], bool]
    is_disabled: Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class Attribution:
    """Reads the manager's frame of one redeemDelegations call."""

    redemptions: Sequence[Redemption]
    redeemer: Address
    facts: ChainFacts
    registry: EnforcerRegistry

    def _align(self, frame: CallFrame) -> tuple[list[tuple[Step, CallFrame]], Step | None]:
        """Return the calls made, each with its step, and the step that was due next."""
        steps = expected_steps(self.redemptions, self.redeemer, self.facts.has_code)
        pairs: list[tuple[Step, CallFrame]] = []
        step = next(steps, None)
        for child in frame.children:
            # a malformed signature makes no call: its step is passed over only if the call is for a later one
            while step is not None and step.target != child.to and step.kind == "signature":
                step = next(steps, None)
            if step is None or step.target != child.to:
                return pairs, step
            pairs.append((step, child))
            step = next(steps, None)
        return pairs, step

    def denial(self, frame: CallFrame) -> Denial:
        """Return why the manager's frame failed. `frame` must have an error."""
        pairs, due = self._align(frame)
        reason = decode_revert(frame.output)
        if frame.error == "out of gas" or (pairs and _ran_out_of_gas(frame, pairs[-1][1])):
            return deny_gas(pairs[-1][0] if pairs else None, frame.output)
        if pairs and pairs[-1][1].error is not None:
            return self._culprit(pairs[-1][0], pairs[-1][1], reason)
        return self._by_manager(pairs, due, reason)

    def executions(self, frame: CallFrame) -> tuple[ExecutionResult, ...]:
        """Return how each execution of a successful call ended."""
        results: list[ExecutionResult] = []
        for step, child in self._align(frame)[0]:
            if step.kind == "execution":
                results += self._results(step.context, account_frame(child).children)
        return tuple(results)

    def _results(self, context: int, calls: Sequence[CallFrame]) -> Iterator[ExecutionResult]:
        """Yield how each execution asked for ended, by the call the account made for it.

        A call that could not even start (more value than the account holds) leaves no frame, and an account may ignore
        what it is asked: what was not seen to happen did not succeed.
        """
        made = deque(calls)
        for index, execution in enumerate(self.redemptions[context].executions):
            call = made[0] if made else None
            if call is None or not _is_call_of(call, execution):
                text = "The account did not make the call."
                yield ExecutionResult(context=context, index=index, success=False, reason=text)
                continue
            made.popleft()
            failed = decode_revert(call.output).text if call.error is not None else None
            yield ExecutionResult(context=context, index=index, success=failed is None, reason=failed)

    def frames_of(self, context: int, frame: CallFrame) -> tuple[CallFrame, ...]:
        """Return the calls the manager made for one redemption: its signature checks, hooks and execution."""
        return tuple(child for step, child in self._align(frame)[0] if step.context == context)

    def _culprit(self, step: Step, child: CallFrame, reason: RevertReason) -> Denial:
        if step.kind == "hook":
            return self.deny_hook(step, reason)
        if step.kind == "signature":
            return self.deny_link("signature", step.context, step.link or 0, reason)
        inner = account_frame(child)
        calls = inner.children
        if calls and calls[-1].error is not None:
            index = len(calls) - 1
            text = f"The call itself failed: {reason.text}"
        else:
            index = len(calls)
            text = f"The account did not make the call: {reason.text}"
        within = index < len(self.redemptions[step.context].executions)
        return Denial(
            stage="execution",
            context=step.context,
            execution=index if within else None,
            reason=reason.reason or reason.name,
            explanation=text,
            revert_data=reason.raw,
        )

    def deny_hook(self, step: Step, reason: RevertReason, text: str | None = None) -> Denial:
        """Return the denial of a caveat in one of its hooks."""
        link = self.redemptions[step.context].context[step.link or 0]
        caveat = link.caveats[step.caveat or 0]
        decoded = self.registry.decode(caveat)
        said = reason.reason or reason.name
        return Denial(
            stage="hook",
            context=step.context,
            link=step.link,
            delegation=link.hash,
            caveat=step.caveat,
            enforcer=caveat.enforcer,
            enforcer_name=decoded.enforcer_name,
            hook=step.hook,
            reason=said,
            explanation=text or say_refusal(decoded, said),
            revert_data=reason.raw,
        )

    def deny_link(self, stage: str, context: int, link: int, reason: RevertReason) -> Denial:
        """Return the denial of one delegation, by its signature or by the manager."""
        return Denial(
            stage="signature" if stage == "signature" else "manager",
            context=context,
            link=link,
            delegation=link_hash(self.redemptions, context, link),
            reason=reason.reason or reason.name,
            explanation=reason.text,
            revert_data=reason.raw,
        )

    def _by_manager(self, pairs: list[tuple[Step, CallFrame]], due: Step | None, reason: RevertReason) -> Denial:
        name = reason.name.partition("(")[0]
        signatures = [step for step, _ in pairs if step.kind == "signature"]
        if name in SIGNATURE_ERRORS:
            at = due if name in _SIGNATURE_SHAPE_ERRORS or not signatures else signatures[-1]
            if at is not None and at.link is not None:
                return self.deny_link("signature", at.context, at.link, reason)
        for refusal in manager_refusals(self.redemptions, self.redeemer, self.facts.is_disabled):
            if refusal.error == reason.name:
                return self.deny_link("manager", refusal.context, refusal.link, reason)
        if reason.kind == "empty" and due is not None and not self.facts.has_code(due.target):
            return self.deny_missing(due, reason)
        if reason.kind == "empty" and pairs:
            # the call was answered, but with something the manager could not decode
            last = pairs[-1][0]
            if last.kind == "signature":
                return self.deny_link("signature", last.context, last.link or 0, reason)
            if last.kind == "execution":
                return self._no_account(last, reason)
        return Denial(
            stage="manager",
            reason=reason.reason or reason.name,
            explanation=reason.text,
            revert_data=reason.raw,
        )

    def deny_missing(self, due: Step, reason: RevertReason) -> Denial:
        """Return the denial for a contract that is not there."""
        if due.kind == "hook":
            return self.deny_hook(due, reason, f"There is no contract at the enforcer's address {due.target}.")
        return self._no_account(due, reason)

    def _no_account(self, step: Step, reason: RevertReason) -> Denial:
        if self.facts.has_code(step.target):
            text = f"The account {step.target} did not answer as a delegator account does."
        else:
            text = (
                f"The account {step.target} has no code, so it cannot execute for a delegate;"
                " upgrade it by EIP-7702 or deploy it first."
            )
        return Denial(
            stage="execution",
            context=step.context,
            execution=0,
            reason="",
            explanation=text,
            revert_data=reason.raw,
        )


def deny_gas(step: Step | None, revert_data: bytes) -> Denial:
    """Return the denial for lack of gas, which is never a matter of policy."""
    return Denial(
        stage="gas",
        context=step.context if step else None,
        link=step.link if step else None,
        caveat=step.caveat if step else None,
        reason="out of gas",
        explanation="The call ran out of gas. That says nothing about what the delegation allows: send more gas.",
        revert_data=revert_data,
    )


def account_frame(frame: CallFrame) -> CallFrame:
    """Return the frame in which an account makes its executions: behind a proxy, the delegatecall it forwards to."""
    while (
        len(frame.children) == 1 and frame.children[0].kind == "DELEGATECALL" and frame.children[0].input == frame.input
    ):
        frame = frame.children[0]
    return frame


def _is_call_of(call: CallFrame, execution: Execution) -> bool:
    return (
        call.kind == "CALL"
        and call.to == execution.target
        and call.value == execution.value
        and call.input == execution.call_data
    )


def _ran_out_of_gas(parent: CallFrame, child: CallFrame) -> bool:
    """Return whether the failure that bubbled up began with a frame that had no gas left."""
    while True:
        if child.error == "out of gas" and not parent.output:
            return True
        if child.error is None or not child.children:
            return False
        parent, child = child, child.children[-1]
