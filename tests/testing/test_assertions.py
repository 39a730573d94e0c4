"""allows and denies: what they accept, what they refuse, and what they say then."""

from __future__ import annotations

import pytest

from caveats import Address, AllowedTargets, Caveat, EncodingError, Execution, LimitedCalls, Timestamp
from delegations.delegation import ANY_DELEGATE
from delegations.execution import ExecutionMode
from delegations.redemption import redeem
from delegations.testing import assert_allowed, assert_denied, moved


@pytest.fixture
def grant(delegator, agent, token):
    return delegator.grant(agent, AllowedTargets(targets=(token.address,)), LimitedCalls(limit=1))


@pytest.fixture
def pay(token, stranger):
    return token.transfer(stranger, token.units("40"))


def message_of(check, *args, **options) -> str:
    with pytest.raises(AssertionError) as failure:
        check(*args, **options)
    return str(failure.value)


# allows


def test_what_is_allowed_passes_and_keeps_nothing(allows, grant, pay, token, stranger):
    verdict = allows(redeem(grant, pay))
    assert verdict.allowed
    assert token.balance(stranger) == 0


def test_what_is_to_be_kept_is_done_for_good(allows, denies, grant, pay, token, stranger):
    allows(redeem(grant, pay), keep=True)
    assert token.balance(stranger) == token.units("40")
    denies(redeem(grant, pay), by=LimitedCalls)


def test_allows_compares_all_that_moves(allows, grant, pay, delegator, stranger, token):
    expected = moved(delegator, stranger, token.units("40"), token)
    allows(redeem(grant, pay), moves=[expected])
    said = message_of(allows, redeem(grant, pay), moves=[])
    assert "0 of those expected did not happen, 1 happened besides" in said
    said = message_of(allows, redeem(grant, pay), moves=[moved(delegator, stranger, 1, token)])
    assert "1 of those expected did not happen, 1 happened besides" in said
    assert "moves 0.000000000000000001 TEST: delegator -> stranger" in said


def test_movements_are_compared_in_any_order(allows, delegator, agent, stranger, token):
    grant = delegator.grant(agent, LimitedCalls(limit=1))
    batch = [token.transfer(stranger, 2), Execution(target=stranger.address, value=1)]
    moves = [moved(delegator, stranger, 2, token), moved(delegator, stranger, 1)]
    for expected in (moves, moves[::-1]):
        allows(redeem(grant, batch), moves=expected)


def test_a_swallowed_failure_is_not_success_unless_told_so(allows, delegator, agent, reverting_token, stranger):
    grant = delegator.grant(agent, unsafe_unrestricted=True)
    attempt = redeem(grant, reverting_token.transfer(stranger, 1), mode=ExecutionMode.SINGLE_TRY)
    said = message_of(allows, attempt)
    assert "a try mode swallowed a failure" in said
    assert "execution 0 of redemption 0: The call reverted with the reason 'RevertingToken:refused'." in said
    assert allows(attempt, partial=True).is_partial


def test_a_denied_redemption_is_reported_with_who_denied(allows, grant, delegator, agent):
    said = message_of(allows, redeem(grant, Execution(target=agent.address)))
    assert said.splitlines() == [
        "expected the redemption to be allowed, but it is denied",
        "",
        "  expected  allowed",
        said.splitlines()[3],
        "  asked     agent redeems, mode SINGLE_DEFAULT",
        "              send 0 ETH to agent",
        "  chain     link 0 (root): delegator -> agent",
        said.splitlines()[7],
        "              1 LimitedCalls: Usable once.",
        "  decided   stage hook, link 0, caveat 0, hook before: AllowedTargetsEnforcer",
        "  reason    AllowedTargetsEnforcer:target-address-not-allowed",
        said.splitlines()[11],
        said.splitlines()[12],
    ]
    assert said.splitlines()[3].startswith("  happened  denied, gas ")
    assert said.splitlines()[7].startswith("              0 AllowedTargets: ")
    assert said.splitlines()[7].endswith("   <- denied")
    assert said.splitlines()[12].startswith("  names     TestToken is 0x")


