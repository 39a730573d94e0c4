"""Signed notes: a text, and the signatures under it, as lines that people can read and copy.

    <text, ending in a newline>

    — <key name> <base64 of 4 bytes of key id and the signature>

The key id is SHA-256(name, newline, kind, public key)[:4]. A key is written down as `<name>+<key id>+<base64 of kind
and public key>`, its private half as `PRIVATE+KEY+<name>+<key id>+<base64 of kind and seed>`.

Source: C2SP signed-note, format, signatures and verifier keys; golang.org/x/mod/sumdb/note for the private half.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, NoReturn, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from caveats.errors import EncodingError, UnsupportedError, VerificationError, abbreviate

ED25519: Final = 0x01
"""A key that signs the text of a note."""
COSIGNATURE: Final = 0x04
"""A witness' key: it signs the text of a checkpoint, and when; see `cosignature`."""

MAX_NOTE_BYTES: Final = 1 << 20
MAX_SIGNATURES: Final = 64
_KINDS = {ED25519: "Ed25519", COSIGNATURE: "Ed25519 cosignature/v1"}
_KEY_BYTES = 32
_ID_BYTES = 4
_MAX_NAME = 255
_DASH = "\N{EM DASH}"
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_KEY_ID = re.compile(r"[0-9a-f]{8}\Z")
_PRIVATE = "PRIVATE+KEY+"


