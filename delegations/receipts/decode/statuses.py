"""From the ends of executions to the end of a redemption."""

from __future__ import annotations

from collections.abc import Sequence

from caveats.abi import Reader
from caveats.errors import EncodingError, UnsupportedError
from delegations.execution import ExecutionMode, decode_executions, parse_mode
from delegations.receipts.decode.calls import Entry
from delegations.receipts.decode.model import Status
from delegations.redemption import Redemption
from delegations.simulation.verdict import Denial, ExecutionResult


def attempted(entry: Entry) -> Redemption:
    """Return what was asked, also where no account could read the mode or the executions: then it has none."""
    mode = ExecutionMode.SINGLE_DEFAULT
    executions = ()
    try:
        mode = parse_mode(entry.mode)
        executions = decode_executions(mode, entry.blob)  # type: ignore[assignment]  # the empty tuple's own type
    except (EncodingError, UnsupportedError):
        executions = ()
    # not validated: what is malformed was sent all the same, and is to be told about
    return Redemption.model_construct(
        context=tuple(link.model for link in entry.chain), mode=mode, executions=executions
    )


def execution_count(entry: Entry) -> int:
    """Return how many executions an entry asks for, in a mode that an account has executed."""
    if entry.mode[0] != 1:
        return 1
    reader = Reader(entry.blob, "executions")
    return reader.array(reader.pointer(0, 0))[0]


def status_of_results(results: Sequence[ExecutionResult]) -> Status:
    """Return the status of a redemption whose call stands."""
    if all(result.success for result in results):
        return "executed"
    return "partially_executed" if any(result.success for result in results) else "failed"


def swallowed(results: Sequence[ExecutionResult]) -> Denial | None:
    """Return why nothing was executed although the call stands: the first failure a try mode swallowed."""
    first = next((result for result in results if not result.success), None)
    if first is None:
        return None
    return Denial(
        stage="execution",
        context=first.context,
        execution=first.index,
        reason="",
        explanation=f"The redemption went through but its execution did not: {first.reason}",
    )
