"""Spend caveats just inside and just outside their limits, redemption after redemption, on the official bytecode."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from caveats import Execution
from caveats.abi import encode_address, encode_uint
from caveats.attempt import Attempt, StateKey
from caveats.caveat import Caveat
from caveats.enforcer import EnforcerTerms
from caveats.spend.erc20_period_transfer import ERC20PeriodTransfer
from caveats.spend.erc20_streaming import ERC20Streaming
from caveats.spend.erc721_transfer import ERC721Transfer
from caveats.spend.multi_token_period import MultiTokenPeriod, TokenPeriod
from caveats.spend.native_token_payment import ARGS_EQUALITY_CHECK, NativeTokenPayment
from caveats.spend.native_token_period_transfer import NativeTokenPeriodTransfer
from caveats.spend.native_token_streaming import NativeTokenStreaming
from caveats.spend.native_token_transfer_amount import NativeTokenTransferAmount
from caveats.spend.value_lte import ValueLte
from caveats.types import MAX_UINT256, ZERO_ADDRESS, Bytes32
from delegations.delegation import Delegation, create_delegation, encode_context, sign_delegation
from delegations.evm import dev_account
from tests.enforcers.harness import (
    AGENT,
    ALICE,
    CHAIN_ID,
    SHOP,
    START_AT,
    Stage,
    Step,
    attempt_on,
    check_steps,
    grant,
    said,
    set_stage,
    transfer,
)
from tests.enforcers.hooks import call_hook

Build = Callable[[Stage], Attempt]
BATCH = "CaveatEnforcer:invalid-call-type"
TRY = "CaveatEnforcer:invalid-execution-type"
EXCEEDED = "transfer-amount-exceeded"


def send(value: int, after: int = 0, *, args: bytes = b"") -> Build:
    """A payment of `value` wei, `after` seconds into the test; at 0 the clock stays where it is."""
    at = START_AT + after if after else 0
    return lambda stage: Attempt((Execution(target=SHOP, value=value),), timestamp=at, args=args)


def pay(amount: int, after: int = 0, *, value: int = 0, args: bytes = b"") -> Build:
    """A transfer of `amount` base units, `after` seconds into the test."""
    at = START_AT + after if after else 0
    return lambda stage: Attempt((transfer(stage.token, amount, value=value),), timestamp=at, args=args)


def approve(amount: int) -> Build:
    data = bytes.fromhex("095ea7b3") + encode_address(SHOP) + encode_uint(amount)
    return lambda stage: Attempt((Execution(target=stage.token, call_data=data),))


def in_batch(build: Build, count: int = 1) -> Build:
    return lambda stage: Attempt(build(stage).executions * count, is_batch=True)


def in_try(build: Build) -> Build:
    return lambda stage: Attempt(build(stage).executions, is_try=True)


def with_value(value: int) -> Build:
    return lambda stage: Attempt((Execution(target=stage.target, value=value),))


def move_nft(token_id: int, *, selector: str = "23b872dd", more: bytes = b"", cut: int | None = None) -> Build:
    data = bytes.fromhex(selector) + encode_address(ALICE) + encode_address(SHOP) + encode_uint(token_id) + more
    return lambda stage: Attempt((Execution(target=stage.target, call_data=data[:cut]),))


def period(prefix: str, spend: Callable[..., Build]) -> list[Step]:
    """Budget 100 each 60 seconds from second 10 on."""
    exceeded = f"{prefix}:{EXCEEDED}"
    return [
        (spend(0, 9), f"{prefix}:transfer-not-started"),
        (spend(101, 10), exceeded),
        (spend(60, 10), None),
        (spend(41), exceeded),
        (spend(40), None),
        (spend(1, 69), exceeded),
        (spend(0, 69), None),
        (spend(100, 70), None),
        (spend(1, 129), exceeded),
        (spend(101, 1_000_000), exceeded),
        (spend(100, 1_000_000), None),
        (spend(1), exceeded),
        (in_batch(spend(0)), BATCH),
        (in_try(spend(0)), TRY),
    ]


def stream(prefix: str, spend: Callable[..., Build]) -> list[Step]:
    """10 from second 10 on, 2 more each second, 20 in total."""
    exceeded = f"{prefix}:allowance-exceeded"
    return [
        (spend(0, 9), None),
        (spend(1, 9), exceeded),
        (spend(11, 10), exceeded),
        (spend(10, 10), None),
        (spend(1), exceeded),
        (spend(3, 11), exceeded),
        (spend(2, 11), None),
        (spend(0), None),
        (spend(9, 1_000), exceeded),
        (spend(8, 1_000), None),
        (spend(1, 1_000_000), exceeded),
        (in_batch(spend(0)), BATCH),
        (in_try(spend(0)), TRY),
    ]


def erc20_period(stage: Stage) -> ERC20PeriodTransfer:
    return ERC20PeriodTransfer(token=stage.token, period_amount=100, period_seconds=60, start_at=START_AT + 10)


def native_period(stage: Stage) -> NativeTokenPeriodTransfer:
    return NativeTokenPeriodTransfer(period_amount_wei=100, period_seconds=60, start_at=START_AT + 10)


def erc20_stream(stage: Stage) -> ERC20Streaming:
    return ERC20Streaming(
        token=stage.token, initial_amount=10, max_amount=20, amount_per_second=2, start_at=START_AT + 10
    )


def native_stream(stage: Stage) -> NativeTokenStreaming:
    return NativeTokenStreaming(
        initial_amount_wei=10, max_amount_wei=20, amount_per_second_wei=2, start_at=START_AT + 10
    )


def two_budgets(stage: Stage) -> MultiTokenPeriod:
    return MultiTokenPeriod(
        records=(
            TokenPeriod(token=stage.token, period_amount=100, period_seconds=60, start_at=START_AT),
            TokenPeriod(token=ZERO_ADDRESS, period_amount=50, period_seconds=60, start_at=START_AT + 10),
        )
    )


FIRST, SECOND, THIRD = (encode_uint(n) for n in range(3))
ERC20_PERIOD, NATIVE_PERIOD, ERC20_STREAM, NATIVE_STREAM, MULTI, NFT = (
    cls.ENFORCER
    for cls in (
        ERC20PeriodTransfer,
        NativeTokenPeriodTransfer,
        ERC20Streaming,
        NativeTokenStreaming,
        MultiTokenPeriod,
        ERC721Transfer,
    )
)

CASES: list[tuple[str, Callable[[Stage], EnforcerTerms], list[Step]]] = [
    ("a token budget is full again to the second", erc20_period, period(ERC20_PERIOD, pay)),
    ("a native budget is full again to the second", native_period, period(NATIVE_PERIOD, send)),
    ("a token stream flows to the second", erc20_stream, stream(ERC20_STREAM, pay)),
    ("a native stream flows to the second", native_stream, stream(NATIVE_STREAM, send)),
    (
        "a token budget is for transfers of the token alone",
        erc20_period,
        [
            (pay(0, 10), None),
            (approve(1), f"{ERC20_PERIOD}:invalid-method"),
            (send(1), f"{ERC20_PERIOD}:invalid-execution-length"),
            (lambda s: Attempt((transfer(s.target, 1),)), f"{ERC20_PERIOD}:invalid-contract"),
        ],
    ),
    (
        "a token stream is for transfers of the token alone",
        erc20_stream,
        [
            (pay(0, 10), None),
            (approve(1), f"{ERC20_STREAM}:invalid-method"),
            (send(1), f"{ERC20_STREAM}:invalid-execution-length"),
            (lambda s: Attempt((transfer(s.target, 1),)), f"{ERC20_STREAM}:invalid-contract"),
        ],
    ),
    (
        "a native budget of any size lets a token go, for it reads the value alone",
        native_period,
        [(pay(10**20, 10), None), (send(101), f"{NATIVE_PERIOD}:{EXCEEDED}")],
    ),
    (
        "one period that never ends is a total",
        lambda s: ERC20PeriodTransfer(token=s.token, period_amount=100, period_seconds=MAX_UINT256, start_at=START_AT),
        [(pay(60), None), (pay(41, 10**9), f"{ERC20_PERIOD}:{EXCEEDED}"), (pay(40, 10**9 + 1), None)],
    ),
    (
        "a stream whose sum overflows is dead from that second on, for nothing too",
        lambda s: ERC20Streaming.unchecked(
            token=s.token, initial_amount=0, max_amount=MAX_UINT256, amount_per_second=2**250, start_at=START_AT
        ),
        [(pay(1, 63), None), (pay(0, 64), "Panic(0x11)")],
    ),
    (
        "two budgets side by side, each for its token",
        two_budgets,
        [
            (pay(100, args=FIRST), None),
            (pay(1, args=FIRST), f"{MULTI}:{EXCEEDED}"),
            (send(50, 9, args=SECOND), f"{MULTI}:transfer-not-started"),
            (send(51, 10, args=SECOND), f"{MULTI}:{EXCEEDED}"),
            (send(50, 10, args=SECOND), None),
            (send(1, 69, args=SECOND), f"{MULTI}:{EXCEEDED}"),
            (send(50, 70, args=SECOND), None),
            (pay(100, 119, args=FIRST), None),
            (pay(100, 120, args=FIRST), None),
            (pay(0, args=FIRST), None),
            (pay(0, args=SECOND), f"{MULTI}:token-mismatch"),
            (send(1, args=FIRST), f"{MULTI}:token-mismatch"),
            (pay(0, args=THIRD), f"{MULTI}:invalid-token-index"),
            (pay(0), ""),
            (pay(0, args=FIRST[1:]), ""),
            (pay(0, args=FIRST + b"\xff"), None),
            (pay(0, value=1, args=FIRST), f"{MULTI}:invalid-value-in-erc20-transfer"),
            (send(0, args=SECOND), f"{MULTI}:invalid-zero-value-in-native-transfer"),
            (approve(1), f"{MULTI}:invalid-method"),
            (in_batch(pay(0)), BATCH),
            (in_try(pay(0)), TRY),
        ],
    ),
    (
        "the value of each call, not of all together",
        lambda s: ValueLte(max_value_wei=5),
        [
            (with_value(5), None),
            (with_value(5), None),
            (with_value(6), "ValueLteEnforcer:value-too-high"),
            (in_batch(with_value(0)), BATCH),
            (in_try(with_value(0)), TRY),
        ],
    ),
    (
        "one NFT, by three functions, as often as one likes",
        lambda s: ERC721Transfer(token=s.target, token_id=7),
        [
            (move_nft(7), None),
            (move_nft(7, selector="42842e0e"), None),
            (move_nft(7, selector="b88d4fde", more=encode_uint(128) + bytes(32)), None),
            (move_nft(7, more=b"\xff"), None),
            (move_nft(8), f"{NFT}:unauthorized-token-id"),
            (move_nft(7, selector="095ea7b3"), f"{NFT}:unauthorized-selector"),
            (move_nft(7, cut=99), f"{NFT}:invalid-calldata-length"),
            (send(1), f"{NFT}:invalid-calldata-length"),
            (in_batch(move_nft(7)), BATCH),
            (in_try(move_nft(7)), TRY),
        ],
    ),
]


@pytest.mark.parametrize(("make", "steps"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_bytecode_draws_the_line_where_the_terms_say(make, steps):
    check_steps(make, steps)


SPENT = [
    (erc20_period, pay(30, 75), (100, 60, START_AT + 10, 2, 30), {}),
    (native_period, send(30, 75), (100, 60, START_AT + 10, 2, 30), {}),
    (erc20_stream, pay(3, 11), (10, 20, 2, START_AT + 10, 3), {}),
    (native_stream, send(3, 11), (10, 20, 2, START_AT + 10, 3), {}),
    (two_budgets, pay(30, 59, args=FIRST), (100, 60, START_AT, 1, 30), {}),
    (two_budgets, send(30, 70, args=SECOND), (50, 60, START_AT + 10, 2, 30), {"index": 1}),
]


@pytest.mark.parametrize(("make", "build", "words", "which"), SPENT)
def test_what_was_spent_stands_in_the_declared_slots(make, build, words, which):
    stage = set_stage()
    terms = make(stage)
    delegation = grant([terms.to_caveat()])
    key = StateKey(stage.chain.manager, delegation.hash, ALICE)
    slot = terms.state_slot(key, **which)
    assert stage.chain.world.storage(terms.ADDRESS, slot) == 0
    assert said(attempt_on(stage.chain, delegation, build(stage))) is None
    stored = tuple(stage.chain.world.storage(terms.ADDRESS, slot + i) for i in range(len(terms.STATE_FIELDS)))
    assert stored == words


# payment

PRICE = 10**15


def allow(stage: Stage, delegation: Delegation, *, cap_wei: int = PRICE, bind: Sequence[Caveat] | None = None) -> bytes:
    """Return args: the agent's allowance for `delegation`; `bind` replaces the caveat that binds it to that."""
    terms = NativeTokenPayment.allowance_terms(Bytes32(delegation.hash), AGENT)
    bound = [Caveat(enforcer=ARGS_EQUALITY_CHECK, terms=terms)] if bind is None else bind
    unsigned = create_delegation(
        delegator=AGENT,
        delegate=NativeTokenPayment.ADDRESS,
        caveats=[*bound, NativeTokenTransferAmount(max_amount_wei=cap_wei).to_caveat()],
        salt=1,
    )
    signed = sign_delegation(unsigned, dev_account(1), chain_id=CHAIN_ID, manager=stage.chain.manager)
    return encode_context((signed,))


