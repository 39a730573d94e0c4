"""What is cut, changed or random is refused by our own errors, and never by another."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caveats import (
    ENFORCERS,
    Address,
    Bytes32,
    Caveat,
    DelegationsError,
    EncodingError,
    Execution,
    TermsError,
    TokenInfo,
    decode_caveat,
    parse_amount,
)
from caveats.execution import encode_execution_batch
from caveats.types import parse_bytes, parse_hex, parse_uint128, parse_uint256
from delegations.delegation import (
    Delegation,
    decode_context,
    decode_delegation,
    encode_context,
    encode_delegation,
)
from delegations.execution import ExecutionMode, decode_executions, parse_mode
from delegations.redemption import (
    REDEEM_DELEGATIONS,
    Redemption,
    decode_redeem_delegations,
    encode_redeem_delegations,
)
from tests import strategies
from tests.vectors.tables import list_named, list_tabled, load_table

BYTES = load_table("redemptions")
WIRE_MODELS = [Caveat, Execution, Delegation, Redemption, *ENFORCERS]
ENTRIES = [decode_context, decode_delegation, decode_redeem_delegations]


def refused_by_us(action, *args):
    """Whether `action` refuses with an error of ours on one line; any other exception passes through."""
    try:
        action(*args)
    except DelegationsError as error:
        message = str(error)
    else:
        return False
    assert message.isprintable()
    assert len(message) < 600
    return True


def used(data, tail):
    """How many bytes count when the last value in `data` is the `bytes` value `tail`: its padding is idle."""
    return len(data) - -len(tail) % 32


def context_used(context):
    data = encode_context(context)
    return used(data, context[-1].signature) if context else len(data)


@pytest.mark.parametrize("row", list_named(BYTES["contexts"]))
def test_a_context_cut_at_any_byte_is_refused(row):
    data = parse_hex(row["encoded"])
    whole = decode_context(data)
    for cut in range(len(data)):
        if cut < context_used(whole):
            with pytest.raises(EncodingError):
                decode_context(data[:cut])
        else:
            assert decode_context(data[:cut]) == whole


@pytest.mark.parametrize("row", list_named(BYTES["calldata"]))
def test_calldata_cut_at_any_byte_is_refused(row):
    data = parse_hex(row["encoded"])
    last = next(r for r in BYTES["executions"] if r["about"] == row["redemptions"][-1]["executions"])
    for cut in range(used(data, parse_hex(last["encoded"]))):
        with pytest.raises(EncodingError):
            decode_redeem_delegations(data[:cut])


@given(strategies.chains(min_size=0, max_size=3), st.data())
def test_any_context_cut_anywhere_is_refused(chain, data):
    cut = data.draw(st.integers(0, context_used(chain) - 1))
    with pytest.raises(EncodingError) as refusal:
        decode_context(encode_context(chain)[:cut])
    assert str(refusal.value).startswith("permission context: ")
    assert str(refusal.value).isprintable()


@given(strategies.delegations(), st.data())
def test_any_delegation_cut_anywhere_is_refused(delegation, data):
    encoded = encode_delegation(delegation)
    cut = data.draw(st.integers(0, used(encoded, delegation.signature) - 1))
    with pytest.raises(EncodingError):
        decode_delegation(encoded[:cut])


@given(st.lists(strategies.executions(), max_size=3), st.data())
def test_any_batch_cut_anywhere_is_refused(executions, data):
    encoded = encode_execution_batch(executions)
    end = used(encoded, executions[-1].call_data) if executions else len(encoded)
    cut = data.draw(st.integers(0, end - 1))
    with pytest.raises(EncodingError):
        decode_executions(ExecutionMode.BATCH_DEFAULT, encoded[:cut])


@given(st.text(max_size=3), st.sampled_from(WIRE_MODELS), strategies.delegations(), st.data())
def test_json_cut_anywhere_is_refused(more, cls, delegation, data):
    text = delegation.to_json()
    assert refused_by_us(cls.from_json, text[: data.draw(st.integers(0, len(text) - 1))])
    if more.strip(" \t\r\n"):
        assert refused_by_us(cls.from_json, text + more)


@given(st.binary(max_size=400), st.sampled_from(ENTRIES))
def test_random_bytes_are_refused_by_us_or_read(data, decode):
    refused_by_us(decode, data)
    refused_by_us(decode, REDEEM_DELEGATIONS + data)


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from([0, 1, 2, 32, 64, 96, 128, 192, 2**64 - 1, 2**64, 2**255, 2**256 - 1]), max_size=24),
    st.binary(max_size=31),
    st.sampled_from(ENTRIES),
)
def test_words_that_look_like_offsets_are_refused_by_us_or_read(words, tail, decode):
    data = b"".join(word.to_bytes(32, "big") for word in words) + tail
    refused_by_us(decode, data)
    refused_by_us(decode, REDEEM_DELEGATIONS + data)


@given(st.binary(max_size=300), st.sampled_from(ExecutionMode))
def test_random_bytes_in_the_place_of_executions_are_refused_by_us_or_read(data, mode):
    refused_by_us(decode_executions, mode, data)


def overwrite(data, at, word):
    return data[: 32 * at] + word.to_bytes(32, "big") + data[32 * at + 32 :]


@settings(max_examples=300)
@given(strategies.chains(max_size=2), st.data())
def test_a_context_with_one_word_changed_is_refused_by_us_or_read_consistently(chain, data):
    encoded = encode_context(chain)
    at = data.draw(st.integers(0, len(encoded) // 32 - 1))
    changed = overwrite(encoded, at, data.draw(strategies.uints() | st.integers(0, 40).map(lambda n: 16 * n)))
    try:
        read = decode_context(changed)
    except EncodingError:
        return
    assert decode_context(encode_context(read)) == read


@settings(max_examples=300)
@given(st.lists(strategies.redemptions(), min_size=1, max_size=2), st.data())
def test_calldata_with_one_word_changed_is_refused_by_us_or_read_consistently(redemptions, data):
    encoded = encode_redeem_delegations(redemptions)[4:]
    at = data.draw(st.integers(0, len(encoded) // 32 - 1))
    changed = overwrite(encoded, at, data.draw(strategies.uints() | st.integers(0, 40).map(lambda n: 16 * n)))
    try:
        read = decode_redeem_delegations(REDEEM_DELEGATIONS + changed)
    except DelegationsError:
        return
    assert not read or decode_redeem_delegations(encode_redeem_delegations(read)) == read


@pytest.mark.parametrize("cls", list_tabled(), ids=lambda cls: cls.__name__)
@given(data=st.data())
def test_bytes_in_the_place_of_terms_are_refused_as_on_chain_or_read_consistently(cls, data):
    terms = data.draw(strategies.terms_bytes_of(cls))
    try:
        read = cls.decode_terms(terms)
    except TermsError as error:
        onchain = error.onchain
    else:
        onchain = ""
        assert cls.decode_terms(read.encode_terms()) == read
        assert all(problem.isprintable() for problem in read.problems())
    assert onchain in ("", *map(cls.revert_of, cls.REVERTS))


@pytest.mark.parametrize("cls", list_tabled(), ids=lambda cls: cls.__name__)
@given(data=st.data(), symbol=st.sampled_from(["USDC", "\u20bf"]), decimals=st.integers(0, 255))
def test_every_caveat_is_described_in_one_sentence(cls, data, symbol, decimals):
    decoded = decode_caveat(Caveat(enforcer=cls.ADDRESS, terms=data.draw(strategies.terms_bytes_of(cls))))
    known = {Address(bytes(20)): TokenInfo(symbol, decimals)}
    known |= {
        value: TokenInfo(symbol, decimals) for value in vars(decoded.terms or object).values() if type(value) is Address
    }
    for tokens in (None, {}, known):
        sentence = decoded.describe(tokens)
        assert sentence.isprintable()
        assert sentence.endswith(".")


@given(strategies.raw_caveats())
def test_a_caveat_of_anybody_is_decoded_without_an_error(caveat):
    assert decode_caveat(caveat).describe()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
PARSERS = [Address, Bytes32, parse_hex, parse_bytes, parse_uint256, parse_uint128, parse_mode]


@given(ANYTHING, st.sampled_from(PARSERS))
def test_anything_given_for_a_value_is_refused_by_us_or_read(value, parse):
    refused_by_us(parse, value)


@given(ANYTHING, st.integers(0, 255))
def test_anything_given_for_an_amount_is_refused_by_us_or_read(value, decimals):
    refused_by_us(parse_amount, value, decimals)


@given(ANYTHING, st.sampled_from(WIRE_MODELS))
def test_anything_given_for_a_model_is_refused_by_us(value, cls):
    # an empty object, too: no model does without every field
    assert refused_by_us(cls.from_wire, value)


@given(strategies.delegations(), ANYTHING, st.data())
def test_anything_given_for_a_field_of_a_delegation_is_refused_by_us_or_read(delegation, value, data):
    wire = delegation.to_wire()
    field = data.draw(st.sampled_from([*wire, "surprise"]))
    refused_by_us(Delegation.from_wire, {**wire, field: value})
