"""Acts for accounts that are contracts: by user operations that a key takes to the EntryPoint, without a bundler.

The key that sends pays for the gas of its transaction. Unless the account is to pay it back, the operation offers no
fee, and the account needs no ether: whoever takes such an operation to the chain pays for it.

Source: ERC-4337, EntryPoint v0.7 (handleOps, FailedOp, UserOperationEvent); framework 1.3.0, DeleGatorCore.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caveats.errors import ExecutionError, UnsupportedError
from caveats.execution import Execution
from caveats.types import Address
from delegations.accounts import (
    UserOperation,
    encode_execute,
    encode_get_deposit,
    encode_get_nonce,
    encode_handle_ops,
    explain_refusal,
    read_operation_results,
    sign_user_operation,
)
from delegations.evm.engine import Log
from delegations.evm.wire import from_address, from_data, from_quantity, to_data, unreadable
from delegations.framework.constants import ENTRY_POINT
from delegations.permissions.wallet.account import ContractAccount
from delegations.permissions.wallet.submit import Fees, KeySubmitter, estimate_gas, fetch_fees

_VERIFICATION_GAS = 300_000
_DEPLOYMENT_GAS = 1_200_000
_ACCOUNT_GAS = 60_000
"""What the proxy, the account and the EntryPoint take around the call itself."""


@dataclass(frozen=True)
class OperationSubmitter:
    """Sends calls of contract accounts as user operations; calls of other accounts as `sender` sends them.

    Args:
        sender: signs and sends the transactions.
        payer: the account among its keys that takes operations to the EntryPoint and pays for the gas.
        accounts: the contract accounts; each may still have to be deployed, which its operation then does.
        account_pays: have the account pay the gas back, from its deposit at the EntryPoint or its balance.
    """

    sender: KeySubmitter
    payer: Address
    accounts: Mapping[Address, ContractAccount]
    account_pays: bool = False

    def submit(self, account: Address, execution: Execution) -> str:
        """Sign an operation and send it. See Submitter.submit."""
        acting = self.accounts.get(account)
        if acting is None:
            return self.sender.submit(account, execution)
        operation = self.prepare(acting, execution)
        handle = Execution(target=ENTRY_POINT, call_data=encode_handle_ops([operation], beneficiary=self.payer))
        try:
            return self.sender.submit(self.payer, handle)
        except ExecutionError as error:
            why = explain_refusal(error.revert_data)
            if why is None:
                raise
            raise ExecutionError(
                f"nothing was sent, the EntryPoint refuses the operation: {why}", revert_data=error.revert_data
            ) from error

    def prepare(self, account: ContractAccount, execution: Execution) -> UserOperation:
        """Return the signed operation by which an account makes a call.

        Raises:
            UnsupportedError: it is no account of the framework, nobody can deploy it, or there is no EntryPoint.
            ExecutionError: the call would fail, or the account is to pay and cannot.
            EngineError: the node could not be asked.
        """
        if account.kind is None:
            raise UnsupportedError(f"account {account.address}: it is not known which operations it accepts")
        if not self._code(ENTRY_POINT):
            raise UnsupportedError(f"chain {self.sender.chain_id}: no EntryPoint v0.7 stands at {ENTRY_POINT}")
        init_code = b""
        if not self._code(account.address):
            if account.factory is None:
                raise UnsupportedError(f"account {account.address}: it is not deployed, and no factory for it is known")
            init_code = account.factory + account.factory_data
        fees = fetch_fees(self.sender.client) if self.account_pays else Fees(0, 0)
        inner = estimate_gas(self.sender.client, account.address, execution)
        operation = UserOperation(
            sender=account.address,
            nonce=self._ask_entry_point(encode_get_nonce(account.address)),
            init_code=init_code,
            call_data=encode_execute(execution),
            verification_gas_limit=_VERIFICATION_GAS + (_DEPLOYMENT_GAS if init_code else 0),
            call_gas_limit=inner + inner // 5 + _ACCOUNT_GAS,
            max_priority_fee_wei=fees.tip,
            max_fee_wei=fees.most,
        )
        self._check_prefund(operation)
        return sign_user_operation(operation, account.sign_hash, kind=account.kind, chain_id=self.sender.chain_id)

    def wait(self, transaction: str) -> bool:
        """Ask for the receipt until there is one, and read from its events what came of the operation.

        That the transaction succeeded says nothing of the operation in it. See Submitter.wait.
        """
        receipt = self.sender.fetch_receipt(transaction)
        status = from_quantity(receipt.get("status")) == 1
        if receipt.get("to") is None or from_address(receipt["to"]) != ENTRY_POINT:
            return status
        results = read_operation_results(_logs(receipt))
        for result in results:
            if not result.success:
                why = "" if result.revert is None else f": {result.revert.text}"
                raise ExecutionError(f"transaction {transaction}: the operation of {result.sender} failed{why}")
        return status and bool(results)

    def read_deposit(self, account: Address) -> int:
        """Return what an account has deposited at the EntryPoint, in wei. Raises EngineError."""
        return self._ask_entry_point(encode_get_deposit(account))

    def _check_prefund(self, operation: UserOperation) -> None:
        needs = operation.prefund_wei
        if not needs:
            return
        deposit = self.read_deposit(operation.sender)
        balance = from_quantity(self.sender.client.call("eth_getBalance", str(operation.sender), "latest"))
        if deposit + balance < needs:
            raise ExecutionError(
                f"nothing was sent: account {operation.sender} is to pay for its operation, which may cost {needs} wei;"
                f" it has {balance} wei and a deposit of {deposit} at the EntryPoint",
                hint=f"send it {needs - deposit - balance} wei, or let the sending key pay",
            )

    def _code(self, address: Address) -> bytes:
        return from_data(self.sender.client.call("eth_getCode", str(address), "latest"))

    def _ask_entry_point(self, call_data: bytes) -> int:
        request = {"to": str(ENTRY_POINT), "data": to_data(call_data)}
        answer = from_data(self.sender.client.call("eth_call", request, "latest"))
        if len(answer) != 32:
            raise unreadable("a number of 32 bytes", to_data(answer))
        return int.from_bytes(answer, "big")


def _logs(receipt: Mapping[str, Any]) -> list[Log]:
    logs = receipt.get("logs")
    if not isinstance(logs, list) or not all(isinstance(log, dict) and _has_topics(log) for log in logs):
        raise unreadable("a receipt with its logs", logs)
    return [
        Log(
            from_address(log.get("address")),
            tuple(from_data(topic) for topic in log["topics"]),
            from_data(log.get("data") or "0x"),
        )
        for log in logs
    ]


def _has_topics(log: Mapping[str, Any]) -> bool:
    return isinstance(log.get("topics"), list)
