"""The terms of each caveat kind: our class against the kit's builder and decoder of the same kind, and against the
encoder and decoder of the core package under it.

A new kind takes one row in KINDS, and a drawer in draws.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from caveats import (
    Address,
    AllowedCalldata,
    AllowedMethods,
    AllowedTargets,
    ApprovalRevocation,
    ArgsEqualityCheck,
    BlockNumber,
    Caveat,
    Deployed,
    EnforcerTerms,
    ERC20BalanceChange,
    ERC20PeriodTransfer,
    ERC20Streaming,
    ERC20TransferAmount,
    ERC721BalanceChange,
    ERC721Transfer,
    ERC1155BalanceChange,
    ExactCalldata,
    ExactCalldataBatch,
    ExactExecution,
    ExactExecutionBatch,
    Id,
    LimitedCalls,
    MultiTokenPeriod,
    NativeBalanceChange,
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
    ValueLte,
    decode_caveat,
)
from caveats.abi import encode_uint
from caveats.types import format_hex, parse_hex
from tests.conformance.draws import draw_strict, draw_wide
from tests.conformance.families.executions import ask_execution
from tests.conformance.family import Answer, Family, Pair
from tests.conformance.node import bigint
from tests.conformance.source import Source

STRICT_CASES = 44
"""Cases of each kind that both builders take."""
WIDE_CASES = 24
"""Cases of each kind that the kit's builder takes and ours need not: all their numbers are edges."""

CHANGE_TYPE_INCREASE, CHANGE_TYPE_DECREASE = 0, 1
Configure = Callable[[Any], dict[str, Any]]


class Kind(NamedTuple):
    """One caveat kind in both toolkits.

    Attributes:
        name: the kit's caveat type.
        core: what stands between "create" or "decode" and "Terms" in the core package's names.
        configure: the configuration for an instance, in the words of both packages.
        enforcer: the address the kit gives; that of our class when None.
    """

    name: str
    core: str
    configure: Configure
    enforcer: Address | None = None


def _periods(terms: Any, amount: str = "period_amount") -> dict[str, Any]:
    return {
        "periodAmount": bigint(getattr(terms, amount)),
        "periodDuration": terms.period_seconds,
        "startDate": terms.start_at,
    }


def _stream(terms: Any, suffix: str = "") -> dict[str, Any]:
    return {
        "initialAmount": bigint(getattr(terms, f"initial_amount{suffix}")),
        "maxAmount": bigint(getattr(terms, f"max_amount{suffix}")),
        "amountPerSecond": bigint(getattr(terms, f"amount_per_second{suffix}")),
        "startTime": terms.start_at,
    }


def _token(terms: Any) -> dict[str, Any]:
    return {"tokenAddress": str(terms.token)}


def _change(terms: Any) -> dict[str, Any]:
    kind = CHANGE_TYPE_DECREASE if terms.enforce_decrease else CHANGE_TYPE_INCREASE
    return {"recipient": str(terms.recipient), "changeType": kind}


def _executions(terms: Any) -> dict[str, Any]:
    return {"executions": [ask_execution(execution) for execution in terms.executions]}


def _multi_token_period(terms: MultiTokenPeriod) -> dict[str, Any]:
    return {"tokenConfigs": [{"token": str(record.token), **_periods(record)} for record in terms.records]}


def _approval_revocation(terms: ApprovalRevocation) -> dict[str, Any]:
    return {
        "erc20Approve": terms.erc20_approve,
        "erc721Approve": terms.erc721_approve,
        "erc721SetApprovalForAll": terms.set_approval_for_all,
        "permit2Approve": terms.permit2_approve,
        "permit2Lockdown": terms.permit2_lockdown,
        "permit2InvalidateNonces": terms.permit2_invalidate_nonces,
    }


def _specific_action(terms: Any, call_data: bytes) -> dict[str, Any]:
    return {
        **_token(terms),
        "recipient": str(terms.recipient),
        "amount": bigint(terms.amount),
        "target": str(terms.first_target),
        "calldata": format_hex(call_data),
    }


def _specific_action_now(terms: SpecificActionERC20TransferBatch) -> dict[str, Any]:
    # the kit knows no first value; the bytes come out right when its word stands before the calldata
    return _specific_action(terms, encode_uint(terms.first_value_wei) + terms.first_call_data)


