"""`delegations simulate --fork`: a verdict on a live chain from the command line."""

from __future__ import annotations

import pytest

from caveats import LimitedCalls
from delegations.evm import LocalChain
from delegations.evm.wire import to_data
from delegations.redemption import encode_redeem_delegations
from delegations.simulation import simulate
from tests.cli.command import run
from tests.evm.fork_node import SECRET, Status


@pytest.fixture
def calldata(live):
    return to_data(encode_redeem_delegations([live.redemption(5)]))


def test_the_verdict_is_that_of_the_fork(live, relay, calldata):
    ran = run("simulate", calldata, "--fork", relay.url, "--fork-block", live.tip, "--json")
    expected = simulate(LocalChain.fork(live.client, live.tip), live.redemption(5))
    assert (ran.code, ran.err) == (0, "")
    assert ran.json() == expected.model_dump(mode="json", exclude_none=True)
    denied = to_data(encode_redeem_delegations([live.redemption(10**31)]))
    assert run("simulate", denied, "--fork", relay.url, "--fork-block", live.tip).code == 1


@pytest.mark.parametrize("block", ["latest", "number", "hash"])
def test_the_block_is_given_in_three_ways(live, relay, calldata, block):
    given = {"latest": "latest", "number": live.tip, "hash": live.block(live.tip)["hash"]}[block]
    assert run("simulate", calldata, "--fork", relay.url, "--fork-block", given).code == 0


def test_the_cache_spares_the_next_run_the_reading(live, relay, calldata, tmp_path):
    arguments = ("simulate", calldata, "--fork", relay.url, "--fork-block", live.tip, "--fork-cache", tmp_path)
    first = run(*arguments)
    relay.asked.clear()
    assert run(*arguments) == first
    assert len(relay.asked) == 1


def test_the_time_and_the_chain_id_are_as_the_options_say(live, relay, calldata):
    arguments = ("simulate", calldata, "--fork", relay.url, "--fork-block", live.tip)
    assert run(*arguments, "--at", 1_900_000_000, "--chain-id", 1).code == 0
    ran = run(*arguments, "--chain-id", 10)
    assert (ran.code, ran.err) == (2, "error: --chain-id 10 differs from the node's 1\n")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--fork", "http://h", "--state", "x"], "--fork and --state both say where the state is"),
        (["--fork-block", "5"], "--fork-block and --fork-cache say something of a fork"),
        (["--fork-cache", "x"], "--fork-block and --fork-cache say something of a fork"),
        (
            ["--fork", "http://h", "--fork-block", "0x12"],
            "--fork-block: expected a number, a hash of 32 bytes, or latest",
        ),
        (["--fork", f"ftp://{SECRET}"], "endpoint: expected a URL that begins with http:// or https://\n"),
    ],
)
def test_options_that_make_no_sense_are_bad_input(calldata, options, error):
    ran = run("simulate", calldata, *options)
    assert ran.code == 2
    assert error in ran.err
    assert SECRET not in ran.err


def test_a_node_that_refuses_is_could_not_ask_and_shows_no_secret(relay, calldata):
    relay.stays = Status(401)
    ran = run("simulate", calldata, "--fork", relay.url)
    assert ran.code == 3
    assert ran.err.startswith(f"error: could not ask {relay.host} for eth_chainId: HTTP status 401")
    assert SECRET not in ran.err + ran.out


def test_foreign_code_is_shown_with_the_verdict(live, relay, calldata):
    with live.undone():
        live.call("anvil_setCode", str(LimitedCalls.ADDRESS), "0x00")
        live.call("evm_mine")
        ran = run("simulate", calldata, "--fork", relay.url)
    assert ran.code == 0
    assert "not canonical: LimitedCallsEnforcer at" in ran.out.replace("\n", " ")
