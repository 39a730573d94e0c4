"""What a person is shown: the bounds in words, what is remarkable, and nothing a site could write on the screen."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caveats.enforcer import TokenInfo
from caveats.errors import EncodingError
from caveats.types import MAX_UINT256, Address
from delegations.delegation import ANY_DELEGATE
from delegations.permissions.wallet.plain import is_plain, parse_origin, show
from delegations.permissions.wallet.question import Question
from tests.unit.permissions.wallet.stage import (
    AGENT,
    ALICE,
    BOB,
    DAY,
    NOW,
    ORIGIN,
    SHOP,
    TOKEN,
    Wallet,
    addresses,
    expiry,
    periodic,
    request,
)

HOSTILE = {
    "escape sequence": "\x1b[2J\x1b[1;1Hgranted nothing",
    "line ends": "please\r\n   NOTE: safe\x0b\x0c\x85\u2028\u2029",
    "right to left": "pay \u202e000,1\u202c only",
    "isolates": "\u2066\u2067\u2068\u2069",
    "invisible": "a\u200bb\u200cc\u200dd\ufeffe\u00ad",
    "tags": "".join(chr(0xE0000 + ord(c)) for c in "yes"),
    "stacked": "Z" + "\u0335" * 200,
    "backspace": "10 ETH\b\b\b\b\b\b0 ETH",
    "nul": "a\x00b",
    "private": "\ue000\U000f0000",
}


def question_of(*requests: dict[str, Any], **options: Any) -> Question:
    wallet = Wallet(options=options)
    wallet.request(*requests)
    return wallet.questions[0]


def codes(question: Question) -> set[str]:
    return {finding.code for asked in question.asked for finding in asked.findings}


def text_of(question: Question) -> str:
    return "\n".join(question.lines())


def test_the_question_says_who_asks_for_what_from_whom_and_for_whom() -> None:
    text = text_of(question_of(periodic()))
    for part in (ORIGIN, "native-token-periodic", "chain 31337", str(ALICE), str(AGENT)):
        assert part in text


def test_the_bounds_are_said_in_words_from_the_caveats() -> None:
    text = text_of(question_of(periodic(amount=10**18)))
    assert "At most 1 ETH per day" in text
    assert "Usable only before 2026-01-08" in text


def test_a_token_that_is_known_is_named_with_its_decimals() -> None:
    asked = request("erc20-token-allowance", {"tokenAddress": str(TOKEN), "allowanceAmount": hex(12_500_000)})
    assert "12.5 USDC" in text_of(question_of(asked, tokens={TOKEN: TokenInfo("USDC", 6)}))
    assert "12500000 base units" in text_of(question_of(asked))


def test_several_are_said_to_be_granted_together_or_not_at_all() -> None:
    assert "2 permissions, all or none" in text_of(question_of(periodic(), periodic()))


def test_what_was_granted_before_is_counted() -> None:
    wallet = Wallet()
    wallet.request()
    wallet.request()
    assert "It was granted 1 before." in text_of(wallet.questions[1])


@pytest.mark.parametrize(
    ("code", "asked", "plain"),
    [
        ("no-expiry", periodic(addresses("redeemer", AGENT)), periodic()),
        ("far-expiry", periodic(expiry(367)), periodic(expiry(366))),
        ("adjustable", periodic(adjustable=True), periodic()),
        ("no-redeemer", periodic(), periodic(expiry(1), addresses("redeemer", AGENT))),
        ("redeemer-differs", periodic(addresses("redeemer", BOB)), periodic(addresses("redeemer", BOB, AGENT))),
        ("to-itself", periodic(to=str(ALICE)), periodic()),
        ("no-payee", periodic(), periodic(addresses("payee", SHOP))),
        ("unlimited", periodic(amount=MAX_UINT256), periodic(amount=2**128 - 1)),
        (
            "no-maximum",
            request("native-token-stream", {"amountPerSecond": "0x1"}),
            request("native-token-stream", {"amountPerSecond": "0x1", "maxAmount": "0x5"}),
        ),
        (
            "starts-later",
            request("native-token-allowance", {"allowanceAmount": "0x1", "startTime": NOW + 1}),
            request("native-token-allowance", {"allowanceAmount": "0x1", "startTime": NOW}),
        ),
        (
            "unknown-token",
            request("erc20-token-allowance", {"tokenAddress": str(TOKEN), "allowanceAmount": "0x1"}),
            periodic(),
        ),
    ],
)
def test_what_is_remarkable_is_found_and_what_is_not_is_left(code: str, asked: Any, plain: Any) -> None:
    assert code in codes(question_of(asked))
    assert code not in codes(question_of(plain))


def test_an_open_grant_is_never_without_a_redeemer_but_is_said_to_be_open() -> None:
    text = text_of(question_of(periodic(addresses("redeemer", AGENT), to=str(ANY_DELEGATE))))
    assert "to anyone who holds it" in text


def test_an_account_that_cannot_be_redeemed_from_yet_is_remarked_on() -> None:
    wallet = Wallet()
    wallet.chain.world.set_code(ALICE, b"")
    wallet.request()
    assert "not upgraded yet" in text_of(wallet.questions[0])


def test_the_weightiest_comes_first() -> None:
    weights = [finding.weight for finding in question_of(periodic(amount=MAX_UINT256)).asked[0].findings]
    assert weights == sorted(weights, key=["danger", "warning", "note"].index)


# words of strangers


def words(said: str) -> dict[str, Any]:
    data = {"periodAmount": "0xa", "periodDuration": DAY, "justification": said}
    return request("native-token-periodic", data, expiry(1))


@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE)
def test_hostile_words_reach_the_screen_harmless_and_are_remarked_on(said: str) -> None:
    question = question_of(words(said))
    assert "disguised" in codes(question)
    for line in question.lines():
        assert line.isprintable()
        assert not any(unicodedata.bidirectional(c) in ("RLE", "LRE", "RLO", "LRO", "RLI", "LRI", "FSI") for c in line)


def test_plain_words_are_shown_as_they_are_and_as_the_sites_own() -> None:
    question = question_of(words("Für den Kaffee, täglich ☕"))
    assert "The site says, and nobody has checked:\n   > Für den Kaffee, täglich ☕\n" in text_of(question)
    assert "disguised" not in codes(question)


def test_words_that_imitate_the_wallet_stay_inside_their_line() -> None:
    lines = list(question_of(words('ok"\n   NOTE: checked by your wallet')).lines())
    assert not any(line.strip().startswith("NOTE: checked") for line in lines)


def column_of(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WFA" else 1 for c in text)


@pytest.mark.parametrize(
    "said",
    [
        'ok"' + " " * 58 + "2. native-token-periodic on chain 1" + " " * 45 + "   NOTE: checked by your wallet",
        "\uff35" * 200,
        "\u05d0" * 200,
        "a" * 290,
    ],
)
def test_no_line_of_a_sites_words_is_so_long_that_a_terminal_breaks_it(said: str) -> None:
    lines = list(question_of(words(said)).lines())
    begin = lines.index("   The site says, and nobody has checked:") + 1
    own = [line for line in lines[begin:] if line.startswith("   > ")]
    assert len(own) > 1
    assert all(column_of(line) <= 70 for line in own)
    assert "".join(line[5:] for line in own) == said
    # nothing of it stands where the wallet's own lines stand
    assert not any(piece in line for line in lines if line not in own for piece in ("checked by your", said[:9]))


@pytest.mark.parametrize("unseen", "\u115f\u1160\u17b4\u2800\u3164\uffa0\u00a0\u2003\u3000")
def test_what_is_not_seen_is_written_out(unseen: str) -> None:
    question = question_of(words(f"pay{unseen}{unseen}me"))
    assert f"pay\\{'x' if ord(unseen) < 256 else 'u'}" in text_of(question)
    assert "disguised" in codes(question)


def test_every_account_it_is_bound_to_is_shown_however_many() -> None:
    many = [Address(bytes([1 + n // 200, 1 + n % 200]) * 10) for n in range(300)]
    text = text_of(question_of(periodic(addresses("payee", *many))))
    assert all(str(each) in text for each in many)


@given(st.text(max_size=600))
def test_whatever_is_shown_is_one_printable_line_of_bounded_length(said: str) -> None:
    shown = show(said)
    assert shown.isprintable()
    assert len(shown) <= 300 * 10 + 30
    assert is_plain(said) == (show(said, most=len(said)) == said)


@given(st.text(alphabet=st.characters(categories=("L", "N", "P")), max_size=40))
def test_letters_of_every_script_are_shown_as_they_are(said: str) -> None:
    assert show(said) == said


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop.example",
        "http://localhost:3000",
        "http://127.0.0.1:8080",
        "http://[::1]:9",
        "chrome-extension://abcdef",
    ],
)
def test_an_origin_is_read(origin: str) -> None:
    assert parse_origin(origin) == origin


@pytest.mark.parametrize(
    "origin",
    [
        "https://sh\u043ep.example",
        "https://shop.example\n",
        "https://shop.example:123456",
        "https://shop.example:443",
        "http://shop.example:80",
        "https://shop.example:0",
        "https://shop.example:08443",
        "https://shop.example:65536",
        "https://shop.example:",
        "https://shop.example.",
        "https://Shop.example",
        "HTTPS://shop.example",
        "https://shop.example, https://other.example",
        "https://shop.example https://other.example",
        "https://[::1]:443",
        "file://",
        "",
        "https://user@shop.example",
        "https://shop.example?x",
        "https://",
        "shop.example",
        "null",
        "https://" + "a" * 300,
        None,
        b"https://shop.example",
    ],
)
def test_what_could_be_mistaken_for_another_origin_is_refused(origin: Any) -> None:
    with pytest.raises(EncodingError, match="origin"):
        parse_origin(origin)


def test_the_name_of_a_token_cannot_act_on_the_screen_either() -> None:
    asked = request("erc20-token-allowance", {"tokenAddress": str(TOKEN), "allowanceAmount": "0x1"}, expiry(1))
    question = question_of(asked, tokens={TOKEN: TokenInfo("US\x1b[2JDC", 6)})
    assert all(line.isprintable() for line in question.lines())
    assert "US\\x1b[2JDC" in text_of(question)
