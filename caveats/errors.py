"""The one error tree. Families say who is at fault.

DelegationsError
├── EncodingError          bad bytes, bad values, bad files: the input is at fault
├── VerificationError      not authorised: a signature, an authority or a proof does not hold
├── UnsupportedError       unknown or not built in: refused rather than guessed
├── ExecutionError         the chain said no
└── EngineError            we could not ask; never to be read as "no", and never as "yes"
    └── TransportError     ... because the other side could not be reached
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from caveats.depth import DEEPEST, is_deep

if TYPE_CHECKING:
    from pydantic import ValidationError

_SHOWN = 96
# pydantic's kinds of failure, in our words
_EXPECTED = {
    "json_invalid": "valid JSON",
    "json_type": "JSON text",
    "model_type": "an object with named fields",
    "model_attributes_type": "an object with named fields",
    "dict_type": "an object with named fields",
    "tuple_type": "a list",
    "list_type": "a list",
}


def abbreviate(value: object) -> str:
    """Return `value` as printable text of about 96 characters: no error prints a megabyte or a line end."""
    text = _show(value)
    return _printable(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 24]}... ({len(text)} characters)")


def _show(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if is_deep(value):  # printing it would exhaust the stack
        return f"{type(value).__name__} nested more than {DEEPEST} deep"
    try:
        return repr(value)
    except ValueError:  # Python refuses to write out integers of thousands of digits
        return f"{type(value).__name__} too long to print"


def _printable(text: str) -> str:
    # an error is one line wherever it is shown: line ends, terminal codes and lone surrogates become escapes
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class DelegationsError(Exception):
    """Root of every error this toolkit raises.

    Attributes:
        code: stable identifier of the kind of failure, for programs.
        hint: what to do about it, when there is one thing to do.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message} ({hint})")
        self.hint = hint


class EncodingError(DelegationsError):
    """A value, a byte string or a file is not what the format demands."""

    code = "encoding"

    @classmethod
    def of(cls, what: str, *, expected: str, got: object, hint: str | None = None) -> EncodingError:
        """Return the error in the house form: what, expected, got, what to do."""
        return cls(f"{what}: expected {expected}, got {abbreviate(got)}", hint=hint)

    @classmethod
    def from_pydantic(cls, title: str, error: ValidationError) -> EncodingError:
        """Return the first failure of a pydantic validation as one line of our own."""
        failures = error.errors(include_url=False)
        # a misspelt field shows as one unknown and one missing: the unknown one says more
        first = min(failures, key=lambda failure: failure["type"] != "extra_forbidden")
        where = ".".join(abbreviate(str(part)) for part in first["loc"])
        place = f"{title}.{where}" if where else title
        kind = first["type"]
        if kind == "missing":
            return cls(f"{place}: this field is required")
        if kind == "extra_forbidden":
            return cls(f"{place}: there is no such field", hint="remove it or check its spelling")
        message = first["msg"]
        if kind == "value_error":
            return cls(f"{place}: {message.removeprefix('Value error, ')}")
        hint = str(first["ctx"]["error"]) if kind == "json_invalid" else None
        expected = _EXPECTED.get(kind, message.removeprefix("Input should be "))
        return cls.of(place, expected=expected, got=first["input"], hint=hint)


class VerificationError(DelegationsError):
    """Something is not authorised. `onchain` names the error the framework would give.

    Attributes:
        onchain: the on-chain twin, such as `InvalidAuthority()` or `LimitedCallsEnforcer:limit-exceeded`.
    """

    code = "verification"

    def __init__(self, message: str, *, onchain: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.onchain = onchain


class UnsupportedError(DelegationsError):
    """The input is well formed but not known or not built in; refused rather than guessed."""

    code = "unsupported"


class ExecutionError(DelegationsError):
    """The chain said no.

    Attributes:
        revert_data: the raw bytes the call reverted with; empty when it gave none.
    """

    code = "execution"

    def __init__(self, message: str, *, revert_data: bytes = b"", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.revert_data = revert_data


class EngineError(DelegationsError):
    """The engine could not answer. Not a "no", and not a "yes"."""

    code = "engine"


class TransportError(EngineError):
    """The other side could not be reached, or answered with something that is not an answer."""

    code = "transport"
