"""Generated terms and attempts, biased to the boundaries: calldata, calls, blocks, revocation and groups."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random

import pytest

from caveats import (
    AllowedCalldata,
    ArgsEqualityCheck,
    BlockNumber,
    Caveat,
    ExactCalldata,
    ExactCalldataBatch,
    ExactExecution,
    ExactExecutionBatch,
    Execution,
    Id,
    LogicalOrWrapper,
    Nonce,
    Redeemer,
)
from caveats.abi import encode_uint
from caveats.attempt import Attempt, StateKey
from caveats.types import MAX_UINT128, Address
from delegations.evm import LocalChain
from tests.enforcers.agreement import (
    ANYBODY,
    NOW,
    OTHER,
    TOKEN,
    Asked,
    Case,
    Sweep,
    check,
    cut,
    drawn,
    full_names,
    near,
    quiet_chain,
    refusal_of,
    seeded,
    single,
    spoil,
)
from tests.enforcers.hooks import SOME_HASH, call_hook

CASES = 500
WINDOW = bytes(range(1, 41))


def draw_data(random: Random) -> bytes:
    data = WINDOW[: random.choice((0, 1, 4, 5, 36, 40))]
    return spoil(random, data) if random.random() < 0.2 else data


def draw_call(random: Random) -> Execution:
    return Execution(target=random.choice((TOKEN, OTHER)), value=random.choice((0, 0, 1)), call_data=draw_data(random))


def windows(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        start, size = random.choice((0, 1, 4, 36, 39, 40)), random.choice((1, 2, 4, 32))
        value = WINDOW[start : start + size] or b"\x01"
        if random.random() < 0.1:
            start = 2**256 - random.choice((1, 2, len(value), len(value) + 1))
        terms = AllowedCalldata.unchecked(data_start=start, value=value).encode_terms()
        yield terms, single(random, draw_call(random))


def exact_data(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        data = draw_data(random)
        call = Execution(target=TOKEN, call_data=random.choice((data, data, spoil(random, data), draw_data(random))))
        yield data, single(random, call)


def exact_calls(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        call = draw_call(random)
        terms = ExactExecution.unchecked(execution=call).encode_terms()
        yield terms, single(random, random.choice((call, call, draw_call(random))))


def draw_batch(random: Random) -> tuple[Execution, ...]:
    return tuple(draw_call(random) for _ in range(random.choice((0, 1, 1, 2, 3))))


def batches(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        listed = draw_batch(random)
        made = listed
        if listed and random.random() < 0.5:
            at = random.randrange(len(listed))
            made = random.choice(
                (listed[:-1], (*listed, listed[0]), (*listed[:at], draw_call(random), *listed[at + 1 :]))
            )
        terms = ExactExecutionBatch.unchecked(executions=listed).encode_terms()
        is_batch = random.random() > 0.04 or len(made) != 1
        yield terms, Attempt(made, is_batch=is_batch, is_try=random.random() < 0.04, timestamp=NOW)


def blocks(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        after, before = (random.choice((0, 0, 1, 1_000, 1_001, 1_002, MAX_UINT128)) for _ in range(2))
        terms = BlockNumber.unchecked(after_block=after, before_block=before).encode_terms()
        number = near(random, 1, after, before) % 2**64
        mode = {"is_batch": random.random() < 0.5, "is_try": random.random() < 0.03}
        yield terms, Attempt((Execution(target=TOKEN),), timestamp=NOW, block_number=number, **mode)


def redeemers(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        listed = tuple(
            random.choice((TOKEN, OTHER, ANYBODY, Address(bytes(20)))) for _ in range(random.choice((1, 2, 3)))
        )
        terms = Redeemer.unchecked(redeemers=listed).encode_terms()
        redeemer = random.choice((TOKEN, OTHER, ANYBODY))
        mode = {"is_batch": random.random() < 0.5, "is_try": random.random() < 0.03}
        yield terms, Attempt((Execution(target=TOKEN),), timestamp=NOW, redeemer=redeemer, delegator=OTHER, **mode)


def equal_args(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        terms = draw_data(random)
        args = random.choice((terms, spoil(random, terms), draw_data(random)))
        mode = {"is_batch": random.random() < 0.5, "is_try": random.random() < 0.03}
        yield terms, Attempt((Execution(target=TOKEN),), timestamp=NOW, args=args, **mode)


AGREE = [
    (drawn(AllowedCalldata, windows), ("invalid-calldata-length", "invalid-calldata"), {"Panic(0x11)"}),
    (drawn(ExactCalldata, exact_data), ("invalid-calldata",), set()),
    (drawn(ExactExecution, exact_calls), ("invalid-execution",), set()),
    (drawn(ExactCalldataBatch, batches), ("invalid-batch-size", "invalid-calldata"), set()),
    (drawn(ExactExecutionBatch, batches), ("invalid-batch-size", "invalid-execution"), set()),
    (drawn(BlockNumber, blocks), ("early-delegation", "expired-delegation"), set()),
    (drawn(Redeemer, redeemers), ("unauthorized-redeemer",), set()),
    (drawn(ArgsEqualityCheck, equal_args), ("different-args-and-terms",), set()),
]


@pytest.mark.parametrize(("sweep", "reasons", "more"), AGREE, ids=[row[0].cls.__name__ for row in AGREE])
def test_terms_judge_as_the_bytecode_and_every_answer_comes_up(sweep, reasons, more):
    answers = check(sweep)
    expected = full_names(sweep.cls, *reasons) | more
    if {"single", "batch"} == sweep.cls.CALL_TYPES:
        expected.remove("CaveatEnforcer:invalid-call-type")
    assert set(answers) == expected
    assert answers[None] >= CASES // 10


def ask_slot(cls: type[Nonce | Id]) -> Iterator[Asked]:
    """Write the slot the class names, and ask."""
    random = seeded()
    for _ in range(200):
        number = near(random, 0, 1, 255, 256, 2**64)
        terms = cls(**{cls.__name__.lower(): number})
        chain = LocalChain(1, timestamp=NOW, world=quiet_chain().world.copy())
        attempt = Attempt((Execution(target=TOKEN),), timestamp=NOW, block_number=1, delegator=OTHER)
        state = near(random, number, 1 << (number & 255), 0)
        slot = terms.state_slot(StateKey(chain.manager, SOME_HASH, OTHER))
        chain.world.set_storage(cls.ADDRESS, slot, state)
        told = call_hook(chain, cls.ADDRESS, terms.encode_terms(), attempt)
        if isinstance(terms, Nonce):
            judged = None if state == number else "NonceEnforcer:invalid-nonce"
        else:
            judged = "IdEnforcer:id-already-used" if terms.is_used(state) else None
        yield Asked(f"{number} with {state} in its slot", told, judged, told == judged)


SLOTS = [Sweep(cls, partial(ask_slot, cls)) for cls in (Nonce, Id)]


@pytest.mark.parametrize("sweep", SLOTS, ids=[sweep.cls.__name__ for sweep in SLOTS])
def test_state_in_the_named_slot_decides_as_the_class_says(sweep):
    assert len(check(sweep)) == 2


ONE_CALL = Execution(target=TOKEN, call_data=WINDOW)
ONE_ATTEMPT = Attempt((ONE_CALL,), timestamp=NOW, block_number=1, redeemer=TOKEN)


def ask_window_lengths() -> Iterator[Asked]:
    terms = encode_uint(0) + WINDOW[:2]
    for length in range(40):
        some = terms[:length].ljust(length, b"\0")
        told, refused = (
            call_hook(quiet_chain(), AllowedCalldata.ADDRESS, some, ONE_ATTEMPT),
            refusal_of(AllowedCalldata, some),
        )
        agrees = (told == AllowedCalldata.revert_of("invalid-terms-size")) == (refused is not None)
        yield Asked(f"{length} bytes", told, refused, agrees)


def ask_execution_lengths() -> Iterator[Asked]:
    terms = TOKEN + encode_uint(0) + WINDOW
    for length in range(60):
        # what follows the target matches as far as it goes, so that only the length can be at fault
        some = terms[:length]
        short = refusal_of(ExactExecution, some)
        call = ONE_CALL if short is not None else ExactExecution.decode_terms(some).execution
        told = call_hook(quiet_chain(), ExactExecution.ADDRESS, some, Attempt((call,), timestamp=NOW, block_number=1))
        yield Asked(f"{length} bytes", told, short, told == short)


LENGTHS = [
    Sweep(AllowedCalldata, ask_window_lengths),
    Sweep(ExactExecution, ask_execution_lengths),
    cut(BlockNumber, bytes(32), ONE_ATTEMPT, range(70)),
    cut(Nonce, bytes(32), ONE_ATTEMPT, range(70)),
    cut(Id, bytes(32), ONE_ATTEMPT, range(70)),
    cut(Redeemer, TOKEN * 3, ONE_ATTEMPT, range(70)),
]


@pytest.mark.parametrize("sweep", LENGTHS, ids=[sweep.cls.__name__ for sweep in LENGTHS])
def test_class_and_bytecode_read_terms_of_the_same_lengths(sweep):
    assert len(check(sweep)) > 1


EDGES = (0, 1, 31, 32, 33, 64, 96, 128, 160, 2**32, 2**59 - 1, 2**59, 2**63, 2**64 - 1, 2**64, 2**255, 2**256 - 1)


def mutate(random: Random, data: bytes) -> bytes:
    """Cut, lengthen, or write numbers over words that may be offsets and lengths."""
    how = random.randrange(4)
    if how == 0:
        return data[: random.randrange(len(data) + 1)]
    if how == 1:
        return data + random.randbytes(random.randrange(40))
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2))):
        at = 32 * random.randrange(len(data) // 32)
        if how == 2:
            changed[at : at + 32] = encode_uint(random.choice((*EDGES, len(data), len(data) - 32)))
        else:
            changed[at + random.randrange(32)] ^= 1 << random.randrange(8)
    return bytes(changed)


def ask_spoilt_batches(cls: type[ExactCalldataBatch | ExactExecutionBatch]) -> Iterator[Asked]:
    random = seeded()
    for _ in range(CASES):
        terms = mutate(random, cls.unchecked(executions=draw_batch(random)).encode_terms())
        refused = refusal_of(cls, terms)
        made = (ONE_CALL,) if refused is not None else cls.decode_terms(terms).executions
        told = call_hook(quiet_chain(), cls.ADDRESS, terms, Attempt(made, is_batch=True, timestamp=NOW))
        yield Asked(terms.hex(), told, refused, told == refused)


SPOILT = [Sweep(cls, partial(ask_spoilt_batches, cls)) for cls in (ExactCalldataBatch, ExactExecutionBatch)]


@pytest.mark.parametrize("sweep", SPOILT, ids=[sweep.cls.__name__ for sweep in SPOILT])
def test_spoilt_batch_terms_are_refused_as_on_chain_or_mean_what_the_chain_takes_them_for(sweep):
    assert set(check(sweep)) == {None, "", "DecodingError()"}


def draw_groups(random: Random) -> tuple[tuple[Caveat, ...], ...]:
    def draw_caveat() -> Caveat:
        terms = random.choice((bytes(32), bytes(16) + encode_uint(9)[16:], TOKEN, b"\0\0\0"))
        enforcer = random.choice((BlockNumber.ADDRESS, BlockNumber.ADDRESS, Redeemer.ADDRESS))
        return Caveat(enforcer=enforcer, terms=terms, args=random.choice((b"", b"\0")))

    return tuple(tuple(draw_caveat() for _ in range(random.randrange(4))) for _ in range(random.choice((1, 2, 3))))


def ask_wrapper(terms: bytes, attempt: Attempt) -> str | None:
    for hook in LogicalOrWrapper.HOOKS:
        told = call_hook(quiet_chain(), LogicalOrWrapper.ADDRESS, terms, attempt, hook=hook)
        if told is not None:
            return told
    return None


def ask_groups() -> Iterator[Asked]:
    random = seeded()
    for _ in range(CASES):
        groups = draw_groups(random)
        index = random.randrange(len(groups) + 1) if random.random() < 0.1 else random.randrange(len(groups))
        count = len(groups[index]) if index < len(groups) else 1
        args = LogicalOrWrapper.encode_args(index, [b""] * max(0, count + random.choice((-1, *[0] * 15))))
        terms = LogicalOrWrapper.unchecked(groups=groups).encode_terms()
        spoilt = random.random()
        terms, args = (
            (mutate(random, terms) if spoilt < 0.4 else terms),
            (mutate(random, args) if spoilt > 0.7 else args),
        )
        attempt = Attempt(
            (Execution(target=ANYBODY),) * random.choice((1, 1, 2)),
            is_batch=True,
            is_try=random.random() < 0.05,
            timestamp=NOW,
            block_number=random.choice((8, 9)),
            redeemer=TOKEN,
            args=args,
        )
        refused = refusal_of(LogicalOrWrapper, terms)
        told = ask_wrapper(terms, attempt)
        judged = refused
        if refused is None:
            decoded = LogicalOrWrapper.decode_terms(terms)
            if any(part.is_opaque for inner in decoded.decode_groups() for part in inner):
                continue  # a changed address: what stands there is not known
            judged = decoded.denies(attempt)
        yield Asked(f"{terms.hex()} {args.hex()}", told, judged, told == judged)


GROUPS = Sweep(LogicalOrWrapper, ask_groups)
SWEEPS = [*(row[0] for row in AGREE), *SLOTS, *LENGTHS, *SPOILT, GROUPS]


def test_groups_and_args_whole_and_spoilt_are_judged_as_on_chain():
    assert set(check(GROUPS)) >= {
        None,
        "",
        "Panic(0x41)",
        "LogicalOrWrapperEnforcer:invalid-group-index",
        "LogicalOrWrapperEnforcer:invalid-caveat-args-length",
        "BlockNumberEnforcer:expired-delegation",
        "BlockNumberEnforcer:invalid-terms-length",
        "RedeemerEnforcer:invalid-terms-length",
        "CaveatEnforcer:invalid-execution-type",
    }
