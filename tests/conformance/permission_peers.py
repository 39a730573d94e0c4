"""A live chain, a wallet of ours behind HTTP, and the TypeScript kit as the dapp or as the wallet.

with peers() as met:
    met.kit_asks(cases(met.chain.token)["erc20-token-periodic"].request)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from caveats import Execution
from caveats.abi import encode_address, encode_uint
from caveats.types import Address
from delegations.evm import LocalChain, dev_account
from delegations.evm.anvil import _Anvil
from delegations.evm.process import AnvilProcess, require_anvil
from delegations.evm.rpc import RpcClient, UnixTransport
from delegations.manager import MetaMaskManager
from delegations.permissions import (
    Erc20TokenAllowance,
    Erc20TokenPeriodic,
    Erc20TokenStream,
    ExpiryRule,
    NativeTokenAllowance,
    NativeTokenPeriodic,
    NativeTokenStream,
    PayeeRule,
    Permission,
    PermissionRequest,
    Rule,
    TokenApprovalRevocation,
)
from delegations.permissions.client import PermissionsClient
from delegations.permissions.verify import AnswerReport
from delegations.permissions.wallet import (
    CallbackApprover,
    KeySubmitter,
    LocalAccountSigner,
    PermissionsProvider,
    WalletChain,
    create_app,
    open_socket,
)
from delegations.simulation import NodeReader, simulate
from tests.conformance.node import Kit, bigint

CHAIN_ID, NOW, DAY = 11155111, 1_800_000_000, 86_400
ALICE, AGENT, SHOP, OTHER = (Address(dev_account(i).address) for i in range(4))
ALICE_KEY, AGENT_KEY = ("0x" + bytes(dev_account(i).key).hex() for i in range(2))
ORIGIN, TOKEN_TEXT = "https://shop.example", "a token that is long enough".replace(" ", "-")
USD = 10**6
DISABLED = "0x05baa052"
"""CannotUseADisabledDelegation()."""
SCRIPT = Path(__file__).with_name("permissions_kit.mjs")


class LiveChain:
    """An anvil that mines, with the official framework, Alice upgraded and a token she holds."""

    def __init__(self) -> None:
        chain = LocalChain(CHAIN_ID, timestamp=NOW)
        chain.add_delegator(ALICE, 100 * 10**18)
        chain.fund(AGENT)
        self.token = chain.deploy_token("USD Coin", "USDC", 6)
        chain.mint(self.token, ALICE, 1_000_000 * USD)
        # what a revocation takes back; taken back twice it would be refused, so each test restores it
        self.approval = Execution(target=self.token, call_data=approve(5))
        assert chain.send_execution(ALICE, self.approval).success
        self._anvil = _Anvil(AnvilProcess(require_anvil(), chain_id=CHAIN_ID, fork="prague"))
        self._anvil.push(chain.world)
        self.socket = str(self._anvil.process._directory / "anvil.ipc")
        self._opened: list[RpcClient] = []
        self.client = self.connect()
        self.client.call("evm_setNextBlockTimestamp", hex(NOW))
        self.client.call("evm_mine")
        self.client.call("evm_setAutomine", True)

    def connect(self) -> RpcClient:
        """Another connection to it."""
        self._opened.append(RpcClient(UnixTransport(self.socket)))
        return self._opened[-1]

    def has_succeeded(self, digest: str) -> bool:
        """Whether a transaction that was sent succeeded. It is mined at once, which is a moment after it was sent."""
        for _ in range(10_000):
            receipt = self.client.call("eth_getTransactionReceipt", digest)
            if receipt is not None:
                return int(receipt["status"], 16) == 1
        raise AssertionError(f"{digest} was not mined")

    def fork(self) -> LocalChain:
        """Its state as a local chain."""
        return LocalChain.fork(self.client)

    def balance(self, holder: Address, *, token: Address | None = None) -> int:
        """What somebody holds, in wei or base units."""
        return self.fork().balance(holder, token)

    def close(self) -> None:
        for client in self._opened:
            client.close()
        self._anvil.stop()


@dataclass
class LiveWallet:
    """Our wallet on a live chain, behind HTTP.

    Attributes:
        says: what its approver answers.
    """

    chain: LiveChain
    url: str = ""
    says: Callable[[Any], Any] = field(default=lambda _question: True)

    def provider(self) -> PermissionsProvider:
        key = dev_account(0)
        client = self.chain.connect()
        place = WalletChain(
            CHAIN_ID, NodeReader(client), submitter=KeySubmitter(client, CHAIN_ID, {ALICE: key}, pause_seconds=0.02)
        )
        return PermissionsProvider(
            accounts=[LocalAccountSigner(key)],
            chains=[place],
            approver=CallbackApprover(lambda question: self.says(question)),
            clock=lambda: NOW,
        )

    @property
    def wire(self) -> dict[str, str]:
        """How the kit reaches it."""
        return {"url": self.url, "origin": ORIGIN, "token": TOKEN_TEXT}


@contextmanager
def serving(wallet: LiveWallet) -> Iterator[LiveWallet]:
    """Have a wallet answer on loopback."""
    import uvicorn

    app = create_app(wallet.provider(), origins=[ORIGIN], token=TOKEN_TEXT)
    listening = open_socket("127.0.0.1", 0)
    config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none", loop="asyncio", http="h11")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    wallet.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        yield wallet
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def transfer(amount: int, to: Address = SHOP) -> bytes:
    """The calldata of a transfer."""
    return bytes.fromhex("a9059cbb") + encode_address(to) + encode_uint(amount)


def approve(amount: int, spender: Address = OTHER) -> bytes:
    """The calldata of an approval."""
    return bytes.fromhex("095ea7b3") + encode_address(spender) + encode_uint(amount)


@dataclass(frozen=True)
class Case:
    """A permission that is asked for, a call it allows twice, and one it does not after the first."""

    request: PermissionRequest
    allowed: Execution
    denied: Execution

    @property
    def kind(self) -> str:
        """The permission type."""
        return self.request.permission.type


def cases(token: Address) -> dict[str, Case]:
    """One case for each live permission type, by its name."""
    start, unit = NOW, 10**15
    to_shop, too_much = Execution(target=SHOP, value=unit), Execution(target=SHOP, value=50 * unit)
    paid, overpaid = (Execution(target=token, call_data=transfer(amount)) for amount in (5 * USD, 6 * USD))
    stream = {"max_amount": 40 * unit, "initial_amount": 4 * unit, "amount_per_second": 1, "start_time": start}
    tokens = {"max_amount": 12 * USD, "initial_amount": 10 * USD, "amount_per_second": 1, "start_time": start}
    permissions: list[tuple[Permission, Execution, Execution]] = [
        (NativeTokenStream(**stream), to_shop, too_much),
        (NativeTokenPeriodic(period_amount=2 * unit, period_duration=DAY, start_time=start), to_shop, too_much),
        (NativeTokenAllowance(allowance_amount=2 * unit, start_time=start), to_shop, too_much),
        (Erc20TokenStream(token_address=token, **tokens), paid, overpaid),
        (
            Erc20TokenPeriodic(token_address=token, period_amount=10 * USD, period_duration=DAY, start_time=start),
            paid,
            overpaid,
        ),
        (Erc20TokenAllowance(token_address=token, allowance_amount=10 * USD, start_time=start), paid, overpaid),
        (
            TokenApprovalRevocation(erc20_approve=True, permit2_lockdown=True),
            Execution(target=token, call_data=approve(0)),
            Execution(target=token, call_data=approve(1)),
        ),
    ]
    made = {}
    for permission, allowed, denied in permissions:
        rules: list[Rule] = [ExpiryRule(timestamp=NOW + 30 * DAY)]
        if not isinstance(permission, TokenApprovalRevocation):
            rules.append(PayeeRule(addresses=(SHOP,)))
        asked = PermissionRequest(chain_id=CHAIN_ID, to=AGENT, permission=permission, rules=tuple(rules))
        made[permission.type] = Case(asked, allowed, denied)
    return made


def kit_parameters(request: PermissionRequest) -> dict[str, Any]:
    """The request as the kit's dapp gives it: amounts as bigint, rules by name."""
    data = {
        name: bigint(int(value, 16)) if isinstance(value, str) and "ddress" not in name else value
        for name, value in request.permission.write_data().items()
    }
    permission = {"type": request.permission.type, "isAdjustmentAllowed": False, "data": data}
    parameters: dict[str, Any] = {"chainId": request.chain_id, "to": str(request.to), "permission": permission}
    if request.expiry is not None:
        parameters["expiry"] = request.expiry
    if request.payees is not None:
        parameters["payee"] = list(map(str, request.payees))
    return parameters


