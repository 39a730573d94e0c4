"""A contract account asked again for its word: whether it accepts a grant's signature, over a witness alone.

The account is asked as the manager asks it, by isValidSignature, on the state at the end of a block. The manager asks
by a static call: an answer that would have changed the state is none.

Source: EIP-1271; framework 1.3.0, DelegationManager.redeemDelegations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from caveats.abi import encode_bytes, encode_uint
from caveats.errors import ExecutionError
from caveats.types import Address
from delegations.delegation import hash_to_sign
from delegations.evm.engine import BlockEnv, Outcome, Transaction
from delegations.evm.forked import ForkedWorld
from delegations.evm.world import World
from delegations.receipts.check import delegation_of
from delegations.receipts.evidence.budget import DEFAULT_BUDGET, Budget
from delegations.receipts.evidence.opened import OpenBundle
from delegations.receipts.evidence.refusal import EvidenceError
from delegations.receipts.evidence.replay import CodeSeen, call_of, codes_that_ran, refuse_other_rules
from delegations.receipts.evidence.witness import environment, official_codes
from delegations.receipts.evidence.witness_state import WitnessState
from delegations.receipts.model import GrantReceipt

SIGNATURE_GAS: Final = 2_000_000
_IS_VALID_SIGNATURE: Final = bytes.fromhex("1626ba7e")


@dataclass(frozen=True, slots=True)
class SignatureResult:
    """What asking the account again showed: that it accepts the signature.

    Attributes:
        block: on the state at whose end it was asked.
        codes: the code that ran.
        established: paths of the receipt that are so. Their standing is "reexecuted".
    """

    block: BlockEnv
    codes: tuple[CodeSeen, ...]
    established: frozenset[str]


def signature_call(receipt: GrantReceipt) -> Transaction:
    """Return the call by which the manager asks the principal for its word on what a grant's receipt says.

    Raises:
        EvidenceError: claim-not-established for a signature that no contract on the chain is asked about.
    """
    granted = receipt.granted
    if granted.scheme != "erc1271":
        raise EvidenceError(
            "claim-not-established",
            f"a signature of scheme {granted.scheme} is not one a contract on the chain tells of",
            path="granted.scheme",
        )
    chain_id = int(granted.chain.removeprefix("eip155:"))
    digest = hash_to_sign(delegation_of(receipt.lineage[-1]), chain_id=chain_id, manager=granted.manager)
    data = _IS_VALID_SIGNATURE + digest + encode_uint(64) + encode_bytes(granted.signature)
    return Transaction(granted.manager, granted.principal, data, gas=SIGNATURE_GAS)


def ask_signature(
    world: World, block: BlockEnv, call: Transaction, *, budget: Budget = DEFAULT_BUDGET
) -> tuple[Outcome, tuple[CodeSeen, ...]]:
    """Return what the account answers over a world, and the code that ran.

    Raises:
        EvidenceError: witness-mismatch when the call cannot enter a block; replay-over-budget.
    """
    try:
        outcome = budget.engine().execute(world, block, call)
    except ExecutionError as error:
        raise EvidenceError("witness-mismatch", f"the call cannot be run: {error}", path="witness") from error
    return outcome, codes_that_ran(world, block.chain_id, outcome.frame)


def replay_signature(receipt: GrantReceipt, opened: OpenBundle, *, budget: Budget = DEFAULT_BUDGET) -> SignatureResult:
    """Return what a contract account says of the signature on a grant, asked again on the bundle's witness.

    Args:
        receipt: of a grant whose signature only the principal's contract can tell ("erc1271").
        opened: its bundle. Nodes and codes that the replay needs count as used.
        budget: how much may be run.

    Raises:
        EvidenceError: missing-evidence without a witness; witness-mismatch when it is of another call;
            witness-incomplete, witness-unused, replay-over-budget as `replay_denial`; receipt-contradicted when the
            account does not accept the signature; claim-not-established when other rules or more gas could have decided
            otherwise.
        UnsupportedError: the official framework code is not built in.
    """
    witness = opened.bundle.witness
    if witness is None:
        raise EvidenceError("missing-evidence", "the bundle holds no call to run again", path="witness")
    chain_id = int(receipt.granted.chain.removeprefix("eip155:"))
    call = call_of(witness)
    if witness.header or witness.chain_id != chain_id or call != signature_call(receipt):
        raise EvidenceError("witness-mismatch", "the call does not ask what the receipt says", path="witness")
    block = environment(opened.header(0), chain_id, "in")
    state = WitnessState(opened, witness, official_codes(chain_id))
    try:
        outcome, codes = ask_signature(ForkedWorld(state), block, call, budget=budget)
    except EvidenceError as error:
        raise state.refusal or error from None
    state.finish()
    refuse_other_rules(outcome.frame, codes, "granted.signature")
    _check_answer(outcome, receipt.granted.principal, codes)
    return SignatureResult(block, codes, frozenset(("granted",)))


def _check_answer(outcome: Outcome, principal: Address, codes: tuple[CodeSeen, ...]) -> None:
    answer = outcome.output
    changed = outcome.logs or outcome.diff.storage or outcome.diff.wiped or len(outcome.diff.accounts) > 1
    if not codes:
        why = f"there is no contract at {principal}"
    elif not outcome.success or len(answer) < 32 or answer[:32] != _IS_VALID_SIGNATURE + bytes(28):
        why = f"{principal} does not accept the signature"
    elif changed:
        why = f"{principal} accepts it only by changing the state, which the manager does not let it"
    else:
        return
    raise EvidenceError("receipt-contradicted", f"run again, {why}", path="granted.signature")
