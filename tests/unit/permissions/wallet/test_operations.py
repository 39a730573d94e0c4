"""Acting for a Hybrid account: user operations taken to the official EntryPoint by a key, without a bundler."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from caveats import Execution
from caveats.errors import EngineError, ExecutionError, UnsupportedError
from caveats.types import Address, format_hex, parse_hex
from delegations.accounts import encode_execute
from delegations.delegation import Delegation, create_delegation, decode_context
from delegations.evm import ONE_ETHER, dev_account
from delegations.evm.rpc import RpcClient
from delegations.framework.constants import ENTRY_POINT, SIMPLE_FACTORY
from delegations.manager import MetaMaskManager
from delegations.permissions.wallet import (
    ContractAccount,
    KeySubmitter,
    LocalAccountSigner,
    OperationSubmitter,
    ProviderError,
    WalletChain,
    hybrid_account,
)
from delegations.redemption import redeem
from delegations.simulation import ChainReader, simulate
from delegations.testing import LocalRpc, RecordingChain
from tests.receipts_corpus.contracts import install_entry_point
from tests.unit.permissions.wallet.stage import AGENT, ALICE, BOB, CHAIN_ID, SHOP, LocalTransport, Wallet, new_chain

KEY = bytes(dev_account(0).key)
ACCOUNT = hybrid_account(KEY, salt=5)


class Acting:
    """A chain with the EntryPoint, and what acts for Alice's Hybrid account on it."""

    def __init__(self, account: ContractAccount = ACCOUNT, **options: Any) -> None:
        self.chain: RecordingChain = new_chain()
        install_entry_point(self.chain)
        self.transport = LocalTransport(LocalRpc(self.chain))
        client = RpcClient(self.transport, attempts=1)
        sender = KeySubmitter(client, CHAIN_ID, {ALICE: dev_account(0)}, attempts=1, sleep=lambda _seconds: None)
        self.submitter = OperationSubmitter(sender, ALICE, {account.address: account}, **options)
        self.account = account

    def deploy(self) -> None:
        assert self.chain.send(BOB, SIMPLE_FACTORY, self.account.factory_data).success

    def wallet(self) -> Wallet:
        place = WalletChain(CHAIN_ID, ChainReader(self.chain), submitter=self.submitter)
        accounts = [self.account, LocalAccountSigner(dev_account(0))]
        return Wallet(chain=self.chain, options={"accounts": accounts, "chains": [place]})

    def call(self, execution: Execution) -> bool:
        return self.submitter.wait(self.submitter.submit(self.account.address, execution))


def disable(wallet: Wallet, response: dict[str, Any]) -> None:
    assert wallet.revoke(response["context"]) == {}
    (kept,) = wallet.provider.store.list_grants()
    assert kept.state == "revoked"
    assert kept.revocation == format_hex(wallet.chain.history[-1].hash)


@pytest.mark.parametrize("is_deployed", [True, False])
def test_what_a_hybrid_account_granted_is_revoked_on_chain(is_deployed: bool) -> None:
    acting = Acting()
    if is_deployed:
        acting.deploy()
    acting.chain.fund(ACCOUNT.address, ONE_ETHER)
    wallet = acting.wallet()
    (response,) = wallet.request()
    (leaf,) = decode_context(parse_hex(response["context"]))
    disable(wallet, response)
    assert acting.chain.world.code(ACCOUNT.address)
    denial = simulate(acting.chain, redeem(leaf, Execution(target=SHOP, value=1))).denial
    assert denial is not None
    assert "CannotUseADisabledDelegation" in str(denial.reason)


def test_the_account_needs_no_ether_for_it() -> None:
    acting = Acting()
    wallet = acting.wallet()
    disable(wallet, wallet.request()[0])
    assert acting.chain.balance(ACCOUNT.address) == 0


def test_what_the_key_itself_granted_is_revoked_by_a_transaction_of_its_own() -> None:
    acting = Acting()
    wallet = acting.wallet()
    (response,) = wallet.request({**request(), "from": str(ALICE)})
    disable(wallet, response)
    assert acting.chain.history[-1].transaction.to == acting.chain.manager


def request() -> dict[str, Any]:
    from tests.unit.permissions.wallet.stage import periodic

    made: dict[str, Any] = periodic()
    return made


def test_one_operation_after_the_other_carries_the_next_nonce() -> None:
    acting = Acting()
    acting.chain.fund(ACCOUNT.address, 5)
    assert acting.call(Execution(target=SHOP, value=2))
    assert acting.call(Execution(target=SHOP, value=3))
    assert acting.chain.balance(ACCOUNT.address) == 0
    assert acting.submitter.prepare(ACCOUNT, Execution(target=SHOP)).nonce == 2


