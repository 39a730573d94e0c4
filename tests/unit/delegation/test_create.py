"""Making delegations, and what is refused while making them."""

import pytest

from caveats import Address, Bytes32, Caveat, EncodingError, LimitedCalls, VerificationError
from delegations.delegation import (
    ANY_DELEGATE,
    ROOT_AUTHORITY,
    Delegation,
    create_delegation,
    random_salt,
    redelegate,
    sign_delegation,
)

ALICE, BOB, CAROL, MANAGER = (Address(bytes([n]) * 20) for n in (1, 2, 3, 9))
ONCE = LimitedCalls(limit=1)


class Account:
    key = b"\x01" * 32


def grant(**changes):
    return create_delegation(**{"delegator": ALICE, "delegate": BOB, "caveats": [ONCE], **changes})


def refusal_of(kind, action, **arguments):
    with pytest.raises(kind) as refusal:
        action(**arguments)
    assert str(refusal.value).isprintable()
    return refusal.value


def test_a_root_delegation_is_made_of_typed_and_raw_caveats_in_their_order():
    raw = Caveat(enforcer=CAROL, terms=b"\x01")
    made = grant(caveats=[raw, ONCE], salt=7)
    assert made == Delegation(
        delegate=BOB, delegator=ALICE, authority=ROOT_AUTHORITY, caveats=(raw, ONCE.to_caveat()), salt=7
    )
    assert made.is_root
    assert not made.is_open
    assert made.signature == b""


def test_a_delegation_without_caveats_is_refused_unless_it_is_meant():
    assert grant(caveats=[], unsafe_unrestricted=True).caveats == ()
    error = refusal_of(EncodingError, grant, caveats=[])
    assert str(error) == (
        "a delegation without caveats hands over the whole account"
        " (add caveats, or write unsafe_unrestricted=True if that is what you mean)"
    )


@pytest.mark.parametrize("zero", [Address(bytes(20)), "0x" + "00" * 20], ids=["address", "text"])
def test_the_zero_address_is_refused_as_a_delegate(zero):
    error = refusal_of(EncodingError, grant, delegate=zero)
    assert str(error) == "delegate: the zero address can never redeem (use ANY_DELEGATE for an open grant)"


def test_an_open_delegation_is_made_by_name():
    assert grant(delegate=ANY_DELEGATE).is_open


def test_a_salt_is_random_unless_given():
    assert grant().salt != grant().salt
    assert grant(salt=5).hash == grant(salt=5).hash
    assert 0 <= random_salt() < 2**256


@pytest.mark.parametrize("salt", [-1, 2**256, True, 1.0, b"\x01"], ids=repr)
def test_a_salt_that_is_no_unsigned_number_is_refused(salt):
    error = refusal_of(EncodingError, grant, salt=salt)
    assert str(error).startswith("Delegation.salt: uint256: expected a whole number from 0 to 2^256-1")


@pytest.mark.parametrize("caveat", [None, 5, "0x", {}], ids=repr)
def test_a_caveat_of_another_kind_is_refused_by_its_place(caveat):
    error = refusal_of(EncodingError, grant, caveats=[ONCE, caveat])
    assert str(error).startswith("Delegation.caveats.1")


@pytest.mark.parametrize("field", ["delegator", "delegate"])
@pytest.mark.parametrize("value", [None, 5, "0x12", b"\x01" * 19, "bob"], ids=repr)
def test_a_party_that_is_no_address_is_refused(field, value):
    assert str(refusal_of(EncodingError, grant, **{field: value})).startswith("Address: expected ")


def test_a_redelegation_hangs_on_its_parent_and_needs_no_caveats_of_its_own():
    parent = grant()
    child = redelegate(parent, delegate=CAROL)
    assert (child.delegator, child.delegate, child.authority, child.caveats) == (BOB, CAROL, parent.hash, ())
    assert not child.is_root


def test_only_the_delegate_of_the_parent_passes_it_on():
    parent = grant()
    assert grant(delegator=BOB, delegate=CAROL, parent=parent).authority == parent.hash
    error = refusal_of(VerificationError, grant, delegator=CAROL, delegate=ALICE, parent=parent)
    assert str(error) == (
        f"delegator {CAROL} cannot pass on a delegation made to {BOB}"
        " (the delegator of a redelegation is the delegate of its parent)"
    )
    assert error.onchain == "InvalidDelegate()"


def test_redelegating_for_somebody_else_is_refused():
    error = refusal_of(VerificationError, redelegate, parent=grant(), delegate=ALICE, delegator=CAROL)
    assert error.onchain == "InvalidDelegate()"


def test_anybody_passes_an_open_delegation_on_by_saying_who_does():
    parent = grant(delegate=ANY_DELEGATE)
    assert redelegate(parent, delegate=BOB, delegator=CAROL).delegator == CAROL
    error = refusal_of(EncodingError, redelegate, parent=parent, delegate=BOB)
    assert str(error) == "delegator: the parent is open, so say who passes it on"


