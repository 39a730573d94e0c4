"""The stand-ins for rises over a whole call, at their limits under the official manager."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from eth_abi import encode as abi_encode

from caveats import (
    Caveat,
    ERC20BalanceChange,
    ERC20MultiOperationIncreaseBalance,
    ERC721MultiOperationIncreaseBalance,
    ERC1155MultiOperationIncreaseBalance,
    Execution,
    LogicalOrWrapper,
    NativeTokenMultiOperationIncreaseBalance,
    NativeTokenTransferAmount,
)
from caveats.abi import encode_uint
from caveats.attempt import Attempt, StateKey
from caveats.spend.native_token_payment import ARGS_EQUALITY_CHECK, NativeTokenPayment
from caveats.types import MAX_UINT256, Address, Bytes32, format_hex, keccak
from delegations.delegation import create_delegation, encode_context, redelegate, sign_delegation
from delegations.evm import dev_account
from delegations.redemption import Redemption
from delegations.simulation import execute
from tests.enforcers.agreement import quiet_chain, refusal_of
from tests.enforcers.harness import (
    AGENT,
    ALICE,
    CHAIN_ID,
    SHOP,
    attempt_on,
    check_steps,
    grant,
    mode_of,
    said,
    set_stage,
    transfer,
)
from tests.enforcers.hooks import HOOK_SELECTORS, SOME_HASH, call_hook, hook_call_data
from tests.enforcers.test_limits_outcome import game_with, hold

HELPER = Address(dev_account(3).address)
STRANGER = Address(b"\x5a" * 20)
TRY = "CaveatEnforcer:invalid-execution-type"
OVERFLOW = "Panic(0x11)"
INCREASES = (
    NativeTokenMultiOperationIncreaseBalance,
    ERC20MultiOperationIncreaseBalance,
    ERC721MultiOperationIncreaseBalance,
    ERC1155MultiOperationIncreaseBalance,
)
each_increase = pytest.mark.parametrize("cls", INCREASES, ids=lambda cls: cls.__name__)


def demand(stage, cls, amount=5, *, recipient=SHOP):
    """Return terms that demand a rise of the shop's balance, whatever the kind; of id 7 it holds 50 already."""
    fields = {
        "recipient": recipient,
        "token": game_with(stage, SHOP, 7, 50) if cls is ERC1155MultiOperationIncreaseBalance else stage.token,
        "token_id": 7,
        "amount": amount,
        "amount_wei": amount,
    }
    return cls.unchecked(**{name: fields[name] for name in cls.model_fields})


def give(cls, amount):
    """Return an execution that raises the shop's balance by `amount`."""
    if cls is NativeTokenMultiOperationIncreaseBalance:
        return lambda stage: Attempt((Execution(target=SHOP, value=amount),))
    if cls is ERC1155MultiOperationIncreaseBalance:
        return hold(SHOP, 7, 50 + amount)
    return lambda stage: Attempt((transfer(stage.token, amount),))


def short(cls):
    return cls.revert_of("insufficient-balance-increase")


def redeem_all(stage, delegations, attempts, *, redeemer=AGENT):
    """Redeem several chains in one call, for good; return the verdict."""
    redemptions = [
        Redemption(
            context=tuple(chain) if isinstance(chain, Sequence) else (chain,),
            mode=mode_of(attempt),
            executions=attempt.executions,
        )
        for chain, attempt in zip(delegations, attempts, strict=True)
    ]
    return execute(stage.chain, redemptions, redeemer=redeemer).verdict


# rises over a whole call


@each_increase
def test_the_rise_is_drawn_to_the_unit(cls):
    failing, passing = give(cls, 4), give(cls, 5)
    steps = [(failing, short(cls)), (passing, None)]
    check_steps(lambda stage: demand(stage, cls), steps)


@each_increase
def test_a_batch_counts_as_a_whole_and_try_mode_is_refused(cls):
    for amounts, expected in (((2, 2), short(cls)), ((2, 3), None)):
        stage = set_stage()
        delegation = grant([demand(stage, cls).to_caveat()])
        if cls is ERC1155MultiOperationIncreaseBalance:
            amounts = (amounts[0], sum(amounts))  # this token is told what it holds
        calls = tuple(give(cls, amount)(stage).execution for amount in amounts)
        assert said(attempt_on(stage.chain, delegation, Attempt(calls, is_batch=True, is_try=True))) == TRY
        assert said(attempt_on(stage.chain, delegation, Attempt(calls, is_batch=True))) == expected


