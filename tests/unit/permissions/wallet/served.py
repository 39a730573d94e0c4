"""A chain behind HTTP in this process, and `delegations wallet serve` in a process of its own in front of it."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from delegations.evm import dev_account
from delegations.testing import LocalRpc, RecordingChain
from tests.cli.command import KEY_VARIABLES, SCRIPT
from tests.unit.permissions.wallet.stage import AGENT, ALICE, CHAIN_ID, DAY, ORIGIN, LocalTransport, periodic

KEY = {"DELEGATIONS_PRIVATE_KEY": "0x" + bytes(dev_account(0).key).hex()}
POLICY = f"""
version = 1
[[allow]]
origins = ["{ORIGIN}"]
chain_ids = [{CHAIN_ID}]
types = ["native-token-periodic"]
delegates = ["{AGENT}"]
max_duration_seconds = {2 * DAY}
max_grants = 1000
[allow.tokens.native]
max_amount = "10"
per_seconds = {DAY}
"""


@contextmanager
def http_chain() -> Iterator[tuple[RecordingChain, str]]:
    """Yield a chain of today, with Alice's account on it, and the URL it is asked by."""
    chain = RecordingChain(CHAIN_ID, timestamp=int(time.time()))
    chain.add_delegator(ALICE)
    transport, lock = LocalTransport(LocalRpc(chain)), threading.Lock()

    class Serve(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one piece

        def do_POST(self) -> None:  # the base class calls it so
            with lock:
                body = transport.exchange(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
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
        yield chain, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def daily(amount: int = 1) -> dict[str, Any]:
    """A request that the policy grants today."""
    return periodic({"type": "expiry", "data": {"timestamp": int(time.time()) + DAY}}, amount=amount)


@dataclass
class Served:
    """A running `delegations wallet serve`."""

    process: subprocess.Popen[str]
    url: str
    client: httpx.Client

    def call(self, method: str, params: Any = None) -> Any:
        """Return the answer to one request, as JSON."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method}
        return self.client.post(self.url, json=asked if params is None else {**asked, "params": params}).json()

    def request(self) -> str:
        """Return the context of one more grant."""
        context: str = self.call("wallet_requestExecutionPermissions", [daily()])["result"][0]["context"]
        return context

    def granted(self) -> list[str]:
        """Return the contexts the wallet lists."""
        return [each["context"] for each in self.call("wallet_getGrantedExecutionPermissions")["result"]]


def arguments(node: str, folder: Path, *more: str) -> list[str]:
    """Return the command line of a wallet that keeps its files in a folder."""
    (folder / "policy.toml").write_text(POLICY)
    return [
        *("wallet", "serve", "--rpc-url", node, "--chain-id", str(CHAIN_ID), "--store", str(folder / "grants.db")),
        *("--origin", ORIGIN, "--policy", str(folder / "policy.toml"), "--port", "0", *more),
    ]


@contextmanager
def serving(
    node: str, folder: Path, *more: str, env: Mapping[str, str] | None = None, terminal: int | None = None
) -> Iterator[Served]:
    """Run the server until the block ends, or it is killed. `terminal` is the descriptor of one it is run at."""
    clean = {name: value for name, value in os.environ.items() if name not in KEY_VARIABLES}
    process = subprocess.Popen(
        [SCRIPT, *arguments(node, folder, *more)],
        stdin=subprocess.DEVNULL if terminal is None else terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if terminal is None else terminal,
        text=True,
        env={**clean, **KEY, **(env or {})},
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert " on http://" in line, process.stderr.read() if process.stderr else line
        token = (env or {}).get("DELEGATIONS_WALLET_TOKEN")
        headers = {"origin": ORIGIN, **({"authorization": f"Bearer {token}"} if token else {})}
        with httpx.Client(headers=headers, timeout=30) as client:
            yield Served(process, line.rsplit(" on ", 1)[1].strip(), client)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=30)
        process.stdout.close()
        if process.stderr is not None:
            process.stderr.close()
