"""Args that equal the terms, and groups to choose from, on the official bytecode."""

from __future__ import annotations

import pytest

from caveats import (
    AllowedTargets,
    ArgsEqualityCheck,
    Caveat,
    ERC20BalanceChange,
    ExactExecutionBatch,
    Execution,
    Id,
    LimitedCalls,
    LogicalOrWrapper,
    NativeTokenTransferAmount,
    Nonce,
    Redeemer,
    Timestamp,
)
from caveats.attempt import Attempt, StateKey
from caveats.spend.native_token_payment import NativeTokenPayment
from delegations.delegation import hash_delegation
from tests.enforcers.agreement import refusal_of
from tests.enforcers.harness import (
    AGENT,
    ALICE,
    SHOP,
    START_AT,
    attempt_on,
    check_steps,
    grant,
    said,
    set_stage,
    transfer,
)
from tests.enforcers.hooks import call_hook

EXEC, TYPE = "CaveatEnforcer:invalid-execution-type", "CaveatEnforcer:invalid-call-type"
OR = "LogicalOrWrapperEnforcer"


def group(*terms):
    return tuple(part if isinstance(part, Caveat) else part.to_caveat() for part in terms)


def choose(index, *args, value=0, times=1, is_try=False, is_batch=False, at=0):
    chosen = LogicalOrWrapper.encode_args(index, args)
    return lambda stage: Attempt(
        (Execution(target=SHOP, value=value),) * times,
        is_batch=is_batch or times > 1,
        is_try=is_try,
        timestamp=at,
        redeemer=AGENT,
        delegator=ALICE,
        args=chosen,
    )


def supply(args, **mode):
    return lambda stage: Attempt((Execution(target=SHOP),), args=args, **mode)


CASES = [
    (
        "args must be the terms, to the byte",
        lambda s: ArgsEqualityCheck(expected_args=b"\x12\x34"),
        [
            (supply(b"\x12\x34"), None),
            (supply(b"\x12\x34", is_batch=True), None),
            (supply(b"\x12\x34", is_try=True), EXEC),
            (supply(b"\x12\x34\x00"), "ArgsEqualityCheckEnforcer:different-args-and-terms"),
            (supply(b"\x12"), "ArgsEqualityCheckEnforcer:different-args-and-terms"),
            (supply(b""), "ArgsEqualityCheckEnforcer:different-args-and-terms"),
        ],
    ),
    (
        "empty terms, as only old ones are, are met by empty args alone",
        lambda s: ArgsEqualityCheck.unchecked(expected_args=b""),
        [(supply(b""), None), (supply(b"\x00"), "ArgsEqualityCheckEnforcer:different-args-and-terms")],
    ),
    (
        "the redeemer chooses a group and is bound by it alone",
        lambda s: LogicalOrWrapper(
            groups=(
                group(ArgsEqualityCheck(expected_args=b"\x07"), Timestamp(before_at=START_AT + 10)),
                group(Redeemer(redeemers=(AGENT,)), NativeTokenTransferAmount(max_amount_wei=5)),
                group(AllowedTargets(targets=(ALICE,))),
            )
        ),
        [
            (choose(0, b"\x07", b""), None),
            (choose(0, b"\x07", b"\xff"), None),
            (choose(0, b"", b""), "ArgsEqualityCheckEnforcer:different-args-and-terms"),
            (choose(1, b"", b"", value=6), "NativeTokenTransferAmountEnforcer:allowance-exceeded"),
            (choose(1, b"", b"", value=5), None),
            (choose(1, b"", b"", value=1), "NativeTokenTransferAmountEnforcer:allowance-exceeded"),
            (choose(2, b""), "AllowedTargetsEnforcer:target-address-not-allowed"),
            (choose(3, b""), f"{OR}:invalid-group-index"),
            (choose(2**256 - 1), f"{OR}:invalid-group-index"),
            (choose(0, b"\x07"), f"{OR}:invalid-caveat-args-length"),
            (choose(0, b"\x07", b"", b""), f"{OR}:invalid-caveat-args-length"),
            (supply(b""), ""),
            (supply(b"\x00"), ""),
            (choose(0, b"\x07", b"", times=2), None),
            (choose(1, b"", b"", is_batch=True), TYPE),
            (choose(0, b"\x07", b"", is_try=True), EXEC),
            (choose(3, b"", is_try=True), f"{OR}:invalid-group-index"),
            (choose(0, b"\x07", b"", at=START_AT + 10), "TimestampEnforcer:expired-delegation"),
        ],
    ),
    (
        "a group without caveats, as only old terms hold it, permits everything",
        lambda s: LogicalOrWrapper.unchecked(groups=((),)),
        [(choose(0, value=10**18), None), (choose(0, b""), f"{OR}:invalid-caveat-args-length")],
    ),
    (
        "without groups nothing can be chosen",
        lambda s: LogicalOrWrapper.unchecked(groups=()),
        [(choose(0), f"{OR}:invalid-group-index")],
    ),
    (
        "a wrapper in a group never passes",
        lambda s: LogicalOrWrapper.unchecked(groups=(group(LogicalOrWrapper(groups=(group(LimitedCalls(limit=5)),))),)),
        [
            (choose(0, LogicalOrWrapper.encode_args(0, [b""])), f"{OR}:only-delegation-manager"),
            (choose(0, b"", is_try=True), f"{OR}:only-delegation-manager"),
        ],
    ),
    (
        "a payment in a group never passes",
        lambda s: LogicalOrWrapper.unchecked(groups=(group(NativeTokenPayment(recipient=SHOP, amount_wei=1)),)),
        [(choose(0, b""), "NativeTokenPaymentEnforcer:only-delegation-manager")],
    ),
    (
        "what reverts without a reason inside fails as an inner call",
        lambda s: LogicalOrWrapper.unchecked(
            groups=(group(Caveat(enforcer=NativeTokenTransferAmount.ADDRESS, terms=bytes(31))),)
        ),
        [(choose(0, b""), "FailedInnerCall()")],
    ),
    (
        "a group that only a batch can meet",
        lambda s: LogicalOrWrapper(
            groups=(group(ExactExecutionBatch(executions=(Execution(target=SHOP, value=3),) * 2)),)
        ),
        [
            (choose(0, b"", value=3, times=2), None),
            (choose(0, b"", value=3), TYPE),
            (choose(0, b"", value=4, times=2), "ExactExecutionBatchEnforcer:invalid-execution"),
        ],
    ),
]


