"""The raw client: what is an answer, what is an error, and what is neither."""

from __future__ import annotations

import json
import os

import pytest

from caveats.errors import EncodingError, TransportError
from delegations.evm import rpc
from delegations.evm.rpc import HttpTransport, RpcClient, RpcError, UnixTransport
from tests.engines.fakes import Scripted, http_endpoint, ok


def client(*answers: bytes | Exception, attempts: int = 3) -> tuple[RpcClient, Scripted, list[float]]:
    transport, slept = Scripted(*answers), []
    return RpcClient(transport, attempts=attempts, backoff_seconds=1, sleep=slept.append), transport, slept


def test_an_answer_is_returned():
    asking, transport, slept = client(ok("0x1"))
    assert asking.call("eth_chainId") == "0x1"
    assert transport.asked == [{"jsonrpc": "2.0", "id": 0, "method": "eth_chainId", "params": []}]
    assert slept == []


def test_a_broken_connection_is_tried_again_after_a_growing_pause():
    asking, transport, slept = client(ConnectionResetError("gone"), b"<html>", ok(7))
    assert asking.call("x") == 7
    assert slept == [1, 2]
    assert transport.closed == 2


@pytest.mark.parametrize(
    "answer",
    [
        ConnectionRefusedError("refused"),
        TimeoutError("timed out"),
        b"",
        b"not json",
        b"[]",
        b"7",
        b"null",
        json.dumps({"id": 0}).encode(),
        json.dumps({"id": 4, "result": 1}).encode(),
        b'{"id": 0, "result": ' + b"[" * 100,
    ],
)
def test_what_is_no_answer_is_an_error_and_never_a_verdict(answer):
    asking, transport, slept = client(answer, answer, answer)
    with pytest.raises(TransportError, match=r"^could not ask the other side for eth_call, tried 3 times: .*nothing"):
        asking.call("eth_call")
    assert (len(transport.asked), slept) == (3, [1, 2])


def test_an_error_of_the_other_side_is_an_answer_and_not_tried_again():
    error = {"code": -32601, "message": "the method x does not exist", "data": "0x12"}
    asking, transport, _ = client(json.dumps({"id": 0, "error": error}).encode())
    with pytest.raises(RpcError, match="x: the method x does not exist") as caught:
        asking.call("x")
    assert (caught.value.rpc_code, caught.value.data, caught.value.is_missing_method) == (-32601, "0x12", True)
    assert len(transport.asked) == 1


def test_a_batch_is_put_in_order_by_its_ids():
    answers = [{"id": 1, "result": "b"}, {"id": 2, "error": {"code": 3, "message": "no"}}, {"id": 0, "result": "a"}]
    asking, transport, _ = client(json.dumps(answers).encode())
    first, second, third = asking.batch([("x", []), ("y", [1]), ("z", [])])
    assert (first, second, str(third)) == ("a", "b", "z: no")
    assert [body["method"] for body in transport.asked[0]] == ["x", "y", "z"]


def test_a_batch_with_a_missing_answer_is_no_answer():
    asking, _, _ = client(json.dumps([{"id": 0, "result": 1}]).encode(), attempts=1)
    with pytest.raises(TransportError, match="2 requests: expected 2 answers, got 1"):
        asking.batch([("x", []), ("y", [])])


def test_a_batch_refused_as_a_whole_is_an_error_for_each():
    refusal = {"id": None, "error": {"code": -32600, "message": "batches are off"}}
    asking, _, _ = client(json.dumps(refusal).encode())
    results = asking.batch([("x", []), ("y", [])])
    assert [str(result) for result in results] == ["x: batches are off", "y: batches are off"]


def test_no_requests_ask_nothing():
    asking, transport, _ = client()
    assert asking.batch([]) == []
    assert transport.asked == []


def test_http_is_kept_alive_and_asked_again_when_busy():
    with http_endpoint([(503, b"busy"), (200, ok("0x5")), (200, ok("0x6"))]) as (url, asked):
        asking = RpcClient(HttpTransport(url), sleep=lambda _seconds: None)
        assert asking.call("eth_chainId") == "0x5"
        assert asking.call("eth_chainId") == "0x6"
        asking.close()
    assert len(asked) == 3


def test_an_error_in_a_body_counts_whatever_the_status():
    error = json.dumps({"id": 0, "error": {"code": 3, "message": "execution reverted"}}).encode()
    with http_endpoint([(400, error)]) as (url, _):
        asking = RpcClient(HttpTransport(url))
        with pytest.raises(RpcError, match="execution reverted"):
            asking.call("eth_call")
        asking.close()


def test_a_refusal_is_not_repeated_and_does_not_tell_the_key_in_the_url():
    with http_endpoint([(401, b"no")]) as (url, asked):
        asking = RpcClient(HttpTransport(url), sleep=lambda _seconds: None)
        with pytest.raises(TransportError, match="HTTP status 401") as caught:
            asking.call("eth_call")
        asking.close()
    assert len(asked) == 1
    assert "secret-key" not in str(caught.value)


def test_nobody_there_is_a_transport_error(tmp_path):
    with http_endpoint([]) as (url, _):
        pass
    for transport in (HttpTransport(url), UnixTransport(str(tmp_path / "nobody.ipc"))):
        with pytest.raises(TransportError, match="could not ask"):
            RpcClient(transport, sleep=lambda _seconds: None).call("eth_chainId")


@pytest.mark.parametrize(
    "url", ["", "ws://host", "file:///etc/passwd", "http://", "localhost:8545", "http://h:port", "http://[::1"]
)
def test_only_http_endpoints_are_taken(url):
    with pytest.raises(EncodingError, match="endpoint: expected a URL"):
        HttpTransport(url)


def test_a_forked_child_opens_a_connection_of_its_own(monkeypatch):
    asking, transport, _ = client(ok(1), ok(2))
    assert asking.call("x") == 1
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert asking.call("x") == 2
    assert transport.closed == 1


def test_an_answer_nested_without_end_is_no_answer_and_no_crash():
    deep = b'{"jsonrpc":"2.0","id":0,"result":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    with pytest.raises(ValueError, match="nested deeper than 5000"):
        rpc._read(deep, ["eth_call"])
