"""A redemption that was mined, held against the transaction and receipt its block commits to.

Both are decoded again from the proven bytes, as any transaction is decoded without a trace, and each part of the
receipt is compared with what they say. What only a trace tells is left as it is claimed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from caveats.registry import EnforcerRegistry
from caveats.types import Address, Bytes32, keccak
from delegations.framework.deployments import Registry
from delegations.receipts.build import denial_of, lineage_of
from delegations.receipts.decode.inputs import read_logs
from delegations.receipts.decode.model import DecodedRedemption, DecodedTransaction
from delegations.receipts.decode.moves import token_movements
from delegations.receipts.decode.transaction import decode_redemptions
from delegations.receipts.evidence.inner_call import holds_call
from delegations.receipts.evidence.mined import ProvenReceipt, decode_mined_receipt
from delegations.receipts.evidence.opened import Included
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.report import Findings
from delegations.receipts.evidence.transactions import ProvenTransaction, decode_transaction
from delegations.receipts.model import RedemptionReceipt
from delegations.receipts.model_parts import BlockRef, ReceiptEvent, ReceiptExecution, ReceiptMovement, Request
from delegations.receipts.words import in_words_of, other_denial_words

_BY_TX: Final = "the transaction, in the block"
_BY_LOGS: Final = "the logs of the transaction's receipt, in the block"
_BY_HEADER: Final = "the block's header"
_ONLY_TRACED: Final = "only a trace tells it"


class Before(NamedTuple):
    """What the transactions before one had used of their block."""

    gas: int
    logs: int


class Mined(NamedTuple):
    """A transaction and receipt read from proven bytes.

    Attributes:
        place: of the transaction in its block.
        before: what was used before it; None where that is not shown.
    """

    place: int
    transaction: ProvenTransaction
    receipt: ProvenReceipt
    before: Before | None

    @property
    def gas_used(self) -> int | None:
        """Gas of the transaction, where that of those before it is known."""
        return None if self.before is None else self.receipt.cumulative_gas - self.before.gas

    @property
    def first_log(self) -> int:
        """Place of its first log in the block; 0 where that is not known."""
        return 0 if self.before is None else self.before.logs

    def decode(
        self,
        chain_id: int,
        accounts: frozenset[Address],
        registry: EnforcerRegistry | None,
        deployments: Registry | None,
        *,
        trace: Mapping[str, Any] | None = None,
        disabled: frozenset[bytes] = frozenset(),
    ) -> DecodedTransaction:
        """Return what it did with delegations, as far as it shows. Arguments as `decode_redemptions`."""
        wire = self.transaction.as_wire()
        told = self.receipt.as_wire(wire["hash"], self.first_log)
        return decode_redemptions(
            wire,
            told,
            trace=trace,
            chain_id=chain_id,
            accounts=accounts,
            disabled=disabled,
            deployments=deployments,
            enforcers=registry,
        )


def read_included(included: Included, expected: Bytes32 | None, before: Iterable[Included] | None = None) -> Mined:
    """Return the proven transaction. Raises EvidenceError for another than `expected`, or what cannot be read.

    Args:
        included: the transaction.
        expected: its hash.
        before: those before it in its block; None where they are not shown.
    """
    digest = Bytes32(keccak(included.transaction))
    if digest != expected:
        raise EvidenceError(
            "wrong-transaction", f"expected {expected}, the bundle proves {digest}", path="transaction.index"
        )
    own = decode_mined_receipt(included.receipt)
    if own.success is None:
        text = "a receipt from before Byzantium does not tell whether the transaction succeeded"
        raise EvidenceError("unsupported-type", text, path="transaction.index")
    used = None if before is None and included.place else Before(0, 0)
    if used is not None:
        for each in before or ():
            receipt = decode_mined_receipt(each.receipt)
            used = Before(receipt.cumulative_gas, used.logs + len(receipt.logs))
    return Mined(included.place, decode_transaction(included.transaction), own, used)


def check_block(findings: Findings, path: str, told: BlockRef, shown: BlockRef) -> None:
    """Compare the block a receipt names with that of the header."""
    for name in ("hash", "number", "timestamp"):
        findings.compare(f"{path}.{name}", getattr(told, name), getattr(shown, name), "proven", _BY_HEADER)


def check_chain(findings: Findings, path: str, told: str, mined: Mined) -> None:
    """Compare the chain a receipt names with that the transaction was signed for."""
    chain_id = mined.transaction.chain_id
    if chain_id is None:
        findings.leave(path, "the transaction names no chain")
    else:
        findings.compare(path, told, f"eip155:{chain_id}", "proven", _BY_TX)


def check_log_index(findings: Findings, path: str, told: int | None, position: int | None, mined: Mined) -> None:
    """Compare the place of a log in its block, which is known where those of the transactions before are."""
    if told is None:
        if position is not None:
            findings.contradict(path, "expected one: it is logged")
    elif position is None:
        findings.leave(path, _ONLY_TRACED)
    elif mined.before is not None:
        findings.compare(path, told, position, "proven", _BY_LOGS)
    elif told < position:
        findings.contradict(path, f"expected at least {position}, its place in the transaction, got {told}")
    else:
        findings.leave(path, "it counts the logs of the transactions before, which are not shown")


def check_mined_redemption(
    receipt: RedemptionReceipt,
    mined: Mined,
    decoded: DecodedTransaction,
    findings: Findings,
    registry: EnforcerRegistry,
    *,
    accounts: Collection[Address] = (),
    is_rerun: bool = False,
) -> DecodedRedemption | None:
    """Compare a mined redemption with its transaction; return it as decoded, None where its logs tell nothing of it.

    Args:
        receipt: the receipt.
        mined: its transaction.
        decoded: what that did, as far as it shows.
        findings: what is found is put there.
        registry: reads enforcers.
        accounts: those known to do what they are asked.
        is_rerun: whether the transaction is run again as well, which tells movements apart.
    """
    subject, direct = receipt.subject, _is_direct(receipt, mined)
    check_chain(findings, "subject.chain", subject.chain, mined)
    findings.establish("subject.transaction", "proven", _BY_TX)
    findings.compare("subject.transaction_index", subject.transaction_index, mined.place, "proven", _BY_TX)
    findings.compare("actor.submitter", receipt.actor.submitter, mined.transaction.sender, "proven", _BY_TX)
    if receipt.outcome.gas_used is not None:
        if mined.gas_used is None:
            findings.leave("outcome.gas_used", "the gas used before it in the block is not shown")
        else:
            findings.compare("outcome.gas_used", receipt.outcome.gas_used, mined.gas_used, "proven", _BY_LOGS)
    if direct:
        digest = Bytes32(keccak(mined.transaction.data))
        findings.compare("subject.calldata_hash", subject.calldata_hash, digest, "proven", _BY_TX)
        findings.compare("subject.call_path", subject.call_path, (), "proven", _BY_TX)
        findings.compare("actor.via", receipt.actor.via, None, "proven", _BY_TX)
    shown = _of_receipt(receipt, decoded)
    # what an operation asks for has happened only where its account is known to pass on what it is asked
    is_passed_on = shown is not None and (shown.call_path == () or shown.redeemer in accounts)
    if shown is not None and not is_passed_on:
        shown = replace(shown, entry=None, mode_word=None, blob=None) if shown.log_indexes else None
    if shown is None:
        _check_absence(receipt, direct, mined, findings)
        return None
    _check_shown(receipt, shown, mined, findings, registry)
    _check_outcome(receipt, shown, decoded, findings)
    _check_movements(receipt, shown, decoded, mined, findings, is_rerun=is_rerun)
    return shown


def _is_direct(receipt: RedemptionReceipt, mined: Mined) -> bool:
    # within a call of the manager there may be another, which has a path
    return mined.transaction.to == receipt.subject.manager and receipt.subject.call_path == ()


def _of_receipt(receipt: RedemptionReceipt, decoded: DecodedTransaction) -> DecodedRedemption | None:
    """Return the decoded redemption the receipt is of: by manager, lineage and place."""
    subject, hashes = receipt.subject, tuple(link.hash for link in receipt.lineage)
    same = [
        r
        for r in decoded.redemptions
        if r.manager == subject.manager
        and r.entry in (subject.entry, None)
        and r.call_path in (subject.call_path, None)
    ]
    same.sort(key=lambda r: r.call_path is None)
    exact = [r for r in same if r.hashes == hashes and r.redeemer == receipt.actor.redeemer]
    # what was denied stands in no log, though the same chain may have been redeemed beside it
    fitting = [r for r in exact if bool(r.log_indexes) == (subject.log_index is not None)]
    if len(fitting) > 1 and receipt.outcome.enforcer_events:
        told = [dict(event) for event in receipt.outcome.enforcer_events]
        by_events = [r for r in fitting if [dict(e) for e in r.enforcer_events or ()] == told]
        fitting = by_events or fitting
    if fitting:
        return fitting[0]
    # the call is the transaction's own: then whatever stands at its place is what the receipt must be of
    return next((r for r in same if r.call_path == ()), None)


def _check_absence(receipt: RedemptionReceipt, direct: bool, mined: Mined, findings: Findings) -> None:
    stood = receipt.outcome.status in ("executed", "partially_executed")
    if direct:
        findings.contradict("lineage", "the transaction's own call holds no such redemption")
    elif stood and not mined.receipt.success:
        findings.contradict("outcome.status", "the transaction failed")
    elif stood and receipt.lineage:
        # whatever way the manager was reached, it logs each delegation of a redemption that stands
        findings.contradict("outcome.status", "the logs tell of no such redemption")
    elif not mined.receipt.success:
        findings.establish("outcome.movements", "proven", "the transaction failed, so nothing moved")
        findings.establish("outcome.enforcer_events", "proven", "the transaction failed, so nothing was logged")


def _check_shown(
    receipt: RedemptionReceipt,
    shown: DecodedRedemption,
    mined: Mined,
    findings: Findings,
    registry: EnforcerRegistry,
) -> None:
    subject, basis = receipt.subject, _BY_LOGS if shown.log_indexes else _BY_TX
    findings.establish("subject.manager", "proven", basis)
    findings.compare("lineage", receipt.lineage, lineage_of(shown.context, registry), "proven", basis)
    findings.compare("actor.redeemer", receipt.actor.redeemer, shown.redeemer, "proven", basis)
    if shown.entry is None:
        findings.leave("subject.entry", _ONLY_TRACED)
    else:
        findings.compare("subject.entry", subject.entry, shown.entry, "proven", _BY_TX)
    check_log_index(findings, "subject.log_index", subject.log_index, min(shown.log_indexes, default=None), mined)
    executions = shown.executions
    if executions is None or shown.mode_word is None:
        findings.leave("request", _ONLY_TRACED)
        return
    request = Request(
        mode=Bytes32(shown.mode_word),
        executions=tuple(ReceiptExecution(target=e.target, value=e.value, call_data=e.call_data) for e in executions),
    )
    findings.compare("request", receipt.request, request, "proven", _BY_TX)
    if shown.user_operation is not None and holds_call(mined.transaction.data, shown, subject.calldata_hash):
        findings.establish("subject.calldata_hash", "proven", "the calldata of the user operation, in the transaction")


def _check_outcome(
    receipt: RedemptionReceipt, shown: DecodedRedemption, decoded: DecodedTransaction, findings: Findings
) -> None:
    told = receipt.outcome
    if shown.status == "unknown":
        if shown.stands and told.status == "denied":
            findings.contradict("outcome.status", "the call went through, the receipt says denied")
        elif shown.stands is False and told.status in ("executed", "partially_executed"):
            findings.contradict("outcome.status", f"the call failed, the receipt says {told.status}")
        findings.leave("outcome.status", "neither transaction nor logs tell whether the account executed")
    elif findings.compare("outcome.status", told.status, shown.status, "proven", _basis_of_status(shown)):
        if shown.results is not None and shown.status != "failed":
            failed = tuple(result.index for result in shown.results if not result.success)
            findings.compare("outcome.failed_executions", told.failed_executions, failed, "proven", _BY_LOGS)
        if shown.denial is not None and told.denial is not None:
            lengths = {r.entry: len(r.chain) for r in decoded.redemptions if r.entry is not None}
            read = denial_of(shown.denial, lengths)
            denial = in_words_of(told.denial, read)
            findings.compare("outcome.denial", told.denial, denial, "proven", "the calldata and the logged revert")
            for words in other_denial_words(told.denial, read):
                findings.leave_words(words)
    # a receipt of what failed tells of no events, also where a mode that only tries left some
    if shown.enforcer_events is not None and (told.status not in ("denied", "failed") or shown.stands is False):
        events = tuple(ReceiptEvent(**dict(event)) for event in shown.enforcer_events)
        findings.compare("outcome.enforcer_events", told.enforcer_events, events, "proven", _BY_LOGS)


def _basis_of_status(shown: DecodedRedemption) -> str:
    if shown.status in ("denied", "failed"):
        return "the calldata, and what the logs say of how it ended"
    return f"{_BY_LOGS}; the account runs the framework's own code at the end of the block"


def _check_movements(
    receipt: RedemptionReceipt,
    shown: DecodedRedemption,
    decoded: DecodedTransaction,
    mined: Mined,
    findings: Findings,
    *,
    is_rerun: bool,
) -> None:
    told = receipt.outcome.movements
    if shown.stands is False:
        findings.compare("outcome.movements", told, (), "proven", "the call failed, so nothing moved")
        return
    logs = read_logs(mined.receipt.as_wire(b"")["logs"])
    logged = [ReceiptMovement(**dict(move)) for move in token_movements(logs)]
    tokens = [move for move in told if move.token is not None]
    alone = shown.call_path == () and len(decoded.redemptions) == 1 and not _redeems_within(shown)
    if alone and is_rerun and tokens != logged:
        alone = False  # something within may have redeemed in its own name: the run tells
    if alone and tokens != logged:
        findings.contradict("outcome.movements", f"the logs tell of {len(logged)} token movements, not of these")
        return
    missing = Counter(map(_key, tokens)) - Counter(map(_key, logged))
    if missing:
        findings.contradict("outcome.movements", "the logs do not tell of all of these token movements")
        return
    sent = Counter(_values_sent(receipt, shown))
    for place, move in enumerate(told):
        path = f"outcome.movements.{place}"
        if move.token is not None:
            if alone:
                findings.establish(path, "proven", _BY_LOGS)
            else:
                findings.leave(path, "it is logged; that it belongs to this redemption only a trace tells")
        elif sent[_key(move)]:
            sent[_key(move)] -= 1
            findings.establish(path, "proven", "the value of an execution that was executed")
        else:
            findings.leave(path, "native value leaves no log: only a trace tells of it")
    complete = "all token movements are logged; of native value moved further on only a trace tells"
    findings.leave("outcome.movements", complete if alone else _ONLY_TRACED)


def _redeems_within(shown: DecodedRedemption) -> bool:
    """Whether an execution calls a manager: what an account does there in its own name is logged by nobody."""
    return any(bytes(execution.target) in shown.known.managers for execution in shown.executions or ())


def _values_sent(receipt: RedemptionReceipt, shown: DecodedRedemption) -> Iterator[tuple[object, ...]]:
    """Yield the native movements that the executions themselves are."""
    if shown.status != "executed" or shown.executions is None:
        return
    account = receipt.lineage[0].delegator if receipt.lineage else receipt.actor.redeemer
    for execution in shown.executions:
        yield account, execution.target, None, execution.value, None


def _key(move: ReceiptMovement) -> tuple[object, ...]:
    return move.sender, move.recipient, move.token, move.amount, move.token_id


def shown_signatures(shown: DecodedRedemption | None) -> Sequence[tuple[Address, Bytes32, bytes]]:
    """Return delegator, hash and signature of each delegation, root first."""
    if shown is None:
        return ()
    return [(link.delegator, link.hash, link.signature) for link in shown.lineage]