def test_a_call_that_fails_is_said_not_to_be_denied(allows, delegator, agent, reverting_token, stranger):
    grant = delegator.grant(agent, LimitedCalls(limit=1))
    said = message_of(allows, redeem(grant, reverting_token.transfer(stranger, 1)))
    assert said.startswith("expected the redemption to be allowed, but it is not denied, but fails")
    assert "decided   stage execution, execution 0" in said


# denies


@pytest.mark.parametrize(
    "by",
    [
        LimitedCalls,
        LimitedCalls.ADDRESS,
        "LimitedCalls",
        "LimitedCallsEnforcer",
        "LimitedCallsEnforcer:limit-exceeded",
        None,
    ],
)
def test_who_denies_is_named_in_any_of_these_ways(allows, denies, grant, pay, by):
    allows(redeem(grant, pay), keep=True)
    denial = denies(redeem(grant, pay), by=by, stage="hook", link=0, caveat=1, hook="before")
    assert denial.reason == "LimitedCallsEnforcer:limit-exceeded"


@pytest.mark.parametrize(
    ("expected", "but"),
    [
        ({"by": Timestamp}, "it is denied by LimitedCallsEnforcer (LimitedCallsEnforcer:limit-exceeded)"),
        ({"by": Timestamp.ADDRESS}, "it is denied by LimitedCallsEnforcer"),
        ({"by": "LimitedCallsEnforcer:invalid-terms-length"}, "it is denied by LimitedCallsEnforcer"),
        ({"stage": "manager"}, "the stage is hook, not manager"),
        ({"link": 1}, "the link is 0, not 1"),
        ({"caveat": 0}, "the caveat is 1, not 0"),
        ({"hook": "after"}, "the hook is before, not after"),
    ],
)
def test_a_denial_by_another_is_not_the_one_expected(allows, denies, grant, pay, expected, but):
    allows(redeem(grant, pay), keep=True)
    said = message_of(denies, redeem(grant, pay), **expected)
    assert said.splitlines()[0].endswith(f"but {but}") or f"but {but}" in said.splitlines()[0]
    assert "1 LimitedCalls: Usable once.   <- denied" in said


def test_an_allowed_redemption_is_reported_with_what_would_move(denies, grant, pay):
    said = message_of(denies, redeem(grant, pay), by=LimitedCalls)
    assert said.startswith("expected a denial by LimitedCallsEnforcer, but the redemption is allowed\n")
    assert "moves     40 TEST: delegator -> stranger" in said


def test_the_manager_denies_too(denies, grant, pay, stranger):
    denial = denies(redeem(grant, pay), redeemer=stranger, by="InvalidDelegate()", stage="manager")
    assert denial.link == 0
    denies(redeem(grant, pay), redeemer=stranger, by="InvalidDelegate")


def test_a_failed_call_counts_as_a_denial_only_when_asked_for(denies, delegator, agent, reverting_token, stranger):
    attempt = redeem(delegator.grant(agent, LimitedCalls(limit=1)), reverting_token.transfer(stranger, 1))
    denies(attempt, stage="execution", by="RevertingToken:refused")
    said = message_of(denies, attempt)
    assert 'the call itself failed, which no authority decided (stage="execution" accepts that)' in said


def test_a_token_cannot_pass_for_an_enforcer(denies, delegator, agent, reverting_token, stranger):
    forged = bytes.fromhex("08c379a0") + (32).to_bytes(32, "big") + (35).to_bytes(32, "big")
    forged += b"LimitedCallsEnforcer:limit-exceeded".ljust(64, b"\0")
    reverting_token.contract.send("refuseWith", forged)
    attempt = redeem(delegator.grant(agent, LimitedCalls(limit=1)), reverting_token.transfer(stranger, 1))
    assert "the call itself failed" in message_of(denies, attempt, by="LimitedCallsEnforcer:limit-exceeded")


