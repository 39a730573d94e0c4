"""Break a ledger in every way a machine can, and count what was lost.

    python -m tests.e2e.ledger_crash <kind of fault> <stride> <directory>

prints a Tally as JSON. A process of its own, because it forks: each fault strikes a child, which is really killed.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from shutil import copyfile
from typing import Any

from caveats.errors import EngineError
from delegations.ledger.entry import leaf_of
from delegations.ledger.ledger import Ledger
from delegations.ledger.sqlite import SqliteStore
from delegations.ledger.sqlite_file import connect
from tests.unit.ledger.makers import ORIGIN, chained, make_ledger

BEFORE, GROUP = 5, 3
TOTAL = 40


@dataclass
class Tally:
    """What was tried, and what came of it.

    Attributes:
        tried: faults that struck.
        acknowledged: entries that were acknowledged before they did.
        lost: acknowledged entries that were not there afterwards.
        wrong: times something else than whole, right appends was shown, verification found damage, or a fault did not
            strike or was not told in the house's words.
        kept: times the append that was struck turned out to be there, as a whole.
        refused: appends to a full disk that were refused in the house's words.
    """

    tried: int = 0
    acknowledged: int = 0
    lost: int = 0
    wrong: int = 0
    kept: int = 0
    refused: int = 0


class Stage:
    """A ledger of a few entries, to be copied and struck again and again."""

    def __init__(self, directory: Path) -> None:
        self.sealed = chained(TOTAL)
        self.leaves = [leaf_of(sealed.envelope) for sealed in self.sealed]
        self.original = directory / "original"
        self.path = directory / "struck"
        make_ledger(self.original, BEFORE)

    def reset(self) -> None:
        """Put the ledger back as it was."""
        for suffix in ("-wal", "-shm", ".lock"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        copyfile(self.original, self.path)

    def inspect(self, tally: Tally, acknowledged: int, *, unit: int) -> None:
        """Count what is there after a fault, and go on from it.

        Args:
            tally: takes the counts.
            acknowledged: how many entries there must be at least.
            unit: how many entries an append adds, all of them or none.
        """
        tally.tried += 1
        tally.acknowledged += acknowledged - BEFORE
        with Ledger.open(self.path) as ledger:
            size = ledger.size
            found = [record.leaf_hash for record in ledger.records()]
            tally.lost += max(0, acknowledged - size)
            tally.kept += size > acknowledged
            is_whole = (size - BEFORE) % unit == 0 and size - acknowledged in (0, unit)
            is_right = found == self.leaves[:size] and not ledger.find_damage()
            entry = ledger.append(self.sealed[size].envelope)
            tally.wrong += not (is_whole and is_right and entry.index == size)


def in_child(work: Callable[[Callable[[int], None]], None]) -> int:
    """Do the work in a child until it ends or is killed; return the last number that it acknowledged, or BEFORE."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 3
        try:
            os.close(reading)
            work(lambda size: os.write(writing, size.to_bytes(2)) and None)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    said = b""
    while chunk := os.read(reading, 4096):
        said += chunk
    os.close(reading)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError(f"the child failed with {os.WEXITSTATUS(status)}")
    return int.from_bytes(said[-2:]) if said else BEFORE


def die() -> None:
    """Kill this process as the system would: nothing is flushed, closed or said."""
    os.kill(os.getpid(), signal.SIGKILL)


class Counting(sqlite3.Connection):
    """A connection that dies before or after the n-th call to it, or at the n-th step of SQLite's machine."""

    calls = count()
    steps = count()
    at_call: int | None = None
    at_step: int | None = None

    def execute(self, *values: Any) -> sqlite3.Cursor:
        """As always, unless it is time."""
        self._call()
        done = super().execute(*values)
        self._call()
        return done

    def executemany(self, *values: Any) -> sqlite3.Cursor:
        """As always, unless it is time."""
        self._call()
        done = super().executemany(*values)
        self._call()
        return done

    def _call(self) -> None:
        if next(Counting.calls) == Counting.at_call:
            die()


def _step() -> int:
    if next(Counting.steps) == Counting.at_step:
        die()
    return 0


def counting(path: Path, is_writer: bool) -> sqlite3.Connection:
    """Return a connection like any other, but for writing one that counts."""
    if not is_writer:
        return connect(path, is_writer)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Counting)
    connection.text_factory = bytes
    connection.execute("PRAGMA synchronous = FULL")
    connection.set_progress_handler(_step, 1)
    return connection


