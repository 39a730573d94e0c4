"""The quick way to canonical bytes gives what the library of RFC 8785 gives, or refuses with it."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from delegations.receipts.canonical import canonical_bytes

# everything that has an escape of its own, separators that JavaScript once took for line ends, and both sides of the
# surrogates: there the order of code points and that of UTF-16 part ways
_AWKWARD = '\x00\b\t\n\x0b\f\r\x1f "/\\\x7f\x80\u2028\u2029\ud7ff\ue000\ufb01\uffff\U00010000\U0001f600\U0010ffff'
_texts = st.one_of(
    st.text(st.sampled_from(_AWKWARD), max_size=4), st.text(max_size=6), st.text(st.characters(), max_size=3)
)
_scalars = st.one_of(
    _texts,
    st.booleans(),
    st.none(),
    st.integers(),
    st.sampled_from([0, -1, 2**53 - 1, 2**53, -(2**53) + 1, -(2**53), 2**256 - 1]),
    st.floats(),
    st.sampled_from(["\ud800", "\udfff\ud800"]),
)
_values = st.recursive(
    _scalars, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_texts, inner, max_size=5))
)


def _outcome(function: Any, value: object) -> object:
    try:
        return function(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, ValueError) as error:
        return type(error)


@given(_values)
@example({"\U00010000": 1, "\ufb01": 2})
@example({"\ud800": 1})
@example(["\u2028\x7f\x1f"])
@example([1.0, True, 1])
@example([2**53])
def test_it_is_that_of_the_library(value: object) -> None:
    assert _outcome(canonical_bytes, value) == _outcome(rfc8785.dumps, value)


@pytest.mark.parametrize("key", [1, None, True, 1.5, b"x"])
def test_a_key_that_is_no_text_is_refused(key: Any) -> None:
    assert _outcome(canonical_bytes, {key: "x"}) == _outcome(rfc8785.dumps, {key: "x"})
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical_bytes({"inside": [{key: "x"}]})


class _Text(str):
    """Text that is also something else."""


@pytest.mark.parametrize("value", [_Text("x"), ("a", "b"), {"a": ("b", 1)}, [_Text("x")], {_Text("k"): 1}, "x", 1])
def test_other_types_are_left_to_the_library(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)