def test_a_lack_of_gas_is_no_denial(denies, grant, pay):
    said = message_of(denies, redeem(grant, pay), gas=100_000)
    assert "it ran out of gas, which no authority decided" in said
    denies(redeem(grant, pay), gas=100_000, stage="gas")


def test_a_denial_to_be_kept_costs_the_redeemer_a_nonce(chain, denies, grant, agent):
    nothing = Execution(target=agent.address)
    denies(redeem(grant, nothing))
    assert chain.world.nonce(agent.address) == 0
    denies(redeem(grant, nothing), keep=True)
    assert chain.world.nonce(agent.address) == 1


def test_what_can_deny_nothing_is_refused_before_anything_is_asked(denies, grant, pay):
    for nobody in (5, "", int):
        with pytest.raises(EncodingError, match="by: expected an enforcer class, its address, its name, or a reason"):
            denies(redeem(grant, pay), by=nobody)


# the report


def test_a_chain_of_links_is_drawn_from_the_root_down(denies, grant, pay, agent, subagent):
    leaf = agent.redelegate(grant, subagent)
    said = message_of(denies, redeem([leaf, grant], pay))
    root, branch = (next(line for line in said.splitlines() if part in line) for part in ("(root)", "link 0"))
    assert root == "  chain     link 1 (root): delegator -> agent"
    assert branch == "            └─ link 0: agent -> subagent"
    assert "                 no caveats" in said


def test_an_open_link_and_several_redemptions_are_told(denies, delegator, agent, stranger):
    grants = [delegator.grant(ANY_DELEGATE, LimitedCalls(limit=n)) for n in (1, 2)]
    said = message_of(
        denies, [redeem(each, Execution(target=stranger.address, value=1)) for each in grants], redeemer=agent
    )
    assert "agent redeems 1, mode SINGLE_DEFAULT" in said
    assert said.count("delegator -> anyone") == 2


def test_nothing_a_contract_says_can_act_on_a_terminal(allows, delegator, agent, reverting_token, stranger):
    evil = b"\x1b[31mred\nline"
    data = bytes.fromhex("08c379a0") + (32).to_bytes(32, "big") + len(evil).to_bytes(32, "big") + evil.ljust(32, b"\0")
    reverting_token.contract.send("refuseWith", data)
    grant = delegator.grant(agent, LimitedCalls(limit=1))
    said = message_of(allows, redeem(grant, reverting_token.transfer(stranger, 1)))
    assert "\x1b" not in said
    assert "\\x1b[31mred\\nline" in said


def test_revert_data_is_shown_where_there_is_no_reason(allows, delegator, agent, reverting_token, stranger):
    reverting_token.contract.send("refuseWith", bytes.fromhex("deadbeef"))
    grant = delegator.grant(agent, LimitedCalls(limit=1))
    said = message_of(allows, redeem(grant, reverting_token.transfer(stranger, 1)))
    assert "reason    none given, revert data 0xdeadbeef" in said


def test_an_enforcer_nobody_knows_is_shown_as_such(allows, delegator, agent):
    unknown = Address("0x00000000000000000000000000000000c0ffee00")
    said = message_of(allows, redeem(delegator.grant(agent, Caveat(enforcer=unknown)), Execution(target=agent.address)))
    assert "  reason    none given\n" in said
    assert f"There is no contract at the enforcer's address {unknown}." in said


def test_the_assertions_serve_any_chain_without_fixtures(chain, grant, pay, agent):
    assert_allowed(chain, redeem(grant, pay))
    denial = assert_denied(chain, redeem(grant, Execution(target=agent.address)), by=AllowedTargets)
    assert denial.caveat == 0
    said = message_of(assert_denied, chain, redeem(grant, pay))
    assert f"{agent.address} redeems" in said