class NoteSignature(NamedTuple):
    """One line under a note: who signed, by name and key id, and the bytes."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text and the signatures under it. Reading one verifies nothing.

    Attributes:
        text: what was signed; its last character is a newline.
        signatures: in the order of their lines, those of strangers included.
    """

    text: str
    signatures: tuple[NoteSignature, ...]

    def to_text(self) -> str:
        """Return the note as it is written to a file."""
        lines = (
            f"{_DASH} {line.name} {base64.b64encode(line.key_id + line.signature).decode()}\n"
            for line in self.signatures
        )
        return f"{self.text}\n{''.join(lines)}"

    @classmethod
    def from_text(cls, text: str | bytes) -> Self:
        """Return the note that was written.

        Raises:
            EncodingError: not UTF-8, a control character, no blank line before the signatures, a line that is not a
                signature, base64 of another spelling than the usual one, over a MiB, or over 64 signatures.
        """
        decoded = _decode(text)
        body, separator, below = decoded.rpartition("\n\n")
        if not separator or not body:
            raise EncodingError("note: expected a text, a blank line and the signatures, got no blank line")
        if not below.endswith("\n"):
            raise EncodingError("note: expected a newline after the last signature", hint="the file may be cut short")
        lines = below[:-1].split("\n")
        if len(lines) > MAX_SIGNATURES:
            raise EncodingError.of("note", expected=f"up to {MAX_SIGNATURES} signatures", got=len(lines))
        return cls(body + "\n", tuple(_read_line(line, number) for number, line in enumerate(lines)))

    def with_signature(self, line: NoteSignature) -> SignedNote:
        """Return the note with one more signature. Raises EncodingError when that key has signed, or it is full."""
        if any((line.name, line.key_id) == (given.name, given.key_id) for given in self.signatures):
            raise EncodingError(f"note: {abbreviate(line.name)} has signed it already")
        if len(self.signatures) == MAX_SIGNATURES:
            raise EncodingError(f"note: it has {MAX_SIGNATURES} signatures, and takes no more")
        return SignedNote(self.text, (*self.signatures, line))


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a key: whose it is, what it signs, and the 32 bytes of an Ed25519 key.

    Attributes:
        name: such as "example.org/agents"; for a log's key the log's origin.
        public: the Ed25519 public key.
        kind: ED25519 or COSIGNATURE.
    """

    name: str
    public: bytes
    kind: int = ED25519

    def __post_init__(self) -> None:
        require_name(self.name)
        if self.kind not in _KINDS:
            raise UnsupportedError(
                f"verifier key: expected an Ed25519 key of kind 1, or 4 for a witness, got kind {self.kind}"
            )
        if len(self.public) != _KEY_BYTES:
            raise EncodingError.of("verifier key", expected=f"{_KEY_BYTES} bytes", got=f"{len(self.public)} bytes")

    @property
    def key_id(self) -> bytes:
        """The four bytes that lead a signature by this key."""
        named = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(named).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the key that `str` writes.

        Raises:
            EncodingError: not such text, or a key id that is not that of the key.
            UnsupportedError: a key of another kind.
        """
        name, key_id, data = _split_key(text, "verifier key")
        key = cls(name, data[1:], data[0])
        if key.key_id.hex() != key_id:
            raise EncodingError.of(
                f"verifier key {abbreviate(name)}", expected=f"the key id {key.key_id.hex()}", got=key_id
            )
        return key

    def require_kind(self, kind: int) -> None:
        """Raise UnsupportedError unless the key is of that kind: a witness' key is no log's key."""
        if self.kind != kind:
            raise UnsupportedError(
                f"verifier key {abbreviate(self.name)}: expected a key of kind {kind} ({_KINDS[kind]}),"
                f" got {self.kind} ({_KINDS[self.kind]})"
            )

    def find(self, note: SignedNote) -> bytes | None:
        """Return the signature under the note that is said to be by this key, None when there is none.

        Raises:
            VerificationError: two of them.
        """
        own = self.key_id
        found = [line.signature for line in note.signatures if (line.name, line.key_id) == (self.name, own)]
        if len(found) > 1:
            raise VerificationError(f"note: {abbreviate(self.name)} is said to have signed it {len(found)} times")
        return found[0] if found else None

    def check(self, signature: bytes, message: bytes) -> None:
        """Return when these bytes are the key's Ed25519 signature of the message. Raises VerificationError."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise VerificationError(f"note: the signature by {abbreviate(self.name)} does not hold") from error


class NoteSigner:
    """The private half of a key. It never becomes part of a message."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey, *, kind: int = ED25519) -> None:
        self._private = private_key
        self.key = VerifierKey(name, private_key.public_key().public_bytes_raw(), kind)

    @classmethod
    def from_text(cls, text: str) -> NoteSigner:
        """Return the key of `PRIVATE+KEY+...` text.

        Raises:
            EncodingError: not such text, or a key id that is not that of the key.
            UnsupportedError: a key of another kind.
        """
        what = "private key"
        if not text.startswith(_PRIVATE):
            raise EncodingError(f"{what}: expected text that begins with {_PRIVATE}")
        name, key_id, data = _split_key(text.removeprefix(_PRIVATE), what, secret=True)
        if len(data) != 1 + _KEY_BYTES:
            raise EncodingError(f"{what}: expected a seed of {_KEY_BYTES} bytes, got {len(data) - 1}")
        signer = cls(name, Ed25519PrivateKey.from_private_bytes(data[1:]), kind=data[0])
        if signer.key.key_id.hex() != key_id:
            raise EncodingError(f"{what}: its key id is not that of the key", hint="copy it again")
        return signer

    def sign_bytes(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of these bytes."""
        return self._private.sign(message)

    def line(self, signature: bytes) -> NoteSignature:
        """Return the line that says this key made this signature."""
        return NoteSignature(self.key.name, self.key.key_id, signature)

    def __repr__(self) -> str:
        return f"NoteSigner({self.key})"

    def __reduce__(self) -> NoReturn:
        raise EncodingError("NoteSigner: a private key is not written down")


def sign_note(text: str, signer: NoteSigner) -> SignedNote:
    """Return the text signed.

    Raises:
        EncodingError: no newline at its end, a control character, or too long.
        UnsupportedError: a witness' key, which signs checkpoints only.
    """
    signer.key.require_kind(ED25519)
    _decode(text)
    if not text.endswith("\n") or len(text) < 2:
        raise EncodingError.of("note", expected="text that ends in a newline", got=text)
    return SignedNote(text, (signer.line(signer.sign_bytes(text.encode())),))


def verify_note(note: SignedNote, keys: Sequence[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Return the keys whose signatures of the note hold: at least one, in the order of `keys`.

    Signatures by keys that are not given are ignored: a note may be signed by those one does not know.

    Raises:
        VerificationError: none of the keys has signed it, one of them twice, or a signature by one does not hold.
        UnsupportedError: one of the keys is a witness'.
    """
    held = []
    for key in keys:
        key.require_kind(ED25519)
        signature = key.find(note)
        if signature is not None:
            key.check(signature, note.text.encode())
            held.append(key)
    if not held:
        names = ", ".join(abbreviate(f"{key.name} (key id {key.key_id.hex()})") for key in keys) or "nobody"
        raise VerificationError(f"note: expected a signature by {names}, got none")
    return tuple(held)


def read_base64(text: str, what: str) -> bytes:
    """Return the bytes of standard base64 in its one spelling. Raises EncodingError for any other."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EncodingError.of(what, expected="base64", got=text) from error
    if base64.b64encode(data).decode() != text:  # padding bits that say nothing would give one note many spellings
        raise EncodingError.of(what, expected="base64 in its one spelling", got=text)
    return data


def _decode(text: str | bytes) -> str:
    if len(text) > MAX_NOTE_BYTES:
        raise EncodingError.of("note", expected=f"up to {MAX_NOTE_BYTES} bytes", got=f"{len(text)}")
    try:
        if isinstance(text, bytes):
            text = text.decode()
        else:
            text.encode()
    except UnicodeError as error:
        raise EncodingError(f"note: not UTF-8 ({error.reason} at {error.start})") from error  # type: ignore[attr-defined]  # both kinds of UnicodeError here have them
    found = _CONTROL.search(text)
    if found is not None:
        raise EncodingError.of("note", expected="no control characters but newlines", got=found.group())
    return text


def _read_line(line: str, number: int) -> NoteSignature:
    what = f"note, signature {number}"
    dash, *rest = line.split(" ")
    if dash != _DASH or len(rest) != 2:
        raise EncodingError.of(what, expected=f"{_DASH}, a name and base64, each after one space", got=line)
    name, encoded = rest
    require_name(name, what)
    data = read_base64(encoded, what)
    if len(data) <= _ID_BYTES:
        raise EncodingError.of(what, expected=f"{_ID_BYTES} bytes of key id and a signature", got=f"{len(data)} bytes")
    return NoteSignature(name, data[:_ID_BYTES], data[_ID_BYTES:])


def require_name(name: Any, what: str = "key") -> None:
    """Raise EncodingError unless signed notes take the name, as a log's or a witness'."""
    if (
        not isinstance(name, str)
        or not 1 <= len(name.encode(errors="replace")) <= _MAX_NAME
        or "+" in name
        or any(character.isspace() for character in name)
        or not name.isprintable()
    ):
        raise EncodingError.of(
            f"{what}: name", expected=f"1 to {_MAX_NAME} bytes without spaces and without +", got=name
        )


def _split_key(text: str, what: str, *, secret: bool = False) -> tuple[str, str, bytes]:
    parts = text.split("+", 2)
    if len(parts) != 3 or not _KEY_ID.match(parts[1]):
        expected = f"{_PRIVATE if secret else ''}<name>+<8 hex digits>+<base64>"
        # a private key is not repeated in a message
        is_shown = not secret and "PRIVATE" not in text
        raise EncodingError(f"{what}: expected {expected}" + (f", got {abbreviate(text)}" if is_shown else ""))
    name, key_id, encoded = parts
    try:
        data = read_base64(encoded, what)
    except EncodingError:
        raise EncodingError(f"{what}: expected base64 after the key id") from None
    if not data:
        raise EncodingError(f"{what}: it has no key")
    return name, key_id, data
