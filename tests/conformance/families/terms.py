"""The terms of each caveat kind: our class against the kit's builder and decoder of the same kind.

A new kind takes one row in KINDS: the kit's name, how to draw one, and its configuration in the kit's words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from caveats import (
    AllowedMethods,
    AllowedTargets,
    Caveat,
    EnforcerTerms,
    ERC20TransferAmount,
    LimitedCalls,
    NativeTokenTransferAmount,
    Timestamp,
    decode_caveat,
)
from caveats.types import parse_hex
from tests.conformance.family import Answer, Family, Pair
from tests.conformance.node import bigint
from tests.conformance.source import Source

CASES_PER_KIND = 50


@dataclass(frozen=True)
class Kind:
    """One caveat kind in both toolkits.

    Attributes:
        name: the kit's caveat type.
        draw: a random instance of our class, among the values the kit's builder takes too.
        configure: the kit's configuration for an instance.
    """

    name: str
    draw: Callable[[Source], EnforcerTerms]
    configure: Callable[[Any], dict[str, Any]]


def _native_token_transfer_amount(terms: NativeTokenTransferAmount) -> dict[str, Any]:
    return {"maxAmount": bigint(terms.max_amount_wei)}


def _erc20_transfer_amount(terms: ERC20TransferAmount) -> dict[str, Any]:
    return {"tokenAddress": str(terms.token), "maxAmount": bigint(terms.max_amount)}


def _allowed_targets(terms: AllowedTargets) -> dict[str, Any]:
    return {"targets": [str(target) for target in terms.targets]}


def _allowed_methods(terms: AllowedMethods) -> dict[str, Any]:
    return {"selectors": [str(selector) for selector in terms.selectors]}


def _timestamp(terms: Timestamp) -> dict[str, Any]:
    return {"afterThreshold": terms.after_at, "beforeThreshold": terms.before_at}


def _limited_calls(terms: LimitedCalls) -> dict[str, Any]:
    return {"limit": terms.limit}


KINDS: Mapping[type[EnforcerTerms], Kind] = {
    NativeTokenTransferAmount: Kind(
        "nativeTokenTransferAmount", Source.native_token_transfer_amount, _native_token_transfer_amount
    ),
    ERC20TransferAmount: Kind("erc20TransferAmount", Source.erc20_transfer_amount, _erc20_transfer_amount),
    AllowedTargets: Kind("allowedTargets", Source.allowed_targets, _allowed_targets),
    AllowedMethods: Kind("allowedMethods", Source.allowed_methods, _allowed_methods),
    Timestamp: Kind("timestamp", Source.timestamp, _timestamp),
    LimitedCalls: Kind("limitedCalls", Source.limited_calls, _limited_calls),
}


def ask_builder(terms: EnforcerTerms) -> dict[str, Any]:
    """Return `terms` as the kit's builders are asked for them."""
    kind = KINDS[type(terms)]
    return {"type": kind.name, "config": kind.configure(terms)}


def _ask(terms: EnforcerTerms) -> dict[str, Any]:
    return {**ask_builder(terms), "caveat": terms.to_caveat().to_wire()}


def _compare(terms: EnforcerTerms, answer: Answer) -> Iterator[Pair]:
    theirs = Caveat.from_wire(answer["caveat"])
    yield Pair("terms", terms.encode_terms(), theirs.terms)
    yield Pair("terms as the kit writes them", terms.encode_terms(), parse_hex(answer["caveat"]["terms"]))
    yield Pair("enforcer", terms.ADDRESS, theirs.enforcer)
    yield Pair("our reading of the kit's caveat", terms, decode_caveat(theirs).terms)
    asked = ask_builder(terms)
    yield Pair(
        "the kit's reading of our caveat", _folded({"type": asked["type"], **asked["config"]}), _folded(answer["read"])
    )


def _folded(value: Any) -> Any:
    """Return `value` with all hex in lower case: the kit reads addresses back without their checksum."""
    if isinstance(value, dict):
        return {key: _folded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_folded(item) for item in value]
    return value.lower() if isinstance(value, str) and value.startswith("0x") else value


def _draw(kind: Kind) -> Callable[[Source], Iterator[EnforcerTerms]]:
    return lambda source: (kind.draw(source) for _ in range(CASES_PER_KIND))


FAMILIES: tuple[Family[EnforcerTerms], ...] = tuple(
    Family(f"terms/{kind.name}", "terms", _draw(kind), _ask, _compare) for kind in KINDS.values()
)