def _deployed(terms: Deployed) -> dict[str, Any]:
    return {
        "contractAddress": str(terms.expected_address),
        "salt": str(terms.salt),
        "bytecode": format_hex(terms.init_code),
    }


KINDS: Mapping[type[EnforcerTerms], Kind] = {
    NativeTokenTransferAmount: Kind(
        "nativeTokenTransferAmount", "NativeTokenTransferAmount", lambda t: {"maxAmount": bigint(t.max_amount_wei)}
    ),
    ERC20TransferAmount: Kind(
        "erc20TransferAmount", "ERC20TransferAmount", lambda t: {**_token(t), "maxAmount": bigint(t.max_amount)}
    ),
    ERC20PeriodTransfer: Kind(
        "erc20PeriodTransfer", "ERC20TokenPeriodTransfer", lambda t: {**_token(t), **_periods(t)}
    ),
    NativeTokenPeriodTransfer: Kind(
        "nativeTokenPeriodTransfer", "NativeTokenPeriodTransfer", lambda t: _periods(t, "period_amount_wei")
    ),
    ERC20Streaming: Kind("erc20Streaming", "ERC20Streaming", lambda t: {**_token(t), **_stream(t)}),
    NativeTokenStreaming: Kind("nativeTokenStreaming", "NativeTokenStreaming", lambda t: _stream(t, "_wei")),
    MultiTokenPeriod: Kind("multiTokenPeriod", "MultiTokenPeriod", _multi_token_period),
    NativeTokenPayment: Kind(
        "nativeTokenPayment",
        "NativeTokenPayment",
        lambda t: {"recipient": str(t.recipient), "amount": bigint(t.amount_wei)},
    ),
    ValueLte: Kind("valueLte", "ValueLte", lambda t: {"maxValue": bigint(t.max_value_wei)}),
    ERC721Transfer: Kind("erc721Transfer", "ERC721Transfer", lambda t: {**_token(t), "tokenId": bigint(t.token_id)}),
    AllowedTargets: Kind("allowedTargets", "AllowedTargets", lambda t: {"targets": [str(x) for x in t.targets]}),
    AllowedMethods: Kind("allowedMethods", "AllowedMethods", lambda t: {"selectors": [str(x) for x in t.selectors]}),
    AllowedCalldata: Kind(
        "allowedCalldata", "AllowedCalldata", lambda t: {"startIndex": t.data_start, "value": format_hex(t.value)}
    ),
    ExactCalldata: Kind("exactCalldata", "ExactCalldata", lambda t: {"calldata": format_hex(t.call_data)}),
    ExactCalldataBatch: Kind("exactCalldataBatch", "ExactCalldataBatch", _executions),
    ExactExecution: Kind("exactExecution", "ExactExecution", lambda t: {"execution": ask_execution(t.execution)}),
    ExactExecutionBatch: Kind("exactExecutionBatch", "ExactExecutionBatch", _executions),
    SpecificActionERC20TransferBatch: Kind(
        "specificActionERC20TransferBatch", "SpecificActionERC20TransferBatch", _specific_action_now
    ),
    SpecificActionERC20TransferBatchV1: Kind(
        "specificActionERC20TransferBatch",
        "SpecificActionERC20TransferBatch",
        lambda t: _specific_action(t, t.first_call_data),
        enforcer=SpecificActionERC20TransferBatch.ADDRESS,
    ),
    OwnershipTransfer: Kind("ownershipTransfer", "OwnershipTransfer", lambda t: {"contractAddress": str(t.target)}),
    ApprovalRevocation: Kind("approvalRevocation", "ApprovalRevocation", _approval_revocation),
    Deployed: Kind("deployed", "Deployed", _deployed),
    Timestamp: Kind("timestamp", "Timestamp", lambda t: {"afterThreshold": t.after_at, "beforeThreshold": t.before_at}),
    BlockNumber: Kind(
        "blockNumber",
        "BlockNumber",
        lambda t: {"afterThreshold": bigint(t.after_block), "beforeThreshold": bigint(t.before_block)},
    ),
    LimitedCalls: Kind("limitedCalls", "LimitedCalls", lambda t: {"limit": t.limit}),
    Nonce: Kind("nonce", "Nonce", lambda t: {"nonce": format_hex(encode_uint(t.nonce))}),
    Id: Kind("id", "Id", lambda t: {"id": bigint(t.id)}),
    Redeemer: Kind("redeemer", "Redeemer", lambda t: {"redeemers": [str(x) for x in t.redeemers]}),
    NativeBalanceChange: Kind(
        "nativeBalanceChange", "NativeBalanceChange", lambda t: {**_change(t), "balance": bigint(t.amount_wei)}
    ),
    ERC20BalanceChange: Kind(
        "erc20BalanceChange",
        "ERC20BalanceChange",
        lambda t: {**_token(t), **_change(t), "balance": bigint(t.amount)},
    ),
    ERC721BalanceChange: Kind(
        "erc721BalanceChange",
        "ERC721BalanceChange",
        lambda t: {**_token(t), **_change(t), "amount": bigint(t.amount)},
    ),
    ERC1155BalanceChange: Kind(
        "erc1155BalanceChange",
        "ERC1155BalanceChange",
        lambda t: {**_token(t), **_change(t), "tokenId": bigint(t.token_id), "balance": bigint(t.amount)},
    ),
    ArgsEqualityCheck: Kind("argsEqualityCheck", "ArgsEqualityCheck", lambda t: {"args": format_hex(t.expected_args)}),
}
"""Every caveat type of the kit; one of them is two classes here."""