def test_args_are_given_to_the_caveats_at_their_places():
    made = grant(caveats=[ONCE, ONCE]).with_args({1: b"\x05"})
    assert [caveat.args for caveat in made.caveats] == [b"", b"\x05"]


@pytest.mark.parametrize("place", [-1, 1, 2**64])
def test_args_for_a_caveat_that_is_not_there_are_refused(place):
    with pytest.raises(EncodingError, match=rf"caveat index: expected .*1 caveats.*, got {place}"):
        grant().with_args({place: b""})


@pytest.mark.parametrize("args", [None, 5, "no"], ids=repr)
def test_args_that_are_no_bytes_are_refused(args):
    with pytest.raises(EncodingError, match="bytes: expected "):
        grant().with_args({0: args})


def test_a_signature_is_carried_as_bytes():
    assert grant().with_signature(bytearray(b"\x01")).signature == b"\x01"


@pytest.mark.parametrize("value", [65, None, True, "no"], ids=repr)
def test_a_signature_that_is_no_bytes_is_refused(value):
    with pytest.raises(EncodingError, match="bytes: expected "):
        grant().with_signature(value)


def test_signing_a_root_without_caveats_is_refused_unless_it_is_meant():
    bare = grant(caveats=[], unsafe_unrestricted=True)
    where = {"chain_id": 1, "manager": MANAGER}
    assert len(sign_delegation(bare, Account, **where, unsafe_unrestricted=True).signature) == 65
    error = refusal_of(EncodingError, sign_delegation, delegation=bare, account=Account, **where)
    assert "refused to sign a root delegation without caveats" in str(error)
    assert "unsafe_unrestricted=True" in str(error)


def test_signing_a_link_without_caveats_of_its_own_is_fine():
    child = redelegate(grant(), delegate=CAROL)
    assert len(sign_delegation(child, Account, chain_id=1, manager=MANAGER).signature) == 65


@pytest.mark.parametrize(("salt", "number"), [("0x", 0), ("0x5", 5), ("0x05", 5), ("5", 5), (5, 5)], ids=repr)
def test_a_salt_is_read_in_the_forms_wallets_write(salt, number):
    wire = {**grant().to_wire(), "salt": salt}
    assert Delegation.from_wire(wire).salt == number


def test_the_wire_form_has_every_field_by_the_kits_names():
    wire = grant(salt=5).to_wire()
    assert list(wire) == ["delegate", "delegator", "authority", "caveats", "salt", "signature"]
    assert wire["salt"] == "0x" + "00" * 31 + "05"
    assert (wire["authority"], wire["signature"]) == ("0x" + "ff" * 32, "0x")
    assert list(wire["caveats"][0]) == ["enforcer", "terms", "args"]


@pytest.mark.parametrize(
    ("change", "piece"),
    [
        ({"delegatee": str(BOB)}, "Delegation.delegatee: there is no such field"),
        ({"chainId": 1}, "Delegation.chainId: there is no such field"),
        ({"delegate": None}, "Delegation.delegate: Address: expected a 0x hex string, got None"),
        ({"authority": "0x00"}, "Delegation.authority: Bytes32: expected 32 bytes, got 1 bytes"),
        ({"salt": -1}, "Delegation.salt: uint256: expected a whole number from 0 to 2^256-1"),
        ({"salt": None}, "Delegation.salt: uint256: expected a whole number"),
        ({"caveats": None}, "Delegation.caveats: expected a list, got None"),
        ({"caveats": "0x"}, "Delegation.caveats: expected a list, got 0x"),
        ({"caveats": [5]}, "Delegation.caveats.0: expected an object with named fields, got 5"),
        ({"caveats": [{}]}, "Delegation.caveats.0.enforcer: this field is required"),
        ({"caveats": [{"enforcer": str(BOB), "term": "0x"}]}, "Delegation.caveats.0.term: there is no such field"),
        ({"signature": "0x123"}, "odd number of digits"),
        ({"signature": "1234"}, "prefix it with 0x"),
    ],
)
def test_a_file_that_is_no_delegation_is_refused_by_its_field(change, piece):
    wire = {**grant().to_wire(), **change}
    assert piece in str(refusal_of(EncodingError, Delegation.from_wire, value=wire))


@pytest.mark.parametrize("field", ["delegate", "delegator", "salt"])
def test_a_file_without_a_field_is_refused_by_its_name(field):
    wire = {name: value for name, value in grant().to_wire().items() if name != field}
    error = refusal_of(EncodingError, Delegation.from_wire, value=wire)
    assert str(error) == f"Delegation.{field}: this field is required"


def test_the_authority_of_a_root_is_all_ones():
    assert Bytes32("0x" + "ff" * 32) == ROOT_AUTHORITY
    assert Address("0x0000000000000000000000000000000000000a11") == ANY_DELEGATE
