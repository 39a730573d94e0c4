"""Transactions whose redemptions are reached in every way, each with what is to be found in it.

What is expected is one line for each redemption in call order: its status, and for one that did not go through the
stage and reason, or what undid it. `unknown` may be said without a trace only where `untraced` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from caveats import AllowedTargets, ERC20TransferAmount, Execution, LimitedCalls, NativeTokenTransferAmount
from caveats.abi import encode_address, encode_bytes, encode_uint
from caveats.outcome.native_balance_change import NativeBalanceChange
from caveats.types import Address, keccak
from delegations.delegation import ANY_DELEGATE, Delegation, encode_context, encode_delegation, sign_delegation
from delegations.evm.engine import Transaction
from delegations.execution import ExecutionMode
from delegations.framework.constants import ENTRY_POINT
from delegations.redemption import Redemption, encode_raw_redeem_delegations, encode_redeem_delegations, redeem
from tests.differential.scene import BOB, DISABLE, ENABLE, HELPER, NOTHING, PEOPLE, Scene
from tests.enforcers.harness import AGENT, ALICE, CHAIN_ID, SHOP
from tests.receipts_corpus.contracts import (
    BADGES,
    BOMB,
    ECHO,
    IDLE,
    MULTICALL,
    OLDER_MANAGER,
    SHY,
    SPOOFER,
    install,
    multicall,
    spoof,
)
from tests.receipts_corpus.user_ops import account_batch, account_execute, handle_ops, operation

LIMIT = "LimitedCallsEnforcer:limit-exceeded"
TARGETS = "AllowedTargetsEnforcer:target-address-not-allowed"
UNDONE = "failed, undone"


@dataclass(frozen=True)
class Sent:
    """One transaction of a scenario, and what is in it.

    Attributes:
        expect: one line for each redemption, in call order.
        untraced: the same without a trace, in log order, with accounts vouched for; None when it is `expect`.
        spoofed: how many logs of false managers are warned of.
    """

    transaction: Transaction
    expect: tuple[str, ...]
    untraced: tuple[str, ...] | None = None
    spoofed: int = 0


Script = Callable[[Scene], Iterator[Sent]]
SCRIPTS: dict[str, Script] = {}


def corpus(script: Script) -> Script:
    """Add a scenario under its name in words."""
    SCRIPTS[script.__name__.replace("_", " ")] = script
    return script


def send(
    to: Address,
    data: bytes,
    *expect: str,
    sender: Address = AGENT,
    untraced: Sequence[str] | None = None,
    spoofed: int = 0,
) -> Sent:
    return Sent(Transaction(sender, to, data), expect, None if untraced is None else tuple(untraced), spoofed)


def asked(*redemptions: Redemption) -> bytes:
    return encode_redeem_delegations(redemptions)


def bad(s: Scene, by: Address = ALICE, to: Address = ANY_DELEGATE) -> Redemption:
    return redeem(s.root(AllowedTargets(targets=(BOB,)), by=by, to=to), NOTHING)


def good(s: Scene, by: Address = ALICE, to: Address = ANY_DELEGATE, amount: int = 1) -> Redemption:
    return redeem(s.root(LimitedCalls(limit=1), by=by, to=to), s.pay(amount))


# through a contract


@corpus
def a_multicall_of_two(s: Scene) -> Iterator[Sent]:
    m = s.chain.manager
    data = multicall((m, asked(good(s)), False), (m, asked(good(s, BOB)), False))
    yield send(MULTICALL, data, "executed", "executed")


@corpus
def a_multicall_whose_first_may_fail_and_does(s: Scene) -> Iterator[Sent]:
    m = s.chain.manager
    data = multicall((m, asked(bad(s)), True), (m, asked(good(s)), False))
    yield send(MULTICALL, data, f"denied hook {TARGETS}", "executed", untraced=["executed"])


@corpus
def a_multicall_that_only_fails(s: Scene) -> Iterator[Sent]:
    data = multicall((s.chain.manager, asked(bad(s)), True))
    yield send(MULTICALL, data, f"denied hook {TARGETS}", untraced=[])


@corpus
def a_multicall_whose_second_undoes_the_first(s: Scene) -> Iterator[Sent]:
    m = s.chain.manager
    data = multicall((m, asked(good(s)), False), (m, asked(bad(s)), False))
    yield send(MULTICALL, data, UNDONE, f"denied hook {TARGETS}", untraced=[])


@corpus
def a_caller_that_reverts_in_the_end(s: Scene) -> Iterator[Sent]:
    yield send(SHY, multicall((s.chain.manager, asked(good(s)), False)), UNDONE, untraced=[])


@corpus
def a_caller_that_reverts_inside_a_multicall(s: Scene) -> Iterator[Sent]:
    m = s.chain.manager
    inner = multicall((m, asked(good(s)), False))
    data = multicall((SHY, inner, True), (m, asked(good(s, BOB)), False))
    yield send(MULTICALL, data, UNDONE, "executed", untraced=["executed"])


@corpus
def a_multicall_in_a_multicall_with_three_links(s: Scene) -> Iterator[Sent]:
    top = s.root(LimitedCalls(limit=3))
    middle = s.child(top, HELPER, LimitedCalls(limit=2))
    leaf = s.child(middle, ANY_DELEGATE, LimitedCalls(limit=1))
    once = redeem([leaf, middle, top], s.pay(2))
    inner = multicall((s.chain.manager, asked(once), False))
    yield send(MULTICALL, multicall((MULTICALL, inner, False)), "executed")


@corpus
def a_multicall_with_the_same_delegation_twice(s: Scene) -> Iterator[Sent]:
    m, once = s.chain.manager, good(s)
    data = multicall((m, asked(once), True), (m, asked(once), True))
    yield send(MULTICALL, data, "executed", f"denied hook {LIMIT}", untraced=["executed"])


# false managers


@corpus
def a_false_manager_alone(s: Scene) -> Iterator[Sent]:
    data = spoof(ALICE, AGENT, encode_delegation(s.root(LimitedCalls(limit=1))))
    yield send(SPOOFER, data, spoofed=1)


@corpus
def a_false_manager_beside_the_real_one(s: Scene) -> Iterator[Sent]:
    false = spoof(ALICE, AGENT, encode_delegation(s.root(LimitedCalls(limit=1))))
    data = multicall((SPOOFER, false, False), (s.chain.manager, asked(good(s)), False), (SPOOFER, false, False))
    yield send(MULTICALL, data, "executed", spoofed=2)


@corpus
def a_false_manager_inside_a_redemption(s: Scene) -> Iterator[Sent]:
    false = Execution(target=SPOOFER, call_data=spoof(BOB, AGENT, encode_delegation(s.root(by=BOB))))
    once = redeem(s.root(LimitedCalls(limit=1)), false)
    yield send(s.chain.manager, asked(once), "executed", spoofed=1)


@corpus
def a_call_that_looks_like_a_redemption_to_no_manager(s: Scene) -> Iterator[Sent]:
    yield send(s.target, asked(good(s)))


# other managers


def _signed_for(s: Scene, delegation: Delegation, manager: Address) -> Delegation:
    key = PEOPLE[delegation.delegator]
    return sign_delegation(delegation, key, chain_id=CHAIN_ID, manager=manager, unsafe_unrestricted=True)


@corpus
def an_older_manager_whose_account_is_wired_to_another(s: Scene) -> Iterator[Sent]:
    once = good(s)
    elsewhere = _signed_for(s, once.context[0], OLDER_MANAGER)
    yield send(
        OLDER_MANAGER,
        asked(replace_context(once, elsewhere)),
        "failed execution NotDelegationManager()",
        untraced=["unknown"],
    )


@corpus
def an_older_manager_refuses(s: Scene) -> Iterator[Sent]:
    once = bad(s)
    elsewhere = _signed_for(s, once.context[0], OLDER_MANAGER)
    yield send(OLDER_MANAGER, asked(replace_context(once, elsewhere)), f"denied hook {TARGETS}", untraced=["unknown"])


@corpus
def two_managers_in_one_transaction(s: Scene) -> Iterator[Sent]:
    idle = redeem(_idle_root(s, to=ANY_DELEGATE), NOTHING)
    data = multicall((OLDER_MANAGER, asked(idle), False), (s.chain.manager, asked(good(s)), False))
    yield send(MULTICALL, data, "failed execution ", "executed", untraced=["unknown", "executed"])


def replace_context(redemption: Redemption, *links: Delegation) -> Redemption:
    return redemption.model_copy(update={"context": links})


# accounts that are none


def _idle_root(s: Scene, to: Address = AGENT) -> Delegation:
    s.root()  # its salt
    return Delegation(delegate=to, delegator=IDLE, caveats=(LimitedCalls(limit=9).to_caveat(),), salt=s._salt)


@corpus
def an_account_that_does_nothing(s: Scene) -> Iterator[Sent]:
    yield send(s.chain.manager, asked(redeem(_idle_root(s), s.pay(5))), "failed execution ", untraced=["unknown"])


@corpus
def an_account_that_does_nothing_with_a_batch(s: Scene) -> Iterator[Sent]:
    once = redeem(_idle_root(s), [s.pay(5), s.pay(6)])
    yield send(s.chain.manager, asked(once), "failed execution ", untraced=["unknown"])


# ERC-4337


def _ops(s: Scene, *operations: tuple[object, ...]) -> bytes:
    return handle_ops(*operations, beneficiary=SHOP)


@corpus
def an_operation_that_redeems(s: Scene) -> Iterator[Sent]:
    data = _ops(s, operation(BOB, asked(good(s, to=BOB))))
    yield send(ENTRY_POINT, data, "executed", sender=SHOP)


@corpus
def an_operation_that_executes_a_redemption(s: Scene) -> Iterator[Sent]:
    data = _ops(s, operation(BOB, account_execute(s.chain.manager, asked(good(s, to=BOB)))))
    yield send(ENTRY_POINT, data, "executed", sender=SHOP)


@corpus
def an_operation_that_executes_two_redemptions(s: Scene) -> Iterator[Sent]:
    m = s.chain.manager
    calls = [(m, 0, asked(good(s, to=BOB))), (m, 0, asked(good(s, to=BOB, amount=2)))]
    yield send(ENTRY_POINT, _ops(s, operation(BOB, account_batch(*calls))), "executed", "executed", sender=SHOP)


@corpus
def an_operation_that_tries_two_redemptions(s: Scene) -> Iterator[Sent]:
    m = s.chain.manager
    calls = [(m, 0, asked(bad(s, to=BOB))), (m, 0, asked(good(s, to=BOB, amount=2)))]
    data = _ops(s, operation(BOB, account_batch(*calls, may_fail=True)))
    yield send(ENTRY_POINT, data, f"denied hook {TARGETS}", "executed", sender=SHOP, untraced=["executed"])


@corpus
def an_operation_that_is_denied_in_a_transaction_that_succeeds(s: Scene) -> Iterator[Sent]:
    data = _ops(s, operation(BOB, asked(bad(s, to=BOB))))
    yield send(ENTRY_POINT, data, f"denied hook {TARGETS}", sender=SHOP)


@corpus
def an_operation_denied_by_a_counter(s: Scene) -> Iterator[Sent]:
    once = asked(redeem(s.root(LimitedCalls(limit=1), to=BOB), s.pay(1)))
    yield send(ENTRY_POINT, _ops(s, operation(BOB, once)), "executed", sender=SHOP)
    # what the counter stood at the calldata does not show, and the called contract could have said the same
    data = _ops(s, operation(BOB, once, nonce=1))
    yield send(ENTRY_POINT, data, f"denied hook {LIMIT}", sender=SHOP, untraced=["unknown"])


@corpus
def an_operation_denied_after_another_call(s: Scene) -> Iterator[Sent]:
    calls = [(SHOP, 1, b""), (s.chain.manager, 0, asked(bad(s, to=BOB)))]
    data = _ops(s, operation(BOB, account_batch(*calls)))
    yield send(ENTRY_POINT, data, f"denied hook {TARGETS}", sender=SHOP, untraced=["unknown"])


@corpus
def an_operation_whose_target_speaks_like_an_enforcer_that_agreed(s: Scene) -> Iterator[Sent]:
    forges = Execution(target=ECHO, call_data=_error(TARGETS))
    once = redeem(s.root(AllowedTargets(targets=(ECHO,)), to=BOB), forges)
    data = _ops(s, operation(BOB, asked(once)))
    yield send(ENTRY_POINT, data, f"failed execution {TARGETS}", sender=SHOP, untraced=["unknown"])


@corpus
def an_operation_by_a_stranger_to_the_grant(s: Scene) -> Iterator[Sent]:
    data = _ops(s, operation(BOB, asked(good(s, to=HELPER))))
    yield send(ENTRY_POINT, data, "denied manager InvalidDelegate()", sender=SHOP)


@corpus
def an_operation_whose_call_itself_fails(s: Scene) -> Iterator[Sent]:
    once = redeem(s.root(LimitedCalls(limit=1), to=BOB), Execution(target=ECHO))
    data = _ops(s, operation(BOB, asked(once)))
    yield send(ENTRY_POINT, data, "failed execution ", sender=SHOP, untraced=["unknown"])


@corpus
def two_operations_of_which_the_first_is_denied(s: Scene) -> Iterator[Sent]:
    data = _ops(s, operation(BOB, asked(bad(s, to=BOB))), operation(ALICE, asked(good(s, by=BOB, to=ALICE))))
    yield send(
        ENTRY_POINT,
        data,
        f"denied hook {TARGETS}",
        "executed",
        sender=SHOP,
        untraced=["executed", f"denied hook {TARGETS}"],
    )


@corpus
def two_operations_that_redeem(s: Scene) -> Iterator[Sent]:
    data = _ops(s, operation(BOB, asked(good(s, to=BOB))), operation(ALICE, asked(good(s, by=BOB, to=ALICE))))
    yield send(ENTRY_POINT, data, "executed", "executed", sender=SHOP)


@corpus
def an_operation_of_ones_own_account_alone(s: Scene) -> Iterator[Sent]:
    data = _ops(s, operation(BOB, account_execute(SHOP, b"", 3)))
    yield send(ENTRY_POINT, data, sender=SHOP)


@corpus
def an_operation_with_an_empty_context(s: Scene) -> Iterator[Sent]:
    own = Redemption(context=(), executions=(Execution(target=SHOP, value=3),))
    yield send(ENTRY_POINT, _ops(s, operation(BOB, asked(own))), "executed", sender=SHOP, untraced=["unknown"])


# through another smart account


@corpus
def an_account_that_calls_the_manager_itself(s: Scene) -> Iterator[Sent]:
    data = account_execute(s.chain.manager, asked(good(s, to=BOB)))
    yield send(BOB, data, "executed", sender=BOB)


@corpus
def an_account_that_redeems_through_its_own_function(s: Scene) -> Iterator[Sent]:
    yield send(BOB, asked(good(s, to=BOB)), "executed", sender=BOB)


@corpus
def an_account_whose_redemption_is_denied(s: Scene) -> Iterator[Sent]:
    yield send(BOB, asked(bad(s, to=BOB)), f"denied hook {TARGETS}", sender=BOB, untraced=[])


# redemptions within redemptions


def _nested(s: Scene, inner: Redemption) -> Execution:
    return Execution(target=s.chain.manager, call_data=asked(inner))


def _pays(s: Scene, wei: int, by: Address = BOB, to: Address = ALICE) -> Redemption:
    return redeem(s.root(LimitedCalls(limit=1), by=by, to=to), Execution(target=SHOP, value=wei))


@corpus
def a_redemption_within_a_redemption(s: Scene) -> Iterator[Sent]:
    outer = redeem(s.root(LimitedCalls(limit=1)), _nested(s, _pays(s, 9)))
    yield send(s.chain.manager, asked(outer), "executed", "executed", untraced=["executed", "executed"])


@corpus
def three_redemptions_within_each_other(s: Scene) -> Iterator[Sent]:
    innermost = _pays(s, 7, by=ALICE, to=BOB)
    inner = redeem(s.root(LimitedCalls(limit=1), by=BOB, to=ALICE), [s.pay(2), _nested(s, innermost)])
    outer = redeem(s.root(LimitedCalls(limit=1)), [_nested(s, inner), s.pay(3)])
    yield send(s.chain.manager, asked(outer), "executed", "executed", "executed")


@corpus
def a_redemption_within_a_redemption_is_denied(s: Scene) -> Iterator[Sent]:
    outer = redeem(s.root(LimitedCalls(limit=1)), _nested(s, bad(s, by=BOB, to=ALICE)))
    yield send(
        s.chain.manager, asked(outer), f"failed execution {TARGETS}", f"denied hook {TARGETS}", untraced=["unknown"]
    )


@corpus
def a_redemption_undone_by_the_hook_of_the_one_around_it(s: Scene) -> Iterator[Sent]:
    grows = NativeBalanceChange(enforce_decrease=False, recipient=SHOP, amount_wei=10**20)
    outer = redeem(s.root(grows), _nested(s, _pays(s, 9)))
    said = "NativeBalanceChangeEnforcer:insufficient-balance-increase"
    yield send(s.chain.manager, asked(outer), f"denied hook {said}", UNDONE, untraced=["unknown"])


@corpus
def a_denial_within_a_redemption_that_only_tries(s: Scene) -> Iterator[Sent]:
    outer = redeem(s.root(), _nested(s, bad(s, by=BOB, to=ALICE)), mode=ExecutionMode.SINGLE_TRY)
    failed = "failed execution "
    yield send(s.chain.manager, asked(outer), failed, f"denied hook {TARGETS}", untraced=[failed])


# modes


@corpus
def a_batch(s: Scene) -> Iterator[Sent]:
    once = redeem(s.root(LimitedCalls(limit=1)), [s.pay(1), s.pay(2), Execution(target=SHOP, value=4)])
    yield send(s.chain.manager, asked(once), "executed")


@corpus
def a_try_that_succeeds(s: Scene) -> Iterator[Sent]:
    yield send(s.chain.manager, asked(redeem(s.root(), s.pay(1), mode=ExecutionMode.SINGLE_TRY)), "executed")


@corpus
def a_try_that_fails(s: Scene) -> Iterator[Sent]:
    once = redeem(s.root(), Execution(target=ECHO), mode=ExecutionMode.SINGLE_TRY)
    yield send(s.chain.manager, asked(once), "failed execution ")


@corpus
def a_batch_that_tries_and_fails_in_the_middle(s: Scene) -> Iterator[Sent]:
    once = redeem(s.root(), [s.pay(1), Execution(target=ECHO), s.pay(2)], mode=ExecutionMode.BATCH_TRY)
    yield send(s.chain.manager, asked(once), "partially_executed 1")


@corpus
def a_batch_that_tries_more_value_than_there_is(s: Scene) -> Iterator[Sent]:
    rich = Execution(target=SHOP, value=10**30)
    once = redeem(s.root(), [rich, s.pay(2)], mode=ExecutionMode.BATCH_TRY)
    yield send(s.chain.manager, asked(once), "partially_executed 0")


@corpus
def a_batch_that_tries_and_fails_altogether(s: Scene) -> Iterator[Sent]:
    once = redeem(s.root(), [Execution(target=ECHO)] * 2, mode=ExecutionMode.BATCH_TRY)
    yield send(s.chain.manager, asked(once), "failed execution ")


@corpus
def a_try_that_fails_in_a_multicall(s: Scene) -> Iterator[Sent]:
    once = redeem(s.root(to=ANY_DELEGATE), Execution(target=ECHO), mode=ExecutionMode.SINGLE_TRY)
    data = multicall((s.chain.manager, asked(once), False))
    yield send(MULTICALL, data, "failed execution ", untraced=["unknown"])


@corpus
def a_mode_no_account_executes(s: Scene) -> Iterator[Sent]:
    mode = b"\xff" + bytes(31)
    data = encode_raw_redeem_delegations([encode_context([s.root()])], [mode], [b"\x01" * 20])
    yield send(s.chain.manager, data, "failed execution UnsupportedCallType(bytes1)", untraced=["unknown"])


@corpus
def executions_no_account_can_read(s: Scene) -> Iterator[Sent]:
    data = encode_raw_redeem_delegations([encode_context([s.root()])], [bytes(32)], [b"\x01" * 20])
    yield send(s.chain.manager, data, "failed execution ", untraced=["unknown"])


@corpus
def own_calls_between_delegated_ones(s: Scene) -> Iterator[Sent]:
    own = Redemption(context=(), executions=(Execution(target=SHOP, value=3),))
    yield send(
        s.chain.manager,
        asked(own, good(s, by=BOB, to=ALICE), own),
        *["executed"] * 3,
        sender=ALICE,
    )


@corpus
def a_delegated_call_undone_by_ones_own(s: Scene) -> Iterator[Sent]:
    own = Redemption(context=(), executions=(Execution(target=ECHO),))
    yield send(
        s.chain.manager,
        asked(good(s, by=BOB, to=ALICE), own),
        *["failed execution "] * 2,
        sender=ALICE,
        untraced=["unknown", "unknown"],
    )


# who said it


def _error(text: str) -> bytes:
    data = text.encode()
    return bytes.fromhex("08c379a0") + encode_uint(32) + encode_bytes(data)


@corpus
def a_target_that_speaks_like_an_enforcer(s: Scene) -> Iterator[Sent]:
    once = redeem(s.root(LimitedCalls(limit=5)), Execution(target=ECHO, call_data=_error(LIMIT)))
    yield send(s.chain.manager, asked(once), f"failed execution {LIMIT}", untraced=["unknown"])


@corpus
def a_target_that_speaks_like_an_enforcer_in_an_operation(s: Scene) -> Iterator[Sent]:
    once = redeem(s.root(LimitedCalls(limit=5), to=BOB), Execution(target=ECHO, call_data=_error(LIMIT)))
    data = _ops(s, operation(BOB, asked(once)))
    yield send(ENTRY_POINT, data, f"failed execution {LIMIT}", sender=SHOP, untraced=["unknown"])


@corpus
def a_target_that_speaks_like_the_manager(s: Scene) -> Iterator[Sent]:
    said = keccak(b"InvalidDelegate()")[:4]
    once = redeem(s.root(LimitedCalls(limit=5)), Execution(target=ECHO, call_data=said))
    yield send(s.chain.manager, asked(once), "failed execution InvalidDelegate()", untraced=["unknown"])


# what moves


@corpus
def a_contract_that_destroys_itself(s: Scene) -> Iterator[Sent]:
    once = redeem(s.root(LimitedCalls(limit=1)), Execution(target=BOMB, value=5))
    yield send(s.chain.manager, asked(once), "executed")


@corpus
def a_badge_that_changes_hands(s: Scene) -> Iterator[Sent]:
    words = encode_address(ALICE) + encode_address(SHOP) + encode_uint(4) + encode_uint(6)
    once = redeem(s.root(LimitedCalls(limit=1)), Execution(target=BADGES, call_data=words))
    yield send(s.chain.manager, asked(once), "executed")


@corpus
def counters_of_two_entries_of_one_delegation(s: Scene) -> Iterator[Sent]:
    top = s.root(NativeTokenTransferAmount(max_amount_wei=10))
    pays = [redeem(top, Execution(target=SHOP, value=n)) for n in (3, 4)]
    yield send(s.chain.manager, asked(*pays), "executed", "executed")


@corpus
def counters_along_a_lineage(s: Scene) -> Iterator[Sent]:
    top = s.root(ERC20TransferAmount(token=s.token, max_amount=10))
    leaf = s.child(top, HELPER, ERC20TransferAmount(token=s.token, max_amount=4))
    yield send(s.chain.manager, asked(redeem([leaf, top], s.pay(4))), "executed", sender=HELPER)


# grants, revocations


@corpus
def a_delegation_disabled_and_enabled(s: Scene) -> Iterator[Sent]:
    top = s.root(LimitedCalls(limit=1))
    yield send(s.chain.manager, DISABLE + encode_delegation(top), sender=ALICE)
    yield send(
        s.chain.manager,
        asked(redeem(top, NOTHING)),
        "denied manager CannotUseADisabledDelegation()",
        untraced=["unknown"],
    )
    yield send(s.chain.manager, ENABLE + encode_delegation(top), sender=ALICE)
    yield send(s.chain.manager, asked(redeem(top, NOTHING)), "executed")


@corpus
def a_redemption_that_disables_its_own_delegation(s: Scene) -> Iterator[Sent]:
    top = s.root(LimitedCalls(limit=1))
    once = redeem(top, Execution(target=s.chain.manager, call_data=DISABLE + encode_delegation(top)))
    yield send(s.chain.manager, asked(once), "executed")


@corpus
def a_nonce_raised(s: Scene) -> Iterator[Sent]:
    nonce = Address("0xDE4f2FAC4B3D87A1d9953Ca5FC09FCa7F366254f")
    raise_it = keccak(b"incrementNonce(address)")[:4] + encode_address(s.chain.manager)
    yield send(nonce, raise_it, sender=ALICE)


@corpus
def calldata_the_manager_cannot_read(s: Scene) -> Iterator[Sent]:
    yield send(s.chain.manager, asked(good(s))[:-64])


def scene() -> Scene:
    """Return a scene with the contracts of the corpus in place, Alice and Bob holding tokens and ether."""
    made = Scene()
    install(made.chain)
    return made
