"""Values of the kit that ours refuse: too wide, half a byte, no number, a broken checksum. What is signed then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from caveats import (
    Address,
    AllowedCalldata,
    AllowedMethods,
    AllowedTargets,
    ArgsEqualityCheck,
    BlockNumber,
    Caveat,
    EnforcerTerms,
    ERC20TransferAmount,
    ERC721Transfer,
    ExactCalldata,
    ExactExecution,
    Execution,
    LimitedCalls,
    NativeTokenTransferAmount,
    Timestamp,
    ValueLte,
    decode_caveat,
)
from caveats.abi import encode_address, encode_uint
from caveats.constraints import parse_function
from caveats.errors import EncodingError
from caveats.types import Model, parse_hex
from delegations.delegation import Delegation
from tests.conformance.node import Kit, bigint
from tests.conformance.official import (
    ALICE,
    BOB,
    PAY,
    TARGET,
    TOKEN,
    ask_chain,
    attempt_to,
    sign,
    signed_terms,
)

# --- values that are too wide ---------------------------------------------------------------------------------------


NFT = attempt_to(
    Execution(
        target=TOKEN,
        call_data=bytes.fromhex("23b872dd") + encode_address(ALICE) + encode_address(BOB) + encode_uint(1),
    )
)


class Wide(NamedTuple):
    """A value one bit too wide, for the kit's builder and for ours."""

    cls: type[EnforcerTerms]
    name: str
    config: dict[str, Any]
    ours: dict[str, Any]
    size: int


TOO_WIDE = [
    Wide(ValueLte, "valueLte", {"maxValue": bigint(2**256)}, {"max_value_wei": 2**256}, 32),
    Wide(
        ERC20TransferAmount,
        "erc20TransferAmount",
        {"tokenAddress": str(TOKEN), "maxAmount": bigint(2**256)},
        {"token": TOKEN, "max_amount": 2**256},
        52,
    ),
    Wide(
        ERC721Transfer,
        "erc721Transfer",
        {"tokenAddress": str(TOKEN), "tokenId": bigint(2**256)},
        {"token": TOKEN, "token_id": 2**256},
        52,
    ),
    Wide(
        BlockNumber,
        "blockNumber",
        {"afterThreshold": bigint(0), "beforeThreshold": bigint(2**130)},
        {"before_block": 2**130},
        32,
    ),
    Wide(LimitedCalls, "limitedCalls", {"limit": 2**256}, {"limit": 2**256}, 32),
]


@pytest.mark.parametrize("wide", TOO_WIDE, ids=lambda wide: wide.name)
def test_the_kit_takes_a_value_too_wide_for_its_field_and_writes_half_a_byte_too_much(kit: Kit, wide: Wide) -> None:
    text = kit.build(wide.name, **wide.config)["terms"]
    assert len(text) % 2 == 1
    with pytest.raises(EncodingError, match="odd number of digits"):
        Caveat.from_wire({"enforcer": str(wide.cls.ADDRESS), "terms": text, "args": "0x"})


@pytest.mark.parametrize("wide", TOO_WIDE, ids=lambda wide: wide.name)
def test_what_the_kit_then_signs_is_a_byte_too_long_and_no_redemption_passes(kit: Kit, wide: Wide) -> None:
    terms = signed_terms(kit, wide.name, **wide.config)
    assert len(terms) == wide.size + 1
    refusal = wide.cls.revert_of("invalid-terms-length")
    attempt = PAY if wide.cls is not ERC721Transfer else NFT
    assert ask_chain(wide.cls, terms, attempt) == refusal
    assert decode_caveat(Caveat(enforcer=wide.cls.ADDRESS, terms=terms)).would_revert == refusal


@pytest.mark.parametrize("wide", TOO_WIDE, ids=lambda wide: wide.name)
def test_ours_refuses_a_value_too_wide_for_its_field(wide: Wide) -> None:
    with pytest.raises(EncodingError, match=r"expected a whole number from 0 to 2\^(128|256)-1, got "):
        wide.cls(**wide.ours)


