"""Several at once: one question at a time, and no grant lost or mixed up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from delegations.permissions.wallet import CallbackApprover, ProviderError, Question
from tests.unit.permissions.wallet.stage import ORIGIN, OTHER, Wallet, periodic


class Pondering:
    """An approver who takes until told."""

    def __init__(self) -> None:
        self.asked, self.decided = threading.Event(), threading.Event()
        self.questions: list[Question] = []

    def decide(self, question: Question) -> bool:
        self.questions.append(question)
        self.asked.set()
        assert self.decided.wait(timeout=30)
        return True


def in_thread(call: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    came: list[Any] = []

    def run() -> None:
        try:
            came.append(call())
        except ProviderError as error:
            came.append(error.rpc_code)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, came


@pytest.fixture
def pondering() -> Pondering:
    return Pondering()


@pytest.fixture
def wallet(pondering: Pondering) -> Wallet:
    return Wallet(approver=CallbackApprover(pondering.decide))


def test_a_second_request_is_refused_while_the_first_waits(wallet: Wallet, pondering: Pondering) -> None:
    thread, came = in_thread(wallet.request)
    assert pondering.asked.wait(timeout=30)
    for origin in (ORIGIN, OTHER):
        with pytest.raises(ProviderError, match="waiting for an answer") as caught:
            wallet.request(origin=origin)
        assert caught.value.rpc_code == -32005
    pondering.decided.set()
    thread.join()
    assert len(came[0]) == 1
    assert len(pondering.questions) == 1


def test_what_needs_no_answer_is_answered_meanwhile(wallet: Wallet, pondering: Pondering) -> None:
    thread, _ = in_thread(wallet.request)
    assert pondering.asked.wait(timeout=30)
    assert wallet.granted() == []
    assert wallet.ask("eth_chainId")
    pondering.decided.set()
    thread.join()
    assert len(wallet.granted()) == 1


def test_after_an_answer_the_next_may_ask(wallet: Wallet, pondering: Pondering) -> None:
    pondering.decided.set()
    wallet.request()
    wallet.request()
    assert len(wallet.granted()) == 2


def test_a_refusal_or_a_fault_frees_the_way() -> None:
    def stumble(_question: Question) -> bool:
        raise RuntimeError("a bug of the approver's")

    wallet = Wallet(approver=CallbackApprover(stumble))
    with pytest.raises(RuntimeError, match="a bug"):
        wallet.request()
    wallet.provider.approver = CallbackApprover(lambda _question: True)
    assert wallet.request()


def test_of_many_at_once_each_is_granted_or_told_to_wait() -> None:
    wallet = Wallet()
    barrier = threading.Barrier(12)

    def one(number: int) -> Any:
        barrier.wait()
        return wallet.request(periodic(amount=number + 1), origin=ORIGIN if number % 2 else OTHER)

    threads, came = zip(*(in_thread(lambda n=number: one(n)) for number in range(12)), strict=True)
    for thread in threads:
        thread.join()
    granted = [answers[0][0] for answers in came if answers[0] != -32005]
    assert granted
    listed = [*wallet.granted(), *wallet.granted(OTHER)]
    assert sorted(each["context"] for each in listed) == sorted(each["context"] for each in granted)


def test_two_revocations_at_once_send_one_transaction() -> None:
    wallet = Wallet()
    context = wallet.request()[0]["context"]
    barrier = threading.Barrier(4)

    def one() -> Any:
        barrier.wait()
        return wallet.revoke(context)

    threads, came = zip(*(in_thread(one) for _ in range(4)), strict=True)
    for thread in threads:
        thread.join()
    assert {} in [answers[0] for answers in came]
    assert all(answers[0] in ({}, -32005) for answers in came)
    assert len(wallet.chain.history) == 1
    assert wallet.granted() == []
