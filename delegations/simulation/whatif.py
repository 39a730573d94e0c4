"""What if: another time, another state, other redemptions before. The chain asked about is never touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from caveats.errors import ExecutionError
from caveats.registry import EnforcerRegistry
from caveats.types import Address, parse_uint256
from delegations.evm.chain import LocalChain
from delegations.evm.engine import DEFAULT_GAS
from delegations.redemption import Redemption
from delegations.simulation.execute import execute
from delegations.simulation.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Candidate:
    """One call of the manager that is only being considered.

    Attributes:
        redemption: one, or several of one call.
        redeemer: who calls the manager; the leaf's delegate when None.
        gas: gas limit of the transaction.
    """

    redemption: Redemption | Sequence[Redemption]
    redeemer: Address | None = None
    gas: int = DEFAULT_GAS


def what_if(
    chain: LocalChain,
    *,
    at: int | None = None,
    block: int | None = None,
    balances: Mapping[Address, int] | None = None,
    nonces: Mapping[Address, int] | None = None,
    code: Mapping[Address, bytes] | None = None,
    storage: Mapping[Address, Mapping[int, int]] | None = None,
    after: Sequence[Redemption | Candidate] = (),
    registry: EnforcerRegistry | None = None,
) -> LocalChain:
    """Return a copy of `chain` in which all of this is so; `chain` stays as it is.

    `simulate` and everything else take the copy as they take any chain, and it can be asked what if again.

    Args:
        chain: the chain as it stands.
        at: unix seconds.
        block: the block number.
        balances: native balances in wei.
        nonces: account nonces.
        code: runtime code; 0xef0100 and an address for an EIP-7702 account.
        storage: slots by account; slots not named keep their value.
        after: redemptions that come first, in order, on the state and at the time given here. Each is one call and
            takes the block number one further.

    Raises:
        ExecutionError: one of `after` would be denied, so that nothing could come after it.
        EncodingError: a number out of range.
    """
    copied = chain.copy()
    copied.timestamp = chain.timestamp if at is None else parse_uint256(at)
    copied.block_number = chain.block_number if block is None else parse_uint256(block)
    for address, balance in (balances or {}).items():
        copied.world.set_balance(address, balance)
    for address, nonce in (nonces or {}).items():
        copied.world.set_nonce(address, nonce)
    for address, runtime in (code or {}).items():
        copied.world.set_code(address, runtime)
    for address, slots in (storage or {}).items():
        for slot, value in slots.items():
            copied.world.set_storage(address, parse_uint256(slot), parse_uint256(value))
    for index, step in enumerate(after):
        verdict = _run(copied, step, registry)
        if verdict.denial is not None:
            raise ExecutionError(
                f"after: redemption {index} would be denied ({verdict.denial.reason or verdict.denial.explanation})",
                revert_data=verdict.denial.revert_data,
                hint="leave it out, or simulate it on its own to see why",
            )
    return copied


def simulate_sequence(
    chain: LocalChain,
    candidates: Sequence[Redemption | Candidate],
    *,
    registry: EnforcerRegistry | None = None,
) -> tuple[Verdict, ...]:
    """Return the verdicts of redemptions made one after another, each on what the ones before left; nothing is kept.

    A denied one leaves only the redeemer's nonce, as on chain. Each takes the block number one further; the time
    stands still. Errors as `simulate`.
    """
    copied = chain.copy()
    return tuple(_run(copied, candidate, registry) for candidate in candidates)


def as_candidate(step: Redemption | Candidate) -> Candidate:
    """Return the candidate itself, or one for a redemption by its delegate."""
    return step if isinstance(step, Candidate) else Candidate(step)


def _run(chain: LocalChain, step: Redemption | Candidate, registry: EnforcerRegistry | None) -> Verdict:
    candidate = as_candidate(step)
    return execute(
        chain, candidate.redemption, redeemer=candidate.redeemer, gas=candidate.gas, registry=registry
    ).verdict
