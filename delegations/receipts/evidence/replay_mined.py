"""A mined transaction run again over a witness of the block before: what only a trace would tell, without a trace.

Only the first transaction of a block can be: it runs on the state at the end of the block before. A later one runs on
what those before it left, which no header commits to. What the block commits to of the outcome (status, gas, logs) is
compared, so a machine with other rules than the chain's is found out wherever it matters there.

Source: EIP-1559, EIP-7702, EIP-4788 and EIP-2935 (what a block writes before its first transaction).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from caveats.errors import ExecutionError
from delegations.evm.engine import BlockEnv, CallFrame, Outcome
from delegations.evm.forked import ForkedWorld
from delegations.evm.wire import to_data
from delegations.evm.world import World
from delegations.receipts.evidence.bundle import Witness
from delegations.receipts.evidence.header import Header
from delegations.receipts.evidence.mined import ProvenReceipt, decode_mined_receipt
from delegations.receipts.evidence.opened import OpenBundle
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.replay import CodeSeen, codes_that_ran, refuse_other_rules
from delegations.receipts.evidence.transactions import ProvenTransaction, decode_transaction
from delegations.receipts.evidence.witness import official_codes
from delegations.receipts.evidence.witness_state import WitnessState

WRITTEN_FIRST: Final = frozenset(
    (
        bytes.fromhex("000f3df6d732807ef1319fb7bb8bb522d0beac02"),
        bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935"),
    )
)
"""Contracts a block writes to before its first transaction: beacon roots and block hashes."""
_ERRORS: Final = {"revert": "execution reverted", "out of gas": "out of gas", "halt": "invalid opcode"}


@dataclass(frozen=True, slots=True)
class MinedReplay:
    """What running a mined transaction again showed.

    Attributes:
        trace: its call tree, as callTracer with `withLog` tells of one.
        codes: the code that ran.
    """

    transaction: ProvenTransaction
    trace: dict[str, Any]
    codes: tuple[CodeSeen, ...]


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


def run_mined(
    world: World, block: BlockEnv, transaction: ProvenTransaction, excess_blob_gas: int
) -> tuple[Outcome, tuple[CodeSeen, ...]]:
    """Return what a mined transaction does over a world, and the code that ran.

    Raises:
        EvidenceError: witness-mismatch when it cannot enter the block.
    """
    from delegations.evm.pyevm import PyEvmEngine

    try:
        outcome = PyEvmEngine().execute_signed(world, block, transaction.raw, excess_blob_gas=excess_blob_gas)
    except ExecutionError as error:
        raise EvidenceError("witness-mismatch", f"the transaction cannot be run: {error}", path="witness") from error
    return outcome, codes_that_ran(world, block.chain_id, outcome.frame)


def replay_mined(opened: OpenBundle, chain_id: int) -> MinedReplay:
    """Return the call tree of the transaction a bundle proves, from running it again on the bundle's witness.

    Args:
        opened: a bundle that proves the first transaction of a block, and holds a witness of the block before it.
        chain_id: of the chain.

    Raises:
        EvidenceError: missing-evidence without a transaction or a witness; witness-mismatch when the witness is of
            another call or block, or the transaction is not the first of its block; witness-incomplete,
            witness-unused as `replay_denial`; receipt-contradicted when it ends otherwise than the block commits to;
            claim-not-established when other rules could have decided otherwise.
        UnsupportedError: the official framework code is not built in.
    """
    included, witness, proof = opened.included(), opened.bundle.witness, opened.bundle.transaction
    if included is None or proof is None or witness is None:
        raise EvidenceError("missing-evidence", "the bundle holds no mined transaction to run again", path="witness")
    if included.place:
        raise EvidenceError(
            "witness-mismatch",
            f"transaction {included.place} runs on what those before it left, which no header commits to",
            path="witness",
        )
    transaction = decode_transaction(included.transaction)
    if witness.header != proof.header + 1 or witness.chain_id != chain_id or not _is_of(witness, transaction):
        raise EvidenceError("witness-mismatch", "the witness is not of the transaction that is proven", path="witness")
    opened.header(witness.header)
    if any(bytes(account.address) in WRITTEN_FIRST and account.slots for account in witness.accounts):
        raise EvidenceError(
            "claim-not-established", "it reads what its own block writes before it runs", path="witness.accounts"
        )
    state = WitnessState(opened, witness, official_codes(chain_id))
    block, excess = mined_environment(included.header, chain_id), included.header.excess_blob_gas or 0
    try:
        outcome, codes = run_mined(ForkedWorld(state), block, transaction, excess)
    except EvidenceError as error:
        raise state.refusal or error from None
    state.finish()
    refuse_other_rules(outcome.frame, codes, "outcome", gas_is_given=True)
    _check_outcome(outcome, decode_mined_receipt(included.receipt))
    return MinedReplay(transaction, as_trace(outcome.frame), codes)


def _is_of(witness: Witness, transaction: ProvenTransaction) -> bool:
    said = witness.sender, witness.to, witness.data, witness.value, witness.gas
    fields = transaction.fields
    return said == (transaction.sender, transaction.to, transaction.data, fields["value"], fields["gas"])


def _check_outcome(outcome: Outcome, receipt: ProvenReceipt) -> None:
    logs = tuple((bytes(log.address), tuple(bytes(topic) for topic in log.topics), log.data) for log in outcome.logs)
    for what, got, expected in (
        ("status", outcome.success, receipt.success),
        ("gas used", outcome.gas_used, receipt.cumulative_gas),
        ("logs", logs, receipt.logs),
    ):
        if got != expected:
            raise EvidenceError(
                "receipt-contradicted",
                f"{what}: run again, the transaction ends otherwise than its block commits to",
                path="outcome",
                hint="the chain may not run by the rules of Prague",
            )


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
