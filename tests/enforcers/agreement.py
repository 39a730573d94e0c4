"""Asks the official bytecode about terms and attempts and holds our classes to its answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from random import Random
from typing import NamedTuple

from caveats import Execution, TermsError
from caveats.abi import encode_address, encode_uint
from caveats.attempt import Attempt
from caveats.enforcer import EnforcerTerms
from caveats.types import MAX_UINT256, Address
from delegations.evm import LocalChain
from tests.enforcers.hooks import ask

NOW = 1_800_000_000
TOKEN, OTHER, ANYBODY = (Address(bytes([n]) * 20) for n in (0x11, 0x22, 0x33))
TRANSFER = bytes.fromhex("a9059cbb")
Case = tuple[bytes, Attempt]


@cache
def quiet_chain() -> LocalChain:
    """A chain that no test changes: calls keep nothing."""
    return LocalChain(1, timestamp=NOW)


class Asked(NamedTuple):
    """One question put to the bytecode and to the class.

    Attributes:
        told: what the bytecode said; None for "passes".
        judged: what the class said; None also where it says nothing.
    """

    what: str
    told: str | None
    judged: str | None
    agrees: bool


class Sweep(NamedTuple):
    """Generated questions about one enforcer; the same ones every time they are asked."""

    cls: type[EnforcerTerms]
    ask: Callable[[], Iterator[Asked]]


def check(sweep: Sweep) -> Counter[str | None]:
    """Return how often the bytecode gave each answer, having checked that the class agrees with all of them."""
    answers: Counter[str | None] = Counter()
    for asked in sweep.ask():
        assert asked.agrees, asked
        answers[asked.told] += 1
    return answers


def drawn(
    cls: type[EnforcerTerms],
    generate: Callable[[Random], Iterable[Case]],
    *,
    state_decides: tuple[str, ...] = (),
    chain: Callable[[], LocalChain] = quiet_chain,
) -> Sweep:
    """Return a sweep over drawn terms and attempts.

    Answers in `state_decides` come from state the class does not see: there it may say nothing.
    """

    def questions() -> Iterator[Asked]:
        there = chain()
        for terms, attempt in generate(seeded()):
            told = ask(there, cls, terms, attempt)
            judged = cls.decode_terms(terms).denies(attempt)
            agrees = judged == told or (judged is None and told in state_decides)
            yield Asked(f"{terms.hex()} {attempt}", told, judged, agrees)

    return Sweep(cls, questions)


def cut(cls: type[EnforcerTerms], terms: bytes, attempt: Attempt, lengths: Iterable[int]) -> Sweep:
    """Return a sweep that cuts `terms` to each length, or lengthens them with zeroes: class and bytecode read the same
    ones, and refuse the others for the same reason."""

    def questions() -> Iterator[Asked]:
        for length in lengths:
            some = terms[:length].ljust(length, b"\0")
            told, refused = ask(quiet_chain(), cls, some, attempt), refusal_of(cls, some)
            agrees = told == refused or (refused is None and "invalid-terms-length" not in str(told))
            yield Asked(f"{length} bytes", told, refused, agrees)

    return Sweep(cls, questions)


def refusal_of(cls: type[EnforcerTerms], terms: bytes) -> str | None:
    """Return the revert reason for terms the class cannot read; None when it reads them."""
    try:
        cls.decode_terms(terms)
    except TermsError as error:
        return error.onchain
    return None


def declared(cls: type[EnforcerTerms]) -> set[str | None]:
    """Return the reasons a class says its contract reverts with, the two of the base class among them."""
    return full_names(cls, *cls.REVERTS) - {None}


def full_names(cls: type[EnforcerTerms], *reasons: str) -> set[str | None]:
    """Return the answers that stand for these reasons, with the two of the base class and None for "passes"."""
    return {
        None,
        "CaveatEnforcer:invalid-call-type",
        "CaveatEnforcer:invalid-execution-type",
        *map(cls.revert_of, reasons),
    }


def seeded() -> Random:
    """Return the same numbers every time: a red test stays red until it is mended."""
    return Random(7)  # noqa: S311 - no secret depends on it


def near(random: Random, *values: int) -> int:
    """Return one of the values, often one off, or an end of the range."""
    value = random.choice(values) + random.choice((-1, 0, 0, 0, 1))
    return random.choice((0, 1, MAX_UINT256)) if random.random() < 0.1 else min(max(value, 0), MAX_UINT256)


def spoil(random: Random, data: bytes) -> bytes:
    """Return `data` a byte shorter or longer, with a bit flipped, or empty."""
    how = random.randrange(4)
    if how == 0 or not data:
        return data + b"\0"
    if how == 1:
        return data[:-1]
    if how == 2:
        at = random.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
    return b""


def transfer_data(amount: int, to: Address = ANYBODY) -> bytes:
    """Return the calldata of an ERC-20 transfer."""
    return TRANSFER + encode_address(to) + encode_uint(amount)


def single(random: Random, execution: Execution, *, timestamp: int = NOW, args: bytes = b"") -> Attempt:
    """Return an attempt to make one call, now and then in a mode that is refused."""
    batch, try_mode = random.random() < 0.03, random.random() < 0.03
    return Attempt((execution,), is_batch=batch, is_try=try_mode, timestamp=timestamp, block_number=1, args=args)
