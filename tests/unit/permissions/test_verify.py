"""What a wallet answered, and what the report says of it: as asked, more, less, other, malformed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caveats import Caveat, LimitedCalls
from caveats.errors import EncodingError, TransportError, UnsupportedError, VerificationError
from caveats.types import Address
from delegations.delegation import ANY_DELEGATE, Delegation, encode_context, redelegate, sign_delegation
from delegations.evm import LocalChain, dev_account
from delegations.framework.constants import SIMPLE_FACTORY
from delegations.framework.deployments import Registry
from delegations.manager import MetaMaskManager
from delegations.permissions import Dependency, ExpiryRule, NativeTokenAllowance, PayeeRule, PermissionResponse
from delegations.permissions.verify import NotVerifiedError, verify_answer, verify_response
from delegations.simulation import execute, simulate
from tests.unit.permissions.dapp import (
    AGENT,
    ALICE,
    CHAIN_ID,
    DAY,
    HYBRID,
    NOW,
    OTHER,
    PLACE,
    REGISTRY,
    SHOP,
    TOKEN,
    USD,
    Grantor,
    changed,
    depending,
    fresh_chain,
    one_ether,
    pay,
    permitted,
    under,
    usd_a_day,
    without_nonce,
)

UNKNOWN = Caveat(enforcer=Address(b"\x77" * 20), terms=b"\1")
HONEST = Grantor()
ALL_CHECKS = (
    *("form", "context", "manager", "chain", "delegate", "account", "links", "signatures", "dependencies", "state"),
    *("declared", "authority", "usable"),
)


def look(wallet: Grantor, request: Any = None, *, chain: Any = "fresh", registry: Registry = REGISTRY) -> Any:
    asked = usd_a_day() if request is None else request
    source = fresh_chain() if chain == "fresh" else chain
    return verify_response(asked, wallet.respond(asked), chain=source, registry=registry)


# as asked


def test_a_grant_as_asked_holds_in_every_check() -> None:
    report = look(HONEST)
    assert tuple(check.name for check in report.checks) == ALL_CHECKS
    assert {check.standing for check in report.checks} == {"holds"}
    assert report.comparison.is_equal


def test_a_verified_grant_simulates_and_redeems_within_its_bounds_and_no_further() -> None:
    chain = fresh_chain()
    granted = look(HONEST, chain=chain).require()
    assert (granted.redeemer, granted.manager) == (AGENT, PLACE.manager)
    assert simulate(chain, granted.redemption(pay(10 * USD))).allowed
    assert execute(chain, granted.redemption(pay(6 * USD))).verdict.allowed
    over = simulate(chain, granted.redemption(pay(5 * USD))).denial
    assert over is not None
    assert over.reason == "ERC20PeriodTransferEnforcer:transfer-amount-exceeded"
    foreign = simulate(chain, granted.redemption(pay(1, to=OTHER))).denial
    assert foreign is not None
    assert foreign.enforcer_name == "AllowedCalldataEnforcer"


def test_after_it_is_disabled_the_same_grant_is_denied_and_reported() -> None:
    chain = fresh_chain()
    granted = look(HONEST, chain=chain).require()
    assert execute(chain, granted.redemption(pay(1))).verdict.allowed
    assert chain.send(ALICE, chain.manager, MetaMaskManager().encode_disable(granted.context[0])).success
    denial = simulate(chain, granted.redemption(pay(1))).denial
    assert denial is not None
    assert "CannotUseADisabledDelegation" in (denial.reason or "")
    report = look(HONEST, chain=chain)
    assert report.check("state").standing == "broken"
    assert "disabled" in report.check("state").sentence


# more, less, other

BREACHES: dict[str, tuple[Grantor, str, str]] = {
    "a larger amount": (HONEST.but(grants=permitted(period_amount=11 * USD)), "authority", "periodAmount"),
    "a smaller amount": (HONEST.but(grants=permitted(period_amount=9 * USD)), "authority", "no adjustment was allowed"),
    "a shorter period": (HONEST.but(grants=permitted(period_duration=3600)), "authority", "in one of the asked"),
    "a later expiry": (
        HONEST.but(grants=changed(rules=(ExpiryRule(timestamp=NOW + 31 * DAY), PayeeRule(addresses=(SHOP,))))),
        "authority",
        "rules.expiry",
    ),
    "no payee": (HONEST.but(grants=changed(rules=(ExpiryRule(timestamp=NOW + 30 * DAY),))), "authority", "rules.payee"),
    "another type": (
        HONEST.but(
            grants=changed(permission=NativeTokenAllowance(allowance_amount=1, start_time=NOW), rules=()),
        ),
        "authority",
        "permission.type",
    ),
    "another delegate": (HONEST.but(grants=changed(to=OTHER)), "delegate", f"got {OTHER}"),
    "anybody": (HONEST.but(draws=changed(delegate=ANY_DELEGATE)), "delegate", "wider than asked"),
    "a delegate it does not say": (HONEST.but(says=changed(to=OTHER)), "delegate", "the response says it is for"),
    "an account it does not say": (HONEST.but(says=changed(from_=OTHER)), "account", "the response says it is a grant"),
    "more than it says": (
        HONEST.but(grants=permitted(period_amount=11 * USD), says=permitted(period_amount=10 * USD)),
        "declared",
        "periodAmount: the response says 10000000, its context holds 11000000",
    ),
    "a rule it only says": (
        HONEST.but(says=changed(rules=(ExpiryRule(timestamp=NOW + DAY), PayeeRule(addresses=(SHOP,))))),
        "declared",
        "rules.expiry",
    ),
    "another chain": (HONEST.but(says=changed(chain_id=1)), "chain", "expected 31337, got 1"),
    "a signature for another chain": (HONEST.but(chain_id=1), "signatures", "does not accept it for chain 31337"),
    "another manager": (HONEST.but(answers=changed(delegation_manager=OTHER)), "manager", f"got {OTHER}"),
    "an unknown enforcer": (HONEST.but(draws=under(UNKNOWN)), "authority", "cannot be said"),
    "a caveat no type has": (HONEST.but(draws=under(LimitedCalls(limit=1).to_caveat())), "authority", "LimitedCalls"),
    "no nonce": (HONEST.but(draws=without_nonce), "authority", "NonceEnforcer: it is missing"),
    "no signature": (HONEST.but(signs=changed(signature=b"")), "signatures", "did not sign"),
    "a broken signature": (HONEST.but(signs=changed(signature=b"\1" * 65)), "signatures", "does not accept it"),
    "a link without its parent": (HONEST.but(draws=changed(authority=b"\1" * 32)), "links", "not a root"),
    "an empty context": (HONEST.but(answers=changed(context=encode_context([]))), "context", "it is empty"),
    "a context of other bytes": (HONEST.but(answers=changed(context=b"\1\2")), "context", "not a permission context"),
    "a context with a tail": (
        HONEST.but(answers=lambda r: r.model_copy(update={"context": r.context + b"\0"})),
        "context",
        "no part of its delegations",
    ),
    "a call to another factory": (
        HONEST.but(answers=depending(Dependency(factory=TOKEN, factory_data=pay(1).call_data))),
        "dependencies",
        "expected the framework's factory",
    ),
    "an account nothing deploys": (
        Grantor(is_hybrid=True, answers=depending()),
        "dependencies",
        "nothing deploys it or upgrades it",
    ),
    "a deployment of something else": (
        Grantor(is_hybrid=True, answers=depending(Dependency(factory=SIMPLE_FACTORY, factory_data=b"\1\2\3\4"))),
        "dependencies",
        "it deploys no account",
    ),
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_reported_where_it_lies(name: str) -> None:
    wallet, check, words = BREACHES[name]
    report = look(wallet)
    assert report.check(check).standing == "broken"
    assert words in report.check(check).sentence
    with pytest.raises(VerificationError, match="grant 0: "):
        report.require()


def test_another_account_than_the_one_asked_is_a_breach() -> None:
    report = look(HONEST.but(answers=changed()), usd_a_day(from_=ALICE))
    assert report.standing == "holds"
    asked = usd_a_day(from_=OTHER)
    response = HONEST.respond(usd_a_day())
    refused = verify_response(asked, response, chain=fresh_chain(), registry=REGISTRY)
    assert f"expected a grant of {OTHER}" in refused.check("account").sentence


def test_less_is_taken_where_adjustment_was_allowed() -> None:
    report = look(HONEST.but(grants=permitted(period_amount=9 * USD)), usd_a_day(adjustable=True))
    assert report.standing == "holds"
    assert "less than was asked" in report.check("authority").sentence
    assert report.comparison.is_narrower


def test_more_is_a_breach_where_adjustment_was_allowed_too() -> None:
    report = look(HONEST.but(grants=permitted(period_amount=11 * USD)), usd_a_day(adjustable=True))
    assert report.check("authority").standing == "broken"
    assert report.check("declared").standing == "holds"


def test_a_lie_about_less_is_a_breach_though_what_is_signed_was_asked() -> None:
    report = look(HONEST.but(says=permitted(period_amount=1)), usd_a_day(adjustable=True))
    assert report.check("authority").standing == "holds"
    assert report.check("declared").standing == "broken"


# accounts that are not there yet


def test_a_counterfactual_account_is_deployed_in_trial_and_asked_for_its_signature() -> None:
    chain = fresh_chain()
    report = look(Grantor(is_hybrid=True), chain=chain)
    assert report.standing == "holds"
    assert "ERC-1271" in report.check("signatures").sentence
    assert str(HYBRID.address) in report.check("dependencies").sentence
    assert not chain.world.code(HYBRID.address), "the trial leaves nothing behind"


def test_a_counterfactual_grant_redeems_once_its_account_is_deployed() -> None:
    chain = fresh_chain()
    granted = look(Grantor(is_hybrid=True), chain=chain).require()
    assert not simulate(chain, granted.redemption(pay(1))).allowed
    assert len(granted.calls(pay(1), chain=chain)) == 2
    granted.deploy(chain)
    granted.deploy(chain)  # what stands is left alone
    assert len(granted.calls(pay(1), chain=chain)) == 1
    assert execute(chain, granted.redemption(pay(1))).verdict.allowed
    assert not simulate(chain, granted.redemption(pay(11 * USD))).allowed


def test_an_account_deployed_meanwhile_needs_its_dependency_no_more() -> None:
    chain = fresh_chain()
    look(Grantor(is_hybrid=True), chain=chain).require().deploy(chain)
    report = look(Grantor(is_hybrid=True), chain=chain)
    assert report.standing == "holds"
    assert report.check("dependencies").sentence == "the accounts are there"


def test_a_signature_a_contract_refuses_is_broken() -> None:
    report = look(Grantor(is_hybrid=True, signs=changed(signature=b"\1" * 65)))
    assert report.check("signatures").standing == "broken"


# what could not be asked


def test_without_a_chain_what_only_a_chain_knows_is_unknown() -> None:
    report = look(HONEST, chain=None)
    assert {check.name for check in report.checks if check.standing == "unknown"} == {"state"}
    assert report.check("signatures").standing == "holds"
    with pytest.raises(NotVerifiedError, match="state unknown: no chain was given"):
        report.require()


def test_without_a_chain_a_contracts_signature_is_unknown_not_refused() -> None:
    report = look(Grantor(is_hybrid=True), chain=None)
    unknown = {check.name for check in report.checks if check.standing == "unknown"}
    assert unknown == {"signatures", "dependencies", "state"}


def test_a_chain_of_another_id_is_not_asked() -> None:
    report = look(HONEST, chain=LocalChain(1))
    assert "the chain given is 1, not 31337" in report.check("state").sentence


def test_the_chain_is_found_among_several() -> None:
    assert look(HONEST, chain={CHAIN_ID: fresh_chain()}).standing == "holds"
    assert look(HONEST, chain={1: fresh_chain()}).check("state").standing == "unknown"


def test_a_chain_without_a_known_deployment_is_unknown_in_what_rests_on_it() -> None:
    report = look(HONEST, registry=Registry())
    assert [report.check(name).standing for name in ("manager", "declared", "authority")] == ["unknown"] * 3


@pytest.mark.parametrize("error", [TransportError("could not ask the node"), UnsupportedError("no code")])
def test_a_chain_that_cannot_be_asked_makes_nothing_broken(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = fresh_chain()

    def refuse(*_arguments: Any, **_options: Any) -> Any:
        raise error

    monkeypatch.setattr(type(chain.engine), "execute", refuse)
    report = look(HONEST, chain=chain)
    assert report.check("signatures").standing == "unknown"
    assert str(error) in report.check("signatures").sentence
    assert not [check for check in report.checks if check.standing == "broken"]


# chains of delegations


def passed_on(*caveats: Any, root_delegate: Address = OTHER) -> Any:
    def answer(response: PermissionResponse) -> PermissionResponse:
        root = HONEST.but(grants=changed(to=root_delegate)).respond(usd_a_day()).context
        from delegations.delegation import decode_context

        (parent,) = decode_context(root)
        leaf = redelegate(parent, delegate=AGENT, caveats=caveats, salt=1)
        signed = sign_delegation(leaf, dev_account(3), chain_id=CHAIN_ID, manager=PLACE.manager)
        return response.model_copy(update={"context": encode_context([signed, parent])})

    return HONEST.but(answers=answer)


def test_a_chain_that_ends_at_the_asker_holds() -> None:
    report = look(passed_on())
    assert report.standing == "holds"
    assert "passes it on" in report.check("authority").sentence


def test_a_link_that_narrows_is_an_adjustment() -> None:
    wallet = passed_on(LimitedCalls(limit=1))
    assert look(wallet).check("authority").standing == "broken"
    assert look(wallet, usd_a_day(adjustable=True)).check("authority").standing == "holds"


# the whole answer


def wire(*responses: PermissionResponse) -> list[Any]:
    return [response.to_wire() for response in responses]


def answer_to(requests: list[Any], answer: object) -> Any:
    return verify_answer(requests, answer, chain=fresh_chain(), registry=REGISTRY)


def test_answers_to_several_requests_hold_one_by_one() -> None:
    asked = [usd_a_day(), one_ether()]
    report = answer_to(asked, wire(*(HONEST.respond(request) for request in asked)))
    assert report.standing == "holds"
    assert [granted.permission.permission.type for granted in report.require()] == [
        "erc20-token-periodic",
        "native-token-allowance",
    ]


def test_answers_in_another_order_are_named_as_such() -> None:
    asked = [usd_a_day(), one_ether()]
    report = answer_to(asked, wire(*(HONEST.respond(request) for request in reversed(asked))))
    assert report.check("order").sentence == "response 0 answers request 1"
    assert [grant.standing for grant in report.grants] == ["broken", "broken"]


def test_fewer_answers_than_requests_leave_the_others_without() -> None:
    asked = [usd_a_day(), one_ether()]
    report = answer_to(asked, wire(HONEST.respond(asked[0])))
    assert report.check("number").sentence == "expected 2 responses, got 1"
    assert [grant.standing for grant in report.grants] == ["holds", "broken"]
    with pytest.raises(VerificationError, match="answer: number broken"):
        report.require()


def test_more_answers_than_requests_are_reported_each() -> None:
    response = HONEST.respond(usd_a_day())
    report = answer_to([usd_a_day()], [*wire(response, response), {"to": 1}])
    assert report.check("number").standing == "broken"
    assert [grant.standing for grant in report.grants] == ["holds", "broken", "broken"]
    assert report.grants[1].request is None


NO_ANSWERS: list[object] = [None, {}, "0x", 7, True]


@pytest.mark.parametrize("answer", NO_ANSWERS)
def test_an_answer_that_is_no_list_is_a_broken_form(answer: object) -> None:
    report = answer_to([usd_a_day()], answer)
    assert report.check("form").standing == "broken"
    assert report.standing == "broken"


MALFORMED: dict[str, tuple[Any, str]] = {
    "no object": (lambda wire: 5, "result[0]"),
    "no context": (lambda wire: {k: v for k, v in wire.items() if k != "context"}, "result[0].context"),
    "a context that is no hex": (lambda wire: {**wire, "context": "0xzz"}, "result[0].context"),
    "no dependencies": (
        lambda wire: {k: v for k, v in wire.items() if k != "dependencies"},
        "result[0].dependencies",
    ),
    "an amount as a number": (
        lambda wire: {
            **wire,
            "permission": {**wire["permission"], "data": {**wire["permission"]["data"], "periodAmount": 10}},
        },
        "periodAmount",
    ),
    "a chain id as a number": (lambda wire: {**wire, "chainId": 31337}, "result[0].chainId"),
    "a manager of 19 bytes": (lambda wire: {**wire, "delegationManager": "0x" + "ab" * 19}, "delegationManager"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_response_is_reported_by_its_field(name: str) -> None:
    spoil, field = MALFORMED[name]
    report = answer_to([usd_a_day()], [spoil(HONEST.respond(usd_a_day()).to_wire())])
    (grant,) = report.grants
    assert grant.check("form").standing == "broken"
    assert field in grant.check("form").sentence


def test_fields_nobody_knows_are_named() -> None:
    report = answer_to([usd_a_day()], [{**HONEST.respond(usd_a_day()).to_wire(), "extra": 1}])
    assert "not known: extra" in report.grants[0].check("form").sentence


def test_a_check_that_was_not_made_is_not_made_up() -> None:
    report = look(HONEST.but(answers=changed(context=b"")))
    with pytest.raises(EncodingError, match="one that was made"):
        report.check("authority")


def test_the_report_is_plain_json() -> None:
    asked = [usd_a_day()]
    report = answer_to(asked, wire(HONEST.respond(asked[0]))).to_wire()
    assert report["standing"] == "holds"
    assert [check["name"] for check in report["grants"][0]["checks"]] == list(ALL_CHECKS)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.binary(max_size=40).map(lambda b: "0x" + b.hex()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """An honest response with one of its parts replaced by anything."""
    wire = HONEST.respond(usd_a_day()).to_wire()
    at: Any = wire
    while True:
        key = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if isinstance(at[key], dict | list) and at[key] and draw(st.booleans()):
            at = at[key]
            continue
        at[key] = draw(JSON)
        return wire


@settings(max_examples=60, deadline=None)
@given(answer=JSON | st.lists(spoilt(), min_size=1, max_size=1))
def test_whatever_a_wallet_answers_there_is_a_report(answer: Any) -> None:
    report = verify_answer([usd_a_day()], answer, registry=REGISTRY)
    assert report.standing in ("broken", "unknown")


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=64), at=st.integers(0, 2**16), flip=st.integers(1, 255))
def test_no_flipped_byte_of_a_context_is_taken_for_the_grant(data: bytes, at: int, flip: int) -> None:
    response = HONEST.respond(usd_a_day())
    context = bytearray(response.context)
    context[at % len(context)] ^= flip
    spoiled = response.model_copy(update={"context": bytes(context)})
    report = verify_response(usd_a_day(), spoiled, registry=REGISTRY)
    args = [d.model_copy(update={"signature": b""}) for d in _read(bytes(context))]
    if args != [d.model_copy(update={"signature": b""}) for d in _read(response.context)]:
        assert report.standing == "broken" or report.check("signatures").standing != "holds"


def _read(context: bytes) -> list[Delegation]:
    from delegations.delegation import decode_context

    try:
        return list(decode_context(context))
    except EncodingError:
        return []
