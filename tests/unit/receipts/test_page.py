"""The page of a receipt: one file, nothing that acts, and everything a reader needs."""

from __future__ import annotations

import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from delegations.receipts import KINDS, Receipt
from delegations.receipts.page import render_page, visible
from delegations.receipts.page_view import make_view
from delegations.receipts.page_words import say_time
from tests.unit.receipts.makers import AGENT, ALICE, HELPER

STATUSES = ("executed", "partially_executed", "denied", "failed")
TAGS = frozenset(
    (
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "div",
        "span",
        "h1",
        "h2",
        "p",
        "section",
        "header",
        "ol",
        "ul",
        "li",
        "dl",
        "dt",
        "dd",
        "strong",
        "bdi",
        "code",
        "svg",
        "path",
        "details",
        "summary",
        "pre",
        "footer",
    )
)
ATTRIBUTES = frozenset(
    ["lang", "charset", "http-equiv", "content", "name", "class", "dir", "aria-hidden", "viewbox", "d"]
)
HOSTILE = [
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</bdi></title><img src=x onerror=alert(1)>",
    "\" onmouseover=alert(1) x='",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% for x in y %}",
    "&lt;script&gt;&#x3c;script&#x3e;",
    "\u202egnp.exe\u2066\u2069\u200f\u061c",
    "\x00\x1b[31m\x7f\x9b\r\n\u2028\u2029\ufeff\u200b",
    "<!-- --><![CDATA[ ]]><?php ?>",
    "שלום עולם مرحبا بالعالم 123",
    "0x1234567890<b>0xabcdef1234567890</b>",
    "A" * 100_000,
    "<" * 100_000,
    "Z" + "\u0301" * 1000,
    "\U000e0041\U0001f469\u200d\U0001f4bb",
]


