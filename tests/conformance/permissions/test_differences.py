"""Where the wallet's package and ours differ, and who is right on the official bytecode."""

from __future__ import annotations

import pytest

from caveats import AllowedCalldata, ApprovalRevocation, Caveat, Execution, Redeemer
from caveats.abi import encode_address, encode_uint
from caveats.attempt import Attempt
from caveats.types import MAX_UINT256, Address, format_hex, parse_hex
from delegations.delegation import Delegation, encode_context, redelegate, sign_delegation
from delegations.evm import dev_account
from delegations.framework import deployment
from delegations.permissions import (
    DecodedPermission,
    Erc20TokenAllowance,
    Erc20TokenPeriodic,
    ExpiryRule,
    NativeTokenPeriodic,
    NativeTokenStream,
    NotAPermission,
    PayeeRule,
    Permission,
    PermissionFieldError,
    PermissionRequest,
    RedeemerRule,
    Rule,
    TokenApprovalRevocation,
    compile_permission,
    decode_permission,
    find_request_problems,
)
from delegations.redemption import Redemption
from delegations.simulation import execute
from tests.conformance.node import Kit
from tests.conformance.permissions import mutants
from tests.conformance.permissions.mutants import compare_mutant
from tests.enforcers.harness import (
    AGENT,
    ALICE,
    CHAIN_ID,
    SHOP,
    START_AT,
    Stage,
    attempt_on,
    grant,
    said,
    set_stage,
    transfer,
)

OTHER = Address(dev_account(3).address)
LATE = 2**53 + 1


@pytest.fixture
def stage() -> Stage:
    """A chain with Alice as a delegator and a token she holds."""
    return set_stage()


def _caveats(permission: Permission, *rules: Rule) -> list[Caveat]:
    return list(compile_permission(permission, rules, nonce=0, on=deployment(CHAIN_ID)))


def _replace(caveats: list[Caveat], enforcer: Address, terms: bytes) -> list[Caveat]:
    return [Caveat(enforcer=c.enforcer, terms=terms) if c.enforcer == enforcer else c for c in caveats]


def _theirs(wallet: Kit, *chain: Delegation) -> dict:
    return wallet.ask("decode", context=format_hex(encode_context(chain)))


def _ours(*chain: Delegation) -> DecodedPermission | NotAPermission:
    return decode_permission(encode_context(chain), chain_id=CHAIN_ID)


def _attempt(execution: Execution, at: int = START_AT + 1) -> Attempt:
    return Attempt((execution,), timestamp=at)


def test_the_package_takes_a_dirty_payee_word_under_which_nobody_can_be_paid(stage: Stage, wallet: Kit) -> None:
    permission = Erc20TokenPeriodic(
        token_address=stage.token, period_amount=100, period_duration=86_400, start_time=START_AT
    )
    dirty = b"\x01" + bytes(11) + SHOP
    clean = _caveats(permission, PayeeRule(addresses=(SHOP,)))
    root = grant(_replace(clean, AllowedCalldata.ADDRESS, encode_uint(4) + dirty))

    read = _theirs(wallet, root)
    assert read["rules"] == [{"type": "payee", "data": {"addresses": [str(SHOP)]}}]
    refused = _ours(root)
    assert isinstance(refused, NotAPermission)
    assert "the word of the recipient holds more than an address" in refused.reason

    pay = transfer(stage.token, 1)
    assert said(attempt_on(stage.chain, root, _attempt(pay))) == "AllowedCalldataEnforcer:invalid-calldata"
    dirty_pay = Execution(target=stage.token, call_data=pay.call_data[:4] + dirty + pay.call_data[36:])
    denied = attempt_on(stage.chain, root, _attempt(dirty_pay))
    assert denied.denial is not None
    assert denied.denial.stage == "execution"
    assert attempt_on(stage.chain, grant(clean), _attempt(pay)).allowed


