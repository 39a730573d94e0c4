"""Constraints in the user's words: which caveats they give, in which order, and what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from caveats import Address, AllowedCalldata, Execution
from caveats.attempt import Attempt
from caveats.constraints import (
    NATIVE,
    argument,
    at_most_calls,
    call_functions,
    expires_at,
    expires_at_block,
    expires_in,
    not_before,
    parse_function,
    payee,
    redeemable_by,
    revocable_by_nonce,
    single_use,
    spend_per_call,
    spend_per_period,
    spend_stream,
    spend_total,
    transfer_nft,
    transfer_ownership,
    usable_between,
)
from caveats.errors import EncodingError, UnsupportedError
from caveats.types import MAX_UINT256
from delegations.grant import Grant
from tests.enforcers.harness import SHOP, attempt_on, grant, said, set_stage

USDC = Address(b"\xaa" * 20)
ALICE, BOB = Address(b"\xa1" * 20), Address(b"\xb0" * 20)
NOW = 1_800_000_000


def names(terms) -> list[str]:
    return [type(t).__name__ for t in terms]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (spend_total(USDC, 1), ["ValueLte", "ERC20TransferAmount"]),
        (spend_per_period(USDC, 1, "day", start_at=NOW), ["ValueLte", "ERC20PeriodTransfer"]),
        (spend_stream(USDC, 1, start_at=NOW), ["ValueLte", "ERC20Streaming"]),
        (spend_total(NATIVE, 1), ["ExactCalldata", "NativeTokenTransferAmount"]),
        (spend_per_period(NATIVE, 1, "day", start_at=NOW), ["ExactCalldata", "NativeTokenPeriodTransfer"]),
        (spend_stream(NATIVE, 1, start_at=NOW), ["ExactCalldata", "NativeTokenStreaming"]),
        (transfer_nft(USDC, 7), ["ValueLte", "ERC721Transfer"]),
        (spend_total(USDC, 1, order="wallet"), ["ERC20TransferAmount", "ValueLte"]),
        (spend_total(NATIVE, 1, order="wallet"), ["NativeTokenTransferAmount", "ExactCalldata"]),
        (call_functions(USDC, "f()"), ["AllowedTargets", "AllowedMethods", "ValueLte"]),
        (
            call_functions(USDC, "f()", call_data=b"\1"),
            ["AllowedTargets", "AllowedMethods", "ValueLte", "ExactCalldata"],
        ),
    ],
)
def test_the_caveats_come_in_the_order_of_the_kit_or_the_wallet(terms, expected):
    assert names(terms) == expected


def test_a_token_spend_admits_no_native_value():
    assert spend_total(USDC, 5)[0].max_value_wei == 0


def test_a_native_spend_admits_no_calldata_unless_it_is_named():
    assert spend_total(NATIVE, 5)[0].call_data == b""
    assert spend_total(NATIVE, 5, call_data=b"\x12")[0].call_data == b"\x12"
    window = AllowedCalldata(data_start=0, value=b"\x01")
    assert spend_total(NATIVE, 5, call_data=[window])[0] is window
    with pytest.raises(EncodingError, match="empty list fixes nothing"):
        spend_total(NATIVE, 5, call_data=[])
    with pytest.raises(EncodingError, match="a token spend fixes the call itself"):
        spend_total(USDC, 5, call_data=b"\x12")


@pytest.mark.parametrize(
    ("amount", "decimals", "units"),
    [("12.5", 6, 12_500_000), ("0.000001", 6, 1), ("1_000", 0, 1000), (7, None, 7), (MAX_UINT256, None, MAX_UINT256)],
)
def test_an_amount_is_exact(amount, decimals, units):
    assert spend_total(USDC, amount, decimals=decimals)[1].max_amount == units


@pytest.mark.parametrize(
    ("amount", "decimals", "message"),
    [
        ("12.5", None, "give decimals="),
        ("0.0000001", 6, "at most 6 decimal places"),
        ("1e3", 6, "plain decimal number"),
        ("-1", 6, "plain decimal number"),
        ("1,000", 6, "plain decimal number"),
        ("", 6, "plain decimal number"),
        (-1, None, "from 0 to 2\\^256-1"),
        (1.5, None, "base units as an int"),
        (True, None, "whole number"),
        (2**256, None, "from 0 to 2\\^256-1"),
        (0, None, "max_amount is 0"),
        ("9" * 79, 0, "from 0 to 2\\^256-1"),
    ],
)
def test_an_amount_that_cannot_be_meant_is_refused(amount, decimals, message):
    with pytest.raises(EncodingError, match=message):
        spend_total(USDC, amount, decimals=decimals)


@pytest.mark.parametrize(
    ("period", "seconds"),
    [
        ("hour", 3600),
        ("day", 86400),
        ("week", 604800),
        ("month", 2592000),
        ("quarter", 7776000),
        ("year", 31536000),
        (90, 90),
    ],
)
def test_a_period_is_a_name_or_seconds(period, seconds):
    assert spend_per_period(USDC, 1, period, start_at=NOW)[1].period_seconds == seconds


@pytest.mark.parametrize("period", ["fortnight", 0, -1, 1.5, True])
def test_a_period_that_is_neither_is_refused(period):
    with pytest.raises(EncodingError, match=r"period"):
        spend_per_period(USDC, 1, period, start_at=NOW)


def test_a_datetime_counts_in_its_zone():
    moment = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
    assert spend_per_period(USDC, 1, "day", start_at=moment)[1].start_at == NOW
    with pytest.raises(EncodingError, match="time zone"):
        expires_at(datetime(2027, 1, 15))
    with pytest.raises(EncodingError, match="whole seconds"):
        expires_at(datetime(2027, 1, 15, microsecond=1, tzinfo=UTC))


def test_a_stream_without_a_cap_has_no_cap():
    assert spend_stream(USDC, 1, start_at=NOW)[1].max_amount == MAX_UINT256
    with pytest.raises(EncodingError, match=r"max_amount|initial"):
        spend_stream(USDC, 1, start_at=NOW, initial=10, at_most=9)


def test_a_cap_per_call_reads_value_or_watches_the_holder():
    assert names(spend_per_call(NATIVE, "0.1")) == ["ValueLte"]
    watched = spend_per_call(USDC, 5, holder=ALICE)[0]
    assert (type(watched).__name__, watched.enforce_decrease, watched.recipient) == ("ERC20BalanceChange", True, ALICE)
    with pytest.raises(EncodingError, match="holder="):
        spend_per_call(USDC, 5)


SWAP = "swap((address tokenIn,uint24 fee,address to) params, uint256[2] limits, bool exact)"


@pytest.mark.parametrize(
    ("function", "name", "value", "start", "data"),
    [
        ("transfer(address to,uint256 amount)", "to", ALICE, 4, bytes(12) + ALICE),
        ("transfer(address to,uint256 amount)", "amount", 5, 36, (5).to_bytes(32, "big")),
        ("transfer(address,uint256)", 1, 5, 36, (5).to_bytes(32, "big")),
        (SWAP, "params.to", BOB, 68, bytes(12) + BOB),
        (SWAP, "limits", [1, 2], 100, (1).to_bytes(32, "big") + (2).to_bytes(32, "big")),
        (SWAP, "exact", True, 164, (1).to_bytes(32, "big")),
        ("f(bytes data, uint8 kind)", "kind", 3, 36, (3).to_bytes(32, "big")),
        ("f(bytes4 id)", "id", b"\1\2\3\4", 4, b"\1\2\3\4" + bytes(28)),
        ("f(int8 x)", "x", -1, 4, b"\xff" * 32),
    ],
)
def test_a_static_argument_stands_where_the_abi_puts_it(function, name, value, start, data):
    window = argument(function, name, value)
    assert (window.data_start, window.value) == (start, data)


@pytest.mark.parametrize(
    ("function", "name", "value", "error", "message"),
    [
        ("f(bytes data)", "data", b"", UnsupportedError, "dynamic type bytes"),
        ("f(string s)", 0, "x", UnsupportedError, "fix the whole calldata"),
        ("f(uint256[] xs)", "xs", [1], UnsupportedError, "dynamic type"),
        ("f((uint256,bytes) p)", "p.0", 1, UnsupportedError, "dynamic type"),
        ("0x12345678", "to", ALICE, UnsupportedError, "a selector alone"),
        ("f(uint256 a)", "b", 1, EncodingError, "one of its names (a)"),
        ("f(uint256 a)", 1, 1, EncodingError, "from 0 to 0"),
        ("f(uint256 a)", "a.b", 1, EncodingError, "not a struct"),
        ("f(uint8 a)", "a", 256, EncodingError, "expected uint8"),
        ("f(address a)", "a", "bob", EncodingError, "expected address"),
        ("f(uint257 a)", "a", 1, EncodingError, "an ABI type"),
        ("transfer", "to", 1, EncodingError, "a bare name needs its ABI"),
        ("f(uint256", 0, 1, EncodingError, "a signature"),
        ("f(uint256))", 0, 1, EncodingError, "parentheses in pairs"),
        ("f(uint256 a b)", 0, 1, EncodingError, "parameters such as"),
    ],
)
def test_an_argument_that_cannot_be_fixed_is_refused(function, name, value, error, message):
    with pytest.raises(error) as caught:
        argument(function, name, value)
    assert message in str(caught.value)


ABI = [
    {"type": "function", "name": "set", "inputs": [{"name": "fee", "type": "uint256"}]},
    {"type": "function", "name": "twice", "inputs": []},
    {"type": "function", "name": "twice", "inputs": [{"name": "x", "type": "uint256"}]},
    {
        "type": "function",
        "name": "deep",
        "inputs": [
            {
                "name": "p",
                "type": "tuple",
                "components": [{"name": "a", "type": "address"}, {"name": "b", "type": "uint64"}],
            }
        ],
    },
    {"type": "event", "name": "set", "inputs": []},
]


def test_a_bare_name_is_found_in_the_abi():
    assert parse_function("set", abi=ABI).signature == "set(uint256)"
    assert parse_function("deep", abi=ABI).offset_of("p.b")[0] == 36
    with pytest.raises(EncodingError, match="found 2"):
        parse_function("twice", abi=ABI)
    with pytest.raises(EncodingError, match="found 0"):
        parse_function("missing", abi=ABI)


def test_conditions_need_one_function():
    with pytest.raises(EncodingError, match="expected one function, got 2"):
        call_functions(USDC, ["f(uint256 a)", "g(uint256 a)"], where={"a": 1})
    with pytest.raises(EncodingError, match="both given"):
        call_functions(USDC, "f(uint256 a)", where={"a": 1}, call_data=b"")


def test_expiry_reads_no_clock():
    assert expires_in(now=NOW, days=1)[0].before_at == NOW + 86_400
    assert expires_at(NOW)[0].before_at == NOW
    assert expires_at_block(9)[0].before_block == 9
    with pytest.raises(EncodingError, match="positive span"):
        expires_in(now=NOW)


def test_from_a_second_on_includes_it():
    assert not_before(NOW)[0].after_at == NOW - 1
    assert (usable_between(NOW, NOW + 1)[0].after_at, usable_between(NOW, NOW + 1)[0].before_at) == (NOW - 1, NOW + 1)
    with pytest.raises(EncodingError, match="after 1970"):
        not_before(0)
    with pytest.raises(EncodingError, match="start before end"):
        usable_between(NOW, NOW)


def test_one_payee_of_a_token_several_of_native():
    assert names(payee(USDC, [BOB])) == ["AllowedCalldata"]
    assert names(payee(NATIVE, [ALICE, BOB])) == ["AllowedTargets"]
    with pytest.raises(UnsupportedError, match="one payee, got 2"):
        payee(USDC, [ALICE, BOB])
    with pytest.raises(EncodingError, match="at least one"):
        payee(NATIVE, [])


def test_what_ends_it():
    assert at_most_calls(3)[0].limit == 3
    assert revocable_by_nonce(0)[0].nonce == 0
    assert redeemable_by([BOB])[0].redeemers == (BOB,)
    assert single_use()[0].id != single_use()[0].id


def test_the_fluent_style_means_the_same():
    fluent = (
        Grant(delegator=ALICE, delegate=BOB)
        .spend_per_period(USDC, "10", "day", start_at=NOW, decimals=6)
        .payee(USDC, [BOB])
        .expires_in(now=NOW, days=30)
        .at_most_calls(5)
        .build(salt=1)
    )
    plain = [
        *spend_per_period(USDC, "10", "day", start_at=NOW, decimals=6),
        *payee(USDC, [BOB]),
        *expires_in(now=NOW, days=30),
        *at_most_calls(5),
    ]
    assert list(fluent.caveats) == [terms.to_caveat() for terms in plain]


def test_ownership_goes_to_the_one_that_was_named():
    stage = set_stage()
    delegation = grant([terms.to_caveat() for terms in transfer_ownership(SHOP, BOB)])
    selector = bytes.fromhex("f2fde38b")

    def hand_to(owner: Address, value: int = 0) -> str | None:
        execution = Execution(target=SHOP, value=value, call_data=selector + bytes(12) + owner)
        return said(attempt_on(stage.chain, delegation, Attempt((execution,))))

    assert hand_to(BOB) is None
    assert hand_to(ALICE) == "AllowedCalldataEnforcer:invalid-calldata"
    assert hand_to(BOB, value=1) == "ValueLteEnforcer:value-too-high"


def test_a_grant_is_a_value_and_branches():
    base = Grant(delegator=ALICE, delegate=BOB).at_most_calls(1)
    assert len(base.single_use(1).terms) == len(base.exact_call(Execution(target=BOB)).terms) == 2
    assert len(base.terms) == 1


def test_an_empty_grant_is_refused():
    with pytest.raises(EncodingError, match="hands over the whole account"):
        Grant(delegator=ALICE, delegate=BOB).build()
