"""Executions: the packed form and the batch form, for any number of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from caveats import Execution
from caveats.types import parse_hex
from delegations.execution import ExecutionMode, decode_executions, encode_executions
from tests.conformance.family import Answer, Family, Pair
from tests.conformance.node import bigint
from tests.conformance.source import Source

CASES = 150
_LONGEST_BATCH = 5

Executions = tuple[Execution, ...]


def ask_execution(execution: Execution) -> dict[str, str]:
    """Return an execution as the kit takes it."""
    return {**execution.to_wire(), "value": bigint(execution.value)}


def _generate(source: Source) -> Iterator[Executions]:
    for index in range(CASES):
        yield tuple(source.execution() for _ in range(index % (_LONGEST_BATCH + 1)))


def _ask(executions: Executions) -> dict[str, Any]:
    return {"executions": [ask_execution(execution) for execution in executions]}


def _compare(executions: Executions, answer: Answer) -> Iterator[Pair]:
    batch = parse_hex(answer["batch"])
    for mode in (ExecutionMode.BATCH_DEFAULT, ExecutionMode.BATCH_TRY):
        yield Pair(f"{mode.name} of {len(executions)}", encode_executions(mode, executions), batch)
        yield Pair(f"our reading of {mode.name}", decode_executions(mode, batch), executions)
    for execution, text in zip(executions, answer["singles"], strict=True):
        single = parse_hex(text)
        for mode in (ExecutionMode.SINGLE_DEFAULT, ExecutionMode.SINGLE_TRY):
            yield Pair(mode.name, encode_executions(mode, (execution,)), single)
            yield Pair(f"our reading of {mode.name}", decode_executions(mode, single), (execution,))


FAMILY: Family[Executions] = Family("executions", "executions", _generate, _ask, _compare)
