"""Human amounts, both ways, exactly."""

import pytest

from caveats import EncodingError, TokenInfo, format_amount, parse_amount

EXACT = [
    ("0", 0, 0),
    ("0", 18, 0),
    ("1", 0, 1),
    ("12.5", 6, 12_500_000),
    ("0.000001", 6, 1),
    ("1", 18, 10**18),
    ("0.009007199254740993", 18, 2**53 + 1),
    ("115792089237316195423570985008687907853269984665640564039457.584007913129639935", 18, 2**256 - 1),
    ("0." + "0" * 254 + "1", 255, 1),
]


@pytest.mark.parametrize(("text", "decimals", "units"), EXACT)
def test_an_amount_is_exact_both_ways(text, decimals, units):
    assert parse_amount(text, decimals) == units
    assert format_amount(units, decimals) == text


@pytest.mark.parametrize(
    ("text", "decimals", "units"),
    [("1_000", 0, 1000), ("1.500000000", 6, 1_500_000), ("1.0", 0, 1), ("007", 2, 700)],
)
def test_separators_and_idle_zeroes_are_read_over(text, decimals, units):
    assert parse_amount(text, decimals) == units


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "1.", ".5", "-1", "+1", "1e18", "1,000", "1 000", " 1", "1\n", "_1", "1_", "1__0", "0x10", "NaN"),
        *("inf", "1.2.3", "\u0663", "1" * 401, None, 1, 1.5, True, b"1"),
    ],
    ids=lambda text: repr(text)[:12],
)
def test_what_is_no_plain_number_is_refused(text):
    with pytest.raises(EncodingError, match="amount: expected a plain decimal number such as") as refusal:
        parse_amount(text, 18)
    assert str(refusal.value).isprintable()


def test_more_places_than_the_token_has_are_refused():
    assert parse_amount("0.123456", 6) == 123456
    with pytest.raises(EncodingError, match=r"expected at most 6 decimal places, got 0\.1234567"):
        parse_amount("0.1234567", 6)


def test_an_amount_beyond_a_word_is_refused():
    assert parse_amount(str(2**256 - 1), 0) == 2**256 - 1
    with pytest.raises(EncodingError, match="expected a whole number from 0 to 2"):
        parse_amount(str(2**256), 0)


@pytest.mark.parametrize("decimals", [-1, 256, 10**9, True, 6.0, "6", None], ids=repr)
def test_decimals_no_token_has_are_refused(decimals):
    with pytest.raises(EncodingError, match="decimals: expected a whole number from 0 to 255, got"):
        parse_amount("1", decimals)


@pytest.mark.parametrize(("units", "decimals", "text"), [(-5, 1, "-0.5"), (-12_500_000, 6, "-12.5"), (-7, 0, "-7")])
def test_a_change_downwards_is_shown_with_its_sign(units, decimals, text):
    assert format_amount(units, decimals) == text


def test_a_token_shows_amounts_with_its_symbol():
    assert TokenInfo("USDC", 6).show(12_500_000) == "12.5 USDC"
