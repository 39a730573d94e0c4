"""What decoding makes of logs, calldata and answers that are not as they should be."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caveats import Execution, LimitedCalls
from caveats.abi import encode_address, encode_uint
from caveats.errors import EncodingError, UnsupportedError
from caveats.types import Address, Bytes32
from delegations.delegation import Delegation, decode_context, encode_context, encode_delegation, redelegate
from delegations.framework.constants import DELEGATION_MANAGER
from delegations.framework.deployments import Deployment, Registry
from delegations.receipts.decode import decode_call, decode_redemptions
from delegations.receipts.decode.calls import read_entries
from delegations.receipts.decode.logs import DISABLED, REDEEMED
from delegations.receipts.decode.moves import _BATCH, NATIVE_LOGGERS
from delegations.receipts.decode.raw import read_context, read_logged
from delegations.redemption import decode_redeem_delegations, encode_redeem_delegations, redeem
from delegations.simulation.effects import TRANSFER_TOPIC

ALICE, AGENT, SHOP, HELPER = (Address(bytes([n]) * 20) for n in (1, 2, 3, 4))
OTHER = Address(b"\x09" * 20)
TOP = Delegation(delegate=AGENT, delegator=ALICE, caveats=(LimitedCalls(limit=2).to_caveat(),), salt=7, signature=b"s")
LEAF = redelegate(TOP, delegate=HELPER, caveats=[LimitedCalls(limit=1)], salt=8)
PAY = Execution(target=SHOP, value=1)


def hexed(data: bytes) -> str:
    return "0x" + data.hex()


def log(address: bytes, topics: list[bytes], data: bytes, index: int = 0) -> dict[str, Any]:
    return {
        "address": hexed(address),
        "topics": [hexed(topic) for topic in topics],
        "data": hexed(data),
        "logIndex": hex(index),
    }


def redeemed(
    link: Delegation, redeemer: Address, *, by: bytes = DELEGATION_MANAGER, root: Address = ALICE, index: int = 0
) -> dict[str, Any]:
    topics = [REDEEMED, encode_address(root), encode_address(redeemer)]
    return log(by, topics, encode_delegation(link), index)


def sent(data: bytes = b"", to: Address = OTHER, status: int = 1, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    tx = {"from": hexed(AGENT), "to": hexed(to), "input": hexed(data), "chainId": "0x1", "hash": "0x" + "11" * 32}
    return {**tx, **more}, {"status": hex(status), "transactionHash": "0x" + "11" * 32, "logs": []}


# delegations as bytes


def test_a_context_read_by_slicing_is_the_one_that_was_encoded() -> None:
    chain = read_context(encode_context([LEAF, TOP]))
    assert tuple(link.model for link in chain) == (LEAF, TOP)
    assert [Bytes32(link.hash) for link in chain] == [LEAF.hash, TOP.hash]


def test_a_logged_delegation_is_the_one_that_was_encoded() -> None:
    assert read_logged(encode_delegation(LEAF)).model == LEAF


@given(st.data())
def test_bytes_that_were_changed_read_as_the_other_reader_reads_them(data: st.DataObject) -> None:
    encoded = bytearray(encode_context([LEAF, TOP]))
    for _ in range(data.draw(st.integers(1, 3))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(encoded[: data.draw(st.integers(0, len(encoded)))])
    try:
        expected = decode_context(cut)
    except EncodingError:
        with pytest.raises(EncodingError):
            read_context(cut)
    else:
        assert tuple(link.model for link in read_context(cut)) == expected


def test_pointers_that_overlap_do_not_unpack_without_end() -> None:
    body = encode_uint(2**16) + bytes(2**16)
    caveat = encode_address(OTHER) + encode_uint(96) + encode_uint(96) + body
    count = 1000
    caveats = encode_uint(count) + encode_uint(count * 32) * count + caveat
    head = encode_address(AGENT) + encode_address(ALICE) + b"\xff" * 32 + encode_uint(192) + bytes(32)
    with pytest.raises(EncodingError, match="overlap"):
        read_logged(encode_uint(32) + head + encode_uint(192) + caveats)


# logs


def decode_logs(*logs: dict[str, Any], **more: Any) -> Any:
    tx, receipt = sent()
    return decode_redemptions(tx, receipt, logs, **more)


def test_logs_of_a_chain_are_one_redemption() -> None:
    decoded = decode_logs(redeemed(LEAF, HELPER, index=4), redeemed(TOP, HELPER, index=5))
    (redemption,) = decoded.redemptions
    assert redemption.lineage == (TOP, LEAF)
    assert (redemption.redeemer, redemption.submitter, redemption.log_indexes) == (HELPER, AGENT, (4, 5))
    assert (redemption.status, redemption.stands, redemption.mode, redemption.executions) == (
        "unknown",
        True,
        None,
        None,
    )
    assert (redemption.movements, redemption.call_path, redemption.via, redemption.entry) == (None,) * 4


def test_a_caveat_that_refuses_to_try_shows_that_an_account_vouched_for_has_executed() -> None:
    decoded = decode_logs(redeemed(TOP, AGENT), accounts={ALICE})
    assert decoded.redemptions[0].status == "executed"
    free = TOP.model_copy(update={"caveats": ()})
    assert decode_logs(redeemed(free, AGENT), accounts={ALICE}).redemptions[0].status == "unknown"


@pytest.mark.parametrize(
    "logs",
    [
        pytest.param([redeemed(LEAF, HELPER)], id="a leaf without its root"),
        pytest.param([redeemed(LEAF, HELPER), redeemed(TOP, AGENT)], id="another redeemer at the root"),
        pytest.param([redeemed(TOP, HELPER)], id="a redeemer who is not the delegate"),
        pytest.param([redeemed(TOP, AGENT, root=SHOP)], id="another root delegator"),
        pytest.param([redeemed(LEAF, HELPER), redeemed(LEAF, HELPER)], id="a link twice"),
    ],
)
def test_logs_that_do_not_link_are_no_redemption(logs: list[dict[str, Any]]) -> None:
    decoded = decode_logs(*logs)
    assert not any(len(r.chain) > 1 for r in decoded.redemptions)
    assert any("do not link" in text for text in decoded.warnings)


def test_a_log_between_the_links_breaks_the_chain() -> None:
    between = log(OTHER, [b"\x01" * 32], b"")
    decoded = decode_logs(redeemed(LEAF, HELPER), between, redeemed(TOP, HELPER))
    assert decoded.redemptions == ()


def test_the_event_of_a_false_manager_is_no_redemption() -> None:
    decoded = decode_logs(redeemed(TOP, AGENT, by=OTHER))
    assert decoded.redemptions == ()
    assert "spoofed" in decoded.warnings[0]


def test_a_manager_that_is_registered_is_one_on_its_chain_alone() -> None:
    event = redeemed(TOP, AGENT, by=OTHER)
    here, there = (Registry((Deployment("9", chain_id, OTHER, {}),)) for chain_id in (1, 2))
    assert [r.version for r in decode_logs(event, deployments=here).redemptions] == ["9"]
    assert decode_logs(event, deployments=there).redemptions == ()


def test_a_revocation_whose_hash_is_not_that_of_its_delegation_is_none() -> None:
    tail = [encode_address(ALICE), encode_address(AGENT)]
    good, bad = (log(DELEGATION_MANAGER, [DISABLED, h, *tail], encode_delegation(TOP)) for h in (TOP.hash, LEAF.hash))
    assert [e.hash for e in decode_logs(good, bad).grants] == [TOP.hash]


@pytest.mark.parametrize("logger", sorted(NATIVE_LOGGERS))
def test_a_transfer_log_that_stands_for_native_value_is_no_token(logger: bytes) -> None:
    topics = [TRANSFER_TOPIC, encode_address(ALICE), encode_address(SHOP)]
    decoded = decode_logs(log(OTHER, topics, encode_uint(5)), log(logger, topics, encode_uint(5)))
    assert [move.token for move in decoded.movements] == [OTHER]


# calldata


def test_a_call_whose_status_is_success_is_matched_with_its_logs() -> None:
    data = encode_redeem_delegations([redeem(TOP, PAY)])
    tx, receipt = sent(data, DELEGATION_MANAGER)
    (redemption,) = decode_redemptions(tx, receipt, [redeemed(TOP, AGENT)], accounts={ALICE}).redemptions
    assert (redemption.status, redemption.entry, redemption.call_path) == ("executed", 0, ())
    assert redemption.executions == (PAY,)


def test_a_call_that_failed_stands_for_nothing_and_why_is_unknown() -> None:
    tx, receipt = sent(encode_redeem_delegations([redeem(TOP, PAY)]), DELEGATION_MANAGER, status=0)
    (redemption,) = decode_redemptions(tx, receipt, accounts={ALICE}).redemptions
    assert (redemption.status, redemption.stands, redemption.movements) == ("unknown", False, ())


def test_a_call_whose_logs_were_left_out_is_warned_of() -> None:
    tx, receipt = sent(encode_redeem_delegations([redeem(TOP, PAY)]), DELEGATION_MANAGER)
    decoded = decode_redemptions(tx, receipt, [])
    assert "do not hold" in decoded.warnings[0]


TRANSFER_ABI = [
    {
        "type": "function",
        "name": "transfer",
        "inputs": [{"name": "to", "type": "address"}, {"name": "amount", "type": "uint256"}],
    }
]


def test_an_execution_is_read_by_the_abi_given_for_its_target() -> None:
    call = Execution(target=OTHER, call_data=bytes.fromhex("a9059cbb") + encode_address(SHOP) + encode_uint(5))
    read = decode_call(call, {OTHER: TRANSFER_ABI})
    assert read is not None
    assert (read.signature, dict(read.args)) == ("transfer(address,uint256)", {"to": SHOP, "amount": 5})


def test_an_execution_the_abi_does_not_fit_is_not_read() -> None:
    short = Execution(target=OTHER, call_data=bytes.fromhex("a9059cbb") + encode_address(SHOP))
    assert decode_call(short, {OTHER: TRANSFER_ABI}) is None
    assert decode_call(short, {SHOP: TRANSFER_ABI}) is None


# answers


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"from": None}, "from"),
        ({"from": "0x12"}, "an address"),
        ({"input": "0x1 "}, "0x hex"),
        ({"chainId": "five"}, "0x hex"),
        ({"hash": "0x" + "22" * 32}, "that of 0x22"),
    ],
)
def test_a_transaction_that_cannot_be_read_is_refused(change: dict[str, Any], says: str) -> None:
    tx, receipt = sent(**change)
    with pytest.raises(EncodingError, match=says):
        decode_redemptions(tx, receipt)


@pytest.mark.parametrize(
    "bad", [{}, {"address": "0x", "topics": [], "data": "0x"}, {**redeemed(TOP, AGENT), "removed": True}]
)
def test_a_log_that_cannot_be_read_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(EncodingError, match="log"):
        decode_logs(bad)


@pytest.mark.parametrize("logs", [None, "0x", {}, 7])
def test_logs_that_are_none_are_not_taken_for_no_logs(logs: Any) -> None:
    tx, receipt = sent()
    assert decode_redemptions(tx, {**receipt, "logs": []}).redemptions == ()
    with pytest.raises(EncodingError, match="logs: expected a list"):
        decode_redemptions(tx, {**receipt, "logs": logs})
    with pytest.raises(EncodingError, match="logs: expected a list"):
        decode_redemptions(tx, {name: value for name, value in receipt.items() if name != "logs"})


def test_a_chain_id_that_is_not_the_transactions_is_refused() -> None:
    tx, receipt = sent()
    assert decode_redemptions(tx, receipt, chain_id=1).redemptions == ()
    with pytest.raises(EncodingError, match="chain id"):
        decode_redemptions(tx, receipt, chain_id=2)


@given(st.data())
def test_calldata_that_was_changed_is_read_or_refused_as_by_the_other_reader(data: st.DataObject) -> None:
    calldata = bytearray(encode_redeem_delegations([redeem([LEAF, TOP], PAY), redeem(TOP, [PAY, PAY])]))
    for _ in range(data.draw(st.integers(1, 3))):
        calldata[data.draw(st.integers(4, len(calldata) - 1))] = data.draw(st.integers(0, 255))
    try:
        expected = decode_redeem_delegations(bytes(calldata))
    except (EncodingError, UnsupportedError):
        # the other reader also refuses modes and executions, which here stay bytes
        with contextlib.suppress(EncodingError):
            assert all(entry.chain is not None for entry in read_entries(bytes(calldata)))
    else:
        read = read_entries(bytes(calldata))
        assert [tuple(link.model for link in e.chain) for e in read] == [r.context for r in expected]
        assert [e.mode[:2] for e in read] == [r.mode.value[:2] for r in expected]


def test_a_batch_of_badges_is_a_movement_for_each() -> None:
    topics = [_BATCH, encode_address(AGENT), encode_address(ALICE), encode_address(SHOP)]
    words = [64, 160, 2, 7, 8, 2, 1, 5]
    decoded = decode_logs(log(OTHER, topics, b"".join(map(encode_uint, words))))
    assert [(m.token_id, m.amount, m.recipient) for m in decoded.movements] == [(7, 1, SHOP), (8, 5, SHOP)]


def test_a_batch_of_badges_of_unequal_lengths_is_none() -> None:
    topics = [_BATCH, encode_address(AGENT), encode_address(ALICE), encode_address(SHOP)]
    words = [64, 160, 2, 7, 8, 1, 1]
    assert decode_logs(log(OTHER, topics, b"".join(map(encode_uint, words)))).movements == ()