def paid_stage() -> tuple[Stage, Delegation]:
    stage = set_stage()
    stage.chain.add_delegator(AGENT)
    return stage, grant([NativeTokenPayment(recipient=SHOP, amount_wei=PRICE).to_caveat()])


def redeem_for(stage: Stage, delegation: Delegation, args: bytes, **mode: bool) -> str | None:
    attempt = Attempt((Execution(target=ALICE),), args=args, **mode)
    told = said(attempt_on(stage.chain, delegation, attempt))
    terms = NativeTokenPayment(recipient=SHOP, amount_wei=PRICE)
    assert terms.denies(attempt) in (None, told)
    return told


@pytest.mark.parametrize("is_batch", [False, True])
def test_the_price_is_paid_once_for_each_redemption_by_its_allowance(is_batch):
    stage, delegation = paid_stage()
    args = NativeTokenPayment.encode_args(allow(stage, delegation))
    before = stage.chain.balance(SHOP)
    assert redeem_for(stage, delegation, args, is_batch=is_batch) is None
    assert stage.chain.balance(SHOP) == before + PRICE
    used_up = "NativeTokenTransferAmountEnforcer:allowance-exceeded"
    assert redeem_for(stage, delegation, args, is_batch=is_batch) == used_up
    assert stage.chain.balance(SHOP) == before + PRICE


