"""A receipt as one HTML page: no script, nothing from elsewhere, and no string of a stranger's acts on the reader.

Every string is escaped by Jinja2; control, format and bidirectional characters are shown as escapes; each string stands
in an element of its own direction, so that right-to-left text cannot reorder what is beside it; very long ones are cut,
the whole receipt stands at the end of the page, as ASCII JSON.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from caveats.registry import EnforcerRegistry
from delegations.receipts.model import Receipt
from delegations.receipts.page_view import make_view
from delegations.receipts.page_words import STANDINGS

_LONGEST = 600
_MOST_MARKS = 2
_HEX = re.compile(r"\b(?:0x[0-9a-fA-F]{8,}|[0-9a-f]{64})\b")


def render_page(
    receipt: Receipt, *, signers: Sequence[str] | None = None, registry: EnforcerRegistry | None = None
) -> str:
    """Return the receipt as a page.

    Args:
        receipt: what to show.
        signers: keys whose signatures were verified, by name; empty for an envelope nobody looked into; None for a
            receipt without one.
        registry: reads enforcers of your own.
    """
    wire = json.dumps(receipt.to_wire(), indent=2, ensure_ascii=True)
    return _template().render(
        view=make_view(receipt, registry),
        signers=signers,
        standings=STANDINGS,
        wire=wire.replace("\x7f", "\\u007f"),
    )


def visible(text: object, longest: int = _LONGEST) -> str:
    """Return text in which every character that acts instead of being seen is an escape, cut when very long.

    Of marks that stack upon a letter two stay: more of them are drawn over the lines above.
    """
    whole = str(text)
    if len(whole) > longest:
        left_out = len(whole) - longest
        tail = longest // 8
        whole = f"{whole[: longest - tail]} [... {left_out} more characters ...] {whole[-tail:]}"
    shown, marks = [], 0
    for character in whole:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        plain = character.isprintable() and marks <= _MOST_MARKS
        shown.append(character if plain else character.encode("unicode_escape").decode())
    return "".join(shown)


def _isolated(text: object, longest: int = _LONGEST) -> Markup:
    shown = str(escape(visible(text, longest)))
    # hex is set apart after everything is escaped: what matches holds nothing but digits
    return Markup(f'<bdi dir="auto">{_HEX.sub(_code, shown)}</bdi>')  # noqa: S704 - escaped above


def _code(match: re.Match[str]) -> str:
    return f"<code>{match.group()}</code>"


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["said"] = _isolated
    source = files("delegations.receipts").joinpath("templates", "receipt.html").read_text(encoding="utf-8")
    return environment.from_string(source)