@dataclass(frozen=True)
class Drawn:
    """One case; `strict` when our builder took it."""

    terms: EnforcerTerms
    strict: bool


def ask_builder(terms: EnforcerTerms) -> dict[str, Any]:
    """Return `terms` as the kit's builders are asked for them."""
    kind = KINDS[type(terms)]
    return {"type": kind.name, "config": kind.configure(terms)}


def _ask(drawn: Drawn) -> dict[str, Any]:
    kind = KINDS[type(drawn.terms)]
    caveat = drawn.terms.to_caveat(enforcer=kind.enforcer).to_wire()
    return {**ask_builder(drawn.terms), "core": kind.core, "caveat": caveat}


def _compare(drawn: Drawn, answer: Answer) -> Iterator[Pair]:
    terms = drawn.terms
    kind, ours, theirs = KINDS[type(terms)], terms.encode_terms(), Caveat.from_wire(answer["caveat"])
    yield Pair("terms", ours, theirs.terms)
    yield Pair("terms as the kit writes them", ours, parse_hex(answer["caveat"]["terms"]))
    yield Pair("enforcer", kind.enforcer or terms.ADDRESS, theirs.enforcer)
    yield Pair("our reading of the kit's terms", type(terms).decode_terms(theirs.terms), terms)
    if kind.enforcer is None:
        yield Pair("our reading of the kit's caveat", decode_caveat(theirs).terms, terms)
    asked = {"type": kind.name, **kind.configure(terms)}
    yield Pair("the kit's reading of our caveat", fold(asked), fold(answer["read"]))
    yield Pair("terms of the core package", ours, parse_hex(answer["coreHex"]))
    yield Pair("terms of the core package as bytes", ours, parse_hex(answer["coreBytes"]))
    yield Pair("the core package's reading of our terms", fold(kind.configure(terms)), fold(answer["coreRead"]))


def fold(value: Any) -> Any:
    """Return `value` with all hex in lower case: the kit reads addresses back without their checksum."""
    if isinstance(value, dict):
        return {key: fold(item) for key, item in value.items()}
    if isinstance(value, list):
        return [fold(item) for item in value]
    return value.lower() if isinstance(value, str) and value.startswith("0x") else value


def _draw(cls: type[EnforcerTerms]) -> Callable[[Source], Iterator[Drawn]]:
    def generate(source: Source) -> Iterator[Drawn]:
        if not cls.RETIRED:  # nobody builds terms of a retired contract
            yield from (Drawn(draw_strict(cls, source), strict=True) for _ in range(STRICT_CASES))
        edges = Source(f"{cls.__name__} at its edges", dealing=True)
        yield from (Drawn(draw_wide(cls, source), strict=False) for _ in range(STRICT_CASES if cls.RETIRED else 0))
        yield from (Drawn(draw_wide(cls, edges), strict=False) for _ in range(WIDE_CASES))

    return generate


def _family(cls: type[EnforcerTerms]) -> Family[Drawn]:
    name = KINDS[cls].name
    return Family(f"terms/{name}{' (retired)' if cls.RETIRED else ''}", "terms", _draw(cls), _ask, _compare)


FAMILIES: tuple[Family[Drawn], ...] = tuple(_family(cls) for cls in KINDS)