@each_increase
def test_demanding_nothing_is_refused(cls):
    stage = set_stage()
    terms = demand(stage, cls, 0)
    verdict = attempt_on(stage.chain, grant([terms.to_caveat()]), give(cls, 5)(stage))
    assert (verdict.denial.hook, verdict.denial.reason) == ("before_all", cls.revert_of("zero-expected-change-amount"))
    assert terms.denies(give(cls, 5)(stage)) == verdict.denial.reason


@each_increase
def test_the_demands_of_one_delegation_add_up(cls):
    stage = set_stage()
    delegation = grant([demand(stage, cls, amount).to_caveat() for amount in (5, 7)])
    verdict = attempt_on(stage.chain, delegation, give(cls, 11)(stage))
    assert said(verdict) == short(cls)
    assert (verdict.denial.hook, verdict.denial.caveat) == ("after_all", 0), "the last one met again checks"
    assert said(attempt_on(stage.chain, delegation, give(cls, 12)(stage))) is None


@each_increase
def test_the_demands_of_two_links_add_up(cls):
    for amount, expected in ((11, short(cls)), (12, None)):
        stage = set_stage()
        top = grant([demand(stage, cls, 5).to_caveat()])
        leaf = sign_delegation(
            redelegate(top, delegate=HELPER, caveats=[demand(stage, cls, 7).to_caveat()]),
            dev_account(1),
            chain_id=CHAIN_ID,
            manager=stage.chain.manager,
        )
        verdict = redeem_all(stage, [(leaf, top)], [give(cls, amount)(stage)], redeemer=HELPER)
        assert said(verdict) == expected
        assert verdict.denial is None or (verdict.denial.hook, verdict.denial.link) == ("after_all", 0)


@each_increase
def test_the_demands_of_two_contexts_add_up_wherever_the_rise_comes_from(cls):
    for amount, expected in ((11, short(cls)), (12, None)):
        stage = set_stage()
        both = [grant([demand(stage, cls, n).to_caveat()], salt=n) for n in (5, 7)]
        nothing = Attempt((Execution(target=AGENT),))
        verdict = redeem_all(stage, both, [give(cls, amount)(stage), nothing])
        assert said(verdict) == expected
        assert verdict.denial is None or verdict.denial.context == 1


@each_increase
def test_two_calls_do_not_add_up(cls):
    stage = set_stage()
    both = [grant([demand(stage, cls, n).to_caveat()], salt=n) for n in (5, 7)]
    assert said(attempt_on(stage.chain, both[0], give(cls, 5)(stage))) is None
    # this token is told what it holds: 57 is a rise of 2 to it, of 7 to the others
    missing, enough = (11, 12) if cls is ERC1155MultiOperationIncreaseBalance else (6, 7)
    assert said(attempt_on(stage.chain, both[1], give(cls, missing)(stage))) == short(cls)
    assert said(attempt_on(stage.chain, both[1], give(cls, enough)(stage))) is None


@each_increase
def test_two_recipients_do_not_add_up(cls):
    stage = set_stage()
    other = demand(stage, cls, 1, recipient=HELPER)
    delegation = grant([demand(stage, cls, 5).to_caveat(), other.to_caveat()])
    verdict = attempt_on(stage.chain, delegation, give(cls, 6)(stage))
    assert (said(verdict), verdict.denial.caveat) == (short(cls), 1)


def test_inside_a_group_the_state_is_the_groups_and_does_not_add_up():
    cls = ERC20MultiOperationIncreaseBalance
    stage = set_stage()
    group = LogicalOrWrapper(groups=((demand(stage, cls).to_caveat(),),))
    caveats = [demand(stage, cls).to_caveat(), group.to_caveat(args=LogicalOrWrapper.encode_args(0, [b""]))]
    assert said(attempt_on(stage.chain, grant(caveats), give(cls, 5)(stage))) is None
    assert said(attempt_on(stage.chain, grant(caveats, salt=1), give(cls, 4)(stage))) == short(cls)