class Seen(HTMLParser):
    """Every tag, attribute and piece of text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "path"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def check_harmless(page: str) -> Seen:
    """Nothing but our own tags and attributes, closed in order, and no character that acts."""
    seen = Seen(page)
    assert seen.open == []
    assert set(seen.tags) <= TAGS
    assert {name for name, _ in seen.attributes} <= ATTRIBUTES
    assert not [c for c in page if not c.isprintable() and c != "\n"]
    return seen


def poisoned(receipt: Receipt, poison: str) -> Receipt:
    """The receipt with the poison in every field that holds any text."""
    wire = json.loads(receipt.to_json())
    free = {"says", "reason", "explanation", "enforcer_name", "contract", "event"}

    def put(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: put(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [put(v, key) for v in value]
        return poison if key in free else value

    wire = put(wire)
    for link in wire.get("lineage", ()):
        for caveat in link["caveats"]:
            caveat["name"] = poison
    for event in wire.get("outcome", {}).get("enforcer_events", ()):
        event["values"] = {poison: poison}
    wire["labels"] = [{"address": "0x" + ALICE.hex(), "role": "principal", "name": poison}]
    wire["ext"] = {poison: poison}
    wire["claims"][poison] = "proven"
    if "escalation" in wire:
        wire["escalation"]["asks"] = [poison]
        wire["escalation"]["approver"] = "<script>alert(1)</script>"
    wire["issuer"] = '"><script>alert(1)</script>'
    return Receipt.from_wire(wire)


# what it holds back


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("poison", HOSTILE, ids=range(len(HOSTILE)))
def test_no_string_of_a_stranger_acts_on_the_page(every_kind: dict[str, Receipt], kind: str, poison: str) -> None:
    page = render_page(poisoned(every_kind[kind], poison), signers=[poison])
    check_harmless(page)
    assert page.index("<pre>") < 100_000


@settings(max_examples=60, deadline=None)
@given(poison=st.text(min_size=1, max_size=300).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)))
def test_whatever_the_string_is(poison: str, every_kind: dict[str, Receipt]) -> None:
    check_harmless(render_page(poisoned(every_kind["denial"], poison), signers=[poison]))


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_takes_nothing_from_elsewhere(every_kind: dict[str, Receipt], kind: str) -> None:
    page = render_page(every_kind[kind])
    seen = check_harmless(page)
    assert "content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\"" in page
    style = page[page.index("<style>") : page.index("</style>")]
    assert not re.search(r"url\(|@import|expression|//", style)
    assert not {"src", "href", "srcset", "action", "style"} & {name for name, _ in seen.attributes}
    assert not [name for name, _ in seen.attributes if name.startswith("on")]


def test_what_acts_is_shown_as_an_escape() -> None:
    assert visible("a\u202eb\x1b\n") == "a\\u202eb\\x1b\\n"
    assert visible("שלום é 漢") == "שלום é 漢"


def test_long_strings_are_cut_and_say_so() -> None:
    assert visible("x" * 600) == "x" * 600
    cut = visible("x" * 100_000)
    assert len(cut) < 700
    assert "[... 99400 more characters ...]" in cut


def test_marks_do_not_pile_up() -> None:
    assert visible("e\u0301\u0302") == "e\u0301\u0302"
    assert visible("e" + "\u0301" * 4) == "e\u0301\u0301" + "\\u0301" * 2


def test_each_string_has_a_direction_of_its_own(every_kind: dict[str, Receipt]) -> None:
    page = render_page(poisoned(every_kind["denial"], "שלום"))
    assert page.count("שלום") - page.count("<title>") < page.count('<bdi dir="auto">')
    outside = re.sub(r'<bdi dir="auto">.*?</bdi>', "", page, flags=re.DOTALL)
    assert "שלום" not in outside


# what it shows


@pytest.mark.parametrize("status", STATUSES)
def test_the_page_names_the_outcome_and_the_hash(receipts: dict[str, Receipt], status: str) -> None:
    seen = check_harmless(render_page(receipts[status]))
    assert f"{receipts[status].kind}: {status.replace('_', ' ')}" in seen.text
    assert receipts[status].hash in seen.text


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_receipt_stands_on_the_page(every_kind: dict[str, Receipt], kind: str) -> None:
    page = render_page(every_kind[kind])
    seen = Seen(page[page.index("<pre>") : page.index("</pre>") + 6])
    assert hashlib.sha256(rfc8785.dumps(json.loads(seen.text))).hexdigest() == every_kind[kind].hash


def test_the_lineage_runs_from_the_principal_to_the_deed(receipt: Receipt) -> None:
    wire = receipt.to_wire()
    wire["labels"] = [
        {"address": "0x" + address.hex(), "role": role, "name": name}
        for address, role, name in (
            (ALICE, "principal", "Alice Example"),
            (AGENT, "agent", "Shopping agent"),
            (HELPER, "sub-agent", "Price checker"),
        )
    ]
    text = Seen(render_page(Receipt.from_wire(wire))).text
    places = [
        text.index(part)
        for part in (
            "Alice Example",
            "ERC20TransferAmount",
            "Shopping agent",
            "LimitedCalls",
            "Price checker",
            "asks for",
        )
    ]
    assert places == sorted(places)


def test_the_caveat_that_denied_is_marked(receipts: dict[str, Receipt]) -> None:
    assert "said no" in Seen(render_page(receipts["denied"])).text.split("Asked")[0]
    (step,) = make_view(receipts["denied"]).steps
    assert [bound.refused for bound in step.bounds] == [True]
    assert not any(bound.refused for step in make_view(receipts["executed"]).steps for bound in step.bounds)


def test_the_terms_are_shown_and_the_receipts_own_words_beside_them(receipt: Receipt) -> None:
    wire = receipt.to_wire()
    assert "own words" not in render_page(receipt)
    wire["lineage"][1]["caveats"][0]["says"] = "Usable at most once."
    text = Seen(render_page(Receipt.from_wire(wire))).text
    assert "Usable at most 3 times." in text
    assert "the receipt's own words: LimitedCalls: Usable at most once." in text


def test_another_name_for_a_caveat_is_shown_as_the_receipts_own(receipt: Receipt) -> None:
    wire = receipt.to_wire()
    wire["lineage"][1]["caveats"][0]["name"] = "Harmless"
    (bound,) = make_view(Receipt.from_wire(wire)).steps[1].bounds
    assert (bound.name, bound.own_words) == ("LimitedCalls", "Harmless: Usable at most 3 times.")


def _decided(receipt: Receipt) -> dict[str, str]:
    return dict(next(part for part in make_view(receipt).parts if part.title == "decided").rows)


def test_why_it_was_denied_is_read_from_terms_and_revert_data(receipts: dict[str, Receipt]) -> None:
    wire = receipts["denied"].to_wire()
    honest = _decided(receipts["denied"])
    assert honest["denied at stage hook"] == wire["outcome"]["denial"]["explanation"]
    assert not [name for name in honest if "issuer" in name]
    wire["outcome"]["denial"].update(explanation="The shop was closed.", enforcer_name="ShopEnforcer")
    lie = _decided(Receipt.from_wire(wire))
    assert lie["denied at stage hook"] == honest["denied at stage hook"]
    assert lie["by"] == honest["by"]
    assert lie["in the issuer's words"] == "The shop was closed."
    assert lie["which the issuer calls"] == "ShopEnforcer"


def test_a_contradiction_stands_at_the_top(receipt: Receipt) -> None:
    wire = receipt.to_wire()
    assert "contradicts itself" not in render_page(receipt)
    wire["lineage"][0]["salt"] = "1"
    text = Seen(render_page(Receipt.from_wire(wire))).text
    assert text.index("contradicts itself") < text.index("Lineage")


@pytest.mark.parametrize(
    ("signers", "says"),
    [
        (None, "Not signed"),
        ([], "the signatures were not checked"),
        (["ed25519 abc"], "Signatures that held when this page was made:"),
    ],
)
def test_the_page_says_what_became_of_the_signatures(receipt: Receipt, signers: list[str] | None, says: str) -> None:
    assert says in Seen(render_page(receipt, signers=signers)).text


def test_proven_without_evidence_is_called_out(every_kind: dict[str, Receipt]) -> None:
    wire = every_kind["redemption"].to_wire()
    wire["claims"]["outcome"] = "proven"
    says = "no evidence is named that could show it"
    assert says not in render_page(Receipt.from_wire(wire))
    del wire["evidence"]
    assert says in render_page(Receipt.from_wire(wire))


def test_a_local_chain_is_called_one(receipt: Receipt) -> None:
    says = "A local chain: nothing here happened on a live one."
    assert says in render_page(receipt)
    wire = receipt.to_wire()
    wire["subject"].update(network="live", transaction="0x" + "12" * 32)
    wire["subject"]["block"]["hash"] = "0x" + "34" * 32
    assert says not in render_page(Receipt.from_wire(wire))


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_is_shown_with_its_standing(every_kind: dict[str, Receipt], kind: str) -> None:
    view = make_view(every_kind[kind])
    assert {path for path, _ in view.standings} >= set(every_kind[kind].claims)
    text = Seen(render_page(every_kind[kind])).text
    for path, standing in view.standings:
        assert path in text
        assert standing in text


def test_amounts_are_exact_on_the_page(receipt: Receipt) -> None:
    assert str(10**29 + 1) in Seen(render_page(receipt)).text
    assert str(2**256 - 1) in Seen(render_page(receipt)).text


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (0, "1970-01-01 00:00:00 UTC"),
        (253_402_300_799, "9999-12-31 23:59:59 UTC"),
        (253_402_300_800, "253402300800 unix seconds"),
        (2**256 - 1, f"{2**256 - 1} unix seconds"),
    ],
)
def test_times_beyond_any_date_are_numbers(seconds: int, says: str) -> None:
    assert say_time(seconds) == says
