"""What the corpus of mined transactions prints for each case."""

from scripts.figures.harness import Measured, Missing
from scripts.figures.receipts import _compared


def test_a_case_read_as_expected_says_what_was_expected_and_what_was_got():
    said = "two calls: expected executed + failed, got executed + failed"
    assert _compared("two calls", ("executed", "failed"), ("executed", "failed")) == Measured(2, of=said)


def test_a_case_read_otherwise_is_an_error():
    assert _compared("a call", ("executed",), ()) == Missing("a call", "expected executed, got no redemption")
