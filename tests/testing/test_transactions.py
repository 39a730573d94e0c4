"""Signed transactions of every type that eth-account makes, and what a node would refuse."""

from __future__ import annotations

import pytest
import rlp
from eth_account import Account

from caveats import DelegationsError, EncodingError, ExecutionError, LimitedCalls, UnsupportedError
from caveats.types import ZERO_ADDRESS
from delegations.framework.constants import EIP7702_PREFIX, EIP7702_STATELESS_DELEGATOR
from delegations.redemption import encode_redeem_delegations, redeem
from delegations.testing.transactions import AUTHORIZATION_GAS, decode_transaction, send_signed

BASE = {"nonce": 0, "gas": 60_000, "value": 7, "data": b"", "chainId": 31337}
LEGACY = {"gasPrice": 0}
DYNAMIC = {"maxFeePerGas": 0, "maxPriorityFeePerGas": 0, "type": 2}


@pytest.fixture
def signed(agent, stranger):
    def signed(fields, **changed) -> bytes:
        request = {**BASE, "to": str(stranger.address), **fields, **changed}
        return bytes(agent.account.sign_transaction(request).raw_transaction)

    return signed


def send(chain, raw: bytes):
    return send_signed(chain, decode_transaction(raw))


@pytest.mark.parametrize(
    ("kind", "fields"), [(0, LEGACY), (1, {"gasPrice": 0, "accessList": [], "type": 1}), (2, DYNAMIC)]
)
def test_a_transaction_of_each_type_is_recovered_and_executed(chain, agent, stranger, signed, kind, fields):
    raw = signed(fields)
    mined = send(chain, raw)
    assert (mined.kind, mined.transaction.sender) == (kind, agent.address)
    assert str(mined.transaction.sender) == Account.recover_transaction(raw)
    assert stranger.balance() == 10**19 + 7
    assert chain.world.nonce(agent.address) == 1
    assert chain.history == [mined]


def test_the_hash_is_that_of_eth_account(agent, stranger):
    for fields in (LEGACY, DYNAMIC):
        made = agent.account.sign_transaction({**BASE, "to": str(stranger.address), **fields})
        assert decode_transaction(bytes(made.raw_transaction)).hash == bytes(made.hash)


def test_a_fee_is_paid_by_the_sender_to_the_producer(chain, agent, signed):
    mined = send(chain, signed(DYNAMIC, maxFeePerGas=100, maxPriorityFeePerGas=3))
    assert (mined.gas_price, mined.outcome.gas_used) == (3, 21_000)
    assert agent.balance() == 10**19 - 7 - 63_000
    assert chain.balance(ZERO_ADDRESS) == 63_000


def test_a_fee_that_could_not_be_paid_is_refused(chain, agent, signed):
    send(chain, signed(LEGACY, gasPrice=10**14))
    with pytest.raises(ExecutionError, match=r"funds: 0x.* this may cost"):
        send(chain, signed(LEGACY, gasPrice=10**15, nonce=1))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"nonce": 1}, "nonce of 0x70997970C51812dc3A010C7d01b50e0d17dc79C8: expected 0, got 1"),
        ({"chainId": 1}, "chain id: expected 31337, got 1"),
        ({"gas": 20_000}, "gas: expected at least 21000, got 20000"),
    ],
)
def test_what_cannot_enter_a_block_leaves_nothing(chain, agent, signed, changed, said):
    with pytest.raises(ExecutionError, match=said):
        send(chain, signed(DYNAMIC, **changed, maxFeePerGas=5, maxPriorityFeePerGas=5))
    assert (agent.balance(), chain.world.nonce(agent.address), chain.history) == (10**19, 0, [])
    send(chain, signed(DYNAMIC))


def test_what_the_chain_cannot_do_justice_to_is_refused(agent, signed):
    listed = [{"address": str(agent.address), "storageKeys": []}]
    decode_transaction(signed(DYNAMIC, accessList=[]))
    with pytest.raises(UnsupportedError, match="access list: expected an empty one"):
        decode_transaction(signed(DYNAMIC, accessList=listed))
    with pytest.raises(UnsupportedError, match="transaction type 3: expected 0, 1, 2 or 4"):
        decode_transaction(b"\x03" + signed(DYNAMIC)[1:])


