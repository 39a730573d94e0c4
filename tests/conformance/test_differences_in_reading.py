"""What stands on chain and the kit cannot read or build, and ours reads."""

from __future__ import annotations

import pytest

from caveats import (
    AllowedCalldata,
    BlockNumber,
    Caveat,
    EnforcerTerms,
    ERC20PeriodTransfer,
    ERC20Streaming,
    ERC20TransferAmount,
    ExactExecutionBatch,
    LimitedCalls,
    MultiTokenPeriod,
    NativeBalanceChange,
    NativeTokenPayment,
    NativeTokenPeriodTransfer,
    NativeTokenStreaming,
    SpecificActionERC20TransferBatchV1,
    Timestamp,
    TokenPeriod,
    decode_caveat,
)
from caveats.abi import encode_bytes, encode_uint
from caveats.attempt import Attempt
from caveats.types import MAX_UINT256, format_hex, keccak
from tests.conformance.draws import NOT_IN_THE_KIT, draw_strict
from tests.conformance.families.terms import ask_builder
from tests.conformance.node import Kit
from tests.conformance.official import (
    BOB,
    NOW,
    PAY,
    PAY_NOTHING,
    PING,
    TARGET,
    TOKEN,
    ask_chain,
    attempt_to,
    quiet_chain,
)
from tests.conformance.source import Source

# --- decoders that give up ------------------------------------------------------------------------------------------

PERIOD = {"period_amount": 1, "period_seconds": MAX_UINT256, "start_at": NOW}
BEYOND_SAFE: dict[str, tuple[EnforcerTerms, Attempt, str | None]] = {
    "a token allowance of a wallet": (ERC20PeriodTransfer(token=TOKEN, **PERIOD), PAY, None),
    "a native allowance of a wallet": (
        NativeTokenPeriodTransfer(period_amount_wei=1, period_seconds=MAX_UINT256, start_at=NOW),
        PING,
        None,
    ),
    "an allowance among several tokens": (
        MultiTokenPeriod(records=(TokenPeriod(token=TOKEN, **PERIOD),)),
        attempt_to(*PAY.executions, args=encode_uint(0)),
        None,
    ),
    "as many calls as fit": (LimitedCalls(limit=MAX_UINT256), PING, None),
    "one call more than JavaScript counts": (LimitedCalls(limit=2**53), PING, None),
    "a deadline beyond all clocks": (Timestamp.unchecked(after_at=0, before_at=2**128 - 1), PING, None),
    "a token stream that starts beyond": (
        ERC20Streaming.unchecked(token=TOKEN, initial_amount=1, max_amount=2, amount_per_second=1, start_at=2**53),
        PAY,
        "ERC20StreamingEnforcer:allowance-exceeded",
    ),
    "a native stream that starts beyond": (
        NativeTokenStreaming.unchecked(initial_amount_wei=1, max_amount_wei=2, amount_per_second_wei=1, start_at=2**53),
        PING,
        None,
    ),
    "a window beyond": (
        AllowedCalldata.unchecked(data_start=2**53, value=b"\x01"),
        PAY,
        "AllowedCalldataEnforcer:invalid-calldata-length",
    ),
}


@pytest.mark.parametrize(("terms", "attempt", "told"), BEYOND_SAFE.values(), ids=BEYOND_SAFE)
def test_the_kit_cannot_read_a_number_beyond_2_53_which_the_bytecode_and_ours_read(
    kit: Kit, terms: EnforcerTerms, attempt: Attempt, told: str | None
) -> None:
    assert kit.read(terms.to_caveat().to_wire())["error"] == "Number is too large"
    assert ask_chain(type(terms), terms.encode_terms(), attempt) == told
    assert decode_caveat(terms.to_caveat()).terms == terms


@pytest.mark.parametrize("cls", NOT_IN_THE_KIT, ids=lambda cls: cls.__name__)
def test_the_kit_has_no_reading_of_five_enforcers_which_ours_read(kit: Kit, cls: type[EnforcerTerms]) -> None:
    terms = draw_strict(cls, Source(f"not in the kit: {cls.__name__}"))
    assert kit.read(terms.to_caveat().to_wire())["error"].startswith("Unknown enforcer address: ")
    assert decode_caveat(terms.to_caveat()).terms == terms


def test_the_kit_throws_on_an_enforcer_nobody_knows_and_ours_says_so(kit: Kit) -> None:
    caveat = Caveat(enforcer=TARGET, terms=b"\x01\x02")
    answer = kit.read(caveat.to_wire())
    assert answer["error"].startswith("Unknown enforcer address: ")
    decoded = decode_caveat(caveat)
    assert decoded.is_opaque
    assert decoded.caveat == caveat