def append_group(stage: Stage, say: Callable[[int], None], *, at_call: int | None, at_step: int | None) -> None:
    """Append a group and acknowledge it; counting starts with the append."""
    ledger = Ledger(SqliteStore(stage.path, is_writer=True, connect=counting))
    Counting.calls, Counting.steps, Counting.at_call, Counting.at_step = count(), count(), at_call, at_step
    ledger.append_many([sealed.envelope for sealed in stage.sealed[BEFORE : BEFORE + GROUP]])
    say(BEFORE + GROUP)


def killed_while_made(stage: Stage, stride: int) -> Tally:
    """Kill whoever makes a ledger, at each call to SQLite; afterwards there is a whole one, or one can be made."""
    tally = Tally()
    for at in count(0, stride):
        stage.reset()
        stage.path.unlink()
        is_made = in_child(lambda say, at=at: make(stage, say, at)) == TOTAL
        tally.tried += not is_made
        opened = Ledger.open(stage.path) if stage.path.exists() else Ledger.create(stage.path, origin=ORIGIN)
        with opened as ledger:
            ledger.append(stage.sealed[0].envelope)
            tally.wrong += ledger.size != 1 or bool(ledger.find_damage())
        tally.lost += is_made and not stage.path.exists()
        if is_made:
            return tally
    return tally


def make(stage: Stage, say: Callable[[int], None], at: int) -> None:
    """Make a ledger over a connection that dies."""
    real = sqlite3.connect
    sqlite3.connect = lambda *values, **named: real(*values, **named, factory=Counting)  # type: ignore[assignment]  # a child's
    Counting.calls, Counting.at_call = count(), at
    Ledger.create(stage.path, origin=ORIGIN)
    say(TOTAL)


def killed_at_calls(stage: Stage, stride: int) -> Tally:
    """Kill the writer before and after each call that an append makes to SQLite."""
    return _killed(stage, stride, lambda n: {"at_call": n, "at_step": None})


def killed_at_steps(stage: Stage, stride: int) -> Tally:
    """Kill the writer at the steps of SQLite's machine during an append."""
    return _killed(stage, stride, lambda n: {"at_call": None, "at_step": n})


def acknowledged_too_early(stage: Stage, stride: int) -> Tally:
    """Kill a writer that acknowledges before it appends: what a liar looks like, for the counting to be believed."""

    def lie(stage: Stage, say: Callable[[int], None], **when: int | None) -> None:
        say(BEFORE + GROUP)
        append_group(stage, lambda _: None, **when)

    tally = Tally()
    for at in range(0, 12, stride):
        stage.reset()
        acknowledged = in_child(lambda say, at=at: lie(stage, say, at_call=at, at_step=None))
        stage.inspect(tally, acknowledged, unit=GROUP)
    return tally


def _killed(stage: Stage, stride: int, when: Callable[[int], dict[str, int | None]]) -> Tally:
    tally = Tally()
    for at in count(0, stride):
        stage.reset()
        acknowledged = in_child(lambda say, at=at: append_group(stage, say, **when(at)))
        if acknowledged > BEFORE:  # it came through: there are no further steps
            return tally
        stage.inspect(tally, acknowledged, unit=GROUP)
    return tally


def killed_at_any_time(stage: Stage, stride: int) -> Tally:
    """Kill a writer that never stops, from outside, with the log carried over into the file at each commit."""
    tally = Tally()
    for at in range(0, 120, stride):
        stage.reset()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            append_on(stage, writing)
        os.close(writing)
        said = b""
        while len(said) < 2 * (1 + at % 30) and (chunk := os.read(reading, 2)):
            said += chunk
        os.kill(child, signal.SIGKILL)
        while chunk := os.read(reading, 4096):
            said += chunk
        os.close(reading)
        os.waitpid(child, 0)
        stage.inspect(tally, int.from_bytes(said[-2:]), unit=1)
    return tally


def append_on(stage: Stage, writing: int) -> None:
    """Append one entry after the other, acknowledging each, until there are no more."""

    def eager(path: Path, is_writer: bool) -> sqlite3.Connection:
        connection = connect(path, is_writer)
        connection.execute("PRAGMA wal_autocheckpoint = 1")
        return connection

    ledger = Ledger(SqliteStore(stage.path, is_writer=True, connect=eager))
    for sealed in stage.sealed[BEFORE : TOTAL - 1]:
        entry = ledger.append(sealed.envelope)
        os.write(writing, (entry.index + 1).to_bytes(2))
    signal.pause()


