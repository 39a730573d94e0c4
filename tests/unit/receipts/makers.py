"""The deeds behind the receipts."""

from __future__ import annotations

from collections.abc import Sequence

from caveats import Address, ERC20TransferAmount, Execution, LimitedCalls, NativeTokenTransferAmount
from caveats.enforcer import EnforcerTerms
from caveats.types import Bytes32, keccak
from delegations.delegation import Delegation, create_delegation, redelegate, sign_delegation
from delegations.evm import LocalChain, contract_code, dev_account
from delegations.execution import ExecutionMode
from delegations.receipts import (
    Answers,
    BlockRef,
    Escalation,
    Evidence,
    Label,
    Notes,
    Receipt,
    Revocation,
    hash_proposal,
    make_escalation_receipt,
    make_grant_receipt,
    make_preflight_receipts,
    make_receipts,
    make_revocation_receipt,
)
from delegations.redemption import Redemption, redeem
from delegations.simulation import execute, simulate

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


def noted() -> Notes:
    """Everything that can stand in a receipt beside the deed."""
    return Notes(
        grant="ab" * 32,
        answers=Answers(proposal=hash_proposal({"tool": "pay"}), kind="tool_call"),
        labels=(
            Label(address=ALICE, role="principal", name="Alice Example"),
            Label(address=AGENT, role="agent", name="Shopping agent"),
            Label(address=HELPER, role="sub-agent", name="Price checker"),
        ),
        evidence=(Evidence(type="receipt-proof", sha256="cd" * 32, uri="file:proof.json"),),
        issuer="did:web:shop.example",
        issued_at=1_790_000_000,
        ext={"ticket": "42"},
    )


def every_kind() -> dict[str, Receipt]:
    """One receipt of each kind, all with notes; the denial is one before the deed."""
    chain = stage()
    bounded = grant([NativeTokenTransferAmount(max_amount_wei=5), LimitedCalls(limit=3)])
    above = redeem(bounded, pay(6))
    (denial,) = make_preflight_receipts(chain, above, simulate(chain, above), notes=noted())
    granted = make_grant_receipt(bounded, chain_id=CHAIN_ID, manager=chain.manager, notes=noted())
    escalated = make_escalation_receipt(
        Escalation(
            asks=("send 6 wei to the shop, once",),
            approver=f"eip155:{CHAIN_ID}:{ALICE}",
            decision="approved",
            asked_at=1_790_000_000,
            decided_at=1_790_000_060,
            expires_at=1_790_003_600,
            denial=denial.hash,
            grant=Bytes32(b"\xef" * 32),
        ),
        chain_id=CHAIN_ID,
        redemption=above,
        prev=denial.hash,
        notes=noted(),
    )
    revoked = make_revocation_receipt(
        Revocation(
            chain=f"eip155:{CHAIN_ID}",
            manager=chain.manager,
            network="local",
            delegation=bounded.hash,
            how="disabled",
            by=ALICE,
            block=BlockRef(number=7, timestamp=1_790_000_100),
        ),
        bounded,
        notes=noted(),
    )
    (done,) = make_receipts(execute(chain, redeem(bounded, pay(5))), notes=noted())
    return {receipt.kind: receipt for receipt in (done, denial, escalated, revoked, granted)}
