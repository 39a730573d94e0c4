"""The kit's scopes: our constraints give the same caveats in the same order, enforcer and terms.

A scope with calldata of its own stands once for each way to say it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from caveats import (
    Address,
    AllowedCalldata,
    Caveat,
    EnforcerTerms,
    ERC20PeriodTransfer,
    ERC20Streaming,
    ERC20TransferAmount,
    ERC721Transfer,
    NativeTokenPeriodTransfer,
    NativeTokenStreaming,
    NativeTokenTransferAmount,
    OwnershipTransfer,
)
from caveats.constraints import NATIVE, call_functions, spend_per_period, spend_stream, spend_total, transfer_nft
from caveats.types import format_hex
from tests.conformance.draws import draw_strict
from tests.conformance.families.terms import ask_builder
from tests.conformance.family import Answer, Family, Pair
from tests.conformance.node import bigint
from tests.conformance.signatures import ask_value, draw_signature, draw_value
from tests.conformance.source import Source

CASES = 40

NATIVE_SCOPES: dict[str, type[EnforcerTerms]] = {
    "nativeTokenTransferAmount": NativeTokenTransferAmount,
    "nativeTokenPeriodTransfer": NativeTokenPeriodTransfer,
    "nativeTokenStreaming": NativeTokenStreaming,
}
ERC20_SCOPES: dict[str, type[EnforcerTerms]] = {
    "erc20TransferAmount": ERC20TransferAmount,
    "erc20PeriodTransfer": ERC20PeriodTransfer,
    "erc20Streaming": ERC20Streaming,
}


@dataclass(frozen=True)
class Scope:
    """A scope as the kit is asked for it, and our caveats for it.

    `windows` are arguments that the kit's side of the comparison places and encodes by itself.
    """

    config: dict[str, Any]
    ours: tuple[EnforcerTerms, ...]
    windows: list[dict[str, Any]] = field(default_factory=list)


def spend(terms: Any, call_data: Any = b"", **options: Any) -> tuple[EnforcerTerms, ...]:
    """Return what our constraint of the same meaning gives for a kind of spend."""
    token: Address = getattr(terms, "token", NATIVE)
    rule = {"call_data": call_data} if token == NATIVE else {}
    match terms:
        case NativeTokenTransferAmount():
            return spend_total(token, terms.max_amount_wei, **rule, **options)
        case ERC20TransferAmount():
            return spend_total(token, terms.max_amount, **options)
        case NativeTokenPeriodTransfer():
            amount, span, start = terms.period_amount_wei, terms.period_seconds, terms.start_at
            return spend_per_period(token, amount, span, start_at=start, **rule, **options)
        case ERC20PeriodTransfer():
            amount, span, start = terms.period_amount, terms.period_seconds, terms.start_at
            return spend_per_period(token, amount, span, start_at=start, **options)
        case NativeTokenStreaming():
            rate, initial, most = terms.amount_per_second_wei, terms.initial_amount_wei, terms.max_amount_wei
        case _:
            rate, initial, most = terms.amount_per_second, terms.initial_amount, terms.max_amount
    return spend_stream(token, rate, start_at=terms.start_at, initial=initial, at_most=most, **rule, **options)


def _scope_of(terms: EnforcerTerms) -> dict[str, Any]:
    asked = ask_builder(terms)
    return {"type": asked["type"], **asked["config"]}


def _erc20(cls: type[EnforcerTerms]) -> Callable[[Source], Iterator[Scope]]:
    def generate(source: Source) -> Iterator[Scope]:
        for _ in range(CASES):
            terms = draw_strict(cls, source)
            yield Scope(_scope_of(terms), spend(terms))

    return generate


def _native(cls: type[EnforcerTerms], calldata: str) -> Callable[[Source], Iterator[Scope]]:
    def generate(source: Source) -> Iterator[Scope]:
        for _ in range(CASES):
            terms = draw_strict(cls, source)
            config, rule = _draw_calldata(source, calldata)
            yield Scope({**_scope_of(terms), **config}, spend(terms, rule))

    return generate


def _draw_calldata(source: Source, calldata: str) -> tuple[dict[str, Any], Any]:
    if calldata == "exact":
        data = source.bytes()
        return {"exactCalldata": {"calldata": format_hex(data)}}, data
    if calldata == "allowed":
        windows = tuple(draw_strict(AllowedCalldata, source) for _ in range(source.random.randint(1, 3)))
        return {"allowedCalldata": [ask_builder(window)["config"] for window in windows]}, windows
    return {}, b""


def _nft(source: Source) -> Iterator[Scope]:
    for _ in range(CASES):
        terms = draw_strict(ERC721Transfer, source)
        assert isinstance(terms, ERC721Transfer)
        # ours puts a guard in front, which the kit's scope lacks: see test_differences_in_scopes.py
        _guard, *rest = transfer_nft(terms.token, terms.token_id)
        yield Scope(_scope_of(terms), tuple(rest))


def _ownership(source: Source) -> Iterator[Scope]:
    for _ in range(CASES):
        terms = draw_strict(OwnershipTransfer, source)
        yield Scope(_scope_of(terms), (terms,))


def _functions(calldata: str) -> Callable[[Source], Iterator[Scope]]:
    def generate(source: Source) -> Iterator[Scope]:
        for _ in range(CASES):
            targets = [source.address() for _ in range(source.random.randint(1, 4))]
            listed = [draw_signature(source) for _ in range(source.random.randint(1, 4))]
            forms = [source.random.choice((s.canonical, s.named, s.selector, s.entry)) for s in listed]
            again = [source.random.choice((s.canonical, s.short, s.selector, s.entry)) for s in listed]
            config: dict[str, Any] = {
                "type": "functionCall",
                "targets": [str(target) for target in targets],
                "selectors": forms,
            }
            options: dict[str, Any] = {}
            if calldata == "exact":
                options["call_data"] = source.bytes()
                config["exactCalldata"] = {"calldata": format_hex(options["call_data"])}
            if source.one_in(2):
                options["value_at_most"] = source.uint()
                config["valueLte"] = {"maxValue": bigint(options["value_at_most"])}
            yield Scope(config, call_functions(targets, again, **options))

    return generate


def _function_with_arguments(source: Source) -> Iterator[Scope]:
    for _ in range(CASES):
        target, function = source.address(), draw_signature(source, static=True)
        values = [draw_value(source, parameter) for parameter in function.inputs]
        fixed = source.random.sample(range(len(values)), source.random.randint(1, len(values)))
        where = {source.random.choice((index, function.inputs[index]["name"])): values[index] for index in fixed}
        windows = [
            {"inputs": list(function.inputs), "values": [ask_value(value) for value in values], "index": index}
            for index in fixed
        ]
        config = {"type": "functionCall", "targets": [str(target)], "selectors": [function.canonical]}
        yield Scope(config, call_functions(target, function.short, where=where), windows)


def _ask(scope: Scope) -> dict[str, Any]:
    return {"scope": scope.config, "windows": scope.windows}


def compare_caveats(ours: tuple[EnforcerTerms, ...], answer: Answer) -> Iterator[Pair]:
    """Yield the pairs for a list of caveats: how many, and each one's enforcer and terms, in order."""
    theirs = [Caveat.from_wire(caveat) for caveat in answer["caveats"]]
    yield Pair("caveats in order", [type(terms).__name__ for terms in ours], [_name(caveat) for caveat in theirs])
    for terms, caveat in zip(ours, theirs, strict=True):
        yield Pair(f"enforcer of {type(terms).__name__}", terms.ADDRESS, caveat.enforcer)
        yield Pair(f"terms of {type(terms).__name__}", terms.encode_terms(), caveat.terms)


def _name(caveat: Caveat) -> str:
    from caveats import decode_caveat

    return decode_caveat(caveat).name


def _compare(scope: Scope, answer: Answer) -> Iterator[Pair]:
    yield from compare_caveats(scope.ours, answer)


def _family(name: str, generate: Callable[[Source], Iterator[Scope]]) -> Family[Scope]:
    return Family(f"scope/{name}", "scope", generate, _ask, _compare)


FAMILIES: tuple[Family[Scope], ...] = (
    *(_family(name, _erc20(cls)) for name, cls in ERC20_SCOPES.items()),
    *(
        _family(f"{name} ({calldata} calldata)", _native(cls, calldata))
        for name, cls in NATIVE_SCOPES.items()
        for calldata in ("no", "exact", "allowed")
    ),
    _family("erc721Transfer", _nft),
    _family("ownershipTransfer", _ownership),
    _family("functionCall (any calldata)", _functions("any")),
    _family("functionCall (exact calldata)", _functions("exact")),
    _family("functionCall (allowed calldata)", _function_with_arguments),
)
