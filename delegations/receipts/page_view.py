"""A receipt in words, for the page and the terminal alike. Plain text only; whoever shows it makes it safe."""

from __future__ import annotations

from collections.abc import Iterator

from caveats.caveat import Caveat
from caveats.registry import DecodedCaveat, EnforcerRegistry
from caveats.types import Address
from delegations.delegation import ANY_DELEGATE
from delegations.framework.reverts import decode_revert
from delegations.receipts.check import find_problems, lineage
from delegations.receipts.model import (
    EscalationReceipt,
    GrantReceipt,
    Receipt,
    RedemptionReceipt,
    RevocationReceipt,
)
from delegations.receipts.model_parts import (
    BlockRef,
    Label,
    Link,
    Provenance,
    ReceiptCaveat,
    ReceiptDenial,
)
from delegations.receipts.page_words import (
    Bound,
    Part,
    Party,
    Step,
    View,
    say_chain,
    say_execution,
    say_movement,
    say_time,
)
from delegations.simulation.wording import say_refusal

_HOW = {
    "disabled": "disabled in the manager",
    "nonce": "a higher nonce stands in the NonceEnforcer",
    "code": "the account runs other code",
}


def make_view(receipt: Receipt, registry: EnforcerRegistry | None = None) -> View:
    """Return what there is to show of a receipt."""
    return _Viewer(receipt, registry or EnforcerRegistry()).view()


def _block_rows(block: BlockRef) -> Iterator[tuple[str, str]]:
    yield "block", f"{block.number}, {say_time(block.timestamp)}"
    if block.hash is not None:
        yield "block hash", str(block.hash)


def _denial_rows(denial: ReceiptDenial, status: str, caveat: DecodedCaveat | None) -> Iterator[tuple[str, str]]:
    """Yield what is told of a denial; `caveat` is the one that said no, where the lineage has it."""
    reason = decode_revert(denial.revert_data)
    read = reason.text if caveat is None else say_refusal(caveat, reason.onchain)
    yield f"{status} at stage {denial.stage}", read
    if denial.explanation != read:
        yield "in the issuer's words", denial.explanation
    if denial.depth is not None and denial.caveat is not None:
        name = str(denial.enforcer) if caveat is None else caveat.enforcer_name or caveat.name
        yield "by", f"caveat {denial.caveat} of the delegation at depth {denial.depth}: {name}"
        if denial.enforcer_name not in (None, name):
            yield "which the issuer calls", str(denial.enforcer_name)
    elif denial.depth is not None:
        yield "by", f"the manager, over the delegation at depth {denial.depth}"
    if denial.execution is not None:
        yield "execution", str(denial.execution)
    yield "reason", denial.reason or "none given"
    yield "revert data", "0x" + denial.revert_data.hex()