@dataclass
class Peers:
    """Everything there is, and what either side does with it."""

    chain: LiveChain
    wallet: LiveWallet
    kit: Kit
    opened: list[PermissionsClient] = field(default_factory=list)

    def connect(self, url: str, token: str | None = None) -> PermissionsClient:
        """Our dapp at a wallet."""
        self.opened.append(PermissionsClient.over_http(url, token=token, origin=ORIGIN))
        return self.opened[-1]

    @property
    def client(self) -> PermissionsClient:
        """Our dapp at our wallet."""
        return self.connect(self.wallet.url, TOKEN_TEXT)

    def kit_asks(self, request: PermissionRequest) -> dict[str, Any]:
        """What the kit gets from our wallet: {"granted": [...]} or {"error", "code"}."""
        return self.kit.ask("request", wallet=self.wallet.wire, parameters=[kit_parameters(request)])

    def kit_redeems(self, response: dict[str, Any], call: Execution, *, is_mined: bool = True) -> dict[str, Any]:
        """What comes of the kit's sendTransactionWithDelegation; a denial is mined, or told by the estimate of gas."""
        return self.kit.ask(
            "redeem",
            socket=self.chain.socket,
            chainId=CHAIN_ID,
            privateKey=AGENT_KEY,
            to=str(call.target),
            data="0x" + call.call_data.hex(),
            value=bigint(call.value),
            **({"gas": bigint(2_000_000)} if is_mined else {}),
            response=response,
        )

    def kit_wallet(self, **conduct: Any) -> PermissionsClient:
        """Our dapp at a wallet made of the kit, which may misbehave."""
        options = {"privateKey": ALICE_KEY, "chainIds": [hex(CHAIN_ID)], **conduct}
        return self.connect(self.kit.ask("serve", wallet=options)["url"])

    def restore_approval(self, case: Case) -> None:
        """Approve again what a revocation is to take back."""
        if isinstance(case.request.permission, TokenApprovalRevocation):
            assert self.send(0, self.chain.approval)

    def send(self, sender: int, call: Execution) -> bool:
        """Whether a transaction that one of the development accounts signs succeeds, once it is mined."""
        account = dev_account(sender)
        address = str(account.address)
        signed = account.sign_transaction(
            {
                "type": 2,
                "chainId": CHAIN_ID,
                "nonce": int(self.chain.client.call("eth_getTransactionCount", address, "latest"), 16),
                "to": str(call.target),
                "data": "0x" + call.call_data.hex(),
                "value": call.value,
                "gas": 2_000_000,
                "maxFeePerGas": 10**10,
                "maxPriorityFeePerGas": 0,
            }
        )
        digest = self.chain.client.call("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex())
        return self.chain.has_succeeded(digest)

    def verify(self, client: PermissionsClient, request: PermissionRequest) -> AnswerReport:
        """What a wallet answers our dapp, verified on the live chain's state."""
        return client.request_verified([request], chain=self.chain.fork())


class Life(NamedTuple):
    """What became of one grant: each part is as it should be, or not."""

    redeemed: bool
    denied_beyond: bool
    denied_when_revoked: bool


def life_at_our_wallet(met: Peers, case: Case) -> Life:
    """The kit asks our wallet and redeems; our client revokes, and the kit tries again."""
    met.restore_approval(case)
    (response,) = met.kit_asks(case.request)["granted"]
    redeemed = met.kit_redeems(response, case.allowed)["status"] == "success"
    beyond = met.kit_redeems(response, case.denied)["status"] == "reverted"
    met.client.revoke(response["context"])
    told = met.kit_redeems(response, case.allowed, is_mined=False).get("data")
    revoked = met.kit_redeems(response, case.allowed)["status"] == "reverted"
    return Life(redeemed, beyond, revoked and told == DISABLED)


def life_at_the_kits_wallet(met: Peers, case: Case) -> Life:
    """We ask a wallet made of the kit, verify and redeem; the account disables it, and we try again."""
    met.restore_approval(case)
    (granted,) = met.verify(met.kit_wallet(), case.request).require()
    redeemed = met.send(1, *granted.calls(case.allowed))
    beyond = not met.send(1, *granted.calls(case.denied))
    disable = MetaMaskManager().encode_disable(granted.context[0])
    assert met.send(0, Execution(target=granted.manager, call_data=disable))
    denial = simulate(met.chain.fork(), granted.redemption(case.allowed)).denial
    revoked = not met.send(1, *granted.calls(case.allowed))
    return Life(redeemed, beyond, revoked and "CannotUseADisabledDelegation" in ((denial and denial.reason) or ""))


@contextmanager
def peers() -> Iterator[Peers]:
    """A live chain, our wallet on it behind HTTP, and the kit."""
    chain = LiveChain()
    try:
        with serving(LiveWallet(chain)) as wallet, Kit(SCRIPT) as kit:
            running = Peers(chain, wallet, kit)
            try:
                yield running
            finally:
                for client in running.opened:
                    client.close()
    finally:
        chain.close()
