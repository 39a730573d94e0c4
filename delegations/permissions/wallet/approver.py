"""Who decides: a person at a terminal, a function, or a written policy. Without any of these the answer is no."""

from __future__ import annotations

import select
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from delegations.permissions.model import PermissionRequest
from delegations.permissions.wallet.question import Question

_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of a question.

    Attributes:
        is_granted: whether all of it is.
        reason: why not, for the wallet's operator; the site is not told.
        adjusted: what is granted in the place of what was asked, in the same order; None for exactly what was asked.
    """

    is_granted: bool
    reason: str = ""
    adjusted: tuple[PermissionRequest, ...] | None = None


class Approver(Protocol):
    """Decides on questions."""

    def decide(self, question: Question) -> Decision:
        """Return the decision. May take as long as a person does."""


def grant(adjusted: tuple[PermissionRequest, ...] | None = None) -> Decision:
    """Return a yes, to what was asked or to less."""
    return Decision(is_granted=True, adjusted=adjusted)


def refuse(reason: str) -> Decision:
    """Return a no, with why, for the operator."""
    return Decision(is_granted=False, reason=reason)


class RefusingApprover:
    """Says no to everything: what stands where nobody was put."""

    def decide(self, question: Question) -> Decision:
        """Return a no."""
        return refuse("nobody is here to decide: give a policy, or run at a terminal")


@dataclass(frozen=True)
class CallbackApprover:
    """Leaves it to a function.

    Args:
        ask: returns True, a Decision, or False. Anything else is a no.
    """

    ask: Callable[[Question], Decision | bool]

    def decide(self, question: Question) -> Decision:
        """Return what the function says."""
        said = self.ask(question)
        if isinstance(said, Decision):
            return said
        return grant() if said is True else refuse("the function said no")


@dataclass(frozen=True)
class TerminalApprover:
    """Shows the question at a terminal and takes the word "yes", written out, for a yes.

    What was typed before the question stood there is no answer to it and is thrown away.

    Args:
        source: where the answer is read from; standard input when None.
        out: where the question is shown; standard error when None.
    """

    source: TextIO | None = None
    out: TextIO | None = None
    _ended: threading.Event = field(default_factory=threading.Event, init=False, repr=False, compare=False)

    def stop(self) -> None:
        """Take back the question that stands, and refuse those to come: nobody waits for an answer any more."""
        self._ended.set()

    def decide(self, question: Question) -> Decision:
        """Ask the person. A no when this is no terminal, or when it is closed."""
        source = sys.stdin if self.source is None else self.source
        out = sys.stderr if self.out is None else self.out
        if not (source.isatty() and out.isatty()):
            return RefusingApprover().decide(question)
        if self._ended.is_set():
            return refuse("the wallet is ending")
        try:
            out.write("".join(f"{line}\n" for line in ("", *question.lines())))
            out.write('Type "yes" to grant all of this, anything else to refuse: ')
            out.flush()
            _forget_typed(source)
            if not self._wait_for_line(source):
                out.write("\nNobody waits for the answer any more.\n")
                return refuse("the wallet is ending")
            said = source.readline()
        except (OSError, ValueError) as error:
            return refuse(f"the terminal is gone: {error}")
        return grant() if said.strip() == "yes" else refuse("refused at the terminal")

    def _wait_for_line(self, source: TextIO) -> bool:
        """Return once there is something to read, or False when `stop` was called before."""
        try:
            while not select.select([source], [], [], _LOOK_SECONDS)[0]:
                if self._ended.is_set():
                    return False
        except (OSError, ValueError):  # what cannot be waited for is read at once, as on Windows
            pass
        return True


def _forget_typed(source: TextIO) -> None:
    try:
        import termios
    except ImportError:  # another system's terminals
        return
    with suppress(OSError, termios.error):  # nothing that keys wait in
        termios.tcflush(source.fileno(), termios.TCIFLUSH)
