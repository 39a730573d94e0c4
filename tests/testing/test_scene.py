"""The chain a test gets: who is on it, what they own, and what stays of what is done."""

from __future__ import annotations

import pytest

from caveats import EncodingError, ExecutionError, LimitedCalls, Timestamp
from delegations.delegation import ANY_DELEGATE, verify_signature
from delegations.evm import ONE_ETHER, LocalChain, World
from delegations.framework.constants import EIP7702_PREFIX
from delegations.redemption import encode_redeem_delegations, redeem
from delegations.testing import moved, prepare


def test_everybody_has_ten_ether_and_delegators_have_code(chain, accounts, delegators, agent, subagent, stranger):
    assert {party.balance() for party in accounts} == {10 * ONE_ETHER}
    assert all(chain.world.code(party.address).startswith(EIP7702_PREFIX) for party in delegators)
    assert not any(chain.world.code(party.address) for party in (agent, subagent, stranger))


def test_delegators_hold_a_thousand_of_every_token(scene):
    for coin in scene.coins.values():
        assert [coin.balance(party) for party in scene.delegators] == [coin.units("1000")] * 3
        assert coin.contract.call("symbol") == coin.symbol
        assert coin.contract.call("decimals") == coin.decimals


def test_the_chain_begins_at_its_first_block(chain):
    assert (chain.block_number, chain.history) == (1, [])


def test_a_grant_is_signed_for_this_chain(chain, delegator, agent):
    verify_signature(delegator.grant(agent, LimitedCalls(limit=1)), chain_id=chain.chain_id, manager=chain.manager)


def test_a_grant_without_caveats_must_be_meant(delegator, agent):
    assert delegator.grant(agent, unsafe_unrestricted=True).caveats == ()
    with pytest.raises(EncodingError, match="hands over the whole account"):
        delegator.grant(agent)


def test_an_open_grant_is_passed_on_by_whom_it_names(allows, delegator, agent, subagent, token):
    grant = delegator.grant(ANY_DELEGATE, LimitedCalls(limit=1))
    leaf = agent.redelegate(grant, subagent)
    allows(redeem([leaf, grant], token.transfer(agent, 1)))


def test_everybody_is_shown_by_name_and_address(agent, token):
    assert repr(agent) == f"<agent {agent.address}>"
    assert repr(token) == repr(token.contract) == f"<TestToken at {token.address}>"


# time


def test_advance_moves_the_clock_of_this_chain(chain, allows, denies, delegator, agent, token):
    grant = delegator.grant(agent, Timestamp(before_at=chain.timestamp + 60))
    pay = redeem(grant, token.transfer(agent, 1))
    allows(pay)
    chain.advance(60)
    denies(pay, by="TimestampEnforcer:expired-delegation")


def test_another_time_lasts_as_long_as_the_with(chain, at, allows, denies, delegator, agent, token):
    grant = delegator.grant(agent, Timestamp(after_at=chain.timestamp + 10))
    pay = redeem(grant, token.transfer(agent, 1))
    before = chain.timestamp
    with at(before + 11):
        allows(pay, keep=True)
    denies(pay, by=Timestamp)
    assert chain.timestamp == before
    assert token.balance(agent) == 1, "what was done stays"


def test_blocks_mined_at_another_time_are_not_mined_again(chain, at, token):
    with at(chain.timestamp - 5, block=100):
        token.mint(token, 1)
        assert chain.block_number == 101
    assert chain.block_number == 2


def test_the_clock_goes_back_after_a_failure_too(chain, at):
    before = (chain.timestamp, chain.block_number)
    with pytest.raises(ZeroDivisionError), at(5, block=7):
        raise ZeroDivisionError
    assert (chain.timestamp, chain.block_number) == before
    with pytest.raises(EncodingError), at(-1):
        pass
    assert (chain.timestamp, chain.block_number) == before


# copies


def test_scenes_know_nothing_of_each_other(new_scene):
    one, other = new_scene(), new_scene()
    one.token.mint(one.agent, 5)
    one.chain.advance(10)
    assert (one.token.balance(one.agent), other.token.balance(other.agent)) == (5, 0)
    assert other.chain.timestamp == one.chain.timestamp - 10
    assert (len(one.chain.history), len(other.chain.history)) == (1, 0)


