"""Revert data in words: what the framework, its accounts and enforcers, and tokens say when they refuse.

Nothing here throws: revert data is made by whoever was called, so anything that is not what it claims to be
comes back as "unknown", bytes kept.

Source: framework 1.3.0 ABIs; Solidity documentation, "Panic via assert and Error via require"; ERC-6093.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from caveats.abi import WORD, Reader
from caveats.errors import EncodingError
from caveats.types import format_hex
from delegations.framework.abi import decode_canonical, selector
from delegations.framework.meanings import ERRORS, PANICS, RAW_ERRORS
from delegations.framework.token_outcomes import CUSTOM, OUTCOMES, TEXTS, Outcome

Kind = Literal["empty", "error_string", "panic", "custom", "unknown"]

_ERROR = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")
_ENFORCER_REASON = re.compile(r"([A-Za-z0-9]+Enforcer):([a-z0-9-]+)\Z")
_SHOWN = 200


@dataclass(frozen=True)
class RevertReason:
    """Why a call reverted, as far as its data says.

    Attributes:
        kind: "empty" (no data), "error_string" (`Error(string)`), "panic" (`Panic(uint256)`), "custom" (a
            known custom error), or "unknown".
        name: the on-chain name: "InvalidDelegate()", "Panic(0x11)", or "" where there is none.
        reason: the text of an `Error(string)`, as given; None otherwise. Written by the called contract:
            escape it before showing it (`text` does).
        args: values of a custom error, or the code of a panic; empty when there are none that can be read.
        text: one plain sentence, safe to print.
        raw: the revert data.
    """

    kind: Kind
    name: str
    reason: str | None
    args: tuple[Any, ...]
    text: str
    raw: bytes

    @property
    def onchain(self) -> str:
        """The on-chain twin for reports: the reason string or the error's name; "" when there is neither."""
        return self.reason if self.reason is not None else self.name

    @property
    def outcome(self) -> Outcome | None:
        """What a token's refusal comes to ("insufficient_balance"), whichever words the token has for it.

        None for everything else. A claim, as any called contract can write it.
        """
        return CUSTOM.get(self.name) if self.reason is None else TEXTS.get(self.reason)

    @property
    def hint(self) -> str:
        """What would work, in one sentence; "" for what is no refusal of a token."""
        return OUTCOMES[self.outcome][1] if self.outcome is not None else ""

    @property
    def enforcer(self) -> str | None:
        """The enforcer that an "XEnforcer:reason" string names. A claim: any called contract can write it."""
        match = _ENFORCER_REASON.match(self.reason or "")
        return match[1] if match else None


def decode_revert(data: bytes) -> RevertReason:
    """Return what revert data says. Never raises on malformed data."""
    raw = bytes(data)
    if not raw:
        return RevertReason(
            "empty",
            "",
            None,
            (),
            "The call reverted without data: missing code, bytes that could not be decoded, too little"
            " balance, or out of gas.",
            raw,
        )
    head, body = raw[:4], raw[4:]
    if head == _ERROR:
        return _error_string(raw, body)
    if head == _PANIC:
        return _panic(raw, body)
    known = _selectors().get(head)
    return _unknown(raw) if known is None else _custom(raw, body, *known)


def _unknown(raw: bytes) -> RevertReason:
    shown = format_hex(raw[:36]) + ("..." if len(raw) > 36 else "")
    return RevertReason("unknown", "", None, (), f"The call reverted with data of no known form: {shown}.", raw)


def _error_string(raw: bytes, body: bytes) -> RevertReason:
    # Contracts build this by hand too, often without padding; offset, length and UTF-8 must hold.
    reader = Reader(body, "Error(string)")
    try:
        if reader.uint(0) != WORD:
            return _unknown(raw)
        reason = reader.bytes_at(WORD).decode("utf-8")
    except (EncodingError, UnicodeDecodeError):
        return _unknown(raw)
    match = _ENFORCER_REASON.match(reason)
    if match:
        text = f"{match[1]} refused: {match[2].replace('-', ' ')}."
    elif reason in TEXTS:
        text = f"The call reverted with the reason {_printable(reason)}: {OUTCOMES[TEXTS[reason]][0]}."
    elif reason:
        text = f"The call reverted with the reason {_printable(reason)}."
    else:
        text = "The call reverted with an empty reason."
    return RevertReason("error_string", "Error(string)", reason, (), text, raw)


def _panic(raw: bytes, body: bytes) -> RevertReason:
    if len(body) != WORD:
        return _unknown(raw)
    code = int.from_bytes(body, "big")
    meaning = PANICS.get(code, "a code Solidity does not define")
    return RevertReason("panic", f"Panic({code:#04x})", None, (code,), f"The code panicked: {meaning}.", raw)


def _custom(raw: bytes, body: bytes, name: str, meaning: str) -> RevertReason:
    try:
        args = decode_canonical(_parameters(name), body, what=name)
    except EncodingError:
        return RevertReason("custom", name, None, (), f"{meaning} (its values cannot be read).", raw)
    shown = ", ".join(_shown(value) for value in args)
    return RevertReason("custom", name, None, args, f"{meaning}: {shown}." if args else f"{meaning}.", raw)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return _printable(value)
    if type(value) is bytes:
        return format_hex(value[:32]) + ("..." if len(value) > 32 else "")
    return str(value)


def _printable(text: str) -> str:
    """Return foreign text quoted, shortened, and without anything a terminal would act on."""
    shown = ascii(text[:_SHOWN])
    return shown + (f"... ({len(text)} characters)" if len(text) > _SHOWN else "")


def _parameters(name: str) -> list[dict[str, str]]:
    inner = name[name.index("(") + 1 : -1]
    return [{"type": kind, "name": ""} for kind in inner.split(",") if kind]


@cache
def _selectors() -> dict[bytes, tuple[str, str]]:
    return RAW_ERRORS | {selector(name): (name, meaning) for name, meaning in ERRORS.items()}
