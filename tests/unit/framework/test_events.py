from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eth_abi import encode
from hypothesis import given
from hypothesis import strategies as st

from caveats.errors import EncodingError
from caveats.types import Address, Bytes32, parse_hex
from delegations.framework import DELEGATION_MANAGER, EIP7702_STATELESS_DELEGATOR, Framework, decode_event
from delegations.framework.abi import canonical_type, decode_canonical, selector, topic

ALICE, BOB, CAROL = (Address(bytes([n]) * 20) for n in (0xA1, 0xB0, 0xCA))
HASH = Bytes32(b"\x77" * 32)

TOPICS = json.loads((Path(__file__).parent / "topics.json").read_text())

DELEGATION = "(address,address,bytes32,(address,bytes,bytes)[],uint256,bytes)"


def word(address: bytes) -> bytes:
    return address.rjust(32, b"\0")


def redeemed() -> tuple[list[bytes], bytes]:
    delegation = (BOB, ALICE, b"\xff" * 32, [(CAROL, b"terms", b"")], 2**256 - 1, b"\x05" * 65)
    topics = [topic(f"RedeemedDelegation(address,address,{DELEGATION})"), word(ALICE), word(BOB)]
    return topics, encode([DELEGATION], [delegation])


@pytest.mark.parametrize(("contract", "name", "topic0"), TOPICS)
def test_an_emitter_and_topic_give_the_event(framework: Framework, contract: str, name: str, topic0: str) -> None:
    found = framework.event(framework.contract(contract).address, parse_hex(topic0))
    assert found is not None
    assert (found[0], found[1]["name"]) == (contract, name)


def test_a_redemption_is_read_with_its_whole_delegation(framework: Framework) -> None:
    topics, data = redeemed()
    event = decode_event(DELEGATION_MANAGER, topics, data, framework=framework)
    assert event is not None
    assert (event.name, event.contract, event.address) == (
        "RedeemedDelegation",
        "DelegationManager",
        DELEGATION_MANAGER,
    )
    assert event.args == {
        "rootDelegator": ALICE,
        "redeemer": BOB,
        "delegation": {
            "delegate": BOB,
            "delegator": ALICE,
            "authority": Bytes32(b"\xff" * 32),
            "caveats": ({"enforcer": CAROL, "terms": b"terms", "args": b""},),
            "salt": 2**256 - 1,
            "signature": b"\x05" * 65,
        },
    }


def test_one_topic_of_two_contracts_goes_by_the_emitter(framework: Framework) -> None:
    topics = [
        parse_hex("0xc026e493323d526061a052b5dd562495120e2f648797a48be61966d3a6beec8d"),
        word(DELEGATION_MANAGER),
        word(BOB),
        HASH,
    ]
    for name in ("ERC20TransferAmountEnforcer", "NativeTokenTransferAmountEnforcer"):
        emitter = framework.contract(name).address
        event = decode_event(emitter, topics, encode(["uint256"] * 2, [10, 2**255]), framework=framework)
        assert event is not None
        assert event.contract == name
        assert event.args == {
            "sender": DELEGATION_MANAGER,
            "redeemer": BOB,
            "delegationHash": HASH,
            "limit": 10,
            "spent": 2**255,
        }


def test_the_same_log_of_a_stranger_is_not_read(framework: Framework) -> None:
    topics, data = redeemed()
    assert decode_event(CAROL, topics, data, framework=framework) is None


def test_an_event_of_a_contract_without_code_is_read(framework: Framework) -> None:
    emitter = framework.contract("NativeTokenMultiOperationIncreaseBalanceEnforcer").address
    topics = [topic("TrackedBalance(address,address,uint256)"), word(DELEGATION_MANAGER), word(ALICE)]
    event = decode_event(emitter, topics, encode(["uint256"], [5]), framework=framework)
    assert event is not None
    assert event.args == {"delegationManager": DELEGATION_MANAGER, "recipient": ALICE, "balance": 5}


def test_an_account_is_read_by_its_implementation(framework: Framework) -> None:
    topics = [topic("TryExecuteUnsuccessful(uint256,bytes)")]
    data = encode(["uint256", "bytes"], [1, b"why"])
    assert decode_event(ALICE, topics, data, framework=framework) is None
    event = decode_event(ALICE, topics, data, framework=framework, implementation=EIP7702_STATELESS_DELEGATOR)
    assert event is not None
    assert (event.address, event.contract) == (ALICE, "EIP7702StatelessDeleGator")
    assert event.args["result"] == b"why"