# who pays


class Charging(LocalTransport):
    """A chain that asks for a fee; it is not charged here, only offered."""

    def exchange(self, payload: bytes) -> bytes:
        return super().exchange(payload).replace(b'"baseFeePerGas": "0x0"', b'"baseFeePerGas": "0x5"')


def paying(balance: int) -> Acting:
    acting = Acting(account_pays=True)
    acting.submitter.sender.client.transport = Charging(acting.transport.rpc)
    acting.chain.fund(ACCOUNT.address, balance)
    return acting


def test_an_account_that_is_to_pay_pays() -> None:
    acting = paying(ONE_ETHER)
    before = acting.chain.balance(ACCOUNT.address)
    operation = acting.submitter.prepare(ACCOUNT, Execution(target=SHOP))
    assert operation.max_fee_wei == 10
    assert operation.prefund_wei > 0
    assert before == ONE_ETHER


def test_an_account_that_is_to_pay_and_cannot_is_told_what_it_lacks() -> None:
    acting = paying(1_000)
    with pytest.raises(ExecutionError, match=r"has 1000 wei and a deposit of 0 .* \(send it [0-9]+ wei") as caught:
        acting.submitter.prepare(ACCOUNT, Execution(target=SHOP))
    lacks = int(str(caught.value).rsplit("send it ")[-1].split()[0])
    acting.chain.fund(ACCOUNT.address, 1_000 + lacks)
    assert acting.submitter.prepare(ACCOUNT, Execution(target=SHOP)).prefund_wei == 1_000 + lacks


# what goes wrong


def test_a_call_that_would_fail_is_not_sent() -> None:
    acting = Acting()
    grant = create_delegation(delegator=ALICE, delegate=AGENT, caveats=[], salt=1, unsafe_unrestricted=True)
    with pytest.raises(ExecutionError, match="nothing was sent, the call would fail"):
        acting.submitter.submit(ACCOUNT.address, disabling(acting, grant))
    assert acting.chain.history == []


def disabling(acting: Acting, grant: Delegation) -> Execution:
    return Execution(target=acting.chain.manager, call_data=MetaMaskManager().encode_disable(grant))


def test_a_signature_the_account_does_not_accept_is_refused_by_the_entry_point_and_said_so() -> None:
    acting = Acting(dataclasses.replace(ACCOUNT, sign_hash=hybrid_account(bytes(dev_account(1).key)).sign_hash))
    with pytest.raises(ExecutionError, match="the EntryPoint refuses the operation: AA24 signature error"):
        acting.submitter.submit(ACCOUNT.address, Execution(target=SHOP))
    assert acting.chain.history == []


def test_an_account_with_code_of_another_kind_is_refused_with_its_reason() -> None:
    acting = Acting()
    acting.chain.world.set_code(ACCOUNT.address, bytes.fromhex("5f5ffd"))
    with pytest.raises(ExecutionError, match="the EntryPoint refuses the operation: AA23 reverted"):
        acting.submitter.submit(ACCOUNT.address, Execution(target=SHOP))


def test_an_operation_that_fails_in_a_transaction_that_does_not_is_a_failure() -> None:
    acting = Acting()
    acting.deploy()
    acting.chain.fund(ACCOUNT.address, 5)
    operation = acting.submitter.prepare(ACCOUNT, Execution(target=SHOP, value=5))
    acting.chain.fund(ACCOUNT.address, 4)
    sent = send(acting, operation)
    assert acting.chain.history[-1].outcome.success
    with pytest.raises(ExecutionError, match=rf"the operation of {ACCOUNT.address} failed"):
        acting.submitter.wait(sent)


def send(acting: Acting, operation: Any) -> str:
    from delegations.accounts import encode_handle_ops

    acting.chain.send(ALICE, ENTRY_POINT, encode_handle_ops([operation], beneficiary=ALICE))
    return format_hex(acting.chain.history[-1].hash)


def test_an_operation_somebody_else_took_to_the_chain_cannot_be_taken_twice() -> None:
    acting = Acting()
    acting.deploy()
    operation = acting.submitter.prepare(ACCOUNT, Execution(target=SHOP))
    assert acting.submitter.wait(send(acting, operation))
    assert not acting.submitter.wait(send(acting, operation))


def test_a_transaction_to_the_entry_point_that_carried_no_operation_is_no_success() -> None:
    acting = Acting()
    acting.chain.send(ALICE, ENTRY_POINT, value=1)
    assert not acting.submitter.wait(format_hex(acting.chain.history[-1].hash))


