"""A mined transaction run again over a witness of the block before: what only a trace would tell, without a trace.

    state at the end of block N-1  ++ what block N writes first
      -> transaction 0 -> ... -> transaction k-1     each ends as its receipt in the block says: status, gas, logs
      -> transaction k                               the same, and its call tree is what is asked for

All that stand before it in its block are run first: no header commits to the state between two transactions, but the
block commits to each of them and to how it ended. A machine with other rules than the chain's is found out wherever
one of these ends otherwise, and what other rules could decide without that is refused.

Source: EIP-1559, EIP-7702, EIP-4788, EIP-2935; yellow paper, 4.3 (receipts commit to status, gas so far and logs).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from caveats.errors import ExecutionError
from delegations.evm.engine import BlockEnv, CallFrame, Outcome
from delegations.evm.forked import NodeState
from delegations.evm.wire import to_data
from delegations.receipts.evidence.block_start import StartedWorld
from delegations.receipts.evidence.budget import DEFAULT_BUDGET, Budget, over_budget, refuse_over_budget
from delegations.receipts.evidence.bundle import Witness
from delegations.receipts.evidence.header import Header
from delegations.receipts.evidence.mined import ProvenReceipt, decode_mined_receipt
from delegations.receipts.evidence.opened import Included, OpenBundle
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.replay import CodeSeen, codes_that_ran, refuse_other_rules
from delegations.receipts.evidence.transactions import ProvenTransaction, decode_transaction
from delegations.receipts.evidence.witness import official_codes
from delegations.receipts.evidence.witness_state import WitnessState

if TYPE_CHECKING:
    from delegations.evm.pyevm import PyEvmEngine

_BLOB: Final = 3
_ERRORS: Final = {"revert": "execution reverted", "out of gas": "out of gas", "halt": "invalid opcode"}


class Step(NamedTuple):
    """A transaction of a block, and how it ended there."""

    transaction: ProvenTransaction
    receipt: ProvenReceipt


@dataclass(frozen=True, slots=True)
class MinedRun:
    """What the last of some transactions did.

    Attributes:
        before: the state it ran on.
        codes: the code that ran.
        gas_used: by it alone.
    """

    before: StartedWorld
    outcome: Outcome
    codes: tuple[CodeSeen, ...]
    gas_used: int


@dataclass(frozen=True, slots=True)
class MinedReplay:
    """What running a mined transaction again showed.

    Attributes:
        transaction: that was run.
        trace: its call tree, as callTracer with `withLog` tells of one.
        codes: the code that ran.
        gas_used: by it alone.
        before: the state it ran on: that of the block before, and what the transactions before it left.
    """

    transaction: ProvenTransaction
    trace: dict[str, Any]
    codes: tuple[CodeSeen, ...]
    gas_used: int
    before: StartedWorld


def mined_environment(header: Header, chain_id: int) -> BlockEnv:
    """Return the block a transaction of it ran in."""
    return BlockEnv(
        chain_id=chain_id,
        number=header.number,
        timestamp=header.timestamp,
        base_fee_wei=header.base_fee_wei or 0,
        coinbase=header.coinbase,
        prevrandao=bytes(header.mix_hash),
        gas_limit=header.gas_limit,
    )


def read_step(included: Included) -> Step:
    """Return a transaction of a block with its receipt. Raises EvidenceError for what cannot be read."""
    return Step(decode_transaction(included.transaction), decode_mined_receipt(included.receipt))


def refuse_unrunnable(steps: Sequence[Step], budget: Budget) -> None:
    """Raise EvidenceError where one of some transactions cannot be run here, or all take too much.

    unsupported-type: what is not signed, such as a deposit of the OP stack, follows rules of its own chain; the price
    of blobs follows a schedule that no header tells; and of what is denied, a creation is no call. replay-over-budget.
    """
    for place, (transaction, _) in enumerate(steps):
        kind = transaction.kind
        if not kind.is_signed or kind.number == _BLOB:
            what = "blobs are priced by a schedule that no header tells" if kind.is_signed else "it is not signed"
            raise EvidenceError(
                "unsupported-type",
                f"transaction {place} of the block is of type 0x{kind.number:02x}, which is not run again: {what}",
                path="transaction",
            )
        if transaction.fields["gas"] > budget.gas:
            text = f"transaction {place} may use {transaction.fields['gas']} gas, expected at most {budget.gas}"
            raise over_budget(text)
    transaction, receipt = steps[-1]
    if transaction.to is None:
        raise EvidenceError("unsupported-type", "only a signed call can be run again", path="transaction")
    if receipt.cumulative_gas > budget.gas:
        text = f"the block had used {receipt.cumulative_gas} gas up to here, expected at most {budget.gas}"
        raise over_budget(text)


def run_block(engine: PyEvmEngine, node: NodeState, header: Header, chain_id: int, steps: Sequence[Step]) -> MinedRun:
    """Return what the last of a block's first transactions did, run after the others on the state before the block.

    Whoever collects a witness runs this over the node and whoever verifies runs it over the witness, so both read the
    same.

    Args:
        engine: runs them.
        node: the state at the end of the block before.
        header: of the block.
        chain_id: of the chain.
        steps: the block's transactions from its first on, with how each ended.

    Raises:
        EvidenceError: witness-mismatch when one cannot enter the block; claim-not-established when one before the last
            ends otherwise than the block commits to, or other rules could have decided otherwise; receipt-contradicted
            when the last ends otherwise.
    """
    world, block = StartedWorld(node, header), mined_environment(header, chain_id)
    used = 0
    for place, step in enumerate(steps):
        is_last = place == len(steps) - 1
        path = "outcome" if is_last else "transaction"
        outcome = _run(engine, world, block, step.transaction, header.excess_blob_gas or 0, place)
        codes = codes_that_ran(world, chain_id, outcome.frame)
        refuse_other_rules(outcome.frame, codes, path, gas_is_given=True)
        _check_outcome(outcome, step.receipt, used, place, is_last=is_last)
        if is_last:
            return MinedRun(world, outcome, codes, outcome.gas_used)
        world.apply(outcome.diff)
        used = step.receipt.cumulative_gas
    raise EvidenceError("missing-evidence", "there is no transaction to run again", path="transaction")


def replay_mined(opened: OpenBundle, chain_id: int, *, budget: Budget = DEFAULT_BUDGET) -> MinedReplay:
    """Return the call tree of the transaction a bundle proves, from running it again on the bundle's witness.

    Args:
        opened: a bundle that proves a transaction and all before it in its block, and holds a witness of the block
            before: of all that these read.
        chain_id: of the chain.
        budget: how much may be run.

    Raises:
        EvidenceError: missing-evidence without a transaction or a witness; witness-mismatch when the witness is of
            another call or block; missing-node when one of the transactions before is not proven; unsupported-type,
            replay-over-budget as `refuse_unrunnable`; witness-incomplete, witness-unused as `replay_denial`;
            receipt-contradicted, claim-not-established as `run_block`.
        UnsupportedError: the official framework code is not built in.
    """
    included, witness, proof = opened.included(), opened.bundle.witness, opened.bundle.transaction
    if included is None or proof is None or witness is None:
        raise EvidenceError("missing-evidence", "the bundle holds no mined transaction to run again", path="witness")
    refuse_over_budget(included.place, budget)
    steps = [read_step(each) for each in itertools.chain(opened.included_before(), (included,))]
    transaction = steps[-1].transaction
    refuse_unrunnable(steps, budget)
    if witness.header != proof.header + 1 or witness.chain_id != chain_id or not _is_of(witness, transaction):
        raise EvidenceError("witness-mismatch", "the witness is not of the transaction that is proven", path="witness")
    opened.header(witness.header)
    state = WitnessState(opened, witness, official_codes(chain_id))
    try:
        run = run_block(budget.engine(), state, included.header, chain_id, steps)
    except EvidenceError as error:
        # what was not in the witness comes first: a machine may go on past it, and end otherwise for that
        raise state.refusal or error from None
    state.finish()
    return MinedReplay(transaction, as_trace(run.outcome.frame), run.codes, run.gas_used, run.before)


def _is_of(witness: Witness, transaction: ProvenTransaction) -> bool:
    said = witness.sender, witness.to, witness.data, witness.value, witness.gas
    fields = transaction.fields
    return said == (transaction.sender, transaction.to, transaction.data, fields["value"], fields["gas"])


def _run(
    engine: PyEvmEngine,
    world: StartedWorld,
    block: BlockEnv,
    transaction: ProvenTransaction,
    excess_blob_gas: int,
    place: int,
) -> Outcome:
    try:
        return engine.execute_signed(world, block, transaction.raw, excess_blob_gas=excess_blob_gas)
    except ExecutionError as error:
        raise EvidenceError(
            "witness-mismatch", f"transaction {place} of the block cannot be run: {error}", path="witness"
        ) from error


def _check_outcome(outcome: Outcome, receipt: ProvenReceipt, used: int, place: int, *, is_last: bool) -> None:
    """Compare how a transaction ended here with how it ended in its block."""
    logs = tuple((bytes(log.address), tuple(bytes(topic) for topic in log.topics), log.data) for log in outcome.logs)
    for what, got, expected in (
        ("status", outcome.success, receipt.success),
        ("gas used", used + outcome.gas_used, receipt.cumulative_gas),
        ("logs", logs, receipt.logs),
    ):
        if got != expected:
            text = f"{what}: run again, transaction {place} ends otherwise than its block commits to"
            hint = "the chain may not run by the rules of Prague"
            if is_last:
                raise EvidenceError("receipt-contradicted", text, path="outcome", hint=hint)
            raise EvidenceError("claim-not-established", text, path="transaction", hint=hint)


def as_trace(frame: CallFrame) -> dict[str, Any]:
    """Return a call tree as callTracer with `withLog` tells of it."""
    is_delegated = frame.kind == "DELEGATECALL"
    node: dict[str, Any] = {
        "type": frame.kind,
        "from": to_data(frame.to if is_delegated else frame.sender),
        "to": to_data(frame.code_address if is_delegated else frame.to),
        "value": hex(frame.value),
        "gas": hex(frame.gas),
        "gasUsed": hex(frame.gas_used),
        "input": to_data(frame.input),
        "output": to_data(frame.output),
    }
    if frame.error is not None:
        node["error"] = _ERRORS[frame.error]
    if frame.children:
        node["calls"] = [as_trace(child) for child in frame.children]
    if frame.logs and frame.error is None:
        node["logs"] = [
            {
                "address": to_data(log.address),
                "topics": [to_data(topic) for topic in log.topics],
                "data": to_data(log.data),
            }
            for log in frame.logs
        ]
    return node
