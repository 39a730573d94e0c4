"""Permissions, whatever they are: they travel, compile and are read back; what is no permission is refused, quietly."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caveats import Caveat
from caveats.types import MAX_UINT256, Address
from delegations.delegation import Delegation, encode_context
from delegations.framework import deployment
from delegations.permissions import (
    LIVE_PERMISSIONS,
    LONGEST_PERIOD,
    DecodedPermission,
    Dependency,
    ExpiryRule,
    NotAPermission,
    PayeeRule,
    Permission,
    PermissionFieldError,
    PermissionRequest,
    PermissionResponse,
    RedeemerRule,
    Rule,
    TokenApprovalRevocation,
    UnknownPermission,
    UnknownRule,
    compile_permission,
    decode_permission,
    find_compile_problems,
    find_request_problems,
    populate,
    to_delegation,
)
from tests import strategies
from tests.unit.permissions.wires import DATA, EXPIRY, OTHERS, PAYEE, REDEEMER, UNKNOWN, request, response

PLACE = deployment(1)
_FLAGS = tuple(name for name in TokenApprovalRevocation.data_fields() if name != "justification")
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(max_size=8)
    | st.sampled_from(["0x1", "0x", "0x0x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def permissions(draw: st.DrawFn, *, populated: bool = False) -> Permission:
    """Permissions of the live types, with any numbers; every field given when `populated`."""
    cls = draw(st.sampled_from(LIVE_PERMISSIONS))
    values: dict[str, Any] = {"is_adjustment_allowed": draw(st.booleans())}
    for name in cls.data_fields():
        if name in cls.OPTIONAL and (name == "justification" or not populated) and draw(st.booleans()):
            continue
        if name == "justification":
            values[name] = draw(st.text(max_size=20))
        elif name == "token_address":
            values[name] = draw(strategies.addresses())
        elif name in _FLAGS:
            values[name] = draw(st.booleans())
        elif name == "period_duration" and draw(st.booleans()):
            values[name] = draw(st.integers(1, LONGEST_PERIOD))
        else:
            values[name] = draw(strategies.uints())
    return cls(**values)


def address_lists() -> st.SearchStrategy[tuple[Any, ...]]:
    """One to three addresses, one mostly."""
    return st.lists(strategies.addresses(), min_size=1, max_size=3).map(tuple) | strategies.addresses().map(
        lambda a: (a,)
    )


def known_rules() -> st.SearchStrategy[tuple[Rule, ...]]:
    """Rules of the known types, one of each at most, in any order."""
    expiry = st.builds(ExpiryRule, timestamp=strategies.uints())
    redeemer = st.builds(RedeemerRule, addresses=address_lists())
    payee = st.builds(PayeeRule, addresses=address_lists())
    return st.lists(expiry | redeemer | payee, max_size=3, unique_by=lambda rule: rule.type).map(tuple)


def any_permissions() -> st.SearchStrategy[Permission]:
    """Permissions of any type, live or not known."""
    data = st.dictionaries(st.text(max_size=6), json_values, max_size=3)
    return permissions() | st.builds(UnknownPermission, type=st.just("vendor-type"), data=data)


@st.composite
def requests(draw: st.DrawFn) -> PermissionRequest:
    """Requests of any sort."""
    unknown = st.builds(UnknownRule, type=st.just("quota"), data=st.dictionaries(st.text(max_size=6), json_values))
    return PermissionRequest(
        chain_id=draw(strategies.uints(min_value=1)),
        to=draw(strategies.addresses()),
        from_=draw(st.none() | strategies.addresses()),
        permission=draw(any_permissions()),
        rules=draw(known_rules()) + draw(st.lists(unknown, max_size=1).map(tuple)),
    )


@given(requests())
def test_a_request_is_read_back_from_its_json(asked: PermissionRequest) -> None:
    assert PermissionRequest.from_wire(asked.to_wire()) == asked
    assert PermissionRequest.from_json(asked.to_json()) == asked


@given(requests(), strategies.blobs(60), strategies.addresses(), strategies.blobs(40))
def test_a_response_is_read_back_from_its_json(
    asked: PermissionRequest, context: bytes, account: Any, data: bytes
) -> None:
    answer = PermissionResponse.answering(
        asked,
        context=context,
        delegation_manager=account,
        dependencies=(Dependency(factory=account, factory_data=data),),
    )
    assert PermissionResponse.from_wire(answer.to_wire()) == answer
    assert PermissionResponse.from_json(answer.to_json()) == answer
    assert answer.request == asked


@given(permissions(populated=True), known_rules(), strategies.uints())
def test_what_compiles_is_read_back_and_what_does_not_is_refused(
    asked: Permission, rules: tuple[Rule, ...], nonce: int
) -> None:
    if list(find_compile_problems(asked, rules)):
        with pytest.raises(PermissionFieldError):
            compile_permission(asked, rules, nonce=nonce, on=PLACE)
        return
    caveats = compile_permission(asked, rules, nonce=nonce, on=PLACE)
    found = decode_permission([_root(caveats)], chain_id=1)
    assert isinstance(found, DecodedPermission)
    assert found.permission == asked.model_copy(update={"is_adjustment_allowed": False, "justification": None})
    assert sorted(found.rules, key=lambda rule: rule.type) == sorted(rules, key=lambda rule: rule.type)
    assert found.nonce == nonce
    assert {note.code for note in found.notes} <= {"beyond-json"}


@st.composite
def near_grants(draw: st.DrawFn) -> tuple[Caveat, ...]:
    """Caveats of a grant, some of them changed, gone, doubled or strange, in any order."""
    asked = draw(permissions(populated=True).filter(lambda made: not list(find_compile_problems(made, ()))))
    rules = draw(known_rules().filter(lambda made: not list(find_compile_problems(asked, made))))
    caveats = list(compile_permission(asked, rules, nonce=draw(strategies.uints()), on=PLACE))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(caveats) - 1))
        terms = caveats[at].terms
        change = draw(st.sampled_from(["drop", "double", "strange", "word", "flip", "args"]))
        if change == "drop" and len(caveats) > 1:
            del caveats[at]
        elif change == "double":
            caveats.append(caveats[at])
        elif change == "strange":
            caveats.append(draw(strategies.caveats()))
        elif change == "args":
            caveats[at] = caveats[at].with_args(draw(strategies.blobs(40)))
        elif change == "word" and len(terms) >= 32:
            caveats[at] = _with_terms(caveats[at], terms[:-32] + draw(strategies.uints()).to_bytes(32, "big"))
        elif terms:
            place = draw(st.integers(0, len(terms) - 1))
            caveats[at] = _with_terms(caveats[at], terms[:place] + bytes([terms[place] ^ 1]) + terms[place + 1 :])
    return tuple(draw(st.permutations(caveats)))


@settings(max_examples=300)
@given(near_grants())
def test_whatever_is_accepted_compiles_to_the_same_caveats(caveats: tuple[Caveat, ...]) -> None:
    found = decode_permission([_root(caveats)], chain_id=1)
    if isinstance(found, NotAPermission):
        assert len(found.reasons) == len(LIVE_PERMISSIONS)
        return
    again = compile_permission(found.permission, found.rules, nonce=found.nonce, on=PLACE)
    assert sorted((c.enforcer, c.terms) for c in again) == sorted((c.enforcer, c.terms) for c in caveats)
    in_order = [c.enforcer for c in again] == [c.enforcer for c in caveats]
    assert in_order == ("order" not in {note.code for note in found.notes})


@given(strategies.chains() | st.lists(strategies.delegations(), max_size=2).map(tuple))
def test_no_chain_is_too_strange_to_be_judged(chain: tuple[Delegation, ...]) -> None:
    found = decode_permission(encode_context(chain), chain_id=1)
    assert isinstance(found, NotAPermission | DecodedPermission)


@given(strategies.blobs(400) | st.text(max_size=40))
def test_no_bytes_and_no_text_are_too_strange_to_be_judged(context: bytes | str) -> None:
    assert isinstance(decode_permission(context, chain_id=1), NotAPermission)


# JSON of strangers


@st.composite
def strange_wires(draw: st.DrawFn) -> Any:
    """JSON of a response with some values replaced, some fields added or gone."""
    kind = draw(st.sampled_from([*DATA, *OTHERS]))
    wire: Any = copy.deepcopy(response(kind, EXPIRY, REDEEMER, PAYEE, UNKNOWN))
    for _ in range(draw(st.integers(1, 3))):
        holder: Any = wire
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(holder[key], dict | list) and draw(st.integers(0, 3)):
                holder = holder[key]
                continue
            change = draw(st.sampled_from(["replace", "drop", "add"]))
            if change == "replace":
                holder[key] = draw(json_values)
            elif change == "drop":
                del holder[key]
            elif isinstance(holder, dict):
                holder[draw(st.text(max_size=6))] = draw(json_values)
            break
    return wire


def _attempt(cls: type[PermissionRequest], wire: Any) -> tuple[PermissionFieldError | None, PermissionRequest | None]:
    try:
        return None, cls.from_wire(wire, path="params[0]")
    except PermissionFieldError as error:
        return error, None


@settings(max_examples=300)
@given(strange_wires() | json_values)
def test_the_json_of_a_stranger_is_read_or_refused_by_a_path(wire: Any) -> None:
    before = copy.deepcopy(wire)
    for cls in (PermissionResponse, PermissionRequest):
        refusal, read = _attempt(cls, wire)
        if refusal is not None:
            assert all(problem.path.startswith("params[0]") for problem in refusal.problems)
            assert "\n" not in str(refusal)
        elif read is not None:
            assert cls.from_wire(read.to_wire()).to_wire() == read.to_wire()
    assert wire == before


@settings(max_examples=200)
@given(permissions(), known_rules(), strategies.addresses(), st.integers(0, 2**40))
def test_a_request_without_problems_can_be_granted(
    asked: Permission, rules: tuple[Rule, ...], to: Any, now: int
) -> None:
    wanted = PermissionRequest(chain_id=1, to=to, permission=asked, rules=rules)
    problems = find_request_problems(wanted, now=now, day_start_at=0)
    filled = populate(wanted, now=now)
    compiles = not list(find_compile_problems(filled.permission, filled.rules))
    assert compiles or problems
    if problems:
        return
    found = decode_permission([to_delegation(filled, delegator=Address(b"\x01" * 20), nonce=0)], chain_id=1)
    assert isinstance(found, DecodedPermission)
    assert find_request_problems(found.request, now=now, day_start_at=0) == ()


@given(st.sampled_from([*DATA]), strategies.uints())
def test_numbers_are_told_apart_from_amounts(kind: str, number: int) -> None:
    wire = request(kind)
    for name, value in wire["permission"]["data"].items():
        if isinstance(value, str) and "mount" in name:
            wire["permission"]["data"][name] = number
            with pytest.raises(PermissionFieldError):
                PermissionRequest.from_wire(wire)
            wire["permission"]["data"][name] = value


def _root(caveats: tuple[Caveat, ...]) -> Delegation:
    return Delegation(delegate=b"\x01" * 20, delegator=b"\x02" * 20, caveats=caveats, salt=MAX_UINT256)


def _with_terms(caveat: Caveat, terms: bytes) -> Caveat:
    return caveat.model_copy(update={"terms": terms})
