"""A live chain on anvil with redemptions mined on it, and a relay in front of it that can be made to misbehave."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from caveats import Execution, LimitedCalls
from delegations.delegation import Delegation
from delegations.evm.anvil import _Anvil
from delegations.evm.engine import Transaction
from delegations.evm.fork_client import Patience
from delegations.evm.process import AnvilProcess, require_anvil
from delegations.evm.wire import transaction_object
from delegations.redemption import Redemption, redeem
from delegations.simulation.simulate import redeem_transaction
from tests.enforcers.harness import AGENT, CHAIN_ID, START_AT, grant, set_stage, transfer

SECRET = "k3y-of-somebody"
LIMIT = 3
TIMEOUT_SECONDS = 0.1
"""Of the one exchange that is let to run into it."""


class Live:
    """An anvil on which others act: the official framework, a token, and blocks that were mined.

    Attributes:
        stage: what it began with.
        used: a delegation for three calls, one of which was made.
        tip: number of the newest block when it was made.
    """

    def __init__(self) -> None:
        self.stage = set_stage()
        self._anvil = _Anvil(AnvilProcess(require_anvil(), chain_id=CHAIN_ID, fork="prague"))
        self._anvil.push(self.stage.chain.world)
        self.client = self._anvil.client
        self.call = self.client.call
        self.call("anvil_autoImpersonateAccount", True)
        self.used: Delegation = grant([LimitedCalls(limit=LIMIT).to_caveat()], salt=7)
        self.mine(redeem_transaction(self.stage.chain, [self.redemption(1)], AGENT), START_AT)
        self.call("evm_mine")
        self.tip = int(self.call("eth_blockNumber"), 16)

    def redemption(self, amount: int, delegation: Delegation | None = None) -> Redemption:
        """A transfer of the token under the used delegation, or another."""
        return redeem(delegation or self.used, transfer(self.stage.token, amount))

    def payment(self, target: bytes, call_data: bytes = b"") -> Redemption:
        return redeem(self.used, Execution(target=target, call_data=call_data))

    def mine(self, transaction: Transaction, timestamp: int | None = None) -> dict[str, Any]:
        """Mine a transaction and return its receipt."""
        if timestamp is not None:
            self.call("evm_setNextBlockTimestamp", hex(timestamp))
        digest = self.call("eth_sendTransaction", transaction_object(transaction))
        self.call("evm_mine")
        receipt: dict[str, Any] = self.call("eth_getTransactionReceipt", digest)
        return receipt

    def block(self, number: int | str) -> dict[str, Any]:
        found: dict[str, Any] = self.call(
            "eth_getBlockByNumber", hex(number) if isinstance(number, int) else number, False
        )
        return found

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Take back everything that happens inside."""
        mark = self.call("evm_snapshot")
        try:
            yield
        finally:
            assert self.call("evm_revert", mark) is True

    def close(self) -> None:
        self._anvil.stop()


Bodies = list[dict[str, Any]]
Change = Callable[[Bodies, Bodies], Any]
"""From what was asked and what the node answered to what is answered; always lists."""


