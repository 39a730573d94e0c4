"""What may be called: contracts, functions, arguments, exact calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from caveats.abi import encode_address
from caveats.constraints.amounts import NATIVE_DECIMALS, Amount, base_units
from caveats.constraints.functions import Function, FunctionLike, encode_argument, parse_function
from caveats.enforcer import EnforcerTerms
from caveats.errors import EncodingError
from caveats.execution import Execution
from caveats.spend.value_lte import ValueLte
from caveats.targets.allowed_calldata import AllowedCalldata
from caveats.targets.allowed_methods import AllowedMethods
from caveats.targets.allowed_targets import AllowedTargets
from caveats.targets.exact_calldata import ExactCalldata
from caveats.targets.exact_execution import ExactExecution
from caveats.targets.exact_execution_batch import ExactExecutionBatch
from caveats.targets.ownership_transfer import OwnershipTransfer
from caveats.types import Address

Terms = tuple[EnforcerTerms, ...]


def call_functions(
    targets: Address | Sequence[Address],
    functions: FunctionLike | Sequence[FunctionLike],
    *,
    where: Mapping[str | int, Any] | None = None,
    call_data: bytes | None = None,
    value_at_most: Amount = 0,
    abi: Sequence[Mapping[str, Any]] | None = None,
) -> Terms:
    """Return the caveats for calling some functions of some contracts.

    Args:
        targets: contracts, one or several.
        functions: signatures, selectors or ABI entries; with `abi` also bare names.
        where: argument conditions, name or index -> the value it must have. One function only, static types only.
        call_data: the exact calldata instead of conditions.
        value_at_most: native value per call: wei, or text in ether. None by default.
        abi: the contract's ABI.

    Raises:
        EncodingError: a function or value that cannot be read, conditions over several functions, or both `where` and
            `call_data`.
        UnsupportedError: a condition on a dynamic argument, which the enforcer cannot hold.
    """
    listed = (targets,) if isinstance(targets, bytes) else tuple(targets)
    parsed = [parse_function(f, abi=abi) for f in _each(functions)]
    terms: list[EnforcerTerms] = [
        AllowedTargets(targets=listed),
        AllowedMethods(selectors=tuple(f.selector for f in parsed)),
        ValueLte(max_value_wei=base_units(value_at_most, NATIVE_DECIMALS, what="value_at_most")),
    ]
    if call_data is not None:
        if where:
            raise EncodingError(
                "where and call_data were both given", hint="exact calldata leaves nothing to condition"
            )
        return (*terms, ExactCalldata(call_data=call_data))
    if where and len(parsed) != 1:
        raise EncodingError(
            f"where: expected one function, got {len(parsed)}", hint="arguments stand elsewhere in each function"
        )
    return (*terms, *(argument(parsed[0], name, value) for name, value in (where or {}).items()))


def transfer_ownership(contract: Address, new_owner: Address) -> Terms:
    """Return the caveats for handing one contract's ownership to one account, without native value.

    The TypeScript kit's scope leaves the new owner and native value free; here both are closed.
    """
    return (
        ValueLte(max_value_wei=0),
        OwnershipTransfer(target=contract),
        AllowedCalldata(data_start=4, value=encode_address(new_owner)),
    )


def argument(function: FunctionLike, name: str | int, value: Any) -> AllowedCalldata:
    """Return the caveat that fixes one static argument of a function to `value`.

    It does not fix the function: pair it with `call_functions`, which does both.

    Raises:
        EncodingError: no such argument, or a value that is not of its type.
        UnsupportedError: the argument is dynamic, or only the selector is known.
    """
    start, parameter = parse_function(function).offset_of(name)
    return AllowedCalldata(data_start=start, value=encode_argument(parameter, _plain(value)))


def call_only(targets: Sequence[Address]) -> Terms:
    """Return the caveat for calling only these contracts. Any function of theirs, with any value."""
    return (AllowedTargets(targets=tuple(targets)),)


def exact_call(execution: Execution) -> Terms:
    """Return the caveat for exactly this call: target, value and calldata. Repeatable: add `single_use`."""
    return (ExactExecution(execution=execution),)


def exact_batch(executions: Sequence[Execution]) -> Terms:
    """Return the caveat for exactly this batch, in this order. Repeatable: add `single_use`."""
    return (ExactExecutionBatch(executions=tuple(executions)),)


def exact_call_data(call_data: bytes) -> Terms:
    """Return the caveat for exactly this calldata. Target and value stay free: pair it with `call_only`."""
    return (ExactCalldata(call_data=call_data),)


def _each(functions: FunctionLike | Sequence[FunctionLike]) -> Sequence[FunctionLike]:
    if isinstance(functions, Function | str | bytes | Mapping):
        return [functions]
    return functions


def _plain(value: Any) -> Any:
    """Return the value as eth-abi wants it: our byte types as plain bytes."""
    if isinstance(value, Address):
        return str(value)
    if isinstance(value, bytes):
        return bytes(value)
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value
