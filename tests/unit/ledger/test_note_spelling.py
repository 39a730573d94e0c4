"""Whatever is read has one spelling: what was read is written again byte for byte, or it is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from caveats.errors import DelegationsError
from delegations.ledger.checkpoint import Checkpoint, sign_checkpoint
from delegations.ledger.cosignature import cosign_checkpoint
from delegations.ledger.note import SignedNote, VerifierKey
from delegations.ledger.proof_file import ProofFile
from tests.unit.ledger.notes import LOG, ORIGIN, WITNESSES

CHECKPOINT = Checkpoint(ORIGIN, 11, bytes(range(32)), ("an extension",))
NOTE = cosign_checkpoint(sign_checkpoint(CHECKPOINT, LOG), WITNESSES[0], log_key=LOG.key, at=1_800_000_000)
PROOF = ProofFile(b"extra", 3, (bytes(32), b"\xff" * 32), NOTE)

Reader = Callable[[str], str]
READERS: dict[str, tuple[str, Reader]] = {
    "note": (NOTE.to_text(), lambda text: SignedNote.from_text(text).to_text()),
    "checkpoint": (CHECKPOINT.to_text(), lambda text: Checkpoint.from_text(text).to_text()),
    "key": (str(LOG.key), lambda text: str(VerifierKey.from_text(text))),
    "proof": (PROOF.to_text(), lambda text: ProofFile.from_text(text).to_text()),
}
PIECES = st.sampled_from(
    ["", " ", "\n", "\n\n", "=", "A", "0", "-", "+", "\N{EM DASH}", "é", "\0", "\ud800", "٣", "\x7f"]
)


@pytest.mark.parametrize("name", READERS)
def test_what_we_write_is_read_and_written_again_alike(name: str) -> None:
    text, again = READERS[name]
    assert again(text) == text


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_what_is_read_is_written_again_alike_or_refused(name: str, data: st.DataObject) -> None:
    text, again = READERS[name]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        stop = data.draw(st.integers(start, min(len(text), start + 4)))
        text = text[:start] + data.draw(PIECES) + text[stop:]
    try:
        written = again(text)
    except DelegationsError:
        return
    assert written == text


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=100, deadline=None)
@given(text=st.text())
@example(text="")
@example(text="\n" * 5)
def test_any_text_is_read_or_refused_in_our_words(name: str, text: str) -> None:
    _, again = READERS[name]
    message = ""
    try:
        assert again(text) == text
    except DelegationsError as error:
        message = str(error)
    assert message.isprintable()