class _Viewer:
    def __init__(self, receipt: Receipt, registry: EnforcerRegistry) -> None:
        self.receipt = receipt
        self.registry = registry
        self.labels: dict[Address, Label] = {label.address: label for label in receipt.labels or ()}
        self.problems = find_problems(receipt)

    def view(self) -> View:
        receipt = self.receipt
        tone, status, headline = self._headline()
        return View(
            tone=tone,
            title=f"{receipt.kind}: {status}",
            headline=headline,
            hash=receipt.hash,
            chain=say_chain(self._chain()),
            steps=tuple(self._step(link) for link in lineage(receipt)),
            actor=self._actor(),
            action=self._action(),
            parts=tuple(part for part in self._parts() if part.rows),
            standings=tuple(self._standings()),
            problems=self.problems,
            caution=tuple(self._caution()),
        )

    def _chain(self) -> str:
        receipt = self.receipt
        if isinstance(receipt, RedemptionReceipt):
            return receipt.subject.chain
        if isinstance(receipt, RevocationReceipt):
            return receipt.revocation.chain
        if isinstance(receipt, GrantReceipt):
            return receipt.granted.chain
        return receipt.chain if isinstance(receipt, EscalationReceipt) else "an unknown chain"

    def _headline(self) -> tuple[str, str, str]:
        receipt = self.receipt
        if isinstance(receipt, EscalationReceipt):
            asked = receipt.escalation
            tone = {"approved": "good", "pending": "open"}.get(asked.decision, "bad")
            said = {
                "approved": "said yes",
                "rejected": "said no",
                "pending": "has not answered yet",
                "expired": "did not answer in time",
            }[asked.decision]
            return tone, asked.decision, f"More authority was asked for, and {asked.approver} {said}."
        if isinstance(receipt, RevocationReceipt):
            return "bad", receipt.revocation.how, f"The authority was taken back: {_HOW[receipt.revocation.how]}."
        if isinstance(receipt, GrantReceipt):
            leaf = receipt.lineage[-1]
            to = "anyone" if leaf.delegate == ANY_DELEGATE else self._called(leaf.delegate)
            return "good", "signed", f"{self._called(leaf.delegator)} granted authority to {to}."
        return self._redemption_headline(receipt) if isinstance(receipt, RedemptionReceipt) else ("open", "", "")

    def _redemption_headline(self, receipt: RedemptionReceipt) -> tuple[str, str, str]:
        outcome = receipt.outcome
        if outcome.status == "executed":
            return "good", outcome.status, "The authority agreed, and all that was asked was done."
        if outcome.status == "partially_executed":
            count = f"{len(outcome.failed_executions)} of {len(receipt.request.executions)}"
            return "open", outcome.status, f"The authority agreed, but {count} executions failed and were passed over."
        if outcome.status == "failed":
            return "bad", outcome.status, "The authority agreed, the call failed, and nothing moved."
        when = " before anything was sent" if receipt.subject.phase == "preflight" else ""
        return "bad", outcome.status, f"The authority said no{when}. Nothing moved."

    def _called(self, address: Address) -> str:
        label = self.labels.get(address)
        return str(address) if label is None else f"“{label.name}” ({address})"

    def _party(self, title: str, address: Address) -> Party:
        label = self.labels.get(address)
        if address == ANY_DELEGATE:
            return Party(title, "anyone who holds it (open delegation)", None, None)
        if label is None:
            return Party(title, str(address), None, None)
        return Party(title, str(address), label.name, label.role)

    def _actor(self) -> Party | None:
        receipt = self.receipt
        if isinstance(receipt, RedemptionReceipt | EscalationReceipt) and receipt.actor is not None:
            return self._party("redeemer", receipt.actor.redeemer)
        return self._party("revoked by", receipt.revocation.by) if isinstance(receipt, RevocationReceipt) else None

    def _action(self) -> tuple[str, ...]:
        receipt = self.receipt
        if isinstance(receipt, RedemptionReceipt | EscalationReceipt) and receipt.request is not None:
            return tuple(say_execution(execution) for execution in receipt.request.executions)
        return ()

    def _denial_in(self, link: Link) -> ReceiptDenial | None:
        """Return the denial when it is of this link."""
        receipt = self.receipt
        denial = receipt.outcome.denial if isinstance(receipt, RedemptionReceipt) else None
        if denial is None or not isinstance(receipt, RedemptionReceipt):
            return None
        return denial if denial.entry == receipt.subject.entry and denial.depth == link.depth else None

    def _read(self, caveat: ReceiptCaveat) -> DecodedCaveat:
        return self.registry.decode(Caveat(enforcer=caveat.enforcer, terms=caveat.terms, args=caveat.args))

    def _that_refused(self) -> DecodedCaveat | None:
        """Return the caveat that said no in one of its hooks, as its terms are read here."""
        for link in lineage(self.receipt):
            denial = self._denial_in(link)
            if denial is not None and denial.stage == "hook" and (denial.caveat or 0) < len(link.caveats):
                return None if denial.caveat is None else self._read(link.caveats[denial.caveat])
        return None

    def _step(self, link: Link) -> Step:
        here = self._denial_in(link)
        bounds = []
        for index, caveat in enumerate(link.caveats):
            decoded = self._read(caveat)
            same = (caveat.name, caveat.says) == (decoded.name, decoded.describe())
            bounds.append(
                Bound(
                    index=index,
                    name=decoded.name,
                    says=decoded.describe(),
                    known=decoded.terms is not None,
                    own_words=None if same else f"{caveat.name}: {caveat.says}",
                    refused=here is not None and here.caveat == index,
                )
            )
        prefix = f"lineage.{link.depth}."
        return Step(
            depth=link.depth,
            giver=self._party("root delegator" if link.depth == 0 else "delegator", link.delegator),
            taker=self._party("delegate", link.delegate),
            hash=str(link.hash),
            bounds=tuple(bounds),
            problems=tuple(problem.text for problem in self.problems if problem.path.startswith(prefix)),
            refused=here is not None or self._ended(link),
        )

    def _ended(self, link: Link) -> bool:
        return isinstance(self.receipt, RevocationReceipt) and link.hash == self.receipt.revocation.delegation

    def _parts(self) -> Iterator[Part]:
        receipt = self.receipt
        if isinstance(receipt, RedemptionReceipt | EscalationReceipt) and receipt.request is not None:
            rows = tuple((f"execution {i}", say_execution(e)) for i, e in enumerate(receipt.request.executions))
            yield self._part("asked", rows, "request")
        if isinstance(receipt, RedemptionReceipt):
            yield from self._redemption_parts(receipt)
        elif isinstance(receipt, EscalationReceipt):
            yield self._part("escalated", tuple(self._escalation_rows(receipt)), "escalation")
        elif isinstance(receipt, RevocationReceipt):
            yield self._part("revoked", tuple(self._revocation_rows(receipt)), "revocation")
        elif isinstance(receipt, GrantReceipt):
            yield self._part("granted", tuple(self._grant_rows(receipt)), "granted")
        yield self._part("links", tuple(self._link_rows()))
        yield self._part("evidence", tuple((e.type, _join(e.sha256, e.uri)) for e in receipt.evidence or ()))
        yield self._part("names", tuple((x.role, f"{x.name}, {x.address}") for x in receipt.labels or ()), "labels")
        yield self._part("extras", tuple((receipt.ext or {}).items()), "ext")

    def _part(self, title: str, rows: tuple[tuple[str, str], ...], path: str | None = None) -> Part:
        return Part(title, rows, path, None if path is None else self.receipt.standing(path))

    def _redemption_parts(self, receipt: RedemptionReceipt) -> Iterator[Part]:
        outcome, subject = receipt.outcome, receipt.subject
        moved = tuple(
            (
                f"movement {index}",
                f"{say_movement(move)}: {self._called(move.sender)} -> {self._called(move.recipient)}",
            )
            for index, move in enumerate(outcome.movements)
        )
        yield self._part("moved", moved, "outcome.movements")
        decided: list[tuple[str, str]] = []
        if outcome.denial is not None:
            decided += _denial_rows(outcome.denial, outcome.status, self._that_refused())
            if outcome.denial.entry not in (None, subject.entry):
                decided.append(("elsewhere", f"redemption {outcome.denial.entry} of the same call is what was denied"))
        decided += [
            (
                f"{event.contract} {event.event}",
                ", ".join(f"{key} {value}" for key, value in sorted(event.values.items())),
            )
            for event in outcome.enforcer_events
        ]
        decided += [(f"execution {index}", "failed and was swallowed") for index in outcome.failed_executions]
        yield self._part("decided", tuple(decided), "outcome")
        yield self._part("happened", tuple(_subject_rows(receipt)), "subject")

    def _escalation_rows(self, receipt: EscalationReceipt) -> Iterator[tuple[str, str]]:
        asked = receipt.escalation
        for ask in asked.asks:
            yield "asked for", ask
        yield "approver", asked.approver
        yield "decision", asked.decision
        yield "asked at", say_time(asked.asked_at)
        if asked.decided_at is not None:
            yield "decided at", say_time(asked.decided_at)
        yield "stands until", say_time(asked.expires_at)
        if asked.denial is not None:
            yield "after the denial", asked.denial
        if asked.grant is not None:
            yield "granted delegation", str(asked.grant)

    def _revocation_rows(self, receipt: RevocationReceipt) -> Iterator[tuple[str, str]]:
        ended = receipt.revocation
        yield "delegation", str(ended.delegation)
        yield (
            "how",
            {"disabled": "disabled in the manager", "nonce": "nonce raised", "code": "account code changed"}[ended.how],
        )
        yield "by", self._called(ended.by)
        if ended.nonce is not None:
            yield "nonce since", str(ended.nonce)
        if ended.code is not None:
            yield "code since", str(ended.code) if any(ended.code) else "none: a plain account again"
        yield "manager", str(ended.manager)
        yield from _block_rows(ended.block)
        if ended.transaction is not None:
            yield "transaction", _join(str(ended.transaction), ended.log_index, "log")

    def _grant_rows(self, receipt: GrantReceipt) -> Iterator[tuple[str, str]]:
        granted = receipt.granted
        yield "delegation", str(granted.delegation)
        yield "principal", self._called(granted.principal)
        if granted.signer is None:
            yield "signature", f"{granted.scheme}, {len(granted.signature)} bytes: only the account's contract can tell"
        else:
            whose = "the principal's own key" if granted.signer == granted.principal else self._called(granted.signer)
            yield "signed by", whose
            yield "signature", "0x" + granted.signature.hex()
        yield "manager", str(granted.manager)

    def _link_rows(self) -> Iterator[tuple[str, str]]:
        receipt = self.receipt
        if receipt.prev is not None:
            yield "previous receipt", receipt.prev
        if receipt.grant is not None:
            yield "receipt of the grant", receipt.grant
        if receipt.answers is not None:
            yield f"answers the agent's {receipt.answers.kind.replace('_', ' ')}", receipt.answers.proposal
        if receipt.issuer is not None:
            yield "issuer", receipt.issuer
        if receipt.issued_at is not None:
            yield "issued at", say_time(receipt.issued_at)

    def _standings(self) -> Iterator[tuple[str, Provenance]]:
        named = [path for path in self.receipt.PARTS if getattr(self.receipt, path, None) is not None]
        for path in named:
            yield path, self.receipt.standing(path)
        for path in self.receipt.claims:
            if path not in named:
                yield path, self.receipt.standing(path)
        if self.receipt.labels:
            yield "labels", "attested"

    def _caution(self) -> Iterator[str]:
        receipt = self.receipt
        where = receipt.subject if isinstance(receipt, RedemptionReceipt) else getattr(receipt, "revocation", None)
        if where is not None and where.network == "local":
            yield "A local chain: nothing here happened on a live one."
        if isinstance(receipt, RedemptionReceipt):
            yield from receipt.outcome.warnings or ()
        if any(standing == "proven" for _, standing in self._standings()) and not receipt.evidence:
            yield "Something is called proven, and no evidence is named that could show it."


def _subject_rows(receipt: RedemptionReceipt) -> Iterator[tuple[str, str]]:
    subject, actor = receipt.subject, receipt.actor
    yield "chain", f"{subject.chain} ({subject.network})"
    yield "manager", str(subject.manager)
    yield from _block_rows(subject.block)
    if subject.phase == "preflight":
        yield "phase", "tried before the deed, never sent"
    if subject.transaction is not None:
        yield "transaction", _join(str(subject.transaction), subject.log_index, "log")
    if subject.finality is not None:
        yield "finality", subject.finality
    yield "redemption", f"{subject.entry} of the call with the hash {subject.calldata_hash}"
    if actor.submitter != actor.redeemer:
        yield "submitter", str(actor.submitter)
    for address in actor.via or ():
        yield "via", str(address)
    if receipt.outcome.gas_used is not None:
        yield "gas", str(receipt.outcome.gas_used)


def _join(text: str, more: object, name: str = "at") -> str:
    return text if more is None else f"{text}, {name} {more}"
