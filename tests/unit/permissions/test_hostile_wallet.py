"""Wallets that cheat, or err: grants that look as asked, and what the official bytecode makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caveats import AllowedTargets, Caveat, Execution, LimitedCalls, LogicalOrWrapper, NativeTokenPayment, Nonce
from caveats import Redeemer as RedeemerTerms
from caveats import Timestamp as TimestampTerms
from caveats.errors import EncodingError, TransportError, UnsupportedError, VerificationError
from caveats.types import Address, keccak
from delegations.delegation import (
    ANY_DELEGATE,
    Delegation,
    decode_context,
    encode_context,
    redelegate,
    sign_delegation,
)
from delegations.evm import LocalChain, dev_account
from delegations.framework.artifact import load_framework
from delegations.framework.constants import (
    EIP7702_PREFIX,
    EIP7702_STATELESS_DELEGATOR,
    HYBRID_DELEGATOR,
    SIMPLE_FACTORY,
)
from delegations.framework.deployments import Registry
from delegations.permissions import (
    Dependency,
    ExpiryRule,
    NativeTokenStream,
    PermissionRequest,
    PermissionResponse,
    RedeemerRule,
    populate,
    to_delegation,
)
from delegations.permissions.verify import GrantReport, NotVerifiedError, verify_answer, verify_response
from delegations.redemption import redeem
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
    call_data,
    changed,
    depending,
    fresh_chain,
    one_ether,
    pay,
    permitted,
    usd_a_day,
)

HONEST = Grantor()
ADJUSTABLE = usd_a_day(adjustable=True)
_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def look(
    given: Grantor | PermissionResponse, asked: PermissionRequest | None = None, chain: Any = None, **options: Any
) -> GrantReport:
    request = usd_a_day() if asked is None else asked
    response = given.respond(request) if isinstance(given, Grantor) else given
    source = fresh_chain() if chain is None else chain
    return verify_response(request, response, chain=source, registry=REGISTRY, **options)


def passed_on(
    *caveats: Any, by: Address = OTHER, to: Address | None = None, asked: PermissionRequest = ADJUSTABLE
) -> PermissionResponse:
    """A response whose context runs from Alice over `by` (or anybody) to the agent."""
    (parent,) = decode_context(HONEST.but(draws=changed(delegate=by if to is None else to)).respond(asked).context)
    leaf = redelegate(parent, delegate=AGENT, delegator=by, caveats=caveats, salt=1)
    signed = sign_delegation(leaf, dev_account(3), chain_id=CHAIN_ID, manager=PLACE.manager)
    return HONEST.respond(asked).model_copy(update={"context": encode_context([signed, parent])})


def redeems(chain: LocalChain, context: bytes | Sequence[Delegation], amount: int = 1, **options: Any) -> bool:
    links = decode_context(context) if isinstance(context, bytes) else context
    return simulate(chain, redeem(links, pay(amount)), **options).allowed


# who else can use it


def test_an_open_link_on_the_way_is_a_breach_for_a_stranger_redeems_it_first() -> None:
    assert look(passed_on(asked=usd_a_day())).standing == "holds"
    response = passed_on(to=ANY_DELEGATE)
    report = look(response, ADJUSTABLE)
    assert report.check("delegate").standing == "broken"
    assert "link 1 is open" in report.check("delegate").sentence
    root = decode_context(response.context)[1:]
    assert redeems(fresh_chain(), root, 10 * USD, redeemer=SHOP), "the chain lets anybody"


def test_those_who_hold_a_grant_on_the_way_are_named_since_they_share_its_budget() -> None:
    response, chain = passed_on(asked=usd_a_day()), fresh_chain()
    assert f"{OTHER} could redeem it too" in look(response, chain=chain).check("delegate").sentence
    root = decode_context(response.context)[1:]
    assert execute(chain, redeem(root, pay(10 * USD))).verdict.allowed
    assert not redeems(chain, response.context), "what the other used is gone"


def test_a_grant_is_open_where_that_was_asked() -> None:
    asked = usd_a_day(to=ANY_DELEGATE)
    assert look(HONEST, asked).check("delegate").standing == "holds"
    assert look(HONEST.but(draws=changed(delegate=OTHER)), asked).check("delegate").standing == "broken"


# grants nobody can use


def with_nonce(nonce: int) -> Callable[[Delegation], Delegation]:
    ahead = Nonce(nonce=nonce).to_caveat()
    return lambda d: d.model_copy(
        update={"caveats": tuple(ahead if c.enforcer == Nonce.ADDRESS else c for c in d.caveats)}
    )


@pytest.mark.parametrize("nonce", [1, 2**256 - 1])
def test_a_nonce_ahead_is_a_breach_though_it_could_come(nonce: int) -> None:
    assert look(HONEST.but(draws=with_nonce(0))).standing == "holds"
    wallet = HONEST.but(draws=with_nonce(nonce))
    report = look(wallet)
    assert report.check("state").standing == "broken"
    assert f"{nonce} is demanded" in report.check("state").sentence
    assert not redeems(fresh_chain(), wallet.respond(usd_a_day()).context)


def test_a_nonce_that_has_passed_is_a_breach() -> None:
    chain, asked = fresh_chain(), usd_a_day()
    assert look(HONEST, chain=chain).standing == "holds"
    assert chain.send(ALICE, Nonce.ADDRESS, call_data("incrementNonce(address)", [str(PLACE.manager)])).success
    report = look(HONEST, chain=chain)
    assert report.check("state").standing == "broken"
    assert "0 is demanded" in report.check("state").sentence
    assert not redeems(chain, HONEST.respond(asked).context)


def test_redeemers_without_the_asker_are_a_breach() -> None:
    for_both = HONEST.but(grants=lambda q: q.with_rules(RedeemerRule(addresses=(AGENT, OTHER))))
    assert look(for_both, ADJUSTABLE).standing == "holds"
    for_another = HONEST.but(grants=lambda q: q.with_rules(RedeemerRule(addresses=(OTHER,))))
    report = look(for_another, ADJUSTABLE)
    assert "is not among those who may" in report.check("usable").sentence
    assert not redeems(fresh_chain(), for_another.respond(ADJUSTABLE).context)
    with pytest.raises(VerificationError, match="usable broken"):
        report.require()


def test_redeemers_on_a_link_without_the_asker_are_a_breach() -> None:
    assert look(passed_on(RedeemerTerms(redeemers=(AGENT,))), ADJUSTABLE).standing == "holds"
    assert look(passed_on(RedeemerTerms(redeemers=(SHOP,))), ADJUSTABLE).check("usable").standing == "broken"


def test_a_grant_asked_for_others_to_redeem_holds_for_one_of_them_at_least() -> None:
    asked = ADJUSTABLE.with_rules(RedeemerRule(addresses=(OTHER, SHOP)))
    rules = (*ADJUSTABLE.rules, RedeemerRule(addresses=(OTHER,)))
    assert look(HONEST.but(grants=changed(rules=rules)), asked).standing == "holds"
    report = look(passed_on(RedeemerTerms(redeemers=(AGENT,)), asked=asked), asked)
    assert report.check("usable").standing == "broken"


def ends(at: int) -> Callable[[PermissionRequest], PermissionRequest]:
    return lambda request: request.model_copy(update={"rules": (ExpiryRule(timestamp=at), *request.rules[1:])})


def test_the_last_second_is_the_one_before_the_expiry() -> None:
    wallet = HONEST.but(grants=ends(NOW + 1))
    assert look(wallet, ADJUSTABLE).standing == "holds"
    chain = fresh_chain()
    assert redeems(chain, wallet.respond(ADJUSTABLE).context)
    chain.timestamp = NOW + 1
    assert look(wallet, ADJUSTABLE, chain).check("state").standing == "broken"
    assert not redeems(chain, wallet.respond(ADJUSTABLE).context)


def test_an_end_that_comes_with_the_start_is_a_breach() -> None:
    def shrunk(end: int) -> Grantor:
        return HONEST.but(grants=lambda request: ends(end)(permitted(start_time=NOW + DAY)(request)))

    assert look(shrunk(NOW + DAY + 1), ADJUSTABLE).standing == "holds"
    report = look(shrunk(NOW + DAY), ADJUSTABLE)
    assert report.check("usable").standing == "broken"
    assert "never valid" in report.check("usable").sentence


def test_a_link_whose_window_is_empty_is_a_breach() -> None:
    assert look(passed_on(TimestampTerms(after_at=NOW + 5, before_at=NOW + 10)), ADJUSTABLE).standing == "holds"
    empty = TimestampTerms.unchecked(after_at=NOW + 10, before_at=NOW + 5)
    assert look(passed_on(empty), ADJUSTABLE).check("usable").standing == "broken"


def test_a_link_that_charges_the_redeemer_is_a_breach() -> None:
    report = look(passed_on(NativeTokenPayment(recipient=OTHER, amount_wei=7)), ADJUSTABLE)
    assert f"each use costs the redeemer 7 wei, paid to {OTHER}" in report.check("usable").sentence


def test_a_link_that_wants_args_is_a_breach() -> None:
    wrapper = LogicalOrWrapper(groups=((LimitedCalls(limit=1).to_caveat(),),))
    assert "wants args of the redeemer" in look(passed_on(wrapper), ADJUSTABLE).check("usable").sentence


def test_a_link_that_denies_the_least_use_is_unknown() -> None:
    assert look(passed_on(AllowedTargets(targets=(TOKEN,))), ADJUSTABLE).standing == "holds"
    report = look(passed_on(AllowedTargets(targets=(SHOP,))), ADJUSTABLE)
    assert report.check("usable").standing == "unknown"
    assert "denied by link 0" in report.check("usable").sentence


def test_a_link_under_a_contract_nobody_knows_is_unknown() -> None:
    report = look(passed_on(Caveat(enforcer=TOKEN, terms=b"\1")), ADJUSTABLE)
    assert report.check("state").standing == "unknown"


# the start


def without_start(request: PermissionRequest) -> PermissionRequest:
    return permitted(start_time=None)(request)


def test_a_start_nobody_asked_for_is_about_now() -> None:
    asked = without_start(usd_a_day())
    for seconds in (-DAY, 0, DAY):
        assert look(HONEST.but(grants=permitted(start_time=NOW + seconds)), asked, asked_at=NOW).standing == "holds"
    late = look(HONEST.but(grants=permitted(start_time=NOW + DAY + 1)), asked)
    assert late.check("authority").standing == "broken"
    assert "startTime" in late.check("authority").sentence


def test_a_later_start_is_less_where_adjustment_was_allowed() -> None:
    report = look(HONEST.but(grants=permitted(start_time=NOW + 9 * DAY)), without_start(ADJUSTABLE))
    assert report.standing == "holds"
    assert "less than was asked" in report.check("authority").sentence


def test_a_stream_that_began_long_before_it_was_asked_is_more() -> None:
    permission = NativeTokenStream(amount_per_second=10**9)
    asked = PermissionRequest(chain_id=CHAIN_ID, to=AGENT, permission=permission)
    old = HONEST.but(grants=permitted(start_time=1))
    assert look(HONEST, asked, asked_at=NOW).standing == "holds"
    assert look(old, asked, asked_at=NOW).check("authority").standing == "broken"
    spend = redeem(decode_context(old.respond(asked).context), Execution(target=SHOP, value=10**9 * NOW // 2))
    assert simulate(fresh_chain(), spend).allowed, "decades of it are there at once"


# budgets that are shared or used


def test_a_grant_used_before_it_was_granted_is_a_breach() -> None:
    chain, asked = fresh_chain(), one_ether()
    granted = look(HONEST, asked, chain).require()
    assert execute(chain, granted.redemption(Execution(target=SHOP, value=9 * 10**17))).verdict.allowed
    again = look(HONEST, asked, chain)
    assert again.check("state").standing == "broken"
    assert "0.1 ETH of the total budget of 1 ETH is left" in again.check("state").sentence
    later = look(HONEST, asked, chain, is_new=False)
    assert later.standing == "holds"
    assert "0.1 ETH" in later.check("state").sentence


def test_a_budget_that_is_full_again_holds() -> None:
    chain = fresh_chain()
    granted = look(HONEST, chain=chain).require()
    assert execute(chain, granted.redemption(pay(1))).verdict.allowed
    assert look(HONEST, chain=chain).check("state").standing == "broken"
    chain.advance(DAY)
    assert look(HONEST, chain=chain).standing == "holds"


def answered(requests: list[PermissionRequest], *responses: PermissionResponse, **options: Any) -> Any:
    return verify_answer(requests, list(responses), chain=fresh_chain(), registry=REGISTRY, **options)


def test_one_delegation_for_two_requests_is_a_breach_for_they_share_the_budget() -> None:
    asked = [usd_a_day(), usd_a_day()]
    first = HONEST.respond(asked[0])
    second = HONEST.but(draws=changed(salt=8)).respond(asked[1])
    assert answered(asked, first, second).standing == "holds"
    report = answered(asked, first, first)
    assert report.check("distinct").standing == "broken"
    chain, context = fresh_chain(), decode_context(first.context)
    assert execute(chain, redeem(context, pay(10 * USD))).verdict.allowed
    assert not redeems(chain, context)
    with pytest.raises(VerificationError, match="distinct broken"):
        report.require()


def test_two_leaves_under_one_root_are_a_breach() -> None:
    leaves = [passed_on(LimitedCalls(limit=limit)) for limit in (1, 2)]
    assert answered([ADJUSTABLE], leaves[0]).standing == "holds"
    assert answered([ADJUSTABLE] * 2, *leaves).check("distinct").standing == "broken"


def test_args_make_no_other_delegation() -> None:
    first = HONEST.respond(usd_a_day())
    same = HONEST.but(signs=lambda d: d.with_args({0: b"\1"})).respond(usd_a_day())
    assert "args, which are not signed" in look(same).check("context").sentence
    assert answered([usd_a_day()] * 2, first, same).check("distinct").standing == "broken"


def test_a_grant_that_is_held_already_is_nothing_new() -> None:
    held = look(HONEST).require()
    response = HONEST.respond(usd_a_day())
    assert answered([usd_a_day()], response).standing == "holds"
    assert "held already" in answered([usd_a_day()], response, held=[held]).check("distinct").sentence


# signatures


def high_s(d: Delegation) -> Delegation:
    r, s, v = d.signature[:32], int.from_bytes(d.signature[32:64], "big"), d.signature[64]
    return d.with_signature(r + (_N - s).to_bytes(32, "big") + bytes([55 - v]))


def compact(d: Delegation) -> Delegation:
    s = int.from_bytes(d.signature[32:64], "big") | (d.signature[64] - 27) << 255
    return d.with_signature(d.signature[:32] + s.to_bytes(32, "big"))


@pytest.mark.parametrize(
    "spoil",
    [
        high_s,
        compact,
        lambda d: d.with_signature(d.signature[:64] + bytes([d.signature[64] - 27])),
        lambda d: d.with_signature(d.signature + b"\0"),
        lambda d: d.with_signature(d.signature * 4000),
    ],
)
def test_another_form_of_a_signature_is_no_signature(spoil: Callable[[Delegation], Delegation]) -> None:
    assert look(HONEST).check("signatures").standing == "holds"
    wallet = HONEST.but(signs=spoil)
    assert look(wallet).standing == "broken"
    if len(wallet.respond(usd_a_day()).context) < 2**16:
        assert not redeems(fresh_chain(), wallet.respond(usd_a_day()).context)


@pytest.mark.parametrize("code", [b"", EIP7702_PREFIX + SHOP, EIP7702_PREFIX + TOKEN, EIP7702_PREFIX + PLACE.manager])
def test_an_account_of_other_code_does_not_accept_the_key(code: bytes) -> None:
    chain = fresh_chain()
    assert look(HONEST, chain=chain).standing == "holds"
    chain.world.set_code(ALICE, code)
    assert look(HONEST, chain=chain).standing == "broken"
    assert not redeems(chain, HONEST.respond(usd_a_day()).context)


def test_other_code_that_accepts_the_signature_is_unknown_not_a_breach() -> None:
    chain = fresh_chain()
    assert look(HONEST, chain=chain).standing == "holds"
    copy = Address(b"\x51" * 20)
    chain.world.set_code(copy, chain.world.code(EIP7702_STATELESS_DELEGATOR))
    chain.world.set_code(ALICE, EIP7702_PREFIX + copy)
    report = look(HONEST, chain=chain)
    assert [check.name for check in report.checks if check.standing != "holds"] == ["state"]
    assert report.check("state").standing == "unknown"


# what the redeemer is to deploy


def test_calls_that_deploy_no_account_of_the_grant_are_breaches() -> None:
    junk = Dependency(factory=SIMPLE_FACTORY, factory_data=b"\1\2\3\4")
    probe = call_data("computeAddress(bytes32,bytes32)", [bytes(32), bytes(32)])
    for dependency in (junk, Dependency(factory=SIMPLE_FACTORY, factory_data=probe)):
        wallet = Grantor(is_hybrid=True, answers=depending(HYBRID.dependency, dependency))
        assert "deploys no account" in look(wallet).check("dependencies").sentence
        assert look(HONEST.but(answers=depending(dependency))).check("dependencies").standing == "broken"
    assert look(Grantor(is_hybrid=True, answers=depending(HYBRID.dependency, HYBRID.dependency))).standing == "holds"
    other = look(HONEST.but(answers=depending(HYBRID.dependency)))
    assert "no delegator of the context" in other.check("dependencies").sentence


def test_a_deployment_named_twice_is_sent_once_and_never_by_two_calls() -> None:
    twice = Grantor(is_hybrid=True, answers=depending(HYBRID.dependency, HYBRID.dependency))
    assert len(look(twice).require().calls(pay(1))) == 2
    longer = HYBRID.dependency.model_copy(update={"factory_data": HYBRID.dependency.factory_data + bytes(32)})
    report = look(Grantor(is_hybrid=True, answers=depending(HYBRID.dependency, longer)))
    assert "by two calls" in report.check("dependencies").sentence


def test_a_deployment_that_cannot_be_tried_makes_nothing_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    wallet, chain = Grantor(is_hybrid=True), fresh_chain()
    assert look(wallet, chain=chain).standing == "holds"
    elsewhere = verify_response(usd_a_day(), wallet.respond(usd_a_day()), chain=chain, registry=Registry())

    def refuse(*_arguments: Any) -> Any:
        raise UnsupportedError("engine node: it cannot give a state diff")

    monkeypatch.setattr(LocalChain, "send_execution", refuse)
    for report in (elsewhere, look(wallet, chain=chain)):
        unknown = {check.name for check in report.checks if check.standing == "unknown"}
        assert {"signatures", "dependencies", "state"} <= unknown
        assert report.standing == "unknown"


def test_an_agent_that_is_a_contract_can_deploy_too() -> None:
    chain = fresh_chain()
    chain.world.set_code(AGENT, EIP7702_PREFIX + EIP7702_STATELESS_DELEGATOR)
    assert look(Grantor(is_hybrid=True), chain=chain).standing == "holds"


def look_alike() -> tuple[Address, PermissionResponse]:
    """An account whose storage says that it is a proxy of the framework, and whose code says yes to everything."""
    yes = b"\x63" + keccak(b"isValidSignature(bytes32,bytes)")[:4] + bytes.fromhex("60e01b60005260206000f3")
    slot = bytes.fromhex("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc")
    head = b"\x73" + HYBRID_DELEGATOR + b"\x7f" + slot + b"\x55"
    size = bytes([len(yes)])
    copy = (
        b"\x60" + size + b"\x60" + bytes([len(head) + 12]) + bytes.fromhex("60003960") + size + bytes.fromhex("6000f3")
    )
    init_code = head + copy + yes
    deploy = call_data("deploy(bytes,bytes32)", [init_code, bytes(32)])
    address = Address(keccak(b"\xff" + SIMPLE_FACTORY + bytes(32) + keccak(init_code))[12:])
    unsigned = to_delegation(populate(usd_a_day(), now=NOW), delegator=address, nonce=0, salt=7, on=PLACE)
    signed = sign_delegation(unsigned, dev_account(4), chain_id=CHAIN_ID, manager=PLACE.manager)
    return address, PermissionResponse.answering(
        usd_a_day(),
        context=encode_context([signed]),
        delegation_manager=PLACE.manager,
        dependencies=(Dependency(factory=SIMPLE_FACTORY, factory_data=deploy),),
    )


def test_an_account_that_only_looks_like_the_frameworks_is_unknown() -> None:
    address, response = look_alike()
    chain = fresh_chain()
    chain.mint(TOKEN, address, 1_000 * USD)
    report = look(response, chain=chain)
    assert report.check("signatures").standing == "holds", "it says yes to everything"
    assert "runs other code than the framework's" in report.check("dependencies").sentence
    assert "is not the framework's proxy" in report.check("state").sentence
    with pytest.raises(NotVerifiedError):
        report.require()
    chain.send_execution(AGENT, Execution(target=SIMPLE_FACTORY, call_data=response.dependencies[0].factory_data))
    assert chain.world.code(address)
    assert not redeems(chain, response.context)


def test_a_proxy_set_up_by_other_code_is_unknown() -> None:
    proxy = load_framework().proxy_creation_code
    init_code = proxy + bytes(12) + TOKEN + (64).to_bytes(32, "big") + bytes(32)
    deploy = call_data("deploy(bytes,bytes32)", [init_code, bytes(32)])
    address = Address(keccak(b"\xff" + SIMPLE_FACTORY + bytes(32) + keccak(init_code))[12:])
    wallet = HONEST.but(
        draws=changed(delegator=address),
        answers=lambda r: r.model_copy(
            update={"from_": address, "dependencies": (Dependency(factory=SIMPLE_FACTORY, factory_data=deploy),)}
        ),
    )
    assert look(wallet).check("dependencies").standing == "unknown"


def test_the_callers_chain_is_left_alone_whatever_manager_the_wallet_names() -> None:
    chain = fresh_chain()
    manager = chain.manager
    spoof = HONEST.but(
        answers=lambda r: r.model_copy(update={"delegation_manager": OTHER, "dependencies": (HYBRID.dependency,)})
    )
    for registry in (REGISTRY, Registry()):
        report = verify_response(usd_a_day(), spoof.respond(usd_a_day()), chain=chain, registry=registry)
        assert report.standing != "holds"
        assert chain.manager == manager


# sizes and depths


def test_a_context_no_transaction_can_carry_is_a_breach() -> None:
    assert look(HONEST.but(signs=lambda d: d.with_args({0: b"\xff" * 100}))).standing == "holds"
    for size in (2**17, 300_000):
        report = look(HONEST.but(signs=lambda d, size=size: d.with_args({0: b"\xff" * size})))  # type: ignore[misc]
        assert "a transaction can have" in report.check("context").sentence


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [100, 200_000])
def test_values_nested_without_end_are_reported_not_followed(depth: int) -> None:
    wire = HONEST.respond(usd_a_day()).to_wire()
    fine = verify_answer([usd_a_day()], [{**wire, "extra": nested(20)}], chain=fresh_chain(), registry=REGISTRY)
    assert fine.standing == "holds"
    deep = {**wire, "rules": [{"type": "novel", "data": {"a": nested(depth)}}]}
    report = verify_answer([usd_a_day()], [deep], registry=REGISTRY)
    assert "deep in one another" in report.grants[0].check("form").sentence


def test_what_holds_itself_is_reported_not_followed() -> None:
    circle: list[Any] = []
    circle.append(circle)
    report = verify_answer([usd_a_day()], [{"context": circle}], registry=REGISTRY)
    assert "deep in one another" in report.grants[0].check("form").sentence


def test_no_sentence_repeats_a_megabyte() -> None:
    wire = HONEST.respond(usd_a_day()).to_wire()
    long = "x" * 10**6
    spoilt = [
        {**wire, long: 1},
        {**wire, "permission": {"type": long, "isAdjustmentAllowed": False, "data": {}}},
        {**wire, "rules": [{"type": long, "data": {"a": long}}]},
    ]
    for answer in spoilt:
        report = verify_answer([usd_a_day()], [answer], chain=fresh_chain(), registry=REGISTRY)
        assert max(len(check.sentence) for check in report.grants[0].checks) < 2_000


# careless dapps


def test_nothing_asked_is_no_success() -> None:
    with pytest.raises(EncodingError, match="requests: expected at least one, got none"):
        verify_answer([], [])


@pytest.mark.parametrize(
    ("requests", "options", "words"),
    [
        (usd_a_day(), {}, "requests: expected a list of PermissionRequest, got PermissionRequest"),
        ([usd_a_day().to_wire()], {}, "requests: expected a list of PermissionRequest"),
        ([usd_a_day()], {"chain": "http://127.0.0.1:1"}, "chain: expected a LocalChain.*got str"),
        ([usd_a_day()], {"chain": {CHAIN_ID: "http://127.0.0.1:1"}}, "chain: expected a LocalChain.*got dict"),
        ([usd_a_day()], {"registry": PLACE}, "registry: expected a Registry, got Deployment"),
    ],
)
def test_arguments_of_another_kind_are_refused_in_one_line(requests: Any, options: Any, words: str) -> None:
    with pytest.raises(EncodingError, match=words):
        verify_answer(requests, [], **options)


def test_a_response_that_was_not_read_is_refused() -> None:
    with pytest.raises(EncodingError, match="expected a PermissionResponse, got dict"):
        verify_response(usd_a_day(), HONEST.respond(usd_a_day()).to_wire())  # type: ignore[arg-type]


def test_a_chain_given_as_a_function_is_opened_when_it_is_needed() -> None:
    assert look(HONEST, chain=fresh_chain).standing == "holds"

    def fails() -> LocalChain:
        raise TransportError("could not ask the node")

    assert "returned str" in look(HONEST, chain=lambda: "http://127.0.0.1:1").check("state").sentence
    report = look(HONEST, chain=fails)
    assert report.check("state").standing == "unknown"
    assert "could not ask the node" in report.check("state").sentence


# at random

ENFORCERS = [address for name, address in PLACE.addresses.items() if name.endswith("Enforcer")]


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_no_other_caveats_than_those_asked_for_hold(data: st.DataObject) -> None:
    (unsigned,) = decode_context(HONEST.respond(usd_a_day()).context)
    caveats = list(unsigned.caveats)
    at = data.draw(st.integers(0, len(caveats) - 1))
    caveat, enforcer = caveats[at], data.draw(st.sampled_from(ENFORCERS))
    flipped = bytearray(caveat.terms)
    flipped[data.draw(st.integers(0, len(flipped) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    changes = {
        "flip": [Caveat(enforcer=caveat.enforcer, terms=bytes(flipped))],
        "cut": [Caveat(enforcer=caveat.enforcer, terms=caveat.terms[:-1])],
        "longer": [Caveat(enforcer=caveat.enforcer, terms=caveat.terms + bytes(32))],
        "another enforcer": [Caveat(enforcer=enforcer, terms=caveat.terms)],
        "one more": [caveat, Caveat(enforcer=enforcer, terms=caveat.terms)],
        "gone": [],
        "as it was": [caveat],
    }
    caveats[at : at + 1] = changes[data.draw(st.sampled_from(sorted(changes)))]
    order = data.draw(st.permutations(caveats))
    report = look(HONEST.but(draws=changed(caveats=tuple(order))))
    assert (report.standing == "holds") == (_signed(order) == _signed(unsigned.caveats))


def _signed(caveats: Sequence[Caveat]) -> list[tuple[bytes, bytes]]:
    return sorted((bytes(caveat.enforcer), caveat.terms) for caveat in caveats)
