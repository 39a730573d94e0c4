"""A block in which everything happens before a denial: every type of transaction, a deployment, the budget used up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import rlp

from caveats import LimitedCalls, NativeTokenTransferAmount
from caveats.types import Address, keccak
from delegations.evm import dev_account
from delegations.framework.constants import EIP7702_STATELESS_DELEGATOR
from delegations.receipts import RedemptionReceipt
from delegations.receipts.evidence.bundle import Bundle
from delegations.receipts.evidence.collect import prove
from delegations.redemption import Redemption, encode_redeem_delegations, redeem
from tests.unit.receipts.evidence.live_chain import CHAIN_ID, SHOP, LiveChain
from tests.unit.receipts.evidence.staged import pay

FEE = 10**9
# what is deployed counts its calls in slot 0 and logs the count
COUNTER = bytes.fromhex("5f54600101805f555f5260205fa000")
DEPLOY = b"\x60" + bytes([len(COUNTER)]) + bytes.fromhex("8060095f395ff3") + COUNTER


@dataclass(frozen=True)
class Crowded:
    """A denial and its evidence."""

    receipt: RedemptionReceipt
    bundle: Bundle

    @property
    def trusted(self) -> bytes:
        return keccak(self.bundle.headers[0])

    @property
    def receipt_chain(self) -> int:
        return CHAIN_ID


class Queue:
    """Transactions that are mined in the order they are sent: each offers less than the one before."""

    def __init__(self, live: LiveChain) -> None:
        self.live, self.fee, self.hashes = live, FEE, list[bytes]()

    def send(self, key: int, to: Address | None = None, data: bytes = b"", **more: Any) -> bytes:
        self.fee -= 1000
        names = ("gasPrice",) if more.pop("priced", False) else ("maxFeePerGas", "maxPriorityFeePerGas")
        fee = dict.fromkeys(names, self.fee)
        self.hashes.append(self.live.send(key, to, data, **fee, **more))
        return self.hashes[-1]

    def redeem(self, key: int, *redemptions: Redemption, **more: Any) -> bytes:
        return self.send(key, self.live.manager, encode_redeem_delegations(redemptions), **more)


def used_up_in_its_block(live: LiveChain, salt: int) -> Crowded:
    """The agent's second call of one that was allowed: the first is the transaction before, in the same block."""
    once = live.grant(LimitedCalls(limit=1), NativeTokenTransferAmount(max_amount_wei=10), salt=salt)
    queue = Queue(live)
    queue.send(3, SHOP, value=1, priced=True)
    queue.send(4, SHOP, value=2, priced=True, accessList=[{"address": str(SHOP), "storageKeys": ["0x" + "01" * 32]}])
    nonce = live._nonces[4]
    queue.send(4, None, DEPLOY)
    counter = created_by(4, nonce)
    for _ in range(2):
        queue.send(4, counter)
    queue.send(4, SHOP, authorizationList=[_authorization(live, 3)])
    live._nonces[3] += 1
    queue.redeem(1, redeem(once, pay(3)))
    denied = queue.redeem(1, redeem(once, pay(3)))
    queue.send(1, SHOP, value=1)
    block = live.mine()
    order = [bytes.fromhex(digest[2:]) for digest in block["transactions"]]
    assert order == queue.hashes
    (receipt,) = live.receipts(denied)
    return Crowded(receipt, prove(receipt, live.client))


def denied_at(live: LiveChain, place: int) -> RedemptionReceipt:
    """A denial behind so many transactions; every second of these redeems what decides over it."""
    limits = LimitedCalls(limit=max(1, place // 2)), NativeTokenTransferAmount(max_amount_wei=10**6)
    counted = live.grant(*limits, salt=place)
    bounded = counted if place > 1 else live.grant(NativeTokenTransferAmount(max_amount_wei=1), salt=place)
    queue = Queue(live)
    for before in range(place):
        if before % 2:
            queue.redeem(1, redeem(bounded, pay(1)), gas=300_000)
        else:
            queue.send(4, SHOP, value=1, gas=21_000)
    denied = queue.redeem(1, redeem(bounded, pay(2)), gas=300_000)
    live.mine()
    (receipt,) = live.receipts(denied)
    if receipt.subject.transaction_index != place:
        raise AssertionError(f"expected the denial at place {place}, got {receipt.subject.transaction_index}")
    return receipt


def created_by(key: int, nonce: int) -> Address:
    """Where a transaction of an account's deploys."""
    return Address(keccak(rlp.encode([bytes.fromhex(dev_account(key).address[2:]), nonce]))[12:])


def _authorization(live: LiveChain, key: int) -> Any:
    signed = {"chainId": CHAIN_ID, "address": str(EIP7702_STATELESS_DELEGATOR), "nonce": live._nonces[key]}
    return dev_account(key).sign_authorization(signed)