def test_a_copy_starts_where_its_original_stands(scene):
    scene.token.mint(scene.agent, 5)
    copied = scene.copy()
    copied.token.mint(copied.agent, 5)
    assert (scene.token.balance(scene.agent), copied.token.balance(copied.agent)) == (5, 10)
    assert (len(scene.chain.history), len(copied.chain.history)) == (1, 2)


def test_the_history_goes_back_with_the_chain(chain, token, agent):
    token.mint(agent, 1)
    mark = chain.snapshot()
    token.mint(agent, 1)
    assert len(chain.history) == 2
    chain.revert(mark)
    assert (len(chain.history), token.balance(agent)) == (1, 1)
    with pytest.raises(EncodingError, match="snapshot"):
        chain.revert(mark)


# other chains


def test_any_chain_with_the_framework_can_be_prepared():
    chain = LocalChain(1, timestamp=2_000_000_000)
    scene = prepare(chain)
    grant = scene.delegator.grant(scene.agent, LimitedCalls(limit=1))
    scene.allows(redeem(grant, scene.token.transfer(scene.agent, 1)))
    assert (scene.chain.chain_id, scene.chain.timestamp) == (1, 2_000_000_000)
    assert not chain.world.code(scene.token.address), "the given chain stays as it was"


def test_a_chain_without_the_framework_is_refused():
    with pytest.raises(EncodingError, match="chain: expected the delegation manager at 0x"):
        prepare(LocalChain(world=World()))


def test_what_stands_on_a_chain_already_is_left_alone(new_scene):
    first = new_scene()
    first.fee_token.contract.send("setFee", 0)
    again = prepare(first.chain)
    assert again.fee_token.contract.call("feeBasisPoints") == 0


# the strange tokens, under a delegation


@pytest.fixture
def grant(delegator, agent):
    return delegator.grant(agent, LimitedCalls(limit=3))


def test_a_fee_makes_less_arrive_than_was_sent(allows, grant, delegator, stranger, fee_token):
    pay = fee_token.transfer(stranger, 500)
    fee = moved(delegator, fee_token, 5, fee_token)
    allows(redeem(grant, pay), moves=[moved(delegator, stranger, 495, fee_token), fee])


def test_a_silent_token_moves_without_a_word(allows, grant, delegator, stranger, silent_token):
    verdict = allows(
        redeem(grant, silent_token.transfer(stranger, 7)), moves=[moved(delegator, stranger, 7, silent_token)]
    )
    assert not verdict.is_partial


def test_a_reverting_token_refuses_until_it_accepts(allows, denies, grant, stranger, reverting_token):
    pay = redeem(grant, reverting_token.transfer(stranger, 1))
    denies(pay, stage="execution", by="RevertingToken:refused")
    reverting_token.contract.send("accept")
    allows(pay)


def test_a_reentrant_token_calls_back_what_it_was_told(allows, grant, scene, stranger, reentrant_token, token):
    data = token.contract.execution("mint", stranger, 3).call_data
    reentrant_token.contract.send("callBack", token, data, 1)
    moves = [
        moved(scene.delegator, stranger, 1, reentrant_token),
        moved("0x0000000000000000000000000000000000000000", stranger, 3, token),
    ]
    allows(redeem(grant, reentrant_token.transfer(stranger, 1)), moves=moves)


def test_a_reentrant_token_cannot_redeem_what_is_not_given_to_it(allows, grant, delegator, stranger, reentrant_token):
    chain = reentrant_token.contract.chain
    again = encode_redeem_delegations([redeem(grant, reentrant_token.transfer(stranger, 1))])
    reentrant_token.contract.send("callBack", chain.manager, again, 1)
    allows(
        redeem(grant, reentrant_token.transfer(stranger, 1)),
        moves=[moved(delegator, stranger, 1, reentrant_token)],
        keep=True,
    )
    (called,) = [
        event
        for event in reentrant_token.contract.read_events(chain.history[-1].outcome.logs)
        if event.name == "CalledBack"
    ]
    assert not called.values["success"]


def test_calls_of_a_token_are_executions_until_redeemed(allows, grant, delegator, stranger, token):
    allows(redeem(grant, token.approve(stranger, 9)), keep=True)
    assert token.contract.call("allowance", delegator, stranger) == 9
    token.contract.chain.send_execution(stranger.address, token.transfer_from(delegator, stranger, 9))
    assert token.balance(stranger) == 9


def test_a_mint_that_overflows_says_so(token, agent):
    with pytest.raises(ExecutionError, match="SupplyOverflow"):
        token.mint(agent, 2**256 - 1)
