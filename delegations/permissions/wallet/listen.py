"""The socket of a wallet's server, and how long a connection may take to say what it wants.

The server beneath bounds neither. Here a connection is closed when the head of its request (the request line and the
headers) is not there in time; the time of the body is the application's. What takes long besides, and is not bounded:
the person who decides, and a reader who does not read the answer.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from caveats.errors import TransportError, UnsupportedError

if TYPE_CHECKING:
    from types import FrameType

    from starlette.applications import Starlette
    from uvicorn import Config

HEAD_SECONDS = 10.0
_MOST_CONNECTIONS = 64
_KEEP_ALIVE_SECONDS = 15


def open_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 lets the system choose one.

    Raises:
        TransportError: the address cannot be had.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.socket(family)
        try:
            if os.name == "posix":  # elsewhere it would let two servers listen on one port
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, port))
            listening.listen(128)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise TransportError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    return listening


def serve(
    app: Starlette,
    listening: socket.socket,
    *,
    grace_seconds: int = 5,
    head_seconds: float = HEAD_SECONDS,
    on_stop: Callable[[], None] = lambda: None,
) -> None:
    """Answer on a socket until the process is told to end (SIGINT or SIGTERM).

    Args:
        app: answers.
        listening: from `open_socket`.
        grace_seconds: that requests under way are given when the process is to end.
        head_seconds: that the head of a request may take to arrive.
        on_stop: is called when the process is told to end, before the grace: a question may be taken back.

    Raises:
        UnsupportedError: uvicorn is not installed.
    """
    config = configure(app, grace_seconds=grace_seconds, head_seconds=head_seconds)

    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            on_stop()
            super().handle_exit(sig, frame)

    Server(config).run(sockets=[listening])


def configure(app: Starlette, *, grace_seconds: int = 5, head_seconds: float = HEAD_SECONDS) -> Config:
    """Return how uvicorn is to serve an application. See `serve`."""
    try:
        import uvicorn
        from uvicorn.protocols.http.h11_impl import H11Protocol
    except ImportError as error:
        raise UnsupportedError(
            "the wallet's server needs uvicorn, which is not installed", hint="pip install 'delegations[wallet]'"
        ) from error

    class Impatient(H11Protocol):
        """Closes a connection whose first request has no head in time; there is no second on it."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base has it
            super().connection_made(transport)
            self._until_head = asyncio.get_running_loop().call_later(head_seconds, transport.abort)
            self._head = b""

        def data_received(self, data: bytes) -> None:
            # an empty line ends the head, wherever the pieces were cut; the base bounds its size
            if not self._until_head.cancelled():
                self._head = self._head[-3:] + data
                if b"\r\n\r\n" in self._head or b"\n\n" in self._head:
                    self._until_head.cancel()
            super().data_received(data)

        def connection_lost(self, exc: Exception | None) -> None:
            self._until_head.cancel()
            super().connection_lost(exc)

    return uvicorn.Config(
        app,
        loop="asyncio",
        http=Impatient,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="error",
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=grace_seconds,
    )