def test_an_entry_point_event_is_read(framework: Framework) -> None:
    emitter = framework.interfaces[0].address
    topics = [topic("Deposited(address,uint256)"), word(ALICE)]
    event = decode_event(emitter, topics, encode(["uint256"], [9]), framework=framework)
    assert event is not None
    assert (event.contract, event.args["totalDeposit"]) == ("EntryPoint", 9)


@pytest.mark.parametrize(
    "change",
    [
        lambda topics, data: ([], data),
        lambda topics, data: (topics[:-1], data),
        lambda topics, data: ([*topics, topics[1]], data),
        lambda topics, data: ([topics[0], b"\x01" * 32, topics[2]], data),
        lambda topics, data: ([topics[0][:31], *topics[1:]], data),
        lambda topics, data: (topics, b""),
        lambda topics, data: (topics, data[:-1]),
        lambda topics, data: (topics, data + bytes(32)),
        lambda topics, data: (topics, b"\xff" * len(data)),
    ],
    ids=[
        "no topics",
        "a topic too few",
        "a topic too many",
        "a topic that is no address",
        "a short topic",
        "no data",
        "a byte short",
        "a word too long",
        "huge offsets",
    ],
)
def test_a_malformed_log_is_not_read(framework: Framework, change: Any) -> None:
    topics, data = change(*redeemed())
    assert decode_event(DELEGATION_MANAGER, topics, data, framework=framework) is None


def test_an_address_of_another_length_is_not_read(framework: Framework) -> None:
    topics, data = redeemed()
    assert decode_event(DELEGATION_MANAGER[:19], topics, data, framework=framework) is None


@given(data=st.binary(max_size=600), cut=st.integers(0, 700), at=st.integers(0, 700))
def test_damaged_data_never_throws(framework: Framework, data: bytes, cut: int, at: int) -> None:
    topics, whole = redeemed()
    damaged = whole[:at] + data + whole[cut:]
    event = decode_event(DELEGATION_MANAGER, topics, damaged, framework=framework)
    assert event is None or event.name == "RedeemedDelegation"


TYPES: dict[str, Any] = {
    "uint256": st.integers(0, 2**256 - 1),
    "uint8": st.integers(0, 255),
    "int256": st.integers(-(2**255), 2**255 - 1),
    "bool": st.booleans(),
    "address": st.binary(min_size=20, max_size=20),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes1": st.binary(min_size=1, max_size=1),
    "bytes": st.binary(max_size=70),
    "string": st.text(max_size=40),
    "uint256[]": st.lists(st.integers(0, 2**256 - 1), max_size=4).map(tuple),
    "bytes[]": st.lists(st.binary(max_size=40), max_size=4).map(tuple),
    "string[2]": st.tuples(st.text(max_size=9), st.text(max_size=9)),
    "uint8[3]": st.tuples(*[st.integers(0, 255)] * 3),
}


@given(
    st.lists(st.sampled_from(sorted(TYPES)), max_size=6).flatmap(
        lambda kinds: st.tuples(st.just(kinds), st.tuples(*(TYPES[kind] for kind in kinds)))
    )
)
def test_values_agree_with_another_encoder(case: tuple[list[str], tuple[Any, ...]]) -> None:
    kinds, values = case
    assert decode_canonical([{"type": kind} for kind in kinds], encode(kinds, values)) == values


def test_a_count_beyond_the_data_costs_nothing() -> None:
    data = (32).to_bytes(32, "big") + (2**63).to_bytes(32, "big")
    with pytest.raises(EncodingError, match="the data ends at byte 64"):
        decode_canonical([{"type": "uint256[]"}], data)


def test_a_tuple_is_written_out_in_a_signature() -> None:
    parameter = {"type": "tuple[]", "components": [{"type": "address"}, {"type": "bytes"}]}
    assert canonical_type(parameter) == "(address,bytes)[]"


def test_a_selector_is_the_head_of_the_signature_hash() -> None:
    assert selector("redeemDelegations(bytes[],bytes32[],bytes[])").hex() == "cef6d209"
