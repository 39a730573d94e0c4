"""A person at a terminal: only the word "yes" grants, and only where there is a terminal."""

from __future__ import annotations

import io
import os
import pty
from typing import TextIO

import pytest

from delegations.permissions.wallet import ProviderError, TerminalApprover, approver
from tests.unit.permissions.wallet.stage import ORIGIN, Wallet


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def decide(said: str) -> tuple[bool, str]:
    screen = Screen()
    wallet = Wallet(approver=TerminalApprover(Screen(said), screen))
    try:
        wallet.request()
    except ProviderError as error:
        if error.rpc_code != 4001:
            raise
        return False, screen.getvalue()
    return True, screen.getvalue()


def test_yes_grants_what_was_shown() -> None:
    granted, shown = decide("yes\n")
    assert granted
    assert ORIGIN in shown
    assert "At most" in shown


@pytest.mark.parametrize("said", ["", "\n", "y\n", "YES\n", "yes please\n", "no\n", "\x1b[A\n"])
def test_anything_else_refuses(said: str) -> None:
    assert not decide(said)[0]


@pytest.mark.parametrize(("source", "out"), [(io.StringIO("yes\n"), Screen()), (Screen("yes\n"), io.StringIO())])
def test_without_a_terminal_nothing_is_granted_and_nothing_is_read(source: TextIO, out: TextIO) -> None:
    wallet = Wallet(approver=TerminalApprover(source, out))
    with pytest.raises(ProviderError) as caught:
        wallet.request()
    assert caught.value.rpc_code == 4001
    assert source.tell() == 0


def test_after_the_wallet_was_stopped_nobody_is_asked() -> None:
    screen = Screen()
    terminal = TerminalApprover(Screen("yes\n"), screen)
    wallet = Wallet(approver=terminal)
    wallet.request()
    terminal.stop()
    before = screen.getvalue()
    with pytest.raises(ProviderError) as caught:
        wallet.request()
    assert caught.value.rpc_code == 4001
    assert screen.getvalue() == before


def test_a_closed_terminal_refuses() -> None:
    class Gone(Screen):
        def readline(self, *_size: int) -> str:
            raise OSError("input/output error")

    wallet = Wallet(approver=TerminalApprover(Gone(), Screen()))
    with pytest.raises(ProviderError):
        wallet.request()
    assert "the terminal is gone" in wallet.lines[0]


@pytest.mark.parametrize(("before", "after", "is_granted"), [(b"", b"yes\n", True), (b"yes\n", b"no\n", False)])
def test_at_a_real_terminal_only_what_is_typed_after_the_question_counts(
    before: bytes, after: bytes, is_granted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pty.openpty()
    forget = approver._forget_typed

    def type_after(source: TextIO) -> None:
        forget(source)
        os.write(ours, after)

    monkeypatch.setattr(approver, "_forget_typed", type_after)
    os.write(ours, before)
    with open(theirs, encoding="utf-8") as keyboard:
        wallet = Wallet(approver=TerminalApprover(keyboard, Screen()))
        if is_granted:
            assert wallet.request()
        else:
            with pytest.raises(ProviderError, match="refused"):
                wallet.request()
    os.close(ours)
