"""A call run again over a witness alone: the same bytes of revert and the same culprit, or it is refused.

There is no network here and nothing is filled in. What the call reads and the witness does not prove ends the replay.
What a chain under other rules than Prague's, or a submitter's choice of gas, could have decided ends it too: then the
replay says nothing about the authority.

Source: py-evm 0.12.1b1, Prague rules; framework 1.3.0, DelegationManager.redeemDelegations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from caveats.errors import EncodingError, ExecutionError, UnsupportedError
from caveats.registry import EnforcerRegistry
from caveats.types import Address, Bytes32, keccak
from delegations.evm.chain import official_code
from delegations.evm.engine import BlockEnv, CallFrame, Outcome, Transaction
from delegations.evm.forked import ForkedWorld
from delegations.evm.world import World
from delegations.framework.artifact import load_framework
from delegations.receipts.build import denial_of, lengths_of, lineage_of, request_of
from delegations.receipts.check import lineage
from delegations.receipts.evidence.budget import DEFAULT_BUDGET, Budget
from delegations.receipts.evidence.bundle import Witness
from delegations.receipts.evidence.header import Header
from delegations.receipts.evidence.opened import OpenBundle
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.witness import Position, environment, official_codes, position_of
from delegations.receipts.evidence.witness_state import WitnessState
from delegations.receipts.model import RedemptionReceipt
from delegations.receipts.words import OtherWords, in_words_of, other_denial_words, reread
from delegations.redemption import Redemption, decode_redeem_delegations
from delegations.simulation.attribution import Attribution
from delegations.simulation.simulate import chain_facts
from delegations.simulation.verdict import Denial

_MODEXP = 0x05
"""Has another price since Osaka, so that code which looks at the gas left can tell the rules apart by it."""
_FIRST_NEW_PRECOMPILE = 0x12
_P256 = 0x100
_LAST_RESERVED = 0xFFFF
"""Addresses up to here are, or may become, precompiles of chains whose rules are not Prague's; 0x100 is Osaka's."""

ESTABLISHED = frozenset(("subject", "lineage", "request", "outcome"))
"""What of a receipt a replay that ends as it says shows to be so. Who asked is not among it: nobody signs what is never
sent, and anybody can write down a sender."""
_MANAGER = "DelegationManager"
MOST_GAS = 2**24
"""What a verifier lets a stranger's call burn: what EIP-7825 lets a transaction have."""


