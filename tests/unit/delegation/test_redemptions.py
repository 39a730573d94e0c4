"""Modes, executions and redeemDelegations calldata, and what is refused of them."""

import pytest

from caveats import Address, EncodingError, Execution, LimitedCalls, UnsupportedError
from caveats.execution import decode_execution_batch
from delegations.delegation import create_delegation, encode_context, redelegate
from delegations.execution import ExecutionMode, decode_executions, encode_executions, parse_mode
from delegations.redemption import (
    REDEEM_DELEGATIONS,
    Redemption,
    decode_redeem_delegations,
    encode_raw_redeem_delegations,
    encode_redeem_delegations,
    redeem,
)

ALICE, BOB, CAROL = (Address(bytes([n]) * 20) for n in (1, 2, 3))
ROOT = create_delegation(delegator=ALICE, delegate=BOB, caveats=[LimitedCalls(limit=1)], salt=0)
LEAF = redelegate(ROOT, delegate=CAROL, salt=1)
CALL = Execution(target=CAROL, value=1, call_data=b"\x01\x02\x03\x04")
SINGLE = ExecutionMode.SINGLE_DEFAULT
SINGLES = [mode for mode in ExecutionMode if not mode.is_batch]


def refusal_of(kind, action, *args, **kwargs):
    with pytest.raises(kind) as refusal:
        action(*args, **kwargs)
    assert str(refusal.value).isprintable()
    return str(refusal.value)


@pytest.mark.parametrize(
    ("mode", "label", "head"),
    [
        (ExecutionMode.SINGLE_DEFAULT, "single", "0000"),
        (ExecutionMode.SINGLE_TRY, "single, try", "0001"),
        (ExecutionMode.BATCH_DEFAULT, "batch", "0100"),
        (ExecutionMode.BATCH_TRY, "batch, try", "0101"),
    ],
)
def test_a_mode_is_its_first_two_bytes(mode, label, head):
    word = "0x" + head + "00" * 30
    assert (parse_mode(word), mode.label, str(mode.value)) == (mode, label, word)
    assert parse_mode(bytes.fromhex(head) + b"\xab" * 30) is mode


@pytest.mark.parametrize("head", ["ff00", "0200", "0002", "01ff"])
def test_a_mode_no_account_executes_is_refused(head):
    message = refusal_of(UnsupportedError, parse_mode, "0x" + head + "00" * 30)
    assert message.endswith(f"expected call type 00 or 01 and execution type 00 or 01, got {head}")


@pytest.mark.parametrize("value", [b"", bytes(31), bytes(33), "0x00", "00" * 32, None, 0], ids=repr)
def test_a_mode_that_is_no_word_is_refused(value):
    assert refusal_of(EncodingError, parse_mode, value).startswith("Bytes32: expected ")


@pytest.mark.parametrize("mode", SINGLES, ids=lambda mode: mode.name)
@pytest.mark.parametrize("count", [0, 2])
def test_a_single_mode_takes_exactly_one_execution(mode, count):
    assert decode_executions(mode, encode_executions(mode, [CALL])) == (CALL,)
    assert refusal_of(EncodingError, encode_executions, mode, [CALL] * count) == (
        f"executions of mode {mode.name}: expected exactly one, got {count} (use BATCH_DEFAULT to send several)"
    )


@pytest.mark.parametrize("mode", SINGLES, ids=lambda mode: mode.name)
@pytest.mark.parametrize("count", [0, 2])
def test_a_redemption_in_a_single_mode_carries_exactly_one_execution(mode, count):
    assert Redemption(context=(ROOT,), mode=mode, executions=(CALL,)).executions == (CALL,)
    message = refusal_of(EncodingError, Redemption, context=(ROOT,), mode=mode, executions=(CALL,) * count)
    assert message == (
        f"Redemption: mode {mode.name} carries exactly one execution, got {count} (use BATCH_DEFAULT to send several)"
    )


def test_the_mode_decides_the_encoding_never_the_number_of_executions():
    single, batch = encode_executions(SINGLE, [CALL]), encode_executions(ExecutionMode.BATCH_DEFAULT, [CALL])
    assert single == CALL.target + (1).to_bytes(32, "big") + CALL.call_data
    assert batch != single
    assert decode_execution_batch(batch) == (CALL,)


@pytest.mark.parametrize("size", [0, 19, 20, 51])
def test_a_single_execution_under_its_head_is_refused(size):
    assert decode_executions(SINGLE, bytes(52)) == (Execution(target=Address(bytes(20))),)
    assert "single execution: expected at least 52 bytes (target 20, value 32), got 0x" in refusal_of(
        EncodingError, decode_executions, SINGLE, bytes(size)
    )


