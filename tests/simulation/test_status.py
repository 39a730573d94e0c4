"""Does a delegation still hold? Every answer stands beside what the official bytecode makes of a redemption."""

from __future__ import annotations

import pytest

from caveats import BlockNumber, ERC20PeriodTransfer, ERC20Streaming, LimitedCalls, Nonce, Timestamp
from caveats.abi import encode_address, encode_bytes, encode_uint
from caveats.types import Address, keccak
from delegations.delegation import Delegation, create_delegation, sign_delegation
from delegations.evm import dev_account
from delegations.framework.artifact import load_framework
from delegations.framework.constants import (
    EIP7702_PREFIX,
    EIP7702_STATELESS_DELEGATOR,
    HYBRID_DELEGATOR,
    MULTISIG_DELEGATOR,
)
from delegations.manager import MetaMaskManager
from delegations.simulation import status
from delegations.simulation.plan import IMPLEMENTATION_SLOT
from tests.enforcers.harness import AGENT, ALICE, CHAIN_ID, START_AT, START_BLOCK, transfer
from tests.simulation.held import DAY, Held, expect, expect_active, hold, hold_two, increment, send, sign

OTHER_CODE = Address(b"\x99" * 20)


# the manager and the links


def test_a_delegation_nothing_stands_against_is_active(stage):
    expect_active(hold(stage, LimitedCalls(limit=1)))
    expect_active(hold_two(stage))


def test_a_disabled_link_is_named_until_it_is_enabled_again(stage):
    held, manager = hold_two(stage), MetaMaskManager()
    send(stage, stage.chain.manager, manager.encode_disable(held.context[1]))
    finding = expect(held, "disabled")
    assert finding.link == 1
    assert "can enable it again" in finding.sentence
    send(stage, stage.chain.manager, manager.encode_enable(held.context[1]))
    expect_active(held)


def test_a_paused_manager_is_told_until_it_is_lifted(stage):
    held, manager = hold(stage), stage.chain.manager
    stage.chain.world.set_storage(manager, 0, int.from_bytes(ALICE, "big"))
    send(stage, manager, keccak(b"pause()")[:4])
    expect(held, "manager_paused")
    send(stage, manager, keccak(b"unpause()")[:4])
    expect_active(held)


def test_links_that_do_not_fit_together_never_hold(stage):
    held = hold_two(stage)
    stranger = sign(create_delegation(delegator=ALICE, delegate=AGENT, caveats=(), salt=5, unsafe_unrestricted=True), 0)
    finding = expect(Held(stage, (held.context[0], stranger)), "invalid")
    assert "do not fit together" in finding.sentence


def test_a_redelegation_is_judged_without_its_parents_when_it_stands_alone(stage):
    leaf = hold_two(stage).context[0]
    assert status(stage.chain, leaf).is_active


def test_a_chain_without_a_manager_is_unknown(stage):
    held = hold(stage)
    stage.chain.world.set_code(stage.chain.manager, b"")
    assert held.status().state == "unknown"
    assert "right chain" in held.status().sentence


# accounts and signatures


def test_a_root_without_code_cannot_execute(stage):
    held = hold(stage)
    stage.chain.world.set_code(ALICE, b"")
    finding = expect(held, "delegator_code_changed")
    assert (finding.link, "has no code" in finding.sentence) == (0, True)


def test_a_redelegating_key_needs_no_code(stage):
    held = hold_two(stage)
    assert stage.chain.world.code(AGENT) == b""
    expect_active(held)


@pytest.mark.parametrize(("link", "who"), [(0, AGENT), (1, ALICE)])
def test_an_account_that_points_to_other_code_has_changed(stage, link, who):
    held = hold_two(stage)
    stage.chain.world.set_code(who, EIP7702_PREFIX + OTHER_CODE)
    finding = expect(held, "delegator_code_changed")
    assert finding.link == link
    assert str(OTHER_CODE) in finding.sentence
    stage.chain.world.set_code(who, b"")
    stage.chain.add_delegator(who)
    expect_active(held)


def test_an_implementation_of_ones_own_is_expected_when_it_is_named(stage):
    held = hold(stage)
    stage.chain.world.set_code(ALICE, EIP7702_PREFIX + OTHER_CODE)
    assert held.status().state == "delegator_code_changed"
    assert held.status(implementations=frozenset({OTHER_CODE})).is_active


def test_a_key_whose_address_now_has_a_contract_has_changed(stage):
    held = hold_two(stage)
    stage.chain.world.set_code(AGENT, stage.chain.world.code(stage.target))
    assert expect(held, "delegator_code_changed").link == 0


def proxied(implementation, stage) -> tuple[Address, Delegation]:
    """An account proxy of the framework, and what it is said to have signed."""
    account = Address(b"\x55" * 20)
    unsigned = create_delegation(delegator=account, delegate=AGENT, caveats=[LimitedCalls(limit=1)], salt=0)
    stage.chain.world.set_code(account, load_framework().proxy_code)
    stage.chain.world.set_storage(account, IMPLEMENTATION_SLOT, int.from_bytes(implementation, "big"))
    return account, unsigned.with_signature(b"\x01" * 65)


def test_a_proxy_for_an_official_implementation_is_trusted_and_another_is_unknown(stage):
    assert status(stage.chain, proxied(HYBRID_DELEGATOR, stage)[1]).is_active
    assert f"a proxy for {OTHER_CODE}" in status(stage.chain, proxied(OTHER_CODE, stage)[1]).sentence
    assert status(stage.chain, proxied(bytes(20), stage)[1]).state == "unknown"