def test_a_transaction_without_a_chain_id_is_refused(agent, stranger):
    request = {**BASE, "to": str(stranger.address), **LEGACY}
    del request["chainId"]
    raw = bytes(agent.account.sign_transaction(request).raw_transaction)
    with pytest.raises(UnsupportedError, match="expected one signed for a chain"):
        decode_transaction(raw)


def test_bytes_cut_or_changed_are_refused_by_our_errors(signed):
    for raw in (signed(LEGACY), signed(DYNAMIC)):
        sender = decode_transaction(raw).sender
        for cut in range(len(raw)):
            with pytest.raises(DelegationsError):
                decode_transaction(raw[:cut])
        for index in range(len(raw)):
            try:
                other = decode_transaction(raw[:index] + bytes([raw[index] ^ 1]) + raw[index + 1 :])
            except DelegationsError:
                continue
            assert other.sender != sender, f"byte {index} is not covered by the signature"


def test_more_priority_than_fee_is_refused(agent):
    body = [b"\x7a\x69", b"", b"\x05", b"\x04", b"\x52\x08", bytes(20), b"", b"", [], b"", b"\x01", b"\x01"]
    with pytest.raises(EncodingError, match="priority fee: expected at most the fee of 4, got 5"):
        decode_transaction(b"\x02" + rlp.encode(body))


# EIP-7702


def authorize(party, nonce: int, *, chain_id: int = 31337, to=EIP7702_STATELESS_DELEGATOR):
    return party.account.sign_authorization({"chainId": chain_id, "address": str(to), "nonce": nonce})


def set_code(signed, *authorizations, **changed) -> bytes:
    return signed(DYNAMIC, type=4, value=0, gas=200_000, authorizationList=list(authorizations), **changed)


def test_an_authorization_makes_an_account_a_delegator(chain, accounts, agent, stranger, signed, allows, token):
    mined = send(chain, set_code(signed, authorize(stranger, 0), to=str(accounts[5].address)))
    assert chain.world.code(stranger.address) == EIP7702_PREFIX + EIP7702_STATELESS_DELEGATOR
    assert chain.world.nonce(stranger.address) == 1
    assert (mined.kind, mined.outcome.gas_used) == (4, 21_000 + AUTHORIZATION_GAS)
    token.mint(stranger, 5)
    allows(redeem(stranger.grant(agent, LimitedCalls(limit=1)), token.transfer(agent, 5)))


def test_the_sender_can_authorize_for_itself(chain, agent, signed):
    send(chain, set_code(signed, authorize(agent, 1)))
    assert chain.world.code(agent.address).startswith(EIP7702_PREFIX)
    assert chain.world.nonce(agent.address) == 2


def test_an_authorization_for_nobody_takes_the_code_away(chain, delegator, signed):
    send(chain, set_code(signed, authorize(delegator, 1, to=ZERO_ADDRESS)))
    assert chain.world.code(delegator.address) == b""


def test_an_authorization_that_does_not_hold_is_passed_over(chain, agent, stranger, signed):
    elsewhere, late = authorize(stranger, 0, chain_id=1), authorize(stranger, 1)
    send(chain, set_code(signed, elsewhere, late))
    assert chain.world.code(stranger.address) == b""
    send(chain, set_code(signed, elsewhere, authorize(stranger, 0, chain_id=0), nonce=1))
    assert chain.world.code(stranger.address).startswith(EIP7702_PREFIX)


def test_an_account_with_a_contracts_code_cannot_be_authorized(chain, stranger, signed):
    chain.world.set_code(stranger.address, b"\x00")
    send(chain, set_code(signed, authorize(stranger, 0)))
    assert chain.world.code(stranger.address) == b"\x00"


def test_an_authorization_stays_when_the_call_fails(chain, stranger, signed, reverting_token):
    data = reverting_token.transfer(stranger, 1).call_data
    mined = send(chain, set_code(signed, authorize(stranger, 0), to=str(reverting_token.address), data=data))
    assert not mined.outcome.success
    assert chain.world.code(stranger.address).startswith(EIP7702_PREFIX)


def test_an_agent_redeems_by_a_transaction_of_its_own(chain, delegator, agent, signed, token):
    grant = delegator.grant(agent, LimitedCalls(limit=1))
    data = encode_redeem_delegations([redeem(grant, token.transfer(agent, 5))])
    mined = send(chain, signed(DYNAMIC, to=str(chain.manager), value=0, data=data, gas=500_000))
    assert mined.outcome.success
    assert token.balance(agent) == 5
