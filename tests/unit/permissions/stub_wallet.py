"""A wallet on loopback that answers what it is told to, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class StubWallet:
    """Answers by method.

    Attributes:
        results: what each method gives; a dict with "error" alone is an error, a function is called with the params.
        raw: bytes to answer instead, whatever is asked.
        status: of the HTTP answer.
        asked: (method, params), in order.
        headers: of each request.
    """

    def __init__(self) -> None:
        self.results: dict[str, Any] = {}
        self.raw: bytes | None = None
        self.status = 200
        self.asked: list[tuple[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    def answer(self, body: bytes) -> bytes:
        asked = json.loads(body)
        self.asked.append((asked["method"], asked["params"]))
        if self.raw is not None:
            return self.raw
        found = self.results[asked["method"]]
        found = found(asked["params"]) if callable(found) else found
        is_error = isinstance(found, dict) and set(found) == {"error"}
        return json.dumps({"jsonrpc": "2.0", "id": asked["id"], **(found if is_error else {"result": found})}).encode()


@contextmanager
def stub_wallet() -> Iterator[StubWallet]:
    """Have a stub answer."""
    stub = StubWallet()

    class Serve(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one piece

        def do_POST(self) -> None:  # the base class calls it so
            stub.headers.append({name.lower(): value for name, value in self.headers.items()})
            answer = stub.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(stub.status)
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # the base class names it so
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Serve)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