@dataclass(frozen=True, slots=True)
class CodeSeen:
    """Code that ran, and whether it is that of the framework.

    Attributes:
        address: where it stands.
        official: the name of the official contract it is, byte for byte on this chain; None when it is none.
    """

    address: Address
    code_hash: Bytes32
    official: str | None


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What running a denied call again showed.

    Attributes:
        position: in which block it ran; see `witness.environment`.
        block: that block.
        denial: who said no, counted from the leaf.
        gas_used: of the whole call.
        codes: the code that ran, in the order of the first calls.
        established: paths of the receipt that the replay shows to be so. Their standing is "reexecuted".
        words: those of the denial that are the issuer's own, which nothing shows.
    """

    position: Position
    block: BlockEnv
    denial: Denial
    gas_used: int
    codes: tuple[CodeSeen, ...]
    established: frozenset[str]
    words: tuple[OtherWords, ...]


@dataclass(frozen=True, slots=True)
class Rerun:
    """A call of the manager and what came of it; `denial` is None when it went through."""

    redemptions: tuple[Redemption, ...]
    outcome: Outcome
    denial: Denial | None
    codes: tuple[CodeSeen, ...]


def replay_denial(
    receipt: RedemptionReceipt,
    opened: OpenBundle,
    *,
    registry: EnforcerRegistry | None = None,
    budget: Budget = DEFAULT_BUDGET,
) -> ReplayResult:
    """Return what a denial before the deed shows when it is run again on the bundle's witness.

    Args:
        receipt: of a denial that was tried on a live chain's state and never sent.
        opened: its bundle. Nodes and codes that the replay needs count as used.
        registry: reads enforcers of your own, as the issuer did.
        budget: how much may be run.

    Raises:
        EvidenceError: missing-evidence without a witness; wrong-block when the receipt names another block;
            witness-mismatch when the call is not the receipt's; replay-over-budget when it takes too much;
            witness-incomplete when it reads what is not proven; witness-unused when more is listed than it reads;
            receipt-contradicted when it ends otherwise than the receipt says; claim-not-established when the end says
            nothing about the authority. Where a proof itself does not hold, as OpenBundle.
        UnsupportedError: the official framework code is not built in.
    """
    witness = opened.bundle.witness
    if witness is None:
        raise EvidenceError("missing-evidence", "the bundle holds no call to run again", path="witness")
    if witness.header:
        raise EvidenceError("witness-mismatch", "the witness is not of the trusted block", path="witness.header")
    header = opened.header(0)
    chain_id = int(receipt.subject.chain.removeprefix("eip155:"))
    position = _check_subject(receipt, witness, header, chain_id)
    block = environment(header, chain_id, position)
    state = WitnessState(opened, witness, official_codes(chain_id))
    world, known = ForkedWorld(state), registry or EnforcerRegistry()
    try:
        rerun = run_again(world, block, call_of(witness), known, budget=budget)
    except EvidenceError as error:
        raise state.refusal or error from None
    state.finish()
    _require_manager(rerun.codes, witness.to)
    denial = _check_verdict(rerun)
    words = _check_receipt(receipt, rerun, denial, known)
    return ReplayResult(position, block, denial, rerun.outcome.gas_used, rerun.codes, ESTABLISHED, words)


def call_of(witness: Witness) -> Transaction:
    """Return the call a witness is of. Raises EvidenceError (witness-malformed) for one no block has the gas for."""
    if witness.gas > MOST_GAS:
        raise EvidenceError(
            "witness-malformed", f"expected at most {MOST_GAS} gas, got {witness.gas}", path="witness.gas"
        )
    return Transaction(witness.sender, witness.to, witness.data, witness.value, witness.gas)


def run_again(
    world: World, block: BlockEnv, call: Transaction, registry: EnforcerRegistry, *, budget: Budget = DEFAULT_BUDGET
) -> Rerun:
    """Return what a call of the manager does over a world, and who said no.

    Whoever collects a witness runs this over the node and whoever verifies runs it over the witness, so both read the
    same.

    Raises:
        EvidenceError: "witness-mismatch" when it is no call of redeemDelegations, or cannot enter a block;
            "replay-over-budget".
    """
    try:
        redemptions = decode_redeem_delegations(call.data)
        outcome = budget.engine().execute(world, block, call)
    except (EncodingError, UnsupportedError, ExecutionError) as error:
        raise EvidenceError("witness-mismatch", f"the call cannot be run: {error}", path="witness") from error
    denial = None
    if not outcome.success and call.to is not None:
        attribution = Attribution(redemptions, call.sender, chain_facts(world, call.to), registry)
        denial = attribution.denial(outcome.frame)
    return Rerun(redemptions, outcome, denial, codes_that_ran(world, block.chain_id, outcome.frame))


def codes_that_ran(world: World, chain_id: int, top: CallFrame) -> tuple[CodeSeen, ...]:
    """Return the code that ran, in the order of the first calls; precompiles have none."""
    framework, found = load_framework(), []
    for address in dict.fromkeys(frame.code_address for frame in top.walk()):
        code = world.code(address)
        if code:
            contract = framework.by_address(address)
            is_official = contract is not None and code == official_code(chain_id, address)
            found.append(CodeSeen(address, Bytes32(keccak(code)), contract.name if contract and is_official else None))
    return tuple(found)


def _check_subject(receipt: RedemptionReceipt, witness: Witness, header: Header, chain_id: int) -> Position:
    subject, actor = receipt.subject, receipt.actor
    position = position_of(subject.block, header)
    if position is None:
        raise EvidenceError(
            "wrong-block",
            f"expected block {header.number}, or the one a second after it, got block {subject.block.number} at"
            f" {subject.block.timestamp}",
            path="subject.block",
        )
    for path, got, expected in (
        ("subject.phase", subject.phase, "preflight"),
        ("subject.network", subject.network, "live"),
        ("subject.call_path", subject.call_path, None),
        ("subject.chain", chain_id, witness.chain_id),
        ("subject.calldata_hash", subject.calldata_hash, Bytes32(keccak(witness.data))),
        ("subject.manager", subject.manager, witness.to),
        ("actor.redeemer", actor.redeemer, witness.sender),
        ("actor.submitter", actor.submitter, witness.sender),
        ("actor.via", actor.via, None),
    ):
        if got != expected:
            raise EvidenceError("witness-mismatch", f"{path}: expected {expected}, got {got}", path=path)
    if witness.value:
        raise EvidenceError("witness-mismatch", "no value is sent to the manager", path="witness.value")
    return position


def _require_manager(codes: tuple[CodeSeen, ...], manager: Address) -> None:
    if not any(seen.address == manager and seen.official == _MANAGER for seen in codes):
        raise EvidenceError(
            "claim-not-established",
            f"the code at {manager} is not that of the framework's manager, so who refuses there cannot be told",
            path="subject.manager",
        )


def _check_verdict(rerun: Rerun) -> Denial:
    """Return the denial, where it is the authority's own and would be so under any gas and on any current fork."""
    denial = rerun.denial
    if denial is None:
        raise EvidenceError("receipt-contradicted", "run again, the call goes through", path="outcome.status")
    if not denial.is_policy:
        raise EvidenceError(
            "receipt-contradicted", f"run again, the call fails at stage {denial.stage}", path="outcome.denial.stage"
        )
    refuse_other_rules(rerun.outcome.frame, rerun.codes, "outcome")
    return denial


