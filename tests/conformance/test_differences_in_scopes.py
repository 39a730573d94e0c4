"""Where a scope of the kit lets something through that our constraint closes, on the official bytecode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from caveats import Address, Caveat, ERC721Transfer, Execution, OwnershipTransfer, ValueLte
from caveats.abi import encode_address, encode_uint
from caveats.attempt import Attempt
from caveats.constraints import transfer_nft
from caveats.spend.erc721_transfer import TRANSFER_FROM
from caveats.targets.ownership_transfer import TRANSFER_OWNERSHIP
from delegations.evm import LocalChain
from tests.conformance.node import Kit, bigint
from tests.enforcers.harness import ALICE, SHOP, START_AT, attempt_on, grant, said, set_stage

TAKES_ANY_CALL = bytes.fromhex("60016000f3")
"""Creation code of a payable contract whose code is one zero byte, STOP: any call to it passes and may bring ether."""
ONE_ETHER = 10**18
TOKEN_ID = 7


@dataclass(frozen=True)
class Shop:
    """A chain with Alice as a delegator and a payable contract that stands for an NFT's."""

    chain: LocalChain
    token: Address

    def transfer(self, *, value: int) -> Attempt:
        """Return the attempt to transfer Alice's NFT with this much ether riding along."""
        data = TRANSFER_FROM + encode_address(ALICE) + encode_address(SHOP) + encode_uint(TOKEN_ID)
        return Attempt((Execution(target=self.token, value=value, call_data=data),), timestamp=START_AT)


@pytest.fixture
def shop() -> Shop:
    chain = set_stage().chain
    return Shop(chain, chain.deploy(TAKES_ANY_CALL))


def kits_caveats(kit: Kit, **scope: Any) -> list[Caveat]:
    """Return the caveats of a scope of the kit."""
    return [Caveat.from_wire(caveat) for caveat in kit.ask("scope", scope=scope)["caveats"]]


def nft_scope(kit: Kit, token: Address) -> list[Caveat]:
    return kits_caveats(kit, type="erc721Transfer", tokenAddress=str(token), tokenId=bigint(TOKEN_ID))


def test_the_kits_nft_scope_is_ours_without_the_guard_on_native_value(kit: Kit, shop: Shop) -> None:
    guard, transfer = (terms.to_caveat(args=b"\0") for terms in transfer_nft(shop.token, TOKEN_ID))
    assert guard == ValueLte(max_value_wei=0).to_caveat(args=b"\0")
    assert nft_scope(kit, shop.token) == [transfer]
    assert transfer == ERC721Transfer(token=shop.token, token_id=TOKEN_ID).to_caveat(args=b"\0")


def test_native_value_rides_along_under_the_kits_nft_scope(kit: Kit, shop: Shop) -> None:
    verdict = attempt_on(shop.chain, grant(nft_scope(kit, shop.token)), shop.transfer(value=ONE_ETHER))
    assert verdict.allowed
    assert shop.chain.balance(shop.token) == ONE_ETHER


def test_native_value_does_not_ride_along_under_our_nft_constraint(shop: Shop) -> None:
    delegation = grant([terms.to_caveat() for terms in transfer_nft(shop.token, TOKEN_ID)])
    assert attempt_on(shop.chain, delegation, shop.transfer(value=0)).allowed
    assert said(attempt_on(shop.chain, delegation, shop.transfer(value=1))) == "ValueLteEnforcer:value-too-high"
    assert shop.chain.balance(shop.token) == 0


def test_native_value_rides_along_under_the_kits_ownership_scope(kit: Kit, shop: Shop) -> None:
    caveats = kits_caveats(kit, type="ownershipTransfer", contractAddress=str(shop.token))
    assert caveats == [OwnershipTransfer(target=shop.token).to_caveat(args=b"\0")]
    call = Execution(target=shop.token, value=ONE_ETHER, call_data=TRANSFER_OWNERSHIP + encode_address(SHOP))
    assert attempt_on(shop.chain, grant(caveats), Attempt((call,), timestamp=START_AT)).allowed
    assert shop.chain.balance(shop.token) == ONE_ETHER


def test_a_guard_beside_the_ownership_caveat_stops_it(shop: Shop) -> None:
    caveats = [OwnershipTransfer(target=shop.token).to_caveat(), ValueLte(max_value_wei=0).to_caveat()]
    call = Execution(target=shop.token, value=1, call_data=TRANSFER_OWNERSHIP + encode_address(SHOP))
    verdict = attempt_on(shop.chain, grant(caveats), Attempt((call,), timestamp=START_AT))
    assert said(verdict) == "ValueLteEnforcer:value-too-high"