def test_the_code_of_the_proxy_is_what_its_constructor_leaves(stage):
    framework = load_framework()
    constructor = encode_address(HYBRID_DELEGATOR) + encode_uint(64) + encode_bytes(b"")
    account = stage.chain.deploy(framework.proxy_creation_code + constructor)
    assert stage.chain.world.code(account) == framework.proxy_code


OTHERS = {
    "other code": b"\x60",
    "a byte less": load_framework().proxy_code[:-1],
    "a byte more": load_framework().proxy_code + b"\x00",
}


@pytest.mark.parametrize("code", OTHERS.values(), ids=OTHERS)
def test_storage_that_names_an_official_implementation_counts_only_under_the_frameworks_proxy(stage, code):
    account, link = proxied(HYBRID_DELEGATOR, stage)
    assert status(stage.chain, link).is_active
    stage.chain.world.set_code(account, code)
    found = status(stage.chain, link)
    assert found.state == "unknown"
    assert f"names {HYBRID_DELEGATOR}, but whose code is not the framework's proxy" in found.sentence


def test_a_proxy_for_the_implementation_that_goes_by_a_key_has_none(stage):
    assert status(stage.chain, proxied(MULTISIG_DELEGATOR, stage)[1]).is_active
    found = status(stage.chain, proxied(EIP7702_STATELESS_DELEGATOR, stage)[1])
    assert (found.state, found.findings[0].link) == ("invalid", 0)


def test_an_unsigned_delegation_never_held(stage):
    held = hold(stage)
    bare = Held(stage, (held.context[0].with_signature(b""),))
    assert expect(bare, "invalid").sentence == "Link 0 is not signed."


@pytest.mark.parametrize("signature", [b"\x01" * 65, b"\x01" * 64])
def test_a_signature_of_another_key_never_held(stage, signature):
    held = hold(stage)
    expect(Held(stage, (held.context[0].with_signature(signature),)), "invalid")


def test_a_signature_for_another_chain_never_held(stage):
    unsigned = hold(stage).context[0].with_signature(b"")
    other = sign_delegation(
        unsigned, dev_account(0), chain_id=CHAIN_ID + 1, manager=stage.chain.manager, unsafe_unrestricted=True
    )
    assert f"for chain {CHAIN_ID}" in expect(Held(stage, (other,)), "invalid").sentence


# time


@pytest.mark.parametrize("link", [0, 1])
def test_an_expired_link_says_which_caveat_and_when(stage, link):
    window = [Timestamp(before_at=START_AT + 10)]
    held = hold_two(stage, *((window, ()) if link == 0 else ((), [LimitedCalls(limit=1), *window])))
    stage.chain.timestamp = START_AT + 9
    expect_active(held)
    stage.chain.timestamp = START_AT + 10
    finding = expect(held, "expired")
    assert (finding.link, finding.place.caveat, finding.since, finding.until) == (link, link, START_AT + 10, None)
    assert finding.sentence.endswith("expired at 2027-01-15 08:00:10 UTC.")


def test_a_delegation_is_not_valid_before_its_time(stage):
    held = hold(stage, Timestamp(after_at=START_AT))
    finding = expect(held, "not_yet_valid")
    assert finding.until == START_AT + 1
    stage.chain.timestamp = START_AT + 1
    expect_active(held)


def test_blocks_count_as_time_does(stage):
    held = hold(stage, BlockNumber(after_block=START_BLOCK, before_block=START_BLOCK + 2))
    assert "not valid before block 1001; it is block 1000" in expect(held, "not_yet_valid").sentence
    stage.chain.block_number += 1
    expect_active(held)
    stage.chain.block_number += 1
    assert "expired with block 1002" in expect(held, "expired").sentence


def test_another_moment_can_be_asked_about(stage):
    held = hold(stage, Timestamp(before_at=START_AT + 10))
    assert held.status().is_active
    assert held.status(at=START_AT + 10).state == "expired"


def test_a_budget_that_has_not_begun_is_not_yet_valid(stage):
    held = hold(
        stage, ERC20PeriodTransfer(token=stage.token, period_amount=5, period_seconds=DAY, start_at=START_AT + 5)
    )
    finding = expect(held, "not_yet_valid", execution=transfer(stage.token, 1))
    assert finding.until == START_AT + 5
    stage.chain.timestamp += 5
    expect_active(held, execution=transfer(stage.token, 1))


def test_a_stream_that_has_not_begun_is_not_yet_valid(stage):
    terms = ERC20Streaming(
        token=stage.token, initial_amount=5, max_amount=9, amount_per_second=1, start_at=START_AT + 5
    )
    held = hold(stage, terms)
    assert expect(held, "not_yet_valid", execution=transfer(stage.token, 1)).until == START_AT + 5
    stage.chain.timestamp += 5
    expect_active(held, execution=transfer(stage.token, 1))


# nonces


def test_a_raised_nonce_ends_it_for_good(stage):
    held = hold(stage, Nonce(nonce=0))
    expect_active(held)
    increment(stage)
    finding = expect(held, "nonce_bumped")
    assert "The delegator's nonce is 1 and 0 is demanded." in finding.sentence


def test_a_nonce_that_is_still_to_come_is_not_yet_valid(stage):
    held = hold(stage, Nonce(nonce=1))
    assert expect(held, "not_yet_valid").until is None
    increment(stage)
    expect_active(held)
