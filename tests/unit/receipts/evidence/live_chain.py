"""A chain that mines: anvil with the framework on it, signed transactions, blocks made when they are asked for."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from caveats import Address, ERC20TransferAmount, Execution, LimitedCalls, NativeTokenTransferAmount
from caveats.enforcer import EnforcerTerms
from caveats.types import keccak
from delegations.delegation import Delegation, create_delegation, redelegate, sign_delegation
from delegations.evm import LocalChain, dev_account
from delegations.evm.anvil import _Anvil
from delegations.evm.process import AnvilProcess, require_anvil
from delegations.evm.rpc import RpcClient, UnixTransport
from delegations.receipts import RedemptionReceipt
from delegations.receipts.build_mined import receipts_of
from delegations.receipts.decode import FetchedTransaction, fetch_receipt
from delegations.redemption import Redemption, encode_redeem_delegations, redeem

CHAIN_ID = 10
ALICE, AGENT, HELPER, SHOP, OTHER = (Address(dev_account(i).address) for i in range(5))
GAS = 2_000_000


class LiveChain:
    """Anvil with the framework, Alice as an account of it, a token, and everybody funded.

    Args:
        process: an anvil of another kind; one by the rules of Prague by default.
        crowd: how many other accounts there are, and other slots in each contract that counts.

    Attributes:
        token: an ERC-20 of which Alice has plenty.
        manager: the delegation manager.
    """

    def __init__(self, process: Any = None, *, crowd: int = 0) -> None:
        local = LocalChain(CHAIN_ID)
        for person in (ALICE, AGENT, HELPER, SHOP, OTHER):
            local.fund(person)
        local.add_delegator(ALICE)
        local.add_delegator(HELPER)
        self.token = local.deploy_token()
        local.mint(self.token, ALICE, 10**24)
        self.local, self.manager = local, local.manager
        self.anvil = _Anvil(process or AnvilProcess(require_anvil(), chain_id=CHAIN_ID, fork="prague"))
        self.client = self.anvil.client
        self.call = self.client.call
        for number in range(crowd):
            local.world.set_balance(keccak(number.to_bytes(8, "big"))[12:], 1)
        for counting in (local.manager, ERC20TransferAmount.ADDRESS, LimitedCalls.ADDRESS) if crowd else ():
            for number in range(crowd):
                local.world.set_storage(counting, int.from_bytes(keccak(number.to_bytes(9, "big")), "big"), 1)
        self.anvil.push(local.world)
        self._nonces: dict[int, int] = {}

    def close(self) -> None:
        self.anvil.stop()

    # what is agreed off the chain

    def sign(self, delegation: Delegation, key: int) -> Delegation:
        return sign_delegation(
            delegation, dev_account(key), chain_id=CHAIN_ID, manager=self.manager, unsafe_unrestricted=True
        )

    def grant(self, *caveats: EnforcerTerms, salt: int = 0, to: Address = AGENT) -> Delegation:
        """Alice's grant."""
        made = create_delegation(delegator=ALICE, delegate=to, caveats=caveats, salt=salt, unsafe_unrestricted=True)
        return self.sign(made, 0)

    def three_links(self, salt: int = 0) -> list[Delegation]:
        """A chain of three, leaf first: Alice to the agent, to the helper, to another."""
        limits = (NativeTokenTransferAmount(max_amount_wei=10**18), LimitedCalls(limit=100))
        root = self.grant(ERC20TransferAmount(token=self.token, max_amount=10**24), LimitedCalls(limit=100), salt=salt)
        middle = self.sign(redelegate(root, delegate=HELPER, caveats=limits, salt=salt), 1)
        leaf = self.sign(redelegate(middle, delegate=OTHER, caveats=[LimitedCalls(limit=9)], salt=salt), 2)
        return [leaf, middle, root]

    def transfer(self, amount: int) -> Execution:
        data = bytes.fromhex("a9059cbb") + bytes(12) + SHOP + amount.to_bytes(32, "big")
        return Execution(target=self.token, call_data=data)

    # what is sent

    def send(self, key: int, to: Address | None = None, data: bytes = b"", **more: Any) -> bytes:
        """Send a signed transaction, not yet mined, and return its hash."""
        account = dev_account(key)
        nonce = self._nonces.setdefault(key, int(self.call("eth_getTransactionCount", account.address, "latest"), 16))
        fields: dict[str, Any] = {"nonce": nonce, "chainId": CHAIN_ID, "gas": GAS, "value": 0, "data": data}
        if to is not None:
            fields["to"] = str(to)
        if "gasPrice" not in more:
            fields |= {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 1}
        raw = account.sign_transaction(fields | more).raw_transaction
        digest: str = self.call("eth_sendRawTransaction", "0x" + raw.hex())
        self._nonces[key] = nonce + 1
        return bytes.fromhex(digest[2:])

    def redeem(self, key: int, *redemptions: Redemption, **more: Any) -> bytes:
        return self.send(key, self.manager, encode_redeem_delegations(redemptions), **more)

    def mine(self) -> dict[str, Any]:
        """Mine what waits and return the block."""
        self.call("evm_mine")
        block: dict[str, Any] = self.call("eth_getBlockByNumber", "latest", False)
        return block

    # what is made of it

    def fetch(self, digest: bytes, *, traced: bool = True) -> FetchedTransaction:
        return fetch_receipt(self.client, digest, with_trace=traced)

    def receipts(self, digest: bytes) -> tuple[RedemptionReceipt, ...]:
        """The receipts of a mined transaction, as they are made with a trace."""
        fetched = self.fetch(digest)
        block = self.call("eth_getBlockByHash", fetched.receipt["blockHash"], False)
        return receipts_of(fetched.decode(), fetched, timestamp=int(block["timestamp"], 16))

    def three_link_redemption(self, salt: int = 0, others: int = 0) -> RedemptionReceipt:
        """The receipt of a token payment through three links, mined between other transactions."""
        for _ in range(others // 2):
            self.send(1, SHOP, value=1)
        digest = self.redeem(4, redeem(self.three_links(salt), self.transfer(5)))
        for _ in range(others - others // 2):
            self.send(1, SHOP, value=1)
        self.mine()
        (receipt,) = self.receipts(digest)
        return receipt


@contextmanager
def other_anvil(*options: str) -> Iterator[RpcClient]:
    """A bare anvil with options of its own, spoken to over a socket."""
    with TemporaryDirectory(prefix="anvil-") as directory:
        path = Path(directory) / "anvil.ipc"
        command = [str(require_anvil()), "--port", "0", "--quiet", "--no-mining", "--ipc", str(path), *options]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        client = RpcClient(UnixTransport(str(path)), attempts=12)
        try:
            client.call("web3_clientVersion")
            yield client
        finally:
            client.close()
            process.terminate()
            process.wait(timeout=10)


def hashes(blocks: Sequence[dict[str, Any]]) -> list[bytes]:
    return [bytes.fromhex(block["hash"][2:]) for block in blocks]
