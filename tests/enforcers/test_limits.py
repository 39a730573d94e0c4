"""Each field just inside and just outside its limit, on the official bytecode."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from caveats import AllowedMethods, AllowedTargets, Bytes4, Execution, LimitedCalls, Timestamp
from caveats.attempt import Attempt
from caveats.enforcer import EnforcerTerms
from caveats.spend.erc20_transfer_amount import ERC20TransferAmount
from caveats.spend.native_token_transfer_amount import NativeTokenTransferAmount
from tests.enforcers.harness import SHOP, START_AT, Stage, attempt_on, grant, said, set_stage, transfer

Case = tuple[str, Callable[[Stage], EnforcerTerms], list[tuple[Callable[[Stage], Attempt], str | None]]]


def send(value: int) -> Callable[[Stage], Attempt]:
    return lambda stage: Attempt((Execution(target=SHOP, value=value),))


def pay(amount: int) -> Callable[[Stage], Attempt]:
    return lambda stage: Attempt((transfer(stage.token, amount),))


def at(timestamp: int) -> Callable[[Stage], Attempt]:
    return lambda stage: Attempt((Execution(target=SHOP),), timestamp=timestamp)


def call(data: bytes) -> Callable[[Stage], Attempt]:
    return lambda stage: Attempt((Execution(target=stage.target, call_data=data),))


CASES: list[Case] = [
    (
        "native total: the cap itself passes, one wei more does not",
        lambda s: NativeTokenTransferAmount(max_amount_wei=100),
        [
            (send(60), None),
            (send(41), "NativeTokenTransferAmountEnforcer:allowance-exceeded"),
            (send(40), None),
        ],
    ),
    (
        "token total: the cap itself passes, one base unit more does not",
        lambda s: ERC20TransferAmount(token=s.token, max_amount=100),
        [
            (pay(60), None),
            (pay(41), "ERC20TransferAmountEnforcer:allowance-exceeded"),
            (pay(40), None),
            (pay(0), None),
        ],
    ),
    (
        "a window of one second: only that second passes",
        lambda s: Timestamp(after_at=START_AT + 9, before_at=START_AT + 11),
        [
            (at(START_AT + 9), "TimestampEnforcer:early-delegation"),
            (at(START_AT + 10), None),
            (at(START_AT + 11), "TimestampEnforcer:expired-delegation"),
        ],
    ),
    (
        "two calls: the third does not pass",
        lambda s: LimitedCalls(limit=2),
        [(send(1), None), (send(1), None), (send(1), "LimitedCallsEnforcer:limit-exceeded")],
    ),
    (
        "targets: the listed one passes, its neighbour does not",
        lambda s: AllowedTargets(targets=(s.target,)),
        [(call(b""), None), (send(0), "AllowedTargetsEnforcer:target-address-not-allowed")],
    ),
    (
        "methods: three bytes are too few, another selector is not allowed",
        lambda s: AllowedMethods(selectors=(Bytes4("0x12345678"), Bytes4("0x00000000"))),
        [
            (call(bytes.fromhex("123456")), "AllowedMethodsEnforcer:invalid-execution-data-length"),
            (call(bytes.fromhex("12345678")), None),
            (call(bytes(4)), None),
            (call(bytes.fromhex("12345679")), "AllowedMethodsEnforcer:method-not-allowed"),
        ],
    ),
]


@pytest.mark.parametrize(("make", "steps"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_bytecode_draws_the_line_where_the_terms_say(make, steps):
    stage = set_stage()
    terms = make(stage)
    delegation = grant([terms.to_caveat()])
    for build, expected in steps:
        attempt = build(stage)
        verdict = attempt_on(stage.chain, delegation, attempt)
        assert said(verdict) == expected
        judged = terms.denies(Attempt(attempt.executions, timestamp=stage.chain.timestamp))
        assert judged in (None, expected), "what terms alone deny, the bytecode denies for the same reason"
        if terms.JUDGED_ALONE:
            assert judged == expected
