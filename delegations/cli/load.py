"""Reads what a user hands over, from a file, an argument or standard input, and tells what it is."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caveats.errors import EncodingError, UnsupportedError, abbreviate
from caveats.strict_json import parse_json
from caveats.types import parse_hex
from delegations.delegation import Delegation, decode_context, decode_delegation
from delegations.receipts.model import Receipt
from delegations.redemption import (
    REDEEM_DELEGATIONS,
    Redemption,
    decode_redeem_delegations,
    encode_redeem_delegations,
)

MAX_INPUT_BYTES = 16 * 1024 * 1024
_EXPECTED = "a file, 0x hex, JSON, or - for standard input"
_BARE_HEX = re.compile(r"[0-9a-fA-F]{16,}\Z")


@dataclass(frozen=True, slots=True)
class Chain:
    """A permission context, leaf first, whichever form it came in."""

    delegations: tuple[Delegation, ...]
    form: str


@dataclass(frozen=True, slots=True)
class Call:
    """redeemDelegations calldata, decoded."""

    redemptions: tuple[Redemption, ...]
    calldata: bytes

    @property
    def is_canonical(self) -> bool:
        """Whether encoding the redemptions again gives these bytes."""
        return bool(self.redemptions) and encode_redeem_delegations(self.redemptions) == self.calldata


Loaded = Chain | Call | Receipt


def read_text(source: str, *, what: str) -> str:
    """Return the text behind an argument: `-`, a file's path, or the text itself.

    Raises:
        EncodingError: no such file, unreadable, not text, or larger than 16 MiB.
    """
    if source == "-":
        return _bounded(sys.stdin.buffer.read(MAX_INPUT_BYTES + 1), what)
    stripped = source.strip()
    if stripped.startswith(("0x", "{", "[", '"')):
        return stripped
    return read_file(source, what=what, expected=_EXPECTED)


def read_file(source: str, *, what: str, expected: str = "a file") -> str:
    """Return the text of a file. Raises EncodingError as `read_text`; what could be a key is not repeated in it."""
    digits = len(source) if _BARE_HEX.match(source.removeprefix("0x")) else 0
    if not source.strip():
        raise EncodingError.of(what, expected=expected, got="nothing")
    try:
        with Path(source).open("rb") as file:
            return _bounded(file.read(MAX_INPUT_BYTES + 1), what)
    except (OSError, ValueError) as error:
        if digits:
            hint = "there is no such file; prefix hex with 0x" if expected == _EXPECTED else "there is no such file"
            raise EncodingError.of(what, expected=expected, got=f"{digits} characters of hex", hint=hint) from None
        if isinstance(error, FileNotFoundError):
            raise EncodingError.of(what, expected=expected, got=source, hint="there is no such file") from None
        reason = getattr(error, "strerror", None) or str(error)
        raise EncodingError(f"{what}: {abbreviate(source)} cannot be read: {reason}") from error


def _bounded(raw: bytes, what: str) -> str:
    if len(raw) > MAX_INPUT_BYTES:
        raise EncodingError(f"{what}: larger than {MAX_INPUT_BYTES} bytes")
    try:
        return raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise EncodingError(f"{what}: not text ({error.reason} at byte {error.start})") from error


def load(source: str, *, what: str = "input") -> Loaded:
    """Return what `source` holds. Raises EncodingError or UnsupportedError saying what was expected."""
    return parse(read_text(source, what=what), what=what)


def parse(text: str, *, what: str = "input") -> Loaded:
    """Return what the text holds: 0x hex, or the JSON of a delegation, of a chain, or of a receipt."""
    if text.startswith("0x"):
        return _from_bytes(parse_hex(text, what=what), what)
    if not text:
        raise EncodingError.of(what, expected=_EXPECTED, got="nothing")
    value = parse_json(text, what=what)
    if isinstance(value, str):
        return _from_bytes(parse_hex(value, what=what), what)
    if isinstance(value, list):
        return Chain(tuple(_delegation(item, f"{what}[{i}]") for i, item in enumerate(value)), "JSON chain")
    if isinstance(value, dict):
        return _from_object(value, text, what)
    raise EncodingError.of(what, expected="a JSON object, list or string", got=text)


def _from_object(value: dict[str, Any], text: str, what: str) -> Loaded:
    if "schema" in value:
        return Receipt.from_json(text)
    for key in ("context", "permissionContext", "permissionsContext"):
        if isinstance(value.get(key), str):
            return Chain(decode_context(parse_hex(value[key], what=f"{what}.{key}")), "permission response")
    return Chain((_delegation(value, what),), "JSON delegation")


def _delegation(value: object, what: str) -> Delegation:
    if not isinstance(value, dict):
        raise EncodingError.of(what, expected="the JSON object of a delegation", got=value)
    return Delegation.from_wire(value)


def _from_bytes(data: bytes, what: str) -> Loaded:
    if data[:4] == REDEEM_DELEGATIONS:
        return Call(decode_redeem_delegations(data), data)
    try:
        return Chain(decode_context(data), "permission context")
    except EncodingError as context_error:
        try:
            return Chain((decode_delegation(data),), "encoded delegation")
        except EncodingError:
            raise EncodingError(
                f"{what}: {len(data)} bytes that are no permission context, no delegation and no redeemDelegations"
                f" calldata ({context_error})"
            ) from context_error


def load_chain(source: str) -> tuple[Delegation, ...]:
    """Return the delegations of a context, leaf first. Raises EncodingError for calldata or a receipt."""
    loaded = load(source, what="context")
    if not isinstance(loaded, Chain):
        got = "a receipt" if isinstance(loaded, Receipt) else "redeemDelegations calldata"
        raise EncodingError.of("context", expected="a delegation or a permission context", got=got)
    return loaded.delegations


def load_delegation(source: str) -> Delegation:
    """Return the one delegation of the input. Raises EncodingError for none or several."""
    chain = load_chain(source)
    if len(chain) != 1:
        raise EncodingError(f"delegation: expected exactly one, got {len(chain)}")
    return chain[0]


def private_key(keystore: str | None) -> bytes:
    """Return the private key from a keystore file, or from DELEGATIONS_PRIVATE_KEY.

    The key and the password are read from the environment or asked for; never from the command line.

    Raises:
        EncodingError: no key, a malformed key, a wrong password, or a file that is no keystore.
    """
    if keystore is None:
        text = os.environ.get("DELEGATIONS_PRIVATE_KEY", "")
        if not text:
            raise EncodingError("no key: set DELEGATIONS_PRIVATE_KEY or give --keystore FILE")
        digits = text.removeprefix("0x")
        if not re.fullmatch(r"[0-9a-fA-F]{64}", digits):
            raise EncodingError(f"DELEGATIONS_PRIVATE_KEY: expected 64 hex digits, got {len(digits)} characters")
        return bytes.fromhex(digits)
    return _keystore_key(keystore)


def _keystore_key(keystore: str) -> bytes:
    from getpass import getpass

    from eth_account import Account

    text = read_file(keystore, what="keystore", expected="the path of a V3 keystore file")
    password = os.environ.get("DELEGATIONS_KEYSTORE_PASSWORD")
    if password is None:
        if not sys.stdin.isatty():
            raise EncodingError("keystore: set DELEGATIONS_KEYSTORE_PASSWORD, or run at a terminal to be asked")
        password = getpass("Keystore password: ")
    try:
        return bytes(Account.decrypt(parse_json(text, what="keystore"), password))
    except (
        EncodingError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        NotImplementedError,
    ) as error:
        if "MAC" in str(error):
            raise EncodingError("keystore: wrong password") from None
        raise EncodingError(f"keystore: {abbreviate(keystore)} is not a V3 keystore file") from None


def require_redemptions(loaded: Loaded) -> tuple[Redemption, ...] | None:
    """Return the redemptions of calldata, None for a chain.

    Raises:
        EncodingError: calldata not in canonical form; what is simulated must be what is sent.
        UnsupportedError: a receipt.
    """
    if isinstance(loaded, Receipt):
        raise UnsupportedError("a receipt cannot be redeemed: give a delegation, a context or calldata")
    if not isinstance(loaded, Call):
        return None
    if not loaded.redemptions:
        raise EncodingError("calldata: it redeems nothing")
    if not loaded.is_canonical:
        raise EncodingError(
            "calldata: not the bytes its redemptions encode to (something trails, or it is laid out otherwise)",
            hint="inspect it to see what a manager would read",
        )
    return loaded.redemptions