class Relay:
    """HTTP on loopback in front of a node.

    Attributes:
        faults: what happens to the next requests, one each; None passes one on.
        stays: what happens to every request once `faults` is used up.
        asked: the requests, each as its list of bodies.
    """

    def __init__(self, live: Live) -> None:
        self.faults: list[Fault | None] = []
        self.stays: Fault | None = None
        self.asked: list[Bodies] = []
        self.headers: list[dict[str, str]] = []
        self.ended = threading.Event()
        self._client = live.client
        self._lock = threading.Lock()
        relay = self

        class Serve(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one piece

            def do_POST(self) -> None:  # the base class calls it so
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with relay._lock:
                    relay.asked.append(asked if isinstance(asked, list) else [asked])
                    relay.headers.append(dict(self.headers))
                    fault = relay.faults.pop(0) if relay.faults else relay.stays
                with contextlib.suppress(ConnectionError):
                    (fault or Fault()).serve(relay, self, asked)

            def log_message(self, format: str, *args: Any) -> None:  # the base class names it so
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Serve)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.host = f"http://127.0.0.1:{self._server.server_port}"
        self.url = f"http://user:{SECRET}-1@127.0.0.1:{self._server.server_port}/v2/{SECRET}?token={SECRET}-2"

    def methods(self) -> list[str]:
        """Every method that was asked, in order."""
        return [body["method"] for bodies in self.asked for body in bodies]

    def answer(self, asked: Any) -> Bodies:
        with self._lock:
            bodies = asked if isinstance(asked, list) else [asked]
            answers = json.loads(self._client.transport.exchange(json.dumps(asked).encode()))
        by_id = {answer["id"]: answer for answer in (answers if isinstance(answers, list) else [answers])}
        return [by_id[body["id"]] for body in bodies]

    def close(self) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Fault:
    """What a node may do instead of answering; this one answers, perhaps something else."""

    def __init__(self, change: Change | None = None) -> None:
        self._change = change or (lambda _, answers: answers)

    def serve(self, relay: Relay, to: BaseHTTPRequestHandler, asked: Any) -> None:
        bodies = asked if isinstance(asked, list) else [asked]
        changed = self._change(bodies, relay.answer(asked))
        if isinstance(changed, list) and not isinstance(asked, list) and len(changed) == 1:
            changed = changed[0]
        self.send(to, changed if isinstance(changed, bytes) else json.dumps(changed).encode())

    def send(self, to: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
        to.send_response_only(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            to.send_header(name.replace("_", "-"), value)
        to.end_headers()
        to.wfile.write(body)


class Status(Fault):
    """An HTTP status in place of an answer."""

    def __init__(self, status: int, body: bytes = b"<html>", **headers: str) -> None:
        super().__init__()
        self._status, self._body, self._headers = status, body, headers

    def serve(self, relay: Relay, to: BaseHTTPRequestHandler, asked: Any) -> None:
        self.send(to, self._body, self._status, **self._headers)


class Silence(Fault):
    """No answer at all."""

    def serve(self, relay: Relay, to: BaseHTTPRequestHandler, asked: Any) -> None:
        to.close_connection = True
        relay.ended.wait(10 * TIMEOUT_SECONDS)


class Drip(Fault):
    """An answer that never stops coming: each byte in good time, the whole never."""

    def serve(self, relay: Relay, to: BaseHTTPRequestHandler, asked: Any) -> None:
        to.close_connection = True
        to.send_response_only(200)
        to.send_header("Content-Length", "100000")
        to.end_headers()
        with contextlib.suppress(ConnectionError):
            while not relay.ended.wait(TIMEOUT_SECONDS / 20):
                to.wfile.write(b" ")
                to.wfile.flush()


class Late(Fault):
    """A wrong answer that comes when the question was put again already."""

    def serve(self, relay: Relay, to: BaseHTTPRequestHandler, asked: Any) -> None:
        to.close_connection = True
        with relay._lock:
            here = len(relay.asked)
        while len(relay.asked) == here and not relay.ended.wait(0.002):
            pass
        answers = [{**answer, "result": "0x" + "77" * 32} for answer in relay.answer(asked)]
        with contextlib.suppress(ConnectionError):
            self.send(to, json.dumps(answers if isinstance(asked, list) else answers[0]).encode())


class Cut(Fault):
    """A connection that closes in the middle of the answer, whole JSON as far as it goes."""

    def serve(self, relay: Relay, to: BaseHTTPRequestHandler, asked: Any) -> None:
        to.close_connection = True
        body = json.dumps(relay.answer(asked)).encode()
        to.send_response_only(200)
        to.send_header("Content-Length", str(len(body) + 10))
        to.end_headers()
        to.wfile.write(body)


def error(code: int, message: str) -> Fault:
    """Every question of a request answered with an error."""
    refusal = {"code": code, "message": message}
    return Fault(lambda asked, _: [{"jsonrpc": "2.0", "id": body["id"], "error": refusal} for body in asked])


def of_method(method: str, change: Callable[[dict[str, Any]], Any]) -> Fault:
    """The result of one method changed; a dictionary with "error" becomes the error."""

    def apply(asked: Bodies, answers: Bodies) -> Bodies:
        changed = []
        for body, answer in zip(asked, answers, strict=True):
            if body["method"] == method:
                result = change(body)
                is_error = isinstance(result, dict) and "error" in result
                answer = {"id": body["id"], **(result if is_error else {"result": result})}
            changed.append(answer)
        return changed

    return Fault(apply)


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def patience(self, **more: Any) -> Patience:
        given = {"attempts": 3, "timeout_seconds": 5.0, "backoff_seconds": 1.0, "give_up_seconds": 60.0, **more}
        return Patience(sleep=self.sleep, clock=lambda: self.now, **given)
