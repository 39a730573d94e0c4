"""Runs one caveat on the official bytecode and tells what the chain said of each attempt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from caveats import Caveat, Execution
from caveats.attempt import Attempt
from caveats.enforcer import EnforcerTerms
from caveats.types import Address
from delegations.delegation import Delegation, create_delegation, sign_delegation
from delegations.evm import LocalChain, contract_code, dev_account
from delegations.execution import ExecutionMode
from delegations.redemption import Redemption
from delegations.simulation import Verdict, execute

ALICE, AGENT, SHOP = (Address(dev_account(i).address) for i in range(3))
CHAIN_ID = 1
START_AT = 1_800_000_000
START_BLOCK = 1_000


@dataclass(frozen=True)
class Stage:
    """A chain with Alice as a delegator, a token she holds, and a target that takes any call."""

    chain: LocalChain
    token: Address
    target: Address


def set_stage() -> Stage:
    """Return a fresh stage. Alice holds 100 ether and 10^30 base units of the token."""
    chain = LocalChain(CHAIN_ID, timestamp=START_AT, block_number=START_BLOCK)
    chain.add_delegator(ALICE, 100 * 10**18)
    token = chain.deploy_token()
    chain.mint(token, ALICE, 10**30)
    target = chain.deploy(contract_code("TestTarget"))
    chain.block_number = START_BLOCK
    return Stage(chain, token, target)


def grant(caveats: Sequence[Caveat], *, salt: int = 0) -> Delegation:
    """Return Alice's signed delegation to the agent."""
    unsigned = create_delegation(delegator=ALICE, delegate=AGENT, caveats=caveats, salt=salt)
    return sign_delegation(unsigned, dev_account(0), chain_id=CHAIN_ID, manager=LocalChain(CHAIN_ID).manager)


def mode_of(attempt: Attempt) -> ExecutionMode:
    """Return the mode of an attempt."""
    return ExecutionMode(bytes([attempt.is_batch, attempt.is_try]) + bytes(30))


def attempt_on(chain: LocalChain, delegation: Delegation, attempt: Attempt) -> Verdict:
    """Redeem once and keep what it does. Time and block number are the attempt's where it gives them; its args
    replace those of the first caveat."""
    if attempt.timestamp:
        chain.timestamp = attempt.timestamp
    if attempt.block_number:
        chain.block_number = attempt.block_number
    if attempt.args:
        delegation = delegation.with_args({0: attempt.args})
    redemption = Redemption(context=(delegation,), mode=mode_of(attempt), executions=attempt.executions)
    return execute(chain, redemption, redeemer=AGENT).verdict


def said(verdict: Verdict) -> str | None:
    """Return the reason a hook denied with ("" for none given), or None when the hooks let it pass.

    A call that fails after every hook agreed counts as passed: the caveat did not deny it.
    """
    if verdict.denial is None or verdict.denial.stage == "execution":
        return None
    assert verdict.denial.stage == "hook", verdict.denial
    return verdict.denial.reason


def transfer(token: Address, amount: int, to: Address = SHOP, *, value: int = 0) -> Execution:
    """Return the execution of an ERC-20 transfer."""
    data = bytes.fromhex("a9059cbb") + bytes(12) + to + amount.to_bytes(32, "big")
    return Execution(target=token, value=value, call_data=data)


Step = tuple[Callable[[Stage], Attempt], str | None]
"""An attempt, made once the stage stands, and what the chain says of it (`said`)."""


def check_steps(make: Callable[[Stage], EnforcerTerms], steps: Sequence[Step]) -> None:
    """Redeem step by step under one caveat: the chain says what is expected, and terms alone never say otherwise."""
    stage = set_stage()
    terms = make(stage)
    delegation = grant([terms.to_caveat()])
    for build, expected in steps:
        attempt = build(stage)
        assert said(attempt_on(stage.chain, delegation, attempt)) == expected
        judged = terms.denies(replace(attempt, timestamp=stage.chain.timestamp))
        assert judged in (None, expected), "what terms alone deny, the bytecode denies for the same reason"
        if terms.JUDGED_ALONE:
            assert judged == expected
