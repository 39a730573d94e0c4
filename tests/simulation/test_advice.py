"""Denials that are no matter of numbers say what would work, and every reason has advice or a reason to have none."""

from __future__ import annotations

import pytest

from caveats import AllowedMethods, AllowedTargets, Execution, LimitedCalls, Redeemer
from caveats.registry import ENFORCERS, RETIRED_ENFORCERS
from delegations.delegation import redelegate, sign_delegation
from delegations.evm import dev_account
from delegations.framework.meanings import MANAGER
from delegations.redemption import redeem
from delegations.simulation import explain_denial, simulate
from delegations.simulation.advice import ADVICE, UNADVISED, UNADVISED_MANAGER, WHOLE_CALL, advise_on_caveat
from delegations.simulation.verdict import Denial
from tests.enforcers.harness import AGENT, ALICE, CHAIN_ID, SHOP, grant

NOTHING = Execution(target=SHOP)
BY_LINK = {
    "CannotUseADisabledDelegation()",
    "InvalidAuthority()",
    "InvalidDelegate()",
    "InvalidEOASignature()",
    "InvalidERC1271Signature()",
}


def granted(*terms):
    return grant([each.to_caveat() for each in terms])


def why(stage, redemption, redeemer=AGENT) -> str:
    verdict = simulate(stage.chain, redemption, redeemer=redeemer)
    assert not verdict.allowed
    return explain_denial(stage.chain, redemption, verdict)


def allowed(stage, redemption, redeemer=AGENT) -> bool:
    return simulate(stage.chain, redemption, redeemer=redeemer).allowed


@pytest.mark.parametrize("cls", [*ENFORCERS, *RETIRED_ENFORCERS], ids=lambda cls: cls.__name__)
def test_every_reason_of_an_enforcer_has_advice_or_a_reason_to_have_none(cls):
    spoken = [reason for reason in cls.REVERTS if not reason.endswith(")")]
    for reason in spoken:
        has_advice = reason in ADVICE or cls.revert_of(reason) in ADVICE
        assert has_advice is not (reason in UNADVISED), f"{cls.__name__}: {reason}"


def test_every_error_of_the_manager_has_advice_or_a_reason_to_have_none():
    parts = [WHOLE_CALL.keys(), BY_LINK, UNADVISED_MANAGER.keys()]
    assert set().union(*parts) == MANAGER.keys()
    assert sum(map(len, parts)) == len(MANAGER)


def test_no_advice_is_for_a_reason_nobody_gives():
    given = {"invalid-call-type", "invalid-execution-type"}
    for cls in (*ENFORCERS, *RETIRED_ENFORCERS):
        given |= {*cls.REVERTS, *map(cls.revert_of, cls.REVERTS)}
    assert (ADVICE.keys() | UNADVISED.keys()) <= given


def test_another_target_is_told_which_may_be_called(stage):
    link = granted(AllowedTargets(targets=(ALICE,)))
    said = why(stage, redeem(link, NOTHING))
    assert str(ALICE) in said
    assert said.endswith("Call one of the addresses that the terms name.")
    assert allowed(stage, redeem(link, Execution(target=ALICE)))


def test_a_bare_transfer_of_value_is_told_that_it_has_no_selector(stage):
    said = why(stage, redeem(granted(AllowedMethods(selectors=(b"abcd",))), NOTHING))
    assert said.endswith("has no selector and never passes.")


def test_another_redeemer_is_told_whom_the_terms_name(stage):
    said = why(stage, redeem(granted(Redeemer(redeemers=(SHOP,))), NOTHING))
    assert str(SHOP) in said
    assert said.endswith("Redeem as one of the addresses that the terms name.")


def test_another_caller_is_told_as_whom_to_redeem(stage):
    asked = redeem(granted(LimitedCalls(limit=1)), NOTHING)
    assert why(stage, asked, redeemer=SHOP).endswith(f" Redeem as {AGENT}, the delegate of link 0.")
    assert allowed(stage, asked)


def test_a_foreign_signature_is_told_whose_key_to_sign_with(stage):
    link = granted(LimitedCalls(limit=1))
    manager = stage.chain.manager
    child = redelegate(link, delegate=SHOP, delegator=AGENT, caveats=[LimitedCalls(limit=1)])
    right = sign_delegation(child, dev_account(1), chain_id=CHAIN_ID, manager=manager)
    forged = child.with_signature(link.signature)
    said = why(stage, redeem((forged, link), NOTHING), redeemer=SHOP)
    assert f" Link 0: sign with the key of {AGENT}, for this chain and the manager {manager}" in said
    assert allowed(stage, redeem((right, link), NOTHING), redeemer=SHOP)


def test_links_in_the_wrong_order_are_told_the_right_one(stage):
    link = granted(LimitedCalls(limit=1))
    child = redelegate(link, delegate=AGENT, delegator=AGENT, caveats=[LimitedCalls(limit=1)])
    child = sign_delegation(child, dev_account(1), chain_id=CHAIN_ID, manager=stage.chain.manager)
    assert why(stage, redeem(child, NOTHING)).endswith(
        " Link 0 is no root: bring along the delegations above it, leaf first and root last."
    )
    assert allowed(stage, redeem((child, link), NOTHING))


def test_an_unsigned_link_is_told_whose_key_to_sign_with(stage):
    said = why(stage, redeem(granted(LimitedCalls(limit=1)).with_signature(b""), NOTHING))
    assert f" Link 0: sign with the key of {ALICE}" in said


def test_a_reason_of_another_enforcer_gives_no_advice():
    reason = "AllowedTargetsEnforcer:target-address-not-allowed"
    said = [
        advise_on_caveat(Denial(stage="hook", enforcer_name=name, reason=reason, explanation=""))
        for name in ("AllowedTargetsEnforcer", "LogicalOrWrapperEnforcer", "LimitedCallsEnforcer", None)
    ]
    assert [each is not None for each in said] == [True, True, False, False]
