"""Redemptions within redemptions, modes, who said what, what moves, grants. See `table` for how they are written."""

from __future__ import annotations

from collections.abc import Iterator

from caveats import ERC20TransferAmount, Execution, LimitedCalls, NativeTokenTransferAmount
from caveats.abi import encode_address, encode_uint
from caveats.outcome.native_balance_change import NativeBalanceChange
from caveats.types import Address, keccak
from delegations.delegation import ANY_DELEGATE, encode_context, encode_delegation
from delegations.execution import ExecutionMode
from delegations.framework.constants import ENTRY_POINT
from delegations.redemption import Redemption, encode_raw_redeem_delegations, redeem
from tests.differential.scene import BOB, DISABLE, ENABLE, HELPER, NOTHING, Scene
from tests.enforcers.harness import ALICE, SHOP
from tests.receipts_corpus.contracts import (
    BADGES,
    BOMB,
    ECHO,
    MULTICALL,
    multicall,
)
from tests.receipts_corpus.table import LIMIT, TARGETS, UNDONE, Sent, asked, bad, corpus, error_of, good, ops_of, send
from tests.receipts_corpus.user_ops import operation

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


@corpus
def a_target_that_speaks_like_an_enforcer(s: Scene) -> Iterator[Sent]:
    once = redeem(s.root(LimitedCalls(limit=5)), Execution(target=ECHO, call_data=error_of(LIMIT)))
    yield send(s.chain.manager, asked(once), f"failed execution {LIMIT}", untraced=["unknown"])


@corpus
def a_target_that_speaks_like_an_enforcer_in_an_operation(s: Scene) -> Iterator[Sent]:
    once = redeem(s.root(LimitedCalls(limit=5), to=BOB), Execution(target=ECHO, call_data=error_of(LIMIT)))
    data = ops_of(s, operation(BOB, asked(once)))
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
