"""Verdicts: what one simulation costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scripts.figures.harness import FigureError, Measured, figure, median_call, median_over_processes

FIRST_VERDICT = """
import time
start = time.perf_counter()
import sys
sys.path.insert(0, ".")
from scripts.figures.simulation import native_workload
native_workload()()
print(time.perf_counter() - start)
"""


def native_workload() -> Callable[[], object]:
    """Return a simulation of one native payment: one delegation, four caveats, py-evm."""
    from caveats import AllowedTargets, Execution, LimitedCalls, NativeTokenTransferAmount, Timestamp
    from caveats.types import Address
    from delegations.evm import dev_account

    shop = Address(dev_account(2).address)
    return _workload(
        lambda chain, token: (
            [
                AllowedTargets(targets=(shop,)),
                NativeTokenTransferAmount(max_amount_wei=10**18),
                Timestamp(before_at=chain.timestamp + 86_400),
                LimitedCalls(limit=5),
            ],
            Execution(target=shop, value=1),
        )
    )


def token_workload() -> Callable[[], object]:
    """Return a simulation of one ERC-20 payment: one delegation, four caveats, py-evm."""
    from caveats import AllowedTargets, ERC20TransferAmount, Execution, LimitedCalls, Timestamp
    from delegations.evm import dev_account

    transfer = bytes.fromhex("a9059cbb") + bytes(12) + bytes.fromhex(dev_account(2).address[2:])
    return _workload(
        lambda chain, token: (
            [
                AllowedTargets(targets=(token,)),
                ERC20TransferAmount(token=token, max_amount=10**18),
                Timestamp(before_at=chain.timestamp + 86_400),
                LimitedCalls(limit=5),
            ],
            Execution(target=token, call_data=transfer + (1).to_bytes(32, "big")),
        ),
        with_token=True,
    )


def _workload(ask: Callable[[Any, Any], Any], *, with_token: bool = False) -> Callable[[], object]:
    from caveats.types import ZERO_ADDRESS, Address
    from delegations import LocalChain, create_delegation, redeem, sign_delegation, simulate
    from delegations.evm import dev_account

    alice, agent = (Address(dev_account(i).address) for i in range(2))
    chain = LocalChain(1, engine="pyevm")
    chain.add_delegator(alice)
    token = ZERO_ADDRESS
    if with_token:
        token = chain.deploy_token()
        chain.mint(token, alice, 10**18)
    caveats, execution = ask(chain, token)
    unsigned = create_delegation(delegator=alice, delegate=agent, caveats=caveats)
    grant = sign_delegation(unsigned, dev_account(0), chain_id=1, manager=chain.manager)

    def once() -> object:
        verdict = simulate(chain, redeem(grant, execution))
        if not verdict.allowed:
            raise FigureError(f"the workload was denied: {verdict.denial}")
        return verdict

    return once


@figure("ms")
def simulated_native_redemption_pyevm() -> Measured:
    return Measured(1e3 * median_call(native_workload(), warm_up=10, count=50))


@figure("ms")
def simulated_token_redemption_pyevm() -> Measured:
    return Measured(1e3 * median_call(token_workload(), warm_up=10, count=50))


@figure("s")
def first_verdict_in_a_fresh_process() -> Measured:
    return Measured(median_over_processes(FIRST_VERDICT))
