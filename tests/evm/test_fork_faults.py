"""A node that times out, refuses, lies about ids or loses its state: survived within bounds, or a clear error."""

from __future__ import annotations

import pytest

from caveats.errors import EncodingError, EngineError, TransportError
from delegations.evm import LocalChain
from delegations.evm.fork import open_fork
from delegations.evm.fork_client import Asker, Patience
from delegations.simulation import Verdict, simulate
from tests.enforcers.harness import ALICE
from tests.evm.fork_node import (
    SECRET,
    TIMEOUT_SECONDS,
    Clock,
    Cut,
    Drip,
    Fault,
    Late,
    Live,
    Relay,
    Silence,
    Status,
    error,
    of_method,
)

PASSING = {
    "429": Status(429),
    "429 with a JSON body": Status(429, b'{"id":0,"error":{"code":-32000,"message":"slow down"}}'),
    "500": Status(500),
    "500 with a JSON body": Status(500, b'{"id":0,"error":{"code":-32000,"message":"oops"}}'),
    "502": Status(502),
    "cut in the middle": Cut(),
    "closed before the answer": Fault(lambda asked, answers: b""),
    "no JSON": Fault(lambda asked, answers: b'{"jsonrpc":"2.0","id":0,"resu'),
    "JSON of another kind": Fault(lambda asked, answers: b"[7]"),
    "nested JSON": Fault(lambda asked, answers: b"[" * 200_000),
    "wrong ids": Fault(lambda asked, answers: [{**answer, "id": answer["id"] + 90} for answer in answers]),
    "no ids": Fault(lambda asked, answers: [{"result": answer.get("result")} for answer in answers[1:]]),
    "null results": Fault(lambda asked, answers: [{**answer, "result": None} for answer in answers]),
    "empty results": Fault(lambda asked, answers: [{**answer, "result": ""} for answer in answers]),
    "an answer is missing": Fault(lambda asked, answers: answers[:-1]),
    "rate limit as an error": error(-32005, "rate limit exceeded"),
    "rate limit in words": error(-32000, "your app has exceeded its compute units per second capacity"),
    "internal error": error(-32603, "internal error"),
}
SLOW = {"silence": Silence(), "drips": Drip(), "late": Late()}
HARMLESS = {
    "batch out of order": Fault(lambda asked, answers: answers[::-1]),
    "more answers than questions": Fault(lambda asked, answers: [*answers, {"id": 77, "result": "0x1"}]),
}
REQUESTS = 5
"""What a first verdict takes: the block, the probe, the hint, the state, the accounts it delegates to."""


def verdict_over(live: Live, relay: Relay, patience: Patience) -> Verdict:
    chain = LocalChain.fork(relay.url, live.tip, patience=patience)
    return simulate(chain, live.redemption(5))


@pytest.fixture(scope="module")
def undisturbed(live):
    return simulate(LocalChain.fork(live.client, live.tip), live.redemption(5))


# what passes is survived


@pytest.mark.parametrize("at", range(REQUESTS))
@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_fault_that_passes_is_survived_wherever_it_happens(live, relay, undisturbed, fault, at):
    clock = Clock()
    relay.faults = [None] * at + [fault]
    assert verdict_over(live, relay, clock.patience()) == undisturbed
    assert undisturbed.allowed
    assert clock.slept in ([], [1.0])
    assert len(relay.asked) <= REQUESTS + 2


@pytest.mark.parametrize("at", [0, 3])
@pytest.mark.parametrize("fault", SLOW.values(), ids=SLOW)
def test_an_answer_that_comes_too_late_is_never_used(live, relay, undisturbed, fault, at):
    clock = Clock()
    relay.faults = [None] * at + [fault]
    assert verdict_over(live, relay, clock.patience(timeout_seconds=TIMEOUT_SECONDS)) == undisturbed
    assert clock.slept == [1.0]


@pytest.mark.parametrize("fault", HARMLESS.values(), ids=HARMLESS)
def test_answers_in_any_order_are_answers(live, relay, undisturbed, fault):
    clock = Clock()
    relay.stays = fault
    assert verdict_over(live, relay, clock.patience()) == undisturbed
    assert clock.slept == []


