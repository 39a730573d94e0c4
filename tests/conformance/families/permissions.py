"""The ERC-7715 permission types: our constraints in the wallet's order give the caveats the wallet's package compiles.

Values stay within that package's checks, which are those of the kit and a little more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from caveats import (
    ApprovalRevocation,
    EnforcerTerms,
    ERC20PeriodTransfer,
    ERC20Streaming,
    NativeTokenPeriodTransfer,
    NativeTokenStreaming,
)
from caveats.types import MAX_UINT256
from tests.conformance.draws import draw_strict
from tests.conformance.families.scopes import CASES, compare_caveats, spend
from tests.conformance.families.terms import ask_builder
from tests.conformance.family import Answer, Family, Pair
from tests.conformance.source import Source

LONGEST_PERIOD = 315_360_000
"""Ten years of seconds, the longest period the wallet's package takes."""


@dataclass(frozen=True)
class Permission:
    """A permission as the package compiles it, and our caveats for it."""

    kind: str
    data: dict[str, Any]
    ours: tuple[EnforcerTerms, ...]


def _amounts(terms: Any, **names: str) -> dict[str, Any]:
    suffix = "" if hasattr(terms, "token") else "_wei"
    data = {theirs: hex(getattr(terms, ours + suffix)) for theirs, ours in names.items()}
    token = {"tokenAddress": str(terms.token)} if hasattr(terms, "token") else {}
    return {**token, **data, "startTime": terms.start_at}


def _stream(cls: type[EnforcerTerms], kind: str) -> Callable[[Source], Iterator[Permission]]:
    def generate(source: Source) -> Iterator[Permission]:
        drawn = (draw_strict(cls, source) for _ in iter(int, 1))
        for terms in _first(t for t in drawn if _most(t) > _initial(t)):
            data = _amounts(
                terms, initialAmount="initial_amount", maxAmount="max_amount", amountPerSecond="amount_per_second"
            )
            yield Permission(kind, data, spend(terms, order="wallet"))

    return generate


def _periodic(cls: type[EnforcerTerms], kind: str) -> Callable[[Source], Iterator[Permission]]:
    def generate(source: Source) -> Iterator[Permission]:
        drawn: Iterator[Any] = (draw_strict(cls, source) for _ in iter(int, 1))
        for terms in _first(t for t in drawn if t.period_seconds <= LONGEST_PERIOD):
            data = {**_amounts(terms, periodAmount="period_amount"), "periodDuration": terms.period_seconds}
            yield Permission(kind, data, spend(terms, order="wallet"))

    return generate


def _allowance(cls: type[EnforcerTerms], kind: str) -> Callable[[Source], Iterator[Permission]]:
    def generate(source: Source) -> Iterator[Permission]:
        drawn = (draw_strict(cls, source) for _ in iter(int, 1))
        for once in _first(drawn):
            # an allowance is a period that never ends
            terms = once.model_copy(update={"period_seconds": MAX_UINT256})
            data = _amounts(terms, allowanceAmount="period_amount")
            yield Permission(kind, data, spend(terms, order="wallet"))

    return generate


def _revocation(source: Source) -> Iterator[Permission]:
    for _ in range(CASES):
        terms = draw_strict(ApprovalRevocation, source)
        yield Permission("TokenApprovalRevocation", ask_builder(terms)["config"], (terms,))


def _first(drawn: Iterator[Any]) -> Iterator[Any]:
    return (terms for _, terms in zip(range(CASES), drawn, strict=False))


def _initial(terms: Any) -> int:
    return int(getattr(terms, "initial_amount", None) or getattr(terms, "initial_amount_wei", 0))


def _most(terms: Any) -> int:
    return int(getattr(terms, "max_amount", None) or getattr(terms, "max_amount_wei", 0))


def _ask(permission: Permission) -> dict[str, Any]:
    return {"type": permission.kind, "data": permission.data}


def _compare(permission: Permission, answer: Answer) -> Iterator[Pair]:
    yield from compare_caveats(permission.ours, answer)
    yield Pair(
        "caveats as JSON, args included",
        [terms.to_caveat().to_wire() for terms in permission.ours],
        [{**caveat, "terms": caveat["terms"].lower()} for caveat in answer["caveats"]],
    )


_GENERATORS: dict[str, Callable[[Source], Iterator[Permission]]] = {
    "NativeTokenStream": _stream(NativeTokenStreaming, "NativeTokenStream"),
    "NativeTokenPeriodic": _periodic(NativeTokenPeriodTransfer, "NativeTokenPeriodic"),
    "NativeTokenAllowance": _allowance(NativeTokenPeriodTransfer, "NativeTokenAllowance"),
    "Erc20TokenStream": _stream(ERC20Streaming, "Erc20TokenStream"),
    "Erc20TokenPeriodic": _periodic(ERC20PeriodTransfer, "Erc20TokenPeriodic"),
    "Erc20TokenAllowance": _allowance(ERC20PeriodTransfer, "Erc20TokenAllowance"),
    "TokenApprovalRevocation": _revocation,
}
FAMILIES: tuple[Family[Permission], ...] = tuple(
    Family(f"permission/{kind}", "permission", generate, _ask, _compare) for kind, generate in _GENERATORS.items()
)