def disk_full(stage: Stage, stride: int) -> Tally:
    """Let files grow to a limit and no further, for limits from too little for one entry to enough for many.

    SQLite calls this an error of writing; what it calls full is refused in tests/unit/ledger/test_sqlite.py. A
    limit that refused nothing is wrong: no fault struck.
    """
    tally = Tally()
    told = stage.path.with_name("told")
    words = f"ledger {stage.path}: disk I/O error (SQLITE_IOERR_WRITE)"
    for limit in range(stage.original.stat().st_size, 12 * stage.original.stat().st_size, 2048 * stride):
        stage.reset()
        acknowledged = in_child(lambda say, limit=limit: fill_up(stage, say, limit, told))
        messages = json.loads(told.read_text())
        tally.refused += messages.count(words)
        tally.wrong += set(messages) != {words}
        stage.inspect(tally, acknowledged, unit=1)
    return tally


def fill_up(stage: Stage, say: Callable[[int], None], limit: int, told: Path) -> None:
    """Append until the disk is full; it must be said in the house's words, and said again."""
    ledger = Ledger.open(stage.path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    messages: list[str] = []
    for sealed in stage.sealed[BEFORE : TOTAL - 1]:
        try:
            say(ledger.append(sealed.envelope).index + 1)
        except EngineError as error:
            messages.append(str(error))
            if len(messages) == 2:
                break
            continue
        if messages:  # after one that was refused the next may fit, but never out of order
            break
    told.write_text(json.dumps(messages))


def torn_log(stage: Stage, stride: int) -> Tally:
    """Cut the write-ahead log where a power failure may have left it, and put rubbish behind it."""
    stage.reset()
    sizes = {0: BEFORE}
    log = stage.path.with_name(stage.path.name + "-wal")
    with Ledger.open(stage.path) as ledger:
        for start in range(BEFORE, BEFORE + 4 * GROUP, GROUP):
            ledger.append_many([sealed.envelope for sealed in stage.sealed[start : start + GROUP]])
            sizes[log.stat().st_size] = ledger.size
        whole = log.read_bytes()
        file = stage.path.read_bytes()
    tally = Tally()
    for cut in sorted({*range(0, len(whole), 512 * stride), *sizes, *(size - 1 for size in sizes if size)}):
        for tail in (b"", bytes(range(256)) * 40):
            stage.reset()
            stage.path.write_bytes(file)
            log.write_bytes(whole[:cut] + tail)
            stage.inspect(tally, max(size for length, size in sizes.items() if length <= cut), unit=GROUP)
    return tally


def two_writers(stage: Stage, stride: int) -> Tally:
    """Try to write while another process does; kill that, and try again."""
    tally = Tally()
    for _ in range(0, 20, stride):
        stage.reset()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            append_on(stage, writing)
        os.close(writing)
        os.read(reading, 2)
        try:
            Ledger.open(stage.path).close()
            tally.wrong += 1
        except EngineError as error:
            tally.wrong += f"another writer has it: process {child} on" not in str(error)
        with Ledger.open(stage.path, read_only=True) as reader:
            tally.wrong += bool(reader.find_damage())
        while int.from_bytes(os.read(reading, 2)) < TOTAL - 1:
            pass
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
        stage.inspect(tally, TOTAL - 1, unit=1)
    return tally


FAULTS = {
    fault.__name__: fault
    for fault in (
        killed_while_made,
        killed_at_calls,
        killed_at_steps,
        killed_at_any_time,
        disk_full,
        torn_log,
        two_writers,
    )
}


def strike(fault: str, directory: Path, *, stride: int = 1) -> Tally:
    """Return what came of a kind of fault, tried in a process of its own; a stride above 1 leaves some out."""
    import subprocess

    command = [sys.executable, "-m", "tests.e2e.ledger_crash", fault, str(stride), str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    if done.returncode:
        raise RuntimeError(done.stderr)
    return Tally(**json.loads(done.stdout))


def main(fault: str, stride: str, directory: str) -> None:
    """Try one kind of fault and print the tally."""
    known = {**FAULTS, acknowledged_too_early.__name__: acknowledged_too_early}
    print(json.dumps(asdict(known[fault](Stage(Path(directory)), int(stride)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
