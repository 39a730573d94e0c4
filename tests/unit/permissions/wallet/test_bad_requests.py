"""Every bad request gets its own answer, nobody is asked because of it, and nothing is kept.

So does a good one that cannot be fulfilled as things stand.
"""

from __future__ import annotations

import pytest

from delegations.permissions.wallet import RpcCode
from tests.unit.permissions.wallet.bad_requests import BAD_REQUESTS, SERVER_TOKEN, Bad, answer_to, ask
from tests.unit.permissions.wallet.browser import Browser, open_browser
from tests.unit.permissions.wallet.situations import SITUATIONS, Situation, answer_in
from tests.unit.permissions.wallet.stage import Wallet, periodic


@pytest.fixture(scope="module")
def wallet() -> Wallet:
    return Wallet()


@pytest.fixture(scope="module")
def browsers(wallet: Wallet) -> dict[bool, Browser]:
    return {False: open_browser(wallet), True: open_browser(wallet, token=SERVER_TOKEN)}


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=[bad.name for bad in BAD_REQUESTS])
def test_a_bad_request_gets_exactly_this_answer(bad: Bad, wallet: Wallet, browsers: dict[bool, Browser]) -> None:
    assert answer_to(browsers[bad.needs_token], bad) == (bad.status, bad.code, bad.message)
    assert wallet.questions == []
    assert wallet.provider.store.list_grants() == []


@pytest.mark.parametrize("status", sorted({bad.status for bad in BAD_REQUESTS}))
def test_an_answer_of_every_status_is_json_rpc(status: int, browsers: dict[bool, Browser]) -> None:
    bad = next(bad for bad in BAD_REQUESTS if bad.status == status)
    headers = {name.replace("-", "_"): value for name, value in bad.headers.items()}
    answered = browsers[bad.needs_token].send(bad.body, method=bad.method, **headers)
    assert answered.headers["content-type"] == "application/json"
    assert answered.json()["jsonrpc"] == "2.0"
    assert answered.json()["id"] is None


@pytest.mark.parametrize("situation", SITUATIONS, ids=[situation.name for situation in SITUATIONS])
def test_a_request_at_the_wrong_time_or_place_gets_exactly_this_answer(situation: Situation) -> None:
    assert answer_in(situation) == (situation.status, situation.code, situation.message)


def test_every_code_of_the_wallet_is_answered_in_one_of_the_tables() -> None:
    assert {row.code for row in (*BAD_REQUESTS, *SITUATIONS)} == set(RpcCode)


def test_the_table_is_long_and_names_each_row_once() -> None:
    assert len(BAD_REQUESTS) >= 60
    assert len({bad.name for bad in BAD_REQUESTS}) == len(BAD_REQUESTS)


def test_no_answer_can_act_on_a_terminal() -> None:
    assert all(row.message.isprintable() for row in (*BAD_REQUESTS, *SITUATIONS))


def test_a_good_request_among_them_is_granted() -> None:
    answered = open_browser().send(ask(periodic())).json()
    assert answered["result"][0]["permission"]["type"] == "native-token-periodic"
