"""Numbers where some type or language ends: the command takes, hashes, executes and shows them to the last digit."""

from __future__ import annotations

import json

import pytest
from eth_abi import decode
from eth_account.messages import _hash_eip191_message, encode_typed_data

from caveats import Address, ValueLte
from delegations.delegation import Delegation, create_delegation, encode_context, sign_delegation
from delegations.evm import LocalChain, dev_account
from delegations.framework.constants import DELEGATION_MANAGER
from tests.boundaries import EDGES, PLACES
from tests.cli.command import run
from tests.property.test_oracles import typed_message

CHAIN_ID = 31337
ALICE, AGENT, SHOP = (Address(bytes([n]) * 20) for n in (0xA1, 0xB0, 0xC2))
PAYER = Address(dev_account(0).address)


def grant_with(value: int) -> Delegation:
    """Return a delegation with one caveat for every place a number has in terms, each with this value there."""
    caveats = tuple(place.terms(value).to_caveat() for place in PLACES if value < 2**place.bits)
    return Delegation(delegator=ALICE, delegate=AGENT, caveats=caveats, salt=value)


def check_shown(answer: dict[str, object], value: int) -> None:
    (shown,) = answer["delegations"]
    places = [place for place in PLACES if value < 2**place.bits]
    assert len(shown["caveats"]) == len(places)
    for place, caveat in zip(places, shown["caveats"], strict=True):
        assert place.read(caveat["decoded"]) == str(value), place
        assert caveat["name"] == place.cls.ENFORCER.removesuffix("Enforcer")


@pytest.mark.parametrize("value", EDGES.values(), ids=EDGES)
def test_inspect_shows_a_delegation_with_every_number_as_an_exact_decimal(value):
    ran = run("inspect", "-", "--json", stdin=grant_with(value).to_json())
    assert (ran.code, ran.err) == (0, "")
    check_shown(ran.json(), value)


@pytest.mark.parametrize("value", EDGES.values(), ids=EDGES)
def test_inspect_shows_the_same_of_its_bytes(value):
    grant = grant_with(value)
    ran = run("inspect", "-", "--json", stdin="0x" + encode_context([grant]).hex())
    assert ran.code == 0
    check_shown(ran.json(), value)
    (shown,) = ran.json()["delegations"]
    assert shown["salt"] == grant.to_wire()["salt"]
    assert int(shown["salt"], 16) == value


def test_inspect_in_words_shows_the_largest_number_to_its_last_digit():
    ran = run("inspect", "-", stdin=grant_with(2**256 - 1).to_json(), env={"COLUMNS": "400"})
    assert ran.code == 0
    assert str(2**256 - 1) in ran.out


# hash: the number as the salt and in the terms of every class


@pytest.mark.parametrize("value", EDGES.values(), ids=EDGES)
def test_hash_is_what_a_wallet_would_hash(value):
    grant = grant_with(value)
    ran = run("hash", "-", "--chain-id", 1, "--json", stdin=grant.to_json())
    assert (ran.code, ran.err) == (0, "")
    message = encode_typed_data(full_message=typed_message(grant, 1, DELEGATION_MANAGER))
    assert ran.json() == {
        "hash": "0x" + message.body.hex(),
        "digest": "0x" + _hash_eip191_message(message).hex(),
    }


@pytest.mark.parametrize("value", EDGES.values(), ids=EDGES)
def test_a_salt_in_decimal_hashes_as_the_same_in_hex(value):
    wire = grant_with(value).to_wire()
    ran = [run("hash", "-", stdin=json.dumps({**wire, "salt": salt})) for salt in (str(value), hex(value))]
    assert [answer.code for answer in ran] == [0, 0]
    assert ran[0].out == ran[1].out


@pytest.mark.parametrize("salt", [str(2**256), hex(2**256), "-1"])
def test_a_salt_beyond_the_ends_is_refused(salt):
    assert run("hash", "-", stdin=json.dumps({**grant_with(1).to_wire(), "salt": str(2**256 - 1)})).code == 0
    ran = run("hash", "-", stdin=json.dumps({**grant_with(1).to_wire(), "salt": salt}))
    assert (ran.code, ran.out) == (2, "")
    assert "salt" in ran.err


# --value: what is executed


@pytest.fixture(scope="module")
def capped():
    """For each edge a signed grant of at most that much, and the state of a chain whose delegator holds all of it."""
    chain = LocalChain(CHAIN_ID)
    chain.add_delegator(PAYER, 2**256 - 1)
    grants = {}
    for value in EDGES.values():
        unsigned = create_delegation(
            delegator=PAYER, delegate=AGENT, caveats=[ValueLte(max_value_wei=value)], salt=value
        )
        grants[value] = sign_delegation(unsigned, dev_account(0), chain_id=CHAIN_ID, manager=DELEGATION_MANAGER)
    return grants, chain.to_json()


@pytest.mark.parametrize("value", EDGES.values(), ids=EDGES)
def test_simulate_moves_a_value_to_its_last_wei_and_not_one_more(capped, tmp_path, value):
    grants, state = capped
    (tmp_path / "state.json").write_text(state)

    def simulate(wei):
        words = ("--state", tmp_path / "state.json", "--target", SHOP, "--value", wei, "--redeemer", AGENT, "--json")
        return run("simulate", "-", *words, stdin=grants[value].to_json())

    ran = simulate(value)
    assert (ran.code, ran.err) == (0, "")
    moved = [movement["amount"] for movement in ran.json()["effects"]["movements"]]
    assert moved == ([str(value)] if value else [])
    over = simulate(value + 1)
    if value == 2**256 - 1:
        assert over.code == 2
        assert over.err.startswith("error: --value: uint256: expected a whole number from 0 to 2^256-1")
    else:
        assert over.code == 1
        assert over.json()["denial"]["reason"] == "ValueLteEnforcer:value-too-high"


@pytest.mark.parametrize("value", EDGES.values(), ids=EDGES)
def test_a_dry_run_writes_the_value_into_the_calldata_as_one_word(capped, value):
    grants, _ = capped
    words = ("--dry-run", "--target", SHOP, "--value", value, "--json")
    ran = run("redeem", "-", *words, stdin=grants[value].to_json())
    assert (ran.code, ran.err) == (0, "")
    data = bytes.fromhex(ran.json()["data"][2:])
    _, _, (execution,) = decode(["bytes[]", "bytes32[]", "bytes[]"], data[4:])
    assert execution == SHOP + value.to_bytes(32, "big")


def test_a_dry_run_refuses_a_value_past_the_end(capped):
    grants, _ = capped
    words = ("redeem", "-", "--dry-run", "--target", SHOP, "--value")
    assert run(*words, 2**256 - 1, stdin=grants[1].to_json()).code == 0
    ran = run(*words, 2**256, stdin=grants[1].to_json())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: --value: uint256: expected a whole number from 0 to 2^256-1")