@pytest.mark.parametrize("method", ["eth_call", "eth_getCode", "eth_estimateGas", "eth_getBalance"])
def test_a_node_that_cannot_be_asked_is_no_refusal(method: str) -> None:
    acting = Acting()
    acting.transport.refuses.add(method)
    with pytest.raises(EngineError):
        acting.submitter.submit(ACCOUNT.address, Execution(target=SHOP))


def test_a_chain_without_an_entry_point_is_told() -> None:
    acting = Acting()
    acting.chain.world.set_code(ENTRY_POINT, b"")
    with pytest.raises(UnsupportedError, match="no EntryPoint"):
        acting.submitter.submit(ACCOUNT.address, Execution(target=SHOP))


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"kind": None}, "which operations it accepts"), ({"factory": None}, "no factory for it is known")],
)
def test_an_account_nothing_can_be_done_for_is_told(changes: dict[str, Any], said: str) -> None:
    acting = Acting(dataclasses.replace(ACCOUNT, **changes))
    with pytest.raises(UnsupportedError, match=said):
        acting.submitter.submit(ACCOUNT.address, Execution(target=SHOP))


def test_a_key_without_ether_is_told_what_it_lacks() -> None:
    acting = Acting()
    acting.submitter.sender.client.transport = Charging(acting.transport.rpc)
    acting.chain.fund(ALICE, 7)
    with pytest.raises(ExecutionError, match=rf"nothing was sent: {ALICE} has 7 wei and the transaction may cost"):
        acting.submitter.submit(ACCOUNT.address, Execution(target=SHOP))


def test_a_revocation_that_cannot_be_sent_stays_under_way_and_says_why() -> None:
    acting = Acting()
    acting.chain.world.set_code(ENTRY_POINT, b"")
    wallet = acting.wallet()
    (response,) = wallet.request()
    with pytest.raises(ProviderError):
        wallet.revoke(response["context"])
    (kept,) = wallet.provider.store.list_grants()
    assert kept.state == "revoking"
    assert "no EntryPoint" in str(kept.failure)


def test_the_account_does_what_the_execution_says() -> None:
    operation = Acting().submitter.prepare(ACCOUNT, Execution(target=SHOP, call_data=b"\x01"))
    assert operation.call_data == encode_execute(Execution(target=SHOP, call_data=b"\x01"))
    assert operation.init_code[:20] == SIMPLE_FACTORY
    assert Address(operation.init_code[:20]) == ACCOUNT.factory


# a node that answers something else


class Lying(LocalTransport):
    """A node that answers one method with something of its own."""

    def __init__(self, rpc: LocalRpc, method: str, answer: Any) -> None:
        super().__init__(rpc)
        self.method, self.answer = method, answer

    def exchange(self, payload: bytes) -> bytes:
        asked = json.loads(payload)
        if asked["method"] != self.method:
            return super().exchange(payload)
        return json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": self.answer}).encode()


EVENT = {"address": str(ENTRY_POINT), "topics": [], "data": "0x"}
SENT = {"status": "0x1", "to": str(ENTRY_POINT)}


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        *[("eth_call", answer) for answer in (None, "0x", "0x01", "0x" + "00" * 33, 5, {}, [], "zz")],
        *[("eth_getCode", answer) for answer in (None, 5, {}, "0x1", "none")],
        *[("eth_estimateGas", answer) for answer in (None, "many", -1, 1.5, {}, [])],
        *[("eth_getBalance", answer) for answer in (None, "", "0x", -1, {})],
        *[("eth_getTransactionReceipt", answer) for answer in (None, 5, "0x", [], {}, {"status": None}, SENT)],
        *[
            ("eth_getTransactionReceipt", {**SENT, "logs": logs})
            for logs in (None, 5, {}, [5], [{}], [{**EVENT, "topics": 5}], [{**EVENT, "topics": [5]}])
        ],
        ("eth_getTransactionReceipt", {**SENT, "logs": [{**EVENT, "address": "0x12"}]}),
        ("eth_getTransactionReceipt", {**SENT, "to": "nobody", "logs": []}),
        ("eth_getBlockByNumber", {}),
        ("eth_maxPriorityFeePerGas", None),
        ("eth_sendRawTransaction", None),
    ],
)
def test_a_node_that_answers_what_is_no_answer_was_not_asked(method: str, answer: Any) -> None:
    acting = Acting()
    acting.submitter.sender.client.transport = Lying(acting.transport.rpc, method, answer)
    with pytest.raises(EngineError):
        acting.call(Execution(target=SHOP))


def test_an_operation_that_is_not_reported_did_not_succeed() -> None:
    acting = Acting()
    acting.submitter.sender.client.transport = Lying(
        acting.transport.rpc, "eth_getTransactionReceipt", {**SENT, "logs": [EVENT]}
    )
    assert not acting.call(Execution(target=SHOP))