def test_only_what_failed_is_asked_again(live, relay):
    clock = Clock()
    state = open_fork(relay.url, live.tip, patience=clock.patience())
    assert state.by_hash
    relay.asked.clear()
    busy = {"error": {"code": 429, "message": "slow down"}}
    relay.faults = [of_method("eth_getCode", lambda body: busy)]
    state.load([bytes(ALICE)], [(bytes(live.stage.token), 0)])
    assert [len(bodies) for bodies in relay.asked] == [4, 1]
    assert relay.asked[1][0]["method"] == "eth_getCode"


# what stays is an error, in bounded time


@pytest.mark.parametrize("at", [0, 1, 3])
@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_fault_that_stays_is_a_clear_error_and_no_verdict(live, relay, fault, at):
    clock = Clock()
    relay.faults = [None] * at
    relay.stays = fault
    with pytest.raises(TransportError, match=rf"^could not ask {relay.host}.*, tried 3 times: ") as caught:
        verdict_over(live, relay, clock.patience())
    assert clock.slept == [1.0, 2.0]
    assert len(relay.asked) <= REQUESTS + 3
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_node_that_never_answers_is_given_up_after_the_last_attempt(live, relay):
    relay.stays = Silence()
    clock = Clock()
    with pytest.raises(TransportError, match=r"tried 2 times: no whole answer within 0\.1 seconds"):
        verdict_over(live, relay, clock.patience(timeout_seconds=TIMEOUT_SECONDS, attempts=2))


def test_a_node_that_is_not_there_is_a_clear_error():
    clock = Clock()
    with pytest.raises(TransportError, match=r"^could not ask http://127\.0\.0\.1:9 for eth_chainId, tried 3 times: "):
        LocalChain.fork(f"http://127.0.0.1:9/{SECRET}", patience=clock.patience())
    assert clock.slept == [1.0, 2.0]


# waiting as asked


def test_retry_after_is_obeyed_and_growth_goes_on(live, relay, undisturbed):
    clock = Clock()
    relay.faults = [Status(429, Retry_After="7"), Status(429)]
    assert verdict_over(live, relay, clock.patience()) == undisturbed
    assert clock.slept == [7.0, 2.0]


def test_retry_after_may_be_a_date(live, relay, undisturbed):
    clock = Clock()
    date, until = "Fri, 01 Jan 2027 00:00:00 GMT", "Fri, 01 Jan 2027 00:00:09 GMT"
    relay.faults = [Status(503, Date=date, Retry_After=until), Status(503, Date=date, Retry_After="soon")]
    assert verdict_over(live, relay, clock.patience()) == undisturbed
    assert clock.slept == [9.0, 2.0]


def test_nobody_waits_longer_than_they_said(live, relay):
    clock = Clock()
    relay.faults = [Status(429, Retry_After="3600")]
    with pytest.raises(TransportError, match=r"HTTP status 429 and asks to wait 3600 seconds"):
        verdict_over(live, relay, clock.patience(give_up_seconds=60))
    assert clock.slept == []


def test_the_pauses_of_a_question_end_with_its_time(live, relay):
    clock = Clock()
    relay.stays = Status(503)
    with pytest.raises(TransportError, match="tried 4 times: HTTP status 503"):
        verdict_over(live, relay, clock.patience(attempts=100, give_up_seconds=10))
    assert clock.slept == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"timeout_seconds": 0}, {"give_up_seconds": -1}])
def test_a_patience_without_an_end_or_a_beginning_is_refused(wrong):
    assert Patience(attempts=1, timeout_seconds=0.1, give_up_seconds=0.1)
    with pytest.raises(EncodingError, match="patience: expected one attempt or more"):
        Patience(**wrong)


# what no patience mends


@pytest.mark.parametrize(("status", "body"), [(401, b"no such key"), (404, b""), (301, b""), (204, b"")])
def test_a_refusal_of_the_endpoint_is_not_tried_again(live, relay, status, body):
    clock = Clock()
    relay.stays = Status(status, body)
    with pytest.raises(TransportError, match=f"for eth_chainId: HTTP status {status} "):
        verdict_over(live, relay, clock.patience())
    assert len(relay.asked) == 1


