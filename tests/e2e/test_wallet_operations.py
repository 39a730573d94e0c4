"""A Hybrid account's grant, revoked on anvil by a user operation: mined, with fees, paid by the key or the account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from caveats.errors import ExecutionError
from caveats.types import Address
from delegations.evm import ONE_ETHER, LocalChain, dev_account
from delegations.evm.anvil import _Anvil
from delegations.evm.process import AnvilProcess, require_anvil
from delegations.evm.rpc import RpcClient
from delegations.permissions.wallet import (
    CallbackApprover,
    KeySubmitter,
    OperationSubmitter,
    PermissionsProvider,
    ProviderError,
    WalletChain,
    hybrid_account,
)
from delegations.simulation import NodeReader
from tests.receipts_corpus.contracts import install_entry_point
from tests.unit.permissions.wallet.stage import ALICE, CHAIN_ID, NOW, ORIGIN, periodic

GWEI = 10**9


@pytest.fixture(scope="module")
def node() -> Iterator[RpcClient]:
    chain = LocalChain(CHAIN_ID, timestamp=NOW)
    chain.fund(ALICE, 10 * ONE_ETHER)
    install_entry_point(chain)
    anvil = _Anvil(AnvilProcess(require_anvil(), chain_id=CHAIN_ID, fork="prague"))
    anvil.push(chain.world)
    anvil.client.call("evm_setNextBlockTimestamp", hex(NOW))
    anvil.client.call("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    anvil.client.call("evm_mine")
    anvil.client.call("evm_setAutomine", True)
    yield anvil.client
    anvil.stop()


def revoke(node: RpcClient, salt: int, *, has: int = 0, account_pays: bool = False) -> tuple[str, int]:
    """Grant and revoke; return how far it came, and what the account paid."""
    account = hybrid_account(bytes(dev_account(0).key), salt=salt)
    node.call("anvil_setBalance", str(account.address), hex(has))
    sender = KeySubmitter(node, CHAIN_ID, {Address(ALICE): dev_account(0)}, pause_seconds=0.02)
    submitter = OperationSubmitter(sender, ALICE, {account.address: account}, account_pays=account_pays)
    wallet = PermissionsProvider(
        accounts=[account],
        chains=[WalletChain(CHAIN_ID, NodeReader(node), submitter=submitter)],
        approver=CallbackApprover(lambda _question: True),
        clock=lambda: NOW,
    )
    for _ in range(2):  # the first deploys the account, the second finds it deployed
        (response,) = wallet.request("wallet_requestExecutionPermissions", [periodic()], origin=ORIGIN)
        params = {"permissionContext": response["context"]}
        assert wallet.request("wallet_revokeExecutionPermission", params, origin=ORIGIN) == {}
    left = int(node.call("eth_getBalance", str(account.address), "latest"), 16)
    deposit = submitter.read_deposit(account.address)
    return wallet.store.list_grants()[-1].state, has - left - deposit


def test_the_key_pays_and_the_account_needs_nothing(node: RpcClient) -> None:
    assert revoke(node, 1) == ("revoked", 0)


def test_an_account_that_is_to_pay_does(node: RpcClient) -> None:
    state, paid = revoke(node, 2, has=ONE_ETHER, account_pays=True)
    assert state == "revoked"
    assert 100_000 * GWEI < paid < ONE_ETHER


def test_one_that_has_nothing_is_told_so_and_nothing_is_sent(node: RpcClient) -> None:
    before = node.call("eth_blockNumber")
    with pytest.raises(ProviderError) as caught:
        revoke(node, 3, account_pays=True)
    assert isinstance(caught.value.__cause__, ExecutionError)
    assert "is to pay for its operation" in str(caught.value.__cause__)
    assert node.call("eth_blockNumber") == before
