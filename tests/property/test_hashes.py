"""The hash moves with everything that is signed, and with nothing else."""

from hypothesis import assume, given
from hypothesis import strategies as st

from delegations.delegation import hash_to_sign
from delegations.eip712 import hash_domain
from tests import strategies


def signed_parts(caveats):
    return [(caveat.enforcer, caveat.terms) for caveat in caveats]


@given(
    strategies.delegations(), strategies.delegations(), st.sampled_from(["delegate", "delegator", "authority", "salt"])
)
def test_the_hash_moves_with_every_plain_field(delegation, other, field):
    assume(getattr(delegation, field) != getattr(other, field))
    assert delegation.model_copy(update={field: getattr(other, field)}).hash != delegation.hash


@given(strategies.delegations(), st.sampled_from(["delegate", "delegator", "authority"]), st.data())
def test_the_hash_moves_with_one_bit_of_a_field(delegation, field, data):
    value = bytearray(getattr(delegation, field))
    bit = data.draw(st.integers(0, len(value) * 8 - 1))
    value[bit // 8] ^= 1 << bit % 8
    changed = type(getattr(delegation, field))(bytes(value))
    assert delegation.model_copy(update={field: changed}).hash != delegation.hash


@given(strategies.delegations(), st.integers(0, 255))
def test_the_hash_moves_with_one_bit_of_the_salt(delegation, bit):
    assert delegation.model_copy(update={"salt": delegation.salt ^ (1 << bit)}).hash != delegation.hash


@given(strategies.delegations(), strategies.caveats(), st.sampled_from(["enforcer", "terms"]), st.data())
def test_the_hash_moves_with_enforcer_and_terms_of_each_caveat(delegation, other, field, data):
    assume(delegation.caveats)
    place = data.draw(st.integers(0, len(delegation.caveats) - 1))
    caveats = list(delegation.caveats)
    assume(getattr(caveats[place], field) != getattr(other, field))
    caveats[place] = caveats[place].model_copy(update={field: getattr(other, field)})
    assert delegation.model_copy(update={"caveats": tuple(caveats)}).hash != delegation.hash


@given(strategies.delegations(), st.randoms(use_true_random=False))
def test_the_hash_moves_with_the_order_of_caveats(delegation, random):
    shuffled = list(delegation.caveats)
    random.shuffle(shuffled)
    moved = delegation.model_copy(update={"caveats": tuple(shuffled)}).hash != delegation.hash
    assert moved == (signed_parts(shuffled) != signed_parts(delegation.caveats))


@given(strategies.delegations(), strategies.caveats(), st.data())
def test_the_hash_moves_with_a_caveat_more(delegation, caveat, data):
    place = data.draw(st.integers(0, len(delegation.caveats)))
    more = (*delegation.caveats[:place], caveat, *delegation.caveats[place:])
    assert delegation.model_copy(update={"caveats": more}).hash != delegation.hash


@given(strategies.delegations(), strategies.blobs())
def test_the_hash_stays_whatever_the_signature(delegation, signature):
    assert delegation.with_signature(signature).hash == delegation.hash


@given(strategies.delegations(), strategies.blobs())
def test_the_hash_stays_whatever_the_args(delegation, args):
    assert delegation.with_args(dict.fromkeys(range(len(delegation.caveats)), args)).hash == delegation.hash


@given(strategies.delegations(), strategies.uints(), strategies.uints(), strategies.addresses())
def test_the_digest_moves_with_the_chain(delegation, one, other, manager):
    assume(one != other)
    assert hash_to_sign(delegation, chain_id=one, manager=manager) != hash_to_sign(
        delegation, chain_id=other, manager=manager
    )


@given(strategies.delegations(), strategies.uints(), strategies.addresses(), strategies.addresses())
def test_the_digest_moves_with_the_manager(delegation, chain_id, one, other):
    assume(one != other)
    assert hash_to_sign(delegation, chain_id=chain_id, manager=one) != hash_to_sign(
        delegation, chain_id=chain_id, manager=other
    )
    assert hash_domain(chain_id, one) != hash_domain(chain_id, other)