def test_the_kits_value_too_wide_moves_into_the_calldata_of_an_exact_execution(kit: Kit) -> None:
    wanted = {"target": str(TARGET), "value": bigint(2**260), "callData": "0x"}
    terms = signed_terms(kit, "exactExecution", execution=wanted)
    signed = ExactExecution.decode_terms(terms).execution
    assert signed == Execution(target=TARGET, value=2**252, call_data=b"\0")
    assert ask_chain(ExactExecution, terms, attempt_to(signed)) is None


def test_the_kits_cap_too_wide_is_signed_as_another_cap_of_native_value(kit: Kit) -> None:
    terms = signed_terms(kit, "nativeTokenTransferAmount", maxAmount=bigint(2**256))
    assert len(terms) == 33
    assert NativeTokenTransferAmount.decode_terms(terms).max_amount_wei == 2**248
    capped, above = (attempt_to(Execution(target=TARGET, value=value)) for value in (2**248, 2**248 + 1))
    assert ask_chain(NativeTokenTransferAmount, terms, capped) is None
    assert ask_chain(NativeTokenTransferAmount, terms, above) == "NativeTokenTransferAmountEnforcer:allowance-exceeded"
    with pytest.raises(EncodingError, match=r"expected a whole number from 0 to 2\^256-1"):
        NativeTokenTransferAmount(max_amount_wei=2**256)


def test_the_kit_refuses_a_value_too_wide_only_where_a_library_encodes_it(kit: Kit) -> None:
    wanted = {"target": str(TARGET), "value": bigint(2**256), "callData": "0x"}
    assert "out of range" in kit.build("exactExecutionBatch", executions=[wanted])["error"]
    with pytest.raises(EncodingError, match=r"Execution\.value"):
        Execution(target=TARGET, value=2**256)


def test_the_kit_loses_the_last_bits_of_a_count_beyond_what_javascript_counts(kit: Kit) -> None:
    assert parse_hex(kit.build("limitedCalls", limit=2**53 + 1)["terms"]) == LimitedCalls(limit=2**53).encode_terms()
    assert LimitedCalls(limit=2**53 + 1).encode_terms() == encode_uint(2**53 + 1)


# --- hex and numbers that are none ----------------------------------------------------------------------------------


def test_the_kit_takes_half_a_byte_and_signs_another_window_of_the_calldata(kit: Kit) -> None:
    assert len(kit.build("allowedCalldata", startIndex=4, value="0x1")["terms"]) % 2 == 1
    terms = signed_terms(kit, "allowedCalldata", startIndex=4, value="0x1")
    assert AllowedCalldata.decode_terms(terms) == AllowedCalldata(data_start=0, value=b"\x41")
    asked = attempt_to(Execution(target=TARGET, call_data=bytes(4) + b"\x01"))
    signed = attempt_to(Execution(target=TARGET, call_data=b"\x41"))
    assert ask_chain(AllowedCalldata, terms, asked) == "AllowedCalldataEnforcer:invalid-calldata"
    assert ask_chain(AllowedCalldata, terms, signed) is None


@pytest.mark.parametrize("name", ["exactCalldata", "argsEqualityCheck"])
def test_the_kit_takes_half_a_byte_of_data_and_signs_it_with_a_zero_in_front(kit: Kit, name: str) -> None:
    field = {"exactCalldata": "calldata", "argsEqualityCheck": "args"}[name]
    assert kit.build(name, **{field: "0x123"})["terms"] == "0x123"
    assert signed_terms(kit, name, **{field: "0x123"}) == bytes.fromhex("0123")


@pytest.mark.parametrize(
    ("cls", "field"),
    [(ExactCalldata, "call_data"), (ArgsEqualityCheck, "expected_args")],
    ids=["ExactCalldata", "ArgsEqualityCheck"],
)
def test_ours_refuses_half_a_byte(cls: type[Model], field: str) -> None:
    with pytest.raises(EncodingError, match="odd number of digits"):
        cls.from_wire({field: "0x123"})


def test_ours_refuses_half_a_byte_of_a_window() -> None:
    with pytest.raises(EncodingError, match="odd number of digits"):
        AllowedCalldata.from_wire({"data_start": 4, "value": "0x1"})


def test_the_kit_builds_terms_of_letters_that_are_no_digits_and_cannot_hash_them(kit: Kit) -> None:
    assert kit.build("allowedCalldata", startIndex=4, value="0xzz")["terms"].endswith("4zz")
    assert "hexadecimal" in sign(kit, "allowedCalldata", startIndex=4, value="0xzz")["error"]
    with pytest.raises(EncodingError, match="hex digits"):
        AllowedCalldata.from_wire({"data_start": 4, "value": "0xzz"})


