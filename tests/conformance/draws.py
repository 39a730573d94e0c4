"""Random terms of every enforcer class, over all that the kit's builders take: often more than ours take.

A drawer returns the values of the fields. `draw_strict` draws until our builder takes them too; `draw_wide` takes the
first ones, as a decoder would hand them out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from caveats import (
    AllowedCalldata,
    AllowedMethods,
    AllowedTargets,
    ApprovalRevocation,
    ArgsEqualityCheck,
    BlockNumber,
    Bytes4,
    Bytes32,
    Caveat,
    Deployed,
    EncodingError,
    EnforcerTerms,
    ERC20BalanceChange,
    ERC20MultiOperationIncreaseBalance,
    ERC20PeriodTransfer,
    ERC20Streaming,
    ERC20TransferAmount,
    ERC721BalanceChange,
    ERC721MultiOperationIncreaseBalance,
    ERC721Transfer,
    ERC1155BalanceChange,
    ERC1155MultiOperationIncreaseBalance,
    ExactCalldata,
    ExactCalldataBatch,
    ExactExecution,
    ExactExecutionBatch,
    Id,
    LimitedCalls,
    LogicalOrWrapper,
    MultiTokenPeriod,
    NativeBalanceChange,
    NativeTokenMultiOperationIncreaseBalance,
    NativeTokenPayment,
    NativeTokenPeriodTransfer,
    NativeTokenStreaming,
    NativeTokenTransferAmount,
    Nonce,
    OwnershipTransfer,
    Redeemer,
    SpecificActionERC20TransferBatch,
    SpecificActionERC20TransferBatchV1,
    Timestamp,
    TokenPeriod,
    ValueLte,
)

if TYPE_CHECKING:
    from tests.conformance.source import Source

SAFE_INTEGER = 2**53 - 1
"""The largest number JavaScript counts to; the kit takes times, durations and counts as such."""
LATEST_SECOND = 253_402_300_799
"""The last second the kit takes for a time that it checks."""

_MAX_UINT128 = 2**128 - 1
_PATIENCE = 10_000

Values = dict[str, Any]
Drawer = Callable[["Source"], Values]


def draw_strict(cls: type[EnforcerTerms], source: Source) -> EnforcerTerms:
    """Return terms that the kit's builder and ours both take."""
    for _ in range(_PATIENCE):
        try:
            return cls(**DRAWERS[cls](source))
        except EncodingError:
            continue  # the kit is looser: draw again
    raise AssertionError(f"{cls.__name__}: nothing both builders take in {_PATIENCE} draws")


def draw_wide(cls: type[EnforcerTerms], source: Source) -> EnforcerTerms:
    """Return terms that the kit's builder takes, whatever ours thinks of them."""
    return cls.unchecked(**DRAWERS[cls](source))


def _period(source: Source, amount: str) -> Values:
    often = source.random.choice((1, 3600, 86_400, 2_592_000, 31_536_000))
    return {
        amount: source.uint(least=1),
        "period_seconds": often if source.one_in(2) else source.uint(SAFE_INTEGER, least=1),
        "start_at": source.uint(LATEST_SECOND if source.one_in(2) else SAFE_INTEGER, least=1),
    }


def _stream(source: Source, suffix: str = "") -> Values:
    initial, maximum = sorted((source.uint(), source.uint(least=1)))
    return {
        f"initial_amount{suffix}": initial,
        f"max_amount{suffix}": maximum,
        f"amount_per_second{suffix}": source.uint(2**200 if source.one_in(2) else 2**256 - 1, least=1),
        "start_at": source.uint(LATEST_SECOND, least=1),
    }


def _balance(source: Source, amount: str = "amount", *names: str) -> Values:
    addresses = {name: source.any_address() for name in ("recipient", *names)}
    return {"enforce_decrease": source.one_in(2), **addresses, amount: source.uint(least=1)}


def _addresses(source: Source) -> tuple[Any, ...]:
    return tuple(source.any_address() for _ in range(source.random.randint(1, 6)))


def _executions(source: Source) -> tuple[Any, ...]:
    return tuple(source.execution() for _ in range(source.random.randint(1, 4)))


def _timestamp(source: Source) -> Values:
    after = source.uint(LATEST_SECOND - 2) if source.one_in(2) else 0
    if after and source.one_in(2):
        return {"after_at": after}
    return {"after_at": after, "before_at": source.uint(LATEST_SECOND, least=after + 1)}


def _block_number(source: Source) -> Values:
    top = 10**12 if not source.dealing and source.one_in(2) else _MAX_UINT128
    after = source.uint(top - 2)
    if after and source.one_in(3):
        return {"after_block": after}
    return {"after_block": after, "before_block": source.uint(top, least=after + 1)}


def _deployed(source: Source) -> Values:
    salt, code = Bytes32(source.random.randbytes(32)), source.some_bytes()
    at = source.any_address() if source.one_in(3) else Deployed.compute_address(salt, code)
    return {"expected_address": at, "salt": salt, "init_code": code}


def _specific_action(source: Source) -> Values:
    addresses = {name: source.any_address() for name in ("token", "recipient", "first_target")}
    return {**addresses, "amount": source.uint(least=1), "first_call_data": source.bytes()}


