"""Asks the server as a page or a program would, through ASGI and without a socket."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import httpx

from delegations.permissions.wallet import create_app
from tests.unit.permissions.wallet.stage import ORIGIN, Wallet

HOST = "127.0.0.1:8123"


@dataclass
class Browser:
    """A client of one application.

    Attributes:
        headers: sent with every request; None in `send` leaves one out.
    """

    app: Any
    headers: dict[str, str]

    def send(self, body: Any = b"", *, method: str = "POST", path: str = "/", **headers: str | None) -> httpx.Response:
        """Send a body, as JSON unless it is bytes. Headers are named with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in {**self.headers, **named}.items() if value is not None}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()

        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
                return await client.request(method, path, content=content, headers=kept)

        return asyncio.run(exchange())

    def call(self, method: str, params: Any = None, **headers: str | None) -> Any:
        """Return the answer to one request, as JSON."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method}
        return self.send(asked if params is None else {**asked, "params": params}, **headers).json()


def open_browser(wallet: Wallet | None = None, **options: Any) -> Browser:
    app = create_app((wallet or Wallet()).provider, **{"origins": [ORIGIN], **options})
    return Browser(app, {"origin": ORIGIN, "content-type": "application/json", "host": HOST})