def test_the_kit_builds_terms_with_a_point_in_them_from_a_fraction_and_cannot_hash_them(kit: Kit) -> None:
    assert kit.build("timestamp", afterThreshold=1.5, beforeThreshold=0)["terms"][2:34] == "1.8".rjust(32, "0")
    assert "hexadecimal" in sign(kit, "timestamp", afterThreshold=1.5, beforeThreshold=0)["error"]
    with pytest.raises(EncodingError, match=r"expected a whole number .*, got 1\.5"):
        Timestamp.from_wire({"after_at": 1.5})


def test_a_delegation_with_half_a_byte_in_it_is_refused_when_read(kit: Kit) -> None:
    wire = sign(kit, "valueLte", maxValue=bigint(2**256))["delegation"]
    with pytest.raises(EncodingError, match=r"Delegation\.caveats\.1\.terms: .* odd number of digits"):
        Delegation.from_wire(wire)


BAD_CHECKSUM = "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
CHECKSUM_FREE = {
    "allowedTargets": lambda address: {"targets": [address]},
    "ownershipTransfer": lambda address: {"contractAddress": address},
    "erc20TransferAmount": lambda address: {"tokenAddress": address, "maxAmount": bigint(1)},
    "erc721Transfer": lambda address: {"tokenAddress": address, "tokenId": bigint(1)},
    "erc20BalanceChange": lambda address: {
        "tokenAddress": address,
        "recipient": address,
        "balance": bigint(1),
        "changeType": 0,
    },
    "exactExecution": lambda address: {"execution": {"target": address, "value": bigint(0), "callData": "0x"}},
    "deployed": lambda address: {"contractAddress": address, "salt": "0x00", "bytecode": "0x00"},
}
CHECKSUM_HELD = {
    "redeemer": lambda address: {"redeemers": [address]},
    "nativeTokenPayment": lambda address: {"recipient": address, "amount": bigint(1)},
    "nativeBalanceChange": lambda address: {"recipient": address, "balance": bigint(1), "changeType": 0},
    "multiTokenPeriod": lambda address: {
        "tokenConfigs": [{"token": address, "periodAmount": bigint(1), "periodDuration": 1, "startDate": 1}]
    },
}
Config = Callable[[str], dict[str, Any]]


@pytest.mark.parametrize(("name", "config"), CHECKSUM_FREE.items(), ids=CHECKSUM_FREE)
def test_the_kit_takes_an_address_whose_checksum_is_broken(kit: Kit, name: str, config: Config) -> None:
    assert BAD_CHECKSUM[2:].lower() in kit.build(name, **config(BAD_CHECKSUM))["terms"].lower()


@pytest.mark.parametrize(("name", "config"), CHECKSUM_HELD.items(), ids=CHECKSUM_HELD)
def test_four_builders_of_the_kit_refuse_it(kit: Kit, name: str, config: Config) -> None:
    assert kit.build(name, **config(BAD_CHECKSUM))["error"].startswith("Invalid ")


def test_ours_refuses_an_address_whose_checksum_is_broken_everywhere() -> None:
    # a chain cannot tell: whatever was mistyped is an address like any other
    with pytest.raises(EncodingError, match="expected a valid EIP-55 checksum"):
        AllowedTargets.from_wire({"targets": [BAD_CHECKSUM]})
    assert AllowedTargets.from_wire({"targets": [BAD_CHECKSUM.lower()]}).targets == (Address(BAD_CHECKSUM.lower()),)


def test_the_kit_hashes_uint_as_it_stands_and_allows_a_function_that_does_not_exist(kit: Kit) -> None:
    kits = AllowedMethods.decode_terms(
        parse_hex(kit.build("allowedMethods", selectors=["transfer(address,uint)"])["terms"])
    )
    ours = AllowedMethods(selectors=(parse_function("transfer(address,uint)").selector,))
    assert ask_chain(AllowedMethods, kits.encode_terms(), PAY) == "AllowedMethodsEnforcer:method-not-allowed"
    assert ask_chain(AllowedMethods, ours.encode_terms(), PAY) is None