@pytest.mark.parametrize(("first_caveat", "passes"), [("demand", True), ("payment", False)])
def test_a_payment_counts_when_it_comes_before_the_last_check(first_caveat, passes):
    cls = NativeTokenMultiOperationIncreaseBalance
    stage = set_stage()
    stage.chain.add_delegator(AGENT)
    caveats = [demand(stage, cls).to_caveat(), NativeTokenPayment(recipient=SHOP, amount_wei=5).to_caveat()]
    # after_all hooks run in the opposite order, so the caveat that stands first is met last
    payment_at = 0 if first_caveat == "payment" else 1
    delegation = grant(caveats if payment_at else caveats[::-1])
    bound = NativeTokenPayment.allowance_terms(Bytes32(delegation.hash), AGENT)
    allowance = sign_delegation(
        create_delegation(
            delegator=AGENT,
            delegate=NativeTokenPayment.ADDRESS,
            caveats=[
                Caveat(enforcer=ARGS_EQUALITY_CHECK, terms=bound),
                NativeTokenTransferAmount(max_amount_wei=5).to_caveat(),
            ],
            salt=1,
        ),
        dev_account(1),
        chain_id=CHAIN_ID,
        manager=stage.chain.manager,
    )
    args = NativeTokenPayment.encode_args(encode_context((allowance,)))
    paid = delegation.with_args({payment_at: args})
    verdict = redeem_all(stage, [paid], [Attempt((Execution(target=ALICE),))])
    assert said(verdict) == (None if passes else short(cls))


@each_increase
def test_the_events_are_decoded_and_tell_each_demand_and_the_sum(cls):
    stage = set_stage()
    terms = [demand(stage, cls, amount) for amount in (5, 7)]
    before = (
        50
        if cls is ERC1155MultiOperationIncreaseBalance
        else stage.chain.balance(SHOP, getattr(terms[0], "token", None))
    )
    verdict = attempt_on(stage.chain, grant([t.to_caveat() for t in terms]), give(cls, 12)(stage))
    told = [event for event in verdict.effects.enforcer_events if event.contract == cls.ENFORCER]
    assert [event.event for event in told] == [
        "TrackedBalance",
        "UpdatedExpectedBalance",
        "UpdatedExpectedBalance",
        "ValidatedBalance",
    ]
    numbers = [event.values.get("balance") or event.values["expected"] for event in told]
    assert numbers == [str(before), "5", "7", "12"]
    common = {"delegationManager": format_hex(stage.chain.manager), "recipient": format_hex(SHOP)}
    common |= {"token": format_hex(terms[0].token)} if "token" in cls.model_fields else {}
    common |= {"tokenId": "7"} if "token_id" in cls.model_fields else {}
    assert all(common.items() <= event.values.items() for event in told)
    assert {event.enforcer for event in told} == {cls.ADDRESS}


@each_increase
def test_the_state_stands_where_the_class_says_and_is_gone_after_the_call(cls):
    stage = set_stage()
    terms = demand(stage, cls)
    assert said(attempt_on(stage.chain, grant([terms.to_caveat()]), give(cls, 5)(stage))) is None
    slot = terms.state_slot(StateKey(stage.chain.manager, SOME_HASH, ALICE))
    words = range(slot, slot + len(cls.STATE_FIELDS))
    assert [stage.chain.world.storage(cls.ADDRESS, word) for word in words] == [0, 0, 0]
    # a stranger's hook leaves its own state behind
    attempt = give(cls, 0)(stage)
    for encoded in (terms.encode_terms(), demand(stage, cls, 8).encode_terms()):
        assert stage.chain.send(STRANGER, cls.ADDRESS, hook_call_data("before_all", encoded, attempt)).success
    key = StateKey(STRANGER, SOME_HASH, ALICE)
    slot = terms.state_slot(key)
    found = [stage.chain.world.storage(cls.ADDRESS, slot + i) for i in range(3)]
    balance = (
        50 if cls is ERC1155MultiOperationIncreaseBalance else stage.chain.balance(SHOP, getattr(terms, "token", None))
    )
    assert dict(zip(cls.STATE_FIELDS, found, strict=True)) == {
        "balance_before": balance,
        "expected_increase": 13,
        "validation_remaining": 2,
    }
    getter = keccak(b"balanceTracker(bytes32)")[:4] + terms.hash_key(key)
    assert stage.chain.call(cls.ADDRESS, getter).output == b"".join(map(encode_uint, found))


