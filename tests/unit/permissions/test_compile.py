"""From permissions to caveats: which, in which order, at which addresses; and what they do on the official bytecode."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from caveats import Caveat, Execution, constraints, decode_caveat
from caveats.abi import encode_address, encode_uint
from caveats.attempt import Attempt
from caveats.constraints import NATIVE
from caveats.enforcer import EnforcerTerms
from caveats.errors import EncodingError, UnsupportedError
from caveats.types import MAX_UINT256, Address, keccak, parse_hex
from delegations.delegation import ROOT_AUTHORITY
from delegations.framework import Deployment, canonical_deployment, deployment
from delegations.permissions import (
    Erc20TokenAllowance,
    Erc20TokenPeriodic,
    Erc20TokenRevocation,
    Erc20TokenStream,
    ExpiryRule,
    NativeTokenAllowance,
    NativeTokenPeriodic,
    NativeTokenStream,
    PayeeRule,
    Permission,
    PermissionFieldError,
    PermissionRequest,
    RedeemerRule,
    Rule,
    TokenApprovalRevocation,
    UnknownPermission,
    UnknownRule,
    compile_permission,
    populate,
    to_delegation,
)
from tests.enforcers.harness import AGENT, ALICE, SHOP, START_AT, Stage, attempt_on, grant, said, set_stage, transfer
from tests.unit.permissions.wires import EXPIRY, LIVE, NOW, OTHER, PAYEE, REDEEMER, TOKEN, permission, request

PLACE = deployment(1)
ENDS, REDEEMED_BY, PAID = ExpiryRule(timestamp=NOW + 5), RedeemerRule(addresses=(AGENT,)), PayeeRule(addresses=(SHOP,))
MAIN = {
    "native-token-stream": ["NativeTokenStreaming", "ExactCalldata"],
    "native-token-periodic": ["NativeTokenPeriodTransfer", "ExactCalldata"],
    "native-token-allowance": ["NativeTokenPeriodTransfer", "ExactCalldata"],
    "erc20-token-stream": ["ERC20Streaming", "ValueLte"],
    "erc20-token-periodic": ["ERC20PeriodTransfer", "ValueLte"],
    "erc20-token-allowance": ["ERC20PeriodTransfer", "ValueLte"],
    "token-approval-revocation": ["ApprovalRevocation"],
}


def _compile(asked: Permission, *rules: Rule, nonce: int = 7) -> tuple[Caveat, ...]:
    return compile_permission(asked, rules, nonce=nonce, on=PLACE)


def _names(caveats: tuple[Caveat, ...]) -> list[str]:
    return [decode_caveat(caveat).name for caveat in caveats]


@pytest.mark.parametrize("kind", LIVE)
def test_the_caveats_of_every_type_stand_in_the_wallets_order(kind: str) -> None:
    asked = Permission.from_wire(permission(kind))
    payee = {"native": ["AllowedTargets"], "erc20-": ["AllowedCalldata"], "token-": []}[kind[:6]]
    rules = (ENDS, REDEEMED_BY, *([PAID] if payee else []))
    expected = [*MAIN[kind], "Timestamp", "Redeemer", *payee, "Nonce"]
    assert _names(_compile(asked)) == [*MAIN[kind], "Nonce"]
    for order in itertools.permutations(rules):
        caveats = _compile(asked, *order)
        assert _names(caveats) == expected
        assert not any(caveat.args for caveat in caveats)


SPENDS: list[tuple[Permission, tuple[EnforcerTerms, ...]]] = [
    (
        NativeTokenStream(amount_per_second=2, initial_amount=1, max_amount=9, start_time=NOW),
        constraints.spend_stream(NATIVE, 2, start_at=NOW, initial=1, at_most=9, order="wallet"),
    ),
    (
        NativeTokenPeriodic(period_amount=5, period_duration=86_400, start_time=NOW),
        constraints.spend_per_period(NATIVE, 5, "day", start_at=NOW, order="wallet"),
    ),
    (
        NativeTokenAllowance(allowance_amount=5, start_time=NOW),
        constraints.spend_per_period(NATIVE, 5, MAX_UINT256, start_at=NOW, order="wallet"),
    ),
    (
        Erc20TokenStream(token_address=TOKEN, amount_per_second=2, initial_amount=1, max_amount=9, start_time=NOW),
        constraints.spend_stream(TOKEN, 2, start_at=NOW, initial=1, at_most=9, order="wallet"),
    ),
    (
        Erc20TokenPeriodic(token_address=TOKEN, period_amount=5, period_duration=604_800, start_time=NOW),
        constraints.spend_per_period(TOKEN, 5, "week", start_at=NOW, order="wallet"),
    ),
    (
        Erc20TokenAllowance(token_address=TOKEN, allowance_amount=5, start_time=NOW),
        constraints.spend_per_period(TOKEN, 5, MAX_UINT256, start_at=NOW, order="wallet"),
    ),
]


@pytest.mark.parametrize(("asked", "terms"), SPENDS, ids=lambda value: getattr(value, "type", ""))
def test_the_caveats_are_those_of_the_constraints_in_the_wallets_order(
    asked: Permission, terms: tuple[EnforcerTerms, ...]
) -> None:
    token = getattr(asked, "token_address", NATIVE)
    expected = [
        *terms,
        *constraints.expires_at(NOW + 5),
        *constraints.redeemable_by([AGENT]),
        *constraints.payee(token, [SHOP]),
        *constraints.revocable_by_nonce(7),
    ]
    assert list(_compile(asked, PAID, REDEEMED_BY, ENDS)) == [item.to_caveat() for item in expected]


def test_several_payees_of_the_native_token_are_targets() -> None:
    asked = NativeTokenAllowance(allowance_amount=5, start_time=NOW)
    caveats = _compile(asked, PayeeRule(addresses=(SHOP, OTHER)))
    assert caveats[2].terms == SHOP + OTHER


@pytest.mark.parametrize("nonce", [0, 1, MAX_UINT256])
def test_the_nonce_is_the_last_word(nonce: int) -> None:
    assert _compile(Permission.from_wire(permission("native-token-periodic")), nonce=nonce)[-1].terms == encode_uint(
        nonce
    )


@pytest.mark.parametrize("nonce", [-1, MAX_UINT256 + 1, None])
def test_what_is_no_nonce_is_refused(nonce: Any) -> None:
    with pytest.raises(EncodingError):
        _compile(Permission.from_wire(permission("native-token-periodic")), nonce=nonce)


# where the enforcers stand


def test_the_enforcers_are_those_of_the_deployment() -> None:
    official = canonical_deployment(31337)
    moved = {name: Address(encode_uint(i)[12:]) for i, name in enumerate(official.addresses, 1)}
    place = Deployment("1.3.0", 31337, moved["DelegationManager"], moved)
    caveats = compile_permission(SPENDS[4][0], (ENDS,), nonce=0, on=place)
    names = ("ERC20PeriodTransferEnforcer", "ValueLteEnforcer", "TimestampEnforcer", "NonceEnforcer")
    assert [caveat.enforcer for caveat in caveats] == [moved[name] for name in names]


def test_a_deployment_without_an_enforcer_is_refused_by_its_name() -> None:
    addresses = {name: at for name, at in PLACE.addresses.items() if name != "ValueLteEnforcer"}
    place = Deployment("1.3.0", 1, PLACE.manager, addresses)
    with pytest.raises(UnsupportedError, match=r"ValueLteEnforcer: framework 1\.3\.0 on chain 1 has none"):
        compile_permission(SPENDS[4][0], nonce=0, on=place)


def test_another_version_of_the_framework_is_refused() -> None:
    place = Deployment("1.1.0", 1, PLACE.manager, PLACE.addresses)
    with pytest.raises(UnsupportedError, match=r"framework 1\.1\.0"):
        compile_permission(SPENDS[4][0], nonce=0, on=place)


# the defaults


def test_what_was_not_given_is_filled_in_as_the_wallet_does() -> None:
    bare = PermissionRequest(chain_id=1, to=AGENT, permission=NativeTokenStream(amount_per_second=1))
    filled = populate(bare, now=NOW)
    assert filled.permission == NativeTokenStream(
        amount_per_second=1, initial_amount=0, max_amount=MAX_UINT256, start_time=NOW
    )
    assert populate(filled, now=NOW + 1) == filled
    assert bare.permission.write_data() == {"amountPerSecond": "0x1"}


@pytest.mark.parametrize("kind", LIVE)
def test_what_was_given_stays(kind: str) -> None:
    given = PermissionRequest.from_wire(request(kind))
    assert populate(given, now=5) is given


def test_a_request_that_was_not_populated_is_refused_by_each_field() -> None:
    with pytest.raises(PermissionFieldError) as refused:
        _compile(NativeTokenStream(amount_per_second=1))
    assert [problem.path for problem in refused.value.problems] == [
        "permission.data.initialAmount",
        "permission.data.maxAmount",
        "permission.data.startTime",
    ]
    assert "populate" in str(refused.value)


# the delegation


def test_the_delegation_is_a_root_from_the_account_to_the_redeemer() -> None:
    asked = PermissionRequest.from_wire(request("erc20-token-periodic", EXPIRY, REDEEMER, PAYEE))
    account = Address(request()["from"])
    made = to_delegation(asked, delegator=account, nonce=3, salt=4)
    assert (made.delegator, made.delegate, made.authority) == (account, asked.to, ROOT_AUTHORITY)
    assert (made.salt, made.signature) == (4, b"")
    assert made.caveats == _compile(asked.permission, *asked.rules, nonce=3)


def test_the_salt_is_random_unless_it_is_given() -> None:
    asked = PermissionRequest.from_wire({**request(), "from": None})
    salts = {to_delegation(asked, delegator=ALICE, nonce=0).salt for _ in range(3)}
    assert len(salts) == 3


def test_another_account_than_was_asked_for_is_refused() -> None:
    asked = PermissionRequest.from_wire(request())
    with pytest.raises(EncodingError, match="delegator: expected the request's from"):
        to_delegation(asked, delegator=OTHER, nonce=0)


def test_a_deployment_of_another_chain_is_refused() -> None:
    asked = PermissionRequest.from_wire({**request(), "from": None})
    with pytest.raises(EncodingError, match="expected one on chain 1, got 10"):
        to_delegation(asked, delegator=ALICE, nonce=0, on=deployment(10))
    with pytest.raises(UnsupportedError, match="chain 12345"):
        to_delegation(asked.model_copy(update={"chain_id": 12345}), delegator=ALICE, nonce=0)


# what cannot be compiled


def _stream(**changed: int) -> NativeTokenStream:
    values = {"amount_per_second": 1, "initial_amount": 5, "max_amount": 6, "start_time": 1, **changed}
    return NativeTokenStream(**values)


def _periodic(**changed: int) -> Erc20TokenPeriodic:
    values = {"period_amount": 1, "period_duration": 1, "start_time": 1, **changed}
    return Erc20TokenPeriodic(token_address=TOKEN, **values)


TAKEN: list[tuple[Permission, tuple[Rule, ...]]] = [
    (_stream(), ()),
    (_stream(initial_amount=MAX_UINT256 - 1, max_amount=MAX_UINT256, amount_per_second=MAX_UINT256), ()),
    (_periodic(period_duration=315_360_000, period_amount=MAX_UINT256, start_time=MAX_UINT256), ()),
    (_periodic(), (ExpiryRule(timestamp=1),)),
    (_periodic(), (ExpiryRule(timestamp=2**128 - 1),)),
    (_periodic(), (RedeemerRule(addresses=(AGENT, AGENT)),)),
]


@pytest.mark.parametrize(("asked", "rules"), TAKEN)
def test_what_lies_on_the_limit_is_compiled(asked: Permission, rules: tuple[Rule, ...]) -> None:
    assert _compile(asked, *rules)


REFUSED: list[tuple[Permission, tuple[Rule, ...], str]] = [
    (_stream(max_amount=5), (), "permission.data.maxAmount: expected more than the initial amount 5, got 5"),
    (_stream(max_amount=4), (), "permission.data.maxAmount"),
    (_stream(amount_per_second=0), (), "permission.data.amountPerSecond: expected more than 0, got 0"),
    (_stream(start_time=0), (), "permission.data.startTime"),
    (_periodic(period_amount=0), (), "permission.data.periodAmount"),
    (_periodic(period_duration=0), (), "permission.data.periodDuration: expected 1 to 315360000 seconds, got 0"),
    (_periodic(period_duration=315_360_001), (), "permission.data.periodDuration"),
    (_periodic(start_time=0), (), "permission.data.startTime"),
    (NativeTokenAllowance(allowance_amount=0, start_time=1), (), "permission.data.allowanceAmount"),
    (TokenApprovalRevocation(), (), "permission.data: no kind of revocation is switched on"),
    (Erc20TokenRevocation(), (), "permission.type: erc20-token-revocation: the type is deprecated"),
    (UnknownPermission(type="new", data={}), (), "permission.type: new: no such type is known"),
    (_periodic(), (ExpiryRule(timestamp=0),), "rules[0].data.timestamp"),
    (_periodic(), (ExpiryRule(timestamp=2**128),), "rules[0].data.timestamp"),
    (_periodic(), (ENDS, ENDS), "rules[1].type: a rule of the type expiry stands before it"),
    (_periodic(), (RedeemerRule(addresses=()),), "rules[0].data.addresses: expected at least one address"),
    (_periodic(), (PayeeRule(addresses=()),), "rules[0].data.addresses: expected at least one address"),
    (_periodic(), (PayeeRule(addresses=(SHOP, OTHER)),), "rules[0].data.addresses: expected exactly one payee"),
    (_periodic(), (ENDS, UnknownRule(type="quota", data={})), "rules[1].type: expected one that erc20-token-periodic"),
    (
        TokenApprovalRevocation(erc20_approve=True),
        (PAID,),
        "rules[0].type: expected one that token-approval-revocation takes (expiry, redeemer), got payee",
    ),
]


@pytest.mark.parametrize(("asked", "rules", "message"), REFUSED, ids=[row[2][:50] for row in REFUSED])
def test_what_cannot_be_compiled_is_refused_by_its_path(
    asked: Permission, rules: tuple[Rule, ...], message: str
) -> None:
    with pytest.raises(PermissionFieldError) as refused:
        _compile(asked, *rules)
    assert str(refused.value).startswith(message)
    assert len(refused.value.problems) == 1


# what the caveats do


def _pay(value: int = 1, to: Address = SHOP, data: bytes = b"") -> Execution:
    return Execution(target=to, value=value, call_data=data)


def _approval(stage: Stage, amount: int) -> Execution:
    data = parse_hex("0x095ea7b3") + encode_address(SHOP) + encode_uint(amount)
    return Execution(target=stage.token, call_data=data)


def _rules(*rules: Rule) -> tuple[Rule, ...]:
    return (ExpiryRule(timestamp=START_AT + 100), RedeemerRule(addresses=(AGENT,)), *rules)


ON_CHAIN: dict[str, Any] = {
    "native-token-stream": lambda stage: (
        NativeTokenStream(amount_per_second=1, initial_amount=5, max_amount=8, start_time=START_AT),
        [
            (_pay(6), 1, None),
            (_pay(2), 2, "NativeTokenStreamingEnforcer:allowance-exceeded"),
            (_pay(1, OTHER), 2, "AllowedTargetsEnforcer:target-address-not-allowed"),
            (_pay(1, data=b"\x01"), 2, "ExactCalldataEnforcer:invalid-calldata"),
        ],
    ),
    "native-token-periodic": lambda stage: (
        NativeTokenPeriodic(period_amount=5, period_duration=10, start_time=START_AT),
        [
            (_pay(5), 1, None),
            (_pay(1), 9, "NativeTokenPeriodTransferEnforcer:transfer-amount-exceeded"),
            (_pay(5), 10, None),
            (_pay(1, OTHER), 20, "AllowedTargetsEnforcer:target-address-not-allowed"),
        ],
    ),
    "native-token-allowance": lambda stage: (
        NativeTokenAllowance(allowance_amount=5, start_time=START_AT),
        [
            (_pay(5), 1, None),
            (_pay(1), 99, "NativeTokenPeriodTransferEnforcer:transfer-amount-exceeded"),
            (_pay(0), 100, "TimestampEnforcer:expired-delegation"),
        ],
    ),
    "erc20-token-stream": lambda stage: (
        Erc20TokenStream(
            token_address=stage.token, amount_per_second=1, initial_amount=5, max_amount=8, start_time=START_AT
        ),
        [
            (transfer(stage.token, 6), 1, None),
            (transfer(stage.token, 2), 2, "ERC20StreamingEnforcer:allowance-exceeded"),
            (transfer(stage.token, 1, OTHER), 2, "AllowedCalldataEnforcer:invalid-calldata"),
            (transfer(stage.token, 1, value=1), 2, "ValueLteEnforcer:value-too-high"),
        ],
    ),
    "erc20-token-periodic": lambda stage: (
        Erc20TokenPeriodic(token_address=stage.token, period_amount=5, period_duration=10, start_time=START_AT),
        [
            (transfer(stage.token, 5), 1, None),
            (transfer(stage.token, 1), 9, "ERC20PeriodTransferEnforcer:transfer-amount-exceeded"),
            (transfer(stage.token, 5), 10, None),
            (transfer(stage.token, 5, OTHER), 20, "AllowedCalldataEnforcer:invalid-calldata"),
        ],
    ),
    "erc20-token-allowance": lambda stage: (
        Erc20TokenAllowance(token_address=stage.token, allowance_amount=5, start_time=START_AT),
        [
            (transfer(stage.token, 5), 1, None),
            (transfer(stage.token, 1), 99, "ERC20PeriodTransferEnforcer:transfer-amount-exceeded"),
            (transfer(stage.token, 0), 100, "TimestampEnforcer:expired-delegation"),
        ],
    ),
    "token-approval-revocation": lambda stage: (
        TokenApprovalRevocation(erc20_approve=True),
        [
            (_approval(stage, 0), 1, None),
            (_approval(stage, 1), 1, "ApprovalRevocationEnforcer:non-zero-amount"),
            (transfer(stage.token, 1), 1, "ApprovalRevocationEnforcer:invalid-method"),
        ],
    ),
}


@pytest.mark.parametrize("kind", LIVE)
def test_a_grant_of_every_type_allows_what_it_says_and_no_more(kind: str) -> None:
    stage = set_stage()
    assert stage.chain.send_execution(ALICE, _approval(stage, 5)).success
    asked, steps = ON_CHAIN[kind](stage)
    rules = _rules() if kind.startswith("token-") else _rules(PAID)
    root = grant(_compile(asked, *rules, nonce=0))
    for execution, after, expected in steps:
        attempt = Attempt((execution,), timestamp=START_AT + after)
        assert said(attempt_on(stage.chain, root, attempt)) == expected


def test_a_grant_ends_when_its_nonce_is_raised() -> None:
    stage = set_stage()
    asked = NativeTokenAllowance(allowance_amount=5, start_time=START_AT)
    rules = (PAID,)
    now, later = (grant(_compile(asked, *rules, nonce=nonce)) for nonce in (0, 1))
    attempt = Attempt((_pay(1),), timestamp=START_AT + 1)
    assert said(attempt_on(stage.chain, now, attempt)) is None
    assert said(attempt_on(stage.chain, later, attempt)) == "NonceEnforcer:invalid-nonce"
    nonces = PLACE.addresses["NonceEnforcer"]
    increment = keccak(b"incrementNonce(address)")[:4]
    raised = Execution(target=nonces, call_data=increment + encode_address(stage.chain.manager))
    assert stage.chain.send_execution(ALICE, raised).success
    assert said(attempt_on(stage.chain, now, attempt)) == "NonceEnforcer:invalid-nonce"
    assert said(attempt_on(stage.chain, later, attempt)) is None
