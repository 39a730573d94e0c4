"""Redemptions through contracts, other managers, ERC-4337 and smart accounts. See `table` for how they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from caveats import AllowedTargets, Execution, LimitedCalls
from caveats.types import Address
from delegations.delegation import ANY_DELEGATE, Delegation, encode_delegation, sign_delegation
from delegations.framework.constants import ENTRY_POINT
from delegations.redemption import Redemption, redeem
from tests.differential.scene import BOB, HELPER, NOTHING, PEOPLE, Scene
from tests.enforcers.harness import AGENT, ALICE, CHAIN_ID, SHOP
from tests.receipts_corpus.contracts import (
    ECHO,
    IDLE,
    MULTICALL,
    OLDER_MANAGER,
    OLDEST_MANAGER,
    SHY,
    SPOOFER,
    add_delegator_of,
    install_manager_elsewhere,
    multicall,
    spoof,
)
from tests.receipts_corpus.table import LIMIT, TARGETS, UNDONE, Sent, asked, bad, corpus, error_of, good, ops_of, send
from tests.receipts_corpus.user_ops import account_batch, account_execute, operation

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


def _under(s: Scene, manager: Address) -> Callable[[Redemption], bytes]:
    """Put an account under an older manager, and return what makes calldata for it of the account's redemptions."""
    add_delegator_of(s.chain, HELPER, manager)
    s.chain.mint(s.token, HELPER, 1_000)
    return lambda once: asked(replace_context(once, *(_signed_for(s, link, manager) for link in once.context)))


@corpus
def an_older_manager_and_an_account_of_its_own(s: Scene) -> Iterator[Sent]:
    sign = _under(s, OLDER_MANAGER)
    once = redeem(s.root(LimitedCalls(limit=1), by=HELPER), [s.pay(2), Execution(target=SHOP, value=1)])
    yield send(OLDER_MANAGER, sign(once), "executed")
    yield send(OLDER_MANAGER, sign(once), f"denied hook {LIMIT}", untraced=["unknown"])
    yield send(OLDER_MANAGER, sign(bad(s, by=HELPER)), f"denied hook {TARGETS}", untraced=["unknown"])
    # signed for another manager, and sent to another manager
    other = "denied signature InvalidERC1271Signature()"
    yield send(OLDER_MANAGER, asked(good(s, by=HELPER)), other, untraced=["unknown"])
    yield send(
        s.chain.manager, asked(good(s, by=HELPER)), "failed execution NotDelegationManager()", untraced=["unknown"]
    )


@corpus
def the_oldest_manager_and_an_account_of_its_own(s: Scene) -> Iterator[Sent]:
    install_manager_elsewhere(s.chain, OLDEST_MANAGER)
    sign = _under(s, OLDEST_MANAGER)
    yield send(OLDEST_MANAGER, sign(good(s, by=HELPER)), "executed")
    yield send(OLDEST_MANAGER, sign(bad(s, by=HELPER)), f"denied hook {TARGETS}", untraced=["unknown"])


@corpus
def two_managers_that_both_execute_and_the_older_one_again_in_vain(s: Scene) -> Iterator[Sent]:
    sign, m = _under(s, OLDER_MANAGER), s.chain.manager
    older = sign(good(s, by=HELPER, amount=3))
    data = multicall((m, asked(good(s)), False), (OLDER_MANAGER, older, False), (OLDER_MANAGER, older, True))
    yield send(MULTICALL, data, "executed", "executed", f"denied hook {LIMIT}", untraced=["executed", "executed"])


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


@corpus
def an_operation_that_redeems(s: Scene) -> Iterator[Sent]:
    data = ops_of(s, operation(BOB, asked(good(s, to=BOB))))
    yield send(ENTRY_POINT, data, "executed", sender=SHOP)


@corpus
def an_operation_that_executes_a_redemption(s: Scene) -> Iterator[Sent]:
    data = ops_of(s, operation(BOB, account_execute(s.chain.manager, asked(good(s, to=BOB)))))
    yield send(ENTRY_POINT, data, "executed", sender=SHOP)


@corpus
def an_operation_that_executes_two_redemptions(s: Scene) -> Iterator[Sent]:
    m = s.chain.manager
    calls = [(m, 0, asked(good(s, to=BOB))), (m, 0, asked(good(s, to=BOB, amount=2)))]
    yield send(ENTRY_POINT, ops_of(s, operation(BOB, account_batch(*calls))), "executed", "executed", sender=SHOP)