@pytest.mark.parametrize(
    "message",
    ["missing trie node 1234 (path 00) state 0xab is not available", "required historical state unavailable", "pruned"],
)
def test_state_the_node_no_longer_has_is_an_error_that_says_what_to_do(live, relay, message):
    clock = Clock()
    relay.faults = [None, None]
    relay.stays = error(-32000, message)
    with pytest.raises(EngineError, match=f"^could not ask {relay.host}: .*: {message[:20]}.*use an archive node"):
        verdict_over(live, relay, clock.patience())
    assert clock.slept == []


def test_a_block_the_node_does_not_have_is_an_error(live, relay):
    clock = Clock()
    with pytest.raises(TransportError, match="tried 3 times: it has no block 999999"):
        LocalChain.fork(relay.url, 999_999, patience=clock.patience())
    digest = bytes(31) + b"\x05"
    with pytest.raises(TransportError, match="tried 3 times: it has no block 0x0000"):
        LocalChain.fork(relay.url, digest, patience=clock.patience())


def test_another_block_than_the_one_asked_for_is_an_error(live, relay):
    clock = Clock()
    relay.stays = of_method("eth_getBlockByNumber", lambda body: live.block(0))
    with pytest.raises(TransportError, match="it answered with block 0 when asked for block 1 "):
        LocalChain.fork(relay.url, 1, patience=clock.patience())


@pytest.mark.parametrize("method", ["eth_getBalance", "eth_getTransactionCount", "eth_getCode", "eth_getStorageAt"])
@pytest.mark.parametrize("result", [None, "0x" + "ff" * 40 + "f", "zz", 7.5, {}, "0xgg"])
def test_a_value_that_is_none_is_never_taken_for_zero(live, relay, method, result):
    clock = Clock()
    state = open_fork(relay.url, live.tip, patience=clock.patience(attempts=1))
    assert state.by_hash
    relay.stays = of_method(method, lambda body: result)
    with pytest.raises(TransportError, match=f"could not ask {relay.host} for {method}: the answer cannot be read"):
        state.load([bytes(ALICE)], [(bytes(live.stage.token), 0)])


def test_an_empty_storage_word_is_no_zero(live, relay):
    state = open_fork(relay.url, live.tip, patience=Clock().patience(attempts=1))
    assert state.storage(live.stage.token, 10**6) == 0
    relay.stays = of_method("eth_getStorageAt", lambda body: "0x")
    with pytest.raises(TransportError, match=r"expected a storage word, got 0x"):
        state.storage(live.stage.token, 10**6 + 1)


# batches


@pytest.mark.parametrize("most", [1, 3, 10])
def test_a_node_that_takes_small_batches_is_asked_in_small_ones(live, relay, undisturbed, most):
    refusal = [{"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": f"batch too large, at most {most}"}}]
    relay.stays = Fault(lambda asked, answers: answers if len(asked) <= most else refusal[0])
    clock = Clock()
    assert verdict_over(live, relay, clock.patience()) == undisturbed
    assert clock.slept == []
    assert max(map(len, relay.asked[-5:])) <= most


# secrets


def test_what_the_url_keeps_secret_stands_in_no_error(live, relay):
    relay.stays = error(-32000, f"project {SECRET} with token {SECRET}-2 and password {SECRET}-1 is over")
    with pytest.raises(EngineError, match=r"project \*\*\* with token \*\*\* and password \*\*\* is over") as caught:
        LocalChain.fork(relay.url, patience=Clock().patience())
    shown = caught.value
    assert shown.__cause__ is None
    assert shown.__context__ is None


def test_user_and_password_are_sent_as_basic_authentication(live, relay):
    assert LocalChain.fork(relay.url).chain_id == live.stage.chain.chain_id
    assert relay.headers[0]["Authorization"] == "Basic dXNlcjprM3ktb2Ytc29tZWJvZHktMQ=="


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:1",
        "ftp://x/",
        "http://",
        "http://h:port",
        "http://h:99999",
        "http://[::1",
        "http://h/a b\n",
        "http://é/",
    ],
)
def test_what_is_no_url_is_refused_without_showing_it(url):
    assert Asker("http://127.0.0.1:1", Patience()).label == "http://127.0.0.1:1"
    with pytest.raises(EncodingError) as caught:
        Asker(url + SECRET if url.endswith("é/") else url, Patience())
    assert str(caught.value) == "endpoint: expected a URL that begins with http:// or https://"
