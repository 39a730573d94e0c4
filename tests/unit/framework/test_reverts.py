from __future__ import annotations

import pytest
from eth_abi import encode
from hypothesis import given
from hypothesis import strategies as st

from caveats.types import Address, Bytes32
from delegations.framework import Framework, decode_revert
from delegations.framework.abi import selector, signature
from delegations.framework.meanings import ERRORS, PANICS

ERROR = bytes.fromhex("08c379a0")
PANIC = bytes.fromhex("4e487b71")

SELECTORS = {
    # the manager
    "CannotUseADisabledDelegation()": "05baa052",
    "InvalidAuthority()": "ded4370e",
    "InvalidDelegate()": "b5863604",
    "InvalidDelegator()": "b9f0f171",
    "InvalidEOASignature()": "3db6791c",
    "InvalidERC1271Signature()": "155ff427",
    "EmptySignature()": "ac241e11",
    "AlreadyDisabled()": "005ecddb",
    "AlreadyEnabled()": "f2a5f75a",
    "BatchDataLengthMismatch()": "1bcaf69f",
    "EnforcedPause()": "d93c0665",
    "ExpectedPause()": "8dfc202b",
    "OwnableUnauthorizedAccount(address)": "118cdaa7",
    "OwnableInvalidOwner(address)": "1e4fbdf7",
    "ECDSAInvalidSignature()": "f645eedf",
    "ECDSAInvalidSignatureLength(uint256)": "fce698f7",
    "ECDSAInvalidSignatureS(bytes32)": "d78bce0c",
    # executions
    "UnsupportedCallType(bytes1)": "b96fcfe4",
    "UnsupportedExecType(bytes1)": "1187dc06",
    "DecodingError()": "ba597e7e",
    "ERC7579DecodingError()": "eb0bcc5d",
    # EIP-7702 account
    "NotDelegationManager()": "1a4b3a04",
    "NotEntryPointOrSelf()": "0796d945",
    "UnauthorizedCallContext()": "9f03a026",
    "InvalidEIP712NameLength()": "6b66bce4",
    "InvalidEIP712VersionLength()": "9203c9d0",
    # Hybrid account
    "KeyAlreadyExists(bytes32)": "61db1081",
    "KeyDoesNotExist(bytes32)": "d1b21868",
    "CannotRemoveLastSigner()": "c4c85473",
    "InputLengthsMismatch(uint256,uint256,uint256)": "a297991b",
    "SignersCannotBeEmpty()": "25b4b29a",
    "KeyNotOnCurve(uint256,uint256)": "13c3d61f",
    "InvalidEmptyKey()": "fc4acb02",
    # MultiSig account
    "InvalidThreshold()": "aabd5a09",
    "InvalidSignerAddress()": "4501a919",
    "NotASigner()": "da0357f7",
    "AlreadyASigner()": "cc2fa558",
    "TooManySigners()": "1b925da6",
    "InsufficientSigners()": "c2ee9b9e",
    # factory and EntryPoint
    "SimpleFactoryEmptyContract(address)": "78d25540",
    "Create2FailedDeployment()": "741752c2",
    "Create2EmptyBytecode()": "4ca249dc",
    "NotEntryPoint()": "d663742a",
    "NotSelf()": "29c3b7ee",
    "UUPSUnauthorizedCallContext()": "e07c8dba",
    "AddressEmptyCode(address)": "9996b315",
    "FailedInnerCall()": "1425ea42",
}


@pytest.mark.parametrize(("name", "expected"), SELECTORS.items())
def test_a_known_selector_gives_its_error(name: str, expected: str) -> None:
    reason = decode_revert(bytes.fromhex(expected))
    assert (reason.kind, reason.name) == ("custom", name)


def test_every_error_of_the_official_abis_has_a_meaning(framework: Framework) -> None:
    declared = {
        signature(entry)
        for known in (*framework.contracts, *framework.interfaces)
        for entry in known.abi
        if entry["type"] == "error"
    }
    assert declared
    assert declared <= set(ERRORS)


def test_no_two_errors_share_a_selector() -> None:
    assert len({selector(name) for name in ERRORS}) == len(ERRORS)


def test_the_meanings_are_clauses_without_a_full_stop() -> None:
    assert [text for text in ERRORS.values() if text.endswith((".", ":")) or not text] == []


def test_no_data_is_not_an_error_of_any_name() -> None:
    reason = decode_revert(b"")
    assert (reason.kind, reason.name, reason.reason, reason.onchain) == ("empty", "", None, "")