@each_increase
def test_the_hash_key_is_the_one_the_contract_gives(cls):
    stage = set_stage()
    terms = demand(stage, cls)
    types = ["address", *("uint256" if name == "token_id" else "address" for name in cls.KEYED_BY)]
    given = [stage.chain.manager, *(getattr(terms, name) for name in cls.KEYED_BY)]
    data = keccak(f"getHashKey({','.join(types)})".encode())[:4] + abi_encode(types, given)
    answer = stage.chain.call(cls.ADDRESS, data)
    assert terms.hash_key(StateKey(stage.chain.manager, SOME_HASH, ALICE)) == answer.output


@pytest.mark.parametrize("hook", ["before_all", "after_all"])
@each_increase
def test_class_and_code_read_terms_of_the_same_lengths(cls, hook):
    stage = set_stage()
    terms = demand(stage, cls).encode_terms()
    for length in range(len(terms) + 40):
        cut = terms[:length].ljust(length, b"\0")
        told = call_hook(stage.chain, cls.ADDRESS, cut, give(cls, 0)(stage), hook=hook)
        refused = refusal_of(cls, cut)
        assert (refused is None) == (length == len(terms))
        # the right length passes the first hook; the second finds no demand to count off
        assert told == (refused if length != len(terms) else None if hook == "before_all" else OVERFLOW)


@each_increase
def test_sums_that_overflow_panic_instead_of_demanding_little(cls):
    stage = set_stage()
    stage.chain.fund(SHOP, 1)
    delegation = grant([demand(stage, cls, amount).to_caveat() for amount in (MAX_UINT256, 1)])
    verdict = attempt_on(stage.chain, delegation, give(cls, 5)(stage))
    assert (said(verdict), verdict.denial.hook, verdict.denial.caveat) == (OVERFLOW, "before_all", 1)
    alone = grant([demand(stage, cls, MAX_UINT256).to_caveat()])
    verdict = attempt_on(stage.chain, alone, give(cls, 5)(stage))
    expected = (OVERFLOW, "after_all") if cls in (INCREASES[0], INCREASES[3]) else (short(cls), "after_all")
    assert (said(verdict), verdict.denial.hook) == expected, "a sum with the balance of 0 does not overflow"


def test_a_token_without_code_cannot_be_asked():
    stage = set_stage()
    terms = ERC20MultiOperationIncreaseBalance(token=AGENT, recipient=SHOP, amount=1)
    verdict = attempt_on(stage.chain, grant([terms.to_caveat()]), give(INCREASES[0], 1)(stage))
    assert (said(verdict), verdict.denial.hook) == ("", "before_all")


@each_increase
def test_modes_are_judged_as_by_an_official_balance_enforcer(cls):
    """Of the mode only the execution type is looked at, in the first hook alone."""
    stage = set_stage()
    official = ERC20BalanceChange(enforce_decrease=True, token=stage.token, recipient=ALICE, amount=5)
    mine = demand(stage, cls)
    for call_type, exec_type in ((0, 0), (1, 0), (0xFE, 0), (0xFF, 0), (0, 1), (1, 1), (0, 0xFF)):
        mode = bytes([call_type, exec_type]) + b"\xee" * 30
        told = []
        for terms, hook in ((official, "before"), (mine, "before_all")):
            data = hook_call_data(hook, terms.encode_terms(), Attempt((Execution(target=SHOP),)))
            at = 4 + 2 * 32
            outcome = stage.chain.call(terms.ADDRESS, data[:at] + mode + data[at + 32 :])
            told.append((outcome.success, outcome.output))
        assert told[0] == told[1], mode.hex()


@each_increase
def test_hooks_that_are_not_its_own_do_nothing(cls):
    chain, attempt = quiet_chain(), Attempt((Execution(target=SHOP),), is_try=True)
    for hook in HOOK_SELECTORS:
        if hook not in cls.HOOKS:
            outcome = chain.call(cls.ADDRESS, hook_call_data(hook, b"", attempt))
            assert (outcome.success, outcome.output, outcome.logs) == (True, b"", ())
            assert not outcome.diff.storage
