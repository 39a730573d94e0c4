"""Does a delegation still hold? Every answer stands beside what the official bytecode makes of a redemption."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from caveats import (
    BlockNumber,
    Caveat,
    ERC20PeriodTransfer,
    ERC20Streaming,
    ERC20TransferAmount,
    Execution,
    Id,
    LimitedCalls,
    LogicalOrWrapper,
    MultiTokenPeriod,
    NativeTokenTransferAmount,
    Nonce,
    Timestamp,
    TokenPeriod,
)
from caveats.abi import encode_address, encode_bytes, encode_uint
from caveats.enforcer import NATIVE_TOKEN, TokenInfo
from caveats.errors import EncodingError
from caveats.types import Address, keccak
from delegations.delegation import Delegation, create_delegation, redelegate, sign_delegation
from delegations.evm import dev_account
from delegations.framework.artifact import load_framework
from delegations.framework.constants import (
    EIP7702_PREFIX,
    EIP7702_STATELESS_DELEGATOR,
    HYBRID_DELEGATOR,
    MULTISIG_DELEGATOR,
)
from delegations.manager import MetaMaskManager
from delegations.redemption import redeem
from delegations.simulation import Finding, Status, execute, simulate, status
from delegations.simulation.plan import IMPLEMENTATION_SLOT
from tests.enforcers.harness import AGENT, ALICE, CHAIN_ID, SHOP, START_AT, START_BLOCK, Stage, set_stage, transfer

OTHER_CODE = Address(b"\x99" * 20)
DAY = 86_400


@dataclass
class Held:
    """A chain of delegations on a stage."""

    stage: Stage
    context: tuple[Delegation, ...]

    def status(self, **options) -> Status:
        return status(self.stage.chain, self.context, **options)

    def simulate(self, execution=None, **options):
        return simulate(self.stage.chain, redeem(self.context, execution or Execution(target=SHOP)), **options)


@pytest.fixture
def stage() -> Stage:
    return set_stage()


def sign(delegation, key):
    manager = set_stage().chain.manager
    return sign_delegation(delegation, dev_account(key), chain_id=CHAIN_ID, manager=manager, unsafe_unrestricted=True)


def root(*caveats, **options):
    unsigned = create_delegation(delegator=ALICE, delegate=AGENT, caveats=caveats, salt=0, unsafe_unrestricted=True)
    return sign(unsigned.model_copy(update=options), 0)


def hold(stage, *caveats) -> Held:
    return Held(stage, (root(*caveats),))


def hold_two(stage, own=(), parent=()) -> Held:
    top = root(*parent)
    return Held(stage, (sign(redelegate(top, delegate=SHOP, caveats=own), 1), top))


def expect(held: Held, state: str, *, execution=None) -> Finding:
    """The state is this, it is the only finding, and the bytecode denies where it should."""
    found = held.status()
    assert found.state == state
    assert [finding.state for finding in found.findings] == [state]
    assert found.sentence == found.findings[0].sentence
    assert not found.is_active
    assert not held.simulate(execution).allowed
    return found.findings[0]


def expect_active(held: Held, *, execution=None) -> None:
    found = held.status()
    assert (found.state, found.findings, found.is_active) == ("active", (), True)
    assert held.simulate(execution).allowed


def send(stage, to, data, sender=ALICE):
    assert stage.chain.send(sender, to, data).success


def increment(stage, manager=None):
    manager = stage.chain.manager if manager is None else manager
    send(stage, Nonce.ADDRESS, keccak(b"incrementNonce(address)")[:4] + bytes(12) + manager)


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


# used up


@pytest.mark.parametrize("terms", [LimitedCalls(limit=1), Id(id=9)], ids=["calls", "id"])
def test_a_used_up_count_is_final(stage, terms):
    held = hold(stage, terms)
    expect_active(held)
    assert execute(stage.chain, redeem(held.context, Execution(target=SHOP))).verdict.allowed
    finding = expect(held, "exhausted")
    assert (finding.until, finding.place.caveat) == (None, 0)


def test_a_spent_cap_is_final(stage):
    held = hold(stage, ERC20TransferAmount(token=stage.token, max_amount=5))
    call = transfer(stage.token, 1)
    expect_active(held, execution=call)
    assert execute(stage.chain, redeem(held.context, transfer(stage.token, 5))).verdict.allowed
    finding = expect(held, "exhausted", execution=call)
    assert finding.until is None
    assert held.status(tokens={stage.token: TokenInfo("USDC", 0)}).sentence == "0 USDC is left in total."


def test_a_spent_budget_says_when_it_is_full_again(stage):
    held = hold(stage, ERC20PeriodTransfer(token=stage.token, period_amount=5, period_seconds=DAY, start_at=START_AT))
    call = transfer(stage.token, 1)
    assert execute(stage.chain, redeem(held.context, transfer(stage.token, 5))).verdict.allowed
    assert expect(held, "exhausted", execution=call).until == START_AT + DAY
    stage.chain.timestamp = START_AT + DAY
    expect_active(held, execution=call)


def test_a_spent_stream_says_when_more_is_unlocked(stage):
    terms = ERC20Streaming(token=stage.token, initial_amount=5, max_amount=6, amount_per_second=1, start_at=START_AT)
    held, call = hold(stage, terms), transfer(stage.token, 1)
    assert execute(stage.chain, redeem(held.context, transfer(stage.token, 5))).verdict.allowed
    assert expect(held, "exhausted", execution=call).until == START_AT + 1
    stage.chain.timestamp += 1
    expect_active(held, execution=call)
    assert execute(stage.chain, redeem(held.context, call)).verdict.allowed
    assert expect(held, "exhausted", execution=call).until is None


def test_one_asset_that_is_left_keeps_it_active(stage):
    records = tuple(
        TokenPeriod(token=token, period_amount=5, period_seconds=DAY, start_at=START_AT)
        for token in (stage.token, NATIVE_TOKEN)
    )
    link = root(MultiTokenPeriod(records=records))
    first, second = (link.with_args({0: encode_uint(i)}) for i in (0, 1))
    assert execute(stage.chain, redeem(first, transfer(stage.token, 5))).verdict.allowed
    assert status(stage.chain, link).is_active
    assert execute(stage.chain, redeem(second, Execution(target=SHOP, value=5))).verdict.allowed
    assert status(stage.chain, link).state == "exhausted"


def test_a_cap_of_nothing_is_a_guard_and_not_used_up(stage):
    held = hold(stage, NativeTokenTransferAmount(max_amount_wei=0))
    expect_active(held)


def test_what_is_waiting_for_a_reset_is_less_final_than_what_is_spent(stage):
    daily = ERC20PeriodTransfer(token=stage.token, period_amount=5, period_seconds=DAY, start_at=START_AT)
    held = hold_two(stage, [daily], [ERC20TransferAmount(token=stage.token, max_amount=5)])
    assert execute(stage.chain, redeem(held.context, transfer(stage.token, 5))).verdict.allowed
    finding = expect(held, "exhausted", execution=transfer(stage.token, 1))
    assert (finding.until, finding.link) == (None, 1)


# what never held, and what cannot be told


@pytest.mark.parametrize(
    "caveats",
    [
        [LimitedCalls.unchecked(limit=0)],
        [Id(id=1), Id(id=1)],
        [LimitedCalls(limit=1), LimitedCalls(limit=1)],
        [Caveat(enforcer=LimitedCalls.ADDRESS, terms=b"\x01")],
        [Caveat(enforcer=Timestamp.ADDRESS, terms=b"\x01")],
        [LogicalOrWrapper.unchecked(groups=())],
    ],
    ids=["limit 0", "an id twice", "a count twice", "malformed", "malformed window", "no groups"],
)
def test_what_no_redemption_ever_passes_is_invalid(stage, caveats):
    expect(hold(stage, *caveats), "invalid")


@pytest.mark.parametrize("terms", [Timestamp(before_at=START_AT + DAY), LimitedCalls(limit=1)], ids=["window", "count"])
def test_an_enforcer_without_code_makes_it_invalid(stage, terms):
    held = hold(stage, terms)
    expect_active(held)
    stage.chain.world.set_code(terms.ADDRESS, b"")
    assert "no contract at the address" in expect(held, "invalid").sentence


def test_an_unknown_enforcer_makes_it_unknown(stage):
    held = hold(stage, Caveat(enforcer=stage.target, terms=b"\x01"))
    found = held.status()
    assert (found.state, found.findings[0].place.caveat) == ("unknown", 0)
    assert hold(stage).status().is_active


# groups


def groups(*each):
    return LogicalOrWrapper(groups=tuple(tuple(terms.to_caveat() for terms in group) for group in each))


def test_one_open_group_keeps_it_active(stage):
    late, fine = Timestamp(before_at=START_AT), LimitedCalls(limit=1)
    link = root(groups([late], [fine]))
    assert status(stage.chain, link).is_active
    chosen = link.with_args({0: LogicalOrWrapper.encode_args(1, [b""])})
    assert execute(stage.chain, redeem(chosen, Execution(target=SHOP))).verdict.allowed
    assert status(stage.chain, link).state == "exhausted"


def test_of_closed_groups_the_one_that_may_open_again_counts(stage):
    link = root(groups([Timestamp(before_at=START_AT)], [Timestamp(after_at=START_AT + 9)]))
    found = status(stage.chain, link)
    assert (found.state, found.findings[0].until) == ("not_yet_valid", START_AT + 10)
    assert found.sentence.startswith("Every group of the LogicalOrWrapper")


def test_records_that_are_all_still_to_begin_are_not_yet_valid(stage):
    def of(*starts):
        records = tuple(
            TokenPeriod(token=stage.token, period_amount=5, period_seconds=DAY, start_at=at) for at in starts
        )
        return status(stage.chain, root(MultiTokenPeriod.unchecked(records=records)))

    assert of(START_AT, START_AT + 5).is_active
    assert of(START_AT + 9, START_AT + 5).state == "not_yet_valid"


# several things at once


def test_everything_found_is_listed_the_most_final_first(stage):
    held = hold_two(stage, [Timestamp(after_at=START_AT + 50)], [Nonce(nonce=0), Timestamp(before_at=START_AT)])
    increment(stage)
    send(stage, stage.chain.manager, MetaMaskManager().encode_disable(held.context[1]))
    stage.chain.world.set_storage(stage.chain.manager, 1, 1 << 160)
    found = held.status()
    states = ["expired", "nonce_bumped", "disabled", "not_yet_valid", "manager_paused"]
    assert [finding.state for finding in found.findings] == states
    assert [finding.finality for finding in found.findings] == sorted(finding.finality for finding in found.findings)
    assert found.has("manager_paused")
    assert not found.has("exhausted")


def test_the_answer_travels_as_json(stage):
    found = hold(stage, Timestamp(before_at=START_AT), LimitedCalls(limit=2)).status()
    assert Status.from_json(found.to_json()) == found
    assert found.remaining.calls_left == 2


def test_no_delegation_at_all_is_refused(stage):
    with pytest.raises(EncodingError, match="at least one delegation"):
        status(stage.chain, ())
