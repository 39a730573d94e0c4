"""An anvil child process: found, started, waited for, and never left behind.

It listens on loopback; where Unix sockets exist it is spoken to over one in a directory only this user can enter. A
small shell waits on a pipe to this process and ends anvil when the pipe closes, so that it does not outlive us however
we end.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import platform
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from caveats.errors import TransportError, UnsupportedError, abbreviate
from delegations.evm.rpc import HttpTransport, Transport, UnixTransport

_READY_SECONDS = 20.0
_POLL_SECONDS = 0.002
_HAS_UNIX_SOCKETS = hasattr(socket, "AF_UNIX") and os.name == "posix"
# $1 is the private directory, the rest the command. `cat` returns when our end of the pipe closes; it reads a copy of
# standard input, because a shell gives what runs in its background none.
_KEEPER = (
    'dir="$1"; shift; exec 3<&0; "$@" </dev/null 3<&- & child=$!; '
    '(cat <&3 >/dev/null; kill "$child" 2>/dev/null; rm -rf "$dir") & wait "$child"'
)
_LISTENING = re.compile(rb"Listening on 127\.0\.0\.1:(\d+)")


def find_anvil(start: Path | None = None) -> Path | None:
    """Return the anvil binary: on the path, else in a node_modules directory here or above; None when there is none."""
    for candidate in _candidates(Path.cwd() if start is None else start):
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate
    return None


def _candidates(start: Path) -> Iterator[Path]:
    on_path = shutil.which("anvil")
    if on_path is not None and not _is_script(Path(on_path)):
        yield Path(on_path)
    machine = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    package = f"anvil-{platform.system().lower().replace('windows', 'win32')}-{machine}"
    name = "anvil.exe" if os.name == "nt" else "anvil"
    for directory in (start, *start.parents):
        yield directory / "node_modules" / "@foundry-rs" / package / "bin" / name


def _is_script(path: Path) -> bool:
    # the npm shim of that name starts a whole node before it starts anvil
    with path.open("rb") as file:
        return file.read(2) == b"#!"


class AnvilProcess:
    """One anvil with one chain id and one set of rules.

    Args:
        binary: the executable.
        chain_id: what CHAINID answers.
        fork: the rules, by anvil's name.

    Raises:
        TransportError: it did not start, or was not ready within 20 seconds.
    """

    def __init__(self, binary: Path, *, chain_id: int, fork: str) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="delegations-"))
        self._owner = os.getpid()
        self._log = self._directory / "anvil.log"
        socket_path = self._directory / "anvil.ipc"
        command = [
            *(str(binary), "--host", "127.0.0.1", "--port", "0", "--chain-id", str(chain_id), "--hardfork", fork),
            *("--accounts", "0", "--no-mining", "--timestamp", "0", "--base-fee", "0", "--gas-price", "0"),
            "--disable-default-create2-deployer",
        ]
        if _HAS_UNIX_SOCKETS:
            # quiet: with a socket the port need not be read from the banner
            keeper = ["/bin/sh", "-c", _KEEPER, "anvil-keeper", str(self._directory)]
            command = [*keeper, *command, "--quiet", "--ipc", str(socket_path)]
        with self._log.open("wb") as log:
            try:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
                )
            except OSError as error:
                shutil.rmtree(self._directory, ignore_errors=True)
                raise TransportError(f"could not start anvil: {abbreviate(str(error))}") from error
        atexit.register(self.stop)
        try:
            self.transport = self._wait(self._open_socket(socket_path) if _HAS_UNIX_SOCKETS else self._open_port)
        except BaseException:
            self.stop()
            raise

    @property
    def is_running(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End it; nothing happens when it has ended, or in a forked child, whose process it is not."""
        if self._owner != os.getpid():
            return
        atexit.unregister(self.stop)
        if self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            if not _HAS_UNIX_SOCKETS:
                self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _open_socket(self, path: Path) -> Callable[[], Transport | None]:
        def attempt() -> Transport | None:
            # the file is there a moment before anybody listens
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(path))
                return UnixTransport(str(path))
            return None

        return attempt

    def _open_port(self) -> Transport | None:
        found = _LISTENING.search(self._log.read_bytes())
        return HttpTransport(f"http://127.0.0.1:{int(found[1])}") if found else None

    def _wait(self, attempt: Callable[[], Transport | None]) -> Transport:
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            transport = attempt()
            if transport is not None:
                return transport
            if not self.is_running or time.monotonic() > deadline:
                raise TransportError(f"could not start anvil: {self._last_words()}")
            time.sleep(_POLL_SECONDS)

    def _last_words(self) -> str:
        said = ""
        with contextlib.suppress(OSError):
            said = self._log.read_text(errors="replace").strip()
        why = "it ended" if not self.is_running else f"not ready after {_READY_SECONDS:g} seconds"
        return f"{why}, saying {abbreviate(said)}" if said else why


def require_anvil() -> Path:
    """Return the anvil binary. Raises UnsupportedError saying how to get it."""
    binary = find_anvil()
    if binary is None:
        raise UnsupportedError(
            "engine anvil: no anvil on the path and none in node_modules",
            hint="install Foundry, or npm install @foundry-rs/anvil; the engine pyevm needs nothing",
        )
    return binary
