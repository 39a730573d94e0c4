"""Caveats that the kit builds and ours refuse or build otherwise, since they never pass or bound something else."""

from __future__ import annotations

import pytest

from caveats import (
    AllowedCalldata,
    ArgsEqualityCheck,
    BlockNumber,
    Caveat,
    Deployed,
    EnforcerTerms,
    ExactCalldata,
    Execution,
    LogicalOrWrapper,
    MultiTokenPeriod,
    OwnershipTransfer,
    SpecificActionERC20TransferBatch,
    SpecificActionERC20TransferBatchV1,
    TermsError,
    Timestamp,
    TokenPeriod,
    decode_caveat,
)
from caveats.abi import encode_uint
from caveats.attempt import Attempt
from caveats.errors import EncodingError, UnsupportedError
from caveats.types import format_hex, parse_hex
from delegations.framework import load_framework
from tests.conformance.families.terms import ask_builder
from tests.conformance.node import Kit, bigint
from tests.conformance.official import BOB, NOW, PAY, PING, TARGET, TOKEN, ask_chain, attempt_to, quiet_chain, transfer
from tests.enforcers.hooks import call_hook

# --- what can never be redeemed -------------------------------------------------------------------------------------


def _at(timestamp: int) -> Attempt:
    return Attempt((Execution(target=TARGET),), timestamp=timestamp, block_number=1)


def test_the_kit_takes_a_window_of_no_second_and_the_bytecode_refuses_every_time(kit: Kit) -> None:
    terms = parse_hex(kit.build("timestamp", afterThreshold=5, beforeThreshold=6)["terms"])
    assert ask_chain(Timestamp, terms, _at(5)) == "TimestampEnforcer:early-delegation"
    assert ask_chain(Timestamp, terms, _at(6)) == "TimestampEnforcer:expired-delegation"
    with pytest.raises(EncodingError, match="no second lies between after_at 5 and before_at 6"):
        Timestamp(after_at=5, before_at=6)


def test_the_kit_takes_a_window_without_bounds_and_the_bytecode_bounds_nothing(kit: Kit) -> None:
    terms = parse_hex(kit.build("timestamp", afterThreshold=0, beforeThreshold=0)["terms"])
    assert ask_chain(Timestamp, terms, _at(1)) is None
    assert ask_chain(Timestamp, terms, _at(2**63)) is None
    with pytest.raises(EncodingError, match="both 0, which bounds nothing"):
        Timestamp()
    assert Timestamp.decode_terms(terms).describe() == "Usable at any time."


def test_the_kit_takes_a_window_of_no_block_and_the_bytecode_refuses_every_block(kit: Kit) -> None:
    terms = parse_hex(kit.build("blockNumber", afterThreshold=bigint(5), beforeThreshold=bigint(6))["terms"])
    at = {n: Attempt((Execution(target=TARGET),), timestamp=NOW, block_number=n) for n in (5, 6)}
    assert ask_chain(BlockNumber, terms, at[5]) == "BlockNumberEnforcer:early-delegation"
    assert ask_chain(BlockNumber, terms, at[6]) == "BlockNumberEnforcer:expired-delegation"
    with pytest.raises(EncodingError, match="no block lies between"):
        BlockNumber(after_block=5, before_block=6)


def test_the_kit_takes_an_empty_window_of_calldata_which_the_bytecode_refuses(kit: Kit) -> None:
    terms = parse_hex(kit.build("allowedCalldata", startIndex=4, value="0x")["terms"])
    assert len(terms) == 32
    assert kit.core("decodeAllowedCalldataTerms", format_hex(terms))["result"] == {"startIndex": 4, "value": "0x"}
    assert ask_chain(AllowedCalldata, terms, PAY) == "AllowedCalldataEnforcer:invalid-terms-size"
    with pytest.raises(TermsError, match="expected at least 33 bytes, got 32"):
        AllowedCalldata.decode_terms(terms)
    with pytest.raises(EncodingError, match="value is empty, which the contract refuses"):
        AllowedCalldata(data_start=4, value=b"")