def test_a_single_blob_read_as_a_batch_is_refused():
    blob = encode_executions(SINGLE, [CALL])
    assert refusal_of(EncodingError, decode_executions, ExecutionMode.BATCH_DEFAULT, blob).startswith(
        "batch execution: "
    )


def test_one_execution_is_sent_single_and_a_sequence_as_a_batch():
    assert redeem(ROOT, CALL) == Redemption(context=(ROOT,), mode=SINGLE, executions=(CALL,))
    assert redeem(ROOT, [CALL]) == Redemption(context=(ROOT,), mode=ExecutionMode.BATCH_DEFAULT, executions=(CALL,))
    assert redeem(ROOT, CALL, mode=ExecutionMode.BATCH_TRY).mode is ExecutionMode.BATCH_TRY


def test_a_redemption_knows_its_ends():
    both = redeem([LEAF, ROOT], CALL)
    assert (both.leaf, both.root) == (LEAF, ROOT)


def test_the_self_authorised_redemption_has_no_ends():
    assert (redeem([], CALL).leaf, redeem([], CALL).root) == (None, None)


def test_no_redemption_at_all_is_refused():
    assert refusal_of(EncodingError, encode_redeem_delegations, []) == "redemptions: expected at least one, got none"


@pytest.mark.parametrize(("contexts", "modes", "executions"), [(1, 1, 0), (0, 1, 1), (2, 1, 2), (1, 2, 1)])
def test_unequal_lengths_are_refused_on_the_way_out(contexts, modes, executions):
    message = refusal_of(
        EncodingError, encode_raw_redeem_delegations, [b""] * contexts, [bytes(32)] * modes, [b""] * executions
    )
    assert message == (
        "redeemDelegations: expected as many contexts as modes and executions,"
        f" got {contexts}, {modes} and {executions}"
    )


def test_unequal_lengths_are_refused_on_the_way_in_with_the_error_of_the_chain():
    data = bytearray(encode_redeem_delegations([redeem(ROOT, CALL)]))
    modes_at = 4 + int.from_bytes(data[36:68], "big")
    data[modes_at : modes_at + 32] = bytes(32)
    message = refusal_of(EncodingError, decode_redeem_delegations, bytes(data))
    assert "got 1, 0 and 1 (on chain: BatchDataLengthMismatch())" in message


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_raw_mode_that_is_no_word_is_refused(size):
    message = refusal_of(EncodingError, encode_raw_redeem_delegations, [b""], [bytes(size)], [b""])
    assert message.startswith("mode: expected 32 bytes, got 0x")


def test_bytes_a_wallet_handed_over_are_sent_as_they_are():
    raw = encode_raw_redeem_delegations([encode_context((ROOT,))], [SINGLE.value], [encode_executions(SINGLE, [CALL])])
    assert raw == encode_redeem_delegations([redeem(ROOT, CALL)])


@pytest.mark.parametrize("data", [b"", b"\xce\xf6\xd2", bytes(100), b"\xa9\x05\x9c\xbb" + bytes(64)], ids=len)
def test_calldata_of_another_function_is_refused(data):
    message = refusal_of(EncodingError, decode_redeem_delegations, data)
    assert message == f"calldata: expected redeemDelegations ({REDEEM_DELEGATIONS}), got 0x{data[:4].hex()}"


def test_calldata_with_a_mode_no_account_executes_is_refused():
    strange = encode_raw_redeem_delegations([encode_context((ROOT,))], [b"\xff" + bytes(31)], [bytes(52)])
    assert "got ff00" in refusal_of(UnsupportedError, decode_redeem_delegations, strange)


@pytest.mark.parametrize(
    ("change", "piece"),
    [
        ({"mode": "0x" + "ff" * 32}, "Redemption.mode: mode 0xff"),
        ({"mode": None}, "Redemption.mode: Bytes32: expected a 0x hex string, got None"),
        ({"executions": None}, "Redemption.executions: expected a list, got None"),
        ({"executions": [{"target": str(BOB), "value": -1}]}, "Redemption.executions.0.value: uint256: expected"),
        ({"executions": [{"to": str(BOB)}]}, "Redemption.executions.0.to: there is no such field"),
        ({"context": [5]}, "Redemption.context.0: expected an object with named fields, got 5"),
        ({"contexts": []}, "Redemption.contexts: there is no such field"),
    ],
)
def test_a_file_that_is_no_redemption_is_refused_by_its_field(change, piece):
    assert piece in refusal_of(EncodingError, Redemption.from_wire, {**redeem(ROOT, CALL).to_wire(), **change})
