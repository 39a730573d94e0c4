"""A process in which no socket can be made or used, not even one that is open already."""

from __future__ import annotations

import socket
from typing import Any, NoReturn

import pytest

_USES = ("connect", "connect_ex", "send", "sendall", "sendto", "sendmsg", "recv", "recv_into", "recvfrom", "recvmsg")


def forbid_sockets(patch: pytest.MonkeyPatch) -> list[str]:
    """Have every `socket.socket` raise; return the list that each attempt is entered in.

    What is raised is no OSError, which code that talks to nodes would take for a node that is away.
    """
    attempts: list[str] = []

    def forbid(name: str) -> Any:
        def refuse(*_values: Any, **_named: Any) -> NoReturn:
            attempts.append(name)
            raise AssertionError(f"socket.{name} was called where nothing may be asked")

        return refuse

    for name in ("__init__", *_USES):
        patch.setattr(socket.socket, name, forbid(name))
    patch.setattr(socket, "getaddrinfo", forbid("getaddrinfo"))
    return attempts
