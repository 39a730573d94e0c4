"""From a context back to the permission: what is accepted, what is refused and why, what a chain says beside it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from caveats import AllowedCalldata, AllowedTargets, Caveat, ExactCalldata, LimitedCalls, Redeemer, Timestamp, ValueLte
from caveats.abi import encode_address, encode_uint
from caveats.types import MAX_UINT256, Address, format_hex
from delegations.delegation import ANY_DELEGATE, Delegation, create_delegation, encode_context, redelegate
from delegations.framework import Deployment, canonical_deployment, deployment
from delegations.permissions import (
    DecodedPermission,
    ExpiryRule,
    NativeTokenAllowance,
    NativeTokenPeriodic,
    NotAPermission,
    PayeeRule,
    Permission,
    PermissionFieldError,
    PermissionRequest,
    RedeemerRule,
    TokenApprovalRevocation,
    compile_permission,
    decode,
    decode_permission,
    find_compile_problems,
    to_delegation,
)
from tests.boundaries import EDGES
from tests.unit.permissions.wires import (
    AGENT,
    ALICE,
    EXPIRY,
    LIVE,
    NOW,
    OTHER,
    PAYEE,
    REDEEMER,
    SHOP,
    TOKEN,
    permission,
    request,
)

PLACE = deployment(1)
ENDS = ExpiryRule(timestamp=NOW + 86_400)


def _grant(kind: str = "erc20-token-periodic", *rules: dict[str, Any], **changed: Any) -> Delegation:
    asked = PermissionRequest.from_wire({**request(kind, *rules, **changed), "from": None})
    return to_delegation(asked, delegator=ALICE, nonce=7, salt=0)


def _read(*chain: Delegation, **options: Any) -> DecodedPermission:
    found = decode_permission(encode_context(chain), chain_id=1, **options)
    assert isinstance(found, DecodedPermission), found
    return found


def _refused(*chain: Delegation, **options: Any) -> NotAPermission:
    found = decode_permission(encode_context(chain), chain_id=1, **options)
    assert isinstance(found, NotAPermission), found
    assert found.reason
    assert "\n" not in found.reason
    return found


def _with(root: Delegation, *caveats: Caveat) -> Delegation:
    return root.model_copy(update={"caveats": caveats})


def _put(root: Delegation, cls: Any, terms: bytes) -> Delegation:
    """Return the delegation with other terms for an enforcer."""
    assert cls.ADDRESS in {caveat.enforcer for caveat in root.caveats}
    changed = (Caveat(enforcer=c.enforcer, terms=terms) if c.enforcer == cls.ADDRESS else c for c in root.caveats)
    return _with(root, *changed)


# what is accepted


@pytest.mark.parametrize("kind", LIVE)
def test_a_grant_of_every_type_is_read_back(kind: str) -> None:
    rules = (EXPIRY, REDEEMER) if kind.startswith("token-") else (EXPIRY, REDEEMER, PAYEE)
    wire = {**request(kind, *rules), "from": str(ALICE)}
    wire["permission"]["isAdjustmentAllowed"] = False
    wire["permission"]["data"].pop("justification", None)
    found = _read(_grant(kind, *rules))
    assert found.request.to_wire() == wire
    assert (found.nonce, found.chain_id, found.notes) == (7, 1, ())


@pytest.mark.parametrize("form", ["bytes", "hex", "delegations"])
def test_a_context_is_read_in_every_form(form: str) -> None:
    root = _grant()
    context = encode_context([root])
    given: Any = {"bytes": context, "hex": format_hex(context), "delegations": [root]}[form]
    found = decode_permission(given, chain_id=1)
    assert isinstance(found, DecodedPermission)
    assert found.delegation == root


def test_an_allowance_and_a_period_are_told_apart_by_the_length_of_the_period() -> None:
    assert isinstance(_read(_grant("native-token-allowance")).permission, NativeTokenAllowance)
    assert isinstance(_read(_grant("native-token-periodic")).permission, NativeTokenPeriodic)
    nearly = _grant("native-token-allowance")
    terms = nearly.caveats[0].terms
    shorter = terms[:32] + encode_uint(MAX_UINT256 - 1) + terms[64:]
    refused = _refused(_with(nearly, Caveat(enforcer=nearly.caveats[0].enforcer, terms=shorter), *nearly.caveats[1:]))
    assert "an allowance's is 2^256-1 seconds" in refused.reasons["native-token-allowance"]
    assert "permission.data.periodDuration" in refused.reasons["native-token-periodic"]
    assert refused.reasons["native-token-allowance"] in refused.reason


def test_a_redeemer_beside_a_revocation_is_read() -> None:
    found = _read(_grant("token-approval-revocation", REDEEMER))
    assert isinstance(found.permission, TokenApprovalRevocation)
    assert found.rules == (RedeemerRule(addresses=(AGENT,)),)


def test_several_payees_of_the_native_token_are_read() -> None:
    payees = {"type": "payee", "data": {"addresses": [str(SHOP), str(OTHER)]}}
    assert _read(_grant("native-token-stream", payees)).rules == (PayeeRule(addresses=(SHOP, OTHER)),)


def test_the_order_of_the_caveats_decides_nothing_and_is_noted() -> None:
    root = _grant("native-token-stream", EXPIRY)
    for order in itertools.permutations(root.caveats):
        found = _read(_with(root, *order))
        assert found.permission == _read(root).permission
        assert found.rules == (ENDS,)
        assert [note.code for note in found.notes] == ([] if order == root.caveats else ["order"])


def test_args_decide_nothing_and_are_noted() -> None:
    root = _grant()
    found = _read(_with(root, *(caveat.with_args(b"\x00") for caveat in root.caveats)))
    assert found.permission == _read(root).permission
    assert [note.code for note in found.notes] == ["args"]


@pytest.mark.parametrize("kind", LIVE)
@pytest.mark.parametrize(("name", "value"), EDGES.items(), ids=EDGES)
def test_every_number_is_read_back_exact_or_refused(kind: str, name: str, value: int) -> None:
    base = Permission.from_wire(permission(kind))
    for field in base.data_fields():
        if type(getattr(base, field)) is not int:
            continue
        asked = base.model_copy(update={field: value, "is_adjustment_allowed": False, "justification": None})
        if field == "initial_amount":
            asked = asked.model_copy(update={"max_amount": MAX_UINT256})
        if list(find_compile_problems(asked, ())):
            with pytest.raises(PermissionFieldError):
                compile_permission(asked, (), nonce=value, on=PLACE)
            continue
        caveats = compile_permission(asked, (), nonce=value, on=PLACE)
        found = _read(create_delegation(delegator=ALICE, delegate=AGENT, caveats=caveats))
        assert (found.permission, found.nonce) == (asked, value)


def test_the_enforcers_are_those_of_the_deployment() -> None:
    official = canonical_deployment(31337)
    moved = {name: Address(encode_uint(i)[12:]) for i, name in enumerate(official.addresses, 1)}
    place = Deployment("1.3.0", 31337, moved["DelegationManager"], moved)
    caveats = compile_permission(Permission.from_wire(permission("erc20-token-periodic")), (ENDS,), nonce=0, on=place)
    root = create_delegation(delegator=ALICE, delegate=AGENT, caveats=caveats)
    found = decode_permission([root], chain_id=31337, on=place)
    assert isinstance(found, DecodedPermission)
    assert found.rules == (ENDS,)
    assert "no caveat of the root delegation is the main one" in _refused(root).reason


# what is refused, and why


UNFIT: dict[str, tuple[str, Any, str]] = {
    "a foreign caveat": (
        "erc20-token-periodic",
        lambda root: _with(root, *root.caveats, LimitedCalls(limit=1).to_caveat()),
        "caveat 3, LimitedCalls: the type has no place for it",
    ),
    "an unknown enforcer": (
        "erc20-token-periodic",
        lambda root: _with(root, *root.caveats, Caveat(enforcer=OTHER)),
        f"caveat 3, {OTHER}: the type has no place for it",
    ),
    "no nonce": ("native-token-periodic", lambda root: _with(root, *root.caveats[:-1]), "NonceEnforcer: it is missing"),
    "no guard": (
        "erc20-token-stream",
        lambda root: _with(root, root.caveats[0], root.caveats[2]),
        "ValueLteEnforcer: it is missing",
    ),
    "two nonces": (
        "native-token-stream",
        lambda root: _with(root, *root.caveats, root.caveats[-1]),
        "caveat 3, Nonce: it stands twice",
    ),
    "two expiries": (
        "native-token-stream",
        lambda root: _with(root, *root.caveats, *[Timestamp(before_at=NOW).to_caveat()] * 2),
        "caveat 4, Timestamp: it stands twice",
    ),
    "a payee of the other kind": (
        "native-token-stream",
        lambda root: _with(root, *root.caveats, AllowedCalldata(data_start=4, value=encode_address(SHOP)).to_caveat()),
        "caveat 3, AllowedCalldata: the type has no place for it",
    ),
    "targets beside an ERC-20": (
        "erc20-token-stream",
        lambda root: _with(root, *root.caveats, AllowedTargets(targets=(SHOP,)).to_caveat()),
        "caveat 3, AllowedTargets: the type has no place for it",
    ),
    "native value": (
        "erc20-token-stream",
        lambda root: _put(root, ValueLte, encode_uint(1)),
        f"ValueLteEnforcer: expected the terms 0x{'00' * 32}, got others",
    ),
    "calldata": (
        "native-token-stream",
        lambda root: _put(root, ExactCalldata, b"\x00"),
        "ExactCalldataEnforcer: expected the terms 0x, got others",
    ),
    "terms the enforcer would not read": (
        "native-token-stream",
        lambda root: _with(root, Caveat(enforcer=root.caveats[0].enforcer, terms=bytes(127)), *root.caveats[1:]),
        "caveat 0, NativeTokenStreaming: the enforcer would not read its terms",
    ),
    "a beginning": (
        "native-token-stream",
        lambda root: _with(root, *root.caveats, Timestamp(after_at=1, before_at=NOW).to_caveat()),
        "TimestampEnforcer: it begins after second 1, which no expiry rule says",
    ),
    "no end": (
        "native-token-stream",
        lambda root: _with(root, *root.caveats, Caveat(enforcer=Timestamp.ADDRESS, terms=bytes(32))),
        "TimestampEnforcer: it never ends, so it is no expiry",
    ),
    "a redeemer and a half": (
        "native-token-stream",
        lambda root: _with(root, *root.caveats, Caveat(enforcer=Redeemer.ADDRESS, terms=bytes(30))),
        "caveat 3, Redeemer: the enforcer would not read its terms",
    ),
    "another argument than the recipient": (
        "erc20-token-stream",
        lambda root: _with(root, *root.caveats, AllowedCalldata(data_start=36, value=encode_uint(1)).to_caveat()),
        "AllowedCalldataEnforcer: it fixes 32 bytes from byte 36 on, not the 32 of a recipient from 4 on",
    ),
    "more than the recipient": (
        "erc20-token-stream",
        lambda root: _with(root, *root.caveats, AllowedCalldata(data_start=4, value=bytes(33)).to_caveat()),
        "AllowedCalldataEnforcer: it fixes 33 bytes from byte 4 on",
    ),
    "a dirty recipient": (
        "erc20-token-stream",
        lambda root: _with(
            root, *root.caveats, AllowedCalldata(data_start=4, value=b"\x01" + bytes(11) + SHOP).to_caveat()
        ),
        "AllowedCalldataEnforcer: the word of the recipient holds more than an address",
    ),
    "a maximum that is the initial amount": (
        "native-token-stream",
        lambda root: _with(
            root,
            Caveat(enforcer=root.caveats[0].enforcer, terms=encode_uint(5) * 2 + encode_uint(1) * 2),
            *root.caveats[1:],
        ),
        "permission.data.maxAmount: expected more than the initial amount 5, got 5",
    ),
    "no kind of revocation": (
        "token-approval-revocation",
        lambda root: _with(root, Caveat(enforcer=root.caveats[0].enforcer, terms=b"\x00"), root.caveats[1]),
        "caveat 0, ApprovalRevocation: the enforcer would not read its terms",
    ),
}


@pytest.mark.parametrize(("kind", "change", "reason"), UNFIT.values(), ids=UNFIT)
def test_what_does_not_fit_is_refused_with_the_caveat_at_fault(kind: str, change: Any, reason: str) -> None:
    root = _grant(kind)
    _read(root)
    refused = _refused(change(root))
    assert refused.reasons[kind].startswith(reason)
    assert f"not {kind}: {reason}" in refused.reason
    assert set(refused.reasons) == set(LIVE)
    assert refused.context == (change(root),)


def test_a_delegation_that_is_of_no_type_says_so() -> None:
    root = create_delegation(delegator=ALICE, delegate=AGENT, caveats=[LimitedCalls(limit=1)])
    assert _refused(root).reason == "no caveat of the root delegation is the main one of a permission type"


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        (b"", "permission context: the data ends"),
        (b"\x01", "permission context"),
        ("0x1", "odd number of digits"),
        ("hello", "0x"),
        (encode_context([]), "the context is empty"),
        (encode_context([_grant()])[:-32], "permission context"),
    ],
)
def test_bytes_that_are_no_context_are_refused_and_never_an_exception(context: Any, reason: str) -> None:
    found = decode_permission(context, chain_id=1)
    assert isinstance(found, NotAPermission)
    assert reason in found.reason
    assert found.context == ()


def test_a_chain_without_a_deployment_is_refused() -> None:
    found = decode_permission([_grant()], chain_id=12_345)
    assert isinstance(found, NotAPermission)
    assert "chain 12345: no deployment" in found.reason
    assert found.context == (_grant(),)


def test_another_version_of_the_framework_is_refused() -> None:
    old = Deployment("1.1.0", 1, PLACE.manager, PLACE.addresses)
    assert "framework 1.1.0" in _refused(_grant(), on=old).reason


def test_a_reader_that_loses_something_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    root = _grant("erc20-token-periodic", EXPIRY)
    _read(root)
    monkeypatch.setattr(decode, "rule_of_terms", lambda terms: ExpiryRule(timestamp=terms.before_at + 1))
    assert "its caveats say more than the permission does" in _refused(root).reason


# contexts that were delegated on


def test_the_root_decides_the_type_and_each_link_is_noted_from_the_root_on() -> None:
    root = _grant()
    middle = redelegate(root, delegate=OTHER, caveats=[LimitedCalls(limit=3)], salt=1)
    leaf = redelegate(middle, delegate=SHOP, salt=2)
    found = _read(leaf, middle, root)
    assert found.permission == _read(root).permission
    assert found.request.to == AGENT
    assert found.delegation == root
    assert found.redelegations == (leaf, middle)
    first, second = found.notes
    assert first.code == second.code == "redelegated"
    assert first.text.startswith(f"Link 1 passes it on from {AGENT} to {OTHER}. ")
    assert "3" in first.text
    assert second.text == f"Link 0 passes it on from {OTHER} to {SHOP}. It adds no caveats."


def test_links_that_do_not_link_are_refused() -> None:
    root, stranger = _grant(), _grant("native-token-stream")
    leaf = redelegate(root, delegate=OTHER, salt=1)
    _read(leaf, root)
    assert "authority" in _refused(leaf, stranger).reason
    assert "authority" in _refused(root, leaf).reason
    assert "not a root" in _refused(leaf).reason


def test_a_link_given_by_another_than_the_delegate_is_refused() -> None:
    root = _grant()
    leaf = redelegate(root, delegate=OTHER, salt=1).model_copy(update={"delegator": SHOP})
    assert "the next delegation was made to" in _refused(leaf, root).reason


def test_an_open_root_is_read_with_its_redeemers() -> None:
    asked = PermissionRequest.from_wire({**request("erc20-token-periodic", REDEEMER), "from": None})
    asked = asked.model_copy(update={"to": ANY_DELEGATE})
    found = _read(to_delegation(asked, delegator=ALICE, nonce=0))
    assert found.request.to == ANY_DELEGATE
    assert found.request.redeemers == (AGENT,)


def test_a_time_beyond_what_json_numbers_hold_is_noted() -> None:
    late = NativeTokenPeriodic(period_amount=1, period_duration=1, start_time=2**53)
    caveats = compile_permission(late, (ExpiryRule(timestamp=2**53),), nonce=0, on=PLACE)
    found = _read(create_delegation(delegator=ALICE, delegate=AGENT, caveats=caveats))
    assert [note.text.split()[0] for note in found.notes] == ["startTime", "expiry"]
    in_time = late.model_copy(update={"start_time": 2**53 - 1})
    caveats = compile_permission(in_time, (ExpiryRule(timestamp=2**53 - 1),), nonce=0, on=PLACE)
    assert _read(create_delegation(delegator=ALICE, delegate=AGENT, caveats=caveats)).notes == ()


def test_the_token_is_the_one_in_the_terms() -> None:
    assert _read(_grant()).request.to_wire()["permission"]["data"]["tokenAddress"] == str(TOKEN)