def test_the_package_cannot_read_a_redeemer_of_a_revocation_which_the_bytecode_holds(stage: Stage, wallet: Kit) -> None:
    approve = parse_hex("0x095ea7b3") + encode_address(SHOP)
    assert stage.chain.send_execution(ALICE, Execution(target=stage.token, call_data=approve + encode_uint(5))).success
    permission = TokenApprovalRevocation(erc20_approve=True)
    mine, others = (grant(_caveats(permission, RedeemerRule(addresses=(who,)))) for who in (AGENT, OTHER))

    for root in (mine, others):
        assert "0 types fit" in _theirs(wallet, root)["error"]
    read = _ours(mine)
    assert isinstance(read, DecodedPermission)
    assert read.permission == permission
    assert read.rules == (RedeemerRule(addresses=(AGENT,)),)

    revoke = _attempt(Execution(target=stage.token, call_data=approve + encode_uint(0)))
    assert said(attempt_on(stage.chain, others, revoke)) == "RedeemerEnforcer:unauthorized-redeemer"
    assert attempt_on(stage.chain, mine, revoke).allowed


def test_the_package_takes_a_nonce_that_the_bytecode_refuses(stage: Stage, wallet: Kit) -> None:
    permission = NativeTokenPeriodic(period_amount=10, period_duration=86_400, start_time=START_AT)
    whole = _caveats(permission)
    root = grant([*whole[:-1], Caveat(enforcer=whole[-1].enforcer, terms=bytes(31))])

    assert _theirs(wallet, root)["type"] == "native-token-periodic"
    refused = _ours(root)
    assert isinstance(refused, NotAPermission)
    assert "Nonce: the enforcer would not read its terms" in refused.reason

    pay = _attempt(Execution(target=SHOP, value=1))
    assert said(attempt_on(stage.chain, root, pay)) == "NonceEnforcer:invalid-terms-length"
    assert attempt_on(stage.chain, grant(whole), pay).allowed


def test_the_package_cannot_read_a_late_start_which_the_bytecode_keeps_to_the_second(stage: Stage, wallet: Kit) -> None:
    permission = NativeTokenPeriodic(period_amount=10, period_duration=86_400, start_time=LATE)
    root = grant(_caveats(permission))

    assert "Number is too large" in _theirs(wallet, root)["error"]
    read = _ours(root)
    assert isinstance(read, DecodedPermission)
    assert read.permission == permission
    assert [note.code for note in read.notes] == ["beyond-json"]

    pay = Execution(target=SHOP, value=1)
    denied = attempt_on(stage.chain, root, _attempt(pay, LATE - 1))
    assert said(denied) == "NativeTokenPeriodTransferEnforcer:transfer-not-started"
    assert attempt_on(stage.chain, root, _attempt(pay, LATE)).allowed


def test_the_package_cannot_read_a_context_that_was_delegated_on_which_the_bytecode_redeems(
    stage: Stage, wallet: Kit
) -> None:
    permission = Erc20TokenAllowance(token_address=stage.token, allowance_amount=100, start_time=START_AT)
    root = grant(_caveats(permission))
    manager = stage.chain.manager
    passed_on = redelegate(root, delegate=OTHER, caveats=[Redeemer(redeemers=(OTHER,))], salt=1)
    leaf = sign_delegation(passed_on, dev_account(1), chain_id=CHAIN_ID, manager=manager)

    assert _theirs(wallet, leaf, root)["error"] == "2 delegations"
    read = _ours(leaf, root)
    assert isinstance(read, DecodedPermission)
    assert read.permission == permission
    assert (read.redelegations, read.delegation) == ((leaf,), root)
    (note,) = read.notes
    assert note.code == "redelegated"
    assert f"Link 0 passes it on from {AGENT} to {OTHER}. Only {OTHER} may redeem." in note.text

    stage.chain.timestamp = START_AT + 1
    redemption = Redemption(context=(leaf, root), executions=(transfer(stage.token, 7),))
    assert execute(stage.chain, redemption, redeemer=OTHER).verdict.allowed


def test_the_package_pads_the_amount_of_an_allowance_and_ours_is_minimal(wallet: Kit) -> None:
    root = grant(_caveats(Erc20TokenAllowance(token_address=SHOP, allowance_amount=5, start_time=1)))
    assert _theirs(wallet, root)["data"]["allowanceAmount"] == "0x" + "0" * 63 + "5"
    read = _ours(root)
    assert isinstance(read, DecodedPermission)
    assert read.permission.write_data()["allowanceAmount"] == "0x5"


def _compiled(wallet: Kit, kind: str, **data: object) -> dict:
    return wallet.ask("compile", type=kind, data=data, rules=[], nonce="0x00")


def _request(kind: str, **data: object) -> dict:
    permission = {"type": kind, "isAdjustmentAllowed": False, "data": data}
    return {"chainId": "0x1", "to": str(AGENT), "permission": permission, "rules": []}


