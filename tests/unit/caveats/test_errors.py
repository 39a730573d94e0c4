"""The error tree, and what every error looks like."""

import ast
from pathlib import Path

import pytest

from caveats import (
    DelegationsError,
    EncodingError,
    EngineError,
    ExecutionError,
    TermsError,
    TransportError,
    UnsupportedError,
    VerificationError,
)
from caveats.errors import abbreviate

ROOT = Path(__file__).parents[3]
CODES = {
    DelegationsError: "error",
    EncodingError: "encoding",
    TermsError: "encoding.terms",
    VerificationError: "verification",
    UnsupportedError: "unsupported",
    ExecutionError: "execution",
    EngineError: "engine",
    TransportError: "transport",
}


def find_error_classes():
    """Name and literal `code` of every error class in the sources; None where a class has no code of its own."""
    for package in ("caveats", "delegations"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                # a private one is a signal inside its module and never reaches a caller
                is_public = isinstance(node, ast.ClassDef) and not node.name.startswith("_")
                if is_public and any(is_error(base) for base in node.bases):
                    yield node.name, next(filter(None, map(read_code, node.body)), None)


def is_error(base):
    return isinstance(base, ast.Name) and (base.id == "Exception" or base.id.endswith("Error"))


def read_code(statement):
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    named = any(isinstance(target, ast.Name) and target.id == "code" for target in targets)
    return statement.value.value if named and isinstance(statement.value, ast.Constant) else None


@pytest.mark.parametrize(("cls", "code"), CODES.items(), ids=lambda value: getattr(value, "__name__", value))
def test_a_code_stays_what_programs_know(cls, code):
    assert cls.code == code


def test_every_error_has_a_code_of_its_own():
    found = dict(find_error_classes())
    assert [name for name, code in found.items() if not code] == []
    assert len(set(found.values())) == len(found)
    assert {cls.__name__: code for cls, code in CODES.items()}.items() <= found.items()


def test_could_not_ask_is_neither_no_nor_bad_input():
    assert issubclass(TransportError, EngineError)
    for verdict in (VerificationError, ExecutionError, EncodingError, UnsupportedError):
        assert not issubclass(EngineError, verdict)
        assert not issubclass(verdict, EngineError)


def test_a_hint_stands_at_the_end_of_the_message_and_by_itself():
    error = EncodingError("the sky: expected blue, got green", hint="wait for the morning")
    assert str(error) == "the sky: expected blue, got green (wait for the morning)"
    assert error.hint == "wait for the morning"


def test_an_error_without_a_hint_is_its_message():
    assert (str(DelegationsError("no")), DelegationsError("no").hint) == ("no", None)


def test_errors_carry_what_the_chain_said():
    assert VerificationError("no", onchain="InvalidDelegate()").onchain == "InvalidDelegate()"
    assert VerificationError("no").onchain is None
    assert TermsError("no").onchain == ""
    assert ExecutionError("no", revert_data=b"\x01").revert_data == b"\x01"
    assert ExecutionError("no").revert_data == b""


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("text", "text"),
        (b"\x01\xff", "0x01ff"),
        (5, "5"),
        (None, "None"),
        ("two\nlines", "two\\nlines"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\u202egnp", "\\u202egnp"),
        ("\ud800", "\\ud800"),
        (10**5000, "int too long to print"),
    ],
    ids=lambda value: repr(value)[:12] if not isinstance(value, int) or value < 10**100 else "huge",
)
def test_a_value_is_shown_so_that_it_can_be_printed(value, shown):
    assert abbreviate(value) == shown


def test_a_long_value_is_cut_and_its_length_told():
    assert abbreviate("a" * 96) == "a" * 96
    assert abbreviate("a" * 97) == "a" * 72 + "... (97 characters)"
    assert abbreviate(bytes(10**6)).endswith("... (2000002 characters)")


def test_a_value_that_cannot_be_printed_without_end_is_told_by_its_kind():
    endless = {"a": []}
    assert abbreviate(endless) == "{'a': []}"
    endless["a"].append(endless)
    assert abbreviate(endless) == "dict nested more than 64 deep"