def refuse_other_rules(top: CallFrame, codes: Iterable[CodeSeen], path: str, *, gas_is_given: bool = False) -> None:
    """Raise EvidenceError (claim-not-established) where more gas, or rules other than Prague's, could decide otherwise.

    A frame that ran out of gas might not have, unless the gas is that of a mined transaction; one that halted may have
    met an opcode of later rules; and low addresses without code may be precompiles elsewhere. One of these does not
    matter: framework code that calls the P-256 precompile computes the same by itself where there is none. Nor does
    modexp, which framework code calls without a look at the gas.
    """
    official = {seen.address for seen in codes if seen.official}
    waiting = [(top, False)]
    while waiting:
        frame, by_official = waiting.pop()
        if frame.error == "halt" or (frame.error == "out of gas" and not gas_is_given):
            why = "ran out of gas, which whoever submits chooses" if frame.error == "out of gas" else "halted"
            raise EvidenceError("claim-not-established", f"a call of {frame.code_address} {why}", path=path)
        place = int.from_bytes(frame.code_address, "big")
        if gas_is_given and place == _MODEXP and not by_official:
            text = f"{frame.code_address} is called, whose price is another under other rules than Prague's"
            raise EvidenceError("claim-not-established", text, path=path)
        if _FIRST_NEW_PRECOMPILE <= place <= _LAST_RESERVED and not (by_official and place == _P256):
            text = f"{frame.code_address} is called, which is code of its own under other rules than Prague's"
            raise EvidenceError("claim-not-established", text, path=path)
        waiting += [(child, frame.code_address in official) for child in frame.children]


def _check_receipt(
    receipt: RedemptionReceipt, rerun: Rerun, denial: Denial, registry: EnforcerRegistry
) -> tuple[OtherWords, ...]:
    """Return which words of the denial are the issuer's own."""
    entry = receipt.subject.entry
    if entry >= len(rerun.redemptions):
        raise EvidenceError(
            "receipt-contradicted",
            f"entry: the call has {len(rerun.redemptions)} redemptions, the receipt is of number {entry}",
            path="subject.entry",
        )
    asked = rerun.redemptions[entry]
    told, read = receipt.outcome, denial_of(denial, lengths_of(rerun.redemptions))
    for path, got, expected in (
        ("lineage", lineage(reread(receipt, registry)[0]), lineage_of(asked.context, registry)),
        ("request", receipt.request, request_of(asked)),
        ("outcome.status", told.status, "denied"),
        ("outcome.denial", told.denial, in_words_of(told.denial, read)),
        ("outcome.gas_used", told.gas_used, None if told.gas_used is None else rerun.outcome.gas_used),
    ):
        if got != expected:
            raise EvidenceError(
                "receipt-contradicted", f"{path}: run again, it is not what the receipt says", path=path
            )
    return tuple(other_denial_words(told.denial, read))
