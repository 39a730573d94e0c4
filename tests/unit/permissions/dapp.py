"""A dapp, a wallet that can be made to cheat, and the chain both speak of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from eth_abi.abi import encode

from caveats import Caveat, Execution, Nonce
from caveats.types import Address, keccak
from delegations.delegation import Delegation, encode_context, sign_delegation
from delegations.evm import LocalChain, dev_account
from delegations.framework.artifact import load_framework
from delegations.framework.constants import HYBRID_DELEGATOR, SIMPLE_FACTORY
from delegations.framework.deployments import Registry, canonical_deployment
from delegations.permissions import (
    Dependency,
    Erc20TokenPeriodic,
    ExpiryRule,
    NativeTokenAllowance,
    PayeeRule,
    PermissionRequest,
    PermissionResponse,
    populate,
    to_delegation,
)

CHAIN_ID, NOW, DAY = 31337, 1_800_000_000, 86_400
ALICE, AGENT, SHOP, OTHER = (Address(dev_account(i).address) for i in range(4))
PLACE = canonical_deployment(CHAIN_ID)
REGISTRY = Registry().with_deployment(PLACE)
USD = 10**6


class Hybrid:
    """A Hybrid account of one key, at the address the factory gives it; encoded here by eth_abi."""

    owner = dev_account(5)

    def __init__(self) -> None:
        setup = [self.owner.address, [], [], []]
        initialize = call_data("initialize(address,string[],uint256[],uint256[])", setup)
        constructor = encode(["address", "bytes"], [str(HYBRID_DELEGATOR), initialize])
        init_code = load_framework().proxy_creation_code + constructor
        self.dependency = Dependency(
            factory=SIMPLE_FACTORY, factory_data=call_data("deploy(bytes,bytes32)", [init_code, bytes(32)])
        )
        self.address = Address(keccak(b"\xff" + SIMPLE_FACTORY + bytes(32) + keccak(init_code))[12:])


def call_data(function: str, values: list[Any]) -> bytes:
    """The calldata of a function, encoded by eth_abi."""
    types = function[function.index("(") + 1 : -1].split(",")
    return keccak(function.encode())[:4] + encode(types, values)


HYBRID = Hybrid()


@cache
def _prepared() -> tuple[LocalChain, Address]:
    chain = LocalChain(CHAIN_ID, timestamp=NOW)
    chain.add_delegator(ALICE)
    token = chain.deploy_token("USD Coin", "USDC", 6)
    for holder in (ALICE, HYBRID.address):
        chain.mint(token, holder, 1_000 * USD)
    return chain, token


def fresh_chain() -> LocalChain:
    """A chain of one's own, on which Alice is upgraded and the Hybrid account is not deployed."""
    return _prepared()[0].copy()


TOKEN = _prepared()[1]


def usd_a_day(amount: int = 10 * USD, *, adjustable: bool = False, **changes: Any) -> PermissionRequest:
    """Ten USDC a day to the shop, for thirty days."""
    permission = Erc20TokenPeriodic(
        token_address=TOKEN, period_amount=amount, period_duration=DAY, start_time=NOW, is_adjustment_allowed=adjustable
    )
    rules = (ExpiryRule(timestamp=NOW + 30 * DAY), PayeeRule(addresses=(SHOP,)))
    return PermissionRequest(**{"chain_id": CHAIN_ID, "to": AGENT, "permission": permission, "rules": rules, **changes})


def one_ether() -> PermissionRequest:
    """One ether in all, to anyone."""
    return PermissionRequest(
        chain_id=CHAIN_ID, to=AGENT, permission=NativeTokenAllowance(allowance_amount=10**18, start_time=NOW)
    )


def pay(amount: int, to: Address = SHOP) -> Execution:
    """A transfer of the token."""
    data = bytes.fromhex("a9059cbb") + bytes(12) + to + amount.to_bytes(32, "big")
    return Execution(target=TOKEN, call_data=data)


def same(value: Any) -> Any:
    """Change nothing."""
    return value


@dataclass(frozen=True)
class Grantor:
    """Grants what it is asked for, or what it makes of it.

    Attributes:
        grants: what it grants instead of what was asked.
        says: what it says it granted.
        draws: what it makes of the delegation before it signs.
        signs: what it makes of the signed one.
        answers: what it makes of the response.
    """

    grants: Callable[[PermissionRequest], PermissionRequest] = same
    says: Callable[[PermissionRequest], PermissionRequest] = same
    draws: Callable[[Delegation], Delegation] = same
    signs: Callable[[Delegation], Delegation] = same
    answers: Callable[[PermissionResponse], PermissionResponse] = same
    is_hybrid: bool = False
    chain_id: int = CHAIN_ID

    def respond(self, request: PermissionRequest) -> PermissionResponse:
        """The response to one request."""
        account = HYBRID.address if self.is_hybrid else ALICE
        granted = populate(self.grants(request), now=NOW).model_copy(update={"from_": account})
        unsigned = self.draws(to_delegation(granted, delegator=account, nonce=0, salt=7, on=PLACE))
        key = HYBRID.owner if self.is_hybrid else dev_account(0)
        signed = sign_delegation(unsigned, key, chain_id=self.chain_id, manager=PLACE.manager)
        response = PermissionResponse.answering(
            self.says(granted),
            context=encode_context([self.signs(signed)]),
            delegation_manager=PLACE.manager,
            dependencies=(HYBRID.dependency,) if self.is_hybrid else (),
        )
        return self.answers(response)

    def but(self, **changes: Any) -> Grantor:
        """The same with changes."""
        return replace(self, **changes)


def changed(**fields: Any) -> Callable[[Any], Any]:
    """Return what puts other values into a model."""
    return lambda model: model.model_copy(update=fields)


def permitted(**fields: Any) -> Callable[[PermissionRequest], PermissionRequest]:
    """Return what changes a request's permission."""
    return lambda request: request.model_copy(update={"permission": request.permission.model_copy(update=fields)})


def without_nonce(delegation: Delegation) -> Delegation:
    """Drop the caveat that holds the nonce."""
    return delegation.model_copy(
        update={"caveats": tuple(c for c in delegation.caveats if c.enforcer != Nonce.ADDRESS)}
    )


def under(caveat: Caveat) -> Callable[[Delegation], Delegation]:
    """Return what adds a caveat."""
    return lambda delegation: delegation.model_copy(update={"caveats": (*delegation.caveats, caveat)})


def depending(*dependencies: Dependency) -> Callable[[PermissionResponse], PermissionResponse]:
    """Return what makes a response depend on these."""
    return changed(dependencies=dependencies)
