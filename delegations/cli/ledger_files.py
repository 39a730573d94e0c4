"""What the commands of the ledger are given: ledgers, keys, envelopes and notes, from files and the environment."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caveats.errors import EncodingError, UnsupportedError, abbreviate
from caveats.strict_json import parse_json
from caveats.types import Bytes32

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import Key

    from delegations.ledger.entry import Record
    from delegations.ledger.ledger import Ledger
    from delegations.ledger.note import SignedNote, VerifierKey
    from delegations.ledger.store import Audit, Store

Place = Annotated[str, typer.Argument(metavar="LEDGER", help="A file, or postgresql://user@host/database.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

KEY_VARIABLE, PASSWORD_VARIABLE = "DELEGATIONS_LEDGER_KEY", "DELEGATIONS_LEDGER_KEY_PASSWORD"
_PEM = "the path of a PEM file"
_SERVER = ("postgresql://", "postgres://")
_MAX_BYTES = 32 << 20
_PAGE, _PLACES = 1_000, 10
_BEGINNING = 4096
_VERIFIER_KEY = re.compile(r"[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")


def is_server(place: str) -> bool:
    """Whether the text names a PostgreSQL rather than a file."""
    return place.startswith(_SERVER)


def make_ledger(place: str, origin: str) -> Ledger:
    """Return a new ledger in a new file, or in a PostgreSQL without one. Raises as `Ledger.create`."""
    from delegations.ledger.ledger import Ledger, make_identity

    identity = make_identity(origin)
    if is_server(place):
        from delegations.ledger.postgres import PostgresStore

        return Ledger(PostgresStore.create(place, identity))
    path = _path(place)
    if path.exists():
        raise EncodingError(f"ledger: {abbreviate(place)} is there already", hint="choose another path")
    return Ledger.create(path, origin=identity.origin, ledger_id=identity.ledger_id)


def open_ledger(place: str, *, is_writer: bool = False) -> Ledger:
    """Return the ledger of a file or a PostgreSQL. Raises EncodingError where no file is, and as `Ledger.open`."""
    from delegations.ledger.ledger import Ledger

    return Ledger(_open_store(place, is_writer))


def _open_store(place: str, is_writer: bool) -> Store:
    if is_server(place):
        from delegations.ledger.postgres import PostgresStore

        return PostgresStore(place, is_writer=is_writer)
    from delegations.ledger.sqlite import SqliteStore

    return SqliteStore(_file(place), is_writer=is_writer)


def audit_of(place: str) -> AbstractContextManager[Audit]:
    """Return all that a file or a PostgreSQL has, for verification, also when it does not open as a ledger."""
    if is_server(place):
        from delegations.ledger.postgres_audit import PostgresAudit

        return PostgresAudit.at(place)
    from delegations.ledger.sqlite_audit import SqliteAudit

    return SqliteAudit(_file(place))


def _path(place: str) -> Path:
    if not place.strip() or "\0" in place:
        raise EncodingError.of("ledger", expected="the path of a ledger, or postgresql://...", got=place or "nothing")
    return Path(place)


def _file(place: str) -> Path:
    path = _path(place)
    if not path.is_file():
        hint = "it is a folder" if path.is_dir() else "there is no such file; `delegations ledger init` makes one"
        raise EncodingError.of("ledger", expected="the path of a ledger, or postgresql://...", got=place, hint=hint)
    return path


def read_private_key(path: str | None) -> Ed25519PrivateKey:
    """Return the private key of a PEM file, or that of the environment. Raises EncodingError; never shows a key."""
    from delegations.cli.load import read_file
    from delegations.receipts.keys import read_ed25519_key

    if path is not None:
        text = read_file(path, what="--key", expected=_PEM)
    else:
        text = os.environ.get(KEY_VARIABLE, "")
        if not text:
            raise EncodingError(f"no key: give --key FILE or set {KEY_VARIABLE} to the text of a PEM file")
    return read_ed25519_key(text, password=os.environ.get(PASSWORD_VARIABLE))


def read_verifier_key(text: str, option: str) -> VerifierKey:
    """Return a verifier key, given as its text or as a file with it. Raises EncodingError naming the option."""
    from delegations.cli.load import read_file
    from delegations.ledger.note import VerifierKey

    expected = "a verifier key such as name+1a2b3c4d+Abc..., or a file with one"
    given = text if _VERIFIER_KEY.match(text) else read_file(text, what=option, expected=expected)
    if "PRIVATE" in given:  # what is wrong with a text is told by showing some of it
        raise EncodingError(f"{option}: that is a private key", hint="`delegations ledger key` prints the public one")
    try:
        return VerifierKey.from_text(given.strip())
    except EncodingError as error:
        raise EncodingError(f"{option}: {error}") from error


def trusted_issuers(keys: list[str] | None, signers: list[str] | None) -> list[Key]:
    """Return the keys that may have signed receipts: PEM files and addresses. Raises EncodingError."""
    from delegations.cli.load import read_file
    from delegations.cli.options import parse_address
    from delegations.receipts.ethereum_key import EthereumKey
    from delegations.receipts.keys import read_public_key

    read = [read_public_key(read_file(path, what="--key", expected=_PEM)) for path in keys or ()]
    return [*read, *(EthereumKey.of(parse_address(text, "--signer")) for text in signers or ())]


def read_sealed(source: str) -> Envelope:
    """Return the envelope behind an argument.

    Raises:
        EncodingError: it holds no JSON, or something that is neither an envelope nor a receipt.
        UnsupportedError: a receipt that nobody has signed.
    """
    return _sealed(_json(source), source)


def _json(source: str) -> Any:
    from delegations.cli.load import read_text

    what = "standard input" if source == "-" else abbreviate(source)
    text = read_text(source, what=what)
    if not text:
        raise EncodingError.of(what, expected="the JSON of an envelope with a receipt", got="nothing")
    return parse_json(text, what=what, exact=True)


def _sealed(value: object, source: str) -> Envelope:
    from delegations.receipts.envelope import read_envelope

    if isinstance(value, dict) and "schema" in value:
        raise UnsupportedError(
            f"{abbreviate(source)}: a receipt that nobody has signed; a ledger takes envelopes",
            hint="`delegations receipt sign` makes one",
        )
    if not isinstance(value, dict) or "payload" not in value:
        raise EncodingError.of(abbreviate(source), expected="the JSON of an envelope with a receipt", got=value)
    return read_envelope(json.dumps(value))


def find_record(ledger: Ledger, which: str) -> Record:
    """Return the entry that is meant by its index, by the hash of its receipt, or by a file with receipt or envelope.

    Raises:
        EncodingError: there is none, or several hold that receipt.
    """
    from delegations.ledger.entry import entry_of
    from delegations.receipts.envelope import unsafe_read_receipt
    from delegations.receipts.model import Receipt

    if _INDEX.match(which):
        return ledger.read(int(which))
    if _DIGEST.match(which):
        return _only(ledger, which, None)
    value = _json(which)
    if isinstance(value, dict) and "schema" in value:
        return _only(ledger, Receipt.from_wire(value).hash, None)
    envelope = _sealed(value, which)
    return _only(ledger, unsafe_read_receipt(envelope).hash, entry_of(envelope))


def _only(ledger: Ledger, receipt: str, entry: bytes | None) -> Record:
    found: list[Record] = []
    start: int | None = 0
    while start is not None and len(found) <= _PLACES:  # anybody may have put it in a thousand other envelopes before
        page = ledger.search(receipt=receipt, start=start, limit=_PAGE)
        found += [record for record in page.records if entry is None or record.entry_bytes == entry]
        start = page.next
    if not found:
        more = "" if entry is None else " in that envelope"
        raise EncodingError(f"ledger: no entry holds the receipt {receipt}{more}", hint="append it first")
    if len(found) > 1:
        places = ", ".join(str(record.index) for record in found[:_PLACES])
        raise EncodingError(f"ledger: entries {places} hold the receipt {receipt}", hint="give the index")
    return found[0]


def read_note(source: str, option: str) -> SignedNote:
    """Return the signed note of a file, or of standard input for "-". Raises EncodingError naming the option."""
    from delegations.ledger.note import SignedNote

    return SignedNote.from_text(read_bytes(source, option))


def read_bytes(source: str, what: str) -> bytes:
    """Return the bytes of a file or of standard input, exactly. Raises EncodingError."""
    if source == "-":
        raw = sys.stdin.buffer.read(_MAX_BYTES)
    else:
        try:
            with _path(source).open("rb") as file:
                raw = file.read(_MAX_BYTES)
        except FileNotFoundError:
            raise EncodingError.of(what, expected="a file", got=source, hint="there is no such file") from None
        except OSError as error:
            raise EncodingError(f"{what}: {abbreviate(source)} cannot be read: {error.strerror or error}") from error
    if b"PRIVATE" in raw[:_BEGINNING]:  # what is wrong with a file is told by showing some of it
        raise EncodingError(
            f"{what}: {abbreviate(source)} holds a private key", hint="it is not what is asked for here"
        )
    return raw


def require_like(path: str, like: re.Pattern[bytes], option: str) -> None:
    """Raise EncodingError when a file of another sort is there: a slip must not cost a ledger or a key."""
    try:
        with _path(path).open("rb") as file:
            there = file.read(_BEGINNING)
    except OSError:  # nothing there, or nothing that can be replaced
        return
    if there and not like.match(there):
        raise EncodingError(
            f"{option}: {abbreviate(path)} is there already, and of another sort than what would replace it",
            hint="choose another path, or move it away",
        )


def parse_hash(text: str, option: str) -> Bytes32:
    """Return the 32 bytes given for an option. Raises EncodingError naming the option."""
    try:
        return Bytes32(text)
    except EncodingError as error:
        raise EncodingError(f"{option}: {error}") from error


def say(value: dict[str, Any], text: str, as_json: bool) -> None:
    """Print the value for programs, or the text for people."""
    from delegations.cli.render import clean, emit

    if as_json:
        print_json(value)
    else:
        emit("".join(f"{clean(line)}\n" for line in text.split("\n")))


def print_json(value: object) -> None:
    """Print JSON."""
    from delegations.cli.render import emit

    emit(json.dumps(value, indent=2) + "\n")
