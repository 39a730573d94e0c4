"""Generated terms and attempts: targets, methods, time, counts and caps; and balances that rise and fall."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random

import pytest

from caveats import (
    AllowedMethods,
    AllowedTargets,
    ERC20BalanceChange,
    ERC20MultiOperationIncreaseBalance,
    ERC20TransferAmount,
    ERC721BalanceChange,
    ERC721MultiOperationIncreaseBalance,
    ERC1155BalanceChange,
    ERC1155MultiOperationIncreaseBalance,
    Execution,
    LimitedCalls,
    NativeBalanceChange,
    NativeTokenMultiOperationIncreaseBalance,
    NativeTokenTransferAmount,
    Timestamp,
)
from caveats.abi import encode_uint
from caveats.attempt import Attempt
from caveats.enforcer import EnforcerTerms
from caveats.types import MAX_UINT128, MAX_UINT256, Address
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
    seeded,
    single,
    spoil,
    transfer_data,
)
from tests.enforcers.hooks import call_hook, hook_call_data

CASES = 500
BALANCE_CASES = 120
SELECTORS = [bytes.fromhex(digits) for digits in ("a9059cbb", "00000000", "ffffffff")]
# answers every call with the word in its slot 0
ORACLE_CODE = bytes.fromhex("5f545f5260205ff3")


def targets(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        listed = tuple(random.choice((TOKEN, OTHER, Address(bytes(20)))) for _ in range(random.choice((1, 2, 3))))
        terms = AllowedTargets.unchecked(targets=listed).encode_terms()
        yield terms, single(random, Execution(target=random.choice((TOKEN, OTHER, ANYBODY))))


def methods(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        listed = b"".join(random.choice(SELECTORS) for _ in range(random.choice((1, 2, 3))))
        data = random.choice(SELECTORS) + random.choice((b"", bytes(32)))
        execution = Execution(target=TOKEN, call_data=spoil(random, data) if random.random() < 0.3 else data)
        yield listed, single(random, execution)


def times(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        after, before = (random.choice((0, 0, 1, NOW - 1, NOW, NOW + 1, MAX_UINT128)) for _ in range(2))
        terms = Timestamp.unchecked(after_at=after, before_at=before).encode_terms()
        mode = {"is_batch": random.random() < 0.5, "is_try": random.random() < 0.03}
        at = near(random, NOW, after, before) % 2**64
        yield terms, Attempt((Execution(target=TOKEN),), timestamp=at, block_number=1, **mode)


def counts(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        terms = LimitedCalls.unchecked(limit=near(random, 0, 1)).encode_terms()
        mode = {"is_batch": random.random() < 0.5, "is_try": random.random() < 0.03}
        yield terms, Attempt((Execution(target=TOKEN),), timestamp=NOW, block_number=1, **mode)


def token_caps(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        cap = random.choice((0, 1, 10**18, MAX_UINT256))
        data = transfer_data(near(random, cap))
        execution = Execution(
            target=OTHER if random.random() < 0.1 else TOKEN,
            value=random.choice((0, 1)),
            call_data=spoil(random, data) if random.random() < 0.2 else data,
        )
        yield ERC20TransferAmount.unchecked(token=TOKEN, max_amount=cap).encode_terms(), single(random, execution)


def native_caps(random: Random) -> Iterator[Case]:
    for _ in range(CASES):
        cap = random.choice((0, 1, 10**18, MAX_UINT256))
        terms = NativeTokenTransferAmount(max_amount_wei=cap).encode_terms() + random.choice((b"", b"\xff", bytes(32)))
        data = random.choice((b"", b"\0" * 4))
        yield terms, single(random, Execution(target=ANYBODY, value=near(random, cap), call_data=data))


AGREE = [
    (drawn(AllowedTargets, targets), ("target-address-not-allowed",)),
    (drawn(AllowedMethods, methods), ("invalid-execution-data-length", "method-not-allowed")),
    (drawn(Timestamp, times), ("early-delegation", "expired-delegation")),
    (drawn(LimitedCalls, counts), ("limit-exceeded",)),
    (drawn(ERC20TransferAmount, token_caps), ERC20TransferAmount.REVERTS[1:]),
    (drawn(NativeTokenTransferAmount, native_caps), ("allowance-exceeded",)),
]


@pytest.mark.parametrize(("sweep", "reasons"), AGREE, ids=[row[0].cls.__name__ for row in AGREE])
def test_an_unused_enforcer_answers_as_its_class_and_every_answer_occurs(sweep, reasons):
    answers = check(sweep)
    expected = full_names(sweep.cls, *reasons)
    if {"single", "batch"} == sweep.cls.CALL_TYPES:
        expected.remove("CaveatEnforcer:invalid-call-type")
    assert set(answers) == expected
    assert answers[None] >= CASES // 10


TRANSFER = Attempt((Execution(target=TOKEN, call_data=transfer_data(1)),), timestamp=NOW, block_number=1)
LENGTHS = [
    cut(AllowedTargets, bytes(TOKEN) * 3, TRANSFER, range(70)),
    cut(AllowedMethods, SELECTORS[0] * 3, TRANSFER, range(20)),
    cut(Timestamp, bytes(32), TRANSFER, range(70)),
    cut(LimitedCalls, encode_uint(9), TRANSFER, range(70)),
    cut(ERC20TransferAmount, TOKEN + encode_uint(9), TRANSFER, range(90)),
]


@pytest.mark.parametrize("sweep", LENGTHS, ids=[sweep.cls.__name__ for sweep in LENGTHS])
def test_terms_of_every_length_are_read_or_refused_as_on_chain(sweep):
    assert len(check(sweep)) > 1


# balances: what is read before, and what is read after


def balance_terms(cls: type[EnforcerTerms], account: Address, bound: int, *, is_fall: bool) -> EnforcerTerms:
    """Return terms about the balance of an account, of whatever kind."""
    values = {"token": TOKEN, "token_id": 7, "recipient": account, "amount": bound, "amount_wei": bound}
    given = {**values, "enforce_decrease": is_fall}
    return cls.unchecked(**{name: value for name, value in given.items() if name in cls.model_fields})


def ask_balances(cls: type[EnforcerTerms]) -> Iterator[Asked]:
    """Let a balance rise or fall to about the bound between the two hooks of an enforcer."""
    chain, random = LocalChain(1), seeded()
    chain.world.set_code(TOKEN, ORACLE_CODE)
    first, last = cls.HOOKS[0], cls.HOOKS[-1]
    may_fall = "enforce_decrease" in cls.model_fields
    is_native = "token" not in cls.model_fields

    def hold(account: Address, balance: int) -> None:
        if is_native:
            chain.fund(account, balance)
        else:
            chain.world.set_storage(TOKEN, 0, balance)

    for number in range(BALANCE_CASES):
        account = Address(encode_uint(2**159 + number)[12:])
        attempt = Attempt((Execution(target=ANYBODY),), delegator=account, timestamp=NOW, block_number=1)
        before = random.choice((0, 1, 100, 10**18, 2**255))
        bound = near(random, 0, 1, before, 100)
        is_fall = may_fall and random.random() < 0.5
        target = before - bound if is_fall else before + bound
        after = min(max(target + random.choice((-1, 0, 0, 1)), 0), MAX_UINT256)
        # a rise over all of nothing is refused before there is anything to compare
        terms = balance_terms(cls, account, bound if may_fall else max(bound, 1), is_fall=is_fall).encode_terms()
        hold(account, before)
        key = encode_uint(number)
        data = hook_call_data(first, terms, attempt, delegation_hash=key)
        assert chain.send(chain.manager, cls.ADDRESS, data).success
        hold(account, after)
        told = call_hook(chain, cls.ADDRESS, terms, attempt, hook=last, delegation_hash=key)
        expected = bounded(cls, before, bound if may_fall else max(bound, 1), after, is_fall=is_fall)
        yield Asked(f"{terms.hex()} from {before} to {after}", told, expected, told == expected)


def bounded(cls: type[EnforcerTerms], before: int, bound: int, after: int, *, is_fall: bool) -> str | None:
    """Return what an enforcer of balances says, by its inequality."""
    target = before - bound if is_fall else before + bound
    if not 0 <= target <= MAX_UINT256:
        return "Panic(0x11)"
    if after >= target:
        return None
    return cls.revert_of("exceeded-balance-decrease" if is_fall else "insufficient-balance-increase")


BALANCES = [
    Sweep(cls, partial(ask_balances, cls))
    for cls in (
        NativeBalanceChange,
        ERC20BalanceChange,
        ERC721BalanceChange,
        ERC1155BalanceChange,
        NativeTokenMultiOperationIncreaseBalance,
        ERC20MultiOperationIncreaseBalance,
        ERC721MultiOperationIncreaseBalance,
        ERC1155MultiOperationIncreaseBalance,
    )
]
SWEEPS = [*(row[0] for row in AGREE), *LENGTHS, *BALANCES]


@pytest.mark.parametrize("sweep", BALANCES, ids=[sweep.cls.__name__ for sweep in BALANCES])
def test_falls_and_rises_pass_exactly_when_the_inequality_holds(sweep):
    answers = check(sweep)
    reasons = {"insufficient-balance-increase", "exceeded-balance-decrease"} & set(sweep.cls.REVERTS)
    assert set(answers) == {None, "Panic(0x11)", *map(sweep.cls.revert_of, reasons)}