def test_the_kit_reads_a_balance_flag_which_its_own_builder_refuses(kit: Kit) -> None:
    terms = b"\x02" + TARGET + encode_uint(1)
    read = kit.core("decodeNativeBalanceChangeTerms", format_hex(terms))["result"]
    assert read["changeType"] == 2
    assert "Invalid changeType" in kit.build("nativeBalanceChange", **read)["error"]
    # any flag but 0 means a fall: with nothing held, a bound on a fall subtracts below zero
    assert ask_chain(NativeBalanceChange, terms, PING) == "Panic(0x11)"
    assert ask_chain(NativeBalanceChange, b"\x01" + terms[1:], PING) == "Panic(0x11)"
    assert ask_chain(NativeBalanceChange, b"\0" + terms[1:], PING) == (
        "NativeBalanceChangeEnforcer:insufficient-balance-increase"
    )
    assert NativeBalanceChange.decode_terms(terms).enforce_decrease


# --- values the kit's builders refuse and the contracts take --------------------------------------------------------

STREAM = {"initial_amount": 5, "max_amount": 9, "amount_per_second": 0, "start_at": NOW}
REFUSED_BY_THE_KIT: dict[str, tuple[EnforcerTerms, Attempt, str | None]] = {
    "a token cap of 0": (ERC20TransferAmount.unchecked(token=TOKEN, max_amount=0), PAY_NOTHING, None),
    "a token stream with rate 0": (ERC20Streaming.unchecked(token=TOKEN, **STREAM), PAY, None),
    "a token stream that ends at 0": (
        ERC20Streaming.unchecked(token=TOKEN, **{**STREAM, "initial_amount": 0, "max_amount": 0}),
        PAY_NOTHING,
        None,
    ),
    "a native stream with rate 0": (
        NativeTokenStreaming.unchecked(**{f"{k}_wei" if k != "start_at" else k: v for k, v in STREAM.items()}),
        PING,
        None,
    ),
    "a stream after the year 9999": (
        ERC20Streaming.unchecked(token=TOKEN, **{**STREAM, "start_at": 253_402_300_800}),
        PAY_NOTHING,
        None,
    ),
    "no calls at all": (LimitedCalls.unchecked(limit=0), PING, "LimitedCallsEnforcer:limit-exceeded"),
    "a rise of 0": (NativeBalanceChange.unchecked(enforce_decrease=False, recipient=TARGET, amount_wei=0), PING, None),
    "blocks without bounds": (BlockNumber.unchecked(after_block=0, before_block=0), PING, None),
    "a window that ends before it begins": (
        Timestamp.unchecked(after_at=7, before_at=6),
        PING,
        "TimestampEnforcer:expired-delegation",
    ),
    "an empty batch": (
        ExactExecutionBatch.unchecked(executions=()),
        attempt_to(is_batch=True),
        None,
    ),
}


@pytest.mark.parametrize(("terms", "attempt", "told"), REFUSED_BY_THE_KIT.values(), ids=REFUSED_BY_THE_KIT)
def test_what_the_kits_builder_refuses_ours_reads_when_it_stands_on_chain(
    kit: Kit, terms: EnforcerTerms, attempt: Attempt, told: str | None
) -> None:
    asked = ask_builder(terms)
    assert "Invalid " in kit.build(asked["type"], **asked["config"])["error"]
    assert ask_chain(type(terms), terms.encode_terms(), attempt) == told
    assert decode_caveat(terms.to_caveat()).terms == terms
    assert list(terms.problems()), "our builder refuses it as well, and says why"


def test_a_fall_of_nothing_is_refused_by_the_kit_and_built_by_ours(kit: Kit) -> None:
    terms = NativeBalanceChange(enforce_decrease=True, recipient=TARGET, amount_wei=0)
    asked = ask_builder(terms)
    assert "Invalid balance" in kit.build(asked["type"], **asked["config"])["error"]
    assert ask_chain(NativeBalanceChange, terms.encode_terms(), PING) is None
    assert terms.describe().endswith("must not fall in any redemption.")


GET_TERMS_INFO = keccak(b"getTermsInfo(bytes)")[:4]


@pytest.mark.parametrize(
    "terms",
    [
        NativeTokenPayment.unchecked(recipient=TARGET, amount_wei=0),
        SpecificActionERC20TransferBatchV1.unchecked(
            token=TOKEN, recipient=BOB, amount=0, first_target=TARGET, first_call_data=b""
        ),
    ],
    ids=["a price of 0", "a transfer of 0"],
)
def test_what_the_kits_builder_refuses_the_contracts_getter_reads(kit: Kit, terms: EnforcerTerms) -> None:
    asked = ask_builder(terms)
    assert kit.build(asked["type"], **asked["config"])["error"].startswith("Invalid amount")
    data = GET_TERMS_INFO + encode_uint(32) + encode_bytes(terms.encode_terms())
    assert quiet_chain().call(terms.ADDRESS, data).success
    assert decode_caveat(terms.to_caveat()).terms == terms
