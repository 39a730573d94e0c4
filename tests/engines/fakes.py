"""Endpoints of our own on loopback, and engines that misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from delegations.evm.engine import BlockEnv, Outcome, PlainEngine, Transaction
from delegations.evm.pyevm import PyEvmEngine
from delegations.evm.rpc import RpcClient
from delegations.evm.world import World

Handler = Callable[[str, list[Any]], Any]


class Scripted:
    """A transport that gives prepared answers, or raises prepared errors, one each time it is asked."""

    label = "the other side"

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []
        self.closed = 0

    def exchange(self, payload: bytes) -> bytes:
        self.asked.append(json.loads(payload))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed += 1


class Filtered:
    """A transport that passes on to a client, but lets a function change what comes back."""

    label = "a filtered node"

    def __init__(self, client: RpcClient, change: Callable[[str, list[Any], Any], Any]) -> None:
        self.client, self.change = client, change

    def exchange(self, payload: bytes) -> bytes:
        asked = json.loads(payload)
        bodies = asked if isinstance(asked, list) else [asked]
        answers = json.loads(self.client.transport.exchange(payload))
        listed = answers if isinstance(answers, list) else [answers]
        by_id = {answer["id"]: answer for answer in listed}
        changed = [self.change(body["method"], body["params"], by_id[body["id"]]) for body in bodies]
        return json.dumps(changed if isinstance(asked, list) else changed[0]).encode()

    def close(self) -> None:
        """Leave the client to its owner."""


def ok(result: Any, index: int = 0) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": index, "result": result}).encode()


@contextmanager
def http_endpoint(replies: Sequence[tuple[int, bytes]]) -> Iterator[tuple[str, list[Any]]]:
    """Serve the replies one after another on loopback; yield the URL and the list of what was asked."""
    asked: list[Any] = []
    left = list(replies)

    class Serve(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # the base class calls it so
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            status, body = left.pop(0)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # the base class names it so
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Serve)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/secret-key", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Liar:
    """A plain engine that changes one part of the truth."""

    name = "liar"

    def __init__(self, **changes: Callable[[Outcome], Any]) -> None:
        self.changes = changes
        self.truth: PlainEngine = PyEvmEngine()

    def execute(self, world: World, block: BlockEnv, transaction: Transaction) -> Outcome:
        outcome = self.truth.execute(world, block, transaction)
        return replace(outcome, **{name: change(outcome) for name, change in self.changes.items()})
