"""One writer at a time, by a lock that goes away with the process however that ends; and what makes a file durable."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from caveats.errors import EngineError, UnsupportedError, abbreviate


class WriterLock:
    """The right to write to a ledger's file, held by one process through an advisory lock on `<file>.lock`.

    The file stays when the lock is gone; its text only names the last owner. On network file systems the lock is worth
    what the file system makes of `flock`.
    """

    def __init__(self, path: Path, *, what: str = "ledger") -> None:
        """Take the lock.

        Args:
            path: the file; under another name by a link it is the same file.
            what: names it in errors.

        Raises:
            EngineError: another writer has it; its process and host are named.
            UnsupportedError: the system has no such locks.
        """
        try:
            import fcntl
        except ImportError as error:
            raise UnsupportedError(f"{what}: writing needs file locks, which this system lacks") from error
        place = path.resolve()
        self._path = place.with_name(place.name + ".lock")
        try:
            self._file: int | None = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise EngineError(f"{what} {path}: cannot open its lock {self._path.name}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        except BlockingIOError as error:
            owner = os.pread(self._file, 200, 0).decode(errors="replace") or "a process that has not named itself"
            self.release()
            raise EngineError(
                f"{what} {path}: another writer has it: {abbreviate(owner)}",
                hint="a file takes one writer; wait for that process, or hand it what is to be written",
            ) from error
        except OSError as error:
            self.release()
            raise EngineError(f"{what} {path}: cannot lock {self._path.name}: {error.strerror}") from error

    def release(self) -> None:
        """Give the lock up; a second time does nothing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def sync_file(path: Path) -> None:
    """Make a file and its name durable. Raises OSError."""
    for place in (path, path.parent):
        file = os.open(place, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
