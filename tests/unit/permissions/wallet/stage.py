"""A chain, a wallet on it, and a site that asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from caveats.types import Address
from delegations.evm import GENESIS_AT, dev_account
from delegations.evm.rpc import RpcClient
from delegations.permissions.wallet import (
    Approver,
    CallbackApprover,
    KeySubmitter,
    LocalAccountSigner,
    PermissionsProvider,
    Question,
    WalletChain,
)
from delegations.simulation import ChainReader, NodeReader
from delegations.testing import LocalRpc, RecordingChain

CHAIN_ID = 31337
NOW = GENESIS_AT
DAY = 86_400
ALICE, AGENT, SHOP, BOB = (Address(dev_account(i).address) for i in range(4))
TOKEN = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
ORIGIN = "https://shop.example"
OTHER = "https://other.example"


@dataclass
class LocalTransport:
    """Takes requests to a chain in this process.

    Attributes:
        refuses: methods it does not carry, each as a node that cannot be reached.
    """

    rpc: LocalRpc
    label: str = "the local chain"
    refuses: set[str] = field(default_factory=set)

    def exchange(self, payload: bytes) -> bytes:
        asked = json.loads(payload)
        bodies = asked if isinstance(asked, list) else [asked]
        if self.refuses & {body["method"] for body in bodies}:
            raise ConnectionError("nobody listens")
        answers = [self.rpc.answer(b["method"], b["params"], identifier=b["id"]) for b in bodies]
        return json.dumps(answers if isinstance(asked, list) else answers[0]).encode()

    def close(self) -> None:
        """Nothing is open."""


def new_chain() -> RecordingChain:
    chain = RecordingChain(CHAIN_ID)
    chain.add_delegator(ALICE)
    return chain


@dataclass
class Wallet:
    """A wallet of Alice's, whose approver says yes unless told otherwise.

    Attributes:
        questions: what its approver was asked.
        lines: what it told its operator.
    """

    chain: RecordingChain = field(default_factory=new_chain)
    approver: Approver | None = None
    reads_a_node: bool = False
    sends: bool = True
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.questions: list[Question] = []
        self.lines: list[str] = []
        self.now = NOW
        self.transport = LocalTransport(LocalRpc(self.chain))
        self.client = RpcClient(self.transport, attempts=1)
        keys = {ALICE: dev_account(0)}
        submitter = KeySubmitter(self.client, CHAIN_ID, keys, attempts=1, sleep=_no_wait)
        reader = NodeReader(self.client) if self.reads_a_node else ChainReader(self.chain)
        given = {
            "accounts": [LocalAccountSigner(dev_account(0))],
            "chains": [WalletChain(CHAIN_ID, reader, submitter=submitter if self.sends else None)],
            "approver": CallbackApprover(self._say_yes) if self.approver is None else self.approver,
            "clock": lambda: self.now,
            "on_event": self.lines.append,
        }
        self.provider = PermissionsProvider(**{**given, **self.options})

    def _say_yes(self, question: Question) -> bool:
        self.questions.append(question)
        return True

    def ask(self, method: str, params: Any = None, *, origin: str = ORIGIN) -> Any:
        return self.provider.request(method, params, origin=origin)

    def request(self, *requests: dict[str, Any], origin: str = ORIGIN) -> Any:
        return self.ask("wallet_requestExecutionPermissions", list(requests) or [periodic()], origin=origin)

    def granted(self, origin: str = ORIGIN) -> Any:
        return self.ask("wallet_getGrantedExecutionPermissions", [], origin=origin)

    def revoke(self, context: str, *, origin: str = ORIGIN) -> Any:
        return self.ask("wallet_revokeExecutionPermission", {"permissionContext": context}, origin=origin)


def _no_wait(_seconds: float) -> None:
    """Nothing to wait for: a local chain mines at once."""


def request(kind: str, data: dict[str, Any], *rules: dict[str, Any], adjustable: bool = False, **more: Any) -> Any:
    """A request in wire form; `more` are other fields, None for one that is left out."""
    made = {
        "chainId": hex(CHAIN_ID),
        "to": str(AGENT),
        "permission": {"type": kind, "isAdjustmentAllowed": adjustable, "data": data},
        "rules": list(rules),
        **more,
    }
    return {name: value for name, value in made.items() if value is not None}


def periodic(*rules: dict[str, Any], amount: int = 10, adjustable: bool = False, **more: Any) -> Any:
    """Ten wei a day."""
    data = {"periodAmount": hex(amount), "periodDuration": DAY}
    return request("native-token-periodic", data, *(rules or [expiry(7)]), adjustable=adjustable, **more)


def expiry(days: int) -> dict[str, Any]:
    return {"type": "expiry", "data": {"timestamp": NOW + days * DAY}}


def addresses(kind: str, *listed: Address) -> dict[str, Any]:
    return {"type": kind, "data": {"addresses": [str(address) for address in listed]}}


Answer = Callable[[Question], bool]