@corpus
def an_operation_that_tries_two_redemptions(s: Scene) -> Iterator[Sent]:
    m = s.chain.manager
    calls = [(m, 0, asked(bad(s, to=BOB))), (m, 0, asked(good(s, to=BOB, amount=2)))]
    data = ops_of(s, operation(BOB, account_batch(*calls, may_fail=True)))
    yield send(ENTRY_POINT, data, f"denied hook {TARGETS}", "executed", sender=SHOP, untraced=["executed"])


@corpus
def an_operation_that_is_denied_in_a_transaction_that_succeeds(s: Scene) -> Iterator[Sent]:
    data = ops_of(s, operation(BOB, asked(bad(s, to=BOB))))
    yield send(ENTRY_POINT, data, f"denied hook {TARGETS}", sender=SHOP)


@corpus
def an_operation_denied_by_a_counter(s: Scene) -> Iterator[Sent]:
    once = asked(redeem(s.root(LimitedCalls(limit=1), to=BOB), s.pay(1)))
    yield send(ENTRY_POINT, ops_of(s, operation(BOB, once)), "executed", sender=SHOP)
    # what the counter stood at the calldata does not show, and the called contract could have said the same
    data = ops_of(s, operation(BOB, once, nonce=1))
    yield send(ENTRY_POINT, data, f"denied hook {LIMIT}", sender=SHOP, untraced=["unknown"])


@corpus
def an_operation_denied_after_another_call(s: Scene) -> Iterator[Sent]:
    calls = [(SHOP, 1, b""), (s.chain.manager, 0, asked(bad(s, to=BOB)))]
    data = ops_of(s, operation(BOB, account_batch(*calls)))
    yield send(ENTRY_POINT, data, f"denied hook {TARGETS}", sender=SHOP, untraced=["unknown"])


@corpus
def an_operation_whose_target_speaks_like_an_enforcer_that_agreed(s: Scene) -> Iterator[Sent]:
    forges = Execution(target=ECHO, call_data=error_of(TARGETS))
    once = redeem(s.root(AllowedTargets(targets=(ECHO,)), to=BOB), forges)
    data = ops_of(s, operation(BOB, asked(once)))
    yield send(ENTRY_POINT, data, f"failed execution {TARGETS}", sender=SHOP, untraced=["unknown"])


@corpus
def an_operation_by_a_stranger_to_the_grant(s: Scene) -> Iterator[Sent]:
    data = ops_of(s, operation(BOB, asked(good(s, to=HELPER))))
    yield send(ENTRY_POINT, data, "denied manager InvalidDelegate()", sender=SHOP)


@corpus
def an_operation_whose_call_itself_fails(s: Scene) -> Iterator[Sent]:
    once = redeem(s.root(LimitedCalls(limit=1), to=BOB), Execution(target=ECHO))
    data = ops_of(s, operation(BOB, asked(once)))
    yield send(ENTRY_POINT, data, "failed execution ", sender=SHOP, untraced=["unknown"])


@corpus
def two_operations_of_which_the_first_is_denied(s: Scene) -> Iterator[Sent]:
    data = ops_of(s, operation(BOB, asked(bad(s, to=BOB))), operation(ALICE, asked(good(s, by=BOB, to=ALICE))))
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
    data = ops_of(s, operation(BOB, asked(good(s, to=BOB))), operation(ALICE, asked(good(s, by=BOB, to=ALICE))))
    yield send(ENTRY_POINT, data, "executed", "executed", sender=SHOP)


@corpus
def an_operation_of_ones_own_account_alone(s: Scene) -> Iterator[Sent]:
    data = ops_of(s, operation(BOB, account_execute(SHOP, b"", 3)))
    yield send(ENTRY_POINT, data, sender=SHOP)


@corpus
def an_operation_with_an_empty_context(s: Scene) -> Iterator[Sent]:
    own = Redemption(context=(), executions=(Execution(target=SHOP, value=3),))
    yield send(ENTRY_POINT, ops_of(s, operation(BOB, asked(own))), "executed", sender=SHOP, untraced=["unknown"])


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
