"""Accounts that cheat: signatures that are none, code that agrees to all, deployments of something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from caveats import Execution
from caveats.errors import UnsupportedError
from caveats.types import Address, keccak
from delegations.delegation import Delegation, encode_context, sign_delegation
from delegations.evm import LocalChain, dev_account
from delegations.framework.artifact import load_framework
from delegations.framework.constants import (
    EIP7702_PREFIX,
    EIP7702_STATELESS_DELEGATOR,
    HYBRID_DELEGATOR,
    SIMPLE_FACTORY,
)
from delegations.framework.deployments import Registry
from delegations.permissions import Dependency, PermissionResponse, populate, to_delegation
from delegations.permissions.verify import NotVerifiedError, verify_response
from tests.unit.permissions.dapp import (
    AGENT,
    ALICE,
    CHAIN_ID,
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
    pay,
    usd_a_day,
)
from tests.unit.permissions.hostile import HONEST, look, redeems

_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


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
