"""Every bad request gets its own answer, nobody is asked because of it, and nothing is kept."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.permissions.wallet.bad_requests import BAD_REQUESTS, Bad
from tests.unit.permissions.wallet.browser import Browser, open_browser
from tests.unit.permissions.wallet.stage import ORIGIN, Wallet

TOKEN = "t" * 32


@pytest.fixture(scope="module")
def wallet() -> Wallet:
    return Wallet()


@pytest.fixture(scope="module")
def browsers(wallet: Wallet) -> dict[bool, Browser]:
    return {False: open_browser(wallet), True: open_browser(wallet, token=TOKEN)}


def put(browser: Browser, bad: Bad) -> Any:
    headers = {name.replace("-", "_"): value for name, value in bad.headers.items()}
    return browser.send(bad.body, method=bad.method, **headers)


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=[bad.name for bad in BAD_REQUESTS])
def test_a_bad_request_gets_exactly_this_answer(bad: Bad, wallet: Wallet, browsers: dict[bool, Browser]) -> None:
    answered = put(browsers[bad.needs_token], bad)
    assert answered.status_code == bad.status
    assert answered.headers["content-type"] == "application/json"
    body = answered.json()
    entry = body[0] if isinstance(body, list) else body
    assert (entry["jsonrpc"], entry["error"]) == ("2.0", {"code": bad.code, "message": bad.message})
    assert wallet.questions == []
    assert wallet.provider.store.list_grants() == []


def test_the_table_is_long_and_names_each_row_once() -> None:
    assert len(BAD_REQUESTS) >= 60
    assert len({bad.name for bad in BAD_REQUESTS}) == len(BAD_REQUESTS)


def test_no_answer_can_act_on_a_terminal() -> None:
    assert all(bad.message.isprintable() for bad in BAD_REQUESTS)


def test_a_good_request_among_them_is_granted() -> None:
    from tests.unit.permissions.wallet.bad_requests import ask
    from tests.unit.permissions.wallet.stage import periodic

    answered = open_browser(Wallet()).send(ask(periodic()), origin=ORIGIN)
    assert answered.json()["result"][0]["permission"]["type"] == "native-token-periodic"