def test_the_package_compiles_an_amount_of_over_256_bits_which_the_bytecode_refuses(stage: Stage, wallet: Kit) -> None:
    data = {"periodAmount": hex(2**256), "periodDuration": 86_400, "startTime": START_AT}
    terms = _compiled(wallet, "native-token-periodic", **data)["caveats"][0]["terms"]
    assert len(terms) == 2 + 2 * 96 + 1
    with pytest.raises(PermissionFieldError, match=r"permission\.data\.periodAmount: expected 0x and 1 to 64 hex"):
        PermissionRequest.from_wire(_request("native-token-periodic", **data))

    whole = _caveats(NativeTokenPeriodic(period_amount=MAX_UINT256, period_duration=86_400, start_time=START_AT))
    pay = _attempt(Execution(target=SHOP, value=1))
    padded = grant(_replace(whole, whole[0].enforcer, parse_hex(terms + "0")))
    assert said(attempt_on(stage.chain, padded, pay)) == "NativeTokenPeriodTransferEnforcer:invalid-terms-length"
    assert attempt_on(stage.chain, grant(whole), pay).allowed


def test_the_package_compiles_a_fraction_of_a_second_into_no_hex_at_all(wallet: Kit) -> None:
    data = {"periodAmount": "0x1", "periodDuration": 1.5, "startTime": START_AT}
    terms = _compiled(wallet, "native-token-periodic", **data)["caveats"][0]["terms"]
    assert "." in terms
    with pytest.raises(PermissionFieldError, match=r"periodDuration: expected a whole number of seconds"):
        PermissionRequest.from_wire(_request("native-token-periodic", **data))


@pytest.mark.parametrize("start", [253_402_300_800, LATE])
def test_the_package_refuses_a_stream_past_the_year_9999_and_so_do_our_checks_though_the_bytecode_takes_it(
    start: int, stage: Stage, wallet: Kit
) -> None:
    data = {"initialAmount": "0x5", "maxAmount": "0xa", "amountPerSecond": "0x1", "startTime": start}
    assert "less than or equal to 253402300799" in _compiled(wallet, "native-token-stream", **data)["error"]
    request = PermissionRequest.from_wire(_request("native-token-stream", **data))
    (problem,) = find_request_problems(request, now=START_AT)
    assert problem.path == "permission.data.startTime"

    stream = NativeTokenStream(initial_amount=5, max_amount=10, amount_per_second=1, start_time=start)
    root = grant(_caveats(stream))
    assert attempt_on(stage.chain, root, _attempt(Execution(target=SHOP, value=5), start)).allowed


def test_the_wallet_refuses_an_expiry_past_the_year_9999_and_so_do_our_checks(wallet: Kit) -> None:
    rules = [{"type": "expiry", "data": {"timestamp": 253_402_300_800}}]
    data = {"periodAmount": "0x1", "periodDuration": 86_400, "startTime": START_AT}
    refused = wallet.ask("compile", type="native-token-periodic", data=data, rules=rules, nonce="0x00")
    assert "less than or equal to 253402300799" in refused["error"]
    request = PermissionRequest.from_wire({**_request("native-token-periodic", **data), "rules": rules})
    (problem,) = find_request_problems(request, now=START_AT)
    assert problem.path == "rules[0].data.timestamp"
    at_the_end = request.model_copy(update={"rules": (ExpiryRule(timestamp=253_402_300_799),)})
    assert find_request_problems(at_the_end, now=START_AT) == ()


def test_a_context_changed_at_random_is_judged_alike_save_for_the_differences_named_here(wallet: Kit) -> None:
    found = [compare_mutant(mutant, wallet) for mutant in mutants.mutants()]
    assert set(found) == {None, *mutants.DIFFERENCES}
    assert found.count(None) > 1_000
    readable = sum(isinstance(_ours(*mutant.context), DecodedPermission) for mutant in mutants.mutants())
    assert readable > 400


def test_every_kind_of_revocation_is_read_alike(wallet: Kit) -> None:
    for mask in range(1, 0x40):
        terms = ApprovalRevocation.decode_terms(bytes([mask]))
        nonce = _caveats(TokenApprovalRevocation(erc20_approve=True))[-1]
        root = grant([terms.to_caveat(), nonce])
        read = _ours(root)
        assert isinstance(read, DecodedPermission)
        assert read.permission.write_data() == _theirs(wallet, root)["data"]