def test_the_core_package_reads_a_deployment_without_code_which_the_bytecode_refuses(kit: Kit) -> None:
    terms = TARGET + bytes(32)
    assert kit.core("decodeDeployedTerms", format_hex(terms))["result"]["bytecode"] == "0x"
    assert ask_chain(Deployed, terms, PING) == "DeployedEnforcer:invalid-terms-length"
    with pytest.raises(TermsError, match="expected more than 52 bytes, got 52"):
        Deployed.decode_terms(terms)
    assert "Invalid bytecode" in kit.build("deployed", contractAddress=str(TARGET), salt="0x00", bytecode="0x")["error"]


STOPS = "0x60016000f3"
"""Creation code of a contract that takes any call: its code is one zero byte, STOP."""


def test_the_kit_takes_a_deployment_at_an_address_where_its_code_never_lands(kit: Kit) -> None:
    terms = parse_hex(kit.build("deployed", contractAddress=str(TARGET), salt="0x00", bytecode=STOPS)["terms"])
    assert ask_chain(Deployed, terms, PING) == "DeployedEnforcer:deployed-address-mismatch"
    read = Deployed.decode_terms(terms)
    with pytest.raises(EncodingError, match="is not where this salt and init_code are deployed; give 0x"):
        Deployed(expected_address=TARGET, salt=read.salt, init_code=read.init_code)


# --- the specific action: two contracts of one name -----------------------------------------------------------------

FIRST_DATA = bytes.fromhex("12345678")
ACTION = {"tokenAddress": str(TOKEN), "recipient": str(BOB), "amount": bigint(5), "target": str(TARGET)}
BATCH = attempt_to(Execution(target=TARGET, call_data=FIRST_DATA), transfer(5, BOB), is_batch=True)


def _specific_action(kit: Kit, call_data: bytes) -> Caveat:
    return Caveat.from_wire(kit.build("specificActionERC20TransferBatch", **ACTION, calldata=format_hex(call_data)))


def test_the_kit_writes_the_retired_layout_of_the_specific_action_to_the_current_address(kit: Kit) -> None:
    caveat = _specific_action(kit, FIRST_DATA)
    retired = SpecificActionERC20TransferBatchV1.decode_terms(caveat.terms)
    assert caveat.enforcer == SpecificActionERC20TransferBatch.ADDRESS
    assert len(caveat.terms) == 92 + len(FIRST_DATA)
    assert retired.executions() == BATCH.executions
    assert decode_caveat(caveat).would_revert == "SpecificActionERC20TransferBatchEnforcer:invalid-terms-length"


def test_the_retired_contract_takes_the_batch_those_bytes_say(kit: Kit) -> None:
    terms = _specific_action(kit, FIRST_DATA).terms
    assert ask_chain(SpecificActionERC20TransferBatchV1, terms, BATCH) is None
    other = attempt_to(BATCH.executions[0], PAY.execution, is_batch=True)
    refusal = "SpecificActionERC20TransferBatchEnforcer:invalid-second-transaction"
    assert ask_chain(SpecificActionERC20TransferBatchV1, terms, other) == refusal


def test_long_calldata_of_the_kit_is_read_as_value_first_by_the_current_layout(kit: Kit) -> None:
    call_data = FIRST_DATA + bytes(28) + b"\xee"
    decoded = decode_caveat(_specific_action(kit, call_data)).terms
    assert isinstance(decoded, SpecificActionERC20TransferBatch)
    assert decoded.first_value_wei == int.from_bytes(FIRST_DATA + bytes(28), "big")
    assert decoded.first_call_data == b"\xee"


def test_the_retired_contract_reads_the_current_layout_as_calldata_that_begins_with_the_value() -> None:
    terms = SpecificActionERC20TransferBatch(
        token=TOKEN, recipient=BOB, amount=5, first_target=TARGET, first_value_wei=7, first_call_data=FIRST_DATA
    ).encode_terms()
    first = Execution(target=TARGET, call_data=encode_uint(7) + FIRST_DATA)
    attempt = attempt_to(first, BATCH.executions[1], is_batch=True)
    assert ask_chain(SpecificActionERC20TransferBatchV1, terms, attempt) is None


def test_the_code_of_the_current_contract_is_not_published_so_its_own_answer_cannot_be_shown() -> None:
    current = load_framework().contract("SpecificActionERC20TransferBatchEnforcer")
    assert current.address == SpecificActionERC20TransferBatch.ADDRESS
    assert not current.bundled
    with pytest.raises(UnsupportedError, match="code not bundled"):
        _ = current.init_code


# --- the args the kit puts in ---------------------------------------------------------------------------------------