def test_an_enforcer_string_names_its_enforcer() -> None:
    reason = decode_revert(ERROR + encode(["string"], ["LimitedCallsEnforcer:limit-exceeded"]))
    assert reason.kind == "error_string"
    assert reason.reason == reason.onchain == "LimitedCallsEnforcer:limit-exceeded"
    assert reason.enforcer == "LimitedCallsEnforcer"
    assert reason.text == "LimitedCallsEnforcer refused: limit exceeded."


def test_another_string_names_no_enforcer() -> None:
    reason = decode_revert(ERROR + encode(["string"], ["ERC20: transfer amount exceeds balance"]))
    assert reason.enforcer is None
    assert "'ERC20: transfer amount exceeds balance'" in reason.text


def test_a_string_without_padding_is_read() -> None:
    body = (32).to_bytes(32, "big") + (2).to_bytes(32, "big") + b"no"
    assert decode_revert(ERROR + body).reason == "no"


def test_terminal_codes_do_not_reach_the_sentence() -> None:
    reason = decode_revert(ERROR + encode(["string"], ["\x1b[2J\u202egone\n"]))
    assert reason.reason == "\x1b[2J\u202egone\n"
    assert reason.text.isprintable()
    assert reason.text.isascii()


def test_a_long_string_is_shortened_in_the_sentence() -> None:
    reason = decode_revert(ERROR + encode(["string"], ["x" * 100_000]))
    assert len(reason.text) < 300
    assert reason.reason is not None
    assert len(reason.reason) == 100_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        bytes(31),
        (64).to_bytes(32, "big") + bytes(64),
        (32).to_bytes(32, "big") + (2**256 - 1).to_bytes(32, "big"),
        (32).to_bytes(32, "big") + (5).to_bytes(32, "big") + b"four",
        encode(["bytes"], [b"\xff\xfe"]),
    ],
    ids=["nothing", "short", "wrong offset", "huge length", "one byte short", "not utf-8"],
)
def test_a_malformed_string_is_unknown(body: bytes) -> None:
    reason = decode_revert(ERROR + body)
    assert (reason.kind, reason.reason, reason.raw) == ("unknown", None, ERROR + body)


@pytest.mark.parametrize("code", sorted(PANICS))
def test_a_panic_is_named_by_its_code(code: int) -> None:
    reason = decode_revert(PANIC + code.to_bytes(32, "big"))
    assert (reason.kind, reason.name, reason.args) == ("panic", f"Panic(0x{code:02x})", (code,))
    assert PANICS[code] in reason.text


def test_a_panic_of_no_known_code_is_still_a_panic() -> None:
    reason = decode_revert(PANIC + (2**256 - 1).to_bytes(32, "big"))
    assert reason.kind == "panic"
    assert reason.args == (2**256 - 1,)


def test_a_panic_of_another_length_is_unknown() -> None:
    assert decode_revert(PANIC + bytes(31)).kind == "unknown"


def test_values_of_a_custom_error_are_read() -> None:
    account = Address("0x" + "11" * 20)
    reason = decode_revert(selector("OwnableUnauthorizedAccount(address)") + bytes(12) + account)
    assert reason.args == (account,)
    assert reason.text.endswith(f"{account}.")


def test_dynamic_values_of_a_custom_error_are_read() -> None:
    data = encode(["uint256", "string", "bytes"], [7, "AA23 reverted", b"\x01\x02"])
    reason = decode_revert(selector("FailedOpWithRevert(uint256,string,bytes)") + data)
    assert reason.args == (7, "AA23 reverted", b"\x01\x02")
    assert "'AA23 reverted'" in reason.text


def test_a_custom_error_with_unreadable_values_keeps_its_name() -> None:
    reason = decode_revert(selector("ECDSAInvalidSignatureS(bytes32)") + b"\x01")
    assert (reason.kind, reason.name, reason.args) == ("custom", "ECDSAInvalidSignatureS(bytes32)", ())


def test_bytes32_values_show_as_hex() -> None:
    reason = decode_revert(selector("KeyDoesNotExist(bytes32)") + b"\xab" * 32)
    assert reason.args == (Bytes32(b"\xab" * 32),)
    assert "0x" + "ab" * 32 in reason.text


@given(st.binary(max_size=300))
def test_any_bytes_are_told_apart_without_an_exception(data: bytes) -> None:
    reason = decode_revert(data)
    assert reason.raw == data
    assert reason.text.isprintable()


@given(st.sampled_from([ERROR, PANIC, *map(selector, ERRORS)]), st.binary(max_size=400))
def test_any_body_behind_a_known_selector_is_read_or_left(head: bytes, body: bytes) -> None:
    reason = decode_revert(head + body)
    assert reason.raw == head + body
    assert reason.text.isprintable()
