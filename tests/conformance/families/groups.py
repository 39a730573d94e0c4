"""LogicalOrWrapper: its groups in the terms and the redeemer's choice in the args, against the core package.

The kit itself has no builder for it and does not decode it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from caveats import Caveat, LogicalOrWrapper
from caveats.compose.logical_or_wrapper import SelectedGroup
from caveats.types import format_hex, parse_hex
from tests.conformance.draws import draw_strict, draw_wide
from tests.conformance.families.terms import STRICT_CASES, WIDE_CASES, fold
from tests.conformance.family import Answer, Family, Pair
from tests.conformance.node import bigint
from tests.conformance.source import Source

_MOST_ARGS = 4


def _generate_terms(source: Source) -> Iterator[LogicalOrWrapper]:
    for index in range(STRICT_CASES + WIDE_CASES):
        draw = draw_strict if index < STRICT_CASES else draw_wide
        drawn = draw(LogicalOrWrapper, source)
        assert isinstance(drawn, LogicalOrWrapper)
        yield drawn


def _ask_terms(terms: LogicalOrWrapper) -> dict[str, Any]:
    groups = [[caveat.to_wire() for caveat in group] for group in terms.groups]
    return {"caveatGroups": groups, "encoded": format_hex(terms.encode_terms())}


def _compare_terms(terms: LogicalOrWrapper, answer: Answer) -> Iterator[Pair]:
    theirs = parse_hex(answer["terms"])
    yield Pair("terms", terms.encode_terms(), theirs)
    yield Pair("terms as bytes", terms.encode_terms(), parse_hex(answer["bytes"]))
    yield Pair("enforcer", str(LogicalOrWrapper.ADDRESS), answer["enforcer"])
    yield Pair("our reading of the core package's terms", LogicalOrWrapper.decode_terms(theirs), terms)
    read = tuple(tuple(Caveat.from_wire(caveat) for caveat in group) for group in answer["read"]["caveatGroups"])
    yield Pair("the core package's reading of our terms", terms.groups, read)


def _generate_args(source: Source) -> Iterator[SelectedGroup]:
    for index in range(STRICT_CASES + WIDE_CASES):
        yield SelectedGroup(source.uint(), tuple(source.bytes() for _ in range(index % (_MOST_ARGS + 1))))


def _ask_args(chosen: SelectedGroup) -> dict[str, Any]:
    return {
        "groupIndex": bigint(chosen.group_index),
        "caveatArgs": [format_hex(args) for args in chosen.caveat_args],
        "encoded": format_hex(LogicalOrWrapper.encode_args(*chosen)),
    }


def _compare_args(chosen: SelectedGroup, answer: Answer) -> Iterator[Pair]:
    theirs = parse_hex(answer["args"])
    yield Pair("args", LogicalOrWrapper.encode_args(*chosen), theirs)
    yield Pair("our reading of the core package's args", LogicalOrWrapper.decode_args(theirs), chosen)
    asked = _ask_args(chosen)
    asked.pop("encoded")
    yield Pair("the core package's reading of our args", fold(asked), fold(answer["read"]))


FAMILIES: tuple[Family[Any], ...] = (
    Family("terms/logicalOrWrapper", "orTerms", _generate_terms, _ask_terms, _compare_terms),
    Family("args/logicalOrWrapper", "orArgs", _generate_args, _ask_args, _compare_args),
)