@pytest.mark.parametrize(("make", "steps"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_bytecode_draws_the_line_where_the_terms_say(make, steps):
    check_steps(make, steps)


def test_an_inner_enforcer_without_code_is_named_by_the_chain_and_not_judged_by_terms():
    stage = set_stage()
    terms = LogicalOrWrapper(groups=((Caveat(enforcer=SHOP, terms=b""),),))
    attempt = choose(0, b"")(stage)
    assert terms.denies(attempt) is None
    assert terms.would_allow(attempt) is None
    assert said(attempt_on(stage.chain, grant([terms.to_caveat()]), attempt)) == "AddressEmptyCode(address)"


def test_the_after_hook_of_the_chosen_group_runs_too():
    stage = set_stage()
    cap = ERC20BalanceChange(enforce_decrease=True, token=stage.token, recipient=ALICE, amount=100)
    delegation = grant([LogicalOrWrapper(groups=(group(cap),)).to_caveat()])
    args = LogicalOrWrapper.encode_args(0, [b""])
    for amount, expected in ((100, None), (101, "ERC20BalanceChangeEnforcer:exceeded-balance-decrease")):
        attempt = Attempt((transfer(stage.token, amount),), args=args)
        assert said(attempt_on(stage.chain, delegation, attempt)) == expected


def test_state_inside_a_group_is_kept_under_the_wrapper():
    stage = set_stage()
    limit = LimitedCalls(limit=1)
    terms = LogicalOrWrapper(groups=(group(limit),))
    delegation = grant([terms.to_caveat(), limit.to_caveat()])
    attempt = choose(0, b"")(stage)
    assert said(attempt_on(stage.chain, delegation, attempt)) is None
    assert said(attempt_on(stage.chain, delegation, attempt)) == "LimitedCallsEnforcer:limit-exceeded"
    key = StateKey(stage.chain.manager, hash_delegation(delegation), ALICE)
    for each in (key, terms.inner_key(key)):
        assert stage.chain.world.storage(LimitedCalls.ADDRESS, limit.state_slot(each)) == 1
    assert limit.state_slot(key) != limit.state_slot(terms.inner_key(key))


@pytest.mark.parametrize("inner", [Id(id=5), Nonce(nonce=0)])
def test_an_id_or_nonce_inside_a_group_is_not_the_one_outside(inner):
    stage = set_stage()
    inside = grant([LogicalOrWrapper(groups=(group(inner),)).to_caveat()])
    outside = grant([inner.to_caveat()])
    assert said(attempt_on(stage.chain, inside, choose(0, b"")(stage))) is None
    assert said(attempt_on(stage.chain, outside, choose(0, b"")(stage))) is None


@pytest.mark.parametrize("hook", LogicalOrWrapper.HOOKS)
def test_only_the_manager_may_call_the_wrapper(hook):
    stage = set_stage()
    terms = LogicalOrWrapper(groups=(group(Redeemer(redeemers=(AGENT,))),)).encode_terms()
    attempt = choose(0, b"")(stage)
    assert call_hook(stage.chain, LogicalOrWrapper.ADDRESS, terms, attempt, hook=hook) is None
    told = call_hook(stage.chain, LogicalOrWrapper.ADDRESS, terms, attempt, hook=hook, sender=ALICE)
    assert told == f"{OR}:only-delegation-manager"


def test_class_and_bytecode_read_groups_cut_at_the_same_bytes():
    chain = set_stage().chain
    terms = LogicalOrWrapper(
        groups=(group(Redeemer(redeemers=(AGENT,))), group(LimitedCalls(limit=1), Timestamp(before_at=9)))
    ).encode_terms()
    attempt = Attempt((Execution(target=SHOP),), redeemer=AGENT, args=LogicalOrWrapper.encode_args(0, [b""]))
    reads = 0
    for length in range(len(terms) + 2):
        cut = terms[:length].ljust(length, b"\0")
        told = call_hook(chain, LogicalOrWrapper.ADDRESS, cut, attempt)
        assert told == refusal_of(LogicalOrWrapper, cut), length
        reads += told is None
    assert reads == 2


def test_args_name_the_group_and_are_read_back():
    terms = LogicalOrWrapper(groups=(group(LimitedCalls(limit=1), Id(id=2)), group(Id(id=3))))
    assert LogicalOrWrapper.decode_args(terms.args_for(1)) == (1, (b"",))
    assert LogicalOrWrapper.decode_args(terms.args_for(0, [b"\x01", b"\x02" * 33])) == (0, (b"\x01", b"\x02" * 33))
