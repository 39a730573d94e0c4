"""Accounts: who signs, what must be deployed first, what stands in the way."""

from __future__ import annotations

import secrets

import pytest

from caveats import Execution, NativeTokenTransferAmount
from caveats.errors import EncodingError
from caveats.types import Address, Bytes32, parse_hex
from delegations.delegation import create_delegation, decode_context, recover_delegation_signer
from delegations.evm import ONE_ETHER, LocalChain, dev_account
from delegations.framework.constants import DELEGATION_MANAGER, EIP7702_PREFIX, SIMPLE_FACTORY
from delegations.permissions.wallet import ContractAccount, LocalAccountSigner, hybrid_account
from delegations.permissions.wallet.account import simple_factory_address
from delegations.redemption import redeem
from delegations.simulation import simulate
from tests.unit.permissions.wallet.stage import AGENT, ALICE, CHAIN_ID, SHOP, Wallet, new_chain, periodic

KEY = bytes(dev_account(0).key)
UPGRADED = EIP7702_PREFIX + bytes(20)


def test_a_key_signs_for_its_own_address() -> None:
    account = LocalAccountSigner.from_key(KEY)
    terms = [NativeTokenTransferAmount(max_amount_wei=1)]
    unsigned = create_delegation(delegator=account.address, delegate=AGENT, caveats=terms)
    signed = account.sign(unsigned, chain_id=1, manager=DELEGATION_MANAGER)
    assert account.address == ALICE
    assert recover_delegation_signer(signed, chain_id=1, manager=DELEGATION_MANAGER) == ALICE


@pytest.mark.parametrize("key", [bytes(32), b"\xff" * 32, b"\x01" * 31])
def test_what_is_no_key_is_refused_without_being_shown(key: bytes) -> None:
    with pytest.raises(EncodingError) as caught:
        LocalAccountSigner.from_key(key)
    assert key.hex()[:16] not in str(caught.value)


def test_an_eoa_has_no_dependencies() -> None:
    assert LocalAccountSigner(dev_account(0)).dependencies(b"") == ()


@pytest.mark.parametrize(
    ("code", "said"),
    [(b"", "not upgraded yet"), (b"\x60\x00", "code of its own"), (EIP7702_PREFIX, "code of its own")],
)
def test_what_stands_in_the_way_of_an_eoa_is_said(code: bytes, said: str) -> None:
    assert said in str(LocalAccountSigner(dev_account(0)).find_obstacle(code))


def test_nothing_stands_in_the_way_of_an_upgraded_one() -> None:
    assert LocalAccountSigner(dev_account(0)).find_obstacle(UPGRADED) is None


def hybrid_wallet(chain: LocalChain | None = None) -> tuple[Wallet, ContractAccount]:
    account = hybrid_account(KEY, salt=5)
    return Wallet(chain=chain or new_chain(), options={"accounts": [account]}), account


def test_an_account_that_is_not_deployed_comes_with_what_deploys_it() -> None:
    wallet, account = hybrid_wallet()
    (response,) = wallet.request()
    (dependency,) = response["dependencies"]
    assert dependency["factory"] == str(SIMPLE_FACTORY)
    assert response["from"] == str(account.address)
    outcome = wallet.chain.send(AGENT, SIMPLE_FACTORY, parse_hex(dependency["factoryData"]))
    assert outcome.success
    assert wallet.chain.world.code(account.address)


def test_what_it_granted_holds_once_it_is_deployed_and_not_before() -> None:
    wallet, account = hybrid_wallet()
    (response,) = wallet.request(periodic(amount=10))
    (leaf,) = decode_context(parse_hex(response["context"]))
    pay = redeem(leaf, Execution(target=SHOP, value=10))
    wallet.chain.fund(account.address, ONE_ETHER)
    assert not simulate(wallet.chain, pay).allowed
    wallet.chain.send(AGENT, SIMPLE_FACTORY, account.factory_data)
    assert simulate(wallet.chain, pay).allowed


def test_a_deployed_account_has_no_dependencies_any_more() -> None:
    wallet, account = hybrid_wallet()
    wallet.chain.send(AGENT, SIMPLE_FACTORY, account.factory_data)
    assert wallet.request()[0]["dependencies"] == []


def test_another_owner_or_salt_is_another_account() -> None:
    accounts = {hybrid_account(key, salt=salt).address for key in (KEY, bytes(dev_account(1).key)) for salt in (0, 1)}
    assert len(accounts) == 4


def test_an_account_its_factory_would_put_elsewhere_is_refused() -> None:
    data = hybrid_account(KEY).factory_data
    with pytest.raises(EncodingError, match="where its factory puts it"):
        ContractAccount(Address(secrets.token_bytes(20)), lambda _digest: b"", SIMPLE_FACTORY, data)


@pytest.mark.parametrize("data", [b"", b"\x12\x34\x56\x78", b"\x12\x34\x56\x78" + bytes(64)])
def test_what_is_no_call_of_the_factory_is_refused(data: bytes) -> None:
    with pytest.raises(EncodingError, match="a call of deploy"):
        simple_factory_address(data)


def test_a_contract_signs_by_the_function_it_was_given() -> None:
    seen: list[Bytes32] = []

    def sign(digest: Bytes32) -> bytes:
        seen.append(digest)
        return b"by 1271"

    account = ContractAccount(SHOP, sign)
    wallet = Wallet(options={"accounts": [account]})
    (leaf,) = decode_context(parse_hex(wallet.request()[0]["context"]))
    assert leaf.signature == b"by 1271"
    assert len(seen) == 1


def test_a_contract_nobody_can_deploy_is_remarked_on() -> None:
    assert "no factory" in str(ContractAccount(SHOP, lambda _digest: b"").find_obstacle(b""))
    assert ContractAccount(SHOP, lambda _digest: b"").find_obstacle(b"\x60") is None


def test_an_empty_signature_is_none() -> None:
    from delegations.permissions.wallet import ProviderError

    wallet = Wallet(options={"accounts": [ContractAccount(SHOP, lambda _digest: b"")]})
    with pytest.raises(ProviderError, match="could not sign"):
        wallet.request()
    assert wallet.chain.chain_id == CHAIN_ID


def test_the_address_is_the_one_the_typescript_kit_gives() -> None:
    # toMetaMaskSmartAccount({implementation: Hybrid, deployParams: [owner, [], [], []], deploySalt: "0x05"})
    assert hybrid_account(KEY, salt=5).address == Address("0xf566681DA14A4dca4534BB45EED7B9eD9d426273")