EQUAL = ArgsEqualityCheck(expected_args=b"\xaa\xbb")
EITHER = LogicalOrWrapper(groups=((ExactCalldata(call_data=b"").to_caveat(),),))
SEVERAL = MultiTokenPeriod(records=(TokenPeriod(token=TOKEN, period_amount=1, period_seconds=60, start_at=NOW),))
ARGS: dict[str, tuple[EnforcerTerms, Attempt, bytes, str]] = {
    "ArgsEqualityCheck": (EQUAL, PING, EQUAL.encode_args(), "ArgsEqualityCheckEnforcer:different-args-and-terms"),
    "MultiTokenPeriod": (SEVERAL, PAY, SEVERAL.encode_args(0), ""),
}


def _with(attempt: Attempt, args: bytes) -> Attempt:
    return attempt_to(*attempt.executions, args=args)


@pytest.mark.parametrize(("terms", "attempt", "args", "refusal"), ARGS.values(), ids=ARGS)
def test_the_kits_byte_of_args_breaks_an_enforcer_that_reads_them(
    kit: Kit, terms: EnforcerTerms, attempt: Attempt, args: bytes, refusal: str
) -> None:
    asked = ask_builder(terms)
    kits = Caveat.from_wire(kit.build(asked["type"], **asked["config"]))
    assert kits.args == b"\0"
    assert ask_chain(type(terms), kits.terms, _with(attempt, kits.args)) == refusal
    assert ask_chain(type(terms), kits.terms, _with(attempt, args)) is None
    assert terms.to_caveat().args == b""


def test_the_kits_byte_of_args_chooses_no_group_of_a_wrapper() -> None:
    def told(args: bytes) -> str | None:
        return call_hook(quiet_chain(), LogicalOrWrapper.ADDRESS, EITHER.encode_terms(), _with(PING, args))

    assert told(b"\0") == ""
    assert told(EITHER.args_for(0)) is None


def test_the_kits_byte_of_args_fails_terms_that_demand_none(kit: Kit) -> None:
    terms = parse_hex(kit.build("argsEqualityCheck", args="0x")["terms"])
    assert ask_chain(ArgsEqualityCheck, terms, _with(PING, b"\0")) == EQUAL.revert_of("different-args-and-terms")
    assert ask_chain(ArgsEqualityCheck, terms, PING) is None


def test_the_core_package_cannot_put_empty_bytes_into_a_group_which_the_bytecode_takes(kit: Kit) -> None:
    (inner,) = EITHER.groups[0]
    groups = {"caveatGroups": [[inner.to_wire()]]}
    assert kit.core("createLogicalOrWrapperTerms", groups)["error"] == "Invalid terms: must be a valid hex string"
    chosen = {"groupIndex": bigint(0), "caveatArgs": ["0x"]}
    assert kit.core("createLogicalOrWrapperArgs", chosen)["error"] == "Invalid caveatArgs: must be valid hex strings"
    attempt = _with(PING, EITHER.args_for(0))
    assert call_hook(quiet_chain(), LogicalOrWrapper.ADDRESS, EITHER.encode_terms(), attempt) is None


def test_the_kit_takes_one_token_twice_whose_budgets_add_up(kit: Kit) -> None:
    record = {"token": str(TOKEN), "periodAmount": bigint(1), "periodDuration": 60, "startDate": NOW}
    terms = parse_hex(kit.build("multiTokenPeriod", tokenConfigs=[record, record])["terms"])
    for index in (0, 1):
        assert ask_chain(MultiTokenPeriod, terms, _with(PAY, encode_uint(index))) is None
    with pytest.raises(EncodingError, match="lists a token twice"):
        MultiTokenPeriod(records=(*SEVERAL.records, *SEVERAL.records))


def test_ownership_leaves_native_value_free_in_both(kit: Kit) -> None:
    terms = OwnershipTransfer(target=TARGET)
    assert parse_hex(kit.build("ownershipTransfer", contractAddress=str(TARGET))["terms"]) == terms.encode_terms()
    call = Execution(target=TARGET, value=10**18, call_data=bytes.fromhex("f2fde38b") + bytes(12) + BOB)
    assert ask_chain(OwnershipTransfer, terms.encode_terms(), attempt_to(call)) is None
    assert "native value" in OwnershipTransfer.LEAVES_FREE