def test_nothing_is_redeemed_without_a_payment():
    stage, delegation = paid_stage()
    assert redeem_for(stage, delegation, b"") == ""
    assert redeem_for(stage, delegation, allow(stage, delegation), is_try=True) == TRY
    empty = encode_context(())
    assert redeem_for(stage, delegation, empty) == "NativeTokenPaymentEnforcer:invalid-allowance-delegations-length"


def test_an_allowance_bound_to_nothing_is_refused():
    stage, delegation = paid_stage()
    unbound = allow(stage, delegation, bind=[])
    missing = "NativeTokenPaymentEnforcer:missing-argsEqualityCheckEnforcer"
    assert redeem_for(stage, delegation, unbound) == missing
    assert redeem_for(stage, delegation, allow(stage, delegation)) is None


def test_an_allowance_bound_to_another_redemption_is_refused():
    stage, delegation = paid_stage()
    other = grant([NativeTokenPayment(recipient=SHOP, amount_wei=PRICE).to_caveat()], salt=9)
    assert redeem_for(stage, delegation, allow(stage, other)) == "ArgsEqualityCheckEnforcer:different-args-and-terms"
    assert redeem_for(stage, other, allow(stage, other)) is None


def test_an_allowance_under_the_price_is_refused():
    stage, delegation = paid_stage()
    short = allow(stage, delegation, cap_wei=PRICE - 1)
    assert redeem_for(stage, delegation, short) == "NativeTokenTransferAmountEnforcer:allowance-exceeded"
    assert redeem_for(stage, delegation, allow(stage, delegation)) is None


def test_a_payer_who_pays_himself_has_not_paid():
    stage = set_stage()
    stage.chain.add_delegator(AGENT)
    terms = NativeTokenPayment(recipient=AGENT, amount_wei=PRICE)
    delegation = grant([terms.to_caveat()])
    attempt = Attempt((Execution(target=ALICE),), args=allow(stage, delegation))
    assert said(attempt_on(stage.chain, delegation, attempt)) == terms.revert_of("payment-not-received")


def test_a_stranger_cannot_call_the_payment():
    stage, delegation = paid_stage()
    terms = NativeTokenPayment(recipient=SHOP, amount_wei=PRICE)
    attempt = Attempt((Execution(target=SHOP),), args=allow(stage, delegation))
    told = call_hook(stage.chain, terms.ADDRESS, terms.encode_terms(), attempt, hook="after_all", sender=SHOP)
    assert told == terms.revert_of("only-delegation-manager")
