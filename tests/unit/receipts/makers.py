"""The deeds behind the receipts."""

from __future__ import annotations

from collections.abc import Sequence

from caveats import Address, ERC20TransferAmount, Execution, LimitedCalls, NativeTokenTransferAmount
from caveats.enforcer import EnforcerTerms
from caveats.types import keccak
from delegations.delegation import Delegation, create_delegation, redelegate, sign_delegation
from delegations.evm import LocalChain, contract_code, dev_account
from delegations.execution import ExecutionMode
from delegations.receipts import Receipt, make_receipts
from delegations.redemption import Redemption, redeem
from delegations.simulation import execute

ALICE, AGENT, HELPER, SHOP = (Address(dev_account(i).address) for i in range(4))
CHAIN_ID = 10
FAIL = Execution(target=Address(b"\x01" * 20), call_data=keccak(b"failWithReason()")[:4])


def stage() -> LocalChain:
    """A chain with Alice as a delegator holding 10 ether."""
    chain = LocalChain(CHAIN_ID)
    chain.add_delegator(ALICE)
    return chain


def signed(delegation: Delegation, key: int = 0) -> Delegation:
    """The delegation signed by a development account."""
    manager = LocalChain(CHAIN_ID).manager
    return sign_delegation(delegation, dev_account(key), chain_id=CHAIN_ID, manager=manager, unsafe_unrestricted=True)


def grant(caveats: Sequence[EnforcerTerms] = (), *, salt: int = 0) -> Delegation:
    """Alice's grant to the agent."""
    return signed(
        create_delegation(delegator=ALICE, delegate=AGENT, caveats=caveats, salt=salt, unsafe_unrestricted=True)
    )


def transfer(token: Address, amount: int) -> Execution:
    """An ERC-20 transfer to the shop."""
    data = bytes.fromhex("a9059cbb") + bytes(12) + SHOP + amount.to_bytes(32, "big")
    return Execution(target=token, call_data=data)


def pay(amount_wei: int) -> Execution:
    """Native value for the shop."""
    return Execution(target=SHOP, value=amount_wei)


def executed() -> Receipt:
    """A helper pays tokens through two links; the token's amount passes what a float holds."""
    chain = stage()
    token = chain.deploy_token()
    chain.mint(token, ALICE, 10**30)
    root = grant([ERC20TransferAmount(token=token, max_amount=2**256 - 1)])
    leaf = signed(redelegate(root, delegate=HELPER, caveats=[LimitedCalls(limit=3)], salt=2**255), 1)
    done = execute(chain, redeem([leaf, root], transfer(token, 10**29 + 1)))
    return make_receipts(done, prev="ab" * 32)[0]


def partially_executed() -> Receipt:
    """Two payments with a call between them that fails and is swallowed."""
    chain = stage()
    target = chain.deploy(contract_code("TestTarget"))
    asked = Redemption(
        context=(grant(),),
        mode=ExecutionMode.BATCH_TRY,
        executions=(pay(1), FAIL.model_copy(update={"target": target}), pay(2)),
    )
    return make_receipts(execute(chain, asked))[0]


def denied() -> Receipt:
    """A payment above the allowance."""
    return make_receipts(execute(stage(), redeem(grant([NativeTokenTransferAmount(max_amount_wei=5)]), pay(6))))[0]


def failed() -> Receipt:
    """A call that every caveat allows and that reverts."""
    chain = stage()
    target = chain.deploy(contract_code("TestTarget"))
    return make_receipts(execute(chain, redeem(grant(), FAIL.model_copy(update={"target": target}))))[0]
