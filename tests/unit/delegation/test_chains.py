"""How links hang together, as the manager demands it."""

import pytest

from caveats import Address, Bytes32, EncodingError, LimitedCalls, VerificationError
from caveats.abi import encode_uint
from delegations.delegation import (
    ANY_DELEGATE,
    create_delegation,
    decode_context,
    encode_context,
    redelegate,
    verify_chain,
)

ALICE, BOB, CAROL, DAVE = (Address(bytes([n]) * 20) for n in (1, 2, 3, 4))
ROOT = create_delegation(delegator=ALICE, delegate=BOB, caveats=[LimitedCalls(limit=1)], salt=0)
MIDDLE = redelegate(ROOT, delegate=CAROL, salt=1)
LEAF = redelegate(MIDDLE, delegate=DAVE, salt=2)


def refusal_of(*context):
    with pytest.raises(VerificationError) as refusal:
        verify_chain(context)
    assert str(refusal.value).isprintable()
    return refusal.value


@pytest.mark.parametrize("context", [(), (ROOT,), (MIDDLE, ROOT), (LEAF, MIDDLE, ROOT)], ids=len)
def test_a_chain_that_links_leaf_to_root_holds(context):
    verify_chain(context)


def test_a_chain_that_does_not_end_in_a_root_is_refused():
    error = refusal_of(LEAF, MIDDLE)
    assert str(error) == (
        f"link 1 is last but not a root: its authority is {ROOT.hash}"
        " (a permission context runs from the leaf to the root)"
    )
    assert error.onchain == "InvalidAuthority()"


def test_a_chain_from_root_to_leaf_is_refused_with_the_order_it_should_have():
    error = refusal_of(ROOT, MIDDLE, LEAF)
    assert "link 0 has the authority" in str(error)
    assert "from the leaf to the root" in str(error)
    assert error.onchain == "InvalidAuthority()"


def test_a_chain_with_a_link_left_out_is_refused():
    assert refusal_of(LEAF, ROOT).onchain == "InvalidAuthority()"


def test_a_link_given_by_somebody_who_did_not_receive_it_is_refused():
    stolen = MIDDLE.model_copy(update={"delegator": DAVE})
    error = refusal_of(stolen, ROOT)
    assert str(error) == f"link 0 is given by {DAVE}, but the next delegation was made to {BOB}"
    assert error.onchain == "InvalidDelegate()"


def test_anybody_may_stand_below_an_open_link():
    open_root = create_delegation(delegator=ALICE, delegate=ANY_DELEGATE, caveats=[LimitedCalls(limit=1)])
    verify_chain((redelegate(open_root, delegate=CAROL, delegator=DAVE), open_root))


def test_a_link_below_a_changed_parent_is_refused():
    verify_chain((MIDDLE, ROOT))
    assert refusal_of(MIDDLE, ROOT.model_copy(update={"salt": 1})).onchain == "InvalidAuthority()"


def test_a_link_does_not_notice_args_or_signature_of_its_parent():
    verify_chain((MIDDLE, ROOT.with_args({0: b"\x01"}).with_signature(b"\x02")))


def test_the_self_authorised_context_is_two_words():
    assert encode_context(()) == encode_uint(32) + encode_uint(0)
    assert decode_context(encode_uint(32) + encode_uint(0)) == ()


def test_no_bytes_are_no_context():
    with pytest.raises(EncodingError) as refusal:
        decode_context(b"")
    assert str(refusal.value) == "permission context: the data ends at byte 0, inside the word at byte 0"


def test_bytes_after_a_context_are_read_over_as_on_chain():
    assert decode_context(encode_context((MIDDLE, ROOT)) + b"\x01" * 40) == (MIDDLE, ROOT)


@pytest.mark.parametrize("field", [0, 1], ids=["delegate", "delegator"])
def test_an_address_with_dirty_high_bytes_is_refused(field):
    data = bytearray(encode_context((ROOT,)))
    data[96 + 32 * field] = 1
    with pytest.raises(
        EncodingError, match=r"permission context: .* is not an address: its first 12 bytes are not zero"
    ):
        decode_context(bytes(data))


def test_a_context_of_more_links_than_bytes_is_refused_at_once():
    with pytest.raises(EncodingError, match="the data ends before their heads"):
        decode_context(encode_uint(32) + encode_uint(2**63))


def test_an_authority_is_a_whole_word():
    assert ROOT.authority == Bytes32(b"\xff" * 32)
    assert MIDDLE.authority == ROOT.hash
