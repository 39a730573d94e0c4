"""Strings of strangers, made safe to show: a site must not be able to write on the person's screen what it likes.

What a terminal could act on (control characters, escape sequences), what turns the reading direction round, what is not
visible and what stacks up on other characters is written out as an escape.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from caveats.errors import EncodingError

MAX_JUSTIFICATION = 300
_MAX_ORIGIN = 255
_ORIGIN = re.compile(
    r"[a-z][a-z0-9+.-]{0,30}://(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?\Z"
)
_STACKED = frozenset({"Mn", "Me"})
_MOST_STACKED = 2
_UNSEEN = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks by category that nothing is drawn for: fillers of Hangul, the empty pattern of Braille."""
_COLUMNS = 64
_OWN_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}


def show(text: object, *, most: int = MAX_JUSTIFICATION) -> str:
    """Return text on one line with nothing in it that is not seen as it stands, cut at `most` characters."""
    whole = str(text)
    shown, stacked = [], 0
    for character in whole[:most]:
        stacked = stacked + 1 if unicodedata.category(character) in _STACKED else 0
        if character.isprintable() and character not in _UNSEEN and stacked <= _MOST_STACKED:
            shown.append(character)
        else:
            shown.append(character.encode("unicode_escape").decode("ascii"))
    return "".join(shown) + (f"... ({len(whole)} characters)" if len(whole) > most else "")


def show_lines(text: object) -> Iterator[str]:
    """Yield text as `show` gives it, in lines so short that no terminal breaks them.

    Where a terminal breaks a line the next one seems to begin: spaces could carry a stranger's words to a place at
    which the wallet's own would stand.
    """
    line, columns = "", 0
    for character in show(text):
        wide = 2 if unicodedata.east_asian_width(character) in "WFA" else 1
        if columns + wide > _COLUMNS:
            yield line
            line, columns = "", 0
        line, columns = line + character, columns + wide
    yield line


def is_plain(text: str) -> bool:
    """Return whether `show` would leave the text as it is."""
    return show(text, most=len(text)) == text


def parse_origin(text: object) -> str:
    """Return an origin as browsers write it: scheme, host and, where it is not the scheme's own, port.

    Raises:
        EncodingError: anything else: a path, upper case, an international name that is not in its ASCII form, a port
            that browsers leave out or nobody has, "null".
    """
    if not isinstance(text, str) or len(text) > _MAX_ORIGIN or not _ORIGIN.match(text):
        raise EncodingError.of("origin", expected="such as https://shop.example, in lower case", got=text)
    scheme, _, rest = text.partition("://")
    port = rest.rpartition(":")[2] if re.search(r":[0-9]+\Z", rest) else None
    if port is not None and (port.startswith("0") or int(port) > 65_535 or port == _OWN_PORTS.get(scheme)):
        raise EncodingError.of("origin", expected="a port of its own, or none for the scheme's", got=text)
    return text
