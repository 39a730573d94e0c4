"""What is written is read back as the same value, for everything that travels."""

from hypothesis import given
from hypothesis import strategies as st

from caveats import Address, Bytes32, Caveat, Execution, decode_caveat, format_amount, parse_amount
from caveats.execution import (
    decode_execution_batch,
    decode_packed_execution,
    encode_execution_batch,
    encode_packed_execution,
)
from caveats.types import format_hex, parse_hex, parse_uint256
from delegations.delegation import (
    Delegation,
    decode_context,
    decode_delegation,
    encode_context,
    encode_delegation,
    verify_chain,
)
from delegations.execution import ExecutionMode, decode_executions, encode_executions
from delegations.redemption import (
    Redemption,
    decode_redeem_delegations,
    encode_raw_redeem_delegations,
    encode_redeem_delegations,
)
from tests import strategies


@given(st.binary())
def test_hex_keeps_every_byte(data):
    assert parse_hex(format_hex(data)) == data


@given(strategies.addresses())
def test_an_address_is_read_back_from_its_text(address):
    assert Address(str(address)) == address


@given(strategies.words())
def test_a_word_is_read_back_from_its_text(word):
    assert Bytes32(str(word)) == word


@given(strategies.uints())
def test_a_number_is_read_back_from_decimal_and_from_hex(number):
    assert parse_uint256(str(number)) == parse_uint256(hex(number)) == number


@given(strategies.uints(), st.integers(0, 255))
def test_an_amount_is_read_back_from_its_text(units, decimals):
    assert parse_amount(format_amount(units, decimals), decimals) == units


@given(strategies.typed_terms())
def test_terms_are_read_back_from_bytes_and_from_json(terms):
    assert type(terms).decode_terms(terms.encode_terms()) == terms
    assert type(terms).from_json(terms.to_json()) == terms


@given(strategies.typed_terms(), strategies.blobs(40))
def test_a_caveat_says_the_terms_it_was_made_of(terms, args):
    decoded = decode_caveat(terms.to_caveat(args=args))
    assert (decoded.terms, decoded.would_revert) == (terms, None)


@given(strategies.caveats())
def test_a_caveat_is_read_back_from_json(caveat):
    assert Caveat.from_json(caveat.to_json()) == Caveat.from_wire(caveat.to_wire()) == caveat


@given(strategies.executions())
def test_an_execution_is_read_back_from_packed_bytes_and_from_json(execution):
    assert decode_packed_execution(encode_packed_execution(execution)) == execution
    assert Execution.from_json(execution.to_json()) == execution


@given(st.lists(strategies.executions(), max_size=4).map(tuple))
def test_a_batch_is_read_back_from_its_bytes(executions):
    assert decode_execution_batch(encode_execution_batch(executions)) == executions


@given(st.sampled_from(ExecutionMode), strategies.executions())
def test_one_execution_is_read_back_in_every_mode(mode, execution):
    assert decode_executions(mode, encode_executions(mode, [execution])) == (execution,)


@given(strategies.delegations())
def test_a_delegation_is_read_back_from_bytes_and_from_json(delegation):
    assert decode_delegation(encode_delegation(delegation)) == delegation
    assert Delegation.from_json(delegation.to_json()) == Delegation.from_wire(delegation.to_wire()) == delegation


@given(st.lists(strategies.delegations(), max_size=3).map(tuple))
def test_a_context_is_read_back_whether_it_links_or_not(context):
    assert decode_context(encode_context(context)) == context


@given(strategies.chains())
def test_a_chain_links_before_and_after_it_travels(chain):
    verify_chain(chain)
    verify_chain(decode_context(encode_context(chain)))


@given(st.lists(strategies.redemptions(), min_size=1, max_size=3).map(tuple))
def test_calldata_is_read_back(redemptions):
    assert decode_redeem_delegations(encode_redeem_delegations(redemptions)) == redemptions


@given(strategies.redemptions())
def test_a_redemption_is_read_back_from_json(redemption):
    assert Redemption.from_json(redemption.to_json()) == Redemption.from_wire(redemption.to_wire()) == redemption


@given(strategies.redemptions())
def test_raw_bytes_make_the_same_calldata(redemption):
    raw = encode_raw_redeem_delegations(
        [encode_context(redemption.context)],
        [redemption.mode.value],
        [encode_executions(redemption.mode, redemption.executions)],
    )
    assert raw == encode_redeem_delegations([redemption])