def _approval_revocation(source: Source) -> Values:
    names = list(ApprovalRevocation.model_fields)
    return dict.fromkeys(source.random.sample(names, source.random.randint(1, len(names))), True)


def _multi_token_period(source: Source) -> Values:
    records = [
        TokenPeriod(token=source.any_address(), **_period(source, "period_amount"))
        for _ in range(source.random.randint(1, 4))
    ]
    return {"records": tuple(records)}


def _group(source: Source) -> tuple[Caveat, ...]:
    caveats = []
    for _ in range(source.random.randint(1, 3)):
        terms = draw_strict(source.random.choice(IN_THE_KIT), source)
        caveats.append(terms.to_caveat(args=source.bytes(40) if source.one_in(3) else b""))
    return (*caveats, source.raw_caveat()) if source.one_in(4) else tuple(caveats)


def _logical_or_wrapper(source: Source) -> Values:
    return {"groups": tuple(_group(source) for _ in range(source.random.randint(1, 3)))}


DRAWERS: Mapping[type[EnforcerTerms], Drawer] = {
    NativeTokenTransferAmount: lambda s: {"max_amount_wei": s.uint()},
    ERC20TransferAmount: lambda s: {"token": s.any_address(), "max_amount": s.uint(least=1)},
    ERC20PeriodTransfer: lambda s: {"token": s.any_address(), **_period(s, "period_amount")},
    NativeTokenPeriodTransfer: lambda s: _period(s, "period_amount_wei"),
    ERC20Streaming: lambda s: {"token": s.any_address(), **_stream(s)},
    NativeTokenStreaming: lambda s: _stream(s, "_wei"),
    MultiTokenPeriod: _multi_token_period,
    NativeTokenPayment: lambda s: {"recipient": s.any_address(), "amount_wei": s.uint(least=1)},
    ValueLte: lambda s: {"max_value_wei": s.uint()},
    ERC721Transfer: lambda s: {"token": s.any_address(), "token_id": s.uint()},
    AllowedTargets: lambda s: {"targets": _addresses(s)},
    AllowedMethods: lambda s: {
        "selectors": tuple(Bytes4(s.random.randbytes(4)) for _ in range(s.random.randint(1, 8)))
    },
    AllowedCalldata: lambda s: {
        "data_start": s.uint(2**32 if s.one_in(2) else SAFE_INTEGER),
        "value": s.some_bytes(),
    },
    ExactCalldata: lambda s: {"call_data": s.bytes()},
    ExactCalldataBatch: lambda s: {"executions": _executions(s)},
    ExactExecution: lambda s: {"execution": s.execution()},
    ExactExecutionBatch: lambda s: {"executions": _executions(s)},
    SpecificActionERC20TransferBatch: lambda s: {**_specific_action(s), "first_value_wei": s.uint()},
    SpecificActionERC20TransferBatchV1: _specific_action,
    OwnershipTransfer: lambda s: {"target": s.any_address()},
    ApprovalRevocation: _approval_revocation,
    Deployed: _deployed,
    Timestamp: _timestamp,
    BlockNumber: _block_number,
    LimitedCalls: lambda s: {"limit": s.uint(SAFE_INTEGER, least=1)},
    Nonce: lambda s: {"nonce": s.uint()},
    Id: lambda s: {"id": s.uint()},
    Redeemer: lambda s: {"redeemers": _addresses(s)},
    NativeBalanceChange: lambda s: _balance(s, "amount_wei"),
    ERC20BalanceChange: lambda s: _balance(s, "amount", "token"),
    ERC721BalanceChange: lambda s: _balance(s, "amount", "token"),
    ERC1155BalanceChange: lambda s: {**_balance(s, "amount", "token"), "token_id": s.uint()},
    ArgsEqualityCheck: lambda s: {"expected_args": s.bytes()},
    LogicalOrWrapper: _logical_or_wrapper,
    NativeTokenMultiOperationIncreaseBalance: lambda s: {"recipient": s.address(), "amount_wei": s.uint(least=1)},
    ERC20MultiOperationIncreaseBalance: lambda s: {
        "token": s.address(),
        "recipient": s.address(),
        "amount": s.uint(least=1),
    },
    ERC721MultiOperationIncreaseBalance: lambda s: {
        "token": s.address(),
        "recipient": s.address(),
        "amount": s.uint(least=1),
    },
    ERC1155MultiOperationIncreaseBalance: lambda s: {
        "token": s.address(),
        "recipient": s.address(),
        "token_id": s.uint(),
        "amount": s.uint(least=1),
    },
}
"""How each class is drawn."""

NOT_IN_THE_KIT: tuple[type[EnforcerTerms], ...] = (
    LogicalOrWrapper,
    NativeTokenMultiOperationIncreaseBalance,
    ERC20MultiOperationIncreaseBalance,
    ERC721MultiOperationIncreaseBalance,
    ERC1155MultiOperationIncreaseBalance,
)
"""Enforcers without a builder in the kit; of these the core package has an encoder for LogicalOrWrapper alone."""
IN_THE_KIT: tuple[type[EnforcerTerms], ...] = tuple(
    cls for cls in DRAWERS if not cls.RETIRED and cls not in NOT_IN_THE_KIT
)
"""Classes that stand for what one builder of the kit makes."""
