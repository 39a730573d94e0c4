"""Generated terms and attempts, biased to the boundaries: the spend enforcers judge as their bytecode does."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from caveats import Execution
from caveats.abi import encode_address, encode_dynamic_array, encode_uint
from caveats.attempt import Attempt
from caveats.spend.erc20_period_transfer import ERC20PeriodTransfer
from caveats.spend.erc20_streaming import ERC20Streaming
from caveats.spend.erc721_transfer import ERC721Transfer
from caveats.spend.multi_token_period import MultiTokenPeriod, TokenPeriod
from caveats.spend.native_token_payment import ARGS_EQUALITY_CHECK, NativeTokenPayment
from caveats.spend.native_token_period_transfer import NativeTokenPeriodTransfer
from caveats.spend.native_token_streaming import NativeTokenStreaming
from caveats.spend.value_lte import ValueLte
from caveats.types import MAX_UINT256, ZERO_ADDRESS
from tests.enforcers.agreement import (
    ANYBODY,
    NOW,
    OTHER,
    TOKEN,
    Case,
    Sweep,
    check,
    cut,
    drawn,
    full_names,
    near,
    single,
    spoil,
    transfer_data,
)

CASES = 600


def draw_budget(random: Random) -> tuple[int, int, int]:
    amount = random.choice((0, 1, 10**18, 10**18, 10**18, MAX_UINT256))
    seconds = random.choice((0, 1, 86_400, 86_400, 86_400, MAX_UINT256))
    start_at = random.choice((0, 1, NOW, NOW, NOW, NOW + 1, MAX_UINT256))
    return amount, seconds, start_at


def draw_stream(random: Random) -> tuple[int, int, int, int]:
    initial = random.choice((0, 1, 10**6, MAX_UINT256))
    maximum = random.choice((0, 10**6, 10**7, MAX_UINT256, near(random, initial)))
    rate = random.choice((0, 1, 10**3, 2**250, MAX_UINT256))
    return initial, maximum, rate, random.choice((0, 1, NOW - 63, NOW - 64, NOW, NOW, NOW + 1))


def draw_token_call(random: Random, *amounts: int) -> Execution:
    data = transfer_data(near(random, *amounts))
    return Execution(
        target=OTHER if random.random() < 0.07 else TOKEN,
        value=random.choice((0, 0, 0, 1)),
        call_data=spoil(random, data) if random.random() < 0.15 else data,
    )


def draw_payment(random: Random, *amounts: int) -> Execution:
    return Execution(target=ANYBODY, value=near(random, *amounts), call_data=random.choice((b"", b"\0", b"\0" * 68)))


def draw_time(random: Random, start_at: int) -> int:
    # py-evm keeps time as any whole number; nothing on chain is later than 2^64
    return near(random, NOW, start_at) % 2**64


def erc20_periods(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        amount, seconds, start_at = draw_budget(random)
        terms = ERC20PeriodTransfer.unchecked(
            token=TOKEN, period_amount=amount, period_seconds=seconds, start_at=start_at
        ).encode_terms()
        yield terms, single(random, draw_token_call(random, 0, amount), timestamp=draw_time(random, start_at))


def native_periods(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        amount, seconds, start_at = draw_budget(random)
        terms = NativeTokenPeriodTransfer.unchecked(
            period_amount_wei=amount, period_seconds=seconds, start_at=start_at
        ).encode_terms()
        yield terms, single(random, draw_payment(random, 0, amount), timestamp=draw_time(random, start_at))


def unlocked_about(initial: int, maximum: int, rate: int, elapsed: int) -> int:
    return min(initial + rate * max(elapsed, 0), maximum)


def erc20_streams(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        initial, maximum, rate, start_at = draw_stream(random)
        terms = ERC20Streaming.unchecked(
            token=TOKEN, initial_amount=initial, max_amount=maximum, amount_per_second=rate, start_at=start_at
        ).encode_terms()
        at = draw_time(random, start_at)
        amount = unlocked_about(initial, maximum, rate, at - start_at)
        yield terms, single(random, draw_token_call(random, amount, maximum), timestamp=at)


def native_streams(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        initial, maximum, rate, start_at = draw_stream(random)
        terms = NativeTokenStreaming.unchecked(
            initial_amount_wei=initial, max_amount_wei=maximum, amount_per_second_wei=rate, start_at=start_at
        ).encode_terms()
        at = draw_time(random, start_at)
        amount = unlocked_about(initial, maximum, rate, at - start_at)
        yield terms, single(random, draw_payment(random, amount, maximum), timestamp=at)


def multi_token_periods(random: Random) -> Iterator[Case]:
    for _ in range(2 * CASES):
        records = []
        for _ in range(random.randint(1, 3)):
            amount, seconds, start_at = draw_budget(random)
            token = random.choice((TOKEN, TOKEN, OTHER, ZERO_ADDRESS))
            records.append(TokenPeriod(token=token, period_amount=amount, period_seconds=seconds, start_at=start_at))
        terms = MultiTokenPeriod.unchecked(records=tuple(records)).encode_terms()
        index = near(random, random.randrange(len(records)))
        chosen = records[min(index, len(records) - 1)]
        draw = draw_payment if chosen.token == ZERO_ADDRESS else draw_token_call
        args = encode_uint(index) + random.choice((b"", b"", b"\xff"))
        if random.random() < 0.08:
            args = args[: random.choice((0, 1, 31))]
        execution = draw(random, 0, chosen.period_amount)
        at = random.choice((NOW, draw_time(random, chosen.start_at)))
        yield terms, single(random, execution, timestamp=at, args=args)


def values(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        cap = random.choice((0, 1, 10**18, MAX_UINT256))
        yield ValueLte(max_value_wei=cap).encode_terms(), single(random, draw_payment(random, cap))


def nfts(random: Random) -> Iterator[Case]:
    selectors = [bytes.fromhex(s) for s in ("23b872dd", "42842e0e", "b88d4fde")]
    for _ in range(CASES):
        token_id = random.choice((0, 1, 7, MAX_UINT256))
        people = [random.choice((ANYBODY, ANYBODY, ANYBODY, ANYBODY, ZERO_ADDRESS)) for _ in "ft"]
        data = (
            random.choice(selectors)
            + b"".join(map(encode_address, people))
            + encode_uint(near(random, token_id))
            + random.choice((b"", b"\0", b"\xff" * 40))
        )
        if random.random() < 0.25:
            data = spoil(random, data)
        target = OTHER if random.random() < 0.1 else TOKEN
        execution = Execution(target=target, value=random.choice((0, 1)), call_data=data)
        yield ERC721Transfer(token=TOKEN, token_id=token_id).encode_terms(), single(random, execution)


def allowance(random: Random) -> bytes:
    """Return args: a chain of delegations built by hand, so that any part of it may be wrong."""
    links = []
    for _ in range(random.choice((0, 1, 1, 1, 2))):
        enforcers = random.choice(((), (ANYBODY,), *[(ARGS_EQUALITY_CHECK,)] * 3, (ARGS_EQUALITY_CHECK, ANYBODY)))
        caveats = [encode_address(e) + encode_uint(96) + encode_uint(128) + encode_uint(0) * 2 for e in enforcers]
        listed = encode_dynamic_array(caveats)
        links.append(
            encode_address(NativeTokenPayment.ADDRESS)
            + encode_address(OTHER)
            + b"\xff" * 32
            + encode_uint(192)
            + encode_uint(1)
            + encode_uint(192 + len(listed))
            + listed
            + encode_uint(0)
        )
    args = encode_uint(32) + encode_dynamic_array(links)
    if random.random() < 0.4:
        at = 32 * random.randrange(len(args) // 32)
        word = random.choice((encode_uint(2**64), encode_uint(len(args)), b"\xff" * 32, encode_uint(1), encode_uint(0)))
        args = args[:at] + word + args[at + 32 :]
    return args[: random.randrange(len(args))] if random.random() < 0.2 else args


def payments(random: Random) -> Iterator[Case]:
    terms = NativeTokenPayment(recipient=ANYBODY, amount_wei=1).encode_terms()
    for _ in range(2 * CASES):
        attempt = Attempt((Execution(target=ANYBODY),), timestamp=NOW, args=allowance(random))
        yield terms, attempt


FRESH = [
    (drawn(ERC20PeriodTransfer, erc20_periods), ERC20PeriodTransfer.REVERTS[1:], ()),
    (drawn(NativeTokenPeriodTransfer, native_periods), NativeTokenPeriodTransfer.REVERTS[1:], ()),
    (drawn(ERC20Streaming, erc20_streams), ERC20Streaming.REVERTS[1:], ("Panic(0x11)",)),
    (drawn(NativeTokenStreaming, native_streams), NativeTokenStreaming.REVERTS[1:], ("Panic(0x11)",)),
    (drawn(MultiTokenPeriod, multi_token_periods), MultiTokenPeriod.REVERTS[1:], ("",)),
    (drawn(ValueLte, values), ("value-too-high",), ()),
    (drawn(ERC721Transfer, nfts), ERC721Transfer.REVERTS[:-1], ("",)),
]
# a chain the payment accepts goes to the manager, which finds these forged ones unsigned
UNSIGNED = ("ECDSAInvalidSignatureLength(uint256)", "InvalidDelegate()")
PAYMENTS = drawn(NativeTokenPayment, payments, state_decides=UNSIGNED)


@pytest.mark.parametrize(("sweep", "reasons", "others"), FRESH, ids=[row[0].cls.__name__ for row in FRESH])
def test_an_unused_enforcer_answers_as_its_class_and_every_answer_occurs(sweep, reasons, others):
    assert set(check(sweep)) == full_names(sweep.cls, *reasons) | set(others)


def test_an_allowance_is_refused_by_the_payment_as_by_its_class():
    answers = check(PAYMENTS)
    mine = {"", "Panic(0x41)", *map(NativeTokenPayment.revert_of, NativeTokenPayment.REVERTS[1:3])}
    assert set(answers) == mine | set(UNSIGNED)
    assert answers[UNSIGNED[0]] > 100


GOOD_CALL = Attempt((Execution(target=TOKEN, call_data=transfer_data(1)),), timestamp=NOW, args=encode_uint(0))
GOOD_PAYMENT = Attempt((Execution(target=ANYBODY, value=1),), timestamp=NOW)
GOOD_NFT = Attempt(
    (
        Execution(
            target=TOKEN,
            call_data=bytes.fromhex("23b872dd") + encode_address(ANYBODY) + encode_address(OTHER) + encode_uint(7),
        ),
    ),
    timestamp=NOW,
)
PERIOD = (encode_uint(5), encode_uint(60), encode_uint(NOW))
STREAM = (encode_uint(5), encode_uint(9), encode_uint(1), encode_uint(NOW))


def sizes(size: int) -> list[int]:
    near_sizes = {n + off for n in (size - 32, size, 2 * size, 3 * size) for off in (-1, 0, 1)}
    return sorted({0, 1, 20, 32, 64, *near_sizes} - {-1, -2})


LENGTHS = [
    cut(ERC20PeriodTransfer, TOKEN + b"".join(PERIOD), GOOD_CALL, sizes(116)),
    cut(NativeTokenPeriodTransfer, b"".join(PERIOD), GOOD_PAYMENT, sizes(96)),
    cut(ERC20Streaming, TOKEN + b"".join(STREAM), GOOD_CALL, sizes(148)),
    cut(NativeTokenStreaming, b"".join(STREAM), GOOD_PAYMENT, sizes(128)),
    cut(MultiTokenPeriod, (TOKEN + b"".join(PERIOD)) * 3, GOOD_CALL, sizes(116)),
    cut(NativeTokenPayment, ANYBODY + encode_uint(5), GOOD_PAYMENT, sizes(52)),
    cut(ValueLte, encode_uint(5), GOOD_PAYMENT, sizes(32)),
    cut(ERC721Transfer, TOKEN + encode_uint(7), GOOD_NFT, sizes(52)),
]
SWEEPS: list[Sweep] = [*(row[0] for row in FRESH), PAYMENTS, *LENGTHS]


@pytest.mark.parametrize("sweep", LENGTHS, ids=[sweep.cls.__name__ for sweep in LENGTHS])
def test_terms_of_every_length_are_read_or_refused_as_on_chain(sweep):
    assert len(check(sweep)) > 1
